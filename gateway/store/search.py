"""Full-text search over all years: one function, two bodies (FTS5, tsvector). Words come in as our own stems.

Each word is kept with its customer's mark, so that a question touches the lists of one customer only, however many there
are. Refuses to rank: it gives who shares the most of the words asked for, `routing.relate` says how alike they are.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy import Connection

TABLE = "search"  # made by migration 0003: no table of `tables`, for SQLite's is virtual
_PLAIN = re.compile(r"[^0-9a-z]")

_INSERT = {
    "sqlite": sa.text("INSERT INTO search (rowid, words) VALUES (:id, :words)"),
    "postgresql": sa.text(
        "INSERT INTO search (id, words) VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))"
    ),
}
_FIND = {
    "sqlite": sa.text("SELECT rowid FROM search WHERE search MATCH :asked ORDER BY rank LIMIT :limit"),
    "postgresql": sa.text(
        "SELECT id FROM search, (SELECT CAST(:asked AS tsquery) AS asked) AS question WHERE words @@ asked"
        " ORDER BY ts_rank(words, asked) DESC, id DESC LIMIT :limit"
    ),
}
_FORGET = {
    "sqlite": sa.text("DELETE FROM search WHERE rowid IN (SELECT id FROM traces WHERE ticket_id = :ticket)"),
    "postgresql": sa.text("DELETE FROM search WHERE id IN (SELECT id FROM traces WHERE ticket_id = :ticket)"),
}
_OR = {"sqlite": " OR ", "postgresql": " | "}


def keep(connection: Connection, trace_id: int, customer: str, stems: Iterable[str]) -> None:
    """Index the stems of one report."""
    words = " ".join(sorted(_lexemes(customer, stems)))
    if words:
        connection.execute(_INSERT[connection.dialect.name], {"id": trace_id, "words": words})


def find(connection: Connection, customer: str, stems: Iterable[str], limit: int) -> Sequence[int]:
    """The traces of a customer that share the most of these stems."""
    kind = connection.dialect.name
    asked = _OR[kind].join(sorted(_lexemes(customer, stems)))
    if not asked:
        return ()
    return [row[0] for row in connection.execute(_FIND[kind], {"asked": asked, "limit": limit})]


def forget(connection: Connection, ticket_id: int) -> None:
    """The words of a ticket's reports are gone; call it before its traces go."""
    connection.execute(_FORGET[connection.dialect.name], {"ticket": ticket_id})


def drop(connection: Connection, trace_ids: Sequence[int]) -> None:
    """The words of these reports are gone."""
    column: sa.ColumnClause[int] = sa.column("rowid" if connection.dialect.name == "sqlite" else "id")
    connection.execute(sa.delete(sa.table(TABLE, column)).where(column.in_(trace_ids)))


def _lexemes(customer: str, stems: Iterable[str]) -> set[str]:
    mark = sha256(customer.encode()).hexdigest()[:10]
    return {f"c{mark}x{plain}" for stem in stems if (plain := _PLAIN.sub("", stem))}
