"""Is this report about the same problem as an earlier one of the same customer?

Likeness alone decides nothing: the same words about another site, another host's alert or an alert after recovery are as
alike as a mail that is sent again. What decides is the object, the state and the age. `same` comes only from the short list
RULES, and any of the vetoes undoes it; everything else is at most suggested to a person. Each rule and veto that spoke
stands in `why`. Refuses to see another customer's reports, to look anything up and to merge what a person could not undo.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from routing import facts
from routing.facts import Trace
from routing.relate_policy import Policy

Verdict = Literal["new", "same", "suggest"]
Rarity = Callable[[str], float]


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


@dataclass(frozen=True, slots=True)
class _Match:
    """One earlier report compared with the new one."""

    known: Known
    points: int = 0
    likeness: float = 0.0
    reasons: tuple[str, ...] = field(default=())


SHOWN = 5
ENOUGH = 3  # points from which an earlier report is worth showing
SHORT = 24  # content words: in a longer text, names are incidental
LONG = 40  # content words: a longer text may speak of more than one thing
RECENT, FRESH = timedelta(hours=48), timedelta(hours=8)
REPLACED = 2  # words whose replacement makes it another object's report
MANY = 6  # differing words from which two texts are no repetition, whatever their endings
CHASER = 4  # words that a repeated mail may add
FAR = 60  # the constant of reciprocal rank fusion (Cormack, Clarke, Buettcher 2009)

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
_ASKS = (
    "copia",
    "copy",
    "duplicat",
    "preventiv",
    "quot",
    "informazion",
    "information",
    "formazion",
    "training",
    "rinnov",
    "renew",
)


# Objects, places, kinds of trouble ------------------------------------------------------------------------------


def shared_things(new: Trace, old: Trace) -> frozenset[str]:
    """Objects that both name; on the phone a name may come glued to its neighbours."""
    both = new.things & old.things
    for speaker, other in ((new, old), (old, new)):
        if speaker.channel in PHONE:
            both |= {name for name in other.things if _spoken(name, speaker.glued)}
    return both


PHONE = ("call", "phone")
_SPOKEN_FROM = 4


def _spoken(name: str, glued: str) -> bool:
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
    """Both name an object of one kind, and not the same: the words to say so."""
    if shared_things(new, old):
        return None
    for kind, names in new.objects.items():
        others = old.objects.get(kind)
        if others and not names & others:
            return f"{', '.join(sorted(names))}, not {', '.join(sorted(others))}"
    return None


def strictly_other(new: Trace, old: Trace) -> str | None:
    """Of any kind that both name something of, nothing is shared: enough to undo a join."""
    spoken = shared_things(new, old)
    for kind, names in new.objects.items():
        others = old.objects.get(kind)
        if others and not names & others and not (names | others) & spoken:
            return f"{', '.join(sorted(names))}, not {', '.join(sorted(others))}"
    return None


def other_place(new: Trace, old: Trace) -> str | None:
    if new.places and old.places and not shared_places(new, old):
        return f"{', '.join(sorted(new.places))}, not {', '.join(sorted(old.places))}"
    return None


def same_trouble(new: Trace, old: Trace) -> str | None:
    """The kind of trouble that is the surest in both, if it is one and both say it plainly."""
    if not new.topics or not old.topics or new.topics[0] not in old.strong or old.topics[0] not in new.strong:
        return None
    return new.topics[0]


def _akin(new: Trace, old: Trace) -> int:
    """2: one kind of trouble; 1: kinds that one fault shows as; 0: nothing known of one; -1: different."""
    if set(new.topics) & set(old.topics):
        return 2
    if not new.topics or not old.topics:
        return 0
    if any(group & set(new.topics) and group & set(old.topics) for group in _AKIN):
        return 1
    return -1 if new.strong and old.strong else 0


# The rules that may join ----------------------------------------------------------------------------------------


def _vetoes(new: Trace, old: Known, policy: Policy) -> str | None:
    """What undoes every rule: the first veto, in words."""
    trace = old.trace
    if trace.customer != new.customer or new.customer is None:
        return "other-customer"
    if new.at - trace.at > policy.pool_within:
        return f"too-old: {(new.at - trace.at).days} days"
    if old.closed:
        return "closed: the earlier ticket is over"
    if (found := strictly_other(new, trace)) is not None:
        return f"other-object: {found}"
    if (found := other_place(new, trace)) is not None:
        return f"other-place: {found}"
    return None


def _difference(new: Trace, old: Trace) -> tuple[frozenset[str], frozenset[str]]:
    """Content words that the new text adds and that it lost. A call has no subject; it may say whence it comes."""
    if new.channel in PHONE:
        added, lost = new.words - old.words, old.body - new.words
    elif old.channel in PHONE:
        added, lost = new.body - old.words, old.words - new.words
    elif new.fingerprint is not None and new.fingerprint == old.fingerprint:
        return frozenset(), frozenset()
    else:
        added, lost = new.words - old.words, old.words - new.words
    if new.channel in PHONE or old.channel in PHONE:
        whence = {part for place in new.places | old.places for part in place.split()}
        added, lost = added - whence, lost - whence
        # A caller says who they are and takes leave: at the edges, and naming nothing.
        if not (lost if new.channel in PHONE else added):
            added, lost = _without_manners(new, added), _without_manners(old, lost)
    return _uninflected(added, lost)


def _without_manners(caller: Trace, words: frozenset[str]) -> frozenset[str]:
    if caller.channel not in PHONE or not words <= caller.edges or len(words) > CHASER:
        return words
    return frozenset() if not any(_means_something(word) for word in words) else words


def _means_something(word: str) -> bool:
    return any(map(str.isdigit, word)) or facts.speaks_of_trouble(word)


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


def _text_again(new: Trace, old: Known, policy: Policy) -> tuple[str, str] | None:
    """The same text, with at most a reminder added by the same sender: (rule or veto, words)."""
    trace = old.trace
    if new.me_too or trace.me_too or new.alert or trace.alert or new.at - trace.at > policy.again_within:
        return None
    if min(len(new.words), len(trace.words)) < 3:
        return None
    added, lost = _difference(new, trace)
    if len(added) + len(lost) > max(CHASER, (len(new.words) + len(trace.words)) // 4):
        return None
    if lost:
        return "veto", f"replaced-word: {', '.join(sorted(lost))} -> {', '.join(sorted(added)) or 'nothing'}"
    if new.several and not trace.several:
        return "veto", "second-matter: the text goes on to something else"
    if not added:
        if new.sender == trace.sender:
            return "sent-again", "the same text once greeting and signature are gone"
        if not (shared_things(new, trace) or (shared_places(new, trace) and new.strong)):
            return "veto", "nothing-named: two people may ask for the same thing"
        return "same-text", "the same text once greeting and signature are gone"
    if new.sender == trace.sender and len(added) <= CHASER and _reminds(new, added):
        return "sent-again", f"the same text with a reminder ({', '.join(sorted(added))})"
    return "veto", f"something-new: {', '.join(sorted(added))}"


def _reminds(new: Trace, added: frozenset[str]) -> bool:
    """Are the added words sentences of their own that name nothing and no trouble?"""
    if any(_means_something(word) for word in added):
        return False
    touched = [sentence for sentence in new.sentences if sentence & added]
    return added <= frozenset().union(*touched) and all(sentence <= added for sentence in touched)


def _one_matter(new: Trace, old: Known, policy: Policy) -> tuple[str, str] | None:
    """The same object or, for a call and a mail, the same place, with the same trouble: (rule or veto, words)."""
    trace = old.trace
    if new.me_too or trace.me_too or new.alert or trace.alert or new.at - trace.at > policy.matter_within:
        return None
    trouble, things, where = same_trouble(new, trace), shared_things(new, trace), shared_places(new, trace)
    crossing = (new.channel in PHONE) != (trace.channel in PHONE)
    if trouble is None or not (things or (crossing and where)):
        return None
    if not things and trouble not in OF_A_PLACE:
        return None
    rule = "call-and-mail" if crossing else "same-object"
    if max(len(new.words), len(trace.words)) > LONG:
        return "veto", "too-long: a long text may speak of more than one thing"
    if new.several or trace.several:
        return "veto", "second-matter: one of the two speaks of something else too"
    if more := new.strong - set(trace.topics) - BESIDE:
        return "veto", f"another-trouble: {', '.join(sorted(more))} too"
    if _asks(new) != _asks(trace):
        return "veto", "one asks for something, the other reports trouble"
    for kind, names in new.objects.items():
        if kind in trace.objects and not names & (trace.objects[kind] | things):
            return "veto", f"other-object: {', '.join(sorted(names))}"
        if kind in trace.objects and names - trace.objects[kind] - things:
            return "veto", f"names more: {', '.join(sorted(names - trace.objects[kind]))}"
    return rule, f"the same trouble ({trouble}) with {', '.join(sorted(things or where))}"


# Trouble that a place has once: two reports of it from one place in a day are one problem.
_OF_A_PLACE = "vpn server files badge scan internet wifi phone power temperature erp malware mail pos website camera attendance line"
OF_A_PLACE = frozenset(_OF_A_PLACE.split())


# Kinds of trouble that a report of another kind mentions by the way.
BESIDE = frozenset(("mail", "account", "files", "server"))


def _asks(trace: Trace) -> bool:
    return any(word.startswith(_ASKS) for word in trace.words)


Rule = Callable[[Trace, Known, Policy], "tuple[str, str] | None"]
RULES: tuple[Rule, ...] = (_text_again, _one_matter)


def _alert(new: Trace, pool: Sequence[Known], policy: Policy) -> Related:
    """A monitoring event: its key decides. A recovery ends the alert; what comes after is a new problem."""
    assert new.alert is not None
    key, state = new.alert.key, new.alert.state
    mine = [
        one for one in pool if one.trace.alert and one.trace.alert.key == key and one.trace.customer == new.customer
    ]
    if not mine:
        return Related("new", why=(f"alert: {key} is not known",))
    if "same-alert" not in policy.rules:
        return Related("new", why=(f"alert: {key}", "veto not-allowed: this desk does not join by same-alert"))
    last = max(mine, key=lambda one: (one.trace.at, one.trace.id))
    assert last.trace.alert is not None
    gap = new.at - last.trace.at
    told = f"same-alert: {key}"
    if last.trace.alert.state == "recovery":
        if state == "recovery" and gap <= policy.alert_within:
            return _joined(last, (told, "recovered again"))
        back = "after-recovery: the earlier one was over"
        near = gap <= policy.alert_within
        shown = (last.root,) if near else ()
        return Related("suggest" if near else "new", None, None, 0.5, shown, (f"alert: {key}", f"veto {back}"))
    if state == "problem" and gap > policy.alert_within:
        return Related(
            "suggest", None, None, 0.5, (last.root,), (f"alert: {key}", f"veto too-old: silent for {_span(gap)}")
        )
    if last.closed:
        return Related(
            "suggest", None, None, 0.5, (last.root,), (f"alert: {key}", "veto closed: the earlier ticket is over")
        )
    if state == "recovery" and gap > policy.pool_within:
        return Related("new", why=(f"alert: {key}", f"veto too-old: silent for {_span(gap)}"))
    return _joined(last, (told, "it recovered" if state == "recovery" else f"still in trouble, {_span(gap)} later"))


def _joined(old: Known, why: tuple[str, ...], also: tuple[str, ...] = ()) -> Related:
    shown = tuple(dict.fromkeys((old.root, *also)))[:SHOWN]
    return Related("same", old.trace.id, old.root, 1.0, shown, why)


def _span(gap: timedelta) -> str:
    minutes = int(gap.total_seconds() // 60)
    return (
        f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2_880 else f"{minutes // 1_440} days"
    )


# Suggestions ----------------------------------------------------------------------------------------------------


def _likeness(new: Trace, old: Trace, rarity: Rarity) -> float:
    """How much of what the rarer words of both say is said by both; a title's words count twice."""
    both = new.stems & old.stems
    if not both:
        return 0.0
    common = sum(rarity(stem) * (2 if stem in new.title or stem in old.title else 1) for stem in both)
    mine = sum(rarity(stem) * (2 if stem in new.title else 1) for stem in new.stems)
    theirs = sum(rarity(stem) * (2 if stem in old.title else 1) for stem in old.stems)
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
    added, lost = _difference(new, old)
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
    akin = _akin(new, old)
    points += {2: 2, 1: 1, 0: 0, -1: -3}[akin]
    if akin > 0:
        reasons.append("same kind of trouble" if akin == 2 else "trouble of a near kind")
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
    both = len(new.stems & old.stems)
    if brief:
        named = bool(new.things or new.places)
        return (both >= 3 and likeness >= 0.2) if named else (both >= 2 and likeness >= 0.1)
    return both >= 3 and likeness >= 0.05


