"""The directory: customers, every key that finds one, and hashed PINs. Recognition reads it by index look-ups only."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.prepared import Prepared
from gateway.store.tables import customer_keys, customers, pins
from identity.people import Contact, Contract, Customer, Found

_TEXT = sa.type_coerce(customers.c.data, sa.Text).label("data")
_FIND = Prepared(
    sa.select(customer_keys.c.kind, _TEXT)
    .join(customer_keys, customer_keys.c.customer == customers.c.id)
    .where(
        sa.or_(
            sa.and_(
                customer_keys.c.kind == sa.bindparam("wanted_kind"), customer_keys.c.value == sa.bindparam("wanted")
            ),
            sa.and_(
                customer_keys.c.kind == sa.bindparam("beside_kind"), customer_keys.c.value == sa.bindparam("beside")
            ),
        )
    )
    .order_by(customers.c.id)
)
_GET = Prepared(sa.select(_TEXT).where(customers.c.id == sa.bindparam("wanted")))


@dataclass(frozen=True, slots=True)
class StoredFinder:
    """`identity`'s Finder over the directory's indexes, for one transaction: what was looked up is not asked again.

    Look-ups of an address bring its domain's owners too: whoever asks for the one asks for the other."""

    connection: Connection
    _known: dict[tuple[str, str], tuple[Customer, ...]] = field(default_factory=dict, repr=False)

    def by_address(self, address: str) -> tuple[Found, ...]:
        return tuple(
            found for customer in self._find("address", address) for found in _owners(customer, "emails", address)
        )

    def by_domain(self, domain: str) -> tuple[Found, ...]:
        return tuple(Found(customer) for customer in self._find("domain", domain))

    def by_phone(self, number: str) -> tuple[Found, ...]:
        return tuple(found for customer in self._find("phone", number) for found in _owners(customer, "phones", number))

    def by_code(self, code: str) -> tuple[Found, ...]:
        return tuple(Found(customer) for customer in self._find("code", code))

    def by_id(self, customer: str) -> Customer | None:
        found = next((one for several in self._known.values() for one in several if one.id == customer), None)
        return found or get(self.connection, customer)

    def _find(self, kind: str, value: str) -> tuple[Customer, ...]:
        key = (kind, value)
        if key not in self._known:
            beside = ("domain", value.rpartition("@")[2]) if kind == "address" else key
            wanted = {"wanted_kind": kind, "wanted": value, "beside_kind": beside[0], "beside": beside[1]}
            rows = _FIND.rows(self.connection, wanted)
            for one in (key, beside):
                self._known[one] = tuple([_customer(data) for found, data in rows if found == one[0]])
        return self._known[key]


def _owners(customer: Customer, field: str, value: str) -> Iterator[Found]:
    """The contacts behind an address or a (perhaps shared) number."""
    return (Found(customer, contact) for contact in customer.contacts if value in getattr(contact, field))


def get(connection: Connection, customer: str) -> Customer | None:
    row = _GET.first(connection, {"wanted": customer})
    return None if row is None else _customer(row[0])


