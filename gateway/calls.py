"""The story of a call: what the dialogue (`ivr`) asks for is looked up and done here, and each answer is kept before it leaves.

One webhook is one transaction: the call's state, what it led to and the document that answers it are stored together, so a
repeated webhook gets the same bytes and has no second effect. Only a PIN takes two: the try is counted first, the digits are
compared outside (argon2 is slow on purpose), and then the answer is written. Refuses to let digits into any row, event or log.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import phonenumbers
import structlog
from sqlalchemy import Connection

import ivr
from gateway import pager, pins
from gateway.engine import FAILED, Engine
from gateway.store import calls, directory, jobs, reports, tickets
from gateway.store.calls import StoredCall
from gateway.store.tickets import NewEntry
from identity import normal
from identity.clues import Signs
from identity.people import Recognition
from identity.pins import DEFAULT, Locked, may_try
from ivr import events as e
from routing import calendars, decide, numbers, oncall, paging
from routing.decide import Decision, Report
from routing.desk import CallbackRules, Desk
from routing.paging import Event
from routing.tickets import Ticket

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
PAGED = frozenset({"accepted", "cancelled"})
# What the call's ticket says when the way to a severity was closed.
WHY: Mapping[str, str] = {
    "severity": "the caller chose how serious it is",
    "no_severity": "the caller did not say how serious it is",
    "no_code": "no customer code was recognised",
    "locked": "too many wrong PINs: the caller left a message",
    "no_pin": "no PIN is on file: the caller left a message",
    "pin_missing": "the caller gave no PIN and left a message",
    "not_entitled": "on-call is not in the plan: the caller left a message",
    "nobody": "the caller asked for a person and nobody was free",
    "person": "the caller asked for a person",
    "hung_up": "the caller hung up early",
    "callback": "the caller asked to be called back",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Which call, and which of its documents this webhook answers."""

    sid: str
    step: int


@dataclass(frozen=True, slots=True)
class PinVerdict:
    """What looking at a PIN came to; made outside the transaction that writes it."""

    answer: e.PinRight | e.PinWrong | e.PinLocked


Render = Callable[[ivr.Call, ivr.Speak], str]


