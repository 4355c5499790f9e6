"""Balances promises against outcomes: what a door answered 250 for, or marked as taken in its mailbox, must be in the ledger.

A door notes each promise by the mail's delivery key, which costs it nothing; every few seconds the keys are looked up in the
ledger by a reader of its own. A key that is not there is a gap: an alarm, and a count that `presa check` shows. What was noted
and not yet looked at when a process is killed is not counted. Refuses to file anything.
"""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from gateway.errors import Temporary
from gateway.store import jobs, reports, tallies
from gateway.store.database import Database
from gateway.store.jobs import Handler, Job, Settled

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0
BALANCE_EVERY = timedelta(hours=6)
SETTLED_IN = timedelta(hours=1)  # a mailbox is asked again within minutes, and a poison mail is given up sooner
KEPT_DAYS = 30  # of counts without a gap
GAP = "ledger-gap"


class Promises:
    """The promises of one process since it last looked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def note(self, door: str, *keys: str) -> None:
        """This door has promised the mail with these delivery keys; after the commit, before or after the words."""
        self._noted += ((door, key) for key in keys)

    def look(self) -> int:
        """Look up what was noted; says how many are missing. Raises Temporary and forgets nothing when it cannot."""
        with self._lock:
            noted = self._noted[:]
            if not noted:
                return 0
            missing = self._database.read(lambda c: tallies.unknown(c, {key for _, key in noted}))
            self._database.write(lambda connection: self._count(connection, noted, missing))
            del self._noted[: len(noted)]
            return len(missing)

    def _count(self, connection: Connection, noted: list[tuple[str, str]], missing: frozenset[str]) -> None:
        now = self._database.clock.now()
        gaps = Counter(door for door, key in noted if key in missing)
        tallies.add(connection, now.date().isoformat(), Counter(door for door, _ in noted), gaps)
        for door, count in gaps.items():
            words = (
                f"{count} mails that the door {door} promised are not in the ledger; look at its log and its sender's"
            )
            jobs.alarm(connection, now, GAP, words)

    async def live(self) -> None:
        """Look every few seconds until cancelled; a database that is away is asked again."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(Temporary):
                await loop.run_in_executor(None, self.look)


def gaps(connection: Connection, now: datetime) -> tuple[str, ...]:
    """Every way in which the ledger does not balance, in words; empty when it does."""
    found = list(_alone(connection, now))
    for tally in tallies.since(connection, _kept_since(now)):
        if tally.missing:
            found.append(f"{tally.missing} of {tally.promised} promises of the door {tally.door} on {tally.day}")
    return tuple(found)


def _alone(connection: Connection, now: datetime) -> Iterator[str]:
    """Reports, tickets and listed mails whose other side is not there."""
    if orphans := reports.orphans(connection):
        yield f"{len(orphans)} reports without their ticket ({_some(orphans)})"
    if alone := reports.unreported(connection):
        yield f"{len(alone)} tickets without a report ({_some(alone)})"
    for mailbox, count in tallies.unsettled(connection, now - SETTLED_IN).items():
        yield f"{count} mails that the mailbox {mailbox} listed long ago without an outcome"


def promised(connection: Connection, now: datetime) -> Counter[str]:
    """How many promises each door gave in the days that are counted."""
    given: Counter[str] = Counter()
    for tally in tallies.since(connection, _kept_since(now)):
        given[tally.door] += tally.promised
    return given


def balance(database: Database) -> Handler:
    """A job that comes back: the ledger against the tickets. Promises alarm by themselves when they are looked up."""

    def run(job: Job) -> Settled:
        now = database.clock.now()
        found = database.read(lambda c: tuple(_alone(c, now)))
        words = f"the ledger does not balance: {'; '.join(found)}"

        def write(connection: Connection) -> None:
            tallies.forget(connection, _kept_since(now))
            if found and not job.state.get("gap"):  # once, not every six hours
                jobs.alarm(connection, now, GAP, words)

        return Settled(write, again=now + BALANCE_EVERY, state={"gap": bool(found)})

    return run


def _kept_since(now: datetime) -> str:
    return (now - timedelta(days=KEPT_DAYS)).date().isoformat()


def _some(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids[:5])) + (", ..." if len(ids) > 5 else "")
