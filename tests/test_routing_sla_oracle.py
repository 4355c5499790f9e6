"""Every target of every desk against an oracle that knows the documents' tables by itself and walks hour by hour.

The oracle shares nothing with the code: its tables are typed from the reference, its calendars are rules over dates, and
it spends an allowance by walking the openings one after the other. Receipts lie around everything that makes clocks
wrong: the nights on which clocks change, Easter, holidays on every weekday, the ends of months and leap years.
"""

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.settings.desk import load_desk
from routing import sla

DESKS = Path(__file__).parents[1] / "desks"
ROME = ZoneInfo("Europe/Rome")
HOUR, DAY = 3600, 86_400

# The promises, as the reference states them: target -> a cell for each plan. -------------------------------------------

ARUBA = ["small-enterprise", "enterprise", "enterprise-plus", "premium", "cloud-top-enterprise"]
CARE = ["basic", "gold", "platinum"]
REQUESTS = ("fulfilment", "information", "access")
TABLES = {
    ("aruba-enterprise", ("incident", "event"), "P1"): {
        "take_charge": "2h | 10m solar | 10m solar | 10m solar | 10m solar",
        "triage": "- | 30m solar | 30m solar | 30m solar | 30m solar",
        "technical_contact": "- | 2h solar | 30m solar | 30m solar | 30m solar",
        "resolution": "BE | 4h solar | 2h solar | 2h solar | 2h solar",
    },
    ("aruba-enterprise", ("incident", "event"), "P2"): {
        "take_charge": "4h | 20m | 20m | 20m | 20m",
        "triage": "- | 90m | 1h | 1h | 1h",
        "technical_contact": "- | 3h | 2h | 2h | 2h",
        "resolution": "BE | 8h | 6h | 6h | 6h",
    },
    ("aruba-enterprise", ("incident", "event"), "P3"): {
        "take_charge": "8h | 1h | 1h | 1h | 1h",
        "resolution": "BE | 16h | 12h | 12h | 12h",
    },
    ("aruba-enterprise", ("incident", "event"), "P4"): {
        "take_charge": "8h | 1h | 1h | 1h | 1h",
        "resolution": "BE | BE | BE | BE | BE",
    },
    ("aruba-enterprise", REQUESTS, "urgent"): {
        "take_charge": "- | - | - | - | 10m",
        "execution": "- | 4h | 4h solar | 4h solar | 2h",
    },
    ("aruba-enterprise", REQUESTS, "normal"): {
        "take_charge": "8h | 1h | 1h | 1h | 1h",
        "execution": "BE | 1d | 1d | 1d | 4h",
    },
    ("aruba-enterprise", ("change",), "normal"): {"analysis": "- | 1d | 1d | 1d | 4h"},
    ("aruba-enterprise", ("problem",), "normal"): {},
    ("imagicle-care", ("incident", "event"), "P1"): {
        "notify": "4h | 30m | 30m solar",
        "take_charge": "1d | 60m | 60m solar",
    },
    ("imagicle-care", ("incident", "event"), "P2"): {"take_charge": "2d | 2h | 2h"},
    ("imagicle-care", ("incident", "event"), "P3"): {"take_charge": "BE | 4h | 4h"},
    ("imagicle-care", ("incident", "event"), "P4"): {"take_charge": "BE | 8h | 8h"},
}
UPDATES = {"P1": 4 * ["PT1H"], "P2": ["PT4H", "PT4H", "PT4H", "PT2H"], "P3": 4 * ["P1D"], "P4": 4 * [None]}
MATRIX = {
    "P1": ["Team Leader", None, "Support Manager", "Co-CEO and CTO", None],
    "P2": ["Support Team", "Team Leader", None, "Support Manager", "Co-CEO and CTO"],
    "P3": ["Support Team", None, None, "Team Leader", "Support Manager"],
    "P4": ["Support Team", None, None, None, "Team Leader"],
}
HOURS_OF_STEPS = ["2h", "4h", "8h", "16h", "40h"]
STEPS = {"basic": ["2d", "3d", "5d", "10d", "20d"], "gold": HOURS_OF_STEPS, "platinum": HOURS_OF_STEPS}

# When who is open. ---------------------------------------------------------------------------------------------------

FIXED = {(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)}
EASTER = {2024: (3, 31), 2025: (4, 20), 2026: (4, 5), 2027: (3, 28), 2028: (4, 16), 2029: (4, 1), 2030: (4, 21)}


def holiday(day, desk):
    monday = date(day.year, *EASTER[day.year]) + timedelta(days=1)
    law = desk == "aruba-enterprise" and (day.month, day.day) == (10, 4) and day.year >= 2026
    return (day.month, day.day) in FIXED or day == monday or law


