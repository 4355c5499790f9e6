"""The one clock. Everything that asks for the time asks here, so that tests can move it.

Production reads the database's time, so that replicas agree on deadlines and leases whatever their own clocks say:
the offset is measured when the clock is made and again every minute, and monotonic time fills in between.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

REMEASURE_SECONDS = 60.0


class Clock(Protocol):
    """Says now as an aware UTC instant."""

    def now(self) -> datetime: ...


class SystemClock:
    """This machine's time: right for SQLite, whose database is on this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class DatabaseClock:
    """The database server's time, measured once a minute by `ask` and continued by the monotonic clock."""

    def __init__(self, ask: Callable[[], datetime]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._measured = -REMEASURE_SECONDS
        self._base = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        with self._lock:
            passed = time.monotonic() - self._measured
            if passed >= REMEASURE_SECONDS:
                self._base, self._measured, passed = self._ask(), time.monotonic(), 0.0
            return self._base + timedelta(seconds=passed)


class MovedClock:
    """A clock for tests and simulations: stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        return self.set(self._now + timedelta(seconds=seconds))

    def set(self, instant: datetime) -> datetime:
        """Move to `instant`; time never runs backwards."""
        self._now = max(self._now, instant.astimezone(UTC))
        return self._now
