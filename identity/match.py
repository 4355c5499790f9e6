"""From clues to a verdict: which customer, how sure, proven or only claimed, and what they are entitled to.

The sorts of clue are tried in one fixed order; the first that names exactly one customer decides. Several customers
behind one sign are told apart only by weaker signs of the same report, else a person chooses. Nothing that an author
can merely write (a code, a name, a look-alike domain) decides or verifies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from identity import clues, entitlement, normal, resemblance
from identity.clues import Clue, Signs, Sort
from identity.directory import Finder
from identity.entitlement import Cover
from identity.people import Candidate, Contact, Customer, Recognition

# A code given on purpose outweighs the number one happens to call from, and an own address the domain around it.
_ORDER: tuple[Sort, ...] = ("keyed", "address", "domain", "phone", "remembered")
_BY_MAIL: frozenset[Sort] = frozenset({"address", "domain"})

Covers = Mapping[tuple[str, str], Cover]


@dataclass(frozen=True, slots=True)
class _Choice:
    customer: Customer | None
    sort: Sort | None
    ambiguous: bool
    evidence: tuple[str, ...]
    through: str | None = None  # how the report came, when its author passed it on for somebody else


def recognise(
    signs: Signs,
    finder: Finder,
    covers: Covers,
    *,
    today: date | None = None,
    kind: str | None = None,
    suggest: bool = False,
    desk: str | None = None,
) -> Recognition:
    """Who it is. `covers`: (desk, plan) -> what the plan covers; `today`: date in the desk's zone; `kind` if known.

    `desk`: whose agreement counts, of a customer with several. Costs at most four indexed look-ups for a sender who is
    recognised, some ten more for one who is not. `suggest` adds what resembles (hundreds of look-ups): for a person's eyes.
    """
    found = [clue for look in clues.IDENTIFYING for clue in look(signs, finder)]
    choice = _choose(found, ())
    if choice.customer is None or suggest:
        later = [] if choice.customer else [clue for look in clues.LATER for clue in look(signs, finder)]
        written = list(clues.by_code_in_text(signs, finder))
        choice = _choose([*found, *later], written)
        found += [*later, *written]
    if signs.forwarded:
        passed_on = list(clues.by_forwarded(signs, finder))
        choice = _passed_on(signs, choice, passed_on)
        found += passed_on
    if suggest and choice.customer is None:
        found += [clue for look in resemblance.SUGGESTING for clue in look(signs, finder)]
    customer = choice.customer.at(desk) if choice.customer else None
    contact = _by_pin(signs, customer) or _contact(found, customer, choice.sort)
    if customer is None:
        why_not: str | None = "several-customers" if choice.ambiguous else "unknown-customer"
    else:
        why_not = entitlement.why_not(
            customer, contact, signs.channel, covers.get((customer.desk, customer.plan)),
            today=today, kind=kind, text=f"{signs.subject} {signs.text}", by_partner=choice.through == "via-partner",
        )  # fmt: skip
    return _recognition(signs, replace(choice, customer=customer), contact, why_not, _candidates(found))


def _passed_on(signs: Signs, choice: _Choice, passed_on: Iterable[Clue]) -> _Choice:
    """Whose report a forwarded mail is: the original sender's, when one of our agents or the customer's own partner passed
    it on and is proven to have done so. From anybody else it is the forwarder's own, and the rest a suggestion."""
    if not _authenticated(signs):
        return choice
    rows = {clue.customer: clue for clue in passed_on}
    if signs.agent:
        through = "via-agent"
    elif choice.customer is not None and choice.sort == "address" and not choice.ambiguous:
        partner, through = choice.customer.id, "via-partner"
        rows = {
            one: c for one, c in rows.items() if c.found.customer.partner == partner and c.found.contact is not None
        }
    else:
        return choice
    if len(rows) != 1:
        return choice
    (clue,) = rows.values()
    return _Choice(clue.found.customer, "forwarded", False, (*choice.evidence, clue.evidence), through)


def _choose(found: Iterable[Clue], written: Iterable[Clue]) -> _Choice:
    by_sort: dict[Sort, dict[str, Clue]] = {}
    for clue in found:
        by_sort.setdefault(clue.sort, {}).setdefault(clue.customer, clue)
    weaker = {clue.customer: clue for clue in written}
    for sort in _ORDER:
        owners = by_sort.get(sort, {})
        if len(owners) == 1:
            (clue,) = owners.values()
            return _Choice(clue.found.customer, sort, False, (clue.evidence,))
        if owners:
            return _narrowed(sort, owners, [by_sort.get(s, {}) for s in _ORDER if s != sort] + [weaker])
    return _Choice(None, None, False, ())


