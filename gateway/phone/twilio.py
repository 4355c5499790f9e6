"""Twilio behind the carrier port: its signature, its ids, its REST address.

Refuses to decide what is said; what it shares with the others stands in `carrier` and `rest`.
https://www.twilio.com/docs/usage/webhooks/webhooks-security, https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

from twilio.request_validator import RequestValidator

from gateway.phone.carrier import (
    FORM,
    MAX_BODY,
    MAX_SOUND,
    Form,
    Later,
    Pairs,
    Placed,
    Refused,
    Unknown,
    Webhook,
    form,
    parser,
)
from gateway.phone.rest import Rest, with_attempt

__all__ = [
    "FORM", "MAX_BODY", "MAX_SOUND", "Carrier", "Form", "Later", "Pairs", "Placed", "Refused", "Signatures", "Unknown", "Webhook",
    "form", "heard", "signature", "with_attempt",
]  # fmt: skip

API_URL: Final = "https://api.twilio.com"
HEADER: Final = "x-twilio-signature"
RECORDING: Final = re.compile(r"RE[0-9A-Za-z]{1,62}")
CALL: Final = re.compile(r"CA[0-9A-Za-z]{1,62}")

heard = parser(RECORDING)


class _Many(dict[str, list[str]]):
    """Form fields with all their values, as Twilio's validator asks for them first."""

    def getall(self, name: str) -> list[str]:
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

    def genuine(self, webhook: Webhook) -> bool:
        """True if it carries a right signature."""
        return self.check(webhook.path, webhook.pairs, webhook.headers.get(HEADER, ""))

    def check(self, path_and_query: str, pairs: Pairs, given: str) -> bool:
        """True if one of our tokens signed this form for this raw path and query."""
        held = given.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(signature(base + path_and_query, pairs, token).encode(), held)
            for base in bases(self.public_url)
            for token in filter(None, self.tokens)
        )


@cache
def bases(public_url: str) -> tuple[str, ...]:
    """Twilio signs sometimes with the port and sometimes without; so does its own validator look at both."""
    base = public_url.rstrip("/")
    parts = urlsplit(base)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    bare = f"{parts.scheme}://{host}{parts.path}"
    return tuple(dict.fromkeys((base, bare, f"{parts.scheme}://{host}:{port}{parts.path}")))


class Carrier(Rest):
    """Orders to Twilio, or to whatever stands in for it at `api_url`."""

    call_id = CALL
    recording_id = RECORDING

    def __init__(
        self, account_sid: str, token: str, api_url: str = API_URL, *, seconds: float = 8.0, transport: Any = None
    ) -> None:
        account = f"{api_url.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}"
        super().__init__(account, auth=(account_sid, token), seconds=seconds, transport=transport)
