"""The console's backend over the store: rows to views, forms to actions. Every question is a read, every action one write."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

import parsers
from gateway import work
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.store import calls, letters, reports, tickets, users
from gateway.store.calls import StoredCall
from gateway.store.users import StoredUser
from gateway.web import story, views
from gateway.web.views import (
    CallRow,
    Choice,
    Choices,
    ClockView,
    Due,
    Duty,
    File,
    Filters,
    Gap,
    Handoff,
    LedgerRow,
    OnCallView,
    OutboxRow,
    Step,
    TicketPage,
    TicketRow,
    User,
)  # fmt: skip
from identity import entitlement
from parsers import Message
from routing import numbers, oncall
from routing.desk import Desk
from routing.sla import Stamp
from routing.tickets import Ticket

SESSION = timedelta(hours=12)
AHEAD = timedelta(days=30)  # gaps of the rota are shown this far
HANDOFFS = timedelta(days=8)
LOOK_EVERY = 0.5  # seconds between two looks for changes, one query for all open pages


class DeskBackend:
    """`gateway.web.backend.Backend` for one engine."""

    def __init__(self, engine: Engine, closing: asyncio.Event) -> None:
        self._engine = engine
        self._database = engine.database
        self._closing = closing
        self._latest = (0, 0.0)

    def now(self) -> datetime:
        self._database.read(tickets.last_change)
        return self._database.clock.now()

    # People who sign in -----------------------------------------------------------------------------------------

    def user(self, login: str) -> User | None:
        return _user(self._database.read(lambda c: users.by_login(c, login.lower())))

    def open_session(self, fingerprint: str, login: str) -> None:
        now = self._database.clock.now()
        self._database.write(lambda c: users.open_session(c, fingerprint, login.lower(), now, now + SESSION))

    def session(self, fingerprint: str) -> User | None:
        now = self._database.clock.now()
        return _user(self._database.read(lambda c: users.session(c, fingerprint, now)))

    def close_session(self, fingerprint: str) -> None:
        self._database.write(lambda c: users.close_session(c, fingerprint))

    # What there is to see ---------------------------------------------------------------------------------------

    def choices(self) -> Choices:
        queues = {
            q.id: Choice(q.id, _words(q.label))
            for desk in self._engine.settings.desks.values()
            for q in desk.queues.values()
        }
        names = self._database.read(tickets.customers)
        return Choices(tuple(queues.values()), tuple(Choice(one, name or one) for one, name in names))

    def tickets(self, filters: Filters) -> tuple[TicketRow, ...]:
        number = numbers.ticket_id(filters.search) if filters.search else None
        wanted = tickets.Wanted(
            filters.state,
            filters.queue,
            filters.customer,
            filters.search,
            number,
            filters.limit,
            filters.offset,
            by_due=True,
        )
        now = self._database.clock.now()
        found = self._database.read(lambda c: tickets.listed(c, wanted, self._engine.prefixes))
        return tuple(self._row(ticket, now) for ticket in found)

    def ticket(self, number: str, language: str) -> TicketPage | None:
        return self._database.read(lambda c: self._page(c, number, language))

    def letter_html(self, number: str, letter: str) -> str | None:
        message = self._message(number, letter)
        return message.html if message else None

    def raw(self, number: str, letter: str) -> File | None:
        raw = self._raw(number, letter)
        return None if raw is None else File(f"{number}-{letter}.eml", "message/rfc822", raw)

    def file(self, number: str, letter: str, file: str) -> File | None:
        message = self._message(number, letter)
        if message is None or not file.isdecimal() or int(file) >= len(message.attachments):
            return None
        found = message.attachments[int(file)]
        return File(found.filename or f"attachment-{file}", found.content_type, found.content)

    def outbox(self, limit: int) -> tuple[OutboxRow, ...]:
        rows = self._database.read(lambda c: letters.latest(c, limit))
        prefix = next(iter(self._engine.prefixes.values()))
        return tuple(
            OutboxRow(
                str(one.id), one.at, one.recipient, one.subject, "failed" if one.state == "refused" else one.state,
                parsers.parse(one.body).text or "", numbers.number_of(one.ticket_id, prefix) if one.ticket_id else "", 1, one.detail or "",
            )
            for one in rows
        )  # fmt: skip

    def calls(self, limit: int) -> tuple[CallRow, ...]:
        return self._database.read(lambda c: tuple(self._call(c, one) for one in calls.latest(c, limit)))

    def oncall(self) -> tuple[OnCallView, ...]:
        now = self._database.clock.now()
        return tuple(_duty(desk, desk.on_call, now) for desk in self._engine.settings.desks.values() if desk.on_call)

    def ledger(self, outcome: str, limit: int) -> tuple[LedgerRow, ...]:
        rows = self._database.read(lambda c: reports.latest(c, (outcome,) if outcome else (), limit))
        prefix = next(iter(self._engine.prefixes.values()))
        return tuple(
            LedgerRow(
                str(one.id), one.at, one.door, one.envelope_from or one.customer or "", one.outcome, one.reason or "", "",
                numbers.number_of(one.ticket_id, prefix) if one.ticket_id else "", "", one.message_id or "",
            )
            for one in rows
        )  # fmt: skip

    # What a person does -----------------------------------------------------------------------------------------

    def act(self, number: str, action: str, user: User, fields: Mapping[str, str], once: str) -> None:
        found = numbers.ticket_id(number)
        if found is None:
            raise Permanent(f"{number} is no ticket's number; look for it in the list")
        now = self._database.clock.now()
        act = work.Act(found, user.name, now, fields)

        def write(connection: Connection) -> None:
            if users.first_time(connection, once, now):
                work.perform(connection, self._engine, action, act)

        self._database.write(write)

    # What happens -----------------------------------------------------------------------------------------------

    def changes(self, after: int) -> int:
        return self._database.read(tickets.last_change)

    async def wait_for_change(self, after: int, timeout: float) -> int:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while True:
            latest = await self._look(loop)
            if self._closing.is_set():
                return -1
            if latest > after or loop.time() >= until:
                return latest
            try:
                await asyncio.wait_for(self._closing.wait(), LOOK_EVERY)
            except TimeoutError:
                continue

    async def _look(self, loop: asyncio.AbstractEventLoop) -> int:
        """The latest change; however many pages wait, the database is asked once in LOOK_EVERY seconds."""
        latest, looked = self._latest
        if loop.time() - looked >= LOOK_EVERY / 2:
            self._latest = (latest, loop.time())
            latest = await loop.run_in_executor(None, self._database.read, tickets.last_change)
            self._latest = (latest, loop.time())
        return latest

    # Rows to views ----------------------------------------------------------------------------------------------

    def _row(self, ticket: Ticket, now: datetime, stamp: Stamp | None = None) -> TicketRow:
        desk = self._engine.desk(ticket.desk)
        plan = desk.plans.get(ticket.plan or "")
        ranks = list(desk.priorities)
        queue = desk.queues.get(ticket.queue)
        if stamp is None and ticket.plan:
            stamp = self._engine.stamp(ticket, now)
        changed = max((ticket.opened_at, ticket.resolved_at or ticket.opened_at, *ticket.met.values()))
        return TicketRow(
            ticket.number, ticket.subject, ticket.customer_name or ticket.requester or ticket.phone or "", plan.label if plan else "",
            ticket.priority, ranks.index(ticket.priority) + 1 if ticket.priority in ranks else 0, ticket.state,
            _words(queue.label) if queue else ticket.queue, ticket.opened_at, changed, _next(ticket, stamp, now),
            ticket.assignee or "", ticket.verified, ticket.channel,
        )  # fmt: skip

    def _page(self, connection: Connection, number: str, language: str) -> TicketPage | None:
        found = numbers.ticket_id(number)
        ticket = self._engine.ticket(connection, found) if found else None
        if ticket is None:
            return None
        now, desk = self._database.clock.now(), self._engine.desk(ticket.desk)
        stamp = self._engine.stamp(ticket, now) if ticket.plan else None
        marks = [line.removeprefix("mark: ") for line in ticket.evidence if line.startswith("mark: ")]
        linked = (numbers.number_of(ticket.linked, desk.ticket_prefix),) if ticket.linked else ()
        open_pause = next((pause.reason for pause in ticket.pauses if pause.end is None), "")
        return TicketPage(
            row=self._row(ticket, now, stamp), kind=ticket.kind, received=ticket.received_at, contact=ticket.contact or "",
            contact_address=ticket.requester or ticket.phone or "",
            reply_to=self._engine.reply_to(ticket), language=ticket.language, level=ticket.level,
            desk=desk.name.get(language, next(iter(desk.name.values()))),
            why_unverified="" if ticket.verified else _why(marks, language), provisional=not ticket.verified and ticket.customer is not None,
            updates_every=stamp.updates_every or "" if stamp else "", pause_reason=open_pause,
            clocks=_clocks(ticket, stamp, now, language) if stamp else (),
            escalations=tuple(views.Escalation(step.to, step.due) for step in stamp.escalations if step.due) if stamp else (),
            entries=story.entries(connection, ticket), decisions=story.decisions(ticket),
            priorities=tuple(Choice(p, f"{p} {_words(desk.priorities[p], language)}") for p in desk.kinds[ticket.kind]),  # type: ignore[index]
            escalate_to=tuple(Choice(q.id, _words(q.label, language)) for q in desk.queues.values() if q.id != ticket.queue),
            linked=linked,
        )  # fmt: skip

    def _call(self, connection: Connection, call: StoredCall) -> CallRow:
        events = tuple(Step(at, words) for at, words in calls.events(connection, call.sid))
        prefix = next(iter(self._engine.prefixes.values()))
        number = numbers.number_of(call.ticket_id, prefix) if call.ticket_id else ""
        return CallRow(
            call.sid, call.at, story.hidden(call.number), call.status, call.customer or "", number, None, events
        )

    def _raw(self, number: str, letter: str) -> bytes | None:
        """A letter's bytes, if it is one of this ticket's: by the story's entry that brought it."""
        found = numbers.ticket_id(number)
        if found is None or not letter.isdecimal():
            return None
        return self._database.read(lambda c: story.raw(c, found, int(letter)))

    def _message(self, number: str, letter: str) -> Message | None:
        raw = self._raw(number, letter)
        return None if raw is None else parsers.parse(raw)


