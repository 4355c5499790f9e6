"""Mail that leaves: written once with its Message-ID before it is sent, so that a repeated job sends the same letter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import sight
from gateway.store.prepared import Prepared
from gateway.store.sight import Sight
from gateway.store.tables import letters, tickets


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter as kept. `state`: waiting, sent or refused; `detail`: the other server's words."""

    id: int
    message_id: str
    ticket_id: int | None
    kind: str
    at: datetime
    recipient: str
    envelope_from: str
    subject: str
    state: str
    detail: str | None
    body: bytes


_BY_MESSAGE_ID = Prepared(sa.select(letters).where(letters.c.message_id == sa.bindparam("wanted")))


NOT_COUNTED = ("answer", "escalation", "page")


def write(connection: Connection, values: Mapping[str, Any]) -> int:
    """Keep a letter that is about to leave."""
    return int(
        connection.execute(sa.insert(letters).returning(letters.c.id), {"state": "waiting", **values}).scalar_one()
    )


def by_message_id(connection: Connection, message_id: str) -> StoredLetter | None:
    row = _BY_MESSAGE_ID.first(connection, {"wanted": message_id})
    return None if row is None else StoredLetter(*row)


def get(connection: Connection, letter_id: int) -> StoredLetter | None:
    row = connection.execute(sa.select(letters).where(letters.c.id == letter_id)).one_or_none()
    return None if row is None else StoredLetter(**row._mapping)


def mark(connection: Connection, letter_id: int, state: str, detail: str | None) -> None:
    connection.execute(sa.update(letters).where(letters.c.id == letter_id).values(state=state, detail=detail))


def sent_since(
    connection: Connection, since: datetime, *, recipient: str | None = None, ticket_id: int | None = None
) -> tuple[datetime, ...]:
    """When automatic letters went to this address, or on this ticket, since an instant: what the budgets count. Mails to
    our own people (escalations, pages) take nothing from the customer's."""
    query = sa.select(letters.c.at).where(
        letters.c.at >= since, letters.c.kind.not_in(NOT_COUNTED), letters.c.state != "refused"
    )
    if recipient is not None:
        query = query.where(letters.c.recipient == recipient)
    if ticket_id is not None:
        query = query.where(letters.c.ticket_id == ticket_id)
    return tuple(connection.execute(query.order_by(letters.c.at)).scalars())


def acknowledged_since(connection: Connection, since: datetime, recipient: str) -> tuple[tuple[datetime, int], ...]:
    """(when, ticket) of the acknowledgements to this address since an instant."""
    query = sa.select(letters.c.at, letters.c.ticket_id).where(
        letters.c.at >= since, letters.c.kind == "acknowledgement", letters.c.recipient == recipient,
        letters.c.state != "refused", letters.c.ticket_id.isnot(None),
    )  # fmt: skip
    return tuple((row[0], row[1]) for row in connection.execute(query.order_by(letters.c.at)))


def to_unverified_since(connection: Connection, since: datetime) -> tuple[datetime, ...]:
    """When acknowledgements went to senders that nobody verified: what all forgers together can make us send."""
    query = (
        sa.select(letters.c.at)
        .join(tickets, tickets.c.id == letters.c.ticket_id)
        .where(
            letters.c.at >= since,
            letters.c.kind == "acknowledgement",
            letters.c.state != "refused",
            ~tickets.c.verified,
        )
    )
    return tuple(connection.execute(query.order_by(letters.c.at)).scalars())


def of_ticket(connection: Connection, ticket_id: int) -> tuple[StoredLetter, ...]:
    rows = connection.execute(sa.select(letters).where(letters.c.ticket_id == ticket_id).order_by(letters.c.id))
    return tuple(StoredLetter(**row._mapping) for row in rows)


def count_of_ticket(connection: Connection, ticket_id: int) -> int:
    return connection.execute(sa.select(sa.func.count()).where(letters.c.ticket_id == ticket_id)).scalar_one()


def latest(connection: Connection, limit: int, seen: Sight = sight.ALL) -> tuple[StoredLetter, ...]:
    query = sa.select(letters).where(sight.shown(seen, letters.c.ticket_id)).order_by(letters.c.id.desc())
    return tuple(StoredLetter(**row._mapping) for row in connection.execute(query.limit(limit)))
