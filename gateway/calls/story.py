"""The story of a call: what the dialogue (`ivr`) asks for is looked up and done here, and each answer is kept before it leaves.

One webhook is one transaction: the call's state, what it led to and the document that answers it are stored together, so a
repeated webhook gets the same bytes and has no second effect. Only a PIN takes two: the try is counted first, the digits are
compared outside (argon2 is slow on purpose), and then the answer is written. Refuses to let digits into any row, event or log.
"""

import enum
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Final, Literal

import structlog
from sqlalchemy import Connection

import ivr
from gateway.calls import agents, callbacks
from gateway.calls.callers import Callers
from gateway.calls.pin_tries import Line, PinTries, PinVerdict
from gateway.engine import Engine
from gateway.paging import rooms as paging_rooms
from gateway.paging.engineers import Engineers
from gateway.paging.telephone import STATUS
from gateway.store import calls
from gateway.store.calls import StoredCall
from identity import normal
from ivr import events as e
from routing.desk import Desk
from routing.paging import Event

log = structlog.get_logger(__name__)

Render = Callable[[ivr.Call, ivr.Speak], str]


class Pin(enum.Enum):
    """Instead of a document: this webhook brings a PIN, which has to be looked at first."""

    KEYED = enum.auto()


PIN: Final = Pin.KEYED
LOOKS: Final = e.LookUpCode | e.LookUpCustomer | e.LookUpCaller | e.CheckPin  # these leave the call's row as it is
Document = str | None


class Calls:
    """Answers webhooks of callers' and engineers' calls. Has no state of its own."""

    def __init__(self, engine: Engine, rules: Callable[[Desk], ivr.Rules], render: Render, pepper: bytes) -> None:
        self._engine = engine
        self._database = engine.database
        self._rules = rules
        self._render = render
        self._callers = Callers(engine)
        self._engineers = Engineers(engine)
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
        now = self._database.clock.now()

        def first(connection: Connection) -> Document:
            begin = self._engineers.begin if callbacks.request_of(attempt) is None else self._begin_callback
            known = begin(connection, sid, attempt, number, now)
            return self._document(connection, Line(sid, 0), e.Arrived()) if known else None

        return self._database.submit(first)

    def picked_up(self, sid: str, caller: str) -> Future[Document]:
        """Somebody of the desk picked up for a caller: what they hear first; None when nobody is being rung for that call."""
        now = self._database.clock.now()

        def first(connection: Connection) -> Document:
            known = agents.begin(connection, self._engine, sid, caller, now)
            return self._document(connection, Line(sid, 0), e.Arrived()) if known else None

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

        return self._database.submit(lambda connection: self._end(connection, sid, status, now))

    def _end(self, connection: Connection, sid: str, status: str, now: datetime) -> None:
        stored = calls.get(connection, sid, lock=True)
        if stored is None or stored.status != "in-progress":
            return
        calls.update(connection, sid, status=status, ended_at=now)
        paging_rooms.caller_left(connection, sid, stored.ticket_id, now)
        call = ivr.from_json(stored.state)
        if not call.over:
            self._turn(connection, stored, call, e.HungUp(), None, now)

    def _begin_callback(self, connection: Connection, sid: str, attempt: str, _number: str, now: datetime) -> bool:
        return self._callers.begin_callback(connection, sid, attempt, now)

    def page_news(self, attempt: str, status: str, sid: str, sequence: int | None) -> Future[None] | None:
        """The carrier's news of an engineer's call; when it ends without acceptance the next phone rings at once."""
        what = STATUS.get(status)
        if what is None:
            return None
        now = self._database.clock.now()
        event = Event(attempt, what, now, code=status if what == "ended" else None, provider_sid=sid, sequence=sequence)

        request = callbacks.request_of(attempt)

        def tell(connection: Connection) -> None:
            if request is not None:
                callbacks.told(connection, request, event, self._engine)
                if what == "ended":
                    self._end(connection, sid, status, now)
                return
            self._engineers.hear(connection, event)
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
        walked = self._turn(connection, stored, call, event, verdict, self._database.clock.now())
        if walked is None:
            return PIN
        document = self._render(*walked)
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
    ) -> tuple[ivr.Call, ivr.Speak] | None:
        """Walk the dialogue until it speaks, doing what it asks on the way. None, and nothing done, when that is to look at a
        PIN and nobody has."""
        desk = self._engine.desk(stored.state["desk"])
        rules = self._rules(desk)
        if isinstance(event, e.LegEnded) and stored.direction != "page":
            event = self._callers.leg(connection, stored, event, desk, now)
        told = list(e.audit(event))
        call, step = ivr.turn(call, event, rules)
        if isinstance(step, e.CheckPin) and verdict is None:
            return None
        while not isinstance(step, ivr.Speak):
            event = self._perform(connection, stored, call, step, desk, verdict, now)
            if not isinstance(step, LOOKS):
                stored = calls.get(connection, stored.sid) or stored
            told += e.audit(event)
            call, step = ivr.turn(call, event, rules)
        if call.over and (call.person or call.position or stored.direction == "callback"):
            connected = isinstance(event, e.LegEnded) and event.connected
            self._callers.left(connection, stored, desk, connected, now)
        calls.event(connection, stored.sid, now, *told)
        calls.update(
            connection,
            stored.sid,
            state={"desk": desk.id, **ivr.to_json(call)},
            customer=call.customer or stored.customer,
            seen_at=now,
        )
        return call, step

    def _perform(
        self, connection: Connection, stored: StoredCall, call: ivr.Call, asked: e.Request, desk: Desk,
        verdict: PinVerdict | None, now: datetime,
    ) -> e.Answer:  # fmt: skip
        match asked:
            case e.LookUpCode() | e.LookUpCustomer() | e.LookUpCaller():
                return self._callers.recognise(connection, asked, stored, call, desk, now)
            case e.FindTicket() | e.Escalate() | e.LookAtCallback() | e.Prove():
                return self._callers.about(connection, asked, stored, call, desk, now)
            case e.CheckPin():
                assert verdict is not None
                return verdict.answer
            case e.OpenTicket():
                return self._callers.open(connection, stored, call, asked, desk, now)
            case e.AddDescription(ticket, text):
                return self._callers.describe(connection, stored, ticket, now, {"words": text})
            case e.AttachRecording(ticket, recording, seconds):
                return self._callers.describe(connection, stored, ticket, now, {
                    "recording": recording, "seconds": seconds, "consent": call.language or desk.languages[0],
                })  # fmt: skip
            case e.TakeCallback():
                return self._callers.call_back(connection, stored, call, asked, desk, now)
            case e.FindPerson():
                return self._callers.find_person(connection, stored, asked, desk, now)
            case e.LookAtCaller() | e.AcceptCaller():
                return agents.perform(connection, self._engine, asked, stored, desk, now)
            case _:
                return self._engineers.perform(connection, stored, asked, desk, now)
