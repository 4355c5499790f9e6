"""Where the signature of a text begins: the delimiter, a closing phrase, a name, a program's own line, a legal notice.

A word of thanks closes a text only when a name follows it; alone it is the message. It never empties a text.
"""

import re
from collections.abc import Iterable
from itertools import product

from parsers import phrases

LONGEST = 60  # lines of a signature; what stands higher is never one
FAR = 40  # lines below one that is told by its words
WIDEST = 120  # characters of a line with a closing phrase, a name or a program
FEW = 3  # lines that are looked at one by one
NARROW = 60  # characters of a line below a name
CARD = 12  # lines of a name with its addresses

_NAME = r"[A-ZÀ-ÖØ-ÞΑ-ΩА-Я][\w'’.-]*"
_DELIMITER = re.compile(r"(?:[-–—]{2}|[–—])[ \t\xa0]*$|_{2,}[ \t]*$")
_RULE = re.compile(r"[ \t]*[-_=*~#]{3,}[ \t]*$")
_NAMES = re.compile(
    rf"[ \t*_]*(?:i\. ?[AV]\. )?{_NAME}(?:[ \t]+(?:{_NAME}|de|di|da|del|della|von|van|der|la|le|e|and)){{0,4}}"
    r"[ \t,.!*_]*(?:(?:[|,/]|[-–] )[ \t*_]*[A-ZÀ-Þ0-9+@(][^?!]{0,60})?$"
)
_WORD = re.compile(r"[ \t]*[\w'’.-]{1,16}[ \t]*$")
_DASHED = re.compile(rf"[-–—~]{{1,2}}[ \t]?{_NAME}(?:[ \t]{_NAME}){{0,2}}[ \t]*$|--?[a-z]{{3,12}}[ \t]*$")
_POSTSCRIPT = re.compile(r"[ \t]*P\.? ?S\.?[ \t]*[:. -]", re.IGNORECASE)
_CONTACT = re.compile(
    r"[^\s@]@[^\s@]+\.\w|https?://|www\.|\+?\d[\d ()/.-]{6,}\d|(?i:\b(?:tel|fax|mob|mobile|phone|cell|telefono)\b)"
)
_EDGE = " \t\xa0\r*_,.!;:|/<>[](){}\u200b\u200e\u200f\u2028\"'"


def _expanded(rows: Iterable[str]) -> frozenset[str]:
    """`a|b c|_` stands for `a c`, `b c`, `a` and `b`."""
    choices = (product(*(slot.split("|") for slot in row.split(" "))) for row in rows)
    return frozenset(" ".join(word for word in words if word != "_") for row in choices for words in row)


_REGARDS = _expanded(phrases.REGARDS)
_BRIEF = _expanded(phrases.BRIEF) - _REGARDS
_THANKS = _expanded(phrases.THANKS) - _REGARDS
_CLOSINGS = _REGARDS | _BRIEF | _THANKS
_LONGEST = max(phrase.count(" ") + 1 for phrase in _CLOSINGS)
_FIRST = frozenset(phrase.partition(" ")[0] for phrase in _CLOSINGS)


