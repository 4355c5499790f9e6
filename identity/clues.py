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

Sort = Literal["keyed", "address", "domain", "phone", "remembered", "forwarded", "text", "look-alike", "similar"]
SCORES: dict[Sort, float] = {
    "address": 1.0, "keyed": 0.95, "domain": 0.9, "remembered": 0.8, "phone": 0.7, "text": 0.5, "forwarded": 0.4,
    "look-alike": 0.3, "similar": 0.2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signs:
    """What a report shows of its author, in normal forms.

    `address`: the one From address. `phone`: the calling number. `keyed`: a code that was keyed, spoken or typed into
    its own field. `pin_ok`: a PIN of the customer behind the code or the number was right;
    `contact`: the person whose own it was. `vouched`: who knows the
    author and says so (a portal with sign-in of its own), "" for nobody. `subject`, `text`: written. `name`: what the
    author calls themselves. `forwarded`: the sender of the mail that was passed on; `agent`: the author is one of our own
    people.
    """

    channel: str
    address: str | None = None
    authentication: Authentication = NOT_CHECKED
    phone: str | None = None
    keyed: str | None = None
    pin_ok: bool = False
    contact: str | None = None
    vouched: str = ""
    subject: str = ""
    text: str = ""
    name: str = ""
    forwarded: str | None = None
    agent: bool = False


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


def made(sort: Sort, found: tuple[Found, ...], evidence: str) -> tuple[Clue, ...]:
    return tuple(Clue(sort, row, evidence) for row in found)


def by_address(signs: Signs, finder: Finder) -> Iterable[Clue]:
    if signs.address is None:
        return ()
    return made("address", finder.by_address(signs.address), f"{signs.address} is the address of a contact")


def by_domain(signs: Signs, finder: Finder) -> Iterable[Clue]:
    """The exact name only: a listed domain covers neither its subdomains nor its parents (see `by_parent`)."""
    host = normal.host(signs.address or "")
    if not host or shared.is_shared(host):
        return ()
    return made("domain", finder.by_domain(host), f"{host} is a listed domain")


def by_parent(signs: Signs, finder: Finder) -> Iterable[Clue]:
    """A subdomain of a name that is listed with all below it (``*.acme.example``); the longest such name."""
    host = normal.host(signs.address or "")
    if not host or shared.is_shared(host):
        return ()
    for parent in domains.parents(host):
        rows = finder.by_domain(f"*.{parent}")
        if rows:
            return made("domain", rows, f"{host} stands below the listed domain *.{parent}")
    return ()


def by_memory(signs: Signs, finder: Finder) -> Iterable[Clue]:
    """An address or number that a person has once assigned to a customer. It proves no more than a listed one does."""
    for value in (signs.address, signs.phone):
        if value:
            return made("remembered", finder.by_memory(value), f"{value} was assigned to the customer by a person")
    return ()


def by_forwarded(signs: Signs, finder: Finder) -> Iterable[Clue]:
    """The sender of a mail that was passed on. Anybody can write such lines: who passed it on decides (`match`)."""
    if not signs.forwarded:
        return ()
    rows, host = finder.by_address(signs.forwarded), normal.host(signs.forwarded)
    if not rows and not shared.is_shared(host):
        rows = finder.by_domain(host)
    return made("forwarded", rows, f"the mail that was passed on names {signs.forwarded} as its sender")


def by_keyed_code(signs: Signs, finder: Finder) -> Iterable[Clue]:
    if not signs.keyed:
        return ()
    return made("keyed", finder.by_code(signs.keyed), f"customer code {signs.keyed} was given")


def by_phone(signs: Signs, finder: Finder) -> Iterable[Clue]:
    """Caller ID is a hint: anybody can show any number."""
    if not signs.phone:
        return ()
    return made("phone", finder.by_phone(signs.phone), f"{signs.phone} is the number of a contact")


_WRITTEN_CODE = re.compile(
    r"(?<![\w.@+/-])(?:[0-9]{4,12}|[A-Za-z0-9]{1,12}(?:[-/_][A-Za-z0-9]{1,12}){1,3}|[A-Za-z]{2,10}[0-9]{2,10})(?![\w@/-])"
)
_BEYOND_LETTERS = re.compile(r"[0-9/_-]")  # every code has one of these
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
            yield from made("text", finder.by_code(code), f"customer code {code} stands in the {place}")


def _codes(text: str) -> Iterator[str]:
    """Whatever looks like a code. None holds a space, and none is of letters only, as nearly all words are."""
    if not _BEYOND_LETTERS.search(text):
        return
    for piece in text.split():
        if not piece.isalpha():
            yield from (match[0] for match in _WRITTEN_CODE.finditer(piece))


IDENTIFYING: tuple[Look, ...] = (by_keyed_code, by_address, by_domain, by_phone)
LATER: tuple[Look, ...] = (by_parent, by_memory)  # identify too, but only those whom nothing else has identified
