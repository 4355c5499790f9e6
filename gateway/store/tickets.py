"""Tickets and their stories: rows in, frozen `routing.tickets.Ticket` out. No decision is taken here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import sight
from gateway.store.prepared import Prepared
from gateway.store.sight import Sight
from gateway.store.tables import (
    EPOCH,
    MICROSECOND,
    alarms,
    call_events,
    entries,
    microseconds,
    reports,
    ticket_queues,
    tickets,
)
from routing.numbers import number_of
from routing.tickets import OPEN, Pause, Ticket

# What most new tickets do not have.
NOT_YET: Mapping[str, Any] = {column.name: None for column in tickets.columns if column.nullable}
PREFIX = "PR"  # of a ticket whose desk is not configured any more
_INSERT_TICKET = Prepared({"sqlite": sa.insert(tickets), "postgresql": sa.insert(tickets).returning(tickets.c.id)})
_INSERT_ENTRIES = Prepared(sa.insert(entries))
_MAILS = Prepared(
    sa.select(sa.func.count())
    .select_from(entries)
    .where(
        entries.c.ticket_id == sa.bindparam("ticket"),
        entries.c.kind == sa.literal_column("'mail-in'"),
        entries.c.at > sa.bindparam("since", type_=entries.c.at.type),
    )
)
_NAMES = tuple(tickets.c.keys())
_GET = sa.select(tickets).where(tickets.c.id == sa.bindparam("ticket"))
_ONE, _LOCKED = Prepared(_GET), Prepared(_GET.with_for_update())


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a ticket's story. `data` is what the kind needs to show it (texts, report id, who was rung, ..)."""

    id: int
    ticket_id: int
    at: datetime
    kind: str
    author: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewEntry:
    kind: str
    author: str
    data: Mapping[str, Any]


def insert(connection: Connection, values: Mapping[str, Any]) -> int:
    """A new ticket from its columns (`pauses` and `met` start empty); returns its id, from which its number follows."""
    row = {**NOT_YET, "pauses": [], "met": {}, "version": 1, "restricted": False, **values}
    return _INSERT_TICKET.insert(connection, row)


def tell(connection: Connection, ticket_id: int, at: datetime, *new: NewEntry) -> None:
    """Add entries to a ticket's story."""
    rows = [{"ticket_id": ticket_id, "at": at, "kind": one.kind, "author": one.author, "data": one.data} for one in new]
    _INSERT_ENTRIES.run_all(connection, rows)


def get(connection: Connection, ticket_id: int, prefixes: Mapping[str, str], *, lock: bool = False) -> Ticket | None:
    """One ticket; with `lock` nobody else changes it until this transaction ends."""
    row = (_LOCKED if lock else _ONE).first(connection, {"ticket": ticket_id})
    return None if row is None else _ticket(dict(zip(_NAMES, row, strict=True)), prefixes)


def mails_since(connection: Connection, ticket_id: int, since: datetime) -> int:
    """How many mails came to a ticket after an instant."""
    ((found,),) = _MAILS.rows(connection, {"ticket": ticket_id, "since": since})
    return int(found)


