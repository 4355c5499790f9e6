"""Requests to be called back: one row each, from the wish to the conversation. Refuses to judge and to ring."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.tables import callbacks

LIVE = ("waiting", "ringing", "talking")


@dataclass(frozen=True, slots=True)
class StoredCallback:
    """A request. `state`: waiting, ringing, talking, done, given up or cancelled; `attempt`: `routing.paging.Page`."""

    id: int
    at: datetime
    sid: str
    caller: str
    number: str
    ticket_id: int
    language: str
    state: str
    desk: str
    customer: str | None
    mode: str
    source: str
    rank: int
    zone: str | None
    not_before: datetime | None
    not_after: datetime | None
    next_at: datetime | None
    attempts: int
    cost: int
    attempt: Mapping[str, Any] | None
    why: str | None


def ask(connection: Connection, values: Mapping[str, Any]) -> int:
    """A new request, waiting."""
    new = sa.insert(callbacks).returning(callbacks.c.id)
    return int(connection.execute(new, {"state": "waiting", **values}).scalar_one())


def get(connection: Connection, request: int, *, lock: bool = False) -> StoredCallback | None:
    query = sa.select(callbacks).where(callbacks.c.id == request)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _stored(row)


def by_key(connection: Connection, key: str) -> StoredCallback | None:
    """The request of this call, link or program's key."""
    row = connection.execute(sa.select(callbacks).where(callbacks.c.sid == key)).one_or_none()
    return None if row is None else _stored(row)


def of_call(connection: Connection, sid: str, ticket_id: int) -> StoredCallback | None:
    """The living request that this call made for this ticket."""
    mine = sa.or_(callbacks.c.sid == sid, callbacks.c.sid.startswith(f"{sid}:", autoescape=True))
    query = sa.select(callbacks).where(mine, callbacks.c.ticket_id == ticket_id, callbacks.c.state.in_(LIVE))
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else _stored(row)


def update(connection: Connection, request: int, **changes: Any) -> None:
    connection.execute(sa.update(callbacks).where(callbacks.c.id == request).values(**changes))


def since(
    connection: Connection, at: datetime, *, caller: str | None = None, number: str | None = None
) -> tuple[int, int]:
    """How many requests were taken since then, and what they cost together."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(callbacks.c.cost), 0)).where(callbacks.c.at >= at)
    if caller is not None:
        query = query.where(callbacks.c.caller == caller)
    if number is not None:
        query = query.where(callbacks.c.number == number)
    row = connection.execute(query).one()
    return int(row[0]), int(row[1])


def ahead(connection: Connection, one: StoredCallback, now: datetime) -> int:
    """How many requests of the desk that may be rung now go before this one, or are being rung."""
    c = callbacks.c
    before = sa.or_(
        c.rank < one.rank,
        sa.and_(c.rank == one.rank, c.at < one.at),
        sa.and_(c.rank == one.rank, c.at == one.at, c.id < one.id),
    )
    ready = sa.and_(c.state == "waiting", sa.or_(c.next_at.is_(None), c.next_at <= now), before)
    query = sa.select(sa.func.count()).where(
        c.desk == one.desk, c.id != one.id, sa.or_(c.state == "ringing", ready), c.source != "", c.mode != "proof"
    )
    return int(connection.execute(query).scalar_one())


def first_waiting(connection: Connection, desk: str, now: datetime) -> StoredCallback | None:
    """Whose turn it is when somebody is free again."""
    c = callbacks.c
    query = sa.select(callbacks).where(
        c.desk == desk, c.state == "waiting", sa.or_(c.next_at.is_(None), c.next_at <= now), c.mode != "proof"
    )
    row = connection.execute(query.order_by(c.rank, c.at, c.id).limit(1)).one_or_none()
    return None if row is None else _stored(row)


def listed(connection: Connection, limit: int, offset: int, *, live: bool) -> tuple[StoredCallback, ...]:
    """For the console: the living ones in the order in which they are served, or the ended ones, newest first."""
    c = callbacks.c
    query = sa.select(callbacks).where(c.state.in_(LIVE) if live else c.state.not_in(LIVE))
    order = (c.rank, c.at, c.id) if live else (c.at.desc(), c.id.desc())
    rows = connection.execute(query.order_by(*order).limit(limit).offset(offset))
    return tuple(_stored(row) for row in rows)


def known_sids(connection: Connection, at: datetime) -> frozenset[str]:
    """The carrier's ids of all calls that requests know: a call that none of them knows may be a lost attempt's."""
    query = sa.select(callbacks.c.attempt).where(sa.or_(callbacks.c.state.in_(LIVE), callbacks.c.at >= at))
    pages = connection.execute(query).scalars()
    return frozenset(
        one["provider_sid"] for page in pages if page for one in page.get("attempts", ()) if one.get("provider_sid")
    )


def _stored(row: sa.Row[Any]) -> StoredCallback:
    values = dict(row._mapping)
    return StoredCallback(**{**values, "desk": values["desk"] or "", "ticket_id": values["ticket_id"] or 0})
