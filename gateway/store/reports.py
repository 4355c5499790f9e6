"""The ledger and the raw store: what reached us, byte for byte, and the one outcome of each."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store import sight
from gateway.store.database import in_parts
from gateway.store.prepared import Prepared
from gateway.store.sight import Sight
from gateway.store.tables import raws, reports, threads, tickets

CHUNK = 500  # rows of the ledger that are read at a time
OUTCOMES = ("new", "append", "duplicate", "held", "refused")
_INSERT_REPORT = Prepared(sa.insert(reports))
_BY_KEY = Prepared(
    sa.select(
        reports.c.id, reports.c.ticket_id, reports.c.customer, reports.c.verified, reports.c.sha256, reports.c.rcpt
    ).where(reports.c.key == sa.bindparam("wanted"))
)
_KEEP_RAW = Prepared({
    "sqlite": sqlite_insert(raws).on_conflict_do_nothing(),
    "postgresql": postgres_insert(raws).on_conflict_do_nothing(),
})  # fmt: skip
_NAME_THREAD = Prepared({
    "sqlite": sqlite_insert(threads).on_conflict_do_nothing(),
    "postgresql": postgres_insert(threads).on_conflict_do_nothing(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One report and its outcome, as `presa ledger --json` prints it. `story`: what people decided about it since."""

    id: int
    at: datetime
    door: str
    peer: str
    message_id: str | None
    envelope_from: str | None
    rcpt: tuple[str, ...]
    outcome: str
    reason: str | None
    ticket_id: int | None
    customer: str | None
    verified: bool
    acknowledge: bool
    sha256: str | None
    evidence: tuple[str, ...]
    story: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Twin:
    """The report that came first under the same key."""

    id: int
    ticket_id: int | None
    customer: str | None
    verified: bool
    sha256: str | None = None
    rcpt: Sequence[str] = ()


def keep_raw(connection: Connection, sha256: str, size: int, compressed: bytes) -> None:
    """Keep raw bytes once, addressed by their content; `compressed` is their zlib form, made outside the transaction."""
    _KEEP_RAW.run(connection, {"sha256": sha256, "size": size, "body": compressed})


def raw(connection: Connection, sha256: str) -> bytes | None:
    body: bytes | None = connection.execute(sa.select(raws.c.body).where(raws.c.sha256 == sha256)).scalar()
    return None if body is None else zlib.decompress(body)


def twin(connection: Connection, key: str) -> Twin | None:
    """The report already filed under this delivery key."""
    row = _BY_KEY.first(connection, {"wanted": key})
    return None if row is None else Twin(*row)


def insert(connection: Connection, values: Mapping[str, Any]) -> None:
    """A row of the ledger. Two with one key cannot be: the database refuses the second, and its transaction runs again."""
    row = {
        "key": None, "twin": None, "envelope_from": None, "message_id": None, "sha256": None, "reason": None,
        "ticket_id": None, "customer": None, "verified": False, "acknowledge": False, "evidence": (), "story": None,
        "words": None, **values,
    }  # fmt: skip
    _INSERT_REPORT.run(connection, row)


def settle(connection: Connection, report_id: int, facts: Mapping[str, Any]) -> None:
    """A person decided about this report: its outcome is another one now. What it was stands in its story."""
    connection.execute(sa.update(reports).where(reports.c.id == report_id).values(**facts))


def ledger(
    connection: Connection, outcomes: Sequence[str] = (), *, after: int = 0, limit: int | None = None
) -> Iterator[LedgerRow]:
    """Rows of the ledger in order of arrival."""
    query = sa.select(reports).where(reports.c.id > after)
    if outcomes:
        query = query.where(reports.c.outcome.in_(outcomes))
    return islice(map(line, in_parts(connection, query, reports.c.id, min(CHUNK, limit or CHUNK))), limit)


def latest(
    connection: Connection, outcomes: Sequence[str], limit: int, seen: Sight = sight.ALL
) -> tuple[LedgerRow, ...]:
    """The newest rows first."""
    shown = sight.shown(seen, reports.c.ticket_id)
    query = sa.select(reports).where(shown).order_by(reports.c.id.desc()).limit(limit)
    if outcomes:
        query = query.where(reports.c.outcome.in_(outcomes))
    return tuple(line(row) for row in connection.execute(query))


def get(connection: Connection, report_id: int) -> LedgerRow | None:
    row = connection.execute(sa.select(reports).where(reports.c.id == report_id)).one_or_none()
    return None if row is None else line(row)


