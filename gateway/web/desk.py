"""The console's backend over the store: rows to views, forms to actions. Every question is a read, every action one
write.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection

import parsers
from gateway import locale
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.people.seeing import sight_of
from gateway.phone.carrier import media_type
from gateway.store import alarms, callbacks, calls, jobs, letters, queues, recordings, reports, tickets, users
from gateway.store.calls import StoredCall
from gateway.store.queues import Further
from gateway.store.sight import ALL, Sight, may_see
from gateway.store.tickets import Entry
from gateway.store.users import StoredUser
from gateway.tickets import assigning, vouching, work
from gateway.web import phrases, related_desk, rows, story, timeline, why
from gateway.web.duty_desk import DutyDesk, paged
from gateway.web.views import (
    AlarmRow,
    CallRow,
    Choice,
    Choices,
    File,
    Filters,
    LedgerRow,
    OnCallView,
    OutboxRow,
    Perhaps,
    TicketPage,
    TicketRow,
    User,
)  # fmt: skip
from parsers import Message
from routing import numbers
from routing.desk import Desk
from routing.sla import Stamp
from routing.tickets import OPEN, Ticket

SESSION = timedelta(hours=12)
TEXTS = 256  # plain texts of mails that are remembered
LOOK_EVERY = 0.5  # seconds between two looks for changes, one query for all open pages


class DeskBackend:
    """`gateway.web.backend.Backend` for one engine."""

    def __init__(self, engine: Engine, closing: asyncio.Event) -> None:
        self._engine = engine
        self._database = engine.database
        self._closing = closing
        self._latest = (0, 0.0)
        self._text_of = lru_cache(maxsize=TEXTS)(self._text)
        self._zone = next(iter(engine.settings.desks.values())).zone

    def now(self) -> datetime:
        self._database.read(tickets.last_change)
        return self._database.clock.now()

    # People who sign in -----------------------------------------------------------------------------------------

    def user(self, login: str) -> User | None:
        return self._user(self._database.read(lambda c: users.by_login(c, login.lower())))

    def open_session(self, fingerprint: str, login: str) -> None:
        now = self._database.clock.now()
        self._database.write(lambda c: users.open_session(c, fingerprint, login.lower(), now, now + SESSION))

    def session(self, fingerprint: str) -> User | None:
        now = self._database.clock.now()
        return self._user(self._database.read(lambda c: users.session(c, fingerprint, now)))

    def _user(self, stored: StoredUser | None) -> User | None:
        """Times are shown in the zone of the first desk."""
        if stored is None:
            return None
        sight = sight_of(self._engine.settings, stored.login, stored.role)
        return User(stored.login, stored.name, stored.role, stored.language, self._zone, stored.password, sight)  # type: ignore[arg-type]

    def close_session(self, fingerprint: str) -> None:
        self._database.write(lambda c: users.close_session(c, fingerprint))

    # What there is to see ---------------------------------------------------------------------------------------

    def may_see(self, asked: Mapping[str, str], user: User) -> bool:
        if user.sight.everything:
            return True
        report, request = _id(asked.get("report", "")), _id(asked.get("request", ""))

        def read(connection: Connection) -> bool:
            mail = reports.get(connection, report) if report else None
            wish = callbacks.get(connection, request) if request else None
            named = (numbers.ticket_id(asked.get("number", "")), mail and mail.ticket_id, wish and wish.ticket_id)
            return all(may_see(connection, one, user.sight) for one in named if one)

        return self._database.read(read)

    def choices(self, language: str, sight: Sight = ALL) -> Choices:
        desks = self._engine.settings.desks.values()
        several = len(desks) > 1
        queues = tuple(
            Choice(queue.id, f"{rows.words(desk.name, language)}: {queue.label}" if several else queue.label)
            for desk in desks
            for queue in rows.queues(desk, language)
        )
        names = self._database.read(lambda connection: tickets.customers(connection, sight))
        return Choices(queues, tuple(Choice(one, name or one) for one, name in names))

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
            by_due=filters.sort == "due",
            by_work=filters.sort != "due",
            sight=filters.sight,
        )
        now = self._database.clock.now()

        def read(connection: Connection) -> tuple[TicketRow, ...]:
            found = tickets.listed(connection, wanted, self._engine.prefixes)
            ids = [ticket.id for ticket in found]
            told, further = tickets.last_told(connection, ids), queues.of(connection, ids)
            return tuple(
                self._row(ticket, now, told.get(ticket.id), filters.language, further=further.get(ticket.id, ()))
                for ticket in found
            )

        return self._database.read(read)

    def ticket(self, number: str, language: str, sight: Sight = ALL) -> TicketPage | None:
        return self._database.read(lambda c: self._page(c, number, language, sight))

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

    def recording(self, number: str, recording: str) -> File | None:
        def read(connection: Connection) -> File | None:
            ticket, stored = numbers.ticket_id(number), recordings.get(connection, recording)
            if ticket is None or stored is None or stored.ticket_id != ticket:
                return None
            sound = recordings.sound(connection, recording)
            return None if sound is None else File(recording, media_type(sound), sound)

        return self._database.read(read)

    def outbox(self, limit: int, sight: Sight = ALL) -> tuple[OutboxRow, ...]:
        def read(connection: Connection) -> tuple[OutboxRow, ...]:
            found = letters.latest(connection, limit, sight)
            heads = tickets.heads(connection, (one.ticket_id for one in found), self._engine.prefixes)
            return tuple(rows.outbox(one, heads) for one in found)

        return self._database.read(read)

    def calls(self, limit: int, sight: Sight = ALL) -> tuple[CallRow, ...]:
        def read(connection: Connection) -> tuple[CallRow, ...]:
            found = calls.latest(connection, limit, sight)
            sids = [one.sid for one in found]
            heads = tickets.heads(connection, (one.ticket_id for one in found), self._engine.prefixes)
            events, wanted = calls.events_of(connection, sids), calls.callbacks_of(connection, sids)
            return tuple(
                rows.call(
                    one, heads.get(one.ticket_id or 0), events.get(one.sid, ()), wanted.get(one.sid), self._name(one)
                )
                for one in found
            )

        return self._database.read(read)

    def oncall(self, language: str) -> tuple[OnCallView, ...]:
        return DutyDesk(self._engine).now_on(language)

    def ledger(self, outcome: str, limit: int, sight: Sight = ALL) -> tuple[LedgerRow, ...]:
        def read(connection: Connection) -> tuple[LedgerRow, ...]:
            found = reports.latest(connection, (outcome,) if outcome else (), limit, sight)
            heads = tickets.heads(connection, (one.ticket_id for one in found), self._engine.prefixes)
            return tuple(rows.line(one, heads.get(one.ticket_id or 0)) for one in found)

        return self._database.read(read)

    def unseen(self, sight: Sight = ALL) -> int:
        return self._database.read(lambda connection: alarms.unseen(connection, sight))

    def alarms(self, limit: int, offset: int, *, only_unseen: bool, sight: Sight = ALL) -> tuple[AlarmRow, ...]:
        def read(connection: Connection) -> tuple[AlarmRow, ...]:
            found = alarms.latest(connection, limit, offset, only_unseen=only_unseen, seen=sight)
            heads = tickets.heads(connection, (one.ticket_id for one in found), self._engine.prefixes)
            return tuple(rows.alarm(one, rows.number(heads, one.ticket_id)) for one in found)

        return self._database.read(read)

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

    def see(self, alarm: int, user: User, *, older: bool) -> None:
        now = self._database.clock.now()
        self._database.write(lambda c: alarms.see(c, alarm, user.name, now, older=older, seen=user.sight))

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

    def _row(
        self, ticket: Ticket, now: datetime, told: datetime | None, language: str, stamp: Stamp | None = None,
        further: Sequence[Further] = (),
    ) -> TicketRow:  # fmt: skip
        desk = self._desk(ticket)
        plan = desk.plans.get(ticket.plan or "")
        stamp = stamp or self._stamp(ticket, now)
        return TicketRow(
            number=ticket.number,
            subject=ticket.subject,
            customer=ticket.customer_name or ticket.requester or phrases.dialled(ticket.phone or ""),
            plan=plan.label if plan else ticket.plan or "",
            priority=ticket.priority,
            rank=jobs.OF_PRIORITY.get(ticket.priority, 0),
            state=ticket.state,
            queue=self._queues(ticket, further, language),
            opened=ticket.opened_at,
            changed=told or ticket.opened_at,
            next=rows.due(ticket, stamp, now),
            owner=ticket.assignee or "",
            verified=ticket.verified,
            channel=ticket.channel,
        )

    def _page(self, connection: Connection, number: str, language: str, sight: Sight) -> TicketPage | None:
        found = numbers.ticket_id(number)
        ticket = self._engine.ticket(connection, found) if found else None
        if ticket is None:
            return None
        now, desk, say = self._database.clock.now(), self._desk(ticket), locale.translator(language)
        stamp = self._stamp(ticket, now)
        contact = rows.contact(connection, ticket)
        linked = tickets.heads(connection, (ticket.linked,), self._engine.prefixes, sight)
        tale = story.gather(connection, ticket, desk, contact, language, say, self._text_of)
        pause = next((pause.reason for pause in ticket.pauses if pause.end is None), "")
        further = queues.of(connection, (ticket.id,)).get(ticket.id, ())
        return TicketPage(
            row=self._row(ticket, now, tale.stored[-1].at if tale.stored else None, language, stamp, further),
            kind=ticket.kind,
            received=ticket.received_at,
            contact=contact,
            contact_address=ticket.requester or phrases.dialled(ticket.phone or ""),
            reply_to=self._engine.reply_to(ticket) if ticket.requester and desk.id == ticket.desk else "",
            language=ticket.language,
            level=ticket.level,
            desk=rows.words(desk.name, language),
            why_unverified="" if ticket.verified else why.unverified(ticket, language, say),
            provisional=not ticket.verified and ticket.plan is not None,
            updates_every=(stamp.updates_every or "") if stamp else "",
            pause_reason=pause,
            clocks=rows.clocks(ticket, desk, stamp, now, language) if stamp else (),
            escalations=rows.escalations(stamp) if stamp else (),
            entries=story.entries(tale),
            decisions=why.decisions(ticket, desk, contact, language, say),
            priorities=rows.priorities(ticket, desk, language),
            escalate_to=rows.queues(desk, language, but=ticket.queue),
            linked=tuple(head.number for head in linked.values()),
            customer=ticket.customer or "",
            perhaps=self._perhaps(connection, ticket, tale.stored),
            related=related_desk.view(connection, self._engine, ticket, sight),
            paged=paged(connection, desk, ticket),
            timeline=timeline.draw(ticket, desk, stamp, now) if stamp else None,
            plans=tuple(Choice(plan.id, plan.label) for plan in desk.plans.values()),
            stage=ticket.stage or "",
            stages=rows.stages(ticket, desk),
            valid_until=ticket.valid_until,
            kinds=rows.kinds(ticket, desk, language),
            staff=tuple(Choice(one.id, one.name) for one in desk.staff.values() if one.name != ticket.assignee),
            order=assigning.place(connection, desk, ticket).why if ticket.state in OPEN else (),
        )

    def _queues(self, ticket: Ticket, further: Sequence[Further], language: str) -> str:
        """The ticket's own queue and those of the other addresses that its mail was sent to."""
        desks = self._engine.settings.desks
        places = ((self._desk(ticket).id, ticket.queue), *((one.desk, one.queue) for one in further))
        known = ((desks[desk].queues.get(queue) if desk in desks else None, queue) for desk, queue in places)
        return " + ".join(rows.words(queue.label, language) if queue else name for queue, name in known)

    def _perhaps(self, connection: Connection, ticket: Ticket, stored: Sequence[Entry]) -> tuple[Perhaps, ...]:
        """Whose report it might be: only asked where nobody knows."""
        if ticket.customer is not None or ticket.state not in OPEN:
            return ()
        found = vouching.perhaps(connection, self._engine, ticket, stored)
        return tuple(Perhaps(one.id, one.name, why.evidence, round(why.score * 100)) for one, why in found)

    def _desk(self, ticket: Ticket) -> Desk:
        """The ticket's desk; a ticket that outlived its desk is shown with the words of the first."""
        desks = self._engine.settings.desks
        return self._engine.desk_of(ticket) if ticket.desk in desks else next(iter(desks.values()))

    def _stamp(self, ticket: Ticket, now: datetime) -> Stamp | None:
        """The ticket's promises now; None without a plan, or when the desk does not know its plan or priority any more."""
        if ticket.plan is None or ticket.desk not in self._engine.settings.desks:
            return None
        try:
            return self._engine.stamp(ticket, now)
        except ValueError:
            return None

    def _name(self, call: StoredCall) -> str:
        """The engineer of a page's call, or the agent whom a caller was connected to, by the number that was rung."""
        desks = self._engine.settings.desks.values()
        names: dict[str, dict[str | None, str]] = {
            "page": {one.number: one.name for desk in desks if desk.on_call for one in desk.on_call.people.values()},
            "agent": {one.number: one.name for desk in desks if desk.phone for one in desk.phone.agents.values()},
        }
        return names.get(call.direction, {}).get(call.number, "")

    def _text(self, key: str) -> str:
        """The plain text of a kept mail; raw bytes never change, so what was read once is remembered."""
        kind, colon, rest = key.partition(":")
        if colon and kind == "letter":
            letter = self._database.read(lambda c: letters.get(c, int(rest)))
            body = letter.body if letter else None
        else:
            body = self._database.read(lambda c: reports.raw(c, key))
        return (parsers.unsealed(parsers.parse(body)).text or "") if body else ""

    def _raw(self, number: str, letter: str) -> bytes | None:
        """A letter's bytes, if it is one of this ticket's: by the story's entry that brought it."""
        found = numbers.ticket_id(number)
        if found is None or not letter.isdecimal():
            return None
        return self._database.read(lambda c: story.raw(c, found, int(letter)))

    def _message(self, number: str, letter: str) -> Message | None:
        raw = self._raw(number, letter)
        return None if raw is None else parsers.unsealed(parsers.parse(raw))


def _id(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 16 else None
