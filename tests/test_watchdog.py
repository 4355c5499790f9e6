"""The watchdog looks and the heartbeat goes out, however many pages are due and however slow everything else is."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx2
import pytest
from databases import Stock
from sqlalchemy import Connection
from world import World

from gateway import app
from gateway.clock import MovedClock
from gateway.jobs import Runner
from gateway.paging import watchdog
from gateway.store import calls, jobs, tickets, users
from gateway.store.database import Database
from gateway.store.jobs import Job, Settled

NOW = datetime(2026, 11, 25, 21, tzinfo=UTC)
MANY = 1_000
BOUND = 20.0  # seconds for something real to happen


@pytest.fixture
def night(stock: Stock, kind: str) -> Iterator[World]:
    """The test desk at ten in the evening, and a thousand pages that are due at once; of tickets that nobody reported."""
    with stock.fresh(kind, "test") as url:
        world = World.open(url, "test", "2026-11-25 22:00")
        world.advance(1)
        world.database.write(lambda connection: open_pages(connection, world.now))
        yield world
        world.rehearsal.close()


def open_pages(connection: Connection, now: datetime) -> None:
    for n in range(MANY):
        ticket = tickets.insert(connection, {
            "desk": "test", "customer": None, "customer_name": "ACME", "contact": None, "requester": None, "phone": None,
            "language": "it", "subject": f"guasto {n}", "channel": "event", "plan": None, "base_plan": None, "region": None,
            "kind": "incident", "priority": "P1", "queue": "to-look-at", "level": "L2", "state": "new", "verified": True,
            "via_on_call": True, "received_at": now, "opened_at": now, "linked": None, "next_due": None, "next_target": None,
            "clocks": {}, "evidence": [], "desk_version": None, "stage": None,
        })  # fmt: skip
        jobs.add(connection, "page", now, {"page": calls.open_page(connection, ticket, now)}, ticket)


def beats_of(world: World) -> list[str]:
    """The heartbeats that go out from now on."""
    beats: list[str] = []

    def beat(request: httpx2.Request) -> httpx2.Response:
        beats.append(str(request.url))
        return httpx2.Response(200)

    dog: Any = world.rehearsal.parts.runner._handlers[watchdog.KIND].__self__  # type: ignore[attr-defined]
    dog._heartbeat, dog._client = "https://beat.test/", httpx2.Client(transport=httpx2.MockTransport(beat))
    return beats


def test_a_thousand_due_pages_do_not_keep_the_watchdog_from_its_look(night: World) -> None:
    """CASES phone 8: of all that is due the watchdog is first, though every page has been due for longer."""
    beats, looks = beats_of(night), []
    for _ in range(3):  # a machine that does a handful of pages in twenty seconds
        night.rehearsal.clock.advance(watchdog.EVERY.total_seconds())
        night.rehearsal.parts.runner.run_due()
        looks.append(night.read(users.fact, watchdog.FACT))
    assert looks == [(night.now - late).isoformat() for late in (2 * watchdog.EVERY, watchdog.EVERY, timedelta(0))]
    assert len(beats) == 1  # while the pages were on time; then its silence is the signal,
    assert "page-late" in night.alarm_kinds()  # besides the alarm


def test_what_is_slow_holds_up_neither_a_page_nor_the_watchdog(database: Database) -> None:
    """Four letters to a mail host that does not answer have four workers; pages and the watchdog have others."""
    release, done, names = threading.Event(), threading.Semaphore(0), []

    def slow(job: Job) -> Settled:
        release.wait(BOUND)
        return Settled()

    def quick(job: Job) -> Settled:
        names.append(job.kind)
        done.release()
        return Settled()

    handlers = {"letter": slow, "page": quick, watchdog.KIND: quick}
    runner = Runner(database, MovedClock(NOW), handlers, workers=4, lanes=(app.PAGES,))
    earlier = (NOW - timedelta(seconds=n) for n in count(60, -1))
    database.write(lambda c: jobs.add_all(c, [("letter", next(earlier), {}) for _ in range(8)], None))
    runner.start()
    try:
        database.write(lambda c: jobs.add_all(c, [("page", NOW, {}), (watchdog.KIND, NOW, {})], None))
        assert done.acquire(timeout=BOUND)
        assert done.acquire(timeout=BOUND)
    finally:
        release.set()
        runner.stop()
    assert set(names) == {"page", watchdog.KIND}


def test_pages_that_wait_for_the_carrier_leave_the_other_jobs_their_workers(database: Database) -> None:
    release, done = threading.Event(), threading.Semaphore(0)

    def ring(job: Job) -> Settled:
        release.wait(BOUND)
        return Settled()

    def thank(job: Job) -> Settled:
        done.release()
        return Settled()

    runner = Runner(database, MovedClock(NOW), {"page": ring, "acknowledge": thank}, workers=1, lanes=(app.PAGES,))
    database.write(lambda c: jobs.add_all(c, [("page", NOW, {})] * (app.PAGES.workers + 5), None))
    database.write(lambda c: jobs.add(c, "acknowledge", NOW, {}))
    runner.start()
    try:
        assert done.acquire(timeout=BOUND)
    finally:
        release.set()
        runner.stop()
