"""The jobs table: everything that must happen later, put down in the transaction that made it necessary.

A job is claimed by moving its `run_at` forward (the lease) and raising its fence; whoever settles it must still hold that
fence. `attempts` counts claims since the last progress, so a job that kills its process is counted too.
Nothing here runs a job; that is `gateway.jobs`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.database import log_committed, wake_jobs
from gateway.store.prepared import Prepared
from gateway.store.tables import alarms, jobs
from routing import numbers


class LeaseLost(Exception):
    """Another worker has taken this job since; whatever was about to be stored for it must not be."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed (or listed) job. `state` is the handler's own JSON."""

    id: int
    kind: str
    ticket_id: int | None
    run_at: datetime | None
    fence: int
    attempts: int
    state: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a handler wants stored: `write(connection)`; then the job ends, or goes on at `again` with `state`."""

    write: Callable[[Connection], None] | None = None
    again: datetime | None = None
    state: Mapping[str, Any] | None = None


STORED = Settled()
"""The handler has settled its job itself, in a transaction of its own, under the job's fence."""

Handler = Callable[[Job], Settled]

FIRST_BACK_OFF = timedelta(seconds=5)
# Kinds of which there is always one; nobody waits for them.
COMING_BACK = ("held", "balance", "retain", "duty-watch", "duty-handoffs", "duty-calendars", "watchdog", "silent-calls")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a kind of job is tried: an alarm at the n-th failed attempt in a row, given up at the last, and the
    longest wait between two (5 s at first, doubling)."""

    alarm_at: int = 5
    give_up_at: int = 12
    longest: timedelta = timedelta(hours=1)

    def back_off(self, attempts: int) -> timedelta:
        """How long to wait after the n-th failed attempt."""
        return min(FIRST_BACK_OFF * (1 << min(20, max(0, attempts - 1))), self.longest)


# What goes first when more is late than can be done at once: 0 before 1. A ticket's jobs have its priority's urgency. No
# kind that may wait shares an urgency with one that may not: whoever looks for the one would have to pass all of the other.
OF_PRIORITY: Mapping[str, int] = {"P1": 1, "urgent": 1, "P2": 2, "P3": 3, "normal": 3, "P4": 4}
USUAL = OF_PRIORITY["P3"]
OF_KIND: Mapping[str, int] = {"watchdog": -1, "page": 0, "proof": 0, "note": 0, "acknowledge": 9}
AFTER: Mapping[str, int] = {"relate": 4}  # by its ticket's priority too, after all else that is


def urgency_of(kind: str, priority: str = "") -> int:
    """Of a job of this kind on a ticket of this priority."""
    return OF_KIND.get(kind, OF_PRIORITY.get(priority, USUAL) + AFTER.get(kind, 0))


def urgencies(kinds: Sequence[str]) -> tuple[int, ...]:
    """All that jobs of these kinds may have, the most urgent first."""
    return tuple(sorted({urgency_of(kind, priority) for kind in kinds for priority in OF_PRIORITY}))


def add(
    connection: Connection, kind: str, run_at: datetime, state: Mapping[str, Any], ticket_id: int | None = None,
    priority: str = "",
) -> None:  # fmt: skip
    """Put a job down; it is there if and only if the caller's transaction commits. `priority`: of its ticket."""
    add_all(connection, [(kind, run_at, state)], ticket_id, priority)


_JOB = tuple(jobs.c[name] for name in ("id", "kind", "ticket_id", "run_at", "fence", "attempts", "state", "error"))
_INSERT = Prepared(sa.insert(jobs))
_HOLDS = Prepared(
    sa.select(jobs.c.id).where(jobs.c.id == sa.bindparam("job"), jobs.c.fence == sa.bindparam("held")).with_for_update()
)
_AGAIN = Prepared(
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("job"), jobs.c.fence == sa.bindparam("held"))
    .values(
        run_at=sa.bindparam("at", type_=jobs.c.run_at.type),
        state=sa.bindparam("now", type_=jobs.c.state.type),
        attempts=sa.literal_column("0"),
        error=sa.null(),
    )
)
_FINISH = Prepared(sa.delete(jobs).where(jobs.c.id == sa.bindparam("job"), jobs.c.fence == sa.bindparam("held")))


Todo = tuple[str, datetime, Mapping[str, Any]]
"""A job to put down: kind, run_at, state."""


def add_all(connection: Connection, todo: Sequence[Todo], ticket_id: int | None, priority: str = "") -> None:
    """Several jobs of one ticket in one statement."""
    rows = [
        {
            "kind": kind,
            "ticket_id": ticket_id,
            "run_at": run_at,
            "fence": 0,
            "attempts": 0,
            "state": state,
            "error": None,
            "urgency": urgency_of(kind, priority),
        }
        for kind, run_at, state in todo
    ]
    if rows:
        _INSERT.run_all(connection, rows)
        wake_jobs(connection)