def works(day, hours):
    """Is this date one with opening hours?"""
    if hours == "gold":
        return day.weekday() < 6 or holiday(day, "imagicle-care")
    return day.weekday() < 5 and not holiday(day, "aruba-enterprise" if hours == "office" else "imagicle-care")


@cache
def opening(day, hours):
    """[from, to) in seconds since 1970 on that date, or None."""
    if not works(day, hours):
        return None
    return tuple(int(datetime.combine(day, time(hour), ROME).timestamp()) for hour in (9, 18))


def openings(start, hours):
    """Every opening that ends after ``start``, clipped to it."""
    day = datetime.fromtimestamp(start, ROME).date()
    while True:
        found = opening(day, hours)
        if found and found[1] > start:
            yield max(found[0], start), found[1], day
        day += timedelta(days=1)


def free(begins, ends, pauses):
    """The pieces of [begins, ends) outside the pauses, by cutting at each of their ends."""
    cuts = sorted({begins, ends, *(min(max(cut, begins), ends) for pause in pauses for cut in pause)})
    for left, right in pairwise(cuts):
        if not any(a <= left and right <= b for a, b in pauses):
            yield left, right


FAR = 2**40


def spend(seconds, start, hours, pauses):
    """Walk until so many seconds were free; the intervals on the way."""
    taken = []
    stretches = [(start, FAR, None)] if hours == "solar" else openings(start, hours)
    for begins, ends, _ in stretches:
        for left, right in free(begins, ends, pauses):
            if seconds <= right - left:
                return left + seconds, [*taken, (left, left + seconds)]
            seconds -= right - left
            taken.append((left, right))
            if right == FAR:
                return None, taken
        if begins >= FAR // 2 or (pauses and begins > max(a for a, b in pauses) and any(b == FAR for _, b in pauses)):
            return None, taken
    return None, taken


def deadline(cell, received, hours, pauses):
    """(end in seconds since 1970 or None, intervals) for a cell such as '2h', '10m solar', '1d'."""
    if cell == "BE":
        return None, []
    if cell.endswith("solar"):
        return spend(seconds_of(cell), received, "solar", pauses)
    first, _, day = next(openings(received, hours))
    if cell.endswith("d"):
        left, worth = int(cell[:-1]), 0
        for begins, ends, each in openings(first, hours):
            worth += ends - begins
            left -= each != day
            if left == 0:
                return spend(worth, first, hours, pauses)
    return spend(seconds_of(cell), first, hours, pauses)


def seconds_of(cell):
    number, unit = cell.split()[0][:-1], cell.split()[0][-1]
    return int(number) * {"m": 60, "h": HOUR}[unit]


def expected(desk, plan, base, kind, priority, received, pauses, via):
    """target -> (end, allowed, hours, intervals)."""
    table = next(rows for (name, kinds, p), rows in TABLES.items() if (name, p) == (desk, priority) and kind in kinds)
    columns = ARUBA if desk == "aruba-enterprise" else CARE
    hours = {"aruba-enterprise": "office", "imagicle-care": "basic" if plan == "basic" else "gold"}[desk]
    both = [base, plan] if base else [plan]
    if plan == "cloud-top-enterprise" and base is None:
        both = ["enterprise", plan]
    best = {}
    for one in both:
        rows = table
        if (one, priority) == ("small-enterprise", "urgent"):
            rows = TABLES[desk, REQUESTS, "normal"]
        for target, line in rows.items():
            cell = line.split(" | ")[columns.index(one)]
            if cell == "-":
                continue
            if via and one == "platinum" and not cell.endswith("solar"):
                cell += " solar"
            end, taken = deadline(cell, received, hours, pauses)
            found = (FAR if end is None else end, cell == "BE", cell, taken)
            if target not in best or found[:2] < best[target][:2]:
                best[target] = found
    return best, hours


# Cases. --------------------------------------------------------------------------------------------------------------

