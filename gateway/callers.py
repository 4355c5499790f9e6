"""The customer's side of a call: who has this code, the call's ticket, what was said, and requests to be called back.

Each function does what the dialogue asked for, in the transaction of the webhook, and gives the dialogue its answer.
Refuses to let digits of a PIN come here, and to call back a number that could cost more than an ordinary one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
import structlog
from sqlalchemy import Connection

import ivr
from gateway import issuing
from gateway.engine import FAILED, Engine
from gateway.store import calls, directory, jobs, recordings, reports, tickets
from gateway.store.calls import StoredCall
from gateway.store.tickets import NewEntry
from identity.clues import Signs
from identity.people import Recognition
from ivr import events as e
from routing import calendars, decide, numbers, oncall
from routing.decide import Decision, Report
from routing.desk import CallbackRules, Desk

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
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


SUBJECT: Mapping[str, str] = {"it": "Segnalazione telefonica", "en": "Report by telephone"}


class Callers:
    """What customers' calls lead to. Has no state of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def look_up(self, connection: Connection, digits: str, stored: StoredCall, desk: Desk, now: datetime) -> e.Answer:
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

    def open(
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
            channel="phone", received=stored.at, contact_address=self._mail_of(connection, who),
            phone=stored.number or None, entries=(told,),
        )  # fmt: skip
        number = numbers.number_of(ticket_id, desk.ticket_prefix)
        if FAILED in decision.marks:
            words = f"{number} is a call that could not be judged; look at it and ring somebody by hand if it is urgent"
            jobs.alarm(connection, now, FAILED, words, ticket_id)
        calls.update(connection, stored.sid, ticket_id=ticket_id, customer=who.customer)
        self._record(connection, stored, who, ticket_id, evidence, asked.why, now)
        if who.customer:
            issuing.tell_owners(connection, self._engine, ticket_id, stored.sid, who.customer)
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
        return self._engine.recognise(directory.StoredFinder(connection), signs, desk, stored.at)

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

    def describe(self, connection: Connection, stored: StoredCall, now: datetime, data: Mapping[str, Any]) -> e.Answer:
        assert stored.ticket_id is not None
        ticket = self._engine.ticket(connection, stored.ticket_id, lock=True)
        assert ticket is not None
        tickets.tell(
            connection, ticket.id, now, NewEntry("description", stored.number or "caller", {"sid": stored.sid, **data})
        )
        if data.get("words"):
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
        """Take the request, or refuse the number; either way there is a ticket."""
        opened = self.open(
            connection, stored, call, e.OpenTicket(asked.customer, call.priority, False, "callback"), desk, now
        )
        assert isinstance(opened, e.TicketOpened)
        fresh = calls.get(connection, stored.sid)
        assert fresh is not None
        assert fresh.ticket_id is not None
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


def _decide(report: Report, who: Recognition, desk: Desk) -> Decision:
    """What happens with a call; a fault of ours must not lose it, so then a person decides."""
    try:
        return decide.decide(report, who, desk)
    except Exception as trouble:
        log.error("calls.deciding_failed", exc_info=trouble)
        return decide.unread(desk, FAILED)


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
