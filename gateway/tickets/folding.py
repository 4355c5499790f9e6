"""Before the promise: is this mail a known alert again, or the very text that its customer has sent already?

One indexed look-up, by the alert's key or the hash of the masked text; `routing.relate` judges what it gives. Only a verified
sender may add to a ticket, and a text only under the same subject and when it says enough to be told from any other: "non
funziona" twice may be two troubles. Refuses to compare texts: that is the `relate` job's, after the promise.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.store import tickets, traces
from gateway.store.directory import StoredFinder
from gateway.store.tickets import NewEntry
from identity.people import Recognition
from parsers import Message
from routing import facts, relate
from routing.facts import Trace
from routing.relate_policy import Policy
from routing.tickets import Ticket

WORDS = {
    "problem": "the monitoring system tells of it again",
    "recovery": "the monitoring system says that it recovered",
}
FEWEST_WORDS = 12  # content words of a body that is known for the same one before the promise


class Fold(NamedTuple):
    """A report that belongs to a ticket at once, and why."""

    ticket_id: int
    trace: Trace
    evidence: tuple[str, ...]


def trace_of(finder: StoredFinder, message: Message, who: Recognition, channel: str, received: datetime) -> Trace:
    """What a mail names. `id` is filled in when its ticket is known. The customer's sites cost no look-up: who recognised the
    sender has read the customer in this transaction."""
    sender = message.from_.addr if message.from_ else ""
    customer = finder.by_id(who.customer) if who.customer else None
    return facts.trace(
        "", received, channel, who.customer, sender or "", message.subject or "", message.reply_text,
        customer.sites if customer else (),
    )  # fmt: skip


def fold(
    connection: Connection, finder: StoredFinder, message: Message, who: Recognition, channel: str, received: datetime,
    policy: Policy,
) -> Fold | None:  # fmt: skip
    """The open ticket that this report repeats word for word, or whose alert it is again."""
    if who.customer is None or not who.verified:
        return None
    sender = message.from_.addr if message.from_ else ""
    key = facts.whole_key(channel, sender or "", message.subject or "", message.reply_text)
    if key is None:
        return None
    known = traces.repeated(connection, who.customer, key, relate.since(received, policy))
    if not known:
        return None
    trace = trace_of(finder, message, who, channel, received)
    over = () if trace.alert else traces.ended(connection, who.customer, relate.since(received, policy))
    related = relate.relate(trace, (*known, *over), policy=policy)
    if related.decision != "same" or related.root is None:
        return None
    if trace.alert is None and not any(_whole(trace, one.trace) for one in known if one.trace.id == related.of):
        return None
    told = tuple(f"related: {line}" for line in related.why)
    return Fold(int(related.root), trace, told)


def _whole(new: Trace, old: Trace) -> bool:
    """Subject and body are the same (Re: and reminders aside), and there is enough of it."""
    return new.title == old.title and new.body == old.body and len(new.body) >= FEWEST_WORDS


def told(connection: Connection, ticket: Ticket, one: Fold) -> None:
    """The ticket's story and the next comparison know of it."""
    traces.keep(connection, ticket.id, one.trace)
    words = WORDS[one.trace.alert.state] if one.trace.alert else "the same report again"
    tickets.tell(
        connection,
        ticket.id,
        one.trace.at,
        NewEntry("state", "presa", {"words": words, "text": "\n".join(one.evidence)}),
    )
