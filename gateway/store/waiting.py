"""Our own queue for a person: who waits on the line, since when, and whose telephone rings for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.tables import waiting_calls

SILENT = timedelta(minutes=2)  # a line that did not ask for so long is gone, whatever its last word was
LONGEST_TALK = timedelta(hours=3)
MEASURED = 20  # conversations


@dataclass(frozen=True, slots=True)
class Waiting:
    """One caller. `at` is their place in the order; `since`: on the line."""

    sid: str
    desk: str
    ticket_id: int | None
    rank: int
    at: datetime
    since: datetime
    state: str
    agent: str | None
    tried: Sequence[str]
    seen_at: datetime
    talked: int | None


def get(connection: Connection, sid: str) -> Waiting | None:
    row = connection.execute(sa.select(waiting_calls).where(waiting_calls.c.sid == sid)).one_or_none()
    return None if row is None else Waiting(**row._mapping)


def join(connection: Connection, one: Waiting) -> None:
    values = {name: getattr(one, name) for name in one.__dataclass_fields__}
    connection.execute(sa.insert(waiting_calls), {**values, "tried": list(one.tried)})


def update(connection: Connection, sid: str, **changes: Any) -> None:
    connection.execute(sa.update(waiting_calls).where(waiting_calls.c.sid == sid).values(**changes))


def busy(connection: Connection, desk: str, now: datetime) -> frozenset[str]:
    """The agents whose telephone rings for somebody, or who talk."""
    c = waiting_calls.c
    query = sa.select(c.agent).where(
        c.desk == desk, c.state.in_(("ringing", "talking")), c.seen_at > now - LONGEST_TALK
    )
    return frozenset(connection.execute(query).scalars())


def ahead(connection: Connection, one: Waiting, now: datetime) -> int:
    """How many wait before this caller."""
    c = waiting_calls.c
    before = sa.or_(
        c.rank < one.rank,
        sa.and_(c.rank == one.rank, c.at < one.at),
        sa.and_(c.rank == one.rank, c.at == one.at, c.sid < one.sid),
    )
    query = sa.select(sa.func.count()).where(
        c.desk == one.desk, c.state == "waiting", c.seen_at > now - SILENT, c.sid != one.sid, before
    )
    return int(connection.execute(query).scalar_one())


def count(connection: Connection, desk: str, now: datetime) -> int:
    """How many wait on the line."""
    c = waiting_calls.c
    query = sa.select(sa.func.count()).where(c.desk == desk, c.state == "waiting", c.seen_at > now - SILENT)
    return int(connection.execute(query).scalar_one())


def usual_talk(connection: Connection, desk: str) -> float | None:
    """Seconds of a conversation, by the last ones; None before the first."""
    c = waiting_calls.c
    query = sa.select(c.talked).where(c.desk == desk, c.talked.isnot(None)).order_by(c.seen_at.desc()).limit(MEASURED)
    found = list(connection.execute(query).scalars())
    return sum(found) / len(found) if found else None
