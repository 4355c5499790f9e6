"""The finders: each looks at one sign of the author and says which customers it points to, and how strongly.

Identifying finders (exact address, listed domain, code, phone) may name a customer. Suggesting ones (a code in the
text, a name that looks like a listed one) only ever make a candidate for a person to confirm. None verifies anything.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from identity import domains, normal, shared
from identity.directory import Finder
from identity.people import NOT_CHECKED, Authentication, Found

Sort = Literal["keyed", "address", "domain", "phone", "text", "look-alike"]
SCORES: dict[Sort, float] = {"address": 1.0, "keyed": 0.95, "domain": 0.9, "phone": 0.7, "text": 0.5, "look-alike": 0.3}


@dataclass(frozen=True, slots=True)
class Signs:
    """What a report shows of its author, in normal forms.

    `address`: the one From address. `phone`: the calling number. `keyed`: a code that was keyed, spoken or typed into
    its own field. `pin_ok`: a PIN of the customer behind the code or the number was right. `subject`, `text`: written.
    """

    channel: str
    address: str | None = None
    authentication: Authentication = NOT_CHECKED
    phone: str | None = None
    keyed: str | None = None
    pin_ok: bool = False
    subject: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Clue:
    """One sign pointing to one customer, and to a contact where it is a person's."""

    sort: Sort
    found: Found
    evidence: str

    @property
    def customer(self) -> str:
        return self.found.customer.id


Look = Callable[[Signs, Finder], Iterable[Clue]]


def _clues(sort: Sort, found: tuple[Found, ...], evidence: str) -> tuple[Clue, ...]:
    return tuple(Clue(sort, row, evidence) for row in found)


def by_address(signs: Signs, finder: Finder) -> Iterable[Clue]:
    if signs.address is None:
        return ()
    return _clues("address", finder.by_address(signs.address), f"{signs.address} is the address of a contact")


def by_domain(signs: Signs, finder: Finder) -> Iterable[Clue]:
    """The exact name only: a listed domain covers neither its subdomains nor its parents."""
    host = normal.host(signs.address or "")
    if not host or shared.is_shared(host):
        return ()
    return _clues("domain", finder.by_domain(host), f"{host} is a listed domain")


def by_keyed_code(signs: Signs, finder: Finder) -> Iterable[Clue]:
    if not signs.keyed:
        return ()
    return _clues("keyed", finder.by_code(signs.keyed), f"customer code {signs.keyed} was given")


def by_phone(signs: Signs, finder: Finder) -> Iterable[Clue]:
    """Caller ID is a hint: anybody can show any number."""
    if not signs.phone:
        return ()
    return _clues("phone", finder.by_phone(signs.phone), f"{signs.phone} is the number of a contact")


_WRITTEN_CODE = re.compile(
    r"(?<![\w.@+/-])(?:[0-9]{4,12}|[A-Za-z0-9]{1,12}(?:[-/_][A-Za-z0-9]{1,12}){1,3}|[A-Za-z]{2,10}[0-9]{2,10})(?![\w@/-])"
)
_MAX_CODES = 10
_MAX_TEXT = 4_000


def by_code_in_text(signs: Signs, finder: Finder) -> Iterator[Clue]:
    """A code in subject or body is a claim that anybody can copy: a candidate, never more."""
    seen: set[str] = set()
    for place, text in (("subject", signs.subject), ("text", signs.text)):
        for written in _codes(text[:_MAX_TEXT]):
            code = normal.code_or_alias(written)
            if code in seen:
                continue
            if len(seen) >= _MAX_CODES:
                return
            seen.add(code)
            yield from _clues("text", finder.by_code(code), f"customer code {code} stands in the {place}")


def _codes(text: str) -> Iterator[str]:
    """Whatever looks like a code. None holds a space, and none is of letters only, as nearly all words are."""
    for piece in text.split():
        if not piece.isalpha():
            yield from (match[0] for match in _WRITTEN_CODE.finditer(piece))


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
            yield from _clues("look-alike", finder.by_domain(name), f"{host} resembles the listed domain {name}")


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


IDENTIFYING: tuple[Look, ...] = (by_keyed_code, by_address, by_domain, by_phone)
SUGGESTING: tuple[Look, ...] = (by_look_alike,)
