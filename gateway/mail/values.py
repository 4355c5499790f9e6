"""The values of the story: a report as its door got it, a mail in hand, and what became of it. Nothing happens here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.mail.forms import Given
from identity.people import Authentication, Recognition
from parsers import Message
from routing.decide import Decision


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report as a door got it. `received` is the provable instant of receipt: every clock starts there.

    `given`: what a portal or form says besides the words; `raw` then holds the words as a mail. `edge`: the door knows
    that our edge handed it in. `whole`: the size of a mail of which `raw` is only the beginning. `quiet`: nobody is
    answered or rung, for it is an old story."""

    door: str
    peer: str
    envelope_from: str | None
    rcpt: tuple[str, ...]
    raw: bytes
    received: datetime
    helo: str = ""
    given: Given | None = None
    edge: bool = False
    whole: int | None = None
    quiet: bool = False
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in hand: read and authenticated, not yet filed. `settles`: the ledger's line it has already, if any."""

    arrival: Arrival
    sha256: str
    compressed: bytes
    key: str
    message: Message
    authentication: Authentication
    settles: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a report: exactly one of new, append, duplicate, held, refused."""

    outcome: str
    reason: str | None = None
    ticket_id: int | None = None
    number: str | None = None
    who: Recognition | None = None
    decision: Decision | None = None
    acknowledge: bool = False
    evidence: tuple[str, ...] = ()


Beside = Callable[[Connection, Outcome], None]
"""What a door writes in the transaction of a mail it hands in."""
