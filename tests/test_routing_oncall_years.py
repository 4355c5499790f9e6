"""Ten years of random rotas, minute by minute, against an oracle that paints them: at every instant exactly the people whom
the written rules name are on call.

The oracle knows nothing of turns that can be computed: it steps from hand-off to hand-off and from day to day, and takes its
clocks from one definition. The clock of a zone *comes to* a time at the first instant at which it shows that or a later
one, and *has left* it at the last instant at which it shows it: the first and the last occurrence of an ambiguous time, and
the jump for a skipped one.
"""

import itertools
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from routing import oncall, rotas
from routing.oncall import Absence, Layer, OnCall, Override, Person, Policy, Restriction, Rota, Step

START, YEARS = datetime(2020, 1, 1, tzinfo=UTC), 10
END = START.replace(year=START.year + YEARS)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LENGTH = (END - START) // MINUTE
NAMES = ("anna", "bruno", "carla", "dario", "elena")
PEOPLE = {name: Person(name, name.title(), f"+39061111000{n}") for n, name in enumerate(NAMES, 1)}
ZONES = ("Europe/Rome", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Asia/Kolkata")

# -- the clocks, from their definition


@cache
def periods(zone: str) -> tuple[tuple[int, int, int], ...]:
    """(from, to, offset) in minutes since START: how the clock of the zone stands."""
    info, found, before = ZoneInfo(zone), [], None
    for hour in range(-24 * 400, LENGTH // 60 + 24 * 400):
        for minute in (0, 30) if zone == "Australia/Lord_Howe" else (0,):
            at = hour * 60 + minute
            offset = (START + at * MINUTE).astimezone(info).utcoffset() // MINUTE  # type: ignore[operator]
            if offset != before:
                found.append((at, offset))
                before = offset
    ends = [at for at, _ in found[1:]] + [10**9]
    return tuple((at, end, offset) for (at, offset), end in zip(found, ends, strict=True))


def comes_to(wall: datetime, zone: str) -> int:
    """The first minute at which the clock shows this or a later time."""
    shown = (wall - START.replace(tzinfo=None)) // MINUTE
    return min(max(start, shown - offset) for start, end, offset in periods(zone) if shown - offset < end)


def has_left(wall: datetime, zone: str) -> int:
    """The last minute at which the clock shows this; for a skipped time the first at which it shows a later one."""
    shown = (wall - START.replace(tzinfo=None)) // MINUTE
    there = [shown - offset for start, end, offset in periods(zone) if start <= shown - offset < end]
    return max(there) if there else comes_to(wall, zone)


# -- the rules, painted


def handoffs(layer: Layer) -> list[datetime]:
    """The wall-clock times of all hand-offs, one after the other."""
    at, found, counted = datetime.combine(layer.start, layer.handoff), [], 0
    last = END.replace(tzinfo=None) + 200 * DAY  # the turn after the last is over, too
    while at < last:
        if layer.months:
            found.append(at)
            for _ in range(layer.months):
                at = (at.replace(day=1) + 32 * DAY).replace(day=at.day)
        elif layer.by_day:
            if at.weekday() in layer.by_day:
                if counted % layer.length.days == 0:
                    found.append(at)
                counted += 1
            at += DAY
        else:
            found.append(at)
            at += layer.length
    return found


def hours(layer: Layer) -> list[tuple[int, int]]:
    """When the restrictions let the layer apply: in order, joined."""
    if not layer.restrictions:
        return [(-(10**8), 10**8)]
    found: list[tuple[int, int]] = []
    day = START.date() - 3 * DAY
    while day < END.date() + 3 * DAY:
        for one in layer.restrictions:
            if day.weekday() in one.days:
                ends = day + DAY * (one.end <= one.start)
                a, b = comes_to(datetime.combine(day, one.start), layer.zone), datetime.combine(ends, one.end)
                found.append((a, has_left(b, layer.zone)))
        day += DAY
    joined: list[tuple[int, int]] = []
    for a, b in sorted(found):
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], b))
        else:
            joined.append((a, b))
    return joined


def paint(canvas: bytearray, a: int, b: int, person: str | None) -> None:
    a, b = max(0, a), min(LENGTH, b)
    if a < b:
        canvas[a:b] = bytes([NAMES.index(person) + 1 if person else 0]) * (b - a)


