"""Listening, and stopping without losing a mail that is being delivered."""

import asyncio
import contextlib
import socket
import ssl

from gateway.smtp.hall import CLOSING, Hall
from gateway.smtp.session import Conversation
from gateway.smtp.values import Deliver, Limits, Ours


class Door:
    """The SMTP listener on the running event loop (uvloop where the application runs one).

    `start` raises OSError when the address can't be had. `stop` answers 421 to everyone, waits for running deliveries
    (at most `limits.stop` seconds) and gives those clients their answer; it may be called twice. A bound `sock`, opened
    by a parent process for example, is listened on instead of host and port.
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
        tls: ssl.SSLContext | None = None,
        sock: socket.socket | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._sock = sock
        self._hall = Hall(deliver, ours, limits or Limits(), hostname or socket.gethostname(), tls)
        self._server: asyncio.Server | None = None

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
        loop = asyncio.get_running_loop()
        hall = self._hall
        where = {"sock": self._sock} if self._sock else {"host": self._host, "port": self._port}
        self._server = await loop.create_server(
            lambda: Conversation(hall, loop),
            **where,
            backlog=hall.limits.connections,
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the door."""
        if self._server is None:
            return
        self._server.close()
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
        self._server = None
