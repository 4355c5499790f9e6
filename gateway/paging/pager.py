"""A page: rings the chain until somebody accepts. `routing.paging` decides each move; this carries it out and writes it down.

One transaction between two orders: it writes down what came of the last, decides, and stores the intent of the next, or the
instant to go on at. Webhooks of the engineer's call (`gateway.calls.story`) and the console write the rest into the same
page, and make the job due at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.oncall import duty
from gateway.paging import end as paging_end
from gateway.paging import notes
from gateway.paging.news import keep_page, name_of, told
from gateway.paging.telephone import Telephone
from gateway.phone.twilio import Later, Placed, Refused
from gateway.store import alarms, calls, jobs, tickets
from gateway.store import paging as rings
from gateway.store.jobs import STORED, Job, Settled
from gateway.store.tickets import NewEntry
from routing import oncall, paging
from routing.oncall import OnCall, Policy
from routing.paging import Ask, Done, Event, GiveUp, Join, Move, Page, Ring, Skip, Tell, Wait
from routing.tickets import OPEN, Ticket

log = structlog.get_logger(__name__)

SKEW = timedelta(
    seconds=5
)  # as much as the carrier's clock may be behind ours: a call that we cannot see is rung again
HELD_UP = timedelta(seconds=3)  # an older intent is not carried out; with an order's time-outs less than UNDER_WAY


@dataclass(slots=True)
class _Turn:
    """One page in one transaction, as it stands so far."""

    id: int
    ticket: Ticket
    page: Page
    on_call: OnCall
    now: datetime


class Pager:
    """Runs the pages of one process."""

    def __init__(self, engine: Engine, telephone: Telephone) -> None:
        self._engine = engine
        self._database = engine.database
        self._telephone = telephone

    def run(self, job: Job) -> Settled:
        """Order, write down what came of it and decide, until there is nothing to do before some instant."""
        page_id = int(job.state["page"])
        news: tuple[Event, ...] = ()
        while True:
            now = self._database.clock.now()
            move, policy = self._database.write(
                lambda connection, news=news, now=now: self._turn(connection, job, page_id, news, now)  # type: ignore[misc]
            )
            match move:
                case Ring() if self._database.clock.now() - now < HELD_UP:
                    news = (self._telephone.ring(move.attempt_id, move.number, policy.ring_seconds),)
                case Ring():  # this worker stood still: somebody may have asked already and been told that nothing was rung
                    log.warning("page.held_up", attempt=move.attempt_id)
                    news = ()
                case Ask():
                    news = self._ask(page_id, move.attempt)
                case _:
                    return STORED

    def _turn(
        self, connection: Connection, job: Job, page_id: int, news: tuple[Event, ...], now: datetime
    ) -> tuple[Move | None, Policy]:
        """The news, and the next order as an intent; or the job is settled. None: the lease is lost, and somebody else
        decides; what this worker has heard is kept all the same."""
        turn = self._load(connection, page_id, now)
        heard = self._heard(connection, turn, news)
        if not jobs.holds(connection, job):  # the page's lock first, then the job's row: the order that webhooks take
            if heard != turn.page:
                keep_page(connection, page_id, heard)
            return None, turn.on_call.policy
        turn.page = heard
        self._rechained(connection, turn)
        move = self._decide(connection, turn)
        while isinstance(move, Skip | Tell | Join):
            move = self._decide(connection, turn)
        if isinstance(move, Ask):
            turn.page = paging.heard(turn.page, Event(move.attempt.id, "asked", now))
        keep_page(connection, page_id, turn.page)
        self._settle(connection, job, turn, move)
        return move, turn.on_call.policy

    def _heard(self, connection: Connection, turn: _Turn, news: tuple[Event, ...]) -> Page:
        page = turn.page
        for event in news:
            after = paging.heard(page, event)
            if event.what == "missing" and after != page:
                rings.forget_ring(connection, event.attempt)
            if event.what == "failed" and after != page:
                self._refused(connection, turn, event)
            page = after
        return page

    def _refused(self, connection: Connection, turn: _Turn, event: Event) -> None:
        """The carrier takes no call to this number; the next is rung, and somebody has to correct it."""
        attempt = paging.find(turn.page, event.attempt)
        name = name_of(self._engine.desk(turn.ticket.desk), attempt.person if attempt else None)
        words = f"{name} cannot be called ({event.code}); correct the number, or what the carrier asks for"
        tickets.tell(connection, turn.ticket.id, turn.now, NewEntry("page", "presa", {"words": words}))
        if not alarms.waits(connection, "page-number", words):
            jobs.alarm(connection, turn.now, "page-number", words, turn.ticket.id)

    def _decide(self, connection: Connection, turn: _Turn) -> Move:
        """The next move, recorded, and told where people look."""
        if turn.ticket.state not in OPEN and turn.page.state == "open":
            turn.page = paging.close(turn.page, turn.now, None)
        move = self._next(connection, turn.id, turn.page, turn.on_call.policy, turn.now)
        turn.page = paging.record(turn.page, move, turn.now)
        if isinstance(move, Ring | Join):
            bundle = move.bundle if isinstance(move, Join) else None
            rings.note_ring(connection, turn.id, move.attempt_id, move.number, turn.now, bundle)
        if isinstance(move, Ring | Join | Tell | Skip):
            self._say(connection, turn.ticket, turn.id, turn.page, move, turn.now)
        return move

    def _settle(self, connection: Connection, job: Job, turn: _Turn, move: Move) -> None:
        """The job's next instant, or its end, for moves that order nothing."""
        match move:
            case Wait(until):
                jobs.again(connection, job, until, job.state)
            case GiveUp(reason):
                paging_end.exhausted(connection, self._engine, turn.id, reason)
                jobs.finish(connection, job)
            case Done():
                paging_end.report(connection, self._engine, turn.id)
                jobs.finish(connection, job)

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

    def _load(self, connection: Connection, page_id: int, now: datetime) -> _Turn:
        """The page as it stands now; one that has not begun is given its chain."""
        stored = calls.page(connection, page_id, lock=True)
        assert stored is not None
        ticket = self._engine.ticket(connection, stored.ticket_id)
        assert ticket is not None
        on_call = duty.duty(connection, self._engine.desk(ticket.desk), now)
        assert on_call is not None
        if stored.state:
            return _Turn(page_id, ticket, paging.from_json(stored.state), on_call, now)
        urgent = ticket.priority == "P1"
        chain = oncall.chain(on_call, now, urgent=urgent)
        planned = tuple(link.person for link in chain)
        page = Page(f"page{page_id}", ticket.number, now, chain, urgent=urgent, planned=planned)
        page = page if stored.open else paging.close(page, now, ticket.assignee)
        return _Turn(page_id, ticket, page, on_call, now)

    def _rechained(self, connection: Connection, turn: _Turn) -> None:
        """When the duty has changed since the page began, the others are rung."""
        page = turn.page
        if page.state != "open" or not page.planned:
            return
        chain = oncall.chain(turn.on_call, turn.now, urgent=turn.ticket.priority == "P1")
        planned = tuple(link.person for link in chain)
        if page.planned != planned:
            turn.page = replace(paging.rechain(page, chain), planned=planned)
            line = {"words": "the duty has changed: " + ", ".join(link.name for link in chain)}
            tickets.tell(connection, turn.ticket.id, turn.now, NewEntry("page", "presa", line))

    def _ask(self, page_id: int, attempt: paging.Attempt) -> tuple[Event, ...]:
        """What became of a call we have no news of? Asked before anything is done again."""
        if attempt.bundle is not None:
            self._share(page_id, attempt)
            return ()
        try:
            found = self._find(attempt)
        except (Refused, Later) as trouble:
            log.warning("page.cannot_ask", attempt=attempt.id, why=trouble.public)
            return ()
        if found is None:
            return (Event(attempt.id, "missing", self._database.clock.now(), "missing"),)
        return self._telephone.said(attempt.id, found)

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

    def _find(self, attempt: paging.Attempt) -> Placed | None:
        """The carrier's call of this attempt; by its id, or else the one call to that number that no attempt has."""
        carrier = self._telephone.carrier
        if carrier is None:
            raise Later("no carrier configured")
        if attempt.provider_sid is not None:
            return carrier.get(attempt.provider_sid)
        placed = carrier.find(to=attempt.number, since=attempt.placed_at - SKEW)
        sids = [call.sid for call in placed]
        known = self._database.read(lambda connection: rings.known(connection, attempt.number, sids))
        return next((call for call in reversed(placed) if call.sid not in known), None)


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
