"""When may a caller try a PIN? Pure rules over counted failures; the counting, hashing and comparing are the shell's.

A number that is on file is judged by its own failures alone. Numbers that are not on file share one allowance, so that
someone who changes the number for every call gets no further, and can't lock out a customer either. No function takes
or returns a PIN's digits except `well_formed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """Wrong tries allowed: in one call, and within `window` for one known number and for all unknown ones together."""

    per_call: int = 3
    per_number: int = 10
    unknown_together: int = 30
    window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One more try. `left` in this call, this one included."""

    left: int


@dataclass(frozen=True, slots=True)
class Locked:
    """No try is looked at, right or wrong, before `until`; None means for the rest of this call."""

    until: datetime | None
    reason: str


DEFAULT = Limits()


def may_try(
    now: datetime,
    *,
    wrong_in_call: int,
    on_file: bool,
    wrong_of_number: Sequence[datetime] = (),
    wrong_of_unknown: Sequence[datetime] = (),
    limits: Limits = DEFAULT,
) -> Allowed | Locked:
    """Whether the digits just keyed may be compared.

    `on_file`: the calling number belongs to a contact. `wrong_of_number`: instants of wrong tries from this number
    (read only when on file); `wrong_of_unknown`: from all numbers not on file, withheld ones too. In any order.
    """
    if wrong_in_call >= limits.per_call:
        return Locked(None, "too many wrong tries in this call")
    if on_file:
        until = _full_until(now, wrong_of_number, limits.per_number, limits.window)
        reason = "too many wrong tries from this number"
    else:
        until = _full_until(now, wrong_of_unknown, limits.unknown_together, limits.window)
        reason = "too many wrong tries from numbers not on file"
    return Locked(until, reason) if until else Allowed(limits.per_call - wrong_in_call)


def _full_until(now: datetime, wrong: Sequence[datetime], allowed: int, window: timedelta) -> datetime | None:
    """When the oldest try that fills the window leaves it; None when there is room."""
    recent = sorted(at for at in wrong if now - window < at <= now)
    return recent[-allowed] + window if len(recent) >= allowed else None


def well_formed(digits: str) -> bool:
    """4 to 12 ASCII digits. What is not well formed is wrong without being compared, and counts as a try."""
    return digits.isascii() and digits.isdigit() and 4 <= len(digits) <= 12
