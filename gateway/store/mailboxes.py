"""What is known of each mailbox: who reads it, how far, every mail that it listed, and what became of each.

A mail is listed once for its (UIDVALIDITY, UID) and settled once, in the transaction of its report. Whoever writes about
a mailbox must still hold its lease. Nothing here speaks IMAP.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from gateway.store import jobs
from gateway.store.tables import mailbox_mails as mails
from gateway.store.tables import mailboxes, reports

FIRST_BACK_OFF = timedelta(seconds=5)
LONGEST_BACK_OFF = timedelta(hours=1)
WINDOW = 1_000  # UIDs below the highest that are looked at again
_MANY = 500  # values in one IN


class LeaseLost(Exception):
    """Another replica reads this mailbox now; whatever was about to be stored for it must not be."""


class AlreadySettled(Exception):
    """Somebody else has settled this mail; the transaction that met it must be taken back."""


@dataclass(frozen=True, slots=True)
class StoredMailbox:
    """One mailbox's row."""

    name: str
    begun_at: datetime
    holder: str | None
    lease_until: datetime | None
    fence: int
    uidvalidity: int | None
    polled_at: datetime | None
    mail_at: datetime | None
    refusals: int
    paused_until: datetime | None
    credentials: str | None
    refresh_token: str | None
    troubles: Mapping[str, Any]
    canary_id: str | None
    canary_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Which numbering of which mailbox: UIDs mean something only within one UIDVALIDITY (RFC 9051 section 2.3.1.1)."""

    mailbox: str
    uidvalidity: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as the server listed it. `received`: its INTERNALDATE. `tries`: how often it was begun and did not end.
    `misses`: how often the server did not give it, which says nothing of the mail."""

    uid: int
    received: datetime
    size: int
    tries: int = 0
    misses: int = 0
    listed_at: datetime | None = None

    @property
    def failures(self) -> int:
        return self.tries + self.misses


# The mailbox ----------------------------------------------------------------------------------------------------


def lease(connection: Connection, name: str, holder: str, now: datetime, until: datetime) -> StoredMailbox | None:
    """Take or keep the lease of a mailbox; None while another replica has it."""
    insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    first = {"name": name, "begun_at": now, "fence": 0, "refusals": 0, "troubles": {}}
    connection.execute(insert(mailboxes).values(first).on_conflict_do_nothing())
    free = sa.or_(
        mailboxes.c.holder == holder, mailboxes.c.holder.is_(None), mailboxes.c.lease_until.is_(None),
        mailboxes.c.lease_until < now,
    )  # fmt: skip
    fence = sa.case((mailboxes.c.holder == holder, mailboxes.c.fence), else_=mailboxes.c.fence + 1)
    taken = sa.update(mailboxes).where(mailboxes.c.name == name, free)
    row = connection.execute(
        taken.values(holder=holder, lease_until=until, fence=fence).returning(mailboxes)
    ).one_or_none()
    return None if row is None else StoredMailbox(**row._mapping)


def release(connection: Connection, name: str, holder: str) -> None:
    """Give the lease back, so that another replica need not wait for its end."""
    ours = sa.update(mailboxes).where(mailboxes.c.name == name, mailboxes.c.holder == holder)
    connection.execute(ours.values(holder=None, lease_until=None))


def load(connection: Connection, name: str) -> StoredMailbox | None:
    row = connection.execute(sa.select(mailboxes).where(mailboxes.c.name == name)).one_or_none()
    return None if row is None else StoredMailbox(**row._mapping)


def update(connection: Connection, name: str, holder: str, **values: Any) -> None:
    """Change a mailbox's row under the lease. Raises LeaseLost."""
    ours = sa.update(mailboxes).where(mailboxes.c.name == name, mailboxes.c.holder == holder)
    if connection.execute(ours.values(values or {"fence": mailboxes.c.fence})).rowcount != 1:
        raise LeaseLost


def resume(connection: Connection, name: str) -> bool:
    """End a pause by hand; False when there is no such mailbox."""
    ended = sa.update(mailboxes).where(mailboxes.c.name == name).values(paused_until=None, refusals=0)
    return connection.execute(ended).rowcount == 1


