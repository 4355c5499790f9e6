"""A ticket's clocks as a drawing: open and closed hours, pauses, each target's way to its deadline, and now.

Instants become places on a line of 360 units, so that the template only prints numbers; every line of the drawing stands
beside it as a table. Refuses to count anything: what it draws was counted by the stamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from routing import calendars
from routing.desk import Desk
from routing.sla import Clock, Stamp
from routing.tickets import Ticket

WIDTH = 360.0
ROW = 29.0
HEAD = 15.0
MOST_BANDS = 120  # openings that can be told apart; of a longer time only the ends are drawn
MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Band:
    """From `x` on, `width` wide."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One target: counted in `counts` (what is gone of it in `gone`), due at `due` (None: best effort or held back)."""

    target: str
    y: float
    state: str
    counts: tuple[Band, ...]
    gone: tuple[Band, ...]
    start: datetime
    at: float | None
    due: datetime | None
    met: datetime | None
    met_at: float | None
    best_effort: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A day that begins."""

    x: float
    day: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """`open`: when the plan's hours are open; `pauses`: when the clocks stood; `steps`: the escalation matrix."""

    begin: datetime
    end: datetime
    height: float
    open: tuple[Band, ...]
    pauses: tuple[Band, ...]
    waits: tuple[tuple[datetime, datetime | None, str], ...]
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    steps: tuple[Band, ...]
    now: float
    now_at: datetime


def draw(ticket: Ticket, desk: Desk, stamp: Stamp, now: datetime) -> Timeline | None:
    """The drawing; None when there is no clock to draw."""
    if not stamp.clocks:
        return None
    begin = stamp.received
    known = [at for clock in stamp.clocks for at in (clock.due, ticket.met.get(clock.target)) if at is not None]
    last = max((*known, min(now, ticket.resolved_at or now), begin + timedelta(minutes=30)))
    scale = _Scale(begin, last + (last - begin) * 0.04)
    return Timeline(
        begin=begin,
        end=last,
        height=HEAD + ROW * len(stamp.clocks) + 14,
        open=scale.bands(_openings(stamp, desk, begin, scale.end)),
        pauses=scale.bands([(max(p.start, begin), p.end or max(now, p.start)) for p in ticket.pauses]),
        waits=tuple((pause.start, pause.end, pause.reason) for pause in ticket.pauses),
        ticks=tuple(scale.days(stamp.zone)),
        lanes=tuple(_lane(clock, row, ticket, scale, now) for row, clock in enumerate(stamp.clocks)),
        steps=tuple(Band(scale.x(step.due), 0) for step in stamp.escalations if step.due and step.due <= scale.end),
        now=scale.x(min(now, scale.end)),
        now_at=now,
    )


class _Scale:
    """Instants to places."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self.begin, self.end = begin, end

    def x(self, at: datetime) -> float:
        share = (at - self.begin) / (self.end - self.begin)
        return round(min(1.0, max(0.0, share)) * WIDTH, 1)

    def bands(self, spans: Sequence[tuple[datetime, datetime]]) -> tuple[Band, ...]:
        inside = [(max(a, self.begin), min(b, self.end)) for a, b in spans if b > self.begin and a < self.end]
        return tuple(Band(self.x(a), round(max(0.6, self.x(b) - self.x(a)), 1)) for a, b in inside)

    def days(self, zone: str) -> Iterator[Tick]:
        """Midnights of the desk's zone, not more than can be read."""
        info = ZoneInfo(zone)
        first, last = (at.astimezone(info).date() for at in (self.begin, self.end))
        step = max(1, -(-(last - first).days // MOST_TICKS))
        for number in range(step, (last - first).days + 1, step):
            midnight = datetime.combine(first + timedelta(days=number), time(), info)
            if midnight < self.end:
                yield Tick(self.x(midnight), midnight)


def _openings(stamp: Stamp, desk: Desk, begin: datetime, end: datetime) -> Sequence[tuple[datetime, datetime]]:
    """The openings of the calendar in which the first business clock runs; for solar clocks those of the plan."""
    names = [clock.calendar for clock in stamp.clocks if clock.calendar in desk.calendars]
    name = names[0] if names else desk.plans[stamp.base_plan or stamp.plan].calendar
    found = calendars.open_intervals(desk.calendars[name], begin, end)
    return found if len(found) <= MOST_BANDS else [(begin, end)]


def _lane(clock: Clock, row: int, ticket: Ticket, scale: _Scale, now: datetime) -> Lane:
    met = ticket.met.get(clock.target)
    until = min(at for at in (now, met, ticket.resolved_at, clock.due) if at is not None)
    counts = clock.intervals if not clock.best_effort else ((clock.start, scale.end),)
    gone = [(a, min(b, until)) for a, b in counts if a < until]
    few = len(counts) <= MOST_BANDS
    return Lane(
        target=clock.target,
        y=HEAD + ROW * row,
        state=clock.state,
        counts=scale.bands(counts if few else ((counts[0][0], counts[-1][1]),)),
        gone=scale.bands(gone if few else ((gone[0][0], gone[-1][1]),) if gone else ()),
        start=clock.start,
        at=scale.x(clock.due) if clock.due else None,
        due=clock.due,
        met=met,
        met_at=scale.x(met) if met else None,
        best_effort=clock.best_effort,
    )