EVES = [
    "2024-02-28", "2024-03-30", "2024-10-26", "2025-04-18", "2025-08-14", "2025-10-03", "2025-10-25", "2025-12-23",
    "2026-01-05", "2026-03-28", "2026-04-03", "2026-04-24", "2026-04-30", "2026-06-01", "2026-08-14", "2026-10-02",
    "2026-10-24", "2026-10-30", "2026-12-07", "2026-12-24", "2026-12-31", "2027-03-26", "2027-08-13", "2027-10-01",
    "2027-10-30", "2028-02-28", "2028-04-14", "2028-12-29",
]  # fmt: skip
OFFSETS = [UTC, ROME, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Auckland")]


def cases(number, seed):
    pick = random.Random(seed)
    for _ in range(number):
        (desk, kinds, priority) = pick.choice([key for key in TABLES if TABLES[key] or pick.random() < 0.1])
        plan = pick.choice(ARUBA if desk == "aruba-enterprise" else CARE)
        base = pick.choice([None, *ARUBA[:4]]) if plan == "cloud-top-enterprise" else None
        midnight = datetime.combine(date.fromisoformat(pick.choice(EVES)), time(), ROME).timestamp()
        edge = pick.choice([0, -1, 1, pick.randrange(HOUR), pick.randrange(DAY)])
        received = int(midnight) + pick.choice([9, 17, 18, 12, 1, 2, 3, 24]) * HOUR + pick.randrange(4) * DAY + edge
        pauses = []
        for _ in range(pick.choice([0, 0, 1, 2, 3])):
            begins = received + pick.choice([pick.randrange(-HOUR, 2 * DAY), pick.randrange(0, 3 * HOUR), 0])
            length = pick.choice([None, 0, pick.randrange(HOUR), pick.randrange(3 * DAY), 15 * 60])
            pauses.append((begins, None if length is None else begins + length))
        via = desk == "imagicle-care" and pick.random() < 0.3
        yield desk, plan, base, pick.choice(kinds), priority, received, pauses, via, pick.choice(OFFSETS)


@cache
def loaded(name):
    return load_desk(DESKS / name / "desk.yaml")


def written(instant, zone=UTC):
    return datetime.fromtimestamp(instant, zone).isoformat()


def asked(desk, plan, base, kind, priority, received, pauses, via, zone):
    stamp = sla.request(
        loaded(desk), plan=plan, base_plan=base, kind=kind, priority=priority, received=written(received, zone),
        via="on-call" if via else None,
        pauses=[f"{written(a, zone)}/{'' if b is None else written(b, zone)}" for a, b in pauses],
    )  # fmt: skip
    return sla.as_json(stamp, "Europe/Rome")


def told(instant):
    return None if instant is None or instant >= FAR else written(instant, ROME)


def check(case):
    desk, plan, base, kind, priority, received, pauses, via, _ = case
    clipped = [(max(a, received), FAR if b is None else b) for a, b in pauses if b is None or b > max(a, received)]
    answer = asked(*case)
    want, hours = expected(desk, plan, base, kind, priority, received, clipped, via)
    found = {one["target"]: one for one in answer["targets"]}
    assert set(found) == set(want), case
    for target, (end, best_effort, _, taken) in want.items():
        one = found[target]
        assert one["best_effort"] is best_effort, (case, target)
        assert one["due"] == told(end), (case, target)
        if end < FAR:
            assert spans(one["intervals"]) == joined(taken), (case, target)
    steps = STEPS.get(plan, []) if desk == "imagicle-care" else []
    due = [
        (to, told(deadline(after, received, hours, clipped)[0]))
        for to, after in zip(MATRIX.get(priority, ()), steps, strict=False)
        if to
    ]
    assert [(step["to"], step["due"]) for step in answer["escalations"]] == due, case
    if desk == "aruba-enterprise" and kind in ("incident", "event"):
        column = ARUBA.index(base or (plan if plan != "cloud-top-enterprise" else "enterprise"))
        assert answer["updates_every"] == UPDATES[priority][column], case
    else:
        assert answer["updates_every"] is None, case


def joined(intervals):
    merged = []
    for begins, ends in (pair for pair in intervals if pair[0] < pair[1]):
        if merged and merged[-1][1] == begins:
            merged[-1] = (merged[-1][0], ends)
        else:
            merged.append((begins, ends))
    return merged


def spans(intervals):
    return [tuple(int(datetime.fromisoformat(at).timestamp()) for at in pair) for pair in intervals]


@pytest.mark.parametrize("seed", range(8))
def test_a_hundred_receipts_around_holidays_and_clock_changes_have_the_oracles_deadlines(seed):
    for case in cases(100, seed):
        check(case)


@pytest.mark.parametrize(
    ("desk", "kind", "priority"), [(d, kind, p) for (d, kinds, p) in TABLES for kind in kinds], ids=str
)
def test_every_plan_at_every_edge_of_a_week_with_easter_and_the_change_of_clocks(desk, kind, priority):
    for year, first in ((2024, "2024-03-29"), (2027, "2027-03-26"), (2026, "2026-10-23")):
        assert first.startswith(str(year))
        start = int(datetime.combine(date.fromisoformat(first), time(), ROME).timestamp())
        for plan in ARUBA if desk == "aruba-enterprise" else CARE:
            for hour in range(0, 5 * 24, 3):
                for edge in (-1, 0):
                    check((desk, plan, None, kind, priority, start + hour * HOUR + edge, [], False, ROME))
