"""The SIP socket: who may talk to us, how much, and RFC 3261's transactions where the library has none.

aiosipua 0.7 sends every request once, takes a repeated INVITE for a new call, never acknowledges a refusal (so that a
challenge that comes twice looks like a wrong password), and stays with the address it rang when the other side names a
better one. This stands before it and puts that right. Refuses everybody but the configured peers (403), and to raise
out of anything that comes in.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiosipua import transaction
from aiosipua.headers import stringify_uri
from aiosipua.message import SipMessage, SipRequest, SipResponse
from aiosipua.transport import SipTransport, _stamp_via_received
from aiosipua.uac import SipUAC
from aiosipua.utils import generate_tag

log = structlog.get_logger(__name__)

LARGEST: Final = 16_384  # of one message; trunks stay below 4,096
MESSAGES_A_SECOND: Final = 300  # from one address: 25 calls that begin in the same second have 100
STRANGERS_A_SECOND: Final = 10  # answers to all who are no peers
REMEMBERED: Final = 2_000  # transactions
FINAL_SECONDS: Final = 32.0  # 64 * T1: as long as anything may still be repeated (RFC 3261, 17.1.1.2)
Address = tuple[str, int]
Key = tuple[str, str, str]  # Call-ID, branch, method


class Rate:
    """So many a second, counted anew each second."""

    def __init__(self, most: int) -> None:
        self._most, self._second, self._count = most, 0, 0

    def take(self) -> bool:
        second = int(time.monotonic())
        self._second, self._count = second, self._count + 1 if second == self._second else 1
        return self._count <= self._most


class _Datagrams(asyncio.DatagramProtocol):
    """The library's own takes no transport of uvloop's."""

    def __init__(self, taken: Callable[[bytes, Address], None]) -> None:
        self._taken = taken

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._taken(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: what was sent is repeated, and given up."""


