"""directory.yaml: customers, their people, codes and PINs, as values of `identity`.

Everything is brought to its normal form here and every contradiction is named with file and line: a code or an
address that two customers claim, a shared domain listed as if it were somebody's own, a number that can't be dialled.
Nothing is corrected in silence.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.settings.desk_checks import time_zone
from gateway.settings.source import ConfigError, Document, Loc, validate
from identity import domains, normal, pins, shared
from identity.directory import Directory, Pin, build
from identity.entitlement import Cover
from identity.people import Agreement, Contact, Contract, Customer, Product, ProductState
from routing.desk import Desk


def _text(value: object) -> object:
    """YAML reads 100001 as a number; codes, PINs and telephone numbers are words made of digits."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Words = Annotated[str, BeforeValidator(_text), Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Contact(_Model):
    name: str = Field(min_length=1)
    id: Words | None = None
    emails: list[str] = []
    phones: list[Words] = []
    authorised: bool = True
    end_user: bool = False
    grants: list[str] = []
    language: str | None = None
    zone: str | None = None
    pins: list[Words] = []


class _Product(_Model):
    name: str = Field(min_length=1)
    state: ProductState = "covered"
    version: Words | None = None
    ends: date | None = None


class _Contract(_Model):
    starts: date | None = None
    ends: date | None = None
    paid: bool = True
    end_users: bool = False
    products: list[_Product] = []
    manager: str | None = None
    engineer: str | None = None

    def value(self) -> Contract:
        products = tuple(Product(one.name, one.state, one.version, one.ends) for one in self.products)
        return Contract(self.starts, self.ends, self.paid, self.end_users, products, self.manager, self.engineer)


class _Agreement(_Contract):
    desk: str
    plan: str
    add_ons: list[str] = Field(default=[], validation_alias=AliasChoices("add_ons", "add-ons"))


class _Customer(_Model):
    id: Words
    desk: str
    plan: str
    name: str | None = None
    code: Words | None = None
    aliases: list[Words] = []
    add_ons: list[str] = Field(default=[], validation_alias=AliasChoices("add_ons", "add-ons"))
    domains: list[str] = []
    contacts: list[_Contact] = []
    pins: list[Words] = []
    language: str | None = None
    region: str | None = None
    zone: str | None = None
    partner: str | None = None
    contract: _Contract = _Contract()
    restrictions: list[str] = []
    also: list[_Agreement] = []
    sites: list[Words] = []


class _Directory(_Model):
    customers: list[_Customer]


def read(document: Document, beside: Iterable[Customer] = ()) -> Directory:
    """The directory of one document. Raises ConfigError with every problem found.

    `beside`: customers that stay although the document does not name them; it may not claim what is theirs."""
    written = validate(_Directory, document)
    named = {customer.id for customer in written.customers}
    reader = _Reader(document, [customer for customer in beside if customer.id not in named])
    customers = [reader.customer(("customers", i), customer) for i, customer in enumerate(written.customers)]
    reader.check_partners(customers)
    if reader.problems:
        raise ConfigError(reader.problems)
    return build(customers, reader.pins)


