"""Where a mail points: our own tokens first (no look-up is needed to prove them), then references shared with mails we know.

Refuses to let anybody join: `routing.threads` judges what is found here.
"""

from sqlalchemy import Connection

from gateway.mail import entries
from gateway.mail.values import Mail
from gateway.post import tokens
from gateway.store import reports
from routing import numbers
from routing.threads import Clues


def of_mail(connection: Connection, mail: Mail, secret: bytes) -> Clues:
    """A bounce or receipt may name our mail only in what it returns of it, or in the words of its certificate."""
    message, rcpt = mail.message, mail.arrival.rcpt
    named = tuple(
        dict.fromkeys((*((message.in_reply_to,) if message.in_reply_to else ()), *reversed(message.references)))
    )
    readings = [tokens.judge_address(address, secret) for address in rcpt]
    readings += [tokens.judge_message_id(one, secret) for one in named]
    if message.certified is not None and entries.is_receipt(message):
        readings.append(tokens.judge_message_id(message.certified.about or "", secret))
    elif message.is_bounce:
        readings += tokens.judge_all(mail.arrival.raw, secret)
    proven = [
        numbers.ticket_id(reading.digits) for reading in readings if reading.verdict == "right" and reading.digits
    ]
    found = tuple(dict.fromkeys(ticket for ticket in proven if ticket is not None))
    wrong = any(reading.verdict == "wrong" for reading in readings)
    shared = reports.threads_of(connection, named) if named and not found else ()
    return Clues(found, wrong, shared)
