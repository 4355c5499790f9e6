"""A stream of reports in memory, related one by one: what `presa relate` and the measurements use.

Per customer an index of the words, so that a report is compared with the recent ones and with the few older ones that share
its rare words, however many are kept. The gateway asks its database for the same pool. Refuses to forget: age is a veto.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime
from math import log

from routing import relate, shortlist
from routing.facts import OVER, Trace, keys
from routing.faults import Faults
from routing.relate import Known, Rarity, Related
from routing.relate_policy import Policy
from routing.shortlist import Candidate, Sketch

LATEST = 40  # the newest reports are always looked at
BY_KEY = 20  # and those that share an object, an alert key, a whole text
BY_WORDS = 20  # and the best by words, of all years
ASKED = 20  # words of a report that are looked up, the rarest first
POSTINGS = 500  # of a word, the newest


@dataclass(slots=True)
class _Customer:
    latest: deque[Known] = field(default_factory=lambda: deque(maxlen=LATEST))
    keys: dict[str, deque[Known]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=BY_KEY)))
    words: dict[str, deque[Known]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=POSTINGS)))
    sketches: dict[str, Sketch] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    reports: int = 0


class Stream:
    """Reports of many customers in order of time."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy or Policy()
        self._customers: dict[str, _Customer] = defaultdict(_Customer)
        self._faults = Faults()

    def take(self, new: Trace) -> tuple[Related, str | None]:
        """Relate a report to the earlier ones and keep it. The second value: the first report of a wider fault."""
        mine = self._customers[new.customer or ""]
        rarity = Rarity(mine.count, mine.reports)
        pool, found = self._pool(mine, new)
        if new.alert is None:
            candidates = [Candidate(one, known.root, known.trace.at, mine.sketches[one]) for one, known in pool.items()]
            pool = {one: pool[one] for one in shortlist.shortlist(new, candidates, rarity, found)}
            pool.update((one.trace.id, one) for one in mine.keys.get(OVER, ()))
        roots = [pool[one].root for one in found if one in pool]
        related = relate.relate(new, list(pool.values()), rarity, roots, self._policy)
        wide = self._faults.take(new, known=related.decision != "new")
        self._keep(mine, Known(new, related.root or new.id))
        return related, wide

    def _pool(self, mine: _Customer, new: Trace) -> tuple[dict[str, Known], list[str]]:
        """The reports to look at, each once, and those found by words, best first."""
        pool: dict[str, Known] = {}
        for key in keys(new):
            pool.update((one.trace.id, one) for one in mine.keys.get(key, ()))
        if new.alert is not None:
            return pool, []
        score: dict[str, float] = defaultdict(float)
        seen: dict[str, Known] = {}
        for stem in sorted(new.stems, key=lambda one: (mine.count.get(one, 0), one))[:ASKED]:
            worth = log(1 + mine.reports / (1 + mine.count.get(stem, 0))) * (2 if stem in new.title else 1)
            for one in mine.words.get(stem, ()):
                score[one.trace.id] += worth / (8 + len(one.trace.stems)) ** 0.5
                seen[one.trace.id] = one
        best = sorted(score, key=lambda one: -score[one])[:BY_WORDS]
        pool.update((one, seen[one]) for one in best)
        pool.update((one.trace.id, one) for one in mine.latest)
        return pool, best

    def _keep(self, mine: _Customer, known: Known) -> None:
        trace = known.trace
        mine.reports += 1
        for key in keys(trace):
            mine.keys[key].append(known)
        if trace.alert is not None:
            return
        mine.sketches[trace.id] = shortlist.sketch(trace)
        mine.latest.append(known)
        for stem in trace.stems:
            mine.count[stem] += 1
            mine.words[stem].append(known)


def instant(text: str) -> datetime:
    """An ISO 8601 instant; ValueError without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; add Z or one like +01:00")
    return at
