"""Where the sender's name, firm and addresses begin at the end of a text, when no greeting and no "-- " says so.

What stands there is the same in everything that somebody writes: a web address or a postal code that two reports share in
their signatures says nothing about their problems. Refuses to cut the first sentence, a bare address under the text ("the
site is down: www.acme.example") and whatever tells of trouble.
"""

import re
from collections.abc import Iterator

from routing.vocabulary import DENIES, TROUBLED, TROUBLED_EXACT

TAIL = 2_000  # characters at the end in which a signature is looked for, with what lawyers put under it
LONGEST = 160  # characters of one of its lines
BARE_NAME = 2  # words of which a name may have some that look like trouble
NAME, BESIDE = 6, 9  # words of a line that has a name alone, and of one with an address

_SENTENCE = re.compile(r"(?<=[a-zà-ÿ]{3}[.!?])\s+(?=[A-ZÀ-Ý])")
_ADDRESS = re.compile(
    r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.-])(?:https?://)?www\.[\w-]+(?:\.[\w-]+)+/?(?!\S*\d)|(?<![\w./-])[a-z][a-z-]+\.(?:it|com|net|org|eu|de|fr|es|example)\b(?!/\S)"
    r"|\b(?:tel|telefono|cell|cellulare|mob|mobile|phone|fax|centralino|t|m|f|int)\b[ .:/]*\+?\d[\d ./()-]{3,}\d"
    r"|\+\d[\d ./()-]{6,}\d|(?<!\d)0\d{1,4}[ ./-]?\d{5,}(?!\d)|(?<!\d)3\d\d[ ./-]?\d{6,7}(?!\d)",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(?:via|viale|v\.le|piazza|p\.zza|corso|c\.so|largo|vicolo|street|road|avenue|strasse|straße|rue|calle)\b.*\d",
    re.IGNORECASE,
)
_REGISTER = re.compile(
    r"\b(?:p\.? ?iva|partita iva|vat|c\.? ?f\b|cod(?:ice|\.)? ?fisc\w*|rea\b|cap(?:\.|itale) soc\w*|reg(?:\.|istro) imprese).*\d",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"^(?:inviato dal? |sent from |gesendet von |envoyé de )|ambiente\b.*stamp|environment before print", re.IGNORECASE
)
_DISCLAIMER = re.compile(  # the one kind of line here that is long and says "not"
    r"2016/679|196/2003|intended (?:recipient|solely|only)|(?:questo|presente) messaggio\b.*\b(?:riservat|confidenzial|destinat)"
    r"|confidential and (?:may|intended|privileged)|ricevuto (?:questo|il presente) messaggio|received this (?:e-?mail|message) in error",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"\s*(?:p\.? ?s\b|n\.? ?b\b|nota:|note:)", re.IGNORECASE)
_FIELD = re.compile(r"\s*[\w ./]{2,30}:\s*\S")  # of a form: what is broken, where
_LABEL = re.compile(
    r"\b(?:tel|telefono|cell|phone|fax|e-?mail|mail|web|sito|site|website|internet|pec|ufficio|office)\b\.?:?",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def begins(said: str) -> int:
    """Where the contact lines at the end of a text begin; its length when it has none."""
    begin, details, names = len(said), 0, 0
    for start, part in _parts_from_the_end(said):
        kind = _kind(part.strip())
        if kind is None:
            break
        begin, details, names = start, details + (kind != "name"), names + (kind != "address")
    pointed_at = said[:begin].rstrip().endswith(":")
    return begin if details and (names or details > 1) and not pointed_at else len(said)


def tells_nothing(said: str) -> bool:
    """Is what stands under a greeting or a rule no more than names, addresses and what lawyers put there?"""
    return not any(map(_tells, said[:TAIL].split("\n")))


def _tells(line: str) -> bool:
    words = _WORD.findall(line.lower())
    if len(words) <= BARE_NAME or _DISCLAIMER.search(line):
        return False
    if _POSTSCRIPT.match(line) or (_FIELD.match(line) and not _ADDRESS.search(line)):
        return True
    return any(word in DENIES or word.startswith(TROUBLED) for word in words)


def _parts_from_the_end(said: str) -> Iterator[tuple[int, str]]:
    """Lines, and sentences in them, the last first and without the very first, each with where it begins."""
    end, least = len(said), max(0, len(said) - TAIL)
    while end > least:
        line = said.rfind("\n", least, end - 1) + 1 or least
        starts = [line, *(line + found.end() for found in _SENTENCE.finditer(said[line:end]))]
        for start in reversed(starts):
            if start > least:
                yield start, said[start:end]
            end = start


def _kind(part: str) -> str | None:
    """What a line is: "address" (one alone), "detail" (one with words beside it), "name"; None when it says something."""
    if _DISCLAIMER.search(part):
        return "detail"
    if len(part) > LONGEST:
        return None
    rest, found = _ADDRESS.subn(" ", part)
    words = _WORD.findall(_LABEL.sub(" ", rest).lower())
    bare = len(words) <= BARE_NAME and all(one[0].isupper() for one in _WORD.findall(rest))
    if not bare and any(word in TROUBLED_EXACT or word.startswith(TROUBLED) for word in words):
        return None
    if _STREET.search(part) or _REGISTER.search(part) or _FOOTER.search(part):
        return "detail"
    if part.endswith(":") or any(map(str.isdigit, rest)):
        return None
    if found:
        return ("detail" if words else "address") if len(words) <= BESIDE else None
    return "name" if len(words) <= NAME and part[:1].isupper() else None
