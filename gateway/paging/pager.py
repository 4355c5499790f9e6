"""A page: rings the chain until somebody accepts. `routing.paging` decides each move; this carries it out and writes it down.

One transaction for each arrow: the intent is stored before the phone is rung, its result after; webhooks of the engineer's
call (`gateway.calls.story`) and the console write the rest into the same page, and make the job due at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.oncall import duty
from gateway.paging import end as paging_end
from gateway.paging import notes
from gateway.paging.news import hear, keep_page, name_of, told
from gateway.phone.twilio import Later, Placed, Refused, Unknown
from gateway.store import calls, jobs, tickets
from gateway.store import paging as rings
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import NewEntry
from routing import oncall, paging
from routing.oncall import Policy
from routing.paging import Ask, Done, Event, GiveUp, Join, Page, Ring, Skip, Tell, Wait
from routing.tickets import OPEN, Ticket

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
SKEW = timedelta(
    seconds=5
)  # as much as the carrier's clock may be behind ours: a call that we cannot see is rung again
HELD_UP = timedelta(seconds=3)  # an older intent is not carried out; with an order's time-outs less than UNDER_WAY


class Carrier(Protocol):
    """The telephone company, as far as a page needs it (`gateway.phone.twilio.Carrier` is one)."""

    def place(
        self, *, to: str, from_: str, url: str, status_callback: str, attempt_id: str, timeout: int = 25
    ) -> str: ...

    def find(self, *, to: str, since: datetime) -> tuple[Placed, ...]: ...

    def get(self, sid: str) -> Placed: ...


@dataclass(frozen=True, slots=True)
class Lines:
    """How our calls go out: our number, and where the carrier asks what to say and tells what happens."""

    number: str
    answer_url: str
    status_url: str


class Pager:
    """Runs the pages of one process."""

    def __init__(self, engine: Engine, carrier: Carrier | None, lines: Lines) -> None:
        self._engine = engine
        self._database = engine.database
        self._carrier = carrier
        self._lines = lines

    def run(self, job: Job) -> Settled:
        """One round of the job: decide, and carry out, until there is nothing to do before some instant."""
        page_id = int(job.state["page"])
        while True:
            now = self._database.clock.now()
            move, policy = self._database.write(lambda connection, now=now: self._decide(connection, job, page_id, now))  # type: ignore[misc]
            match move:
                case Ring():
                    if self._database.clock.now() - now < HELD_UP:
                        self._ring(page_id, move, policy)
                    else:  # this worker stood still: somebody may have asked already and been told that nothing was rung
                        log.warning("page.held_up", attempt=move.attempt_id)
                case Ask():
                    self._ask(page_id, move.attempt)
                case Skip() | Tell() | Join():
                    continue  # written down already
                case Wait(until):
                    return Settled(again=until, state=job.state)
                case GiveUp(reason):
                    return self._over(page_id, reason)
                case Done(_, others):
                    until = max((paging.lost_at(one, policy) for one in others), default=now)
                    if until > now:  # their telephones still ring: the report waits for what becomes of them
                        return Settled(again=until, state=job.state)
                    return Settled(lambda connection: paging_end.report(connection, self._engine, page_id))

    def _over(self, page_id: int, why: str) -> Settled:
        return Settled(lambda connection: paging_end.exhausted(connection, self._engine, page_id, why))

    def _decide(self, connection: Connection, job: Job, page_id: int, now: datetime) -> tuple[paging.Move, Policy]:
        """The next move, written down as an intent; under the job's lease, so that two workers never decide at once."""
        ticket, page, policy = self._load(connection, page_id, now)
        jobs.keep(connection, job, job.state)  # the page's lock first, then the job's row: the order that webhooks take
        if ticket.state not in OPEN and page.state == "open":
            page = paging.close(page, now, None)
        move = self._next(connection, page_id, page, policy, now)
        page = paging.record(page, move, now)
        keep_page(connection, page_id, page)
        if isinstance(move, Ring | Join):
            bundle = move.bundle if isinstance(move, Join) else None
            rings.note_ring(connection, page_id, move.attempt_id, move.number, now, bundle)
        if isinstance(move, Ring | Join | Tell | Skip):
            self._say(connection, ticket, page_id, page, move, now)
        return move, policy

    def _next(self, connection: Connection, page_id: int, page: Page, policy: Policy, now: datetime) -> paging.Move:
        """The next move. What depends on other pages is counted with nobody else counting for that number."""
        move = paging.next(page, policy, now)
        if not isinstance(move, Ring) or not (policy.caps or policy.bundle_seconds):
            return move
        calls.alone(connection, f"ring:{move.number}")
        if joined := self._join(connection, page_id, move, policy, now):
            return joined
        longest = max((cap.seconds for cap in policy.caps), default=0)
        numbers = {link.number for link in page.chain}
        others = rings.rings_since(connection, numbers, now - timedelta(seconds=longest), but=page_id)
        return paging.next(page, policy, now, others)

    def _join(self, connection: Connection, page_id: int, move: Ring, policy: Policy, now: datetime) -> Join | None:
        """The call to the same number for another ticket of this desk, if one is under way and began a moment ago."""
        since = now - timedelta(seconds=policy.bundle_seconds)
        found = rings.ringing_for(connection, move.number, since, but=page_id) if policy.bundle_seconds else None
        if found is None:
            return None
        attempt_id, other_id = found
        other, mine = calls.page(connection, other_id), calls.page(connection, page_id)
        assert other is not None
        assert mine is not None
        tickets_ = (self._engine.ticket(connection, one.ticket_id) for one in (other, mine))
        desks = {ticket.desk for ticket in tickets_ if ticket}
        attempt = paging.find(paging.from_json(other.state), attempt_id)
        if not other.open or len(desks) != 1 or attempt is None or attempt.state not in paging.LIVE:
            return None
        return Join(move.person, move.number, move.attempt_id, move.round, move.link, attempt_id)

    def _say(
        self, connection: Connection, ticket: Ticket, page_id: int, page: Page, move: Ring | Join | Tell | Skip, now: datetime
    ) -> None:  # fmt: skip
        """The move in the ticket's story, and the notes that go with it."""
        desk = self._engine.desk(ticket.desk)
        name = name_of(desk, move.person)
        line = {
            Ring: f"{name} is rung",
            Join: f"{name} is being rung for another ticket and hears of this one in that call",
            Tell: f"{name} is written to",
            Skip: f"{name} is not rung: {move.reason}" if isinstance(move, Skip) else "",
        }[type(move)]
        data = {"words": line, "person": move.person, "attempt": move.attempt_id}
        tickets.tell(connection, ticket.id, now, NewEntry("page", "presa", data))
        if isinstance(move, Skip):
            jobs.alarm(connection, now, "page-capped", f"{ticket.number}: {line}; the next is rung at once", ticket.id)
        someone = desk.on_call.people.get(move.person) if desk.on_call else None
        if someone is not None:
            # Whose telephone may not ring is written to by every way there is.
            channels = tuple(someone.reach) if isinstance(move, Skip) else page.chain[move.link].channels
            notes.put_down(connection, self._engine, ticket, page_id, [(someone, channels)], now, mark=move.attempt_id)

    def _load(self, connection: Connection, page_id: int, now: datetime) -> tuple[Ticket, Page, Policy]:
        """The page as it stands now: when the duty has changed since it began, the others are rung."""
        stored = calls.page(connection, page_id, lock=True)
        assert stored is not None
        ticket = self._engine.ticket(connection, stored.ticket_id)
        assert ticket is not None
        on_call = duty.duty(connection, self._engine.desk(ticket.desk), now)
        assert on_call is not None
        urgent = ticket.priority == "P1"
        chain = oncall.chain(on_call, now, urgent=urgent)
        planned = tuple(link.person for link in chain)
        if not stored.state:
            page = Page(f"page{page_id}", ticket.number, now, chain, urgent=urgent, planned=planned)
            return ticket, page if stored.open else paging.close(page, now, ticket.assignee), on_call.policy
        page = paging.from_json(stored.state)
        if page.state == "open" and page.planned and page.planned != planned:
            page = replace(paging.rechain(page, chain), planned=planned)
            line = {"words": "the duty has changed: " + ", ".join(link.name for link in chain)}
            tickets.tell(connection, ticket.id, now, NewEntry("page", "presa", line))
        return ticket, page, on_call.policy

    def _ring(self, page_id: int, move: Ring, policy: Policy) -> None:
        if self._carrier is None:
            self._hear(page_id, move.attempt_id, "failed", code="no carrier configured")
            return
        try:
            sid = self._carrier.place(
                to=move.number, from_=self._lines.number, url=self._lines.answer_url, status_callback=self._lines.status_url,
                attempt_id=move.attempt_id, timeout=policy.ring_seconds,
            )  # fmt: skip
        except Refused as refused:
            self._hear(page_id, move.attempt_id, "failed", code=refused.public)
        except Later as later:
            log.warning("page.not_placed", attempt=move.attempt_id, why=later.public)
            self._hear(page_id, move.attempt_id, "missing", code="missing")
        except Unknown as unknown:
            log.warning("page.unknown", attempt=move.attempt_id, why=unknown.public)
            self._hear(page_id, move.attempt_id, "unknown")
        else:
            self._hear(page_id, move.attempt_id, "placed", provider_sid=sid)

    def _ask(self, page_id: int, attempt: paging.Attempt) -> None:
        """What became of a call we have no news of? Asked before anything is done again."""
        self._hear(page_id, attempt.id, "asked")
        if attempt.bundle is not None:
            self._share(page_id, attempt)
            return
        try:
            found = self._find(page_id, attempt)
        except (Refused, Later) as trouble:
            log.warning("page.cannot_ask", attempt=attempt.id, why=trouble.public)
            return
        if found is None:
            self._hear(page_id, attempt.id, "missing", code="missing")
            return
        self._hear(page_id, attempt.id, "placed", provider_sid=found.sid)
        what = STATUS.get(found.status)
        if what is not None and what != "placed":
            self._hear(page_id, attempt.id, what, code=found.status if what == "ended" else None)

    def _share(self, page_id: int, attempt: paging.Attempt) -> None:
        """What became of the call that this page shares: an acceptance there is one here too."""
        assert attempt.bundle is not None
        other_id, now = page_of(attempt.bundle), self._database.clock.now()

        def look(connection: Connection) -> None:
            other = calls.page(connection, other_id) if other_id is not None else None
            shared = paging.find(paging.from_json(other.state), attempt.bundle or "") if other and other.state else None
            if shared is None or shared.state in ("intended", "unknown", "placed", "ringing"):
                return
            what: paging.What = SHARED[shared.state]
            code = (shared.provider_code or "failed") if what == "ended" else None
            if what == "answered" and attempt.state == "answered":
                return
            told(
                connection, self._engine, page_id, Event(attempt.id, what, now, code, shared.key, reason=shared.reason)
            )

        self._database.write(look)

    def _find(self, page_id: int, attempt: paging.Attempt) -> Placed | None:
        """The carrier's call of this attempt; by its id, or else the one call to that number that no attempt has."""
        if self._carrier is None:
            raise Later("no carrier configured")
        if attempt.provider_sid is not None:
            return self._carrier.get(attempt.provider_sid)
        known = self._database.read(lambda connection: calls.sids_of_pages(connection, attempt.placed_at - DAY))
        placed = self._carrier.find(to=attempt.number, since=attempt.placed_at - SKEW)
        return next((call for call in reversed(placed) if call.sid not in known), None)

    def _hear(self, page_id: int, attempt: str, what: paging.What, **more: Any) -> None:
        now = self._database.clock.now()
        self._database.write(lambda connection: hear(connection, page_id, Event(attempt, what, now, **more)))


# The carrier's words for a call -> what the page hears (Twilio, "Call resource", CallStatus).
STATUS: Mapping[str, paging.What] = {
    "queued": "placed",
    "initiated": "placed",
    "ringing": "ringing",
    "in-progress": "answered",
    "answered": "answered",
    "completed": "ended",
    "busy": "ended",
    "no-answer": "ended",
    "failed": "ended",
    "canceled": "ended",
}


# What the state of a shared call means for a page that shares it.
SHARED: Mapping[paging.State, paging.What] = {
    "answered": "answered",
    "told": "ended",
    "accepted": "accepted",
    "passed": "passed",
    "ended": "ended",
    "failed": "ended",
}


def page_of(attempt: str) -> int | None:
    """The page behind an attempt id (`page12-3`)."""
    page, dash, _ = attempt.rpartition("-")
    digits = page.removeprefix("page")
    ours = dash and page.startswith("page") and digits.isascii() and digits.isdigit() and len(digits) < 16
    return int(digits) if ours else None
