"""A copy of the whole database while Presa is up, and the way back.

SQLite is copied by its own online backup, PostgreSQL by pg_dump and pg_restore, which must be installed. A copy is written
beside its place and renamed when it is whole and checked. A database that has anything in it is replaced only when that is
asked for, and one made by a newer Presa never.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from gateway.errors import Permanent
from gateway.store.database import SQLITE, Database, PostgresDatabase, SqliteDatabase, open_database
from gateway.store.migrate import current, newest

PAGES = 2_000  # of SQLite, copied before other users of the file get their turn
REPLACE = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
Progress = Callable[[int, int], None]  # (pages that are left, pages in all)


def backup(database: Database, to: Path, *, force: bool = False, progress: Progress | None = None) -> int:
    """Copy the database to a file; returns its size in bytes."""
    if to.exists() and not force:
        raise Permanent(f"{to} is there already; give another name, or --force to replace it")
    part = to.with_name(f"{to.name}.part")
    try:
        if isinstance(database, SqliteDatabase):
            _copy(database.path, part, progress)
            _check(part)
        elif isinstance(database, PostgresDatabase):
            _postgres("pg_dump", database, "--format=custom", f"--file={part}")
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(to)
    except (OSError, sqlite3.Error) as trouble:
        raise Permanent(f"cannot write {to}: {trouble}; nothing was replaced") from trouble
    finally:
        part.unlink(missing_ok=True)
    return to.stat().st_size


def restore(url: str, source: Path, *, force: bool = False, progress: Progress | None = None) -> str:
    """Make the database what the file holds; returns the schema revision it has then. Stop Presa first."""
    try:
        with source.open("rb") as file:
            sqlite = file.read(len(SQLITE)) == SQLITE
    except OSError as trouble:
        raise Permanent(f"cannot read {source}: {trouble.strerror}; give a file that 'presa backup' wrote") from trouble
    database = open_database(url)
    try:
        if sqlite != isinstance(database, SqliteDatabase):
            kinds = ("SQLite", "PostgreSQL") if sqlite else ("PostgreSQL (or nothing of ours)", "SQLite")
            raise Permanent(f"{source} is a copy of {kinds[0]}, the database is {kinds[1]}; give --database to fit it")
        revision = _revision_of(source, database, sqlite=sqlite)
        if revision is None or revision > newest():
            raise Permanent(
                f"{source} has schema {revision or 'none'} and this Presa knows {newest()}; restore it with the Presa that made it"
            )
        if not force and (rows := _rows(database)):
            raise Permanent(
                f"the database is not empty ({rows} reports); give an empty one, or --force to replace all of it"
            )
        if isinstance(database, SqliteDatabase):
            _check(source)
            _copy(source, database.path, progress)
        elif isinstance(database, PostgresDatabase):
            _postgres("pg_restore", database, *REPLACE, str(source))
    except sqlite3.Error as trouble:
        raise Permanent(f"cannot restore {source}: {trouble}; is Presa still up? stop it and try again") from trouble
    finally:
        database.close()
    return revision


def _copy(source: Path, to: Path, progress: Progress | None) -> None:
    """SQLite's online backup: a whole and consistent copy although others write meanwhile."""
    told = (lambda _, left, total: progress(left, total)) if progress else None
    with contextlib.closing(sqlite3.connect(source)) as from_, contextlib.closing(sqlite3.connect(to)) as into:
        from_.backup(into, pages=PAGES, progress=told)
        into.commit()


def _check(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as opened:
        found = opened.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise Permanent(f"the copy {path} is damaged ({found}); take another")


def _revision_of(source: Path, database: Database, *, sqlite: bool) -> str | None:
    if sqlite:
        opened = contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True))
        with opened as connection, contextlib.suppress(sqlite3.OperationalError):
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else None
        return None
    said = _run("pg_restore", ("--data-only", "--table=alembic_version", "--file=-", str(source)), {})
    lines = said.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("COPY ") and "alembic_version" in line), None)
    return lines[start + 1].strip() if start is not None else None


def _rows(database: Database) -> int:
    """How many reports there are; 0 when there is not even a schema."""
    if database.read(current) is None:
        return 0
    return database.read(lambda c: int(c.execute(sa.text("SELECT count(*) FROM reports")).scalar_one()))


def _postgres(tool: str, database: PostgresDatabase, *arguments: str) -> None:
    """Run a tool of PostgreSQL on this database; the password goes by the environment, where no list of processes shows it."""
    url = database.engine.url
    named = {
        "PGPASSWORD": url.password,
        "PGHOST": url.host,
        "PGPORT": url.port and str(url.port),
        "PGUSER": url.username,
    }
    extra = {f"PG{key.upper()}": str(value) for key, value in url.query.items() if key in ("host", "port", "sslmode")}
    known = {name: str(value) for name, value in named.items() if value}
    _run(tool, (f"--dbname={url.database}", *arguments), {**known, **extra})


def _run(tool: str, arguments: tuple[str, ...], env: dict[str, str]) -> str:
    found = shutil.which(tool)
    if found is None:
        raise Permanent(f"{tool} is not installed here; install PostgreSQL's client programs and try again")
    done = subprocess.run([found, *arguments], env={**os.environ, **env}, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Permanent(f"{tool} failed: {last}")
    return done.stdout
