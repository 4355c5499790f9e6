"""Customers who mail: over several SMTP sessions at once, coming again like mail servers do until they hear 250.

Remembers every promise. Refuses to forgive: what was answered 250 was promised.
"""

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

OUTAGE = "produzione bloccata, siamo fermi"
TROUBLE = "la stampante al secondo piano non stampa a colori"


@dataclass(frozen=True)
class Written:
    """A mail: its id, who writes, its bytes."""

    message_id: str
    sender: str
    raw: bytes


def written(number: int | str, text: str = TROUBLE) -> Written:
    """A verified mail of somebody at ACME; every one from another address, so that every one is acknowledged."""
    sender = f"utente{number}@acme.example"
    message_id = f"torture-{number}@acme.example"
    head = (
        "Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example",
        f"From: Utente {number} <{sender}>",
        "To: support@example.test",
        f"Subject: Segnalazione {number}",
        "Date: Wed, 25 Nov 2026 10:00:00 +0100",
        f"Message-ID: <{message_id}>",
    )
    body = f"Buongiorno,\r\n{text}, pratica {number}.\r\nSaluti\r\n"
    return Written(message_id, sender, ("\r\n".join(head) + "\r\n\r\n" + body).encode())


class Session:
    """A blunt SMTP client: one connection, errors are OSError."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=15)
        self.file = self.socket.makefile("rb")
        self.answer()
        self.say("EHLO client.test")

    def answer(self) -> str:
        """The code of the next answer."""
        while True:
            line = self.file.readline()
            if len(line) < 4:
                raise ConnectionResetError("the server has gone")
            if line[3:4] != b"-":
                return line[:3].decode()

    def say(self, words: str) -> str:
        self.socket.sendall(words.encode() + b"\r\n")
        return self.answer()

    def begin(self, mail: Written) -> None:
        """Up to the last byte before the answer is due."""
        for words, wanted in (
            (f"MAIL FROM:<{mail.sender}>", "250"),
            ("RCPT TO:<support@example.test>", "250"),
            ("DATA", "354"),
        ):
            if (code := self.say(words)) != wanted:
                raise ConnectionError(f"{words.split(':', maxsplit=1)[0]} was answered {code}")
        self.socket.sendall(mail.raw + b"\r\n.\r\n")

    def send(self, mail: Written) -> str:
        self.begin(mail)
        return self.answer()

    def close(self) -> None:
        with suppress(OSError):
            self.file.close()
            self.socket.close()


@dataclass
class Customers:
    """`senders` sessions at once, together `mails` mails; `port` says where Presa listens just now."""

    port: Callable[[], int]
    seed: int
    mails: int
    senders: int = 4
    pace: float = 0.05  # seconds between two mails of one sender, about
    promised: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._next = iter(range(self.mails))
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self.senders)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float = 60) -> None:
        """No new mails; those under way are sent until they are promised."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=seconds)
            assert not thread.is_alive(), "a customer still waits for their 250"
        assert self.failed == []

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def deliver(self, mail: Written, session: Session | None, *, tries: int = 1_000) -> Session | None:
        """Until 250, over as many connections as it takes; the last connection."""
        for _ in range(tries):
            try:
                session = session or Session(self.port())
                code = session.send(mail)
            except OSError:
                if session is not None:
                    session.close()
                session = None
                time.sleep(0.05)
                continue
            if code == "250":
                with self._lock:
                    self.promised.add(mail.message_id)
                return session
            with self._lock:
                self.refused.append(code)
            time.sleep(0.2)
        with self._lock:
            self.given_up.add(mail.message_id)
        return session

    def _work(self, n: int) -> None:
        chance = random.Random(self.seed * 100 + n)
        session: Session | None = None
        try:
            while not self._stop.is_set() and (number := self._take()) is not None:
                mail = written(number)
                session = self.deliver(mail, session, tries=1 if chance.random() < 0.1 else 1_000)
                if chance.random() < 0.1 and mail.message_id in self.promised:
                    session = self.deliver(mail, session)  # the same mail comes once more
                if chance.random() < 0.3 and session is not None:
                    session.close()
                    session = None
                self._stop.wait(chance.uniform(0, 2 * self.pace))
        except BaseException as trouble:
            self.failed.append(trouble)
        finally:
            if session is not None:
                session.close()

    def _take(self) -> int | None:
        with self._lock:
            return next(self._next, None)
