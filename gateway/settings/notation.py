"""The short notations of a desk's YAML file: ``10m solar``, ``NBD``, ``Mo-Fr 09:00-18:00; PH off``, ``incident P1``.

Each function reads one scalar and raises ValueError("what was expected; what to do next"), which gets its place in the
file from whoever validates. Opening hours are written as in OpenStreetMap (the part of its notation that a desk needs).
Refuses to know what the words are about.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import get_args

from routing.calendars import Period
from routing.desk import Allowance, Kind, Telling

_UNITS = {"s": 1, "m": 60, "h": 3600}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?(s|m|h)( solar)?")
_DAYS = re.compile(r"(\d+) days?")
_SPAN = re.compile(r"(\d+) ?(s|m|h|days?)")
_WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_DAY_RANGE = re.compile(r"(Mo|Tu|We|Th|Fr|Sa|Su)(?:-(Mo|Tu|We|Th|Fr|Sa|Su))?")
_TIMES = re.compile(r"(\d\d?):(\d\d) ?- ?(\d\d?):(\d\d)")
_KINDS = get_args(Kind)

ALLOWANCE = "an allowance such as 2h, 1.5h, 10m solar, NBD, 2 days, BE or N/A"
HOURS = "hours such as 'Mo-Fr 09:00-13:00,14:00-18:00; PH off', '24/7' or 'off'"
WHOLE_DAY: Period = (0, 86_400)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table of promises; None where the plan has no such target."""

    usual: Allowance | None
    on_call: Allowance | None = None
    out_of_hours: Allowance | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """A week from Monday, and the hours of a holiday (None: nothing is said of holidays)."""

    week: tuple[tuple[Period, ...], ...]
    holiday: tuple[Period, ...] | None


def allowance(text: object) -> Allowance | None:
    """``2h``, ``1.5h``, ``10m solar``, ``NBD`` (end of the next business day), ``2 days``, ``BE``; ``N/A`` is None."""
    written = str(text).strip()
    if written == "N/A":
        return None
    if written == "BE":
        return Allowance("best_effort")
    if written == "NBD":
        return Allowance("days", 1)
    if days := _DAYS.fullmatch(written):
        return Allowance("days", _at_least_one(int(days[1])))
    amount = _AMOUNT.fullmatch(written)
    if amount is None:
        raise ValueError(f"{ALLOWANCE}; write it so")
    seconds = float(amount[1]) * _UNITS[amount[2]]
    if not seconds.is_integer():
        raise ValueError("whole seconds; round it")
    return Allowance("solar" if amount[3] else "business", _at_least_one(int(seconds)))


def cell(text: object) -> Cell:
    """An allowance, and what replaces it: ``2h; 2h solar on call``, ``BE; 1h solar out of hours``."""
    first, *others = (part.strip() for part in str(text).split(";"))
    replaced: dict[str, Allowance | None] = {}
    for part in others:
        for case in ("on call", "out of hours"):
            if part.endswith(" " + case):
                replaced[case] = allowance(part.removesuffix(case).strip())
                break
        else:
            raise ValueError("'... on call' or '... out of hours' after the semicolon; write one of the two")
    return Cell(allowance(first), replaced.get("on call"), replaced.get("out of hours"))


