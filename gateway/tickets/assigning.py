"""A ticket meets people: who is given it, where it stands in the order of work, and who is told when nobody fits.

`routing.assign` and `routing.precedence` judge; here is what they are told from the store and what comes of it. Refuses to take
a ticket from somebody: a person does that.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from gateway.store import directory, faults, jobs, presence, tickets
from gateway.store.tickets import NewEntry
from routing import assign, precedence
from routing.assign import Wanted
from routing.decide import NOBODY_FITS
from routing.desk import Desk
from routing.precedence import Place, Work
from routing.tickets import Ticket

NOBODY = "nobody-fits"


def place(connection: Connection, desk: Desk, ticket: Ticket) -> Place:
    """Where a ticket stands, and why."""
    signs = precedence.signs_of(ticket.evidence)
    touched = len(faults.children(connection, ticket.id)) if faults.is_parent(connection, ticket.id) else 0
    return precedence.place(
        Work(ticket.plan, ticket.priority, ticket.next_due, ticket.received_at, signs, touched), desk
    )


def arrived(connection: Connection, desk: Desk, ticket: Ticket, at: datetime) -> None:
    """A ticket came into its queue: alarm if no route was for it, and give it to somebody if the queue does so."""
    if f"mark: {NOBODY_FITS}" in ticket.evidence:
        words = f"{ticket.number} fits no route of {desk.id} and waits in {ticket.queue}; put it where it belongs, add a route"
        jobs.alarm(connection, at, NOBODY_FITS, words, ticket.id)
    give(connection, desk, ticket, at)


def moved(connection: Connection, desk: Desk, ticket: Ticket, at: datetime) -> None:
    """A ticket came into another queue: whoever had it and is not of its teams has it no more."""
    queue = desk.queues.get(ticket.queue)
    owner = next((one for one in desk.staff.values() if one.name == ticket.assignee), None)
    if queue is not None and owner is not None and not owner.teams & frozenset(queue.served_by):
        tickets.update(connection, ticket, assignee=None)
        ticket = replace(ticket, assignee=None, version=ticket.version + 1)
    give(connection, desk, ticket, at)


def give(connection: Connection, desk: Desk, ticket: Ticket, at: datetime) -> None:
    """To whom the queue gives it, by its own policy; nothing where people take tickets themselves."""
    queue = desk.queues.get(ticket.queue)
    if queue is None or not desk.staff or ticket.assignee is not None:
        return
    customer = directory.StoredFinder(connection).by_id(ticket.customer) if ticket.customer else None
    engineer = customer.at(desk.id).contract.engineer if customer else None
    facts = [line.removeprefix("fact: ") for line in ticket.evidence if line.startswith("fact: ")]
    wanted = Wanted(ticket.customer, ticket.language, ticket.region, assign.skills_of(facts), engineer, ticket.product)
    hands = presence.of(connection, {one.id: one.name for one in desk.staff.values()})
    choice = assign.choose(desk, queue, wanted, hands)
    if choice.told:
        tickets.tell(connection, ticket.id, at, NewEntry("state", "presa", {"words": "\n".join(choice.told)}))
    if choice.worker is not None:
        presence.gave(connection, choice.worker, at)
        tickets.update(connection, ticket, assignee=desk.staff[choice.worker].name)
    if choice.nobody:
        words = f"nobody of {queue.id} fits {ticket.number}; see who is away, or give it to somebody"
        jobs.alarm(connection, at, NOBODY, words, ticket.id)