def paint_layer(canvas: bytearray, layer: Layer) -> None:
    walls = handoffs(layer)
    starts = [comes_to(wall, layer.zone) for wall in walls]
    over = comes_to(datetime.combine(layer.until, layer.handoff), layer.zone) if layer.until else 10**9
    opened, first = hours(layer), 0
    for turn, (wall, a, b) in enumerate(zip(walls, starts, starts[1:], strict=False)):
        ends = min(b, over, has_left(wall + layer.lasts, layer.zone) if layer.lasts is not None else b)
        while first < len(opened) and opened[first][1] <= a:
            first += 1
        for c, d in opened[first:]:
            if c >= ends:
                break
            paint(canvas, max(a, c), min(ends, d), layer.people[turn % len(layer.people)])


def painted(rota: Rota) -> bytearray:
    """Who is meant to be on duty in each minute, 0 for nobody."""
    canvas = bytearray(LENGTH)
    for layer in rota.layers:
        paint_layer(canvas, layer)
    for one in rota.overrides:
        paint(canvas, (one.start - START) // MINUTE, (one.end - START) // MINUTE, one.person)
    return canvas


def with_absences(intended: bytearray, absences: tuple[Absence, ...]) -> bytearray:
    """The same with everybody's stand-ins."""
    canvas = bytearray(intended)
    spans = [((a.start - START) // MINUTE, (a.end - START) // MINUTE, a) for a in absences]
    cuts = sorted({0, LENGTH, *(cut for a, b, _ in spans for cut in (a, b) if 0 <= cut <= LENGTH)})
    for a, b in itertools.pairwise(cuts):
        away = {one.person: one.substitute for start, end, one in spans if start <= a < end}
        stands_in = [0]
        for name in NAMES:
            who: str | None = name
            asked: set[str] = set()
            while who in away and who not in asked:
                asked.add(who)
                who = away[who]
            stands_in.append(0 if who is None or who in asked else NAMES.index(who) + 1)
        canvas[a:b] = canvas[a:b].translate(bytes(stands_in) + bytes(256 - len(stands_in)))
    return canvas


# -- random rotas

SMALL_HOURS = st.integers(-60, 240)  # when clocks change
TIMES = st.one_of(SMALL_HOURS, st.integers(0, 1439)).map(lambda n: time(n % 1440 // 60, n % 60))
DAYS = st.one_of(st.just(frozenset(range(7))), st.frozensets(st.integers(0, 6), min_size=1))


@st.composite
def layers(draw: st.DrawFn, number: int) -> Layer:
    how = draw(st.sampled_from(("length", "length", "by_day", "months", "lasts")))
    length = draw(
        st.one_of(st.integers(1, 21).map(lambda n: n * DAY), st.sampled_from((8, 12, 36, 60)).map(lambda n: n * HOUR))
    )
    if how == "by_day":
        length = draw(st.integers(1, 4)) * DAY
    lasts = draw(st.integers(1, 24 * 9)) * HOUR if how in ("lasts", "months") and draw(st.booleans()) else None
    return Layer(
        f"layer {number}",
        draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map(tuple)),
        draw(st.dates(date(2019, 6, 1), date(2024, 1, 1))).replace(day=draw(st.integers(1, 28))),
        draw(TIMES),
        draw(st.sampled_from(ZONES)),
        DAY if how == "months" else length,
        tuple(draw(st.lists(st.builds(Restriction, DAYS, TIMES, TIMES), max_size=2))),
        draw(DAYS) if how == "by_day" else frozenset(),
        draw(st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2029, 1, 1)))),
        draw(st.integers(1, 4)) if how == "months" else 0,
        lasts,
    )


@st.composite
def duties(draw: st.DrawFn) -> OnCall:
    def span() -> tuple[datetime, datetime]:
        a = START + draw(st.integers(0, LENGTH - 2)) * MINUTE
        return a, a + draw(st.integers(1, 60 * 24 * 60)) * MINUTE

    person = st.sampled_from(NAMES)
    overrides = tuple(Override(draw(person), *span()) for _ in range(draw(st.integers(0, 6))))
    absences = tuple(
        Absence(draw(person), *span(), draw(st.one_of(st.none(), person))) for _ in range(draw(st.integers(0, 6)))
    )
    rota = Rota("duty", tuple(draw(layers(n)) for n in range(draw(st.integers(1, 3)))), overrides)
    return OnCall(PEOPLE, {"duty": rota}, Policy((Step("duty"),)), absences)


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(duties(), st.randoms(use_true_random=False))
def test_at_every_instant_of_ten_years_exactly_the_people_whom_the_written_rules_name_are_on_call(
    on_call: OnCall, chance: object
) -> None:
    rota = on_call.rotas["duty"]
    expected = with_absences(painted(rota), on_call.absences)
    told = bytearray(LENGTH)
    for shift in oncall.shifts(rota, START, END, on_call.away):  # every minute of the ten years
        assert not (shift.start - START) % MINUTE
        assert not (shift.end - START) % MINUTE
        paint(told, (shift.start - START) // MINUTE, (shift.end - START) // MINUTE, shift.person)
    assert told == expected
    changes = [run.start() for run in re.finditer(rb"(?s)(.)\1*", bytes(expected))]
    looked = chance.sample(changes, min(len(changes), 400))  # type: ignore[attr-defined]
    looked += [at - 1 for at in looked if at] + [chance.randrange(LENGTH) for _ in range(400)]  # type: ignore[attr-defined]
    for at in looked:  # and who is asked for alone is the same, to the last second of the minute
        for instant in (START + at * MINUTE, START + (at + 1) * MINUTE - timedelta(microseconds=1)):
            duty = oncall.on_duty(rota, instant, on_call.away)
            assert (NAMES.index(duty[0]) + 1 if duty else 0) == expected[at], instant


@pytest.mark.parametrize("zone", ZONES)
def test_the_oracle_s_clock_is_the_zone_s(zone: str) -> None:
    """What the whole property stands on: both definitions against every minute around each change of the clock."""
    info = ZoneInfo(zone)
    for start, _, _ in periods(zone)[1:]:
        shown = {
            at: (START + at * MINUTE).astimezone(info).replace(tzinfo=None) for at in range(start - 200, start + 200)
        }
        for wall in {shown[at] for at in range(start - 90, start + 90)} | {shown[start - 1] + 31 * MINUTE}:
            assert comes_to(wall, zone) == min(at for at, seen in shown.items() if seen >= wall)
            assert has_left(wall, zone) == max(
                (at for at, seen in shown.items() if seen == wall), default=comes_to(wall, zone)
            )
            assert START + comes_to(wall, zone) * MINUTE == rotas.first_at(wall, zone)
            assert START + has_left(wall, zone) * MINUTE == rotas.last_at(wall, zone)


# -- turns by frequency, and shifts shorter than their turn

ROME = "Europe/Rome"


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ROME))


