"""How many real bug reports that repeat an earlier one find it among five suggestions, within a customer.

Reports and their duplicates are read from two CSV files in the form of GitBugs (github.com/av9ash/gitbugs, CC BY 4.0), which
you download: one with Summary, Issue id, Created and Description, one with Issue id and Duplicate id. They are dealt out to
customers of so many reports, each group of duplicates to one customer, by chance, several times. No merge is asked for: what
joins by itself is counted, and whether the lists call it a duplicate. See README.md.
"""

import argparse
import csv
import json
import random
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from processes import table

from routing import facts, pool

SIZES = (15, 30, 60, 120)
LONGEST = 6_000  # characters of a description; facts are read of its beginning


@dataclass(frozen=True, slots=True)
class Bug:
    id: str
    created: str
    summary: str
    description: str


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, help="CSV: Summary, Issue id, Created, Description")
    parser.add_argument("duplicates", type=Path, help="CSV: Issue id, Duplicate id (several, divided by commas)")
    parser.add_argument("--rounds", type=int, default=5, help="times that they are dealt out (default 5, at most 50)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.rounds = min(given.rounds, 50)
    return given


def rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def bugs(path: Path) -> list[Bug]:
    """In order of time."""
    try:
        found = {
            row["Issue id"]: Bug(
                row["Issue id"], row["Created"].replace(" ", "T"), row["Summary"], row["Description"][:LONGEST]
            )
            for row in rows(path)
        }
    except KeyError as missing:
        sys.exit(f"{path} has no column {missing}; it needs Summary, Issue id, Created, Description")
    return sorted(found.values(), key=lambda bug: (bug.created, bug.id))


def groups(path: Path, known: set[str]) -> dict[str, str]:
    """For each report the least id of those that are said to be one problem with it."""
    one = {bug: bug for bug in known}

    def root(bug: str) -> str:
        return bug if one[bug] == bug else root(one[bug])

    for row in rows(path):
        for other in row["Duplicate id"].split(","):
            if row["Issue id"] in known and other.strip() in known:
                first, second = sorted((root(row["Issue id"]), root(other.strip())))
                one[second] = first
    return {bug: root(bug) for bug in known}


def dealt(reports: list[Bug], group: dict[str, str], size: int, seed: int) -> list[tuple[bool, list[str], bool]]:
    """For each report: is there an earlier one of its group, the groups that were suggested, does it join a wrong one."""
    chance = random.Random(seed)
    number = max(1, round(len(reports) / size))
    customer = {one: f"K{chance.randrange(number)}" for one in sorted(set(group.values()))}
    stream, seen, found = pool.Stream(), set[str](), list[tuple[bool, list[str], bool]]()
    for bug in reports:
        mine = group[bug.id]
        trace = facts.trace(
            bug.id,
            pool.instant(bug.created),
            "mail",
            customer[mine],
            f"{bug.id}@k.example",
            bug.summary,
            bug.description,
        )
        related, _ = stream.take(trace)
        wrong = related.of is not None and group[related.of] != mine
        found.append((mine in seen, [group[one] for one in related.candidates], wrong))
        seen.add(mine)
    return found


def measured(reports: list[Bug], group: dict[str, str], size: int, rounds: int) -> dict[str, float]:
    told: dict[str, list[float]] = defaultdict(list)
    for seed in range(rounds):
        result = dealt(reports, group, size, seed)
        pairs = [
            (group[bug.id], candidates) for bug, (again, candidates, _) in zip(reports, result, strict=True) if again
        ]
        first = [candidates for again, candidates, _ in result if not again]
        told["at_5"].append(fmean(mine in candidates for mine, candidates in pairs))
        told["at_1"].append(fmean(mine in candidates[:1] for mine, candidates in pairs))
        told["new_shown"].append(fmean(map(bool, first)))
        told["joined_wrong"].append(sum(wrong for *_, wrong in result))
    return {name: fmean(values) for name, values in told.items()}


def main() -> None:
    given = arguments()
    reports = bugs(given.reports)
    group = groups(given.duplicates, {bug.id for bug in reports})
    again = len(reports) - len(set(group.values()))
    if not again:
        sys.exit(f"no report of {given.reports} repeats another by {given.duplicates}; are they of the same project?")
    found = {size: measured(reports, group, size, given.rounds) for size in SIZES}
    if given.json:
        print(json.dumps({"reports": len(reports), "duplicates": again, "customers_of": found}))
        return
    print(f"{len(reports)} reports, {again} of them repeat an earlier one; dealt out {given.rounds} times")
    head = ("customers of", "recall@5", "recall@1", "new ones shown any", "joined wrongly")
    lines = [
        [str(size), *(f"{one[name]:.3f}" for name in ("at_5", "at_1", "new_shown")), f"{one['joined_wrong']:.1f}"]
        for size, one in found.items()
    ]
    print(table(head, lines))


if __name__ == "__main__":
    main()
