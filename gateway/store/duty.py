"""What people change about the duty: overrides, swaps and absences; calendars kept elsewhere; secret feeds; and what
pages tell of people and numbers.

Nothing is deleted: who took something back stands beside who entered it. Refuses to judge (`gateway.oncall.changes`).
"""

import secrets as random_source
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.prepared import Prepared
from gateway.store.tables import drills, duty_calendars, duty_changes, duty_feeds, pages, tickets

NOTED_EVERY = timedelta(hours=1)  # calendar programs come every few minutes; one write an hour tells that they do


@dataclass(frozen=True, slots=True)
class Change:
    """An override (a swap is two of one `batch`) or an absence, as it was entered."""

    id: int
    desk: str
    kind: str
    rota: str | None
    person: str
    start_at: datetime
    end_at: datetime
    substitute: str | None
    reason: str
    batch: str
    by: str
    at: datetime
    revoked_by: str | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a calendar kept elsewhere said. `spans`: (person, start, end, title). `read_at`: when it said something new last."""

    rota: str
    source: str
    read_at: datetime | None
    spans: tuple[tuple[str, datetime, datetime, str], ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """A secret address, without the secret."""

    id: int
    desk: str
    person: str | None
    by: str
    at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody took a page on this number."""

    number: str
    at: datetime


_CHANGES = Prepared(
    sa.select(duty_changes)
    .where(
        duty_changes.c.desk == sa.bindparam("of"),
        duty_changes.c.end_at > sa.bindparam("since", type_=duty_changes.c.end_at.type),
        duty_changes.c.revoked_at.is_(None),
    )
    .order_by(duty_changes.c.id)
)


# Changes --------------------------------------------------------------------------------------------------------


