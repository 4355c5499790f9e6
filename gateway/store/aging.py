"""What is old enough to be removed by the calendar, in small steps: each function does one transaction's worth and says
how much it did.

Never anything that is held, open or unseen: a raw mail stays as long as any of its reports is held or its ticket is not
closed, whatever its age.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import erasure
from gateway.store import recordings as kept_recordings
from gateway.store.tables import HELD, SPAM, callbacks, calls, erasures, letters, raws, reports, tickets

STEP = 200
CLOSED = sa.select(tickets.c.id).where(tickets.c.state == "closed")
NOT_OPEN = sa.or_(reports.c.ticket_id.is_(None), reports.c.ticket_id.in_(CLOSED))
Step = Callable[
    [Connection, datetime, datetime], int
]  # (connection, now, older than) -> how many, 0 when there is no more


def raw_mails(connection: Connection, now: datetime, before: datetime) -> int:
    """Raw mails of reports that are old, not held, and whose tickets are closed."""
    return _drop(connection, sa.and_(reports.c.at < before, sa.not_(HELD), sa.not_(_spam()), NOT_OPEN))


def spam(connection: Connection, now: datetime, before: datetime) -> int:
    """Raw mails that somebody has called spam."""
    return _drop(connection, sa.and_(reports.c.at < before, SPAM))


def _spam() -> sa.ColumnElement[bool]:
    return sa.func.coalesce(reports.c.reason, "") == "spam"


def _drop(connection: Connection, old: sa.ColumnElement[bool]) -> int:
    """Of equal mails that came twice, the one that must stay keeps the bytes."""
    kept = reports.alias("kept")
    present = sa.select(reports.c.sha256).join(raws, raws.c.sha256 == reports.c.sha256).where(old)
    needed = sa.select(kept.c.sha256).where(kept.c.sha256.isnot(None), sa.not_(_moved(old, kept)))
    wanted = set(connection.execute(sa.except_(present, needed).limit(STEP)).scalars())
    return erasure.drop_raws(connection, wanted)


def _moved(condition: sa.ColumnElement[bool], to: sa.FromClause) -> sa.ColumnElement[bool]:
    """The same condition about another name of the ledger."""
    from sqlalchemy.sql.util import ClauseAdapter

    return ClauseAdapter(to).traverse(condition)


def old_letters(connection: Connection, now: datetime, before: datetime) -> int:
    """Letters that have left and belong to no open ticket."""
    ours = sa.and_(letters.c.at < before, letters.c.state != "waiting", letters.c.recipient != "")
    done = sa.or_(letters.c.ticket_id.is_(None), letters.c.ticket_id.in_(CLOSED))
    some = sa.select(letters.c.id).where(ours, done).limit(STEP)
    return erasure.empty_letters(connection, letters.c.id.in_(list(connection.execute(some).scalars())))


def old_calls(connection: Connection, now: datetime, before: datetime) -> int:
    """Calls that are over and belong to no open ticket."""
    done = sa.or_(calls.c.ticket_id.is_(None), calls.c.ticket_id.in_(CLOSED))
    some = sa.select(calls.c.sid).where(calls.c.at < before, calls.c.ended_at.isnot(None), calls.c.number != "", done)
    emptied = erasure.empty_calls(connection, list(connection.execute(some.limit(STEP)).scalars()))
    back = sa.update(callbacks).where(callbacks.c.at < before, callbacks.c.state != "waiting", callbacks.c.number != "")
    return emptied + connection.execute(back.values(caller="", number="")).rowcount


def texts(connection: Connection, now: datetime, before: datetime) -> int:
    """What closed tickets say: they are emptied as by an erasure."""
    when = sa.func.coalesce(tickets.c.resolved_at, tickets.c.opened_at, type_=tickets.c.opened_at.type)
    done = sa.select(erasures.c.ticket_id)
    some = sa.select(tickets.c.id).where(tickets.c.state == "closed", when < before, tickets.c.id.not_in(done))
    found = list(connection.execute(some.order_by(tickets.c.id).limit(STEP // 10)).scalars())
    for one in found:
        erasure.empty_ticket(connection, one, now, "presa", "retention")
    return len(found)


def ledger(connection: Connection, now: datetime, before: datetime) -> int:
    """Who and what old lines of the ledger name; the lines stay."""
    old = sa.and_(reports.c.at < before, sa.not_(HELD), NOT_OPEN, reports.c.peer != "")
    some = list(connection.execute(sa.select(reports.c.id).where(old).limit(STEP)).scalars())
    erasure.empty_reports(connection, some)
    return len(some)


def recordings(connection: Connection, now: datetime, before: datetime) -> int:
    """What callers of closed tickets said into the telephone; that they did stays."""
    table = kept_recordings.TABLE
    old = sa.and_(table.c.at < before, table.c.state != "removed", table.c.ticket_id.in_(CLOSED))
    some = list(connection.execute(sa.select(table.c.sid).where(old).limit(STEP)).scalars())
    return len(kept_recordings.remove(connection, table.c.sid.in_(some), now))


STEPS: Mapping[str, Step] = {
    "raw": raw_mails,
    "spam": spam,
    "letters": old_letters,
    "calls": old_calls,
    "texts": texts,
    "ledger": ledger,
    "recordings": recordings,
}
