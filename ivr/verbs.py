"""What can be said and done on a line: the frozen verbs of a document. `ivr/twiml.py` writes them down; refuses to
know XML.

A link is the number of the step that gets what comes next. `WAIT` is the document for callers who wait in a queue,
`RECORDING` where the carrier tells that a recording is ready or written down, `ROOM` who comes into a conference and who leaves,
`AGENT` what somebody hears who picks up a `Dial`, before they are connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WAIT = -1
RECORDING = -2
ROOM = -3
AGENT = -4


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Play:
    url: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Speak `prompt`, then take keys (or speech). `digits` = 0: as many as come, closed by `finish` or by silence."""

    step: int
    prompt: tuple[Say | Play | Pause, ...]
    seconds: int
    digits: int = 0
    finish: str = "#"
    takes: Literal["dtmf", "dtmf speech"] = "dtmf"
    language: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    step: int
    seconds: int
    silence: int
    transcribe: bool = False  # the carrier writes it down


@dataclass(frozen=True, slots=True)
class Redirect:
    step: int


@dataclass(frozen=True, slots=True)
class Dial:
    """Ring a person. Who picks up hears `AGENT` first, and is connected when that document ends without hanging up."""

    step: int
    number: str
    caller_id: str
    seconds: int = 25


@dataclass(frozen=True, slots=True)
class Enqueue:
    step: int
    queue: str


@dataclass(frozen=True, slots=True)
class Conference:
    """Meet in this room; who leaves it ends it for both."""

    step: int
    room: str


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Verb = Say | Play | Pause | Gather | Record | Redirect | Dial | Enqueue | Conference | Hangup
Document = tuple[Verb, ...]
