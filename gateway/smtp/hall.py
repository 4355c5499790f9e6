"""What the conversations of one door share: its functions and limits, who is inside, how much memory is held."""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.smtp.certificate import Certificate
from gateway.smtp.content import Content
from gateway.smtp.values import Deliver, Delivery, Limits, Ours

if TYPE_CHECKING:
    from gateway.smtp.connection import Connection

CLOSING = "421 4.3.2 Closing down, try again later"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Hall:
    """Everything here lives on one event loop; nothing needs a lock."""

    deliver: Deliver
    ours: Ours
    limits: Limits
    hostname: str
    tls: Certificate | None = None
    relays: tuple[Network, ...] = ()
    """Peers that speak for many: they have caps of their own and always find room."""
    proxies: tuple[Network, ...] = ()
    """Peers that say first, by the PROXY protocol, for whom they speak; nobody else is heard doing so."""
    closing: bool = False
    sessions: "dict[Connection, str]" = field(default_factory=dict)
    """Who is inside, and as which peer each counts."""
    peers: Counter[str] = field(default_factory=Counter)
    running: set[asyncio.Future[str]] = field(default_factory=set)
    """Deliveries under way, also those whose client has gone: the event loop alone may forget them."""
    held: int = 0
    """Bytes of mails in memory, of all sessions together, above what each may always hold."""
    shares: "list[Share]" = field(default_factory=list)

    def limits_of(self, peer: str) -> Limits:
        """What this peer may ask of the door."""
        return self.limits.for_relays() if within(peer, self.relays) else self.limits

    def enter(self, session: "Connection", peer: str) -> str | None:
        """Count a session in, once more under another name if it is inside already; the words of refusal if there is
        no room. Strangers never take up the room of relays and proxies.
        """
        if self.closing:
            return CLOSING
        self.leave(session)
        who = counted_as(peer)
        known = within(peer, self.relays) or within(peer, self.proxies)
        if not known and len(self.sessions) >= self.limits.connections:
            return "421 4.7.0 Too many connections, try again later"
        if self.peers[who] >= (self.limits.connections if known else self.limits.connections_per_peer):
            return "421 4.7.0 Too many connections from you, try again later"
        self.peers[who] += 1
        self.sessions[session] = who
        return None

    def leave(self, session: "Connection") -> None:
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
    def memory(self, content: Content, now: float) -> "Iterator[Share]":
        """One mail's share of the memory, given back at the end whatever happens."""
        share = Share(self, content, now)
        self.shares.append(share)
        try:
            yield share
        finally:
            self.shares.remove(share)
            share.take(0)


@dataclass(slots=True, eq=False)
class Share:
    """How much of the common memory one mail holds; `since`: when it last made headway, which it had at `size` bytes."""

    hall: Hall
    content: Content
    since: float
    held: int = 0
    size: int = 0

    def hold(self, now: float) -> None:
        """Hold what the content holds by now, or refuse it if there is no room for so much.

        The first `small` bytes are always free, so that large mails, honest or not, never keep small ones out. Mails that
        have stalled give their room away: somebody who sends one slowly must not keep the others out.
        """
        limits, size = self.hall.limits, self.content.held
        if size - self.size >= limits.small:
            self.size, self.since = size, now
        wanted = max(size - limits.small, 0)
        most = limits.held or limits.size
        if wanted > self.held and self.hall.held + wanted - self.held > most:
            for other in self.hall.shares:
                if other is not self and other.held and now - other.since > limits.stall:
                    other.content.refuse("full")
                    other.take(0)
            if self.hall.held + wanted - self.held > most:
                self.content.refuse("full")
                wanted = 0
        self.take(wanted)

    def take(self, held: int) -> None:
        self.hall.held += held - self.held
        self.held = held

    def settle(self) -> None:
        """The mail is whole and being delivered: it does not stall."""
        self.since = float("inf")


def networks(written: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as they are configured."""
    return tuple(ipaddress.ip_network(one, strict=False) for one in written)


def within(peer: str, known: tuple[Network, ...]) -> bool:
    """Is this peer's address in one of the networks?"""
    if not known or not peer:
        return False
    address = ipaddress.ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in known)


def counted_as(peer: str) -> str:
    """One IPv4 address, or one IPv6 /64: whoever has one address of those has them all."""
    if ":" not in peer:
        return peer
    address = ipaddress.IPv6Address(peer.partition("%")[0])
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
