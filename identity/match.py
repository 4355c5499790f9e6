"""From clues to a verdict: which customer, how sure, proven or only claimed, and what they are entitled to.

The sorts of clue are tried in one fixed order; the first that names exactly one customer decides. Several customers
behind one sign are told apart only by weaker signs of the same report, else a person chooses. Nothing that an author
can merely write (a code, a name, a look-alike domain) decides or verifies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from identity import clues, entitlement, normal
from identity.clues import Clue, Signs, Sort
from identity.directory import Finder
from identity.entitlement import Cover
from identity.people import Candidate, Contact, Customer, Recognition

# A code given on purpose outweighs the number one happens to call from, and an own address the domain around it.
_ORDER: tuple[Sort, ...] = ("keyed", "address", "domain", "phone")
_BY_MAIL: frozenset[Sort] = frozenset({"address", "domain"})

Covers = Mapping[tuple[str, str], Cover]


@dataclass(frozen=True, slots=True)
class _Choice:
    customer: Customer | None
    sort: Sort | None
    ambiguous: bool
    evidence: tuple[str, ...]


def recognise(
    signs: Signs,
    finder: Finder,
    covers: Covers,
    *,
    today: date | None = None,
    kind: str | None = None,
    suggest: bool = False,
) -> Recognition:
    """Who it is. `covers`: (desk, plan) -> what the plan covers; `today`: date in the desk's zone; `kind` if known.

    Costs at most four indexed look-ups for a sender who is recognised, ten more to look up codes in the text of one who
    is not. `suggest` adds look-alike domains (about a hundred look-ups): for a person's eyes or a later job.
    """
    found = [clue for look in clues.IDENTIFYING for clue in look(signs, finder)]
    choice = _choose(found, ())
    if choice.customer is None or suggest:
        written = list(clues.by_code_in_text(signs, finder))
        choice = _choose(found, written)
        found += written
    if suggest and choice.customer is None:
        found += [clue for look in clues.SUGGESTING for clue in look(signs, finder)]
    contact = _contact(found, choice.customer, choice.sort)
    if choice.customer is None:
        why_not: str | None = "several-customers" if choice.ambiguous else "unknown-customer"
    else:
        cover = covers.get((choice.customer.desk, choice.customer.plan))
        why_not = entitlement.why_not(choice.customer, contact, signs.channel, cover, today=today, kind=kind)
    return _recognition(signs, choice, contact, why_not, _candidates(found))


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
    customer = choice.customer
    authenticated = signs.authentication.passed and signs.authentication.domain == normal.host(signs.address or "")
    verified = customer is not None and (authenticated if choice.sort in _BY_MAIL else signs.pin_ok)
    certain = verified and not choice.ambiguous
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
    )


def _contact(found: Iterable[Clue], customer: Customer | None, sort: Sort | None) -> Contact | None:
    """The one person of `customer` that an address names; that a number names, when no address recognised us."""
    if customer is None:
        return None
    for person_sort in ("address",) if sort in _BY_MAIL else ("phone", "address"):
        people = {
            clue.found.contact.id: clue.found.contact
            for clue in found
            if clue.sort == person_sort and clue.customer == customer.id and clue.found.contact
        }
        if people:
            return next(iter(people.values())) if len(people) == 1 else None
    return None


def _how_verified(signs: Signs, choice: _Choice) -> tuple[str, ...]:
    if choice.sort in _BY_MAIL or (choice.sort is None and signs.address):
        return signs.authentication.evidence
    if choice.sort is None:
        return ()
    return ("the PIN was right",) if signs.pin_ok else ("no PIN was given: a hint, not proof",)


def _candidates(found: Iterable[Clue]) -> tuple[Candidate, ...]:
    best: dict[str, Candidate] = {}
    for clue in found:
        candidate = Candidate(clue.customer, clues.SCORES[clue.sort], clue.evidence)
        known = best.get(clue.customer)
        if known is None or candidate.score > known.score:
            best[clue.customer] = candidate
    return tuple(sorted(best.values(), key=lambda c: (-c.score, c.customer)))