def test_a_shift_that_lasts_shorter_than_its_turn_leaves_the_rest_open() -> None:
    layer = Layer("work weeks", ("anna", "bruno"), date(2026, 3, 2), time(9), ROME, 7 * DAY, lasts=5 * DAY)
    told = oncall.shifts(Rota("duty", (layer,)), rome("2026-03-02T00:00"), rome("2026-03-16T09:00"))
    assert [(one.person, one.start, one.end) for one in told] == [
        ("anna", rome("2026-03-02T09:00"), rome("2026-03-07T09:00")),
        ("bruno", rome("2026-03-09T09:00"), rome("2026-03-14T09:00")),
    ]


def test_turns_of_months_change_hands_on_the_same_day_of_the_month() -> None:
    layer = Layer("months", ("anna", "bruno"), date(2026, 11, 15), time(9), ROME, DAY, months=2)
    rota = Rota("duty", (layer,))
    assert [
        duty[0] if (duty := oncall.on_duty(rota, rome(at))) else None
        for at in ("2026-11-15T08:59", "2026-11-15T09:00", "2027-01-15T08:59", "2027-01-15T09:00", "2027-03-15T09:00")
    ] == [None, "anna", "anna", "bruno", "anna"]
    with pytest.raises(ValueError, match="day from 1 to 28"):
        replace(layer, start=date(2026, 11, 30))
