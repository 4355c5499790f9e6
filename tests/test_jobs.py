"""Jobs: claimed once, leased, fenced, tried again, given up loudly; and begun at once when there is one."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from databases import MIGRATED, Stock
from sqlalchemy import Connection

from gateway import jobs as runners
from gateway.clock import MovedClock
from gateway.errors import Permanent, Temporary
from gateway.jobs import USUAL, Runner
from gateway.store import jobs, tables
from gateway.store.database import Database, open_database
from gateway.store.jobs import Job, LeaseLost, Patience, Settled

START = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)


class Bench:
    """A database, a clock that is moved, and workers on it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovedClock(START)
        self.ran: list[str] = []

    def put(self, name: str, after: float = 0, kind: str = "work", ticket: int | None = None) -> None:
        at = self.clock.now() + timedelta(seconds=after)
        self.database.write(lambda connection: jobs.add(connection, kind, at, {"name": name}, ticket))

    def runner(self, handler: Callable[[Job], Settled] | None = None, workers: int = 4) -> Runner:
        return Runner(self.database, self.clock, {"work": handler or self.do}, workers=workers, lease=LEASE)

    def do(self, job: Job) -> Settled:
        self.ran.append(str(job.state["name"]))
        return Settled()

    def claim(self, limit: int = 10) -> tuple[Job, ...]:
        return self.database.write(lambda c: jobs.claim(c, self.clock.now(), limit, LEASE, ["work"]))

    def left(self) -> list[Job]:
        query = sa.select(tables.jobs).order_by(tables.jobs.c.id)

        def read(connection: Connection) -> list[Job]:
            return [
                Job(row.id, row.kind, row.ticket_id, row.run_at, row.fence, row.attempts, row.state, row.error)
                for row in connection.execute(query)
            ]

        return self.database.read(read)

    def alarms(self) -> list[tuple[str, str]]:
        query = sa.select(tables.alarms.c.kind, tables.alarms.c.words).order_by(tables.alarms.c.id)
        return [(row.kind, row.words) for row in self.database.read(lambda c: c.execute(query).all())]


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


# When -----------------------------------------------------------------------------------------------------------


def test_a_job_runs_when_it_is_due_and_not_before(bench: Bench) -> None:
    bench.put("later", after=60)
    runner = bench.runner()
    bench.clock.advance(59.999)
    assert (runner.run_due(), bench.ran) == (0, [])
    bench.clock.advance(0.001)
    assert (runner.run_due(), bench.ran) == (1, ["later"])
    assert (runner.run_due(), bench.left()) == (0, [])


def test_what_is_due_the_longest_comes_first(bench: Bench) -> None:
    for name, after in (("third", 30), ("first", 10), ("second", 20), ("not yet", 3600)):
        bench.put(name, after)
    bench.clock.advance(60)
    runner = bench.runner(workers=1)
    while runner.run_due():
        pass
    assert bench.ran == ["first", "second", "third"]


def test_jobs_that_are_claimed_together_begin_in_the_order_in_which_they_were_due(bench: Bench) -> None:
    for name, after in (("third", 30), ("first", 10), ("second", 20)):
        bench.put(name, after)
    bench.clock.advance(60)
    bench.runner(workers=4).run_due()
    assert bench.ran == ["first", "second", "third"]


def test_a_job_is_there_only_when_its_transaction_commits(bench: Bench) -> None:
    def fails(connection: Connection) -> None:
        jobs.add(connection, "work", START, {"name": "never"})
        raise ValueError("taken back")

    with pytest.raises(ValueError, match="taken back"):
        bench.database.write(fails)
    assert (bench.runner().run_due(), bench.left()) == (0, [])


def test_a_runner_leaves_kinds_it_does_not_know_alone(bench: Bench) -> None:
    bench.put("other", kind="unknown")
    assert bench.runner().run_due() == 0
    assert [job.attempts for job in bench.left()] == [0]


# Lease and fence ------------------------------------------------------------------------------------------------


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(bench: Bench) -> None:
    bench.put("one")
    (mine,) = bench.claim()
    assert (mine.fence, mine.attempts) == (1, 1)
    bench.clock.advance(29.9)
    assert bench.claim() == ()
    bench.clock.advance(0.1)
    (theirs,) = bench.claim()
    assert (theirs.id, theirs.fence, theirs.attempts) == (mine.id, 2, 2)


def test_workers_that_claim_at_once_never_get_the_same_job(bench: Bench) -> None:
    for n in range(40):
        bench.put(str(n))
    gate = threading.Barrier(4)

    def work(_: int) -> list[int]:
        gate.wait(10)
        mine: list[int] = []
        while claimed := bench.claim(3):
            mine += [job.id for job in claimed]
        return mine

    with ThreadPoolExecutor(4) as pool:
        found = [job for mine in pool.map(work, range(4)) for job in mine]
    assert len(found) == len(set(found)) == 40


