"""Calling customers back: the wish taken or refused, its turn, and the attempts until somebody talks.

The order of wishes is kept for ever: a retry is the same request, and so is a wish that is put off. `routing.paging` moves the
attempts, as it does an engineer's, so that one telephone is rung once: the intent is stored first, and after a crash the
carrier is asked. Refuses to ring a number that could cost more than an ordinary one, and more customers than there are free
agents.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from gateway.calls import waiting
from gateway.calls.tolls import SAID, callable_number, cost_of, refusal, zone_of
from gateway.engine import Engine
from gateway.paging.telephone import STATUS, Carrier, Lines
from gateway.phone.carrier import Later, Placed, Refused, Unknown
from gateway.store import callbacks as store
from gateway.store import calls, directory, jobs, tickets
from gateway.store.callbacks import StoredCallback
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import NewEntry
from routing import calendars, paging
from routing.desk import CallbackRules, Desk
from routing.oncall import Link, Policy
from routing.paging import Ask, Event, GiveUp, Move, Page, Ring, Wait
from routing.tickets import OPEN

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
SKEW = timedelta(seconds=5)
HELD_UP = timedelta(seconds=3)  # an older intent is not carried out: somebody may have asked and been told of none
TURN = timedelta(seconds=15)  # until it is looked again whether somebody is free
PUT_OFF = timedelta(minutes=30)  # after 9: "another time"
RING_SECONDS = 30
PROOF = "proof"  # the mode of a call that only asks a number on file whether it was them (`gateway.calls.proving`)
PROOF_REST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wants to be called back. `key`: once for each wish; `caller`: whom the caps count, "" for nobody known."""

    key: str
    caller: str
    number: str | None
    ticket_id: int
    customer: str | None
    plan: str | None
    language: str
    source: str = "phone"
    now: bool = False
    not_before: datetime | None = None
    not_after: datetime | None = None


def ask(connection: Connection, wish: Wish, desk: Desk, now: datetime) -> str | None:
    """Take the wish and put down its job, or say why not (a key of `SAID`); the ticket is told either way."""
    rules = desk.phone.callbacks if desk.phone else None
    target = callable_number(wish.number, rules)
    why = refusal(connection, wish.caller, target, rules, now)
    words = f"a call back was refused: {SAID[why]}" if why else "the caller wants to be called back"
    told = {"words": words, "number": "" if why else target, "callback": why or "taken"}
    if wish.source == "phone":
        told["sid"] = wish.key.partition(":")[0]
    tickets.tell(connection, wish.ticket_id, now, NewEntry("call", wish.caller or wish.source, told))
    if why or target is None or rules is None:
        return why or "number"
    known = directory.get(connection, wish.customer) if wish.customer else None
    request = store.ask(connection, {
        "at": now, "sid": wish.key, "caller": wish.caller, "number": target, "ticket_id": wish.ticket_id,
        "language": wish.language, "desk": desk.id, "customer": wish.customer, "mode": "now" if wish.now else "later",
        "source": wish.source, "rank": waiting.rank(desk, wish.plan), "zone": zone_of(target, desk, known),
        "not_before": wish.not_before, "not_after": wish.not_after, "cost": cost_of(target, rules),
    })  # fmt: skip
    if served(desk):
        jobs.add(connection, "callback", now, {"callback": request}, wish.ticket_id)
    return None


def served(desk: Desk) -> bool:
    """Does Presa ring back by itself? Without agents' telephones or hours a person of the desk does, by hand."""
    return desk.phone is not None and bool(desk.phone.agents) and desk.phone.staffed is not None


# The turn -------------------------------------------------------------------------------------------------------


def earliest(one: StoredCallback, desk: Desk, now: datetime) -> datetime | None:
    """From when it may be rung: its window, the desk's hours, the customer's own day; None when its window is over."""
    rules = desk.phone.callbacks if desk.phone else None
    assert desk.phone is not None
    at = max(filter(None, (now, one.not_before, one.next_at)))
    for _ in range(20):  # desk hours and the customer's day push each other on; they meet within some days
        later = _awake(one, rules, at)
        if desk.phone.staffed not in (None, "24x7"):
            later = calendars.opening_from(desk.calendars[desk.phone.staffed], later)
        if later == at:
            break
        at = later
    return None if one.not_after is not None and at > one.not_after else at


