"""Every table of Presa, in one file. Rows never leave the store: its functions return frozen values.

Instants are whole microseconds since 1970 UTC on both databases (`Instant`), so that deadlines compare and index alike.
JSON columns hold what is only read together with its row; what is searched or joined has a column of its own.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
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


class Json(TypeDecorator[Any]):
    """A JSON document as text: read whole, never queried inside, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else orjson.loads(value)


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
    Column("words", Text),  # of a mail from somebody unverified: a hash of its masked words, to count repetitions
    Column("story", Json),  # what people decided about it since: who, when, what it was before
    sqlite_autoincrement=True,
)
Index("ix_reports_message_id", reports.c.message_id, postgresql_where=reports.c.message_id.isnot(None))
WORDS = reports.c.words.isnot(None)
Index("ix_reports_words_at", reports.c.words, reports.c.at, sqlite_where=WORDS, postgresql_where=WORDS)
HELD, SPAM = reports.c.outcome == sa.literal_column("'held'"), reports.c.reason == sa.literal_column("'spam'")
Index("ix_reports_held", reports.c.id, sqlite_where=HELD, postgresql_where=HELD)
Index("ix_reports_spam", reports.c.id, sqlite_where=SPAM, postgresql_where=SPAM)

tallies = Table(
    "tallies",  # promises given by each door, by UTC day, and those whose report was not found when somebody looked
    metadata,
    Column("door", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("promised", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
)
erasures = Table(
    "erasures",  # tickets whose texts are gone for good; the ledger's keys stay, so that none of them comes back
    metadata,
    Column("ticket_id", BigInteger, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),  # erased | retention
)

mailboxes = Table(
    "mailboxes",  # how far each mailbox is read, by whom, and what is wrong with it
    metadata,
    Column("name", Text, primary_key=True),
    Column("begun_at", Instant, nullable=False),
    Column("holder", Text),  # the replica that reads it until `lease_until`; the fence counts holders
    Column("lease_until", Instant),
    Column("fence", Integer, nullable=False),
    Column("uidvalidity", BigInteger),
    Column("polled_at", Instant),  # when it was last seen to be read to its end
    Column("mail_at", Instant),  # when the last mail was listed
    Column("refusals", Integer, nullable=False),  # logins refused in a row
    Column("paused_until", Instant),
    Column("credentials", Text),  # a keyed hash of what was refused: new ones end a pause
    Column("refresh_token", Text),  # the provider's newest, where it replaces them
    Column("troubles", Json, nullable=False),  # {kind: since}: alarms that were raised and are not over
    Column("canary_id", Text),  # Message-ID of the canary under way
    Column("canary_at", Instant),  # when a canary was last sent
)
mailbox_mails = Table(
    "mailbox_mails",  # every mail that a mailbox listed, and what became of it
    metadata,
    Column("mailbox", Text, primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("received", Instant, nullable=False),  # INTERNALDATE
    Column("size", BigInteger, nullable=False),
    Column("listed_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),  # how often it was begun and did not end
    Column("misses", Integer, nullable=False),  # how often the server did not give it
    Column("next_try", Instant),
    Column("state", Text, nullable=False),  # listed | filed (to be flagged or moved) | done
    Column("outcome", Text),
)
UNDONE = mailbox_mails.c.state != sa.literal_column("'done'")
Index("ix_mailbox_mails_undone", mailbox_mails.c.mailbox, sqlite_where=UNDONE, postgresql_where=UNDONE)

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
    Column("region", Text),  # the customer's, where the plan's hours depend on it
    Column("desk_version", Text),  # the configuration that it was stamped with
    Column("stage", Text),  # of a kind that lives by agreement: requested, quoted, ...
    Column("valid_until", Instant),  # of what was offered to the customer
    Column("updates_every", Text),  # the cadence of news that was agreed, instead of the plan's
    Column("merged_into", BigInteger),  # the ticket that it was found to repeat
    Column("parent", BigInteger),  # the wider fault that it is part of
    Column("version", Integer, nullable=False),
    Column("work_order", Text),  # where it stands in the order of work: sorts ascending
    Column("restricted", Boolean, nullable=False, server_default=sa.false()),  # only some may see it: `store.sight`
    Column("product", Text),  # what it is about, by a form, the contract or the desk's words
    sqlite_autoincrement=True,
)
Index("ix_tickets_state_work_order", tickets.c.state, tickets.c.work_order)
Index("ix_tickets_customer_received_at", tickets.c.customer, tickets.c.received_at)
Index("ix_tickets_requester_received_at", tickets.c.requester, tickets.c.received_at)
Index("ix_tickets_state_next_due", tickets.c.state, tickets.c.next_due)
Index(
    "ix_tickets_restricted",
    tickets.c.id,
    sqlite_where=sa.text("restricted IS 1"),
    postgresql_where=sa.text("restricted IS true"),
)

desk_versions = Table(
    "desk_versions",  # every configuration of a desk that a ticket was stamped with, as it was written
    metadata,
    Column("desk", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
)

ticket_queues = Table(
    "ticket_queues",  # further queues of a ticket whose mail went to several of our addresses
    metadata,
    Column("ticket_id", BigInteger, ForeignKey("tickets.id"), primary_key=True),
    Column("desk", Text, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("ix_ticket_queues_queue", ticket_queues.c.queue)

traces = Table(
    "traces",  # what each report names, for later ones to be compared with
    metadata,
    _id(),
    Column("ticket_id", BigInteger, nullable=False, index=True),
    Column("customer", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # a monitoring system's event: found by its key alone
    Column("machine", Boolean, nullable=False, server_default=sa.false()),
    # routing.shortlist.Sketch: what is looked at first
    Column("sketch", Json, nullable=False, server_default="[0,0,0,0,0,false,0,false,0]"),
    Column("data", Json, nullable=False),  # routing.facts.Trace: what is compared
)
BY_PEOPLE = traces.c.machine.is_(sa.false())
Index(
    "ix_traces_customer_at",
    traces.c.customer,
    traces.c.at,
    sqlite_where=BY_PEOPLE,
    postgresql_where=sa.text("machine IS false"),
)
trace_keys = Table(
    "trace_keys",  # how they are found: a whole text, an alert, an object, a service in trouble
    metadata,
    Column("customer", Text, primary_key=True),  # "" for what is looked for at all customers
    Column("key", Text, primary_key=True),
    Column("trace_id", BigInteger, primary_key=True),
)
Index("ix_trace_keys_trace_id", trace_keys.c.trace_id)
suggestions = Table(
    "suggestions",  # earlier tickets (or a wider fault) that a ticket may belong to, best first
    metadata,
    Column("ticket_id", BigInteger, primary_key=True),
    Column("other_id", BigInteger, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("why", Json, nullable=False),
)
merges = Table(
    "merges",  # every joining of two tickets, with what it takes to undo it
    metadata,
    _id(),
    Column("ticket_id", BigInteger, nullable=False, index=True),
    Column("into_id", BigInteger, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Json, nullable=False),
    Column("before", Json, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Text),
)
faults = Table(
    "faults",  # the same trouble at several customers: proposed, until somebody confirms or dismisses it
    metadata,
    _id(),
    Column("desk", Text, nullable=False),
    Column("sign", Text, nullable=False),
    Column("at", Instant, nullable=False),  # of its newest report
    Column("state", Text, nullable=False),  # proposed | confirmed | dismissed
    Column("ticket_id", BigInteger),  # the parent incident, once confirmed
    Column("by", Text),
)
Index("ix_faults_sign_at", faults.c.sign, faults.c.at)
fault_tickets = Table(
    "fault_tickets",  # the tickets that look like part of a wider fault
    metadata,
    Column("fault_id", BigInteger, ForeignKey("faults.id"), primary_key=True),
    Column("ticket_id", BigInteger, primary_key=True),
)

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
    Column("urgency", sa.SmallInteger, nullable=False, server_default="3"),  # `store.jobs.urgency_of`
)
Index("ix_jobs_run_at", jobs.c.run_at)
Index("ix_jobs_urgency_run_at", jobs.c.urgency, jobs.c.run_at, jobs.c.id)  # the order in which they are claimed
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
    Column("seen_at", Instant),  # the last sign of life: a webhook, or the carrier's word; NULL: only the first
)
Index(
    "ix_calls_up",
    calls.c.at,
    sqlite_where=calls.c.status == "in-progress",
    postgresql_where=calls.c.status == "in-progress",
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
duty_changes = Table(
    "duty_changes",  # overrides, swaps and absences that people entered; taken back, never deleted
    metadata,
    _id(),
    Column("desk", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),  # override | swap | absence
    Column("rota", Text),  # NULL: an absence, which holds in all of them
    Column("person", Text, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("substitute", Text),
    Column("reason", Text, nullable=False),
    Column("batch", Text, nullable=False),  # the two halves of a swap have one, and go together
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("revoked_by", Text),
    Column("revoked_at", Instant),
)
duty_calendars = Table(
    "duty_calendars",  # what calendars kept elsewhere said when they were last read: overrides that nobody edits here
    metadata,
    Column("desk", Text, primary_key=True),
    Column("rota", Text, primary_key=True),
    Column("source", Text, primary_key=True),  # sha256 of the file's or address's name, which may be a secret
    Column("read_at", Instant),  # when it said something new last; NULL: it was never read
    Column("spans", Json, nullable=False),  # [person, start, end, what the event is called], instants in ISO 8601
    Column("problems", Json, nullable=False),
)
duty_feeds = Table(
    "duty_feeds",  # secret addresses under which a calendar program reads who is on duty
    metadata,
    _id(),
    Column("hash", Text, nullable=False, unique=True),  # sha256 of the secret, which is random
    Column("desk", Text, nullable=False),
    Column("person", Text),  # NULL: everybody's
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)
page_rings = Table(
    "page_rings",  # every telephone that a page has rung, or shared the call of: what caps count over all pages
    metadata,
    Column("attempt", Text, primary_key=True),
    Column("page_id", BigInteger, nullable=False, index=True),
    Column("number", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("bundle", Text, index=True),  # the attempt of another page whose call says this one too
)
Index("ix_page_rings_number_at", page_rings.c.number, page_rings.c.at)
drills = Table(
    "drills",  # test pages: somebody is rung until they have accepted once
    metadata,
    _id(),
    Column("desk", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("state", Json, nullable=False),  # routing.paging.Page
    Column("open", Boolean, nullable=False),
    Column("accepted_at", Instant),
)
Index("ix_drills_desk_person", drills.c.desk, drills.c.person)
conferences = Table(
    "conferences",  # an engineer joins a caller: connected only when both are in
    metadata,
    Column("name", Text, primary_key=True),
    Column("page_id", BigInteger, nullable=False),
    Column("ticket_id", BigInteger, nullable=False),
    Column("engineer", Text, nullable=False),  # call ids
    Column("caller", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("sid", Text),  # the carrier's, from its events: its list by name lags behind
    Column("inside", Json, nullable=False),  # call ids that are in now
    Column("connected_at", Instant),
    Column("ended_at", Instant),
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
    Column("pin", BigInteger),  # which one it was
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
    Column("state", Text, nullable=False),  # waiting | ringing | talking | done | given up | cancelled
    Column("desk", Text),
    Column("customer", Text),
    Column("mode", Text, nullable=False, server_default="later"),  # later | now | proof
    Column("source", Text, nullable=False, server_default="phone"),  # phone | link | api | console
    Column("rank", Integer, nullable=False, server_default="0"),  # of the plan: lower goes first
    Column("zone", Text),  # the customer's own clock
    Column("not_before", Instant),
    Column("not_after", Instant),
    Column("next_at", Instant),  # not rung before: the pause after an attempt
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("cost", Integer, nullable=False, server_default="0"),  # hundredths, as estimated when it was taken
    Column("attempt", Json),  # routing.paging.Page: what is being tried now
    Column("why", Text),  # why it ended
)
Index("ix_callbacks_caller_at", callbacks.c.caller, callbacks.c.at)
Index("ix_callbacks_number_at", callbacks.c.number, callbacks.c.at)
Index("ix_callbacks_state_desk", callbacks.c.state, callbacks.c.desk)
waiting_calls = Table(
    "waiting_calls",  # our own queue for a person: who waits, since when, and whose telephone rings for whom
    metadata,
    Column("sid", Text, primary_key=True),
    Column("desk", Text, nullable=False),
    Column("ticket_id", BigInteger),
    Column("rank", Integer, nullable=False),
    Column("at", Instant, nullable=False),  # the order: for a call back the instant of its request
    Column("since", Instant, nullable=False),  # on the line and waiting
    Column("state", Text, nullable=False),  # waiting | ringing | talking | over
    Column("agent", Text),
    Column("tried", Json, nullable=False),  # agents who did not pick up
    Column("seen_at", Instant, nullable=False),  # the last time that the line asked
    Column("talked", Integer),  # seconds, ringing included, of who was connected
)
Index("ix_waiting_calls_desk_state", waiting_calls.c.desk, waiting_calls.c.state)

recordings = Table(
    "recordings",  # what callers said, where a desk records; the sound goes with time, the row stays
    metadata,
    Column("sid", Text, primary_key=True),  # the carrier's
    Column("ticket_id", BigInteger, ForeignKey("tickets.id"), nullable=False, index=True),
    Column("call", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("seconds", Integer, nullable=False),
    Column("consent", Text, nullable=False),  # the language of the announcement before it
    Column("state", Text, nullable=False),  # waiting | kept | lost | removed
    Column("at_carrier", Boolean, nullable=False),
    Column("transcript", Text),
    Column("written_by", Text),  # whisper, carrier, or who typed it
    Column("sound", LargeBinary),
)

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
assignments = Table(
    "assignments",  # addresses and numbers that a person has assigned to a customer, with who and when as evidence
    metadata,
    Column("value", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ticket_id", BigInteger),
)
pins = Table(
    "pins",
    metadata,
    _id(),
    Column("customer", Text, ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("hash", Text, nullable=False),
    Column("imported", Text),  # keyed hash of an imported PIN, so that importing again changes nothing
    Column("revoked", Boolean, nullable=False),
    Column("contact", Text),  # whose it is; NULL: the whole contract's
    Column("created_at", Instant),
    Column("ends_at", Instant),
    Column("once", Boolean, nullable=False, server_default=sa.false()),  # a code that holds for one call
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
presence = Table(
    "presence",  # of the desks' staff
    metadata,
    Column("login", Text, primary_key=True),
    Column("away", Boolean, nullable=False, server_default=sa.false()),
    Column("given_at", Instant),  # when they were given a ticket last
)
sessions = Table(
    "sessions",
    metadata,
    Column("token", Text, primary_key=True),  # sha256 of the cookie
    Column("login", Text, ForeignKey("users.login", ondelete="CASCADE"), nullable=False),
    Column("expires", Instant, nullable=False),
)
api_tokens = Table(
    "api_tokens",  # what programs show at the /in doors
    metadata,
    Column("id", Text, primary_key=True),  # the public half
    Column("name", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("hash", Text, nullable=False),  # sha256 of the secret half, which is random or derived (a form's key)
    Column("vouches", Boolean, nullable=False),  # its holder knows who its users are
    Column("edge", Boolean, nullable=False),  # its holder is our edge: the results that it writes count
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("used_at", Instant),
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
