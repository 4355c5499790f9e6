"""Recordings: fetched from the carrier by their id, kept here, removed there, written down if somebody can.

A recording exists only where the desk's configuration says so, and only behind a spoken announcement. It is fetched from the
configured carrier's address, never from one that a webhook names. Refuses to remove anything at the carrier before it is durable
here.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import timedelta
from typing import Protocol

import structlog
from sqlalchemy import Connection

from gateway.calls.callers import SUBJECT
from gateway.engine import Engine
from gateway.errors import Permanent, Temporary
from gateway.phone.carrier import Later, Orders, Refused
from gateway.store import jobs, recordings, tickets
from gateway.store.jobs import Job, Settled
from gateway.store.recordings import StoredRecording
from gateway.store.tickets import NewEntry

log = structlog.get_logger(__name__)

LOST_AFTER = timedelta(days=2)
LONGEST_TRANSCRIPT = 20_000


class Transcriber(Protocol):
    """Writes a recording down. Raises Permanent, in words, when it can't at all."""

    name: str

    def transcribe(self, sound: bytes, language: str) -> str: ...


class Recordings:
    """What happens with recordings after a call. `orders`: the carrier, None without one; `transcriber`: likewise."""

    def __init__(self, engine: Engine, orders: Orders | None, transcriber: Transcriber | None = None) -> None:
        self._engine = engine
        self._database = engine.database
        self._orders = orders
        self._transcriber = transcriber

    # The door ---------------------------------------------------------------------------------------------------

    def sound(self, sid: str) -> bytes:
        """The sound, ours or, as long as it is not here, the carrier's. Raises Permanent, Temporary."""
        kept = self._database.read(
            lambda connection: (recordings.get(connection, sid), recordings.sound(connection, sid))
        )
        stored, sound = kept
        if sound is not None:
            return bytes(sound)
        if stored is None or stored.state != "waiting":
            raise Permanent("the recording is not there any more")
        return self._carrier().recording(sid)

    def told(self, sid: str, news: Mapping[str, str]) -> Future[None]:
        """The carrier's news of a recording: it is ready, or it has been written down."""
        text, now = news.get("TranscriptionText", "").strip()[:LONGEST_TRANSCRIPT], self._database.clock.now()

        def tell(connection: Connection) -> None:
            stored = recordings.get(connection, sid)
            if stored is None or stored.state == "removed":
                return
            if text and news.get("TranscriptionStatus", "completed") == "completed":
                self._written(connection, stored, text, "carrier")
            elif stored.state == "waiting":
                jobs.hasten(connection, recordings.KIND, stored.ticket_id, now)

        return self._database.submit(tell)

    # The job ----------------------------------------------------------------------------------------------------

    def run(self, job: Job) -> Settled:
        """Fetch it, remove it at the carrier, or write it down."""
        sid = str(job.state["recording"])
        stored = self._database.read(lambda connection: recordings.get(connection, sid))
        if stored is None:
            return Settled()
        match job.state["do"]:
            case "fetch":
                return self._fetch(stored)
            case "write":
                return self._write_down(stored)
        self._carrier().forget(sid)
        return Settled(lambda connection: recordings.update(connection, sid, at_carrier=False))

    def _fetch(self, stored: StoredRecording) -> Settled:
        if stored.state != "waiting":
            return Settled()
        now = self._database.clock.now()
        try:
            sound = self._carrier().recording(stored.sid)
        except (Refused, Later) as refused:
            if isinstance(refused, Later) and now - stored.at < LOST_AFTER:
                raise
            words = f"{self._number(stored)}: the recording of a call could not be fetched ({refused.public}); ring the caller back"

            def lost(connection: Connection) -> None:
                recordings.update(connection, stored.sid, state="lost")
                jobs.alarm(connection, now, "recording-lost", words, stored.ticket_id)

            return Settled(lost)

        def keep(connection: Connection) -> None:
            recordings.update(connection, stored.sid, state="kept", sound=sound)
            recordings.todo(connection, stored.sid, "forget", stored.ticket_id, now)
            if self._transcriber is not None:
                recordings.todo(connection, stored.sid, "write", stored.ticket_id, now)

        return Settled(keep)

    def _write_down(self, stored: StoredRecording) -> Settled:
        sound = self._database.read(lambda connection: recordings.sound(connection, stored.sid))
        if self._transcriber is None or sound is None or stored.transcript:
            return Settled()
        text = self._transcriber.transcribe(bytes(sound), stored.consent).strip()[:LONGEST_TRANSCRIPT]
        name = self._transcriber.name
        return Settled((lambda connection: self._written(connection, stored, text, name)) if text else None)

    def _written(self, connection: Connection, stored: StoredRecording, text: str, by: str) -> None:
        """Kept beside the sound; it is also what the ticket is called, unless somebody has called it something else."""
        recordings.update(connection, stored.sid, transcript=text, written_by=by)
        ticket = self._engine.ticket(connection, stored.ticket_id, lock=True)
        if ticket is not None and ticket.subject in SUBJECT.values():
            tickets.update(connection, ticket, subject=text[:120])
        if ticket is not None and ticket.customer:
            jobs.add(connection, "relate", self._database.clock.now(), {}, ticket.id)
        told = NewEntry("note", "presa", {"words": f"the recording was written down ({by})"})
        tickets.tell(connection, stored.ticket_id, self._database.clock.now(), told)

    def _carrier(self) -> Orders:
        if self._orders is None:
            raise Temporary("no carrier is configured")
        return self._orders

    def _number(self, stored: StoredRecording) -> str:
        ticket = self._database.read(lambda connection: self._engine.ticket(connection, stored.ticket_id))
        return ticket.number if ticket else ""
