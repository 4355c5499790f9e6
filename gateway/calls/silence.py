"""Calls whose carrier has fallen silent: no webhook, and the last word never came.

Each webhook marks its call as alive. A call that was not heard of for `SILENT` is asked about at the carrier: one that is up
there (two people talk, and nothing is asked of us) is alive; one that is over, or that the carrier does not know, ends here as
if its last word had come. What was known of it is filed then, its place in the queue is free, an engineer who waits for the
caller is told, and the ticket says how it was found out. Refuses to end a call only because the carrier cannot be asked, as
long as it may come back.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

import ivr
from gateway.calls.story import Calls
from gateway.engine import Engine
from gateway.phone.carrier import ENDED, Later, Orders, Refused
from gateway.store import calls, tickets
from gateway.store.calls import StoredCall
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import NewEntry

log = structlog.get_logger(__name__)

KIND = calls.SILENT_CALLS
SILENT = calls.SILENT  # longer than any prompt, recording and wait together
UNASKED = timedelta(minutes=30)  # for so long a carrier that cannot be asked may still come back
LONGEST_TALK = timedelta(hours=4)  # of two people, where there is no carrier to be asked at all
ASLEEP = timedelta(hours=6)  # while nobody is on the line; a new call wakes the job
MANY = 20  # calls asked about in one round
TALKING = frozenset({"person", "meeting", "bridge"})


class Silence:
    """The handler of the one `silent-calls` job. `orders`: the carrier, None without one."""

    def __init__(self, engine: Engine, talks: Calls, orders: Orders | None) -> None:
        self._engine = engine
        self._database = engine.database
        self._calls = talks
        self._orders = orders

    def run(self, job: Job) -> Settled:
        """Look at every call that is too silent; come back when the next one could be."""
        now = self._database.clock.now()
        for stored in self._database.read(lambda connection: calls.silent(connection, now - SILENT, MANY)):
            self._look_at(stored, now)
        first = self._database.read(calls.longest_silent)
        again = now + ASLEEP if first is None else max(first + SILENT, now + timedelta(seconds=5))
        return Settled(again=again, state=job.state)

    def _look_at(self, stored: StoredCall, now: datetime) -> None:
        since = stored.seen_at or stored.at
        said = self._ask(stored.sid, talks=_talks(stored), silent=now - since)
        if said is None:
            self._database.write(lambda connection: calls.update(connection, stored.sid, seen_at=now))
        elif said:
            self._end(stored, said, since, now)

    def _ask(self, sid: str, *, talks: bool, silent: timedelta) -> str | None:
        """What the carrier says of a call: how it ended, None while it is up, "" when that cannot be known yet."""
        if self._orders is None:
            return "lost" if not talks or silent > LONGEST_TALK else ""
        try:
            said = self._orders.get(sid).status
        except Refused:
            return "lost"
        except Later as later:
            log.warning("calls.cannot_ask", why=later.public)
            return "lost" if silent > (LONGEST_TALK if talks else UNASKED) else ""
        return said if said in ENDED else None

    def _end(self, stored: StoredCall, said: str, since: datetime, now: datetime) -> None:
        """Its last word, said by us."""
        if stored.attempt is not None and stored.direction != "agent":
            told = self._calls.page_news(stored.attempt, said if said in ENDED else "failed", stored.sid, None)
        else:
            told = self._calls.over(stored.sid, said, None)
        if told is not None:
            told.result()
        self._database.write(lambda connection: self._tell(connection, stored.sid, said, since, now))

    def _tell(self, connection: Connection, sid: str, said: str, since: datetime, now: datetime) -> None:
        calls.event(connection, sid, now, "fell_silent")
        ended = calls.get(connection, sid)
        if ended is None or ended.ticket_id is None or ended.direction in ("page", "agent"):
            return
        found = "the carrier knows nothing of it any more" if said == "lost" else f"the carrier says {said}"
        words = f"the line was silent from {since.isoformat(timespec='minutes')} on, and {found}"
        tickets.tell(connection, ended.ticket_id, now, NewEntry("call", "presa", {"words": words, "sid": sid}))


def _talks(stored: StoredCall) -> bool:
    """Are two people talking, so that nothing need be heard of the call?"""
    return ivr.from_json(stored.state).expects in TALKING
