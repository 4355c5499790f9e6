"""How many reports a second are stamped with all their deadlines, on one core, and that distance costs nothing.

Every desk that ships, every plan, kind and priority, receipts over three years. "far" gives the same reports allowances
a thousand times as long. The least that could be done, adding one timedelta to each receipt, is timed beside it.
See README.md.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from processes import HERE, table

from gateway.settings.desk import load_desk
from routing import sla
from routing.desk import Allowance, Desk

DESKS = ("aruba-enterprise", "imagicle-care", "mailup", "ivanti", "aruba-interventions")
START = datetime(2026, 1, 1, tzinfo=UTC)
GOAL = 50_000
Report = tuple[Desk, dict[str, Any]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=50_000, help="per measurement (default 50000)")
    parser.add_argument("--rounds", type=int, default=5, help="default 5, at most 20")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.reports, given.rounds = min(given.reports, 1_000_000), min(given.rounds, 20)
    return given


def reports(desks: list[Desk], number: int, *, paused: bool) -> list[Report]:
    """The same reports every time."""
    pick = random.Random(5)
    sorts = [
        (desk, plan, kind, p) for desk in desks for plan in desk.plans for kind in desk.kinds for p in desk.kinds[kind]
    ]
    made = []
    for _ in range(number):
        desk, plan, kind, priority = pick.choice(sorts)
        received = START + timedelta(seconds=pick.randrange(3 * 365 * 86_400))
        asked: dict[str, Any] = {"plan": plan, "kind": kind, "priority": priority, "received": received}
        if paused:
            first = received + timedelta(minutes=pick.randrange(60))
            again = first + timedelta(hours=pick.randrange(1, 72))
            asked["pauses"] = [(first, first + timedelta(minutes=30)), (again, again + timedelta(hours=3))]
        made.append((desk, asked))
    return made


def far(desk: Desk) -> Desk:
    """The desk with a thousand times as much time for everything."""

    def longer(allowance: Allowance) -> Allowance:
        return replace(allowance, amount=allowance.amount * 1_000)

    plans = {
        name: replace(
            plan, targets={key: {t: longer(a) for t, a in targets.items()} for key, targets in plan.targets.items()}
        )
        for name, plan in desk.plans.items()
    }
    return replace(desk, plans=plans)


def stamped(todo: list[Report]) -> int:
    return sum(len(sla.stamp(desk, **asked).moments()) for desk, asked in todo)


def added(todo: list[Report]) -> int:
    hour = timedelta(hours=1)
    return sum(asked["received"] + hour > START for _, asked in todo)


def rate(work: Callable[[list[Report]], int], todo: list[Report]) -> tuple[float, int]:
    """Reports a second of processor time, and how many deadlines they had."""
    begin = time.process_time()
    deadlines = work(todo)
    return len(todo) / (time.process_time() - begin), deadlines


def main() -> None:
    given = arguments()
    desks = [load_desk(HERE.parent / "desks" / name / "desk.yaml") for name in DESKS]
    usual = reports(desks, given.reports, paused=False)
    todo: dict[str, tuple[Callable[[list[Report]], int], list[Report]]] = {
        "one addition": (added, usual),
        "stamped": (stamped, usual),
        "stamped, far": (stamped, reports([far(desk) for desk in desks], given.reports, paused=False)),
        "stamped, two pauses": (stamped, reports(desks, given.reports, paused=True)),
    }
    for work, some in todo.values():
        work(some)  # calendars are laid out once
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in todo}
    for _ in range(given.rounds):
        for name, (work, some) in todo.items():
            found[name].append(rate(work, some))
    if given.json:
        print(json.dumps({name: [round(one) for one, _ in runs] for name, runs in found.items()}))
    rows = []
    for name, runs in found.items():
        best = sorted(one for one, _ in runs)[len(runs) // 2]
        rows.append(
            [name, f"{best:,.0f}", f"{1e6 / best:.1f}", f"{runs[0][1] / given.reports:.1f}", f"{best / GOAL:.1f}"]
        )
    print(table(["", "reports/s", "us", "deadlines each", f"of {GOAL:,}"], rows))


if __name__ == "__main__":
    main()
