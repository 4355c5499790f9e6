"""The other end of a SIP line in the same process: a telephone or a trunk, one UDP socket for messages and one a call for
sound. Written from RFC 3261 and RFC 4733 with plain text, so that it cannot share the mistakes of what it tests.
"""

import asyncio
import hashlib
import itertools
import re
import struct
from typing import Any

from gateway.sip import speech

KEYS = "0123456789*#"
SECONDS = 30.0
NONCE, REALM = "n0nce", "trunk.test"


def header(message: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.*?)\r?$", message, re.M | re.I)
    return found[1] if found else ""


class Socket(asyncio.DatagramProtocol):
    def __init__(self, taken: Any) -> None:
        self.taken = taken
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.taken(data, addr)

    @classmethod
    async def open(cls, taken: Any) -> "Socket":
        _, made = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(taken), local_addr=("127.0.0.1", 0)
        )
        return made

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])


class Peer:
    presa: tuple[str, int]
    socket: Socket

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.known: dict[str, PeerCall] = {}
        self.rung: asyncio.Queue[PeerCall] = asyncio.Queue()
        self.deaf = False
        self.registered: list[str] = []
        self.numbers = itertools.count(1)

    @classmethod
    async def open(cls) -> "Peer":
        made = cls()
        made.socket = await Socket.open(made.taken)
        return made

    @property
    def port(self) -> int:
        return self.socket.port

    def sends(self, raw: bytes) -> None:
        self.socket.transport.sendto(raw, self.presa)

    def close(self) -> None:
        self.socket.transport.close()
        for call in self.known.values():
            call.sound.transport.close()

    def taken(self, data: bytes, addr: Any) -> None:
        self.raw.append(data)
        if self.deaf:
            return
        message = data.decode()
        call = self.known.get(header(message, "Call-ID"))
        if call is not None:
            call.taken(message)
        elif message.startswith("REGISTER"):
            self._registrar(message)
        elif message.startswith("INVITE"):
            asyncio.get_running_loop().create_task(self._rung(message))

    def _registrar(self, message: str) -> None:
        """Asks for the password once, and notes what it was then told."""
        told = header(message, "Authorization")
        self.registered += [message] if told else []
        more = (
            "Expires: 60\r\n" if told else f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}", qop="auth"\r\n'
        )
        same = "".join(f"{name}: {header(message, name)}\r\n" for name in ("Via", "From", "To", "Call-ID", "CSeq"))
        self.sends(f"SIP/2.0 {200 if told else 401} X\r\n{same}{more}Content-Length: 0\r\n\r\n".encode())

    async def _rung(self, invite: str) -> None:
        call = PeerCall(self, header(invite, "Call-ID"), ours=False)
        self.known[call.id] = call
        await call.open()
        call.taken(invite)
        self.rung.put_nowait(call)

    async def is_rung(self) -> "PeerCall":
        return await asyncio.wait_for(self.rung.get(), SECONDS)

    async def calls(self, number: str, *, events: bool = True, twice: bool = False) -> "PeerCall":
        """A call that is answered; AssertionError with the status when it is not."""
        call = PeerCall(self, f"call-{next(self.numbers)}-{self.port}", ours=True)
        self.known[call.id] = call
        await call.open()
        await call.invites(number, events, twice)
        return call


