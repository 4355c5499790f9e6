"""What a month of pages and duty came to, person by person: for the console, the command and whoever else asks.

Refuses to judge anybody and to choose words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.oncall import duty
from gateway.store import paging as store
from routing import paging, paging_report
from routing.desk import Desk
from routing.fairness import Load
from routing.paging_report import Figures

EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class Month:
    """A desk's month, from `first` on. `figures` by person, and under EVERYBODY those of all pages; `loads`: the duty."""

    first: date
    figures: Mapping[str, Figures]
    loads: Mapping[str, Load]


def of_month(connection: Connection, desk: Desk, first: date) -> Month:
    """The pages that began in that month on the desk's own clock, and who was on duty how much."""
    zone = ZoneInfo(desk.zone)
    start, end = _midnight(first, zone), _midnight(following(first), zone)
    found = paging_report.month(_pages(connection, desk, start, end), zone)
    return Month(first, found, {one.person: one for one in duty.loads(connection, desk, start, end)})


def pages_by_month(connection: Connection, desk: Desk, last: date, months: int) -> Mapping[date, int]:
    """How many pages began in each of so many months, the last of which is `last`'s."""
    zone = ZoneInfo(desk.zone)
    firsts = [last]
    while len(firsts) < months:
        firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
    found = dict.fromkeys(reversed(firsts), 0)
    start, end = _midnight(firsts[-1], zone), _midnight(following(last), zone)
    for page in _pages(connection, desk, start, end):
        found[page.started_at.astimezone(zone).date().replace(day=1)] += 1
    return found


def following(first: date) -> date:
    """The first day of the month after."""
    return (first + timedelta(days=31)).replace(day=1)


def _pages(connection: Connection, desk: Desk, start: datetime, end: datetime) -> list[paging.Page]:
    found = store.between(connection, start, end)
    return [paging.from_json(state) for of, state in found if of == desk.id and state]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
