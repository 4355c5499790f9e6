"""What the conversations of one door share: its functions and limits, who is inside, how much memory is held."""

import asyncio
import ipaddress
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.smtp.values import Deliver, Delivery, Limits, Ours

if TYPE_CHECKING:
    from gateway.smtp.session import Conversation

CLOSING = "421 4.3.2 Closing down, try again later"


@dataclass(slots=True)
class Hall:
    """Everything here lives on one event loop; nothing needs a lock."""

    deliver: Deliver
    ours: Ours
    limits: Limits
    hostname: str
    tls: ssl.SSLContext | None = None
    closing: bool = False
    sessions: "dict[Conversation, str]" = field(default_factory=dict)
    """Who is inside, and as which peer each counts."""
    peers: Counter[str] = field(default_factory=Counter)
    running: set[asyncio.Future[str]] = field(default_factory=set)
    """Deliveries under way, also those whose client has gone: the event loop alone may forget them."""
    held: int = 0
    """Bytes of mails in memory, of all sessions together, above what each may always hold."""

    def enter(self, session: "Conversation", peer: str) -> str | None:
        """Count a session in; the words of refusal if there is no room."""
        if self.closing:
            return CLOSING
        if len(self.sessions) >= self.limits.connections:
            return "421 4.7.0 Too many connections, try again later"
        who = counted_as(peer)
        if self.peers[who] >= self.limits.connections_per_peer:
            return "421 4.7.0 Too many connections from you, try again later"
        self.peers[who] += 1
        self.sessions[session] = who
        return None

    def leave(self, session: "Conversation") -> None:
        """Count a session out; one that never came in does not matter."""
        who = self.sessions.pop(session, None)
        if who is None:
            return
        self.peers[who] -= 1
        if not self.peers[who]:
            del self.peers[who]

    def run(self, mail: Delivery) -> asyncio.Future[str]:
        """Start a delivery that nobody but the door's end can stop."""
        delivery = asyncio.ensure_future(self.deliver(mail))
        self.running.add(delivery)
        delivery.add_done_callback(self.running.discard)
        return delivery

    @contextmanager
    def memory(self) -> "Iterator[Share]":
        """One mail's share of the memory, given back at the end whatever happens."""
        share = Share(self)
        try:
            yield share
        finally:
            share.hold(0)


@dataclass(slots=True)
class Share:
    """How much of the common memory one mail holds."""

    hall: Hall
    held: int = 0

    def hold(self, size: int) -> bool:
        """Hold `size` bytes from now on; False, and nothing held, if there is no room for so many.

        The first `small` bytes are always free, so that large mails, honest or not, never keep small ones out.
        """
        limits = self.hall.limits
        wanted = max(size - limits.small, 0)
        if wanted > self.held and self.hall.held + wanted - self.held > (limits.held or 2 * limits.size):
            wanted = 0
        self.hall.held += wanted - self.held
        self.held = wanted
        return wanted >= size - limits.small


def counted_as(peer: str) -> str:
    """One IPv4 address, or one IPv6 /64: whoever has one address of those has them all."""
    if ":" not in peer:
        return peer
    address = ipaddress.IPv6Address(peer.partition("%")[0])
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
