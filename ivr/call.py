"""The call between two webhooks, and the desk's rules for it: frozen values, stored as JSON, so that any replica
answers the next step.

Refuses to hold what was keyed: no PIN, no code, no number of a caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ivr.states import FIRST, LAST, STATES, Leg


@dataclass(frozen=True, slots=True)
class Rules:
    """What a desk decides about its phone. `languages`: key -> language; the first is the default."""

    languages: Mapping[str, str] = field(default_factory=lambda: {"1": "it", "2": "en"})
    desk: Mapping[str, str] = field(default_factory=dict)  # language -> the desk's name, as spoken
    # key -> priority
    severities: Mapping[str, str] = field(default_factory=lambda: {"1": "P1", "2": "P2", "3": "P3", "4": "P4"})
    # priority -> language -> its name, spoken where there are no words of ours for it
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    record: bool = False  # descriptions are recorded, after a spoken notice; otherwise written down from speech
    zone: str = "Europe/Rome"
    caller_id: str = ""  # the number shown to a person we connect
    record_seconds: int = 180
    transcribe: bool = False  # the carrier writes recordings down
    menu: Mapping[str, str] = field(default_factory=dict)  # key -> report, add, escalate, status or information
    greets: bool = False  # a caller whose number is on file is greeted by the company's name and asked less
    maintenance: str = ""  # the key for planned maintenance among the severities
    # language -> prompt -> the address of its recording, played instead of speech
    recorded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    music: str = ""  # the address of what waiting callers hear
    reasons: bool = False  # an engineer who passes on is asked why
    max_steps: int = 60  # a call that goes in circles ends as if hung up: its ticket stays

    @property
    def language(self) -> str:
        """The default language."""
        return next(iter(self.languages.values()), "en")


@dataclass(frozen=True)
class Call:
    """Where a call is. `step` numbers the documents: the answer to document n comes to step n and is made only once.

    Without slots: a turn makes half a dozen of these, and a dict is copied at once."""

    sid: str
    leg: Leg = "caller"
    state: str = "start"
    step: int = 0
    language: str | None = None  # None: not chosen yet, everything is spoken in every language of the desk
    spoke: str = ""  # the last state that spoke: slips are counted there
    slips: int = 0
    lead: str = ""  # why the prompt is spoken again
    customer: str | None = None
    name: str = ""
    greet: bool = False
    pin_ok: bool = False
    pin_tries: int = 0
    matter: str = "report"
    claimed: str = ""  # the customer whose number calls: a hint, not yet what the caller says
    switched: bool = False  # on-call speaks another language than the caller chose
    priority: str | None = None
    ticket: str | None = None
    why: str = ""
    outcome: str = ""
    engineer: str = ""
    look_by: str = ""  # ISO 8601
    ending: str = ""
    recordings: tuple[str, ...] = ()
    person: str = field(default="", repr=False)
    queue: str = ""
    position: int = 0  # in our own queue; 0: never stood there
    wait: int = 0  # minutes
    status: str = ""
    plan: str = ""
    minutes: int | None = None
    taken_by: str = ""
    clock: str = ""  # the target whose minutes are left
    hour: str = ""  # of the day where the engineer is
    more: int = 0  # tickets that go with this page
    room: str = ""
    phone: str = field(default="", repr=False)  # of the caller who is gone
    text: str = field(default="", repr=False)  # the customer's words, read to an engineer
    audio: str = ""

    @property
    def over(self) -> bool:
        """Nothing more will be spoken."""
        return STATES[self.state].expects in LAST

    @property
    def expects(self) -> str:
        """What the line waits for."""
        return STATES[self.state].expects

    @property
    def about(self) -> bool:
        """It is about a ticket that the customer has."""
        return self.matter in ABOUT

    @property
    def unproven(self) -> bool:
        """No right PIN was keyed in this call."""
        return not self.pin_ok


ABOUT = frozenset({"add", "escalate", "status"})


def begin(sid: str, leg: Leg = "caller", language: str | None = None) -> Call:
    """A call before its first event. An engineer's or a call back's leg knows its language."""
    return Call(sid, leg, FIRST[leg], language=language)


def replace(call: Call, **changes: Any) -> Call:
    """`dataclasses.replace` for a call, at a tenth of its cost."""
    made = object.__new__(Call)
    made.__dict__.update(call.__dict__, **changes)
    return made


def to_json(call: Call) -> dict[str, object]:
    """Plain JSON; fields at their defaults are left out."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in call.__dict__.items()
        if name == "sid" or value != DEFAULTS[name]
    }


def from_json(stored: Mapping[str, object]) -> Call:
    """The call that `to_json` wrote. Fields of another version of the code are ignored."""
    known = {name: value for name, value in stored.items() if name in DEFAULTS}
    if "recordings" in known:
        known["recordings"] = tuple(known["recordings"])  # type: ignore[arg-type]
    return replace(NEW, **known)


NEW = Call("")
DEFAULTS = asdict(NEW)
