"""The look-ups that recognition needs, and a directory in memory that answers them.

`Finder` is what the store implements with indexed queries. `Directory` serves `presa who`, dry runs without a database,
the import and the tests. It checks nothing: settings do, with file and line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from identity.people import Contact, Customer, Found


class Finder(Protocol):
    """Exact look-ups by normal forms (`identity.normal`). Every owner is answered, in a stable order."""

    def by_address(self, address: str) -> tuple[Found, ...]: ...

    def by_domain(self, domain: str) -> tuple[Found, ...]: ...

    def by_phone(self, phone: str) -> tuple[Found, ...]: ...

    def by_code(self, code: str) -> tuple[Found, ...]: ...


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

    def by_address(self, address: str) -> tuple[Found, ...]:
        return self.addresses.get(address, ())

    def by_domain(self, domain: str) -> tuple[Found, ...]:
        return self.domains.get(domain, ())

    def by_phone(self, phone: str) -> tuple[Found, ...]:
        return self.phones.get(phone, ())

    def by_code(self, code: str) -> tuple[Found, ...]:
        return self.codes.get(code, ())

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
    )


def _index(rows: Iterable[tuple[str, Customer, Contact | None]]) -> Index:
    index: dict[str, tuple[Found, ...]] = {}
    for key, customer, contact in rows:
        index[key] = (*index.get(key, ()), Found(customer, contact))
    return index