def every(connection: Connection) -> tuple[Customer, ...]:
    rows = connection.execute(sa.select(sa.type_coerce(customers.c.data, sa.Text)).order_by(customers.c.id)).scalars()
    return tuple(_customer(data) for data in rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """What loading a directory changes: customer ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    same: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def difference(connection: Connection, wanted: Sequence[Customer]) -> Difference:
    """What `replace` would do."""
    have = {
        row.id: row.data
        for row in connection.execute(
            sa.select(customers.c.id, sa.type_coerce(customers.c.data, sa.Text).label("data"))
        )
    }
    new = {customer.id: _data(customer) for customer in wanted}
    return Difference(
        added=tuple(sorted(new.keys() - have.keys())),
        changed=tuple(sorted(one for one in new.keys() & have.keys() if new[one] != have[one])),
        removed=tuple(sorted(have.keys() - new.keys())),
        same=sum(have.get(one) == data for one, data in new.items()),
    )


def replace(connection: Connection, wanted: Sequence[Customer]) -> Difference:
    """Make the directory exactly `wanted`, touching only customers that differ. Tickets keep what they were stamped with."""
    change = difference(connection, wanted)
    gone = [*change.changed, *change.removed]
    if gone:
        connection.execute(sa.delete(customer_keys).where(customer_keys.c.customer.in_(gone)))
    if change.removed:
        connection.execute(sa.delete(pins).where(pins.c.customer.in_(change.removed)))
        connection.execute(sa.delete(customers).where(customers.c.id.in_(change.removed)))
    by_id = {customer.id: customer for customer in wanted}
    for one in change.changed:
        connection.execute(sa.update(customers).where(customers.c.id == one).values(data=json.loads(_data(by_id[one]))))
    if change.added:
        connection.execute(
            sa.insert(customers), [{"id": one, "data": json.loads(_data(by_id[one]))} for one in change.added]
        )
    keys = [key for one in (*change.added, *change.changed) for key in _keys(by_id[one])]
    if keys:
        connection.execute(sa.insert(customer_keys), keys)
    return change


def _keys(customer: Customer) -> list[dict[str, str]]:
    values = {("domain", domain) for domain in customer.domains}
    values |= {("code", code) for code in (customer.code, *customer.aliases) if code}
    for contact in customer.contacts:
        values |= {("address", address) for address in contact.emails} | {
            ("phone", number) for number in contact.phones
        }
    return [{"kind": kind, "value": value, "customer": customer.id} for kind, value in sorted(values)]


# PINs -----------------------------------------------------------------------------------------------------------


def pin_hashes(connection: Connection, customer: str) -> tuple[str, ...]:
    """The argon2 hashes of a customer's PINs that hold."""
    query = sa.select(pins.c.hash).where(pins.c.customer == customer, pins.c.revoked.is_(False)).order_by(pins.c.id)
    return tuple(connection.execute(query).scalars())


def imported_pins(connection: Connection) -> Mapping[str, frozenset[str]]:
    """customer -> fingerprints of the PINs that came with the directory."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(
        sa.select(pins.c.customer, pins.c.imported).where(pins.c.imported.isnot(None), pins.c.revoked.is_(False))
    ):
        found.setdefault(row.customer, set()).add(row.imported)
    return {customer: frozenset(values) for customer, values in found.items()}


def add_pin(connection: Connection, customer: str, hashed: str, fingerprint: str | None) -> int:
    values = {"customer": customer, "hash": hashed, "imported": fingerprint, "revoked": False}
    return int(connection.execute(sa.insert(pins).returning(pins.c.id), values).scalar_one())


def revoke_pins(connection: Connection, customer: str, *, fingerprints: Sequence[str] | None = None) -> int:
    """Revoke a customer's PINs, or only the imported ones named; says how many."""
    query = sa.update(pins).where(pins.c.customer == customer, pins.c.revoked.is_(False)).values(revoked=True)
    if fingerprints is not None:
        query = query.where(pins.c.imported.in_(fingerprints))
    return connection.execute(query).rowcount


# A customer as JSON ---------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value))


def _data(customer: Customer) -> str:
    return json.dumps(asdict(customer), default=_plain, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _customer(data: str) -> Customer:
    """From JSON; the same text gives the same frozen value, so a busy customer is decoded once."""
    facts = json.loads(data)
    contract = facts.pop("contract")
    starts, ends = (date.fromisoformat(day) if day else None for day in (contract["starts"], contract["ends"]))
    contacts = tuple(_contact(contact) for contact in facts.pop("contacts"))
    lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return Customer(**{**facts, **lists, "contacts": contacts, "contract": Contract(starts, ends, contract["paid"])})


def _contact(facts: Mapping[str, Any]) -> Contact:
    return Contact(
        **{
            **facts,
            "emails": tuple(facts["emails"]),
            "phones": tuple(facts["phones"]),
            "grants": frozenset(facts["grants"]),
        }
    )
