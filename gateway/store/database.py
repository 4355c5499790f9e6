"""The database: where a transaction begins, commits and is tried again. Nothing here knows a table.

Callers hand in `fn(connection)` and get its result after the durable commit. On SQLite one writer thread owns the write
connection and takes what is waiting into one BEGIN IMMEDIATE, one failing `fn` taking back only its own work (group
commit): one fsync for many mails. On PostgreSQL each `fn` has its own transaction in a bounded pool and is run again when
it met a twin (unique violation), a deadlock or a serialisation failure. On both, `fn` may be run again, so it must have no
effect besides its connection.
"""

import contextlib
import os
import queue
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from gateway.clock import Clock, DatabaseClock, SystemClock
from gateway.errors import Permanent, Temporary

log = structlog.get_logger(__name__)

T = TypeVar("T")

BATCH = 64
ATTEMPTS = 4
BUSY_MILLISECONDS = 8_000
CHECKPOINT_PAGES = (
    8_000  # 32 MB of log: pages that many mails touch reach the file itself an eighth as often as by default
)
SQLITE = b"SQLite format 3\0"  # how every such file begins; an empty one is a database to be
CHANNEL = "presa"
LOOK_SECONDS = 1.0  # between two looks of the listener whether all is over, should it not have been told
WAKE = "presa_wake"
LINES = "presa_lines"
_TIME = sa.text("SELECT clock_timestamp()")
_UNAVAILABLE = "the database does not answer; nothing was stored, please try again"


def open_database(url: str) -> "Database":
    """A Database for `sqlite:///path` or `postgresql://...`; a path without a scheme is SQLite."""
    try:
        parsed = sa.make_url(url if "://" in url else f"sqlite:///{url}")
    except (sa.exc.ArgumentError, ValueError) as trouble:  # its words may hold the password
        raise Permanent(
            "the database's address cannot be read; give sqlite:///PATH or postgresql://USER@HOST:PORT/NAME"
        ) from trouble
    if parsed.get_backend_name() == "sqlite":
        return SqliteDatabase(parsed)
    if parsed.get_backend_name() == "postgresql":
        return PostgresDatabase(parsed.set(drivername="postgresql+psycopg"))
    raise Permanent(
        f"{parsed.get_backend_name()} is not a database Presa knows; give sqlite:///PATH or postgresql://..."
    )


def wake_jobs(connection: Connection) -> None:
    """Tell the runner, after the commit of this transaction, that a job may be due."""
    connection.info[WAKE] = True


def log_committed(connection: Connection, event: str, **facts: object) -> None:
    """A line of the log, written after the commit of this transaction, or never when it is taken back."""
    connection.info.setdefault(LINES, []).append((event, facts))


def _write_lines(lines: list[tuple[str, Mapping[str, object]]]) -> None:
    """A log that is full or gone must not make what is stored look as if it were not."""
    with contextlib.suppress(OSError, ValueError):
        for event, facts in lines:
            log.warning(event, **facts)


def in_parts(connection: Connection, query: sa.Select[Any], by: sa.ColumnElement[int], size: int) -> Iterator[Any]:
    """The rows of a query in the order of `by`, a number above 0 that no two have, so many at a time: a long table never
    stands in memory, and nothing is kept open in the database between the parts."""
    last = 0
    while rows := connection.execute(query.where(by > last).order_by(by).limit(size)).all():
        yield from rows
        last = getattr(rows[-1], by.key or "")


class Source(Protocol):
    """Where work comes from that nobody brings: the thread that writes comes and asks, so that no other has to run for it."""

    def gather(self) -> None:
        """Submit what has come; never wait, never raise."""

    def rest(self) -> None:
        """Nothing has: wait for it in another way, and ask to be attended again."""


class Database:
    """What the two databases have in common. `on_wake` is called after commits that put down jobs."""

    engine: sa.Engine
    clock: Clock
    _reading: sa.Engine  # the same connections; each statement by itself

    def __init__(self) -> None:
        self._wakers: list[Callable[[], None]] = []

    def submit(self, fn: Callable[[Connection], T]) -> "Future[T]":
        """Run `fn` in a write transaction; the future resolves after the commit."""
        raise NotImplementedError

    def attend(self, source: "Source") -> None:
        """Ask a source for its work. Where one thread writes for all, it does so between its transactions for as long as work
        comes; elsewhere once, in this thread."""
        source.gather()
        source.rest()

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a write transaction and wait for the commit."""
        return self.submit(fn).result()

    def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in this thread; each of its statements sees what is committed by then. It runs once more when the
        connection was lost, as all that wait in the pool are when a server has started anew."""
        for attempt in range(2):
            try:
                with self._reading.connect() as connection:
                    return fn(connection)
            except (sa.exc.OperationalError, sa.exc.TimeoutError) as trouble:
                if attempt or not getattr(trouble, "connection_invalidated", False):
                    raise Temporary(_UNAVAILABLE) from trouble
        raise AssertionError("unreachable")

    def on_wake(self, waker: Callable[[], None]) -> None:
        self._wakers.append(waker)

    def wake(self) -> None:
        for waker in self._wakers:
            waker()

    def close(self) -> None:
        self.engine.dispose()


