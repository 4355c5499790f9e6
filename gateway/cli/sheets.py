"""CSV for spreadsheets, in which nothing that a stranger wrote is a formula."""

import csv
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet would run, or what hides such a beginning


class Sheet:
    """Rows on stdout, with a line of names above the first."""

    def __init__(self) -> None:
        self._rows: csv.DictWriter[str] | None = None

    def write(self, facts: Mapping[str, Any]) -> None:
        if self._rows is None:
            self._rows = csv.DictWriter(sys.stdout, list(facts), lineterminator="\n")
            self._rows.writeheader()
        self._rows.writerow({name: cell(value) for name, value in facts.items()})


def cell(value: Any) -> str:
    """A value as a cell: text stays text, by an apostrophe in front of what would be run."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(RUNS) else text
