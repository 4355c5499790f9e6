"""Runs the stored raw reports through the configuration once more, on a copy that is thrown away, and says what would come out
differently: recognised, merged, routed, prioritised, promised or held.

The copy is an empty SQLite database with the directory; mails are filed into it in the order in which they came, so that later
ones meet the earlier ones. Calls, and what people decided about held mails, are taken over as they were. The sender's proof is
judged anew from our edge's results; one that was found by DNS is taken as it was at receipt, for keys change. A priority or queue
that a person has changed since is compared as it was before. Nothing is sent, rung or stored in the database that is read.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from gateway.clock import MovedClock
from gateway.engine import Engine, Mail, Outcome
from gateway.mail import held
from gateway.settings import Settings
from gateway.store import directory, reports, tables, tickets, traces, users
from gateway.store.database import Database, SqliteDatabase
from gateway.store.migrate import migrate
from gateway.store.reports import LedgerRow
from gateway.tickets.relating import BY, Relating
from identity import normal
from identity.people import Authentication
from routing.threads import Clues
from routing.tickets import Ticket

log = structlog.get_logger(__name__)

CHUNK = 100  # reports that are read, and filed into the copy in one transaction
NOT_KEPT = "its raw mail is not kept any more"
OUTCOME = ("outcome", "reason", "ticket")
TICKET = ("plan", "kind", "priority", "queue", "level", "product")
_CHANGED = {
    "priority": re.compile(r"priority (\S+) -> \S+"),
    "kind": re.compile(r"kind (\S+) -> \S+"),
    "queue": re.compile(r"escalated (\S+) \(\S+\) -> .*"),
    "level": re.compile(r"escalated \S+ \((\S+)\) -> .*"),
}
Here = sa.Table(
    "replayed",
    sa.MetaData(),
    sa.Column("live", sa.Integer, primary_key=True),
    sa.Column("here", sa.Integer, index=True),
)  # which ticket of the copy stands for which of the database


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be different; values as they are shown, None for nothing."""

    what: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Replayed:
    """One report, looked at again. `skipped`: why it could not be."""

    row: LedgerRow
    number: str | None
    changes: tuple[Change, ...] = ()
    skipped: str = ""


class _Again(Engine):
    """The engine over the copy, where a ticket may have another id than in the database whose tokens the mails carry."""

    def _pointers(self, connection: Connection, mail: Mail) -> Clues:
        found = super()._pointers(connection, mail)
        return replace(found, proven=tuple(here for one in found.proven if (here := _here(connection, one))))


