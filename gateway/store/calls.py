"""Calls, what was answered to each webhook, pages, PIN tries and callback requests. Digits of a PIN never come here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store import jobs, sight
from gateway.store.prepared import Prepared
from gateway.store.sight import Sight
from gateway.store.tables import call_events, call_steps, callbacks, calls, pages, pin_tries, pins

SILENT_CALLS = "silent-calls"  # the job that looks at them (`gateway.calls.silence`)
SILENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call. `direction`: caller, page or callback; `state`: the dialogue's own JSON; `status`: the carrier's word."""

    sid: str
    direction: str
    number: str
    at: datetime
    state: Mapping[str, Any]
    status: str
    status_sequence: int
    customer: str | None
    ticket_id: int | None
    page_id: int | None
    attempt: str | None
    ended_at: datetime | None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredPage:
    id: int
    ticket_id: int
    at: datetime
    state: Mapping[str, Any]
    open: bool


_BEGIN = Prepared({
    "sqlite": sqlite_insert(calls).on_conflict_do_nothing().returning(calls.c.sid),
    "postgresql": postgres_insert(calls).on_conflict_do_nothing().returning(calls.c.sid),
})  # fmt: skip
_GET = sa.select(calls).where(calls.c.sid == sa.bindparam("wanted"))
_CALL, _CALL_LOCKED = Prepared(_GET), Prepared(_GET.with_for_update())
_AT_STEP = Prepared(
    sa.select(calls, call_steps.c.document)
    .outerjoin(call_steps, sa.and_(call_steps.c.sid == calls.c.sid, call_steps.c.step == sa.bindparam("at_step")))
    .where(calls.c.sid == sa.bindparam("wanted"))
    .with_for_update(of=calls)
)
_ANSWER = Prepared(sa.insert(call_steps))
_EVENTS = Prepared(sa.insert(call_events))
_EVENTS_OF = Prepared(
    sa.select(call_events.c.at, call_events.c.event)
    .where(call_events.c.sid == sa.bindparam("wanted"))
    .order_by(call_events.c.id)
)
_ONE_PAGE = sa.select(pages).where(pages.c.id == sa.bindparam("wanted"))
_PAGE, _PAGE_LOCKED = Prepared(_ONE_PAGE), Prepared(_ONE_PAGE.with_for_update())
_KEEP_PAGE = Prepared(
    sa.update(pages)
    .where(pages.c.id == sa.bindparam("wanted"))
    .values(state=sa.bindparam("now", type_=pages.c.state.type), open=sa.bindparam("still", type_=pages.c.open.type))
)


@cache
def _change(names: frozenset[str]) -> Prepared:
    """The update of these columns of a call."""
    return Prepared(
        sa.update(calls)
        .where(calls.c.sid == sa.bindparam("wanted"))
        .values({name: sa.bindparam(name, type_=calls.c[name].type) for name in sorted(names)})
    )