def trouble(connection: Connection, name: str, holder: str, now: datetime, kind: str, words: str) -> None:
    """Raise an alarm once, until `recovered` says that it is over."""
    stored = load(connection, name)
    if stored is None or kind in stored.troubles:
        return
    update(connection, name, holder, troubles={**stored.troubles, kind: now.isoformat()})
    jobs.alarm(connection, now, kind, words)


def recovered(connection: Connection, name: str, holder: str, kinds: Collection[str]) -> None:
    """These troubles are over: the next of their kind alarms again."""
    stored = load(connection, name)
    if stored is not None and not stored.troubles.keys().isdisjoint(kinds):
        left = {kind: at for kind, at in stored.troubles.items() if kind not in kinds}
        update(connection, name, holder, troubles=left)


# Its mails ------------------------------------------------------------------------------------------------------


def _in(place: Place) -> sa.ColumnElement[bool]:
    return sa.and_(mails.c.mailbox == place.mailbox, mails.c.uidvalidity == place.uidvalidity)


def _among(uids: Sequence[int]) -> list[Sequence[int]]:
    return [uids[at : at + _MANY] for at in range(0, len(uids), _MANY)]


def floor(connection: Connection, place: Place, before: datetime, window: int) -> int:
    """The first UID to look at again: `window` below the highest that was listed, and nothing listed since `before` is
    above it. UIDs may become visible out of order."""
    highest = sa.select(sa.func.max(mails.c.uid)).where(_in(place))
    top: int = connection.execute(highest).scalar() or 0
    settled: int = connection.execute(highest.where(mails.c.listed_at < before)).scalar() or 0
    return max(1, min(top - window, settled))


def known(connection: Connection, place: Place, lowest: int) -> frozenset[int]:
    """The UIDs from `lowest` on that were listed before."""
    return frozenset(connection.execute(sa.select(mails.c.uid).where(_in(place), mails.c.uid >= lowest)).scalars())


def list_new(connection: Connection, place: Place, found: Sequence[Listed], now: datetime) -> None:
    """Write down mails that the server listed; those that are there already stay as they are."""
    insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    rows = [
        {"mailbox": place.mailbox, "uidvalidity": place.uidvalidity, "uid": one.uid, "received": one.received,
         "size": one.size, "listed_at": now, "tries": 0, "misses": 0, "state": "listed"}
        for one in found
    ]  # fmt: skip
    if rows:
        connection.execute(insert(mails).on_conflict_do_nothing(), rows)


def waiting(connection: Connection, place: Place, now: datetime, limit: int) -> tuple[Listed, ...]:
    """Mails to take in now: untried ones first, so that none is hidden behind one that fails."""
    query = (
        sa.select(mails.c.uid, mails.c.received, mails.c.size, mails.c.tries, mails.c.misses, mails.c.listed_at)
        .where(
            _in(place),
            mails.c.state == "listed",
            sa.or_(mails.c.next_try.is_(None), mails.c.next_try <= now),
        )
        .order_by(mails.c.tries + mails.c.misses, mails.c.uid)
        .limit(limit)
    )
    return tuple(Listed(*row) for row in connection.execute(query))


def next_try(connection: Connection, place: Place) -> datetime | None:
    """When the next mail that failed is due again."""
    query = sa.select(sa.func.min(mails.c.next_try)).where(_in(place), mails.c.state == "listed")
    found: datetime | None = connection.execute(query).scalar()
    return found


def begin(connection: Connection, place: Place, chosen: Sequence[Listed], now: datetime) -> None:
    """Count a try before it is made, so that a mail that ends the process is counted too."""
    for one in chosen:
        wait = min(FIRST_BACK_OFF * (1 << min(one.failures, 10)), LONGEST_BACK_OFF)
        which = sa.update(mails).where(_in(place), mails.c.uid == one.uid, mails.c.state == "listed")
        connection.execute(which.values(tries=one.tries + 1, next_try=now + wait))


