"""A telephone at the end of a SIP call: what the simulated one does with TwiML (`gateway.phone.simulator`), with sound.

Documents, keys, time-outs, webhooks and their signatures are the simulator's. What differs stands here: speech takes as
long as it takes, a key stops it, a recording hears whether somebody speaks. Refuses to know SIP and RTP: `Sound` does.
"""

from __future__ import annotations

import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from gateway.phone import activity, rooms
from gateway.phone.simulator import Line, Phone, status_fields
from gateway.sip.speech import RATE

BYTES_A_SECOND = 2 * RATE  # of a recording
WAV_HEADER = 44
ROOMS = threading.RLock()
SORRY = "We are sorry, an application error"  # what the simulated telephone hears when no document came


class Sound(Protocol):
    """The sound of one call, from the call's own thread. What takes time says how many seconds."""

    def say(self, text: str, language: str) -> float: ...

    def play(self, url: str) -> float: ...

    def tone(self) -> float: ...

    def hush(self) -> None: ...

    def record(self, seconds: float) -> None: ...

    def stop_recording(self) -> bytes: ...

    def keep(self, sid: str, sound: bytes) -> bool: ...

    def mine(self) -> bool: ...

    def put(self, act: Callable[[], object]) -> None: ...

    def meet(self, others: Sequence[Sound]) -> None: ...

    def release(self) -> None: ...


class Telephone(Phone):
    """One SIP call. Everything happens in one thread, the call's."""

    def __init__(self, line: Line, sound: Sound, *, from_: str, to: str, sid: str, direction: str = "inbound") -> None:
        super().__init__(line, from_=from_, to=to, direction=direction, sid=sid)
        self.sound = sound

    def next(self) -> None:
        if not self.sound.mine():  # somebody else's telephone has left the room that this one is in
            self.sound.put(self.next)
            return
        self._doing = None
        if self.over:
            return
        if self._verbs:
            verb = self._verbs.popleft()
            DO[verb.tag](self, verb)
        elif self._queue is not None:
            self._queue.again()
        else:
            self.finished()

    def go(self, url: str, **fields: str) -> None:
        if not self.sound.mine():
            self.sound.put(lambda: self.go(url, **fields))
            return
        self.sound.hush()
        super().go(url, **fields)

    def end(self, status: str) -> None:
        if self.over:
            return
        if self.heard and self.heard[-1].text.startswith(SORRY):
            self.sound.say(self.heard[-1].text, self.heard[-1].language)
        super().end(status)
        self.sound.release()

    def voice(self) -> None:
        """Somebody speaks."""
        if isinstance(self._doing, Recording):
            self._doing.voice()

    def utter(self, part: ET.Element) -> float:
        """Speaks one part; how long that takes."""
        text = (part.text or "").strip()
        if part.tag == "Pause":
            return float(part.get("length", "1"))
        if part.tag == "Play":
            self.hear("", f"(plays {text})")
            return self.sound.play(text)
        language = part.get("language", "en-US")
        self.hear(language, text)
        return self.sound.say(text, language)


class Outgoing(Telephone):
    """A telephone that Presa rings. `answer_url` says what it hears, `status_url` learns what becomes of it."""

    def __init__(
        self, line: Line, sound: Sound, *, from_: str, to: str, sid: str, answer_url: str, status_url: str
    ) -> None:
        super().__init__(line, sound, from_=from_, to=to, sid=sid, direction="outbound-api")
        self.answer_url, self.status_url = answer_url, status_url
        self.created = line.timeline.now
        self._told_of = 0
        self.on_end = lambda: self.tell("completed")

    def begin_to_ring(self, seconds: float) -> None:
        self.tell("initiated")
        self.line.timeline.later(seconds, lambda: self.end("no-answer") if not self.answered_at else None)

    def rings(self) -> None:
        if self.status == "queued":
            self.status = "ringing"
            self.tell("ringing")

    def answer(self) -> None:
        if not self.over and not self.answered_at:
            self.status, self.answered_at = "in-progress", self.line.timeline.now
            self.tell("answered")
            self.begin(self.answer_url)

    def tell(self, event: str) -> None:
        sequence, self._told_of = self._told_of, self._told_of + 1
        if self.status_url:
            said = {"CallStatus": "initiated"} if event == "initiated" else {}
            self.post(self.status_url, {**status_fields(self, sequence), **said})


