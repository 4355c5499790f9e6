"""Orders over REST, as Twilio wrote them down first and the others took over: place a call, find it again, end it; fetch a
recording by its id and remove it.

Refuses to retry a call whose creation is in doubt, and to fetch from any address that a webhook brings.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import httpx2

from gateway import trusted
from gateway.phone.carrier import MAX_SOUND, Later, Placed, Refused, Unknown, number

Fields = dict[str, str | list[str]]


class Rest:
    """Synchronous, every request with a time-out; safe to share between threads.

    `account`: the address of everything below it; `auth` or `headers`: who we are there."""

    suffix: ClassVar[str] = ".json"
    call_id: ClassVar[re.Pattern[str]]
    recording_id: ClassVar[re.Pattern[str]]

    def __init__(
        self,
        account: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 8.0,
        transport: Any = None,
    ) -> None:
        for chatty in ("httpx2", "httpcore2"):  # they log whole addresses, and ours have telephone numbers in the query
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._account = account
        self._calls = f"{account}/Calls"
        self._client = httpx2.Client(
            auth=auth,
            headers=headers,
            timeout=httpx2.Timeout(seconds, connect=3.0),
            follow_redirects=False,
            transport=transport,
            verify=trusted.authorities(),
        )

    def close(self) -> None:
        self._client.close()

    def place(self, *, to: str, from_: str, url: str, status_callback: str, attempt_id: str, timeout: int = 25) -> str:
        """Rings `to`; the call's id. Raises Refused, Later (nothing happened) or Unknown (ask `find` first).

        The attempt id goes into both addresses, so that our own webhooks name the attempt even if this answer is lost.
        """
        answer, told = with_attempt(url, attempt_id), with_attempt(status_callback, attempt_id)
        fields = self.order(to, from_, answer, told, timeout)
        sid = self.sid_of(self._send("POST", f"{self._calls}{self.suffix}", data=fields, lost=Unknown))
        if not isinstance(sid, str) or not self.call_id.fullmatch(sid):
            raise Unknown("the carrier took the call but did not say which")
        return sid

    def order(self, to: str, from_: str, url: str, status_callback: str, timeout: int) -> Fields:
        """The form that places a call."""
        return {
            "To": to,
            "From": from_,
            "Url": url,
            "Method": "POST",
            "StatusCallback": status_callback,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
            "Timeout": str(timeout),
        }

    def sid_of(self, answer: Mapping[str, Any]) -> object:
        """The id of the call that was just placed."""
        return answer.get("sid")

    def listing(self, to: str) -> Mapping[str, str]:
        """The query that lists the calls to a number."""
        return {"To": to, "PageSize": "50"}

    def find(self, *, to: str, since: datetime) -> tuple[Placed, ...]:
        """Calls to this number that were created at or after `since`, newest first. Raises Later or Refused.

        The carrier's list does not show our attempt ids: match by what is not known yet, and by the webhooks. Not asked
        for by start time, which a call in the queue does not have yet.
        """
        answer = self._send("GET", f"{self._calls}{self.suffix}", params=self.listing(to), lost=Later)
        calls = (_placed(row) for row in answer.get("calls") or ())
        return tuple(
            c for c in calls if c.to == to and (c.created is None or c.created >= since.replace(microsecond=0))
        )

    def get(self, sid: str) -> Placed:
        """One call. Raises Later or Refused."""
        return _placed(self._send("GET", self._call(sid), lost=Later))

    def cancel(self, sid: str) -> None:
        """Stops a call that is queued or rings; one that was answered goes on. May be repeated."""
        self._send("POST", self._call(sid), data={"Status": "canceled"}, lost=Later)

    def hang_up(self, sid: str) -> None:
        """Ends a call in whatever state. May be repeated."""
        self._send("POST", self._call(sid), data={"Status": "completed"}, lost=Later)

    def send_to(self, sid: str, url: str) -> None:
        """A call that is up goes on with the document of another address. May be repeated."""
        self._send("POST", self._call(sid), data={"Url": url, "Method": "POST"}, lost=Later)

    def message(self, *, to: str, from_: str, body: str) -> str:
        """Sends a text; its id. Raises Refused, Later (nothing happened) or Unknown (ask `messages` first)."""
        fields = {"To": to, "From": from_, "Body": body}
        return str(
            self._send("POST", f"{self._account}/Messages{self.suffix}", data=fields, lost=Unknown).get("sid") or ""
        )

    def messages(self, *, to: str, since: datetime) -> tuple[str, ...]:
        """The texts that went to this number since then. Raises Later or Refused."""
        asked = {"To": to, "PageSize": "50"}
        answer = self._send("GET", f"{self._account}/Messages{self.suffix}", params=asked, lost=Later)
        rows = ((row, _instant(row.get("date_created"))) for row in answer.get("messages") or ())
        return tuple(str(row.get("body") or "") for row, at in rows if at is None or at >= since.replace(microsecond=0))

    def recording(self, sid: str) -> bytes:
        """The sound of a recording, fetched by its id from the configured address only, at most MAX_SOUND bytes.

        Raises Later (it may not be ready yet) or Refused."""
        return self._sound(f"{self._recording(sid)}.mp3")

    def forget(self, sid: str) -> None:
        """Removes a recording at the carrier; one that is gone already is no trouble. Raises Later or Refused."""
        try:
            self._send("DELETE", f"{self._recording(sid)}.json", lost=Later, empty=True)
        except Refused as refused:
            if refused.code != GONE:
                raise

    def _call(self, sid: str) -> str:
        return f"{self._calls}/{quote(sid, safe='')}{self.suffix}"

    def _recording(self, sid: str) -> str:
        if not self.recording_id.fullmatch(sid):
            raise Refused("this is no recording's id")
        return f"{self._account}/Recordings/{sid}"

    def _sound(self, url: str, *, foreign: bool = False) -> bytes:
        """`foreign`: an address that is not told who we are."""
        request = self._client.build_request("GET", url)
        if foreign:
            request.headers.pop("Authorization", None)
        sound = bytearray()
        try:
            with closing(self._client.send(request, stream=True)) as answer:
                if answer.status_code in (404, 429) or answer.status_code >= 500:
                    raise Later(f"the carrier does not have the recording yet ({answer.status_code})")
                if answer.status_code != 200:
                    raise Refused(f"the carrier does not hand the recording out ({answer.status_code})")
                for chunk in answer.iter_bytes():
                    sound += chunk
                    if len(sound) > MAX_SOUND:
                        raise Refused("the recording is too long")
        except httpx2.HTTPError as error:
            raise Later("the carrier did not answer") from error
        return bytes(sound)

    def _send(
        self, method: str, url: str, *, lost: type[Unknown | Later], empty: bool = False, **what: Any
    ) -> dict[str, Any]:
        """`lost`: what is raised when the request may have arrived but its answer did not; `empty`: no body is expected."""
        try:
            answer = self._client.request(method, url, **what)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Later("the carrier can't be reached") from error
        except httpx2.HTTPError as error:
            raise lost("the carrier did not answer") from error
        if answer.status_code == 429:
            raise Later(
                "the carrier asks us to slow down", float(number(answer.headers.get("Retry-After", "").strip()))
            )
        if answer.status_code >= 500:
            raise lost(f"the carrier has trouble of its own ({answer.status_code})")
        if empty and answer.status_code < 300:
            return {}
        return _body(answer, lost)


GONE = 20404  # Twilio's number for "not found"; also what we take an answer 404 without a number for


def _body(answer: Any, lost: type[Unknown | Later]) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if answer.status_code >= 300:
        code = body.get("code", 0) if isinstance(body, dict) else 0
        code = code if isinstance(code, int) else 0
        if answer.status_code == 404:
            code = code or GONE
        raise Refused(f"the carrier refuses ({answer.status_code}, code {code})", code)
    if not isinstance(body, dict):
        raise lost("the carrier's answer can't be read")
    return body


def with_attempt(url: str, attempt_id: str) -> str:
    """The address with `attempt=` in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'attempt': attempt_id})}"


def _placed(row: Mapping[str, Any]) -> Placed:
    return Placed(
        str(row.get("sid") or ""),
        str(row.get("to") or ""),
        str(row.get("from") or ""),
        str(row.get("status") or ""),
        _instant(row.get("date_created") or row.get("start_time")),
    )


def _instant(written: object) -> datetime | None:
    """RFC 2822 or ISO 8601; None for neither."""
    if not isinstance(written, str):
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read(written)
        except ValueError:
            continue
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return None
