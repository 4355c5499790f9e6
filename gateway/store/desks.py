"""The configurations that tickets were stamped with, as they were written. Refuses to read what they mean."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.tables import desk_versions
from routing.desk import Desk


def keep(connection: Connection, configured: Iterable[Desk], now: datetime) -> None:
    """Keep the configurations that are not kept yet."""
    for desk in configured:
        if get(connection, desk.id, desk.version) is None:
            row = {"desk": desk.id, "version": desk.version, "at": now, "source": desk.source}
            connection.execute(sa.insert(desk_versions), row)


def get(connection: Connection, desk: str, version: str) -> str | None:
    """The configuration of that version as it was written."""
    query = sa.select(desk_versions.c.source).where(desk_versions.c.desk == desk, desk_versions.c.version == version)
    return connection.execute(query).scalar()
