"""The clock's door: claims due jobs and runs their handlers. `app` hands in {kind: handler}.

A handler does its work outside any transaction and returns how to settle: `Settled(write, again, state)`. The write,
and the job's end or its next `run_at`, are one transaction under the job's fence, so a worker that lost its lease
stores nothing. Temporary and unexpected trouble backs off and, when it goes on, alarms; Permanent trouble, or too many
attempts, buries the job with an alarm. How patient to be is data by kind; no kind is known here.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog
from sqlalchemy import Connection

from gateway.clock import Clock
from gateway.errors import Permanent, Temporary
from gateway.store import jobs
from gateway.store.database import Database
from gateway.store.jobs import STORED, Handler, Job, LeaseLost, Patience, Settled

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
POLL_SECONDS = 5.0
PATIENT_SECONDS = 2.0  # between two rounds of patient jobs while a wave of mails lasts
BY_AGE_EVERY = 32  # claims: then one place goes to whatever is due the longest, or what can wait might wait for ever
STAND_BACK_SECONDS = 0.25  # between two rounds of jobs while somebody at a door waits for a promise
USUAL = Patience()


@dataclass(frozen=True, slots=True)
class Lane:
    """Kinds that have workers of their own: whatever fills the others, however slow, does not hold them up. `lease`: at the
    most, so that somebody else goes on sooner when a worker dies; longer than any of these jobs takes."""

    kinds: frozenset[str]
    workers: int
    lease: timedelta = timedelta.max


class _Crew:
    """The workers of a lane: which kinds they do, in which order, and how many of them have nothing to do."""

    def __init__(self, kinds: Collection[str], patient: Collection[str], workers: int, lease: timedelta) -> None:
        self.kinds = sorted(kinds)
        self.ranks = [sorted(set(kinds).difference(patient)), sorted(set(kinds).intersection(patient))]
        self.workers = workers
        self.lease = lease
        self.free = threading.Semaphore(workers)
        self.claims = 0

    def idle(self) -> int:
        """Take everybody who is free."""
        found = 0
        while self.free.acquire(blocking=False):
            found += 1
        return found


class Runner:
    """Runs due jobs: `run_due` once in this thread (tests move the clock), or `start`/`stop` with worker threads."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Handler],
        *,
        patient: Collection[str] = (),
        patience: Mapping[str, Patience] = MappingProxyType({}),
        workers: int = 4,
        lanes: Sequence[Lane] = (),
        lease: timedelta = LEASE,
    ) -> None:
        """`patient`: the kinds that every other goes before when many jobs are due. `patience`: by kind, if not usual."""
        self._patience = patience
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._kinds = sorted(handlers)
        rest = set(handlers).difference(*(lane.kinds for lane in lanes))
        self._crews = [
            _Crew(lane.kinds.intersection(handlers), (), lane.workers, min(lane.lease, lease)) for lane in lanes
        ]
        self._crews.append(_Crew(rest, patient, workers, lease))
        self._patiently = True
        self._patient_at = float("-inf")
        self._lease = lease
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._busy: Callable[[], bool] = lambda: False

    def run_due(self) -> int:
        """Claim what is due now and run it in this thread; says how many ran."""
        now, due = self._clock.now(), self.next_due()
        if due is None or due > now:
            return 0
        claimed = self._claim(now, {crew: crew.workers for crew in self._crews})
        for _crew, job in claimed:
            self._run(job)
        return len(claimed)

    def next_due(self) -> datetime | None:
        return self._next_due(self._kinds)

    def _next_due(self, kinds: Sequence[str]) -> datetime | None:
        return self._database.read(lambda connection: jobs.next_due(connection, kinds))

    def start(self, busy: Callable[[], bool] = lambda: False) -> None:
        """`busy`: jobs stand back then, so that a wave of mails is promised before it is acknowledged."""
        self._busy = busy
        self._database.on_wake(self._woken.set)
        self._thread = threading.Thread(target=self._loop, name="presa-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more jobs and wait for the running ones; what is cut off comes back when its lease ends."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=self._lease.total_seconds())

    def _loop(self) -> None:
        workers = sum(crew.workers for crew in self._crews)
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="presa-job") as pool:
            while not self._stopping.is_set():
                if self._busy():
                    self._stopping.wait(STAND_BACK_SECONDS)
                self._patiently = self._may_be_patient()
                self._woken.clear()
                try:
                    wait = self._round(pool)
                except (
                    Exception
                ) as trouble:  # the loop's edge: the database may be away; it goes on by itself when it is back
                    log.warning("jobs.round_failed", error=str(trouble))
                    wait = POLL_SECONDS
                if wait > 0:
                    self._woken.wait(wait)

    def _may_be_patient(self) -> bool:
        """Patient jobs wait for the end of a wave, but never longer than PATIENT_SECONDS."""
        now = time.monotonic()
        if self._busy() and now - self._patient_at < PATIENT_SECONDS:
            return False
        self._patient_at = now
        return True

    def _round(self, pool: ThreadPoolExecutor) -> float:
        """Hand due jobs to free workers; how long to sleep then, in seconds."""
        free = {crew: idle for crew in self._crews if (idle := crew.idle())}
        now = self._clock.now()
        claimed: list[tuple[_Crew, Job]] = []
        try:
            due = self._next_due([kind for crew in free for kind in crew.kinds]) if free else None
            if due is not None and due <= now:  # looking is cheap and takes no write lock
                claimed = self._claim(now, free)
        finally:
            for crew, idle in free.items():
                for _ in range(idle - sum(theirs is crew for theirs, _job in claimed)):
                    crew.free.release()
        for crew, job in claimed:
            pool.submit(self._run_and_free, crew, job)
        if claimed:
            return 0.0
        return POLL_SECONDS if due is None else min(POLL_SECONDS, max(0.0, (due - now).total_seconds()))

    def _claim(self, now: datetime, free: Mapping[_Crew, int]) -> list[tuple[_Crew, Job]]:
        """What is due for these crews, as many jobs each as said."""
        return self._database.write(
            lambda connection: [
                (c, job) for c, limit in free.items() for job in self._claimed(connection, now, c, limit)
            ]
        )

    def _claimed(self, connection: Connection, now: datetime, crew: _Crew, limit: int) -> tuple[Job, ...]:
        claimed: tuple[Job, ...] = ()
        crew.claims += 1
        if crew.claims % BY_AGE_EVERY == 0 and self._patiently:
            claimed = jobs.claim(connection, now, 1, crew.lease, crew.kinds, by_age=True)
        for kinds in crew.ranks if self._patiently else crew.ranks[:1]:
            if kinds and len(claimed) < limit:
                claimed += jobs.claim(connection, now, limit - len(claimed), crew.lease, kinds)
        return claimed

    def _run_and_free(self, crew: _Crew, job: Job) -> None:
        try:
            self._run(job)
        finally:
            crew.free.release()
            self._woken.set()

    def _run(self, job: Job) -> None:
        try:
            if job.attempts > self._patience_of(job).give_up_at:
                raise Permanent(job.error or "it never came to an end")
            settled = self._handlers[job.kind](job)
            if settled is not STORED:
                self._database.write(lambda connection: self._settle(connection, job, settled))
        except LeaseLost:
            log.info("jobs.lease_lost", job=job.id, kind=job.kind)
        except Permanent as trouble:
            self._give_up(job, trouble.public)
        except Temporary as trouble:
            self._retry(job, trouble.public)
        except (
            Exception
        ) as trouble:  # a handler's own fault must not stop the others; it is retried and, in the end, buried
            log.error("jobs.failed", job=job.id, kind=job.kind, exc_info=trouble)
            self._retry(job, "internal error")

    def _settle(self, connection: Connection, job: Job, settled: Settled) -> None:
        if settled.again is None:
            jobs.finish(connection, job)
        else:
            jobs.again(connection, job, settled.again, job.state if settled.state is None else settled.state)
        if settled.write is not None:
            settled.write(connection)

    def _retry(self, job: Job, why: str) -> None:
        patience, now = self._patience_of(job), self._clock.now()
        if job.attempts >= patience.give_up_at:
            self._give_up(job, why)
            return

        def write(connection: Connection) -> None:
            jobs.back_off(connection, job, now + patience.back_off(job.attempts), why)
            if job.attempts == patience.alarm_at:
                words = f"Job {job.id} ({job.kind}) failed {job.attempts} times and is still tried: {why}"
                jobs.alarm(connection, now, "failing-job", words, job.ticket_id)

        self._quietly(write)

    def _patience_of(self, job: Job) -> Patience:
        return self._patience.get(job.kind, USUAL)

    def _give_up(self, job: Job, why: str) -> None:
        log.error("jobs.dead", job=job.id, kind=job.kind, ticket=job.ticket_id, why=why)
        now = self._clock.now()
        self._quietly(lambda connection: jobs.bury(connection, job, now, why))

    def _quietly(self, write: Callable[[Connection], None]) -> None:
        """Write about a failure; when even that fails, the lease ends and the job comes back."""
        try:
            self._database.write(write)
        except LeaseLost:
            log.info("jobs.lease_lost")
        except Temporary as trouble:
            log.warning("jobs.unwritten", why=trouble.public)
