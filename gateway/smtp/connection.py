"""How a client comes and goes: PROXY header, TLS, caps, the last words, the end. What is said between is the session's.

Built on aiosmtpd for the connection and its timers. Its STARTTLS is replaced: it cannot begin with the first byte, and drops
a handshake that came in one packet with a PROXY header.
"""

import asyncio
import contextlib
import ipaddress
import logging
import secrets
from asyncio import sslproto
from collections.abc import Iterable
from typing import ClassVar

from aiosmtpd.proxy_protocol import get_proxy
from aiosmtpd.smtp import SMTP, TLSSetupException

from gateway.smtp.hall import Hall, within

log = logging.getLogger(__name__)

PIECE = 32_768  # bytes read at once; the stream holds the client up at twice as many
LOCAL = 0  # the PROXY protocol's command of a proxy that speaks for itself, to see whether we are well


class HangUp(Exception):
    """The session ends here, with this last answer."""


class Connection(SMTP):
    """One client, from its first packet to its last. `_converse` is what is said."""

    NAMELESS: ClassVar[str] = ""  # the peer without an address
    line_length_limit = PIECE  # aiosmtpd's name for its stream's high-water mark
    transport: asyncio.Transport | None

    def __init__(self, hall: Hall, loop: asyncio.AbstractEventLoop, *, encrypted: bool = False) -> None:
        super().__init__(None, hostname=hall.hostname, timeout=hall.limits.idle, loop=loop)
        self.hall = hall
        self._encrypted = encrypted  # TLS from the first byte
        self.limits = hall.limits
        self.peer = ""
        self._must_answer = False  # while true, the session ends by itself or not at all

    def __dir__(self) -> Iterable[str]:
        # aiosmtpd looks through dir() for its own commands and logins, on every connection: it shall find none, and
        # the search is half of what a connection costs.
        return ()

    async def _converse(self) -> None:
        raise NotImplementedError

    def eof_received(self) -> bool:
        """Half a hang-up: what came before it still counts (aiosmtpd drops it)."""
        self._reader.feed_eof()
        return self._tls_protocol is None

    def _timeout_cb(self) -> None:
        self.dismiss("421 4.4.2 Took too long")

    def dismiss(self, words: str) -> None:
        """End the session from outside, unless a mail is being delivered: that one still gets its answer."""
        if self.transport is not None and not self._must_answer:
            self._say(words)
            self._close()

    def _close(self) -> None:
        """Close once the client has read its answers, or after a while if it does not."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
            if self.transport.get_write_buffer_size():
                self.loop.call_later(self.limits.linger, self.transport.abort)

    def abort(self) -> None:
        """End the session without a word."""
        if self.transport is not None:
            self.transport.abort()

    async def end(self) -> None:
        """Wait until the session is over."""
        if self._handler_coroutine is not None:
            await asyncio.wait({self._handler_coroutine})

    async def _handle_client(self) -> None:
        assert self.session is not None
        # No name when the other side was gone before it could be asked, or when it came by a socket of this machine.
        named = self.session.peer
        self.peer = str(named[0]) if named and isinstance(named, tuple) else self.NAMELESS
        try:
            self._enter()
            if within(self.peer, self.hall.proxies):
                await self._hear_proxy()
            if self._encrypted:
                await self._encrypt(early=bytes(self._reader._buffer))  # type: ignore[attr-defined]
            await self._converse()
        except HangUp as last:
            self._say(str(last))
            await self._linger()
        except (ConnectionError, EOFError, TLSSetupException) as gone:
            log.info("%s: connection lost (%s)", self.peer, type(gone).__name__)
        except Exception:
            self._say(self._trouble("session"))
        finally:
            self.hall.leave(self)
            self._close()

    def _enter(self) -> None:
        if refusal := self.hall.enter(self, self.peer):
            raise HangUp(refusal)
        self.limits = self.hall.limits_of(self.peer)

    async def _hear_proxy(self) -> None:
        """For whom this proxy speaks (PROXY protocol, versions 1 and 2). A header that is none ends the session without
        a word: whatever comes is then not from whom it says."""
        said = await get_proxy(self._reader)
        if not said.valid:
            raise ConnectionAbortedError
        if isinstance(said.src_addr, ipaddress.IPv4Address | ipaddress.IPv6Address) and said.command != LOCAL:
            self.peer = str(said.src_addr)
            self._enter()

    async def _encrypt(self, early: bytes = b"") -> None:
        """The TLS handshake; `early`: bytes of it that came before we were ready (only where nothing came in the clear)."""
        assert self.hall.tls is not None
        assert self.transport is not None
        done = self.loop.create_future()
        secure = self._tls_protocol = sslproto.SSLProtocol(
            self.loop, self, self.hall.tls.context, done, server_side=True
        )
        plain = self._original_transport = self.transport
        plain.set_protocol(secure)
        self.transport = secure._app_transport
        secure.connection_made(plain)  # clears the reader: nothing that was said in the clear is left
        while early:
            place = secure.get_buffer(len(early))
            part, early = early[: len(place)], early[len(place) :]
            place[: len(part)] = part
            secure.buffer_updated(len(part))
        try:
            await done
        except Exception as error:  # whatever the handshake fails of, this session is over and nobody else is harmed
            raise TLSSetupException from error

    async def _linger(self) -> None:
        """Read on, unheard: closing with unread input resets the connection, and the client never reads why."""
        if self.transport is None or self.transport.is_closing():
            return
        self._must_answer = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(self.limits.linger):
                while await self._reader.read(PIECE):
                    pass

    def _say(self, words: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(words.encode("ascii", "replace") + b"\r\n")

    def _trouble(self, where: str) -> str:
        """Log the exception being handled under a reference; the client sees that reference and nothing else."""
        reference = secrets.token_hex(4)
        log.exception("%s: trouble in %s, reference %s", self.peer, where, reference)
        return f"451 4.3.0 Trouble on our side, try again later (reference {reference})"
