"""What came from the line. Refuses to know how a carrier writes it: keyed digits and spoken words never show in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrived:
    """The call is there (the caller's), or was answered (an engineer's, a call back)."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What was keyed, without the closing hash."""

    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing keyed or said in time, or the hash alone."""


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, as the carrier (or a typist) wrote it down."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording lies with the carrier under this id, `seconds` long."""

    recording: str
    seconds: int


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The person we tried to connect is gone: after a conversation (`connected`) or without one. `failed`: their number could
    not be called at all."""

    connected: bool
    failed: bool = False


@dataclass(frozen=True, slots=True)
class HungUp:
    """The other side is gone."""


Heard = Arrived | Keys | Silence | Words | Recorded | LegEnded | HungUp
