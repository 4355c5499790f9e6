"""Reads mails in a process of its own, beside the doors.

A mail that eats time or memory while it is parsed is ended there and becomes a ticket to look at; nobody else's session
waits for it. It also leaves the doors' interpreter to the doors and the commits. While the process starts, for large
mails, and if it cannot be started at all, mails are read in a thread as before: the same function, the same result.

The process takes frames on stdin (pickle of (bytes, instant)) and gives Readings on stdout, one for one.
"""

import asyncio
import contextlib
import copyreg
import os
import pickle
import re
import resource
import signal
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, BinaryIO, cast

import structlog

import parsers
from gateway.mail import packing
from gateway.mail.frames import LENGTH, framed, whole
from parsers import Address, Attachment, Certified, Forwarded, Invite, Message, pictures
from routing import threads

log = structlog.get_logger(__name__)

LARGEST = 1 << 20  # bytes; a larger mail is not copied from process to process
LONGEST_TEXT = 200_000  # characters of a text that rules and stories are told from; the raw bytes have the rest
SECONDS = 5.0  # for one mail; the parser's own bound is 2 s
MEMORY = 3 << 30  # bytes of address space of the reading process
TRIES = 3  # starts in a row that failed, before we stop trying
COMMAND = (sys.executable, "-c", "from gateway.mail.reader import main; main()")
_HEADER = re.compile(rb"(?:[^\r\n][^\n]*\n){0,500}")
_IDENTIFIED = re.compile(rb"^(?:message-id|date)[ \t]*:[ \t]*[^\s]", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail says, and what it is kept as. `message` has no bodies and no contents: the raw bytes have them.

    `html` is "" when there is an HTML body, None when there is none; of `reply_text` there is what a
    person would read."""

    sha256: str
    compressed: bytes
    key: str
    message: Message


_PARTS = {
    kind: attrgetter(*kind.__slots__) for kind in (Reading, Message, Address, Attachment, Forwarded, Invite, Certified)
}


def _as_made(one: Any) -> tuple[type, tuple[Any, ...]]:
    return type(one), _PARTS[type(one)](one)


for _kind in _PARTS:  # pickled as the call that makes it: a dataclass's own way takes twice the time at both ends
    copyreg.pickle(_kind, _as_made)


def read(raw: bytes, received: datetime) -> Reading:
    """Fingerprint, parse and compress one mail. Never raises."""
    try:
        message = _light(parsers.parse(raw))
    except Exception as trouble:  # the parser has its own guard; should it fail, the raw is still a report
        log.error("reader.failed", exc_info=trouble)
        message = Message(error="a fault of ours while it was read")
    return _reading(raw, received, message)


def unread(raw: bytes, received: datetime, why: str) -> Reading:
    """A mail that nobody could read: kept all the same."""
    return _reading(raw, received, Message(error=why))


def _packed(raw: bytes, received: datetime) -> bytes:
    return pickle.dumps(read(raw, received), pickle.HIGHEST_PROTOCOL)


def _reading(raw: bytes, received: datetime, message: Message) -> Reading:
    # A mail that could not be read has the key that it has when it can be.
    identified = message.message_id or message.date or (message.error and _IDENTIFIED.search(_HEADER.match(raw)[0]))  # type: ignore[index]
    key = threads.delivery_key(raw, identified=bool(identified), received=received)
    return Reading(sha256(raw).hexdigest(), packing.packed(raw), key, message)


def _light(message: Message) -> Message:
    """Without bodies and contents; so is the mail in a certified envelope. The content id of an attachment is then the name by
    which the HTML shows it."""
    sealed = message.certified
    if sealed is not None and sealed.message is not None:
        sealed = replace(sealed, message=_light(sealed.message))
    return replace(
        message,
        text=None,
        reply_text=message.reply_text[:LONGEST_TEXT],
        reply_with_signature="",
        html=None if message.html is None else "",
        attachments=tuple(
            replace(one, content=b"", content_id=name)
            for one, name in zip(message.attachments, pictures.named(message.html, message.attachments), strict=True)
        ),
        certified=sealed,
    )


@dataclass(slots=True)
class _Waiting:
    raw: bytes
    received: datetime
    future: "asyncio.Future[bytes]"


class _Answers(asyncio.SubprocessProtocol):
    """What the reading process says, each answer as it comes; `over` is set when it says no more."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._buffer = bytearray()
        self.over = asyncio.Event()
        self.ended = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._buffer += data
        for answer in whole(self._buffer):
            self._take(answer)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:  # not when the process ends: what it said before is still to come
            self.over.set()

    def process_exited(self) -> None:
        self.ended.set()


class Reader:
    """The reading process of one event loop. `read` may be called by many at once; mails are read in their order."""

    def __init__(self, command: tuple[str, ...] = COMMAND, seconds: float = SECONDS) -> None:
        self._command = command
        self._seconds = seconds
        self._waiting: deque[_Waiting] = deque()
        self._since = 0.0  # when the first of those waiting came to be read
        self._process: asyncio.SubprocessTransport | None = None
        self._questions: asyncio.WriteTransport | None = None
        self._ready = False
        self._failed = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._live(), name="presa-reader")

    async def stop(self) -> None:
        """End the process; whatever still waits is read here."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def read(self, raw: bytes, received: datetime) -> Reading:
        """What the mail says; see `read`."""
        packed = await self.read_packed(raw, received)
        if isinstance(packed, Reading):
            return packed
        reading: Reading = pickle.loads(packed)  # noqa: S301 - our own process wrote it
        return reading

    async def read_packed(self, raw: bytes, received: datetime) -> "bytes | Reading":
        """The same, as a pickle where it is one already, for another process of ours."""
        loop = asyncio.get_running_loop()
        if not self._ready or len(raw) > LARGEST:
            return await loop.run_in_executor(None, read, raw, received)
        one = _Waiting(raw, received, loop.create_future())
        if not self._waiting:
            self._since = loop.time()
        self._waiting.append(one)
        self._send(one)
        return await one.future

    def _send(self, one: _Waiting) -> None:
        assert self._questions is not None
        self._questions.write(framed(pickle.dumps((one.raw, one.received), pickle.HIGHEST_PROTOCOL)))

    async def _live(self) -> None:
        """Start the process and start it again when it ends; at the end nobody is left waiting."""
        watch = asyncio.create_task(self._watch())
        try:
            while self._failed < TRIES:
                self._failed += 1
                try:
                    if await self._serve():  # it had come up: only the mail is to blame, however many such mails come
                        self._failed = 0
                    self._blame_the_first()
                except (
                    Exception
                ) as trouble:  # the loop's edge: a fault of ours is no mail's; without the process we read
                    log.error("reader.failed", exc_info=trouble)
                    self._read_the_rest()
            log.error("reader.given_up", after=TRIES)
        finally:
            self._ready = False
            watch.cancel()
            self._read_the_rest()

    async def _serve(self) -> bool:
        """One life of the process: answers in the order of the questions. Says whether it came up at all."""
        loop, pipe = asyncio.get_running_loop(), asyncio.subprocess.PIPE
        self._process, answers = await loop.subprocess_exec(
            lambda: _Answers(self._hear), *self._command, stdin=pipe, stdout=pipe, stderr=None
        )
        self._questions = cast(asyncio.WriteTransport, self._process.get_pipe_transport(0))
        try:
            await answers.over.wait()
            return self._ready
        finally:
            self._ready = False
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await answers.ended.wait()
            self._process.close()

    def _hear(self, packed: bytes) -> None:
        if not packed:  # its first word: it is there
            self._come_back()
            return
        self._since = asyncio.get_running_loop().time()
        self._answer(self._waiting.popleft(), packed)

    def _answer(self, one: _Waiting, packed: bytes) -> None:
        if not one.future.done():
            one.future.set_result(packed)

    def _come_back(self) -> None:
        """The process is there (again): those who waited when the last one ended are asked again."""
        self._ready = True
        self._since = asyncio.get_running_loop().time()
        for one in self._waiting:
            self._send(one)

    def _read_the_rest(self) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            self._answer(one, _packed(one.raw, one.received))

    def _blame_the_first(self) -> None:
        """The process ended while it read the first of those waiting: that mail is not read again."""
        if self._waiting:
            one = self._waiting.popleft()
            self._since = asyncio.get_running_loop().time()
            log.error("reader.ended", sha256=sha256(one.raw).hexdigest(), size=len(one.raw))
            why = "reading it took too long or too much memory"
            self._answer(one, pickle.dumps(unread(one.raw, one.received, why), pickle.HIGHEST_PROTOCOL))

    async def _watch(self) -> None:
        """End the process when one mail takes too long; when it does not come up again, read what waits for it here."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._seconds / 4)
            if not self._waiting or loop.time() - self._since <= self._seconds:
                continue
            if not self._ready:
                self._read_the_rest()
            elif self._process is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()


def _serve_stdin(source: BinaryIO, sink: BinaryIO) -> None:
    """The process: one answer for each question, until the parent closes its end."""
    sink.write(framed(b""))
    sink.flush()
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        raw, received = pickle.loads(source.read(LENGTH.unpack(head)[0]))  # noqa: S301 - our parent wrote it
        sink.write(framed(_packed(raw, received)))
        sink.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; its end closes our stdin
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not land between two answers
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        _serve_stdin(sys.stdin.buffer, sink)
    os._exit(0)  # nothing is left to flush, and nobody to flush it to
