"""PINs of contracts and contacts: issued and shown once, rotated, revoked, listed; one-time codes by mail or SMS.

What is kept is a hash behind the pepper; the digits exist in the answer to whoever asked for them and nowhere else. Hashing
is slow on purpose and happens outside the transaction. Refuses a PIN that is easily guessed, or that is the customer's code.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.filing import Filing, said
from gateway.people import importing, pins
from gateway.post.letter import Event, Notice, mailbox
from gateway.settings import Settings
from gateway.store import calls, directory, jobs, letters, tickets, users
from gateway.store.database import Database
from gateway.store.tickets import NewEntry
from identity import normal
from identity.people import Contact, Customer
from routing.tickets import Ticket

SHORTEST, LONGEST = 6, 12
ONCE_FOR = timedelta(minutes=15)
BY_SMS = {
    "it": "{desk}: il codice per la sua telefonata ({ticket}) è {code}. Vale 15 minuti e una sola volta; non lo dia ad altri.",
    "en": "{desk}: the code for your call ({ticket}) is {code}. It is good for 15 minutes and once; do not give it to others.",
}
MOST_TOLD = 3  # people of a customer who hear that somebody tried a PIN


@dataclass(frozen=True, slots=True)
class Issued:
    """A PIN that has just come to be. `digits` are shown now and never again."""

    id: int
    digits: str
    ends: datetime | None
    revoked: int = 0


def issue(
    settings: Settings, database: Database, customer_id: str, *, contact: str | None = None, digits: int = SHORTEST,
    once: bool = False, instead: bool = False,
) -> Issued:  # fmt: skip
    """A new PIN for a contract, or for one of its contacts. `once`: a code for one call within the next minutes.
    `instead`: it takes the place of the owner's others (rotation)."""
    if not SHORTEST <= digits <= LONGEST:
        raise Permanent(f"a PIN has {SHORTEST} to {LONGEST} digits, not {digits}; choose a number in between")
    customer = _customer(database, customer_id)
    if contact is not None and _contact(customer, contact) is None:
        known = ", ".join(one.id for one in customer.contacts) or "none"
        raise Permanent(f"{customer.id} has no contact {contact}; its contacts are: {known}")
    new = _fresh(digits, customer)
    hashed = pins.hashed(new, importing.pepper_of(settings, database))
    now = database.clock.now()
    ends = now + ONCE_FOR if once else None

    def write(connection: Connection) -> Issued:
        gone = 0
        for old in directory.issued(connection, customer.id) if instead else ():
            if old.contact == contact and not old.revoked:
                gone += directory.revoke_pin(connection, old.id)
        one = directory.add_pin(connection, customer.id, hashed, None, contact=contact, at=now, ends=ends, once=once)
        return Issued(one, new, ends, gone)

    return database.write(write)


def revoke(database: Database, pin: int) -> None:
    if not database.write(lambda connection: directory.revoke_pin(connection, pin)):
        raise Permanent(f"there is no PIN {pin} that holds; 'presa pin list' shows them")


def _customer(database: Database, customer_id: str) -> Customer:
    found = database.read(lambda connection: directory.get(connection, customer_id))
    if found is None:
        raise Permanent(
            f"there is no customer {customer_id} in the directory; 'presa who' finds one by code or address"
        )
    return found


def _contact(customer: Customer, contact: str) -> Contact | None:
    return next((one for one in customer.contacts if one.id == contact), None)


def _fresh(digits: int, customer: Customer) -> str:
    """Random digits that nobody would try first."""
    while True:
        new = "".join(secrets.choice("0123456789") for _ in range(digits))
        steps = {(int(b) - int(a)) % 10 for a, b in pairwise(new)}
        if len(set(new)) > 2 and len(steps) > 1 and (customer.code is None or new not in customer.code):
            return new


# Letters ----------------------------------------------------------------------------------------------------------


