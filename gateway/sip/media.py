"""The sound of one call: RTP both ways, keys (RFC 4733), whether somebody speaks, and what they say while it is recorded.

Everything here runs on the event loop, except `stop_recording`, which only takes what there is. Refuses packets that
are not from the other side, too many or too big, and to raise out of any of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiortp.dtmf import DtmfEvent
from aiortp.packet import RtpPacket

from gateway.errors import Temporary
from gateway.sip.speech import RATE, SILENCE, Law, decode, encode, wav

FRAME: Final = 160  # samples in 20 ms, and bytes of G.711
TICK: Final = FRAME / RATE
LARGEST_PACKET: Final = 1_500
PACKETS_A_SECOND: Final = 250  # 50 of sound are usual, 100 with short frames
BRIDGED: Final = 2 * RATE // 10  # bytes that wait at the most on their way between two people: 0.2 s
KEYS: Final = frozenset("0123456789*#")
VOICE: Final = 12  # mean loudness of a packet, of 255, from which on somebody speaks
GAP: Final = 2 * RATE  # a jump of a time-stamp beyond it is no pause but another source
Address = tuple[str, int]


def _loudness(law: Law) -> bytes:
    """A table from a G.711 byte to how loud it is, 0 to 255."""
    pcm = decode(bytes(range(256)), law)
    samples = memoryview(pcm).cast("h")
    return bytes(min(255, abs(sample) >> 5) for sample in samples)


LOUD: Final[dict[int, bytes]] = {0: _loudness(0), 8: _loudness(8)}


class Ports:
    """Even ports of a range for RTP; the odd ones above them stay free for the other side's RTCP, which is not read."""

    def __init__(self, first: int, last: int) -> None:
        self._range = range(first + first % 2, last, 2)
        self._taken: set[int] = set()
        self._next = 0

    def __len__(self) -> int:
        return len(self._range)

    def free(self) -> Iterator[int]:
        """The ports to try, beginning behind the last one given: one that was just freed may still be sent to."""
        for n in range(len(self._range)):
            port = self._range[(self._next + n) % len(self._range)]
            if port not in self._taken:
                self._next = (self._next + n + 1) % len(self._range)
                yield port

    def take(self, port: int) -> None:
        self._taken.add(port)

    def give_back(self, port: int) -> None:
        self._taken.discard(port)


