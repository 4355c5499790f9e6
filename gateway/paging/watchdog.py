"""Watches the pages: each open one has a living job that is on time and does what its snapshot says is due.

What is wrong is mended and shouted about. When all is well an outside address is called, so that somebody notices when Presa
itself falls silent; a call that does not get through is an alarm too. Refuses to ring anybody.
"""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import structlog
from sqlalchemy import Connection

from gateway import trusted
from gateway.engine import Engine
from gateway.store import alarms, jobs, users
from gateway.store import paging as store
from gateway.store.jobs import Job, Patience, Settled
from gateway.store.paging import Watched
from routing import paging

log = structlog.get_logger(__name__)

KIND = "watchdog"
FACT = "watchdog"
PATIENCE = Patience(alarm_at=1, give_up_at=1_000_000, longest=timedelta(seconds=20))
EVERY = timedelta(seconds=20)  # while a page is open
BEAT = timedelta(seconds=60)  # of the outside heartbeat
ASLEEP = timedelta(hours=6)  # with neither; opening a page wakes it (`jobs.watch_soon`)
SILENT = timedelta(
    minutes=5
)  # after so long without a look while pages are open, something is wrong with the watchdog itself
FAILS = 3  # heartbeats in a row that did not get through
SECONDS = 5.0
EACH = 10  # late pages that have an alarm each; more of them are one


class Watchdog:
    """The handler of the one `watchdog` job."""

    def __init__(self, engine: Engine, heartbeat: str, lease: timedelta, transport: Any = None) -> None:
        self._engine = engine
        self._database = engine.database
        self._heartbeat = heartbeat
        self._lease = lease
        self._client = (
            httpx2.Client(timeout=SECONDS, follow_redirects=False, transport=transport, verify=trusted.authorities())
            if heartbeat
            else None
        )

    def run(self, job: Job) -> Settled:
        """Look at every open page, mend, beat."""
        now = self._database.clock.now()
        open_, wrong = self._database.write(lambda connection: self._look(connection, now))
        fails = int(job.state.get("fails", 0))
        if self._client is not None:
            fails = (
                0 if wrong or self._beat() else fails + 1
            )  # in trouble we stay silent on purpose: that is the signal
            if fails == FAILS:
                words = f"the heartbeat to {self._heartbeat} did not get through {FAILS} times; see the address and the network"
                self._database.write(lambda connection: _alarm(connection, now, "heartbeat-not-sent", words))
        pause = EVERY if open_ else BEAT if self._client is not None else ASLEEP
        return Settled(again=now + pause, state={"fails": fails})

    def _look(self, connection: Connection, now: datetime) -> tuple[int, int]:
        """How many pages are open, and how many of them had something wrong, which is mended now."""
        users.set_fact(connection, FACT, now.isoformat())
        pages = store.watched(connection, now)
        wrong = [(one, what) for one in pages if (what := self._wrong(connection, one, now)) is not None]
        for one, what in wrong:
            log.error("page.not_on_time", page=one.page_id, ticket=one.ticket_id)
            if one.job is None:
                jobs.add(connection, "page", now, {"page": one.page_id}, one.ticket_id)
            elif one.run_at is None:
                jobs.revive(connection, one.job, now)
            elif one.run_at > now:
                jobs.hasten(connection, "page", one.ticket_id, now)
            if len(wrong) <= EACH:
                ticket = self._engine.ticket(connection, one.ticket_id)
                words = f"{ticket.number if ticket else one.ticket_id}: {what}; see that somebody has the ticket"
                _alarm(connection, now, "page-late", words, one.ticket_id)
        if len(wrong) > EACH:
            _alarm(
                connection, now, "page-late", "many pages are late; see the machine's load, and ring somebody by hand"
            )
        return len(pages), len(wrong)

    def _wrong(self, connection: Connection, one: Watched, now: datetime) -> str | None:
        """What is wrong with a page, None when it is as it should be."""
        if one.job is None:
            return "its page had no job any more"
        if one.run_at is None:
            return "its page's job was given up"
        if one.run_at + self._lease < now:
            return "its page is overdue by more than a lease"
        # Nothing is due before now, so a job that comes soon need not be held against its page: that is nearly all of them.
        if one.run_at <= now + 2 * self._lease or not one.state or one.at + self._lease > now:
            return None
        ticket = self._engine.ticket(connection, one.ticket_id)
        desk = self._engine.settings.desks.get(ticket.desk) if ticket else None
        if desk is None or desk.on_call is None:
            return None
        move = paging.next(paging.from_json(one.state), desk.on_call.policy, now)
        due = move.until if isinstance(move, paging.Wait) else now
        # A job that is being worked on has moved its `run_at` by a lease; one that sleeps longer than that has lost its hour.
        return "its page slept past what was due" if one.run_at > due + 2 * self._lease else None

    def _beat(self) -> bool:
        assert self._client is not None
        try:
            answer = self._client.get(self._heartbeat)
        except httpx2.HTTPError as trouble:
            log.warning("watchdog.no_heartbeat", error=type(trouble).__name__)
            return False
        return bool(answer.status_code < 300)


def silent_since(connection: Connection, now: datetime) -> datetime | None:
    """When the watchdog last looked, if that is too long ago for the pages that are open."""
    written = users.fact(connection, FACT)
    if written is None:
        return None
    last = datetime.fromisoformat(written)
    waiting = any(one.at + SILENT < now for one in store.watched(connection, now))
    return last if waiting and now - last > SILENT else None


def _alarm(connection: Connection, now: datetime, kind: str, words: str, ticket_id: int | None = None) -> None:
    if not alarms.waits(connection, kind, words):
        jobs.alarm(connection, now, kind, words, ticket_id)
