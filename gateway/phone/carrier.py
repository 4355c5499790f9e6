"""The carrier port: is this webhook theirs, what did it bring (verify, parse), and orders to them (place, find, cancel).

Every carrier that Presa knows speaks TwiML, so a call is the same dialogue behind all of them. This module holds what they
share; refuses to know how any one of them signs or where it lives (`twilio`, `signalwire`, `telnyx`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol
from urllib.parse import unquote_plus

import ivr
from gateway.errors import Permanent, Temporary, Trouble
from ivr.twiml import clean

MAX_BODY: Final = 500_000  # a webhook has about 1 KiB; long speech and custom fields may add to it
MAX_FIELDS: Final = 200
MAX_TEXT: Final = 500  # characters of an SMS that are read
MAX_KEYS: Final = 32
MAX_SOUND: Final = 8 * 1024 * 1024  # three minutes of speech have one
FORM: Final = "application/x-www-form-urlencoded"
ENDED: Final = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})

Form = Mapping[str, str]
Pairs = Sequence[tuple[str, str]]
Kind = Literal["twilio", "signalwire", "telnyx", "simulator", "sip"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request as it came in. `path`: raw, with its query; `headers`: names in lower case."""

    path: str
    body: bytes
    pairs: Pairs
    headers: Mapping[str, str]


class Refused(Permanent):
    """The carrier will not do it, and not later either. `code` is its own error number, 0 without one."""

    def __init__(self, words: str, code: int = 0) -> None:
        super().__init__(words)
        self.code = code


class Later(Temporary):
    """Nothing was done; it may be tried again, after `seconds` if the carrier said so."""

    def __init__(self, words: str, seconds: float = 0.0) -> None:
        super().__init__(words)
        self.seconds = seconds


class Unknown(Trouble):
    """It may have been done or not: neither kind of trouble. Ask with `find` before doing it again."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A call as the carrier knows it.

    `status`: queued, ringing, in-progress, completed, busy, no-answer, failed, canceled.
    """

    sid: str
    to: str
    from_: str
    status: str
    created: datetime | None


class Orders(Protocol):
    """What a carrier is told to do. Every call may raise Refused or Later; `place` also Unknown."""

    def place(
        self, *, to: str, from_: str, url: str, status_callback: str, attempt_id: str, timeout: int = 25
    ) -> str: ...

    def find(self, *, to: str, since: datetime) -> tuple[Placed, ...]: ...

    def get(self, sid: str) -> Placed: ...

    def cancel(self, sid: str) -> None: ...

    def hang_up(self, sid: str) -> None: ...

    def recording(self, sid: str) -> bytes: ...

    def forget(self, sid: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Text:
    """An SMS that came in. `id`: the carrier's own; the same message has the same."""

    id: str
    sender: str
    body: str


def texted(webhook: Webhook) -> Text | None:
    """A message as Twilio and SignalWire bring it (Twilio, "Messaging webhooks")."""
    fields = dict(webhook.pairs)
    sid = fields.get("MessageSid", "")[:64]
    return Text(sid, fields.get("From", ""), fields.get("Body", "")[:MAX_TEXT]) if sid else None


@dataclass(frozen=True, slots=True)
class Carrier:
    """One carrier. `genuine`: does this webhook come from it; `heard`: what a step's webhook brings; `texted`: the message
    that a webhook brings, None for anything else; `replies`: what that webhook is answered goes back as a message."""

    kind: Kind
    genuine: Callable[[Webhook], bool]
    heard: Callable[[Form], ivr.Heard]
    call_id: re.Pattern[str]
    recording_id: re.Pattern[str]
    orders: Orders
    texted: Callable[[Webhook], Text | None] = texted
    replies: bool = True


def form(content_type: str, body: bytes) -> Pairs | None:
    """The fields of a form body, in order; None for anything that is not one (JSON, multipart, too big, not UTF-8)."""
    if content_type.partition(";")[0].strip().lower() != FORM or len(body) > MAX_BODY:
        return None
    try:
        return _fields(body.decode()) if body else ()
    except ValueError:
        return None


def _fields(text: str) -> Pairs:
    """What a strict `parse_qsl` says, at a fifth of its cost: most fields of a webhook are not escaped."""
    pairs = text.split("&", MAX_FIELDS)
    if len(pairs) > MAX_FIELDS:
        raise ValueError("too many fields")
    found = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError("a field without a value")
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        found.append((name, value))
    return tuple(found)


def parser(recording: re.Pattern[str]) -> Callable[[Form], ivr.Heard]:
    """What a step's webhook brings. Recordings count by their id only; an address of one is not looked at."""

    def heard(fields: Form) -> ivr.Heard:
        if "DialCallStatus" in fields:
            ended = fields["DialCallStatus"]
            return ivr.LegEnded(ended in ("completed", "answered"), ended == "failed")
        if "QueueResult" in fields:
            return ivr.LegEnded(fields["QueueResult"] in ("bridged", "redirected-from-bridged"))
        if recording.fullmatch(fields.get("RecordingSid", "")):
            return ivr.Recorded(fields["RecordingSid"], number(fields.get("RecordingDuration", "")))
        if fields.get("SpeechResult", "").strip():
            return ivr.Words(clean(fields["SpeechResult"]))
        if fields.get("Digits", "") not in ("", "hangup"):
            return ivr.Keys(fields["Digits"][:MAX_KEYS])
        return ivr.Silence()

    return heard


def number(text: str) -> int:
    """A count that a carrier wrote; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def sequence(fields: Form) -> int | None:
    """The carrier's own order of its news; None without one."""
    text = fields.get("SequenceNumber", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def media_type(sound: bytes) -> str:
    """WAV or MP3, by its first bytes: what a carrier says about it is not needed."""
    return "audio/wav" if sound[:4] == b"RIFF" else "audio/mpeg"
