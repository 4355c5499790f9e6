"""Who of the staff is away, and when each was given a ticket last. Rows in, `routing.assign.Hands` out."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store.tables import presence, tickets
from routing.assign import Hands
from routing.tickets import OPEN


def of(connection: Connection, staff: Mapping[str, str]) -> Mapping[str, Hands]:
    """How each stands, by login; `staff`: login -> name, under which tickets are theirs."""
    known = {
        row.login: row for row in connection.execute(sa.select(presence).where(presence.c.login.in_(sorted(staff))))
    }
    query = sa.select(tickets.c.assignee, sa.func.count()).where(
        tickets.c.state.in_(sorted(OPEN)), tickets.c.assignee.in_(sorted(set(staff.values())))
    )
    open_: dict[str, int] = {name: count for name, count in connection.execute(query.group_by(tickets.c.assignee))}  # noqa: C416
    return {
        login: Hands(
            bool(known[login].away) if login in known else False,
            open_.get(name, 0),
            known[login].given_at if login in known else None,
        )
        for login, name in staff.items()
    }


def away(connection: Connection, login: str) -> bool:
    return bool(connection.execute(sa.select(presence.c.away).where(presence.c.login == login)).scalar())


def set_away(connection: Connection, login: str, *, gone: bool) -> None:
    _put(connection, login, {"away": gone})


def gave(connection: Connection, login: str, at: datetime) -> None:
    """They were given a ticket."""
    _put(connection, login, {"given_at": at})


def _put(connection: Connection, login: str, values: Mapping[str, object]) -> None:
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    query = insert(presence).values(login=login, **values)
    connection.execute(query.on_conflict_do_update(index_elements=["login"], set_=dict(values)))
