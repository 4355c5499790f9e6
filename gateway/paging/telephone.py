"""Our telephone, as pages and test pages use it: an order, or a question about one, becomes news of its attempt.

Refuses to decide who is rung and to write anything down.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.phone.twilio import Later, Placed, Refused, Unknown
from routing import paging
from routing.paging import Event

log = structlog.get_logger(__name__)

# The carrier's words for a call -> what the page hears (Twilio, "Call resource", CallStatus).
STATUS: Mapping[str, paging.What] = {
    "queued": "placed",
    "initiated": "placed",
    "ringing": "ringing",
    "in-progress": "answered",
    "answered": "answered",
    "completed": "ended",
    "busy": "ended",
    "no-answer": "ended",
    "failed": "ended",
    "canceled": "ended",
}


class Carrier(Protocol):
    """The telephone company, as far as a page needs it (`gateway.phone.twilio.Carrier` is one)."""

    def place(
        self, *, to: str, from_: str, url: str, status_callback: str, attempt_id: str, timeout: int = 25
    ) -> str: ...

    def find(self, *, to: str, since: datetime) -> tuple[Placed, ...]: ...

    def get(self, sid: str) -> Placed: ...


@dataclass(frozen=True, slots=True)
class Lines:
    """How our calls go out: our number, and where the carrier asks what to say and tells what happens."""

    number: str
    answer_url: str
    status_url: str


@dataclass(frozen=True, slots=True)
class Telephone:
    """Rings for attempts. Without a carrier every order fails, and says so."""

    carrier: Carrier | None
    lines: Lines
    clock: Clock

    def ring(self, attempt: str, number: str, seconds: int) -> Event:
        """Order a call, and what came of the order."""
        if self.carrier is None:
            return Event(attempt, "failed", self.clock.now(), "no carrier configured")
        try:
            sid = self.carrier.place(
                to=number, from_=self.lines.number, url=self.lines.answer_url, status_callback=self.lines.status_url,
                attempt_id=attempt, timeout=seconds,
            )  # fmt: skip
        except Refused as refused:
            return Event(attempt, "failed", self.clock.now(), refused.public)
        except Later as later:
            log.warning("ring.not_placed", attempt=attempt, why=later.public)
            return Event(attempt, "missing", self.clock.now(), "missing")
        except Unknown as unknown:
            log.warning("ring.unknown", attempt=attempt, why=unknown.public)
            return Event(attempt, "unknown", self.clock.now())
        return Event(attempt, "placed", self.clock.now(), provider_sid=sid)

    def said(self, attempt: str, found: Placed) -> tuple[Event, ...]:
        """What the carrier says of a call, as news of its attempt."""
        now, what = self.clock.now(), STATUS.get(found.status)
        placed = Event(attempt, "placed", now, provider_sid=found.sid)
        if what is None or what == "placed":
            return (placed,)
        return placed, Event(attempt, what, now, found.status if what == "ended" else None)
