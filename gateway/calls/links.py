"""The link in an acknowledgement by which a customer asks to be called back. Refuses to name a number in it."""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from gateway.calls import callbacks
from gateway.engine import Engine
from gateway.store import directory
from routing import numbers
from routing.tickets import Ticket

LASTS = timedelta(days=7)


def link(ticket: Ticket, engine: Engine, now: datetime) -> str:
    """The address for this ticket's customer, "" where nobody is called back from a mail."""
    desk = engine.desk(ticket.desk)
    if not ticket.verified or not callbacks.served(desk) or desk.phone is None or desk.phone.callbacks is None:
        return ""
    if engine.database.read(lambda connection: number_of(connection, ticket)) is None:
        return ""
    what = f"{numbers.digits_of(ticket.id)}-{int((now + LASTS).timestamp())}"
    return f"{engine.settings.public_url}/callback/{what}-{mark_of(what, engine.secret)}"


def mark_of(what: str, secret: bytes) -> str:
    return hmac.new(secret, f"callback\0{what}".encode(), sha256).hexdigest()[:32]


def number_of(connection: Connection, ticket: Ticket) -> str | None:
    """Where the customer's contact is reached, as the directory says."""
    customer = directory.get(connection, ticket.customer) if ticket.customer else None
    contacts = [one for one in customer.contacts if one.id == ticket.contact] if customer else []
    return next((number for one in contacts for number in one.phones), None)