def keep_going(connection: Connection, kinds: Sequence[str], now: datetime) -> None:
    """Jobs that come back for ever, one of each kind: put down when there is none, due now when put off beyond a day (a
    clock was set back)."""
    for kind in kinds:
        far = sa.update(jobs).where(jobs.c.kind == kind, jobs.c.run_at > now + timedelta(days=1)).values(run_at=now)
        connection.execute(far)
        if connection.execute(sa.select(jobs.c.id).where(jobs.c.kind == kind).limit(1)).first() is None:
            add(connection, kind, now, {})


def claim(
    connection: Connection, now: datetime, limit: int, lease: timedelta, kinds: Sequence[str], *, by_age: bool = False
) -> tuple[Job, ...]:
    """Lease up to `limit` due jobs, the most urgent first and of those the longest due (`by_age`: the longest due,
    whatever its urgency); other workers skip them until the lease ends."""
    found = _due(tuple(kinds), by_age).rows(connection, {"now": now, "most": limit})
    if not found:
        return ()
    order = [job_id for (job_id,) in found]
    places = {f"job_{place}": job_id for place, job_id in enumerate(order)}
    taken = _lease(len(order)).rows(connection, {**places, "until": now + lease})
    return tuple(sorted((Job(*row) for row in taken), key=lambda job: order.index(job.id)))


@lru_cache(maxsize=64)
def _due(kinds: tuple[str, ...], by_age: bool) -> Prepared:
    """What is due of these kinds. By urgency it is one walk along an index for each, which ends with the last job that is
    wanted: it costs the same however many are pending or late, and the next walk begins only when there is room left."""
    most = sa.bindparam("most", type_=sa.Integer)
    ours = jobs.c.kind.in_([sa.literal_column(f"'{kind}'") for kind in kinds])
    due = sa.select(jobs.c.id).where(jobs.c.run_at <= sa.bindparam("now"), ours).order_by(jobs.c.run_at, jobs.c.id)
    due = due.limit(most).with_for_update(skip_locked=True)
    if by_age:
        return Prepared(due)
    walks = [due.where(jobs.c.urgency == sa.literal_column(str(urgency))) for urgency in urgencies(kinds)]
    return Prepared(sa.select(sa.union_all(*(sa.select(walk.subquery()) for walk in walks)).subquery()).limit(most))


@lru_cache(maxsize=64)
def _lease(count: int) -> Prepared:
    """Lease so many jobs."""
    taken = sa.update(jobs).where(jobs.c.id.in_([sa.bindparam(f"job_{place}") for place in range(count)]))
    one: sa.ColumnElement[int] = sa.literal_column("1")
    taken = taken.values(run_at=sa.bindparam("until"), fence=jobs.c.fence + one, attempts=jobs.c.attempts + one)
    return Prepared(taken.returning(*_JOB))


def next_due(connection: Connection, kinds: Sequence[str]) -> datetime | None:
    """When the next living job is due (leased ones: when their lease ends)."""
    found = _next(tuple(kinds)).first(connection, {})
    return found[0] if found else None


@lru_cache(maxsize=64)
def _next(kinds: tuple[str, ...]) -> Prepared:
    ours = jobs.c.kind.in_([sa.literal_column(f"'{kind}'") for kind in kinds])
    living = sa.select(jobs.c.run_at).where(jobs.c.run_at.isnot(None), ours)
    return Prepared(living.order_by(jobs.c.run_at).limit(sa.literal_column("1")))


def finish(connection: Connection, job: Job) -> None:
    """The job is done and goes; raises LeaseLost when the fence has moved on."""
    _held(_FINISH.run(connection, {"job": job.id, "held": job.fence}))


def again(connection: Connection, job: Job, run_at: datetime, state: Mapping[str, Any]) -> None:
    """The job made progress and goes on at `run_at` with a new state and fresh attempts."""
    _held(_AGAIN.run(connection, {"job": job.id, "held": job.fence, "at": run_at, "now": state}))


def keep(connection: Connection, job: Job, state: Mapping[str, Any]) -> None:
    """Write the job's state under its lease, before an effect outside (the intent)."""
    _change(connection, job, state=state)


def holds(connection: Connection, job: Job) -> bool:
    """Does this worker still hold the job? If so, nobody takes it before this transaction ends."""
    return bool(_HOLDS.rows(connection, {"job": job.id, "held": job.fence}))


def back_off(connection: Connection, job: Job, run_at: datetime, error: str) -> None:
    """The attempt failed for now."""
    _change(connection, job, run_at=run_at, error=error)


def bury(connection: Connection, job: Job, now: datetime, error: str) -> None:
    """The job is given up: it stays, dead, and an alarm says so."""
    _change(connection, job, run_at=None, error=error)
    alarm(
        connection,
        now,
        "dead-job",
        f"Job {job.id} ({job.kind}) was given up after {job.attempts} attempts: {error}",
        job.ticket_id,
    )