LIKE, LIKE_LONG = (0.15, 0.3, 0.45, 0.6), (0.04, 0.08, 0.12, 0.2, 0.35)


def fuse(rankings: Sequence[tuple[float, Sequence[str]]]) -> tuple[str, ...]:
    """Reciprocal rank fusion: several orders of ids, each with its weight, into one, best first."""
    score: dict[str, float] = {}
    for weight, ranking in rankings:
        for place, one in enumerate(dict.fromkeys(ranking), 1):
            score[one] = score.get(one, 0.0) + weight / (FAR + place)
    return tuple(sorted(score, key=lambda one: -score[one]))


def _suggest(new: Trace, pool: Sequence[Known], rarity: Rarity, found: Sequence[str], why: tuple[str, ...]) -> Related:
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


def relate(
    new: Trace,
    pool: Sequence[Known],
    rarity: Rarity | None = None,
    found: Sequence[str] = (),
    policy: Policy | None = None,
) -> Related:
    """Compare a report with the pool of its customer's earlier ones."""
    policy = policy or Policy()
    if new.customer is None:
        return Related("new", why=("no customer: nothing to compare with",))
    if new.alert is not None:
        return _alert(new, pool, policy)
    told: list[str] = []
    vetoed: set[str] = set()
    found_same: list[tuple[Known, str, str]] = []
    for known in sorted(pool, key=lambda one: one.trace.at, reverse=True):
        said, veto = _judge(new, known, policy)
        if veto is not None:
            vetoed.add(known.root)
            told.append(f"veto {veto} ({known.trace.id})")
        elif said is not None:
            found_same.append((known, *said))
    chosen = next((one for one in found_same if one[1] in WHOLE or one[0].root not in vetoed), None)
    rest = _suggest(new, pool, rarity or rarity_of(pool), found, tuple(told[:SHOWN]))
    if chosen is None:
        return rest
    known, name, words = chosen
    return _joined(known, (f"{name}: {words}", *told[:SHOWN]), rest.candidates)


