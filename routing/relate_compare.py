"""What two reports have in common and where they differ: objects, places, kinds of trouble, words. Refuses to conclude."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Literal

from routing import facts, topics
from routing.facts import PHONE, Trace
from routing.vocabulary import CARDINALS, NEUTRAL, NEUTRAL_FROM, ORDINALS, QUANTITIES, SITES, TROUBLED, TROUBLED_EXACT

Verdict = Literal["new", "same", "suggest"]


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier report of the customer: its trace, the ticket (or first report) it belongs to, and whether that is over."""

    trace: Trace
    root: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """What relating found: `of` is the report that the new one repeats; `candidates` are the roots to show, best first."""

    decision: Verdict
    of: str | None = None
    root: str | None = None
    score: float = 0.0
    candidates: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


MANY = 6  # differing words from which two texts are no repetition, whatever their endings
CHASER = 4  # words that a repeated mail may add
SHOWN = 5  # earlier reports that a person is shown

# Kinds of trouble that one fault shows as, to different people.
_AKIN = (
    frozenset(("server", "files", "erp", "vm", "disk", "database", "backup")),
    frozenset(("internet", "wifi", "vpn", "phone", "dns", "line")),
    frozenset(("mail", "pec", "scan", "dns")),
    frozenset(("print", "scan", "barcode")),
    frozenset(("website", "certificate", "dns", "database")),
    frozenset(("badge", "attendance")),
    frozenset(("pos", "internet")),
    frozenset(("power", "server", "temperature")),
    frozenset(("invoice", "edi", "erp")),
    frozenset(("account", "vpn", "mail")),
    frozenset(("barcode", "erp", "wifi")),
)


# Objects, places, kinds of trouble ------------------------------------------------------------------------------


def shared_things(new: Trace, old: Trace) -> frozenset[str]:
    """Objects that both name; on the phone a name may come glued to its neighbours."""
    both = new.things & old.things
    for speaker, other in ((new, old), (old, new)):
        if speaker.channel in PHONE:
            both |= {name for name in other.things if spoken(name, speaker.glued)}
    return both


def at_issue(new: Trace, old: Trace) -> frozenset[str]:
    """Objects that both name where they tell of trouble: not a customer's code or a computer that one of them names by the way."""
    return shared_things(new, old) - new.beside - old.beside


_SPOKEN_FROM = 4


def spoken(name: str, glued: str) -> bool:
    """Is the name in a text that was said in one run, and no part of a longer number?"""
    at = glued.find(name) if len(name) >= _SPOKEN_FROM else -1
    if at < 0:
        return False
    before, after = glued[at - 1 : at], glued[at + len(name) : at + len(name) + 1]
    return not (before.isdigit() and name[0].isdigit()) and not (after.isdigit() and name[-1].isdigit())


def shared_places(new: Trace, old: Trace) -> frozenset[str]:
    both = new.places & old.places
    for one, other in ((new, old), (old, new)):
        if not one.places and other.places:
            both |= {place for place in other.places if set(place.split()) <= one.words}
    return both


def other_object(new: Trace, old: Trace) -> str | None:
    """Both name an object of one kind, and not the same: the words to say so. A site's own parts (dict.acme.example) are not another."""
    if shared_things(new, old):
        return None
    for kind, names in new.objects.items():
        others = old.objects.get(kind)
        if others and not names & others and not (kind == "domain" and _one_site(names, others)):
            return f"{', '.join(sorted(names))}, not {', '.join(sorted(others))}"
    return None


def _one_site(names: frozenset[str], others: frozenset[str]) -> bool:
    return any(one.endswith(other) or other.endswith(one) for one in names for other in others)


def strictly_other(new: Trace, old: Trace) -> str | None:
    """Of any kind that both name something of, nothing is shared: enough to undo a join."""
    spoken = shared_things(new, old)
    for kind, names in new.objects.items():
        others = old.objects.get(kind)
        if others and not names & others and not (names | others) & spoken:
            return f"{', '.join(sorted(names))}, not {', '.join(sorted(others))}"
    return None


def other_place(new: Trace, old: Trace) -> str | None:
    """No place in common, or another floor, gate or building of one."""
    mine, theirs = _numbered(new), _numbered(old)
    for noun in mine.keys() & theirs.keys():
        if mine[noun].isdisjoint(theirs[noun]):
            return f"{noun} {', '.join(sorted(mine[noun]))}, not {', '.join(sorted(theirs[noun]))}"
    if new.places and old.places and not shared_places(new, old):
        return f"{', '.join(sorted(new.places))}, not {', '.join(sorted(old.places))}"
    return None


def _numbered(trace: Trace) -> dict[str, set[str]]:
    """Which one of several: floor 2, building b."""
    found: dict[str, set[str]] = {}
    for place in trace.places:
        noun, _, which = place.partition(" ")
        if which and noun in facts.SITE_NOUNS:
            found.setdefault(noun, set()).add(which)
    return found


