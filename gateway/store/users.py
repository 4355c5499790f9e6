"""People who sign in to the console, their sessions, and the secrets this database keeps when the environment gives none."""

import secrets as random_source
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store.tables import forms, house, sessions, users


@dataclass(frozen=True, slots=True)
class StoredUser:
    login: str
    name: str
    role: str
    language: str
    password: str = field(repr=False)


def by_login(connection: Connection, login: str) -> StoredUser | None:
    row = connection.execute(sa.select(users).where(users.c.login == login)).one_or_none()
    return None if row is None else StoredUser(**row._mapping)


def add_missing(connection: Connection, wanted: Mapping[str, StoredUser]) -> int:
    """Add users that are not there yet; those that are keep their password. Says how many were added."""
    have = set(connection.execute(sa.select(users.c.login)).scalars())
    new = [user for login, user in wanted.items() if login not in have]
    if new:
        rows = [
            {"login": u.login, "name": u.name, "role": u.role, "language": u.language, "password": u.password}
            for u in new
        ]
        connection.execute(sa.insert(users), rows)
    return len(new)


def open_session(connection: Connection, token_hash: str, login: str, now: datetime, expires: datetime) -> None:
    """Keep a session; those that have ended go."""
    connection.execute(sa.delete(sessions).where(sessions.c.expires <= now))
    connection.execute(sa.insert(sessions), {"token": token_hash, "login": login, "expires": expires})


def session(connection: Connection, token_hash: str, now: datetime) -> StoredUser | None:
    """Whose session this is, if it has not ended."""
    row = connection.execute(
        sa.select(users)
        .join(sessions, sessions.c.login == users.c.login)
        .where(sessions.c.token == token_hash, sessions.c.expires > now)
    ).one_or_none()
    return None if row is None else StoredUser(**row._mapping)


def first_time(connection: Connection, key: str, now: datetime) -> bool:
    """Whether a form with this key comes for the first time; of twins one hears True."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    # Not every driver counts the rows of an INSERT.
    new = insert(forms).on_conflict_do_nothing().returning(forms.c.key)
    return connection.execute(new, {"key": key, "at": now}).scalar() is not None


def close_session(connection: Connection, token_hash: str) -> None:
    connection.execute(sa.delete(sessions).where(sessions.c.token == token_hash))


def fact(connection: Connection, name: str) -> str | None:
    """A fact about this database, such as which directory file was loaded last."""
    found: str | None = connection.execute(sa.select(house.c.value).where(house.c.name == name)).scalar()
    return found


def set_fact(connection: Connection, name: str, value: str) -> None:
    connection.execute(sa.delete(house).where(house.c.name == name))
    connection.execute(sa.insert(house), {"name": name, "value": value})


def secret(connection: Connection, name: str) -> str:
    """This database's own random secret of that name, made the first time it is asked for; the same on every replica."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    connection.execute(insert(house).on_conflict_do_nothing(), {"name": name, "value": random_source.token_hex(32)})
    return str(connection.execute(sa.select(house.c.value).where(house.c.name == name)).scalar_one())
