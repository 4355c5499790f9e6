"""The directory: customers, every key that finds one, and hashed PINs. Recognition reads it by index look-ups only."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.prepared import Prepared
from gateway.store.tables import assignments, customer_keys, customers, pins
from identity.directory import MANY, naming
from identity.people import Agreement, Contact, Contract, Customer, Found, PinRecord, Product

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
_REMEMBERED = Prepared(
    sa.select(_TEXT)
    .join(assignments, assignments.c.customer == customers.c.id)
    .where(assignments.c.value == sa.bindparam("wanted"))
)
_NAMED = Prepared(
    sa.select(_TEXT)
    .join(customer_keys, customer_keys.c.customer == customers.c.id)
    .where(customer_keys.c.kind == "word", customer_keys.c.value == sa.bindparam("wanted"))
    .order_by(customers.c.id)
    .limit(MANY)
)
_GET = Prepared(sa.select(_TEXT).where(customers.c.id == sa.bindparam("wanted")))
_IN_FORCE = (
    sa.select(pins.c.id, pins.c.hash)
    .where(pins.c.customer == sa.bindparam("whose"), pins.c.revoked.is_(False))
    .order_by(pins.c.id)
)
_PINS = Prepared(_IN_FORCE)
_PINS_AT = Prepared(_IN_FORCE.where(sa.or_(pins.c.ends_at.is_(None), pins.c.ends_at > sa.bindparam("at"))))


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

    def by_memory(self, value: str) -> tuple[Found, ...]:
        return tuple(Found(_customer(data)) for (data,) in _REMEMBERED.rows(self.connection, {"wanted": value}))

    def by_word(self, word: str) -> tuple[Found, ...]:
        return tuple(Found(_customer(data)) for (data,) in _NAMED.rows(self.connection, {"wanted": word}))

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


def listed(connection: Connection, after: str, limit: int) -> tuple[Customer, ...]:
    """A page of the directory by id, those behind `after`: as quick at the end as at the beginning."""
    query = sa.select(sa.type_coerce(customers.c.data, sa.Text)).where(customers.c.id > after)
    rows = connection.execute(query.order_by(customers.c.id).limit(limit)).scalars()
    return tuple(_customer(data) for data in rows)


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


def difference(connection: Connection, wanted: Sequence[Customer], *, keep: bool = False) -> Difference:
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
        removed=() if keep else tuple(sorted(have.keys() - new.keys())),
        same=sum(have.get(one) == data for one, data in new.items()),
    )


def replace(connection: Connection, wanted: Sequence[Customer], *, keep: bool = False) -> Difference:
    """Make the directory exactly `wanted`, touching only customers that differ; `keep`: those that are not wanted stay.

    Tickets keep what they were stamped with."""
    change = difference(connection, wanted, keep=keep)
    for gone in _chunks((*change.changed, *change.removed)):
        connection.execute(sa.delete(customer_keys).where(customer_keys.c.customer.in_(gone)))
    for gone in _chunks(change.removed):
        connection.execute(sa.delete(assignments).where(assignments.c.customer.in_(gone)))
        connection.execute(sa.delete(pins).where(pins.c.customer.in_(gone)))
        connection.execute(sa.delete(customers).where(customers.c.id.in_(gone)))
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


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Databases take only so many values in one statement."""
    return (ids[i : i + 5_000] for i in range(0, len(ids), 5_000))


def _keys(customer: Customer) -> list[dict[str, str]]:
    values = {("domain", domain) for domain in customer.domains}
    values |= {("partner", customer.partner)} if customer.partner else set()
    values |= {("word", word) for word in naming(customer)}
    values |= {("code", code) for code in (customer.code, *customer.aliases) if code}
    for contact in customer.contacts:
        values |= {("address", address) for address in contact.emails} | {
            ("phone", number) for number in contact.phones
        }
    return [{"kind": kind, "value": value, "customer": customer.id} for kind, value in sorted(values)]


def remember(connection: Connection, value: str, customer: str, by: str, at: datetime, ticket_id: int | None) -> None:
    """A person says whose address or number this is; the last word counts."""
    connection.execute(sa.delete(assignments).where(assignments.c.value == value))
    row = {"value": value, "customer": customer, "by": by, "at": at, "ticket_id": ticket_id}
    connection.execute(sa.insert(assignments), row)