class SqliteDatabase(Database):
    """SQLite in WAL mode with synchronous=FULL; several processes of one machine may share the file."""

    def __init__(self, url: sa.URL) -> None:
        super().__init__()
        path = Path(url.database or "")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            sqlite3.connect(path).close()
            with path.open("rb") as file:
                magic = file.read(len(SQLITE))
        except (OSError, sqlite3.Error) as trouble:
            raise Permanent(
                f"cannot open the database file {path}: {trouble}; check that its directory can be written"
            ) from trouble
        if magic not in (b"", SQLITE):
            raise Permanent(f"{path} is no SQLite database; give --database another file")
        self.path = path
        self.clock = SystemClock()
        self.engine = self._reading = sa.create_engine(
            url, pool_size=8, max_overflow=8, connect_args={"check_same_thread": False}
        )
        sa.event.listen(self.engine, "connect", _prepare_sqlite)
        self._writer = sa.create_engine(url, poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
        sa.event.listen(self._writer, "connect", _prepare_sqlite)
        self._queue: queue.SimpleQueue[Work | Source | None] = queue.SimpleQueue()
        self._connection: Connection | None = None  # the writer thread's, between batches too
        self._thread = threading.Thread(target=self._write_loop, name="presa-writer", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[[Connection], T]) -> "Future[T]":
        future: Future[T] = Future()
        self._queue.put((fn, future))
        return future

    def attend(self, source: "Source") -> None:
        self._queue.put(source)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(timeout=10)
        self._writer.dispose()
        super().close()

    def _write_loop(self) -> None:
        sources: list[Source] = []
        going = True
        while going:
            for source in sources:
                source.gather()
            batch, going = self._waiting(sources)
            if batch:
                self._commit(batch)
            else:
                for source in sources:
                    source.rest()
                sources.clear()
        self._hang_up()

    def _waiting(self, sources: "list[Source]") -> "tuple[list[Work], bool]":
        """What waits to be written, and whether more is to come. Without a source that may have something it waits for the first;
        a source that asks for attendance joins them."""
        batch: list[Work] = []
        with contextlib.suppress(queue.Empty):
            while len(batch) < BATCH:
                item = self._queue.get(block=not batch and not sources)
                if item is None:
                    return batch, False
                if isinstance(item, tuple):
                    batch.append(item)
                else:
                    sources.append(item)
                    item.gather()
        return batch, True

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _commit(self, batch: "list[Work]") -> None:
        """One transaction for the whole batch; one failing `fn` takes back only its own work.

        Failing is rare and savepoints cost two statements each, so the batch first runs without them; when somebody
        fails it is taken back whole and runs again, each `fn` in a savepoint of its own."""
        batch = [item for item in batch if item[1].set_running_or_notify_cancel()]  # nobody waits for a cancelled one
        try:
            try:
                settled = self._run(batch, savepoints=False)
            except (sa.exc.OperationalError, sqlite3.OperationalError):
                raise
            except Exception:  # this one caller's own failure: handed back to it, the others commit
                settled = self._run(batch, savepoints=True)
        except (
            Exception
        ) as trouble:  # the shared transaction failed (disk full, locked): nothing of the batch is stored
            self._hang_up()
            error: BaseException = trouble
            if isinstance(trouble, sa.exc.OperationalError | sqlite3.OperationalError):
                error = Temporary(_UNAVAILABLE)
                error.__cause__ = trouble
            for _, future in batch:
                future.set_exception(error)
            return
        for future, result, failure in settled.outcomes:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)
        if settled.wake:
            self.wake()
        _write_lines(settled.lines)

    def _run(self, batch: "list[Work]", *, savepoints: bool) -> "_Settled":
        """The batch in one transaction, committed. Without savepoints the first failure takes back everything."""
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        connection = self._connection = self._connection or self._writer.connect()
        connection.info.pop(WAKE, None)
        lines = connection.info[LINES] = []
        with connection.begin():
            bare: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            bare.execute("BEGIN IMMEDIATE")
            for fn, future in batch:
                if not savepoints:
                    outcomes.append((future, fn(connection), None))
                    continue
                try:
                    outcomes.append((future, _in_savepoint(connection, fn), None))
                except (sa.exc.OperationalError, sqlite3.OperationalError):
                    raise
                except Exception as trouble:  # as above
                    outcomes.append((future, None, trouble))
        return _Settled(outcomes, lines, bool(connection.info.pop(WAKE, False)))


