"""Listening, and stopping without losing a mail that is being delivered."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence

from gateway.smtp.certificate import Certificate
from gateway.smtp.hall import CLOSING, Hall, networks
from gateway.smtp.lmtp import Handover
from gateway.smtp.session import Conversation
from gateway.smtp.values import Deliver, Limits, Listener, Ours

RECEIVE = 65_536  # bytes that the kernel keeps for one client and hands over at once: the loop would take 256 kB


class Door:
    """The mail listeners on the running event loop (uvloop where the application runs one); they share their caps.

    `start` raises OSError when the address can't be had. `stop` answers 421 to everyone, waits for running deliveries
    (at most `limits.stop` seconds) and gives those clients their answer; it may be called twice. A bound `sock` and
    `listeners`, opened by a parent process for example, are listened on instead of host and port. `tls` None: no STARTTLS.
    `relays` and `proxies`: addresses or networks, see `Hall`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        deliver: Deliver,
        ours: Ours,
        limits: Limits | None = None,
        hostname: str | None = None,
        tls: Certificate | None = None,
        sock: socket.socket | None = None,
        listeners: Sequence[Listener] = (),
        relays: Sequence[str] = (),
        proxies: Sequence[str] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._listeners = (*((Listener(sock),) if sock else ()), *listeners)
        self._hall = Hall(
            deliver,
            ours,
            limits or Limits(),
            hostname or socket.gethostname(),
            tls,
            networks(relays),
            networks(proxies),
        )
        self._servers: list[asyncio.Server] = []

    @property
    def port(self) -> int:
        """The port listened on: the one asked for, or the one the system chose for 0."""
        return self._port

    @property
    def sessions(self) -> int:
        """How many clients are inside."""
        return len(self._hall.sessions)

    @property
    def delivering(self) -> int:
        """How many mails are being delivered."""
        return len(self._hall.running)

    async def start(self) -> None:
        """Open the door."""
        backlog = self._hall.limits.connections
        if not self._listeners:
            loop = asyncio.get_running_loop()
            made = await loop.create_server(
                lambda: Conversation(self._hall, loop), self._host, self._port, backlog=backlog
            )
            self._servers.append(made)
            self._port = made.sockets[0].getsockname()[1]
        for one in self._listeners:
            self._servers.append(await self._listen(one, backlog))

    async def _listen(self, one: Listener, backlog: int) -> asyncio.Server:
        loop, hall = asyncio.get_running_loop(), self._hall
        spoken = Handover if one.protocol == "lmtp" else Conversation
        one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE)  # what is accepted here inherits it
        create = loop.create_unix_server if one.sock.family == socket.AF_UNIX else loop.create_server
        server: asyncio.Server = await create(
            lambda: spoken(hall, loop, encrypted=one.encrypted), sock=one.sock, backlog=backlog
        )
        return server

    async def stop(self) -> None:
        """Close the door."""
        if not self._servers:
            return
        for server in self._servers:
            server.close()
        hall = self._hall
        hall.closing = True
        for session in tuple(hall.sessions):
            session.dismiss(CLOSING)
        if hall.running:
            await asyncio.wait(set(hall.running), timeout=hall.limits.stop)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(hall.limits.linger + 1):
                await asyncio.gather(*(session.end() for session in tuple(hall.sessions)))
        for session in tuple(hall.sessions):
            session.abort()
        self._servers.clear()