class Calls:
    """Answers webhooks of callers' and engineers' calls. Has no state of its own."""

    def __init__(self, engine: Engine, rules: Callable[[Desk], ivr.Rules], render: Render, pepper: bytes) -> None:
        self._engine = engine
        self._database = engine.database
        self._rules = rules
        self._render = render
        self._pepper = pepper

    # Webhooks ---------------------------------------------------------------------------------------------------

    def arrived(self, sid: str, number: str, desk: Desk) -> str | None:
        """A customer's call is there: the first document."""
        now = self._database.clock.now()

        def first(connection: Connection) -> str | None:
            values = {"sid": sid, "direction": "caller", "number": normal.phone(number) or "", "at": now}
            calls.begin(connection, {**values, "state": {"desk": desk.id, **ivr.to_json(ivr.begin(sid))}})
            return self._answer(connection, Line(sid, 0), e.Arrived())

        return self._database.write(first)

    def answered(self, sid: str, attempt: str, number: str) -> str | None:
        """An engineer picked up: the first document; None when the attempt is none of ours."""
        page_id = page_of(attempt)
        if page_id is None:
            return None
        now = self._database.clock.now()

        def first(connection: Connection) -> str | None:
            found = self._page(connection, page_id)
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
            self._hear(connection, page_id, Event(attempt, "answered", now, provider_sid=sid))
            return self._answer(connection, Line(sid, 0), e.Arrived())

        return self._database.write(first)

    def heard(self, line: Line, event: e.Heard) -> str | None:
        """The next document of a call; None when there is no such call or step."""
        verdict = self._look_at_pin(line, event)
        return self._database.write(lambda connection: self._answer(connection, line, event, verdict))

    def over(self, sid: str, status: str, sequence: int | None) -> None:
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

        self._database.write(end)

    def page_news(self, attempt: str, status: str, sid: str, sequence: int | None) -> None:
        """The carrier's news of an engineer's call; when it ends without acceptance the next phone rings at once."""
        page_id, what = page_of(attempt), pager.STATUS.get(status)
        if page_id is None or what is None:
            return
        now = self._database.clock.now()
        event = Event(attempt, what, now, code=status if what == "ended" else None, provider_sid=sid, sequence=sequence)

        def tell(connection: Connection) -> None:
            self._hear(connection, page_id, event)
            if what == "ended":
                calls.update(connection, sid, status=status, ended_at=now)

        self._database.write(tell)

    # One turn ---------------------------------------------------------------------------------------------------

    def _answer(
        self, connection: Connection, line: Line, event: e.Heard, verdict: PinVerdict | None = None
    ) -> str | None:
        """The document for this step: the one already given, or the one that the dialogue gives now; None without any."""
        stored = calls.get(connection, line.sid, lock=True)
        known = calls.answered(connection, line.sid, line.step)
        if known is not None or stored is None:
            return known
        call = ivr.from_json(stored.state)
        if line.step != call.step:
            return None
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
                return self._look_up(connection, digits, stored, desk, now)
            case e.CheckPin():
                return verdict.answer if verdict else e.PinLocked(looked=False)
            case e.OpenTicket():
                return self._open(connection, stored, call, asked, desk, now)
            case e.AddDescription(_, text):
                return self._describe(connection, stored, now, {"words": text})
            case e.AttachRecording(_, recording, seconds):
                return self._describe(connection, stored, now, {"recording": recording, "seconds": seconds})
            case e.TakeCallback():
                return self._call_back(connection, stored, call, asked, desk, now)
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

    # The caller -------------------------------------------------------------------------------------------------

    def _look_up(self, connection: Connection, digits: str, stored: StoredCall, desk: Desk, now: datetime) -> e.Answer:
        found = [
            one.customer for one in directory.StoredFinder(connection).by_code(digits) if one.customer.desk == desk.id
        ]
        if len(found) != 1:
            return e.CodeUnknown()
        (customer,) = found
        assert desk.phone is not None
        hours: e.Hours = "pin"
        plan = desk.plans.get(customer.plan)
        if desk.phone.hours is not None and calendars.is_open(desk.calendars[desk.phone.hours], now):
            hours = "open"
        elif plan is None or plan.on_call is None or desk.on_call is None:
            hours = "not_entitled"
        elif not directory.pin_hashes(connection, customer.id):
            hours = "no_pin"
        known = any(
            one.customer.id == customer.id for one in directory.StoredFinder(connection).by_phone(stored.number)
        )
        return e.CustomerKnown(customer.id, customer.name, hours, greet=known)

    def _open(
        self, connection: Connection, stored: StoredCall, call: ivr.Call, asked: e.OpenTicket, desk: Desk, now: datetime
    ) -> e.Answer:
        """The call's ticket, once a call."""
        if stored.ticket_id is not None:
            ticket = self._engine.ticket(connection, stored.ticket_id)
            assert ticket is not None
            return e.TicketOpened(ticket.number)
        who = self._who(connection, stored, asked.customer, desk, pin=asked.page)
        report = Report("phone", stored.at, priority=asked.priority, language=call.language, pin=asked.page)
        decision = _decide(report, who, desk)
        told = NewEntry(
            "call", stored.number or "unknown number", {"sid": stored.sid, "words": WHY.get(asked.why, asked.why)}
        )
        evidence = (*who.evidence, f"call: {WHY.get(asked.why, asked.why)}", *decision.evidence)
        ticket_id = self._engine.open_ticket(
            connection, desk, who, decision, evidence, subject=SUBJECT.get(call.language or "en", SUBJECT["en"]),
            channel="phone", received=stored.at, contact_address=self._mail_of(connection, who), phone=stored.number or None, entries=(told,),
        )  # fmt: skip
        number = numbers.number_of(ticket_id, desk.ticket_prefix)
        if FAILED in decision.marks:
            words = f"{number} is a call that could not be judged; look at it and ring somebody by hand if it is urgent"
            jobs.alarm(connection, now, FAILED, words, ticket_id)
        calls.update(connection, stored.sid, ticket_id=ticket_id, customer=who.customer)
        self._record(connection, stored, who, ticket_id, evidence, asked.why, now)
        due = (
            next((clock.due for clock in decision.stamp.clocks if clock.target == "take_charge"), None)
            if decision.stamp
            else None
        )
        chain = oncall.chain(desk.on_call, now) if decision.page and desk.on_call else ()
        return e.TicketOpened(number, decision.page, chain[0].name if chain else "", due)

    def _who(
        self, connection: Connection, stored: StoredCall, customer: str | None, desk: Desk, *, pin: bool
    ) -> Recognition:
        known = directory.get(connection, customer) if customer else None
        signs = Signs("phone", phone=stored.number or None, keyed=known.code if known else None, pin_ok=pin)
        return self._engine.recognise(connection, signs, desk, stored.at)

    def _mail_of(self, connection: Connection, who: Recognition) -> str | None:
        customer = directory.get(connection, who.customer) if who.verified and who.customer else None
        contacts = [one for one in customer.contacts if one.id == who.contact] if customer else []
        return contacts[0].emails[0] if contacts and contacts[0].emails else None

    def _record(
        self,
        connection: Connection,
        stored: StoredCall,
        who: Recognition,
        ticket_id: int,
        evidence: tuple[str, ...],
        why: str,
        now: datetime,
    ) -> None:
        reports.insert(connection, {
            "key": f"call:{stored.sid}", "at": stored.at, "door": "phone", "peer": "", "rcpt": [], "outcome": "new", "reason": why,
            "ticket_id": ticket_id, "customer": who.customer, "verified": who.verified, "evidence": list(evidence),
        })  # fmt: skip

    def _describe(self, connection: Connection, stored: StoredCall, now: datetime, data: Mapping[str, Any]) -> e.Answer:
        assert stored.ticket_id is not None
        ticket = self._engine.ticket(connection, stored.ticket_id, lock=True)
        assert ticket is not None
        tickets.tell(
            connection, ticket.id, now, NewEntry("description", stored.number or "caller", {"sid": stored.sid, **data})
        )
        if data.get("words"):
            tickets.update(connection, ticket, subject=str(data["words"])[:120])
        return e.Noted()

    def _call_back(
        self,
        connection: Connection,
        stored: StoredCall,
        call: ivr.Call,
        asked: e.TakeCallback,
        desk: Desk,
        now: datetime,
    ) -> e.Answer:
        """Take the request, or refuse the number; either way there is a ticket."""
        opened = self._open(
            connection, stored, call, e.OpenTicket(asked.customer, call.priority, False, "callback"), desk, now
        )
        assert isinstance(opened, e.TicketOpened)
        fresh = calls.get(connection, stored.sid)
        assert fresh is not None and fresh.ticket_id is not None
        caller = stored.number or "unknown"
        target = _callable_number(asked.number if asked.number is not None else stored.number, desk)
        rules = desk.phone.callbacks if desk.phone else None
        reason = self._refusal(connection, caller, target, rules, now)
        words = f"a call back was refused: {reason}" if reason else "the caller wants to be called back"
        data = {"words": words, "sid": stored.sid, "number": "" if reason else target}
        tickets.tell(connection, fresh.ticket_id, now, NewEntry("call", caller, data))
        if reason or target is None:
            return e.CallbackRefused(opened.ticket, "cap" if target else "number")
        row = {"at": now, "sid": stored.sid, "caller": caller, "number": target, "ticket_id": fresh.ticket_id}
        calls.ask_callback(connection, {**row, "language": call.language or desk.languages[0]})
        return e.CallbackTaken(opened.ticket, target[-3:])

    def _refusal(
        self, connection: Connection, caller: str, target: str | None, rules: CallbackRules | None, now: datetime
    ) -> str | None:
        """Why this number is not called back (toll fraud), None when it is."""
        if rules is None:
            return "this desk calls nobody back"
        if target is None:
            return "only ordinary numbers of the allowed countries are called back"
        for name in sorted((f"callback:{caller}", f"callback:{target}")):
            calls.alone(connection, name)
        if calls.callbacks_since(connection, now - HOUR, caller=caller) >= rules.per_caller_per_hour:
            return "too many requests from this number in an hour"
        if calls.callbacks_since(connection, now - HOUR, number=target) >= rules.per_target_per_hour:
            return "too many requests for this number in an hour"
        if calls.callbacks_since(connection, now - 24 * HOUR) >= rules.per_day:
            return "the desk's daily number of call backs is used up"
        return None

    # PINs -------------------------------------------------------------------------------------------------------

    def _look_at_pin(self, line: Line, event: e.Heard) -> PinVerdict | None:
        """When this webhook brings a PIN: count the try, then compare, outside any transaction."""
        if not isinstance(event, e.Keys):
            return None
        stored = self._database.read(lambda connection: calls.get(connection, line.sid))
        if stored is None:
            return None
        call = ivr.from_json(stored.state)
        if line.step != call.step:  # a repetition: it was looked at, or there is no such step
            return None
        rules = self._rules(self._engine.desk(stored.state["desk"]))
        _, step = ivr.turn(call, event, rules)
        if not isinstance(step, e.CheckPin):
            return None
        hashes = self._database.write(lambda connection: self._begin_try(connection, line, call, stored))
        if hashes is None:
            return PinVerdict(e.PinLocked(looked=False))
        if pins.verify(step.digits, hashes, self._pepper):
            self._database.write(lambda connection: calls.end_try(connection, line.sid, line.step, True))
            return PinVerdict(e.PinRight())
        self._database.write(lambda connection: calls.end_try(connection, line.sid, line.step, False))
        return PinVerdict(e.PinLocked() if call.pin_tries + 1 >= DEFAULT.per_call else e.PinWrong())

    def _begin_try(
        self, connection: Connection, line: Line, call: ivr.Call, stored: StoredCall
    ) -> tuple[str, ...] | None:
        """The hashes to compare with, or None when no PIN is looked at now."""
        assert call.customer is not None
        now = self._database.clock.now()
        on_file = bool(stored.number and directory.StoredFinder(connection).by_phone(stored.number))
        name = self._hashed(stored.number) if on_file else ""
        calls.alone(connection, f"pin:{name}")
        if not calls.tried(connection, line.sid, line.step):
            tries = calls.tries_since(connection, name, now - DEFAULT.window)
            allowed = may_try(
                now, wrong_in_call=call.pin_tries, on_file=on_file,
                wrong_of_number=tries if on_file else (), wrong_of_unknown=() if on_file else tries,
            )  # fmt: skip
            if isinstance(allowed, Locked):
                return None
            calls.begin_try(connection, line.sid, line.step, name, now)
        return directory.pin_hashes(connection, call.customer)

    def _hashed(self, number: str) -> str:
        return hmac.new(self._pepper, f"caller\0{number}".encode(), sha256).hexdigest()

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
        assert desk_ticket is not None and attempt is not None
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


