"""A ticket's clocks as a drawing: open and closed hours, pauses, each target's way to its deadline, and now.

Instants become places on a line of 360 units, so that the template only prints numbers; every line of the drawing stands
beside it as a table. Refuses to count anything: what it draws was counted by the stamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from routing import calendars
from routing.desk import Desk
from routing.sla import Clock, Stamp
from routing.tickets import Ticket

WIDTH = 360.0
ROW = 38.0  # a line of words above a bar
HEAD = 20.0
FOOT = 18.0
MOST_BANDS = 120  # openings that can be told apart; of a longer time only the ends are drawn
MOST_TICKS = 5
TICKS = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 30, 60, 120, 180, 360, 720))
AFTER = 0.3  # of the time drawn, for what comes after the last deadline: a now that is farther is at the edge


@dataclass(frozen=True, slots=True)
class Band:
    """From `x` on, `width` wide."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One target: the `open` hours of its own calendar, what is counted (`counts`, and `gone` of it), from its deadline on
    what is `late`; due at `due` (None: best effort or held back)."""

    target: str
    y: float
    state: str
    open: tuple[Band, ...]
    counts: tuple[Band, ...]
    gone: tuple[Band, ...]
    late: tuple[Band, ...]
    start: datetime
    at: float | None
    due: datetime | None
    met: datetime | None
    met_at: float | None
    best_effort: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A day that begins, or an hour of it where the drawing is of hours."""

    x: float
    at: datetime
    hour: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """`pauses`: when the clocks stood; `steps`: the escalation matrix. `beyond`: now is later than what is drawn."""

    begin: datetime
    end: datetime
    height: float
    pauses: tuple[Band, ...]
    waits: tuple[tuple[datetime, datetime | None, str], ...]
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    steps: tuple[Band, ...]
    now: float
    now_at: datetime
    beyond: bool


def draw(ticket: Ticket, desk: Desk, stamp: Stamp, now: datetime) -> Timeline | None:
    """The drawing; None when there is no clock to draw."""
    if not stamp.clocks:
        return None
    begin, stood = stamp.received, min(now, ticket.resolved_at or now)
    known = [at for clock in stamp.clocks for at in (clock.due, ticket.met.get(clock.target)) if at is not None]
    last = max((*known, begin + timedelta(minutes=30))) if known else max(stood, begin + timedelta(minutes=30))
    last = max(last, min(stood, last + (last - begin) * AFTER))
    scale = _Scale(begin, last + (last - begin) * 0.04)
    return Timeline(
        begin=begin,
        end=last,
        height=HEAD + ROW * len(stamp.clocks) + FOOT,
        pauses=scale.bands([(max(p.start, begin), p.end or max(now, p.start)) for p in ticket.pauses]),
        waits=tuple((pause.start, pause.end, pause.reason) for pause in ticket.pauses),
        ticks=tuple(scale.ticks(stamp.zone)),
        lanes=tuple(_lane(clock, row, ticket, desk, stamp, scale, now) for row, clock in enumerate(stamp.clocks)),
        steps=tuple(Band(scale.x(step.due), 0) for step in stamp.escalations if step.due and step.due <= scale.end),
        now=scale.x(min(now, scale.end)),
        now_at=now,
        beyond=now > scale.end,
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

    def ticks(self, zone: str) -> Iterator[Tick]:
        """Midnights of the desk's zone, or hours when the drawing is of few, not more than can be read."""
        info = ZoneInfo(zone)
        first, last = (at.astimezone(info).date() for at in (self.begin, self.end))
        every = next((one for one in TICKS if (self.end - self.begin) / one <= MOST_TICKS), None)
        if every is not None:
            yield from self._hours(info, every)
            return
        step = max(1, -(-(last - first).days // MOST_TICKS))
        for number in range(step, (last - first).days + 1, step):
            yield from self._tick(datetime.combine(first + timedelta(days=number), time(), info), hour=False)

    def _hours(self, zone: ZoneInfo, every: timedelta) -> Iterator[Tick]:
        at = datetime.combine(self.begin.astimezone(zone).date(), time(), zone).astimezone(UTC)
        at += every * -(-(self.begin - at) // every)
        while at < self.end:
            yield from self._tick(at, hour=at.astimezone(zone).time() != time())
            at += every

    def _tick(self, at: datetime, *, hour: bool) -> Iterator[Tick]:
        """Not where its words would stand out of the drawing."""
        if WIDTH * 0.05 < self.x(at) < WIDTH * 0.93:
            yield Tick(self.x(at), at, hour)


def _openings(clock: Clock, desk: Desk, stamp: Stamp, scale: _Scale) -> tuple[Band, ...]:
    """The openings of the calendar that counts; a best-effort clock's are those of the plan."""
    plans = desk.calendars[desk.plans[stamp.base_plan or stamp.plan].calendar]
    calendar = plans if clock.best_effort else clock.promise.calendar
    found = calendars.open_intervals(calendar, scale.begin, scale.end)
    return scale.bands(found if len(found) <= MOST_BANDS else [(scale.begin, scale.end)])


def _lane(clock: Clock, row: int, ticket: Ticket, desk: Desk, stamp: Stamp, scale: _Scale, now: datetime) -> Lane:
    met = ticket.met.get(clock.target)
    stood = min(at for at in (now, met, ticket.resolved_at) if at is not None)
    until = min(at for at in (stood, clock.due) if at is not None)
    counts = clock.intervals if not clock.best_effort else ((clock.start, scale.end),)
    gone = [(a, min(b, until)) for a, b in counts if a < until]
    few = len(counts) <= MOST_BANDS
    late = [(clock.due, stood)] if clock.due is not None and stood > clock.due else []
    return Lane(
        target=clock.target,
        y=HEAD + ROW * row,
        state=clock.state,
        open=_openings(clock, desk, stamp, scale),
        counts=scale.bands(counts if few else ((counts[0][0], counts[-1][1]),)),
        gone=scale.bands(gone if few else ((gone[0][0], gone[-1][1]),) if gone else ()),
        late=scale.bands(late),
        start=clock.start,
        at=scale.x(clock.due) if clock.due else None,
        due=clock.due,
        met=met,
        met_at=scale.x(met) if met and met <= scale.end else None,
        best_effort=clock.best_effort,
    )
