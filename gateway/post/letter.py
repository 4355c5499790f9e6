"""The facts of one outgoing mail.

What an automatic letter may say is fixed by its type: a Receipt has no field for the sender's subject or text, so no
caller can repeat them (a mail desk that does is a relay for spam). Refuses to hold more than one recipient.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from unicodedata import normalize

Note = Literal[
    "channel_not_in_plan",
    "urgent_not_in_plan",
    "sender_unknown",
    "encrypted",
    "too_big",
    "language_best_effort",
    "no_cover",
    "product_not_covered",
    "partner_serves",
    "contact_unknown",
    "end_user",
    "kind_not_granted",
    "several_problems",
]
Missing = Literal["example", "context", "configuration", "steps", "account", "service", "customer_code"]
Event = Literal[
    "pin_tried", "pin_code", "taken", "priority", "waiting", "resumed", "resolved", "closed", "too_big", "encrypted"
]

# One addr-spec of RFC 5322 or 6532 without quoting, comments and literals: what needs those can't be written to safely.
_LOCAL = r"[^\s()<>\[\]:;@\\,\"]{1,64}"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_MAILBOX = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
_ID = re.compile(r"[!-;=?-~]{1,200}@[!-;=?-~]{1,200}", re.ASCII)


class Promise(Protocol):
    """One clock of a ticket; `routing.sla.Clock` is one."""

    @property
    def target(self) -> str: ...
    @property
    def due(self) -> datetime | None: ...
    @property
    def best_effort(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement of a report: an automatic answer to a mail.

    `clocks`: what was promised; one without `due` that is not best effort stands still in a pause. `priority`: the
    desk's own word for it, "" to leave it out. `updates_every`: ISO 8601. `notes`: what else the sender must know.
    `channels`: those of the plan, said only with the note `channel_not_in_plan`. `missing`: what the desk needs and
    did not find. `callback`: the address by which they may ask to be called back."""

    clocks: tuple[Promise, ...] = ()
    priority: str = ""
    updates_every: str | None = None
    notes: tuple[Note, ...] = ()
    channels: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    callback: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent wrote. `about`: the conversation's subject, so that the customer's mail program keeps it
    together."""

    text: str
    agent: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened to the ticket that the customer is told by itself. `text`: an agent's words, if any."""

    event: Event
    priority: str = ""
    clocks: tuple[Promise, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """A ticket reaches somebody of ours whom the matrix names. `subject`: the customer's, for colleagues' eyes only."""

    whom: str
    fell_due: datetime
    customer: str = ""
    plan: str = ""
    priority: str = ""
    subject: str = ""
    link: str = ""


Content = Receipt | Answer | Notice | Escalation


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one person. Ids are without <>; `zone` is the IANA name of the zone that times are said in."""

    to: str
    language: str
    zone: str
    number: str
    desk_name: str
    desk_address: str
    reply_address: str
    message_id: str
    date: datetime
    content: Content
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


def mailbox(text: str) -> str | None:
    """The text itself when it is exactly one plain address that a letter may go to, else None.

    Quoted local parts, address literals and routes are real but refused: some relays read them as several addresses.
    A domain must be its own compatibility form: a relay that folds full-width letters would send to somebody else."""
    if not _MAILBOX.fullmatch(text) or not text.isprintable() or len(text.encode()) > 254:
        return None
    domain = text.rpartition("@")[2]
    return text if normalize("NFKC", domain) == domain else None


def message_ids(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the ids that can stand in a header as they are (RFC 5322 section 3.6.4), without <> and each once."""
    bare = (text.strip().removeprefix("<").removesuffix(">") for text in texts)
    return tuple(dict.fromkeys(text for text in bare if _ID.fullmatch(text)))
