"""What the shell says back to a request (`ivr/requests.py`). Refuses to know databases and clocks: these are facts as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Hours = Literal["open", "pin", "no_pin", "not_entitled", "locked", "no_proof", "information"]
Status = Literal["new", "taken", "waiting", "resolved", "closed"]


@dataclass(frozen=True, slots=True)
class CustomerKnown:
    """`hours`: open (no PIN, no page), pin (ask it), no_pin, not_entitled, locked, no_proof (a message), information (a
    question: a ticket at once). `language`: the one that on-call speaks, when it is not the caller's.

    `greet`: the name may be spoken; not when only a code was keyed, for codes can be tried one after the other.
    """

    customer: str
    name: str
    hours: Hours
    greet: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class CallerKnown:
    """The calling number is on file for this customer alone."""

    customer: str
    name: str


@dataclass(frozen=True, slots=True)
class CallerUnknown:
    """The calling number is on file for nobody, or for several."""


@dataclass(frozen=True, slots=True)
class TicketFound:
    """The ticket is this customer's. `look_by`: its next deadline, None without one."""

    ticket: str
    status: Status
    look_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketSlip:
    """The check digit does not fit: a slip of the finger."""


@dataclass(frozen=True, slots=True)
class TicketUnknown:
    """This customer has no such ticket."""


@dataclass(frozen=True, slots=True)
class Escalated:
    """It stands on the ticket, and who must know is told."""


@dataclass(frozen=True, slots=True)
class CodeUnknown:
    """No customer has this code."""


@dataclass(frozen=True, slots=True)
class PinRight:
    """The PIN was looked at and is right."""


@dataclass(frozen=True, slots=True)
class PinWrong:
    """The PIN was looked at and is wrong; another try is allowed."""


@dataclass(frozen=True, slots=True)
class PinLocked:
    """No more tries. `looked`: this PIN was looked at (and wrong); false when the lock stood already."""

    looked: bool = True


@dataclass(frozen=True, slots=True)
class TicketOpened:
    """`look_by`: when somebody looks at the latest, None if nothing is promised. `engineer`: rung first, or "". `ending`: of
    the number on file that is rung now, so that a key there proves the caller; "" where that is not asked."""

    ticket: str
    paging: bool = False
    engineer: str = ""
    look_by: datetime | None = None
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """Done; the ticket has it."""


@dataclass(frozen=True, slots=True)
class CallbackTaken:
    """We will ring the number that ends in `ending` (at most four digits, spoken)."""

    ticket: str
    ending: str


@dataclass(frozen=True, slots=True)
class CallbackRefused:
    """We will not ring that number; the ticket says so. `reason`: number, cap."""

    ticket: str
    reason: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody is there: `person` is their number, or `queue` the name of the queue they serve."""

    person: str = field(default="", repr=False)
    queue: str = ""


@dataclass(frozen=True, slots=True)
class InQueue:
    """Everybody talks: the caller's place among those who wait, and about how many minutes that takes."""

    position: int
    wait: int


@dataclass(frozen=True, slots=True)
class CallerWaits:
    """The caller is on the line, and about to be connected. `name`: the customer's, "" for a stranger."""

    ticket: str
    name: str
    greet: bool = True


@dataclass(frozen=True, slots=True)
class CallerTaken:
    """The key was pressed: a person, who is connected now."""

    ticket: str


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller has hung up, or somebody else was rung since."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody is there to talk to now."""


@dataclass(frozen=True, slots=True)
class PageOpen:
    """Still waiting for somebody. `minutes` left on the clock: negative when over, None without a clock.

    `clock`: which target's; `hour`: of the day where the engineer is; `more`: tickets that go with it."""

    ticket: str
    name: str
    plan: str
    priority: str
    minutes: int | None
    clock: str = ""
    hour: str = ""
    more: int = 0


@dataclass(frozen=True, slots=True)
class TestPage:
    """Nobody is in trouble: only whether the telephone works is asked."""


@dataclass(frozen=True, slots=True)
class Tested:
    """It works."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The caller is on the way into this room."""

    ticket: str
    room: str


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller is not on the line (any more), and has this number, "" for an unknown one."""

    ticket: str
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Talked:
    """They were in the room together."""

    ticket: str


@dataclass(frozen=True, slots=True)
class PageTaken:
    """Somebody else was quicker."""

    ticket: str
    taken_by: str


@dataclass(frozen=True, slots=True)
class PageOver:
    """Not needed any more (resolved, withdrawn)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ticket is this engineer's."""

    ticket: str


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The next one is rung."""


@dataclass(frozen=True, slots=True)
class Description:
    """The caller's words, or `audio` (a URL to play); both empty when there is nothing yet."""

    text: str = field(default="", repr=False)
    audio: str = ""


@dataclass(frozen=True, slots=True)
class CallbackDue:
    """The call back is still wanted."""

    ticket: str
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class ProofDue:
    """This call asks the number on file whether it was really them who reported: a key proves it."""

    ticket: str
    customer: str
    name: str


@dataclass(frozen=True, slots=True)
class Proven:
    """It was them, and the ticket has the rights of its plan; the rest as in `TicketOpened`."""

    ticket: str
    paging: bool = False
    engineer: str = ""
    look_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallbackOver:
    """The call back is not wanted any more."""


Answer = (
    CustomerKnown | CallerKnown | CallerUnknown | TicketFound | TicketSlip | TicketUnknown | Escalated | InQueue
    | CodeUnknown | PinRight | PinWrong | PinLocked | TicketOpened | Noted | CallbackTaken | CallbackRefused |
    Person | Nobody | PageOpen | TestPage | Tested | Joined | CallerGone | Talked | PageTaken | PageOver |
    Accepted | PassedOn | Description | CallbackDue | CallbackOver | ProofDue | Proven | CallerWaits | CallerTaken | CallerLeft
)  # fmt: skip
