"""What the console's pages show: frozen values, and who may do what to a ticket.

The backend fills these values from the store; the templates only print them. All instants are aware datetimes in UTC,
all texts are plain Unicode (never markup), lengths are bytes, phone numbers are shown as the backend gives them.
This module refuses to read a store, a clock or a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from gateway.store.sight import ALL, Sight

if TYPE_CHECKING:
    from gateway.web.duty import Paged
    from gateway.web.related import RelatedView
    from gateway.web.timeline import Timeline

Role = Literal["admin", "supervisor", "agent", "on-call", "read-only"]
State = Literal["new", "taken", "waiting", "resolved", "closed"]
Action = Literal[
    "take", "answer", "note", "pause", "resume", "priority", "escalate", "resolve", "close", "reopen",
    "contract", "plan", "news", "move", "verify", "assign", "correct", "give",
]  # fmt: skip
ClockState = Literal["running", "paused", "met", "missed", "stopped"]
EntryKind = Literal["mail-in", "mail-out", "call", "page", "note", "state", "event"]

ROLES: tuple[Role, ...] = ("admin", "supervisor", "agent", "on-call", "read-only")
STATES: tuple[State, ...] = ("new", "taken", "waiting", "resolved", "closed")
OUTCOMES = ("new", "append", "duplicate", "held", "refused")

_WORKING: frozenset[Action] = frozenset(get_args(Action))
MAY: Mapping[Role, frozenset[Action]] = {
    "admin": _WORKING,
    "supervisor": _WORKING,
    "agent": _WORKING,
    "on-call": _WORKING,
    "read-only": frozenset(),
}

_FURTHER: tuple[Action, ...] = ("contract", "plan", "news", "move", "verify", "assign", "correct", "give")
# Which actions make sense in which state: a page offers no button that the backend would refuse.
OFFERED: Mapping[State, frozenset[Action]] = {
    "new": frozenset(("take", "answer", "note", "pause", "priority", "escalate", "resolve", *_FURTHER)),
    "taken": frozenset(("take", "answer", "note", "pause", "priority", "escalate", "resolve", *_FURTHER)),
    "waiting": frozenset(("take", "answer", "note", "pause", "resume", "priority", "escalate", "resolve", *_FURTHER)),
    "resolved": frozenset(("answer", "note", "close", "reopen", "move", "verify")),
    "closed": frozenset(("note", "reopen")),
}


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in. `password` is an argon2 hash, empty when the person may not sign in with a password. `sight`:
    whose restricted tickets they may see."""

    login: str
    name: str
    role: Role
    language: str = "en"
    zone: str = "Europe/Rome"
    password: str = field(default="", repr=False)
    sight: Sight = ALL


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The lists that filters and forms offer."""

    queues: tuple[Choice, ...] = ()
    customers: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """What the ticket list shows. state: one of STATES, "open" (neither resolved nor closed) or "all". sort: "work" (the
    order of work) or "due"."""

    queue: str = ""
    state: str = "open"
    customer: str = ""
    search: str = ""
    language: str = "en"
    limit: int = 100
    offset: int = 0
    sort: str = "work"
    sight: Sight = ALL


@dataclass(frozen=True, slots=True)
class Due:
    """The deadline that comes next. `due` is None for a best-effort target; `share` is the part used up, 0 to 1."""

    target: str
    due: datetime | None
    share: float
    state: ClockState


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One line of the ticket list. `rank` is the priority's place in its desk, 1 = worst, 0 = none."""

    number: str
    subject: str
    customer: str
    plan: str
    priority: str
    rank: int
    state: State
    queue: str
    opened: datetime
    changed: datetime
    next: Due | None = None
    owner: str = ""
    verified: bool = True
    channel: str = "mail"


@dataclass(frozen=True, slots=True)
class ClockView:
    """One target of the ticket. `allowed` is an ISO 8601 duration; `arithmetic` tells the sum in the reader's words."""

    target: str
    due: datetime | None
    best_effort: bool
    allowed: str
    calendar: str
    state: ClockState
    share: float = 0.0
    met: datetime | None = None
    arithmetic: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step of the escalation matrix."""

    to: str
    due: datetime


PICTURES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
PICTURE_BYTES = 2_000_000  # of all pictures that one letter shows


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a letter; `id` names it in URLs, `filename` is only ever a label. `content_id`: the name by which the HTML shows
    it in its place, `known`: a letter before showed it already."""

    id: str
    filename: str
    content_type: str
    size: int
    inline: bool = False
    content_id: str = ""
    known: bool = False

    @property
    def in_place(self) -> bool:
        """Is it a picture that the mail's HTML shows where it belongs, and no file of its own?"""
        return bool(self.content_id) and self.content_type in PICTURES and self.size <= PICTURE_BYTES


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the story. `text` is what the author newly wrote, `rest` the quoted part and signature below it,
    `whole` the full plain text when it is more than text and rest one after the other (answers inside a quote).
    `joined`: it was added to the ticket that another one opened."""

    id: str
    sender: str
    to: str
    subject: str
    text: str
    rest: str = ""
    whole: str = ""
    cc: str = ""
    has_html: bool = False
    attachments: tuple[Attachment, ...] = ()
    automatic: str = ""
    delivery: str = ""
    has_raw: bool = True
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened in a call: what was said, pressed or decided. Never the digits of a PIN."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Ring:
    """One person who was rung: the provider's last state and what the person pressed."""

    at: datetime
    person: str
    state: str
    pressed: str = ""


