"""The customer's side of a call: who has this code, the call's ticket, what was said, and requests to be called back.

Each function does what the dialogue asked for, in the transaction of the webhook, and gives the dialogue its answer.
Refuses to let digits of a PIN come here, and to call back a number that could cost more than an ordinary one.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

import ivr
from gateway.calls import callbacks, proving, waiting
from gateway.calls.callbacks import Wish
from gateway.calls.tolls import callable_number
from gateway.engine import FAILED, Engine
from gateway.people import issuing
from gateway.store import callbacks as store
from gateway.store import calls, directory, jobs, recordings, reports, tickets
from gateway.store.callbacks import StoredCallback
from gateway.store.calls import StoredCall
from gateway.store.tickets import NewEntry
from identity.clues import Signs
from identity.people import Customer, Recognition
from ivr import events as e
from routing import decide, numbers
from routing.decide import Decision, Report
from routing.desk import Desk, Kind
from routing.paging import Event
from routing.tickets import OPEN, Ticket

log = structlog.get_logger(__name__)

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
    "no_proof": "the caller has no PIN, so nothing was said of a ticket: they left a message",
    "which": "the caller could not name the ticket and left a message",
    "maintenance": "the caller announces planned maintenance",
    "information": "the caller asks for information",
    "callback": "the caller asked to be called back",
}


SUBJECT: Mapping[str, str] = {"it": "Segnalazione telefonica", "en": "Report by telephone"}


class Callers:
    """What customers' calls lead to. Has no state of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def recognise(
        self, connection: Connection, asked: e.LookUpCode | e.LookUpCustomer | e.LookUpCaller, stored: StoredCall,
        call: ivr.Call, desk: Desk, now: datetime,
    ) -> e.Answer:  # fmt: skip
        """Who is it, and what may they do?"""
        if isinstance(asked, e.LookUpCaller):
            return self.look_up_caller(connection, stored, desk)
        if isinstance(asked, e.LookUpCode):
            return self.look_up(connection, asked, stored, call, desk, now)
        return self.look_up_customer(connection, asked, stored, call, desk, now)

    def about(
        self, connection: Connection, asked: e.FindTicket | e.Escalate | e.LookAtCallback | e.Prove, stored: StoredCall,
        call: ivr.Call, desk: Desk, now: datetime,
    ) -> e.Answer:  # fmt: skip
        """What is asked about a ticket or a call back that is there already."""
        if isinstance(asked, e.FindTicket):
            return self.find_ticket(connection, stored, asked, desk)
        if isinstance(asked, e.Escalate):
            return self.escalate(connection, stored, call, asked, now)
        if isinstance(asked, e.Prove):
            return proving.prove(connection, self._engine, stored, now)
        return self.look_at_callback(connection, stored)

    def look_up(
        self, connection: Connection, asked: e.LookUpCode, stored: StoredCall, call: ivr.Call, desk: Desk, now: datetime
    ) -> e.Answer:
        """The customer behind a code."""
        finder = directory.StoredFinder(connection)
        found = [one.customer for one in finder.by_code(asked.digits) if one.customer.desk == desk.id]
        return self._known(connection, found[0], stored, call, desk, now) if len(found) == 1 else e.CodeUnknown()

    def look_up_customer(
        self,
        connection: Connection,
        asked: e.LookUpCustomer,
        stored: StoredCall,
        call: ivr.Call,
        desk: Desk,
        now: datetime,
    ) -> e.Answer:
        """The customer whose number calls, or who has another matter."""
        found = directory.get(connection, asked.customer)
        return self._known(connection, found, stored, call, desk, now) if found else e.CodeUnknown()

    def look_up_caller(self, connection: Connection, stored: StoredCall, desk: Desk) -> e.Answer:
        """Whose number is it? Only a greeting and a question come of it, and only when it is one customer's."""
        if not stored.number:
            return e.CallerUnknown()
        found = {
            one.customer.id: one.customer
            for one in directory.StoredFinder(connection).by_phone(stored.number)
            if one.customer.desk == desk.id
        }
        if len(found) != 1:
            return e.CallerUnknown()
        ((name, customer),) = found.items()
        return e.CallerKnown(name, customer.name)

    def _known(
        self, connection: Connection, customer: Customer, stored: StoredCall, call: ivr.Call, desk: Desk, now: datetime
    ) -> e.Answer:
        """What they may do in this matter at this hour."""
        hours, language = self._hours(connection, customer, call, desk, now)
        finder = directory.StoredFinder(connection)
        known = bool(stored.number) and any(one.customer.id == customer.id for one in finder.by_phone(stored.number))
        return e.CustomerKnown(customer.id, customer.name, hours, greet=known, language=language)

    def _hours(
        self, connection: Connection, customer: Customer, call: ivr.Call, desk: Desk, now: datetime
    ) -> tuple[e.Hours, str]:
        """The way that is open, and the language in which it goes on if that is not the caller's."""
        assert desk.phone is not None
        if call.matter == "information":
            return "information", ""
        if call.about:
            return "pin" if directory.pin_hashes(connection, customer.id) else "no_proof", ""
        plan = desk.plans.get(customer.plan)
        if waiting.is_open(desk, now):
            return "open", ""
        if plan is None or plan.on_call is None or desk.on_call is None:
            return "not_entitled", ""
        spoken = plan.on_call.languages
        language = spoken[0] if spoken and (call.language or desk.languages[0]) not in spoken else ""
        if not proving.by_pin(desk, plan.on_call):
            return "open", language
        return "pin" if directory.pin_hashes(connection, customer.id) else "no_pin", language

    def open(
        self, connection: Connection, stored: StoredCall, call: ivr.Call, asked: e.OpenTicket, desk: Desk, now: datetime
    ) -> e.TicketOpened:
        """The ticket of this matter of the call, once; a second report of the same call gets its own."""
        if call.ticket is not None:
            return e.TicketOpened(call.ticket)
        second = stored.ticket_id is not None
        proven = asked.page or (call.pin_ok and asked.why == "maintenance")
        finder = directory.StoredFinder(connection)
        who = self._who(finder, stored, asked.customer, desk, pin=proven)
        received = now if second else stored.at
        report = Report(
            "phone", received, kind=_kind(asked.why, desk), priority=asked.priority, language=call.language, pin=proven
        )
        decision = _decide(report, who, desk)
        if asked.why == "maintenance" and proven:
            decision = _maintained(decision, who, desk)
        told = NewEntry(
            "call", stored.number or "unknown number", {"sid": stored.sid, "words": WHY.get(asked.why, asked.why)}
        )
        evidence = (*who.evidence, f"call: {WHY.get(asked.why, asked.why)}", *decision.evidence)
        ticket_id = self._engine.open_ticket(
            connection, desk, who, decision, evidence, subject=SUBJECT.get(call.language or "en", SUBJECT["en"]),
            channel="phone", received=received, contact_address=self._mail_of(connection, who),
            phone=stored.number or None, entries=(told,), finder=finder,
        )  # fmt: skip
        number = numbers.number_of(ticket_id, desk.ticket_prefix)
        if FAILED in decision.marks:
            words = f"{number} is a call that could not be judged; look at it and ring somebody by hand if it is urgent"
            jobs.alarm(connection, now, FAILED, words, ticket_id)
        calls.update(connection, stored.sid, ticket_id=ticket_id, customer=who.customer)
        key = f"call:{stored.sid}" + (f":{ticket_id}" if second else "")
        self._record(connection, key, received, who, ticket_id, evidence, asked.why)
        if who.customer and call.pin_tries:
            issuing.tell_owners(connection, self._engine, ticket_id, stored.sid, who.customer)
        due = (
            next((clock.due for clock in decision.stamp.clocks if clock.target == "take_charge"), None)
            if decision.stamp
            else None
        )
        engineer = proving.first_rung(connection, desk, now) if decision.page else ""
        ending = ""
        if proving.would_page(report, who, desk):
            language = call.language or desk.languages[0]
            ending = proving.ring_back(connection, stored, ticket_id, who, desk, language, now)
        return e.TicketOpened(number, decision.page, engineer, due, ending)

    def _who(
        self, finder: directory.StoredFinder, stored: StoredCall, customer: str | None, desk: Desk, *, pin: bool
    ) -> Recognition:
        known = finder.by_id(customer) if customer else None
        person = calls.proven(finder.connection, stored.sid, known.id) if pin and known else None
        keyed = known.code if known else None
        signs = Signs("phone", phone=stored.number or None, keyed=keyed, pin_ok=pin, contact=person)
        return self._engine.recognise(finder, signs, desk, stored.at)

    def _mail_of(self, connection: Connection, who: Recognition) -> str | None:
        customer = directory.get(connection, who.customer) if who.verified and who.customer else None
        contacts = [one for one in customer.contacts if one.id == who.contact] if customer else []
        return contacts[0].emails[0] if contacts and contacts[0].emails else None

    def _record(
        self,
        connection: Connection,
        key: str,
        at: datetime,
        who: Recognition,
        ticket_id: int,
        evidence: tuple[str, ...],
        why: str,
    ) -> None:
        reports.insert(connection, {
            "key": key, "at": at, "door": "phone", "peer": "", "rcpt": [], "outcome": "new", "reason": why,
            "ticket_id": ticket_id, "customer": who.customer, "verified": who.verified, "evidence": list(evidence),
        })  # fmt: skip

    def describe(
        self, connection: Connection, stored: StoredCall, number: str, now: datetime, data: Mapping[str, Any]
    ) -> e.Answer:
        ticket = self._ticket(connection, number, lock=True)
        tickets.tell(
            connection, ticket.id, now, NewEntry("description", stored.number or "caller", {"sid": stored.sid, **data})
        )
        if data.get("words") and ticket.customer:
            jobs.add(connection, "relate", now, {}, ticket.id)
        if data.get("words") and ticket.subject in SUBJECT.values():  # an older ticket keeps its own
            tickets.update(connection, ticket, subject=str(data["words"])[:120])
        if data.get("recording"):
            recordings.expect(connection, {
                "sid": data["recording"], "ticket_id": ticket.id, "call": stored.sid, "at": now, "seconds": data["seconds"],
                "consent": data["consent"],
            }, now)  # fmt: skip
        return e.Noted()

    def call_back(
        self,
        connection: Connection,
        stored: StoredCall,
        call: ivr.Call,
        asked: e.TakeCallback,
        desk: Desk,
        now: datetime,
    ) -> e.Answer:
        """Take the request, or refuse the number; either way there is a ticket. One request for each ticket of a call."""
        opened = self.open(
            connection, stored, call, e.OpenTicket(asked.customer, call.priority, False, "callback"), desk, now
        )
        ticket_id = numbers.ticket_id(opened.ticket)
        assert ticket_id is not None
        mine = self._mine(connection, stored, ticket_id)
        if mine is not None:
            target = callbacks.put_off(connection, mine, asked.number, desk, now)
            return e.CallbackTaken(opened.ticket, target[-3:]) if target else e.CallbackRefused(opened.ticket, "number")
        ticket = self._engine.ticket(connection, ticket_id)
        asked_before = store.by_key(connection, stored.sid) is not None
        number = asked.number if asked.number is not None else stored.number
        why = callbacks.ask(connection, Wish(
            f"{stored.sid}:{ticket_id}" if asked_before else stored.sid, stored.number or "unknown", number, ticket_id,
            asked.customer, ticket.plan if ticket else None, call.language or desk.languages[0],
        ), desk, now)  # fmt: skip
        if why is not None:
            return e.CallbackRefused(opened.ticket, "number" if why in ("number", "nobody") else "cap")
        target = callable_number(number, desk.phone.callbacks if desk.phone else None) or ""
        return e.CallbackTaken(opened.ticket, target[-3:])

    def _mine(self, connection: Connection, stored: StoredCall, ticket_id: int) -> StoredCallback | None:
        """The request that this call made already, or is the answer to."""
        request = callbacks.request_of(stored.attempt or "")
        if request is not None:
            return store.get(connection, request, lock=True)
        return store.of_call(connection, stored.sid, ticket_id)

    # About a ticket one has, and a person -----------------------------------------------------------------------

    def find_ticket(self, connection: Connection, stored: StoredCall, asked: e.FindTicket, desk: Desk) -> e.Answer:
        """One of this customer's own tickets at this desk; a slip is told without looking anything up."""
        ticket_id = numbers.ticket_id(asked.digits)
        if ticket_id is None:
            return e.TicketSlip()
        ticket = self._engine.ticket(connection, ticket_id)
        if ticket is not None and ticket.merged_into is not None:
            ticket = self._engine.ticket(connection, ticket.merged_into) or ticket
        if ticket is None or ticket.customer != asked.customer or ticket.desk != desk.id:
            return e.TicketUnknown()
        calls.update(connection, stored.sid, ticket_id=ticket.id)
        return e.TicketFound(ticket.number, ticket.state, ticket.next_due if ticket.state == "new" else None)

    def escalate(
        self, connection: Connection, stored: StoredCall, call: ivr.Call, asked: e.Escalate, now: datetime
    ) -> e.Answer:
        """A verified caller presses: it stands on the ticket, and the desk is alarmed. No clock and no priority moves."""
        ticket = self._ticket(connection, asked.ticket)
        words = f"{call.name or ticket.customer_name} escalates by telephone, with the right PIN"
        told = NewEntry("escalation", stored.number or "caller", {"words": words, "sid": stored.sid})
        tickets.tell(connection, ticket.id, now, told)
        jobs.alarm(connection, now, "escalated", f"{ticket.number}: {words}", ticket.id)
        return e.Escalated()

    def find_person(
        self, connection: Connection, stored: StoredCall, asked: e.FindPerson, desk: Desk, now: datetime
    ) -> e.Answer:
        """An agent, a place in our queue, or nobody. Who was called back keeps the place of their request."""
        ticket = self._ticket(connection, asked.ticket) if asked.ticket else None
        request = callbacks.request_of(stored.attempt or "")
        at = now
        if request is not None and stored.attempt is not None:
            callbacks.accepted(connection, request, stored.attempt, self._engine, now)
            one = store.get(connection, request)
            at = one.at if one else now
        plan = ticket.plan if ticket else None
        if plan is None and asked.customer:
            known = directory.get(connection, asked.customer)
            plan = known.plan if known else None
        return waiting.find(connection, stored.sid, ticket.id if ticket else None, plan, desk, at, now)

    def leg(
        self, connection: Connection, stored: StoredCall, event: e.LegEnded, desk: Desk, now: datetime
    ) -> e.LegEnded:
        """How it went with the agent who was rung: they talked if the key was pressed, whatever the carrier calls it."""
        if event.failed:
            waiting.flag(connection, stored.sid, desk, now)
        return e.LegEnded(event.connected and waiting.talked(connection, stored.sid), event.failed)

    def left(self, connection: Connection, stored: StoredCall, desk: Desk, connected: bool, now: datetime) -> None:
        """The call is over: its place in the queue is free, and a call back is done or tried again."""
        waiting.leave(connection, stored.sid, desk, connected, now)
        request = callbacks.request_of(stored.attempt or "")
        if request is not None:
            callbacks.ended(connection, request, connected, now, self._engine)

    def begin_callback(self, connection: Connection, sid: str, attempt: str, now: datetime) -> bool:
        """A customer picked up a call of ours; False when the attempt is none of ours."""
        request = callbacks.request_of(attempt)
        one = store.get(connection, request) if request is not None else None
        if one is None:
            return False
        call = ivr.begin(sid, "callback", one.language)
        calls.begin(connection, {
            "sid": sid, "direction": "callback", "number": one.number, "at": now, "attempt": attempt,
            "ticket_id": one.ticket_id, "customer": one.customer, "state": {"desk": one.desk, **ivr.to_json(call)},
        })  # fmt: skip
        callbacks.told(connection, one.id, Event(attempt, "answered", now, provider_sid=sid), self._engine)
        return True

    def look_at_callback(self, connection: Connection, stored: StoredCall) -> e.Answer:
        """Is it still wanted?"""
        one = store.get(connection, callbacks.request_of(stored.attempt or "") or 0)
        ticket = self._engine.ticket(connection, one.ticket_id) if one and one.state in store.LIVE else None
        if one is None or ticket is None or ticket.state not in OPEN:
            return e.CallbackOver()
        if one.mode == callbacks.PROOF:
            return e.ProofDue(ticket.number, one.customer or "", ticket.customer_name or "")
        return e.CallbackDue(ticket.number, one.customer)

    def _ticket(self, connection: Connection, number: str, *, lock: bool = False) -> Ticket:
        ticket_id = numbers.ticket_id(number)
        ticket = self._engine.ticket(connection, ticket_id, lock=lock) if ticket_id else None
        assert ticket is not None
        return ticket


def _kind(why: str, desk: Desk) -> Kind | None:
    """What the caller's choice says of the kind; None leaves it to the desk."""
    wanted: Mapping[str, tuple[Kind, ...]] = {
        "information": ("information",),
        "maintenance": ("change", "intervention"),
    }
    return next((kind for kind in wanted.get(why, ()) if kind in desk.kinds), None)


def _maintained(decision: Decision, who: Recognition, desk: Desk) -> Decision:
    """Planned maintenance rings the chain too, where the plan says so and it is the duty's hour."""
    plan = desk.plans.get(who.plan or "")
    if plan is None or plan.on_call is None or not plan.on_call.maintenance or desk.on_call is None:
        return decision
    return replace(
        decision, page=True, via_on_call=True, evidence=(*decision.evidence, "page: yes, planned maintenance, by PIN")
    )


def _decide(report: Report, who: Recognition, desk: Desk) -> Decision:
    """What happens with a call; a fault of ours must not lose it, so then a person decides."""
    try:
        return decide.decide(report, who, desk)
    except Exception as trouble:
        log.error("calls.deciding_failed", exc_info=trouble)
        return decide.unread(desk, FAILED)
