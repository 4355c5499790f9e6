"""Words to sound as a telephone carries it: 8,000 samples a second, G.711. Spoken by espeak-ng, or by piper.

Both are programs on this machine; the text goes in by standard input, never by the command line. What was said once is
kept, as most callers hear the same sentences. Refuses to fail a call: what cannot be spoken is silence, and a line in
the log.
"""

from __future__ import annotations

import io
import json
import math
import shutil
import subprocess
import threading
import wave
from array import array
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final, Literal

import structlog
from aiortp.codecs import get_codec

log = structlog.get_logger(__name__)

RATE: Final = 8_000
Law = Literal[0, 8]  # the payload types of PCMU and PCMA (RFC 3551, section 6)
SILENCE: Final[Mapping[Law, bytes]] = {0: b"\xff", 8: b"\xd5"}
LONGEST_TEXT: Final = 4_096
KEPT_BYTES: Final = 32_000_000  # somewhat more than an hour
SECONDS_TO_SPEAK: Final = 10.0
WORDS_A_MINUTE: Final = "150"
TONE_HERTZ: Final = 1_000
# The languages of the documents and what espeak-ng calls them, where that differs from the part before the hyphen.
ESPEAK: Final[Mapping[str, str]] = {"en-GB": "en-gb", "en-US": "en-us", "en": "en-gb", "fr": "fr-fr", "pt-BR": "pt-br"}


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks. `piper`: the program, where wanted; `models`: language (`it`) to the model's file."""

    espeak: str = "espeak-ng"
    piper: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)


def missing(voices: Voices) -> str | None:
    """Why nothing could be said; None when all is there."""
    if voices.piper and not shutil.which(voices.piper):
        return f"{voices.piper} is not there: install piper, or remove 'piper' from presa.yaml"
    absent = [path for path in voices.models.values() if not Path(path).is_file()]
    if absent:
        return f"{absent[0]} is not there: correct the model's path in presa.yaml"
    if not shutil.which(voices.espeak):
        return f"{voices.espeak} is not there: install espeak-ng (on Debian: apt install espeak-ng)"
    return None


class Speech:
    """Says sentences. Shared by the threads of all calls."""

    def __init__(self, voices: Voices, kept_bytes: int = KEPT_BYTES) -> None:
        self.voices, self._room = voices, kept_bytes
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def say(self, text: str, language: str, law: Law) -> bytes:
        """The sentence as G.711, one byte a sample. Takes as long as the program does the first time."""
        return encode(self._pcm(text.strip()[:LONGEST_TEXT], language), law)

    def _pcm(self, text: str, language: str) -> bytes:
        key = text, language
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        spoken = self._spoken(text, language) if text else b""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = spoken
                self._size += len(spoken)
            while self._size > self._room and self._kept:
                self._size -= len(self._kept.popitem(last=False)[1])
        return spoken

    def _spoken(self, text: str, language: str) -> bytes:
        short = language.partition("-")[0].lower()
        model = self.voices.models.get(short)
        try:
            if self.voices.piper and model:
                raw = _run([self.voices.piper, "--model", model, "--output_raw"], text)
                return resampled(raw, _rate_of(model))
            voice = ESPEAK.get(language) or ESPEAK.get(short) or short
            sound = _run([self.voices.espeak, "--stdin", "--stdout", "-v", voice, "-s", WORDS_A_MINUTE], text)
            return pcm_of(sound)
        except (OSError, subprocess.SubprocessError, ValueError) as trouble:
            log.error("sip.speech_failed", language=language, characters=len(text), why=type(trouble).__name__)
            return b""


def _run(command: list[str], text: str) -> bytes:
    done = subprocess.run(  # noqa: S603  (a fixed program; what is said goes in by standard input)
        command, input=" ".join(text.split()).encode(), capture_output=True, timeout=SECONDS_TO_SPEAK, check=True
    )
    return done.stdout


def _rate_of(model: str) -> int:
    """What a piper model speaks at; its own description lies beside it."""
    try:
        rate = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))["audio"]["sample_rate"]
    except (OSError, ValueError, KeyError, TypeError):
        return 22_050
    return rate if isinstance(rate, int) and 8_000 <= rate <= 48_000 else 22_050


def pcm_of(sound: bytes) -> bytes:
    """A WAV file as 16-bit samples, 8,000 a second. Raises ValueError for anything else.

    espeak-ng writes a length that it does not know yet: what is there counts, not what the header says."""
    try:
        with wave.open(io.BytesIO(sound)) as read:
            channels, width, rate, _, _, _ = read.getparams()
            frames = read.readframes(len(sound))
    except (wave.Error, EOFError) as error:
        raise ValueError("not a WAV file of plain samples") from error
    if width != 2 or channels not in (1, 2) or not RATE <= rate <= 48_000:
        raise ValueError("not 16-bit samples of one or two channels")
    return resampled(frames if channels == 1 else _left(frames), rate)


def _left(frames: bytes) -> bytes:
    return _samples(frames)[::2].tobytes()


def _samples(frames: bytes) -> array[int]:
    samples = array("h")
    samples.frombytes(frames[: len(frames) // 2 * 2])
    return samples


def resampled(frames: bytes, rate: int) -> bytes:
    """16-bit samples at 8,000 a second: each the mean of those it stands for, which also takes away most of what a
    telephone cannot carry."""
    if rate == RATE:
        return frames[: len(frames) // 2 * 2]
    samples = _samples(frames)
    total = [0, *accumulate(samples)]
    step = rate / RATE
    edges = [int(n * step) for n in range(int(len(samples) / step) + 1)]
    means = [(total[b] - total[a]) // (b - a) for a, b in pairwise(edges)]
    return array("h", means).tobytes()


def encode(pcm: bytes, law: Law) -> bytes:
    return get_codec(law).encode(pcm) if pcm else b""


def decode(payload: bytes, law: Law) -> bytes:
    return get_codec(law).decode(payload)


def tone(law: Law, seconds: float = 0.4) -> bytes:
    """What is heard before a recording."""
    wave_ = (int(9_000 * math.sin(2 * math.pi * TONE_HERTZ * n / RATE)) for n in range(int(RATE * seconds)))
    return encode(array("h", wave_).tobytes(), law)


def wav(pcm: bytes) -> bytes:
    """16-bit samples, 8,000 a second, as a WAV file."""
    made = io.BytesIO()
    with wave.open(made, "wb") as write:
        write.setnchannels(1)
        write.setsampwidth(2)
        write.setframerate(RATE)
        write.writeframes(pcm)
    return made.getvalue()
