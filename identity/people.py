"""The values: customers, their people, and what was found out about an author.

Frozen and complete in themselves; nothing here looks anything up, and no value holds a PIN in clear.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Verdict = Literal["pass", "fail", "none", "temperror"]
Certainty = Literal["certain", "likely", "unknown"]


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of a customer. `emails` are normal addresses, `phones` E.164.

    `authorised`: may open tickets. `grants`: kinds this person may ask for; empty means every kind.
    """

    id: str
    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    authorised: bool = True
    grants: frozenset[str] = frozenset()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """When the cover holds, both days included; None is open-ended."""

    starts: date | None = None
    ends: date | None = None
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Customer:
    """A contract holder. `code` is digits for the keypad, `aliases` are codes as people write them (upper case).

    `domains` are exact punycode names; a name never covers its subdomains. A finder may leave `contacts` and `domains`
    empty in the values that it hands out: recognition does not read them.
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


@dataclass(frozen=True, slots=True)
class PinRecord:
    """A PIN as it is kept: a hash. `contact` None: it belongs to the whole contract."""

    id: str
    customer: str
    hash: str = field(repr=False)
    contact: str | None = None
    created: datetime | None = None
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One row behind an indexed look-up: whose it is, and which contact's when it is a person's."""

    customer: Customer
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Authentication:
    """Was the mail really sent by the domain in its From?

    `method` says who found that out ("edge dmarc", "dkim", "spf", "demo", "none"); `domain` is the From domain that
    passed, None otherwise. "temperror" is unverified for now and worth another try.
    """

    verdict: Verdict
    method: str
    domain: str | None
    evidence: tuple[str, ...] = ()

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
    `identity.entitlement.WORDS`, None when entitled.
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
