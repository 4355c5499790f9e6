"""The mail door in a process of its own: the protocol and the reading share no interpreter with the commits.

`Porter` is this process's end: it starts the door, files what it hands in and starts it again when it ends. The door's
process holds the listening socket, the conversations and the reading process, and no secret, no database and no
configuration but its limits and recipients; a sender is answered 250 there only after the outcome came back from here.

Over the socket pair go to the door: its `Plan`; then for each mail an `Answer`, and `Reload`; at the end None (close, and
finish what runs). From the door come: None (it is open); for each mail a `Handed`; an `Alarm`.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from gateway import logs
from gateway.errors import Permanent, Temporary
from gateway.mail.feed import Feed
from gateway.mail.frames import Ends, Frames, connect, pairs
from gateway.mail.reader import LARGEST, Reader, Reading
from gateway.smtp import Certificate, Delivery, Door, Limits, Listener
from gateway.smtp.values import Protocol
from identity import normal, sender

if TYPE_CHECKING:  # the reading of configurations is 16 MB and nearly half of what a door takes to open
    from gateway.settings.mail_door import MailDoor
    from gateway.store.database import Source

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-c", "from gateway.mail.porter import main; main()")
PAUSE_SECONDS = 1.0  # before a door that ended by itself is opened again
STOP_SECONDS = 20.0  # for deliveries that run when Presa stops; the door's own bound is shorter
# glibc keeps what was freed of large blocks, and takes more and more for large, unless it is told where large begins.
LEAN = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "1048576"}
WATCH_SECONDS = 10.0  # between two looks at the certificate's files
GONE = "no answer from the filing process; please try again"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the door needs to know. The sockets are bound by our parent and inherited."""

    listeners: tuple[tuple[int, Protocol, bool], ...]  # number of the socket, what is spoken there, TLS at once
    limits: Limits
    recipients: frozenset[str]
    hostname: str | None
    relays: tuple[str, ...]
    proxies: tuple[str, ...]
    certificate: tuple[Path, Path] | None  # and its key


@dataclass(frozen=True, slots=True, eq=False)
class Handed:
    """A mail, read; `packed` is its Reading, perhaps as the reading process wrote it. `at` is the monotonic instant of its final
    dot, the same for every process of one machine."""

    number: int
    delivery: Delivery
    packed: bytes | Reading
    at: float

    def reading(self) -> Reading:
        if isinstance(self.packed, Reading):
            return self.packed
        reading: Reading = pickle.loads(self.packed)  # noqa: S301 - our own process wrote it
        return reading


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a mail at the door: the words after 250, or what to raise."""

    number: int
    words: str = ""
    refusal: type[Permanent] | type[Temporary] | type[RuntimeError] | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """The door has something that a person must look at."""

    words: str


@dataclass(frozen=True, slots=True)
class Reload:
    """The certificate is to be read again now."""


Told = Callable[[str | BaseException], None]
"""Takes the words of the 250, or why there is none: Permanent (554), Temporary (451). May be called in any thread, once."""
Taken = Callable[[Handed, Told], None]
"""Files a mail for good and tells then. Called between two transactions or on the event loop, so it returns at once."""


class Porter:
    """The door's process as the filing process sees it. Lives on one event loop."""

    def __init__(
        self, listeners: Sequence[Listener], limits: Limits, recipients: frozenset[str], taken: Taken,
        door: "MailDoor", alarm: Callable[[str], None], attend: Callable[["Source"], None],
    ) -> None:  # fmt: skip
        numbers = tuple((one.sock.fileno(), one.protocol, one.encrypted) for one in listeners)
        pair = (door.certificate, door.key) if door.certificate and door.key else None
        self._plan = Plan(numbers, limits, recipients, door.hostname, door.relays, door.proxies, pair)
        self._taken = taken
        self._alarm = alarm
        self._attend = attend
        self._loop = asyncio.get_running_loop()
        self._feed: Feed | None = None
        self._open = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when the door is open."""
        self._task = asyncio.create_task(self._live(), name="presa-porter")
        opened = asyncio.create_task(self._open.wait())
        await asyncio.wait({opened, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not self._open.is_set():
            opened.cancel()
            self._task.result()  # why it never opened
            raise Permanent("the mail door's process ended before it opened; the lines above say why")

    async def stop(self) -> None:
        """Close the door: running deliveries are finished and answered, everybody else hears 421."""
        self._stopping = True
        if self._feed is not None:
            self._feed.tell(None)
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, STOP_SECONDS)

    def reload(self) -> None:
        """The certificate is read again now."""
        if self._feed is not None:
            self._feed.tell(Reload())

    async def _live(self) -> None:
        """Open the door, and open it again when its process ends by itself; one that never opened is not tried again."""
        while not self._stopping:
            await self._serve()
            if self._stopping or not self._open.is_set():
                return
            log.error("porter.ended", action="the mail door is opened again")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _serve(self) -> None:
        """One life of the door's process."""
        ours, theirs = pairs()
        over = asyncio.Event()
        # Each life has a line of its own: an outcome of a mail that an earlier door handed in answers nobody else's.
        self._feed = feed = Feed(ours, lambda value: self._take(feed, value), over.set, self._attend)
        with contextlib.closing(theirs):
            numbers = [one.fileno() for one in theirs]
            process = await asyncio.create_subprocess_exec(
                *COMMAND,
                *map(str, numbers),
                env={**os.environ, **LEAN},
                pass_fds=(*numbers, *(one[0] for one in self._plan.listeners)),
            )
        feed.tell(self._plan)
        try:
            await over.wait()
        finally:
            feed.close()
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # it said its last word: nothing there waits for us any more
            await process.wait()

    def _take(self, feed: Feed, value: Handed | Alarm | None) -> None:
        """In whatever thread gathers."""
        if value is None:
            self._loop.call_soon_threadsafe(self._open.set)
            return
        if isinstance(value, Alarm):
            self._loop.call_soon_threadsafe(self._alarm, value.words)
            return
        told: Told = lambda outcome: feed.tell(_answer(value.number, outcome))  # noqa: E731
        try:
            self._taken(value, told)
        except Exception as trouble:  # the edge: it could not even be begun
            told(trouble)


