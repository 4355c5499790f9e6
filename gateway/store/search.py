"""Full-text search over all years: one function, two bodies (FTS5, tsvector). Words come in as our own stems.

Each word is kept with its customer's mark, so that a question touches the lists of one customer only, however many there
are. Refuses to rank: it gives who shares the most of the words asked for, `routing.relate` says how alike they are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import TSQUERY

TABLE = "search"  # made by migration 0003: no table of `tables`, for SQLite's is virtual
_PLAIN = re.compile(r"[^0-9a-z]")

_INSERT = {
    "sqlite": sa.text("INSERT INTO search (rowid, words) VALUES (:id, :words)"),
    "postgresql": sa.text(
        "INSERT INTO search (id, words) VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))"
    ),
}
_ASKED, _LIMIT = sa.bindparam("asked", type_=sa.Text()), sa.bindparam("limit", type_=sa.Integer())
_LITE, _POSTGRES = (
    sa.table(TABLE, sa.column("rowid"), sa.column(TABLE)),
    sa.table(TABLE, sa.column("id"), sa.column("words")),
)
# PostgreSQL must find first and sort then: walking backwards through the ids would read the whole table for a rare word.
_MATCHED = (
    sa.select(_POSTGRES.c.id)
    .where(_POSTGRES.c.words.op("@@")(sa.cast(_ASKED, TSQUERY)))
    .cte("matched")
    .prefix_with("MATERIALIZED")
)
HITS: Mapping[str, sa.Subquery] = {  # the newest reports that answer a question
    "sqlite": sa.select(_LITE.c.rowid.label("id"))
    .where(sa.literal_column(TABLE).op("MATCH")(_ASKED))
    .order_by(sa.literal_column("rowid").desc())
    .limit(_LIMIT)
    .subquery(),
    "postgresql": sa.select(_MATCHED.c.id).order_by(_MATCHED.c.id.desc()).limit(_LIMIT).subquery(),
}
_FORGET = {
    "sqlite": sa.text("DELETE FROM search WHERE rowid IN (SELECT id FROM traces WHERE ticket_id = :ticket)"),
    "postgresql": sa.text("DELETE FROM search WHERE id IN (SELECT id FROM traces WHERE ticket_id = :ticket)"),
}
_OR = {"sqlite": " OR ", "postgresql": " | "}
_AND = {"sqlite": " AND ", "postgresql": " & "}
LONGEST = 8  # letters of a word with digits in it that is indexed
ALONE = 3  # words that may be asked for by themselves


def keep(connection: Connection, trace_id: int, customer: str, stems: Iterable[str]) -> None:
    """Index the stems of one report."""
    words = " ".join(sorted(_lexemes(customer, stems)))
    if words:
        connection.execute(_INSERT[connection.dialect.name], {"id": trace_id, "words": words})


def questions(kind: str, customer: str, stems: Sequence[str]) -> tuple[str, str]:
    """What to ask for on this kind of database, the stems that say the most first: two of them, one of either half, or else one
    of the first few. Each word stands once, for each is looked up in every part of the index."""
    words = [word for stem in stems for word in _lexemes(customer, (stem,))]
    either, both = _OR[kind].join, _AND[kind].join
    halves = [f"({either(half)})" for half in (words[::2], words[1::2]) if half]
    return both(halves) if len(halves) == 2 else "", either(words[:ALONE])


def forget(connection: Connection, ticket_id: int) -> None:
    """The words of a ticket's reports are gone; call it before its traces go."""
    connection.execute(_FORGET[connection.dialect.name], {"ticket": ticket_id})


def drop(connection: Connection, trace_ids: Sequence[int]) -> None:
    """The words of these reports are gone."""
    column: sa.ColumnClause[int] = sa.column("rowid" if connection.dialect.name == "sqlite" else "id")
    connection.execute(sa.delete(sa.table(TABLE, column)).where(column.in_(trace_ids)))


def _lexemes(customer: str, stems: Iterable[str]) -> set[str]:
    """Nobody looks for the hashes and instants of a log, and each would be a new word of the index; names are found by keys."""
    mark = sha256(customer.encode()).hexdigest()[:10]
    plain = (_PLAIN.sub("", stem) for stem in stems)
    return {f"c{mark}x{word}" for word in plain if word and (len(word) <= LONGEST or word.isalpha())}