def _awake(one: StoredCallback, rules: CallbackRules | None, at: datetime) -> datetime:
    """The next instant within the hours of the customer's own clock; who asked for it now is awake."""
    if rules is None or (one.mode == "now" and one.attempt is None):
        return at
    here = at.astimezone(ZoneInfo(one.zone or "UTC"))
    if rules.from_hour <= here.hour < rules.to_hour:
        return at
    day = here if here.hour < rules.from_hour else here + DAY
    return day.replace(hour=rules.from_hour, minute=0, second=0, microsecond=0).astimezone(at.tzinfo)


class Callbacks:
    """Runs the call backs of one process."""

    def __init__(self, engine: Engine, carrier: Carrier | None, lines: Lines) -> None:
        self._engine = engine
        self._database = engine.database
        self._carrier = carrier
        self._lines = lines

    def run(self, job: Job) -> Settled:
        """One round of the job: decide, and carry out, until there is nothing to do before some instant."""
        request = int(job.state["callback"])
        while True:
            now = self._database.clock.now()
            move = self._database.write(lambda connection, now=now: self._decide(connection, job, request, now))  # type: ignore[misc]
            match move:
                case Ring():
                    if self._database.clock.now() - now < HELD_UP:
                        self._ring(request, move)
                case Ask():
                    self._find(request, move.attempt)
                case Wait(until):
                    return Settled(again=until, state=job.state)
                case _:
                    return Settled()

    def _decide(self, connection: Connection, job: Job, request: int, now: datetime) -> Move:
        one = store.get(connection, request, lock=True)
        jobs.keep(connection, job, job.state)
        if one is None or one.state not in store.LIVE or one.state == "talking":
            return GiveUp("over")
        ticket, desk = self._engine.ticket(connection, one.ticket_id), self._engine.desk(one.desk)
        if ticket is None or ticket.state not in OPEN:
            return _end(connection, one, "cancelled", "the ticket is done; nobody is called back", now)
        rules = desk.phone.callbacks if desk.phone else None
        if rules is None or not (one.mode == PROOF or served(desk)):
            return GiveUp("nobody to talk to")
        page, policy = _page(one, ticket.number, rules), _policy(one, rules)
        move = paging.next(page, policy, now)
        if isinstance(move, GiveUp) or (isinstance(move, Ring) and now - one.at > timedelta(days=rules.give_up_days)):
            words = f"not reached after {one.attempts} attempts; write to the customer or ring by hand"
            jobs.alarm(connection, now, "callback-given-up", f"{ticket.number}: {words}", ticket.id)
            return _end(connection, one, "given up", words, now)
        if isinstance(move, Ring) and (held := self._held(connection, one, desk, now)) is not None:
            return held
        if isinstance(move, Ring):
            told = {"words": f"the customer is called back, attempt {one.attempts + 1}", "attempt": move.attempt_id}
            tickets.tell(connection, ticket.id, now, NewEntry("call", "presa", told))
            store.update(connection, one.id, state="ringing", attempts=one.attempts + 1)
        store.update(connection, one.id, attempt=paging.to_json(paging.record(page, move, now)))
        return move

    def _held(self, connection: Connection, one: StoredCallback, desk: Desk, now: datetime) -> Move | None:
        """Why it is not rung just now: not the hour, or others go first. A proof waits for the caller to hang up, only."""
        if one.mode == PROOF:
            talks = calls.get(connection, one.sid.split(":")[1])
            return Wait(now + TURN) if talks is not None and talks.status == "in-progress" else None
        at = earliest(one, desk, now)
        if at is None:
            return _end(connection, one, "given up", "the time that the customer named is over", now)
        if at > now:
            store.update(connection, one.id, next_at=at)
            return Wait(at)
        calls.alone(connection, f"queue:{desk.id}")
        if one.mode == "now" and one.attempt is None:
            return None
        return None if store.ahead(connection, one, now) < waiting.free(connection, desk, now) else Wait(now + TURN)

    # The carrier ------------------------------------------------------------------------------------------------

    def _ring(self, request: int, move: Ring) -> None:
        if self._carrier is None:
            self.news(
                request, Event(move.attempt_id, "failed", self._database.clock.now(), code="no carrier configured")
            )
            return
        what, more = "placed", {}  # type: tuple[paging.What, dict[str, Any]]
        try:
            more["provider_sid"] = self._carrier.place(
                to=move.number, from_=self._lines.number, url=self._lines.answer_url, status_callback=self._lines.status_url,
                attempt_id=move.attempt_id, timeout=RING_SECONDS,
            )  # fmt: skip
        except Refused as refused:
            what, more = "failed", {"code": refused.public}
        except Later as later:
            log.warning("callback.not_placed", attempt=move.attempt_id, why=later.public)
            what, more = "missing", {"code": "missing"}
        except Unknown as unknown:
            log.warning("callback.unknown", attempt=move.attempt_id, why=unknown.public)
            what, more = "unknown", {}
        self.news(request, Event(move.attempt_id, what, self._database.clock.now(), **more))

    def _find(self, request: int, attempt: paging.Attempt) -> None:
        """What became of a call that we have no news of? Asked before anything is done again."""
        now = self._database.clock.now()
        self.news(request, Event(attempt.id, "asked", now))
        if self._carrier is None:
            return
        found: Placed | None
        try:
            if attempt.provider_sid is not None:
                found = self._carrier.get(attempt.provider_sid)
            else:
                since = attempt.placed_at - DAY
                known = self._database.read(lambda c: store.known_sids(c, since) | calls.sids_of_pages(c, since))
                placed = self._carrier.find(to=attempt.number, since=attempt.placed_at - SKEW)
                found = next((call for call in reversed(placed) if call.sid not in known), None)
        except (Refused, Later) as trouble:
            log.warning("callback.cannot_ask", attempt=attempt.id, why=trouble.public)
            return
        if found is None:
            self.news(request, Event(attempt.id, "missing", now, code="missing"))
            return
        self.news(request, Event(attempt.id, "placed", now, provider_sid=found.sid))
        what = STATUS.get(found.status)
        if what is not None and what != "placed":
            self.news(request, Event(attempt.id, what, now, code=found.status if what == "ended" else None))

    def news(self, request: int, event: Event) -> None:
        self._database.write(lambda connection: hear(connection, request, event, self._engine))


