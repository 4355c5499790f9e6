"""The promises of a plan for one report: every deadline, the arithmetic behind it, and its state at an instant.

Over a base plan an add-on gives, per target, the earlier deadline. Met is done at or before the deadline; only what a
person did stops a clock, and the caller says when. Refuses to know what time it is, who the customer is, and whether
the promise was deserved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

from routing import allowances, calendars
from routing.allowances import Held, Pause
from routing.calendars import Calendar, Count, Interval, from_micros, to_micros
from routing.desk import Allowance, Desk, Kind, Target
from routing.sla_words import in_words
from routing.terms import Promise, Terms, terms_of

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


class Clock(NamedTuple):
    """One promise of one report (a named tuple: thousands are made in a breath). ``due`` is UTC; None for best effort,
    and while an open pause keeps the allowance from being used up. ``began``: where the counting began, microseconds.
    ``counted``: the seconds of it that are gone at the asked instant (None when none was asked for)."""

    promise: Promise
    due: datetime | None
    state: State
    began: int
    held: Held
    counted: float | None = None

    @property
    def target(self) -> Target:
        return self.promise.target

    @property
    def allowance(self) -> Allowance:
        return self.promise.allowance

    @property
    def best_effort(self) -> bool:
        return self.promise.allowance.unit == "best_effort"

    @property
    def allowed(self) -> str | None:
        """An ISO 8601 duration (``PT2H``; days are business days, ``P1D``), None for best effort."""
        return allowances.iso(self.promise.allowance)

    @property
    def calendar(self) -> str:
        return self.promise.calendar.id

    @property
    def plan(self) -> str:
        return self.promise.plan

    @property
    def start(self) -> datetime:
        """Where the counting began."""
        return from_micros(self.began)

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The time counted from the start to ``due``, or to the open pause."""
        until = to_micros(self.due) if self.due is not None else self.held.open_since
        if self.best_effort or until is None:
            return ()
        return allowances.counted(self.promise.calendar, self.began, until, self.held.spans)


class Escalation(NamedTuple):
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
    instant = to_micros(received)
    terms = _terms(desk, instant, plan, base_plan, kind, priority, region, via_on_call)
    held = allowances.held(pauses, instant)
    counting = _Counting(desk, instant, held)
    clocks = [counting.clock(group) for group in terms.promises]
    if met or at is not None or stopped_at is not None or held.open_since is not None:
        clocks = [_seen(clock, met.get(clock.target), at, stopped_at) for clock in clocks]
    return Stamp(
        desk=desk.id,
        plan=plan,
        base_plan=terms.base_plan,
        kind=kind,
        priority=terms.priority,
        received=from_micros(instant),
        clocks=tuple(clocks),
        cadence=terms.cadence,
        escalations=tuple([Escalation(step.to, counting.due(step.calendar, step.after)) for step in terms.steps]),
        marks=terms.marks,
        held=held,
        zone=desk.zone,
    )


def next_update(
    desk: Desk,
    *,
    plan: str,
    kind: Kind,
    priority: str,
    since: datetime,
    base_plan: str | None = None,
    region: str | None = None,
) -> datetime | None:
    """When the customer must hear again after ``since`` (the action plan, then each news); None without a cadence."""
    terms = terms_of(desk, plan, base_plan, kind, priority, region)
    if terms.cadence is None:
        return None
    return allowances.after(terms.calendar, terms.cadence, since, desk.days_from)


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
    region: str | None = None,
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
        region=_region(desk, region),
    )


def _region(desk: Desk, region: str | None) -> str | None:
    known = sorted({name for plan in desk.plans.values() for name in plan.calendar_by_region})
    if region is not None and region not in known:
        raise ValueError(f"desk {desk.id} has no hours for the region {region!r}; it has: {', '.join(known) or 'none'}")
    return region


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


class _Counting:
    """Counts the allowances of one report: each calendar is entered once, whatever number of clocks runs in it."""

    __slots__ = ("_counts", "_days_from", "_held", "_received")

    def __init__(self, desk: Desk, received: int, held: Held) -> None:
        self._received = received
        self._held = held
        self._days_from = desk.days_from
        self._counts: dict[str, Count] = {}

    def clock(self, group: tuple[Promise, ...]) -> Clock:
        """The clock of a target: of several plans' promises the one to be kept first."""
        promise, end = group[0], self._end(group[0].calendar, group[0].allowance)
        for other in group[1:]:
            others_end = self._end(other.calendar, other.allowance)
            if others_end is not None and (end is None or others_end < end):
                promise, end = other, others_end
        solar = promise.allowance.unit == "solar"
        began = self._received if solar else self._count(promise.calendar).start
        if allowances.held_back(end, self._held):
            end = None
        return Clock(promise, None if end is None else from_micros(end), "running", began, self._held)

    def due(self, calendar: Calendar, allowance: Allowance) -> datetime | None:
        end = self._end(calendar, allowance)
        return None if end is None or allowances.held_back(end, self._held) else from_micros(end)

    def _end(self, calendar: Calendar, allowance: Allowance) -> int | None:
        unit = allowance.unit
        if unit in ("solar", "best_effort"):
            return allowances.solar_end(allowance, self._received, self._held.spans)
        return allowances.business_end(
            self._count(calendar), calendar, allowance, self._received, self._held.spans, self._days_from
        )

    def _count(self, calendar: Calendar) -> Count:
        found = self._counts.get(calendar.id)
        if found is None:
            found = self._counts[calendar.id] = Count(calendar, self._received)
        return found


def _terms(
    desk: Desk,
    received: int,
    plan: str,
    base_plan: str | None,
    kind: Kind,
    priority: str,
    region: str | None,
    via_on_call: bool,
) -> Terms:
    """The terms that hold at that instant."""
    terms = terms_of(desk, plan, base_plan, kind, priority, region, via_on_call)
    if terms.hours is not None and not via_on_call and not calendars.is_open_at(terms.hours, received):
        return terms_of(desk, plan, base_plan, kind, priority, region, closed=True)
    return terms


def _seen(clock: Clock, done: datetime | None, at: datetime | None, stopped_at: datetime | None) -> Clock:
    """The clock as it stands at an instant."""
    state = _state(clock, done, at, stopped_at)
    if at is None:
        return clock._replace(state=state)
    until = min(to_micros(end) for end in (at, done, stopped_at, clock.held.open_from) if end is not None)
    gone = allowances.seconds_counted(clock.promise.calendar, clock.began, until, clock.held.spans)
    return clock._replace(state=state, counted=gone)


def _state(clock: Clock, done: datetime | None, at: datetime | None, stopped_at: datetime | None) -> State:
    if done is not None and (at is None or done <= at):
        return "met" if clock.due is None or done <= clock.due else "missed"
    stopped = stopped_at is not None and (at is None or stopped_at <= at)
    until = stopped_at if stopped else at
    if clock.due is not None and until is not None and until > clock.due:
        return "missed"
    if stopped:
        return "stopped"
    return "paused" if _is_paused(clock, at) else "running"


def _is_paused(clock: Clock, at: datetime | None) -> bool:
    # An open pause leaves no deadline; a pause that begins at the deadline or later does nothing.
    held = clock.held
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
