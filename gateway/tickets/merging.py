"""Two tickets are one problem: the later one goes into the earlier, and comes out again by one click.

A merged ticket is closed and keeps everything it is evidence of: its own receipt, sender, story and clocks. The ticket that
stays has the earliest receipt of both. Refuses to join customers, desks, or what is over; never lowers a priority.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from gateway.errors import Permanent
from gateway.filing import Filing
from gateway.store import calls, jobs, tickets, traces
from gateway.store.tickets import NewEntry
from routing import numbers, paging
from routing.tickets import OPEN, Ticket


def merge(
    connection: Connection,
    filing: Filing,
    ticket: Ticket,
    number: str,
    *,
    by: str,
    at: datetime,
    why: Sequence[str] = (),
) -> Ticket:
    """Join a ticket into the one of that number; raises Permanent with words for the person."""
    into_id = numbers.ticket_id(number)
    into = filing.ticket(connection, into_id, lock=True) if into_id else None
    if into is None:
        raise Permanent(f"there is no ticket {number or '(none)'}; write the number of the ticket that stays")
    if (trouble := hindrance(connection, ticket, into)) is not None:
        raise Permanent(trouble)
    before = {"state": ticket.state, "into_received_at": into.received_at.isoformat(), "into_priority": into.priority}
    ranks = list(filing.desk(into.desk).priorities)
    worse = min((ticket.priority, into.priority), key=lambda one: ranks.index(one) if one in ranks else len(ranks))
    priority = worse if worse in filing.desk(into.desk).kinds.get(into.kind, ()) else into.priority  # type: ignore[call-overload]
    end_pages(connection, ticket, at, by)
    tickets.update(connection, ticket, state="closed", merged_into=into.id)
    tickets.update(connection, into, received_at=min(into.received_at, ticket.received_at), priority=priority)
    traces.merge(connection, ticket.id, into.id, at, by, tuple(why), before)
    traces.dismiss(connection, ticket.id, into.id)
    text = "\n".join(why)
    tickets.tell(
        connection, ticket.id, at, NewEntry("state", by, {"words": f"merged into {into.number}", "text": text})
    )
    tickets.tell(
        connection,
        into.id,
        at,
        NewEntry("state", by, {"words": f"{ticket.number} was merged into this ticket", "text": text}),
    )
    filing.restamp(connection, into.id)
    return into


def unmerge(connection: Connection, filing: Filing, ticket: Ticket, *, by: str, at: datetime) -> None:
    """Undo it: both are again what they were, and the clocks count from each one's own receipt."""
    merge = traces.merge_of(connection, ticket.id) if ticket.merged_into else None
    if merge is None:
        raise Permanent(f"{ticket.number} is not merged into another ticket; load the page again to see what changed")
    into = filing.ticket(connection, merge.into_id, lock=True)
    tickets.update(connection, ticket, state=merge.before["state"], merged_into=None)
    if into is not None:
        others = [one for one in traces.merged_into(connection, into.id) if one.ticket_id != ticket.id]
        changes = {} if others else {"received_at": datetime.fromisoformat(merge.before["into_received_at"])}
        if not others and into.priority != merge.before["into_priority"]:
            changes["priority"] = merge.before["into_priority"]
        if changes:
            tickets.update(connection, into, **changes)
            filing.restamp(connection, into.id)
        tickets.tell(
            connection, into.id, at, NewEntry("state", by, {"words": f"{ticket.number} is a ticket of its own again"})
        )
    traces.undo(connection, merge.id, at, by)
    number = into.number if into else "the other ticket"
    tickets.tell(
        connection, ticket.id, at, NewEntry("state", by, {"words": f"a ticket of its own again, out of {number}"})
    )
    filing.restamp(connection, ticket.id)


def hindrance(connection: Connection, ticket: Ticket, into: Ticket) -> str | None:
    """Why these two cannot be joined, in words for the person who tried; None when they can."""
    if ticket.id == into.id:
        return f"{ticket.number} cannot be merged into itself; write the number of another ticket"
    if ticket.merged_into is not None or into.merged_into is not None:
        merged = ticket if ticket.merged_into is not None else into
        return f"{merged.number} is merged into another ticket already; undo that first, or use that one's number"
    if ticket.customer is None or ticket.customer != into.customer or ticket.desk != into.desk:
        return f"{ticket.number} and {into.number} are not of one customer at one desk; link them by a note instead"
    if traces.merged_into(connection, ticket.id):
        return f"other tickets are merged into {ticket.number}; merge {into.number} into it instead"
    if into.state not in OPEN:
        return f"{into.number} is {into.state}; reopen it first, or leave {ticket.number} as it is"
    if ticket.state not in OPEN:
        return f"{ticket.number} is {ticket.state}: there is nothing left to merge"
    return None


def end_pages(connection: Connection, ticket: Ticket, at: datetime, who: str) -> None:
    """Nobody else is woken for this ticket."""
    for one in calls.pages_of(connection, ticket.id):
        stored = calls.page(connection, one.id, lock=True)  # its call may be answered at this very moment
        if stored is not None and stored.open:
            page = paging.close(paging.from_json(stored.state), at, who) if stored.state else None
            calls.keep_page(connection, stored.id, paging.to_json(page) if page else {}, open_=False)
            jobs.hasten(connection, "page", ticket.id, at)
