"""Rotas: layers of people who take turns on the wall clock, overrides and absences; who is on duty at an instant.

It computes, it never steps through time. It refuses to know numbers, policies and pages (`oncall`, `paging`) and to ask
for the time.

The rules, in full:

1. A layer hands over at a wall-clock time in its zone, every so many days or hours, to the next of its people. Rotation
   goes by the calendar, not by the hours in which the layer applies; with `by_day` only those days count and hand over.
2. A layer applies where one of its restrictions does (none: always). Where several layers apply, the LATER in the list
   wins (as in PagerDuty; GoAlert rings all, Grafana OnCall has numbered priorities).
3. An override wins over every layer of its rota; of two overrides the later in the list wins.
4. Somebody absent is not on duty. If the absence names a substitute, the substitute is, as by an override; otherwise it
   is a gap to be mended: no lower layer and no next person silently takes over. A chain still rings the others.
5. When clocks are set back, a turn or a restriction starts at the first occurrence of an ambiguous time, and a
   restriction or a shift that `lasts` ends at the last (two may overlap: rule 2). When clocks go forward, a skipped time
   is the instant of the jump: what ends and what starts there meet, and nothing is lost between. Rotation by hours keeps
   to the wall clock, so a turn may last an hour more in one night, and an hour less, or not take place, in another.
6. A turn is a shift from its first moment to the next turn; where a layer `lasts` shorter than that, the rest is open.
7. Every interval is [start, end).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from itertools import pairwise
from typing import Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

Source = Literal["rota", "override", "fallback"]
Duty = tuple[str, Source]
Span = TypeVar("Span", "Override", "Absence")

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Restriction:
    """Wall-clock hours in which a layer applies. `days`: 0 is Monday, of the day on which the hours start.

    `end` at or before `start` is on the next day, so 18:00-09:00 is a night and 00:00-00:00 a whole day. Longer
    stretches are several restrictions that touch: a layer applies in the union of them.
    """

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Layer:
    """People who take turns. The first turn starts on `start` at `handoff` in `zone` and goes to the first of `people`.

    `length` is wall-clock time in whole hours (7 days, 12 hours). `by_day` (0 is Monday) is for whole days only: just
    these days count and hand over, so a length of 1 day over Monday to Friday gives Friday's person the weekend too.
    `until`: from the hand-off of that date the layer no longer applies. `months`: turns of so many months instead of
    `length`, on the day of the month of `start`. `lasts`: a shift ends so long after its hand-off, on the wall clock.
    """

    name: str
    people: tuple[str, ...]
    start: date
    handoff: time
    zone: str
    length: timedelta
    restrictions: tuple[Restriction, ...] = ()
    by_day: frozenset[int] = frozenset()
    until: date | None = None
    months: int = 0
    lasts: timedelta | None = None

    def __post_init__(self) -> None:
        if not self.people:
            raise ValueError(f"layer {self.name}: no people")
        if self.length < HOUR or self.length % HOUR:
            raise ValueError(f"layer {self.name}: length must be whole hours, at least one")
        if self.by_day and self.length % DAY:
            raise ValueError(f"layer {self.name}: by_day needs a length in whole days")
        if not all(0 <= day <= 6 for day in self.by_day.union(*(r.days for r in self.restrictions))):
            raise ValueError(f"layer {self.name}: days go from 0 (Monday) to 6 (Sunday)")
        if self.months and (self.by_day or self.start.day > 28):
            raise ValueError(f"layer {self.name}: months need a start on a day from 1 to 28, and no by_day")
        if self.lasts is not None and self.lasts < HOUR:
            raise ValueError(f"layer {self.name}: a shift lasts an hour at least")


@dataclass(frozen=True, slots=True)
class Override:
    """In [start, end) this person is on duty, whatever the layers say."""

    person: str
    start: datetime
    end: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        _check_span(f"override of {self.person}", self.start, self.end)


@dataclass(frozen=True, slots=True)
class Absence:
    """In [start, end) this person is not to be rung, in any rota; `substitute` stands in."""

    person: str
    start: datetime
    end: datetime
    substitute: str | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        _check_span(f"absence of {self.person}", self.start, self.end)


def _check_span(what: str, start: datetime, end: datetime) -> None:
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError(f"{what}: times need an offset")
    if end <= start:
        raise ValueError(f"{what}: ends before it starts")


@dataclass(frozen=True, slots=True)
class Timeline(Generic[Span]):
    """Overlapping spans laid flat once, so that a look-up is one bisection: `values[i]` holds from `cuts[i]` on."""

    cuts: tuple[datetime, ...] = ()
    values: tuple[Span | None, ...] = ()

    def at(self, instant: datetime) -> Span | None:
        i = bisect_right(self.cuts, instant)
        return self.values[i - 1] if i else None


Away = Mapping[str, Timeline[Absence]]
"""The absences of each person who has any."""


@dataclass(frozen=True, slots=True)
class Rota:
    """Layers and overrides of one kind of duty. Of the layers that apply, and of the overrides, the later wins.

    `calendars`: files and addresses of iCalendar, kept elsewhere, whose events are overrides too (the shell reads them)."""

    id: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()
    name: str = ""
    calendars: tuple[str, ...] = ()
    replaced: Timeline[Override] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "replaced", flat(self.overrides))


@dataclass(frozen=True, slots=True)
class Shift:
    """One person on duty in [start, end)."""

    person: str
    source: Source
    start: datetime
    end: datetime


def on_duty(rota: Rota, at: datetime, away: Away | None = None) -> Duty | None:
    """Who is on duty at `at` (aware), and why; None in a gap. `away` is `OnCall.away`; without it nobody is absent.

    Time: O(log n) in the overrides and absences, independent of how far `at` lies from the start of a layer.
    """
    duty = planned(rota, at)
    return present(duty, at, away or {}) if duty else None


def planned(rota: Rota, at: datetime) -> Duty | None:
    """Who would be on duty if nobody were absent."""
    override = rota.replaced.at(at)
    if override:
        return override.person, "override"
    for layer in reversed(rota.layers):
        turn = _turn(layer, at)
        if turn is not None and _applies(layer, at):
            return layer.people[turn % len(layer.people)], "rota"
    return None


def present(duty: Duty, at: datetime, away: Away) -> Duty | None:
    """The one on duty or, while absent, the substitute (who may have one too); None if that leads nowhere."""
    tried: set[str] = set()
    while absence := absent(duty[0], at, away):
        tried.add(duty[0])
        if absence.substitute is None or absence.substitute in tried:
            return None
        duty = absence.substitute, "override"
    return duty


def absent(person: str, at: datetime, away: Away) -> Absence | None:
    """The absence that holds for this person at `at`."""
    return away[person].at(at) if person in away else None


def rotation(rota: Rota, at: datetime) -> tuple[str, ...]:
    """All of the rota's people, each once, in the order in which they are rung after the one on duty.

    Layers that apply come first, later ones before earlier ones; within a layer whoever's turn is next, and last who
    has the turn now and is either rung already or replaced by somebody else.
    """
    order: dict[str, None] = {}
    later_first = rota.layers[::-1]
    for layer in sorted(later_first, key=lambda layer: not _applies(layer, at)):
        turn = _turn(layer, at)
        after = 0 if turn is None else (turn + 1) % len(layer.people)
        order |= dict.fromkeys(layer.people[after:] + layer.people[:after])
    return tuple(order)


def shifts(rota: Rota, start: datetime, end: datetime, away: Away | None = None) -> tuple[Shift, ...]:
    """Who is on duty in [start, end), for calendars: in order, never overlapping, clipped; a gap is left open."""
    merged: list[Shift] = []
    for a, b in segments(rota, start, end, away or {}):
        duty = on_duty(rota, a, away)
        if duty is None:
            continue
        goes_on = bool(merged) and merged[-1].end == a and (merged[-1].person, merged[-1].source) == duty
        merged.append(Shift(*duty, merged.pop().start if goes_on else a, b))
    return tuple(merged)


def segments(rota: Rota, start: datetime, end: datetime, away: Away) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) cut so finely that within each piece the same person is on duty throughout. UTC."""
    cuts = {start, end, *rota.replaced.cuts, *(cut for line in away.values() for cut in line.cuts)}
    for layer in rota.layers:
        cuts.update(_changes(layer, start, end))
    return pairwise(sorted({cut.astimezone(UTC) for cut in cuts if start <= cut <= end}))


