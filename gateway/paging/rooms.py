"""An engineer joins a caller: a room for two at the carrier, told by its own events who is in it.

Connected is what both are in, and nothing else. The caller is fetched by a job, for no order goes to the carrier inside a
webhook's transaction; a caller who is gone sets the engineer free to hear the number. Refuses to know a room by its name at the
carrier: its lists lag behind, its events do not.
"""

from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import structlog
from sqlalchemy import Connection

import ivr
from gateway.engine import Engine
from gateway.phone.twilio import Later, Refused, Unknown
from gateway.store import calls, jobs, tickets
from gateway.store import paging as rooms
from gateway.store.calls import StoredCall
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import NewEntry
from ivr import events as e
from routing.tickets import Ticket

log = structlog.get_logger(__name__)

KIND = "room"
GIVE_UP_AT = 3  # attempts to fetch the caller
What = Literal["in", "out"]


@runtime_checkable
class Lines(Protocol):
    """The telephone company, as far as a room needs it: a call goes on with another document."""

    def send_to(self, sid: str, url: str) -> None: ...


def join(connection: Connection, ticket: Ticket, stored: StoredCall, now: datetime) -> e.Answer:
    """A room for this engineer and the caller who is on the line; CallerGone when nobody is."""
    assert stored.attempt is not None
    assert stored.page_id is not None
    caller = _caller(connection, ticket.id)
    if caller is None:
        return e.CallerGone(ticket.number, ticket.phone or "")
    name = stored.attempt
    if rooms.room(connection, name) is None:
        rooms.open_room(connection, {
            "name": name, "page_id": stored.page_id, "ticket_id": ticket.id, "engineer": stored.sid, "caller": caller.sid, "at": now,
        })  # fmt: skip
        jobs.add(connection, KIND, now, {"room": name}, ticket.id)
    return e.Joined(ticket.number, name)


def _caller(connection: Connection, ticket_id: int) -> StoredCall | None:
    """The customer's call about this ticket that is still up."""
    up = [
        one
        for one in calls.of_ticket(connection, ticket_id)
        if one.direction == "caller" and one.status == "in-progress"
    ]
    return up[-1] if up else None


def afterwards(connection: Connection, ticket: Ticket, stored: StoredCall) -> e.Answer:
    """The engineer is out of the room: did they talk?"""
    found = rooms.room(connection, stored.attempt or "")
    if found is not None and found.connected_at is not None:
        return e.Talked(ticket.number)
    return e.CallerGone(ticket.number, ticket.phone or "")


def told(
    connection: Connection, engine: Engine, name: str, sid: str, conference: str, what: What, now: datetime
) -> None:
    """The carrier's news: this call came into the room, or left it."""
    found = rooms.room(connection, name, lock=True)
    if found is None or sid not in (found.engineer, found.caller) or (found.sid or conference) != conference:
        return
    inside = [one for one in found.inside if one != sid] + ([sid] if what == "in" else [])
    together = len(inside) == 2 and found.connected_at is None
    changes: dict[str, Any] = {"sid": conference, "inside": inside}
    if together:
        changes["connected_at"] = now
        words = {"words": "the engineer and the caller are connected", "attempt": name}
        tickets.tell(connection, found.ticket_id, now, NewEntry("page", "presa", words))
    if what == "out" and not inside and found.ended_at is None:
        changes["ended_at"] = now
    rooms.keep_room(connection, name, **changes)
    if what == "out" and sid == found.caller and found.connected_at is None:
        jobs.add(connection, KIND, now, {"room": name, "free": True}, found.ticket_id)


def caller_left(connection: Connection, sid: str, ticket_id: int | None, now: datetime) -> None:
    """The caller hung up: an engineer who waits for them in a room is set free to hear the number."""
    if ticket_id is None:
        return
    for one in calls.of_ticket(connection, ticket_id):
        found = rooms.room(connection, one.attempt) if one.direction == "page" and one.attempt else None
        if found is not None and found.caller == sid and found.connected_at is None and one.status == "in-progress":
            jobs.add(connection, KIND, now, {"room": found.name, "free": True}, ticket_id)


class Rooms:
    """The handler of `room` jobs. `path`: below which the carrier's webhooks come in."""

    def __init__(self, engine: Engine, carrier: object | None, path: str) -> None:
        self._engine = engine
        self._database = engine.database
        self._carrier = carrier if isinstance(carrier, Lines) else None
        self._base, self._path = engine.settings.public_url, path

    def run(self, job: Job) -> Settled:
        """Fetch the caller into the room, or set the engineer free."""
        found = self._database.read(lambda connection: rooms.room(connection, job.state["room"]))
        if found is None or found.ended_at is not None:
            return Settled()
        if job.state.get("free"):
            self._free(found)
            return Settled()
        try:
            self._redirect(found.caller, f"{self._base}{self._path}/room/{found.name}")
        except (Refused, Unknown, Later) as trouble:
            log.warning("room.caller_not_fetched", room=found.name, why=trouble.public)
            if not isinstance(trouble, Refused) and job.attempts < GIVE_UP_AT:
                raise
            self._free(found)
        return Settled()

    def _free(self, found: rooms.Conference) -> None:
        """The engineer's call goes on at the step it waits at."""
        call = self._database.read(lambda connection: calls.get(connection, found.engineer))
        if call is None or call.status != "in-progress":
            return
        step = ivr.from_json(call.state).step
        try:
            self._redirect(found.engineer, f"{self._base}{self._path}/step/{found.engineer}/{step}")
        except Refused:
            log.info("room.engineer_gone", room=found.name)

    def _redirect(self, sid: str, url: str) -> None:
        if self._carrier is None:
            raise Refused("this carrier cannot move calls")
        self._carrier.send_to(sid, url)


def document(connection: Connection, engine: Engine, name: str, sid: str, path: str) -> str | None:
    """What the caller who is fetched hears; None when this is not their room."""
    found = rooms.room(connection, name)
    if found is None or found.caller != sid:
        return None
    ticket = engine.ticket(connection, found.ticket_id)
    base = engine.settings.public_url

    def url(step: int) -> str:
        return f"{base}{path}/step/{sid}/{step}" if step < 0 else f"{base}{path}/room/{name}/end"

    carrier = engine.settings.carrier
    region = carrier.region if carrier else ivr.REGION
    return ivr.meeting((ticket.language,) if ticket else ("en",), name, url, region)