class Events:
    """Keys out of telephone-events (RFC 4733), each told once: at its end, which is sent three times, or when the next one
    begins and no end came. Some senders begin again with a time-stamp they have used; a later packet with a shorter
    duration is a new key."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._stamp = self._event = -1
        self._sequence = self._duration = 0
        self._told = True

    def take(self, packet: RtpPacket) -> None:
        """Raises ValueError for what is no event."""
        event = DtmfEvent.parse(packet.payload)
        later = 0 < (packet.sequence_number - self._sequence) & 0xFFFF < 0x8000
        again = self._told and later and not event.end and event.duration < self._duration
        if (packet.timestamp, event.event) != (self._stamp, self._event) or again:
            if self._stamp >= 0 and not later:
                return  # an old one, late
            if not self._told:
                self._tell()
            self._stamp, self._event, self._told = packet.timestamp, event.event, False
        self._sequence, self._duration = packet.sequence_number, event.duration
        if event.end and not self._told:
            self._tell()

    def _tell(self) -> None:
        self._told = True
        key = DtmfEvent(self._event, True, 0, 0).digit
        if key in KEYS:
            self._pressed(key)


@dataclass(slots=True)
class _Kept:
    """One packet of a recording."""

    stamp: int
    law: Law
    payload: bytes


class Media(asyncio.DatagramProtocol):
    """One RTP socket. `on_key`: a key was pressed; `on_voice`: somebody speaks, told at most ten times a second."""

    def __init__(self, ports: Ports, allowed: Callable[[str], bool]) -> None:
        self._ports, self._allowed = ports, allowed
        self.port = 0
        self.law: Law = 8
        self.key_types: frozenset[int] = frozenset()
        self.on_key: Callable[[str], None] = lambda _key: None
        self.on_voice: Callable[[], None] = lambda: None
        self.received = self.sent = self.dropped = self.keys = 0
        self.last_heard = 0.0
        self.other: Media | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._remote: Address | None = None
        self._source: Address | None = None
        self._out = bytearray()
        self._events = Events(self._pressed)
        self._clock: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._sequence, self._stamp = secrets.randbits(15), secrets.randbits(31)
        self._ssrc = secrets.randbits(32)
        self._second, self._in_second = 0, 0
        self._voiced_at = 0.0
        self._recording: list[_Kept] | None = None
        self._room = 0

    async def open(self, host: str) -> None:
        """Binds a port of the range. Raises Temporary when none is free."""
        for port in self._ports.free():
            self._ports.take(port)
            try:
                await self._loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
            except OSError:
                self._ports.give_back(port)
                continue
            self.port = port
            return
        raise Temporary("every RTP port of the range is in use")

    def start(self, remote: Address, law: Law, key_types: frozenset[int]) -> None:
        """Sound goes to `remote` from now on; the first packet from an allowed address may correct it (RFC 4961)."""
        self.aim(remote)
        self.law, self.key_types = law, key_types
        if self._clock is None:
            self.last_heard = self._due = self._loop.time()
            self._clock = self._loop.call_soon(self._tick)  # type: ignore[assignment]

    def aim(self, remote: Address) -> None:
        self._remote, self._source = remote, None

    def close(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self._ports.give_back(self.port)
        if self.other is not None:
            self.other.other = None
            self.other = None

    # Out ----------------------------------------------------------------------------------------------------------

    def play(self, sound: bytes) -> None:
        """G.711 behind whatever still plays."""
        self._out += sound

    def hush(self) -> None:
        """Nothing more of it: a key was pressed."""
        self._out.clear()

    @property
    def playing(self) -> float:
        """Seconds until all has been said."""
        return len(self._out) / RATE

    def bridge(self, other: Media) -> None:
        """What one hears the other says, from now on."""
        self.other, other.other = other, self

    def _tick(self) -> None:
        """Every 20 ms a packet: sound, or silence, so that nobody on the way takes the call for dead."""
        if self._transport is None or self._remote is None:
            return
        payload = bytes(self._out[:FRAME])
        del self._out[:FRAME]
        payload += SILENCE[self.law] * (FRAME - len(payload))
        packet = RtpPacket(self.law, int(self.sent == 0), self._sequence, self._stamp, self._ssrc, payload)
        with contextlib.suppress(OSError):
            self._transport.sendto(packet.serialize(), self._remote)
        self.sent += 1
        self._sequence, self._stamp = (self._sequence + 1) & 0xFFFF, (self._stamp + FRAME) & 0xFFFFFFFF
        now = self._loop.time()
        self._due = max(self._due + TICK, now - 10 * TICK)  # after standing still: some are caught up, not all
        self._clock = self._loop.call_at(self._due, self._tick)

    # In -----------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def error_received(self, exc: Exception) -> None:
        """The other side's port is closed: its BYE is on the way, or its silence ends the call."""

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if not self._welcome(data, (str(addr[0]), int(addr[1]))):
            self.dropped += 1
            return
        try:
            packet = RtpPacket.parse(data)
            if packet.payload_type in self.key_types:
                self._events.take(packet)
            elif packet.payload_type in LOUD:
                self._sound(packet)
        except Exception:  # whatever a packet holds, it is one packet
            self.dropped += 1
            return
        self.received += 1
        self.last_heard = self._loop.time()

    def _welcome(self, data: bytes, source: Address) -> bool:
        """From the other side, not too big, not too many. The first packet says where the other side really is."""
        second = int(self._loop.time())
        self._second, self._in_second = second, self._in_second + 1 if second == self._second else 1
        if self._in_second > PACKETS_A_SECOND or not 12 <= len(data) <= LARGEST_PACKET or data[0] >> 6 != 2:
            return False
        if self._source is None and self._remote is not None and self._allowed(source[0]):
            self._source = self._remote = source
        return source == self._source

    def _pressed(self, key: str) -> None:
        self.keys += 1
        self.on_key(key)

    def _sound(self, packet: RtpPacket) -> None:
        law: Law = 8 if packet.payload_type == 8 else 0
        payload = packet.payload
        if self.other is not None and len(self.other._out) < BRIDGED:
            same = law == self.other.law
            self.other.play(payload if same else encode(decode(payload, law), self.other.law))
        kept = self._recording
        if kept is not None and self._room > 0:
            kept.append(_Kept(packet.timestamp, law, payload))
            self._room -= len(payload)
        now = self._loop.time()
        if now - self._voiced_at >= 0.1 and payload and sum(payload.translate(LOUD[law])) > VOICE * len(payload):
            self._voiced_at = now
            self.on_voice()

    # Recording ----------------------------------------------------------------------------------------------------

    def record(self, seconds: float) -> None:
        """Keeps what is heard, at most so many seconds of it."""
        self._recording, self._room = [], int(seconds * RATE)

    def stop_recording(self) -> bytes:
        """What was said since `record`, as a WAV file; b"" when nothing came. Silence at the end is left out."""
        kept, self._recording = self._recording, None
        return assembled(kept or [])


def assembled(kept: list[_Kept]) -> bytes:
    """Packets as one WAV file, each where its time-stamp puts it: late ones in their place, lost ones silent."""
    pcm = bytearray()
    loud_until = 0
    base = kept[0].stamp if kept else 0
    for one in kept:
        at = (one.stamp - base) & 0xFFFFFFFF
        if at > len(pcm) // 2 + GAP:  # another source, with a clock of its own, or far too late
            back = 0x1_0000_0000 - at
            if back < GAP:
                continue  # older than the first one
            base = (one.stamp - len(pcm) // 2) & 0xFFFFFFFF
            at = len(pcm) // 2
        samples = decode(one.payload, one.law)
        pcm += b"\0" * (2 * at - len(pcm))
        pcm[2 * at : 2 * at + len(samples)] = samples
        if one.payload and sum(one.payload.translate(LOUD[one.law])) > VOICE * len(one.payload):
            loud_until = max(loud_until, 2 * at + len(samples))
    return wav(bytes(pcm[: loud_until + RATE])) if loud_until else b""
