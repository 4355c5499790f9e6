"""Is this report about the same problem as an earlier one of the same customer?

Likeness alone decides nothing: the same words about another site, another host's alert or an alert after recovery are as
alike as a mail that is sent again. What decides is the object, the state and the age. `same` comes only from the short list
RULES, and any of the vetoes undoes it; everything else is at most suggested to a person. Each rule and veto that spoke
stands in `why`. Refuses to see another customer's reports, to look anything up and to merge what a person could not undo.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from routing.alert_marks import general, may_end, same_subject, told_apart
from routing.alerts import Alert
from routing.facts import PHONE, Trace
from routing.relate_compare import (
    CHASER,
    SHOWN,
    Known,
    Related,
    at_issue,
    difference,
    other_place,
    same_trouble,
    shared_places,
    shared_things,
    strictly_other,
    unexplained,
)
from routing.relate_policy import Policy
from routing.relate_suggest import Rarity, fuse, rarity_of, suggest

__all__ = ["Known", "Rarity", "Related", "as_json", "fuse", "relate", "since"]

LONG = 40  # content words: a longer text may speak of more than one thing
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
    if new.over != trace.over:
        return "recovered: one of the two says that it is over"
    return None


def _text_again(new: Trace, old: Known, policy: Policy) -> tuple[str, str] | None:
    """The same text, with at most a reminder added by the same sender: (rule or veto, words)."""
    trace = old.trace
    if new.me_too or trace.me_too or new.alert or trace.alert or new.at - trace.at > policy.again_within:
        return None
    if min(len(new.words), len(trace.words)) < 3:
        return None
    if (apart := _other_words(new, trace)) is not None:
        return apart if apart[1] else None
    if sum(new.denials) != sum(trace.denials) and not _one_text(new, trace):
        return "veto", "denied: one of the two says not"
    if new.several and not trace.several:
        return "veto", "second-matter: the text goes on to something else"
    if (other := _other_wording(new, trace)) is not None:
        return "veto", other
    if new.sender == trace.sender:
        if new.asks and not new.reminds and not new.things and new.at - trace.at > policy.order_within:
            return "veto", "asked-again: it tells of no trouble, and the same thing may be wanted twice"
        return "sent-again", "the same text once greeting and signature are gone"
    if not (at_issue(new, trace) or (shared_places(new, trace) and new.strong)):
        return DIFFERS, "nothing-named: two people may ask for the same thing"
    return "same-text", "the same text once greeting and signature are gone"


def _other_words(new: Trace, old: Trace) -> tuple[str, str] | None:
    """What one of the two says and the other does not; without words where they are two texts altogether."""
    if _one_text(new, old):
        added, lost = new.title - old.stems, old.title - new.stems  # the bodies are one
    else:
        added, lost = difference(new, old)
    if len(added) + len(lost) > max(CHASER, (len(new.words) + len(old.words)) // 4):
        return DIFFERS, ""
    if lost:
        return DIFFERS, f"replaced-word: {', '.join(sorted(lost))} -> {', '.join(sorted(added)) or 'nothing'}"
    return (DIFFERS, f"something-new: {', '.join(sorted(added))}") if added else None


def _one_text(new: Trace, old: Trace) -> bool:
    """Two mails that say the same in the same order."""
    written = new.channel not in PHONE and old.channel not in PHONE
    return written and new.fingerprint is not None and new.fingerprint == old.fingerprint


DIFFERS = "differs"  # a veto on one text, though what both tell of may still be one matter


def _other_wording(new: Trace, old: Trace) -> str | None:
    """The same words may say something else in another order, about another number, or over another quotation."""
    if new.channel in PHONE or old.channel in PHONE:
        return _other_part(new, old)
    if not _one_text(new, old):
        return "reordered: the same words, but not the same sentences"
    if new.quoted and old.quoted and new.quoted != old.quoted:
        return "quotes something else"
    return None


def _other_part(new: Trace, old: Trace) -> str | None:
    """Which one of several, and every word that tells of something else."""
    if apart := new.marks ^ old.marks:
        return f"other-number: {', '.join(sorted(apart))} in one of the two alone"
    if apart := unexplained(new, old):
        return f"told-by-one-alone: {', '.join(sorted(apart))}"
    return None


def _one_matter(new: Trace, old: Known, policy: Policy) -> tuple[str, str] | None:
    """The same object or, for a call and a mail, the same place, with the same trouble: (rule or veto, words)."""
    trace = old.trace
    if new.me_too or trace.me_too or new.alert or trace.alert or new.at - trace.at > policy.matter_within:
        return None
    trouble, things, where = same_trouble(new, trace), at_issue(new, trace), shared_places(new, trace)
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
    if new.codes and trace.codes and not new.codes & trace.codes:
        return "veto", f"other-code: {', '.join(sorted(new.codes))}, not {', '.join(sorted(trace.codes))}"
    if _asks(new) != _asks(trace):
        return "veto", "one asks for something, the other reports trouble"
    if (part := _other_part(new, trace)) is not None:
        return "veto", part
    if more_named := _names_more(new, trace, things):
        return "veto", more_named
    return rule, f"the same trouble ({trouble}) with {', '.join(sorted(things or where))}"


def _names_more(new: Trace, old: Trace, things: frozenset[str]) -> str | None:
    """What the new report names besides, so that it may speak of something else too. `things`: those that both name."""
    known = frozenset(part for place in old.places for part in place.split())
    if known and (also := sorted(place for place in new.places if known.isdisjoint(place.split()))):
        return f"names another place: {', '.join(also)}"
    if also := sorted(_beside(new, old, things)):
        return f"second-matter: {', '.join(also)} in a sentence of its own"
    for kind, names in new.objects.items():
        if kind in old.objects and not names & (old.objects[kind] | things):
            return f"other-object: {', '.join(sorted(names))}"
        if kind in old.objects and names - old.objects[kind] - things:
            return f"names more: {', '.join(sorted(names - old.objects[kind]))}"
    return None


def _beside(new: Trace, old: Trace, shared: frozenset[str]) -> frozenset[str]:
    """What the new report names and the old one does not, in a sentence that says nothing of what both name."""
    more = new.things - old.things - shared
    if not more:
        return more
    near = [sentence for sentence in new.sentences if sentence & shared]
    said = frozenset().union(*near) if near else frozenset()
    return frozenset(one for one in more if one not in said)


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
    if new.alert.host is None and general(new.alert.marks):
        latest = max(mine, key=lambda one: (one.trace.at, one.trace.id)).root
        return Related(
            "suggest", None, None, 0.5, (latest,), (f"alert: {key}", "veto other-mark: neither names anything")
        )
    mine.sort(key=lambda one: (one.trace.at, one.trace.id))
    last = _last_alike(new.alert, mine)
    if last is None:
        assert mine[-1].trace.alert is not None
        other = f"veto other-mark: {_other_mark(new.alert, mine[-1].trace.alert) or 'it may end more than one'}"
        return Related("suggest", None, None, 0.5, (mine[-1].root,), (f"alert: {key}", other))
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


def _last_alike(alert: Alert, mine: Sequence[Known]) -> Known | None:
    """The latest of one key that names the same things, or an end since then that may be its own. `mine`: in order of time."""
    return _ended(alert, mine) if alert.state == "recovery" else _going_on(alert, mine)


def _going_on(alert: Alert, mine: Sequence[Known]) -> Known | None:
    last = None
    placed = {one.root for one in mine if one.trace.alert and one.trace.alert.state == "problem"}
    for one in mine:
        kept = one.trace.alert
        assert kept is not None
        if last is not None and kept.state == "recovery":
            doubtful = one.root not in placed and may_end(alert.marks, kept.marks)
            last = one if one.root == last.root or doubtful else last
        elif _other_mark(alert, kept) is None:
            last = one
    return last


def _ended(alert: Alert, mine: Sequence[Known]) -> Known | None:
    """The problem that a recovery ends, if it can be but one; else the recovery that it repeats."""
    going: dict[str, Known] = {}
    again: Known | None = None
    for one in mine:
        kept = one.trace.alert
        assert kept is not None
        alike = _other_mark(alert, kept) is None
        if kept.state == "recovery":
            going.pop(one.root, None)
            again = one if alike else again
        else:
            again = None
            going.update({one.root: one} if alike else {})
    return next(iter(going.values())) if len(going) == 1 else again if not going else None


def _other_mark(alert: Alert, kept: Alert) -> str | None:
    """What one of two alerts of a key names and the other does not."""
    same_state = alert.state == kept.state
    if not same_state and alert.key.endswith("|") and not same_subject(alert.marks, kept.marks):
        return "the subjects differ"
    return told_apart(alert.marks, kept.marks, same_state)


def _joined(old: Known, why: tuple[str, ...], also: tuple[str, ...] = ()) -> Related:
    shown = tuple(dict.fromkeys((old.root, *also)))[:SHOWN]
    return Related("same", old.trace.id, old.root, 1.0, shown, why)


def _span(gap: timedelta) -> str:
    minutes = int(gap.total_seconds() // 60)
    return (
        f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2_880 else f"{minutes // 1_440} days"
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
    ended = [one.trace for one in pool if one.trace.over]
    for known in sorted(pool, key=lambda one: one.trace.at, reverse=True):
        said, veto = _judge(new, known, policy)
        if said is not None and veto is None and not new.over and _over_since(new, known.trace, ended):
            veto = "after-recovery: somebody wrote that it was over"
        if veto is not None:
            vetoed.add(known.root)
            told.append(f"veto {veto} ({known.trace.id})")
        elif said is not None:
            found_same.append((known, *said))
    chosen = next((one for one in found_same if one[1] in WHOLE or one[0].root not in vetoed), None)
    rest = suggest(new, pool, rarity or rarity_of(pool), found, tuple(told[:SHOWN]))
    if chosen is None:
        return rest
    known, name, words = chosen
    return _joined(known, (f"{name}: {words}", *told[:SHOWN]), rest.candidates)


def _over_since(new: Trace, old: Trace, ended: Sequence[Trace]) -> bool:
    """Did somebody write, after the old report and before this one, that the trouble with the same thing or place was over?"""
    return any(
        old.at <= one.at <= new.at
        and (shared_things(one, old) or (shared_places(one, old) and set(one.topics) & set(old.topics)))
        for one in ended
    )


WHOLE = ("sent-again", "same-text")  # what a look-alike in the same ticket does not undo


def _judge(new: Trace, known: Known, policy: Policy) -> tuple[tuple[str, str] | None, str | None]:
    """The first rule that would join these two, with its words, and what undoes it."""
    differs: str | None = None
    for rule in RULES:
        said = rule(new, known, policy)
        if said is None:
            continue
        if said[0] == DIFFERS:
            differs = said[1]
            continue
        if said[0] == "veto":
            return None, _vetoes(new, known, policy) or said[1]
        if said[0] not in policy.rules:
            return None, f"not-allowed: this desk does not join by {said[0]}"
        return said, _vetoes(new, known, policy)
    return None, differs


def as_json(id: str, related: Related, wide: str | None) -> dict[str, object]:
    """One line of `presa relate`."""
    return {
        "id": id, "decision": related.decision, "of": related.of, "score": related.score, "wide": wide,
        "candidates": list(related.candidates), "why": list(related.why),
    }  # fmt: skip


def since(now: datetime, policy: Policy) -> datetime:
    """From when on the pool of a report is taken."""
    return now - policy.pool_within
