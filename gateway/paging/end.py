"""The end of a page: the report on its ticket, and, when nobody has accepted, everybody told as loudly as can be.

Refuses to ring anybody: `gateway.paging.pager` has tried.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.filing import Filing, said
from gateway.paging import notes
from gateway.paging.words import words
from gateway.post.letter import Answer, mailbox
from gateway.store import calls, jobs, letters, tickets
from gateway.store.tickets import NewEntry
from routing import paging, paging_report
from routing.desk import Desk
from routing.tickets import OPEN, Ticket

CARRIER_AWAY = timedelta(minutes=1)
MARK = "mark: page-exhausted"


def exhausted(connection: Connection, filing: Filing, page_id: int, why: str) -> None:
    """Nobody accepted: said as loudly as can be, on the ticket and as an alarm."""
    stored = calls.page(connection, page_id)
    assert stored is not None
    now = filing.database.clock.now()
    ticket = filing.ticket(connection, stored.ticket_id)
    assert ticket is not None
    page = paging.from_json(stored.state)
    unreachable = bool(page.attempts) and all(attempt.provider_code == "missing" for attempt in page.attempts)
    if unreachable and ticket.state in OPEN:  # the carrier was away the whole time: nobody has slept through anything
        why = "the telephone company could not be reached; tried again in a minute"
        again = {"page": calls.open_page(connection, ticket.id, now)}
        jobs.add(connection, "page", now + CARRIER_AWAY, again, ticket.id)
    line = f"nobody accepted the page ({why}); ring somebody by hand"
    tickets.tell(connection, ticket.id, now, NewEntry("page", "presa", {"words": line, "exhausted": True}))
    jobs.alarm(connection, now, "page-exhausted", f"{ticket.number}: {line}", ticket.id)
    if ticket.state in OPEN:
        _shout(filing, connection, ticket, page_id, unreachable=unreachable, now=now)
    report(connection, filing, page_id)


def _shout(
    filing: Filing, connection: Connection, ticket: Ticket, page_id: int, *, unreachable: bool, now: datetime
) -> None:
    """Everybody of the duty by every other way, a mark on the ticket, and the truth for the customer, once."""
    desk = filing.desk(ticket.desk)
    assert desk.on_call is not None
    everybody = [(person, tuple(person.reach)) for person in desk.on_call.people.values()]
    notes.put_down(connection, filing, ticket, page_id, everybody, now, mark=f"page{page_id}-exhausted", exhausted=True)
    if MARK not in ticket.evidence:
        tickets.update(connection, ticket, evidence=[*ticket.evidence, MARK])
        if (
            desk.on_call.policy.tell_customer
            and ticket.verified
            and mailbox(ticket.requester or "")
            and not unreachable
        ):
            _tell_customer(filing, connection, ticket, desk, now)


def _tell_customer(filing: Filing, connection: Connection, ticket: Ticket, desk: Desk, now: datetime) -> None:
    text = words(ticket.language, "customer")
    message_id = filing.outgoing_message_id(ticket, letters.count_of_ticket(connection, ticket.id) + 2)
    content = Answer(f"{text[0].upper()}{text[1:]}", said(desk.name, ticket.language) or desk.id, ticket.subject)
    letter = filing.letter(ticket, content, message_id, now, {})
    letters.write(connection, filing.written(letter, ticket))
    jobs.add(connection, "letter", now, {"message_id": message_id, "kind": "answer"}, ticket.id)


def report(connection: Connection, filing: Filing, page_id: int) -> None:
    """What happened, attempt by attempt, on the ticket, when the page is over."""
    stored = calls.page(connection, page_id)
    ticket = filing.ticket(connection, stored.ticket_id) if stored and stored.state else None
    if stored is None or ticket is None:
        return
    desk = filing.desk(ticket.desk)
    names = {one.id: one.name for one in desk.on_call.people.values()} if desk.on_call else {}
    page, now = paging.from_json(stored.state), filing.database.clock.now()
    lines = paging_report.lines(page, names, ZoneInfo(desk.zone))
    if page.attempts:
        data = {"words": lines[0], "text": "\n".join(lines[1:]), "page": page_id}
        tickets.tell(connection, ticket.id, now, NewEntry("page-report", "presa", data))
