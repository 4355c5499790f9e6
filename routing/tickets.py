"""What a ticket is: a frozen value, and the table of the states it goes through. Nothing here knows how it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

State = Literal["new", "taken", "waiting", "resolved", "closed"]
Action = Literal["take", "pause", "resume", "resolve", "reopen", "close"]

# state -> action -> state. What is not listed cannot be done, and says so.
TRANSITIONS: Mapping[State, Mapping[Action, State]] = {
    "new": {"take": "taken", "pause": "waiting", "resolve": "resolved"},
    "taken": {"take": "taken", "pause": "waiting", "resolve": "resolved"},
    "waiting": {"take": "waiting", "resume": "taken", "resolve": "resolved"},
    "resolved": {"reopen": "taken", "close": "closed"},
    "closed": {"reopen": "taken"},
}
OPEN: frozenset[State] = frozenset({"new", "taken", "waiting"})


@dataclass(frozen=True, slots=True)
class Pause:
    """[start, end) during which every clock stands; `end` None while it lasts."""

    start: datetime
    end: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """One problem of one customer. `met` says when a person met each target; `clocks` is the last stamp as JSON."""

    id: int
    number: str
    desk: str
    customer: str | None
    customer_name: str | None
    contact: str | None
    requester: str | None
    phone: str | None
    language: str
    subject: str
    channel: str
    plan: str | None
    base_plan: str | None
    kind: str
    priority: str
    queue: str
    level: str
    assignee: str | None
    state: State
    verified: bool
    via_on_call: bool
    received_at: datetime
    opened_at: datetime
    next_due: datetime | None
    next_target: str | None
    resolved_at: datetime | None
    linked: int | None
    pauses: tuple[Pause, ...]
    met: Mapping[str, datetime]
    clocks: Mapping[str, Any]
    evidence: tuple[str, ...]
    version: int


def after(state: State, action: Action) -> State | None:
    """The state that `action` leads to, None when it is not possible in `state`."""
    return TRANSITIONS[state].get(action)


def ended(pauses: tuple[Pause, ...], at: datetime) -> tuple[Pause, ...]:
    """The pauses, with the open one ended at that instant."""
    return tuple(replace(pause, end=at) if pause.end is None else pause for pause in pauses)


def diagram() -> str:
    """The states of a ticket as a Mermaid state diagram, from the table."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for state, exits in TRANSITIONS.items():
        lines += [f"    {state} --> {to}: {action}" for action, to in exits.items() if to != state]
    return "\n".join([*lines, "    closed --> [*]"]) + "\n"
