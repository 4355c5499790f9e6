"""The engineer's side of a call: what the page is about, accept, listen, pass on, join the caller; and test pages.

Each function does what the dialogue asked for, in the transaction of the webhook, and gives the dialogue its answer. News
go into the page by `paging_news`. Refuses to ring anybody and to render anything.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

import ivr
from gateway.engine import Engine
from gateway.paging import drills as paging_drills
from gateway.paging import rooms as paging_rooms
from gateway.paging.news import name_of, told
from gateway.paging.pager import page_of
from gateway.store import calls, tickets
from gateway.store import paging as rings
from gateway.store.calls import StoredCall
from gateway.store.tickets import NewEntry
from identity import normal
from ivr import events as e
from routing import paging
from routing.desk import Desk
from routing.oncall import Person
from routing.paging import Event, Page
from routing.tickets import Ticket

REASONS = {"1": "not well", "2": "no computer at hand", "3": "not my field", "4": "busy with another fault"}

PRESSED: Mapping[type, tuple[paging.What, str]] = {
    e.AcceptPage: ("accepted", "1"),
    e.JoinCaller: ("accepted", "4"),
    e.PassOn: ("passed", "3"),
}


class Engineers:
    """What engineers' calls lead to. Has no state of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, connection: Connection, sid: str, attempt: str, number: str, now: datetime) -> bool:
        """Somebody picked up; False when the attempt is none of ours."""
        drilled = paging_drills.answered(connection, self._engine, attempt, sid, now)
        page_id = page_of(attempt)
        found = None if page_id is None else self._page(connection, page_id)
        if found is None and drilled is None:
            return False
        values = {"sid": sid, "direction": "page", "number": normal.phone(number) or "", "at": now, "attempt": attempt}
        if found is not None:
            ticket, page, desk = found
            person = _person(page, attempt, desk)
            values |= {"page_id": page_id, "ticket_id": ticket.id, "customer": ticket.customer}
        else:
            assert drilled is not None
            desk, person = drilled
        language = person.language if person and person.language in desk.languages else desk.languages[0]
        call = ivr.begin(sid, "page", language)
        calls.begin(connection, {**values, "state": {"desk": desk.id, **ivr.to_json(call)}})
        self.hear(connection, Event(attempt, "answered", now, provider_sid=sid))
        return True

    def hear(self, connection: Connection, event: Event) -> None:
        """News from outside go into the page, or the test page, that they are about."""
        page_id = page_of(event.attempt)
        if page_id is None:
            paging_drills.hear(connection, event)
        else:
            told(connection, self._engine, page_id, event)

    def perform(
        self, connection: Connection, stored: StoredCall, asked: e.Request, desk: Desk, now: datetime
    ) -> e.Answer:
        """The page as it stands now, after what the engineer wants."""
        if stored.attempt is None or isinstance(asked, e.LookAtCallback):
            return e.CallbackOver() if isinstance(asked, e.LookAtCallback) else e.PageOver()
        if stored.page_id is None:
            return paging_drills.perform(connection, stored, asked, now)
        if (pressed := PRESSED.get(type(asked))) is not None:
            self.hear(connection, Event(stored.attempt, pressed[0], now, key=pressed[1], provider_sid=stored.sid))
        found = self._page(connection, stored.page_id)
        assert found is not None
        ticket, page, _ = found
        if isinstance(asked, e.FetchDescription):
            return self._description(connection, ticket)
        if isinstance(asked, e.GiveReason):
            return self._reason(connection, ticket, page, stored, desk, asked.key, now)
        if isinstance(asked, e.LookAtRoom):
            return paging_rooms.afterwards(connection, ticket, stored)
        return self._answer(connection, ticket, page, stored, asked, desk, now)

    def _answer(
        self, connection: Connection, ticket: Ticket, page: Page, stored: StoredCall, asked: e.Request, desk: Desk, now: datetime
    ) -> e.Answer:  # fmt: skip
        """To what needs a page that is still open, or is theirs."""
        mine = paging.find(page, stored.attempt or "")
        if page.state == "accepted" and not (mine and mine.state == "accepted"):
            return e.PageTaken(ticket.number, name_of(desk, page.accepted_by))
        if page.state == "cancelled":
            return e.PageOver()
        if isinstance(asked, e.JoinCaller):
            return paging_rooms.join(connection, ticket, stored, now)
        if isinstance(asked, e.AcceptPage):
            return e.Accepted(ticket.number)
        if isinstance(asked, e.PassOn):
            return e.PassedOn()
        return self._offer(connection, ticket, page, stored, desk, now)

    def _offer(
        self, connection: Connection, ticket: Ticket, page: Page, stored: StoredCall, desk: Desk, now: datetime
    ) -> e.PageOpen:
        plan, person = desk.plans.get(ticket.plan or ""), _person(page, stored.attempt or "", desk)
        minutes = None if ticket.next_due is None else int((ticket.next_due - now).total_seconds() // 60)
        there = now.astimezone(ZoneInfo(person.zone if person and person.zone else desk.zone))
        return e.PageOpen(
            ticket.number, ticket.customer_name or "", plan.label if plan else "", ticket.priority, minutes,
            clock=ticket.next_target or "", hour=f"{there.hour}:{there.minute:02}",
            more=len(rings.sharing(connection, stored.attempt or "")),
        )  # fmt: skip

    def _reason(
        self,
        connection: Connection,
        ticket: Ticket,
        page: Page,
        stored: StoredCall,
        desk: Desk,
        key: str,
        now: datetime,
    ) -> e.Answer:
        """Why it was passed on, said after it was."""
        assert stored.attempt is not None
        assert stored.page_id is not None
        reason, attempt = REASONS[key], paging.find(page, stored.attempt)
        self.hear(connection, Event(stored.attempt, "pressed", now, reason=reason))
        name = name_of(desk, attempt.person if attempt else None)
        words = {"words": f"{name} passed it on: {reason}", "attempt": stored.attempt}
        tickets.tell(connection, ticket.id, now, NewEntry("page", name, words))
        return e.Noted()

    def _description(self, connection: Connection, ticket: Ticket) -> e.Description:
        for entry in reversed(tickets.story(connection, ticket.id)):
            if entry.kind == "description" and entry.data.get("words"):
                return e.Description(text=entry.data["words"])
            if entry.kind == "description" and entry.data.get("recording"):
                return e.Description(audio=self._audio(entry.data["recording"]))
            if entry.kind == "mail-in":
                return e.Description(text=f"{entry.data['subject']}. {entry.data['text']}"[:1500])
        return e.Description()

    def _audio(self, recording: str) -> str:
        """Where the engineer's call hears the recording: our own door, signed, for the carrier's needs credentials."""
        return f"{self._engine.settings.public_url}{recording_path(recording, self._engine.secret)}"

    def _page(self, connection: Connection, page_id: int) -> tuple[Ticket, paging.Page, Desk] | None:
        stored = calls.page(connection, page_id)
        if stored is None or not stored.state:
            return None
        ticket = self._engine.ticket(connection, stored.ticket_id)
        assert ticket is not None
        return ticket, paging.from_json(stored.state), self._engine.desk(ticket.desk)


def _person(page: Page, attempt_id: str, desk: Desk) -> Person | None:
    attempt = paging.find(page, attempt_id)
    return desk.on_call.people.get(attempt.person) if attempt and desk.on_call else None


def recording_path(recording: str, secret: bytes) -> str:
    """The path of a recording at our web door; only who was given it can know its mark."""
    mark = hmac.new(secret, f"recording\0{recording}".encode(), sha256).hexdigest()[:32]
    return f"/phone/recordings/{recording}/{mark}.mp3"
