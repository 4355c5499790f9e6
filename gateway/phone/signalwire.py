"""SignalWire behind the carrier port: its compatibility API and the signature of its cXML webhooks.

Refuses to be anything but Twilio with other ids, another address and a signing key of its own.
https://developer.signalwire.com/guides/webhook-security/, https://developer.signalwire.com/compatibility-api/rest/
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, Final
from urllib.parse import quote

from gateway.phone.carrier import Webhook, parser
from gateway.phone.rest import Rest
from gateway.phone.twilio import bases, signature

HEADERS: Final = ("x-signalwire-signature", "x-twilio-signature")
# UUIDs; numbers moved from Twilio keep Twilio's form
UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CALL: Final = re.compile(rf"{UUID}|CA[0-9A-Za-z]{{1,62}}")
RECORDING: Final = re.compile(rf"{UUID}|RE[0-9A-Za-z]{{1,62}}")

heard = parser(RECORDING)


@dataclass(frozen=True, slots=True)
class Signatures:
    """Checks webhooks with the project's signing key, or two of them while one is being changed."""

    public_url: str
    keys: tuple[str, ...]

    def genuine(self, webhook: Webhook) -> bool:
        """Forms are signed as Twilio signs them; everything newer as the address and the raw body, in hexadecimal."""
        given = [webhook.headers.get(name, "").encode("utf-8", "replace") for name in HEADERS]
        return any(
            hmac.compare_digest(right.encode(), one)
            for base in bases(self.public_url)
            for key in filter(None, self.keys)
            for right in (signature(base + webhook.path, webhook.pairs, key), _whole(base + webhook.path, webhook, key))
            for one in given
            if one
        )


def _whole(url: str, webhook: Webhook, key: str) -> str:
    return hmac.new(key.encode(), url.encode() + webhook.body, sha1).hexdigest()


class Carrier(Rest):
    """Orders to a SignalWire space: `api_url` is its address, https://NAME.signalwire.com."""

    call_id = CALL
    recording_id = RECORDING

    def __init__(self, project: str, token: str, api_url: str, *, seconds: float = 8.0, transport: Any = None) -> None:
        account = f"{api_url.rstrip('/')}/api/laml/2010-04-01/Accounts/{quote(project, safe='')}"
        super().__init__(account, auth=(project, token), seconds=seconds, transport=transport)