@dataclass
class Wire(SipTransport):
    """UDP. `allowed`: is this address a peer; `on_request` sees each peer's request first, and says if it was for it."""

    allowed: Callable[[str], bool] = lambda _host: False
    on_request: Callable[[SipRequest], bool] = lambda _request: False
    uac: SipUAC | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("taken", "refused", "dropped", "broken"), 0))
    _rates: OrderedDict[str, Rate] = field(default_factory=OrderedDict, repr=False)
    _strangers: Rate = field(default_factory=lambda: Rate(STRANGERS_A_SECOND), repr=False)
    _answered: OrderedDict[Key, tuple[SipResponse, Address]] = field(default_factory=OrderedDict, repr=False)
    _sent: OrderedDict[Key, tuple[SipRequest, Address]] = field(default_factory=OrderedDict, repr=False)
    _over: OrderedDict[Key, tuple[SipRequest, Address]] = field(default_factory=OrderedDict, repr=False)
    _socket: asyncio.DatagramTransport | None = field(default=None, repr=False)
    _again: dict[Key, asyncio.TimerHandle] = field(default_factory=dict, repr=False)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        made, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._dispatch), local_addr=self.local_addr)
        self._socket = made
        bound = made.get_extra_info("sockname")
        self.local_addr = (self.local_addr[0], int(bound[1]))

    async def stop(self) -> None:
        for handle in self._again.values():
            handle.cancel()
        self._again.clear()
        if self._socket is not None:
            self._socket.close()

    # In -----------------------------------------------------------------------------------------------------------

    def _dispatch(self, data: bytes, addr: Address) -> None:
        """One datagram, whatever it is."""
        try:
            self._take(data, addr)
        except Exception as trouble:  # the door's edge: a message that breaks something is one message
            self.counts["broken"] += 1
            log.warning("sip.broken_message", why=type(trouble).__name__, bytes=len(data))

    def _take(self, data: bytes, addr: Address) -> None:
        known = self.allowed(addr[0])
        if len(data) > LARGEST or not data.strip() or not (self._rate(addr[0]) if known else self._strangers).take():
            self.counts["dropped"] += 1  # keep-alives of four bytes (RFC 5626) end here as well
            return
        message = SipMessage.parse(data)
        if isinstance(message, SipResponse):
            if known:
                self._response(message, addr)
            return
        _stamp_via_received(message, addr)
        if not known:
            self.counts["refused"] += 1
            if message.method != "ACK":
                self._send(reply(message, 403, "Forbidden"), addr)
            return
        self.counts["taken"] += 1
        self._request(message, addr)

    def _rate(self, host: str) -> Rate:
        """Only peers have one each."""
        if host not in self._rates:
            self._rates[host] = Rate(MESSAGES_A_SECOND)
            _bound(self._rates)
        return self._rates[host]

    def _request(self, request: SipRequest, addr: Address) -> None:
        key = _key(request)
        again = self._answered.get(key) if key and request.method != "ACK" else None
        if again is not None:  # repeated because our answer was lost or late: the same answer (RFC 3261, 17.2)
            self._send(again[0], again[1])
            return
        if self.on_request(request):
            return
        try:
            if self.on_message is not None:
                self.on_message(request, addr)
        except ValueError as trouble:  # a body or header that cannot be read
            self.counts["broken"] += 1
            log.warning("sip.unreadable", method=request.method[:16], why=type(trouble).__name__)
            if request.method != "ACK":
                self.send_reply(reply(request, 400, "Bad Request"))

    def _response(self, response: SipResponse, addr: Address) -> None:
        key = _key(response)
        if key is None:
            return
        timer = self._again.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key[2] == "INVITE" and not self._of_invite(key, response):
            return
        if key[2] != "INVITE" and response.status_code >= 200:
            self._sent.pop(key, None)
        if self.on_message is not None:
            self.on_message(response, addr)

    def _of_invite(self, key: Key, response: SipResponse) -> bool:
        """Whether the library should see it. Refusals are acknowledged (17.1.1.3), and count once."""
        sent = self._sent.get(key) or self._over.get(key)
        if sent is None:
            return False
        if response.status_code >= 300:
            self._acknowledge(*sent, response)
            first = self._sent.pop(key, None) is not None
            self._over[key] = sent
            _bound(self._over)
            return first
        if response.status_code >= 200 and self.uac is not None:
            self._follow(response)
        return True

    def _acknowledge(self, invite: SipRequest, addr: Address, response: SipResponse) -> None:
        ack = SipRequest(method="ACK", uri=invite.uri)
        ack.headers.append("Via", invite.headers.get("via")[0])
        for name in ("From", "Call-ID", "Max-Forwards"):
            ack.headers.set_single(name, invite.headers.get_first(name) or "")
        ack.headers.set_single("To", response.headers.get_first("to") or "")
        number = invite.cseq.seq if invite.cseq else 1
        ack.headers.set_single("CSeq", f"{number} ACK")
        self._send(ack, addr)

    def _follow(self, response: SipResponse) -> None:
        """An answer says where the rest of the call goes: its Contact, by way of its Record-Route (12.1.2)."""
        assert self.uac is not None
        call = self.uac.get_call(response.call_id or "")
        if call is None or call._answered.is_set():
            return
        if response.contact:
            call.dialog.remote_target = stringify_uri(response.contact[0].uri)
        call.dialog.route_set = list(reversed(response.headers.get("record-route")))

    # Out ----------------------------------------------------------------------------------------------------------

    def send_reply(self, response: SipResponse) -> None:
        """By its Via (18.2.2), as long as that leads to a peer."""
        via = response.via[0] if response.via else None
        host = (via.received or via.host) if via else ""
        if via is None or not self.allowed(host):
            self.counts["broken"] += 1
            return
        port = via.rport or str(via.port or 5060)
        self.send(response, (host, int(port) if port.isascii() and port.isdigit() else 0))

    def send(self, message: SipRequest | SipResponse, addr: Address) -> None:
        """A request is repeated until something answers it (17.1.1.2 and 17.1.2.2)."""
        self._send(message, addr)
        key = _key(message)
        if key is None:
            return
        if isinstance(message, SipResponse):
            self._answered[key] = (message, addr)
            _bound(self._answered)
        elif message.method != "ACK":
            self._sent[key] = message, addr
            _bound(self._sent)
            self._repeat(key, message, addr, transaction.T1, transaction.T1)

    def _repeat(self, key: Key, request: SipRequest, addr: Address, wait: float, total: float) -> None:
        def again() -> None:
            self._send(request, addr)
            longest = FINAL_SECONDS if request.method == "INVITE" else transaction.T2
            following = min(2 * wait, longest)
            if total + following < FINAL_SECONDS:
                self._repeat(key, request, addr, following, total + following)
            else:
                self._again.pop(key, None)

        self._again[key] = asyncio.get_running_loop().call_later(wait, again)

    def unanswered(self, request: SipRequest) -> bool:
        """Has nothing at all come back to it yet?"""
        return _key(request) in self._again

    def forget(self, request: SipRequest) -> None:
        """Do not repeat it any more."""
        key = _key(request)
        timer = self._again.pop(key, None) if key else None
        if timer is not None:
            timer.cancel()

    def _send(self, message: SipRequest | SipResponse, addr: Address) -> None:
        """To a peer's address or to whoever has just written; a Via or a Contact may name anything at all."""
        if not 0 < addr[1] < 65_536 or not _is_ip(addr[0]):
            self.counts["broken"] += 1
        elif self._socket is not None and not self._socket.is_closing():
            self._socket.sendto(bytes(message), addr)


def _key(message: SipRequest | SipResponse) -> Key | None:
    """What a request, its repetitions and its answers have in common (17.1.3, 17.2.3)."""
    vias, cseq = message.via, message.cseq
    if not vias or cseq is None or not vias[0].branch:
        return None
    return message.call_id or "", vias[0].branch, cseq.method.upper()


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bound(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)


def reply(request: SipRequest, status: int, reason: str) -> SipResponse:
    """An answer that needs no dialog."""
    response = SipResponse(status_code=status, reason_phrase=reason)
    for via in request.headers.get("via"):
        response.headers.append("Via", via)
    for name in ("From", "To", "Call-ID", "CSeq"):
        value = request.headers.get_first(name)
        if value:
            tagged = name == "To" and ";tag=" not in value and status != 100
            response.headers.set_single(name, f"{value};tag={generate_tag()}" if tagged else value)
    return response
