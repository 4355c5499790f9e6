"""The values of a page: its attempts, the news of them, the moves that are decided, and the table of an attempt's life.

Refuses to decide anything: `routing.paging` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from routing.oncall import Link

State = Literal[
    "intended", "unknown", "placed", "ringing", "answered", "told", "accepted", "passed", "ended", "failed"
]  # fmt: skip
PageState = Literal["open", "accepted", "exhausted", "cancelled"]
What = Literal[
    "placed",  # the provider took the call
    "unknown",  # nobody knows whether it did: a timeout, a lost connection
    "missing",  # asked, the provider has never heard of it
    "asked",  # it was asked just now; what it said, if anything, is an event of its own
    "ringing",
    "answered",
    "pressed",  # a key that decides nothing
    "accepted",  # key 1
    "passed",  # key 3
    "ended",  # with the provider's word: completed, busy, no-answer, failed, canceled
    "failed",  # the provider refused to place it
    "late",  # accepted, but somebody else already has it (made here out of "accepted")
    "over",  # ended, after the page was closed (made here out of "ended")
]

LIVE: tuple[State, ...] = ("intended", "unknown", "placed", "ringing", "answered")
NOT_CALLED = frozenset({"missing", "capped"})  # codes of attempts that never reached a telephone
BUNDLE_ASK = timedelta(seconds=2)  # how often a shared call is looked at: that costs no question to the provider
UNDER_WAY = timedelta(seconds=15)  # so long an order may be on its way; only an older one without news is a crash
LOST = timedelta(seconds=60)  # so long after its time a call without news no longer holds anything up

# The life of one attempt. What is not in the table changes nothing: duplicates, latecomers, the past. States without a
# way out are final. `failed` has one: a key that was overtaken by the provider's "completed" was pressed all the same.
TRANSITIONS: tuple[tuple[tuple[State, ...], What, State], ...] = (
    (("intended",), "unknown", "unknown"),
    (("intended", "unknown"), "placed", "placed"),
    (("intended", "unknown", "placed"), "missing", "failed"),
    (("intended", "unknown", "placed"), "ringing", "ringing"),
    (("intended", "unknown", "placed", "ringing"), "answered", "answered"),
    ((*LIVE, "failed", "told"), "accepted", "accepted"),
    ((*LIVE, "failed", "told"), "passed", "passed"),
    (LIVE, "failed", "failed"),
    (LIVE, "ended", "failed"),
    (LIVE, "over", "ended"),
    ((*LIVE, "told"), "late", "ended"),
)
TABLE: Mapping[tuple[State, What], State] = MappingProxyType(
    {(state, what): to for states, what, to in TRANSITIONS for state in states}
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One ring of one telephone. `placed_at`: when intended; `sequence`: the provider's count of its own news.

    `rung` False: no telephone rang for it. Then somebody was only written to (state `told`), or `bundle` is the attempt of
    another page whose call this one shares. `reason`: why it was passed on.
    """

    id: str
    person: str
    number: str
    placed_at: datetime
    round: int
    link: int
    state: State = "intended"
    provider_sid: str | None = None
    provider_code: str | None = None
    sequence: int | None = None
    key: str | None = None
    asked_at: datetime | None = None
    ended_at: datetime | None = None
    rung: bool = True
    bundle: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The alarm of one ticket. `chain` is as it was when the page began (see `rechain`); `urgent` lifts soft caps.

    `planned`: the people of the duty's chain when `chain` was last made of it; empty: the chain stays as it is. `pushed_at`:
    when somebody last asked for the next to be rung, without waiting for those who are.
    """

    id: str
    ticket: str
    started_at: datetime
    chain: tuple[Link, ...]
    attempts: tuple[Attempt, ...] = ()
    round: int = 0
    state: PageState = "open"
    accepted_by: str | None = None
    closed_at: datetime | None = None
    urgent: bool = False
    planned: tuple[str, ...] = ()
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """News of one attempt, from the provider, from the telephone's keys, or from placing the call."""

    attempt: str
    what: What
    at: datetime
    code: str | None = None
    key: str | None = None
    provider_sid: str | None = None
    sequence: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """Call this number, under this attempt id."""

    person: str
    number: str
    attempt_id: str
    round: int
    link: int


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not call, a cap forbids it: log it, then go on at once."""

    person: str
    number: str
    attempt_id: str
    round: int
    link: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Write to this person by the link's channels and ring nobody."""

    person: str
    number: str
    attempt_id: str
    round: int
    link: int


@dataclass(frozen=True, slots=True)
class Join:
    """This person is being rung for another ticket: say this one in that call."""

    person: str
    number: str
    attempt_id: str
    round: int
    link: int
    bundle: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the provider what became of this attempt; tell `heard` "asked" and whatever it says."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, unless there is news."""

    until: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody accepted. `reason`: "nobody to ring" or "all rounds used up"."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Accepted (or cancelled: None), and no telephone of it rings or speaks any more."""

    accepted_by: str | None


Move = Ring | Skip | Tell | Join | Ask | Wait | GiveUp | Done