class _Reader:
    """Builds the values, and collects problems and what is already taken."""

    def __init__(self, document: Document, beside: Iterable[Customer]) -> None:
        self._document = document
        self._taken: dict[tuple[str, str], tuple[Loc, str]] = {}
        self._beside = {customer.id for customer in beside}
        self._theirs = {key: customer.id for customer in beside for key in _claims(customer)}
        self.problems: list[str] = []
        self.pins: list[Pin] = []

    def customer(self, loc: Loc, written: _Customer) -> Customer:
        self._claim("customer id", written.id, (*loc, "id"), written.id)
        code = self._code((*loc, "code"), written)
        aliases = [self._alias((*loc, "aliases", i), alias, written.id) for i, alias in enumerate(written.aliases)]
        names = [self._domain((*loc, "domains", i), text) for i, text in enumerate(written.domains)]
        contacts = [self._contact((*loc, "contacts", i), c, written.id) for i, c in enumerate(written.contacts)]
        self._pins((*loc, "pins"), written.pins, written.id, None)
        return Customer(
            id=written.id,
            name=written.name or written.id,
            desk=written.desk,
            plan=written.plan,
            code=code,
            aliases=tuple(alias for alias in aliases if alias),
            add_ons=tuple(written.add_ons),
            domains=tuple(dict.fromkeys(name for name in names if name)),
            contacts=tuple(contacts),
            language=written.language,
            region=written.region,
            partner=written.partner,
            contract=written.contract.value(),
            restrictions=tuple(written.restrictions),
            also=tuple(Agreement(a.desk, a.plan, tuple(a.add_ons), a.value()) for a in written.also),
            sites=tuple(dict.fromkeys(written.sites)),
            zone=self._zone((*loc, "zone"), written.zone),
        )

    def check_partners(self, customers: list[Customer]) -> None:
        known = {customer.id for customer in customers} | self._beside
        for i, customer in enumerate(customers):
            if customer.partner is not None and customer.partner not in known - {customer.id}:
                found = f"partner {customer.partner}, which is no other customer of this directory"
                self._complain(
                    ("customers", i, "partner"), found, "the id of the customer who serves this one", "correct it"
                )

    def _contact(self, loc: Loc, written: _Contact, owner: str) -> Contact:
        emails = [self._email((*loc, "emails", i), text, owner) for i, text in enumerate(written.emails)]
        phones = [self._phone((*loc, "phones", i), text) for i, text in enumerate(written.phones)]
        known = [key for key in (*emails, *phones) if key]
        contact_id = written.id or _stable_id(owner, known[0] if known else written.name)
        self._claim("contact id", contact_id, (*loc, "id") if written.id else loc, owner)
        self._pins((*loc, "pins"), written.pins, owner, contact_id)
        return Contact(
            id=contact_id,
            name=written.name,
            emails=tuple(email for email in emails if email),
            phones=tuple(phone for phone in phones if phone),
            authorised=written.authorised,
            end_user=written.end_user,
            grants=frozenset(written.grants),
            language=written.language,
            zone=self._zone((*loc, "zone"), written.zone),
        )

    def _zone(self, loc: Loc, name: str | None) -> str | None:
        problems = list(time_zone(loc, name)) if name is not None else []
        for problem in problems:
            self._complain(*problem)
        return None if problems else name

    def _claim(self, what: str, value: str, loc: Loc, owner: str) -> None:
        """Note that `owner` has `value`, or complain that somebody had it before."""
        if (what, value) in self._theirs:
            found = f"{what} {value}, which {self._theirs[what, value]} has in the directory"
            self._complain(loc, found, f"one {what} for one owner", "remove it here or there")
        before = self._taken.setdefault((what, value), (loc, owner))
        if before[0] != loc:
            where = self._document.where(before[0]).removeprefix(f"{self._document.path}:").partition(":")[0]
            found = f"{what} {value} again: {before[1]} has it on line {where}"
            self._complain(loc, found, f"one {what} for one owner", "remove one of the two")

    def _complain(self, loc: Loc, found: str, expected: str, next_step: str) -> None:
        self.problems.append(self._document.problem(loc, found, expected, next_step))

    def _code(self, loc: Loc, written: _Customer) -> str | None:
        code = written.code
        if code is None:
            return None
        if not (code.isascii() and code.isdigit() and 3 <= len(code) <= 12):
            self._complain(loc, f"code {code[:9]}", "3 to 12 digits, for a keypad", "correct it, or use aliases")
            return None
        self._claim("code", code, loc, written.id)
        return code

    def _alias(self, loc: Loc, text: str, owner: str) -> str | None:
        alias = normal.code_or_alias(text)
        if not alias:
            self._complain(loc, f"alias {text[:40]!r}", "ASCII letters, digits and dashes", "correct it")
            return None
        self._claim("code", alias, loc, owner)
        return alias

    def _domain(self, loc: Loc, text: str) -> str | None:
        below = text.startswith("*.")  # this name and all below it: `*.acme.example` covers mail.acme.example
        name = normal.domain(text[2:] if below else text)
        if name is None or domains.organisational(name) is None:
            self._complain(loc, f"domain {text[:60]!r}", "a full name such as acme.example", "correct it")
            return None
        if shared.is_shared(name):
            found = f"domain {name}, which many strangers share"
            self._complain(loc, found, "a domain of this customer alone", "list the addresses under 'contacts' instead")
            return None
        return f"*.{name}" if below else name

    def _email(self, loc: Loc, text: str, owner: str) -> str | None:
        address = normal.address(text)
        try:
            # Reserved names (.test) are how desks are tried out; whether the domain exists is not asked here.
            validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            self._complain(loc, f"address {text[:80]!r}", "an e-mail address", str(error).splitlines()[0].rstrip("."))
            return None
        if address is None:
            self._complain(loc, f"address {text[:80]!r}", "plain letters in the domain", "write it as it is sent")
            return None
        self._claim("address", address, loc, owner)
        return address

    def _phone(self, loc: Loc, text: str) -> str | None:
        number = normal.phone(text)
        if number is None:
            self._complain(loc, f"phone {text[:40]!r}", "a number that can be dialled", 'write it as "+390612345678"')
        return number

    def _pins(self, loc: Loc, written: list[str], owner: str, contact: str | None) -> None:
        for i, digits in enumerate(written):
            if pins.well_formed(digits):
                self.pins.append(Pin(owner, contact, digits))
            else:
                self._complain((*loc, i), "a PIN that is not shown", "4 to 12 digits", "issue another one")