def test_a_worker_that_lost_its_lease_settles_nothing(bench: Bench) -> None:
    bench.put("one")
    quick = bench.runner()

    def slow(job: Job) -> Settled:
        bench.clock.advance(31)
        assert quick.run_due() == 1
        return Settled(lambda connection: jobs.alarm(connection, START, "work", "the slow one wrote"))

    assert bench.runner(slow).run_due() == 1
    assert (bench.ran, bench.alarms(), bench.left()) == (["one"], [], [])


def test_a_worker_that_lost_its_lease_neither_fails_nor_continues_the_job(bench: Bench) -> None:
    bench.put("one")
    (late,) = bench.claim()
    bench.clock.advance(31)
    (mine,) = bench.claim()
    for settle in (
        lambda c: jobs.finish(c, late),
        lambda c: jobs.again(c, late, START, {}),
        lambda c: jobs.keep(c, late, {}),
        lambda c: jobs.back_off(c, late, START, "late"),
        lambda c: jobs.bury(c, late, START, "late"),
    ):
        with pytest.raises(LeaseLost):
            bench.database.write(settle)
    (job,) = bench.left()
    assert (job.fence, job.state, job.error) == (mine.fence, {"name": "one"}, None)
    assert bench.alarms() == []


def test_what_a_handler_writes_and_the_end_of_its_job_are_one_transaction(bench: Bench) -> None:
    bench.put("one")

    def half(connection: Connection) -> None:
        jobs.alarm(connection, START, "work", "half done")
        raise ValueError("in the middle of the write")

    bench.runner(lambda job: Settled(half)).run_due()
    assert bench.alarms() == []
    assert [job.error for job in bench.left()] == ["internal error"]


def test_a_job_that_goes_on_keeps_its_new_state_and_counts_its_attempts_afresh(bench: Bench) -> None:
    bench.put("one")
    seen: list[Mapping[str, object]] = []

    def steps(job: Job) -> Settled:
        seen.append(job.state)
        if len(seen) == 1:
            return Settled(again=bench.clock.now() + timedelta(seconds=5), state={"name": "two"})
        return Settled()

    runner = bench.runner(steps)
    runner.run_due()
    assert [(job.attempts, job.state) for job in bench.left()] == [(0, {"name": "two"})]
    assert runner.run_due() == 0
    bench.clock.advance(5)
    runner.run_due()
    assert seen == [{"name": "one"}, {"name": "two"}]


# Trouble --------------------------------------------------------------------------------------------------------


