"""Of an answer to a ticket only a part is here, or none of it can be read: a person of ours is alarmed, and its sender is
told once for each ticket (CASES mail 25, 28). Of a mail that opens a ticket the acknowledgement says so.

Refuses to write the letter: that is a job of its own, within the budgets of all automatic letters.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.mail import entries
from gateway.mail.values import Mail
from gateway.post.letter import Event
from gateway.store import alarms, jobs
from identity.people import Recognition
from routing.tickets import Ticket

JOB = "partly"
# mark -> what happened, as letters name it, and which mail about its ticket it is: the same one however often it happens
TOLD: Mapping[str, tuple[Event, int]] = {"too-big": ("too_big", 1_000_001), "encrypted": ("encrypted", 1_000_002)}
WORDS: Mapping[str, str] = {
    "too-big": "An answer on {number} was too big: only its beginning is here; ask the customer for the rest another way",
    "encrypted": "An answer on {number} is encrypted; ask the customer to send it again without encryption",
}


def added(connection: Connection, mail: Mail, who: Recognition, ticket: Ticket) -> None:
    """This mail was added to the ticket."""
    arrival, message = mail.arrival, mail.message
    for mark in entries.marks(mail):
        words = WORDS[mark].format(number=ticket.number)
        if not alarms.waits(connection, mark, words):
            jobs.alarm(connection, arrival.received, mark, words, ticket.id)
        if message.automatic or arrival.quiet or arrival.envelope_from == "" or not who.authenticated:
            continue
        thread = {"in_reply_to": message.message_id, "references": list(message.references)}
        state = {"mark": mark, "to": who.address, **thread}
        jobs.add(connection, JOB, arrival.received, state, ticket.id, ticket.priority)
