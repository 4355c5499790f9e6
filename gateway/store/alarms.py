"""The alarms: what a person must look at, until somebody says that they have. None is ever deleted.

They are put down by `jobs.alarm`, in the transaction of what went wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import sight
from gateway.store.sight import Sight
from gateway.store.tables import alarms

GRAVE = frozenset(("dead-job", "ledger-gap", "page-exhausted"))  # nothing goes on by itself: a person must act


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `seen_by` is the name of who saw it first, None as long as nobody did."""

    id: int
    at: datetime
    kind: str
    words: str
    ticket_id: int | None
    seen_by: str | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unseen:
    """How many alarms of one kind nobody has seen, and since when."""

    kind: str
    count: int
    since: datetime


def unseen(connection: Connection, seen: Sight = sight.ALL) -> int:
    """How many alarms nobody has seen."""
    shown = sight.shown(seen, alarms.c.ticket_id)
    query = sa.select(sa.func.count()).select_from(alarms).where(alarms.c.seen_at.is_(None), shown)
    return connection.execute(query).scalar_one()


def waits(connection: Connection, kind: str, words: str) -> bool:
    """Is the very same alarm there already, and nobody has seen it?"""
    same = (alarms.c.kind == kind, alarms.c.words == words, alarms.c.seen_at.is_(None))
    return connection.execute(sa.select(alarms.c.id).where(*same).limit(1)).first() is not None


def raised_since(connection: Connection, kind: str, words: str, since: datetime) -> bool:
    """Was the very same alarm raised since then, seen or not?"""
    same = (alarms.c.kind == kind, alarms.c.words == words, alarms.c.at > since)
    return connection.execute(sa.select(alarms.c.id).where(*same).limit(1)).first() is not None


def unseen_kinds(connection: Connection) -> tuple[Unseen, ...]:
    """The unseen ones by kind."""
    query = sa.select(alarms.c.kind, sa.func.count().label("count"), sa.func.min(alarms.c.at).label("since"))
    rows = connection.execute(query.where(alarms.c.seen_at.is_(None)).group_by(alarms.c.kind).order_by(alarms.c.kind))
    return tuple(Unseen(row[0], row[1], row[2]) for row in rows)


def latest(
    connection: Connection, limit: int, offset: int = 0, *, only_unseen: bool = False, seen: Sight = sight.ALL
) -> Sequence[Alarm]:
    """Alarms, newest first."""
    query = (
        sa.select(alarms)
        .where(sight.shown(seen, alarms.c.ticket_id))
        .order_by(alarms.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    if only_unseen:
        query = query.where(alarms.c.seen_at.is_(None))
    return tuple(Alarm(**row._mapping) for row in connection.execute(query))


def see(
    connection: Connection, alarm_id: int, who: str, now: datetime, *, older: bool = False, seen: Sight = sight.ALL
) -> None:
    """Somebody has seen this alarm; with `older` every one before it too. Who saw it first stays."""
    which = alarms.c.id <= alarm_id if older else alarms.c.id == alarm_id
    unseen = (alarms.c.seen_at.is_(None), sight.shown(seen, alarms.c.ticket_id))
    connection.execute(sa.update(alarms).where(which, *unseen).values(seen_by=who, seen_at=now))
