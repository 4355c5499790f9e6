"""A month of pages and duty as a page: a table, and the same as small drawings.

Refuses to count (`gateway.oncall.figures`) and to hold SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.oncall.figures import EVERYBODY, Month, following
from gateway.web import duty_chart
from gateway.web.duty_chart import Chart
from gateway.web.labels import mark as _
from routing import paging_report
from routing.desk import Desk
from routing.fairness import Load
from routing.paging_report import Figures

YEAR = 12  # months in the drawing


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person's month. `name` "" is everybody's; `took`: the median time to an acceptance, as "1 min 20 s"."""

    name: str
    pages: int
    rung: int
    accepted: int
    passed: int
    slept: int
    nights: int
    weekends: int
    took: str
    duty_nights: int
    duty_weekend_days: int


@dataclass(frozen=True, slots=True)
class DeskFigures:
    """A desk's month. `exhausted`: pages that nobody accepted."""

    desk: str
    name: str
    exhausted: int
    rows: tuple[PersonRow, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class FiguresView:
    """The page. `before`, `after`: the months beside this one, as 2026-10."""

    month: date
    before: str
    after: str
    desks: tuple[DeskFigures, ...]


def month_of(written: str) -> date | None:
    """The first day of "2026-11"; None when it is no month."""
    try:
        return date.fromisoformat(f"{written}-01")
    except ValueError:
        return None


def view(first: date, desks: tuple[DeskFigures, ...]) -> FiguresView:
    before, after = first - timedelta(days=1), following(first)
    return FiguresView(first, f"{before:%Y-%m}", f"{after:%Y-%m}", desks)


def of_desk(desk: Desk, name: str, month: Month, year: Mapping[date, int]) -> DeskFigures:
    """Everybody who was on duty or rung, in the order of the desk's file, and all of them together."""
    names = {one.id: one.name for one in desk.on_call.people.values()} if desk.on_call else {}
    people = dict.fromkeys((*month.loads, *(who for who in month.figures if who != EVERYBODY)))
    rows = [_row(names.get(who, who), month.figures.get(who, Figures()), month.loads.get(who)) for who in people]
    everybody = month.figures[EVERYBODY]
    total = _row("", everybody, None)
    seconds = {names.get(who, who): month.figures[who].middle for who in people if who in month.figures}
    drawings = (
        (_("Pages"), [(row.name, row.pages) for row in rows]),
        (_("Slept through"), [(row.name, row.slept) for row in rows]),
        (_("Nights on duty"), [(row.name, row.duty_nights) for row in rows]),
        (_("Weekend days on duty"), [(row.name, row.duty_weekend_days) for row in rows]),
        (_("Seconds to accept, median"), [(name, round(took)) for name, took in seconds.items() if took is not None]),
        (_("Pages in each month"), [(f"{month:%Y-%m}", count) for month, count in year.items()]),
    )
    charts = tuple(duty_chart.chart(title, figures) for title, figures in drawings if figures)
    return DeskFigures(desk.id, name, everybody.exhausted, (*rows, total), charts)


def _row(name: str, figures: Figures, load: Load | None) -> PersonRow:
    took = "" if figures.middle is None else paging_report.span(figures.middle)
    return PersonRow(
        name, figures.pages, figures.rung, figures.accepted, figures.passed, figures.slept, figures.nights, figures.weekends,
        took, load.nights if load else 0, load.weekend_days if load else 0,
    )  # fmt: skip
