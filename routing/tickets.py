"""What a ticket is: a frozen value, and the table of the states it goes through. Nothing here knows how it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

State = Literal["new", "taken", "waiting", "resolved", "closed"]
Action = Literal["take", "pause", "resume", "resolve", "reopen", "close"]

# state -> action -> state. What is not listed cannot be done, and says so.
TRANSITIONS: Mapping[State, Mapping[Action, State]] = {
    "new": {"take": "taken", "pause": "waiting", "resolve": "resolved"},
    "taken": {"take": "taken", "pause": "waiting", "resolve": "resolved"},
    "waiting": {"take": "waiting", "pause": "waiting", "resume": "taken", "resolve": "resolved"},
    "resolved": {"reopen": "taken", "close": "closed"},
    "closed": {"reopen": "taken"},
}
OPEN: frozenset[State] = frozenset({"new", "taken", "waiting"})


Waiting = Literal["customer", "third-party"]
WAITING: tuple[Waiting, ...] = get_args(Waiting)
ENDS = ("resolution", "execution")  # targets that are met by the end of the work, and not when the customer says no


@dataclass(frozen=True, slots=True)
class Pause:
    """[start, end) during which every clock stands; `end` None while it lasts. `on`: for whom we wait."""

    start: datetime
    end: datetime | None
    reason: str
    on: Waiting = "customer"


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
    region: str | None = None
    desk_version: str | None = None
    stage: str | None = None
    valid_until: datetime | None = None
    updates_every: str | None = None
    merged_into: int | None = None
    parent: int | None = None
    work_order: str | None = None
    restricted: bool = False
    product: str | None = None


def after(state: State, action: Action) -> State | None:
    """The state that `action` leads to, None when it is not possible in `state`."""
    return TRANSITIONS[state].get(action)


def ended(pauses: tuple[Pause, ...], at: datetime, on: Waiting | None = None) -> tuple[Pause, ...]:
    """The pauses, with the open ones ended at that instant; with `on`, only those that wait for them."""
    return tuple(replace(pause, end=at) if pause.end is None and on in (None, pause.on) else pause for pause in pauses)


def resumed(pauses: tuple[Pause, ...], at: datetime, on: Waiting | None = None) -> Mapping[str, Any]:
    """What changes when a wait is over: other waits may go on, and then the ticket still waits."""
    left = ended(pauses, at, on)
    waits = any(pause.end is None for pause in left)
    return {"pauses": left, "state": "waiting" if waits else "taken"}


def gone_on(ticket: Ticket, at: datetime) -> Mapping[str, Any]:
    """What changes when the work was not done after all: the clocks go on from the original receipt, without the time
    in which we waited for the customer's word."""
    since = ticket.resolved_at
    if since is None:
        return {"resolved_at": None}
    met = {target: done for target, done in ticket.met.items() if target not in ENDS or done != since}
    waited = Pause(since, max(since, at), "resolved, waiting for the customer's word")
    return {"resolved_at": None, "met": met, "pauses": (*ticket.pauses, waited)}


def diagram() -> str:
    """The states of a ticket as a Mermaid state diagram, from the table."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for state, exits in TRANSITIONS.items():
        lines += [f"    {state} --> {to}: {action}" for action, to in exits.items() if to != state]
    return "\n".join([*lines, "    closed --> [*]"]) + "\n"
