"""What is written down of a mail: its entry in a ticket's story, its facts in the ledger, the ids it may be known by.

Refuses to decide anything and to write by itself: the story does.
"""

from collections.abc import Iterable
from typing import Any

from gateway.filing import shown
from gateway.mail.values import Mail, Outcome
from gateway.store.tickets import Entry, NewEntry
from identity.people import Recognition
from parsers import Message
from routing import loops

COUNTED = ("new", "held")  # outcomes of mails that nobody verified and whose words are counted
_FORWARDS = ("fwd:", "fw:", "wg:", "i:", "tr:", "rv:", "enc:", "inoltra:")


def of_mail(mail: Mail, who: Recognition | None) -> NewEntry:
    """What the story shows of a mail at once; the whole of it stands in the raw store under its sha256."""
    message = mail.message
    author = message.from_.addr if message.from_ else "nobody"
    return NewEntry("mail-in", author, {
        "sha256": mail.sha256, "from": author, "name": message.from_.name if message.from_ else "",
        "to": [address.addr for address in message.to][:20], "cc": [address.addr for address in message.cc][:20],
        "subject": shown(message.subject or ""), "text": message.reply_text, "message_id": message.message_id,
        "automatic": message.automatic, "verified": bool(who and who.verified),
        "attachments": [
            [one.filename, one.content_type, one.size, one.inline, one.content_id, one.sha256]
            for one in message.attachments
        ],
        "html": message.html is not None,
    })  # fmt: skip


def of_all(mail: Mail, who: Recognition) -> tuple[NewEntry, ...]:
    """The mail, and what is missing of it."""
    if not mail.arrival.whole:
        return (of_mail(mail, who),)
    words = f"the mail was too big: of {mail.arrival.whole} bytes the first {len(mail.arrival.raw)} are here"
    return of_mail(mail, who), NewEntry("state", "presa", {"words": words})


def facts(done: Outcome) -> dict[str, Any]:
    """What the ledger keeps of an outcome."""
    return {
        "outcome": done.outcome, "reason": done.reason, "ticket_id": done.ticket_id,
        "customer": done.who.customer if done.who else None, "verified": done.who.verified if done.who else False,
        "acknowledge": done.acknowledge, "evidence": list(done.evidence),
    }  # fmt: skip


def line(mail: Mail, done: Outcome, twin: int | None) -> dict[str, Any]:
    """The ledger's line of a mail that came now."""
    arrival = mail.arrival
    counted = done.who is not None and not done.who.verified and done.outcome in COUNTED
    return {
        "key": None if twin else mail.key, "twin": twin, "at": arrival.received, "door": arrival.door,
        "peer": arrival.peer, "envelope_from": arrival.envelope_from, "rcpt": list(arrival.rcpt),
        "message_id": mail.message.message_id, "sha256": mail.sha256, **facts(done),
        "words": words(mail.message) if counted else None,
    }  # fmt: skip


def marks(mail: Mail) -> tuple[str, ...]:
    """What keeps us from reading all of it: its sender is told."""
    encrypted = (mail.message.protection or "").endswith("-encrypted")
    return tuple(mark for mark, holds in (("too-big", mail.arrival.whole), ("encrypted", encrypted)) if holds)


def named(message: Message) -> tuple[str, ...]:
    """The ids by which a later mail of the same thread may be known, besides this mail's own."""
    return tuple(dict.fromkeys((*((message.in_reply_to,) if message.in_reply_to else ()), *message.references)))


def words(message: Message) -> str:
    """The same for mails that say the same."""
    return loops.words_key(message.subject or "", message.reply_text)


def words_of(story: Iterable[Entry]) -> str | None:
    """The same of the mail that opened a ticket, by its story; None where no mail did."""
    first = next((one for one in story if one.kind == "mail-in"), None)
    return loops.words_key(str(first.data.get("subject", "")), str(first.data.get("text", ""))) if first else None


def is_forward(subject: str | None) -> bool:
    return (subject or "").lstrip().lower().startswith(_FORWARDS)


def of_ours(message: Message, number: str) -> tuple[str, str]:
    """What a report of another server says of our mail on that ticket: (reason code, words)."""
    if message.certified is not None and is_receipt(message) and not message.is_bounce:
        return "receipt", f"Certified mail says of our mail on {number}: {message.certified.receipt}"
    if message.automatic == "delay":  # it may still arrive: a line of the story, nobody is called
        return "delay", f"Our mail on {number} is late; the other server still tries"
    failed = ", ".join(message.failed_recipients) or "somebody"
    return "bounce", f"Our mail on {number} did not reach {failed}; call the customer or correct the address"


def is_receipt(message: Message) -> bool:
    """A provider's receipt of a certified mail (PEC)."""
    return message.certified is not None and message.certified.kind == "receipt"
