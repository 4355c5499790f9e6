"""A stand-in carrier: the part of Twilio's REST that Presa uses, and telephones that ring, for tests and the demo.

`Exchange` is told everything, time too. Nothing but `Timeline.advance_to` makes it act, so an order only puts down what
comes next and never waits. Refuses to be a carrier for anybody but the one account it was made for.
"""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Any

from gateway.phone.activity import CHARACTERS_A_SECOND
from gateway.phone.simulator import ENDED, Line, Phone, status_fields

EVENTS = ("initiated", "ringing", "answered", "completed")
TWILIO_DEFAULT_TIMEOUT = 60
BASE = "/2010-04-01/Accounts/{account}/Calls"
Reply = tuple[int, Mapping[str, Any]]


class Handset(Phone):
    """A telephone that Presa rings. `answer`, `reject` and what every `Phone` can are what its owner does."""

    def __init__(self, line: Line, order: Mapping[str, Sequence[str]], parent: Exchange) -> None:
        super().__init__(line, from_=_one(order, "From"), to=_one(order, "To"), direction="outbound-api")
        self.order, self.parent = order, parent
        self.created = line.timeline.now
        self.sequence = 0
        self.on_end = lambda: self.tell("completed")

    def ring(self) -> None:
        """The network reached it, or did not."""
        if self.over:
            return
        self.tell("initiated")
        behaviour = self.parent.behaviour.get(self.to)
        if isinstance(behaviour, str):
            self.end(behaviour)
            return
        self.status = "ringing"
        self.tell("ringing")
        timeout = float(_one(self.order, "Timeout") or TWILIO_DEFAULT_TIMEOUT)
        self.line.timeline.later(timeout, lambda: self.end("no-answer") if self.status == "ringing" else None)
        if behaviour is not None:
            behaviour(self)

    def answer(self) -> None:
        if self.status == "ringing":
            self.status, self.answered_at = "in-progress", self.line.timeline.now
            self.tell("answered")
            self.begin(_one(self.order, "Url"))

    def reject(self) -> None:
        if self.status == "ringing":
            self.end("busy")

    def tell(self, event: str) -> None:
        """A status callback, if it was asked for. Ends of every kind go under "completed"."""
        url, wanted = _one(self.order, "StatusCallback"), self.order.get("StatusCallbackEvent") or ("completed",)
        sequence, self.sequence = self.sequence, self.sequence + 1
        if url and event in wanted:
            said = {"initiated": {"CallStatus": "initiated"}}.get(event, {})
            self.line.tell(url, {**self.facts(), **status_fields(self, sequence), **said})

    def as_row(self) -> dict[str, Any]:
        """The call as REST shows it."""
        return as_row(self, self.created)


def as_row(phone: Phone, created: float) -> dict[str, Any]:
    """A call as REST shows it, ours or a customer's."""
    started = phone.status not in ("queued", "ringing", "initiated")
    return {
        "sid": phone.sid,
        "account_sid": phone.line.account_sid,
        "to": phone.to,
        "from": phone.from_,
        "status": phone.status,
        "direction": phone.direction,
        "date_created": formatdate(created, usegmt=True),
        "start_time": formatdate(phone.answered_at, usegmt=True) if started and phone.answered_at else None,
        "duration": str(round(phone.ended_at - phone.answered_at)) if phone.status == "completed" else None,
        "uri": f"{BASE.format(account=phone.line.account_sid)}/{phone.sid}.json",
    }


