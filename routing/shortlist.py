"""Which earlier reports are worth comparing word by word, from a sketch of each: what it names and a sample of its words.

A customer may have hundreds of recent reports and a text hundreds of words; reading all of them would cost more than judging.
The sample is the same for equal texts, a whole short text, of a long one the words whose hash is least. Reports of one ticket
stay together, for what speaks against joining one of them speaks against the ticket. Refuses to judge: `relate` does.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from math import fsum
from typing import Any, NamedTuple
from zlib import crc32

from routing import masking
from routing.facts import PHONE, Trace
from routing.relate_compare import related_kinds, spoken
from routing.relate_suggest import FRESH, RECENT, Rarity

SAMPLE = 64  # stems of a text that a sketch keeps
TELLING = 32  # stems of a report by which it is found in all years
FIGURES = 4  # numbers and names with digits that a sentence may have
SHOWN = 9  # reports that are read in full; of them as many more as their tickets have, to twice this
LONG = 200  # content words from which a text costs so much that fewer are read
SHOWN_LONG = 8


class Sketch(NamedTuple):
    """A report in small. `stems`: a sample of at most SAMPLE, those of the title always. `heard`: of a call, its text in one run."""

    stems: frozenset[str]
    title: frozenset[str]
    things: frozenset[str]
    places: frozenset[str]
    topics: frozenset[str]
    strong: bool
    codes: frozenset[str]
    me_too: bool
    heard: str


class Candidate(NamedTuple):
    """An earlier report as it is found: its id, the ticket it belongs to, when it came."""

    id: str
    root: str
    at: datetime
    sketch: Sketch


def sketch(trace: Trace) -> Sketch:
    heard = trace.glued if trace.channel in PHONE else ""
    return Sketch(
        sample(trace.stems, trace.title), trace.title, trace.things, trace.places, frozenset(trace.topics), bool(trace.strong),
        trace.codes, trace.me_too, heard,
    )  # fmt: skip


def sample(stems: frozenset[str], title: frozenset[str]) -> frozenset[str]:
    if len(stems) <= SAMPLE:
        return stems
    return title | frozenset(sorted(stems, key=lambda stem: crc32(stem.encode()))[:SAMPLE])


def as_json(one: Sketch) -> list[object]:
    """In the order of the fields; empty ones are 0."""
    return [(sorted(value) if isinstance(value, frozenset) else value) or 0 for value in one]


def from_json(said: Sequence[Any]) -> Sketch:
    """:func:`as_json` read again."""
    stems, title, things, places, topics, strong, codes, me_too, heard = said
    return Sketch(
        frozenset(stems or ()), frozenset(title or ()), frozenset(things or ()), frozenset(places or ()), frozenset(topics or ()),
        bool(strong), frozenset(codes or ()), bool(me_too), heard or "",
    )  # fmt: skip


def rarity(candidates: Iterable[Candidate]) -> Rarity:
    """How much a word says, from how few of these have it."""
    said = [one.sketch.stems for one in candidates]
    return Rarity(Counter(chain.from_iterable(said)), len(said))


def telling(trace: Trace) -> tuple[str, ...]:
    """The stems by which a report is found in all years: the title's, then sentence by sentence as many as are kept, of each
    the longest first; of a line with more figures than people write, as in a log, the words alone."""
    found = dict.fromkeys(_long_first(trace.title))
    for said in trace.sentences:
        if len(found) >= TELLING:
            break
        figures = [word for word in said if not word.isalpha()]
        words = said.difference(figures) if len(figures) > FIGURES else said
        found |= dict.fromkeys(_long_first(masking.stems(words)))
    return tuple(found)[:TELLING]


def _long_first(stems: frozenset[str]) -> list[str]:
    return sorted(sorted(stems), key=len, reverse=True)  # a sort keeps the order of equals, also in reverse


def asked(new: Trace, candidates: Sequence[Candidate], most: int) -> tuple[str, ...]:
    """The words that say the most, for a search in all years: those that the fewest of the latest reports have, a title's
    before the text's, and what is said first before what is said later."""
    words = telling(new)
    count = Counter(chain.from_iterable(one.sketch.stems.intersection(words) for one in candidates))
    return tuple(sorted(words, key=lambda stem: (count[stem], stem not in new.title))[:most])


def shortlist(new: Trace, candidates: Sequence[Candidate], rare: Rarity, found: Sequence[str] = ()) -> tuple[str, ...]:
    """The ids to read in full, best first. `found`: ids by full-text search, best first."""
    most = SHOWN_LONG if len(new.words) > LONG else SHOWN
    if len(candidates) <= most:
        return tuple(one.id for one in candidates)
    mine = sketch(new)
    worth = _worth(mine, rare)
    first = frozenset(found[:5])
    by_root: dict[str, list[Candidate]] = {}
    best: dict[str, float] = {}
    for one in candidates:
        points = _points(new.at, mine, one, worth) + (one.id in first)
        by_root.setdefault(one.root, []).append(one)
        best[one.root] = max(points, best.get(one.root, points))
    chosen: list[str] = []
    for root in sorted(best, key=lambda root: -best[root]):
        if len(chosen) >= most:
            break
        chosen += [one.id for one in by_root[root]][: 2 * most - len(chosen)]
    return tuple(chosen)


def _worth(mine: Sketch, rare: Rarity) -> Mapping[str, float]:
    """The part that each word of the new report has of all that it says, a title's words twice."""
    weights = {stem: rare(stem) * (2 if stem in mine.title else 1) for stem in mine.stems}
    total = fsum(weights.values()) or 1.0
    return {stem: weight / total for stem, weight in weights.items()}


def _points(at: datetime, mine: Sketch, one: Candidate, worth: Mapping[str, float]) -> float:
    """As `relate_suggest` counts, but for the words."""
    old, age = one.sketch, at - one.at
    fresh = 1 if age <= FRESH else 0 if age <= RECENT else -1
    if mine.me_too:
        return 2.0 * fresh + old.strong - 4 * old.me_too - age.total_seconds() / 1e9
    points = float(fresh)
    if mine.things & old.things or _heard(mine, old) or _heard(old, mine):
        points += 4
    if mine.places & old.places:
        points += 2
    if mine.codes & old.codes:
        points += 1
    if mine.topics and old.topics:
        points += 2 if mine.topics & old.topics else 1 if related_kinds(mine.topics, old.topics) else -1
    return points + 8 * _alike(mine, old, worth)


def _alike(mine: Sketch, old: Sketch, worth: Mapping[str, float]) -> float:
    """How much of what the new report says the old one says too, less where that one says much besides."""
    both = mine.stems & old.stems
    return float(fsum(map(worth.__getitem__, both)) * (len(mine.stems) / len(old.stems)) ** 0.5) if both else 0.0


def by_words(new: Trace, candidates: Iterable[Candidate], rare: Rarity) -> tuple[Candidate, ...]:
    """What a search found, best first."""
    mine = sketch(new)
    worth = _worth(mine, rare)
    return tuple(sorted(candidates, key=lambda one: -_alike(mine, one.sketch, worth)))


def _heard(speaker: Sketch, other: Sketch) -> bool:
    return bool(speaker.heard) and any(spoken(name, speaker.heard) for name in other.things)
