"""All mailboxes of one process: a thread for each, and one keeper that holds leases and ends calls that take too long.

`stop` returns within a few seconds whatever the servers do: the keeper's hold on every socket ends their waiting.
"""

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.engine import Engine
from gateway.imap.watch import Watch
from gateway.mail.reader import Reader, Reading
from gateway.settings.mailboxes import Mailbox

log = structlog.get_logger(__name__)

KEEP_SECONDS = 1.0
STOP_SECONDS = 4.0
AFTER_IDLE_SECONDS = 15.0  # before a connection that broke while it listened is made again
READ_SECONDS = 60.0  # for one mail; the reading process ends one that takes 5 s


class Mailboxes:
    """The threads. `renew_seconds`: how often leases are renewed, well below their length."""

    def __init__(self, watches: Sequence[Watch], renew_seconds: float = 10.0) -> None:
        self._watches = tuple(watches)
        self._renew_seconds = renew_seconds
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for watch in self._watches:
            self._start(
                threading.Thread(target=self._live, args=(watch,), name=f"presa-imap-{watch.box.name}", daemon=True)
            )
        if self._watches:
            self._start(threading.Thread(target=self._keep, name="presa-imap-keeper", daemon=True))

    def stop(self) -> None:
        """End every wait, let what is being filed be filed, and give the leases back."""
        self._stopping.set()
        for watch in self._watches:
            if watch.session is not None:
                watch.session.drop()
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, end - time.monotonic()))

    def _start(self, thread: threading.Thread) -> None:
        thread.start()
        self._threads.append(thread)

    def _live(self, watch: Watch) -> None:
        while not self._stopping.is_set():
            rest = watch.step()
            if not self._stopping.is_set() and not watch.rest(rest):
                self._stopping.wait(min(rest.seconds, AFTER_IDLE_SECONDS) if rest.idle else rest.seconds)
        watch.leave()

    def _keep(self) -> None:
        renew_at = 0.0
        while not self._stopping.wait(KEEP_SECONDS):
            due = time.monotonic() >= renew_at
            renew_at = time.monotonic() + self._renew_seconds if due else renew_at
            for watch in self._watches:
                try:
                    watch.keep(renew=due)
                except Exception as trouble:  # the thread's edge: one mailbox's trouble is not the others'
                    log.error("imap.keeper_failed", mailbox=watch.box.name, exc_info=trouble)


async def open_mailboxes(engine: Engine, boxes: Sequence[Mailbox], lease: timedelta) -> Callable[[], Awaitable[None]]:
    """Empty these mailboxes from now on, with a reading process beside; returns how to stop."""
    loop, beside, who = asyncio.get_running_loop(), Reader(), holder()

    def read(raw: bytes, received: datetime) -> Reading:
        return asyncio.run_coroutine_threadsafe(beside.read(raw, received), loop).result(timeout=READ_SECONDS)

    door = Mailboxes([Watch(engine, box, who, lease=lease, read=read) for box in boxes], lease.total_seconds() / 3)
    beside.start()
    door.start()

    async def close() -> None:
        await loop.run_in_executor(None, door.stop)
        await beside.stop()

    return close


def holder() -> str:
    """A name for this process among all replicas."""
    return f"{os.getpid()}.{secrets.token_hex(6)}"
