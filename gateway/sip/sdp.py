"""What the two sides agree on (RFC 3264): G.711 at an address, and the payload type of keys. Refuses any other sound."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from aiosipua.message import SipRequest
from aiosipua.sdp import MediaDescription, SdpMessage, negotiate_sdp, parse_sdp
from aiosipua.sdp_negotiate import SdpNegotiationError

from gateway.sip.media import KEYS
from gateway.sip.speech import Law

__all__ = ["SdpNegotiationError", "Spoken", "answer", "key_of", "offer", "read"]

KEY_TYPE = 101


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where sound goes, as what, and the payload types under which keys come with it."""

    remote: tuple[str, int]
    law: Law
    keys: frozenset[int]


def offer(host: str, port: int) -> SdpMessage:
    """Both laws, A-law first: Europe's."""
    family = "IP6" if ":" in host else "IP4"
    session = secrets.randbits(31)
    return parse_sdp(
        f"v=0\r\no=- {session} {session} IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 8 0 {KEY_TYPE}\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        f"a=rtpmap:{KEY_TYPE} telephone-event/8000\r\na=fmtp:{KEY_TYPE} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def answer(offered: SdpMessage | None, host: str, port: int) -> tuple[SdpMessage, Spoken]:
    """Our answer and what it means. Raises ValueError or SdpNegotiationError when there is nothing in common."""
    audio = _audio(offered)
    assert offered is not None
    keys = _keys(audio)
    made, chosen = negotiate_sdp(offered, host, port, supported_codecs=[8, 0], dtmf_payload_type=keys)
    return made, Spoken(_remote(offered), 8 if chosen == 8 else 0, frozenset({keys} - {0}))


def read(answered: SdpMessage | None) -> Spoken:
    """The other side's answer to our offer. Raises ValueError."""
    audio = _audio(answered)
    assert answered is not None
    laws = [codec.payload_type for codec in audio.codecs if codec.payload_type in (0, 8)]
    if not laws:
        raise ValueError("neither A-law nor µ-law")
    # what comes to us has our number (RFC 3264, section 5.1); some use the one of their answer
    return Spoken(_remote(answered), 8 if laws[0] == 8 else 0, frozenset({KEY_TYPE, _keys(audio)} - {0}))


def _audio(said: SdpMessage | None) -> MediaDescription:
    audio = said.audio if said is not None else None
    if audio is None or not 0 < audio.port < 65_536:
        raise ValueError("no sound is offered")
    return audio


def _remote(said: SdpMessage) -> tuple[str, int]:
    remote = said.rtp_address
    if remote is None:
        raise ValueError("no address for the sound")
    return remote


def _keys(audio: MediaDescription) -> int:
    found = (
        c.payload_type for c in audio.codecs if c.encoding_name.lower() == "telephone-event" and c.clock_rate == 8000
    )
    return next(found, 0)


def key_of(request: SipRequest) -> str:
    """The key in a SIP INFO (`application/dtmf-relay` or `application/dtmf`); "" for none."""
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    body = request.text[:200]
    if kind == "application/dtmf-relay":
        said = dict(line.partition("=")[::2] for line in body.replace(" ", "").splitlines())
        key = said.get("Signal", said.get("signal", "")).strip()
    else:
        key = body.strip() if kind == "application/dtmf" else ""
    key = {"10": "*", "11": "#"}.get(key, key)
    return key if key in KEYS else ""