def _user(stored: StoredUser | None) -> User | None:
    if stored is None:
        return None
    return User(stored.login, stored.name, stored.role, stored.language, password=stored.password)  # type: ignore[arg-type]


def _words(labels: Mapping[str, str], language: str = "en") -> str:
    return labels.get(language) or labels.get("en") or next(iter(labels.values()), "")


def _next(ticket: Ticket, stamp: Stamp | None, now: datetime) -> Due | None:
    """The deadline that comes next, or the best-effort target that waits."""
    open_clocks = (
        [clock for clock in stamp.clocks if clock.target not in ticket.met]
        if stamp and ticket.resolved_at is None
        else []
    )
    if not open_clocks:
        return None
    clock = min(open_clocks, key=lambda one: (one.due is None, one.due or now))
    return Due(clock.target, clock.due, views.share(clock.intervals, now) if clock.due else 0.0, clock.state)


def _clocks(ticket: Ticket, stamp: Stamp, now: datetime, language: str) -> tuple[ClockView, ...]:
    return tuple(
        ClockView(
            clock.target, clock.due, clock.best_effort, clock.allowed or "", clock.calendar, clock.state,
            views.share(clock.intervals, now) if clock.due else 0.0, ticket.met.get(clock.target), story.arithmetic(stamp, clock.target, language),
        )
        for clock in stamp.clocks
    )  # fmt: skip


def _why(marks: list[str], language: str) -> str:
    for mark in marks:
        if mark in entitlement.WORDS:
            return entitlement.in_words(mark, language)
    return ""


def _duty(desk: Desk, on_call: oncall.OnCall, now: datetime) -> OnCallView:
    chain = tuple(
        Duty(link.name, story.hidden(link.number), link.source, link.wait_seconds)
        for link in oncall.chain(on_call, now)
    )
    names = {person.id: person.name for person in on_call.people.values()}
    handoffs = [
        Handoff(late.start, rota.id, names.get(early.person, early.person), names.get(late.person, late.person))
        for rota in on_call.rotas.values()
        for early, late in pairwise(oncall.shifts(rota, now, now + HANDOFFS, on_call.away))
        if early.person != late.person
    ]
    gaps = tuple(Gap(gap.start, gap.end, gap.rota) for gap in oncall.gaps(on_call, now, now + AHEAD))
    return OnCallView(_words(desk.name), desk.zone, chain, tuple(handoffs[:20]), gaps[:20])