class Exchange:
    """Orders in, telephones out. `behaviour`: number -> "busy", "failed", or what is done when it rings."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.calls: dict[str, Handset] = {}
        self.callers: dict[str, Phone] = {}
        self.behaviour: dict[str, str | Callable[[Handset], object]] = {}
        self.texts: list[dict[str, Any]] = []  # SMS that were sent, oldest first
        self.orders = 0  # how often a call was ordered, for "nothing was rung twice"
        self.trouble: list[str] = []  # for tests: "before" fails the next order, "after" does it and fails to say so
        line.network = self

    # ── REST ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, order: Mapping[str, Sequence[str]]) -> Reply:
        """POST Calls.json. The telephone rings when time is moved next."""
        missing = [name for name in ("To", "From", "Url") if not _one(order, name)]
        if missing:
            return 400, {"code": 21201, "message": f"missing: {', '.join(missing)}", "status": 400}
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "before":
            return 503, {"code": 20503, "message": "service unavailable", "status": 503}
        if trouble == "slow down":
            return 429, {"code": 20429, "message": "too many requests", "status": 429}
        if trouble == "no such number":
            return 400, {"code": 21211, "message": "is not a valid phone number", "status": 400}
        self.orders += 1
        handset = Handset(self.line, order, self)
        self.calls[handset.sid] = handset
        self.line.timeline.later(0, handset.ring)
        if trouble == "after":
            return 504, {"code": 20504, "message": "gateway time-out", "status": 504}
        return 201, handset.as_row()

    def text(self, order: Mapping[str, Sequence[str]]) -> Reply:
        """POST Messages.json. `trouble` as for calls."""
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "before":
            return 503, {"code": 20503, "message": "service unavailable", "status": 503}
        now = self.line.timeline.now
        row = {"sid": self.line.new_id("SM", _one(order, "To")), "to": _one(order, "To"), "body": _one(order, "Body")}
        self.texts.append({**row, "from": _one(order, "From"), "date_created": formatdate(now, usegmt=True)})
        return (504, {"code": 20504, "status": 504}) if trouble == "after" else (201, self.texts[-1])

    def texts_to(self, to: str) -> Reply:
        """GET Messages.json, newest first."""
        return 200, {"messages": [row for row in self.texts[::-1] if row["to"] == to]}

    def list(self, to: str = "", status: str = "") -> Reply:
        """GET Calls.json, newest first."""
        rows = [c.as_row() for c in list_of(self.calls) if to in ("", c.to) and status in ("", c.status)]
        return 200, {"calls": rows[::-1], "page": 0, "page_size": 50}

    def get(self, sid: str) -> Reply:
        if sid in self.callers:
            return 200, as_row(self.callers[sid], self.callers[sid].answered_at)
        call = self.calls.get(sid)
        return (200, call.as_row()) if call else _not_found(sid)

    def update(self, sid: str, status: str, url: str = "") -> Reply:
        """POST Calls/{sid}.json: "canceled" stops what is queued or rings, "completed" ends it in any state; with an
        address, a call that is up goes on there."""
        call = self.calls.get(sid)
        if call is None:
            return self._send_to(sid, url) if sid in self.callers else _not_found(sid)
        if url:
            return self._send_to(sid, url)
        if status not in ("canceled", "completed"):
            return 400, {"code": 21220, "message": "invalid status", "status": 400}
        self.line.timeline.later(0, lambda: _stop(call, status))
        return 200, call.as_row()

    def sound(self, sid: str) -> bytes | None:
        """GET Recordings/{sid}: what was said, as a hum of its length; None when there is no such recording."""
        said = self.line.recordings.get(sid)
        return None if said is None else hum(len(said) / CHARACTERS_A_SECOND)

    def forget(self, sid: str) -> Reply:
        """DELETE Recordings/{sid}.json."""
        return (204, {}) if self.line.recordings.pop(sid, None) is not None else _not_found(sid)

    def _send_to(self, sid: str, url: str) -> Reply:
        phone = self.calls.get(sid) or self.callers[sid]
        if not url or phone.status != "in-progress":
            return 400, {"code": 21220, "message": "Call is not in-progress. Cannot redirect.", "status": 400}
        self.line.timeline.later(0, lambda: None if phone.over else phone.sent_to(url))
        return 200, {"sid": sid, "to": phone.to, "from": phone.from_, "status": phone.status}

    # ── telephones ──────────────────────────────────────────────────────────────────────────────────────────────────

    def incoming(self, from_: str, to: str) -> Phone:
        """A customer's telephone; orders over REST reach its call."""
        phone = Phone(self.line, from_=from_, to=to)
        self.callers[phone.sid] = phone
        return phone

    def ringing(self, number: str = "") -> tuple[Handset, ...]:
        """The telephones that ring now, oldest first."""
        return tuple(c for c in list_of(self.calls) if c.status == "ringing" and number in ("", c.to))

    def last(self, number: str) -> Handset:
        """The newest call to a number."""
        return [c for c in list_of(self.calls) if c.to == number][-1]

    def dial(
        self, number: str, from_: str, seconds: float, ended: Callable[[str, float], None], url: str = ""
    ) -> Callable[[], None]:
        """A <Dial> inside a call: rings a telephone that only talks. Answers with what hangs it up."""
        handset = self.leg(number, from_, seconds, url)
        handset.on_end = lambda: ended(handset.status, handset.talked)
        return handset.hang_up

    def leg(self, number: str, from_: str, seconds: float, url: str) -> Talker:
        """The telephone that a <Dial> rings, for whoever watches it themselves."""
        order = {"To": (number,), "From": (from_,), "Timeout": (str(seconds),), "Url": (url,)}
        handset = Talker(self.line, order, self)
        self.calls[handset.sid] = handset
        self.line.timeline.later(0, handset.ring)
        return handset


class Talker(Handset):
    """The other end of a <Dial>: at the most a document before, then two people talk."""

    bridged_at = 0.0

    @property
    def talked(self) -> float:
        """Seconds that the two were connected."""
        return self.ended_at - self.bridged_at if self.bridged_at and self.over else 0.0

    def answer(self) -> None:
        if self.status == "ringing":
            self.status, self.answered_at = "in-progress", self.line.timeline.now
            first = _one(self.order, "Url")
            self.begin(first) if first else self.finished()

    def finished(self) -> None:
        """The document ended without hanging up: that connects them."""
        self.bridged_at = self.line.timeline.now
        self.hear("", "(connected)")


RATE = 8_000


def hum(seconds: float) -> bytes:
    """A WAV file: 8 kHz, 8 bit, one channel, at most half a minute."""
    count = int(min(30.0, max(0.5, seconds)) * RATE)
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE)
        file.writeframes(bytes(128 + int(30 * math.sin(at / 9)) for at in range(count)))
    return held.getvalue()


def list_of(calls: Mapping[str, Handset]) -> list[Handset]:
    """A copy that another thread's new call does not disturb."""
    return list(calls.values())


def _stop(call: Handset, status: str) -> None:
    if call.status in ("queued", "ringing"):
        call.end("canceled")
    elif status == "completed" and call.status not in ENDED:
        call.hang_up()


def _not_found(sid: str) -> Reply:
    return 404, {"code": 20404, "message": f"{sid} was not found", "status": 404}


def _one(fields: Mapping[str, Sequence[str]], name: str) -> str:
    values = fields.get(name) or ("",)
    return values[0]
