"""The carrier port, for Twilio: is this webhook theirs, what did it bring, place a call, find it again, end it.

Refuses to decide what is said, to retry a call whose creation is in doubt, and to follow any URL that a webhook brings.
https://www.twilio.com/docs/usage/webhooks/webhooks-security, https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx2
from twilio.request_validator import RequestValidator

import ivr
from gateway.errors import Permanent, Temporary, Trouble
from ivr.twiml import clean

API_URL: Final = "https://api.twilio.com"
MAX_BODY: Final = 500_000  # a webhook of theirs has about 1 KiB; long speech and custom fields may add to it
MAX_FIELDS: Final = 200
MAX_KEYS: Final = 32
FORM: Final = "application/x-www-form-urlencoded"
RECORDING: Final = re.compile(r"RE[0-9A-Za-z]{1,62}")
MAX_SOUND: Final = 8 * 1024 * 1024  # three minutes of speech have one
CALL: Final = re.compile(r"CA[0-9A-Za-z]{1,62}")

Form = Mapping[str, str]
Pairs = Sequence[tuple[str, str]]

# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Many(dict[str, list[str]]):
    """Form fields with all their values, as Twilio's validator asks for them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def signature(url: str, pairs: Pairs, token: str) -> str:
    """What `X-Twilio-Signature` must be for a form posted to `url`."""
    fields = _Many()
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    computed: str = RequestValidator(token).compute_signature(url, fields)
    return computed


@dataclass(frozen=True, slots=True)
class Signatures:
    """Checks webhooks against the configured public address, never against the headers of a proxy.

    `tokens`: the account's token and, while it is being changed, the second one.
    """

    public_url: str
    tokens: tuple[str, ...]

    def check(self, path_and_query: str, pairs: Pairs, given: str) -> bool:
        """True if one of our tokens signed this form for this raw path and query."""
        held = given.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(signature(base + path_and_query, pairs, token).encode(), held)
            for base in _bases(self.public_url)
            for token in filter(None, self.tokens)
        )


@cache
def _bases(public_url: str) -> tuple[str, ...]:
    """Twilio signs sometimes with the port and sometimes without; so does its own validator look at both."""
    base = public_url.rstrip("/")
    parts = urlsplit(base)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    bare = f"{parts.scheme}://{host}{parts.path}"
    return tuple(dict.fromkeys((base, bare, f"{parts.scheme}://{host}:{port}{parts.path}")))


def form(content_type: str, body: bytes) -> Pairs | None:
    """The fields of a form body, in order; None for anything that is not one (JSON, multipart, too big, not UTF-8)."""
    if content_type.partition(";")[0].strip().lower() != FORM or len(body) > MAX_BODY:
        return None
    try:
        return tuple(
            parse_qsl(
                body.decode(),
                keep_blank_values=True,
                strict_parsing=bool(body),
                errors="strict",
                max_num_fields=MAX_FIELDS,
            )
        )
    except ValueError:
        return None


def heard(fields: Form) -> ivr.Heard:
    """What a step's webhook brings. Recordings count by their id only; an address of one is not looked at."""
    if "DialCallStatus" in fields:
        return ivr.LegEnded(fields["DialCallStatus"] in ("completed", "answered"))
    if "QueueResult" in fields:
        return ivr.LegEnded(fields["QueueResult"] in ("bridged", "redirected-from-bridged"))
    if RECORDING.fullmatch(fields.get("RecordingSid", "")):
        return ivr.Recorded(fields["RecordingSid"], _number(fields.get("RecordingDuration", "")))
    if fields.get("SpeechResult", "").strip():
        return ivr.Words(clean(fields["SpeechResult"]))
    if fields.get("Digits", "") not in ("", "hangup"):
        return ivr.Keys(fields["Digits"][:MAX_KEYS])
    return ivr.Silence()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


# ── calls ───────────────────────────────────────────────────────────────────────────────────────────────────────────


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


