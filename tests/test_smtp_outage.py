"""The mail door while what is behind it fails: 451, nothing half done, no word of what is inside; and it goes on by itself."""

import asyncio
import contextlib
import logging
import pickle
import random
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from databases import settings_of
from smtp_peer import QUICK, House, Peer, house

from gateway import app
from gateway.engine import Engine
from gateway.mail import reader
from gateway.mail.intake import Intake
from gateway.mail.porter import Handed
from gateway.smtp import Delivery
from gateway.store import reports, tickets
from gateway.store.database import Database
from routing import decide

SECRET = "OperationalError: no such table (/srv/presa/var/presa.db) SELECT * FROM tickets"
LEAKS = re.compile(r"Error|Exception|Traceback|sqlite|psycopg|SELECT|/srv|\.py|No such|locked|full", re.IGNORECASE)


@dataclass
class Presa:
    it: House
    engine: Engine
    database: Database

    def send(self, marker: str = "one") -> str:
        with Peer(self.it) as peer:
            peer.begin()
            text = random.Random(marker).randbytes(60_000).hex(" ", 40)  # more than fits into what the file has free
            head = f"From: mario@acme.example\r\nSubject: x\r\nMessage-ID: <{marker}@acme.example>\r\n\r\n"
            peer.send(f"{head}{text}\r\n.\r\n".encode())
            return peer.reply()

    def books(self) -> tuple[int, int, int]:
        """Reports, tickets, and those of either without the other."""

        def read(connection: sa.Connection) -> tuple[int, int, int]:
            alone = len(reports.orphans(connection)) + len(reports.unreported(connection))
            return len(list(reports.ledger(connection))), tickets.count(connection), alone

        return self.database.read(read)


@pytest.fixture
def presa(database: Database) -> Iterator[Presa]:
    """The real door over the real filing; the reading in this process. An answer is due after 1 s instead of 9."""
    settings = settings_of("test")
    app.prepare(settings, database)
    engine = app.build(settings, database).engine
    with ThreadPoolExecutor(2) as pool:
        intake = Intake(engine, pool)

        async def deliver(delivery: Delivery) -> str:
            reading = reader.read(delivery.raw, database.clock.now())
            filed: Future[str] = Future()
            intake.take(Handed(1, delivery, pickle.dumps(reading), time.monotonic()), partial(tell, filed))
            return await asyncio.wrap_future(filed)

        with house(replace(QUICK, answer=1.0), deliver) as it:
            yield Presa(it, engine, database)


def tell(filed: "Future[str]", outcome: str | BaseException) -> None:
    if isinstance(outcome, str):
        filed.set_result(outcome)
    else:
        filed.set_exception(outcome)


@contextlib.contextmanager
def locked(database: Database) -> Iterator[None]:
    """Somebody else holds the database's lock."""
    if database.engine.dialect.name == "sqlite":
        with database.engine.connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            yield
            other.exec_driver_sql("ROLLBACK")
    else:
        with database.engine.connect() as other, other.begin():
            other.exec_driver_sql("LOCK TABLE reports IN ACCESS EXCLUSIVE MODE")
            yield


@contextlib.contextmanager
def gone(database: Database) -> Iterator[None]:
    """The disk is full (SQLite), or the server takes nobody in and has shown everybody out (PostgreSQL)."""
    url = database.engine.url
    if database.engine.dialect.name == "sqlite":

        def most(pages: int) -> None:
            database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}").fetchall())

        most(1)  # no more than there are already
        yield
        database._writer.dispose()  # type: ignore[attr-defined]
        return
    where = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (url.database,))
        yield
        admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]


@pytest.mark.parametrize("trouble", [locked, gone])
def test_while_the_database_cannot_be_written_the_answer_is_451_in_time_and_afterwards_all_is_well(
    presa: Presa, trouble: Callable[[Database], contextlib.AbstractContextManager[None]]
) -> None:
    """Attack R3."""
    assert presa.send("before").startswith("250")
    with trouble(presa.database):
        begun = time.monotonic()
        answer = presa.send()
        assert time.monotonic() - begun < 7  # not the 8 s for which the database itself would wait
    assert answer.startswith("451 "), answer
    assert not LEAKS.search(answer)
    assert presa.send().startswith("250")
    filed, opened, alone = presa.books()
    assert (opened, alone) == (2, 0)
    assert filed in (2, 3)  # a filing that outlasted its answer is stored, and what is sent again is its duplicate


def fault(*_: Any, **__: Any) -> Any:
    raise RuntimeError(SECRET)


LAYERS: tuple[tuple[Any, str], ...] = (
    (reader, "read"), (Engine, "in_hand"), (Engine, "file"), (Engine, "file_mail"), (Engine, "_record"),
    (decide, "decide"), (reports, "twin"), (reports, "insert"), (reports, "keep_raw"), (tickets, "insert"), (tickets, "tell"),
    (Database, "read"),
)  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer[1])
@pytest.mark.parametrize("kind", ["sqlite"])
def test_whatever_raises_inside_no_answer_says_what(
    presa: Presa, monkeypatch: pytest.MonkeyPatch, layer: tuple[Any, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Attack S6: either it becomes a ticket to look at, or the sender hears 451 and a reference that the log has too."""
    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR):
        broken.setattr(*layer, fault)
        answer = presa.send()
    assert re.fullmatch(
        r"250 2\.0\.0 Ok: new|451 4\.3\.0 Trouble on our side, try again later \(reference [0-9a-f]{8}\)", answer
    )
    if answer.startswith("451"):
        reference = answer.rpartition(" ")[2].rstrip(")")
        assert any(reference in record.getMessage() for record in caplog.records)
    assert presa.send().startswith("250")
    assert presa.books()[1:] == (1, 0)
