"""The story of a call: what the dialogue (`ivr`) asks for is looked up and done here, and each answer is kept before it leaves.

One webhook is one transaction: the call's state, what it led to and the document that answers it are stored together, so a
repeated webhook gets the same bytes and has no second effect. Only a PIN takes two: the try is counted first, the digits are
compared outside (argon2 is slow on purpose), and then the answer is written. Refuses to let digits into any row, event or log.
"""

import enum
import hmac
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

import structlog
from sqlalchemy import Connection

import ivr
from gateway import pager
from gateway.callers import Callers
from gateway.engine import Engine
from gateway.pin_tries import Line, PinTries, PinVerdict
from gateway.store import calls, jobs, tickets
from gateway.store.calls import StoredCall
from gateway.store.tickets import NewEntry
from identity import normal
from ivr import events as e
from routing import oncall, paging
from routing.desk import Desk
from routing.paging import Event
from routing.tickets import Ticket

log = structlog.get_logger(__name__)

Render = Callable[[ivr.Call, ivr.Speak], str]


class Pin(enum.Enum):
    """Instead of a document: this webhook brings a PIN, which has to be looked at first."""

    KEYED = enum.auto()


PIN: Final = Pin.KEYED
Document = str | None


class Calls:
    """Answers webhooks of callers' and engineers' calls. Has no state of its own."""

    def __init__(self, engine: Engine, rules: Callable[[Desk], ivr.Rules], render: Render, pepper: bytes) -> None:
        self._engine = engine
        self._database = engine.database
        self._rules = rules
        self._render = render
        self._callers = Callers(engine)
        self._pins = PinTries(engine.database, lambda desk: rules(engine.desk(desk)), pepper)

    # Webhooks ---------------------------------------------------------------------------------------------------

    def arrived(self, sid: str, number: str, desk: Desk) -> Future[Document]:
        """A customer's call is there: the first document."""
        now = self._database.clock.now()

        def first(connection: Connection) -> Document:
            values = {"sid": sid, "direction": "caller", "number": normal.phone(number) or "", "at": now}
            calls.begin(connection, {**values, "state": {"desk": desk.id, **ivr.to_json(ivr.begin(sid))}})
            return self._document(connection, Line(sid, 0), e.Arrived())

        return self._database.submit(first)

    def answered(self, sid: str, attempt: str, number: str) -> Future[Document]:
        """An engineer picked up: the first document; None when the attempt is none of ours."""
        page_id = page_of(attempt)
        now = self._database.clock.now()

        def first(connection: Connection) -> Document:
            found = None if page_id is None else self._page(connection, page_id)
            if found is None:
                return None
            ticket, page, desk = found
            person = _person(page, attempt, desk)
            values = {
                "sid": sid,
                "direction": "page",
                "number": normal.phone(number) or "",
                "at": now,
                "page_id": page_id,
            }
            values |= {"attempt": attempt, "ticket_id": ticket.id, "customer": ticket.customer}
            language = person.language if person and person.language in desk.languages else desk.languages[0]
            call = ivr.begin(sid, "page", language)
            calls.begin(connection, {**values, "state": {"desk": desk.id, **ivr.to_json(call)}})
            assert page_id is not None
            self._hear(connection, page_id, Event(attempt, "answered", now, provider_sid=sid))
            return self._document(connection, Line(sid, 0), e.Arrived())

        return self._database.submit(first)

    def heard(self, line: Line, event: e.Heard) -> Future[Document | Literal[Pin.KEYED]]:
        """The next document of a call; None when there is no such call or step; PIN when `tried` must be asked."""
        return self._database.submit(lambda connection: self._answer(connection, line, event))

    def tried(self, line: Line, event: e.Heard) -> Document:
        """The next document after a PIN; takes long, and waits."""
        verdict = self._pins.look_at(line, event) or PinVerdict(e.PinLocked(looked=False))
        return self._database.write(lambda connection: self._document(connection, line, event, verdict))

    def over(self, sid: str, status: str, sequence: int | None) -> Future[None]:
        """The carrier's last word on a customer's call: what the caller did not finish is filed as far as it is known."""
        now = self._database.clock.now()

        def end(connection: Connection) -> None:
            stored = calls.get(connection, sid, lock=True)
            if stored is None or stored.status != "in-progress":
                return
            calls.update(connection, sid, status=status, ended_at=now)
            call = ivr.from_json(stored.state)
            if not call.over:
                self._turn(connection, stored, call, e.HungUp(), None, now)

        return self._database.submit(end)

    def page_news(self, attempt: str, status: str, sid: str, sequence: int | None) -> Future[None] | None:
        """The carrier's news of an engineer's call; when it ends without acceptance the next phone rings at once."""
        page_id, what = page_of(attempt), pager.STATUS.get(status)
        if page_id is None or what is None:
            return None
        now = self._database.clock.now()
        event = Event(attempt, what, now, code=status if what == "ended" else None, provider_sid=sid, sequence=sequence)

        def tell(connection: Connection) -> None:
            self._hear(connection, page_id, event)
            if what == "ended":
                calls.update(connection, sid, status=status, ended_at=now)

        return self._database.submit(tell)

    # One turn ---------------------------------------------------------------------------------------------------

    def _document(
        self, connection: Connection, line: Line, event: e.Heard, verdict: PinVerdict | None = None
    ) -> Document:
        """`_answer` where no PIN waits to be looked at."""
        document = self._answer(connection, line, event, verdict)
        assert document is not PIN
        return document

    def _answer(
        self, connection: Connection, line: Line, event: e.Heard, verdict: PinVerdict | None = None
    ) -> Document | Literal[Pin.KEYED]:
        """The document for this step: the one already given, or the one that the dialogue gives now; None without any."""
        found = calls.at_step(connection, line.sid, line.step)
        if found is None:
            return None
        stored, known = found
        call = ivr.from_json(stored.state)
        if known is not None or line.step != call.step:
            return known
        if verdict is None and self._pins.asks(call, event, stored.state["desk"]):
            return PIN
        call, spoken = self._turn(connection, stored, call, event, verdict, self._database.clock.now())
        document = self._render(call, spoken)
        calls.answer(connection, line.sid, line.step, document)
        return document

    def _turn(
        self,
        connection: Connection,
        stored: StoredCall,
        call: ivr.Call,
        event: e.Event,
        verdict: PinVerdict | None,
        now: datetime,
    ) -> tuple[ivr.Call, ivr.Speak]:
        """Walk the dialogue until it speaks, doing what it asks on the way."""
        desk = self._engine.desk(stored.state["desk"])
        rules = self._rules(desk)
        told: list[str] = []
        while True:
            told += e.audit(event)
            call, step = ivr.turn(call, event, rules)
            if isinstance(step, ivr.Speak):
                break
            event = self._perform(connection, stored, call, step, desk, verdict, now)
            stored = calls.get(connection, stored.sid) or stored
        calls.event(connection, stored.sid, now, *told)
        calls.update(
            connection,
            stored.sid,
            state={"desk": desk.id, **ivr.to_json(call)},
            customer=call.customer or stored.customer,
        )
        return call, step

    def _perform(
        self, connection: Connection, stored: StoredCall, call: ivr.Call, asked: e.Request, desk: Desk,
        verdict: PinVerdict | None, now: datetime,
    ) -> e.Answer:  # fmt: skip
        match asked:
            case e.LookUpCode(digits):
                return self._callers.look_up(connection, digits, stored, desk, now)
            case e.CheckPin():
                assert verdict is not None
                return verdict.answer
            case e.OpenTicket():
                return self._callers.open(connection, stored, call, asked, desk, now)
            case e.AddDescription(_, text):
                return self._callers.describe(connection, stored, now, {"words": text})
            case e.AttachRecording(_, recording, seconds):
                return self._callers.describe(connection, stored, now, {
                    "recording": recording, "seconds": seconds, "consent": call.language or desk.languages[0],
                })  # fmt: skip
            case e.TakeCallback():
                return self._callers.call_back(connection, stored, call, asked, desk, now)
            case e.FindPerson():
                return e.Nobody()
            case _:
                return self._perform_page(connection, stored, asked, desk, now)

    def _perform_page(
        self, connection: Connection, stored: StoredCall, asked: e.Request, desk: Desk, now: datetime
    ) -> e.Answer:
        """The engineer's side: the page as it stands now."""
        if stored.page_id is None or stored.attempt is None:
            return e.CallbackOver() if isinstance(asked, e.LookAtCallback) else e.PageOver()
        if isinstance(asked, e.AcceptPage):
            self._hear(
                connection, stored.page_id, Event(stored.attempt, "accepted", now, key="1", provider_sid=stored.sid)
            )
        if isinstance(asked, e.PassOn):
            self._hear(
                connection, stored.page_id, Event(stored.attempt, "passed", now, key="3", provider_sid=stored.sid)
            )
        found = self._page(connection, stored.page_id)
        assert found is not None
        ticket, page, _ = found
        if isinstance(asked, e.FetchDescription):
            return self._description(connection, ticket)
        mine = paging.find(page, stored.attempt)
        if page.state == "accepted" and not (mine and mine.state == "accepted"):
            return e.PageTaken(ticket.number, self._name(desk, page.accepted_by))
        if page.state == "cancelled":
            return e.PageOver()
        if isinstance(asked, e.AcceptPage):
            return e.Accepted(ticket.number)
        if isinstance(asked, e.PassOn):
            return e.PassedOn()
        return self._offer(ticket, desk, now)

    # The engineer -----------------------------------------------------------------------------------------------

    def _offer(self, ticket: Ticket, desk: Desk, now: datetime) -> e.PageOpen:
        plan = desk.plans.get(ticket.plan or "")
        minutes = None if ticket.next_due is None else int((ticket.next_due - now).total_seconds() // 60)
        return e.PageOpen(
            ticket.number, ticket.customer_name or "", plan.label if plan else "", ticket.priority, minutes
        )

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

    def _hear(self, connection: Connection, page_id: int, event: Event) -> None:
        """News from outside goes into the page; an acceptance takes the ticket in charge, and the job looks at once."""
        page = pager.hear(connection, page_id, event)
        if page is None:
            return
        stored = calls.page(connection, page_id)
        assert stored is not None
        attempt = paging.find(page, event.attempt)
        desk_ticket = self._engine.ticket(connection, stored.ticket_id)
        assert desk_ticket is not None
        assert attempt is not None
        name = self._name(self._engine.desk(desk_ticket.desk), attempt.person)
        words = f"{name}: {paging.outcome(attempt)}"
        tickets.tell(
            connection,
            stored.ticket_id,
            event.at,
            NewEntry("page", name, {"words": words, "attempt": attempt.id, "person": attempt.person}),
        )
        if event.what == "accepted" and page.accepted_by == attempt.person:
            self._engine.take(connection, stored.ticket_id, name, event.at)
        jobs.hasten(connection, "page", stored.ticket_id, event.at)

    def _name(self, desk: Desk, person: str | None) -> str:
        found = desk.on_call.people.get(person or "") if desk.on_call else None
        return found.name if found else person or ""


def recording_path(recording: str, secret: bytes) -> str:
    """The path of a recording at our web door; only who was given it can know its mark."""
    mark = hmac.new(secret, f"recording\0{recording}".encode(), sha256).hexdigest()[:32]
    return f"/phone/recordings/{recording}/{mark}.mp3"


def page_of(attempt: str) -> int | None:
    """The page behind an attempt id (`page12-3`)."""
    page, dash, _ = attempt.rpartition("-")
    digits = page.removeprefix("page")
    return (
        int(digits)
        if dash and page.startswith("page") and digits.isascii() and digits.isdigit() and len(digits) < 16
        else None
    )


def _person(page: paging.Page, attempt_id: str, desk: Desk) -> oncall.Person | None:
    attempt = paging.find(page, attempt_id)
    return desk.on_call.people.get(attempt.person) if attempt and desk.on_call else None
