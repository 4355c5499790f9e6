"""Full-text search over all years: one function, two bodies. Words come in as our own stems.

SQLite keeps them in FTS5; PostgreSQL in a table of its own, one row for each word of a report, for its full-text index reads
every report that has a word before it can say which is the newest. Each word is kept with its customer's mark, so that a
question touches the lists of one customer only, however many there are. Refuses to rank: it gives who shares the most of
the words asked for, `routing.relate` says how alike they are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.prepared import Prepared
from routing.pool import BY_WORDS

TABLE = "search"  # made by the migrations: no table of `tables`, for SQLite's is virtual
ASKED = 6  # words of a report that are asked for
NEWEST = 100  # reports of a word that PostgreSQL looks at
LONGEST = 8  # letters of a word with digits in it that is indexed
_PLAIN = re.compile(r"[^0-9a-z]")

_LITE = sa.table(TABLE, sa.column("rowid", sa.BigInteger()))
_POSTGRES = sa.table(TABLE, sa.column("word", sa.BigInteger()), sa.column("id", sa.BigInteger()))


def exactly(rows: int) -> sa.ColumnElement[int]:
    """A limit that stands in the statement: PostgreSQL takes a parameter for a tenth of all rows, and plans anew each time."""
    return sa.literal_column(str(rows), sa.Integer())


# As a sub-select: PostgreSQL makes one plan for all questions, where it would plan anew for each one that it sees.
_ASKED = sa.select(sa.bindparam("asked", type_=sa.ARRAY(sa.BigInteger()))).scalar_subquery()
_EACH = sa.func.unnest(_ASKED).table_valued("word").render_derived()
_NEWEST = (  # of one word: the index gives them backwards, however many there are
    sa.select(_POSTGRES.c.id)
    .where(_POSTGRES.c.word == _EACH.c.word)
    .order_by(_POSTGRES.c.id.desc())
    .limit(exactly(NEWEST))
    .lateral()
)
HITS: Mapping[str, sa.Subquery] = {  # reports that answer a question: the newest, those that share the most before
    "sqlite": sa.select(_LITE.c.rowid.label("id"))
    .where(sa.literal_column(TABLE).op("MATCH")(sa.bindparam("asked", type_=sa.Text())))
    .order_by(_LITE.c.rowid.desc())
    .limit(exactly(BY_WORDS))
    .subquery(),
    "postgresql": sa.select(_NEWEST.c.id)
    .select_from(_EACH.join(_NEWEST, sa.true()))
    .group_by(_NEWEST.c.id)
    .order_by(sa.func.count().desc(), _NEWEST.c.id.desc())
    .limit(exactly(BY_WORDS))
    .subquery(),
}
_KEEP = Prepared(
    {
        "sqlite": sa.text("INSERT INTO search (rowid, words) VALUES (:id, :words)"),
        "postgresql": sa.text("INSERT INTO search (word, id) SELECT unnest(CAST(:words AS BIGINT[])), :id"),
    }
)


def keep(connection: Connection, trace_id: int, customer: str, stems: Iterable[str]) -> None:
    """Index the stems of one report."""
    lexemes = sorted(_lexemes(customer, stems))
    if lexemes:
        words = " ".join(lexemes) if _is_lite(connection) else sorted({*map(_number, lexemes)})
        _KEEP.run(connection, {"id": trace_id, "words": words})


def questions(connection: Connection, customer: str, stems: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    """What to ask on this database, the stems that say the most first, until enough is found. PostgreSQL is asked for all at
    once. FTS5: two of them, one of either half, or else any; each word stands once, for each is looked up in every part of the
    index."""
    words = [word for stem in stems[:ASKED] for word in _lexemes(customer, (stem,))]
    if not words:
        return ()
    if not _is_lite(connection):
        return ({"asked": [*map(_number, words)]},)
    either = " OR ".join
    both = ({"asked": f"({either(words[::2])}) AND ({either(words[1::2])})"},) if len(words) > 1 else ()
    return (*both, {"asked": either(words)})


def forget(connection: Connection, ticket_id: int) -> None:
    """The words of a ticket's reports are gone; call it before its traces go."""
    ids = connection.execute(sa.text("SELECT id FROM traces WHERE ticket_id = :ticket"), {"ticket": ticket_id})
    drop(connection, list(ids.scalars()))


def drop(connection: Connection, trace_ids: Sequence[int]) -> None:
    """The words of these reports are gone."""
    table, column = (_LITE, _LITE.c.rowid) if _is_lite(connection) else (_POSTGRES, _POSTGRES.c.id)
    connection.execute(sa.delete(table).where(column.in_(trace_ids)))


def _is_lite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _lexemes(customer: str, stems: Iterable[str]) -> set[str]:
    """Nobody looks for the hashes and instants of a log, and each would be a new word of the index; names are found by keys."""
    mark = sha256(customer.encode()).hexdigest()[:10]
    plain = (_PLAIN.sub("", stem) for stem in stems)
    return {f"c{mark}x{word}" for word in plain if word and (len(word) <= LONGEST or word.isalpha())}


def _number(lexeme: str) -> int:
    """A word as PostgreSQL keeps it, half as long as its letters; migration 0005 makes the same."""
    return int.from_bytes(sha256(lexeme.encode()).digest()[:8], signed=True)
