"""The promises of a plan for one report: every deadline, the arithmetic behind it, and its state at an instant.

Over a base plan an add-on gives, per target, the earlier deadline. Met is done at or before the deadline; only what a
person did stops a clock, and the caller says when. Refuses to know what time it is, who the customer is, and whether
the promise was deserved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from routing import allowances, calendars
from routing.allowances import Held, Pause
from routing.calendars import Calendar, Interval
from routing.desk import TARGETS, Allowance, Desk, Kind, Plan, Target
from routing.sla_words import in_words

__all__ = [
    "Clock",
    "Escalation",
    "Pause",
    "Stamp",
    "State",
    "as_json",
    "expiry",
    "in_words",
    "instant",
    "next_update",
    "priority_named",
    "request",
    "stamp",
]

State = Literal["running", "paused", "met", "missed", "stopped"]

_NOTHING: Mapping[Target, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise. ``due`` is UTC; None for best effort, and while an open pause keeps the allowance from being used
    up. ``allowed`` is an ISO 8601 duration (``PT2H``; days are business days, ``P1D``), None for best effort.
    ``start`` is where the counting began, ``intervals`` the time counted from there to ``due`` (or to the open pause),
    ``counted`` the seconds of it that are gone at the asked instant (None when none was asked for)."""

    target: Target
    due: datetime | None
    best_effort: bool
    allowed: str | None
    calendar: str
    intervals: tuple[Interval, ...]
    state: State
    start: datetime
    plan: str
    allowance: Allowance
    counted: float | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told if the ticket is still open at ``due`` (None while an open pause holds it back)."""

    to: str
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """All clocks of one report. ``priority`` is the one that counts; ``marks`` say where it is not the one asked for
    (``urgent not in plan``). ``base_plan`` is named only under an add-on."""

    desk: str
    plan: str
    base_plan: str | None
    kind: Kind
    priority: str
    received: datetime
    clocks: tuple[Clock, ...]
    cadence: Allowance | None
    escalations: tuple[Escalation, ...]
    marks: tuple[str, ...]
    held: Held
    zone: str

    @property
    def updates_every(self) -> str | None:
        """The cadence of news to the customer as an ISO 8601 duration."""
        return allowances.iso(self.cadence) if self.cadence is not None else None

    def moments(self) -> tuple[datetime, ...]:
        """When something falls due: deadlines and steps of the escalation matrix, in no order."""
        return tuple(due for due in (*(c.due for c in self.clocks), *(e.due for e in self.escalations)) if due)


@dataclass(frozen=True, slots=True)
class _Report:
    """What the clocks of one report depend on."""

    desk: Desk
    kind: Kind
    priority: str
    received: datetime
    via_on_call: bool
    held: Held
    region: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """The instant from which the clocks are looked at, and when the ticket was closed."""

    at: datetime | None
    stopped_at: datetime | None


def stamp(
    desk: Desk,
    *,
    plan: str,
    kind: Kind,
    priority: str,
    received: datetime,
    base_plan: str | None = None,
    via_on_call: bool = False,
    pauses: Sequence[Pause] = (),
    met: Mapping[Target, datetime] = _NOTHING,
    at: datetime | None = None,
    stopped_at: datetime | None = None,
    region: str | None = None,
) -> Stamp:
    """Every clock of a report ``received`` at that instant, with its state ``at`` another.

    ``met``: when a person did what a target asks for. ``stopped_at``: when the ticket was closed. ``region``: the
    customer's, where the plan's hours depend on it. Without ``at`` no clock is judged missed by the hour. Raises
    ValueError with one clear line for a plan, kind or priority that the desk does not have, for an add-on's base that
    is none, and for a pause that ends before it begins."""
    received = received.astimezone(UTC)
    plans = _plans(desk, plan, base_plan)
    _check_priority(desk, kind, priority)
    report = _Report(desk, kind, priority, received, via_on_call, allowances.held(pauses, received), region)
    clocks = _clocks(report, plans)
    first, counts_as, seen = plans[0], _counts_as(report, plans), _Seen(at, stopped_at)
    return Stamp(
        desk=desk.id,
        plan=plan,
        base_plan=first.id if first.id != plan else None,
        kind=kind,
        priority=counts_as,
        received=received,
        clocks=tuple(_seen(report, clocks[t], met.get(t), seen) for t in TARGETS if t in clocks),
        cadence=first.updates.get(_key(report, first)),
        escalations=tuple(
            Escalation(step.to, _due(report, first, step.after)) for step in first.escalations.get(counts_as, ())
        ),
        marks=() if counts_as == priority else (f"{priority} not in plan",),
        held=report.held,
        zone=desk.zone,
    )


def next_update(
    desk: Desk, *, plan: str, kind: Kind, priority: str, since: datetime, base_plan: str | None = None
) -> datetime | None:
    """When the customer must hear again after ``since`` (the action plan, then each news); None without a cadence."""
    first = _plans(desk, plan, base_plan)[0]
    cadence = first.updates.get((kind, first.substitutes.get((kind, priority), priority)))
    if cadence is None:
        return None
    return allowances.due(desk.calendars[first.calendar], cadence, since.astimezone(UTC), days_from=desk.days_from)


def expiry(desk: Desk, valid_until: date) -> datetime:
    """The instant at which something valid until that date is over: the end of the date in the desk's zone."""
    return datetime.combine(valid_until + timedelta(days=1), time(), ZoneInfo(desk.zone)).astimezone(UTC)


