"""One call: its SIP dialog and sound on the event loop, its telephone in a thread of its own.

The telephone waits for its webhooks, so it may not stand on the loop; what happens to it (keys, voices, the end) is put
down for its thread. Refuses to let one call's trouble reach another.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog
from aiosipua.dialog import DialogState
from aiosipua.incoming_call import IncomingCall
from aiosipua.outgoing_call import OutgoingCall

from gateway.sip import speech
from gateway.sip.media import Media
from gateway.sip.sdp import Spoken
from gateway.sip.telephone import Sound, Telephone

if TYPE_CHECKING:
    from gateway.sip.line import SipLine

log = structlog.get_logger(__name__)

LONGEST_CALL = 4 * 3_600.0
LAST_WORDS = 10.0  # seconds of what is still being said that a hang-up of ours waits for
UNHEARD = 200  # things put down for a telephone that does not come round to them

Act = Callable[[], object]


class Call:
    """`phone` is set before `run`."""

    phone: Telephone

    def __init__(
        self, line: SipLine, media: Media, sip: IncomingCall | OutgoingCall | None, sid: str | None = None
    ) -> None:
        from gateway.sip.line import new_id

        self.line, self.media, self.sip = line, media, sip
        self.sid = sid or new_id("CA")
        self.started = False
        self._loop = asyncio.get_running_loop()
        self._todo: queue.Queue[Act] = queue.Queue(UNHEARD)
        self._thread: threading.Thread | None = None

    # On the loop --------------------------------------------------------------------------------------------------

    def start(self, spoken: Spoken) -> None:
        """Sound goes both ways."""
        self.media.on_key = self.press
        self.media.on_voice = self._voice
        if self.started:
            self.media.aim(spoken.remote)
        else:
            self.media.start(spoken.remote, spoken.law, spoken.keys)
        self.started = True

    def press(self, key: str) -> None:
        self.put(lambda: self.phone.keys(key))

    def _voice(self) -> None:
        """Worth knowing only when nothing else waits: a hang-up must find room."""
        if self._todo.empty():
            self.put(self.phone.voice)

    def put(self, act: Act) -> None:
        """For the call's thread; from anywhere."""
        try:
            self._todo.put_nowait(act)
        except queue.Full:
            log.warning("sip.call_overrun", sid=self.sid)

    def run(self, first: Act) -> None:
        self.put(first)
        self._thread = threading.Thread(target=self._live, name=f"presa-sip-{self.sid[:8]}", daemon=True)
        self._thread.start()

    def drop(self) -> None:
        """Gone, without a word."""
        self.media.close()
        self.line.ended(self)

    def _finish(self) -> None:
        """The telephone is over: what it still says is said, then the other side is told."""
        if self.started and self.media.playing > 0.1 and self._up():
            self._loop.call_later(min(self.media.playing, LAST_WORDS), self._part)
        else:
            self._part()

    def _up(self) -> bool:
        return self.sip is not None and self.sip.dialog.state == DialogState.CONFIRMED

    def _part(self) -> None:
        sip, self.sip = self.sip, None
        if isinstance(sip, IncomingCall):
            sip.hangup()
            sip._stop_retransmissions()
            self.line.uas._calls.pop(sip.call_id, None)
        elif sip is not None and sip.dialog.state == DialogState.CONFIRMED:
            sip.hangup(self.line.uac)
        elif sip is not None and sip.dialog.state == DialogState.EARLY:
            self.line.stop_ringing(sip)
        self.drop()

    # In the call's thread -----------------------------------------------------------------------------------------

    def _live(self) -> None:
        timeline, end = self.phone.line.timeline, self.line.now() + LONGEST_CALL
        while not self.phone.over:
            due = timeline.next_at()
            now = self.line.now()
            wait = 1.0 if due is None else min(1.0, max(0.0, due - now))
            try:
                act: Act | None = self._todo.get(timeout=wait) if wait else self._todo.get_nowait()
            except queue.Empty:
                act = None
            try:
                timeline.advance_to(self.line.now())
                if act is not None:
                    act()
                if now > end:
                    self.phone.hang_up()
            except Exception as trouble:  # the loop's edge: this call ends, the others go on
                log.error("sip.call_failed", sid=self.sid, exc_info=trouble)
                self._give_up()

    def _give_up(self) -> None:
        try:
            self.phone.end("failed")
        except Exception as trouble:
            log.error("sip.end_not_told", sid=self.sid, why=type(trouble).__name__)
        self.phone.status = self.phone.status if self.phone.over else "failed"
        self.release()

    def say(self, text: str, language: str) -> float:
        return self._play(self.line.speech.say(text, language, self.media.law))

    def play(self, url: str) -> float:
        return self._play(speech.encode(self.line.webhooks.sound(url), self.media.law))

    def tone(self) -> float:
        return self._play(speech.tone(self.media.law))

    def _play(self, sound: bytes) -> float:
        self._on_loop(lambda: self.media.play(sound))
        return len(sound) / speech.RATE

    def hush(self) -> None:
        self._on_loop(self.media.hush)

    def record(self, seconds: float) -> None:
        self.media.record(seconds)

    def stop_recording(self) -> bytes:
        return self.media.stop_recording()

    def keep(self, sid: str, sound: bytes) -> bool:
        return self.line.spool.keep(sid, sound)

    def mine(self) -> bool:
        return threading.current_thread() is self._thread

    def meet(self, others: Sequence[Sound]) -> None:
        """Hears the first of them, and is heard."""
        other = next((one for one in others if isinstance(one, Call)), None)
        if other is not None:
            media = other.media
            self._on_loop(lambda: self.media.bridge(media))

    def dial(
        self, number: str, from_: str, seconds: float, ended: Callable[[str, float], None], url: str
    ) -> Callable[[], None]:
        return self.line.dial(self, number, from_, seconds, ended, url)

    def release(self) -> None:
        self._on_loop(self._finish)

    def _on_loop(self, act: Act) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)