def telling(text: object) -> Telling:
    """``console``, ``page``, or ``mail team@desk.example``."""
    channel, _, address = str(text).strip().partition(" ")
    if channel == "mail" and re.fullmatch(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+", address):
        return Telling("mail", address)
    if channel in ("console", "page") and not address:
        return Telling("page" if channel == "page" else "console")
    raise ValueError("'console', 'page' or 'mail ADDRESS'; write one of the three")


def span(text: object) -> timedelta:
    """``25s``, ``15m``, ``12h``, ``7 days``: time on a stop-watch."""
    found = _SPAN.fullmatch(str(text).strip())
    if found is None:
        raise ValueError("a time span such as 25s, 15m, 12h or 7 days; write a number and its unit")
    unit = 86_400 if found[2].startswith("d") else _UNITS[found[2]]
    return timedelta(seconds=int(found[1]) * unit)


def hours(text: object) -> Hours:
    """Opening hours: rules apart by ``;``, a later one replacing an earlier one for its days; ``PH`` are holidays."""
    written = str(text).strip()
    if written == "24/7":
        return Hours(((WHOLE_DAY,),) * 7, None)
    week: list[tuple[Period, ...]] = [()] * 7
    nights: dict[int, Period] = {}
    holiday: tuple[Period, ...] | None = None
    for rule in (part.strip() for part in written.split(";")):
        days, periods_text = _rule(rule)
        periods = () if periods_text in ("off", "closed") else tuple(_period(part) for part in periods_text.split(","))
        named = [part.strip() for part in days.split(",")]
        if "PH" in named:
            holiday = _in_order(periods)
            named.remove("PH")
        ruled = days_of_week(",".join(named)) if named else ()
        if any((day - 1) % 7 in nights and (day - 1) % 7 not in ruled for day in ruled):
            # Where a later rule speaks of the morning after, OpenStreetMap cuts the night off at midnight.
            raise ValueError(f"{HOURS}; a night before a day with its own rule is cut at midnight: write 20:00-24:00")
        for day in ruled:
            late = [period for period in periods if period[1] <= period[0]]
            week[day] = _in_order(tuple((p[0], 86_400) if p in late else p for p in periods))
            nights.pop(day, None)
            if late and late[0][1]:
                nights[day] = late[0]
    for day, (_, end) in nights.items():
        following = (day + 1) % 7
        week[following] = _in_order(((0, end), *week[following]))
    return Hours(tuple(week), holiday)


def _rule(text: str) -> tuple[str, str]:
    """``Mo-Fr,PH 09:00-13:00, 14:00-18:00`` -> its days and its times; without days it holds for all of them."""
    found = re.fullmatch(r"(?:([A-Z][A-Za-z, -]*?) +)?(\d.*|off|closed|24/7)", text)
    if found is None:
        raise ValueError(HOURS + "; write days, a space, and times")
    return found[1] or "Mo-Su", "00:00-24:00" if found[2] == "24/7" else found[2]


def days_of_week(text: object) -> tuple[int, ...]:
    """``Mo-Fr``, ``Mo,We``, ``Sa-Mo``: days from 0 (Monday)."""
    found: list[int] = []
    for part in str(text).split(","):
        match = _DAY_RANGE.fullmatch(part.strip().title())  # MO of RFC 5545 is Mo here
        if match is None:
            raise ValueError(f"{HOURS}; days are {', '.join(_WEEK)} and PH")
        first = _WEEK.index(match[1])
        last = _WEEK.index(match[2] or match[1])
        found += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return tuple(dict.fromkeys(found))


def duty_hours(text: object) -> tuple[tuple[int, ...], time, time]:
    """``Mo-Fr 18:00-09:00``: days and wall-clock times; an end at or before the start is on the next day."""
    days, _, periods = str(text).strip().rpartition(" ")
    start, end = _period(periods)
    return days_of_week(days or "Mo-Su"), _clock(start), _clock(end)


def day(text: object) -> date:
    """``2026-12-24``."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ValueError("a date such as 2026-12-24; write year, month and day") from None


def month_day(text: object) -> tuple[int, int]:
    """``12-25``: month and day."""
    found = re.fullmatch(r"(\d\d)-(\d\d)", str(text))
    try:
        if found is not None:
            date(2024, int(found[1]), int(found[2]))
            return int(found[1]), int(found[2])
    except ValueError:
        pass
    raise ValueError("a day of the year such as 12-25; write month and day")


def clock_time(text: object) -> time:
    """``09:00``."""
    try:
        return time.fromisoformat(str(text))
    except ValueError:
        raise ValueError("a time of day such as 09:00; write hours and minutes") from None


def moment(text: object) -> datetime:
    """``2026-12-24T18:00:00+01:00``: an instant with its offset."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise ValueError("an instant such as 2026-12-24T18:00:00+01:00; write it with its offset")
    return found


def row(key: str, kinds: Mapping[Kind, list[str]]) -> list[tuple[Kind, str]]:
    """The (kind, priority) pairs of ``incident P1``, ``fulfilment+access urgent``, ``any P1`` or ``change any``.

    ``kinds``: the desk's kinds and the priorities of each; ``any`` priority is each of the kind's own."""
    which, _, priority = key.partition(" ")
    named = [kind for kind in kinds if which == "any" or kind in which.split("+")]
    if not priority or (which != "any" and len(named) != len(which.split("+"))):
        raise ValueError(f"a row such as 'incident P1' or 'any any'; the kinds here are {', '.join(kinds)}")
    wanted = priority.split("+")
    pairs = [(kind, each) for kind in named for each in kinds[kind] if priority == "any" or each in wanted]
    missing = [each for each in wanted if priority != "any" and each not in {p for _, p in pairs}]
    if missing:
        raise ValueError(f"a priority of {which}; {missing[0]!r} is none of theirs")
    return pairs


def _at_least_one(amount: int) -> int:
    if amount < 1:
        raise ValueError(f"{ALLOWANCE}; more than nothing")
    return amount


def _period(text: str) -> Period:
    found = _TIMES.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{HOURS}; write times as 09:00-18:00")
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if max(start, end) > 1440 or int(found[2]) > 59 or int(found[4]) > 59 or start == 1440:
        raise ValueError(f"{HOURS}; times go from 00:00 to 24:00")
    return start * 60, end * 60


def _in_order(periods: tuple[Period, ...]) -> tuple[Period, ...]:
    ordered = tuple(sorted(periods))
    for (_, ends), (begins, _) in pairwise(ordered):
        if begins < ends:
            raise ValueError(f"{HOURS}; periods of one day must not overlap")
    if any(ends <= begins for begins, ends in ordered):
        raise ValueError(f"{HOURS}; a period over midnight is not for holidays")
    return ordered


def _clock(seconds: int) -> time:
    return time(seconds // 3600 % 24, seconds // 60 % 60)
