"""What pages need besides themselves: every ring with its number and instant, open pages with their jobs, test pages.

Refuses to decide who is rung: `routing.paging` does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.prepared import Prepared
from gateway.store.tables import calls, conferences, drills, jobs, page_rings, pages, tickets


@dataclass(frozen=True, slots=True)
class Watched:
    """An open page as the watchdog sees it. `job` None: it has none; `run_at` None: its job is dead."""

    page_id: int
    ticket_id: int
    at: datetime
    state: Mapping[str, Any]
    job: int | None
    run_at: datetime | None


@dataclass(frozen=True, slots=True)
class Drill:
    """A test page of one person. `accepted_at`: when they pressed the key."""

    id: int
    desk: str
    person: str
    at: datetime
    state: Mapping[str, Any]
    open: bool
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Conference:
    """A room in which an engineer meets a caller. `inside`: the calls that are in it now."""

    name: str
    page_id: int
    ticket_id: int
    engineer: str
    caller: str
    at: datetime
    sid: str | None
    inside: tuple[str, ...]
    connected_at: datetime | None
    ended_at: datetime | None


_RING = Prepared(sa.insert(page_rings))


# Rings ------------------------------------------------------------------------------------------------------------


def note_ring(
    connection: Connection, page_id: int, attempt: str, number: str, at: datetime, bundle: str | None = None
) -> None:
    row = {"attempt": attempt, "page_id": page_id, "number": number, "at": at, "bundle": bundle}
    _RING.run_all(connection, [row])


def known(connection: Connection, number: str, sids: Sequence[str]) -> frozenset[str]:
    """Which of these calls to that number belong to an attempt already, or were picked up."""
    rung = sa.select(page_rings.c.page_id).where(page_rings.c.number == number)
    states = connection.execute(sa.select(pages.c.state).where(pages.c.id.in_(rung))).scalars()
    placed = {one["provider_sid"] for state in states for one in state.get("attempts", ()) if one["provider_sid"]}
    answered = connection.execute(sa.select(calls.c.sid).where(calls.c.sid.in_(sids))).scalars()
    return frozenset(placed | set(answered))


def forget_ring(connection: Connection, attempt: str) -> None:
    """It never reached the carrier: no telephone rang."""
    connection.execute(sa.delete(page_rings).where(page_rings.c.attempt == attempt))


def rings_since(
    connection: Connection, numbers: Collection[str], since: datetime, *, but: int
) -> Mapping[str, Sequence[datetime]]:
    """When each number was rung, but for the page `but`; a shared call counts once."""
    found: dict[str, list[datetime]] = {}
    query = sa.select(page_rings.c.number, page_rings.c.at).where(
        page_rings.c.number.in_(numbers), page_rings.c.at > since, page_rings.c.page_id != but, page_rings.c.bundle.is_(None)
    )  # fmt: skip
    for row in connection.execute(query):
        found.setdefault(row.number, []).append(row.at)
    return found


def ringing_for(connection: Connection, number: str, since: datetime, *, but: int) -> tuple[str, int] | None:
    """The newest ring of this number for another open page of the same hour: its attempt and its page."""
    query = (
        sa.select(page_rings.c.attempt, page_rings.c.page_id)
        .where(
            page_rings.c.number == number, page_rings.c.at >= since, page_rings.c.page_id != but,
            page_rings.c.bundle.is_(None),
        )
        .order_by(page_rings.c.at.desc())
        .limit(1)
    )  # fmt: skip
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.attempt, row.page_id)


def sharing(connection: Connection, attempt: str) -> tuple[int, ...]:
    """The open pages that share the call of this attempt."""
    shares = page_rings.join(pages, pages.c.id == page_rings.c.page_id)
    query = sa.select(page_rings.c.page_id).select_from(shares).where(page_rings.c.bundle == attempt, pages.c.open)
    return tuple(connection.execute(query.order_by(page_rings.c.page_id)).scalars())


# Open pages --------------------------------------------------------------------------------------------------------


def watched(connection: Connection, at_least: datetime) -> tuple[Watched, ...]:
    """Every open page that began before `at_least`, with its job."""
    mine: dict[int, Any] = {}
    for row in connection.execute(sa.select(jobs.c.id, jobs.c.run_at, jobs.c.state).where(jobs.c.kind == "page")):
        mine[int(row.state["page"])] = row
    query = sa.select(pages).where(pages.c.open, pages.c.at <= at_least).order_by(pages.c.id)
    rows = [(row, mine.get(row.id)) for row in connection.execute(query)]
    return tuple(
        Watched(row.id, row.ticket_id, row.at, row.state, job and job.id, job and job.run_at) for row, job in rows
    )


def of_desk(connection: Connection, desk: str, since: datetime) -> tuple[tuple[int, int, Mapping[str, Any]], ...]:
    """(page, ticket, state) of a desk's pages that are open or began since then, newest first."""
    query = sa.select(pages.c.id, pages.c.ticket_id, pages.c.state).join(tickets, tickets.c.id == pages.c.ticket_id)
    wanted = sa.and_(tickets.c.desk == desk, sa.or_(pages.c.open, pages.c.at >= since))
    rows = connection.execute(query.where(wanted).order_by(pages.c.id.desc()))
    return tuple((row.id, row.ticket_id, row.state) for row in rows)


def between(connection: Connection, start: datetime, end: datetime) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """(desk, state) of every page that began then, oldest first."""
    query = sa.select(tickets.c.desk, pages.c.state).join(tickets, tickets.c.id == pages.c.ticket_id)
    rows = connection.execute(query.where(pages.c.at >= start, pages.c.at < end).order_by(pages.c.id))
    return tuple((row.desk, row.state) for row in rows)


# Test pages --------------------------------------------------------------------------------------------------------


def open_drill(connection: Connection, desk: str, person: str, at: datetime) -> int:
    row = {"desk": desk, "person": person, "at": at, "state": {}, "open": True}
    return int(connection.execute(sa.insert(drills).returning(drills.c.id), row).scalar_one())


def drill(connection: Connection, drill_id: int, *, lock: bool = False) -> Drill | None:
    query = sa.select(drills).where(drills.c.id == drill_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Drill(**row._mapping)


def keep_drill(connection: Connection, drill_id: int, **changes: Any) -> None:
    connection.execute(sa.update(drills).where(drills.c.id == drill_id).values(**changes))


def tested(connection: Connection) -> frozenset[tuple[str, str]]:
    """(desk, person) of everybody who has accepted a test page."""
    query = sa.select(drills.c.desk, drills.c.person).where(drills.c.accepted_at.isnot(None)).distinct()
    return frozenset((row.desk, row.person) for row in connection.execute(query))


# Rooms -------------------------------------------------------------------------------------------------------------


def open_room(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(conferences), {"inside": [], **values})


def room(connection: Connection, name: str, *, lock: bool = False) -> Conference | None:
    query = sa.select(conferences).where(conferences.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Conference(**{**row._mapping, "inside": tuple(row.inside)})


def keep_room(connection: Connection, name: str, **changes: Any) -> None:
    connection.execute(sa.update(conferences).where(conferences.c.name == name).values(**changes))