def _narrowed(sort: Sort, owners: Mapping[str, Clue], others: Iterable[Mapping[str, Clue]]) -> _Choice:
    """Several customers share the sign: another sign may pick one of them, and of them only."""
    shared = next(iter(owners.values())).evidence + f" of {len(owners)} customers"
    for other in others:
        common = owners.keys() & other.keys()
        if len(common) == 1:
            (customer,) = common
            return _Choice(owners[customer].found.customer, sort, True, (shared, other[customer].evidence))
    return _Choice(None, sort, True, (shared,))


def _recognition(
    signs: Signs, choice: _Choice, contact: Contact | None, why_not: str | None, candidates: tuple[Candidate, ...]
) -> Recognition:
    customer, authenticated = choice.customer, _authenticated(signs)
    verified = customer is not None and _is_proof(signs, choice, authenticated)
    certain = verified and not choice.ambiguous and choice.sort != "remembered"
    return Recognition(
        customer=customer.id if customer else None,
        contact=contact.id if contact else None,
        certainty="certain" if certain else "likely" if customer else "unknown",
        verified=verified,
        entitled=why_not is None,
        why_not=why_not,
        plan=customer.plan if customer else None,
        candidates=candidates,
        evidence=choice.evidence + _how_verified(signs, choice),
        desk=customer.desk if customer else None,
        add_ons=customer.add_ons if customer else (),
        language=(contact.language if contact else None) or (customer.language if customer else None),
        address=signs.address,
        authenticated=authenticated,
        region=customer.region if customer else None,
        marks=(*entitlement.marks(customer, contact), *((choice.through,) if choice.through else ()))
        if customer
        else (),
        grants=contact.grants if contact else frozenset(),
        requester=signs.forwarded if choice.through == "via-agent" else None,
        products=tuple(one.name for one in customer.contract.products) if customer else (),
    )


def _authenticated(signs: Signs) -> bool:
    return signs.authentication.passed and signs.authentication.domain == normal.host(signs.address or "")


def _is_proof(signs: Signs, choice: _Choice, authenticated: bool) -> bool:
    """An agent who passes a mail on has not checked who wrote it; a partner answers for its customers."""
    if choice.through:
        return authenticated and choice.through == "via-partner"
    if choice.sort in _BY_MAIL or (choice.sort == "remembered" and signs.address):
        return authenticated
    return signs.pin_ok or bool(signs.vouched)


def _by_pin(signs: Signs, customer: Customer | None) -> Contact | None:
    """The person whose own PIN was right: it proves them, whatever telephone they call from."""
    people = customer.contacts if customer and signs.pin_ok and signs.contact else ()
    return next((one for one in people if one.id == signs.contact), None)


def _contact(found: Iterable[Clue], customer: Customer | None, sort: Sort | None) -> Contact | None:
    """The one person of `customer` that an address names; that a number names, when no address recognised us."""
    if customer is None:
        return None
    looked_at: tuple[Sort, ...] = ("forwarded",) if sort == "forwarded" else ("phone", "address")
    for person_sort in ("address",) if sort in _BY_MAIL else looked_at:
        people = {
            clue.found.contact.id: clue.found.contact
            for clue in found
            if clue.sort == person_sort and clue.customer == customer.id and clue.found.contact
        }
        if people:
            return next(iter(people.values())) if len(people) == 1 else None
    return None


def _how_verified(signs: Signs, choice: _Choice) -> tuple[str, ...]:
    if choice.sort in _BY_MAIL or choice.through or (choice.sort in (None, "remembered") and signs.address):
        return signs.authentication.evidence
    if choice.sort is None:
        return ()
    if signs.vouched:
        return (f"{signs.vouched} vouches for the author",)
    if signs.pin_ok and signs.contact:
        return (f"the PIN of {signs.contact} was right: it proves the person",)
    return ("the PIN was right",) if signs.pin_ok else ("no PIN was given: a hint, not proof",)


def _candidates(found: Iterable[Clue]) -> tuple[Candidate, ...]:
    best: dict[str, Candidate] = {}
    for clue in found:
        candidate = Candidate(clue.customer, clues.SCORES[clue.sort], clue.evidence)
        known = best.get(clue.customer)
        if known is None or candidate.score > known.score:
            best[clue.customer] = candidate
    return tuple(sorted(best.values(), key=lambda c: (-c.score, c.customer)))