class Leg(Telephone):
    """The other end of a <Dial>: at the most a document before (`url`), then two people talk. `ended` is told the status and
    the seconds they did."""

    def __init__(
        self, line: Line, sound: Sound, *, from_: str, to: str, sid: str, ended: Callable[[str, float], None],
        joined: Callable[[], None], url: str = "",
    ) -> None:  # fmt: skip
        super().__init__(line, sound, from_=from_, to=to, sid=sid, direction="outbound-dial")
        self._joined, self._first, self._joined_at = joined, url, 0.0
        self.on_end = lambda: ended(self.status, self.ended_at - (self._joined_at or self.ended_at))

    def begin_to_ring(self, seconds: float) -> None:
        self.line.timeline.later(seconds, lambda: self.end("no-answer") if not self.answered_at else None)

    def rings(self) -> None:
        self.status = "ringing"

    def answer(self) -> None:
        if not self.over:
            self.status, self.answered_at = "in-progress", self.line.timeline.now
            self.begin(self._first) if self._first else self.finished()

    def finished(self) -> None:
        """The document ended without hanging up: that connects them."""
        self._joined_at = self.line.timeline.now
        self._joined()


class _Real:
    """Mixed into what speaks: each part takes as long as its sound."""

    phone: Any
    parts: Any
    then: Callable[[], None]
    after: Callable[[float, Callable[[], None]], None]

    def part(self) -> None:
        if not self.parts:
            self.then()
            return
        self.after(self.phone.utter(self.parts.popleft()), self.part)


class Speaking(_Real, activity.Speaking):
    pass


class Gathering(_Real, activity.Gathering):
    def key(self, key: str) -> None:
        if "dtmf" in self.takes and not self.deaf():
            self.phone.sound.hush()
        super().key(key)


class Recording(activity.Recording):
    """Ends when nobody speaks any more; what nobody said is no recording."""

    phone: Telephone

    def __init__(self, phone: Telephone, verb: ET.Element) -> None:
        self._wav = b""
        tone = phone.sound.tone()
        super().__init__(phone, verb)
        self.began += tone
        phone.sound.record(self.seconds("maxLength", 3600.0))
        self.listen()

    def voice(self) -> None:
        if not self.said:
            self.said.append("(voice)")
        self.listen()

    def done(self, key: str) -> None:
        self._take()
        super().done(key)

    def hung_up(self) -> None:
        self._take()
        super().hung_up()

    def _take(self) -> None:
        sound = self.phone.sound.stop_recording()
        self._wav = sound if self.said else b""
        if not self._wav:
            self.said.clear()

    def ready(self, sid: str, seconds: str) -> None:
        """Told to nobody: the gateway comes for it by itself; and nobody here writes down what was said."""

    def fields(self, key: str) -> dict[str, str]:
        fields = super().fields(key)
        seconds = max(1, round((len(self._wav) - WAV_HEADER) / BYTES_A_SECOND))
        if not self.phone.sound.keep(fields["RecordingSid"], self._wav):
            return {"Digits": key}
        return {**fields, "RecordingDuration": str(seconds)}


class InRoom(rooms.InRoom):
    """The first two in a room hear each other. Rooms are shared by the threads of all calls."""

    def __init__(self, phone: Telephone, verb: ET.Element, conference: ET.Element) -> None:
        with ROOMS:
            super().__init__(phone, verb, conference)
            if self.room.started:
                inside = [one.phone for one in self.room.inside]
                phone.sound.meet(
                    [other.sound for other in inside if isinstance(other, Telephone) and other is not phone]
                )

    def stop(self) -> None:
        with ROOMS:
            super().stop()


def _dial(phone: Telephone, verb: ET.Element) -> activity.Doing:
    conference = verb.find("Conference")
    return rooms.dial(phone, verb) if conference is None else InRoom(phone, verb, conference)


def _speak(phone: Phone, verb: ET.Element) -> None:
    Speaking(phone, verb, [verb], phone.next)


DO: Mapping[str, Callable[[Any, ET.Element], object]] = {
    **rooms.VERBS,
    "Say": _speak,
    "Play": _speak,
    "Pause": _speak,
    "Gather": Gathering,
    "Record": Recording,
    "Dial": _dial,
}
