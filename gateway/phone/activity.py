"""What a simulated telephone can be busy with: one class for each TwiML verb that takes time, and the table `DO`.

Refuses to fetch or to sign: the telephone does that.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from gateway.phone.timeline import Timer

if TYPE_CHECKING:
    from gateway.phone.simulator import Phone

CHARACTERS_A_SECOND = 14.0
PLAY_SECONDS = 3.0


class Doing:
    """One verb being done, with at most one timer running."""

    waits_for = ""

    def __init__(self, phone: Phone, verb: ET.Element) -> None:
        self.phone, self.verb = phone, verb
        self.timer: Timer | None = None
        phone.do(self)

    def after(self, seconds: float, run: Callable[[], None]) -> None:
        """(Re)starts the timer."""
        self.stop()
        self.timer = self.phone.line.timeline.later(seconds, run)

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def key(self, key: str) -> None:
        """A key nobody waits for."""

    def words(self, text: str) -> None:
        """Words nobody listens to."""

    def hung_up(self) -> None:
        """The other side is gone; most verbs have nothing to add."""

    def seconds(self, name: str, default: float) -> float:
        value = self.verb.get(name, "")
        return float(value) if value.replace(".", "", 1).isdigit() else default


class Speaking(Doing):
    """Say, Play, Pause: one after the other, then `then`."""

    def __init__(self, phone: Phone, verb: ET.Element, parts: Iterable[ET.Element], then: Callable[[], None]) -> None:
        super().__init__(phone, verb)
        self.parts, self.then = deque(parts), then
        self.part()

    def part(self) -> None:
        if not self.parts:
            self.then()
            return
        self.after(_utter(self.phone, self.parts.popleft()), self.part)


def _utter(phone: Phone, part: ET.Element) -> float:
    """Speaks one part; how long that takes."""
    text = (part.text or "").strip()
    if part.tag == "Pause":
        return float(part.get("length", "1"))
    if part.tag == "Play":
        phone.hear("", f"(plays {text})")
        return PLAY_SECONDS
    phone.hear(part.get("language", "en-US"), text)
    return len(text) / CHARACTERS_A_SECOND


class Gathering(Speaking):
    """Gather: the prompt, then silence that runs out; a key or a word ends the prompt at once."""

    def __init__(self, phone: Phone, verb: ET.Element) -> None:
        self.digits = ""
        self.takes = verb.get("input", "dtmf").split()
        self.finish = verb.get("finishOnKey", "#")
        self.listening = False
        super().__init__(phone, verb, list(verb), self.listen)

    def listen(self) -> None:
        self.listening = True
        self.after(self.seconds("timeout", 5.0), self.submit)

    @property
    def waits_for(self) -> str:  # type: ignore[override]
        return ("speech" if "speech" in self.takes else "keys") if self.listening else ""

    def deaf(self) -> bool:
        return not self.listening and self.verb.get("bargeIn") == "false"

    def key(self, key: str) -> None:
        if "dtmf" not in self.takes or self.deaf():
            return
        if key in self.finish:
            self.submit(key)
            return
        self.digits += key
        if len(self.digits) == self.seconds("numDigits", 0):
            self.submit()
        else:
            self.listen()

    def words(self, text: str) -> None:
        if "speech" in self.takes and not self.deaf():
            self.stop()
            self.phone.go(self.phone.address(self.verb), SpeechResult=text, Confidence="0.9")

    def submit(self, key: str = "") -> None:
        self.stop()
        if not self.digits and self.verb.get("actionOnEmptyResult") != "true":
            self.phone.next()
            return
        finished = {"FinishedOnKey": key} if key else {}
        self.phone.go(self.phone.address(self.verb), Digits=self.digits, **finished)


class Recording(Doing):
    """Record: a tone, then what is said, until a key, silence or the longest time; silence alone records nothing."""

    waits_for = "record"

    def __init__(self, phone: Phone, verb: ET.Element) -> None:
        super().__init__(phone, verb)
        self.said: list[str] = []
        self.began = phone.line.timeline.now
        phone.hear("", "(tone)")
        self.listen()

    def listen(self) -> None:
        longest = self.seconds("maxLength", 3600.0) - (self.phone.line.timeline.now - self.began)
        self.after(min(self.seconds("timeout", 5.0), longest), lambda: self.done(""))

    def words(self, text: str) -> None:
        self.said.append(text)
        self.listen()

    def key(self, key: str) -> None:
        if key in self.verb.get("finishOnKey", "1234567890*#"):
            self.done(key)

    def done(self, key: str) -> None:
        self.stop()
        if self.said:
            self.phone.go(self.phone.address(self.verb), **self.fields(key))
        else:
            self.phone.next()

    def hung_up(self) -> None:
        if self.said:  # the carrier still says what it has, after the end; what comes back is not done any more
            self.phone.post(self.phone.address(self.verb), self.fields("hangup"))

    def ready(self, sid: str, seconds: str) -> None:
        """A second later the carrier has it, and tells so; then it has written it down."""
        line, facts = self.phone.line, {**self.phone.facts(), "RecordingSid": sid}
        done, written = self.verb.get("recordingStatusCallback"), self.verb.get("transcribeCallback")
        if done:
            told = {**facts, "RecordingStatus": "completed", "RecordingDuration": seconds}
            where = self.phone.address(self.verb, "recordingStatusCallback")
            line.timeline.later(1.0, lambda: line.tell(where, told))
        if written and self.verb.get("transcribe") == "true":
            said = {**facts, "TranscriptionStatus": "completed", "TranscriptionText": line.recordings[sid]}
            to = self.phone.address(self.verb, "transcribeCallback")
            line.timeline.later(3.0, lambda: line.tell(to, said))

    def fields(self, key: str) -> dict[str, str]:
        sid = self.phone.line.new_id("RE", self.phone.sid)
        self.phone.line.recordings[sid] = " ".join(self.said)
        where = f"https://api.twilio.com/2010-04-01/Accounts/{self.phone.line.account_sid}/Recordings/{sid}"
        seconds = str(max(1, round(self.phone.line.timeline.now - self.began)))
        self.ready(sid, seconds)
        return {"RecordingSid": sid, "RecordingUrl": where, "RecordingDuration": seconds, "Digits": key}


class Dialing(Doing):
    """Dial: rings a number, and they talk until one of the two is gone."""

    def __init__(self, phone: Phone, verb: ET.Element) -> None:
        super().__init__(phone, verb)
        self.drop: Callable[[], None] = lambda: None
        noun = verb.find("Number")
        number = verb.findtext("Number") or verb.text or ""
        first = phone.address(noun, "url") if noun is not None and noun.get("url") else ""
        network = phone.line.network
        if network is None:
            self.after(0, lambda: self.ended("failed", 0))
            return
        self.drop = network.dial(
            number.strip(), verb.get("callerId") or phone.from_, self.seconds("timeout", 30.0), self.ended, first
        )

    def ended(self, status: str, talked: float) -> None:
        if self.phone.over:
            return
        if self.verb.get("action"):
            self.phone.go(self.phone.address(self.verb), DialCallStatus=status, DialCallDuration=str(round(talked)))
        else:
            self.phone.next()

    def hung_up(self) -> None:
        self.drop()


class Queue:
    """Enqueue: the wait document over and over, until somebody takes the caller or the caller goes."""

    def __init__(self, phone: Phone, verb: ET.Element) -> None:
        self.phone, self.verb, self.since = phone, verb, phone.line.timeline.now
        self.action = phone.address(verb)
        self.wait = phone.address(verb, "waitUrl") if verb.get("waitUrl") else ""
        self.name = (verb.text or "").strip()
        phone.queue(self)
        phone.line.queues.setdefault(self.name, []).append(self)
        self.again()

    def again(self) -> None:
        """At least a second apart: a wait document that takes no time must not spin."""
        if self.wait:
            Doing(self.phone, self.verb).after(1.0, lambda: self.phone.go(self.wait, QueueSid="QU" + "0" * 32))
        else:
            Doing(self.phone, self.verb)

    def gone(self) -> None:
        """Not in the queue any more, for whatever reason."""
        waiting = self.phone.line.queues.get(self.name, [])
        if self in waiting:
            waiting.remove(self)

    def leave(self, result: str) -> None:
        self.phone.queue(None)
        waited = str(round(self.phone.line.timeline.now - self.since))
        self.phone.go(self.action, QueueResult=result, QueueTime=waited, QueueSid="QU" + "0" * 32)


def _speak(phone: Phone, verb: ET.Element) -> None:
    Speaking(phone, verb, [verb], phone.next)


def _redirect(phone: Phone, verb: ET.Element) -> None:
    phone.go((verb.text or "").strip())


def _leave(phone: Phone, _verb: ET.Element) -> None:
    phone.leave_queue("leave")


DO: Mapping[str, Callable[[Phone, ET.Element], object]] = {
    "Say": _speak,
    "Play": _speak,
    "Pause": _speak,
    "Gather": Gathering,
    "Record": Recording,
    "Redirect": _redirect,
    "Dial": Dialing,
    "Enqueue": Queue,
    "Leave": _leave,
    "Hangup": lambda phone, _verb: phone.end("completed"),
    "Reject": lambda phone, verb: phone.end("busy" if verb.get("reason") == "busy" else "failed"),
}
