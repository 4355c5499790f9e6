"""A call's requests to Presa's own web application, inside this process: signed documents, and sounds to play.

Refuses every address that is not ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Final

import httpx2
import structlog

from gateway.sip import speech

log = structlog.get_logger(__name__)

SECONDS: Final = 15.0
TROUBLE: Final = (httpx2.HTTPError, TooLate, RuntimeError)


class Webhooks:
    """For the threads of calls; the application runs on the event loop."""

    def __init__(self, application: Any, public_url: str) -> None:
        self._ours = f"{public_url}/"
        self._loop = asyncio.get_running_loop()
        transport = httpx2.ASGITransport(app=application, raise_app_exceptions=False)
        self._client = httpx2.AsyncClient(transport=transport, timeout=SECONDS)

    async def close(self) -> None:
        await self._client.aclose()

    def fetch(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        """The answer to a signed form: status and body; 503 when none came."""
        try:
            answer = self._request("POST", url, data=dict(form), headers=dict(headers))
        except TROUBLE as trouble:
            log.error("sip.webhook_failed", why=type(trouble).__name__)
            return 503, ""
        return answer.status_code, answer.text

    def sound(self, url: str) -> bytes:
        """16-bit samples, 8,000 a second; b"" for what is not ours, not there or no WAV file."""
        if not url.startswith(self._ours):
            log.warning("sip.foreign_sound")
            return b""
        try:
            answer = self._request("GET", url)
            return speech.pcm_of(answer.content) if answer.status_code == 200 else b""
        except (*TROUBLE, ValueError) as trouble:
            log.warning("sip.sound_not_played", why=type(trouble).__name__)
            return b""

    def _request(self, method: str, url: str, **what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(self._client.request(method, url, **what), self._loop).result(SECONDS)