class PeerCall:
    """One call. `frames`: the payloads that were heard."""

    def __init__(self, peer: Peer, call_id: str, *, ours: bool) -> None:
        self.peer, self.id, self.ours = peer, call_id, ours
        self.frames: list[bytes] = []
        self.over = self.cancelled = self.acknowledged = False
        self.remote = ("127.0.0.1", 0)
        self.answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.invite = self.local = self.far = ""
        self.again: asyncio.Event = asyncio.Event()
        self.statuses: dict[int, asyncio.Future[int]] = {}
        self.moved: asyncio.Future[int] | None = None
        self.cseq = 1
        self.sequence, self.stamp = 100, 8_000

    async def open(self) -> None:
        self.sound = await Socket.open(lambda data, _addr: self.frames.append(data[12:]))

    # As who calls -------------------------------------------------------------------------------------------------

    async def invites(self, number: str, events: bool, twice: bool) -> None:
        body = self.sdp(events)
        self.local, self.far = f"<sip:{number}@127.0.0.1:{self.peer.port}>;tag=peer", "<sip:presa@127.0.0.1>"
        raw = self.request("INVITE", body)
        self.peer.sends(raw)
        if twice:
            self.peer.sends(raw)
        answer = await asyncio.wait_for(self.answered, SECONDS)
        assert answer.startswith("SIP/2.0 200"), answer.splitlines()[0]
        if twice:
            self.peer.sends(raw)

    def sdp(self, events: bool = True) -> str:
        more = "a=rtpmap:97 telephone-event/8000\r\n" if events else ""
        return (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {self.sound.port} RTP/AVP 8"
            f"{' 97' if events else ''}\r\na=rtpmap:8 PCMA/8000\r\n{more}"
        )

    def request(self, method: str, body: str = "", kind: str = "application/sdp") -> bytes:
        if method not in ("ACK", "INVITE"):
            self.cseq += 1
        lines = [
            f"{method} sip:presa@127.0.0.1 SIP/2.0", f"Via: SIP/2.0/UDP 127.0.0.1:{self.peer.port};branch=z9hG4bK{method}{self.id}{self.cseq}",
            f"From: {self.local}", f"To: {self.far}", f"Call-ID: {self.id}", f"CSeq: {self.cseq} {method}", "Max-Forwards: 70",
            f"Contact: <sip:peer@127.0.0.1:{self.peer.port}>", *([f"Content-Type: {kind}"] if body else []), f"Content-Length: {len(body)}",
        ]  # fmt: skip
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    async def info(self, body: str) -> int:
        raw = self.request("INFO", body, "application/dtmf-relay")
        done = self.statuses[self.cseq] = asyncio.get_running_loop().create_future()
        self.peer.sends(raw)
        return await asyncio.wait_for(done, SECONDS)

    async def holds(self, status: int = 200) -> None:
        """Asks for another address of the sound, as a telephone does that puts a call on hold and takes it back."""
        self.sound.transport.close()
        await self.open()
        self.frames.clear()
        self.cseq += 1
        done = self.moved = asyncio.get_running_loop().create_future()
        self.peer.sends(self.request("INVITE", self.sdp()))
        assert await asyncio.wait_for(done, SECONDS) == status

    async def hangs_up(self) -> None:
        self.peer.sends(self.request("BYE"))

    # As who is called -----------------------------------------------------------------------------------------------

    def reply(self, status: int, words: str = "X", more: str = "", body: str = "", to: str | None = None) -> None:
        invite = self.invite if to is None else to
        vias = "".join(f"Via: {via}\r\n" for via in re.findall(r"^Via: (.*?)\r$", invite, re.M))
        tagged = header(invite, "To") + ("" if ";tag=" in header(invite, "To") else ";tag=peer")
        self.peer.sends(
            f"SIP/2.0 {status} {words}\r\n{vias}From: {header(invite, 'From')}\r\nTo: {tagged}\r\nCall-ID: {self.id}\r\n"
            f"CSeq: {header(invite, 'CSeq')}\r\nContact: <sip:uno@127.0.0.1:{self.peer.port}>\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    async def rings(self) -> None:
        self.reply(180)

    async def answers(self) -> None:
        self.local, self.far = f"{header(self.invite, 'To')};tag=peer", header(self.invite, "From")
        self.reply(200, more="Content-Type: application/sdp\r\n", body=self.sdp())

    async def refuses(self, status: int) -> None:
        self.reply(status)
        for _ in range(100):
            if self.acknowledged:
                return
            await asyncio.sleep(0.02)

    async def challenges(self, user: str, password: str, *, twice: bool) -> None:
        """Asks for the password, and checks it."""
        more = f'Proxy-Authenticate: Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5\r\n'
        first = self.invite
        self.reply(407, more=more)
        if twice:
            self.reply(407, more=more, to=first)
        await asyncio.wait_for(self.again.wait(), SECONDS)
        if twice:
            self.reply(407, more=more, to=first)
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', header(self.invite, "Proxy-Authorization")))
        md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        uri = self.invite.split(" ")[1]
        right = md5(f"{md5(f'{user}:{REALM}:{password}')}:{NONCE}:{md5(f'INVITE:{uri}')}")
        assert (given["username"], given["response"], given["uri"]) == (user, right, uri)

    # Both -----------------------------------------------------------------------------------------------------------

    def taken(self, message: str) -> None:
        method = message.split(" ", 1)[0]
        if method == "SIP/2.0":
            self._answer(message)
        elif method == "INVITE":
            if self.invite and header(self.invite, "CSeq") != header(message, "CSeq"):
                self.again.set()
            self.invite = message
            self._sound(message)
        elif method == "ACK":
            self.acknowledged = True
        elif method in ("BYE", "CANCEL"):
            self.over = self.over or method == "BYE"
            self.cancelled = self.cancelled or method == "CANCEL"
            self.reply(200, to=message)

    def _answer(self, message: str) -> None:
        status, cseq = int(message.split(" ")[1]), header(message, "CSeq").split()
        if cseq[1] != "INVITE":
            waiting = self.statuses.get(int(cseq[0]))
            if waiting is not None and not waiting.done():
                waiting.set_result(status)
            return
        if status >= 200 and self.moved is not None and not self.moved.done():
            self._sound(message)
            self.peer.sends(self.request("ACK"))
            self.moved.set_result(status)
        if status < 200 or self.answered.done():
            return
        self.far = header(message, "To")
        if status == 200:
            self._sound(message)
        self.peer.sends(self.request("ACK"))
        self.answered.set_result(message)

    def _sound(self, message: str) -> None:
        found = re.search(r"^m=audio (\d+)", message, re.M)
        if found:
            self.remote = "127.0.0.1", int(found[1])
        keys = re.search(r"^a=rtpmap:(\d+) telephone-event", message, re.M)
        self.key_type = int(keys[1]) if keys else 0

    def loudest(self) -> int:
        sound = b"".join(frame for frame in self.frames if len(frame) == 160)
        return max((abs(sample) for sample in memoryview(speech.decode(sound, 8)).cast("h")), default=0) if sound else 0

    def sends(self, raw: bytes) -> None:
        self.sound.transport.sendto(raw, self.remote)

    def _rtp(self, kind: int, stamp: int, payload: bytes) -> None:
        self.sequence += 1
        self.sends(struct.pack("!BBHII", 0x80, kind, self.sequence, stamp, 7) + payload)

    async def presses(self, keys: str) -> None:
        for key in keys:
            self.stamp += 800
            for duration, end in ((160, 0), (320, 0), (480, 0x80), (480, 0x80), (480, 0x80)):
                self._rtp(self.key_type, self.stamp, struct.pack("!BBH", KEYS.index(key), end | 10, duration))
            await asyncio.sleep(0.02)

    async def speaks(self, seconds: float) -> None:
        sound = speech.tone(8, seconds)
        for at in range(0, len(sound), 160):
            self.stamp += 160
            self._rtp(8, self.stamp, sound[at : at + 160])
            await asyncio.sleep(0.02)