def hear(connection: Connection, request: int, event: Event, engine: Engine) -> None:
    """News of an attempt go into its request; one that ended without a conversation rests before the next."""
    one = store.get(connection, request, lock=True)
    if one is None or one.attempt is None:
        return
    before = paging.from_json(one.attempt)
    page = paging.heard(before, event)
    if page == before:
        return
    attempt = paging.find(page, event.attempt)
    changes: dict[str, Any] = {"attempt": paging.to_json(page)}
    was = paging.find(before, event.attempt)
    if attempt and was and attempt.ended_at and not was.ended_at and page.state == "open":
        changes |= {"state": "waiting", "next_at": event.at + _rest(one, _rules(engine, one))}
        words = f"the call back was not taken: {paging.outcome(attempt)}"
        tickets.tell(
            connection, one.ticket_id, event.at, NewEntry("call", "presa", {"words": words, "attempt": attempt.id})
        )
    store.update(connection, one.id, **changes)


def told(connection: Connection, request: int, event: Event, engine: Engine) -> None:
    """News from outside: the job looks at once."""
    hear(connection, request, event, engine)
    one = store.get(connection, request)
    if one is not None:
        jobs.hasten(connection, job_of(one), one.ticket_id, event.at)


def accepted(connection: Connection, request: int, attempt: str, engine: Engine, now: datetime) -> None:
    """The customer pressed a key: it is a person, and they want to talk."""
    told(connection, request, Event(attempt, "accepted", now, key="1"), engine)
    store.update(connection, request, state="talking")