def flat(spans: Sequence[Span]) -> Timeline[Span]:
    """Spans laid over each other, the later in the list on top."""
    cuts = sorted({cut for span in spans for cut in (span.start, span.end)})
    waiting = sorted(range(len(spans)), key=lambda i: spans[i].start, reverse=True)
    on_top: list[int] = []
    values: list[Span | None] = []
    for cut in cuts:
        while waiting and spans[waiting[-1]].start <= cut:
            heappush(on_top, -waiting.pop())
        while on_top and spans[-on_top[0]].end <= cut:
            heappop(on_top)
        values.append(spans[-on_top[0]] if on_top else None)
    return Timeline(tuple(cuts), tuple(values))


# -- the wall clock


@lru_cache(maxsize=4096)
def first_at(wall: datetime, zone: str) -> datetime:
    """The first instant at which the clock of `zone` comes to `wall` (naive): the first occurrence, or the jump."""
    return _instant(wall, zone, fold=0)


@lru_cache(maxsize=4096)
def last_at(wall: datetime, zone: str) -> datetime:
    """The last instant at which the clock of `zone` comes to `wall` (naive): the last occurrence, or the jump."""
    return _instant(wall, zone, fold=1)


def _instant(wall: datetime, zone: str, fold: int) -> datetime:
    info = ZoneInfo(zone)
    instant = wall.replace(tzinfo=info, fold=fold).astimezone(UTC)
    if instant.astimezone(info).replace(tzinfo=None) == wall:
        return instant
    # A skipped time: read with the offset of before, it lies after the jump; with that of after, before it (PEP 495).
    after, before = (wall.replace(tzinfo=info, fold=f).astimezone(UTC) for f in (0, 1))
    offset = before.astimezone(info).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        before, after = (middle, after) if middle.astimezone(info).utcoffset() == offset else (before, middle)
    return after


