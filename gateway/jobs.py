"""The clock's door: claims due jobs and runs their handlers. `app` hands in {kind: handler}.

A handler does its work outside any transaction and returns how to settle: `Settled(write, again, state)`. The write,
and the job's end or its next `run_at`, are one transaction under the job's fence, so a worker that lost its lease
stores nothing. Temporary and unexpected trouble backs off and, when it goes on, alarms; Permanent trouble, or too many
attempts, buries the job with an alarm. How patient to be is data by kind; no kind is known here.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog
from sqlalchemy import Connection

from gateway.clock import Clock
from gateway.errors import Permanent, Temporary
from gateway.store import jobs
from gateway.store.database import Database
from gateway.store.jobs import Handler, Job, LeaseLost, Patience, Settled

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
POLL_SECONDS = 5.0
PATIENT_SECONDS = 2.0  # between two rounds of patient jobs while a wave of mails lasts
STAND_BACK_SECONDS = 0.25  # between two rounds of jobs while somebody at a door waits for a promise
USUAL = Patience()


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
        lease: timedelta = LEASE,
    ) -> None:
        """`patient`: the kinds that every other goes before when many jobs are due. `patience`: by kind, if not usual."""
        self._patience = patience
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._kinds = sorted(handlers)
        self._ranks = [sorted(set(handlers).difference(patient)), sorted(set(handlers).intersection(patient))]
        self._turns = self._ranks
        self._patient_at = float("-inf")
        self._workers = workers
        self._lease = lease
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._free = threading.Semaphore(workers)
        self._thread: threading.Thread | None = None
        self._busy: Callable[[], bool] = lambda: False

    def run_due(self) -> int:
        """Claim what is due now and run it in this thread; says how many ran."""
        claimed = self._claim(self._workers)
        for job in claimed:
            self._run(job)
        return len(claimed)

    def next_due(self) -> datetime | None:
        return self._database.read(lambda connection: jobs.next_due(connection, self._kinds))

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
        with ThreadPoolExecutor(max_workers=self._workers, thread_name_prefix="presa-job") as pool:
            while not self._stopping.is_set():
                if self._busy():
                    self._stopping.wait(STAND_BACK_SECONDS)
                self._turns = self._ranks if self._may_be_patient() else self._ranks[:1]
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
        free = 0
        while free < self._workers and self._free.acquire(
            blocking=free == 0, timeout=POLL_SECONDS if free == 0 else None
        ):
            free += 1
        claimed = self._claim(free)
        for _ in range(free - len(claimed)):
            self._free.release()
        for job in claimed:
            pool.submit(self._run_and_free, job)
        if claimed:
            return 0.0
        due = self.next_due()
        if due is None:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(0.0, (due - self._clock.now()).total_seconds()))

    def _claim(self, limit: int) -> tuple[Job, ...]:
        now = self._clock.now()
        due = self.next_due()
        if due is None or due > now:  # looking is cheap and takes no write lock
            return ()
        return self._database.write(lambda connection: self._claimed(connection, now, limit))

    def _claimed(self, connection: Connection, now: datetime, limit: int) -> tuple[Job, ...]:
        claimed: tuple[Job, ...] = ()
        for kinds in self._turns:
            if kinds and len(claimed) < limit:
                claimed += jobs.claim(connection, now, limit - len(claimed), self._lease, kinds)
        return claimed

    def _run_and_free(self, job: Job) -> None:
        try:
            self._run(job)
        finally:
            self._free.release()
            self._woken.set()

    def _run(self, job: Job) -> None:
        try:
            if job.attempts > self._patience_of(job).give_up_at:
                raise Permanent(job.error or "it never came to an end")
            settled = self._handlers[job.kind](job)
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
