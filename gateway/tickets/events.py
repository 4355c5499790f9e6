"""A report that is an event of a customer's monitoring, by HTTP or by mail: its line of the desk's table, and whom it is told.

Only desks that have an event table take mails for events. Refuses to fold repetitions (`gateway.tickets.folding`) and to decide who is
rung.
"""

from typing import NamedTuple

from gateway.mail.author import Author
from gateway.mail.values import Mail
from gateway.store.directory import StoredFinder
from identity.people import Recognition
from routing import alerts, proactive
from routing.desk import Channel, Desk, Kind


class Event(NamedTuple):
    """What an event is to a desk."""

    channel: Channel
    kind: Kind
    priority: str
    state: proactive.State


def of(mail: Mail, author: Author, who: Recognition, desk: Desk) -> Event | None:
    """The event that this report is; None for what people write."""
    message = mail.message
    if author.channel not in ("event", "mail") or (author.channel == "mail" and not desk.events):
        return None
    sender = message.from_.addr if message.from_ else ""
    alert = alerts.read(author.channel, sender or "", message.subject or "", message.reply_text)
    if author.channel == "event":
        given = author.given
        state = alert.state if alert else "problem"
        return Event("event", given.kind or proactive.kind_of(desk), given.priority or desk.default_priority, state)
    if alert is None or not who.verified:
        return None
    rule = proactive.rule_of(desk, message.subject or "", message.reply_text)
    if rule is None and alert.state == "problem":
        return None  # the desk's words say how bad it is
    plan = desk.plans.get(who.plan or "")
    priority = proactive.priority(desk, rule, alert.state)
    return Event(proactive.channel_of(plan), proactive.kind_of(desk), priority, alert.state)


def whom_to_tell(finder: StoredFinder, who: Recognition) -> str | None:
    """The customer's person who is told of an event that a machine brought; None where nobody has an address."""
    customer = finder.by_id(who.customer) if who.customer else None
    people = (
        [one for one in customer.contacts if one.authorised and not one.end_user and one.emails] if customer else []
    )
    return people[0].emails[0] if people else None
