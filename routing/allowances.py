"""When an allowance is used up, pauses taken out, and which time was counted to get there.

Solar time runs on every hour of the day, business time in a calendar from the opening at which a report counts as
received; N business days end with the N-th business day after that. Pauses are [from, to), merged and clipped at the
receipt; an open one has no end yet, and one that begins at or after the deadline does nothing. Instants are whole
microseconds (``calendars.to_micros``) until somebody wants to see one. Refuses to know plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from routing import calendars
from routing.calendars import SECOND, Calendar, Count, Interval, from_micros, to_micros
from routing.desk import Allowance, DaysFrom

Pause = tuple[datetime, datetime | None]
"""[from, to); no ``to`` while the pause goes on."""

SOLAR = calendars.always("solar")


@dataclass(frozen=True, slots=True)
class Held:
    """When a report's clocks stood still: spans in order and apart, and where one that goes on begins."""

    spans: tuple[tuple[int, int], ...] = ()
    open_since: int | None = None

    @property
    def pauses(self) -> tuple[Interval, ...]:
        """The spans as UTC instants."""
        return tuple((from_micros(begins), from_micros(ends)) for begins, ends in self.spans)

    @property
    def open_from(self) -> datetime | None:
        return None if self.open_since is None else from_micros(self.open_since)


NOT_HELD = Held()


def held(pauses: Sequence[Pause], received: int) -> Held:
    """The pauses of a report, tidied. Raises ValueError for one that ends before it begins."""
    if not pauses:
        return NOT_HELD
    closed: list[tuple[int, int]] = []
    open_since: int | None = None
    for begin, end in pauses:
        if end is not None and end < begin:
            raise ValueError(f"a pause ends before it begins: {begin.isoformat()} to {end.isoformat()}")
        begins = max(to_micros(begin), received)
        if end is not None:
            closed.append((begins, to_micros(end)))
        elif open_since is None or begins < open_since:
            open_since = begins
    if open_since is not None:
        closed = [(begins, min(ends, open_since)) for begins, ends in closed]
    return Held(calendars.merged(closed), open_since)


def runs_in(calendar: Calendar, allowance: Allowance) -> Calendar:
    """The calendar that counts: the plan's, or every hour for a solar allowance."""
    return SOLAR if allowance.unit == "solar" else calendar


def solar_end(allowance: Allowance, received: int, spans: Sequence[tuple[int, int]]) -> int | None:
    """When a solar allowance is used up, as if no pause went on; None for best effort."""
    if allowance.unit == "best_effort":
        return None
    # Every hour counts: a pause that begins before the end moves it by its length.
    end = received + allowance.amount * SECOND
    for begins, ends in spans:
        if begins >= end:
            break
        end += ends - begins
    return end


def business_end(
    count: Count,
    calendar: Calendar,
    allowance: Allowance,
    received: int,
    spans: Sequence[tuple[int, int]],
    days: DaysFrom,
) -> int:
    """When a business or day allowance is used up, as if no pause went on. ``count`` counts in the calendar from the
    receipt; ``spans`` are the pauses that are over."""
    if allowance.unit == "business":
        amount = allowance.amount * SECOND
        return count.used_up(amount, spans) if spans else count.after(amount)
    if days == "opening":
        end = count.business_day_end(allowance.amount)
    else:
        end = to_micros(calendars.end_of_business_day(calendar, from_micros(received), allowance.amount))
    # Days are worth the open time up to their end, so a pause moves the end by the open time that it takes.
    return count.used_up(count.open_until(end), spans) if spans else end


def held_back(end: int | None, stood: Held) -> bool:
    """Whether a pause that goes on keeps this end from coming; one that begins at the end or later does not."""
    return end is not None and stood.open_since is not None and stood.open_since < end


def after(calendar: Calendar, allowance: Allowance, since: datetime, days: DaysFrom = "opening") -> datetime | None:
    """The instant at which an allowance without pauses is used up; None for best effort."""
    start = to_micros(since)
    if allowance.unit in ("solar", "best_effort"):
        end = solar_end(allowance, start, ())
    else:
        end = business_end(Count(calendar, start), calendar, allowance, start, (), days)
    return None if end is None else from_micros(end)


def counted(calendar: Calendar, start: int, end: int, spans: Sequence[tuple[int, int]]) -> tuple[Interval, ...]:
    """The open intervals of [start, end) outside the pauses."""
    return tuple(_counted(calendar, start, end, spans))


def _counted(calendar: Calendar, start: int, end: int, spans: Sequence[tuple[int, int]]) -> Iterator[Interval]:
    for begins, ends in spans:
        if begins >= end:
            break
        yield from calendars.open_intervals(calendar, from_micros(start), from_micros(begins))
        start = max(start, ends)
    yield from calendars.open_intervals(calendar, from_micros(start), from_micros(end))


def seconds_counted(calendar: Calendar, start: int, end: int, spans: Sequence[tuple[int, int]]) -> float:
    """Open seconds of [start, end) outside the pauses."""
    paused = sum(calendars.open_micros(calendar, max(begins, start), min(ends, end)) for begins, ends in spans)
    return (calendars.open_micros(calendar, start, end) - paused) / SECOND


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


_ISO = re.compile(r"P(?:(\d+)D|T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)")


def from_iso(text: str) -> Allowance:
    """``PT2H`` is opening hours, ``P1D`` business days. Raises ValueError for what is no such duration."""
    found = _ISO.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no duration such as PT2H or P1D; write hours and minutes, or days")
    days, *clock = (int(part or 0) for part in found.groups())
    seconds = sum(count * unit for count, unit in zip(clock, (3600, 60, 1), strict=True))
    return Allowance("days", days) if days else Allowance("business", seconds)


def written(allowance: Allowance) -> str:
    """As the documents and the desks' files write it: ``2h``, ``1.5h``, ``10m solar``, ``NBD``, ``2 days``, ``BE``."""
    if allowance.unit == "best_effort":
        return "BE"
    if allowance.unit == "days":
        return "NBD" if allowance.amount == 1 else f"{allowance.amount} days"
    amount = allowance.amount
    for unit, seconds in (("h", 3600), ("m", 60)):
        if amount >= seconds and (amount % seconds == 0 or (unit == "h" and amount % 1800 == 0)):
            return f"{amount / seconds:g}{unit}" + (" solar" if allowance.unit == "solar" else "")
    return f"{amount}s" + (" solar" if allowance.unit == "solar" else "")
