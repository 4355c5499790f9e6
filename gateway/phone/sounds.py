"""A desk's own recordings of its prompts, and its hold music: files beside its YAML, read once at start and served by ourselves.

A carrier asks for them by their content, so it may keep them for ever, and a file that is taken away while we run is still
there. What is missing or no sound is named by `presa check` and spoken instead: no call fails for want of a file. Refuses to
play anything from another host: its trouble would be the whole desk's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.settings import Settings

PATH: Final = "/phone/sounds"
LONGEST: Final = 2_000_000  # bytes of a prompt: two minutes of MP3
LONGEST_MUSIC: Final = 480_000  # half a minute: whoever waits is looked at again after it
MUSIC: Final = "music"
TYPES: Final[Mapping[str, str]] = {".mp3": "audio/mpeg", ".wav": "audio/wav"}


@dataclass(frozen=True, slots=True)
class Sounds:
    """`addresses`: (desk, language, prompt) -> where it is played from, hold music under ("desk", "", MUSIC); `bodies`: the
    last part of an address -> what is served there; `problems`: what is spoken instead, and why."""

    addresses: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    bodies: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    problems: tuple[tuple[str, str], ...] = ()

    def prompts(self, desk: str) -> Mapping[str, Mapping[str, str]]:
        """language -> prompt -> address."""
        found: dict[str, dict[str, str]] = {}
        for (its, language, prompt), address in self.addresses.items():
            if its == desk and language:
                found.setdefault(language, {})[prompt] = address
        return found

    def music(self, desk: str) -> str:
        return self.addresses.get((desk, "", MUSIC), "")


NOTHING: Final = Sounds()


def read(settings: Settings) -> Sounds:
    """Every file that a desk names."""
    addresses: dict[tuple[str, str, str], str] = {}
    bodies: dict[str, bytes] = {}
    problems: list[tuple[str, str]] = []
    for key, path in _named(settings):
        body = path.read_bytes() if path.is_file() else None
        wrong = _wrong(path, body, LONGEST_MUSIC if key[2] == MUSIC else LONGEST)
        if settings.carrier is not None and settings.carrier.kind == "sip" and path.suffix != ".wav":
            wrong = "a SIP line plays WAV only; save it as WAV"
        if wrong or body is None:
            instead = "silence" if key[2] == MUSIC else "the prompt is spoken"
            problems.append((key[0], f"{path}: {wrong}; until then {instead}"))
            continue
        name = f"{sha256(body).hexdigest()[:32]}{path.suffix}"
        bodies[name] = body
        addresses[key] = f"{settings.public_url}{PATH}/{name}"
    return Sounds(addresses, bodies, tuple(problems))


def media_type(name: str) -> str:
    return TYPES[name[name.rindex(".") :]]


def _named(settings: Settings) -> Iterator[tuple[tuple[str, str, str], Path]]:
    for desk in settings.desks.values():
        folder = settings.folders.get(desk.id, settings.home)
        if desk.phone is None:
            continue
        for language, prompts in desk.phone.prompts.items():
            yield from (((desk.id, language, prompt), folder / file) for prompt, file in prompts.items())
        if desk.phone.music is not None:
            yield (desk.id, "", MUSIC), folder / desk.phone.music


def _wrong(path: Path, body: bytes | None, longest: int) -> str:
    """Why it cannot be played; "" when it can. Judged by its first bytes: a name says nothing."""
    if body is None:
        return "there is no such file; put it there"
    if len(body) > longest:
        return f"{len(body)} bytes are too many; at most {longest}"
    wav = body[:4] == b"RIFF" and body[8:12] == b"WAVE"
    mp3 = body[:3] == b"ID3" or (len(body) > 2 and body[0] == 0xFF and body[1] & 0xE0 == 0xE0)
    fits = wav if path.suffix == ".wav" else mp3
    return "" if fits else f"this is no {path.suffix[1:].upper()} sound; save it anew"