def _claims(customer: Customer) -> Iterator[tuple[str, str]]:
    """What only one customer may have."""
    yield from (("code", code) for code in (customer.code, *customer.aliases) if code)
    for contact in customer.contacts:
        yield "contact id", contact.id
        yield from (("address", address) for address in contact.emails)


def _stable_id(owner: str, key: str) -> str:
    """An id that survives reordering and names nobody: audit records keep ids after a person is erased."""
    return f"{owner}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def check_names(document: Document, directory: Directory, desks: Mapping[str, Desk]) -> None:
    """Raises ConfigError when the directory names a desk, plan, add-on or kind that does not exist."""
    problems = [p for i, c in enumerate(directory.customers) for p in _unknown_names(document, i, c, desks)]
    if problems:
        raise ConfigError(problems)


def _unknown_names(document: Document, index: int, customer: Customer, desks: Mapping[str, Desk]) -> Iterator[str]:
    first: Loc = ("customers", index)
    yield from _unknown_plan(document, first, customer, desks)
    for i, other in enumerate(customer.also):
        yield from _unknown_plan(document, (*first, "also", i), customer.at(other.desk), desks)
    named = (customer.desk, *(other.desk for other in customer.also))
    kinds = {kind for name in named if name in desks for kind in desks[name].kinds}
    for i, contact in enumerate(customer.contacts):
        for grant in sorted(contact.grants - kinds if kinds else ()):
            where = (*first, "contacts", i, "grants")
            yield document.problem(where, f"grant {grant}", f"a kind of ticket: {_listed(kinds)}", "correct it")


def _unknown_plan(document: Document, loc: Loc, customer: Customer, desks: Mapping[str, Desk]) -> Iterator[str]:
    desk = desks.get(customer.desk)
    if desk is None:
        yield document.problem((*loc, "desk"), f"desk {customer.desk}", f"one of {_listed(desks)}", "correct the name")
        return
    if customer.plan not in desk.plans:
        expected = f"a plan of {desk.id}: {_listed(desk.plans)}"
        yield document.problem((*loc, "plan"), f"plan {customer.plan}", expected, "correct the name")
    for name in customer.add_ons:
        if name not in desk.plans or not desk.plans[name].add_on:
            expected = f"an add-on of {desk.id}: {_listed(p for p in desk.plans if desk.plans[p].add_on)}"
            yield document.problem((*loc, "add_ons"), f"add-on {name}", expected, "correct the name")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def covers(desks: Mapping[str, Desk]) -> Mapping[tuple[str, str], Cover]:
    """(desk, plan) -> what recognition needs to know of the plan."""
    return {
        (desk.id, plan.id): Cover(
            frozenset(plan.channels), desk.contacts_only, frozenset(r for route in desk.routes for r in route.reasons)
        )
        for desk in desks.values()
        for plan in desk.plans.values()
    }
