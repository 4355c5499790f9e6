"""Removes by the calendar what the configuration keeps only for some days (`retention:` in presa.yaml), as a daily job.

By default nothing is ever removed. What is held, open or unseen stays whatever its age; the ledger's keys stay for good, so
that nothing comes back. What was removed is counted in the log, by kind.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta

import structlog

from gateway.engine import Engine
from gateway.store import aging
from gateway.store.jobs import Handler, Job, Settled

log = structlog.get_logger(__name__)

EVERY = timedelta(days=1)
MOST_STEPS = 500  # of one kind in one run: what is left over is for the next minute, so that others get their turn
SOON = timedelta(minutes=1)


def daily(engine: Engine) -> Handler:
    """A job that comes back every day. Each step is a transaction of its own, short enough for the doors."""

    def run(job: Job) -> Settled:
        removed, more = remove(engine)
        if any(removed.values()):
            log.warning("retention.removed", **removed)
        now = engine.database.clock.now()
        return Settled(again=now + (SOON if more else EVERY))

    return run


def remove(engine: Engine) -> tuple[Mapping[str, int], bool]:
    """Remove what is too old now: how many of each kind, and whether there is more."""
    database, now = engine.database, engine.database.clock.now()
    removed: dict[str, int] = {}
    more = False
    for kind, days in asdict(engine.settings.retention).items():
        if days is None:
            continue
        before, step = now - timedelta(days=days), aging.STEPS[kind]
        removed[kind] = 0
        for _ in range(MOST_STEPS):
            done = database.write(lambda connection, step=step, before=before: step(connection, now, before))  # type: ignore[misc]
            removed[kind] += done
            if not done:
                break
        else:
            more = True
    return removed, more
