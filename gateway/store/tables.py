"""Every table of Presa, in one file. Rows never leave the store: its functions return frozen values.

Instants are whole microseconds since 1970 UTC on both databases (`Instant`), so that deadlines compare and index alike.
JSON columns hold what is only read together with its row; what is searched or joined has a column of its own.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 UTC; exact, unlike a float timestamp."""
    return (instant - EPOCH) // MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Json(TypeDecorator[Any]):
    """A JSON document as text: read whole, never queried inside, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else _encode(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


# What reached us ------------------------------------------------------------------------------------------------

raws = Table(
    "raws",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zlib
)

reports = Table(
    "reports",  # the ledger: one row for each thing that reached us, with its one outcome
    metadata,
    _id(),
    Column("key", Text, unique=True),  # the same delivery again meets here; NULL for the repetitions themselves
    Column("twin", BigInteger),  # of a repetition: the report that came first
    Column("at", Instant, nullable=False),
    Column("door", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("envelope_from", Text),
    Column("rcpt", Json, nullable=False),
    Column("message_id", Text),
    Column("sha256", Text),
    Column("outcome", Text, nullable=False),  # new | append | duplicate | held | refused
    Column("reason", Text),
    Column("ticket_id", BigInteger, index=True),
    Column("customer", Text),
    Column("verified", Boolean, nullable=False),
    Column("acknowledge", Boolean, nullable=False),
    Column("evidence", Json, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_reports_message_id", reports.c.message_id, postgresql_where=reports.c.message_id.isnot(None))

# Tickets --------------------------------------------------------------------------------------------------------

tickets = Table(
    "tickets",
    metadata,
    _id(),
    Column("desk", Text, nullable=False),
    Column("customer", Text),
    Column("customer_name", Text),
    Column("contact", Text),
    Column("requester", Text),  # the address answers go to
    Column("phone", Text),
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("plan", Text),
    Column("base_plan", Text),
    Column("kind", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("assignee", Text),
    Column("state", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("via_on_call", Boolean, nullable=False),
    Column("received_at", Instant, nullable=False),  # provable receipt: every clock starts here
    Column("opened_at", Instant, nullable=False),
    Column("next_due", Instant),
    Column("next_target", Text),
    Column("resolved_at", Instant),
    Column("linked", BigInteger),  # the earlier ticket that this one follows up
    Column("pauses", Json, nullable=False),  # [[from, to|null, reason], ..]
    Column("met", Json, nullable=False),  # {target: instant}
    Column("clocks", Json, nullable=False),  # the stamp as shown, with its arithmetic
    Column("evidence", Json, nullable=False),  # why this customer, priority, queue, ...
    Column("version", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_tickets_customer_received_at", tickets.c.customer, tickets.c.received_at)
Index("ix_tickets_requester_received_at", tickets.c.requester, tickets.c.received_at)
Index("ix_tickets_state_next_due", tickets.c.state, tickets.c.next_due)

entries = Table(
    "entries",  # a ticket's story, in order; the highest id is also the console's change counter
    metadata,
    _id(),
    Column("ticket_id", BigInteger, ForeignKey("tickets.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("data", Json, nullable=False),
    sqlite_autoincrement=True,
)

threads = Table(
    "threads",  # message ids that customers' mails named, by ticket: how a thread is known whose root never reached us
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("ticket_id", BigInteger, ForeignKey("tickets.id"), primary_key=True),
)

letters = Table(
    "letters",  # mail that leaves; the demo's outbox page shows the same rows
    metadata,
    _id(),
    Column("message_id", Text, nullable=False, unique=True),
    Column("ticket_id", BigInteger, ForeignKey("tickets.id"), index=True),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("envelope_from", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),  # waiting | sent | refused
    Column("detail", Text),
    Column("body", LargeBinary, nullable=False),
)
Index("ix_letters_recipient_at", letters.c.recipient, letters.c.at)

# Work to do -----------------------------------------------------------------------------------------------------

jobs = Table(
    "jobs",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("ticket_id", BigInteger, index=True),
    Column("run_at", Instant),  # deadline, and lease while it runs; NULL once dead
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Json, nullable=False),
    Column("error", Text),
)
Index("ix_jobs_run_at", jobs.c.run_at)
Index("ix_jobs_kind_run_at", jobs.c.kind, jobs.c.run_at)

alarms = Table(
    "alarms",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("ticket_id", BigInteger),
    Column("seen_by", Text),
    Column("seen_at", Instant, index=True),
)

# On the phone ---------------------------------------------------------------------------------------------------

calls = Table(
    "calls",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("direction", Text, nullable=False),  # caller | page | callback
    Column("number", Text, nullable=False),  # the other party, E.164 or ""
    Column("at", Instant, nullable=False),
    Column("state", Json, nullable=False),  # ivr.Call
    Column("status", Text, nullable=False),
    Column("status_sequence", Integer, nullable=False),
    Column("customer", Text),
    Column("ticket_id", BigInteger),
    Column("page_id", BigInteger),
    Column("attempt", Text),
    Column("ended_at", Instant),
)
call_steps = Table(
    "call_steps",  # a repeated webhook gets the same bytes
    metadata,
    Column("sid", Text, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("document", Text, nullable=False),
)
call_events = Table(
    "call_events",
    metadata,
    _id(),
    Column("sid", Text, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
)
pages = Table(
    "pages",  # one alarm to the on-call engineers
    metadata,
    _id(),
    Column("ticket_id", BigInteger, ForeignKey("tickets.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("state", Json, nullable=False),  # routing.paging.Page
    Column("open", Boolean, nullable=False),
)
pin_tries = Table(
    "pin_tries",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("sid", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("number", Text, nullable=False),  # a keyed hash of the calling number, "" for numbers not on file
    Column("right", Boolean),  # NULL while it is being looked at
)
Index("uq_pin_tries_sid", pin_tries.c.sid, pin_tries.c.step, unique=True)  # one webhook, one try
Index("ix_pin_tries_number_at", pin_tries.c.number, pin_tries.c.at)
callbacks = Table(
    "callbacks",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("sid", Text, nullable=False, unique=True),
    Column("caller", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("ticket_id", BigInteger),
    Column("language", Text, nullable=False),
    Column("state", Text, nullable=False),  # waiting | done | given up
)
Index("ix_callbacks_caller_at", callbacks.c.caller, callbacks.c.at)
Index("ix_callbacks_number_at", callbacks.c.number, callbacks.c.at)

# Who is who -----------------------------------------------------------------------------------------------------

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("data", Json, nullable=False),
)
customer_keys = Table(
    "customer_keys",  # every way to find a customer: address, domain, phone, code (aliases too)
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True),
)
pins = Table(
    "pins",
    metadata,
    _id(),
    Column("customer", Text, ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("hash", Text, nullable=False),
    Column("imported", Text),  # keyed hash of an imported PIN, so that importing again changes nothing
    Column("revoked", Boolean, nullable=False),
)
users = Table(
    "users",
    metadata,
    Column("login", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("password", Text, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token", Text, primary_key=True),  # sha256 of the cookie
    Column("login", Text, ForeignKey("users.login", ondelete="CASCADE"), nullable=False),
    Column("expires", Instant, nullable=False),
)
forms = Table(
    "forms",  # a form sent twice acts once
    metadata,
    Column("key", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)
house = Table(
    "house",  # this database's own secrets and facts
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