def put_off(connection: Connection, one: StoredCallback, number: str | None, desk: Desk, now: datetime) -> str | None:
    """The customer wants it another time, perhaps at another number: the same request, in the same place of the order.

    Answers with the number; None when it may not be rung, and then nothing changes."""
    rules = desk.phone.callbacks if desk.phone else None
    target = callable_number(number, rules) if number else one.number
    if target is None or (one.mode == PROOF and target != one.number):  # another telephone proves nothing
        return None
    again(
        connection,
        replace(one, number=target, mode=_put_off(one)),
        now,
        now + PUT_OFF,
        "the customer wants to be called back another time",
    )
    return target


def again(connection: Connection, one: StoredCallback, now: datetime, at: datetime, words: str) -> None:
    """Back to those who wait, with fresh attempts as far as there are any left."""
    store.update(connection, one.id, state="waiting", mode=one.mode, number=one.number, next_at=at, attempt=sa.null())
    tickets.tell(connection, one.ticket_id, now, NewEntry("call", "presa", {"words": words}))
    jobs.cancel(connection, job_of(one), one.ticket_id)
    jobs.add(connection, job_of(one), at, {"callback": one.id}, one.ticket_id)


def ended(connection: Connection, request: int, connected: bool, now: datetime, engine: Engine) -> None:
    """The customer's leg is over after their key: they talked, or nobody was there after all."""
    one = store.get(connection, request, lock=True)
    if one is None or one.state != "talking":
        return
    if connected:
        _end(connection, one, "done", "the customer was called back", now)
        return
    at = now + _rest(one, _rules(engine, one))
    again(
        connection,
        replace(one, mode=_put_off(one)),
        now,
        at,
        "the customer was reached, but not connected; they are called again",
    )


def request_of(attempt: str) -> int | None:
    """The request behind an attempt id (`callback12-3`)."""
    digits = attempt.removeprefix("callback").partition("-")[0]
    fits = attempt.startswith("callback") and digits.isascii() and digits.isdigit() and len(digits) < 16
    return int(digits) if fits else None


def job_of(one: StoredCallback) -> str:
    """The kind of its job: a ticket may have a call back and a proof, and news of one must not move the other."""
    return PROOF if one.mode == PROOF else "callback"


def _put_off(one: StoredCallback) -> str:
    """Who did not want it now is awake no more; a proof stays one."""
    return PROOF if one.mode == PROOF else "later"


def _rest(one: StoredCallback, rules: CallbackRules) -> timedelta:
    """Between two attempts; who waits for an engineer does not wait long."""
    return PROOF_REST if one.mode == PROOF else timedelta(minutes=rules.rest_minutes)


def _rules(engine: Engine, one: StoredCallback) -> CallbackRules:
    phone = engine.desk(one.desk).phone
    return phone.callbacks if phone and phone.callbacks else CallbackRules((), frozenset())


def _page(one: StoredCallback, number: str, rules: CallbackRules) -> Page:
    if one.attempt is not None:
        return paging.from_json(one.attempt)
    link = Link("customer", "customer", one.number, "rota", RING_SECONDS)
    # Attempt ids go on where those before a pause ended: a late word about an old call must not meet a new one.
    return Page(
        f"callback{one.id}" + (f"-{one.attempts}" if one.attempts else ""), number, one.at, (link,), urgent=True
    )


def _policy(one: StoredCallback, rules: CallbackRules) -> Policy:
    """Each round is one attempt; what was tried before a pause counts."""
    before = one.attempts - len(one.attempt["attempts"] if one.attempt else ())
    left = max(0, rules.tries - before)
    rest = int(_rest(one, rules).total_seconds())
    return Policy((), RING_SECONDS, repeat=max(0, left - 1), max_attempts=left, redial_seconds=rest)


def _end(connection: Connection, one: StoredCallback, state: str, words: str, now: datetime) -> Move:
    store.update(connection, one.id, state=state, why=words)
    tickets.tell(connection, one.ticket_id, now, NewEntry("call", "presa", {"words": f"call back: {words}"}))
    return GiveUp(state)