class Replay:
    """One run. `settings`: the configuration to look through; `secret`: what signs the tokens of the live database."""

    def __init__(self, settings: Settings, live: Database, secret: bytes) -> None:
        self._settings = settings
        self._live = live
        self._secret = secret
        self._prefixes = {desk.id: desk.ticket_prefix for desk in settings.desks.values()}

    def count(self) -> int:
        """How many reports there are to read."""
        query = sa.select(sa.func.count()).select_from(tables.reports)
        return self._live.read(lambda c: int(c.execute(query).scalar_one()))

    def run(self, since: datetime | None = None, advance: Callable[[], None] = lambda: None) -> Iterator[Replayed]:
        """Every report since an instant, in order of arrival. Earlier ones are read too, for the tickets they opened."""
        with tempfile.TemporaryDirectory(prefix="presa-replay-") as folder:
            copy = SqliteDatabase(sa.make_url(f"sqlite:///{Path(folder) / 'copy.db'}"))
            try:
                copy.clock = MovedClock(self._live.clock.now())
                self._prepare(copy)
                engine = _Again(self._settings, copy, self._secret)
                for rows in self._chunks():
                    for one in self._file(engine, copy, rows, advance):
                        if since is None or one.row.at >= since:
                            yield one
            finally:
                copy.close()

    def _chunks(self) -> Iterator[list[LedgerRow]]:
        last = 0
        while rows := self._live.read(lambda c, after=last: list(reports.ledger(c, after=after, limit=CHUNK))):  # type: ignore[misc]
            yield rows
            last = rows[-1].id

    def _prepare(self, copy: SqliteDatabase) -> None:
        """The directory that a start with this configuration would work with: the stored one, or the file if it is new."""
        migrate(copy)
        path = self._settings.home / "directory.yaml"
        mark = sha256(path.read_bytes()).hexdigest() if path.exists() else None
        stored = self._live.read(lambda c: users.fact(c, "directory"))
        fresh = mark is not None and mark != stored
        people = self._settings.people.customers if fresh else self._live.read(directory.every)
        copy.write(lambda c: directory.replace(c, people))
        copy.write(Here.metadata.create_all)

    def _file(
        self, engine: Engine, copy: SqliteDatabase, rows: list[LedgerRow], advance: Callable[[], None]
    ) -> list[Replayed]:
        done = []
        with copy.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for row in rows:
                advance()
                if row.outcome != "duplicate":
                    done.append(self._one(engine, connection, row))
            connection.commit()
        return done

    def _one(self, engine: Engine, connection: Connection, row: LedgerRow) -> Replayed:
        live = self._live.read(lambda c: self._ticket(c, row.ticket_id))
        number = live.number if live else None
        raw = self._live.read(lambda c: reports.raw(c, row.sha256 or ""))
        if raw is None:
            self._as_it_was(connection, row)
            return Replayed(row, number, (), "" if row.door == "phone" else NOT_KEPT)
        connection.exec_driver_sql("SAVEPOINT one")
        try:
            self._resolved_by_then(connection, row, live)
            outcome = engine.file_mail(connection, _proven(engine, held.as_kept(engine, row, raw), row))
            if outcome.outcome == "new" and outcome.ticket_id:
                Relating(engine).again(connection, outcome.ticket_id)
            changes = tuple(self._changes(connection, row, live, outcome))
        except Exception as trouble:  # one report must not end the run
            log.error("replay.failed", report=row.id, exc_info=trouble)
            connection.exec_driver_sql("ROLLBACK TO one")
            self._as_it_was(connection, row)
            return Replayed(row, number, (), "a fault of ours; see the log")
        if row.story:
            connection.exec_driver_sql("ROLLBACK TO one")
            self._as_it_was(connection, row)
        elif row.outcome == "new" and outcome.outcome == "new" and row.ticket_id and outcome.ticket_id:
            connection.execute(sa.insert(Here), {"live": row.ticket_id, "here": outcome.ticket_id})
        elif row.outcome == "new":
            self._as_it_was(connection, row)
        connection.execute(sa.delete(tables.jobs))
        connection.exec_driver_sql("RELEASE one")
        return Replayed(row, number, changes)

    # What it was ------------------------------------------------------------------------------------------------

    def _ticket(self, connection: Connection, ticket_id: int | None) -> Ticket | None:
        return tickets.get(connection, ticket_id, self._prefixes) if ticket_id else None

    def _as_it_was(self, connection: Connection, row: LedgerRow) -> None:
        """The report's ticket and its line, as the database has them: later mails may go on from there."""
        if row.ticket_id is None:
            return
        here = _here(connection, row.ticket_id)
        if here is None:
            query = sa.select(tables.tickets).where(tables.tickets.c.id == row.ticket_id)
            kept = self._live.read(lambda c: c.execute(query).one_or_none())
            if kept is None or kept.desk not in self._settings.desks:
                return
            values = {**kept._mapping, "state": "new", "resolved_at": None}
            del values["id"]
            made = connection.execute(sa.insert(tables.tickets).returning(tables.tickets.c.id), values)
            here = int(made.scalar_one())
            connection.execute(sa.insert(Here), {"live": row.ticket_id, "here": here})
        facts = {"door": row.door, "peer": row.peer, "rcpt": list(row.rcpt), "message_id": row.message_id, "at": row.at}
        reports.insert(connection, {**facts, "outcome": row.outcome, "ticket_id": here})

    def _resolved_by_then(self, connection: Connection, row: LedgerRow, live: Ticket | None) -> None:
        """A mail that met a resolved ticket meets it resolved."""
        for met in (live, self._live.read(lambda c: self._ticket(c, live.linked)) if live else None):
            here = _here(connection, met.id) if met else None
            if here and met and met.resolved_at and met.resolved_at <= row.at:
                facts = {"state": "resolved", "resolved_at": met.resolved_at}
                connection.execute(sa.update(tables.tickets).where(tables.tickets.c.id == here).values(**facts))

    # What is different ------------------------------------------------------------------------------------------

    def _changes(self, connection: Connection, row: LedgerRow, live: Ticket | None, now: Outcome) -> Iterator[Change]:
        first = row.story[0] if row.story else None
        was = (
            {"outcome": first["outcome"], "reason": first["reason"]}
            if first
            else {"outcome": row.outcome, "reason": row.reason}
        )
        for what in ("outcome", "reason"):
            if was[what] != getattr(now, what):
                yield Change(what, was[what], getattr(now, what))
        if first or was["outcome"] != now.outcome:
            return
        if row.outcome == "append" and row.ticket_id and _here(connection, row.ticket_id) != now.ticket_id:
            yield Change("ticket", live.number if live else None, self._number(connection, now.ticket_id))
        recognised = {"customer": now.who.customer if now.who else None, "verified": bool(now.who and now.who.verified)}
        for what, value in recognised.items():
            if row.reason != "bounce" and getattr(row, what) != value:
                yield Change(what, getattr(row, what), value)
        if row.outcome != "new" or live is None or now.ticket_id is None:
            return
        copied = tickets.get(connection, now.ticket_id, self._prefixes)
        assert copied is not None
        yield from self._ticket_changes(live, copied)
        yield from self._merges(connection, live, copied)

    def _merges(self, connection: Connection, live: Ticket, now: Ticket) -> Iterator[Change]:
        """What a comparison joins; what a person joined or took apart is theirs."""
        merge = self._live.read(lambda c: traces.merge_of(c, live.id)) if live.merged_into else None
        by_person = merge is not None and merge.by != BY
        was = self._live.read(lambda c: self._ticket(c, merge.into_id)) if merge and not by_person else None
        into = self._number(connection, now.merged_into) if now.merged_into else None
        if not by_person and into != (was.number if was else None):
            yield Change("merged", was.number if was else None, into)

    def _ticket_changes(self, live: Ticket, now: Ticket) -> Iterator[Change]:
        different = [what for what in TICKET if getattr(live, what) != getattr(now, what)]
        due, due_now = _deadlines(live), _deadlines(now)
        if not different and due == due_now:
            return
        before = self._before_people(live)
        for what in different:
            was = before.get(what, getattr(live, what))
            if was != getattr(now, what):
                yield Change(what, was, getattr(now, what))
        if live.pauses or "priority" in before or "kind" in before:
            return  # counted again since: what was promised at first is not kept
        for target in sorted(due.keys() | due_now.keys()):
            if due.get(target) != due_now.get(target):
                yield Change(f"deadline {target}", due.get(target), due_now.get(target))

    def _before_people(self, live: Ticket) -> Mapping[str, str]:
        """What a person has changed since, as it was at first."""
        found: dict[str, str] = {}
        for entry in self._live.read(lambda c: tickets.story(c, live.id)):
            for what, pattern in _CHANGED.items():
                said = pattern.fullmatch(str(entry.data.get("words", ""))) if entry.kind == "state" else None
                if said:
                    found.setdefault(what, said[1])
        return found

    def _number(self, connection: Connection, here: int | None) -> str | None:
        """A ticket of the copy by its number in the database; one that is only there has none."""
        found = connection.execute(sa.select(Here.c.live).where(Here.c.here == here)).scalar()
        ticket = self._live.read(lambda c: self._ticket(c, found)) if found else None
        return ticket.number if ticket else "a ticket of its own"


def _here(connection: Connection, live: int) -> int | None:
    return connection.execute(sa.select(Here.c.here).where(Here.c.live == live)).scalar()


def _proven(engine: Engine, mail: Mail, row: LedgerRow) -> Mail:
    """Where no edge of ours spoke, the sender is as proven as at receipt."""
    if mail.arrival.given is not None or engine.prover.vouched_for(row.peer):
        return mail
    author = mail.message.from_
    host = normal.host(address) if author and (address := normal.address(author.addr)) else None
    proof = Authentication("pass", "as at receipt", host) if row.verified and host else mail.authentication
    return replace(mail, authentication=proof)


def _deadlines(ticket: Ticket) -> Mapping[str, str | None]:
    return {one["target"]: one["due"] for one in ticket.clocks.get("targets", ())}
