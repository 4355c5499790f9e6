"""Test pages: somebody is rung, again and again, until they have pressed the key once. Nobody is told to do anything.

The same state machine as a page (`routing.paging`), with a chain of one person and many rounds; the attempts are called
`drill7-1`. Refuses to ring at night: a test waits until the person's morning.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.paging.telephone import Telephone
from gateway.phone.twilio import Later, Refused
from gateway.store import jobs
from gateway.store import paging as store
from gateway.store.calls import StoredCall
from gateway.store.jobs import Job, Settled
from ivr import events as e
from routing import paging
from routing.desk import Desk
from routing.oncall import Link, Person, Policy
from routing.paging import Ask, Event, Page, Ring, Wait

KIND = "drill"
FIRST_HOUR, LAST_HOUR = 8, 21
NAGS = 8  # times
NAG_SECONDS = 900
POLICY = Policy((), repeat=NAGS - 1, redial_seconds=NAG_SECONDS, max_attempts=NAGS)


def begin(connection: Connection, desk: Desk, person: Person, now: datetime, *, at_night: bool = False) -> int:
    """A test page for this person; `at_night`: whatever the hour is there. Raises Permanent without a number."""
    if not person.number:
        raise Permanent(f"{person.name} has no number; enter one in the desk's file first")
    drill_id = store.open_drill(connection, desk.id, person.id, now)
    jobs.add(connection, KIND, now, {"drill": drill_id, "at_night": at_night})
    return drill_id


def drill_of(attempt: str) -> int | None:
    """The test page behind an attempt id (`drill12-3`)."""
    drill, dash, _ = attempt.rpartition("-")
    digits = drill.removeprefix("drill")
    ours = dash and drill.startswith("drill") and digits.isascii() and digits.isdigit() and len(digits) < 16
    return int(digits) if ours else None


def answered(
    connection: Connection, engine: Engine, attempt: str, sid: str, now: datetime
) -> tuple[Desk, Person | None] | None:
    """Whose test page that is, None when it is none of ours."""
    drill_id = drill_of(attempt)
    drill = store.drill(connection, drill_id) if drill_id is not None else None
    if drill is None or drill.desk not in engine.settings.desks:
        return None
    desk = engine.desk(drill.desk)
    return desk, desk.on_call.people.get(drill.person) if desk.on_call else None


def hear(connection: Connection, event: Event) -> None:
    """News of a test page's call."""
    drill_id = drill_of(event.attempt)
    drill = store.drill(connection, drill_id, lock=True) if drill_id is not None else None
    if drill_id is None or drill is None or not drill.state:
        return
    page = paging.heard(paging.from_json(drill.state), event)
    done = {"accepted_at": event.at} if event.what == "accepted" and page.state == "accepted" else {}
    store.keep_drill(connection, drill_id, state=paging.to_json(page), open=page.state == "open", **done)


def perform(connection: Connection, stored: StoredCall, asked: e.Request, now: datetime) -> e.Answer:
    """What the dialogue of a test page asks."""
    assert stored.attempt is not None
    if isinstance(asked, e.AcceptPage):
        hear(connection, Event(stored.attempt, "accepted", now, key="1", provider_sid=stored.sid))
        return e.Tested()
    return e.TestPage()


class Drills:
    """The handler of `drill` jobs."""

    def __init__(self, engine: Engine, telephone: Telephone) -> None:
        self._engine = engine
        self._database = engine.database
        self._telephone = telephone

    def run(self, job: Job) -> Settled:
        """Ring, wait, ring again; in the end an alarm for who never pressed the key."""
        drill_id = int(job.state["drill"])
        while True:
            now = self._database.clock.now()
            move, morning = self._look(job, drill_id, now)
            if morning is not None:
                return Settled(again=morning, state=job.state)
            match move:
                case Ring():
                    self._ring(move)
                case Ask():
                    self._ask(move.attempt)
                case Wait(until):
                    return Settled(again=until, state=job.state)
                case paging.GiveUp():
                    return Settled(lambda connection: self._silent(connection, drill_id))
                case _:
                    return Settled()

    def _look(self, job: Job, drill_id: int, now: datetime) -> tuple[paging.Move | None, datetime | None]:
        return self._database.write(lambda connection: self._decide(connection, job, drill_id, now))

    def _decide(
        self, connection: Connection, job: Job, drill_id: int, now: datetime
    ) -> tuple[paging.Move | None, datetime | None]:
        drill = store.drill(connection, drill_id, lock=True)
        assert drill is not None
        jobs.keep(connection, job, job.state)
        desk = self._engine.settings.desks.get(drill.desk)
        person = desk.on_call.people.get(drill.person) if desk and desk.on_call else None
        if desk is None or person is None or not person.number:
            store.keep_drill(connection, drill_id, open=False)
            return None, None
        page = paging.from_json(drill.state) if drill.state else _page(drill_id, person, now)
        move = paging.next(page, POLICY, now)
        if (
            isinstance(move, Ring)
            and not job.state.get("at_night")
            and (morning := _morning(now, person.zone or desk.zone))
        ):
            return move, morning
        page = paging.record(page, move, now)
        store.keep_drill(connection, drill_id, state=paging.to_json(page), open=page.state == "open")
        return move, None

    def _ring(self, move: Ring) -> None:
        event = self._telephone.ring(move.attempt_id, move.number, POLICY.ring_seconds)
        if event.what in ("missing", "unknown"):  # it is only a test: the next try comes in a quarter of an hour
            event = replace(event, what="failed", code="carrier away")
        self._hear(event)

    def _ask(self, attempt: paging.Attempt) -> None:
        self._hear(Event(attempt.id, "asked", self._now()))
        carrier = self._telephone.carrier
        if carrier is None or attempt.provider_sid is None:
            self._hear(Event(attempt.id, "failed", self._now(), code="no news"))
            return
        try:
            found = carrier.get(attempt.provider_sid)
        except (Refused, Later):
            return
        for event in self._telephone.said(attempt.id, found):
            self._hear(event)

    def _hear(self, event: Event) -> None:
        self._database.write(lambda connection: hear(connection, event))

    def _silent(self, connection: Connection, drill_id: int) -> None:
        drill = store.drill(connection, drill_id)
        assert drill is not None
        desk = self._engine.desk(drill.desk)
        name = (
            desk.on_call.people[drill.person].name
            if desk.on_call and drill.person in desk.on_call.people
            else drill.person
        )
        words = f"{name} did not accept a test page of {desk.id} in {NAGS} tries; see why before the next night"
        jobs.alarm(connection, self._now(), "test-page-not-accepted", words)

    def _now(self) -> datetime:
        return self._database.clock.now()


def _page(drill_id: int, person: Person, now: datetime) -> Page:
    assert person.number is not None
    link = Link(person.id, person.name, person.number, "rota", POLICY.ring_seconds)
    return Page(f"drill{drill_id}", "", now, (link,))


def _morning(now: datetime, zone: str) -> datetime | None:
    """When the person's day begins, while it is night there."""
    local = now.astimezone(ZoneInfo(zone))
    if FIRST_HOUR <= local.hour < LAST_HOUR:
        return None
    day = local.date() if local.hour < FIRST_HOUR else local.date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, FIRST_HOUR, tzinfo=ZoneInfo(zone)).astimezone(now.tzinfo)
