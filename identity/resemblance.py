"""Who might it be? Names, domains and codes that resemble listed ones: never recognised, shown to a person as "perhaps".

Costs a few hundred indexed look-ups and a little comparing, so it runs only for an author whom nothing has identified, and
when a person looks or in a job after the promise. Nothing found here verifies, entitles or joins anything.
"""

import re
import unicodedata
from collections.abc import Iterator

from rapidfuzz import fuzz

from identity import clues, domains, normal, shared
from identity.clues import Clue, Look, Signs
from identity.directory import Finder, words_of

ENOUGH = 80.0  # of rapidfuzz's 100: below it names have little more than a word in common
MOST = 5  # perhapses of one kind; more are no help to anybody

# Letters of other scripts that pass for ASCII at a glance, and slips of the pen; enough for a hint to a person.
_TWINS = str.maketrans("авеѕіјӏкмнорсхуԁԝɡαειοκνρτυɩıàáäèéíìòóöùúüçñ", "abesijlkmhopcxydwgaeioknptuiiaaaeeiiooouuucn")
_SLIPS = (
    *(("rn", "m"), ("m", "rn"), ("vv", "w"), ("w", "vv"), ("cl", "d"), ("0", "o"), ("o", "0"), ("1", "l"), ("l", "1")),
    *(("i", "l"), ("l", "i"), ("1", "i"), ("i", "1"), ("5", "s"), ("s", "5"), ("-", "")),
)


def by_look_alike(signs: Signs, finder: Finder) -> Iterator[Clue]:
    """Names that a reader could take for a listed one: never recognised, shown as "perhaps"."""
    host = normal.host(signs.address or "")
    if not host:
        return
    for name in dict.fromkeys(_resembling(host)):
        if name != host and not shared.is_shared(name):
            yield from clues.made("look-alike", finder.by_domain(name), f"{host} resembles the listed domain {name}")


def _resembling(host: str) -> Iterator[str]:
    labels = host.split(".")
    yield from domains.parents(host)
    yield from (".".join(labels[:i]) for i in range(2, len(labels)))  # acme.example.evil.example
    plain = ".".join(_plain(label) for label in labels)
    yield plain
    top = domains.organisational(plain) or plain
    label, _, suffix = top.partition(".")
    yield from (f"{variant}.{suffix}" for variant in _one_slip(label) if len(variant) > 2)


def _plain(label: str) -> str:
    """``xn--cme-5cd`` (with a Cyrillic first letter) -> ``acme``."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode").translate(_TWINS)
    except (UnicodeError, ValueError):
        return label


def _one_slip(label: str) -> Iterator[str]:
    for wrong, right in _SLIPS:
        if wrong in label:
            yield label.replace(wrong, right, 1)
            yield label.replace(wrong, right)
    for i in range(min(len(label), 30)):
        yield label[:i] + label[i + 1 :]
        yield label[:i] + label[i + 1 : i + 2] + label[i] + label[i + 2 :]
        yield label[: i + 1] + label[i:]


def by_near_code(signs: Signs, finder: Finder) -> Iterator[Clue]:
    """A customer code written with look-alike characters or one slip (two digits swapped, one wrong, left out, doubled)."""
    given = dict.fromkeys(
        code for text in (signs.keyed or "", signs.subject, signs.text[:4_000]) for code in _written(text)
    )
    found = 0
    for code in list(given)[:3]:
        if finder.by_code(code) and code in f"{signs.keyed} {signs.subject} {signs.text}":
            continue  # written as it is: the other finders say so
        for near in dict.fromkeys((code, *_near(code))):
            for clue in clues.made("similar", finder.by_code(near), f"the text holds nearly the customer code {near}"):
                yield clue
                found += 1
            if found >= MOST:
                return


_LIKE_DIGITS = str.maketrans("OoIlSsBZz|", "0011558221")


def _written(text: str) -> Iterator[str]:
    """What was perhaps meant as a code, in plain letters and digits."""
    for piece in text.split():
        plain = unicodedata.normalize("NFKC", piece).strip(".,;:()[]\"'!?")
        if not 4 <= len(plain) <= 24 or not any(c.isdigit() for c in plain):
            continue
        latin = plain.lower().translate(_TWINS)
        if not latin.isascii() or not re.fullmatch(r"[a-z0-9|]+(?:[-/_][a-z0-9]+){0,3}", latin):
            continue
        yield normal.code_or_alias(latin)
        # O for 0 and l for 1 within a part that holds digits too: ACM-OOO1
        mended = "".join(
            part.translate(_LIKE_DIGITS) if _HAS_DIGIT.search(part) else part for part in _PARTS.split(plain)
        )
        if mended != plain:
            yield normal.code_or_alias(mended)


_BETWEEN = re.compile(r"(?<=[A-Z])(?=[0-9])")  # ACM0001 for ACM-0001
_HAS_DIGIT = re.compile("[0-9]")
_PARTS = re.compile("([-/_])")


def _near(code: str) -> Iterator[str]:
    yield _BETWEEN.sub("-", code)
    yield code.replace("-", "")
    for i, char in enumerate(code):
        yield code[:i] + code[i + 1 :]
        yield code[:i] + code[i + 1 : i + 2] + char + code[i + 2 :]
        yield code[: i + 1] + code[i:]
        if char.isdigit():
            yield from (code[:i] + other + code[i + 1 :] for other in "0123456789" if other != char)


def by_words(signs: Signs, finder: Finder) -> Iterator[Clue]:
    """The author's name, address and domain against customers' names and domains, word by word, then by likeness."""
    local, _, host = (signs.address or "").rpartition("@")
    label = "" if shared.is_shared(host) else (domains.organisational(host) or host).partition(".")[0]
    said = " ".join((signs.name, local, label))
    found: dict[str, tuple[float, Clue]] = {}
    for word in words_of(said)[:8]:
        for row in finder.by_word(word):
            name = " ".join(words_of(row.customer.name))
            score = max(fuzz.token_set_ratio(name, " ".join(words_of(said))), fuzz.ratio(name.replace(" ", ""), label))
            words = f"the sender's name or address resembles «{row.customer.name}» ({score:.0f} of 100)"
            if score >= ENOUGH and score > found.get(row.customer.id, (0.0, None))[0]:
                found[row.customer.id] = (score, Clue("similar", row, words))
    for _, clue in sorted(found.values(), key=lambda one: (-one[0], one[1].customer))[:MOST]:
        yield clue


SUGGESTING: tuple[Look, ...] = (by_look_alike, by_near_code, by_words)
