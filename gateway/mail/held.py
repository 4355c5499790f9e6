"""What a person decides about a mail: a held one becomes a ticket, part of a ticket, or spam; one that was added to the wrong
ticket gets one of its own.

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
OWN = "own"  # a mail that was added to a ticket gets one of its own
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
        raise Permanent(f"{choice.ticket or 'nothing'!r} is no ticket number; give one such as PR-1002-4137")
    mail = _in_hand(engine, row) if choice.how != "spam" and _waits(row) else None
    return engine.database.write(lambda connection: _release(connection, engine, row.id, mail, choice, ticket_id))


def own_ticket(engine: Engine, number: str, entry_id: int, by: str) -> Done:
    """A mail that was added to a ticket becomes a ticket of its own, linked to that one."""
    ticket_id = numbers.ticket_id(number) or 0

    def find(connection: Connection) -> LedgerRow | None:
        entry = next((one for one in tickets.story(connection, ticket_id) if one.id == entry_id), None)
        if entry is None or entry.kind != "mail-in":
            return None
        report = held.joined(connection, ticket_id, entry.data["sha256"])
        return reports.get(connection, report) if report else None

    row = engine.database.read(find)
    if row is None:
        raise Permanent(f"no mail that was added to {number} stands here; load the page again to see what changed")
    mail = _in_hand(engine, row)
    return engine.database.write(lambda connection: _separate(connection, engine, mail, by))


def _waits(row: LedgerRow) -> bool:
    return row.outcome == "held" or row.reason == held.SPAM_REASON


def _in_hand(engine: Engine, row: LedgerRow) -> Mail:
    """The kept mail, read and judged again as its door handed it in."""
    sha256 = row.sha256 or ""
    raw = engine.database.read(lambda connection: reports.raw(connection, sha256))
    if raw is None:
        raise Permanent(f"the raw mail of report {row.id} is not kept any more (retention); only 'spam' is possible")
    return replace(as_kept(engine, row, raw), settles=row.id)


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


def _separate(connection: Connection, engine: Engine, mail: Mail, by: str) -> Done:
    assert mail.settles is not None
    row = held.lock(connection, mail.settles)
    if row is None or row.outcome != "append" or row.ticket_id is None:
        raise Permanent("this mail is not part of that ticket any more; load the page again to see what changed")
    now = engine.database.clock.now()
    old = engine.ticket(connection, row.ticket_id)
    held.tell(connection, row, at=now, by=by, did=OWN)
    evidence = (f"thread: was added to {old.number if old else row.ticket_id}; {by} made it a ticket of its own",)
    done = engine.settle(connection, mail, Joining("follow-up", old, evidence))
    assert done.ticket_id is not None
    told = NewEntry("state", by, {"words": f"made a mail a ticket of its own: {done.number}"})
    tickets.tell(connection, row.ticket_id, now, told)
    tickets.tell(connection, done.ticket_id, now, NewEntry("state", by, {"words": "made it a ticket of its own"}))
    return Done(done.outcome, done.number or "")


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
