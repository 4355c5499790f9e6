"""Round and round: signs that a mail is part of a loop, and the alarm about one. CASES mail 14 and 15.

Refuses to hold a mail: it says what speaks for a loop, the story decides.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.mail.values import Mail
from gateway.post import tokens
from gateway.store import alarms, jobs, tickets, traces
from routing import loops
from routing.tickets import Ticket

HELD = "suspected-loop"
WITHIN = timedelta(hours=1)


def going_round(mail: Mail, secret: bytes) -> str | None:
    """What the mail itself says of a loop: it is a letter of ours, or it has been everywhere."""
    own = mail.message.message_id
    if own and tokens.judge_message_id(own, secret).verdict == "right":
        return "loop: one of our own letters came back"
    hops = loops.hops(mail.arrival.raw)
    return f"loop: {hops} servers have had it" if hops > loops.MOST_HOPS else None


def too_many(connection: Connection, ticket: Ticket, received: datetime, most: int) -> str | None:
    """Has this ticket got `most` mails within the hour? A person is told once."""
    since = received - WITHIN
    came = tickets.mails_since(connection, ticket.id, since)
    if came >= most:  # alerts that fold are no conversation going round
        came -= traces.alerts_since(connection, ticket.id, since)
    if came < most:
        return None
    words = (
        f"{ticket.number} gets too many mails within an hour; those that follow are held: release them, or end the loop"
    )
    if not alarms.waits(connection, HELD, words):
        jobs.alarm(connection, received, HELD, words, ticket.id)
    return f"loop: {ticket.number} got {came} mails within an hour"
