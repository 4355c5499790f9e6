"""`POST /in/events`: one event of a monitoring system as JSON, written down as a report like any other.

The text that is made of it says host, service and state in lines that `routing.alerts` reads, so that an event by HTTP, its
repetition by mail and its recovery are one alert. Refuses to recognise, fold or route anything itself.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, get_args

from gateway.mail.forms import Given
from gateway.web.reports_in import Refused
from routing import proactive
from routing.desk import Desk

LONGEST, LONGEST_TEXT = 300, 20_000
FIELDS: Mapping[str, str] = {
    "customer": "the customer's code",
    "host": "what is in trouble",
    "service": "what of it",
    "state": "problem or recovery",
    "event": "a line of the desk's event table, by its id; by its words when it is missing",
    "severity": "a priority of the desk, for what the table does not have",
    "text": "what happened",
    "fingerprint": "instead of host and service: the same for every repetition of one alert",
    "at": "when, ISO 8601 with offset",
    "recipient": "the desk's address; the first one when it is missing",
}
STATES: Mapping[str, proactive.State] = {
    "problem": "problem", "firing": "problem", "down": "problem", "critical": "problem", "warning": "problem", "alerting": "problem",
    "recovery": "recovery", "resolved": "recovery", "ok": "recovery", "up": "recovery", "recovered": "recovery",
}  # fmt: skip
EVENT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object", "required": ["customer", "state"],
        "properties": {name: {"type": "string", "description": words} for name, words in FIELDS.items()},
    }}}},
    "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}],
    "security": [{"bearer": []}],
}  # fmt: skip
assert set(STATES.values()) == set(get_args(proactive.State))


def fields_of(body: bytes) -> Mapping[str, str]:
    """The event's fields, each a short text. Raises Refused."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON; send one object") from None
    if not isinstance(found, dict):
        raise Refused(400, "the body is no JSON object; send one")
    clean: dict[str, str] = {}
    for name, value in found.items():
        if name not in FIELDS:
            raise Refused(422, f"{str(name)[:50]}: no field of an event; the fields are {', '.join(FIELDS)}")
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Refused(422, f"{name}: not a text; send a string")
        text = str(value).replace("\0", "").encode("utf-8", "replace").decode()
        if len(text) > (LONGEST_TEXT if name == "text" else LONGEST):
            raise Refused(422, f"{name}: too long; shorten it")
        clean[name] = text.strip() if name == "text" else " ".join(text.split())
    return clean


def given(fields: Mapping[str, str], desk: Desk, vouched: str, now: datetime, key: str) -> Given:
    """The event as a report. Raises Refused that names the field."""
    state = STATES.get(fields.get("state", "").lower())
    host, service, mark = (fields.get(name, "") for name in ("host", "service", "fingerprint"))
    if state is None:
        raise Refused(422, f"state: use one of {', '.join(STATES)}")
    if not fields.get("customer"):
        raise Refused(422, "customer: missing; say whose system it is by their code")
    if not (host or service or mark):
        raise Refused(422, "host, service and fingerprint are all missing; say what is in trouble")
    said = fields.get("severity") or None
    if said is not None and said not in desk.priorities:
        raise Refused(422, f"severity: {said[:50]} is none of this desk's; use one of {', '.join(desk.priorities)}")
    at = _instant(fields.get("at", ""), now)
    named = fields.get("event", "")
    rule = proactive.rule_of(desk, f"{service} {fields.get('text', '')}", host, named)
    if named and (rule is None or rule.id != named):
        raise Refused(
            422, f"event: {named[:50]} is none of this desk's; use one of {', '.join(r.id for r in desk.events)}"
        )
    lines = [f"Host: {host}" if host else "", f"Service: {mark or service or host}", f"State: {state.upper()}"]
    lines += [f"Time: {at.isoformat()}", "", fields.get("text", "")]
    what = rule.label.get("en") or next(iter(rule.label.values())) if rule else service or mark or host
    subject = f"[{state.upper()}] {what}{f' on {host}' if host else ''}"
    return Given(
        "event", subject, "\n".join(line for line in lines if line or line == ""), code=fields["customer"],
        kind=proactive.kind_of(desk), priority=proactive.priority(desk, rule, state, said), vouched=vouched,
        key=sha256(f"event\0{key or json.dumps([sorted(fields.items()), at.isoformat()])}".encode()).hexdigest(),
    )  # fmt: skip


def _instant(text: str, now: datetime) -> datetime:
    """When it happened, as the sender says; the clock of the promise starts at our receipt all the same."""
    if not text:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(422, "at: not an instant; write it as 2026-12-24T03:15:00+01:00") from None
    if at.tzinfo is None:
        raise Refused(422, "at: without an offset; write it as 2026-12-24T03:15:00+01:00")
    return at
