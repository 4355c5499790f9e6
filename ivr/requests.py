"""What a call needs to know or wants done; the answer (`ivr/answers.py`) is the next event. Refuses to know who does it.

Keyed digits and spoken words never show in a repr: a PIN that is printed is a PIN that is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class LookAtCaller:
    """Somebody of the desk picked up: does the caller still wait for them? -> CallerWaits | CallerLeft"""


@dataclass(frozen=True, slots=True)
class AcceptCaller:
    """They pressed the key: it is a person, and the two are connected now -> CallerTaken | CallerLeft"""


@dataclass(frozen=True, slots=True)
class Prove:
    """Whoever picked up at the number on file says: it was me who called -> Proven | CallbackOver"""


Request = (
    LookUpCode | LookUpCustomer | LookUpCaller | FindTicket | Escalate | CheckPin | OpenTicket | AddDescription
    | AttachRecording | TakeCallback | FindPerson | LookAtPage | AcceptPage | PassOn | GiveReason | JoinCaller
    | LookAtRoom | FetchDescription | LookAtCallback | Prove
    | LookAtCaller | AcceptCaller
)  # fmt: skip
