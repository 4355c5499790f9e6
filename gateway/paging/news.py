"""News of a page, written down in one way, wherever they come from: the carrier, an engineer's telephone, a link, an SMS.

An acceptance takes the ticket in charge; whatever changes a page makes its job due at once. Refuses to judge what news
mean (`routing.paging.heard`) and to talk to anybody.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal

from sqlalchemy import Connection

from gateway.filing import Filing
from gateway.oncall import duty
from gateway.store import calls, jobs, tickets
from gateway.store.tickets import NewEntry
from routing import oncall, paging
from routing.desk import Desk
from routing.paging import Attempt, Event, Page
from routing.tickets import OPEN, Ticket

POSTPONES = frozenset(("placed", "ringing", "answered", "pressed"))  # after which nothing is due sooner than before
ORDERING = frozenset(("intended", "unknown"))  # whoever gave this order may be dead, and its job asleep for a lease
Said = Literal["accepted", "already-yours", "passed", "escalated", "nobody", "taken", "over"]
Wish = Literal["accepted", "passed", "escalated"]
LONGEST_REASON = 200


def keep_page(connection: Connection, page_id: int, page: Page) -> None:
    calls.keep_page(connection, page_id, paging.to_json(page), open_=page.state == "open")


def told(connection: Connection, filing: Filing, page_id: int, event: Event) -> None:
    """News from outside: into the page and the ticket's story; an acceptance takes the ticket in charge."""
    stored = calls.page(connection, page_id, lock=True)
    before = paging.from_json(stored.state) if stored and stored.state else None
    if stored is None or before is None:
        return
    page = paging.heard(before, event)
    if page == before:
        return
    keep_page(connection, page_id, page)
    ticket = filing.ticket(connection, stored.ticket_id)
    was, attempt = paging.find(before, event.attempt), paging.find(page, event.attempt)
    assert ticket is not None
    assert was is not None
    assert attempt is not None
    name = name_of(filing.desk(ticket.desk), attempt.person)
    words = f"{name}: {paging.outcome(attempt)}"
    if attempt.state == "passed" and attempt.reason:
        words += f" ({attempt.reason})"
    data = {"words": words, "attempt": attempt.id, "person": attempt.person}
    tickets.tell(connection, stored.ticket_id, event.at, NewEntry("page", name, data))
    if event.what == "accepted" and page.accepted_by == attempt.person:
        filing.take(connection, stored.ticket_id, name, event.at)
    if event.what not in POSTPONES or was.state in ORDERING:
        jobs.hasten(connection, "page", stored.ticket_id, event.at)


def answer(
    connection: Connection,
    filing: Filing,
    page_id: int,
    person: str,
    what: Wish,
    at: datetime,
    *,
    by: str,
    reason: str = "",
) -> tuple[Said, Ticket | None, str]:
    """An answer that did not come by the telephone: what became of it, of which ticket, and who has it.

    Somebody whose turn has not come may accept it too; only an open attempt can be passed on; escalating rings the next
    now, and whoever has accepted may call for the others so."""
    stored = calls.page(connection, page_id, lock=True)
    ticket = filing.ticket(connection, stored.ticket_id) if stored else None
    if stored is None or ticket is None:
        return "over", None, ""
    desk = filing.desk(ticket.desk)
    if not stored.state:
        return "over", ticket, ""
    page, reason = paging.from_json(stored.state), " ".join(reason.split())[:LONGEST_REASON]
    if what == "escalated":
        if page.state == "accepted" and page.accepted_by != person:
            return "taken", ticket, name_of(desk, page.accepted_by)
        return escalate(connection, filing, page_id, name_of(desk, person), at, reason), ticket, ""
    if page.state == "accepted":
        return ("already-yours" if page.accepted_by == person else "taken"), ticket, name_of(desk, page.accepted_by)
    if page.state == "cancelled":
        return "over", ticket, ""
    attempt = latest(page, person)
    name = name_of(desk, person)
    if attempt is not None:
        told(connection, filing, page_id, Event(attempt.id, what, at, key=by, reason=reason or None))
    elif what == "accepted":
        keep_page(connection, page_id, paging.close(page, at, person))
        words = {"words": f"{name}: accepted, by {by}", "person": person}
        tickets.tell(connection, ticket.id, at, NewEntry("page", name, words))
        filing.take(connection, ticket.id, name, at)
        jobs.hasten(connection, "page", ticket.id, at)
    elif not any(one.person == person and one.state == "passed" for one in page.attempts):
        return "over", ticket, ""  # nobody waits for them
    return what, ticket, name


def escalate(connection: Connection, filing: Filing, page_id: int, by: str, at: datetime, reason: str = "") -> Said:
    """The next of the chain is rung now. Where it is at its end, accepted or not, it begins again, without whoever has it."""
    stored = calls.page(connection, page_id, lock=True)
    ticket = filing.ticket(connection, stored.ticket_id) if stored and stored.state else None
    if stored is None or ticket is None or ticket.state not in OPEN:
        return "over"
    page = paging.from_json(stored.state)
    again = calls.pages_of(connection, ticket.id)[-1].id == page_id  # else somebody else has begun again already
    if page.state == "open":
        keep_page(connection, page_id, paging.push(page, at))
        jobs.hasten(connection, "page", ticket.id, at)
    elif page.state == "cancelled" or not again:
        return "over"
    else:
        on_call = duty.duty(connection, filing.desk(ticket.desk), at)
        chain = oncall.chain(on_call, at) if on_call else ()
        chain = tuple(link for link in chain if link.person != page.accepted_by)
        if not chain:
            return "nobody"
        new = calls.open_page(connection, ticket.id, at)
        keep_page(connection, new, Page(f"page{new}", ticket.number, at, chain, urgent=ticket.priority == "P1"))
        jobs.add(connection, "page", at, {"page": new}, ticket.id)
    words = f"{by}: escalated, the next is rung now" + (f" ({reason})" if reason else "")
    tickets.tell(connection, ticket.id, at, NewEntry("page", by, {"words": words}))
    return "escalated"


def latest(page: Page, person: str) -> Attempt | None:
    """This person's newest attempt that can still be answered."""
    mine = [one for one in page.attempts if one.person == person and one.state not in ("accepted", "passed", "ended")]
    return mine[-1] if mine else None


def name_of(desk: Desk, person: str | None) -> str:
    found = desk.on_call.people.get(person or "") if desk.on_call else None
    return found.name if found else person or ""


# Links -----------------------------------------------------------------------------------------------------------


def link(filing: Filing, page_id: int, person: str, note: str) -> str:
    """The address of a page for one person and one note; only who was given it can know its mark. It acts once."""
    return f"{filing.settings.public_url}/page/{page_id}/{person}/{note}/{mark(filing.secret, page_id, person, note)}"


def mark(secret: bytes, page_id: int, person: str, note: str) -> str:
    return hmac.new(secret, f"page-link\0{page_id}\0{person}\0{note}".encode(), sha256).hexdigest()[:32]


def facts(ticket: Ticket, desk: Desk, now: datetime) -> Mapping[str, str]:
    """What a page says in writing."""
    plan = desk.plans.get(ticket.plan or "")
    minutes = "" if ticket.next_due is None else str(int((ticket.next_due - now).total_seconds() // 60))
    return {
        "number": ticket.number, "priority": ticket.priority, "customer": ticket.customer_name or "?",
        "plan": plan.label if plan else "-", "subject": ticket.subject, "minutes": minutes,
        "target": (ticket.next_target or "").replace("_", " "),
    }  # fmt: skip
