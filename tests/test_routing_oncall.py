"""Who is on call: layers, overrides, absences, clocks that change, chains and gaps."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing import oncall, rotas
from routing.oncall import Absence, Gap, Layer, OnCall, Override, Person, Policy, Restriction, Rota, Step

ROME = "Europe/Rome"
WEEKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PEOPLE = {
    "anna": Person("anna", "Anna Riva", "+390611110001"),
    "bruno": Person("bruno", "Bruno Sala", "+390611110002"),
    "carla": Person("carla", "Carla Neri", "+390611110003"),
    "dario": Person("dario", "Dario Villa", None),
    "elena": Person("elena", "Elena Fonti", "+390611110005"),
}
WEEKLY = Layer("weeks", ("anna", "bruno", "carla"), date(2026, 3, 2), time(9), ROME, 7 * DAY)


def rome(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ROME), fold=fold).astimezone(UTC)


def rota(*layers: Layer, **more: tuple[Override, ...]) -> Rota:
    return Rota("first", layers, **more)


def desk(*rotas_: Rota, policy: Policy | None = None, absences: tuple[Absence, ...] = ()) -> OnCall:
    return OnCall(PEOPLE, {r.id: r for r in rotas_}, policy or Policy((Step("first", wait_seconds=6),)), absences)


def who(r: Rota, at: datetime) -> str | None:
    duty = oncall.on_duty(r, at)
    return duty[0] if duty else None


# -- turns


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-03-02T08:59:59", None),
        ("2026-03-02T09:00", "anna"),
        ("2026-03-09T08:59:59", "anna"),
        ("2026-03-09T09:00", "bruno"),
        ("2026-03-16T09:00", "carla"),
        ("2026-03-23T09:00", "anna"),
        ("2026-03-30T08:59:59", "anna"),  # the clocks went forward on the 29th: still at nine on the wall
        ("2026-03-30T09:00", "bruno"),
        ("2036-03-03T12:00", "anna"),  # 522 weeks on
    ],
)
def test_a_layer_hands_over_at_the_wall_clock_time(at: str, person: str | None) -> None:
    assert who(rota(WEEKLY), rome(at)) == person


def test_hourly_turns_keep_to_the_wall_clock_when_clocks_are_set_back() -> None:
    layer = Layer("hours", ("anna", "bruno", "carla"), date(2026, 10, 25), time(0), ROME, HOUR)
    turns = oncall.shifts(rota(layer), rome("2026-10-25T00:00"), rome("2026-10-25T05:00"))
    assert [(s.person, s.end - s.start) for s in turns] == [
        ("anna", HOUR),
        ("bruno", HOUR),
        ("carla", 2 * HOUR),  # two o'clock comes twice: handed over at the first, kept through the second
        ("anna", HOUR),
        ("bruno", HOUR),
    ]


def test_hourly_turns_keep_to_the_wall_clock_when_clocks_go_forward() -> None:
    layer = Layer("hours", ("anna", "bruno", "carla"), date(2026, 3, 29), time(0), ROME, HOUR)
    turns = oncall.shifts(rota(layer), rome("2026-03-29T00:00"), rome("2026-03-29T05:00"))
    assert [(s.person, s.end - s.start) for s in turns] == [
        ("anna", HOUR),
        ("bruno", HOUR),
        ("anna", HOUR),  # Carla's hour was skipped by the clock
        ("bruno", HOUR),
    ]


def test_a_hand_off_in_the_skipped_hour_takes_place_at_the_jump() -> None:
    layer = Layer("days", ("anna", "bruno"), date(2026, 3, 28), time(2, 30), ROME, DAY)
    assert [s.start for s in oncall.shifts(rota(layer), rome("2026-03-28T02:30"), rome("2026-03-30T12:00"))] == [
        rome("2026-03-28T02:30"),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        rome("2026-03-30T02:30"),
    ]


def test_counted_days_hand_over_only_on_these_days() -> None:
    layer = Layer("work days", ("anna", "bruno", "carla"), date(2026, 3, 5), time(9), ROME, DAY, by_day=WEEKDAYS)
    days = [f"2026-03-{day:02}T12:00" for day in range(5, 13)]  # Thursday to the Thursday after
    assert [who(rota(layer), rome(at)) for at in days] == [
        "anna", "bruno", "bruno", "bruno", "carla", "anna", "bruno", "carla",
    ]  # fmt: skip


def test_a_layer_that_has_ended_hands_back_to_the_one_below() -> None:
    above = replace(WEEKLY, people=("elena",), until=date(2026, 3, 4))
    r = rota(WEEKLY, above)
    assert [who(r, rome(at)) for at in ("2026-03-04T08:59", "2026-03-04T09:00")] == ["elena", "anna"]


# -- restrictions and layers

NIGHTS = Layer(
    "nights", ("elena",), date(2026, 1, 1), time(0), ROME, DAY, (Restriction(EVERY_DAY, time(22), time(2, 30)),)
)


@pytest.mark.parametrize(
    ("at", "fold", "person"),
    [
        ("2026-03-10T21:59", 0, "bruno"),
        ("2026-03-10T22:00", 0, "elena"),
        ("2026-03-11T02:29", 0, "elena"),
        ("2026-03-11T02:30", 0, "bruno"),
        ("2026-10-25T02:30", 0, "elena"),  # ends at the last 02:30, an hour later
        ("2026-10-25T02:15", 1, "elena"),
        ("2026-10-25T02:30", 1, "anna"),
        ("2026-03-29T01:59", 0, "elena"),
        ("2026-03-29T03:00", 0, "anna"),  # 02:30 does not exist: it ends at the jump
    ],
)
def test_the_later_layer_wins_where_it_applies(at: str, fold: int, person: str) -> None:
    assert who(rota(WEEKLY, NIGHTS), rome(at, fold)) == person


def test_hours_that_start_in_the_ambiguous_hour_start_at_the_first() -> None:
    layer = replace(NIGHTS, restrictions=(Restriction(frozenset({6}), time(2, 30), time(4)),))
    (shift,) = oncall.shifts(rota(layer), rome("2026-10-24T12:00"), rome("2026-10-25T12:00"))
    assert (shift.start, shift.end) == (rome("2026-10-25T02:30"), rome("2026-10-25T04:00"))
    assert shift.end - shift.start == timedelta(hours=2, minutes=30)


def test_hours_hold_while_a_clock_set_back_over_midnight_shows_yesterday_again() -> None:
    # Until 2011 Newfoundland set its clocks back at 00:01: a minute of Sunday came before an hour of Saturday.
    zone = ZoneInfo("America/St_Johns")
    sunday = replace(
        NIGHTS, start=date(2006, 1, 1), zone=zone.key, restrictions=(Restriction(frozenset({6}), time(0), time(9)),)
    )
    to_saturday = replace(sunday, restrictions=(Restriction(frozenset({4}), time(23, 30), time(23, 30)),))
    again = datetime(2006, 10, 28, 23, 15, tzinfo=zone, fold=1).astimezone(UTC)
    assert who(rota(sunday), again) == "elena"
    assert who(rota(sunday), again - timedelta(minutes=15)) == "elena"
    assert who(rota(to_saturday), datetime(2006, 10, 29, 0, 0, 30, tzinfo=zone)) == "elena"
    assert who(rota(to_saturday), again) == "elena"
    assert who(rota(to_saturday), again + timedelta(minutes=15)) is None


def test_what_ends_and_what_starts_at_the_hour_that_comes_twice_overlap_for_that_hour() -> None:
    evening = replace(NIGHTS, people=("anna",), restrictions=(Restriction(EVERY_DAY, time(22), time(2)),))
    morning = replace(NIGHTS, people=("bruno",), restrictions=(Restriction(EVERY_DAY, time(2), time(8)),))
    first, second = rome("2026-10-25T02:00"), rome("2026-10-25T02:00", fold=1)
    assert [who(rota(evening, morning), at) for at in (first - HOUR, first, second)] == ["anna", "bruno", "bruno"]
    assert [who(rota(morning, evening), at) for at in (first - HOUR, first, second)] == ["anna", "anna", "bruno"]


def test_hours_over_midnight_belong_to_the_day_on_which_they_start() -> None:
    friday_night = replace(NIGHTS, restrictions=(Restriction(frozenset({4}), time(18), time(9)),))
    r = rota(friday_night)
    assert who(r, rome("2026-03-13T18:00")) == "elena"
    assert who(r, rome("2026-03-14T08:59")) == "elena"
    assert who(r, rome("2026-03-14T18:00")) is None
    assert who(r, rome("2026-03-13T08:59")) is None


def test_follow_the_sun_hands_over_in_each_zone_without_a_gap() -> None:
    layers = tuple(
        Layer(zone, (person,), date(2026, 1, 1), time(0), zone, DAY, (Restriction(EVERY_DAY, start, end),))
        for person, zone, start, end in (
            ("anna", "Europe/Rome", time(8), time(20)),
            ("bruno", "America/New_York", time(8), time(20)),
            ("carla", "Asia/Tokyo", time(6), time(18)),
        )
    )
    assert oncall.gaps(desk(rota(*layers)), rome("2026-03-01T00:00"), rome("2026-11-30T00:00")) == ()
    assert who(rota(*layers), rome("2026-03-10T12:00")) == "anna"
    assert who(rota(*layers), rome("2026-03-11T23:00")) == "carla"


# -- overrides and absences


def test_an_override_wins_and_of_two_the_later_in_the_list() -> None:
    overrides = (
        Override("bruno", rome("2026-03-03T00:00"), rome("2026-03-05T00:00"), "swap"),
        Override("carla", rome("2026-03-04T00:00"), rome("2026-03-04T12:00"), "medical"),
    )
    found = oncall.shifts(rota(WEEKLY, overrides=overrides), rome("2026-03-02T09:00"), rome("2026-03-06T00:00"))
    assert [(s.person, s.source, s.end) for s in found] == [
        ("anna", "rota", rome("2026-03-03T00:00")),
        ("bruno", "override", rome("2026-03-04T00:00")),
        ("carla", "override", rome("2026-03-04T12:00")),
        ("bruno", "override", rome("2026-03-05T00:00")),
        ("anna", "rota", rome("2026-03-06T00:00")),
    ]


def test_a_substitute_stands_in_for_the_named_engineer() -> None:
    away = Absence("anna", rome("2026-03-03T00:00"), rome("2026-03-04T00:00"), substitute="elena", reason="course")
    d = desk(rota(WEEKLY), absences=(away,))
    assert oncall.on_duty(d.rotas["first"], rome("2026-03-03T12:00"), d.away) == ("elena", "override")
    assert oncall.gaps(d, rome("2026-03-02T09:00"), rome("2026-03-06T00:00")) == ()
    link = oncall.chain(d, rome("2026-03-03T12:00"))[0]
    assert (link.person, link.source) == ("elena", "override")
    by_name = replace(d, policy=Policy((Step(person="anna"),)))
    assert [x.person for x in oncall.chain(by_name, rome("2026-03-03T12:00"))] == ["elena"]


def test_two_people_who_stand_in_for_each_other_while_both_are_away_leave_a_gap() -> None:
    start, end = rome("2026-03-03T00:00"), rome("2026-03-04T00:00")
    d = desk(rota(WEEKLY), absences=(Absence("anna", start, end, "bruno"), Absence("bruno", start, end, "anna")))
    assert oncall.gaps(d, rome("2026-03-02T09:00"), rome("2026-03-06T00:00")) == (
        Gap("first", start, end, "absent", "anna"),
    )
    assert [link.person for link in oncall.chain(d, start)] == ["carla"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda: replace(WEEKLY, people=()),
        lambda: replace(WEEKLY, length=timedelta(minutes=30)),
        lambda: replace(WEEKLY, length=timedelta(0)),
        lambda: replace(WEEKLY, length=12 * HOUR, by_day=WEEKDAYS),
        lambda: replace(WEEKLY, by_day=frozenset({7})),
        lambda: Override("anna", datetime(2026, 3, 1), datetime(2026, 3, 2)),
        lambda: Absence("anna", rome("2026-03-02T00:00"), rome("2026-03-01T00:00")),
        Step,
        lambda: Step("first", "anna"),
    ],
)
def test_a_value_that_means_nothing_is_refused(broken: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        broken()  # type: ignore[operator]


# -- the chain


def test_the_one_on_duty_is_rung_first_then_the_rest_in_rotation_order_then_the_fallback() -> None:
    policy = Policy((Step("first", wait_seconds=6),), fallback=("elena",))
    links = oncall.chain(desk(rota(WEEKLY), policy=policy), rome("2026-03-10T03:00"))
    assert oncall.as_json(links) == [
        {"person": "bruno", "number": "+390611110002", "source": "rota", "wait_seconds": 6},
        {"person": "carla", "number": "+390611110003", "source": "rota", "wait_seconds": 6},
        {"person": "anna", "number": "+390611110001", "source": "rota", "wait_seconds": 6},
        {"person": "elena", "number": "+390611110005", "source": "fallback", "wait_seconds": 6},
    ]


def test_the_person_who_was_replaced_is_rung_last_of_the_rota() -> None:
    swap = Override("elena", rome("2026-03-03T00:00"), rome("2026-03-04T00:00"))
    links = oncall.chain(desk(rota(WEEKLY, overrides=(swap,))), rome("2026-03-03T12:00"))
    assert [(link.person, link.source) for link in links] == [
        ("elena", "override"), ("bruno", "rota"), ("carla", "rota"), ("anna", "rota"),
    ]  # fmt: skip


def test_the_policy_may_ring_only_the_one_on_duty_of_each_level_and_nobody_twice_in_a_row() -> None:
    second = Rota("second", (replace(WEEKLY, people=("anna", "elena")),))
    steps = (Step("first", then_rest=False, redials=1), Step("second", wait_seconds=120, then_rest=False))
    d = desk(rota(WEEKLY), second, policy=Policy(steps, fallback=("elena", "carla")))
    assert [x.person for x in oncall.chain(d, rome("2026-03-03T12:00"))] == ["anna", "elena", "carla"]
    assert [x.person for x in oncall.chain(d, rome("2026-03-10T12:00"))] == ["bruno", "elena", "carla"]
    assert [x.redials for x in oncall.chain(d, rome("2026-03-10T12:00"))] == [1, 0, 0]


def test_in_a_gap_the_others_of_the_rota_and_the_fallback_are_still_rung() -> None:
    d = desk(rota(NIGHTS), policy=Policy((Step("first"),), fallback=("carla",)))
    assert [(x.person, x.source) for x in oncall.chain(d, rome("2026-03-10T12:00"))] == [
        ("elena", "rota"),
        ("carla", "fallback"),
    ]


def test_the_chain_is_never_empty_while_anybody_has_a_number() -> None:
    always = (rome("2026-01-01T00:00"), rome("2027-01-01T00:00"))
    everybody_away = tuple(Absence(person, *always) for person in PEOPLE)
    d = desk(rota(WEEKLY), absences=everybody_away)
    links = oncall.chain(d, rome("2026-03-03T12:00"))
    assert [(x.person, x.source) for x in links] == [(p, "fallback") for p in ("anna", "bruno", "carla", "elena")]
    nobody = replace(d, people={"dario": PEOPLE["dario"]})
    assert oncall.chain(nobody, rome("2026-03-03T12:00")) == ()


# -- gaps


def test_gaps_are_exact_merged_and_say_why() -> None:
    layer = replace(WEEKLY, people=("anna", "dario"))
    d = desk(rota(layer), absences=(Absence("anna", rome("2026-03-03T10:00"), rome("2026-03-03T11:30")),))
    assert oncall.gaps(d, rome("2026-03-01T00:00"), rome("2026-03-20T00:00")) == (
        Gap("first", rome("2026-03-01T00:00"), rome("2026-03-02T09:00"), "nobody on duty"),
        Gap("first", rome("2026-03-03T10:00"), rome("2026-03-03T11:30"), "absent", "anna"),
        Gap("first", rome("2026-03-09T09:00"), rome("2026-03-16T09:00"), "no number", "dario"),
    )


def test_only_the_hours_in_which_somebody_is_needed_count_as_a_gap() -> None:
    needed = (
        (rome("2026-03-10T18:00"), rome("2026-03-11T09:00")),
        (rome("2026-03-11T18:00"), rome("2026-03-12T09:00")),
    )
    found = oncall.gaps(desk(rota(NIGHTS)), rome("2026-03-10T00:00"), rome("2026-03-11T23:00"), needed)
    assert [(gap.start, gap.end) for gap in found] == [
        (rome("2026-03-10T18:00"), rome("2026-03-10T22:00")),
        (rome("2026-03-11T02:30"), rome("2026-03-11T09:00")),
        (rome("2026-03-11T18:00"), rome("2026-03-11T22:00")),
    ]


def test_people_and_rotas_that_do_not_exist_are_named() -> None:
    strange = rota(replace(WEEKLY, people=("anna", "zeno")))
    d = desk(strange, policy=Policy((Step("nights"), Step(person="yuri")), fallback=("ugo",)))
    assert oncall.faults(desk(rota(WEEKLY))) == ()
    assert oncall.faults(d) == (
        "the policy's fallback: there is no person 'ugo'",
        "a step of the policy: there is no person 'yuri'",
        "rota first, layer weeks: there is no person 'zeno'",
        "a step of the policy: there is no rota 'nights'",
    )


# -- against a slow oracle that only ever steps along the wall clock

GRID = timedelta(minutes=15)
NIGHTS_OF_CHANGE = {  # zone: two days on which its clocks change
    "Europe/Rome": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),  # by half an hour
    "America/Havana": (date(2026, 3, 8), date(2026, 11, 1)),  # at midnight
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 30)),  # back over midnight into the day before
    "America/St_Johns": (date(2006, 4, 2), date(2006, 10, 29)),  # a minute after midnight
    "Asia/Kolkata": (date(2026, 6, 1),),  # never
}
SMALL_HOURS = st.integers(-4, 15)  # from 23:00 to 03:45, when clocks change
QUARTERS = st.one_of(SMALL_HOURS, SMALL_HOURS, st.integers(0, 95)).map(lambda n: time(n % 96 // 4, n % 4 * 15))
DAYS = st.one_of(st.just(EVERY_DAY), st.frozensets(st.integers(0, 6), min_size=1))


@dataclass(frozen=True)
class Walls:
    """A stretch of instants with what the wall shows then, the latest so far, and the earliest thereafter."""

    instants: list[datetime]
    so_far: list[datetime]
    shown: list[datetime]
    after: list[datetime]

    @classmethod
    def of(cls, zone: str, start: datetime, end: datetime) -> "Walls":
        instants = [start + n * GRID for n in range((end - start) // GRID)]
        shown = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in instants]
        so_far = [max(shown[max(0, i - 12) : i + 1]) for i in range(len(shown))]
        return cls(
            instants, so_far, shown, [min(shown[i + 1 : i + 12], default=datetime.max) for i in range(len(shown))]
        )


def oracle(r: Rota, walls: dict[str, Walls], i: int) -> str | None:
    at = next(iter(walls.values())).instants[i]
    for override in reversed(r.overrides):
        if override.start <= at < override.end:
            return override.person
    for layer in reversed(r.layers):
        wall = walls[layer.zone]
        so_far, shown, after = wall.so_far[i], wall.shown[i], wall.after[i]
        turn, handoff = -1, datetime.combine(layer.start, layer.handoff)
        counted = 0
        while handoff <= so_far:
            if not layer.by_day or handoff.weekday() in layer.by_day:
                turn += counted % (layer.length // DAY if layer.by_day else 1) == 0
                counted += 1
            handoff += DAY if layer.by_day else layer.length
        opened = [datetime.combine(so_far.date() + n * DAY, h.start) for n in (-2, -1, 0) for h in layer.restrictions]
        spans = [
            (start, datetime.combine(start.date() + (h.end <= h.start) * DAY, h.end))
            for start, h in zip(opened, layer.restrictions * 3, strict=True)
            if start.weekday() in h.days
        ]
        if turn >= 0 and (not layer.restrictions or any(a <= so_far and (shown < b or after <= b) for a, b in spans)):
            return layer.people[turn % len(layer.people)]
    return None


@st.composite
def rotas_over_a_change(draw: st.DrawFn) -> tuple[Rota, datetime]:
    zone = draw(st.sampled_from(sorted(NIGHTS_OF_CHANGE)))
    night = draw(st.sampled_from(NIGHTS_OF_CHANGE[zone]))
    zones = (zone, zone, zone, *sorted(NIGHTS_OF_CHANGE))

    def layer(n: int) -> Layer:
        by_day = draw(st.one_of(st.just(frozenset[int]()), st.just(frozenset[int]()), DAYS))
        length = draw(
            st.integers(1, 3).map(lambda d: d * DAY) if by_day else st.integers(1, 30).map(lambda h: h * HOUR)
        )
        return Layer(
            f"layer {n}",
            draw(st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, max_size=4).map(tuple)),
            night - draw(st.integers(0, 6)) * DAY,
            draw(QUARTERS),
            draw(st.sampled_from(zones)),
            length,
            tuple(draw(st.lists(st.builds(Restriction, DAYS, QUARTERS, QUARTERS), max_size=2))),
            by_day,
        )

    start = datetime.combine(night - 2 * DAY, time(0), UTC)
    spans = st.tuples(st.integers(0, 300), st.integers(1, 40)).map(
        lambda s: (start + s[0] * GRID, start + (s[0] + s[1]) * GRID)
    )
    overrides = draw(
        st.lists(st.builds(lambda p, s: Override(p, *s), st.sampled_from(sorted(PEOPLE)), spans), max_size=3)
    )
    return Rota("first", tuple(layer(n) for n in range(draw(st.integers(1, 3)))), tuple(overrides)), start


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rotas_over_a_change())
def test_at_every_quarter_of_an_hour_the_person_whom_the_written_rules_name_is_on_duty(
    drawn: tuple[Rota, datetime],
) -> None:
    r, start = drawn
    end = start + 4 * DAY
    walls = {layer.zone: Walls.of(layer.zone, start - DAY, end + DAY) for layer in r.layers}
    expected = {start - DAY + i * GRID: oracle(r, walls, i) for i in range(96, 96 * 5)}
    assert {at: who(r, at) for at in expected} == expected
    turns = oncall.shifts(r, start, end)
    covered = {at: [s.person for s in turns if s.start <= at < s.end] for at in expected}
    assert covered == {at: [person] if person else [] for at, person in expected.items()}
    found = oncall.gaps(desk(r), start, end)
    in_gap = {at: any(g.start <= at < g.end for g in found) for at in expected}
    assert in_gap == {at: person in (None, "dario") for at, person in expected.items()}
    assert all(a.end < b.start or (a.reason, a.person) != (b.reason, b.person) for a, b in pairwise(found))


def test_a_look_up_ten_years_on_takes_no_longer_than_one_today(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []
    monkeypatch.setattr(
        rotas, "first_at", lambda wall, zone, real=rotas.first_at: asked.append(wall) or real(wall, zone)
    )
    hourly = replace(WEEKLY, length=HOUR)
    who(rota(hourly), rome("2026-03-03T12:00"))
    today = len(asked)
    who(rota(hourly), rome("2036-03-03T12:00"))
    assert len(asked) == 2 * today