def update(connection: Connection, ticket: Ticket, **changes: Any) -> None:
    """Change columns of a ticket that was read with `lock`. `pauses` and `met` are given as values."""
    if "pauses" in changes:
        changes["pauses"] = [
            [microseconds(p.start), None if p.end is None else microseconds(p.end), p.reason, p.on]
            for p in changes["pauses"]
        ]
    if "met" in changes:
        changes["met"] = {target: microseconds(at) for target, at in changes["met"].items()}
    connection.execute(
        sa.update(tickets).where(tickets.c.id == ticket.id).values(version=ticket.version + 1, **changes)
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets a list shows; `state` is one state, "open" or "all"."""

    state: str = "all"
    queue: str = ""
    customer: str = ""
    words: str = ""
    ticket_id: int | None = None
    limit: int = 100
    offset: int = 0
    by_due: bool = False
    by_work: bool = False
    sight: Sight = sight.ALL


def listed(connection: Connection, wanted: Wanted, prefixes: Mapping[str, str]) -> tuple[Ticket, ...]:
    """Tickets by id, the most urgent deadline first, or in the order of work."""
    query = _filtered(sa.select(tickets), wanted)
    order: tuple[Any, ...] = (tickets.c.id,)
    if wanted.by_due or wanted.by_work:
        order = (sa.func.coalesce(tickets.c.next_due, sa.literal(2**62)), tickets.c.id)
    if wanted.by_work:  # filed before there was an order: last
        order = (sa.func.coalesce(tickets.c.work_order, "9" * 50), *order)
    query = query.order_by(*order).limit(wanted.limit).offset(wanted.offset)
    return tuple(_ticket(row._asdict(), prefixes) for row in connection.execute(query))


def every(connection: Connection, prefixes: Mapping[str, str], chunk: int = 500) -> "Sequence[Ticket] | Any":
    """All tickets in order, in bounded memory."""
    last = 0
    while rows := connection.execute(
        sa.select(tickets).where(tickets.c.id > last).order_by(tickets.c.id).limit(chunk)
    ).all():
        yield from (_ticket(row._asdict(), prefixes) for row in rows)
        last = rows[-1].id


def count(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(tickets)).scalar_one()


def story(connection: Connection, ticket_id: int) -> tuple[Entry, ...]:
    """All entries of a ticket, oldest first."""
    rows = connection.execute(sa.select(entries).where(entries.c.ticket_id == ticket_id).order_by(entries.c.id))
    return tuple(Entry(row.id, row.ticket_id, row.at, row.kind, row.author, row.data) for row in rows)


@dataclass(frozen=True, slots=True)
class Head:
    """What other lists show of a ticket."""

    number: str
    subject: str
    customer_name: str | None


def heads(
    connection: Connection, ids: Iterable[int | None], prefixes: Mapping[str, str], seen: Sight = sight.ALL
) -> Mapping[int, Head]:
    """The heads of several tickets at once, by id; None among the ids is nobody's."""
    c = tickets.c
    wanted = sorted({one for one in ids if one is not None})
    rows = connection.execute(
        sa.select(c.id, c.subject, c.customer_name, c.desk).where(c.id.in_(wanted), sight.visible(seen))
    )
    return {
        row.id: Head(number_of(row.id, prefixes.get(row.desk, PREFIX)), row.subject, row.customer_name) for row in rows
    }


def last_told(connection: Connection, ids: Sequence[int]) -> Mapping[int, datetime]:
    """When something last happened on each of several tickets."""
    query = sa.select(entries.c.ticket_id, sa.func.max(entries.c.at).label("at")).where(entries.c.ticket_id.in_(ids))
    return {row.ticket_id: row.at for row in connection.execute(query.group_by(entries.c.ticket_id))}


def last_change(connection: Connection) -> int:
    """The console's change counter: grows with every entry of any ticket, every report, every event of a call, every
    alarm and whenever one is seen.
    """
    newest = [
        sa.select(sa.func.coalesce(sa.func.max(column), 0, type_=sa.BigInteger)).scalar_subquery()
        for column in (entries.c.id, reports.c.id, call_events.c.id, alarms.c.id, alarms.c.seen_at)
    ]
    return int(connection.execute(sa.select(sum(newest[1:], newest[0]))).scalar_one())


def customers(connection: Connection, seen: Sight = sight.ALL) -> tuple[tuple[str, str], ...]:
    """(id, name) of customers that have tickets."""
    rows = connection.execute(
        sa.select(tickets.c.customer, sa.func.max(tickets.c.customer_name))
        .where(tickets.c.customer.isnot(None), sight.visible(seen))
        .group_by(tickets.c.customer)
    )
    return tuple((row[0], row[1]) for row in rows)


def _filtered(query: sa.Select[Any], wanted: Wanted) -> sa.Select[Any]:
    query = query.where(sight.visible(wanted.sight))
    if wanted.state == "open":
        query = query.where(tickets.c.state.in_(sorted(OPEN)))
    elif wanted.state != "all":
        query = query.where(tickets.c.state == wanted.state)
    if wanted.queue:
        further = (ticket_queues.c.ticket_id == tickets.c.id, ticket_queues.c.queue == wanted.queue)
        query = query.where(sa.or_(tickets.c.queue == wanted.queue, sa.exists().where(*further)))
    if wanted.customer:
        query = query.where(tickets.c.customer == wanted.customer)
    if wanted.ticket_id is not None:
        query = query.where(tickets.c.id == wanted.ticket_id)
    elif wanted.words:
        query = query.where(tickets.c.subject.icontains(wanted.words, autoescape=True))
    return query


def _instant(value: int) -> datetime:
    return EPOCH + value * MICROSECOND


def _ticket(row: Mapping[str, Any], prefixes: Mapping[str, str]) -> Ticket:
    facts = dict(row)
    facts["number"] = number_of(row["id"], prefixes.get(row["desk"], PREFIX))
    facts["pauses"] = tuple(
        Pause(_instant(a), None if b is None else _instant(b), *why) for a, b, *why in row["pauses"]
    )
    facts["met"] = {target: _instant(at) for target, at in row["met"].items()}
    facts["evidence"] = tuple(row["evidence"])
    return Ticket(**facts)


def last_evidence(connection: Connection, customer: str) -> tuple[datetime, tuple[str, ...]] | None:
    """When this customer's latest ticket came, and how it was recognised."""
    query = (
        sa.select(tickets.c.received_at, tickets.c.evidence)
        .where(tickets.c.customer == customer)
        .order_by(tickets.c.received_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row.received_at, tuple(row.evidence))
