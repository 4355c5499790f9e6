"""The values: customers, their people, and what was found out about an author.

Frozen and complete in themselves; nothing here looks anything up, and no value holds a PIN in clear.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

Verdict = Literal["pass", "fail", "none", "temperror"]
Certainty = Literal["certain", "likely", "unknown"]


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of a customer. `emails` are normal addresses, `phones` E.164.

    `authorised`: may open tickets. `grants`: kinds this person may ask for; empty means every kind. `end_user`: not one
    of the customer's system administrators, who are whom support is for. `zone`: the IANA name of the clock on their wall.
    """

    id: str
    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    authorised: bool = True
    grants: frozenset[str] = frozenset()
    language: str | None = None
    end_user: bool = False
    zone: str | None = None


# Why a product is not supported, as the directory says it. "hardware": its supplier serves it.
ProductState = Literal[
    "covered", "end-of-life", "altered-product", "third-party-product", "unsupported-version", "hardware"
]


@dataclass(frozen=True, slots=True)
class Product:
    """Something a contract is about. `version` as the customer names it; `ends`: an add-on module may end earlier."""

    name: str
    state: ProductState = "covered"
    version: str | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """When the cover holds, both days included; None is open-ended.

    `end_users`: support for end users was bought too. `manager`, `engineer`: the customer's own people at the desk."""

    starts: date | None = None
    ends: date | None = None
    paid: bool = True
    end_users: bool = False
    products: tuple[Product, ...] = ()
    manager: str | None = None
    engineer: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One contract of a customer who has others too, each with its own desk and plan."""

    desk: str
    plan: str
    add_ons: tuple[str, ...] = ()
    contract: Contract = Contract()


@dataclass(frozen=True, slots=True)
class Customer:
    """A contract holder. `code` is digits for the keypad, `aliases` are codes as people write them (upper case).

    `domains` are exact punycode names; a name covers its subdomains only where it is listed as ``*.name``. `partner`: the
    customer that serves this one. `restrictions`: who alone may serve it (``in-country``), as the desk names it. `desk`,
    `plan`, `add_ons` and `contract` are the first agreement; `also` are those with other desks. `sites`: names of its places, by
    which reports about different ones are kept apart. `zone`: of its people who have none of their own.
    """

    id: str
    name: str
    desk: str
    plan: str
    code: str | None = None
    aliases: tuple[str, ...] = ()
    add_ons: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    language: str | None = None
    region: str | None = None
    partner: str | None = None
    contract: Contract = Contract()
    restrictions: tuple[str, ...] = ()
    also: tuple[Agreement, ...] = ()
    sites: tuple[str, ...] = ()
    zone: str | None = None

    def at(self, desk: str | None) -> "Customer":
        """This customer as that desk knows it: by the agreement with it, if there is one."""
        other = next((one for one in self.also if one.desk == desk), None) if desk != self.desk else None
        if other is None:
            return self
        return replace(self, desk=other.desk, plan=other.plan, add_ons=other.add_ons, contract=other.contract)


@dataclass(frozen=True, slots=True)
class PinRecord:
    """A PIN as it is kept: a hash, never shown. `contact` None: it belongs to the whole contract."""

    id: int
    customer: str
    contact: str | None = None
    created: datetime | None = None
    ends: datetime | None = None
    once: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One row behind an indexed look-up: whose it is, and which contact's when it is a person's."""

    customer: Customer
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Authentication:
    """Was the mail really sent by the domain in its From?

    `method` says who found that out ("edge dmarc", "dkim", "spf", "demo", "none"); `domain` is the From domain that
    passed, None otherwise. "temperror" is unverified for now and worth another try. `author`: whose mail it is, where a
    trusted list has put its own address into the From.
    """

    verdict: Verdict
    method: str
    domain: str | None
    evidence: tuple[str, ...] = ()
    author: str | None = None

    @property
    def passed(self) -> bool:
        return self.verdict == "pass"


NOT_CHECKED = Authentication("none", "none", None, ("sender not checked",))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that something points to. `score` 0 to 1 orders candidates; it is no probability."""

    customer: str
    score: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Recognition:
    """Who a report is from, as far as that is known, and why.

    `customer` may be claimed only: it counts for plan rights, paging, reading and appending when `verified`.
    `authenticated`: the address itself is proven, whether or not it is a customer's. `why_not` is a reason code of
    `identity.entitlement.WORDS`, None when entitled. `marks`: what else whoever serves this customer must know, by the same
    codes. `requester`: whom to answer when that is not `address` (an agent passed the report on). `products`: of the contract.
    """

    customer: str | None
    contact: str | None
    certainty: Certainty
    verified: bool
    entitled: bool
    why_not: str | None
    plan: str | None
    candidates: tuple[Candidate, ...] = ()
    evidence: tuple[str, ...] = ()
    desk: str | None = None
    add_ons: tuple[str, ...] = ()
    language: str | None = None
    address: str | None = None
    authenticated: bool = False
    region: str | None = None
    marks: tuple[str, ...] = ()
    grants: frozenset[str] = frozenset()
    requester: str | None = None
    products: tuple[str, ...] = ()
