"""The further queues of a ticket: those of the other addresses of ours that its mail was sent to. Its own stands on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store.prepared import Prepared
from gateway.store.tables import ticket_queues

_LINK = Prepared({
    "sqlite": sqlite_insert(ticket_queues).on_conflict_do_nothing().returning(ticket_queues.c.ticket_id),
    "postgresql": postgres_insert(ticket_queues).on_conflict_do_nothing().returning(ticket_queues.c.ticket_id),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Further:
    """One more queue that a ticket is in, and the address that put it there."""

    desk: str
    queue: str
    address: str


def link(connection: Connection, ticket_id: int, one: Further, at: datetime) -> bool:
    """Put a ticket into one more queue; False when it was in it."""
    row = {"ticket_id": ticket_id, "desk": one.desk, "queue": one.queue, "address": one.address, "at": at}
    return bool(_LINK.rows(connection, row))


def of(connection: Connection, ticket_ids: Sequence[int]) -> Mapping[int, tuple[Further, ...]]:
    """The further queues of several tickets at once, in the order in which they came; a ticket without any is not there."""
    c = ticket_queues.c
    query = sa.select(c.ticket_id, c.desk, c.queue, c.address).where(c.ticket_id.in_(ticket_ids))
    found: dict[int, tuple[Further, ...]] = {}
    for ticket_id, *further in connection.execute(query.order_by(c.at, c.desk, c.queue)):
        found[ticket_id] = (*found.get(ticket_id, ()), Further(*further))
    return found
