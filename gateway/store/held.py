"""Held mails: what waits for a person's decision, what was called spam, and the story of each decision.

A held mail is a line of the ledger; nothing here deletes one. `gateway.mail.held` decides, this module only asks and writes.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import reports as lines
from gateway.store.reports import LedgerRow
from gateway.store.tables import HELD, SPAM, raws, reports

SPAM_REASON = "spam"
HEAD_BYTES = 65_536  # of a mail, enough for what a list shows


def listed(connection: Connection, limit: int, offset: int = 0, *, spam: bool = False) -> tuple[LedgerRow, ...]:
    """The held mails, or those called spam; who waits longest comes first."""
    query = sa.select(reports).where(SPAM if spam else HELD).order_by(reports.c.id.desc() if spam else reports.c.id)
    return tuple(lines.line(row) for row in connection.execute(query.limit(limit).offset(offset)))


def count(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(reports).where(HELD)).scalar_one()


def overdue(connection: Connection, before: datetime, limit: int) -> tuple[int, ...]:
    """Held mails received up to an instant, by id."""
    query = sa.select(reports.c.id).where(HELD, reports.c.at <= before).order_by(reports.c.id).limit(limit)
    return tuple(connection.execute(query).scalars())


def first_after(connection: Connection, instant: datetime) -> datetime | None:
    """When the first of the held mails that came after an instant was received."""
    found: datetime | None = connection.execute(
        sa.select(sa.func.min(reports.c.at)).where(HELD, reports.c.at > instant)
    ).scalar()
    return found


def lock(connection: Connection, report_id: int) -> LedgerRow | None:
    """A line of the ledger that nobody else decides about until this transaction ends."""
    query = sa.select(reports).where(reports.c.id == report_id).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else lines.line(row)


def tell(connection: Connection, row: LedgerRow, *, at: datetime, by: str, did: str) -> None:
    """Add a decision to the story of a line, with what the line was before it."""
    before = {"outcome": row.outcome, "reason": row.reason, "ticket": row.ticket_id}
    told = [*row.story, {"at": at.isoformat(), "by": by, "did": did, **before}]
    lines.settle(connection, row.id, {"story": told})


def joined(connection: Connection, ticket_id: int, sha256: str) -> int | None:
    """The line of the mail with these bytes that was added to this ticket."""
    query = sa.select(reports.c.id).where(
        reports.c.ticket_id == ticket_id, reports.c.sha256 == sha256, reports.c.outcome == "append"
    )
    return connection.execute(query.order_by(reports.c.id).limit(1)).scalar()


def twin(connection: Connection, report_id: int) -> LedgerRow | None:
    """The line of the mail that this one repeats."""
    first = sa.select(reports.c.twin).where(reports.c.id == report_id).scalar_subquery()
    row = connection.execute(sa.select(reports).where(reports.c.id == first)).one_or_none()
    return None if row is None else lines.line(row)


def heads(connection: Connection, wanted: Sequence[str]) -> Mapping[str, bytes]:
    """The first bytes of several raw mails, without reading the whole of any."""
    begin: Any = sa.func.substr(raws.c.body, 1, HEAD_BYTES, type_=sa.LargeBinary)
    rows = connection.execute(sa.select(raws.c.sha256, begin).where(raws.c.sha256.in_(wanted)))
    return {row[0]: zlib.decompressobj().decompress(bytes(row[1]), HEAD_BYTES) for row in rows}
