"""Proposed and confirmed wider faults: rows in, frozen values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.tables import fault_tickets, faults, tickets
from routing.tickets import OPEN


@dataclass(frozen=True, slots=True)
class Fault:
    """The same trouble at several customers. `ticket_id`: the parent incident, once confirmed."""

    id: int
    desk: str
    sign: str
    at: datetime
    state: str
    ticket_id: int | None
    by: str | None


_FAULT = sa.select(
    faults.c.id, faults.c.desk, faults.c.sign, faults.c.at, faults.c.state, faults.c.ticket_id, faults.c.by
)


def propose(connection: Connection, desk: str, sign: str, at: datetime, ids: Sequence[int]) -> int:
    row = {"desk": desk, "sign": sign, "at": at, "state": "proposed"}
    fault = int(connection.execute(sa.insert(faults).values(row).returning(faults.c.id)).scalar_one())
    connection.execute(sa.insert(fault_tickets), [{"fault_id": fault, "ticket_id": one} for one in dict.fromkeys(ids)])
    return fault


def current(connection: Connection, desk: str, sign: str, since: datetime) -> Fault | None:
    """The fault that a report with this sign belongs to: confirmed and not over, or proposed and fresh."""
    parent_open = sa.exists().where(tickets.c.id == faults.c.ticket_id, tickets.c.state.in_(sorted(OPEN)))
    holds = sa.or_(
        sa.and_(faults.c.state == "confirmed", parent_open), sa.and_(faults.c.state != "confirmed", faults.c.at > since)
    )
    query = _FAULT.where(faults.c.desk == desk, faults.c.sign == sign, holds).order_by(faults.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Fault(*row)


def add(connection: Connection, fault: int, ticket_id: int, at: datetime) -> None:
    known = sa.select(fault_tickets.c.ticket_id).where(
        fault_tickets.c.fault_id == fault, fault_tickets.c.ticket_id == ticket_id
    )
    if connection.execute(known).first() is None:
        connection.execute(sa.insert(fault_tickets).values(fault_id=fault, ticket_id=ticket_id))
    connection.execute(sa.update(faults).where(faults.c.id == fault).values(at=at))


def get(connection: Connection, fault: int) -> Fault | None:
    """One fault, and nobody else decides about it until this transaction ends."""
    row = connection.execute(_FAULT.where(faults.c.id == fault).with_for_update()).first()
    return None if row is None else Fault(*row)


def latest(connection: Connection, limit: int) -> tuple[Fault, ...]:
    return tuple(Fault(*row) for row in connection.execute(_FAULT.order_by(faults.c.id.desc()).limit(limit)))


def tickets_of(connection: Connection, fault: int) -> tuple[int, ...]:
    query = (
        sa.select(fault_tickets.c.ticket_id)
        .where(fault_tickets.c.fault_id == fault)
        .order_by(fault_tickets.c.ticket_id)
    )
    return tuple(connection.execute(query).scalars())


def decide(connection: Connection, fault: int, state: str, by: str, ticket_id: int | None) -> None:
    connection.execute(sa.update(faults).where(faults.c.id == fault).values(state=state, by=by, ticket_id=ticket_id))


def is_parent(connection: Connection, ticket_id: int) -> bool:
    return (
        connection.execute(sa.select(faults.c.id).where(faults.c.ticket_id == ticket_id).limit(1)).first() is not None
    )


def children(connection: Connection, parent_id: int) -> tuple[int, ...]:
    """The tickets that are part of a parent incident."""
    return tuple(
        connection.execute(
            sa.select(tickets.c.id).where(tickets.c.parent == parent_id).order_by(tickets.c.id)
        ).scalars()
    )
