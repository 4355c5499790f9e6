"""Whose turn it is: pages before acknowledgements, whoever waits at a door before any job, and nobody never."""

import json
import time
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.clock import MovedClock
from gateway.jobs import BY_AGE_EVERY, STAND_BACK_SECONDS, Runner
from gateway.store import jobs
from gateway.store.database import Database
from gateway.store.jobs import Job, Settled

START = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def put(database: Database, *kinds: str) -> None:
    """One job of each kind, each due a second after the one before."""
    todo = [(kind, START + timedelta(seconds=number), {}) for number, kind in enumerate(kinds)]
    database.write(lambda connection: jobs.add_all(connection, todo, None))


def test_a_page_goes_before_acknowledgements_that_were_due_earlier(database: Database) -> None:
    ran: list[str] = []

    def do(job: Job) -> Settled:
        ran.append(job.kind)
        return Settled()

    clock = MovedClock(START + timedelta(minutes=1))
    handlers = {"acknowledge": do, "page": do}
    runner = Runner(database, clock, handlers, patient={"acknowledge"}, workers=2)
    put(database, "acknowledge", "acknowledge", "acknowledge", "page")
    while runner.run_due():
        pass
    assert ran == ["page", "acknowledge", "acknowledge", "acknowledge"]


def test_jobs_stand_back_while_somebody_waits_for_a_promise_but_are_not_forgotten(database: Database) -> None:
    begun: list[float] = []
    done: Future[None] = Future()

    def do(job: Job) -> Settled:
        begun.append(time.monotonic())
        if len(begun) == 3:
            done.set_result(None)
        return Settled()

    put(database, "acknowledge", "acknowledge", "acknowledge")
    runner = Runner(database, MovedClock(START + timedelta(minutes=1)), {"acknowledge": do}, workers=1)
    runner.start(busy=lambda: True)
    try:
        done.result(timeout=30)
    finally:
        runner.stop()
    pauses = [after - before for before, after in pairwise(begun)]
    assert all(pause > STAND_BACK_SECONDS * 0.8 for pause in pauses)


def test_after_downtime_what_is_late_goes_by_urgency_and_then_by_age(database: Database) -> None:
    ran: list[str] = []

    def do(job: Job) -> Settled:
        ran.append(job.state["name"])
        return Settled()

    def put_down(connection: Connection) -> None:
        for hour, priority in enumerate(("P4", "normal", "P3", "P2", "P1", "P1")):
            name = f"{priority} of {hour} h"
            jobs.add(connection, "clock", START + timedelta(hours=hour), {"name": name}, hour, priority)
        jobs.add(connection, "page", START + timedelta(hours=8), {"name": "page"}, 3)
        jobs.add(connection, "acknowledge", START, {"name": "acknowledge"}, 3, "P1")

    database.write(put_down)
    runner = Runner(
        database, MovedClock(START + timedelta(days=1)), dict.fromkeys(("clock", "page", "acknowledge"), do), workers=2
    )
    while runner.run_due():
        pass
    assert ran == [
        "page",
        "P1 of 4 h",
        "P1 of 5 h",
        "P2 of 3 h",
        "normal of 1 h",
        "P3 of 2 h",
        "P4 of 0 h",
        "acknowledge",
    ]


def test_a_ticket_that_becomes_urgent_takes_its_clock_with_it(database: Database) -> None:
    def put_down(connection: Connection) -> None:
        jobs.add(connection, "clock", START, {"name": "first"}, 1, "P3")
        jobs.add(connection, "clock", START + timedelta(hours=9), {"name": "second"}, 2, "P4")
        assert jobs.hasten(connection, "clock", 2, START + timedelta(hours=1), "P1")

    database.write(put_down)
    now = START + timedelta(days=1)
    (claimed,) = database.write(lambda c: jobs.claim(c, now, 1, timedelta(seconds=30), ("clock",)))
    assert claimed.state["name"] == "second"


def test_what_can_wait_is_done_too_while_urgent_work_never_ends(database: Database) -> None:
    ran: list[str] = []

    def one_after_another(job: Job) -> Settled:
        ran.append(job.kind)
        return Settled(lambda connection: jobs.add(connection, "clock", START, {}, 1, "P1"))

    def thank(job: Job) -> Settled:
        ran.append(job.kind)
        return Settled()

    clock = MovedClock(START + timedelta(minutes=1))
    handlers = {"clock": one_after_another, "acknowledge": thank}
    runner = Runner(database, clock, handlers, patient={"acknowledge"}, workers=1)
    put(database, "acknowledge", "clock")
    for _ in range(BY_AGE_EVERY):
        runner.run_due()
    assert ran == ["clock"] * (BY_AGE_EVERY - 1) + ["acknowledge"]


def effort(database: Database, kinds: tuple[str, ...]) -> int:
    """What looking for four jobs costs the database: steps of SQLite's machine, pages that PostgreSQL looks at."""
    wanted = jobs._due(kinds, by_age=False)
    now = {"now": START + timedelta(days=1), "most": 4}
    if database.engine.dialect.name == "sqlite":
        steps = [0]

        def step() -> int:
            steps[0] += 1
            return 0

        def look(connection: Connection) -> None:
            bare = connection.connection.driver_connection
            assert bare is not None
            bare.set_progress_handler(step, 1)
            assert len(wanted.rows(connection, now)) == 4
            bare.set_progress_handler(None, 1)

        database.read(look)
        return steps[0]

    def explained(connection: Connection) -> int:
        compiled = wanted._for(connection.dialect)
        bare = connection.connection.cursor()
        bare.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + compiled.sql, compiled.bound(now))
        (told,) = bare.fetchone()  # type: ignore[misc]
        plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    database.write(lambda connection: connection.execute(sa.text("ANALYZE jobs")))
    return database.write(explained)


def test_a_claim_costs_the_same_however_much_is_late_at_once(database: Database) -> None:
    """All due in the same second, as at six in the evening, and behind a heap of what can wait."""

    def put_down(count: int) -> None:
        clocks = [("clock", START, {}) for _ in range(count)]
        thanks = [("acknowledge", START - timedelta(hours=1), {}) for _ in range(count)]
        database.write(lambda connection: jobs.add_all(connection, clocks + thanks, 1, "P3"))

    put_down(300)
    few = effort(database, ("clock", "page"))
    put_down(6_000)
    many = effort(database, ("clock", "page"))
    assert many <= 2 * few, (few, many)
    assert effort(database, ("acknowledge", "relate")) <= 2 * few