def _turn(layer: Layer, at: datetime) -> int | None:
    """Which turn it is (0 is the first), None before the first."""
    since = at.astimezone(ZoneInfo(layer.zone)).replace(tzinfo=None) - datetime.combine(layer.start, layer.handoff)
    if layer.months:
        wall = datetime.combine(layer.start, layer.handoff) + since
        months = (wall.year - layer.start.year) * 12 + wall.month - layer.start.month
        turn = (months - (wall < _months_on(layer, months))) // layer.months
    elif layer.by_day:
        weeks, rest = divmod(since.days, 7)
        counted = weeks * len(layer.by_day) + bisect_right(_counted_days(layer), rest)
        turn = (counted - 1) // layer.length.days
    else:
        turn = since // layer.length
    # After a clock was set back, the wall shows a time before hand-offs that have taken place already (rule 5).
    while first_at(_handoff(layer, turn + 1), layer.zone) <= at:
        turn += 1
    return turn if turn >= 0 else None


def _handoff(layer: Layer, turn: int) -> datetime:
    """The wall-clock time at which a turn starts."""
    start = datetime.combine(layer.start, layer.handoff)
    if layer.months:
        return _months_on(layer, turn * layer.months)
    if not layer.by_day:
        return start + turn * layer.length
    days = _counted_days(layer)
    weeks, rest = divmod(turn * layer.length.days, len(days))
    return start + timedelta(days=7 * weeks + days[rest])


def _months_on(layer: Layer, months: int) -> datetime:
    """The wall-clock time of the first hand-off, so many months later (or earlier)."""
    years, month = divmod(layer.start.month - 1 + months, 12)
    return datetime.combine(layer.start.replace(year=layer.start.year + years, month=month + 1), layer.handoff)


def _ended(layer: Layer, turn: int) -> datetime:
    """When the shift of a turn is over, if it `lasts` no longer."""
    assert layer.lasts is not None
    return last_at(_handoff(layer, turn) + layer.lasts, layer.zone)


def _counted_days(layer: Layer) -> list[int]:
    """The days of `by_day` as days after the start."""
    return sorted((day - layer.start.weekday()) % 7 for day in layer.by_day)


def _applies(layer: Layer, at: datetime) -> bool:
    if layer.until and at >= first_at(datetime.combine(layer.until, layer.handoff), layer.zone):
        return False
    if layer.lasts is not None:
        turn = _turn(layer, at)
        if turn is None or at >= _ended(layer, turn):
            return False
    today = at.astimezone(ZoneInfo(layer.zone)).date()
    return not layer.restrictions or any(start <= at < end for start, end in _hours(layer, today, today))


def _hours(layer: Layer, start: date, end: date) -> Iterator[tuple[datetime, datetime]]:
    """All hours of the restrictions that may touch the days from `start` to `end`, as instants.

    Two days earlier and one later: hours last up to a day, and a clock set back over midnight shows yesterday again.
    """
    for n in range(-2, (end - start).days + 2):
        day = start + n * DAY
        for hours in layer.restrictions:
            if day.weekday() in hours.days:
                ends_on = day if hours.end > hours.start else day + DAY
                opening = first_at(datetime.combine(day, hours.start), layer.zone)
                yield opening, last_at(datetime.combine(ends_on, hours.end), layer.zone)


def _changes(layer: Layer, start: datetime, end: datetime) -> Iterator[datetime]:
    """All instants around [start, end) at which the layer may name somebody else."""
    turn = _turn(layer, start) or 0
    while (handoff := first_at(_handoff(layer, turn), layer.zone)) < end:
        yield handoff
        if layer.lasts is not None:
            yield _ended(layer, turn)
        turn += 1
    if layer.until:
        yield first_at(datetime.combine(layer.until, layer.handoff), layer.zone)
    zone = ZoneInfo(layer.zone)
    if layer.restrictions:
        for hours in _hours(layer, start.astimezone(zone).date(), end.astimezone(zone).date()):
            yield from hours
