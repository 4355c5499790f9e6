"""Where the signature of a text begins: the delimiter, a closing phrase, a program's own line, a legal notice.

A word of thanks closes a text only when a name follows it; alone it is the message. It never empties a text.
"""

import re
from collections.abc import Iterable

from parsers import phrases


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’.-]*"
_DELIMITER = re.compile(r"(?:[-–—]{2}|[–—])[ \t\xa0]*$|[_]{5,}[ \t]*$")
_RULE = re.compile(r"[ \t]*[-_=*~]{3,}[ \t]*$")
_CLOSING = re.compile(
    rf"[ \t]*(?:{_any(phrases.REGARDS)})(?!\w)[ \t]*[,.!;:-]*[ \t]*(?P<rest>.{{0,60}})$", re.IGNORECASE
)
_THANKS = re.compile(rf"[ \t]*(?:{_any(phrases.THANKS)})(?!\w)[ \t]*[,.!;:-]*[ \t]*(?P<rest>.{{0,40}})$", re.IGNORECASE)
_DEVICE = re.compile(
    rf"[ \t*_<\[(]{{0,4}}(?:https?://[^\s>]{{1,200}}>[ \t]*)?(?:{_any(phrases.DEVICE)})[ \t.*_>\])]{{0,4}}$",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(rf"[ \t*_-]{{0,6}}(?:{_any(phrases.DISCLAIMER)})", re.IGNORECASE)
_NAMES = re.compile(rf"[ \t]*{_NAME}(?:[ \t]+(?:{_NAME}|de|di|da|del|della|von|van|der|la|le|e|and)){{0,4}}[ \t,.]*$")
_WORD = re.compile(r"[ \t]*[\w'’.-]{1,16}[ \t]*$")
_DASHED = re.compile(rf"[-–—]{{1,2}}[ \t]?{_NAME}(?:[ \t]{_NAME}){{0,2}}[ \t]*$")
_POSTSCRIPT = re.compile(r"[ \t]*P\.? ?S\.?[ \t]*[:. -]", re.IGNORECASE)
_CONTACT = re.compile(r"[^\s@]@[^\s@]+\.\w|https?://|www\.|\+?\d[\d ()/.-]{6,}\d|(?i:\b(?:tel|fax|mob|phone|cell)\b)")


LONGEST = 60  # lines of a signature; what stands higher is never one


def without(lines: list[str], *, top: bool = True, author: str = "") -> list[str]:
    """Return `lines` without the signature; a postscript below it is kept.

    `top` says that the mail begins here: then at least one line stays. Below a quote a footer may stand alone.
    `author` is the sender's full name: alone on a line, with nothing but short lines below, it signs.
    """
    full = [index for index, line in enumerate(lines) if line.strip()]
    for place in range(max(1 if top else 0, len(full) - LONGEST), len(full)):
        if _opens(lines, full, place) or (
            author and author in lines[full[place]] and _signs(lines, full, place, author)
        ):
            after = next((i for i in full[place + 1 :] if _POSTSCRIPT.match(lines[i])), len(lines))
            return [*lines[: full[place]], *lines[after:]]
    return lines


def _signs(lines: list[str], full: list[int], place: int, author: str) -> bool:
    """The author's name on a line of its own below an empty one, above at most a card of his."""
    here = full[place]
    if lines[here].strip(" \t*_,.-\xa0") != author or (here > 0 and lines[here - 1].strip()):
        return False
    below = [lines[index].strip() for index in full[place + 1 :]]
    return len(below) <= 12 and all(len(line) <= 60 and line[-1] not in "?!:" for line in below)


def _opens(lines: list[str], full: list[int], place: int) -> bool:
    """Whether the signature begins at the `place`-th line that is not empty."""
    line = lines[full[place]]
    after = len(full) - place - 1
    first = line.split(maxsplit=1)[0]
    if first[0] in "-–—_=*~":
        if _DELIMITER.match(line):
            return True
        if _RULE.match(line):
            return after <= 12 and any(_CONTACT.search(lines[i][:400]) for i in full[place + 1 :])
        last = not after or _RULE.match(lines[full[place + 1]]) is not None
        if place and last and _DASHED.match(line):
            return not lines[full[place - 1]].lstrip().startswith(("-", "–", "—", "*"))
    if first.lower().strip("*_<[(,.!;:") not in phrases.OPENERS and not first.startswith(("发自", "發自", "<http")):
        return False
    if len(line) < 200 and _DEVICE.match(line):
        return after <= 12
    if len(line) <= 100 and _closes(line, [lines[i] for i in full[place + 1 :]]):
        return True
    return after <= 40 and _DISCLAIMER.match(line[:400]) is not None


def _closes(line: str, rest: list[str]) -> bool:
    """A closing phrase on its line, alone or with the name behind it."""
    closing = _CLOSING.match(line)
    if closing is not None:
        beside = closing.group("rest").lstrip("/| ")
        return len(rest) <= 40 and (not beside or bool(_NAMES.match(beside) or _CLOSING.match(beside)))
    thanks = _THANKS.match(line)
    if thanks is None or len(rest) > 20:
        return False
    if thanks.group("rest"):
        return _NAMES.match(thanks.group("rest")) is not None and len(rest) <= 8 and thanks.group("rest")[0].isupper()
    if not rest or len(rest[0]) > 200:
        return False
    return bool(_NAMES.match(rest[0]) or (len(rest) == 1 and _WORD.match(rest[0])) or _closes(rest[0], rest[1:]))
