"""Looks 30 days ahead, and shouts about whatever is wrong with the duty until it is mended: a job that comes back.

A trouble is an alarm the first time that it is seen, and again every day as long as it is there. A change of the duty makes
the job look at once. Refuses to mend.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.oncall import duty as oncall
from gateway.store import alarms, jobs
from gateway.store import duty as store
from gateway.store.jobs import Handler, Job, Settled
from routing.desk import Desk

KIND = "duty-watch"
ALARM = "duty"
EVERY = timedelta(hours=6)
AGAIN = timedelta(hours=23)  # somewhat less than a day, so that the fourth look after an alarm is not a minute early


def watch(engine: Engine) -> Handler:
    """The job's handler. The state of the world is read when it settles, so that two never shout about one thing."""

    def run(job: Job) -> Settled:
        now = engine.database.clock.now()

        def write(connection: Connection) -> None:
            for desk in engine.settings.desks.values():
                for words in all_words(connection, desk, now):
                    if not alarms.raised_since(connection, ALARM, words, now - AGAIN):
                        jobs.alarm(connection, now, ALARM, words)

        return Settled(write, again=now + EVERY)

    return run


def all_words(connection: Connection, desk: Desk, now: datetime) -> Iterator[str]:
    """Everything that is wrong with a desk's duty, in words that stay the same until it is mended."""
    yield from (f"{desk.id}: {one.words}" for one in oncall.troubles(connection, desk, now))
    wanted = {} if desk.on_call is None else {
        (name, store.source_key(source)): source for name, rota in desk.on_call.rotas.items() for source in rota.calendars
    }  # fmt: skip
    if not wanted:
        return
    for one in store.calendars(connection, desk.id):
        if (one.rota, one.source) not in wanted:
            continue
        yield from (f"{desk.id}: the calendar of rota {one.rota}: {problem}" for problem in one.problems)
