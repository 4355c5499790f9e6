"""Telnyx TeXML behind the carrier port: Ed25519 signatures, ids of its own, and its REST for calls and recordings.

Refuses webhooks older than five minutes, whatever their signature: it does not cover the address, only time and body.
https://developers.telnyx.com/docs/voice/programmable-voice/texml-fundamentals,
https://developers.telnyx.com/api-reference/texml-rest-commands/initiate-an-outbound-call
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from gateway.phone.carrier import MAX_TEXT, Later, Refused, Text, Unknown, Webhook, parser
from gateway.phone.rest import Fields, Rest

API_URL: Final = "https://api.telnyx.com"
SIGNATURE, TIMESTAMP = "telnyx-signature-ed25519", "telnyx-timestamp"
TOLERANCE: Final = 300  # seconds, as their own libraries have it
CALL: Final = re.compile(r"v[0-9]:[0-9A-Za-z_-]{8,120}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RECORDING: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Where Telnyx keeps recordings; their API hands out a signed address there, good for ten minutes.
STORES: Final = (("s3.amazonaws.com", "/telephony-recorder-prod/"),)

heard = parser(RECORDING)


@dataclass(frozen=True, slots=True)
class Signatures:
    """Checks webhooks with the account's public key (Base64), or two of them while one is being changed."""

    keys: tuple[str, ...]
    now: Callable[[], float]  # seconds since 1970

    def genuine(self, webhook: Webhook) -> bool:
        at, given = webhook.headers.get(TIMESTAMP, ""), webhook.headers.get(SIGNATURE, "")
        if not (at.isascii() and at.isdigit() and len(at) < 12) or abs(self.now() - int(at)) > TOLERANCE:
            return False
        return any(_signed(key, given, f"{at}|".encode() + webhook.body) for key in self.keys)


def texted(webhook: Webhook) -> Text | None:
    """A message that came in; other news of messages are nothing (https://developers.telnyx.com/docs/messaging/messages)."""
    try:
        event = json.loads(webhook.body)["data"]
        payload = event["payload"]
        sid, sender, body = payload["id"], payload["from"]["phone_number"], payload.get("text") or ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if event.get("event_type") != "message.received" or not all(isinstance(one, str) for one in (sid, sender, body)):
        return None
    return Text(sid[:64], sender, body[:MAX_TEXT]) if sid else None


def is_key(key: str) -> bool:
    """Whether that is a public key as the portal shows it."""
    try:
        return bool(VerifyKey(b64decode(key, validate=True)))
    except (CryptoError, ValueError, TypeError):
        return False


def _signed(key: str, given: str, message: bytes) -> bool:
    try:
        VerifyKey(b64decode(key, validate=True)).verify(message, b64decode(given, validate=True))
    except (CryptoError, ValueError, TypeError):
        return False
    return True


class Carrier(Rest):
    """Orders to Telnyx. `application`: the id of the TeXML application that our number belongs to."""

    suffix = ""
    call_id = CALL
    recording_id = RECORDING

    def __init__(
        self,
        account_sid: str,
        api_key: str,
        application: str,
        api_url: str = API_URL,
        *,
        seconds: float = 8.0,
        transport: Any = None,
    ) -> None:
        self._application = application
        account = f"{api_url.rstrip('/')}/v2/texml/Accounts/{quote(account_sid, safe='')}"
        self._messages = f"{api_url.rstrip('/')}/v2/messages"
        headers = {"Authorization": f"Bearer {api_key}"}
        super().__init__(account, headers=headers, seconds=seconds, transport=transport)

    def order(self, to: str, from_: str, url: str, status_callback: str, timeout: int) -> Fields:
        """Several events in one field, and no time-out for ringing: the pager's own ends a call that rings too long."""
        return {
            "ApplicationSid": self._application,
            "To": to,
            "From": from_,
            "Url": url,
            "UrlMethod": "POST",
            "StatusCallback": status_callback,
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": "initiated ringing answered completed",
        }

    def sid_of(self, answer: Mapping[str, Any]) -> object:
        data = answer.get("data")
        return answer.get("sid") or answer.get("call_sid") or (data.get("call_sid") if isinstance(data, dict) else None)

    def message(self, *, to: str, from_: str, body: str) -> str:
        """https://developers.telnyx.com/api-reference/messages/send-a-message"""
        answer = self._send("POST", self._messages, json={"to": to, "from": from_, "text": body}, lost=Unknown)
        data = answer.get("data")
        return str(data.get("id") or "") if isinstance(data, dict) else ""

    def messages(self, *, to: str, since: datetime) -> tuple[str, ...]:
        """Telnyx lists no messages: whether one went out nobody can say, and it is not sent twice."""
        raise Refused("perhaps sent: Telnyx cannot be asked, and it is not sent twice")

    def recording(self, sid: str) -> bytes:
        """Their API says where the sound lies; that address is followed only to where Telnyx keeps sounds, without our key."""
        told = self._send("GET", f"{self._recording(sid)}.json", lost=Later)
        if told.get("status") in ("in-progress", "paused"):
            raise Later("the carrier does not have the recording yet")
        place = urlsplit(str(told.get("media_url") or ""))
        ours = urlsplit(self._account)
        known = any(place.hostname == host and place.path.startswith(path) for host, path in STORES)
        if not ((place.scheme == "https" and known) or (place.scheme, place.netloc) == (ours.scheme, ours.netloc)):
            raise Refused("the recording does not lie where the carrier keeps recordings")
        return self._sound(place.geturl(), foreign=known)
