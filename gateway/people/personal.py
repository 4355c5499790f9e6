"""Everything about one person or one customer: handed out (`presa export`) or emptied (`presa erase`).

An erasure empties the subject's own tickets whole, their mails on tickets of others, the lines of the ledger that name them, the
letters to them and their calls; ids, times and outcomes stay as the audit. It is one transaction. The directory is a file of
somebody else's and is not touched. What others wrote about a person is not searched.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.phone.carrier import media_type
from gateway.store import erasure, held, people, recordings, reports, tables
from gateway.store.database import Database, log_committed
from gateway.store.people import Subject, Traces

RECORDS = "data.jsonl"


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure emptied; `recordings`: those of calls from before Presa kept them, which only the carrier has."""

    traces: Traces
    raws: int
    recordings: tuple[str, ...]


# Out ------------------------------------------------------------------------------------------------------------


def records(connection: Connection, traces: Traces) -> Iterator[Mapping[str, Any]]:
    """One object for each thing there is; bytes (raw mails, letters) are named by the file they have in the archive."""
    for ticket in traces.tickets:
        yield from _rows(connection, tables.tickets, "ticket", tables.tickets.c.id == ticket)
        yield from _rows(connection, tables.entries, "entry", tables.entries.c.ticket_id == ticket)
        yield from _rows(connection, tables.recordings, "recording", tables.recordings.c.ticket_id == ticket)
    by_id = (
        (tables.entries, "entry", traces.entries),
        (tables.reports, "report", traces.reports),
        (tables.letters, "letter", traces.letters),
        (tables.callbacks, "callback", traces.callbacks),
        (tables.alarms, "alarm", traces.alarms),
    )
    for table, what, ids in by_id:
        for one in ids:
            yield from _rows(connection, table, what, table.c.id == one)
    for sid in traces.calls:
        yield from _rows(connection, tables.calls, "call", tables.calls.c.sid == sid)
        yield from _rows(connection, tables.call_events, "call-event", tables.call_events.c.sid == sid)


def _rows(
    connection: Connection, table: sa.Table, what: str, which: sa.ColumnElement[bool]
) -> Iterator[Mapping[str, Any]]:
    for row in connection.execute(sa.select(table).where(which).order_by(*table.primary_key)):
        facts = {name: value for name, value in row._mapping.items() if not isinstance(value, bytes)}
        files = {"file": f"mails/{facts['sha256']}.eml"} if facts.get("sha256") else {}
        yield {"what": what, **facts, **({"file": f"letters/{row.id}.eml"} if what == "letter" else files)}


def archive(connection: Connection, traces: Traces, path: Path) -> int:
    """A ZIP file with `data.jsonl`, every raw mail, letter and recording; files are named by our ids alone. Says how many records."""
    count, mails = 0, set[str]()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open(RECORDS, "w") as out:
            for record in records(connection, traces):
                out.write(f"{as_line(record)}\n".encode())
                count += 1
                sha256 = record.get("sha256") or record.get("data", {}).get("sha256")
                mails |= {sha256} if isinstance(sha256, str) and sha256 else set()
        for sha256 in sorted(mails):
            if (raw := reports.raw(connection, sha256)) is not None:
                file.writestr(f"mails/{sha256}.eml", raw)
        for sid in sorted(recordings.of_tickets(connection, traces.tickets)):
            if (sound := recordings.sound(connection, sid)) is not None:
                file.writestr(f"recordings/{sid}.{'wav' if media_type(sound) == 'audio/wav' else 'mp3'}", sound)
        for letter in traces.letters:
            body = connection.execute(sa.select(tables.letters.c.body).where(tables.letters.c.id == letter)).scalar()
            file.writestr(f"letters/{letter}.eml", body or b"")
    return count


def as_line(record: Mapping[str, Any]) -> str:
    """One JSON object on one line; instants in ISO 8601."""
    return json.dumps(record, ensure_ascii=False, default=lambda value: value.isoformat())


# Gone -----------------------------------------------------------------------------------------------------------


def erase(database: Database, said: str, by: str) -> Erased:
    """Empty everything of a person, for good."""
    now = database.clock.now()

    def write(connection: Connection) -> Erased:
        subject = people.person(connection, said)
        found = people.traces(connection, subject)
        ours = recordings.of_tickets(connection, found.tickets)
        foreign = tuple(one for one in dict.fromkeys(_recordings(connection, found)) if one not in ours)
        raws = sum(erasure.empty_ticket(connection, one, now, by, "erased") for one in found.tickets)
        named = erasure.empty_entries(connection, found.entries)
        raws += erasure.drop_raws(connection, named | _forget(connection, found, subject, now, by))
        counts = {name: len(value) for name, value in asdict(found).items() if isinstance(value, tuple)}
        log_committed(connection, "erased", raws=raws, **counts)
        return Erased(found, raws, foreign)

    return database.write(write)


def _forget(connection: Connection, found: Traces, subject: Subject, now: datetime, by: str) -> set[str]:
    """Lines, letters, calls and alarms outside the subject's own tickets. Their raw mails, where the mail is theirs."""
    theirs: set[str] = set()
    for one in found.reports:
        row = held.lock(connection, one)
        if row is None:
            continue
        if row.outcome == "held":  # nobody can decide about it any more
            held.tell(connection, row, at=now, by=by, did="erased")
            reports.settle(connection, row.id, {"outcome": "refused", "reason": "erased"})
        if row.sha256 and (row.ticket_id is None or (row.envelope_from or "").lower() in subject.addresses):
            theirs.add(row.sha256)
    erasure.empty_reports(connection, found.reports)
    for start in range(0, len(found.letters), erasure.CHUNK):
        some = found.letters[start : start + erasure.CHUNK]
        erasure.empty_letters(connection, tables.letters.c.id.in_(some))
    erasure.empty_calls(connection, found.calls)
    erasure.forget_assignments(connection, sorted(subject.addresses | subject.phones))
    for table, ids, nothing in (
        (tables.callbacks, found.callbacks, {"caller": "", "number": ""}),
        (tables.alarms, found.alarms, {"words": erasure.ERASED}),
    ):
        for one in ids:
            connection.execute(sa.update(table).where(table.c.id == one).values(**nothing))
    return theirs


def _recordings(connection: Connection, found: Traces) -> Iterator[str]:
    for ticket in found.tickets:
        rows = connection.execute(
            sa.select(tables.entries.c.data).where(tables.entries.c.ticket_id == ticket)
        ).scalars()
        yield from (str(data["recording"]) for data in rows if data.get("recording"))
