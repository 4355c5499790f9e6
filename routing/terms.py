"""What a plan promises for one sort of report: every target's allowance and calendar, the escalation steps, the cadence.

Found once for each sort and remembered in the desk, so that stamping a report only counts. Refuses to know when a
report came, and to count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from routing import allowances
from routing.calendars import Calendar
from routing.desk import TARGETS, Allowance, Desk, Kind, Plan, Target

_NOTHING: Mapping[Target, Allowance] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Promise:
    """``allowance`` for ``target``, counted in ``calendar`` (``solar``: every hour), by ``plan``."""

    target: Target
    allowance: Allowance
    calendar: Calendar
    plan: str


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told when a ticket is still open after the allowance, counted in ``calendar``."""

    to: str
    after: Allowance
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Terms:
    """``promises``: for each target those of the base plan and the add-on, of which the earlier deadline holds.
    ``priority`` is the one that counts; ``marks`` say where it is not the one asked for. ``base_plan`` is named only
    under an add-on. ``calendar`` is the base plan's. ``hours``: the calendar outside of which other terms hold
    (``closed``); None when the hour changes nothing."""

    base_plan: str | None
    priority: str
    promises: tuple[tuple[Promise, ...], ...]
    steps: tuple[Step, ...]
    cadence: Allowance | None
    marks: tuple[str, ...]
    calendar: Calendar
    hours: Calendar | None


@dataclass(frozen=True, slots=True)
class _Sort:
    """A sort of reports: all that its terms depend on."""

    kind: Kind
    priority: str
    region: str | None
    via_on_call: bool
    closed: bool


def terms_of(
    desk: Desk,
    plan: str,
    base_plan: str | None,
    kind: Kind,
    priority: str,
    region: str | None = None,
    via_on_call: bool = False,
    closed: bool = False,
) -> Terms:
    """The terms of a plan (an add-on: over ``base_plan``) for a sort of reports. ``closed``: it came out of hours.
    Raises ValueError with one clear line for a plan, kind or priority that the desk does not have."""
    # The table only remembers what is a pure function of the desk; two threads that both find it lose nothing.
    key = (plan, base_plan, kind, priority, region, via_on_call, closed)
    found: Terms | None = desk._terms.get(key)
    if found is None:
        sort = _Sort(kind, priority, region, via_on_call, closed)
        found = desk._terms[key] = _found(desk, _plans(desk, plan, base_plan), sort, plan)
    return found


def _found(desk: Desk, plans: tuple[Plan, ...], sort: _Sort, plan: str) -> Terms:
    _check_priority(desk, sort.kind, sort.priority)
    first, counts_as = plans[0], _counts_as(sort, plans)
    promised = [_promises(desk, sort, each) for each in plans]
    hours = [_calendar(desk, sort, each) for each in plans if _key(sort, each) in each.out_of_hours_targets]
    calendar = _calendar(desk, sort, first)
    return Terms(
        base_plan=first.id if first.id != plan else None,
        priority=counts_as,
        promises=tuple(
            tuple(each[target] for each in promised if target in each)
            for target in TARGETS
            if any(target in each for each in promised)
        ),
        steps=tuple(
            Step(step.to, step.after, allowances.runs_in(calendar, step.after))
            for step in first.escalations.get(counts_as, ())
        ),
        cadence=first.updates.get(_key(sort, first)),
        marks=() if counts_as == sort.priority else (f"{sort.priority} not in plan",),
        calendar=calendar,
        hours=hours[0] if hours else None,
    )


def _promises(desk: Desk, sort: _Sort, plan: Plan) -> Mapping[Target, Promise]:
    key = _key(sort, plan)
    promised = dict(plan.targets.get(key, _NOTHING))
    # The duty's hours are exactly the closed ones, so what came through it came out of hours.
    if sort.closed or sort.via_on_call:
        promised |= plan.out_of_hours_targets.get(key, _NOTHING)
    if sort.via_on_call:
        promised |= plan.on_call_targets.get(key, _NOTHING)
    calendar = _calendar(desk, sort, plan)
    return {
        target: Promise(target, allowance, allowances.runs_in(calendar, allowance), plan.id)
        for target, allowance in promised.items()
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


def _counts_as(sort: _Sort, plans: tuple[Plan, ...]) -> str:
    """The priority as asked if one of the plans has it, else what the base plan makes of it."""
    asked = (sort.kind, sort.priority)
    if any(asked not in plan.substitutes for plan in plans):
        return sort.priority
    return plans[0].substitutes[asked]


def _key(sort: _Sort, plan: Plan) -> tuple[Kind, str]:
    return (sort.kind, plan.substitutes.get((sort.kind, sort.priority), sort.priority))


def _calendar(desk: Desk, sort: _Sort, plan: Plan) -> Calendar:
    region = plan.calendar_by_region.get(sort.region) if sort.region is not None else None
    return desk.calendars[region or plan.calendar]
