"""A page: rings the chain until somebody accepts. `routing.paging` decides each move; this carries it out and writes it down.

One transaction for each arrow: the intent is stored before the phone is rung, its result after; webhooks of the engineer's
call (`gateway.calls`) and the console write the rest into the same page, and make the job due at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.phone.twilio import Later, Placed, Refused, Unknown
from gateway.store import calls, jobs, tickets
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import NewEntry
from routing import oncall, paging
from routing.oncall import Policy
from routing.paging import Ask, Done, Event, GiveUp, Page, Ring, Skip, Wait
from routing.tickets import OPEN, Ticket

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
SKEW = timedelta(
    seconds=5
)  # as much as the carrier's clock may be behind ours: a call that we cannot see is rung again
CARRIER_AWAY = timedelta(minutes=1)
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
                case Skip():
                    continue
                case Wait(until):
                    return Settled(again=until, state=job.state)
                case GiveUp(reason):
                    return Settled(lambda connection, why=reason: self._exhausted(connection, page_id, why))  # type: ignore[misc]
                case Done():
                    return Settled()

    def _decide(self, connection: Connection, job: Job, page_id: int, now: datetime) -> tuple[paging.Move, Policy]:
        """The next move, written down as an intent; under the job's lease, so that two workers never decide at once."""
        ticket, page, policy = self._load(connection, page_id, now)
        jobs.keep(connection, job, job.state)  # the page's lock first, then the job's row: the order that webhooks take
        if ticket.state not in OPEN and page.state == "open":
            page = paging.close(page, now, None)
        move = paging.next(page, policy, now)
        page = paging.record(page, move, now)
        keep_page(connection, page_id, page)
        if isinstance(move, Ring):
            told = {
                "words": f"{self._name(ticket, move.person)} is rung",
                "person": move.person,
                "attempt": move.attempt_id,
            }
            tickets.tell(connection, ticket.id, now, NewEntry("page", "presa", told))
        if isinstance(move, Skip):
            told = {"words": f"{self._name(ticket, move.person)} is not rung: {move.reason}", "person": move.person}
            tickets.tell(connection, ticket.id, now, NewEntry("page", "presa", told))
            jobs.alarm(connection, now, "page-capped", f"{ticket.number}: {told['words']}", ticket.id)
        return move, policy

    def _load(self, connection: Connection, page_id: int, now: datetime) -> tuple[Ticket, Page, Policy]:
        stored = calls.page(connection, page_id, lock=True)
        assert stored is not None
        ticket = self._engine.ticket(connection, stored.ticket_id)
        assert ticket is not None
        on_call = self._engine.desk(ticket.desk).on_call
        assert on_call is not None
        if not stored.state:
            page = Page(
                f"page{page_id}", ticket.number, now, oncall.chain(on_call, now), urgent=ticket.priority == "P1"
            )
            return ticket, page if stored.open else paging.close(page, now, ticket.assignee), on_call.policy
        return ticket, paging.from_json(stored.state), on_call.policy

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

    def _exhausted(self, connection: Connection, page_id: int, why: str) -> None:
        """Nobody accepted: said as loudly as can be, on the ticket and as an alarm."""
        stored = calls.page(connection, page_id)
        assert stored is not None
        now = self._database.clock.now()
        ticket = self._engine.ticket(connection, stored.ticket_id)
        assert ticket is not None
        page = paging.from_json(stored.state)
        unreachable = bool(page.attempts) and all(attempt.provider_code == "missing" for attempt in page.attempts)
        if (
            unreachable and ticket.state in OPEN
        ):  # the carrier was away the whole time: nobody has slept through anything
            why = "the telephone company could not be reached; tried again in a minute"
            again = {"page": calls.open_page(connection, ticket.id, now)}
            jobs.add(connection, "page", now + CARRIER_AWAY, again, ticket.id)
        words = f"nobody accepted the page ({why}); ring somebody by hand"
        tickets.tell(connection, ticket.id, now, NewEntry("page", "presa", {"words": words, "exhausted": True}))
        jobs.alarm(connection, now, "page-exhausted", f"{ticket.number}: {words}", ticket.id)

    def _name(self, ticket: Ticket, person: str) -> str:
        on_call = self._engine.desk(ticket.desk).on_call
        return on_call.people[person].name if on_call and person in on_call.people else person


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


def keep_page(connection: Connection, page_id: int, page: Page) -> None:
    calls.keep_page(connection, page_id, paging.to_json(page), open_=page.state == "open")


def hear(connection: Connection, page_id: int, event: Event) -> Page | None:
    """Write news of an attempt into its page; None when it changes nothing."""
    stored = calls.page(connection, page_id, lock=True)
    if stored is None or not stored.state:
        return None
    before = paging.from_json(stored.state)
    after = paging.heard(before, event)
    if after == before:
        return None
    keep_page(connection, page_id, after)
    return after
