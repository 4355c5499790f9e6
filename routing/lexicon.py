"""Phrases found in a text, each with what it stands for and whether it is denied ("non è bloccato", "not blocked").

An ordinary mail costs one pass over its bytes: a phrase whose longest run of ASCII letters and digits is not among the text's
is nowhere in it, and only the others are looked for. Refuses to weigh what it finds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

LONGEST = 20_000  # characters that are looked at: what comes later is a log

_RUN = re.compile(rb"[0-9a-z_]+")
_APART = bytes(byte if _RUN.match(bytes([byte])) else 0x20 for byte in range(256))

# A denial, and what may stand between it and the word that it denies. Another verb between them ends it.
_DENIED = re.compile(
    r"(?:(?<!\w)(?:non|né|neanche|mai|not|never|nor|neither|nothing|nobody|niente|nessuno|no longer)|n't)\s+"
    r"(?:(?:è|e'|sono|era|erano|risulta|risultano|sembra|stato|stata|più|ancora|del|tutto|proprio|completamente|totalmente|troppo|molto"
    r"|così|mica|il|lo|la|i|gli|le|is|are|was|be|been|being|completely|totally|really|currently|yet|entirely|exactly|that|very|so|at|all|a|un|una|the"
    r"|particularly|especially)\s+){0,4}$"
)
_DENIES = (
    "non ",
    "not ",
    "no ",
    "nothing",
    "nobody",
    "nessun",
    "isn't",
    "doesn't",
    "don't",
    "won't",
    "can't",
    "cannot",
)
BEFORE = 60  # characters before a phrase in which its denial may stand


class Hit(NamedTuple):
    """A phrase of the text, for each thing that it stands for. `denied`: wherever it stands, it is denied."""

    sign: str
    words: str
    denied: bool


class Lexicon:
    """Phrases in lower case, each with what it stands for."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        by_phrase: dict[str, list[str]] = {}
        for phrase, sign in phrases:
            signs = by_phrase.setdefault(" ".join(phrase.lower().replace("’", "'").split()), [])
            if sign not in signs:
                signs.append(sign)
        heads: dict[bytes, list[tuple[str, Sequence[str]]]] = {}
        for phrase, signs in by_phrase.items():
            heads.setdefault(_head(phrase), []).append((phrase, signs))
        self._always = tuple(heads.pop(b"", ()))
        self._heads: Mapping[bytes, Sequence[tuple[str, Sequence[str]]]] = heads
        self._known = frozenset(heads)

    def find(self, text: str) -> tuple[Hit, ...]:
        """What is in a text in lower case, in order of the phrases' heads; each phrase once."""
        text = text[:LONGEST].replace("’", "'")
        runs = text.encode(errors="replace").translate(_APART).split()
        there = self._known.intersection(runs)
        wanted = [one for one in self._always if one[0].partition(" ")[0] in text]
        wanted += (one for head in sorted(there) for one in self._heads[head])
        if not wanted:
            return ()
        flat = " ".join(text.split())  # a line break inside a phrase does not hide it
        found: list[Hit] = []
        for phrase, signs in wanted:
            if phrase in flat and (denied := _denied(phrase, flat)) is not None:
                found += (Hit(sign, phrase, denied) for sign in signs)
        return tuple(found)


def _denied(phrase: str, flat: str) -> bool | None:
    """Is the phrase, as whole words, denied wherever it stands? None: it is not there as whole words."""
    denied = None
    at = flat.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if not (_letter(flat[at - 1 : at]) or _letter(flat[end : end + 1])):
            denied = True
            if phrase.startswith(_DENIES) or not _DENIED.search(flat[max(0, at - BEFORE) : at]):
                return False
        at = flat.find(phrase, end)
    return denied


def _letter(one: str) -> bool:
    return one.isalnum() or one == "_"


def _head(phrase: str) -> bytes:
    """The longest run of ASCII letters and digits; other letters part them, in a text likewise."""
    return max(_RUN.findall(phrase.encode()), key=len, default=b"")
