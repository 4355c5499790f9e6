"""The one clock. Everything that asks for the time asks here, so that tests can move it.

Production reads the database's time, so that replicas agree on deadlines and leases whatever their own clocks say:
the offset is measured at the first question and again every minute, and monotonic time fills in between.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

REMEASURE_SECONDS = 60.0


class Clock(Protocol):
    """Says now as an aware UTC instant."""

    def now(self) -> datetime: ...


class SystemClock:
    """This machine's time: right for SQLite, whose database is on this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class DatabaseClock:
    """The database server's time, continued by the monotonic clock and measured again once a minute by `ask`.

    Only the first question waits for the answer; later ones are asked in a thread, and while the database is away time
    goes on as it was measured last."""

    def __init__(self, ask: Callable[[], datetime]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._measured: tuple[datetime, float] | None = None
        self._asking = False

    def now(self) -> datetime:
        measured = self._measured
        if measured is None:
            measured = self._measure()
        base, at = measured
        passed = time.monotonic() - at
        if passed >= REMEASURE_SECONDS and not self._asking:
            self._asking = True
            threading.Thread(target=self._measure_again, name="presa-clock", daemon=True).start()
        return base + timedelta(seconds=passed)

    def _measure(self) -> tuple[datetime, float]:
        with self._lock:
            self._measured = (self._ask(), time.monotonic())
            return self._measured

    def _measure_again(self) -> None:
        try:
            self._measure()
        except Exception as trouble:  # the thread's edge: the database is away, and time goes on
            log.warning("clock.not_measured", error=type(trouble).__name__)
        finally:
            self._asking = False


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
