"""Which earlier reports are worth a look, best first: points for what speaks for one problem, fused with the order by words.

Refuses to join anything: what it finds is for a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import fsum  # the same whatever the order, so that equal reports are equal in every process

from routing.facts import Trace
from routing.relate_compare import (
    SHOWN,
    Known,
    Related,
    akin,
    difference,
    other_object,
    other_place,
    shared_places,
    shared_things,
)


class Rarity:
    """How much a word says: the more, the fewer of so many reports have it (`count`)."""

    def __init__(self, count: Mapping[str, int], reports: int) -> None:
        self._count, self._reports = count, reports
        self._unheard = self._worth(0)
        self._known: dict[str, float] = {}
        self._totals: dict[frozenset[str], float] = {}

    def __call__(self, stem: str) -> float:
        worth = self._known.get(stem)
        if worth is None:
            worth = self._known[stem] = self._worth(self._count.get(stem, 0))
        return worth

    def total(self, stems: frozenset[str]) -> float:
        """What these words say together. A long text has hundreds that nobody else has: they are not asked one by one."""
        said = self._totals.get(stems)
        if said is None:
            heard = self._count.keys() & stems
            said = self._totals[stems] = fsum(map(self, heard)) + (len(stems) - len(heard)) * self._unheard
        return said

    def _worth(self, few: int) -> float:
        return max(0.05, 1.0 - few / (self._reports + 4.0)) * (1.0 + 1.0 / (1.0 + few))


@dataclass(frozen=True, slots=True)
class _Match:
    """One earlier report compared with the new one."""

    known: Known
    points: int = 0
    likeness: float = 0.0
    reasons: tuple[str, ...] = field(default=())


ENOUGH = 3  # points from which an earlier report is worth showing
SHORT = 24  # content words: in a longer text, names are incidental
RECENT, FRESH = timedelta(hours=48), timedelta(hours=8)
REPLACED = 2  # words whose replacement makes it another object's report
FAR = 60  # the constant of reciprocal rank fusion (Cormack, Clarke, Buettcher 2009)


def _likeness(new: Trace, old: Trace, rarity: Rarity) -> float:
    """How much of what the rarer words of both say is said by both; a title's words count twice."""
    both = new.stems & old.stems
    if not both:
        return 0.0
    common = rarity.total(both) + rarity.total(both & (new.title | old.title))
    mine = rarity.total(new.stems) + rarity.total(new.title & new.stems)
    theirs = rarity.total(old.stems) + rarity.total(old.title & old.stems)
    return float(common / max(1e-9, (mine * theirs) ** 0.5))


def _apart(new: Trace, known: Known) -> bool:
    """Is this earlier report plainly about another object: by what both name, or because only one word was replaced?"""
    old = known.trace
    if new.me_too or old.me_too or old.alert is not None or max(len(new.words), len(old.words)) > SHORT:
        return False
    if shared_things(new, old):
        return False
    if other_object(new, old) or other_place(new, old):
        return True
    added, lost = difference(new, old)
    return (
        bool(added and lost)
        and len(added) <= REPLACED
        and len(lost) <= REPLACED
        and 3 * len(added | lost) <= len(new.words | old.words)
    )


def _match(new: Trace, known: Known, rarity: Rarity) -> _Match | None:
    """Points for what speaks for one problem; None when they are about different objects."""
    old = known.trace
    brief = len(new.words) <= SHORT and len(old.words) <= SHORT
    if brief and old.alert is not None and other_object(new, old):
        return None
    if old.alert is not None and old.alert.state == "recovery":
        return None
    age, likeness = new.at - old.at, _likeness(new, old, rarity)
    if new.me_too:
        fresh = age <= RECENT and not old.me_too and old.alert is None
        said = new.sender != old.sender
        return (
            _Match(known, ENOUGH + said + (bool(old.strong)), likeness, ("me too: a recent report",)) if fresh else None
        )
    reasons, points = [], 0
    for found, worth, words in (
        (shared_things(new, old), 4, "names the same"), (shared_places(new, old), 2, "same place"), (new.codes & old.codes, 1, "same code"),
    ):  # fmt: skip
        if found:
            points += worth
            reasons.append(f"{words}: {', '.join(sorted(found))}")
    near = akin(new, old)
    points += {2: 2, 1: 1, 0: 0, -1: -3}[near]
    if near > 0:
        reasons.append("same kind of trouble" if near == 2 else "trouble of a near kind")
    alike = sum(likeness >= step for step in (LIKE if brief else LIKE_LONG))
    points += alike
    if alike:
        reasons.append(f"alike ({likeness:.2f})")
    points += 1 if age <= FRESH else 0 if age <= RECENT else -1
    if points < ENOUGH and _words_alone(new, old, likeness, brief=brief):
        points = ENOUGH
    return _Match(known, points, likeness, tuple(reasons))


def _words_alone(new: Trace, old: Trace, likeness: float, *, brief: bool) -> bool:
    """Words in common, where nothing else is: worth showing, never joining. The more so where nothing is named at all."""
    shared = new.stems & old.stems
    if not brief:
        return len(shared) >= 3 and likeness >= 0.05
    if new.things or new.places:
        return len(shared) >= 3 and likeness >= 0.2
    if len(shared) >= 2 and likeness >= 0.1:
        return True
    return likeness >= 0.13 and not shared.isdisjoint(new.title & old.title)  # one rare word, and both are called by it


LIKE, LIKE_LONG = (0.15, 0.3, 0.45, 0.6), (0.04, 0.08, 0.12, 0.2, 0.35)


def fuse(rankings: Sequence[tuple[float, Sequence[str]]]) -> tuple[str, ...]:
    """Reciprocal rank fusion: several orders of ids, each with its weight, into one, best first."""
    score: dict[str, float] = {}
    for weight, ranking in rankings:
        for place, one in enumerate(dict.fromkeys(ranking), 1):
            score[one] = score.get(one, 0.0) + weight / (FAR + place)
    return tuple(sorted(score, key=lambda one: -score[one]))


def suggest(new: Trace, pool: Sequence[Known], rarity: Rarity, found: Sequence[str], why: tuple[str, ...]) -> Related:
    """The roots worth a look. `found`: roots that the full-text search gave, best first."""
    apart = {known.root for known in pool if _apart(new, known)}
    matches = [match for known in pool if known.root not in apart and (match := _match(new, known, rarity)) is not None]
    best: dict[str, _Match] = {}
    for match in sorted(matches, key=lambda one: (one.points, one.likeness, one.known.trace.at), reverse=True):
        best.setdefault(match.known.root, match)
    ranked = list(best.values())
    if not ranked or ranked[0].points < ENOUGH:
        return Related("new", why=why)
    by_text = sorted(ranked, key=lambda one: -one.likeness)
    order = fuse((
        (3.0, [one.known.root for one in ranked]),
        (0.0 if new.me_too else 1.0, [one.known.root for one in by_text]),
        (1.0, [root for root in found if root in best]),
    ))  # fmt: skip
    top = best[order[0]]
    score = round(min(0.95, 0.2 + top.points / 12), 3)
    return Related(
        "suggest", None, None, score, order[:SHOWN], (*why, *(f"perhaps {order[0]}: {one}" for one in top.reasons))
    )


def rarity_of(pool: Sequence[Known]) -> Rarity:
    """How much a word says, from how few of the pool's reports have it."""
    count: dict[str, int] = {}
    for known in pool:
        for stem in known.trace.stems:
            count[stem] = count.get(stem, 0) + 1
    return Rarity(count, len(pool))
