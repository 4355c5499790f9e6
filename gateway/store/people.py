"""Everything that is stored about one person or one customer, found by id: what an export copies and an erasure empties.

Not indexed: these are rare questions and read the tables once. What other people wrote about somebody is not searched.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

import parsers
from gateway.store import directory, held
from gateway.store.database import in_parts
from gateway.store.tables import HELD, SPAM, alarms, callbacks, calls, entries, letters, reports, tickets
from identity import normal

CHUNK = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data it is. `contacts`: (customer, contact) pairs; `customer`: everything of a customer instead of a person."""

    name: str
    addresses: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    contacts: frozenset[tuple[str, str]] = frozenset()
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Traces:
    """Ids of what there is: the subject's own tickets; mails of theirs on other tickets, as entries; lines of the ledger;
    letters to them; calls; calls back; alarms that name them. `open`: how many of the tickets are not closed.
    """

    tickets: tuple[int, ...]
    open: int
    entries: tuple[int, ...]
    reports: tuple[int, ...]
    letters: tuple[int, ...]
    calls: tuple[str, ...]
    callbacks: tuple[int, ...]
    alarms: tuple[int, ...]


def person(connection: Connection, said: str) -> Subject:
    """Somebody by mail address, telephone number or the id of a contact in the directory, with all that the directory
    knows to be theirs too.
    """
    address, phone = normal.address(said), normal.phone(said)
    addresses, phones = {address} if address else set(), {phone} if phone else set()
    contacts = set()
    for customer in directory.every(connection):
        for contact in customer.contacts:
            if contact.id == said or addresses & set(contact.emails) or (phone and phone in contact.phones):
                contacts.add((customer.id, contact.id))
                addresses |= set(contact.emails)
                phones |= set(contact.phones)
    return Subject(said, frozenset(addresses), frozenset(phones), frozenset(contacts))


def traces(connection: Connection, subject: Subject) -> Traces:
    """Where the subject is to be found."""
    own = _tickets(connection, subject)
    mails = _mails_elsewhere(connection, subject, frozenset(one for one, _ in own))
    if subject.customer is not None:
        lines = _ids(connection, reports.c.id, reports.c.customer == subject.customer)
        called = _ids(connection, calls.c.sid, calls.c.customer == subject.customer)
    else:
        lines = _lines(connection, subject)
        called = _ids(connection, calls.c.sid, calls.c.number.in_(sorted(subject.phones)))
    ids = [one for one, _ in own]
    lines += tuple(_within(connection, reports.c.id, reports.c.ticket_id, ids))
    called += tuple(_within(connection, calls.c.sid, calls.c.ticket_id, ids))
    sent = _ids(connection, letters.c.id, letters.c.recipient.in_(sorted(subject.addresses)))
    sent += tuple(_within(connection, letters.c.id, letters.c.ticket_id, ids))
    rung = sa.or_(callbacks.c.caller.in_(sorted(subject.phones)), callbacks.c.number.in_(sorted(subject.phones)))
    back = _ids(connection, callbacks.c.id, rung) + tuple(
        _within(connection, callbacks.c.id, callbacks.c.ticket_id, ids)
    )
    told = _named_in(connection, alarms.c.id, alarms.c.words, subject)
    told += tuple(_within(connection, alarms.c.id, alarms.c.ticket_id, ids))
    return Traces(
        tuple(ids), sum(state != "closed" for _, state in own), mails, _once(lines), _once(sent), tuple(dict.fromkeys(called)),
        _once(back), _once(told),
    )  # fmt: skip


def _tickets(connection: Connection, subject: Subject) -> list[tuple[int, str]]:
    t = tickets.c
    if subject.customer is not None:
        theirs = t.customer == subject.customer
    else:
        known = sa.or_(
            sa.false(),
            *(sa.and_(t.customer == customer, t.contact == one) for customer, one in sorted(subject.contacts)),
        )
        said = (t.requester.in_(sorted(subject.addresses)), t.phone.in_(sorted(subject.phones)))
        theirs = sa.or_(*said, known)
    return [(row[0], row[1]) for row in connection.execute(sa.select(t.id, t.state).where(theirs).order_by(t.id))]


def _mails_elsewhere(connection: Connection, subject: Subject, own: frozenset[int]) -> tuple[int, ...]:
    """Mails of this person on tickets of others."""
    if not subject.addresses:
        return ()
    query = sa.select(entries.c.id, entries.c.ticket_id, sa.type_coerce(entries.c.data, sa.Text)).where(
        entries.c.kind == "mail-in", _says(sa.type_coerce(entries.c.data, sa.Text), subject.addresses)
    )
    return tuple(
        row[0]
        for row in in_parts(connection, query, entries.c.id, CHUNK)
        if row[1] not in own and normal.address(str(json.loads(row[2]).get("from", ""))) in subject.addresses
    )


def _lines(connection: Connection, subject: Subject) -> tuple[int, ...]:
    """Lines of the ledger that name the person, and held mails that they wrote."""
    found = _named_in(connection, reports.c.id, reports.c.envelope_from, subject)
    found += _named_in(connection, reports.c.id, sa.type_coerce(reports.c.evidence, sa.Text), subject)
    waiting = connection.execute(sa.select(reports.c.id, reports.c.sha256).where(sa.or_(HELD, SPAM))).all()
    for start in range(0, len(waiting), CHUNK):
        some = waiting[start : start + CHUNK]
        heads = held.heads(connection, [row[1] for row in some])
        for report, sha256 in some:
            said = parsers.parse(heads[sha256]) if sha256 in heads else None
            if said and any(normal.address(one.addr) in subject.addresses for one in said.froms):
                found += (report,)
    return found


def _named_in(
    connection: Connection, wanted: "sa.Column[Any]", text: sa.ColumnElement[str], subject: Subject
) -> tuple[int, ...]:
    names = subject.addresses | subject.phones
    return _ids(connection, wanted, _says(text, names)) if names and subject.customer is None else ()


def _says(text: sa.ColumnElement[str], names: Iterable[str]) -> sa.ColumnElement[bool]:
    return sa.or_(*(text.icontains(one, autoescape=True) for one in sorted(names)))


def _ids(connection: Connection, wanted: "sa.Column[Any]", which: sa.ColumnElement[bool]) -> tuple[Any, ...]:
    return tuple(connection.execute(sa.select(wanted).where(which)).scalars())


def _within(
    connection: Connection, wanted: "sa.Column[Any]", of: "sa.Column[Any]", ids: Sequence[int]
) -> Iterable[Any]:
    """The rows of these tickets, a bounded number of ids at once."""
    for start in range(0, len(ids), CHUNK):
        yield from connection.execute(sa.select(wanted).where(of.in_(ids[start : start + CHUNK]))).scalars()


def _once(ids: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(ids)))