def request(
    desk: Desk,
    *,
    plan: str,
    kind: str,
    priority: str,
    received: str,
    base_plan: str | None = None,
    via: str | None = None,
    pauses: Sequence[str] = (),
    at: str | None = None,
) -> Stamp:
    """:func:`stamp` for somebody who writes words: ISO 8601 instants with an offset, pauses as ``from/to`` or
    ``from/``, a desk's own label in place of a priority (``critical``). Raises ValueError saying what is wrong and
    what is allowed."""
    if via not in {None, "on-call"}:
        raise ValueError(f"a report cannot come via {via!r}; allowed: on-call")
    return stamp(
        desk,
        plan=plan,
        base_plan=base_plan,
        kind=cast(Kind, kind),
        priority=priority_named(desk, kind, priority),
        received=instant(received, "received"),
        via_on_call=via == "on-call",
        pauses=[_pause(text) for text in pauses],
        at=instant(at, "at") if at is not None else None,
    )


def instant(text: str, what: str) -> datetime:
    """An aware instant from ISO 8601 words; ValueError names ``what`` it was meant for."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{what}: {text!r} is not an ISO 8601 time such as 2026-04-07T09:30:00+02:00") from None
    if found.utcoffset() is None:
        raise ValueError(f"{what}: {text!r} has no offset; write it, as in 2026-04-07T09:30:00+02:00 or ...Z")
    if not 1970 <= found.year < 9000:
        raise ValueError(f"{what}: {text!r} is not in the years 1970 to 8999")
    return found


def priority_named(desk: Desk, kind: str, text: str) -> str:
    """The priority that ``text`` means for that kind: its name, or one of its labels in any language."""
    allowed = desk.kinds.get(cast(Kind, kind), ())
    wanted = text.strip().casefold()
    for priority in allowed:
        if priority.casefold() == wanted:
            return priority
    for priority in allowed:
        if any(label.casefold() == wanted for label in desk.priorities[priority].values()):
            return priority
    return text


def as_json(stamp: Stamp, zone: str) -> dict[str, Any]:
    """The stamp as ``presa sla --json`` prints it, instants in ``zone``."""
    info = ZoneInfo(zone)

    def iso(at: datetime | None) -> str | None:
        return at.astimezone(info).isoformat() if at is not None else None

    return {
        "desk": stamp.desk,
        "plan": stamp.plan,
        "base_plan": stamp.base_plan,
        "kind": stamp.kind,
        "priority": stamp.priority,
        "received": iso(stamp.received),
        "targets": [
            {
                "target": clock.target,
                "due": iso(clock.due),
                "best_effort": clock.best_effort,
                "allowed": clock.allowed,
                "calendar": clock.calendar,
                "intervals": [[iso(begins), iso(ends)] for begins, ends in clock.intervals],
                "state": clock.state,
            }
            for clock in stamp.clocks
        ],
        "updates_every": stamp.updates_every,
        "escalations": [{"to": step.to, "due": iso(step.due)} for step in stamp.escalations],
        "marks": list(stamp.marks),
    }


def _plans(desk: Desk, plan: str, base_plan: str | None) -> tuple[Plan, ...]:
    """The plans whose promises hold together: the base plan first, then the add-on."""
    asked = _known_plan(desk, plan)
    bases = ", ".join(each.id for each in desk.plans.values() if not each.add_on)
    if not asked.add_on:
        if base_plan is not None:
            raise ValueError(f"plan {plan} is not an add-on and takes no base plan ({base_plan} was given)")
        return (asked,)
    if base_plan is None and asked.stands_on is None:
        raise ValueError(f"plan {plan} is an add-on and needs a base plan; allowed: {bases}")
    base = _known_plan(desk, base_plan if base_plan is not None else asked.stands_on or "")
    if base.add_on:
        raise ValueError(f"base plan {base.id} is itself an add-on; allowed: {bases}")
    return (base, asked)


def _known_plan(desk: Desk, plan: str) -> Plan:
    found = desk.plans.get(plan)
    if found is None:
        raise ValueError(f"desk {desk.id} has no plan {plan!r}; it has: {', '.join(desk.plans)}")
    return found


def _check_priority(desk: Desk, kind: Kind, priority: str) -> None:
    if kind not in desk.kinds:
        raise ValueError(f"desk {desk.id} has no kind {kind!r}; it has: {', '.join(desk.kinds)}")
    if priority not in desk.kinds[kind]:
        allowed = ", ".join(desk.kinds[kind])
        raise ValueError(f"desk {desk.id} has no priority {priority!r} for {kind}; it has: {allowed}")


def _counts_as(report: _Report, plans: tuple[Plan, ...]) -> str:
    """The priority as asked if one of the plans has it, else what the base plan makes of it."""
    asked = (report.kind, report.priority)
    if any(asked not in plan.substitutes for plan in plans):
        return report.priority
    return plans[0].substitutes[asked]


def _key(report: _Report, plan: Plan) -> tuple[Kind, str]:
    asked = (report.kind, report.priority)
    return (report.kind, plan.substitutes.get(asked, report.priority))


def _calendar(report: _Report, plan: Plan) -> Calendar:
    region = plan.calendar_by_region.get(report.region) if report.region is not None else None
    return report.desk.calendars[region or plan.calendar]


def _due(report: _Report, plan: Plan, allowance: Allowance) -> datetime | None:
    days_from = report.desk.days_from
    return allowances.due(_calendar(report, plan), allowance, report.received, report.held, days_from)


def _clocks(report: _Report, plans: tuple[Plan, ...]) -> dict[Target, Clock]:
    clocks: dict[Target, Clock] = {}
    for plan in plans:
        for target, allowance in _promises(report, plan).items():
            clock = _clock(report, plan, target, allowance)
            if target not in clocks or _sooner(clock, clocks[target]):
                clocks[target] = clock
    return clocks


def _promises(report: _Report, plan: Plan) -> Mapping[Target, Allowance]:
    key = _key(report, plan)
    promised = plan.targets.get(key, _NOTHING)
    out_of_hours = plan.out_of_hours_targets.get(key)
    # The duty's hours are exactly the closed ones, so what came through it came out of hours.
    if out_of_hours and (report.via_on_call or not calendars.is_open(_calendar(report, plan), report.received)):
        promised = {**promised, **out_of_hours}
    if report.via_on_call and key in plan.on_call_targets:
        promised = {**promised, **plan.on_call_targets[key]}
    return promised


def _clock(report: _Report, plan: Plan, target: Target, allowance: Allowance) -> Clock:
    calendar = allowances.runs_in(_calendar(report, plan), allowance)
    start = calendars.opening_from(calendar, report.received)
    due = _due(report, plan, allowance)
    best_effort = allowance.unit == "best_effort"
    until = start if best_effort else due or report.held.open_from or start
    return Clock(
        target=target,
        due=due,
        best_effort=best_effort,
        allowed=allowances.iso(allowance),
        calendar=calendar.id,
        intervals=allowances.counted(calendar, start, until, report.held),
        state="running",
        start=start,
        plan=plan.id,
        allowance=allowance,
    )


def _sooner(clock: Clock, other: Clock) -> bool:
    """Whether ``clock`` must be done before ``other``; a deadline comes before none."""
    if clock.due is None or other.due is None:
        return (clock.best_effort, clock.due is None) < (other.best_effort, other.due is None)
    return clock.due < other.due


def _seen(report: _Report, clock: Clock, done: datetime | None, seen: _Seen) -> Clock:
    state = _state(clock, report.held, done, seen)
    if seen.at is None:
        return clock if state == clock.state else replace(clock, state=state)
    calendar = allowances.SOLAR if clock.allowance.unit == "solar" else report.desk.calendars[clock.calendar]
    until = min(end for end in (seen.at, done, seen.stopped_at, report.held.open_from) if end is not None)
    gone = allowances.seconds_counted(calendar, clock.start, until, report.held)
    return replace(clock, state=state, counted=gone)


def _state(clock: Clock, held: Held, done: datetime | None, seen: _Seen) -> State:
    at = seen.at
    if done is not None and (at is None or done <= at):
        return "met" if clock.due is None or done <= clock.due else "missed"
    stopped = seen.stopped_at is not None and (at is None or seen.stopped_at <= at)
    until = seen.stopped_at if stopped else at
    if clock.due is not None and until is not None and until > clock.due:
        return "missed"
    if stopped:
        return "stopped"
    return "paused" if _is_paused(clock, held, at) else "running"


def _is_paused(clock: Clock, held: Held, at: datetime | None) -> bool:
    # An open pause leaves no deadline; a pause that begins at the deadline or later does nothing.
    if held.open_from is not None and (at is None or held.open_from <= at):
        return clock.due is None
    if at is None or at == clock.due:
        return False
    return any(begins <= at < ends for begins, ends in held.pauses)


def _pause(text: str) -> Pause:
    begins, slash, ends = text.partition("/")
    if not slash:
        raise ValueError(f"pause: {text!r} is not from/to; leave `to` empty (from/) while it goes on")
    pause = instant(begins, "pause"), instant(ends, "pause") if ends.strip() else None
    if pause[1] is not None and pause[1] < pause[0]:
        raise ValueError(f"pause: {text!r} ends before it begins; write the earlier instant first")
    return pause
