"""A 250 is a promise: what was promised is on the disk, whoever hangs up, and also when Presa is asked to end meanwhile."""

import contextlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
import torture_books as books
from databases import CAREFUL, EMPTY, MIGRATED, Stock
from torture_mail import Customers, Session, written
from torture_town import Replica, Town, town, until

from gateway.store import database as store
from gateway.store.database import Database, open_database

STRACE = shutil.which("strace")
FLUSH = re.compile(r"(\d+) +f(?:data)?sync\(\d+<[^>]*-wal>(?:\)\s+= 0| <unfinished)")
FLUSHED = re.compile(r"(\d+) +<\.\.\. f(?:data)?sync resumed>\)\s+= 0")


@pytest.fixture
def place(tmp_path: Path, stock: Stock, kind: str) -> Iterator[Town]:
    with stock.fresh(kind, EMPTY) as url, town(tmp_path, url, seed=1) as made:
        yield made


@pytest.fixture
def beside(place: Town) -> Iterator[Database]:
    """The same database, looked at from beside."""
    with contextlib.closing(open_database(place.database)) as opened:
        yield opened


def filed(database: Database, message_id: str) -> int:
    """How often a mail was filed as new."""
    query = "SELECT count(*) FROM reports WHERE message_id = :id AND outcome = 'new'"
    return int(database.read(lambda c: c.execute(sa.text(query), {"id": message_id}).scalar_one()))


# Settings -------------------------------------------------------------------------------------------------------