def _answer(number: int, outcome: str | BaseException) -> Answer:
    if isinstance(outcome, str):
        return Answer(number, outcome)
    if isinstance(outcome, Permanent | Temporary):
        return Answer(number, outcome.public, type(outcome))
    log.error("porter.failed", exc_info=outcome)  # the edge: the sender hears 451 and comes again
    return Answer(number, "", RuntimeError)


# The door's process ----------------------------------------------------------------------------------------------


class _Gate:
    """The door with its reading process; hands mails to the filing process and waits for what became of them."""

    def __init__(self) -> None:
        self._frames: Frames | None = None
        self._plan: asyncio.Future[Plan | None] = asyncio.Future()
        self._waiting: dict[int, asyncio.Future[str]] = {}
        self._number = 0
        self._gone = False
        self._told = asyncio.Event()
        self._reader = Reader()
        self._certificate: Certificate | None = None

    async def run(self, ends: Ends) -> None:
        self._frames = await connect(ends, self._take, self._over)
        plan = await self._plan
        if plan is None:  # the filing process ended before it could say anything
            return
        self._certificate = Certificate(*plan.certificate) if plan.certificate else None
        door = Door(
            "",
            0,
            deliver=self._deliver,
            ours=lambda address: sender.is_own(normal.address(address) or "", plan.recipients),
            limits=plan.limits,
            hostname=plan.hostname,
            tls=self._certificate,
            listeners=[Listener(socket.socket(fileno=one[0]), one[1], one[2]) for one in plan.listeners],
            relays=plan.relays,
            proxies=plan.proxies,
        )
        self._reader.start()
        await door.start()
        self._frames.send(None)
        watching = asyncio.create_task(self._watch())
        await self._told.wait()
        watching.cancel()
        await door.stop()
        await self._reader.stop()

    async def _watch(self) -> None:
        """Take up a certificate that was renewed."""
        while self._certificate is not None:
            await asyncio.sleep(WATCH_SECONDS)
            self._tell(self._certificate.watch())

    def _tell(self, trouble: str | None) -> None:
        if trouble is not None and self._frames is not None:
            log.error("certificate.unusable", words=trouble)
            self._frames.send(Alarm(trouble))

    async def _deliver(self, delivery: Delivery) -> str:
        at = time.monotonic()
        packed = await self._reader.read_packed(delivery.raw, datetime.now(UTC))
        assert self._frames is not None
        if self._gone:  # while the mail was read
            raise Temporary(GONE)
        self._number += 1
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = answer
        self._frames.send(Handed(self._number, delivery, packed, at), aside=len(delivery.raw) > LARGEST)
        return await answer

    def _take(self, value: Plan | Reload | Answer | None) -> None:
        if value is None:
            self._told.set()
        elif isinstance(value, Reload):
            self._tell(self._certificate.reload() if self._certificate else None)
        elif isinstance(value, Plan):
            self._plan.set_result(value)
        elif value.refusal is None:
            self._waiting.pop(value.number).set_result(value.words)
        else:
            self._waiting.pop(value.number).set_exception(value.refusal(value.words))

    def _over(self) -> None:
        """The filing process is gone: whoever waits is told to come again, and nobody else is let in."""
        self._gone = True
        for waiting in self._waiting.values():
            waiting.set_exception(Temporary(GONE))
        self._waiting.clear()
        self._told.set()
        if not self._plan.done():
            self._plan.set_result(None)


async def _serve(ends: Ends) -> None:
    await _Gate().run(ends)


def main() -> None:
    import uvloop

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # theirs to handle: they tell us when to close
        signal.signal(number, signal.SIG_IGN)
    logs.configure()
    ends = Ends(*(socket.socket(fileno=int(one)) for one in sys.argv[1:3]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(ends))
    os._exit(0)
