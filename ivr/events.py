"""What happens in a call, what the call asks of the shell, and what the shell answers.

Three families of frozen values. *Heard*: what came from the line. *Request*: what the call needs to know or wants
done; its answer is the next event. *Answer*: what the shell says back. Refuses to know carriers, XML, databases or
clocks.
Keyed digits and spoken words never show in a repr: a PIN that is printed is a PIN that is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Hours = Literal["open", "pin", "no_pin", "not_entitled", "locked", "no_proof", "information"]
Status = Literal["new", "taken", "waiting", "resolved", "closed"]

# ── heard: from the line ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Arrived:
    """The call is there (the caller's), or was answered (an engineer's, a call back)."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What was keyed, without the closing hash."""

    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing keyed or said in time, or the hash alone."""


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, as the carrier (or a typist) wrote it down."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording lies with the carrier under this id, `seconds` long."""

    recording: str
    seconds: int


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The person we tried to connect is gone: after a conversation (`connected`) or without one."""

    connected: bool


@dataclass(frozen=True, slots=True)
class HungUp:
    """The other side is gone."""


Heard = Arrived | Keys | Silence | Words | Recorded | LegEnded | HungUp

# ── requests: to the shell ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LookUpCode:
    """Whose customer code is this? -> CustomerKnown | CodeUnknown"""

    digits: str = field(repr=False)
    matter: str = "report"


@dataclass(frozen=True, slots=True)
class LookUpCustomer:
    """What may this customer do in this matter now? -> CustomerKnown | CodeUnknown"""

    customer: str
    matter: str


@dataclass(frozen=True, slots=True)
class LookUpCaller:
    """Whose number calls? A hint that grants nothing. -> CallerKnown | CallerUnknown"""


@dataclass(frozen=True, slots=True)
class FindTicket:
    """A ticket of this customer by its keyed number -> TicketFound | TicketSlip | TicketUnknown"""

    customer: str
    digits: str = field(repr=False)
    matter: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """The customer presses for this ticket -> Escalated"""

    ticket: str


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Is this the customer's PIN? -> PinRight | PinWrong | PinLocked. `attempt` counts from 1 within this call."""

    customer: str
    digits: str = field(repr=False)
    attempt: int


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Open the call's ticket -> TicketOpened.

    `page`: a right PIN was keyed and a severity chosen; which priorities page is
    the desk's rule. `why`: severity, no_severity,
    no_code, locked, no_pin, no_proof, pin_missing, not_entitled, which, maintenance, information, nobody, person, hung_up.
    """

    customer: str | None
    priority: str | None
    page: bool
    why: str


@dataclass(frozen=True, slots=True)
class AddDescription:
    """Add the caller's words to the ticket -> Noted"""

    ticket: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AttachRecording:
    """Fetch this recording, by its id only, into the ticket -> Noted"""

    ticket: str
    recording: str
    seconds: int


@dataclass(frozen=True, slots=True)
class TakeCallback:
    """Call the caller back -> CallbackTaken | CallbackRefused, with a ticket either way.

    `number` as keyed (00 for abroad), None = the calling number. `ticket` None: open one.
    """

    number: str | None = field(repr=False)
    customer: str | None
    ticket: str | None


@dataclass(frozen=True, slots=True)
class FindPerson:
    """Is somebody there to talk to? -> Person | InQueue | Nobody"""

    customer: str | None
    ticket: str | None


@dataclass(frozen=True, slots=True)
class LookAtPage:
    """An engineer answered: what is it about? -> PageOpen | PageTaken | PageOver"""


@dataclass(frozen=True, slots=True)
class AcceptPage:
    """The engineer takes it -> Accepted | PageTaken | PageOver"""


@dataclass(frozen=True, slots=True)
class PassOn:
    """The engineer passes it on -> PassedOn | PageTaken | PageOver"""


@dataclass(frozen=True, slots=True)
class GiveReason:
    """Why the engineer passed it on, by its key -> Noted"""

    key: str


@dataclass(frozen=True, slots=True)
class JoinCaller:
    """The engineer takes it and wants to talk to the caller now -> Joined | CallerGone | PageTaken | PageOver"""


@dataclass(frozen=True, slots=True)
class LookAtRoom:
    """The room is empty again: did the two talk? -> Talked | CallerGone"""


@dataclass(frozen=True, slots=True)
class FetchDescription:
    """What did the caller say? -> Description"""

    ticket: str


@dataclass(frozen=True, slots=True)
class LookAtCallback:
    """The customer answered a call back: is it still wanted? -> CallbackDue | CallbackOver"""


Request = (
    LookUpCode | LookUpCustomer | LookUpCaller | FindTicket | Escalate | CheckPin | OpenTicket | AddDescription
    | AttachRecording | TakeCallback | FindPerson | LookAtPage | AcceptPage | PassOn | GiveReason | JoinCaller
    | LookAtRoom | FetchDescription | LookAtCallback
)  # fmt: skip

# ── answers: from the shell ─────────────────────────────────────────────────────────────────────────────────────────


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
    """`look_by`: when somebody looks at the latest, None if nothing is promised. `engineer`: rung first, or ""."""

    ticket: str
    paging: bool = False
    engineer: str = ""
    look_by: datetime | None = None


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
class CallbackOver:
    """The call back is not wanted any more."""


Answer = (
    CustomerKnown | CallerKnown | CallerUnknown | TicketFound | TicketSlip | TicketUnknown | Escalated | InQueue
    | CodeUnknown | PinRight | PinWrong | PinLocked | TicketOpened | Noted | CallbackTaken | CallbackRefused |
    Person | Nobody | PageOpen | TestPage | Tested | Joined | CallerGone | Talked | PageTaken | PageOver |
    Accepted | PassedOn | Description | CallbackDue | CallbackOver
)  # fmt: skip
Event = Heard | Answer


def audit(event: Event) -> tuple[str, ...]:
    """The names under which an event stands in `presa calls --json`, in order; most events have none."""
    match event:
        case PinRight():
            return ("pin_ok",)
        case PinWrong():
            return ("pin_wrong",)
        case PinLocked(looked=looked):
            return ("pin_wrong", "pin_locked") if looked else ("pin_locked",)
        case _:
            return AUDITED.get(type(event), ())


AUDITED: dict[type, tuple[str, ...]] = {
    CodeUnknown: ("code_unknown",),
    CustomerKnown: ("code_known",),
    TicketFound: ("ticket_found",),
    TicketSlip: ("ticket_slip",),
    TicketUnknown: ("ticket_unknown",),
    Escalated: ("escalated",),
    Person: ("person_rung",),
    TicketOpened: ("ticket",),
    Recorded: ("recording",),
    Words: ("words",),
    CallbackTaken: ("callback_taken",),
    CallbackRefused: ("callback_refused",),
    Accepted: ("page_accepted",),
    Tested: ("page_tested",),
    Joined: ("page_accepted", "caller_fetched"),
    CallerGone: ("caller_gone",),
    PassedOn: ("page_passed",),
    PageTaken: ("page_late",),
    HungUp: ("hung_up",),
}