def _upsert(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert unless it is there; says whether it was new. Twins of a webhook meet here."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    new = insert(table).on_conflict_do_nothing().returning(*table.primary_key)  # not every driver counts an INSERT
    return connection.execute(new, values).first() is not None


def begin(connection: Connection, values: Mapping[str, Any]) -> bool:
    """A call's first webhook; False when the call is known already."""
    defaults = {
        "status": "in-progress",
        "status_sequence": -1,
        "customer": None,
        "ticket_id": None,
        "page_id": None,
        "attempt": None,
        "ended_at": None,
        "seen_at": None,
    }
    jobs.no_later(connection, SILENT_CALLS, values["at"] + SILENT)
    return _BEGIN.first(connection, {**defaults, **values}) is not None


def get(connection: Connection, sid: str, *, lock: bool = False) -> StoredCall | None:
    row = (_CALL_LOCKED if lock else _CALL).first(connection, {"wanted": sid})
    return None if row is None else StoredCall(*row)


def update(connection: Connection, sid: str, **changes: Any) -> None:
    _change(frozenset(changes)).run(connection, {"wanted": sid, **changes})


_UP = calls.c.status == sa.literal_column("'in-progress'")  # written out: the index is of these rows only
last_heard = sa.func.coalesce(calls.c.seen_at, calls.c.at)


def silent(connection: Connection, before: datetime, limit: int) -> tuple[StoredCall, ...]:
    """Calls that are up and were not heard of since then, the most silent first."""
    query = sa.select(calls).where(_UP, last_heard <= before).order_by(last_heard, calls.c.sid).limit(limit)
    return tuple(StoredCall(**row._mapping) for row in connection.execute(query))


def longest_silent(connection: Connection) -> datetime | None:
    """The last sign of life of the most silent call that is up; None when nobody is on the line."""
    query = sa.select(calls.c.seen_at, calls.c.at).where(_UP).order_by(last_heard).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else row.seen_at or row.at


def at_step(connection: Connection, sid: str, step: int) -> tuple[StoredCall, str | None] | None:
    """A call, locked, and the document already given at this step."""
    row = _AT_STEP.first(connection, {"wanted": sid, "at_step": step})
    return None if row is None else (StoredCall(*row[:-1]), row[-1])


def answer(connection: Connection, sid: str, step: int, document: str) -> None:
    _ANSWER.run(connection, {"sid": sid, "step": step, "document": document})


def event(connection: Connection, sid: str, at: datetime, *names: str) -> None:
    _EVENTS.run_all(connection, [{"sid": sid, "at": at, "event": name} for name in names])


def events(connection: Connection, sid: str) -> tuple[tuple[datetime, str], ...]:
    return tuple((at, name) for at, name in _EVENTS_OF.rows(connection, {"wanted": sid}))


def events_of(connection: Connection, sids: Sequence[str]) -> Mapping[str, tuple[tuple[datetime, str], ...]]:
    """The events of several calls at once, oldest first."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    query = sa.select(call_events).where(call_events.c.sid.in_(sids)).order_by(call_events.c.id)
    for row in connection.execute(query):
        found.setdefault(row.sid, []).append((row.at, row.event))
    return {sid: tuple(told) for sid, told in found.items()}


def every(connection: Connection) -> Iterator[tuple[StoredCall, tuple[str, ...]]]:
    """Callers' calls with their events, oldest first."""
    told: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(call_events.c.sid, call_events.c.event).order_by(call_events.c.id)):
        told.setdefault(row.sid, []).append(row.event)
    for row in connection.execute(
        sa.select(calls).where(calls.c.direction == "caller").order_by(calls.c.at, calls.c.sid)
    ):
        yield StoredCall(**row._mapping), tuple(told.get(row.sid, ()))


def latest(connection: Connection, limit: int, seen: Sight = sight.ALL) -> tuple[StoredCall, ...]:
    query = sa.select(calls).where(sight.shown(seen, calls.c.ticket_id)).order_by(calls.c.at.desc(), calls.c.sid)
    return tuple(StoredCall(**row._mapping) for row in connection.execute(query.limit(limit)))


def of_ticket(connection: Connection, ticket_id: int) -> tuple[StoredCall, ...]:
    rows = connection.execute(sa.select(calls).where(calls.c.ticket_id == ticket_id).order_by(calls.c.at))
    return tuple(StoredCall(**row._mapping) for row in rows)


# Pages ----------------------------------------------------------------------------------------------------------


def open_page(connection: Connection, ticket_id: int, at: datetime) -> int:
    jobs.watch_soon(connection, at)
    values = {"ticket_id": ticket_id, "at": at, "state": {}, "open": True}
    return int(connection.execute(sa.insert(pages).returning(pages.c.id), values).scalar_one())


def page(connection: Connection, page_id: int, *, lock: bool = False) -> StoredPage | None:
    row = (_PAGE_LOCKED if lock else _PAGE).first(connection, {"wanted": page_id})
    return None if row is None else StoredPage(*row)