def of_ticket(connection: Connection, ticket_id: int) -> tuple[LedgerRow, ...]:
    return tuple(
        line(row)
        for row in connection.execute(sa.select(reports).where(reports.c.ticket_id == ticket_id).order_by(reports.c.id))
    )


def message_ids(connection: Connection, ticket_ids: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
    """The Message-IDs of the mails filed under each ticket."""
    found: dict[int, list[str]] = {}
    rows = connection.execute(
        sa.select(reports.c.ticket_id, reports.c.message_id)
        .where(
            reports.c.ticket_id.in_(ticket_ids),
            reports.c.message_id.isnot(None),
            reports.c.outcome.in_(("new", "append")),
        )
        .order_by(reports.c.id)
    )
    for row in rows:
        found.setdefault(row.ticket_id, []).append(row.message_id)
    return {ticket: tuple(ids) for ticket, ids in found.items()}


def threads_of(connection: Connection, message_ids: Sequence[str]) -> tuple[int, ...]:
    """Tickets that a mail's references point at, the newest first: mails we filed, and mails that those named."""
    filed = sa.select(reports.c.ticket_id).where(
        reports.c.message_id.in_(message_ids), reports.c.ticket_id.isnot(None), reports.c.outcome.in_(("new", "append"))
    )
    named = sa.select(threads.c.ticket_id).where(threads.c.message_id.in_(message_ids))
    both = sa.union(filed, named).subquery()
    return tuple(connection.execute(sa.select(both.c.ticket_id).order_by(both.c.ticket_id.desc())).scalars())


def name_thread(connection: Connection, ticket_id: int, message_ids: Sequence[str]) -> None:
    """Remember ids that a filed mail named, so that a later mail of the same thread is known by them."""
    if message_ids:
        rows = [{"message_id": one, "ticket_id": ticket_id} for one in dict.fromkeys(message_ids)]
        _NAME_THREAD.run_all(connection, rows)


# Not a parameter: SQLite prepares a statement anew for each value that is compared with the condition of a partial index.
_NEW: sa.ColumnElement[str] = sa.literal_column("'new'")
_ANSWERED = Prepared(
    sa.select(reports.c.id)
    .join(tickets, tickets.c.id == reports.c.ticket_id)
    .where(
        tickets.c.requester == sa.bindparam("requester"),
        tickets.c.received_at > sa.bindparam("since", type_=tickets.c.received_at.type),
        reports.c.outcome == _NEW,
        reports.c.acknowledge,
    )
    .limit(1)
)


_SAME_WORDS = Prepared(
    sa.select(sa.func.count())
    .select_from(reports)
    .where(
        reports.c.words == sa.bindparam("words"),
        reports.c.at > sa.bindparam("since", type_=reports.c.at.type),
    )
)
_AGAIN = Prepared(
    sa.select(_ANSWERED.statement.exists().label("answered"), _SAME_WORDS.statement.scalar_subquery().label("same"))
)


def repeated(connection: Connection, requester: str, words: str, since: datetime) -> tuple[bool, int]:
    """In one question: was an acknowledgement decided for this address since an instant, and how many mails of senders
    that nobody verified had the same words?"""
    ((answered, same),) = _AGAIN.rows(connection, {"requester": requester, "words": words, "since": since})
    return bool(answered), int(same)


def orphans(connection: Connection) -> tuple[int, ...]:
    """Reports whose outcome says there is a ticket that is not there: the ledger's balance, always empty."""
    query = (
        sa.select(reports.c.id)
        .outerjoin(tickets, tickets.c.id == reports.c.ticket_id)
        .where(reports.c.outcome.in_(("new", "append")), tickets.c.id.is_(None))
    )
    return tuple(connection.execute(query).scalars())


def unreported(connection: Connection) -> tuple[int, ...]:
    """Tickets that no report opened: the other side of the balance."""
    query = sa.select(tickets.c.id).where(
        ~sa.exists().where(reports.c.ticket_id == tickets.c.id, reports.c.outcome == "new")
    )
    return tuple(connection.execute(query).scalars())


def line(row: sa.Row[Any]) -> LedgerRow:
    """A whole row of the table as the ledger's line."""
    return LedgerRow(
        row.id, row.at, row.door, row.peer, row.message_id, row.envelope_from, tuple(row.rcpt), row.outcome, row.reason,
        row.ticket_id, row.customer, row.verified, row.acknowledge, row.sha256, tuple(row.evidence),
        tuple(row.story or ()),
    )  # fmt: skip