def remembered(connection: Connection, customer: str) -> tuple[tuple[str, str, datetime], ...]:
    """(address or number, who said so, when) of everything that people have assigned to a customer."""
    query = sa.select(assignments).where(assignments.c.customer == customer).order_by(assignments.c.value)
    return tuple((row.value, row.by, row.at) for row in connection.execute(query))


def served_by(connection: Connection, partner: str) -> tuple[tuple[str, str], ...]:
    """(id, name) of the customers that a partner serves."""
    query = (
        sa.select(_TEXT)
        .join(customer_keys, customer_keys.c.customer == customers.c.id)
        .where(customer_keys.c.kind == "partner", customer_keys.c.value == partner)
        .order_by(customers.c.id)
        .limit(200)
    )
    found = (_customer(data) for (data,) in connection.execute(query))
    return tuple((one.id, one.name) for one in found)


# PINs -----------------------------------------------------------------------------------------------------------


def pin_hashes(connection: Connection, customer: str) -> tuple[str, ...]:
    """The argon2 hashes of a customer's PINs that hold."""
    return tuple(hashed for _, hashed in pins_in_force(connection, customer, None))


def pins_in_force(connection: Connection, customer: str, now: datetime | None) -> tuple[tuple[int, str], ...]:
    """(id, argon2 hash) of every PIN of a customer that holds, at `now` where some hold for a time only."""
    rows = (
        _PINS.rows(connection, {"whose": customer})
        if now is None
        else _PINS_AT.rows(connection, {"whose": customer, "at": now})
    )
    return tuple((row[0], row[1]) for row in rows)


def issued(connection: Connection, customer: str | None = None) -> tuple[PinRecord, ...]:
    """Every PIN there is, or a customer's, the revoked ones too; never what it is."""
    query = sa.select(pins).order_by(pins.c.customer, pins.c.id)
    if customer is not None:
        query = query.where(pins.c.customer == customer)
    return tuple(
        PinRecord(row.id, row.customer, row.contact, row.created_at, row.ends_at, row.once, row.revoked)
        for row in connection.execute(query)
    )


def spend_pin(connection: Connection, pin: int) -> None:
    """A code that holds for one call has been used."""
    connection.execute(sa.update(pins).where(pins.c.id == pin, pins.c.once.is_(True)).values(revoked=True))


def revoke_pin(connection: Connection, pin: int) -> bool:
    query = sa.update(pins).where(pins.c.id == pin, pins.c.revoked.is_(False)).values(revoked=True)
    return bool(connection.execute(query).rowcount)


def imported_pins(connection: Connection) -> Mapping[str, frozenset[str]]:
    """customer -> fingerprints of the PINs that came with the directory."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(
        sa.select(pins.c.customer, pins.c.imported).where(pins.c.imported.isnot(None), pins.c.revoked.is_(False))
    ):
        found.setdefault(row.customer, set()).add(row.imported)
    return {customer: frozenset(values) for customer, values in found.items()}


def add_pin(
    connection: Connection, customer: str, hashed: str, fingerprint: str | None, *,
    contact: str | None = None, at: datetime | None = None, ends: datetime | None = None, once: bool = False,
) -> int:  # fmt: skip
    values = {
        "customer": customer, "hash": hashed, "imported": fingerprint, "revoked": False,
        "contact": contact, "created_at": at, "ends_at": ends, "once": once,
    }  # fmt: skip
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
    made = {
        "contract": _contract(facts.pop("contract")),
        "contacts": tuple(_contact(contact) for contact in facts.pop("contacts")),
        "also": tuple(
            Agreement(one["desk"], one["plan"], tuple(one["add_ons"]), _contract(one["contract"]))
            for one in facts.pop("also", ())
        ),
    }
    lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return Customer(**{**facts, **lists, **made})


def _contract(facts: Mapping[str, Any]) -> Contract:
    products = tuple(Product(**{**one, "ends": _day(one["ends"])}) for one in facts.get("products", ()))
    return Contract(**{**facts, "starts": _day(facts["starts"]), "ends": _day(facts["ends"]), "products": products})


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _contact(facts: Mapping[str, Any]) -> Contact:
    return Contact(
        **{
            **facts,
            "emails": tuple(facts["emails"]),
            "phones": tuple(facts["phones"]),
            "grants": frozenset(facts["grants"]),
        }
    )
