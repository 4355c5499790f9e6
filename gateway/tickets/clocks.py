"""The job of a ticket's clock: says what has fallen due, each once, and sleeps until the next moment.

One row of the jobs table a ticket, however much can fall due on it; what was told stands in the ticket's story, written
in the same transaction, so that nothing is told twice after a crash and nothing is left out after downtime: what is late
is told at once, the most urgent tickets first and on each in the order in which it fell due, and marked. Refuses to judge
what is due (`routing.agenda`).
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.filing import said
from gateway.post.letter import Escalation, Letter
from gateway.store import calls, jobs, letters, tickets
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import Entry, NewEntry
from gateway.tickets import work
from routing import agenda
from routing.agenda import Due, Moment
from routing.desk import Desk, Telling
from routing.tickets import OPEN, Ticket, after

ASLEEP = timedelta(days=365)
LATE = timedelta(minutes=1)  # after its moment, something is marked as told late
NEWS = frozenset({"answer", "news"})  # entries by which the customer has heard from us
WORDS: Mapping[Due, str] = {
    "warning": "deadline near: {what}",
    "breach": "deadline missed: {what}",
    "escalation": "escalated to {what} by the clock",
    "update": "news to the customer is due",
    "expiry": "{what} no longer: the offer has expired",
    "silence": "closed, because the customer said nothing more",
}
ALARMS: Mapping[Due, str] = {
    "warning": "deadline-near",
    "breach": "breach",
    "escalation": "escalation",
    "update": "update-due",
    "expiry": "offer-expired",
}


class Clocks:
    """The handler of `clock` jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database

    def run(self, job: Job) -> Settled:
        """Tell what is due, and come back at the next moment."""
        assert job.ticket_id is not None
        ticket_id = job.ticket_id
        ticket = self._database.read(lambda connection: self._engine.ticket(connection, ticket_id))
        if ticket is None:
            raise Permanent(f"ticket {ticket_id} is not there")
        if ticket.state == "closed" or ticket.desk not in self._engine.settings.desks:
            return Settled()
        now = self._database.clock.now()
        story = self._database.read(lambda connection: tickets.story(connection, ticket_id))
        told = {entry.data["name"] for entry in story if entry.kind == "clock"}
        waiting = [moment for moment in self._moments(ticket, story) if moment.name not in told]
        due = [moment for moment in waiting if moment.at <= now]

        def write(connection: Connection) -> None:
            for moment in due:
                self._tell(connection, ticket, moment, now)

        # With nothing ahead the job sleeps: a new priority, a resumed clock or a reopening makes it due again. What was
        # told now may have put down the next thing: look again at once.
        later = min((moment.at for moment in waiting if moment.at > now), default=now + ASLEEP)
        return Settled(write, again=now if due else later)

    def _moments(self, ticket: Ticket, story: tuple[Entry, ...]) -> tuple[Moment, ...]:
        desk = self._engine.desk_of(ticket)
        try:
            stamp = self._engine.stamp(ticket) if ticket.plan is not None else None
        except ValueError:  # the desk has lost the plan and the version that had it: nothing is promised any more
            stamp = None
        # After downtime the customer is owed news once, not once for each hour that went by: the next is counted from
        # when we noticed.
        owed = [
            entry.at if entry.data["late"] else datetime.fromisoformat(entry.data["due"])
            for entry in story
            if entry.kind == "clock" and entry.data["name"].startswith("update")
        ]
        heard = [entry.at for entry in story if entry.kind in NEWS]
        return agenda.moments(ticket, desk, stamp, max([*heard, *owed], default=None))

    def _tell(self, connection: Connection, ticket: Ticket, moment: Moment, now: datetime) -> None:
        """One moment's line in the story, what it changes, and whoever must know."""
        late = now - moment.at > LATE
        words = WORDS[moment.due].format(what=moment.what)
        line = f"{words} (noticed late)" if late else words
        data = {"words": line, "name": moment.name, "due": moment.at.isoformat(), "late": late}
        if moment.due in ("silence", "expiry") and not self._change(connection, ticket, moment):
            return
        tickets.tell(connection, ticket.id, now, NewEntry("clock", "presa", data))
        if moment.due in ALARMS:
            jobs.alarm(connection, now, ALARMS[moment.due], f"{ticket.number}: {line}", ticket.id)
        if moment.due == "escalation":
            desk = self._engine.desk_of(ticket)
            self._put(connection, ticket, desk.goes_to.get(moment.what), words, now)
            self._escalate(connection, ticket, desk.told_by.get(moment.what, Telling()), moment, now)

    def _put(self, connection: Connection, ticket: Ticket, queue: str | None, why: str, now: datetime) -> None:
        """Into the queue that the matrix has for this step. One that cannot have it leaves the ticket where it is: the alarm
        is there."""
        fresh = self._engine.ticket(connection, ticket.id, lock=True) if queue else None
        if queue is None or fresh is None or fresh.state not in OPEN or fresh.queue == queue:
            return
        with contextlib.suppress(Permanent):
            work.put(connection, self._engine, fresh, work.Act(ticket.id, "presa", now, {"text": why}), queue)

    def _change(self, connection: Connection, ticket: Ticket, moment: Moment) -> bool:
        """The ticket's own step; False when somebody was quicker."""
        fresh = self._engine.ticket(connection, ticket.id, lock=True)
        if fresh is None or (fresh.state, fresh.stage) != (ticket.state, ticket.stage):
            return False
        if moment.due == "silence":
            state = after(fresh.state, "close")
            tickets.update(connection, fresh, state=state)
            return state is not None
        life = self._engine.desk_of(fresh).lives.get(fresh.kind)  # type: ignore[call-overload]
        tickets.update(connection, fresh, stage=life.expires_to)
        return True

    def _escalate(
        self, connection: Connection, ticket: Ticket, telling: Telling, moment: Moment, now: datetime
    ) -> None:
        """By the channel that the desk has for whom the matrix names; the alarm in the console is there anyway."""
        if telling.channel == "page":
            page = calls.open_page(connection, ticket.id, now)
            jobs.add(connection, "page", now, {"page": page}, ticket.id)
        elif telling.channel == "mail":
            desk = self._engine.desk(ticket.desk)
            written = self._notice(ticket, desk, telling.address, moment, now)
            letters.write(connection, written)
            state = {"message_id": written["message_id"], "kind": "escalation"}
            jobs.add(connection, "letter", now, state, ticket.id, ticket.priority)

    def _notice(self, ticket: Ticket, desk: Desk, to: str, moment: Moment, now: datetime) -> Mapping[str, object]:
        """A letter to somebody of ours. Its id follows from the moment, so that it is one however often it is tried."""
        ours, language = self._engine.address_of(ticket), desk.languages[0]
        key = sha256(f"{ticket.number} {moment.name}".encode()).hexdigest()[:24]
        plan = desk.plans.get(ticket.plan or "")
        content = Escalation(
            moment.what, moment.at, ticket.customer_name or "", plan.label if plan else "",
            said(desk.priorities[ticket.priority], language) or ticket.priority, ticket.subject,
            f"{self._engine.settings.public_url}/tickets/{ticket.number}",
        )  # fmt: skip
        letter = Letter(
            to, language, desk.zone, ticket.number, said(desk.name, language) or desk.id, ours, ours,
            f"escalation.{key}@{ours.rpartition('@')[2]}", now, content,
        )  # fmt: skip
        return self._engine.written(letter, ticket)
