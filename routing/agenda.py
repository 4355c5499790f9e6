"""What falls due on a ticket's clocks, and when: warnings, breaches, escalation steps, news to the customer, an offer's
last day, the end of the customer's silence.

One pure call: ticket, its desk and its stamp in, moments in order of time out. Refuses to know what time it is and what
was told already; whoever runs the clock does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from routing import allowances, calendars
from routing.calendars import Calendar, Count, from_micros, to_micros
from routing.desk import Allowance, Desk
from routing.sla import Clock, Stamp
from routing.tickets import OPEN, Ticket

Due = Literal["warning", "breach", "escalation", "update", "expiry", "silence"]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that falls due at ``at``. ``what``: the target, who is told, the stage of an offer."""

    at: datetime
    due: Due
    what: str = ""

    @property
    def name(self) -> str:
        """What it is told under, once: a deadline that was moved is another one."""
        return ":".join(part for part in (self.due, self.what, self.at.isoformat()) if part)


def moments(ticket: Ticket, desk: Desk, stamp: Stamp | None, news: datetime | None = None) -> tuple[Moment, ...]:
    """Everything that can still fall due, told or not. ``news``: when the customer was last told how it goes on, or was
    owed it."""
    return tuple(sorted(_moments(ticket, desk, stamp, news), key=lambda moment: moment.at))


def _moments(ticket: Ticket, desk: Desk, stamp: Stamp | None, news: datetime | None) -> Iterator[Moment]:
    if ticket.stage is not None and ticket.valid_until is not None:
        life = next((life for life in desk.lives.values() if life.kind == ticket.kind), None)
        if life is not None and ticket.stage == life.expires_in:
            yield Moment(ticket.valid_until, "expiry", ticket.stage)
    if ticket.state == "resolved" and ticket.resolved_at is not None and desk.clocks.close_after is not None:
        silent = allowances.after(_hours(ticket, desk), desk.clocks.close_after, ticket.resolved_at, desk.days_from)
        if silent is not None:
            yield Moment(silent, "silence")
    if stamp is None or ticket.state not in OPEN:
        return
    for clock in stamp.clocks:
        if clock.due is None or clock.target in ticket.met:
            continue
        if desk.clocks.warn_at is not None:
            yield Moment(_share(clock, desk.clocks.warn_at), "warning", clock.target)
        yield Moment(clock.due, "breach", clock.target)
    yield from (Moment(step.due, "escalation", step.to) for step in stamp.escalations if step.due is not None)
    if (update := next_news(ticket, desk, stamp, news)) is not None:
        yield Moment(update, "update")


def first(desk: Desk, stamp: Stamp) -> datetime | None:
    """When something first falls due on a new ticket's clocks; None when nothing will."""
    warned = desk.clocks.warn_at
    found = [clock.due if warned is None else _share(clock, warned) for clock in stamp.clocks if clock.due is not None]
    found += [step.due for step in stamp.escalations if step.due is not None]
    return min(found, default=None)


def next_news(ticket: Ticket, desk: Desk, stamp: Stamp, news: datetime | None) -> datetime | None:
    """When the customer must hear again: from the action plan on, until it is carried out; None when no cadence runs.
    ``news``: when they last did. What was agreed with them for this ticket goes before the plan's cadence."""
    plan_made = ticket.met.get("resolution") or ticket.met.get("execution")
    cadence = allowances.from_iso(ticket.updates_every) if ticket.updates_every else stamp.cadence
    if plan_made is None or cadence is None or ticket.state not in OPEN:
        return None
    if ticket.updates_every and cadence.unit == "business" and stamp.cadence and stamp.cadence.unit == "solar":
        cadence = Allowance("solar", cadence.amount)
    since = plan_made if news is None else max(plan_made, news)
    return allowances.after(_hours(ticket, desk), cadence, since, desk.days_from)


def _share(clock: Clock, percent: int) -> datetime:
    """The instant at which so many per cent of a clock's time are used up."""
    assert clock.due is not None
    calendar, end, spans = clock.promise.calendar, to_micros(clock.due), clock.held.spans
    whole = allowances.seconds_counted(calendar, clock.began, end, spans)
    part = round(whole * percent / 100) * calendars.SECOND
    return from_micros(Count(calendar, clock.began).used_up(part, spans))


def _hours(ticket: Ticket, desk: Desk) -> Calendar:
    """The calendar of the ticket's plan; a ticket without one has the desk's first."""
    plan = desk.plans.get(ticket.base_plan or ticket.plan or "")
    if plan is None:
        return next(iter(desk.calendars.values()))
    region = plan.calendar_by_region.get(ticket.region) if ticket.region is not None else None
    return desk.calendars[region or plan.calendar]
