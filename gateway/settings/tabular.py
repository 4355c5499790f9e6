"""A directory as a table: CSV in, the same document out that YAML gives, with the line of every value.

One row is one contact; a customer's columns stand in its first row and may be empty or repeated in the next ones. Comma,
semicolon or tab between columns, whichever the first line uses; `|` (or `;` where that is not the separator) between the
values of one cell. Refuses columns it does not know, rows that contradict an earlier one, and to guess anything else.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.settings.source import ConfigError, Document, Loc, Place

# column -> its place in the document; lists are split. A contact's columns come after the customer's.
CUSTOMER: Mapping[str, tuple[str, ...]] = {
    "customer": ("id",), "name": ("name",), "desk": ("desk",), "plan": ("plan",), "code": ("code",), "aliases": ("aliases",),
    "add_ons": ("add_ons",), "domains": ("domains",), "language": ("language",), "region": ("region",), "zone": ("zone",),
    "partner": ("partner",), "restrictions": ("restrictions",), "starts": ("contract", "starts"), "ends": ("contract", "ends"),
    "paid": ("contract", "paid"), "end_users": ("contract", "end_users"), "manager": ("contract", "manager"),
    "engineer": ("contract", "engineer"), "products": ("contract", "products"), "pins": ("pins",),
}  # fmt: skip
CONTACT: Mapping[str, str] = {
    "contact": "name", "contact_id": "id", "emails": "emails", "phones": "phones", "authorised": "authorised",
    "end_user": "end_user", "grants": "grants", "contact_language": "language", "contact_zone": "zone", "contact_pins": "pins",
}  # fmt: skip
_LISTS = frozenset({"aliases", "add_ons", "domains", "restrictions", "products", "pins", "emails", "phones", "grants"})
_FLAGS = frozenset({"paid", "end_users", "authorised", "end_user"})
_YES = {
    "yes": True,
    "true": True,
    "1": True,
    "sì": True,
    "si": True,
    "x": True,
    "no": False,
    "false": False,
    "0": False,
}


def parse_csv(text: str, name: str) -> Document:
    """The document of a table. Raises ConfigError with the line of everything that is wrong with it as a table."""
    separator = max(",;\t", key=text.partition("\n")[0].count)
    table = _Table(name, separator)
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=separator, strict=True)
    try:
        header = [cell.strip().lower().replace("-", "_").replace(" ", "_") for cell in next(rows, [])]
        table.head(header)
        line = rows.line_num + 1
        for cells in rows:
            if any(cell.strip() for cell in cells):
                table.row(line, header, cells)
            line = rows.line_num + 1
    except csv.Error as error:
        table.problems.append(f"{name}:{rows.line_num}:1: {error}; a table in CSV; mend the quotes of this line")
    if table.problems:
        raise ConfigError(table.problems)
    return Document(name, {"customers": table.customers}, table.places, {})


class _Table:
    """Rows as they come in, gathered by customer."""

    def __init__(self, name: str, separator: str) -> None:
        self._name = name
        self._between = "|" if separator == ";" else ";|"
        self._rows: dict[str, int] = {}
        self.customers: list[dict[str, Any]] = []
        self.places: dict[Loc, Place] = {(): (1, 1)}
        self.problems: list[str] = []

    def head(self, header: list[str]) -> None:
        known = (*CUSTOMER, *CONTACT)
        for column, title in enumerate(header, 1):
            if title not in known:
                self._complain(
                    1, column, f"unknown column {title[:40]!r}", f"one of {', '.join(known)}", "rename or remove it"
                )
            elif title in header[: column - 1]:
                self._complain(1, column, f"the column {title} again", "each column once", "remove one of the two")
        if "customer" not in header:
            self._complain(1, 1, "no column 'customer'", "the customer's id in every row", "add the column")

    def row(self, line: int, header: list[str], cells: list[str]) -> None:
        if len(cells) != len(header):
            found = f"{len(cells)} cells"
            self._complain(line, 1, found, f"{len(header)}, as in the first line", "mend the separators or quotes")
            return
        values = {
            title: (cell.strip(), column) for column, (title, cell) in enumerate(zip(header, cells, strict=True), 1)
        }
        key = values.get("customer", ("", 1))[0]
        if not key:
            self._complain(line, 1, "no customer", "the customer's id in every row", "write it in this row too")
            return
        first = key not in self._rows
        if first:
            self._rows[key] = len(self.customers)
            self.customers.append({"contacts": []})
        loc: Loc = ("customers", self._rows[key])
        self._mark(loc, (line, 1))
        for title, path in CUSTOMER.items():
            text, column = values.get(title, ("", 1))
            if text:
                self._put(loc, path, title, text, line, column, first=first)
        self._contact(loc, values, line)

    def _contact(self, loc: Loc, values: Mapping[str, tuple[str, int]], line: int) -> None:
        given = {title: values[title] for title in CONTACT if values.get(title, ("", 0))[0]}
        if not given:
            return
        contacts = self.customers[int(loc[1])]["contacts"]
        where = (*loc, "contacts", len(contacts))
        self._mark(where, (line, 1))
        contact: dict[str, Any] = {}
        for title, (text, column) in given.items():
            contact[CONTACT[title]] = self._value(title, text, line, column, (*where, CONTACT[title]))
        contacts.append(contact)

    def _put(
        self, loc: Loc, path: tuple[str, ...], title: str, text: str, line: int, column: int, *, first: bool
    ) -> None:
        holder = self.customers[int(loc[1])]
        for part in path[:-1]:
            holder = holder.setdefault(part, {})
        value = self._value(title, text, line, column, (*loc, *path) if first or path[-1] not in holder else None)
        before = holder.setdefault(path[-1], value)
        if before != value:
            there = self.places.get((*loc, *path), (line, 1))[0]
            found = f"{title} {'again' if title == 'pins' else text[:40]!r}, which says otherwise than line {there}"
            self._complain(line, column, found, "one value for a customer", "leave the cell empty after the first row")

    def _value(self, title: str, text: str, line: int, column: int, loc: Loc | None) -> Any:
        if loc is not None:
            self._mark(loc, (line, column))
        if title in _FLAGS:
            flag = _YES.get(text.lower())
            if flag is None:
                self._complain(line, column, f"{title} {text[:20]!r}", "yes or no", "write one of the two")
            return bool(flag)
        if title not in _LISTS:
            return text
        parts = list(self._split(text))
        if loc is not None:
            for index in range(len(parts)):
                self._mark((*loc, index), (line, column))
        return [_product(part) for part in parts] if title == "products" else parts

    def _split(self, text: str) -> Iterator[str]:
        for separator in self._between:
            text = text.replace(separator, "\n")
        return (part.strip() for part in text.split("\n") if part.strip())

    def _mark(self, loc: Loc, place: Place) -> None:
        """Where this stands; what it is part of begins at the first of its parts."""
        for depth in range(1, len(loc)):
            self.places.setdefault(loc[:depth], place)
        self.places[loc] = place

    def _complain(self, line: int, column: int, found: str, expected: str, next_step: str) -> None:
        self.problems.append(f"{self._name}:{line}:{column}: {found}; {expected}; {next_step}")


def _product(text: str) -> dict[str, str]:
    """``Call Recording`` or ``Call Recording=end-of-life``."""
    name, equals, state = text.rpartition("=")
    return {"name": name.strip(), "state": state.strip()} if equals else {"name": text}
