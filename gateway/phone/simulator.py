"""A telephone that does what TwiML says, as the carrier would: for tests, `presa call` and the demo's engineers.

Speech takes time, keys barge in, silence runs out, hang-ups are told, every webhook is signed. Time is a `Timeline`
that somebody else moves. Refuses documents that the carrier would refuse, and to know more of Presa than its
addresses.
https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin

from gateway.phone import grammar, twilio
from gateway.phone.activity import Doing, Queue
from gateway.phone.timeline import Timeline

if TYPE_CHECKING:
    from gateway.phone.rooms import Room

Fetch = Callable[[str, Mapping[str, str], Mapping[str, str]], tuple[int, str]]
Sign = Callable[[str, Mapping[str, str], str], Mapping[str, str]]  # (url, form, token) -> headers
ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was heard: at what time, in which language ("" for sounds), which words."""

    at: float
    language: str
    text: str


class Network(Protocol):
    """Where a <Dial> rings. `ended` is told the status and the seconds they talked; the answer hangs that leg up. `url`: what
    whoever picks up hears before they are connected, "" for nothing."""

    def dial(
        self, number: str, from_: str, seconds: float, ended: Callable[[str, float], None], url: str
    ) -> Callable[[], None]: ...


@dataclass
class Line:
    """What every telephone of one account shares."""

    fetch: Fetch  # (url, form, headers) -> (status, body)
    timeline: Timeline
    token: str = field(repr=False)
    account_sid: str = "AC00000000000000000000000000000000"
    network: Network | None = None
    recordings: dict[str, str] = field(default_factory=dict)  # recording's id -> what was said into it
    made: int = 0
    sign: Sign = lambda url, fields, token: {"X-Twilio-Signature": twilio.signature(url, tuple(fields.items()), token)}
    rooms: dict[str, Room] = field(default_factory=dict)
    told_of_rooms: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    queues: dict[str, list[Queue]] = field(default_factory=dict)
    held: list[tuple[str, Mapping[str, str]]] | None = None  # a list: news waits in it until `release`

    def new_id(self, kind: str, seed: str) -> str:
        """An id as the carrier makes them: two letters and 32 hexadecimal digits, never the same twice."""
        self.made += 1
        return kind + sha256(f"{seed} {self.made} {self.timeline.now}".encode()).hexdigest()[:32]

    def post(self, url: str, fields: Mapping[str, str]) -> tuple[int, str]:
        """A signed webhook."""
        return self.fetch(url, fields, self.sign(url, fields, self.token))

    def tell(self, url: str, fields: Mapping[str, str]) -> None:
        """News: nobody waits for its answer, and it may overtake other news."""
        if self.held is not None:
            self.held.append((url, fields))
        else:
            self.post(url, fields)

    def release(self, order: Sequence[int] | None = None) -> None:
        """What was held back arrives, in this order (its own without one); nothing is held back any more."""
        held, self.held = self.held or [], None
        for place in order if order is not None else range(len(held)):
            self.post(*held[place])