def test_the_pauses_between_attempts_double_up_to_an_hour() -> None:
    pauses = [USUAL.back_off(n).total_seconds() for n in range(1, 13)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


def test_temporary_trouble_is_tried_again_after_the_pause_with_its_reason(bench: Bench) -> None:
    bench.put("one")

    def away(_: Job) -> Settled:
        raise Temporary("the carrier is away")

    runner = bench.runner(away)
    assert runner.run_due() == 1
    (job,) = bench.left()
    assert (job.run_at, job.error, job.attempts) == (START + timedelta(seconds=5), "the carrier is away", 1)
    bench.clock.advance(4.9)
    assert runner.run_due() == 0
    bench.clock.advance(0.1)
    assert runner.run_due() == 1
    assert bench.left()[0].run_at == bench.clock.now() + timedelta(seconds=10)
    assert bench.alarms() == []


def test_trouble_that_goes_on_alarms_once_and_once_more_when_it_is_given_up(bench: Bench) -> None:
    bench.put("one")
    tried: list[int] = []

    def away(job: Job) -> Settled:
        tried.append(job.attempts)
        raise Temporary("the carrier is away")

    runner = bench.runner(away)
    for _ in range(30):
        bench.clock.advance(3600)
        runner.run_due()
    assert tried == list(range(1, USUAL.give_up_at + 1))
    kinds, words = zip(*bench.alarms(), strict=True)
    assert kinds == ("failing-job", "dead-job")
    assert all("the carrier is away" in line for line in words)
    assert [job.run_at for job in bench.left()] == [None]


def test_permanent_trouble_is_given_up_at_once(bench: Bench) -> None:
    bench.put("one")

    def never(_: Job) -> Settled:
        raise Permanent("this number does not exist")

    runner = bench.runner(never)
    runner.run_due()
    bench.clock.advance(3600)
    assert runner.run_due() == 0
    assert [kind for kind, _ in bench.alarms()] == ["dead-job"]
    assert [job.error for job in bench.left()] == ["this number does not exist"]


def test_a_handlers_own_fault_is_tried_again_says_nothing_inside_and_stops_no_other(bench: Bench) -> None:
    bench.put("broken")
    bench.put("fine", after=0.001)
    bench.clock.advance(1)

    def handler(job: Job) -> Settled:
        if job.state["name"] == "broken":
            raise KeyError("secret")
        return bench.do(job)

    assert bench.runner(handler).run_due() == 2
    assert bench.ran == ["fine"]
    assert [job.error for job in bench.left()] == ["internal error"]


def test_a_job_that_kills_its_worker_every_time_is_given_up_too(bench: Bench) -> None:
    bench.put("one")
    for _ in range(USUAL.give_up_at):
        assert len(bench.claim()) == 1  # and then the process is gone
        bench.clock.advance(31)
    bench.runner().run_due()
    assert bench.ran == []
    assert [kind for kind, _ in bench.alarms()] == ["dead-job"]


def test_a_kind_has_its_own_patience(bench: Bench) -> None:
    bench.put("one")

    def away(_: Job) -> Settled:
        raise Temporary("the carrier is away")

    patience = Patience(alarm_at=1, give_up_at=100, longest=timedelta(seconds=15))
    runner = Runner(bench.database, bench.clock, {"work": away}, patience={"work": patience})
    for _ in range(20):
        runner.run_due()
        (job,) = bench.left()
        assert job.run_at is not None
        assert job.run_at - bench.clock.now() <= timedelta(seconds=15)
        bench.clock.advance(15)
    assert [kind for kind, _ in bench.alarms()] == ["failing-job"]


def test_a_dead_job_can_be_revived(bench: Bench) -> None:
    bench.put("one")
    (job,) = bench.claim()
    bench.database.write(lambda c: jobs.bury(c, job, START, "given up"))
    assert bench.database.write(lambda c: jobs.revive(c, job.id, bench.clock.now())) is True
    bench.runner().run_due()
    assert bench.ran == ["one"]


# Hasten and cancel ----------------------------------------------------------------------------------------------


def test_a_hastened_job_is_due_now(bench: Bench) -> None:
    bench.put("one", after=3600, ticket=7)
    bench.put("another ticket's", after=3600, ticket=8)
    assert bench.database.write(lambda c: jobs.hasten(c, "work", 7, bench.clock.now())) is True
    bench.runner().run_due()
    assert bench.ran == ["one"]
    assert bench.database.write(lambda c: jobs.hasten(c, "work", 9, bench.clock.now())) is False


def test_a_job_that_is_hastened_while_it_runs_runs_again_on_what_has_changed(bench: Bench) -> None:
    bench.put("one", ticket=7)
    rounds: list[int] = []

    def handler(job: Job) -> Settled:
        rounds.append(job.fence)
        if len(rounds) == 1:
            bench.database.write(lambda c: jobs.hasten(c, "work", 7, bench.clock.now()))
        return Settled(again=bench.clock.now() + timedelta(hours=1))

    runner = bench.runner(handler)
    while runner.run_due():
        pass
    assert len(rounds) == 2
    assert [job.run_at for job in bench.left()] == [START + timedelta(hours=1)]


def test_a_dead_job_is_not_woken_by_news(bench: Bench) -> None:
    bench.put("one", ticket=7)
    (job,) = bench.claim()
    bench.database.write(lambda c: jobs.bury(c, job, START, "given up"))
    assert bench.database.write(lambda c: jobs.hasten(c, "work", 7, START)) is False


def test_a_cancelled_job_does_not_run_and_who_holds_it_can_not_settle_it(bench: Bench) -> None:
    bench.put("one", ticket=7)
    (held,) = bench.claim()
    bench.database.write(lambda c: jobs.cancel(c, "work", 7))
    with pytest.raises(LeaseLost):
        bench.database.write(lambda c: jobs.finish(c, held))
    bench.clock.advance(60)
    assert bench.runner().run_due() == 0


# Threads and wake-ups -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def working(runner: Runner) -> Iterator[None]:
    runner.start()
    try:
        yield
    finally:
        runner.stop()


def test_a_new_job_begins_long_before_the_next_look(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def handler(job: Job) -> Settled:
        begun.set()
        return bench.do(job)

    monkeypatch.setattr(runners, "POLL_SECONDS", 120.0)
    with working(bench.runner(handler)):
        time.sleep(0.3)  # the worker has looked, found nothing and gone to sleep; only a wake-up can help
        bench.put("one")
        assert begun.wait(30)


def test_a_job_that_another_replica_puts_down_begins_long_before_the_next_look(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "POLL_SECONDS", 120.0)
    begun = threading.Event()
    with stock.fresh("postgresql", MIGRATED) as url, contextlib.ExitStack() as stack:
        here, there = (Bench(stack.enter_context(contextlib.closing(open_database(url)))) for _ in range(2))

        def handler(job: Job) -> Settled:
            begun.set()
            return here.do(job)

        with working(here.runner(handler)):
            time.sleep(0.5)
            there.put("one")
            assert begun.wait(30)


def test_stopping_waits_for_what_is_running(bench: Bench) -> None:
    begun, go = threading.Event(), threading.Event()

    def handler(job: Job) -> Settled:
        begun.set()
        assert go.wait(10)
        return bench.do(job)

    runner = bench.runner(handler)
    bench.put("one")
    with working(runner):
        assert begun.wait(10)
        threading.Timer(0.1, go.set).start()
    assert (bench.ran, bench.left()) == (["one"], [])


def test_one_slow_job_does_not_hold_up_the_others(bench: Bench) -> None:
    go, done = threading.Event(), threading.Event()

    def handler(job: Job) -> Settled:
        if job.state["name"] == "slow":
            assert go.wait(10)
        else:
            done.set()
        return bench.do(job)

    bench.put("slow")
    bench.put("quick")
    with working(bench.runner(handler)):
        assert done.wait(10)
        go.set()
