"""What must be true of Presa's database whenever its process was killed, and once all is quiet again.

Each function returns the faults that it found, in words; none is good.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import reports, tables
from gateway.store.database import Database
from gateway.store.jobs import COMING_BACK
from routing import paging

T = tables


def whole(connection: Connection) -> Iterator[str]:
    """At any moment, also right after a kill: nothing is half done."""
    yield from (f"report {one} names a ticket that is not there" for one in reports.orphans(connection))
    yield from (f"ticket {one} has no report" for one in reports.unreported(connection))
    known = set(connection.execute(sa.select(T.tickets.c.id)).scalars())
    jobs = connection.execute(sa.select(T.jobs)).all()
    of_tickets = [job for job in jobs if job.kind not in COMING_BACK]
    yield from (f"job {job.id} ({job.kind}) has no ticket" for job in of_tickets if job.ticket_id not in known)
    yield from (f"job {job.id} ({job.kind}) is dead: {job.error}" for job in jobs if job.run_at is None)
    yield from _raws(connection)
    yield from _tickets_without_jobs(connection, {(job.kind, job.ticket_id) for job in jobs})
    pages = {page.id for page in connection.execute(sa.select(T.pages).where(T.pages.c.open))}
    waiting = [job.state["page"] for job in jobs if job.kind == "page"]
    yield from (f"page {one} is open and has no job" for one in sorted(pages - set(waiting)))
    yield from (f"page {one} has {n} jobs" for one, n in Counter(waiting).items() if n > 1)
    ids = connection.execute(
        sa.select(T.reports.c.message_id, sa.func.count())
        .where(T.reports.c.outcome != "duplicate", T.reports.c.message_id.isnot(None))
        .group_by(T.reports.c.message_id)
        .having(sa.func.count() > 1)
    )
    yield from (f"{one} was filed {n} times" for one, n in ids)


def _raws(connection: Connection) -> Iterator[str]:
    missing = sa.select(T.reports.c.id).where(
        T.reports.c.sha256.isnot(None), ~sa.exists().where(T.raws.c.sha256 == T.reports.c.sha256)
    )
    yield from (f"report {one} has no raw" for one in connection.execute(missing).scalars())


def _tickets_without_jobs(connection: Connection, have: Collection[tuple[str, int | None]]) -> Iterator[str]:
    """What each ticket needs: a clock, and an acknowledgement that is on its way, has gone, or was told not to go."""
    lettered = set(connection.execute(sa.select(T.letters.c.ticket_id)).scalars())
    paged = set(connection.execute(sa.select(T.pages.c.ticket_id)).scalars())
    query = sa.select(T.tickets, T.reports.c.acknowledge).join(
        T.reports, sa.and_(T.reports.c.ticket_id == T.tickets.c.id, T.reports.c.outcome == "new")
    )
    for ticket in connection.execute(query):
        if ticket.next_due is not None and ("clock", ticket.id) not in have:
            yield f"ticket {ticket.id} has no clock"
        if ticket.acknowledge and ("acknowledge", ticket.id) not in have and ticket.id not in lettered:
            yield f"ticket {ticket.id} has neither an acknowledgement nor a job to write one"
        if ticket.priority == "P1" and ticket.id not in paged:
            yield f"ticket {ticket.id} is P1 and has no page"


def quiet(connection: Connection) -> bool:
    """Nothing is waiting but clocks and the house's own rounds."""
    return not waiting(connection) and not open_pages(connection)


def waiting(connection: Connection) -> list[str]:
    """The jobs that have still to be done, in words."""
    rows = connection.execute(sa.select(T.jobs).where(T.jobs.c.kind.not_in(("clock", *COMING_BACK)))).all()
    return [str(row) for row in rows]


def open_pages(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).where(T.pages.c.open)).scalar_one()


def promises(connection: Connection, promised: Collection[str], given_up: Collection[str]) -> Iterator[str]:
    """Every Message-ID that was answered 250 is there exactly once; one that was not, at most once."""
    rows = connection.execute(
        sa.select(T.reports.c.message_id, T.reports.c.ticket_id).where(T.reports.c.outcome == "new")
    )
    filed = Counter(row.message_id for row in rows)
    yield from (
        f"{one} was answered 250 and is there {filed[one]} times" for one in sorted(promised) if filed[one] != 1
    )
    yield from (f"{one} is there and nobody sent it" for one in filed if one not in {*promised, *given_up})


def letters(connection: Connection, taken: Collection[tuple[str, str]]) -> Iterator[str]:
    """Every ticket that wants one has one acknowledgement, which went under one Message-ID to its requester."""
    rows = connection.execute(sa.select(T.letters)).all()
    yield from (f"letter {row.message_id} is {row.state}" for row in rows if row.state != "sent")
    known = {(row.message_id, row.recipient) for row in rows}
    yield from (f"the smart host never saw {one}" for one in sorted(known - set(taken)))
    yield from (f"the smart host saw {one}, which is in no row" for one in sorted(set(taken) - known))
    per_ticket = Counter(row.ticket_id for row in rows if row.kind == "acknowledgement")
    wanted = connection.execute(sa.select(T.reports.c.ticket_id).where(T.reports.c.acknowledge)).scalars()
    yield from (f"ticket {one} has {per_ticket[one]} acknowledgements" for one in wanted if per_ticket[one] != 1)


def pages(connection: Connection, ordered: Collection[str]) -> Iterator[str]:
    """Every page ended; every attempt was ordered at most once; none that was ordered is taken for lost."""
    yield from (f"{one} was ordered {n} times" for one, n in Counter(ordered).items() if n > 1)
    intended: set[str] = set()
    for row in connection.execute(sa.select(T.pages)):
        page = paging.from_json(row.state)
        intended |= {attempt.id for attempt in page.attempts}
        if page.state not in ("accepted", "exhausted"):
            yield f"page {row.id} ended {page.state}"
        yield from (
            f"{attempt.id} was ordered and taken for lost"
            for attempt in page.attempts
            if attempt.provider_code == "missing" and attempt.id in ordered
        )
        yield from (f"page {row.id}: {fault}" for fault in _story(connection, row.ticket_id, page))
    yield from (f"{one} was ordered without an intent" for one in sorted(set(ordered) - intended))


def _story(connection: Connection, ticket_id: int, page: paging.Page) -> Iterator[str]:
    """The end of a page is told once: in the ticket's story, and as an alarm when nobody came."""
    rows = connection.execute(sa.select(T.entries).where(T.entries.c.ticket_id == ticket_id)).all()
    taken = sum("taken in charge" in str(row.data.get("words")) for row in rows)
    told: Mapping[str, int] = Counter(row.kind for row in rows if row.data.get("exhausted"))
    alarms = connection.execute(
        sa.select(sa.func.count()).where(T.alarms.c.ticket_id == ticket_id, T.alarms.c.kind == "page-exhausted")
    ).scalar_one()
    if page.state == "accepted" and taken != 1:
        yield f"accepted, and taken in charge {taken} times"
    if page.state == "exhausted" and (told["page"], alarms) != (1, 1):
        yield f"exhausted, told {told['page']} times with {alarms} alarms"


def faults(database: Database, *looks: Any) -> list[str]:
    """What any of these looks finds, all on one snapshot."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        connection.exec_driver_sql("BEGIN" if connection.dialect.name == "sqlite" else "SELECT 1")
        return [fault for look in looks for fault in look(connection)]
