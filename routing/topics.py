"""Which kind of trouble a text speaks of: by beginnings of words and by phrases of `vocabulary.TOPICS`. Refuses to say how bad it is."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from routing import masking
from routing.vocabulary import TOPICS, TROUBLED, TROUBLED_EXACT

STRONG, WEAK = 3, 1


def _stem_table() -> tuple[dict[str, list[tuple[str, int]]], list[tuple[str, str, str, int]]]:
    """Beginnings of single words; phrases with their first word."""
    single: dict[str, list[tuple[str, int]]] = {}
    phrases: list[tuple[str, str, str, int]] = []
    for topic, levels in TOPICS.items():
        for weight, listed in zip((STRONG, WEAK), levels, strict=True):
            for stem in listed.split("|"):
                flat = " ".join(masking.tokens(stem))
                if " " in flat:
                    phrases.append((flat.split()[0], flat, topic, weight))
                else:
                    single.setdefault(flat, []).append((topic, weight))
    return single, phrases


_SINGLE, _PHRASES = _stem_table()
EXACT = 4  # a stem this short is a word of its own: "pos" does not stand for "posta"
_LONGEST_STEM = max(map(len, _SINGLE))
_BEGINNINGS = frozenset(stem[: EXACT + 1] for stem in _SINGLE if len(stem) > EXACT)
TOPIC_WORDS = frozenset(_SINGLE)
IN_PHRASES: Mapping[str, frozenset[str]] = {
    word: frozenset(topic for _, phrase, topic, _ in _PHRASES if word in phrase.split())
    for word in {one for _, phrase, _, _ in _PHRASES for one in phrase.split() if masking.says_something(one)}
}


@lru_cache(maxsize=20_000)
def _of(word: str) -> tuple[tuple[str, int], ...]:
    if word[: EXACT + 1] not in _BEGINNINGS and word not in _SINGLE:
        return ()
    found: dict[str, int] = {}
    for length in range(2, min(len(word), _LONGEST_STEM) + 1):
        if length <= EXACT and length != len(word):
            continue
        for topic, weight in _SINGLE.get(word[:length], ()):
            found[topic] = max(weight, found.get(topic, 0))
    return tuple(found.items())


def topics(found: tuple[str, ...]) -> list[tuple[str, int]]:
    """Kinds of trouble with their weight, the surest first; weak words alone say nothing."""
    score: dict[str, int] = {}
    each = dict.fromkeys(found)
    for word in each:
        for topic, weight in _of(word):
            score[topic] = score.get(topic, 0) + weight
    flat = f" {' '.join(found)}"
    for first, phrase, topic, weight in _PHRASES:
        if first in each and f" {phrase}" in flat:
            score[topic] = score.get(topic, 0) + weight
    sure = [(topic, points) for topic, points in score.items() if points >= 2 * WEAK]
    return sorted(sure, key=lambda one: -one[1])


def speaks_of_trouble(word: str) -> bool:
    """Does this word belong to some kind of trouble?"""
    return bool(_of(word))


def kinds_of(word: str) -> frozenset[str]:
    """The kinds of trouble that a word belongs to, alone or in a phrase."""
    return frozenset(topic for topic, _ in _of(word)) | IN_PHRASES.get(word, frozenset())


_TROUBLED_AT = frozenset(one[:3] for one in TROUBLED)  # which are asked for first: most words begin otherwise


def troubled(found: Iterable[str]) -> bool:
    """Does any word tell of trouble, if only "not"?"""
    return any(word in TROUBLED_EXACT or (word[:3] in _TROUBLED_AT and word.startswith(TROUBLED)) for word in found)
