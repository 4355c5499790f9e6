"""What a person decides about a mail: a held one becomes a ticket, part of a ticket, or spam; one that was added to the wrong
ticket, or was taken for one that had come before, gets one of its own.

The mail's line in the ledger changes its outcome and keeps the story: who, when, and what it was. Its clock starts at its
receipt, as that of any mail. Deciding the same twice changes nothing; deciding otherwise about what somebody else has decided
is refused with their name. Nothing is deleted here.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import Connection

from gateway.engine import Arrival, Engine, Mail
from gateway.errors import Permanent
from gateway.mail import forms, reader
from gateway.store import held, jobs, reports, tickets
from gateway.store.jobs import Handler, Job, Settled
from gateway.store.reports import LedgerRow
from gateway.store.tickets import NewEntry
from routing import numbers
from routing.threads import Joining
from routing.tickets import OPEN, Ticket

How = Literal["new", "onto", "spam"]
HOWS: tuple[How, ...] = get_args(How)
FORMS = ("portal", "form")  # doors whose reports say more than a mail does
OWN = "own"  # a mail gets a ticket of its own, linked to the one it was with
WITH = ("append", "duplicate")  # outcomes of mails that are with a ticket and may get one of their own
LOOK_EVERY = timedelta(hours=6)  # at least: how long is too long may have been changed meanwhile
MOST = 10_000  # held mails that an alarm looks at


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants: a new ticket, onto a ticket (`ticket`: its number), or spam."""

    how: How
    by: str
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it. `number`: the ticket's, "" for spam; `again`: it had been decided so before."""

    outcome: str
    number: str
    again: bool = False


def release(engine: Engine, report_id: int, choice: Choice) -> Done:
    """Decide about one held mail (or one called spam), in one transaction. Raises Permanent with words for the person."""
    row = engine.database.read(lambda connection: reports.get(connection, report_id))
    if row is None:
        raise Permanent(f"there is no report {report_id}; 'presa held list' shows what waits")
    ticket_id = numbers.ticket_id(choice.ticket) if choice.how == "onto" else None
    if choice.how == "onto" and ticket_id is None:
        raise Permanent(f"{choice.ticket or 'nothing'!r} is no ticket number; give one such as {example(engine)}")
    mail = _in_hand(engine, row) if choice.how != "spam" and _waits(row) else None
    return engine.database.write(lambda connection: _release(connection, engine, row.id, mail, choice, ticket_id))


def example(engine: Engine) -> str:
    """What a ticket's number looks like here."""
    return numbers.example(next(iter(engine.prefixes.values())))


def own_ticket(engine: Engine, number: str, entry_id: int, by: str) -> Done:
    """The mail of this entry, which was added to that ticket, becomes a ticket of its own."""
    ticket_id = numbers.ticket_id(number) or 0

    def find(connection: Connection) -> int | None:
        entry = next((one for one in tickets.story(connection, ticket_id) if one.id == entry_id), None)
        if entry is None or entry.kind != "mail-in":
            return None
        return held.joined(connection, ticket_id, entry.data["sha256"])

    report_id = engine.database.read(find)
    if report_id is None:
        raise Permanent(f"no mail that was added to {number} stands here; load the page again to see what changed")
    return separate(engine, report_id, by)


def separate(engine: Engine, report_id: int, by: str) -> Done:
    """A mail that was added to a ticket, or came again, becomes a ticket of its own, linked to the one it was with."""
    row = engine.database.read(lambda connection: reports.get(connection, report_id))
    if row is None:
        raise Permanent(f"there is no report {report_id}; 'presa ledger' shows what there is")
    mail = _in_hand(engine, row) if row.outcome in WITH else None
    return engine.database.write(lambda connection: _separate(connection, engine, row.id, mail, by))


def _waits(row: LedgerRow) -> bool:
    return row.outcome == "held" or row.reason == held.SPAM_REASON


def _in_hand(engine: Engine, row: LedgerRow) -> Mail:
    """The kept mail, read and judged again as its door handed it in."""
    raw = engine.database.read(lambda connection: _raw(connection, row))
    if raw is None:
        instead = "only 'spam' is possible" if _waits(row) else "write a ticket by hand if one is needed"
        raise Permanent(f"the raw mail of report {row.id} is not kept (any more); {instead}")
    return replace(as_kept(engine, row, raw), settles=row.id)


def _raw(connection: Connection, row: LedgerRow) -> bytes | None:
    """Its bytes. Of a mail that came again those of the first, unless they are the very same: it says the same."""
    first = held.twin(connection, row.id)
    kept = (reports.raw(connection, one.sha256) for one in (row, first) if one is not None and one.sha256)
    return next((raw for raw in kept if raw is not None), None)


def as_kept(engine: Engine, row: LedgerRow, raw: bytes) -> Mail:
    """A report of the ledger in hand again, as its door handed it in."""
    reading = reader.read(raw, row.at)
    given = forms.given_in(reading.message) if row.door in FORMS else None
    arrival = Arrival(row.door, row.peer, row.envelope_from, row.rcpt, raw, row.at, given=given)
    return engine.in_hand(arrival, reading)


