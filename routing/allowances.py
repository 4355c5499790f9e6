"""When an allowance is used up, pauses taken out, and which time was counted to get there.

Solar time runs on every hour of the day, business time in a calendar from the opening at which a report counts as
received; N business days end with the N-th business day after that. Pauses are [from, to), merged and clipped at the
receipt; an open one has no end yet, and one that begins at or after the deadline does nothing. Refuses to know plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from routing import calendars
from routing.calendars import Calendar, Interval
from routing.desk import Allowance, DaysFrom

Pause = tuple[datetime, datetime | None]
"""[from, to); no ``to`` while the pause goes on."""

SOLAR = calendars.always("solar")


@dataclass(frozen=True, slots=True)
class Held:
    """When a report's clocks stood still: pauses in order and apart, and where one that goes on begins."""

    pauses: tuple[Interval, ...] = ()
    open_from: datetime | None = None


NOT_HELD = Held()


def held(pauses: Sequence[Pause], received: datetime) -> Held:
    """The pauses of a report, tidied. Raises ValueError for one that ends before it begins."""
    for begin, end in pauses:
        if end is not None and end < begin:
            raise ValueError(f"a pause ends before it begins: {begin.isoformat()} to {end.isoformat()}")
    open_from = min((max(begin.astimezone(UTC), received) for begin, end in pauses if end is None), default=None)
    closed = [
        (max(begin.astimezone(UTC), received), min(end.astimezone(UTC), open_from or end.astimezone(UTC)))
        for begin, end in pauses
        if end is not None
    ]
    return Held(calendars.merged(closed), open_from)


def runs_in(calendar: Calendar, allowance: Allowance) -> Calendar:
    """The calendar that counts: the plan's, or every hour for a solar allowance."""
    return SOLAR if allowance.unit == "solar" else calendar


def due(
    calendar: Calendar,
    allowance: Allowance,
    received: datetime,
    stood: Held = NOT_HELD,
    days_from: DaysFrom = "opening",
) -> datetime | None:
    """The earliest instant (UTC) at which the allowance is used up; None if that never comes: best effort, or an open
    pause that began before it."""
    if allowance.unit == "best_effort":
        return None
    counts = runs_in(calendar, allowance)
    start = calendars.opening_from(counts, received)
    seconds: float = allowance.amount
    if allowance.unit == "days":
        end = calendars.end_of_business_day(calendar, start if days_from == "opening" else received, allowance.amount)
        if not stood.pauses and stood.open_from is None:
            return end
        # Days are worth the open time up to their end, so a pause moves the end by the open time that it takes.
        seconds = calendars.open_seconds(calendar, start, end)
    used_up = calendars.add_open(counts, start, seconds, stood.pauses)
    return None if stood.open_from is not None and stood.open_from < used_up else used_up


def counted(calendar: Calendar, start: datetime, end: datetime, stood: Held) -> tuple[Interval, ...]:
    """The open intervals of [start, end) outside the pauses."""
    return tuple(_counted(calendar, start, end, stood.pauses))


def _counted(calendar: Calendar, start: datetime, end: datetime, pauses: Sequence[Interval]) -> Iterator[Interval]:
    for begins, ends in pauses:
        if begins >= end:
            break
        yield from calendars.open_intervals(calendar, start, begins)
        start = max(start, ends)
    yield from calendars.open_intervals(calendar, start, end)


def seconds_counted(calendar: Calendar, start: datetime, end: datetime, stood: Held) -> float:
    """Open seconds of [start, end) outside the pauses."""
    paused = sum(calendars.open_seconds(calendar, max(begins, start), min(ends, end)) for begins, ends in stood.pauses)
    return calendars.open_seconds(calendar, start, end) - paused


@lru_cache(maxsize=512)
def iso(allowance: Allowance) -> str | None:
    """The allowance as an ISO 8601 duration: ``PT1H30M``; business days are ``P1D``; None for best effort."""
    if allowance.unit == "best_effort":
        return None
    if allowance.unit == "days":
        return f"P{allowance.amount}D"
    hours, rest = divmod(allowance.amount, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0S")