Work = tuple[Callable[[Connection], Any], "Future[Any]"]


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a committed batch came to, caller by caller; what to log, and whether the runner is to be woken."""

    outcomes: "list[tuple[Future[Any], Any, BaseException | None]]"
    lines: list[Any]
    wake: bool


def _in_savepoint(connection: Connection, fn: Callable[[Connection], T]) -> T:
    bare: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    lines: list[object] = connection.info[LINES]
    before = len(lines)
    bare.execute("SAVEPOINT one")
    try:
        result = fn(connection)
    except BaseException:
        del lines[before:]
        with contextlib.suppress(sqlite3.OperationalError):
            bare.execute("ROLLBACK TO one")
            bare.execute("RELEASE one")
        raise
    bare.execute("RELEASE one")
    return result


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-32000",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgres(connection: Any, _record: object) -> None:
    """A promise is given after the commit, so a server that would not wait for its disk is asked to, for us alone."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


class PostgresDatabase(Database):
    """PostgreSQL 15+: state, queue, locks, leases and wake-ups for any number of replicas."""

    def __init__(self, url: sa.URL) -> None:
        super().__init__()
        self.engine = sa.create_engine(
            url, pool_size=12, max_overflow=4, pool_timeout=8, connect_args={"connect_timeout": 8}
        )
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        sa.event.listen(self.engine, "connect", _prepare_postgres)
        self.clock = DatabaseClock(self._ask_time)
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="presa-write")
        self._closing = threading.Event()
        self._listener: threading.Thread | None = None
        self._line: Any = None  # the listener's connection

    def submit(self, fn: Callable[[Connection], T]) -> "Future[T]":
        return self._pool.submit(self._write, fn)

    def on_wake(self, waker: Callable[[], None]) -> None:
        super().on_wake(waker)
        if self._listener is None:
            self._listener = threading.Thread(target=self._listen, name="presa-listen", daemon=True)
            self._listener.start()

    def close(self) -> None:
        self._closing.set()
        self._pool.shutdown(wait=True)
        if self._listener is not None:
            self._hang_up()
            self._listener.join(timeout=5)
        super().close()

    def _ask_time(self) -> datetime:
        asked: datetime = self.read(lambda connection: connection.execute(_TIME).scalar_one())
        return asked.astimezone(UTC)

    def _write(self, fn: Callable[[Connection], T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return self._once(fn)
            except (sa.exc.OperationalError, sa.exc.IntegrityError) as trouble:
                if attempt + 1 == ATTEMPTS or not _worth_again(trouble):
                    if isinstance(trouble, sa.exc.IntegrityError):
                        raise
                    raise Temporary(_UNAVAILABLE) from trouble
            except sa.exc.TimeoutError as trouble:
                raise Temporary(_UNAVAILABLE) from trouble
        raise AssertionError("unreachable")

    def _once(self, fn: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            connection.info.pop(WAKE, None)
            lines = connection.info[LINES] = []
            with connection.begin():
                result = fn(connection)
                if connection.info.pop(WAKE, False):
                    connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
            _write_lines(lines)
            return result

    def _listen(self) -> None:
        """LISTEN on a connection of its own; when it breaks, wake anyway (the runner polls too) and connect again."""
        while not self._closing.is_set():
            with contextlib.suppress(Exception), self._raw_listener() as notifications:
                for _ in notifications:
                    self.wake()
                    if self._closing.is_set():
                        return
            self.wake()
            self._closing.wait(1.0)

    def _hang_up(self) -> None:
        """The listener hears of the end now, not at its next look."""
        with contextlib.suppress(Exception), socket.socket(fileno=os.dup(self._line.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _raw_listener(self) -> Iterator[Iterator[None]]:
        import psycopg

        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        # Closed, not left as its own context: that waits for a lock which notifications that are not read to their end hold.
        with contextlib.closing(psycopg.connect(url, autocommit=True, connect_timeout=8)) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._line = connection

            def notifications() -> Iterator[None]:
                yield None  # what was put down before we listened
                while not self._closing.is_set():
                    for _ in connection.notifies(timeout=LOOK_SECONDS):
                        yield None

            yield notifications()


def _worth_again(trouble: sa.exc.DBAPIError) -> bool:
    """Unique violation (a twin), serialisation failure, deadlock, or a connection that broke before anything was sent."""
    state = getattr(trouble.orig, "sqlstate", None)
    return state in {"23505", "40001", "40P01"} or trouble.connection_invalidated