def test_sqlite_waits_for_the_disk_at_every_commit_of_the_writer(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_prepare_sqlite", CAREFUL)
    with stock.fresh("sqlite", MIGRATED) as url, contextlib.closing(open_database(url)) as database:
        modes = database.write(
            lambda c: tuple(
                c.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            )
        )
    assert modes == ("wal", 2, 1)  # 2 is FULL: the log is flushed before a commit returns (sqlite.org/pragma.html)


def test_postgresql_waits_for_the_disk_even_where_the_server_would_not(stock: Stock) -> None:
    with stock.fresh("postgresql", MIGRATED) as url:
        with sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:")).connect() as plain:
            name = plain.dialect.identifier_preparer.quote(str(plain.engine.url.database))
            plain.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
            plain.commit()
            plain.engine.dispose()
        with contextlib.closing(open_database(url)) as database:
            said = database.write(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar_one())
    assert said == "on"


def test_a_server_that_waits_for_its_standbys_goes_on_waiting_for_them(stock: Stock) -> None:
    with stock.fresh("postgresql", MIGRATED) as url:
        asked = f"{url}{'&' if '?' in url else '?'}options=-c%20synchronous_commit%3Dremote_apply"
        with contextlib.closing(open_database(asked)) as database:
            said = database.write(lambda c: c.exec_driver_sql("SHOW synchronous_commit").scalar_one())
    assert said == "remote_apply"


@pytest.mark.skipif(STRACE is None, reason="strace is not installed here")
@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_flush_lies_between_the_final_dot_and_the_250(place: Town, kind: str) -> None:
    """CASES R2."""
    (replica,) = place.replicas
    with _traced(replica) as trace:
        session = Session(replica.smtp)
        mails = [replace(written(number), sender="") for number in range(5)]  # null senders: no letter, no other commit
        assert [session.send(mail) for mail in mails] == ["250"] * 5
        session.close()
    lines = trace.read_text().splitlines()
    promises = [n for n, line in enumerate(lines) if '"250 2.0.0 Ok: new' in line]
    starts = [n for n, line in enumerate(lines) if '"354 End' in line]
    flushes = _flushes(lines)
    assert len(promises) == len(starts) == 5
    for start, promise in zip(starts, promises, strict=True):
        assert any(start < begun and done < promise for begun, done in flushes), lines


def _flushes(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The flushes of the log: the line where each begins and the line where it is done."""
    found, begun = [], {}
    for n, line in enumerate(lines):
        if start := FLUSH.match(line):
            begun[start[1]] = n
        if (done := FLUSHED.match(line)) or (start and not line.endswith("...>")):
            by = (done or start)[1]
            if by in begun:
                found.append((begun.pop(by), n))
    return found


@contextlib.contextmanager
def _traced(replica: Replica) -> Iterator[Path]:
    """The system calls that flush and that talk, of all threads of Presa and of its mail door, in order."""
    trace = replica.log.with_suffix(".strace")
    assert STRACE is not None
    argv = [STRACE, "-f", "-y", "-s", "40", "-e", "trace=fsync,fdatasync,write,sendto,sendmsg,writev", "-o", str(trace)]
    pids = [replica.pid, *_children(replica.pid)]
    running = subprocess.Popen([*argv, *(word for pid in pids for word in ("-p", str(pid)))], stderr=subprocess.DEVNULL)
    try:
        if not _attached(pids, running):
            pytest.skip("tracing is not allowed here")
        yield trace
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=30)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _attached(pids: Sequence[int], tracer: subprocess.Popen[bytes]) -> bool:
    """Whether every thread is traced; False when that is not allowed."""

    def threads() -> list[str]:
        return [path.read_text() for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/status")]

    def settled() -> bool:
        return tracer.poll() is not None or all(f"TracerPid:\t{tracer.pid}" in status for status in threads())

    until(settled, 30, "every thread is traced")
    return tracer.poll() is None


def test_whoever_stops_waiting_does_not_stop_the_writer(stock: Stock, kind: str) -> None:
    """Ending the event loop cancels what waits for a commit; what others wait for is committed all the same."""
    with stock.fresh(kind, MIGRATED) as url, contextlib.closing(open_database(url)) as database:
        let_go = threading.Event()
        held = [database.submit(lambda _: let_go.wait(60)) for _ in range(8)]
        given_up, other = database.submit(lambda _: "given up"), database.submit(lambda _: "other")
        assert given_up.cancel()
        let_go.set()
        assert other.result(timeout=30) == "other"
        assert all(one.result(timeout=30) for one in held)
        assert database.write(lambda _: "later") == "later"


def test_killed_while_it_makes_its_first_tables_it_starts_all_the_same(tmp_path: Path, stock: Stock, kind: str) -> None:
    chance = random.Random(7)
    for number in range(2):
        with stock.fresh(kind, EMPTY) as url:
            folder = tmp_path / str(number)
            folder.mkdir()
            place = Town(folder, url, seed=number)
            place.open(replicas=0)
            try:
                (replica,) = place.add_replicas(1)
                replica.hatch()
                time.sleep(chance.uniform(0.1, 0.6))
                replica.kill()
                replica.start()
                assert replica.stop() == 0
            finally:
                place.close()


# Clients --------------------------------------------------------------------------------------------------------


def test_a_client_that_hangs_up_right_after_the_final_dot_has_its_mail_filed_once(
    place: Town, beside: Database
) -> None:
    (replica,) = place.replicas
    for number in range(10):
        session = Session(replica.smtp)
        session.begin(written(number))
        session.socket.shutdown(socket.SHUT_RDWR) if number % 2 else session.close()
    ids = [written(number).message_id for number in range(10)]
    until(lambda: all(filed(beside, one) for one in ids), 20, "all ten are filed")
    session = Session(replica.smtp)
    assert [session.send(written(number)) for number in range(10)] == ["250"] * 10  # each comes again, as it must
    session.close()
    assert [filed(beside, one) for one in ids] == [1] * 10
    assert books.faults(beside, books.whole, partial(books.promises, promised=ids, given_up=())) == []


def test_a_client_that_resets_the_connection_after_the_final_dot_leaves_a_whole_mail_or_none(
    place: Town, beside: Database
) -> None:
    (replica,) = place.replicas
    for number in range(10):
        session = Session(replica.smtp)
        session.begin(written(number))
        if number % 2:
            time.sleep(0.005)
        session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
        session.close()
    ids = [written(number).message_id for number in range(10)]
    session = Session(replica.smtp)
    assert [session.send(written(number)) for number in range(10)] == ["250"] * 10
    session.close()
    assert [filed(beside, one) for one in ids] == [1] * 10
    assert books.faults(beside, books.whole) == []


# SIGTERM --------------------------------------------------------------------------------------------------------


def test_asked_to_end_amid_intake_it_answers_what_it_took_and_ends_well(place: Town, beside: Database) -> None:
    (replica,) = place.replicas
    customers = Customers(lambda: replica.smtp, seed=3, mails=100_000, senders=6, pace=0.0)
    for _ in range(2):
        begun = len(customers.promised)
        if not customers.busy:
            customers.start()
        until(lambda begun=begun: len(customers.promised) > begun + 30, 30, "mails stream in")
        assert replica.stop() == 0
        assert books.faults(beside, books.whole) == []
        replica.start()
    customers.finish()
    promised = partial(books.promises, promised=customers.promised, given_up=customers.given_up)
    assert books.faults(beside, books.whole, promised) == []
    assert set(customers.refused) <= {"421"}  # closing down, for a mail that was not wholly there yet; never an error


def test_a_mail_under_way_when_it_is_asked_to_end_still_gets_its_250(place: Town, beside: Database) -> None:
    """The database is held up, so the mail is surely inside when SIGTERM comes."""
    (replica,) = place.replicas
    session = Session(replica.smtp)
    with beside.engine.connect() as holding:
        hold = "BEGIN IMMEDIATE" if beside.engine.dialect.name == "sqlite" else "LOCK TABLE reports IN EXCLUSIVE MODE"
        holding.exec_driver_sql(hold)
        session.begin(written(1))
        time.sleep(0.3)
        codes: list[int] = []
        ending = threading.Thread(target=lambda: codes.append(replica.stop()))
        ending.start()
        time.sleep(0.5)
        holding.exec_driver_sql("ROLLBACK") if hold.startswith("BEGIN") else holding.rollback()
    assert session.answer() == "250"
    ending.join(timeout=60)
    session.close()
    assert codes == [0]
    assert filed(beside, written(1).message_id) == 1
