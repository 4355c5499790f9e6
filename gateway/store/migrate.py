"""Brings the schema up to date at start. alembic takes 1.7 s to import, so it is loaded only when the revision differs."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.errors import Permanent
from gateway.store.database import Database

HERE = Path(__file__).parent / "migrations"
# Replicas that start together migrate one after the other. 0x50524553 is "PRES".
ALONE = {"postgresql": f"SELECT pg_advisory_xact_lock({0x50524553})", "sqlite": "BEGIN IMMEDIATE"}


def newest() -> str:
    """The revision this code needs: migrations are numbered files, 0001_name.py."""
    return max(path.name[:4] for path in (HERE / "versions").glob("[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """The revision the database has, None when it is empty."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def migrate(database: Database) -> None:
    """Upgrade to `newest`; a database from newer code is refused, untouched."""
    have = database.read(current)
    if have == newest():
        return
    if have is not None and have > newest():
        raise Permanent(
            f"the database {database.engine.url.render_as_string()} has schema {have}, newer than this Presa knows ({newest()}); "
            "start the newer version, or restore a backup made by this one"
        )
    with database.engine.begin() as connection:  # one transaction: what breaks off leaves nothing
        connection.exec_driver_sql(ALONE[connection.dialect.name])
        _upgrade(connection)


def _upgrade(connection: Connection, to: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