def enter(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> str:
    """Keep changes that belong together; returns their batch."""
    batch = random_source.token_hex(8)
    connection.execute(sa.insert(duty_changes), [{**row, "batch": batch} for row in rows])
    return batch


def changes(
    connection: Connection, desk: str, *, since: datetime | None = None, all_: bool = False
) -> tuple[Change, ...]:
    """The changes of a desk in the order in which they were entered; `all_`: those that were taken back too."""
    if since is not None and not all_:  # what every step of a page asks
        return tuple(Change(*row) for row in _CHANGES.rows(connection, {"of": desk, "since": since}))
    query = sa.select(duty_changes).where(duty_changes.c.desk == desk).order_by(duty_changes.c.id)
    if since is not None:
        query = query.where(duty_changes.c.end_at > since)
    if not all_:
        query = query.where(duty_changes.c.revoked_at.is_(None))
    return tuple(Change(**row._mapping) for row in connection.execute(query))


def take_back(connection: Connection, desk: str, change_id: int, by: str, now: datetime) -> tuple[Change, ...]:
    """A change holds no longer, nor what belongs to it; returns what was taken back."""
    batch = sa.select(duty_changes.c.batch).where(duty_changes.c.id == change_id, duty_changes.c.desk == desk)
    mine = (duty_changes.c.batch.in_(batch), duty_changes.c.revoked_at.is_(None))
    found = tuple(Change(**row._mapping) for row in connection.execute(sa.select(duty_changes).where(*mine)))
    connection.execute(
        sa.update(duty_changes)
        .where(duty_changes.c.id.in_([one.id for one in found]))
        .values(revoked_by=by, revoked_at=now)
    )
    return found


# Calendars kept elsewhere ---------------------------------------------------------------------------------------


def source_key(source: str) -> str:
    """How a calendar's file or address is named in the store: it may hold a secret."""
    return sha256(source.encode()).hexdigest()


def calendars(connection: Connection, desk: str) -> tuple[Calendar, ...]:
    rows = connection.execute(sa.select(duty_calendars).where(duty_calendars.c.desk == desk))
    return tuple(
        Calendar(
            row.rota, row.source, row.read_at,
            tuple((p, datetime.fromisoformat(a), datetime.fromisoformat(b), title) for p, a, b, title in row.spans),
            tuple(row.problems),
        )
        for row in rows
    )  # fmt: skip


def keep_calendar(connection: Connection, desk: str, calendar: Calendar) -> None:
    """What it said this time takes the place of what it said before."""
    key = {"desk": desk, "rota": calendar.rota, "source": calendar.source}
    connection.execute(sa.delete(duty_calendars).filter_by(**key))
    spans = [[person, start.isoformat(), end.isoformat(), title] for person, start, end, title in calendar.spans]
    values = {**key, "read_at": calendar.read_at, "spans": spans, "problems": list(calendar.problems)}
    connection.execute(sa.insert(duty_calendars), values)


# Feeds ----------------------------------------------------------------------------------------------------------


def open_feed(connection: Connection, desk: str, person: str | None, by: str, now: datetime) -> tuple[int, str]:
    """A new secret address: its number and its secret, which is shown this once."""
    secret = random_source.token_urlsafe(32)
    row = {
        "hash": _hash(secret), "desk": desk, "person": person, "by": by, "at": now, "used_at": None, "revoked_at": None,
    }  # fmt: skip
    made = connection.execute(sa.insert(duty_feeds).returning(duty_feeds.c.id), row).scalar_one()
    return int(made), secret


def feeds(connection: Connection, desk: str | None = None) -> tuple[Feed, ...]:
    query = sa.select(duty_feeds).order_by(duty_feeds.c.id)
    if desk is not None:
        query = query.where(duty_feeds.c.desk == desk)
    return tuple(_feed(row) for row in connection.execute(query))


def close_feed(connection: Connection, feed_id: int, now: datetime) -> bool:
    """Nobody reads under this address any more; False when there is none that could be closed."""
    mine = (duty_feeds.c.id == feed_id, duty_feeds.c.revoked_at.is_(None))
    return connection.execute(sa.update(duty_feeds).where(*mine).values(revoked_at=now)).rowcount > 0


def feed(connection: Connection, secret: str) -> Feed | None:
    """The living feed with this secret. The look-up is by the hash, so timing tells nothing about a secret."""
    mine = (duty_feeds.c.hash == _hash(secret), duty_feeds.c.revoked_at.is_(None))
    row = connection.execute(sa.select(duty_feeds).where(*mine)).one_or_none()
    return None if row is None else _feed(row)


def feed_used(connection: Connection, feed_id: int, now: datetime) -> None:
    connection.execute(sa.update(duty_feeds).where(duty_feeds.c.id == feed_id).values(used_at=now))


# Pages: proven numbers, and figures ------------------------------------------------------------------------------


def proofs(connection: Connection, desk: str, since: datetime) -> Mapping[str, Proof]:
    """By person, the number on which they took a page or a test page last, since that instant."""
    found: dict[str, Proof] = {}
    tests = sa.select(drills.c.state).where(drills.c.desk == desk, drills.c.at >= since).order_by(drills.c.id)
    told = [*page_states(connection, desk, since), *connection.execute(tests).scalars()]
    for state in told:
        for attempt in state.get("attempts", ()):
            if attempt["state"] != "accepted" or not state.get("closed_at"):
                continue
            proof = Proof(attempt["number"], datetime.fromisoformat(state["closed_at"]))
            if attempt["person"] not in found or found[attempt["person"]].at < proof.at:
                found[attempt["person"]] = proof
    return found


def page_states(
    connection: Connection, desk: str, since: datetime, until: datetime | None = None
) -> tuple[Mapping[str, Any], ...]:
    """The states of a desk's pages that were opened in that time."""
    query = sa.select(pages.c.state).join(tickets, tickets.c.id == pages.c.ticket_id)
    query = query.where(tickets.c.desk == desk, pages.c.at >= since).order_by(pages.c.id)
    if until is not None:
        query = query.where(pages.c.at < until)
    return tuple(connection.execute(query).scalars())


def _feed(row: sa.Row[Any]) -> Feed:
    return Feed(row.id, row.desk, row.person, row.by, row.at, row.used_at, row.revoked_at)


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
