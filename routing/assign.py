"""Who gets a ticket: somebody of the queue's teams who may, can and is there.

The customer's named engineer first, then their substitute, then whoever fits: by turn or by load, as the queue says. In a queue
where people take tickets themselves only a named engineer is given one. What keeps somebody out is told. Refuses to give a
restricted customer's ticket to anybody outside the queue's teams, and to wake anybody: the duty is `routing.oncall`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from routing.desk import Desk, Queue, Worker

SKILL = "skill:"  # a fact that a desk's rule adds: whoever gets the ticket must have it


@dataclass(frozen=True, slots=True)
class Hands:
    """How somebody stands now. `last`: when they were given a ticket last."""

    away: bool = False
    open: int = 0
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a ticket asks of whoever gets it. `skills`: found by the desk's rules. `engineer`: whom the contract names."""

    customer: str | None
    language: str
    region: str | None = None
    skills: frozenset[str] = frozenset()
    engineer: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """`worker`: their login, None when nobody is given it. `nobody`: it should have been somebody's."""

    worker: str | None
    told: tuple[str, ...]
    nobody: bool = False


def choose(desk: Desk, queue: Queue, wanted: Wanted, hands: Mapping[str, Hands]) -> Choice:
    """Somebody of the staff for a ticket of this queue. `hands`: by login; who is not there is at work with nothing to do."""
    told: list[str] = []
    teams = frozenset(queue.served_by)
    mine = [one for one in desk.staff.values() if one.teams & teams]
    named = next((one for one in mine if _is_named(one, wanted)), None)
    if named is not None:
        for one, words in _named(named, desk, teams):
            if hands.get(one.id, Hands()).away:
                told.append(f"assigned: not {one.name}, {words}, who is away")
                continue
            return Choice(one.id, (*told, f"assigned: {one.name}, {words}"))
    if queue.assign == "pull":
        return Choice(None, tuple(told))
    skills = wanted.skills.union(queue.skills)
    fit, nearly = [], []
    for one in mine:
        lacking = _lacking(one, desk, wanted, skills, hands.get(one.id, Hands()))
        if not lacking:
            fit.append(one)
        elif len(lacking) == 1:
            nearly.append(f"assigned: not {one.name}: {lacking[0]}")
    if not fit:
        return Choice(
            None, (*told, *nearly[:3], f"assigned: nobody of {queue.id} fits; it waits in the queue"), nobody=True
        )
    best = _next(fit, queue, hands)
    how = (
        "whose turn it is"
        if queue.assign == "round-robin"
        else f"who has {hands.get(best.id, Hands()).open} open tickets"
    )
    return Choice(best.id, (*told, f"assigned: {best.name}, {how}", *nearly[:3]))


def skills_of(facts: Sequence[str]) -> frozenset[str]:
    """The skills among a report's facts."""
    return frozenset(one.removeprefix(SKILL) for one in facts if one.startswith(SKILL))


def _is_named(one: Worker, wanted: Wanted) -> bool:
    return wanted.customer in one.customers or (wanted.engineer is not None and wanted.engineer in (one.id, one.name))


def _named(named: Worker, desk: Desk, teams: frozenset[str]) -> list[tuple[Worker, str]]:
    found = [(named, "the customer's named engineer")]
    substitute = desk.staff.get(named.substitute or "")
    if substitute is not None and substitute.teams & teams:
        found.append((substitute, f"the substitute of {named.name}"))
    return found


def _lacking(one: Worker, desk: Desk, wanted: Wanted, skills: frozenset[str], now: Hands) -> list[str]:
    """What keeps somebody from a ticket, in words."""
    reasons = (
        (now.away, "is away"),
        (one.most is not None and now.open >= one.most, f"has {now.open} open tickets already"),
        (not skills <= one.skills, f"does not know {', '.join(sorted(skills - one.skills))}"),
        (wanted.language not in (one.languages or frozenset(desk.languages)), f"does not speak {wanted.language}"),
        (
            bool(one.regions) and wanted.region not in one.regions,
            f"does not serve the region {wanted.region or '(none)'}",
        ),
        (
            bool(one.products) and wanted.product is not None and wanted.product not in one.products,
            f"does not serve the product {wanted.product}",
        ),
    )
    return [words for holds, words in reasons if holds]


def _next(fit: Sequence[Worker], queue: Queue, hands: Mapping[str, Hands]) -> Worker:
    """By turn: who was given one longest ago; by load: who has least, then by turn. Of equals the first in the file."""

    def waited(one: Worker) -> float:
        last = hands.get(one.id, Hands()).last
        return last.timestamp() if last else 0.0

    if queue.assign == "round-robin":
        return min(fit, key=waited)
    return min(fit, key=lambda one: (hands.get(one.id, Hands()).open, waited(one)))
