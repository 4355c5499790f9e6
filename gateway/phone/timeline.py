"""Timers on a time that somebody else moves: tests by hand, the demo by the clock on the wall. Refuses to read a clock.

Callbacks run only inside `advance_to`, one after the other in order of time, in the thread that advances; any thread
may put timers down.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable


class Timer:
    """One callback to come; `cancel` makes it not come."""

    __slots__ = ("at", "cancelled", "run")

    def __init__(self, at: float, run: Callable[[], None]) -> None:
        self.at, self.run, self.cancelled = at, run, False

    def cancel(self) -> None:
        self.cancelled = True


class Timeline:
    """`now` in seconds since 1970 (or since anything)."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Timer]] = []
        self._lock = threading.Lock()

    def later(self, seconds: float, run: Callable[[], None]) -> Timer:
        """Runs `run` that many seconds from now, at the earliest when time is moved next.

        To the millisecond: such instants survive the way through a `datetime` and back, so that whoever moves time to
        `next_at` surely gets there.
        """
        timer = Timer(round(self.now + max(0.0, seconds), 3), run)
        with self._lock:
            heapq.heappush(self._heap, (timer.at, next(self._order), timer))
        return timer

    def next_at(self) -> float | None:
        """When the next timer is due; None without one."""
        with self._lock:
            while self._heap and self._heap[0][2].cancelled:
                heapq.heappop(self._heap)
            return self._heap[0][0] if self._heap else None

    def advance(self, seconds: float) -> None:
        self.advance_to(self.now + seconds)

    def advance_to(self, moment: float) -> None:
        """Moves time to `moment` and runs what falls due on the way, each at its own instant."""
        while (due := self._pop(moment)) is not None:
            self.now = max(self.now, due.at)
            due.run()
        self.now = max(self.now, moment)

    def _pop(self, moment: float) -> Timer | None:
        with self._lock:
            while self._heap and self._heap[0][0] <= moment:
                timer = heapq.heappop(self._heap)[2]
                if not timer.cancelled:
                    return timer
        return None
