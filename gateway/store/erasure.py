"""Empties what was said and who said it; ids, times, states and the ledger's keys stay.

The key of a mail stays in the ledger, so that the same mail handed in again is a duplicate and nothing comes back. Rows are
never removed but raw mails: their ids are the audit. Who may be erased is decided elsewhere.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import recordings, search
from gateway.store.tables import (
    alarms,
    assignments,
    call_events,
    call_steps,
    callbacks,
    calls,
    entries,
    erasures,
    jobs,
    letters,
    merges,
    raws,
    reports,
    suggestions,
    threads,
    tickets,
    trace_keys,
    traces,
)

CHUNK = 200
ERASED = "(erased)"
# Of each kind of entry, what is an id or a word of ours; everything else was somebody's.
STAYS: Mapping[str, frozenset[str]] = {
    "mail-in": frozenset(("sha256",)),
    "mail-out": frozenset(("letter", "kind", "state")),
    "answer": frozenset(("message_id",)),
    "call": frozenset(("sid",)),
    "description": frozenset(("sid", "recording", "seconds", "consent")),
    "page": frozenset(("person", "attempt", "exhausted", "words")),
    "clock": frozenset(("words", "name", "due", "late")),
}
OUR_LETTERS = ("acknowledge", "letter", "verify", "partly")  # jobs that are about the person


def scrubbed(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """An entry's data without what people said; its shape stays, so that the story is still shown."""
    stays = STAYS.get(kind, frozenset())
    kept = {key: value if key in stays or isinstance(value, bool) else _nothing(value) for key, value in data.items()}
    if kind == "state":  # "clock paused: the reason" -> "clock paused"
        kept["words"] = str(data.get("words", "")).partition(":")[0]
    return kept


def empty_ticket(connection: Connection, ticket_id: int, at: datetime, by: str, why: str) -> int:
    """A ticket without anything that anybody said, and its raw mails gone; says how many raws were removed."""
    row = connection.execute(sa.select(tickets.c.pauses).where(tickets.c.id == ticket_id)).one_or_none()
    if row is None:
        return 0
    connection.execute(
        sa.update(tickets).where(tickets.c.id == ticket_id).values(
            subject="", requester=None, phone=None, contact=None, evidence=[], version=tickets.c.version + 1,
            pauses=[[start, end, ""] for start, end, _ in row.pauses],
        )
    )  # fmt: skip
    ids = connection.execute(sa.select(entries.c.id).where(entries.c.ticket_id == ticket_id)).scalars()
    wanted = empty_entries(connection, list(ids))
    lines = connection.execute(sa.select(reports.c.id).where(reports.c.ticket_id == ticket_id)).scalars()
    wanted |= empty_reports(connection, list(lines))
    connection.execute(sa.delete(threads).where(threads.c.ticket_id == ticket_id))
    _forget_traces(connection, traces.c.ticket_id == ticket_id)
    near = sa.or_(suggestions.c.ticket_id == ticket_id, suggestions.c.other_id == ticket_id)
    connection.execute(sa.delete(suggestions).where(near))
    joined = sa.or_(merges.c.ticket_id == ticket_id, merges.c.into_id == ticket_id)
    connection.execute(sa.update(merges).where(joined).values(why=[]))
    connection.execute(sa.delete(jobs).where(jobs.c.ticket_id == ticket_id, jobs.c.kind.in_(OUR_LETTERS)))
    connection.execute(sa.update(alarms).where(alarms.c.ticket_id == ticket_id).values(words=ERASED))
    empty_letters(connection, letters.c.ticket_id == ticket_id)
    recordings.remove(connection, recordings.TABLE.c.ticket_id == ticket_id, at)
    sids = connection.execute(sa.select(calls.c.sid).where(calls.c.ticket_id == ticket_id)).scalars()
    empty_calls(connection, list(sids))
    connection.execute(sa.update(callbacks).where(callbacks.c.ticket_id == ticket_id).values(caller="", number=""))
    if connection.execute(sa.select(erasures.c.at).where(erasures.c.ticket_id == ticket_id)).first() is None:
        connection.execute(sa.insert(erasures), {"ticket_id": ticket_id, "at": at, "by": by, "why": why})
    return drop_raws(connection, wanted)


