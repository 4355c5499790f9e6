"""Opening hours and what they add up to: is it open, when next, where does an allowance of open time end.

An instant is open when its wall clock in the calendar's zone lies in one of the day's periods [from, to); elapsed time
is real time, so a night shift is an hour shorter or longer when the clocks change. Open intervals are laid out once per
block of years as UTC microseconds with prefix sums; each question is then a bisection, however far the answer lies.
Refuses to know what is promised (``routing.sla``) and what time it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
SECOND = 1_000_000
DAY = 86_400 * SECOND

# How many years are laid out at once: nearly every question ends in the first block; the last one spans the whole
# Gregorian cycle, so a calendar with no opening in it never opens.
_BLOCKS = (6, 48, 400)
_FOUR_YEARS = 1461 * DAY
_LAST_YEAR = 9990

Period = tuple[int, int]
"""[from, to) in seconds of the wall clock since midnight; ``to`` is at most 86400."""
Interval = tuple[datetime, datetime]
"""[from, to) in UTC."""
T = TypeVar("T", datetime, int)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day of every year: ``month`` and ``day``, or ``easter`` days after Easter Sunday (1 = Easter Monday).

    ``since`` and ``until`` are the first and last year in which it holds. It takes the place of the weekday's periods:
    none is a closed day, others make it an open one (also on a Sunday)."""

    name: str
    month: int = 0
    day: int = 0
    easter: int | None = None
    since: int = 1
    until: int = 9999
    periods: tuple[Period, ...] = ()

    def date_in(self, year: int) -> date | None:
        """The date in that year, or None when it is not kept in it (29 February in a common year, too)."""
        if not self.since <= year <= self.until:
            return None
        if self.easter is not None:
            return easter_sunday(year) + timedelta(days=self.easter)
        if (self.month, self.day) == (2, 29) and not _is_leap(year):
            return None
        return date(year, self.month, self.day)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Weekly hours (Monday first), holidays, and special days that overrule both, in one named zone."""

    id: str
    zone: str
    week: tuple[tuple[Period, ...], ...]
    holidays: tuple[Holiday, ...] = ()
    special: Mapping[date, tuple[Period, ...]] = field(default_factory=dict, hash=False)
    label: Mapping[str, str] = field(default_factory=dict, hash=False)
    _blocks: dict[tuple[int, int], _Block] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )


def always(id: str = "24x7", zone: str = "UTC") -> Calendar:
    """A calendar that never closes."""
    return Calendar(id=id, zone=zone, week=(((0, 86_400),),) * 7)


@dataclass(frozen=True, slots=True)
class _Block:
    """Some years of a calendar laid out: openings as parallel lists with the open time before each, and the ordinal
    and closing instant of each business day."""

    start: int
    end: int
    opens: list[int]
    closes: list[int]
    before: list[int]
    days: list[int]
    day_ends: list[int]

    def open_until(self, instant: int) -> int:
        """Open microseconds of the block before ``instant``."""
        i = bisect_right(self.opens, instant) - 1
        return self.before[i] + min(instant, self.closes[i]) - self.opens[i] if i >= 0 else 0


class Count:
    """Open time counted on from one instant, for as many allowances as there are: instants and amounts are whole
    microseconds, each answer is one bisection. ``start``: the instant, or the opening after it (where a report that
    came then counts as received)."""

    __slots__ = ("_block", "_calendar", "_gone", "start")

    def __init__(self, calendar: Calendar, instant: int) -> None:
        self._calendar = calendar
        for length in _BLOCKS:
            block = _block(calendar, instant, length)
            i = bisect_right(block.closes, instant)
            if i < len(block.closes):
                opens = block.opens[i]
                self.start = start = instant if opens <= instant else opens
                self._gone = block.before[i] + start - opens
                self._block = block
                return
        raise _never_opens(calendar)

    def after(self, amount: int) -> int:
        """The earliest instant with so much open time behind it."""
        block, wanted = self._block, self._gone + amount
        i = bisect_left(block.before, wanted, 1) - 1
        end = block.opens[i] + wanted - block.before[i]
        return end if end <= block.closes[i] else _advance(self._calendar, self.start, amount)

    def used_up(self, amount: int, pauses: Sequence[tuple[int, int]]) -> int:
        """:meth:`after`, each pause [from, to) that begins before the end making up for the open time it takes.
        ``pauses`` are in order and apart."""
        end = self.after(amount)
        for begins, ends in pauses:
            if begins >= end:
                break
            amount += open_micros(self._calendar, max(begins, self.start), ends)
            end = self.after(amount)
        return end

    def business_day_end(self, n: int) -> int:
        """The closing of the ``n``-th business day after the day of ``start``."""
        ends = self._block.day_ends
        wanted = bisect_right(ends, self.start) + n
        if wanted < len(ends):
            return ends[wanted]
        return to_micros(end_of_business_day(self._calendar, from_micros(self.start), n))

    def open_until(self, instant: int) -> int:
        """Open time from ``start`` until then."""
        return open_micros(self._calendar, self.start, instant)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether ``at`` lies in an opening; the closing instant itself does not."""
    return is_open_at(calendar, to_micros(at))