@dataclass(frozen=True, slots=True)
class Sound:
    """What somebody said into the telephone. `state`: waiting, kept, lost or removed; `by`: who wrote it down."""

    id: str
    seconds: int
    state: str
    transcript: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the story, in order of time. `title` goes on after `who`; empty: the plain words of its kind."""

    id: str
    at: datetime
    kind: EntryKind
    who: str
    title: str
    text: str = ""
    letter: Letter | None = None
    steps: tuple[Step, ...] = ()
    rings: tuple[Ring, ...] = ()
    sounds: tuple[Sound, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision and its evidence. `about`: who, kind, priority, plan, deadline, merge, queue, page, answer."""

    about: str
    verdict: str
    evidence: tuple[str, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A customer whose report it might be. `likeness`: 0 to 100, to order them by."""

    id: str
    name: str
    evidence: str
    likeness: int = 0


@dataclass(frozen=True, slots=True)
class TicketPage:
    """One ticket with its whole story. `row` holds what the list shows too."""

    row: TicketRow
    kind: str
    received: datetime
    contact: str
    contact_address: str
    reply_to: str
    language: str
    level: str
    desk: str
    why_unverified: str = ""
    provisional: bool = False
    updates_every: str = ""
    pause_reason: str = ""
    clocks: tuple[ClockView, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    entries: tuple[Entry, ...] = ()
    decisions: tuple[Decision, ...] = ()
    priorities: tuple[Choice, ...] = ()
    escalate_to: tuple[Choice, ...] = ()
    linked: tuple[str, ...] = ()
    customer: str = ""
    perhaps: tuple[Perhaps, ...] = ()
    timeline: Timeline | None = None
    related: RelatedView | None = None
    paged: Paged | None = None
    plans: tuple[Choice, ...] = ()
    stage: str = ""
    stages: tuple[Choice, ...] = ()
    valid_until: datetime | None = None
    kinds: tuple[Choice, ...] = ()
    staff: tuple[Choice, ...] = ()
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """Bytes to hand out as a download."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A mail that left, or will. `state`: waiting, sent, failed."""

    id: str
    at: datetime
    to: str
    subject: str
    state: str
    text: str
    ticket: str = ""
    attempts: int = 1
    error: str = ""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call with its events, oldest first. `direction`: caller, or page (we rang the engineer `person`). `callback`: the
    number that asked to be called back, `callback_state`: waiting, done or given up."""

    id: str
    at: datetime
    caller: str
    state: str
    customer: str = ""
    ticket: str = ""
    seconds: int | None = None
    events: tuple[Step, ...] = ()
    direction: str = "caller"
    person: str = ""
    callback: str = ""
    callback_state: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """A person of the chain, in the order of ringing. `source`: rota, override or fallback."""

    person: str
    number: str
    source: str
    wait_seconds: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handoff:
    """Who hands over to whom, and when."""

    at: datetime
    rota: str
    leaves: str
    comes: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time in which a rota names nobody."""

    start: datetime
    end: datetime
    rota: str


@dataclass(frozen=True, slots=True)
class OnCallView:
    """Who is on call for a desk now, and what comes next."""

    desk: str
    zone: str
    chain: tuple[Duty, ...]
    handoffs: tuple[Handoff, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One report and its one outcome. `reason` is a stable code, `words` says it to people."""

    id: str
    at: datetime
    door: str
    sender: str
    outcome: str
    reason: str = ""
    words: str = ""
    ticket: str = ""
    subject: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """Something a person must look at. `what` says the kind to people, `words` are its own; `grave`: nothing goes on by
    itself. `seen_by` is empty until somebody has said so; `late`: it was noticed after downtime."""

    id: str
    at: datetime
    what: str
    words: str
    grave: bool = False
    ticket: str = ""
    seen_by: str = ""
    seen: datetime | None = None
    late: bool = False


def share(intervals: Sequence[tuple[datetime, datetime]], at: datetime) -> float:
    """The part of a clock's open intervals that lies before `at`, 0 to 1; 1 when there are none."""
    whole = sum(((end - start) for start, end in intervals), timedelta())
    if not whole:
        return 1.0
    gone = sum(((min(end, at) - start) for start, end in intervals if start < at), timedelta())
    return min(1.0, gone / whole)


def works(user: User) -> bool:
    """Whether this person does anything here but look."""
    return bool(MAY[user.role])


def offered(page: TicketPage, user: User) -> frozenset[Action]:
    """The actions that this person is offered on this ticket; without a mail address nothing can be answered."""
    found = MAY[user.role] & OFFERED[page.row.state]
    lacking = {
        "answer": page.reply_to,
        "contract": len(page.plans) > 1,
        "move": page.stages,
        "correct": page.kinds or page.priorities or page.escalate_to,
        "give": page.staff,
        "verify": page.customer and not page.row.verified,
        "news": any(clock.met for clock in page.clocks if clock.target in ("resolution", "execution")),
    }
    return found - {action for action, there in lacking.items() if not there}