def _any(patterns: Iterable[str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


_FORMULA = re.compile(_any(phrases.FORMULA), re.IGNORECASE)
_BY_WHAT = re.compile(phrases.BY_WHAT, re.IGNORECASE)
_PROGRAM = re.compile(rf"[ \t*_<\[(]{{0,4}}(?:{_any(phrases.PROGRAM)})[ \t.*_>\])]{{0,4}}$", re.IGNORECASE)
_LINK = re.compile(r"<?https?://[^\s>]{1,300}>?[ \t]*")
_PREPOSITION = frozenset((
    "from", "via", "by", "with", "using", "on", "da", "dal", "dalla", "dall'iphone", "con", "tramite", "von", "mit", "aus",
    "über", "vom", "de", "depuis", "du", "avec", "par", "à", "desde", "do", "pelo", "a", "vanaf", "vanuit", "met", "från",
    "fra", "z", "ze", "с", "из", "з", "от", "az", "din", "outlook", "sie", "bluemail", "yahoo", "la", "o", "من",
))  # fmt: skip
_DISCLAIMER = re.compile(rf"[ \t*_-]{{0,6}}(?:{_any(phrases.DISCLAIMER)})", re.IGNORECASE)
_BANNER_TAG = re.compile(phrases.BANNER_TAG)
_RULES = "-–—_=*~#"
_ASKS = "?!:"
_BEGINS = re.compile(  # what fits one of the three patterns has this at the start of its line, in lower case
    rf"\n(?=[\s{re.escape(_EDGE)}-]*+(?:"
    + _any((*(one.removesuffix(r"\W*$") for one in phrases.FORMULA), *phrases.DISCLAIMER, *phrases.PROGRAM))
    + "))"
)
_AROUND = " \t*_#-=[](<{!:|⚠\ufe0f"
_BANNER_WARNS = re.compile(phrases.BANNER_WARNS, re.DOTALL)


def without(lines: list[str], *, top: bool = True, author: str = "") -> list[str]:
    """Return `lines` without the signature; a postscript below it is kept.

    `top` says that the mail begins here: then at least one line stays. Below a quote a footer may stand alone.
    `author` is the sender's name: alone on a line, with nothing but a card below, it signs.
    """
    lines = _without_banner(lines) if top else lines
    full = [index for index, line in enumerate(lines) if line.strip()]
    said = [lines[index] for index in full]
    places = _places(full, said, 1 if top else 0)
    names = frozenset(_letters(author)) if places else frozenset()
    for place in places:
        if _opens(lines, full, said, place, names):
            after = next((i for i in full[place + 1 :] if _POSTSCRIPT.match(lines[i])), len(lines))
            return [*lines[: full[place]], *lines[after:]]
    return lines


def _without_banner(lines: list[str]) -> list[str]:
    """A gateway's warning above the text is not the author's; a text that is nothing else stays."""
    first = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    empty = next((index for index in range(first, min(first + 8, len(lines))) if not lines[index].strip()), None)
    if empty is None:
        return lines
    said = " ".join(line[:400] for line in lines[first:empty]).lower()[:1_000]
    if not said.lstrip(_AROUND).startswith(phrases.BANNER_BEGINS) or not any(line.strip() for line in lines[empty:]):
        return lines
    warns = "?" not in said and _BANNER_WARNS.search(said) is not None
    return lines[empty:] if warns or _BANNER_TAG.match(said) else lines


def _places(full: list[int], said: list[str], first: int) -> Iterable[int]:
    """Every place where `_opens` can say yes, told from single words: in most texts that is hardly a line."""
    count = len(said)
    first = max(first, count - LONGEST)
    if count - first <= FEW:
        return range(first, count)
    far, near = max(first, count - FAR - 1), max(first, count - CARD - 1)
    places = {place for place in range(first, far) if said[place].lstrip()[0] in _RULES}
    text = "\n".join(said[far:]).lower()
    for place, row in enumerate(text.split("\n"), far):
        head = row.split(None, 1)[0]
        word = head.strip(_EDGE)
        greets = word in _FIRST and len(row) <= 2 * WIDEST and _closing(row)[0]  # lower case may be longer
        if head[0] in _RULES or greets or (place >= near and _sent_by(word, row)):
            places.add(place)
    for place in range(count - 1, near - 1, -1):  # a name, and below it only what may stand on a card
        if full[place] != full[place - 1] + 1:
            places.add(place)
        if len(said[place]) > NARROW or said[place].rstrip()[-1] in _ASKS:
            break
    if _speaks_of(phrases.SECRET, text):
        places.update(
            place
            for place in range(far, count)
            if full[place] != full[place - 1] + 1 or said[place - 1].lstrip()[0] in _RULES
        )
    alike = "\n" + text.replace("ı", "i").replace("i\u0307", "i").replace("ſ", "s")  # one letter where case is ignored
    places.update(far + alike.count("\n", 0, found.start()) for found in _BEGINS.finditer(alike))
    return sorted(places)


def _sent_by(word: str, row: str) -> bool:
    """Whether a row may be a program's line by its first `word`, its last one or a link in it."""
    return "http" in row or not phrases.SENT_BY.isdisjoint((word, row.rsplit(None, 1)[-1].strip(_EDGE)))


def _opens(lines: list[str], full: list[int], said: list[str], place: int, names: frozenset[str]) -> bool:
    """Whether the signature begins at the `place`-th of those that are not empty (`said`; `full`: their places in `lines`)."""
    line = said[place]
    after = len(full) - place - 1
    if line.lstrip()[0] in _RULES and (ruled := _ruled(lines, full, place)) is not None:
        return ruled
    if len(line) <= WIDEST and after <= FAR:
        rest = said[place + 1 :]
        if _closes(line, rest):
            return True
        if after <= CARD:
            alone = full[place] == 0 or not lines[full[place] - 1].strip()
            if _by_program(line) or (alone and _signs(line, rest, names, lines[full[place - 1]])):
                return True
    return after <= FAR and (_DISCLAIMER.match(line[:400]) is not None or _legal(lines, full[place]))


def _ruled(lines: list[str], full: list[int], place: int) -> bool | None:
    """A delimiter, a row of dashes above a card or a notice, or `-Name`; None when the line is none of them."""
    line = lines[full[place]].lstrip(" \t\xa0")
    after = len(full) - place - 1
    if _DELIMITER.match(line):
        return True
    if _RULE.match(line):
        below = [lines[i][:400] for i in full[place + 1 :]]
        card = after <= CARD and any(_CONTACT.search(one) for one in below)
        return card or (after <= FAR and bool(below) and _legal(lines, full[place + 1]))
    last = not after or _RULE.match(lines[full[place + 1]]) is not None
    if place and last and _DASHED.match(line):
        return not lines[full[place - 1]].lstrip().startswith(("-", "–", "—", "*"))
    return None


def _closing(line: str) -> tuple[list[frozenset[str]], str]:
    """The kinds of the closing phrases that a line begins with, and what stands behind them."""
    kinds: list[frozenset[str]] = []
    if "".join(line.lower().split(None, 1)[:1]).strip(_EDGE) not in _FIRST:  # nearly every line of a text
        return kinds, line
    words = [word.strip(_EDGE) for word in line.lower().split()]
    at = 0
    while at < len(words):
        if kinds and (words[at] in phrases.AND or not words[at]):
            at += 1
            continue
        ends = range(min(at + _LONGEST, len(words)), at, -1)
        end = next((end for end in ends if " ".join(words[at:end]) in _CLOSINGS), 0)
        if not end:
            break
        kinds.append(next(kind for kind in (_REGARDS, _THANKS, _BRIEF) if " ".join(words[at:end]) in kind))
        at = end
    return kinds, " ".join(line.split()[at:]).lstrip("/|,-– ")


def _closes(line: str, rest: list[str]) -> bool:
    """A closing phrase, or several, alone on the line or with the name behind them."""
    kinds, beside = _closing(line)
    if not kinds:
        return _FORMULA.match(line.strip(_EDGE)) is not None
    named = bool(_NAMES.match(beside)) and len(beside) <= 60
    if _REGARDS in kinds:
        return not beside or named
    if not named and beside:
        return False
    if not rest:
        return named or kinds == [_BRIEF]
    if named:
        return len(rest) <= 8
    below = _NAMES.match(rest[0]) or (len(rest) == 1 and _WORD.match(rest[0])) or _closes(rest[0], rest[1:])
    return len(rest) <= 20 and len(rest[0]) <= 200 and bool(below)


def _signs(line: str, rest: list[str], names: frozenset[str], above: str) -> bool:
    """The author's name below an empty line, or anybody's with a card; `Dear all,` with a name below it closes too."""
    if any(len(one) > NARROW or one.rstrip()[-1] in _ASKS or _goes_on(one) for one in rest):
        return False
    own = _letters(line)
    if names and own and len(own) <= 4 and names.issuperset(own):
        return True
    if above.rstrip()[-1] in ":," or "," in line or not _NAMES.match(line):
        return False
    return 1 <= len(rest) <= 8 and " " in line.strip() and any(_CONTACT.search(one) for one in rest)


def _letters(text: str) -> list[str]:
    return [word for word in re.split(r"[\W\d_]+", text.lower()) if len(word) > 1]


def _goes_on(line: str) -> bool:
    """A line below a name that is none of a card: the sentence goes on, or the text is closed only now."""
    line = line.lstrip(_EDGE)
    if line[:1].islower() and " " in line.strip() and not _CONTACT.search(line):
        return True
    kinds, beside = _closing(line)
    return bool(kinds) and not beside


def _by_program(line: str) -> bool:
    """`Sent from my iPhone`, `Get Outlook for iOS`, in the order of words that the language has."""
    line = _LINK.sub(" ", line).strip()
    if len(line) > 100 or not line:
        return False
    words = [word.strip(_EDGE) for word in line.lower().split()]
    first, last = words[0] in phrases.SENT_BY, words[-1] in phrases.SENT_BY
    if last or (first and len(words) > 1):
        told = " ".join(words[:7])
        near = words[1] if len(words) > 1 else ""
        if _BY_WHAT.search(told) and (last or near in _PREPOSITION or _BY_WHAT.search(near)):
            return True
    return _PROGRAM.match(line) is not None


def _legal(lines: list[str], at: int) -> bool:
    """A paragraph that begins at line `at` and says that it is secret and for whom."""
    if at and lines[at - 1].strip() and not _RULE.match(lines[at - 1]):
        return False
    empty = next((i for i in range(at, min(at + 12, len(lines))) if not lines[i].strip()), min(at + 12, len(lines)))
    said = " ".join(line[:400] for line in lines[at:empty])[:1_200].lower()
    return len(said) >= 60 and _speaks_of(phrases.SECRET, said) and _speaks_of(phrases.MEANT_FOR, said)


def _speaks_of(words: Iterable[str], lower: str) -> bool:
    return any(word in lower for word in words)