def send_code(filing: Filing, ticket_id: int, contact_id: str | None) -> Issued:
    """A one-time code by mail to a contact of a ticket's customer: who reads that mailbox may prove it in a call."""
    database = filing.database
    _, customer, contact = _receiver(filing, ticket_id, contact_id)
    if contact is None or not contact.emails or mailbox(contact.emails[0]) is None:
        raise Permanent(f"no contact of {customer.id} with a mail address was named; give --contact")
    issued = issue(filing.settings, database, customer.id, contact=contact.id, once=True)
    now = database.clock.now()
    database.write(lambda c: _write(c, filing, ticket_id, contact.emails[0], "pin_code", issued.digits, now))
    return issued


def text_code(filing: Filing, ticket_id: int, contact_id: str | None) -> Issued:
    """The same by SMS, to a mobile number that is on file: whoever reads it there may prove it in a call. The note's own
    job sends it once, and asks the carrier before it would send it again."""
    if filing.settings.carrier is None:
        raise Permanent("no carrier is configured that could send an SMS; send the code by mail (--mail)")
    ticket, customer, contact = _receiver(filing, ticket_id, contact_id)
    number = next((one for one in contact.phones if normal.is_mobile(one)), None) if contact else None
    if contact is None or number is None:
        raise Permanent(
            f"no contact of {customer.id} with a mobile number was named; give --contact, or send it by mail"
        )
    issued = issue(filing.settings, filing.database, customer.id, contact=contact.id, once=True)
    desk, now = filing.desk(ticket.desk), filing.database.clock.now()
    language = contact.language or customer.language or ticket.language or desk.languages[0]
    text = BY_SMS.get(language, BY_SMS["en"]).format(
        desk=said(desk.name, language), ticket=ticket.number, code=issued.digits
    )
    note = {
        "id": f"pin-{issued.id}", "person": contact.id, "name": f"one-time code to {contact.name}", "channel": "sms",
        "to": number, "text": text, "ticket": ticket.number, "entry": "note",
    }  # fmt: skip
    filing.database.write(lambda c: jobs.add(c, "note", now, note, ticket_id))
    return issued


def _receiver(filing: Filing, ticket_id: int, contact_id: str | None) -> tuple[Ticket, Customer, Contact | None]:
    """Whom a code goes to: the contact that was named, else the ticket's own."""
    ticket = filing.database.read(lambda connection: filing.ticket(connection, ticket_id))
    if ticket is None or ticket.customer is None:
        raise Permanent("this ticket has no customer yet; assign one first")
    customer = _customer(filing.database, ticket.customer)
    return ticket, customer, _contact(customer, contact_id or ticket.contact or "")


def tell_owners(connection: Connection, engine: Engine, ticket_id: int, sid: str, customer_id: str) -> None:
    """Somebody keyed wrong PINs of this customer in that call: its people hear of it, at most once a day."""
    events = {event for _, event in calls.events(connection, sid)}
    now = engine.database.clock.now()
    if not events & {"pin_wrong", "pin_locked"} or "pin_ok" in events:
        return
    customer = directory.get(connection, customer_id)
    if customer is None or not users.first_time(connection, f"pin-tried:{customer.id}:{now.date()}", now):
        return
    people = [one for one in customer.contacts if one.authorised and one.emails and mailbox(one.emails[0])][:MOST_TOLD]
    for one in people:
        _write(connection, engine, ticket_id, one.emails[0], "pin_tried", "", now)
    words = f"a wrong PIN of {customer.id} was keyed; {len(people)} of its people were told by mail"
    tickets.tell(connection, ticket_id, now, NewEntry("note", "presa", {"words": words}))


def _write(
    connection: Connection, filing: Filing, ticket_id: int, to: str, event: Event, text: str, now: datetime
) -> None:
    ticket = filing.ticket(connection, ticket_id)
    assert ticket is not None
    n = letters.count_of_ticket(connection, ticket_id) + 2  # the first number is the acknowledgement's, sent or not
    message_id = filing.outgoing_message_id(ticket, n)
    letter = filing.letter(replace(ticket, requester=to), Notice(event, text=text), message_id, now, {})
    letters.write(connection, filing.written(letter, ticket))
    jobs.add(connection, "letter", now, {"message_id": message_id, "kind": "notice"}, ticket_id)
