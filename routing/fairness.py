"""Who carries how much of the duty: hours, nights, weekend days and pages of each person. Refuses to judge anybody.

A night is 22:00 to 06:00 and a weekend day a Saturday or a Sunday, in the zone asked for; either counts for whoever is on
duty for at least an hour of it, so that two who share a night have one each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from routing import oncall
from routing.oncall import OnCall
from routing.rotas import first_at, last_at

AN_HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NIGHT = (time(22), time(6))
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Load:
    """What one person carried. `rung`: how often their telephone rang; `taken`: how many pages they accepted."""

    person: str
    hours: float = 0.0
    nights: int = 0
    weekend_days: int = 0
    rung: int = 0
    taken: int = 0


def loads(
    on_call: OnCall, start: datetime, end: datetime, zone: str, rung: Mapping[str, int], taken: Mapping[str, int]
) -> tuple[Load, ...]:
    """Everybody of the desk in [start, end), in the order of the file; those who are no more there come last."""
    spans: dict[str, list[Span]] = {person: [] for person in on_call.people}
    for rota in on_call.rotas.values():
        for shift in oncall.shifts(rota, start, end, on_call.away):
            spans.setdefault(shift.person, []).append((shift.start, shift.end))
    people = [*spans, *(one for one in (*rung, *taken) if one not in spans)]
    nights, weekend = list(_nights(start, end, zone)), list(_weekend_days(start, end, zone))
    found = []
    for person in dict.fromkeys(people):
        mine = _joined(spans.get(person, ()))
        load = Load(person, sum((b - a) / AN_HOUR for a, b in mine), _touched(mine, nights), _touched(mine, weekend))
        found.append(replace(load, rung=rung.get(person, 0), taken=taken.get(person, 0)))
    return tuple(found)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Who is on duty in two rotas at once is on duty once."""
    joined: list[Span] = []
    for a, b in sorted(spans):
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return joined


def _touched(mine: list[Span], counted: list[Span]) -> int:
    """How many of these stretches hold an hour of mine at least."""
    return sum(
        sum((max(timedelta(0), min(b, d) - max(a, c)) for a, b in mine if a < d and c < b), timedelta(0)) >= AN_HOUR
        for c, d in counted
    )


def _days(start: datetime, end: datetime) -> Iterable[date]:
    first = start.date() - DAY
    return (first + n * DAY for n in range((end.date() - first).days + 2))


def _nights(start: datetime, end: datetime, zone: str) -> Iterable[Span]:
    for day in _days(start, end):
        a, b = (
            first_at(datetime.combine(day, NIGHT[0]), zone),
            last_at(datetime.combine(day + DAY, NIGHT[1]), zone),
        )
        if a < end and start < b:
            yield max(a, start), min(b, end)


def _weekend_days(start: datetime, end: datetime, zone: str) -> Iterable[Span]:
    for day in _days(start, end):
        if day.weekday() >= 5:
            a, b = first_at(datetime.combine(day, time()), zone), last_at(datetime.combine(day + DAY, time()), zone)
            if a < end and start < b:
                yield max(a, start), min(b, end)
