"""Calendars against a slow oracle that looks at every minute, and against dates worked out by hand."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import calendars
from routing.calendars import Calendar, Holiday

ROME = ZoneInfo("Europe/Rome")
MINUTE = timedelta(minutes=1)
NINE_TO_SIX = ((9 * 3600, 18 * 3600),)
OFFICE = (NINE_TO_SIX,) * 5 + ((), ())

CONTRACT = [("01-01", None), ("01-06", None), ("easter", 1), ("04-25", None), ("05-01", None), ("06-02", None)]
CONTRACT += [("08-15", None), ("11-01", None), ("12-08", None), ("12-25", None), ("12-26", None)]


def kept(periods=()):
    """The eleven holidays of the contract."""
    return tuple(
        Holiday("x", easter=easter, periods=periods)
        if when == "easter"
        else Holiday("x", month=int(when[:2]), day=int(when[3:]), periods=periods)
        for when, easter in CONTRACT
    )


BASIC = Calendar("basic", "Europe/Rome", OFFICE, kept())
GOLD = Calendar("gold", "Europe/Rome", (NINE_TO_SIX,) * 6 + ((),), kept(NINE_TO_SIX))


def rome(text):
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@dataclass(frozen=True)
class Oracle:
    """Opens each minute by looking at its wall clock; counts by walking."""

    calendar: Calendar

    def open(self, minute):
        local = minute.astimezone(ZoneInfo(self.calendar.zone))
        wall = local.hour * 3600 + local.minute * 60 + local.second
        return any(begins <= wall < ends for begins, ends in self.periods(local.date()))

    def periods(self, day):
        if day in self.calendar.special:
            return self.calendar.special[day]
        for holiday in self.calendar.holidays:
            if (day.month, day.day) == (holiday.month, holiday.day):
                return holiday.periods
        return self.calendar.week[day.weekday()]

    def add(self, start, minutes):
        while minutes:
            minutes -= self.open(start)
            start += MINUTE
        return start

    def count(self, start, end):
        return sum(self.open(start + MINUTE * n) for n in range(int((end - start) / MINUTE)))

    def opening(self, start):
        while not self.open(start):
            start += MINUTE
        return start


ZONES = [
    "Europe/Rome",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Atlantic/Azores",
    "Pacific/Auckland",
    "UTC",
]
# Around the nights on which clocks changed somewhere in 2026, and the turn of a leap year's February.
MOMENTS = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 4, 4, 12, tzinfo=UTC),
    datetime(2026, 9, 26, tzinfo=UTC),
    datetime(2026, 10, 3, 12, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2028, 2, 28, tzinfo=UTC),
    datetime(2026, 12, 30, tzinfo=UTC),
]


@st.composite
def day_periods(draw):
    cuts = sorted(draw(st.sets(st.integers(0, 96), min_size=0, max_size=6)))
    return tuple((a * 900, b * 900) for a, b in zip(cuts[::2], cuts[1::2], strict=False))


@st.composite
def any_calendar(draw):
    week = draw(st.tuples(*[day_periods()] * 7))
    if not any(week):
        week = ((((0, 86_400),)), *week[1:])
    holiday = Holiday(
        "x",
        month=draw(st.sampled_from([3, 10, 11])),
        day=draw(st.sampled_from([1, 25, 29])),
        periods=draw(day_periods()),
    )
    special = {date(2026, 3, 30): draw(day_periods())}
    return Calendar("any", draw(st.sampled_from(ZONES)), week, (holiday,), special)


starts = st.builds(lambda at, minutes: at + MINUTE * minutes, st.sampled_from(MOMENTS), st.integers(-1500, 1500))


@settings(max_examples=150, deadline=None)
@given(any_calendar(), starts, st.integers(0, 1500))
def test_open_time_added_ends_where_counting_every_minute_ends(calendar, start, minutes):
    assert calendars.add_open(calendar, start, minutes * 60) == Oracle(calendar).add(start, minutes)


@settings(max_examples=150, deadline=None)
@given(any_calendar(), starts, st.integers(0, 3000))
def test_open_time_between_is_what_counting_every_minute_gives(calendar, start, minutes):
    end = start + MINUTE * minutes
    expected = Oracle(calendar).count(start, end) * 60
    assert calendars.open_seconds(calendar, start, end) == expected
    intervals = calendars.open_intervals(calendar, start, end)
    assert sum((b - a).total_seconds() for a, b in intervals) == expected
    assert all(a < b for a, b in intervals)
    assert all(left[1] < right[0] for left, right in pairwise(intervals)), "touching ones are joined"


@settings(max_examples=150, deadline=None)
@given(any_calendar(), starts)
def test_what_counts_as_received_is_the_first_open_minute(calendar, start):
    oracle = Oracle(calendar)
    assert calendars.opening_from(calendar, start) == oracle.opening(start)
    assert calendars.is_open(calendar, start) == oracle.open(start)


@settings(max_examples=60, deadline=None)
@given(any_calendar(), starts, st.integers(1, 3))
def test_the_end_of_the_nth_business_day_is_its_last_open_minute(calendar, start, n):
    zone = ZoneInfo(calendar.zone)
    end = calendars.end_of_business_day(calendar, start, n)
    assert Oracle(calendar).open(end - MINUTE)
    day = (end - MINUTE).astimezone(zone).date()
    first = start.astimezone(zone).date()
    opened = set()
    minute = datetime.combine(first + timedelta(days=1), time(), zone).astimezone(UTC)
    while minute < end + timedelta(days=1):
        if Oracle(calendar).open(minute) and minute.astimezone(zone).date() > first:
            opened.add(minute.astimezone(zone).date())
            assert minute < end or minute.astimezone(zone).date() > day
        minute += 15 * MINUTE
    assert sorted(opened)[n - 1] == day


@pytest.mark.parametrize("calendar", [BASIC, GOLD], ids=["basic", "gold"])
def test_four_years_hold_exactly_the_open_quarter_hours_that_their_wall_clocks_show(calendar):
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    easter_mondays = {date(2025, 4, 21), date(2026, 4, 6), date(2027, 3, 29), date(2028, 4, 17)}
    fixed = {(int(when[:2]), int(when[3:])) for when, _ in CONTRACT if when != "easter"}
    expected, at, quarter = 0, start, timedelta(minutes=15)
    while at < end:
        local = at.astimezone(ROME)
        holiday = (local.month, local.day) in fixed or local.date() in easter_mondays
        working = local.weekday() < (5 if calendar is BASIC else 6)
        opens = (working and not holiday) if calendar is BASIC else (working or holiday)
        expected += opens and 9 <= local.hour < 18
        at += quarter
    assert calendars.open_seconds(calendar, start, end) == expected * 900


def test_easter_is_where_the_almanac_has_it():
    almanac = holidays.Italy(years=range(1950, 2100), language="en_US")
    for year in range(1950, 2100):
        assert "Easter Sunday" in almanac[calendars.easter_sunday(year)]


@pytest.mark.parametrize(
    ("zone", "periods", "day", "hours"),
    [
        ("Europe/Rome", ((0, 86_400),), date(2026, 3, 29), 23),
        ("Europe/Rome", ((0, 86_400),), date(2026, 10, 25), 25),
        ("Europe/Rome", ((2 * 3600, 3 * 3600),), date(2026, 3, 29), 0),
        ("Europe/Rome", ((2 * 3600, 3 * 3600),), date(2026, 10, 25), 2),
        ("Europe/Rome", ((9000, 4 * 3600),), date(2026, 3, 29), 1),
        ("Australia/Lord_Howe", ((0, 86_400),), date(2026, 4, 5), 24.5),
        ("America/Havana", ((0, 86_400),), date(2026, 3, 8), 23),
        ("Pacific/Apia", ((0, 86_400),), date(2011, 12, 30), 0),
    ],
    ids=[
        "forward",
        "back",
        "skipped",
        "twice",
        "opens in the skipped hour",
        "half an hour",
        "at midnight",
        "no such day",
    ],
)
def test_a_day_on_which_the_clocks_change_is_as_long_as_it_really_is(zone, periods, day, hours):
    calendar = Calendar("x", zone, (periods,) * 7)
    noon_before = datetime.combine(day - timedelta(days=1), time(12), ZoneInfo(zone))
    noon_after = datetime.combine(day + timedelta(days=1), time(12), ZoneInfo(zone))
    neighbours = sum(max(0, min(e, 86_400) - max(b, 43_200)) + max(0, min(e, 43_200) - b) for b, e in periods)
    assert calendars.open_seconds(calendar, noon_before, noon_after) == hours * 3600 + neighbours


@pytest.mark.parametrize(
    ("calendar", "at", "opens"),
    [
        (BASIC, "2026-04-06T10:00", False),  # Easter Monday
        (GOLD, "2026-04-06T10:00", True),
        (GOLD, "2026-04-05T10:00", False),  # Easter Sunday is no holiday of the contract
        (GOLD, "2027-08-15T10:00", True),  # a Sunday, and a holiday: open
        (GOLD, "2027-08-22T10:00", False),
        (GOLD, "2026-10-04T10:00", False),  # not in the contract
        (BASIC, "2027-10-04T10:00", True),
        (BASIC, "2026-04-07T08:59:59", False),
        (BASIC, "2026-04-07T09:00", True),
        (BASIC, "2026-04-07T17:59:59", True),
        (BASIC, "2026-04-07T18:00", False),
    ],
)
def test_hours_are_from_the_opening_up_to_but_not_at_the_closing(calendar, at, opens):
    assert calendars.is_open(calendar, rome(at)) is opens


def test_a_holiday_has_a_first_and_a_last_year():
    francis = Holiday("San Francesco", month=10, day=4, since=2026)
    assert [francis.date_in(year) for year in (2025, 2026)] == [None, date(2026, 10, 4)]
    assert Holiday("leap", month=2, day=29).date_in(2027) is None


def test_a_special_day_overrules_holiday_and_weekday():
    calendar = Calendar(
        "x", "Europe/Rome", OFFICE, kept(), {date(2026, 12, 25): ((36_000, 39_600),), date(2026, 12, 24): ()}
    )
    assert calendars.is_open(calendar, rome("2026-12-25T10:30"))
    assert not calendars.is_open(calendar, rome("2026-12-24T10:30"))


def test_a_calendar_that_never_opens_is_closed_and_says_so():
    never = Calendar("never", "Europe/Rome", ((),) * 7)
    assert not calendars.is_open(never, rome("2026-04-07T10:00"))
    with pytest.raises(ValueError, match="never does not open again"):
        calendars.opening_from(never, rome("2026-04-07T10:00"))


def test_the_next_opening_is_after_the_instant_even_when_that_is_one():
    assert calendars.next_opening(BASIC, rome("2026-04-07T09:00")) == rome("2026-04-08T09:00")
    assert calendars.next_opening(BASIC, rome("2026-04-03T18:00")) == rome("2026-04-07T09:00")


def test_an_allowance_of_years_ends_as_exactly_as_one_of_hours():
    day = 9 * 3600
    start = rome("2026-01-02T09:00")
    far = calendars.add_open(BASIC, start, 20_000 * day)
    assert calendars.open_seconds(BASIC, start, far) == 20_000 * day
    assert far.astimezone(ROME).hour == 18


def test_overlapping_and_touching_intervals_become_one():
    def at(hour):
        return datetime(2026, 4, 7, hour, tzinfo=UTC)

    assert calendars.merged([(at(5), at(6)), (at(1), at(2)), (at(2), at(3)), (at(1), at(2)), (at(4), at(4))]) == (
        (at(1), at(3)),
        (at(5), at(6)),
    )


def test_calendars_with_the_same_hours_are_equal_whatever_was_asked_of_them():
    one, other = Calendar("basic", "Europe/Rome", OFFICE, kept()), Calendar("basic", "Europe/Rome", OFFICE, kept())
    calendars.is_open(one, rome("2026-04-07T10:00"))
    assert one == other


def changes(zone, years):
    """The midnights before each day on which the zone's clocks change, found by looking at each day."""
    info = ZoneInfo(zone)
    day = date(years[0], 1, 1)
    while day < date(years[1], 1, 1):
        noon, next_noon = (datetime.combine(day + timedelta(days=n), time(12), info) for n in (0, 1))
        if noon.utcoffset() != next_noon.utcoffset():
            yield datetime.combine(day, time(12), info).astimezone(UTC)
        day += timedelta(days=1)


@pytest.mark.parametrize("zone", ["Europe/Rome", "Europe/London", "America/Denver", "Australia/Sydney"])
def test_on_every_change_of_clocks_of_twenty_years_each_minute_is_open_as_its_wall_clock_says(zone):
    night = ((0, 6 * 3600), (9 * 3600, 12 * 3600 + 1800), (22 * 3600, 86_400))
    odd = Calendar("odd", zone, (((90 * 60, 165 * 60), *night[1:]), night) * 3 + (night,))
    oracle, seen = Oracle(odd), 0
    for start in changes(zone, (2016, 2036)):
        seen += 1
        counted, at = 0, start
        for _ in range(24 * 12):
            assert calendars.open_seconds(odd, start, at) == counted, at
            assert calendars.is_open(odd, at) == oracle.open(at)
            if counted:
                assert calendars.add_open(odd, start, counted) <= at
            counted += 300 * oracle.open(at)
            at += 5 * MINUTE
    assert seen == 40
