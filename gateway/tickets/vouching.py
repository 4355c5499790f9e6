"""A person answers for what Presa could not find out: that a sender is genuine, and whose report it is.

Both are kept as evidence with the name of whoever said it. A verified ticket gets the rights of its plan, and what would have
paged then pages now. An address or number that was assigned to a customer is known from then on, and proves no more than any
listed one does. Refuses to change what a customer is entitled to.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

import parsers
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.store import calls, directory, jobs, reports, tickets
from gateway.store.directory import StoredFinder
from gateway.store.tickets import Entry, NewEntry
from identity import entitlement, match, normal
from identity.clues import Signs
from identity.people import Candidate, Contact, Customer, Recognition
from routing import decide
from routing.decide import Decision, Report
from routing.tickets import OPEN, Ticket

if TYPE_CHECKING:
    from gateway.tickets.work import Act

UNJUDGED = frozenset({"unknown-customer", "several-customers"})


def verify(connection: Connection, engine: Engine, ticket: Ticket, act: "Act") -> None:
    """One click: I know this sender, it is really them."""
    if ticket.verified:
        raise Permanent(f"{ticket.number} is verified already; load the page again")
    if ticket.customer is None:
        raise Permanent(f"{ticket.number} has no customer yet; say first whose report it is")
    evidence = f"verified by a person: {act.who}, {_at(act.at)}"
    proven(connection, engine, ticket, act.who, f"{act.who} has verified the sender", act.at, evidence)


def proven(
    connection: Connection, engine: Engine, ticket: Ticket, by: str, words: str, at: datetime, evidence: str = ""
) -> bool:
    """The sender is genuine: the ticket gets the rights of its plan. Is somebody paged now?"""
    assert ticket.customer is not None
    _, decision = _judged(connection, engine, replace(ticket, verified=True), ticket.customer)
    told = (*ticket.evidence, evidence or f"verified: {words}, {_at(at)}")
    tickets.update(connection, ticket, verified=True, evidence=list(told), via_on_call=decision.via_on_call)
    tickets.tell(connection, ticket.id, at, NewEntry("state", by, {"words": words}))
    pages = decision.page and ticket.state == "new" and not calls.pages_of(connection, ticket.id)
    if pages:
        jobs.add(connection, "page", at, {"page": calls.open_page(connection, ticket.id, at)}, ticket.id)
    engine.restamp(connection, ticket.id)
    return pages


def assign(connection: Connection, engine: Engine, ticket: Ticket, act: "Act") -> None:
    """One click: this is their report. Its plan's clock starts at the receipt; whether the sender is genuine is another
    question. The address (or number) is remembered."""
    customer_id = act.field("customer", "the customer")
    if ticket.state not in OPEN:
        raise Permanent(f"{ticket.number} is {ticket.state}; reopen it before it gets another customer")
    who, decision = _judged(connection, engine, ticket, customer_id)
    customer = directory.get(connection, customer_id)
    assert customer is not None
    waits = ticket.state == "new" and any(f"mark: {mark}" in ticket.evidence for mark in UNJUDGED)
    place = {"queue": decision.queue, "level": decision.level} if waits else {}
    kept = [line for line in ticket.evidence if line.removeprefix("mark: ") not in UNJUDGED]
    marks = [f"mark: {mark}" for mark in decision.marks if f"mark: {mark}" not in kept]
    told = [*kept, f"customer: {customer.id}, as {act.who} said, {_at(act.at)}", *marks]
    tickets.update(
        connection, ticket, customer=customer.id, customer_name=customer.name, contact=who.contact, plan=decision.plan,
        base_plan=decision.base_plan, region=who.region, verified=False, evidence=told,
        restricted=ticket.restricted or "restricted" in decision.marks, product=decision.product, **place,
    )  # fmt: skip
    tickets.tell(
        connection, ticket.id, act.at, NewEntry("state", act.who, {"words": f"the report is {customer.name}'s"})
    )
    for value in filter(None, (normal.address(ticket.requester or ""), normal.phone(ticket.phone or ""))):
        directory.remember(connection, value, customer.id, act.who, act.at, ticket.id)
    engine.restamp(connection, ticket.id)


def perhaps(
    connection: Connection, engine: Engine, ticket: Ticket, story: Sequence[Entry]
) -> tuple[tuple[Customer, Candidate], ...]:
    """Whose report it might be, best first: for a person to choose from."""
    first = next((one.data for one in story if one.kind == "mail-in"), {})
    raw = reports.raw(connection, first["sha256"]) if first.get("sha256") else None
    message = parsers.unsealed(parsers.parse(raw)) if raw else parsers.Message(reply_text=str(first.get("text", "")))
    signs = Signs(
        ticket.channel, normal.address(ticket.requester or ""), phone=normal.phone(ticket.phone or ""),
        subject=ticket.subject, text=message.reply_text, name=message.from_.name if message.from_ else "",
        forwarded=normal.address(message.forwarded.sender.addr) if message.forwarded else None,
    )  # fmt: skip
    finder = StoredFinder(connection)
    found = match.recognise(signs, finder, engine.settings.covers, suggest=True, desk=ticket.desk).candidates
    known = ((finder.by_id(one.customer), one) for one in found)
    return tuple((customer, one) for customer, one in known if customer is not None)


def _judged(connection: Connection, engine: Engine, ticket: Ticket, customer_id: str) -> tuple[Recognition, Decision]:
    """What the ticket would have been, had this been known when it came."""
    found = directory.get(connection, customer_id)
    if found is None:
        raise Permanent(f"there is no customer {customer_id} in the directory; import it first or choose another")
    desk = engine.desk(ticket.desk)
    customer, contact = found.at(desk.id), _contact(found, ticket)
    today = ticket.received_at.astimezone(ZoneInfo(desk.zone)).date()
    cover = engine.settings.covers.get((customer.desk, customer.plan))
    why_not = entitlement.why_not(
        customer, contact, ticket.channel, cover, today=today, kind=ticket.kind, text=ticket.subject
    )
    who = Recognition(
        customer.id, contact.id if contact else None, "certain", ticket.verified, why_not is None, why_not, customer.plan,
        desk=customer.desk, add_ons=customer.add_ons, language=customer.language, address=ticket.requester,
        region=customer.region, marks=entitlement.marks(customer, contact),
        products=tuple(one.name for one in customer.contract.products),
    )  # fmt: skip
    text = next((str(e.data.get("text", "")) for e in tickets.story(connection, ticket.id) if e.kind == "mail-in"), "")
    report = Report(
        ticket.channel, ticket.received_at, ticket.subject, text, kind=ticket.kind, priority=ticket.priority,  # type: ignore[arg-type]
        automatic=_was_automatic(connection, ticket), pin=ticket.verified and ticket.channel == "phone",
        language=ticket.language if ticket.channel == "phone" else None, product=ticket.product,
    )  # fmt: skip
    return who, decide.decide(report, who, desk)


def _contact(customer: Customer, ticket: Ticket) -> Contact | None:
    """The one person behind the address or number of the ticket."""
    address, phone = normal.address(ticket.requester or ""), normal.phone(ticket.phone or "")
    people = [one for one in customer.contacts if address in one.emails or (not address and phone in one.phones)]
    return people[0] if len(people) == 1 else None


def _was_automatic(connection: Connection, ticket: Ticket) -> bool:
    first = next((e for e in tickets.story(connection, ticket.id) if e.kind == "mail-in"), None)
    return bool(first and first.data.get("automatic"))


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="minutes")
