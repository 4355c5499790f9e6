"""The figures of fairness as small drawings: one for each figure, a bar for each person, every number written beside it.

Lengths are counted here, so that the template only prints numbers. Refuses to judge who carries too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.web.labels import mark as _
from routing.fairness import Load

WIDTH, NAME, NUMBER = 320.0, 112.0, 36.0  # of the drawing, of the names on the left, of the numbers on the right
ROW, BAR, HEAD = 26.0, 12.0, 4.0
LONGEST_NAME = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """One person's figure."""

    name: str
    short: str
    y: float
    width: float
    value: int


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure of everybody. `title` is looked up in the reader's language."""

    title: str
    width: float
    height: float
    bars: tuple[Bar, ...]


def charts(loads: Sequence[Load], names: dict[str, str]) -> tuple[Chart, ...]:
    """Nights, weekend days and pages; nothing when nobody carries anything."""
    if not loads:
        return ()
    figures = (
        (_("Nights"), [load.nights for load in loads]),
        (_("Weekend days"), [load.weekend_days for load in loads]),
        (_("Calls of pages"), [load.rung for load in loads]),
    )
    people = [names.get(load.person, load.person) for load in loads]
    return tuple(chart(title, list(zip(people, values, strict=True))) for title, values in figures)


def chart(title: str, figures: list[tuple[str, int]]) -> Chart:
    """A bar for each (name, figure), in that order."""
    most = max((value for _name, value in figures), default=0) or 1
    room = WIDTH - NAME - NUMBER
    bars = tuple(
        Bar(name, _short(name), HEAD + index * ROW, round(room * value / most, 1), value)
        for index, (name, value) in enumerate(figures)
    )
    return Chart(title, WIDTH, HEAD + len(figures) * ROW, bars)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