def is_open_at(calendar: Calendar, instant: int) -> bool:
    """:func:`is_open` for microseconds."""
    block = _block(calendar, instant, _BLOCKS[0])
    i = bisect_right(block.opens, instant) - 1
    return i >= 0 and instant < block.closes[i]


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """The first opening strictly after ``at``. Raises ValueError when it never opens again."""
    instant = to_micros(at)
    for length in _BLOCKS:
        block = _block(calendar, instant, length)
        i = bisect_right(block.opens, instant)
        if i < len(block.opens):
            return from_micros(block.opens[i])
    raise _never_opens(calendar)


def opening_from(calendar: Calendar, at: datetime) -> datetime:
    """``at`` itself when open, else the next opening: where a report that came at ``at`` counts as received."""
    instant = to_micros(at)
    for length in _BLOCKS:
        block = _block(calendar, instant, length)
        i = bisect_right(block.closes, instant)
        if i < len(block.closes):
            return at if block.opens[i] <= instant else from_micros(block.opens[i])
    raise _never_opens(calendar)


def add_open(calendar: Calendar, start: datetime, seconds: float, pauses: Sequence[Interval] = ()) -> datetime:
    """The earliest instant by which ``seconds`` of open, unpaused time have passed since ``start``.

    ``pauses`` are in order and apart (see :func:`merged`)."""
    if seconds <= 0:
        return start
    count = Count(calendar, to_micros(start))
    spans = [(to_micros(begins), to_micros(ends)) for begins, ends in pauses]
    return from_micros(count.used_up(round(seconds * SECOND), spans))


def open_seconds(calendar: Calendar, start: datetime, end: datetime) -> float:
    """Open time in [start, end), in seconds; 0 when ``end`` is before ``start``."""
    return open_micros(calendar, to_micros(start), to_micros(end)) / SECOND


def open_intervals(calendar: Calendar, start: datetime, end: datetime) -> tuple[Interval, ...]:
    """The openings within [start, end), clipped to it, touching ones joined."""
    first, last = to_micros(start), to_micros(end)
    if last <= first:
        return ()
    block = _block_holding(calendar, first, last)
    i, j = bisect_right(block.closes, first), bisect_left(block.opens, last)
    return tuple(
        (from_micros(max(opens, first)), from_micros(min(closes, last)))
        for opens, closes in zip(block.opens[i:j], block.closes[i:j], strict=True)
    )


def end_of_business_day(calendar: Calendar, at: datetime, n: int = 1) -> datetime:
    """The closing of the ``n``-th business day after the local date of ``at`` (``n`` = 0: of that date, or of the next
    business day when it is none). A business day is a date with opening hours."""
    local = at.astimezone(_zone(calendar)).date()
    for length in _BLOCKS:
        block = _block(calendar, to_micros(at), length)
        i = bisect_left(block.days, local.toordinal()) if n == 0 else bisect_right(block.days, local.toordinal())
        wanted = i + max(n - 1, 0)
        if wanted < len(block.days):
            return from_micros(block.day_ends[wanted])
    raise _never_opens(calendar)


def periods_on(calendar: Calendar, day: date) -> tuple[Period, ...]:
    """The wall-clock periods of one date: special day, else holiday, else weekday. Of two holidays on one date, the
    one that opens wins."""
    if day in calendar.special:
        return calendar.special[day]
    kept = [holiday.periods for holiday in calendar.holidays if holiday.date_in(day.year) == day]
    return max(kept, key=len) if kept else calendar.week[day.weekday()]


def holidays_in(calendar: Calendar, year: int) -> tuple[tuple[date, Holiday], ...]:
    """The year's holidays in order of date."""
    dated = [(day, holiday) for holiday in calendar.holidays if (day := holiday.date_in(year)) is not None]
    return tuple(sorted(dated, key=lambda pair: pair[0]))


def merged(intervals: Sequence[tuple[T, T]]) -> tuple[tuple[T, T], ...]:
    """The same time as intervals in order that neither overlap nor touch; empty ones are left out."""
    result: list[tuple[T, T]] = []
    for begin, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return tuple(result)


