"""The doors' own count of what they promised, against which the ledger is balanced."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store.tables import mailbox_mails, reports, tallies

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Tally:
    """What one door promised on one UTC day, and how much of it was not in the ledger when somebody looked."""

    door: str
    day: str
    promised: int
    missing: int


def unknown(connection: Connection, keys: Collection[str]) -> frozenset[str]:
    """Of these delivery keys, those that the ledger does not have."""
    wanted, known = list(keys), set[str]()
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        known.update(connection.execute(sa.select(reports.c.key).where(reports.c.key.in_(some))).scalars())
    return frozenset(wanted) - known


def add(connection: Connection, day: str, promised: Mapping[str, int], missing: Mapping[str, int]) -> None:
    """Count promises of this day by door."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    for door, count in promised.items():
        new = insert(tallies).values(door=door, day=day, promised=count, missing=missing.get(door, 0))
        more = {
            "promised": tallies.c.promised + new.excluded.promised,
            "missing": tallies.c.missing + new.excluded.missing,
        }
        connection.execute(new.on_conflict_do_update(index_elements=[tallies.c.door, tallies.c.day], set_=more))


def since(connection: Connection, day: str) -> tuple[Tally, ...]:
    """The counts from a day on, by door and day."""
    query = sa.select(tallies).where(tallies.c.day >= day).order_by(tallies.c.door, tallies.c.day)
    return tuple(Tally(**row._mapping) for row in connection.execute(query))


def unsettled(connection: Connection, before: datetime) -> Mapping[str, int]:
    """Mails that each mailbox listed before an instant and that have no outcome yet."""
    waiting = sa.and_(mailbox_mails.c.state == sa.literal_column("'listed'"), mailbox_mails.c.listed_at < before)
    query = sa.select(mailbox_mails.c.mailbox, sa.func.count()).where(waiting).group_by(mailbox_mails.c.mailbox)
    return {row[0]: row[1] for row in connection.execute(query)}


def forget(connection: Connection, before: str) -> None:
    """Counts of days before this one are not needed any more, when nothing was missing."""
    connection.execute(sa.delete(tallies).where(tallies.c.day < before, tallies.c.missing == 0))
