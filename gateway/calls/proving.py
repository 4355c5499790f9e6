"""Who calls after hours where no PIN is asked: their number on file is rung, and a key there is the proof.

A desk may ask for no PIN (`phone.pin_after_hours: false`, or a plan's `on_call.pin: false`). A calling number can be forged and
a customer code is no secret, so neither wakes an engineer, nor do both together. What would page with proof is filed without
it, and the number that the directory has for this customer is rung: whoever presses 1 there holds that telephone. Refuses to
ring a number that is not on file, and to page without the key.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from gateway.calls import callbacks
from gateway.calls.tolls import SAID, callable_number, cost_of, refusal, zone_of
from gateway.engine import Engine
from gateway.oncall import duty
from gateway.store import callbacks as store
from gateway.store import directory, jobs, tickets
from gateway.store.calls import StoredCall
from gateway.store.tickets import NewEntry
from gateway.tickets import vouching
from identity.people import Recognition
from ivr import events as e
from routing import decide, oncall
from routing.decide import Report
from routing.desk import Desk, OnCallRule
from routing.tickets import OPEN

NOT_ON_FILE = "the calling number is not on file for this customer"


def by_pin(desk: Desk, rule: OnCallRule) -> bool:
    """Is a PIN what proves a caller of this plan after hours?"""
    return desk.phone is not None and desk.phone.pin_after_hours and rule.pin


def would_page(report: Report, who: Recognition, desk: Desk) -> bool:
    """Is a proof all that is missing before the engineer is rung, and is it not a PIN that proves here?"""
    plan = desk.plans.get(who.plan or "")
    if plan is None or plan.on_call is None or by_pin(desk, plan.on_call) or who.verified:
        return False
    return decide.decide(replace(report, pin=True), replace(who, verified=True), desk).page


def ring_back(
    connection: Connection, stored: StoredCall, ticket_id: int, who: Recognition, desk: Desk, language: str, now: datetime
) -> str:  # fmt: skip
    """Ask for the customer's number to be rung as soon as they have hung up; its last digits, "" when that cannot be."""
    rules = desk.phone.callbacks if desk.phone else None
    owners = directory.StoredFinder(connection).by_phone(stored.number) if stored.number else ()
    on_file = any(one.customer.id == who.customer for one in owners)
    target = callable_number(stored.number, rules) if on_file else None
    why = SAID.get(refusal(connection, stored.number, target, rules, now) or "", "") if on_file else NOT_ON_FILE
    words = (
        f"not proven, so nobody is rung: {why}"
        if why
        else "not proven yet: the number on file is rung, a key there proves it"
    )
    tickets.tell(connection, ticket_id, now, NewEntry("call", "presa", {"words": words, "sid": stored.sid}))
    if why or target is None or rules is None:
        return ""
    request = store.ask(connection, {
        "at": now, "sid": f"proof:{stored.sid}:{ticket_id}", "caller": stored.number, "number": target, "ticket_id": ticket_id,
        "language": language, "desk": desk.id, "customer": who.customer, "mode": callbacks.PROOF, "source": callbacks.PROOF,
        "rank": 0, "zone": zone_of(target, desk, None), "cost": cost_of(target, rules),
    })  # fmt: skip
    jobs.add(connection, callbacks.PROOF, now, {"callback": request}, ticket_id)
    return target[-3:]


def prove(connection: Connection, engine: Engine, stored: StoredCall, now: datetime) -> e.Answer:
    """The key was pressed: the ticket is verified, and what would have paged then pages now."""
    one = store.get(connection, callbacks.request_of(stored.attempt or "") or 0, lock=True)
    ticket = engine.ticket(connection, one.ticket_id, lock=True) if one and one.mode == callbacks.PROOF else None
    if one is None or one.state not in store.LIVE or ticket is None or ticket.state not in OPEN:
        return e.CallbackOver()
    assert stored.attempt is not None
    callbacks.accepted(connection, one.id, stored.attempt, engine, now)
    store.update(connection, one.id, state="done", why="the caller was proven")
    desk = engine.desk(one.desk)
    words = "the caller is proven: somebody pressed 1 on the telephone on file"
    paging = not ticket.verified and vouching.proven(connection, engine, ticket, "presa", words, now)
    due = ticket.next_due if ticket.state == "new" else None
    return e.Proven(ticket.number, paging, first_rung(connection, desk, now) if paging else "", due)


def first_rung(connection: Connection, desk: Desk, now: datetime) -> str:
    """The name of whoever is rung first, "" with nobody on duty."""
    on_call = duty.duty(connection, desk, now)
    chain = oncall.chain(on_call, now) if on_call else ()
    return chain[0].name if chain else ""