def revive(connection: Connection, job_id: int, now: datetime) -> bool:
    """Run a dead job again at once."""
    found = connection.execute(
        sa.update(jobs).where(jobs.c.id == job_id, jobs.c.run_at.is_(None)).values(run_at=now, attempts=0)
    )
    wake_jobs(connection)
    return bool(found.rowcount)


def hasten(connection: Connection, kind: str, ticket_id: int, now: datetime, priority: str = "") -> bool:
    """Make a ticket's job of this kind due now, as urgent as its `priority`; False when there is none. A worker that
    holds it goes on, but the raised fence refuses its settling and the job runs again on what has changed. News is
    progress: attempts count afresh."""
    urgent = {"urgency": urgency_of(kind, priority)} if priority in OF_PRIORITY else {}
    changed = connection.execute(
        sa.update(jobs)
        .where(jobs.c.kind == kind, jobs.c.ticket_id == ticket_id, jobs.c.run_at.isnot(None))
        .values(run_at=now, fence=jobs.c.fence + 1, attempts=0, **urgent)
    )
    wake_jobs(connection)
    return changed.rowcount > 0


def call_up(connection: Connection, kinds: Sequence[str], now: datetime) -> None:
    """Jobs that come back look again now, for what they look at has changed; whoever holds one cannot settle it."""
    due = sa.update(jobs).where(jobs.c.kind.in_(kinds), jobs.c.run_at.isnot(None))
    connection.execute(due.values(run_at=now, fence=jobs.c.fence + 1))
    wake_jobs(connection)


WATCH_WITHIN = timedelta(seconds=20)


def watch_soon(connection: Connection, now: datetime) -> None:
    """A page has been opened: the watchdog, which sleeps while there is none, looks soon."""
    asleep = sa.update(jobs).where(jobs.c.kind == "watchdog", jobs.c.run_at > now + WATCH_WITHIN)
    connection.execute(asleep.values(run_at=now + WATCH_WITHIN))


def no_later(connection: Connection, kind: str, at: datetime) -> None:
    """A job that comes back looks at that instant, if it would sleep longer."""
    _NO_LATER.run(connection, {"wanted": kind, "by": at})


_NO_LATER = Prepared(
    sa.update(jobs)
    .where(jobs.c.kind == sa.bindparam("wanted"), jobs.c.run_at > sa.bindparam("by", type_=jobs.c.run_at.type))
    .values(run_at=sa.bindparam("by", type_=jobs.c.run_at.type))
)


def cancel(connection: Connection, kind: str, ticket_id: int) -> None:
    """A ticket's jobs of this kind are not needed any more; a worker that holds one cannot settle it."""
    connection.execute(
        sa.delete(jobs).where(jobs.c.kind == kind, jobs.c.ticket_id == ticket_id, jobs.c.run_at.isnot(None))
    )


def every(connection: Connection) -> Iterator[Job]:
    """All jobs: the dead ones, then the others in the order in which they are due."""
    query = sa.select(jobs).order_by(jobs.c.run_at.asc().nulls_first(), jobs.c.id)
    return (_job(row) for row in connection.execute(query))


def dead(connection: Connection) -> tuple[Job, ...]:
    return tuple(
        _job(row) for row in connection.execute(sa.select(jobs).where(jobs.c.run_at.is_(None)).order_by(jobs.c.id))
    )


def of_ticket(connection: Connection, ticket_id: int) -> tuple[Job, ...]:
    return tuple(
        _job(row)
        for row in connection.execute(sa.select(jobs).where(jobs.c.ticket_id == ticket_id).order_by(jobs.c.id))
    )


def late(connection: Connection, now: datetime, by: timedelta) -> int:
    """How many living jobs are overdue by more than `by`: a sign that no worker runs."""
    due = sa.select(sa.func.count()).where(jobs.c.run_at < now - by, jobs.c.kind.not_in(COMING_BACK))
    return connection.execute(due).scalar_one()


def alarm(connection: Connection, now: datetime, kind: str, words: str, ticket_id: int | None = None) -> None:
    """Something a person must look at: in the console, in `presa check`, and as a line of the log that names no words."""
    connection.execute(sa.insert(alarms), {"at": now, "kind": kind, "words": words, "ticket_id": ticket_id})
    log_committed(connection, "alarm", kind=kind, ticket=ticket_id and numbers.digits_of(ticket_id))


def _change(connection: Connection, job: Job, **values: Any) -> None:
    changed = sa.update(jobs).where(jobs.c.id == job.id, jobs.c.fence == job.fence).values(**values)
    _held(connection.execute(changed).rowcount)


def _held(rows: int) -> None:
    if rows != 1:
        raise LeaseLost


def _job(row: sa.Row[Any]) -> Job:
    return Job(row.id, row.kind, row.ticket_id, row.run_at, row.fence, row.attempts, row.state, row.error)
