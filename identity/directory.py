"""The look-ups that recognition needs, and a directory in memory that answers them.

`Finder` is what the store implements with indexed queries. `Directory` serves `presa who`, dry runs without a database,
the import and the tests. It checks nothing: settings do, with file and line.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from identity import domains
from identity.people import Contact, Customer, Found

MANY = 50  # owners of one word that are looked at


class Finder(Protocol):
    """Exact look-ups by normal forms (`identity.normal`). Every owner is answered, in a stable order."""

    def by_address(self, address: str) -> tuple[Found, ...]: ...

    def by_domain(self, domain: str) -> tuple[Found, ...]: ...

    def by_phone(self, phone: str) -> tuple[Found, ...]: ...

    def by_code(self, code: str) -> tuple[Found, ...]: ...

    def by_memory(self, value: str) -> tuple[Found, ...]: ...

    def by_word(self, word: str) -> tuple[Found, ...]: ...


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN in clear on its way from a file to its hash; never stored, never shown."""

    customer: str
    contact: str | None
    digits: str = field(repr=False)


Index = Mapping[str, tuple[Found, ...]]


@dataclass(frozen=True, slots=True)
class Directory:
    """All customers with their indexes. Made by `build`."""

    customers: tuple[Customer, ...]
    pins: tuple[Pin, ...] = ()
    addresses: Index = field(default_factory=dict, repr=False)
    domains: Index = field(default_factory=dict, repr=False)
    phones: Index = field(default_factory=dict, repr=False)
    codes: Index = field(default_factory=dict, repr=False)
    words: Index = field(default_factory=dict, repr=False)

    def by_address(self, address: str) -> tuple[Found, ...]:
        return self.addresses.get(address, ())

    def by_domain(self, domain: str) -> tuple[Found, ...]:
        return self.domains.get(domain, ())

    def by_phone(self, phone: str) -> tuple[Found, ...]:
        return self.phones.get(phone, ())

    def by_code(self, code: str) -> tuple[Found, ...]:
        return self.codes.get(code, ())

    def by_memory(self, value: str) -> tuple[Found, ...]:
        """A file remembers nothing; only the database does."""
        return ()

    def by_word(self, word: str) -> tuple[Found, ...]:
        return self.words.get(word, ())[:MANY]

    def by_id(self, customer: str) -> Customer | None:
        return next((c for c in self.customers if c.id == customer), None)


def build(customers: Iterable[Customer], pins: Iterable[Pin] = ()) -> Directory:
    """A directory of `customers`, indexed. O(n)."""
    listed = tuple(customers)
    people = [(customer, contact) for customer in listed for contact in customer.contacts]
    return Directory(
        listed,
        tuple(pins),
        _index((email, c, p) for c, p in people for email in p.emails),
        _index((domain, c, None) for c in listed for domain in c.domains),
        _index((phone, c, p) for c, p in people for phone in p.phones),
        _index((code, c, None) for c in listed for code in (c.code, *c.aliases) if code),
        _index((word, c, None) for c in listed for word in naming(c)),
    )


def naming(customer: Customer) -> tuple[str, ...]:
    """The words by which a customer may be guessed: of the name and of the listed domains."""
    labels = ((domains.organisational(name.removeprefix("*.")) or "").partition(".")[0] for name in customer.domains)
    return words_of(" ".join((customer.name, *labels)))


# Words that too many firms have in their names to tell them apart.
_COMMON = frozenset("""
    srl spa sas snc scarl ltd llc inc gmbh societa group gruppo holding company italia italy servizi service services info
    support supporto assistenza help ufficio amministrazione admin mail the and per con dei del della studio via www noreply
""".split())  # fmt: skip  # noqa: SIM905
_WORD = re.compile(r"[^\W_]{3,40}")


def words_of(text: str) -> tuple[str, ...]:
    """The telling words of a name, without accents, in lower case and each once."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    plain = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", plain)  # S.r.l. -> srl
    return tuple(dict.fromkeys(word for word in _WORD.findall(plain) if word not in _COMMON))


def _index(rows: Iterable[tuple[str, Customer, Contact | None]]) -> Index:
    index: dict[str, list[Found]] = {}
    for key, customer, contact in rows:
        index.setdefault(key, []).append(Found(customer, contact))
    return {key: tuple(found) for key, found in index.items()}
