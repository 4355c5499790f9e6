"""How a report names things: as what is in trouble, or by the way; and which one of several it means.

A customer's code, a number to call back or the computer that somebody writes from is named like a thing that fails. What tells
them apart is where they stand. Refuses to find the names: `facts` does.
"""

import re
from collections.abc import Mapping

from routing import masking, topics
from routing.vocabulary import CARDINALS, HALVES_OF_A_DAY, LETTERED, OPPOSITES, ORDINALS, QUANTITIES
from routing.websites import DOMAIN

# What is told so that somebody is known or found again, not because it is in trouble: a customer's code, a contract, a ticket.
_REFERENCE = re.compile(
    r"\b(?:cliente?|customers?|contratt[oi]|contract|abbonamento|subscription|ticket|segnalazione|pratica|case|rif|ref|riferimento|reference"
    r"|interno|extension|int|ext)\b"
    r"(?:[ .:#=-]{0,3}\b(?:id|nr?|no|num(?:ero|ber)?|codice|code|e|is)\b)?[ .:#=-]{0,4}[a-z]{0,8}[-_]?\d[\w/-]*"
)
SHORT_NAME = 4  # letters and digits from which a name is somebody's own: not M2, B1, P1


def beside(
    objects: Mapping[str, frozenset[str]],
    things: frozenset[str],
    every: tuple[str, ...],
    title: str,
    told: str,
    *,
    spoken: bool,
) -> frozenset[str]:
    """Those named only where nothing tells of trouble, short ones, and bare numbers that stand behind no noun of trouble. A title
    tells; a web site that stands alone is pointed at; what is spoken has no sentences."""
    named, at_issue = set[str](), set[str]()
    sentences = () if not things else (f"{title} {told}",) if spoken else (title, *masking.SENTENCE.split(told))
    for at, one in enumerate(sentences):
        flat = masking.glued(one)
        here = {thing for thing in things if thing in flat}
        named |= here
        if here - at_issue:
            said = _REFERENCE.sub(" ", masking.plain(one))
            if at == 0 or _tells(said):
                flat = masking.glued(said)
                at_issue |= {thing for thing in here if thing in flat}
    bare = {one for one in at_issue if one.isdigit() and not _behind_trouble(one, every)}
    return frozenset(named - at_issue | bare).union(one for one in objects.get("name", ()) if len(one) < SHORT_NAME)


def _behind_trouble(number: str, every: tuple[str, ...]) -> bool:
    """Does this number stand behind a noun of some kind of trouble: till 4129, invoice no. 4669? Else it may be a code or a telephone."""
    behind = [one for one in every if one not in _NUMBER_SIGNS]
    return any(said == number and at and topics.speaks_of_trouble(behind[at - 1]) for at, said in enumerate(behind))


_NUMBER_SIGNS = frozenset(("n", "nr", "no", "num", "numero", "number", "nummer", "di", "del", "della"))
SHORT_TEXT = 40  # content words of a text whose numbers and letters tell it from another


def marks(every: tuple[str, ...]) -> frozenset[str]:
    """Which one of several: till 3, the third floor, door b; not how many, since when, how often."""
    found: set[str] = set()
    for at, word in enumerate(every):
        before = every[at - 1] if at else ""
        after = every[at + 1] if at + 1 < len(every) else ""
        noun = masking.says_something(before) and not before.isdigit()
        if word in ORDINALS:
            bare = word in ("prima", "first", "primo", "seconda", "secondo") and before not in _ARTICLES
            if after not in QUANTITIES and not bare and (noun or masking.says_something(after)):
                found.add(ORDINALS[word])
        elif number := CARDINALS.get(word) or (word.lstrip("0") if word.isdigit() and len(word) < 3 else None):
            if after not in QUANTITIES and (noun or before in _NUMBER_SIGNS):
                found.add(number)
        elif len(word) == 1:
            if before in LETTERED and word.isalpha() and not (word in "cdlmns" and after.startswith(_VOWELS)):
                found.add(word)
        elif word in OPPOSITES or (word in HALVES_OF_A_DAY and before in ("di", "del", "della")):
            found.add(word)
    return frozenset(found)


_VOWELS = tuple("aeiouh")  # before them "porta d" is the door of something
_ARTICLES = frozenset(
    [
        "il",
        "la",
        "lo",
        "al",
        "alla",
        "allo",
        "del",
        "della",
        "dello",
        "nel",
        "nella",
        "dal",
        "dalla",
        "sul",
        "sulla",
        "the",
        "a",
        "in",
        "im",
        "der",
        "die",
        "das",
        "den",
        "le",
        "au",
    ]
)


def _tells(sentence: str) -> bool:
    site = DOMAIN.fullmatch(sentence.strip(" ."))
    if site:
        return not site.group(2)
    found = masking.tokens(DOMAIN.sub(" ", sentence))
    return topics.troubled(found) or bool(topics.topics(found))
