"""A real IMAP server (pymap) on loopback, and a proxy before it that breaks what it is told to break.

`Server` runs in a thread with an event loop of its own and is filled and emptied over IMAP like any other. `Proxy`
passes bytes on, line by line as the client sends them, and keeps every command it saw; a `Fault` may end, delay or
falsify what follows a command.
"""

import argparse
import asyncio
import base64
import contextlib
import io
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from imapclient import IMAPClient
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPService
from pysasl.hashing import Cleartext

USER, PASSWORD = "demouser", "demopass"


class Server:
    """pymap with one user and empty folders."""

    def __init__(self, certificate: str | None = None) -> None:
        """`certificate`: a PEM file with a key too; STARTTLS is offered then."""
        self.port = 0
        self._certificate = certificate
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._config: Any = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        arguments = argparse.Namespace(
            debug=False, host="127.0.0.1", port=_free_port(), cert=self._certificate, key=self._certificate, tls=self._certificate is not None, passlib_cfg=None,
            proxy_protocol=None, demo_data=False, demo_user=USER, demo_password=PASSWORD, skip_services=[], inherited_sockets=None,
        )  # fmt: skip
        backend, self._config = await DictBackend.init(arguments, invalid_user_sleep=0.0, hash_context=Cleartext())
        self._config.apply_context()
        async with AsyncExitStack() as stack:
            await backend.start(stack)
            await IMAPService(backend, self._config).start(stack)
            self.port = arguments.port
            self._ready.set()
            await self._stop.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=30)

    # The mailbox as its owner sees it

    @contextlib.contextmanager
    def owner(self, folder: str | None = "INBOX") -> Iterator[IMAPClient]:
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        # A mail goes in two pieces; the second would wait 40 ms for the first to be acknowledged.
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.login(USER, PASSWORD)
        if folder is not None:
            client.select_folder(folder)
        try:
            yield client
        finally:
            with contextlib.suppress(Exception):
                client.logout()

    def put(self, *mails: bytes, at: datetime | None = None, folder: str = "INBOX") -> None:
        """Mails reach the mailbox, received at that instant. Nothing is selected: that wakes who listens, and the server tells
        nobody of a mail that comes while it looks why."""
        with self.owner(None) as client:
            for mail in mails:
                client.append(folder, mail, msg_time=at or datetime.now(UTC))

    def flags(self, folder: str = "INBOX") -> dict[int, set[bytes]]:
        with self.owner(folder) as client:
            return {uid: set(flags) - {b"\\Recent"} for uid, flags in client.get_flags(client.search()).items()}

    def delete(self, *uids: int) -> None:
        with self.owner() as client:
            client.delete_messages(uids)
            client.expunge()

    def create(self, folder: str) -> None:
        with self.owner() as client:
            client.create_folder(folder)

    def renumber(self) -> None:
        """All mails of INBOX get new numbers (another UIDVALIDITY), as after a restore."""

        async def change() -> None:
            mailbox_set, _ = self._config.set_cache[USER]
            inbox = await mailbox_set.get_mailbox("INBOX")
            inbox._uid_validity += 1

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(5)


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


# The proxy ------------------------------------------------------------------------------------------------------


@dataclass
class Fault:
    """What happens at the n-th command line that matches `at` (a regular expression), counted from 1; `times`: how often.

    before: the connection ends before the command is passed on. after: when it was passed on and nothing has come back.
    within: after so many bytes of the answer. answer: these bytes are the answer, and then the connection ends (with
    `then_end`). `delay` seconds go by first."""

    at: str
    nth: int = 1
    times: int = 1
    do: str = "before"
    within: int = 0
    answer: bytes = b""
    then_end: bool = True
    delay: float = 0.0
    seen: int = 0

    def strikes(self, line: bytes) -> bool:
        if not re.search(self.at.encode(), line, re.IGNORECASE):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class Proxy:
    """Before a server's port. `faults` may be changed at any time; `commands` is what clients sent, without tags."""

    target: int
    faults: list[Fault] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    rewrite: Callable[[bytes], bytes] | None = None
    swap: tuple[bytes, bytes] | None = None
    """A login that the server does not know, and one that it does: the client's answer is kept in `tokens`."""
    tokens: list[str] = field(default_factory=list)
    open: bool = True

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._end(self._listener, *self._sockets)

    def cut(self) -> None:
        """Every connection ends now."""
        self._end(*self._sockets)

    def _end(self, *sockets: socket.socket) -> None:
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                if not self.open:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.target))
                self._sockets += [client, server]
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = _Line(self, client, server)
                threading.Thread(target=line.up, daemon=True).start()
                threading.Thread(target=line.down, daemon=True).start()


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self._left: int | None = None  # bytes of an answer that still pass before the connection ends

    def up(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            lines = self.client.makefile("rb")
            for line in lines:
                words = line.decode("latin-1").rstrip("\r\n")
                self.proxy.commands.append(words.partition(" ")[2] if words != "DONE" else words)
                fault = next((one for one in tuple(self.proxy.faults) if one.strikes(line)), None)
                if fault is not None and not self._strike(fault, line):
                    break
                if fault is None:
                    self.server.sendall(self._swapped(line))
                if words.endswith("STARTTLS"):
                    self._pass_on(lines)
        self.proxy._end(self.client, self.server)

    def _pass_on(self, file: io.BufferedReader) -> None:
        """What is encrypted has no lines."""
        while piece := file.read1(65_536):
            self.server.sendall(piece)

    def _swapped(self, line: bytes) -> bytes:
        if self.proxy.swap is None or self.proxy.swap[0] not in line:
            return line
        self.client.sendall(b"+ \r\n")
        said = b""
        while not said.endswith(b"\n"):
            said += self.client.recv(4096)
        self.proxy.tokens.append(base64.b64decode(said).decode())
        return line.replace(*self.proxy.swap)

    def down(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while piece := self.server.recv(65_536):
                if self._left is not None:
                    piece = piece[: self._left]
                    self._left -= len(piece)
                self.client.sendall(self.proxy.rewrite(piece) if self.proxy.rewrite else piece)
                if self._left == 0:
                    break
        self.proxy._end(self.client, self.server)

    def _strike(self, fault: Fault, line: bytes) -> bool:
        """Whether the connection goes on."""
        time.sleep(fault.delay)
        if fault.do == "before":
            return False
        if fault.do == "answer":
            tag = line.split(b" ", 1)[0]
            self.client.sendall(fault.answer.replace(b"TAG", tag))
            return not fault.then_end
        if fault.do == "after":
            self._left = 0
            self.server.sendall(line)
            time.sleep(0.05)
            return False
        if fault.do == "within":
            self._left = fault.within
        self.server.sendall(line)
        return True


def mail(
    number: int | str, *, sender: str = "", to: str = "support@example.test", text: str = "La stampante non stampa.",
    headers: Sequence[str] = (),
) -> bytes:  # fmt: skip
    """A customer's mail, each number another one."""
    lines = [
        *headers,
        f"From: Mario <{sender or 'mario'}@acme.example>", f"To: {to}", f"Subject: Guasto {number}",
        "Date: Wed, 25 Nov 2026 09:00:00 +0100", f"Message-ID: <{number}@acme.example>",
        "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", text, "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()
