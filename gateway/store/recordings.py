"""What callers said into the telephone: the sound as we keep it, until its time is over or somebody asks for its end.

The row stays when the sound goes: that there was one, when and for how long is the audit. Nothing here fetches anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import jobs
from gateway.store.tables import recordings

State = Literal["waiting", "kept", "lost", "removed"]
TABLE = recordings
KIND = "recording"  # the job that fetches, removes at the carrier, or writes down


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """`consent`: the language in which the announcement was spoken before; `at_carrier`: it still lies there, too."""

    sid: str
    ticket_id: int
    call: str
    at: datetime
    seconds: int
    consent: str
    state: State
    at_carrier: bool
    transcript: str | None
    written_by: str | None


_SHOWN = [c for c in recordings.c if c.name != "sound"]


def expect(connection: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """A recording lies with the carrier: fetch it. Once, however often its webhook comes."""
    if get(connection, values["sid"]) is not None:
        return
    kept = {"state": "waiting", "at_carrier": True, "sound": None, "transcript": None, "written_by": None}
    connection.execute(sa.insert(recordings), {**kept, **values})
    todo(connection, values["sid"], "fetch", values["ticket_id"], now)


def todo(connection: Connection, sid: str, do: Literal["fetch", "forget", "write"], ticket: int, at: datetime) -> None:
    """Put down what has to be done with a recording."""
    jobs.add(connection, KIND, at, {"recording": sid, "do": do}, ticket)


def get(connection: Connection, sid: str) -> StoredRecording | None:
    row = connection.execute(sa.select(*_SHOWN).where(recordings.c.sid == sid)).one_or_none()
    return None if row is None else StoredRecording(**row._mapping)


def sound(connection: Connection, sid: str) -> bytes | None:
    return connection.execute(sa.select(recordings.c.sound).where(recordings.c.sid == sid)).scalar()


def of_tickets(connection: Connection, tickets: Sequence[int]) -> Mapping[str, StoredRecording]:
    """By id, all recordings of these tickets."""
    rows = connection.execute(sa.select(*_SHOWN).where(recordings.c.ticket_id.in_(tickets)))
    return {row.sid: StoredRecording(**row._mapping) for row in rows}


def update(connection: Connection, sid: str, **changes: Any) -> None:
    connection.execute(sa.update(recordings).where(recordings.c.sid == sid).values(**changes))


def remove(connection: Connection, which: sa.ColumnElement[bool], now: datetime) -> tuple[str, ...]:
    """Sounds and transcripts gone, for good, and at the carrier as soon as it answers; returns their ids."""
    there = sa.and_(which, recordings.c.state != "removed")
    found = connection.execute(
        sa.select(recordings.c.sid, recordings.c.ticket_id, recordings.c.at_carrier).where(there)
    ).all()
    for row in found:
        if row.at_carrier:
            todo(connection, row.sid, "forget", row.ticket_id, now)
    ids = [row.sid for row in found]
    nothing = {"sound": None, "transcript": None, "state": "removed"}
    connection.execute(sa.update(recordings).where(recordings.c.sid.in_(ids)).values(**nothing))
    return tuple(ids)