def _release(
    connection: Connection, engine: Engine, report_id: int, mail: Mail | None, choice: Choice, onto: int | None
) -> Done:
    row = held.lock(connection, report_id)
    assert row is not None
    if not _waits(row) or (choice.how == "spam" and row.reason == held.SPAM_REASON):
        return _decided(connection, engine, row, choice, onto)
    now = engine.database.clock.now()
    held.tell(connection, row, at=now, by=choice.by, did=choice.how)
    if mail is None:
        reports.settle(connection, row.id, {"outcome": "refused", "reason": held.SPAM_REASON})
        return Done("refused", "")
    joining = Joining("new", None, (f"held: {row.reason}; released by {choice.by}",))
    if onto is not None:
        joining = _onto(engine.ticket(connection, onto, lock=True), choice.ticket, joining.evidence)
    done = engine.settle(connection, mail, joining)
    assert done.ticket_id is not None
    words = f"released a mail that was held: {row.reason}"
    tickets.tell(connection, done.ticket_id, now, NewEntry("state", choice.by, {"words": words}))
    return Done(done.outcome, done.number or "")


def _onto(ticket: Ticket | None, number: str, evidence: tuple[str, ...]) -> Joining:
    if ticket is None:
        raise Permanent(f"there is no ticket {number}; look for its number in the list")
    return Joining("join" if ticket.state in OPEN else "reopen", ticket, evidence)


def _decided(connection: Connection, engine: Engine, row: LedgerRow, choice: Choice, onto: int | None) -> Done:
    """Somebody decided before: the same again is no news, anything else is refused with their name."""
    last = row.story[-1] if row.story else None
    ticket = engine.ticket(connection, row.ticket_id) if row.ticket_id else None
    number = ticket.number if ticket else ""
    if last and last["did"] == choice.how and (onto is None or onto == row.ticket_id):
        return Done(row.outcome, number, again=True)
    if last is None:
        raise Permanent(f"report {row.id} is not held; it is {row.outcome} {number}".rstrip())
    at = datetime.fromisoformat(last["at"]).isoformat(timespec="minutes")
    raise Permanent(f"{last['by']} has decided about this mail already ({at}): {row.outcome} {number}".rstrip())


def _separate(connection: Connection, engine: Engine, report_id: int, mail: Mail | None, by: str) -> Done:
    row = held.lock(connection, report_id)
    assert row is not None
    if row.story and row.story[-1]["did"] == OWN:
        ticket = engine.ticket(connection, row.ticket_id) if row.ticket_id else None
        return Done(row.outcome, ticket.number if ticket else "", again=True)
    if row.outcome not in WITH or mail is None:
        raise Permanent(f"report {row.id} is with no other ticket: it is {row.outcome}; load the page again")
    now, old = engine.database.clock.now(), _was_with(connection, engine, row)
    held.tell(connection, row, at=now, by=by, did=OWN)
    came = "was added to" if row.outcome == "append" else "came again after"
    evidence = (f"thread: {came} {old.number}; {by} made it a ticket of its own",)
    done = engine.settle(connection, mail, Joining("follow-up", old, evidence))
    assert done.ticket_id is not None
    told = NewEntry("state", by, {"words": f"made a mail a ticket of its own: {done.number}"})
    tickets.tell(connection, old.id, now, told)
    tickets.tell(connection, done.ticket_id, now, NewEntry("state", by, {"words": "made it a ticket of its own"}))
    return Done(done.outcome, done.number or "")


def _was_with(connection: Connection, engine: Engine, row: LedgerRow) -> Ticket:
    """The ticket that a mail was added to, or that of the mail that it repeats."""
    first = held.twin(connection, row.id) or row
    old = engine.ticket(connection, first.ticket_id) if first.ticket_id else None
    if old is not None and old.merged_into is not None:
        old = engine.ticket(connection, old.merged_into) or old
    if old is None:
        raise Permanent(
            f"the same mail is report {first.id}, and it is {first.outcome}; decide about that one under Held"
        )
    return old


# By age ---------------------------------------------------------------------------------------------------------


def age_alarm(engine: Engine) -> Handler:
    """A job that comes back when the next mail will have been held too long: each is alarmed about once, at that hour."""

    def run(job: Job) -> Settled:
        now = engine.database.clock.now()
        hours = engine.settings.held_alarm_hours
        most = timedelta(hours=hours)
        old = engine.database.read(lambda c: held.overdue(c, now - most, MOST))
        first = engine.database.read(lambda c: held.first_after(c, now - most))
        told = set(job.state.get("told", ()))
        fresh = [one for one in old if one not in told]

        def write(connection: Connection) -> None:
            shown = ", ".join(map(str, fresh[:10])) + (" and more" if len(fresh) > 10 else "")
            words = f"{len(fresh)} held for more than {hours:g} h (reports {shown}); decide about them under Held"
            jobs.alarm(connection, now, "held", words)

        return Settled(
            write if fresh else None, again=min((first or now) + most, now + LOOK_EVERY), state={"told": list(old)}
        )

    return run