def easter_sunday(year: int) -> date:
    """Easter in the Gregorian calendar (Meeus, Jones and Butcher's rule)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def to_micros(at: datetime) -> int:
    """Microseconds since 1970 UTC of an aware instant."""
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def from_micros(instant: int) -> datetime:
    """The UTC instant."""
    return EPOCH + timedelta(microseconds=instant)


def open_micros(calendar: Calendar, start: int, end: int) -> int:
    """Open microseconds of [start, end); 0 when ``end`` is not after ``start``."""
    if end <= start:
        return 0
    block = _block_holding(calendar, start, end)
    return block.open_until(end) - block.open_until(start)


def _advance(calendar: Calendar, start: int, amount: int) -> int:
    """The earliest instant at or after ``start`` with ``amount`` open microseconds between."""
    if amount <= 0:
        return start
    for length in _BLOCKS:
        block = _block(calendar, start, length)
        wanted = block.open_until(start) + amount
        i = bisect_left(block.before, wanted) - 1
        closes_with = block.before[i] + block.closes[i] - block.opens[i] if i >= 0 else 0
        if wanted <= closes_with:
            return block.opens[i] + wanted - block.before[i]
    raise _never_opens(calendar)


def _block_holding(calendar: Calendar, start: int, end: int) -> _Block:
    for length in _BLOCKS:
        block = _block(calendar, start, length)
        if end <= block.end:
            return block
    raise ValueError(f"calendar {calendar.id}: {from_micros(start)} to {from_micros(end)} is longer than 400 years")


def _block(calendar: Calendar, start: int, length: int) -> _Block:
    """The block of so many years that holds ``start`` with room before and after it."""
    number = start // _FOUR_YEARS
    # The table only remembers what is a pure function of the calendar; two threads that both build it lose nothing.
    block = calendar._blocks.get((number, length))
    if block is None:
        first = EPOCH.year + 4 * number - 1
        block = calendar._blocks[number, length] = _laid_out(calendar, first, min(first + length, _LAST_YEAR))
    return block


def _laid_out(calendar: Calendar, first: int, last: int) -> _Block:
    zone = _zone(calendar)
    block = _Block(_midnight(date(first, 1, 1), zone), _midnight(date(last, 1, 1), zone), [], [], [], [], [])
    total = 0
    for day, periods, start, end in _days(calendar, zone, first, last):
        pieces = _pieces(periods, day, start, end, zone)
        for opens, closes in pieces:
            if block.closes and block.closes[-1] == opens:
                block.closes[-1] = closes
            else:
                block.opens.append(opens)
                block.closes.append(closes)
                block.before.append(total)
            total += closes - opens
        if pieces:
            block.days.append(day.toordinal())
            block.day_ends.append(pieces[-1][1])
    return block


def _days(
    calendar: Calendar, zone: ZoneInfo, first: int, last: int
) -> Iterator[tuple[date, tuple[Period, ...], int, int]]:
    """Each date of the years with its periods and the instants of its midnights."""
    exceptions: dict[date, tuple[Period, ...]] = {}
    for year in range(first, last):
        for day, _ in holidays_in(calendar, year):
            exceptions[day] = periods_on(calendar, day)
    exceptions.update(calendar.special)
    day, end = date(first, 1, 1), date(last, 1, 1)
    midnight = _midnight(day, zone)
    while day < end:
        following = day + timedelta(days=1)
        next_midnight = _midnight(following, zone)
        yield day, exceptions.get(day, calendar.week[day.weekday()]), midnight, next_midnight
        day, midnight = following, next_midnight


def _pieces(periods: tuple[Period, ...], day: date, start: int, end: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The instants of [start, end) whose wall clock lies in one of the periods, in order."""
    if not periods:
        return []
    if end - start == DAY:
        return [(start + begins * SECOND, start + ends * SECOND) for begins, ends in periods]
    # The clocks change on this date: the periods hold on each side with that side's offset.
    wall = to_micros(datetime(day.year, day.month, day.day, tzinfo=UTC))
    change = _change(start, end, zone)
    pieces: list[tuple[int, int]] = []
    for side_start, side_end in ((start, change), (change, end)):
        shift = wall - _offset(side_start, zone)
        for begins, ends in periods:
            piece = (max(shift + begins * SECOND, side_start), min(shift + ends * SECOND, side_end))
            if piece[0] < piece[1]:
                pieces.append(piece)
    return pieces


def _change(start: int, end: int, zone: ZoneInfo) -> int:
    """The second in (start, end] from which the offset is that of the end of the day."""
    low, high = start // SECOND, end // SECOND
    last = _offset(end - SECOND, zone)
    while low < high:
        middle = (low + high) // 2
        if _offset(middle * SECOND, zone) == last:
            high = middle
        else:
            low = middle + 1
    return low * SECOND


def _offset(instant: int, zone: ZoneInfo) -> int:
    offset = from_micros(instant).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // MICRO


def _midnight(day: date, zone: ZoneInfo) -> int:
    """Where the date begins: the first instant of it, also where midnight itself is skipped or comes twice."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone)
    instant = to_micros(wall.astimezone(UTC))
    if from_micros(instant).astimezone(zone).date() == day and wall.utcoffset() == wall.replace(fold=1).utcoffset():
        return instant
    return _first_instant(day, instant, zone)


def _first_instant(day: date, near: int, zone: ZoneInfo) -> int:
    low, high = near // SECOND - 86_400, near // SECOND + 86_400
    while low < high:
        middle = (low + high) // 2
        if from_micros(middle * SECOND).astimezone(zone).date() >= day:
            high = middle
        else:
            low = middle + 1
    return low * SECOND


def _zone(calendar: Calendar) -> ZoneInfo:
    return ZoneInfo(calendar.zone)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _never_opens(calendar: Calendar) -> ValueError:
    return ValueError(f"calendar {calendar.id} does not open again")
