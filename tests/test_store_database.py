"""Where transactions begin and end: many writers at once, one that fails, twins that meet, on both databases."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from databases import Cluster, Stock
from sqlalchemy import Connection
from world import World

from gateway.errors import Permanent, Temporary
from gateway.store import database as store
from gateway.store import jobs, tables, tickets, users
from gateway.store.database import Database, PostgresDatabase, open_database

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def note(words: str) -> Callable[[Connection], str]:
    """A write that leaves one row."""

    def write(connection: Connection) -> str:
        jobs.alarm(connection, NOW, "note", words)
        return words

    return write


def notes(database: Database) -> list[str]:
    query = sa.select(tables.alarms.c.words).order_by(tables.alarms.c.id)
    return list(database.read(lambda connection: connection.execute(query).scalars().all()))


@contextlib.contextmanager
def held_up(database: Database) -> Iterator[None]:
    """While this lasts the one writer of SQLite is busy, so that what is submitted becomes one batch."""
    go, busy = threading.Event(), threading.Event()

    def wait(_: Connection) -> None:
        busy.set()
        go.wait(10)

    waiting = database.submit(wait)
    assert busy.wait(10)
    try:
        yield
    finally:
        go.set()
        waiting.result(10)


def test_a_table_that_is_read_in_parts_comes_whole_and_in_order(database: Database) -> None:
    for n in range(7):
        database.write(note(f"{n}"))
    query = sa.select(tables.alarms.c.id, tables.alarms.c.words)
    for size in (1, 3, 7, 100):
        rows = database.read(
            lambda c, size=size: list(store.in_parts(c, query, tables.alarms.c.id, size))  # type: ignore[misc]
        )
        assert [row.words for row in rows] == [f"{n}" for n in range(7)]


def test_many_writers_at_once_lose_nothing(database: Database) -> None:
    wanted = [f"{n}" for n in range(200)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda words: database.write(note(words)), wanted)) == wanted
    assert sorted(notes(database)) == sorted(wanted)


def test_one_failing_write_takes_back_only_its_own(database: Database) -> None:
    def fails(connection: Connection) -> None:
        jobs.alarm(connection, NOW, "note", "must not stay")
        raise ValueError("a fault in the middle")

    with held_up(database):
        first, broken, last = database.submit(note("first")), database.submit(fails), database.submit(note("last"))
    assert (first.result(10), last.result(10)) == ("first", "last")
    with pytest.raises(ValueError, match="in the middle"):
        broken.result(10)
    assert sorted(notes(database)) == ["first", "last"]


def test_a_write_that_breaks_a_constraint_takes_back_only_its_own(database: Database) -> None:
    def twice(connection: Connection) -> None:
        jobs.alarm(connection, NOW, "note", "must not stay")
        for _ in range(2):
            connection.execute(sa.insert(tables.house), {"name": "same", "value": "x"})

    with held_up(database):
        broken, fine = database.submit(twice), database.submit(note("fine"))
    with pytest.raises(sa.exc.IntegrityError):
        broken.result(10)
    assert fine.result(10) == "fine"
    assert notes(database) == ["fine"]


def test_writes_that_wait_on_sqlite_share_one_commit(stock: Stock) -> None:
    commits: list[Connection] = []

    def count(connection: Connection) -> None:
        commits.append(connection)

    with stock.fresh("sqlite", "(migrated)") as url, contextlib.closing(open_database(url)) as database:
        sa.event.listen(sa.Engine, "commit", count)
        try:
            with held_up(database):
                futures = [database.submit(note(f"{n}")) for n in range(50)]
            assert [future.result(10) for future in futures] == [f"{n}" for n in range(50)]
        finally:
            sa.event.remove(sa.Engine, "commit", count)
        assert len(commits) == 2  # the one that was held up, and all the others together
        assert len(notes(database)) == 50


def test_a_write_sees_what_another_of_its_batch_has_written(database: Database) -> None:
    def count(connection: Connection) -> int:
        return int(connection.execute(sa.select(sa.func.count()).select_from(tables.alarms)).scalar_one())

    database.write(note("one"))
    assert database.write(count) == 1
    if database.engine.dialect.name == "sqlite":
        with held_up(database):
            database.submit(note("two"))
            seen = database.submit(count)
        assert seen.result(10) == 2


def test_when_the_database_gives_up_every_caller_hears_it_and_nothing_is_stored(database: Database) -> None:
    def full(connection: Connection) -> None:
        jobs.alarm(connection, NOW, "note", "must not stay")
        raise sa.exc.OperationalError("COMMIT", {}, Exception("disk full"))

    broken = database.submit(full)
    with pytest.raises(Temporary) as told:
        broken.result(10)
    assert "COMMIT" not in told.value.public
    assert notes(database) == []
    assert database.write(note("after")) == "after"


def test_a_connection_that_breaks_in_the_middle_is_tried_again_and_writes_once(stock: Stock) -> None:
    tries: list[int] = []

    def breaks_once(connection: Connection) -> str:
        jobs.alarm(connection, NOW, "note", "once")
        tries.append(1)
        if len(tries) == 1:
            connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return "done"

    with stock.fresh("postgresql", "(migrated)") as url, contextlib.closing(open_database(url)) as database:
        assert database.write(breaks_once) == "done"
        assert notes(database) == ["once"]
    assert len(tries) == 2


def three_at_once(database: Database) -> None:
    """From here on three connections wait in the pool."""
    meet = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: database.read(lambda _: meet.wait(10)), range(3)))


def test_connections_that_were_lost_while_nobody_used_them_are_nobodys_trouble(stock: Stock, postgres: Cluster) -> None:
    """A server that started anew: the first to read, to write and to ask the time need not come again."""
    with stock.fresh("postgresql", "(migrated)") as url, contextlib.closing(open_database(url)) as database:
        for use in (notes, lambda database: database.write(note("after")), lambda database: database._ask_time()):
            three_at_once(database)
            with psycopg.connect(url, autocommit=True) as other:
                ended = other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
            assert len(ended) >= 3
            use(database)
        assert notes(database) == ["after"]


def test_a_server_that_is_gone_is_temporary_trouble(postgres: Cluster) -> None:
    url = postgres.create()
    database = open_database(url)
    postgres.drop(url)
    try:
        with pytest.raises(Temporary):
            database.write(note("lost"))
        with pytest.raises(Temporary):
            database.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar())
    finally:
        database.close()


# Wake-ups -------------------------------------------------------------------------------------------------------


def test_workers_are_woken_after_the_commit_that_put_down_a_job(database: Database) -> None:
    woken = threading.Event()
    seen: list[int] = []

    def look() -> None:
        seen.append(database.read(lambda connection: len(jobs.of_ticket(connection, 0))))
        if seen[-1]:
            woken.set()

    database.on_wake(look)
    database.write(lambda connection: jobs.add(connection, "page", NOW, {}, 0))
    assert woken.wait(10), seen


def test_a_write_without_a_job_wakes_nobody(stock: Stock) -> None:
    with stock.fresh("sqlite", "(migrated)") as url, contextlib.closing(open_database(url)) as database:
        woken: list[bool] = []
        database.on_wake(lambda: woken.append(True))
        database.write(note("no job"))
        database.write(note("none either"))  # by now whoever was to be woken after the first has been
        assert woken == []


def test_whoever_listens_hears_of_the_end_at_once(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOOK_SECONDS", 600.0)
    with stock.fresh("postgresql", "(migrated)") as url, contextlib.closing(open_database(url)) as database:
        assert isinstance(database, PostgresDatabase)
        listens = threading.Event()
        database.on_wake(listens.set)
        assert listens.wait(20)
        database.close()
        assert database._listener is not None
        assert not database._listener.is_alive()


def test_a_wake_up_in_the_midst_of_the_end_does_not_hold_it_up(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOOK_SECONDS", 600.0)
    with stock.fresh("postgresql", "(migrated)") as url, contextlib.closing(open_database(url)) as database:
        assert isinstance(database, PostgresDatabase)
        woken, ending = threading.Event(), threading.Event()

        def look() -> None:
            if database.read(lambda connection: jobs.of_ticket(connection, 0)):
                woken.set()
                ending.wait(20)

        listens = threading.Event()
        database.on_wake(listens.set)
        assert listens.wait(20)
        database.on_wake(look)
        database.write(lambda connection: jobs.add(connection, "page", NOW, {}, 0))
        assert woken.wait(20)
        monkeypatch.setattr(database, "_hang_up", ending.set)
        database.close()
        assert database._listener is not None
        assert not database._listener.is_alive()


# Twins ----------------------------------------------------------------------------------------------------------


def at_once(n: int, do: Callable[[int], Any]) -> list[Any]:
    """Does it in n threads that begin together."""
    gate = threading.Barrier(n)

    def run(which: int) -> Any:
        gate.wait(10)
        return do(which)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(run, range(n)))


def test_of_eight_deliveries_of_one_mail_at_once_one_becomes_the_ticket(world: World) -> None:
    raw = world.written("mario@acme.example", "Stampante", "Non stampa.", headers={})
    outcomes = at_once(8, lambda _: world.deliver(raw, envelope_from="mario@acme.example"))
    assert sorted(done.outcome for done in outcomes) == ["duplicate"] * 7 + ["new"]
    assert {done.ticket_id for done in outcomes} == {world.ticket().id}
    world.advance(60)
    assert len(world.letters()) == 1


def test_many_different_mails_at_once_are_as_many_tickets_with_their_jobs(world: World) -> None:
    raws = [world.written("mario@acme.example", f"Guasto {n}", f"Il numero {n}.", headers={}) for n in range(24)]
    outcomes = at_once(8, lambda which: [world.deliver(raw, envelope_from="a@b.example") for raw in raws[which::8]])
    numbers = {done.number for some in outcomes for done in some}
    assert len(numbers) == 24
    for ticket in world.tickets():
        assert sorted(world.jobs(ticket)) == ["acknowledge", "clock", "relate"]


def test_answers_to_one_ticket_at_once_are_all_on_it(world: World) -> None:
    world.mail()
    world.advance()
    letter = world.letter()
    raws = [
        world.written("mario@acme.example", "Re", f"Risposta {n}", headers={"In-Reply-To": f"<{letter.message_id}>"})
        for n in range(8)
    ]
    outcomes = at_once(8, lambda which: world.deliver(raws[which]))
    assert {done.outcome for done in outcomes} == {"append"}
    assert sorted(world.story(world.ticket(), "mail-in")[1:]) == [f"Risposta {n}" for n in range(8)]


def test_of_eight_forms_with_one_key_one_is_the_first(database: Database) -> None:
    answers = at_once(8, lambda _: database.write(lambda connection: users.first_time(connection, "form", NOW)))
    assert sorted(answers) == [False] * 7 + [True]
    assert database.write(lambda connection: users.first_time(connection, "form", NOW)) is False


def test_the_databases_own_secret_is_the_same_for_everybody_who_asks(database: Database) -> None:
    secrets = at_once(8, lambda _: database.write(lambda connection: users.secret(connection, "key")))
    assert len(set(secrets)) == 1
    assert len(secrets[0]) == 64


# Values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 10, 25, 2, 30, 0, 123457, tzinfo=timezone(timedelta(hours=2))),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2999, 1, 1, tzinfo=UTC),
    ],
)
def test_instants_come_back_exact_and_in_utc(database: Database, at: datetime) -> None:
    database.write(lambda connection: jobs.add(connection, "page", at, {"text": "è «tutto» fermo \U0001f525\\"}, 7))
    (job,) = database.read(lambda connection: jobs.of_ticket(connection, 7))
    assert (job.run_at, job.run_at.utcoffset()) == (at, timedelta(0)) if job.run_at else False
    assert job.state == {"text": "è «tutto» fermo \U0001f525\\"}


def test_the_change_counter_grows_with_every_entry(world: World) -> None:
    before = world.read(tickets.last_change)
    world.mail()
    assert world.read(tickets.last_change) > before


def test_a_place_that_can_not_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Permanent, match="cannot open the database file"):
        open_database(f"sqlite:///{tmp_path}/file/presa.db")


def test_a_database_that_presa_does_not_know_is_one_clear_line() -> None:
    with pytest.raises(Permanent, match=r"mysql is not a database Presa knows; give sqlite:///PATH or postgresql"):
        open_database("mysql://somewhere/presa")