def same_trouble(new: Trace, old: Trace) -> str | None:
    """The kind of trouble that is the surest in both, if it is one and both say it plainly."""
    if not new.topics or not old.topics or new.topics[0] not in old.strong or old.topics[0] not in new.strong:
        return None
    return new.topics[0]


def akin(new: Trace, old: Trace) -> int:
    """2: one kind of trouble; 1: kinds that one fault shows as; 0: nothing known of one; -1: different."""
    if set(new.topics) & set(old.topics):
        return 2
    if not new.topics or not old.topics:
        return 0
    if related_kinds(frozenset(new.topics), frozenset(old.topics)):
        return 1
    return -1 if new.strong and old.strong else 0


@lru_cache(maxsize=10_000)
def related_kinds(one: frozenset[str], other: frozenset[str]) -> bool:
    """Are these kinds of trouble that one fault shows as, to different people?"""
    return any(not group.isdisjoint(one) and not group.isdisjoint(other) for group in _AKIN)


# Words ----------------------------------------------------------------------------------------------------------


def difference(new: Trace, old: Trace) -> tuple[frozenset[str], frozenset[str]]:
    """Content words that the new text adds and that it lost. A call has no subject; it may say whence it comes."""
    if new.channel in PHONE:
        added, lost = new.words - old.words, old.body - new.words
    elif old.channel in PHONE:
        added, lost = new.body - old.words, old.words - new.words
    else:
        added, lost = new.words - old.words, old.words - new.words
    if new.channel in PHONE or old.channel in PHONE:
        whence = {part for place in new.places | old.places for part in place.split()}
        caller, written = (new, old) if new.channel in PHONE else (old, new)
        # Of a place that the mail names the caller says nothing, or another one that we do not know.
        silent = not all(any(part in caller.glued for part in place.split()) for place in written.places)
        added, lost = added - whence, lost - whence
        # A caller says who they are and takes leave: at the edges, and naming nothing.
        if not (lost if new.channel in PHONE else added) and not silent:
            added, lost = _without_manners(new, added), _without_manners(old, lost)
    return _uninflected(added, lost)


def _without_manners(caller: Trace, words: frozenset[str]) -> frozenset[str]:
    if caller.channel not in PHONE or not words <= caller.edges or len(words) > CHASER:
        return words
    return frozenset() if not any(means_something(word) for word in words) else words


def unexplained(new: Trace, old: Trace) -> frozenset[str]:
    """What only one of the two says, and what is neither trouble nor how it is told: a room, a person, another thing. Error codes,
    small numbers and, where both name the thing itself, places are compared by rules of their own."""
    mine, theirs = new.words - new.signed, old.words - old.signed
    added, lost = _uninflected(mine - theirs, theirs - mine)
    near = new.places | old.places if at_issue(new, old) else shared_places(new, old)
    known = new.codes | old.codes | frozenset(chain.from_iterable(map(str.split, near)))
    things, kinds = new.things | old.things, frozenset(new.topics[:1] + old.topics[:1])
    return frozenset(
        word
        for word in (added | lost) - known
        if not _told_anyhow(word)
        and not _of_kinds(word, kinds)
        and not any(word in one or one in word for one in things)
    )


@lru_cache(maxsize=20_000)
def _told_anyhow(word: str) -> bool:
    """How something fails, who tells it, since when: what two people tell in two ways."""
    if word in NEUTRAL or word.startswith(NEUTRAL_FROM) or word in QUANTITIES or word in CARDINALS or word in ORDINALS:
        return True
    return (word.isdigit() and len(word) < SMALL) or word in TROUBLED_EXACT or word.startswith(TROUBLED)


@lru_cache(maxsize=20_000)
def _of_kinds(word: str, kinds: frozenset[str]) -> bool:
    mine = topics.kinds_of(word)
    return word not in _PARTS and (not mine.isdisjoint(kinds) or related_kinds(mine, kinds))


_PARTS = SITES.keys() - {"linea", "line"}  # a part of a place is another part, but a line is also what a telephone has
SMALL = 3  # digits from which a number is no small one


def means_something(word: str) -> bool:
    return any(map(str.isdigit, word)) or topics.speaks_of_trouble(word)


def _uninflected(added: frozenset[str], lost: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Without pairs that are one word in two forms."""
    if len(added) > MANY or len(lost) > MANY:
        return added, lost
    heads: dict[str, list[str]] = {}
    for b in lost:
        heads.setdefault(b[:ALIKE], []).append(b)
    twins = {(a, b) for a in added for b in heads.get(a[:ALIKE], ()) if _one_word(a, b)}
    return added - {a for a, _ in twins}, lost - {b for _, b in twins}


ALIKE = 5  # letters that two forms of one word begin with


def _one_word(a: str, b: str) -> bool:
    if any(map(str.isdigit, a + b)) or abs(len(a) - len(b)) > 4:
        return False
    shared = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return shared >= ALIKE and max(len(a), len(b)) - shared <= 4
