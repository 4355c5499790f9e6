"""This process's end of the line to the mail door, emptied by whoever writes: `gateway.store.database.Source`.

Under load the writer takes what has come before each transaction and sends the answers after it, so that no other thread wants
the interpreter for a mail. When nothing comes the event loop waits for the next value. Nothing here waits: an answer that the
door does not take at once is sent later.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from gateway.mail.frames import Ends, framed_value, values

if TYPE_CHECKING:  # the door's process has no database
    from gateway.store.database import Source

log = structlog.get_logger(__name__)

ROOM = 1 << 20  # bytes that are taken at once
AGAIN_SECONDS = 0.05  # until a door that did not take an answer is offered it again


class Feed:
    """One life of the line. `take` gets every value that comes, in order, in the thread that gathers; `over` is called once, on the
    event loop, when the other end is gone."""

    def __init__(
        self, ends: Ends, take: Callable[[Any], None], over: Callable[[], None], attend: Callable[["Source"], None]
    ) -> None:
        self._ends, self._take, self._over, self._attend = ends, take, over, attend
        for one in ends:
            one.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._outbox: deque[bytes] = deque()
        self._left = b""  # of what was sent: the door has not taken it yet
        self._offering = False  # it again, in a moment
        self._lock = threading.Lock()  # around the sockets: the loop closes them
        self._open = True
        self._gatherer: int | None = None  # the thread that comes by again and sends what it is told meanwhile
        self._listen()

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._ends.values, self._readable)

    def _readable(self) -> None:
        self._loop.remove_reader(self._ends.values)
        self._attend(self)

    def gather(self) -> None:
        """Send what was told, and take what has come."""
        self._gatherer = threading.get_ident()
        self._send()
        try:
            for value in self._come():
                self._take(value)
        except Exception as trouble:  # the thread's edge: it writes for everybody; the door is opened again
            log.error("feed.broken", exc_info=trouble)
            self._ended()

    def rest(self) -> None:
        """Nothing came: the event loop waits for it."""
        self._gatherer = None
        self._send()
        with self._lock:
            if self._open:
                self._loop.call_soon_threadsafe(self._listen)

    def tell(self, value: object) -> None:
        """Hand a value to the other end, from any thread; when that is gone, nobody wants it any more."""
        self._outbox.append(framed_value(value))
        if threading.get_ident() != self._gatherer:
            self._loop.call_soon_threadsafe(self._send)

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._loop.remove_reader(self._ends.values)
            self._open = False
            self._ends.close()

    def _come(self) -> list[Any]:
        with self._lock:
            if not self._open:
                return []
            try:
                data = self._ends.values.recv(ROOM)
            except BlockingIOError:
                return []
            except OSError:
                data = b""
            if data:
                self._buffer += data
                return values(self._buffer, self._ends.files)
        self._ended()
        return []

    def _ended(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._loop.call_soon_threadsafe(self._over)

    def _send(self) -> None:
        with self._lock:
            if not self._open:
                return
            while self._outbox:
                self._left += self._outbox.popleft()
            if not self._left:
                return
            with contextlib.suppress(OSError):  # it takes nothing now, or is gone, which whoever reads will hear
                self._left = self._left[self._ends.values.send(self._left) :]
            if self._left and not self._offering:
                self._offering = True
                self._loop.call_soon_threadsafe(self._loop.call_later, AGAIN_SECONDS, self._offer)

    def _offer(self) -> None:
        self._offering = False
        self._send()
