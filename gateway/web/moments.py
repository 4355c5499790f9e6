""" "One moment": what a caller hears when an answer takes too long, and what they had keyed or said meanwhile.

The document sends the call to the same step again. What the caller brought is kept in this process; speech, recordings and
single keys also go along in the address, sealed, for another replica. More than one key might be a PIN: it is never written
anywhere, and a replica that does not know it asks again.
"""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from starlette.requests import Request

import ivr
from gateway.phone.carrier import Form, number

MOST: Final = 5  # moments in a row; then the apology
BROUGHT: Final = (
    "Digits", "FinishedOnKey", "SpeechResult", "RecordingSid", "RecordingDuration", "DialCallStatus", "QueueResult",
)  # fmt: skip
MOST_HELD: Final = 1_000
LONGEST_SEALED: Final = 1_500


Work = asyncio.Future[Any]  # the document, None where there is no such step, or PIN


@dataclass(frozen=True, slots=True)
class Held:
    """A step that was not answered in time. `work`: the answer being made, if it still is."""

    brought: Mapping[str, str]
    work: Work | None


class Moments:
    """What this process owes an answer to. `secret`: shared by all replicas."""

    def __init__(self, public_url: str, languages: tuple[str, ...], secret: bytes) -> None:
        self._public_url, self._languages = public_url, languages
        self._box = SecretBox(sha256(b"one moment\0" + secret).digest())
        self._held: OrderedDict[str, Held] = OrderedDict()

    def moment(self, request: Request, form: Form, again: int, work: Work | None) -> str:
        """The document, after everything that is needed to go on was put aside."""
        brought = {name: form[name] for name in BROUGHT if name in form}
        self._held[_key(request, form)] = Held(brought, work)
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)
        query = {name: value for name, value in request.query_params.items() if name not in ("again", "kept")}
        query["again"] = str(again)
        said = json.dumps(brought).encode()
        if brought and len(brought.get("Digits", "")) < 2 and len(said) <= LONGEST_SEALED:
            query["kept"] = urlsafe_b64encode(self._box.encrypt(said)).decode()
        path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        return ivr.moment(self._languages, f"{self._public_url}{path}?{urlencode(query)}")

    def resumed(self, request: Request, form: dict[str, str]) -> tuple[dict[str, str], int, Work | None]:
        """The form with what the caller had brought, how many moments it has been, and the answer if it is being made."""
        again = number(request.query_params.get("again", "")) if request.scope["query_string"] else 0
        if not again:
            return form, 0, None
        held = self._held.pop(_key(request, form), None)
        if held is None:
            return {**form, **self._opened(request.query_params.get("kept", ""))}, again, None
        return {**form, **held.brought}, again, held.work

    def _opened(self, kept: str) -> Mapping[str, str]:
        try:
            said = json.loads(self._box.decrypt(urlsafe_b64decode(kept)))
        except (CryptoError, ValueError):
            return {}
        return {name: str(said[name]) for name in BROUGHT if name in said}


def _key(request: Request, form: Form) -> str:
    return f"{form['CallSid']} {request.url.path}"