WHOLE = ("sent-again", "same-text")  # what a look-alike in the same ticket does not undo


def _judge(new: Trace, known: Known, policy: Policy) -> tuple[tuple[str, str] | None, str | None]:
    """The first rule that would join these two, with its words, and what undoes it."""
    for rule in RULES:
        said = rule(new, known, policy)
        if said is None:
            continue
        if said[0] == "veto":
            return None, said[1]
        if said[0] not in policy.rules:
            return None, f"not-allowed: this desk does not join by {said[0]}"
        return said, _vetoes(new, known, policy)
    return None, None


def rarity_of(pool: Sequence[Known]) -> Rarity:
    """How much a word says, from how few of the pool's reports have it."""
    count: dict[str, int] = {}
    for known in pool:
        for stem in known.trace.stems:
            count[stem] = count.get(stem, 0) + 1
    return rarity_from(count, len(pool))


def rarity_from(count: Mapping[str, int], reports: int) -> Rarity:
    def rarity(stem: str) -> float:
        few = count.get(stem, 0)
        return float(max(0.05, 1.0 - few / (reports + 4.0)) * (1.0 + 1.0 / (1.0 + few)))

    return rarity


def as_json(id: str, related: Related, wide: str | None) -> dict[str, object]:
    """One line of `presa relate`."""
    return {
        "id": id, "decision": related.decision, "of": related.of, "score": related.score, "wide": wide,
        "candidates": list(related.candidates), "why": list(related.why),
    }  # fmt: skip


def since(now: datetime, policy: Policy) -> datetime:
    """From when on the pool of a report is taken."""
    return now - policy.pool_within