def keep_page(connection: Connection, page_id: int, state: Mapping[str, Any], *, open_: bool) -> None:
    _KEEP_PAGE.run(connection, {"wanted": page_id, "now": state, "still": open_})


def sids_of_pages(connection: Connection, since: datetime) -> frozenset[str]:
    """The carrier's ids of all calls that open pages, or any begun since then, know: a call that none of them knows may
    be a lost attempt's."""
    rows = connection.execute(sa.select(pages.c.state).where(pages.c.open | (pages.c.at >= since))).scalars()
    answered = connection.execute(sa.select(calls.c.sid).where(calls.c.direction == "page")).scalars()
    placed = {one["provider_sid"] for state in rows for one in state.get("attempts", ()) if one.get("provider_sid")}
    return frozenset(placed | set(answered))


def pages_of(connection: Connection, ticket_id: int) -> tuple[StoredPage, ...]:
    rows = connection.execute(sa.select(pages).where(pages.c.ticket_id == ticket_id).order_by(pages.c.id))
    return tuple(StoredPage(**row._mapping) for row in rows)


# PIN tries and callbacks ----------------------------------------------------------------------------------------


def tries_since(connection: Connection, number: str, since: datetime) -> tuple[datetime, ...]:
    """Wrong PINs, and those being looked at, from this (hashed) number since an instant."""
    query = sa.select(pin_tries.c.at).where(
        pin_tries.c.number == number, pin_tries.c.at >= since, pin_tries.c.right.isnot(True)
    )
    return tuple(connection.execute(query.order_by(pin_tries.c.at)).scalars())


def tried(connection: Connection, sid: str, step: int) -> bool:
    """Was the PIN of this webhook counted already?"""
    query = sa.select(pin_tries.c.id).where(pin_tries.c.sid == sid, pin_tries.c.step == step)
    return connection.execute(query).scalar() is not None


def begin_try(connection: Connection, sid: str, step: int, number: str, at: datetime) -> None:
    """Count a try before the PIN is looked at, so that many at once cannot slip through."""
    _upsert(connection, pin_tries, {"at": at, "sid": sid, "step": step, "number": number})


def end_try(connection: Connection, sid: str, step: int, pin: int | None) -> None:
    """`pin`: which one it was; None when it was wrong."""
    this = sa.update(pin_tries).where(pin_tries.c.sid == sid, pin_tries.c.step == step)
    connection.execute(this.values(right=pin is not None, pin=pin))


def proven(connection: Connection, sid: str, customer: str) -> str | None:
    """The contact whose own PIN was right in this call; None when it was the contract's, or none."""
    query = sa.select(pins.c.contact).join(pin_tries, pin_tries.c.pin == pins.c.id)
    query = query.where(pin_tries.c.sid == sid, pins.c.customer == customer).order_by(pin_tries.c.id.desc()).limit(1)
    contact: str | None = connection.execute(query).scalar()
    return contact


def alone(connection: Connection, name: str) -> None:
    """Until this transaction ends nobody else is here under this name, on any replica (SQLite has one writer anyway)."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def ask_callback(connection: Connection, values: Mapping[str, Any]) -> int:
    return int(
        connection.execute(sa.insert(callbacks).returning(callbacks.c.id), {"state": "waiting", **values}).scalar_one()
    )


def callbacks_since(
    connection: Connection, since: datetime, *, caller: str | None = None, number: str | None = None
) -> int:
    query = sa.select(sa.func.count()).where(callbacks.c.at >= since)
    if caller is not None:
        query = query.where(callbacks.c.caller == caller)
    if number is not None:
        query = query.where(callbacks.c.number == number)
    return connection.execute(query).scalar_one()


def callbacks_of(connection: Connection, sids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """sid -> (number to ring, state) of the calls that asked to be called back."""
    rows = connection.execute(
        sa.select(callbacks.c.sid, callbacks.c.number, callbacks.c.state).where(callbacks.c.sid.in_(sids))
    )
    return {row.sid: (row.number, row.state) for row in rows}
