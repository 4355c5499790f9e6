"""Removes by the calendar what the configuration keeps only for some days (`retention:` in presa.yaml), as a daily job.

By default nothing of a report is ever removed. What is held, open or unseen stays whatever its age; the ledger's keys stay
for good, so that nothing comes back. What was removed is counted in the log, by kind. Of a mailbox the rows of mails that
were settled long ago go in any case: the ledger has those mails.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.store import aging, mailboxes
from gateway.store.database import Database
from gateway.store.jobs import Handler, Job, Settled

log = structlog.get_logger(__name__)

EVERY = timedelta(days=1)
MOST_STEPS = 500  # of one kind in one run: what is left over is for the next minute, so that others get their turn
SOON = timedelta(minutes=1)
LISTED_DAYS = 35  # longer than any outage after which a mailbox is read again


def daily(engine: Engine) -> Handler:
    """A job that comes back every day. Each step is a transaction of its own, short enough for the doors."""

    def run(job: Job) -> Settled:
        removed, more = remove(engine)
        listed, still = forget_listed(engine)
        if any(removed.values()) or listed:
            log.warning("retention.removed", **removed, mailbox_rows=listed)
        now = engine.database.clock.now()
        return Settled(again=now + (SOON if more or still else EVERY))

    return run


def remove(engine: Engine) -> tuple[Mapping[str, int], bool]:
    """Remove what is too old now: how many of each kind, and whether there is more."""
    now = engine.database.clock.now()
    removed: dict[str, int] = {}
    more = False
    for kind, days in asdict(engine.settings.retention).items():
        if days is not None:
            before, step = now - timedelta(days=days), aging.STEPS[kind]
            removed[kind], left = _all(engine.database, lambda c, step=step, before=before: step(c, now, before))  # type: ignore[misc]
            more = more or left
    return removed, more


def forget_listed(engine: Engine) -> tuple[int, bool]:
    """The same for the rows of mails that mailboxes listed and that were settled long ago."""
    before = engine.database.clock.now() - timedelta(days=LISTED_DAYS)
    return _all(engine.database, lambda connection: mailboxes.prune(connection, before))


def _all(database: Database, step: Callable[[Connection], int]) -> tuple[int, bool]:
    """Step by step until there is no more, or until others must have their turn."""
    done = 0
    for _ in range(MOST_STEPS):
        now = database.write(step)
        done += now
        if not now:
            return done, False
    return done, True
