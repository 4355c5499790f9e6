"""Whose turn it is: pages before acknowledgements, and whoever waits at a door before any job."""

import time
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

from gateway.clock import MovedClock
from gateway.jobs import STAND_BACK_SECONDS, Runner
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
        done.result(timeout=10)
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
