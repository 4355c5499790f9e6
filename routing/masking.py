"""What remains of a report's text once everything that says nothing is gone: greeting, signature, quotation, courtesy.

`body` keeps lines, `words` gives the content words, `fingerprint` one hash of them by which a text that is sent again is
found by index. Linear in the text; refuses to look at more than its first characters, for logs say little at great length.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from itertools import chain, dropwhile, islice

from routing import contacts
from routing.vocabulary import ALIKE, CHASES, EMPTY, GREETINGS, ONE_WORD, OPENERS, SOFT, SOFT_EXACT, STILL

LONGEST = 6_000  # characters that are looked at
FEWEST = 3  # content words without which a text is nobody's fingerprint

_WORD = re.compile(r"[^\W_]+(?:[-.][^\W_]+)*")
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_SIGNATURE = re.compile(
    r"\n-- ?\r?\n|\n-{3,} ?(?:original|messaggio|forwarded|inoltrat|ursprung|weitergel|message)", re.IGNORECASE
)
_RULE = re.compile(r"\n_{5,}|\n-{5,}")
_CLOSING = re.compile(
    r"\n\s*(?:(?:cordiali|distinti|molti|tanti|un|i migliori|kind|best|warm|many|with)\s+)?"
    r"(?:saluti|saluto|salutoni|grazie(?: mille| e saluti| per .{0,40})?|regards|wishes|thanks(?: and regards| in advance)?|thank you"
    r"|cheers"
    r"|sincerely|mit freundlichen gr\S+|viele gr\S+|cordialement|un saludo|saludos)\s*[,.!]?\s*(?:\n|$)",
    re.IGNORECASE,
)
_TELEPHONE = re.compile(r"\b(?:tel|cell|mob|fax|phone|telefono|t|m)\b\.?:?|\+\d", re.IGNORECASE)
_QUOTED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_PREFIX = re.compile(
    r"^\s*(?:(?:re|r|rif|aw|sv|antw|fwd?|i|wg|tr|rv|inoltro|inoltra|sollecito|secondo sollecito|reminder|2nd reminder|erinnerung|relance"
    r"|urgente?|urgent)\s*[:\-!]\s*"
    r"|\[(?:external|esterno|ext|spam|ticket[^\]]*)\]\s*)+",
    re.IGNORECASE,
)


# Accents and other marks that combine, and apostrophes.
_MARKS = (*range(0x300, 0x3100), *range(0xFE20, 0xFE30))
_BARE = {one: None for one in _MARKS if unicodedata.combining(chr(one))} | {ord("'"): " "}


def plain(text: str) -> str:
    """Lower case without accents; apostrophes divide words."""
    low = text.lower()
    if low.isascii():
        return low.replace("'", " ")
    return unicodedata.normalize("NFKD", low.replace("’", " ")).translate(_BARE)


def title(subject: str) -> str:
    """A subject without Re:, Fwd: and reminders."""
    return _PREFIX.sub("", subject[:300]).strip()


def is_answer(subject: str) -> bool:
    """Does the subject say by its prefix that it goes on with something: Re:, Sollecito:, Reminder:?"""
    return _PREFIX.match(subject[:300]) is not None


def body(text: str) -> str:
    """What the author wrote, up to the closing formula; a text that is all quotation is read as it is."""
    whole = _one_blank(text[:LONGEST])
    kept = _one_blank(_QUOTED.sub("", whole))
    said = kept or whole
    for end in (_SIGNATURE, _RULE, _CLOSING):
        found = end.search("\n" + said)
        if found and found.start() > 1 and (end is _SIGNATURE or contacts.tells_nothing(said[found.end() - 1 :])):
            said = said[: found.start() - 1]
    return _unsigned(said.strip())


def _one_blank(text: str) -> str:
    """Lines without spaces at their ends, and never two empty ones in a row: the patterns stay linear on any text."""
    lines = [line.strip() if line.strip() != "--" else "--" for line in text.split("\n")]
    return "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1])).strip("\n")


def _unsigned(said: str) -> str:
    """Without a closing line of mere courtesy and the short lines (name, office, telephone) under it."""
    lines = said.split("\n")
    first = len(lines) - 1  # of those below which nothing but a signature stands
    while first > max(1, len(lines) - 8) and _signs(lines[first]) and contacts.tells_nothing(lines[first]):
        first -= 1
    for at in range(max(1, first), len(lines)):
        closing = tokens(lines[at])
        if closing and ":" not in lines[at] and not any(map(_content, closing)):
            return "\n".join(lines[:at]).strip()
    return said


def _signs(line: str) -> bool:
    if len(line.split()) > 6 or (":" in line and not _TELEPHONE.search(line)):
        return False
    return not any(map(str.isdigit, line)) or _TELEPHONE.search(line) is not None


def tokens(text: str) -> tuple[str, ...]:
    """Words in order, as `plain` writes them; that an address is a web address is no word."""
    return tuple(_WORD.findall(plain(text).replace("https://", " ").replace("http://", " ")))


def glued(text: str) -> str:
    """The text as one run of letters and digits, to find a name that was spoken or written with other punctuation."""
    return re.sub(r"[\W_]+", "", plain(text))


def says_something(word: str) -> bool:
    """Is this a content word: neither grammar nor courtesy, urgency or impatience?"""
    if word in EMPTY or word in SOFT_EXACT or (len(word) == 1 and not word.isdigit()):
        return False
    return not word.startswith(SOFT)


def words(found: Iterable[str]) -> frozenset[str]:
    """Content words; a name with points and hyphens in one spelling, for on the phone it has none."""
    return frozenset(filter(None, map(_content, found)))


def parts(found: Iterable[str]) -> frozenset[str]:
    """The content words inside of names and compounds: "right" and "clicking", of dict.acme.example "dict" and "acme"."""
    return frozenset(chain.from_iterable(_parts(word) for word in found if not word.isalnum()))


@lru_cache(maxsize=20_000)
def _parts(word: str) -> tuple[str, ...]:
    *inner, last = word.replace("-", ".").split(".")
    inner += [last] if "." not in word else []  # else it ends in com, it, example
    return tuple(
        part for part in inner if len(part) >= SHORT and part.isalpha() and part != "www" and says_something(part)
    )


@lru_cache(maxsize=20_000)
def _content(word: str) -> str:
    return (word.replace("-", "").replace(".", "").removeprefix("www") or word) if says_something(word) else ""


def stems(content: Iterable[str]) -> frozenset[str]:
    """The first letters of each word: enough for singular and plural, noun and verb, in our languages."""
    return frozenset(map(_stem, content))


_BEGINNINGS = frozenset(one[:2] for one in ALIKE)


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    if not word.isalpha():
        return word
    if word[:2] not in _BEGINNINGS:
        return word[:6]
    for length in range(min(len(word), 12), 2, -1):
        if (meaning := ALIKE.get(word[:length])) is not None and (length > SHORT or length == len(word)):
            return meaning
    return word[:6]


SHORT = 3  # a beginning of so few letters stands for that word alone


_BETWEEN = bytes(one for one in range(0x80) if not chr(one).isalnum())
FEWEST_SENT = 12  # words without which a text that comes again may well be a new report


def seal(subject: str, text: str) -> str | None:
    """One hash of subject and text as they were written, but for Re:, case, spaces and punctuation: by it a report that is sent
    again is found before its promise, so this takes as little time as may be. None when the text is short."""
    said = text[:LONGEST]
    if len(said.split(None, FEWEST_SENT)) < FEWEST_SENT:
        return None
    return sha256(_unspaced(title(subject)) + b"\n" + _unspaced(said)).hexdigest()[:32]


def _unspaced(text: str) -> bytes:
    return text.lower().encode(errors="replace").translate(None, _BETWEEN)


def fingerprint(said: str) -> str | None:
    """One hash of a body's words in their order, without greeting, courtesy and what only says that it comes again; None when there
    are too few to say that two texts are one. Of a long text every letter counts."""
    if len(said) > LONG:
        return sha256(_unspaced(said)).hexdigest()[:32]
    told: list[str] = []
    before = "\n"
    for clause, sign in _clauses(_LEAD.sub(" ", plain(said))):
        kept = clause if told else _ungreeted(clause)
        if kept and not _chases(kept, before, first=not told):
            told += [word for word in kept if word not in STILL]
        before = sign
    if sum(1 for _ in islice(filter(says_something, told), FEWEST)) < FEWEST:
        return None
    return sha256(" ".join(told).encode()).hexdigest()[:32]


LONG = 1_500  # characters of a text that is nobody's short report
_CLAUSE = re.compile(r"([.!?;:,])(?=\s|$)|\n+")
_LEAD = re.compile(
    r"\bper (?:cortesia|favore|piacere)\b|\b(?:di nuovo|vi (?:ricordo|segnalo|confermo) che"
    r"|(?:volevo|vorrei) (?:segnalare|ricordare) che)\b"
)


def _clauses(said: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The words between two signs, with the sign behind them."""
    at = 0
    for found in _CLAUSE.finditer(said):
        yield tuple(_WORD.findall(said[at : found.start()])), found.group(1) or "\n"
        at = found.end()
    yield tuple(_WORD.findall(said[at:])), "\n"


def _chases(clause: tuple[str, ...], before: str, *, first: bool) -> bool:
    """Does a clause say nothing but please, thanks, when, and that nobody answered? What stands behind a colon is what somebody
    chose, and one word in a list may be; before all else a greeting's comma opens nothing."""
    if before == ":" and not first:
        return False
    if len(clause) == 1:
        return clause[0] in ONE_WORD and before != ","
    return not CHASES.isdisjoint(clause) and all(
        word in CHASES or word in GREETINGS or word in EMPTY or word.startswith(SOFT) for word in clause
    )


def _ungreeted(clause: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dropwhile(GREETINGS.__contains__, clause)) if clause and clause[0] in OPENERS else clause


def quoted(text: str) -> str | None:
    """A hash of what a text quotes or passes on; None when it does not, or is nothing but a quotation."""
    said = text[:LONGEST]
    passed_on = _SIGNATURE.search(said) if "---" in said else None
    lines = _QUOTED.findall(said) if ">" in said else []
    if passed_on:
        lines.append(said[passed_on.end() :])
    return sha256(_unspaced("\n".join(lines))).hexdigest()[:16] if lines and _QUOTED.sub("", said).strip() else None
