"""The telephone of somebody of the desk whom a caller is being connected to: who it is, and the key that connects.

A voicemail picks up too, and a carrier calls that answered; so nobody is connected before a key (`ivr.states.AGENT`), and what
counts as a conversation is the key, not the carrier's word. Refuses to say anything of a caller who is gone.
"""

from datetime import datetime

from sqlalchemy import Connection

import ivr
from gateway.calls import waiting
from gateway.engine import Engine
from gateway.store import calls
from gateway.store.calls import StoredCall
from ivr import events as e
from routing.desk import Desk


def begin(connection: Connection, engine: Engine, sid: str, caller: str, now: datetime) -> bool:
    """Somebody picked up for this caller; False when nobody of ours is being rung for them."""
    theirs = calls.get(connection, caller)
    if theirs is None or sid == caller or not waiting.ever(connection, caller):
        return False
    desk = engine.desk(theirs.state["desk"])
    call = ivr.begin(sid, "agent", desk.languages[0])
    number = waiting.number_rung(connection, caller, desk)
    calls.begin(connection, {
        "sid": sid, "direction": "agent", "number": number, "at": now, "attempt": caller, "ticket_id": theirs.ticket_id,
        "customer": theirs.customer, "state": {"desk": desk.id, **ivr.to_json(call)},
    })  # fmt: skip
    return True


def perform(
    connection: Connection, engine: Engine, asked: e.LookAtCaller | e.AcceptCaller, stored: StoredCall, desk: Desk, now: datetime
) -> e.Answer:  # fmt: skip
    """Does the caller still wait, and who takes them?"""
    theirs = calls.get(connection, stored.attempt or "", lock=True)
    mine = waiting.offered(connection, theirs)
    ticket = engine.ticket(connection, theirs.ticket_id) if theirs is not None and theirs.ticket_id else None
    if mine is None or ticket is None:
        return e.CallerLeft()
    if isinstance(asked, e.AcceptCaller):
        waiting.taken(connection, mine, ticket.id, desk, now)
        return e.CallerTaken(ticket.number)
    return e.CallerWaits(ticket.number, ticket.customer_name or "")