class Phone:
    """One end of one call. `keys`, `speak` and `hang_up` are what a person does; `heard` is what they heard."""

    def __init__(self, line: Line, *, from_: str, to: str, direction: str = "inbound", sid: str = "") -> None:
        self.line, self.from_, self.to, self.direction = line, from_, to, direction
        self.sid = sid or line.new_id("CA", from_ + to)
        self.status = "queued"
        self.heard: list[Utterance] = []
        self.posted: list[tuple[str, Mapping[str, str]]] = []
        self.errors: list[str] = []
        self.answered_at = self.ended_at = 0.0
        self.on_end: Callable[[], None] = lambda: None
        self._told = 0
        self._url = ""
        self._verbs: deque[ET.Element] = deque()
        self._doing: Doing | None = None
        self._queue: Queue | None = None

    # ── what a person does ──────────────────────────────────────────────────────────────────────────────────────────

    def call(self, voice_url: str, status_url: str = "") -> Phone:
        """Calls in: the number's voice address answers, its status address learns of the end."""
        if status_url:
            self.on_end = lambda: self._post_status(status_url, 0)
        self.begin(voice_url)
        return self

    def keys(self, keys: str) -> None:
        """Presses keys, one after the other."""
        for key in keys:
            if self._doing is not None:
                self._doing.key(key)

    def speak(self, text: str) -> None:
        """Says something; who doesn't listen just now doesn't hear it."""
        if self._doing is not None:
            self._doing.words(text)

    def hang_up(self) -> None:
        doing = self._doing
        self.end("completed")
        if doing is not None:
            doing.hung_up()

    @property
    def says(self) -> list[str]:
        """What was heard since the last look."""
        new = [utterance.text for utterance in self.heard[self._told :]]
        self._told = len(self.heard)
        return new

    @property
    def over(self) -> bool:
        return self.status in ENDED

    @property
    def waits_for(self) -> str:
        """What the line waits for now: keys, speech, record, or "" while it talks or when it is over."""
        return self._doing.waits_for if self._doing is not None else ""

    # ── what the carrier does ───────────────────────────────────────────────────────────────────────────────────────

    def begin(self, url: str) -> None:
        """The call is up: the first document is fetched and done."""
        self.status, self.answered_at = (
            "ringing" if self.direction == "inbound" else "in-progress",
            self.line.timeline.now,
        )
        self.go(url)

    def end(self, status: str) -> None:
        """Over, once."""
        if self.over:
            return
        self.status, self.ended_at = status, self.line.timeline.now
        doing, self._doing = self._doing, None
        if doing is not None:
            doing.stop()
        if self._queue is not None:
            self._queue.gone()
        self._verbs.clear()
        self.on_end()

    def go(self, url: str, **fields: str) -> None:
        """Fetches a document and starts on it."""
        if self._doing is not None:
            self._doing.stop()
        self._doing = None
        self._verbs.clear()
        self._url = urljoin(self._url, url) if url else self._url
        body = self.post(self._url, fields)
        if self.over:
            return
        self.status = "in-progress"
        verbs = self._read(body)
        if verbs is None:
            self.hear("en", "We are sorry, an application error has occurred. Goodbye.")
            self.end("completed")
            return
        self._verbs.extend(verbs)
        self.next()

    def post(self, url: str, fields: Mapping[str, str]) -> str | None:
        """A webhook of this call; its body, or None if it failed."""
        sent = {**self.facts(), **fields}
        self.posted.append((url, sent))
        status, body = self.line.post(url, sent)
        if status >= 400:
            self.errors.append(f"{status} from {url}")
            return None
        return body

    def facts(self) -> dict[str, str]:
        """The fields that every webhook of a call has."""
        return {
            "CallSid": self.sid,
            "AccountSid": self.line.account_sid,
            "From": self.from_,
            "To": self.to,
            "Caller": self.from_,
            "Called": self.to,
            "CallStatus": self.status,
            "Direction": self.direction,
            "ApiVersion": "2010-04-01",
        }

    def next(self) -> None:
        """The next verb of the document; after the last one the call ends."""
        self._doing = None
        if self.over:
            return
        if self._verbs:
            from gateway.phone.rooms import VERBS

            VERBS[(verb := self._verbs.popleft()).tag](self, verb)
        elif self._queue is not None:
            self._queue.again()
        else:
            self.finished()

    def finished(self) -> None:
        """The document is done, and nothing follows."""
        self.end("completed")

    def hear(self, language: str, text: str) -> None:
        self.heard.append(Utterance(self.line.timeline.now, language, text))

    def do(self, doing: Doing) -> None:
        self._doing = doing

    def queue(self, queue: Queue | None) -> None:
        if self._queue is not None:
            self._queue.gone()
        self._queue = queue

    def sent_to(self, url: str) -> None:
        """Somebody ordered over REST that this call goes on with another document."""
        self.queue(None)
        self.go(url)

    def leave_queue(self, result: str = "bridged") -> None:
        """Somebody took (or dropped) the waiting caller."""
        if self._queue is not None:
            self._queue.leave(result)

    def address(self, verb: ET.Element, name: str = "action") -> str:
        """An address in a document, relative to where the document came from; without one, that place itself."""
        return urljoin(self._url, verb.get(name) or self._url)

    def _read(self, body: str | None) -> list[ET.Element] | None:
        """The verbs of a document; None for what the carrier would refuse."""
        wrong = ("no document",) if body is None else grammar.faults(body)
        self.errors.extend(wrong)
        return None if wrong or body is None else list(ET.fromstring(body.encode()))  # noqa: S314  (checked above)

    def _post_status(self, url: str, sequence: int) -> None:
        self.line.tell(url, {**self.facts(), **status_fields(self, sequence)})


def status_fields(phone: Phone, sequence: int) -> dict[str, str]:
    """What a status callback has more than every webhook."""
    fields = {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": formatdate(phone.line.timeline.now, usegmt=True),
    }
    if phone.status == "completed":
        fields["CallDuration"] = str(round(phone.ended_at - phone.answered_at))
    return fields