class Carrier:
    """Orders over REST. Synchronous, every request with a time-out; safe to share between threads."""

    def __init__(
        self, account_sid: str, token: str, api_url: str = API_URL, *, seconds: float = 8.0, transport: Any = None
    ) -> None:
        for chatty in ("httpx2", "httpcore2"):  # they log whole addresses, and ours have telephone numbers in the query
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._calls = f"{api_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}/Calls"
        self._client = httpx2.Client(
            auth=(account_sid, token),
            timeout=httpx2.Timeout(seconds, connect=3.0),
            follow_redirects=False,
            transport=transport,
        )

    def close(self) -> None:
        self._client.close()

    def place(self, *, to: str, from_: str, url: str, status_callback: str, attempt_id: str, timeout: int = 25) -> str:
        """Rings `to`; the call's id. Raises Refused, Later (nothing happened) or Unknown (ask `find` first).

        The attempt id goes into both addresses, so that our own webhooks name the attempt even if this answer is lost.
        """
        fields: dict[str, str | list[str]] = {
            "To": to,
            "From": from_,
            "Url": with_attempt(url, attempt_id),
            "Method": "POST",
            "StatusCallback": with_attempt(status_callback, attempt_id),
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
            "Timeout": str(timeout),
        }
        sid = self._post(f"{self._calls}.json", fields).get("sid")
        if not isinstance(sid, str) or not CALL.fullmatch(sid):
            raise Unknown("the carrier took the call but did not say which")
        return sid

    def find(self, *, to: str, since: datetime) -> tuple[Placed, ...]:
        """Calls to this number that were created at or after `since`, newest first. Raises Later or Refused.

        The carrier's list does not show our attempt ids: match by what is not known yet, and by the webhooks. Not asked
        for by start time, which a call in the queue does not have yet.
        """
        answer = self._send("GET", f"{self._calls}.json", params={"To": to, "PageSize": "50"}, lost=Later)
        calls = (_placed(row) for row in answer.get("calls", ()))
        return tuple(
            c for c in calls if c.to == to and (c.created is None or c.created >= since.replace(microsecond=0))
        )

    def get(self, sid: str) -> Placed:
        """One call. Raises Later or Refused."""
        return _placed(self._send("GET", f"{self._calls}/{quote(sid, safe='')}.json", lost=Later))

    def recording(self, sid: str) -> bytes:
        """The sound of a recording (MP3), fetched by its id from the configured address only, at most MAX_SOUND bytes.

        Raises Later or Refused."""
        if not RECORDING.fullmatch(sid):
            raise Refused("this is no recording's id")
        url = f"{self._calls.removesuffix('/Calls')}/Recordings/{sid}.mp3"
        sound = bytearray()
        try:
            with self._client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise Refused(f"the carrier has no such recording ({answer.status_code})")
                for chunk in answer.iter_bytes():
                    sound += chunk
                    if len(sound) > MAX_SOUND:
                        raise Refused("the recording is too long")
        except httpx2.HTTPError as error:
            raise Later("the carrier did not answer") from error
        return bytes(sound)

    def cancel(self, sid: str) -> None:
        """Stops a call that is queued or rings; one that was answered goes on. May be repeated."""
        self._end(sid, "canceled")

    def hang_up(self, sid: str) -> None:
        """Ends a call in whatever state. May be repeated."""
        self._end(sid, "completed")

    def _end(self, sid: str, status: str) -> None:
        self._send("POST", f"{self._calls}/{quote(sid, safe='')}.json", data={"Status": status}, lost=Later)

    def _post(self, url: str, fields: Mapping[str, str | list[str]]) -> dict[str, Any]:
        return self._send("POST", url, data=fields, lost=Unknown)

    def _send(self, method: str, url: str, *, lost: type[Unknown | Later], **what: Any) -> dict[str, Any]:
        """`lost`: what is raised when the request may have arrived but its answer did not."""
        try:
            answer = self._client.request(method, url, **what)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Later("the carrier can't be reached") from error
        except httpx2.HTTPError as error:
            raise lost("the carrier did not answer") from error
        if answer.status_code == 429:
            raise Later("the carrier asks us to slow down", _seconds(answer.headers.get("Retry-After", "")))
        if answer.status_code >= 500:
            raise lost(f"the carrier has trouble of its own ({answer.status_code})")
        return _body(answer, lost)


def _body(answer: Any, lost: type[Unknown | Later]) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if answer.status_code >= 300:
        code = body.get("code", 0) if isinstance(body, dict) else 0
        raise Refused(f"the carrier refuses ({answer.status_code}, code {code})", code if isinstance(code, int) else 0)
    if not isinstance(body, dict):
        raise lost("the carrier's answer can't be read")
    return body


def with_attempt(url: str, attempt_id: str) -> str:
    """The address with `attempt=` in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'attempt': attempt_id})}"


def _placed(row: Mapping[str, Any]) -> Placed:
    created = row.get("date_created") or row.get("start_time")
    try:
        at = parsedate_to_datetime(created).astimezone(UTC) if created else None
    except ValueError:
        at = None
    return Placed(
        str(row.get("sid", "")), str(row.get("to", "")), str(row.get("from", "")), str(row.get("status", "")), at
    )


def _seconds(retry_after: str) -> float:
    return float(_number(retry_after.strip()))