def give_back(connection: Connection, place: Place, one: Listed) -> None:
    """The try was not the mail's fault: it does not count."""
    which = sa.update(mails).where(_in(place), mails.c.uid == one.uid, mails.c.state == "listed")
    connection.execute(which.values(tries=one.tries, next_try=None))


def missed(connection: Connection, place: Place, one: Listed) -> None:
    """The server did not give it: not the mail's fault, and its wait goes on."""
    which = sa.update(mails).where(_in(place), mails.c.uid == one.uid, mails.c.state == "listed")
    connection.execute(which.values(tries=one.tries, misses=one.misses + 1))


def settle(connection: Connection, place: Place, uid: int, outcome: str, *, done: bool = False) -> None:
    """This mail has its outcome, in the caller's transaction. `done`: there is nothing to flag or move. Raises
    AlreadySettled."""
    which = sa.update(mails).where(_in(place), mails.c.uid == uid, mails.c.state == "listed")
    if connection.execute(which.values(state="done" if done else "filed", outcome=outcome)).rowcount != 1:
        raise AlreadySettled


def to_mark(connection: Connection, place: Place, limit: int) -> tuple[int, ...]:
    """Filed mails that are not flagged or moved yet."""
    query = sa.select(mails.c.uid).where(_in(place), mails.c.state == "filed").order_by(mails.c.uid).limit(limit)
    return tuple(connection.execute(query).scalars())


def marked(connection: Connection, place: Place, uids: Sequence[int]) -> None:
    for some in _among(uids):
        which = sa.update(mails).where(_in(place), mails.c.uid.in_(some), mails.c.state == "filed")
        connection.execute(which.values(state="done"))


def supersede(connection: Connection, place: Place) -> int:
    """The mailbox was numbered anew: what other numberings left undone is listed again. Says how many had no outcome."""
    other = sa.and_(mails.c.mailbox == place.mailbox, mails.c.uidvalidity != place.uidvalidity)
    unread = connection.execute(
        sa.update(mails).where(other, mails.c.state == "listed").values(state="done", outcome="superseded")
    ).rowcount
    connection.execute(sa.update(mails).where(other, mails.c.state == "filed").values(state="done"))
    return int(unread)


def prune(connection: Connection, before: datetime) -> int:
    """Forget some of what was settled before that instant and is not listed again: below what was looked at again even then,
    or of other numberings, whose mails are known by their content should they return. Says how many; 0 when there is no more.
    """
    gone = 0
    for name, current in connection.execute(sa.select(mailboxes.c.name, mailboxes.c.uidvalidity)).all():
        if current is None:
            continue
        lowest = floor(connection, Place(name, current), before, WINDOW)
        old = sa.and_(
            mails.c.mailbox == name, mails.c.state == "done", mails.c.listed_at < before,
            sa.or_(mails.c.uidvalidity != current, mails.c.uid < lowest),
        )  # fmt: skip
        some = sa.select(mails.c.uidvalidity, mails.c.uid).where(old).limit(_MANY)
        which = sa.tuple_(mails.c.uidvalidity, mails.c.uid).in_(some)
        gone += connection.execute(sa.delete(mails).where(mails.c.mailbox == name, which)).rowcount
    return gone


def undone(connection: Connection, name: str, before: datetime) -> tuple[int, ...]:
    """UIDs that were listed before an instant and have no outcome: the mailbox's side of the ledger's balance."""
    query = sa.select(mails.c.uid).where(mails.c.mailbox == name, mails.c.state == "listed", mails.c.listed_at < before)
    return tuple(connection.execute(query.order_by(mails.c.uid)).scalars())


def counts(connection: Connection, name: str) -> Mapping[str, int]:
    """How many mails a mailbox listed, by outcome ("" for those without one yet)."""
    outcome = sa.func.coalesce(mails.c.outcome, "")
    query = sa.select(outcome, sa.func.count()).where(mails.c.mailbox == name).group_by(outcome)
    return {row[0]: row[1] for row in connection.execute(query)}


def is_seen(connection: Connection, message_id: str) -> bool:
    """Whether a mail with this id is in the ledger."""
    return (
        connection.execute(sa.select(reports.c.id).where(reports.c.message_id == message_id).limit(1)).first()
        is not None
    )
