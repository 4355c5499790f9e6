"""Part of a wider fault? The same service or error code at several customers within a window.

A link, never a merge: each customer keeps its own ticket, clock and plan, and a person confirms the parent. Refuses to
count a customer twice and to take for one fault what each customer has of its own (an invoice, a mouse, a badge reader).
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.facts import Trace
from routing.vocabulary import SHARED_SERVICES

WINDOW = timedelta(hours=2)
CUSTOMERS = 3  # from how many a parent incident is proposed to the incident manager


@dataclass(frozen=True, slots=True)
class Sign:
    """One customer's report of a service in trouble."""

    id: str
    at: datetime
    customer: str
    signs: frozenset[str]


def signs_of(trace: Trace) -> frozenset[str]:
    """What other customers may have too: the surest kind of trouble, if it is one of a shared service, and error codes."""
    if trace.alert is not None or trace.customer is None or trace.me_too:
        return frozenset()
    service = {f"service:{one}" for one in trace.topics[:1] if one in SHARED_SERVICES and one in trace.strong}
    return frozenset(service | {f"code:{trace.topics[0]}:{code}" for code in trace.codes if service})


def fault_of(new: Sign, earlier: Iterable[Sign], within: timedelta = WINDOW) -> tuple[Sign, ...]:
    """The earlier signs that share one with `new` within the window, oldest first; each customer's first only."""
    near = [one for one in earlier if one.signs & new.signs and timedelta() <= new.at - one.at <= within]
    first: dict[str, Sign] = {}
    for one in sorted(near, key=lambda sign: sign.at):
        first.setdefault(one.customer, one)
    return tuple(first.values())


def touched(group: Sequence[Sign], new: Sign) -> int:
    """How many customers a fault touches, the new one included."""
    return len({one.customer for one in group} | {new.customer})


class Faults:
    """The signs of a stream, in memory."""

    def __init__(self, within: timedelta = WINDOW) -> None:
        self._within = within
        self._signs: deque[Sign] = deque()

    def take(self, new: Trace, *, known: bool) -> str | None:
        """The first report of the fault that this one belongs to. `known`: its customer has reported it already."""
        signs = signs_of(new)
        if not signs or new.customer is None:
            return None
        while self._signs and new.at - self._signs[0].at > self._within:
            self._signs.popleft()
        sign = Sign(new.id, new.at, new.customer, signs)
        group = fault_of(sign, self._signs, self._within)
        self._signs.append(sign)
        others = [one for one in group if one.customer != new.customer]
        if known or not others or len(others) < len(group):
            return None
        return others[0].id