def empty_entries(connection: Connection, ids: Sequence[int]) -> set[str]:
    """Scrub these entries; returns the raw mails that they showed."""
    shown: set[str] = set()
    for some in _chunks(ids):
        for row in connection.execute(sa.select(entries).where(entries.c.id.in_(some))).all():
            author = "" if row.kind in ("mail-in", "call", "description") else row.author
            values = {"data": scrubbed(row.kind, row.data), "author": author}
            connection.execute(sa.update(entries).where(entries.c.id == row.id).values(**values))
            if row.kind == "mail-in" and row.data.get("sha256"):
                shown.add(row.data["sha256"])
                _forget_traces(connection, sa.and_(traces.c.ticket_id == row.ticket_id, traces.c.at == row.at))
    return shown


def empty_reports(connection: Connection, ids: Sequence[int]) -> set[str]:
    """Leave of these lines of the ledger id, key, time, door, outcome and ticket; returns their raw mails."""
    named: set[str] = set()
    nothing: dict[str, Any] = {"envelope_from": None, "rcpt": [], "peer": "", "message_id": None, "evidence": []}
    for some in _chunks(ids):
        query = sa.select(reports.c.sha256).where(reports.c.id.in_(some), reports.c.sha256.isnot(None))
        named |= set(connection.execute(query).scalars())
        connection.execute(sa.update(reports).where(reports.c.id.in_(some)).values(**nothing))
    return named


def empty_letters(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    """Letters of ours without recipient, subject and body; one that waits is not sent any more."""
    waiting = {"state": sa.case((letters.c.state == "waiting", "refused"), else_=letters.c.state)}
    nothing = {"recipient": "", "subject": "", "body": b"", "detail": ERASED, **waiting}
    return connection.execute(sa.update(letters).where(which).values(**nothing)).rowcount


def empty_calls(connection: Connection, sids: Sequence[str]) -> int:
    """Calls that are over, without number, dialogue, documents and what happened in them; the sid stays."""
    emptied = 0
    for some in _chunks(sids):
        over = sa.select(calls.c.sid).where(calls.c.sid.in_(some), calls.c.ended_at.isnot(None))
        ended = list(connection.execute(over).scalars())
        connection.execute(sa.delete(call_steps).where(call_steps.c.sid.in_(ended)))
        connection.execute(sa.delete(call_events).where(call_events.c.sid.in_(ended)))
        connection.execute(sa.update(calls).where(calls.c.sid.in_(ended)).values(number="", state={}))
        emptied += len(ended)
    return emptied


def forget_assignments(connection: Connection, values: Sequence[str]) -> None:
    """Addresses and numbers that somebody assigned to a customer."""
    connection.execute(sa.delete(assignments).where(assignments.c.value.in_(sorted(values))))


def _forget_traces(connection: Connection, which: sa.ColumnElement[bool]) -> None:
    """What reports are compared by, in the tables and in full-text search."""
    ids = list(connection.execute(sa.select(traces.c.id).where(which)).scalars())
    for some in _chunks(ids):
        search.drop(connection, some)
        connection.execute(sa.delete(trace_keys).where(trace_keys.c.trace_id.in_(some)))
        connection.execute(sa.delete(traces).where(traces.c.id.in_(some)))


def drop_raws(connection: Connection, wanted: set[str]) -> int:
    """Remove raw mails for good; returns how many there were."""
    dropped = 0
    for some in _chunks(sorted(wanted)):
        dropped += connection.execute(sa.delete(raws).where(raws.c.sha256.in_(some))).rowcount
    return dropped


def _chunks(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]


def _nothing(value: Any) -> Any:
    if isinstance(value, str):
        return ""
    if isinstance(value, list):
        return []
    return {} if isinstance(value, dict) else 0 if isinstance(value, int | float) else None