SUBJECT: Mapping[str, str] = {"it": "Segnalazione telefonica", "en": "Report by telephone"}


def _decide(report: Report, who: Recognition, desk: Desk) -> Decision:
    """What happens with a call; a fault of ours must not lose it, so then a person decides."""
    try:
        return decide.decide(report, who, desk)
    except Exception as trouble:
        log.error("calls.deciding_failed", exc_info=trouble)
        return decide.unread(desk, FAILED)


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


def _callable_number(number: str | None, desk: Desk) -> str | None:
    """E.164 of an ordinary number that the desk may ring, None for any other (premium, satellite, emergency, abroad)."""
    rules = desk.phone.callbacks if desk.phone else None
    if not number or rules is None:
        return None
    try:
        region = sorted(rules.countries)[0]
        found = phonenumbers.parse(f"+{number[2:]}" if number.startswith("00") else number, region)
    except (phonenumbers.NumberParseException, IndexError):
        return None
    kinds = {phonenumbers.PhoneNumberType.FIXED_LINE: "fixed_line", phonenumbers.PhoneNumberType.MOBILE: "mobile"}
    fits = (
        phonenumbers.is_valid_number(found)
        and phonenumbers.region_code_for_number(found) in rules.countries
        and kinds.get(phonenumbers.number_type(found)) in rules.types
    )
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164) if fits else None
