"""What the tests of the mail door stand on: a door on its own event loop in a thread, and a blunt client."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gateway.smtp import Certificate, Deliver, Delivery, Door, Limits, Listener

try:
    import uvloop
except ImportError:
    uvloop = None

CERTIFICATE = Path(__file__).parent / "smtp_certificate.pem"
QUICK = Limits(size=1_000_000, linger=0.2, stop=2.0, idle=60.0)


@dataclass
class House:
    """A running door and what was delivered through it."""

    door: Door
    loop: asyncio.AbstractEventLoop
    mails: list[Delivery] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def wait_for_mail(self) -> None:
        assert self.arrived.acquire(timeout=30), "no mail was delivered"


@contextmanager
def house(
    limits: Limits = QUICK,
    deliver: Deliver | None = None,
    tls: bool | Certificate = False,
    ours: Callable[[str], bool] | None = None,
    *,
    protocol: Literal["smtp", "lmtp"] = "smtp",
    encrypted: bool = False,
    relays: tuple[str, ...] = (),
    proxies: tuple[str, ...] = (),
) -> Iterator[House]:
    loop = uvloop.new_event_loop() if uvloop else asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def keep(mail: Delivery) -> str:
        words = await deliver(mail) if deliver else "2.0.0 Ok"
        it.mails.append(mail)
        it.arrived.release()
        return words

    certificate = Certificate(CERTIFICATE, CERTIFICATE) if tls is True else tls or None
    expected = ours or (lambda address: address.lower() == "support@example.test")
    sock = socket.create_server(("127.0.0.1", 0))
    door = Door(
        "127.0.0.1", sock.getsockname()[1], deliver=keep, ours=expected, limits=limits, hostname="mx.example.test",
        tls=certificate, listeners=[Listener(sock, protocol, encrypted)], relays=relays, proxies=proxies,
    )  # fmt: skip
    it = House(door, loop)
    it.do(door.start())
    try:
        yield it
    finally:
        it.do(door.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


class Peer:
    """A client that sends what it is told to, and reads whole replies."""

    def __init__(self, it: House, greeting: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", it.door.port), timeout=30)
        self.buffer = b""
        if greeting:
            assert self.reply().startswith("220 ")

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *gone: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> str:
        """The next reply, all its lines; "closed" when the other side has ended the session."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            while b"\r\n" not in self.buffer:
                try:
                    piece = self.socket.recv(65536)
                except ConnectionError:
                    piece = b""
                if not piece:
                    assert (self.buffer, lines) == (b"", []), "cut off in the middle of a reply"
                    return "closed"
                self.buffer += piece
            line, self.buffer = self.buffer.split(b"\r\n", 1)
            lines.append(line.decode("ascii"))
        return "\n".join(lines)

    def ask(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def all_replies(self) -> list[str]:
        """Every reply until the session is closed."""
        replies = []
        while (reply := self.reply()) != "closed":
            replies.append(reply)
        return replies

    def begin(self, sender: str = "mario@acme.example") -> None:
        """Up to 354."""
        for line in ("EHLO client.example", f"MAIL FROM:<{sender}>", "RCPT TO:<support@example.test>"):
            assert self.ask(line).startswith("250"), line
        assert self.ask("DATA").startswith("354")

    def start_tls(self) -> None:
        context = ssl.create_default_context(cafile=str(CERTIFICATE))
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
