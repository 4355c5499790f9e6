"""`POST /in/callback`: a program asks that somebody be called back. Read here, judged by the story and `gateway.calls.callbacks`.

The wish is a report like any other, with its ticket, whether it is taken or refused; the same Idempotency-Key is the same
wish. Refuses anything but JSON.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.calls import callbacks
from gateway.calls.callbacks import Wish
from gateway.calls.tolls import SAID
from gateway.engine import Arrival, Engine, Outcome
from gateway.errors import Permanent, Temporary
from gateway.store import callbacks as store
from gateway.web.reports_in import FIELDS, Refused, Typed, typed
from routing import numbers

MORE: Mapping[str, str] = {
    "when": "now: rung at once, then connected in turn; later (what it is when missing): when somebody is free",
    "not_before": "ISO 8601 with an offset",
    "not_after": "ISO 8601 with an offset",
}
WORDS = "Call back requested"
_TEXT = {"type": "string", "maxLength": 500}
CALLBACK: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "required": ["phone"],
        "properties": {name: {**_TEXT, "description": words} for name, words in {**FIELDS, **MORE}.items()},
    }}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}],
    "security": [{"bearer": []}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """When somebody wants to be rung."""

    now: bool
    not_before: datetime | None
    not_after: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """The ticket's outcome, and what became of the wish: taken, or why it is refused."""

    outcome: Outcome
    why: str | None


CallBack = Callable[[Arrival, Wanted], Told]


def read(body: bytes) -> tuple[Typed, Wanted]:
    """The fields of a wish. Raises Refused that names the field."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON; send one object") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Refused(422, "the body must be one JSON object whose values are texts")
    when = found.pop("when", "later")
    if when not in ("now", "later"):
        raise Refused(422, "when: neither now nor later; send one of the two")
    window = [_instant(name, found.pop(name, "")) for name in ("not_before", "not_after")]
    if not found.get("phone"):
        raise Refused(422, "phone: missing; say which number is to be called")
    return typed({"text": WORDS, **found}), Wanted(when == "now", *window)


def _instant(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refused(422, f"{name}: no instant; write it as 2026-11-25T10:00:00+01:00")
    return at


def call_back(engine: Engine) -> CallBack:
    """The wish and its ticket in one transaction."""

    def take(arrival: Arrival, wanted: Wanted) -> Told:
        mail = engine.read(arrival)
        key, why = f"api:{mail.key}", ["lost"]

        def beside(connection: Any, done: Outcome) -> None:
            if done.ticket_id is None or store.by_key(connection, key) is not None:
                return
            ticket = engine.ticket(connection, done.ticket_id)
            number = arrival.given.phone if arrival.given else None
            if ticket is None:
                return
            why[0] = callbacks.ask(connection, Wish(
                key, number or "", number, ticket.id, ticket.customer, ticket.plan, ticket.language, "api", wanted.now,
                wanted.not_before, wanted.not_after,
            ), engine.desk(ticket.desk), engine.database.clock.now()) or ""  # fmt: skip

        try:
            done = engine.file(mail, beside).result()
        except (Permanent, Temporary):
            raise
        except Exception as trouble:  # the door's edge: a fault of ours must not lose a wish
            done = engine.file_failed(mail, trouble, beside).result()
        if why[0] == "lost":  # the same wish again: it stands as it stood
            kept = engine.database.read(lambda connection: store.by_key(connection, key))
            return Told(done, "" if kept else "refused before")
        return Told(done, why[0])

    return take


def answer(told: Told) -> dict[str, Any]:
    """What the program reads."""
    number = told.outcome.number or (numbers.digits_of(told.outcome.ticket_id) if told.outcome.ticket_id else None)
    return {
        "outcome": told.outcome.outcome, "ticket": number, "callback": "refused" if told.why else "taken",
        "reason": SAID.get(told.why, told.why) if told.why else None,
    }  # fmt: skip
