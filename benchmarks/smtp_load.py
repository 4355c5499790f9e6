"""Sends distinct 4 KiB mails over some SMTP sessions as fast as they are taken, and prints one JSON line.

A process of its own, so that it does not share an interpreter with what it measures; every mail is built before the
clock starts. Arguments: port, mails, sessions, mails per session (0: all), run (makes the mails of each run distinct).
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Iterator

import uvloop

SIZE = 4_096
SENDERS = 50
DOMAINS = ("acme.example", "gamma.example", "it.gamma.example", "elsewhere.example", "other.example")
SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprst" for vowel in "aeio"]
Mail = tuple[str, bytes]


def mails(count: int, run: str) -> list[Mail]:
    """Sender and content of each; the words are made up, so that no two mails look like the same problem."""
    dice = random.Random(run)
    made = []
    for number in range(count):
        who = number % SENDERS
        domain = DOMAINS[who % len(DOMAINS)]
        sender = f"user{who:02}@{domain}"
        word = ["".join(dice.choices(SYLLABLES, k=3)) for _ in range(700)]
        lines = [" ".join(word[at : at + 10]) for at in range(6, len(word), 10)]
        head = (
            f"Authentication-Results: mx.example.test; dmarc=pass header.from={domain}; spf=pass\r\n"
            f"From: User {who} <{sender}>\r\nTo: Support <support@example.test>\r\n"
            f"Message-ID: <{run}.{number}@{domain}>\r\n"
            f"Date: Mon, 16 Nov 2026 10:00:00 +0100\r\nSubject: {' '.join(word[:6])}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        )
        text = (head + "\r\n".join(lines))[: SIZE - 2] + "\r\n"
        made.append((sender, text.encode() + b".\r\n"))
    return made


class Client(asyncio.Protocol):
    """One session: EHLO, then mails while there are any, then QUIT."""

    def __init__(self, left: int, queue: Iterator[Mail], results: "Results", over: asyncio.Future[None]) -> None:
        self.left, self.queue, self.results, self.over = left, queue, results, over
        self.step, self.read = self.ehlo, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.read += data
        while b"\r\n" in self.read:
            line, self.read = self.read.split(b"\r\n", 1)
            if line[:1] in b"45":
                self.results.words.add(line[:80].decode("ascii", "replace"))
            if line[3:4] != b"-":
                self.step(line)

    def say(self, data: bytes, then: object) -> None:
        self.step = then
        self.transport.write(data)

    def ehlo(self, line: bytes) -> None:
        self.say(b"EHLO load.example\r\n", self.mail)

    def mail(self, line: bytes) -> None:
        mail = next(self.queue, None) if self.left else None
        if mail is None:
            self.say(b"QUIT\r\n", lambda line: None)
            return
        self.left -= 1
        sender, self.content = mail
        self.say(f"MAIL FROM:<{sender}> SIZE={len(self.content)}\r\n".encode(), self.rcpt)

    def rcpt(self, line: bytes) -> None:
        self.say(b"RCPT TO:<support@example.test>\r\n", self.data)

    def data(self, line: bytes) -> None:
        self.say(b"DATA\r\n", self.text)

    def text(self, line: bytes) -> None:
        if line[:3] != b"354":
            self.say(b"RSET\r\n", self.mail)
            return
        self.begun = time.perf_counter()
        self.say(self.content, self.answer)

    def answer(self, line: bytes) -> None:
        if line[:3] == b"250":
            self.results.waits.append(time.perf_counter() - self.begun)
        self.mail(line)


class Results:
    """How long each accepted mail waited for its 250, and the words of refusals of whatever."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.words: set[str] = set()


async def send(port: int, made: list[Mail], sessions: int, per_session: int) -> dict[str, object]:
    loop, results, queue = asyncio.get_running_loop(), Results(), iter(made)
    left = len(made)

    async def work() -> None:
        nonlocal left
        while left > 0:
            take = min(per_session or len(made), left)
            left -= per_session or 0
            client = Client(take, queue, results, loop.create_future())
            await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
            await client.over
            if not per_session:
                return

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(sessions)))
    seconds = time.perf_counter() - begun
    waits = sorted(results.waits) or [0.0]
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "accepted": len(results.waits),
        "refused": len(made) - len(results.waits),
        "refusals": sorted(results.words)[:5],
        "seconds": seconds,
        "rate": len(results.waits) / seconds,
        "p50_ms": waits[len(waits) // 2] * 1e3,
        "p99_ms": waits[len(waits) * 99 // 100] * 1e3,
        "load_cpu": used.ru_utime + used.ru_stime,
    }


def main() -> None:
    port, count, sessions, per_session = map(int, sys.argv[1:5])
    made = mails(count, sys.argv[5])
    print(json.dumps(uvloop.run(send(port, made, sessions, per_session))))


if __name__ == "__main__":
    main()
