"""Stays registered at the trunk (RFC 3261, section 10), where it wants that. Refuses to give up."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from aiosipua.auth import SipDigestAuth
from aiosipua.registration import Registration
from aiosipua.uac import SipUAC

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 30.0


def register(
    uac: SipUAC, user: str, host: str, registrar: tuple[str, int], contact: str, auth: SipDigestAuth | None
) -> Registration:
    """Registers now, before it expires, and after every failure."""
    made = Registration(uac, f"sip:{user}@{host}", registrar, auth=auth, contact_uri=f"sip:{user}@{contact}")

    def again(_made: Registration, status: int = 0, _reason: str = "") -> None:
        log.error("sip.not_registered", status=status, again_in=AGAIN_SECONDS)
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, made.register)

    made.on_registered = lambda _made: log.info("sip.registered")
    made.on_failed = made.on_expired = again
    made.register()
    return made
