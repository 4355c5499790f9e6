"""What kind of report is this, and how urgent: from what the customer chose, the desk's words and rules, and what words say.

Votes, each with its evidence. The customer's own choice wins; else the most urgent priority that has votes enough, so that
"quando potete" never hides "siamo fermi"; words never reach above what the plan allows. Denied words count for nothing, and
that is told. Refuses to lower in silence what anybody chose.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from routing import rules
from routing.desk import KINDS, Desk, Kind, Plan
from routing.lexicon import Hit, Lexicon
from routing.products import SIGN as PRODUCT
from routing.signs import BAD, KIND_OF, LEAST, PHRASES, TELLS, TOUCHED, WEIGHTS, WIDE, WORST

ENOUGH = 2  # points from which a vote counts
DESK_WORDS = 3
TROUBLE: frozenset[Kind] = frozenset(("incident", "event", "problem"))  # kinds that words say the severity of
_COMMAND = re.compile(r"#(priority|kind|impact|urgency)[ \t:=]+([\w-]+)", re.IGNORECASE)
_SECOND_ITEM = re.compile(r"\n2[.)] ?\S")
_FIRST_ITEM = re.compile(r"(?:^|\n)1[.)] ?\S")


@dataclass(frozen=True, slots=True)
class Asked:
    """A report and what is known around it. `facts`: names and values for the desk's rules. `hits`: what `read` found.
    `trusted`: its sender may give commands. `plans`: what covers it, an add-on first. `quiet`: no person wrote it."""

    text: str
    kind: Kind | None
    priority: str | None
    facts: Mapping[str, frozenset[str]]
    hits: Sequence[Hit] = ()
    trusted: bool = False
    plans: Sequence[Plan] = ()
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Screened:
    """What a report is. `facts`: everything that is known of it now, for the desk's routes."""

    kind: Kind
    priority: str
    queue: str | None
    marks: tuple[str, ...]
    facts: Mapping[str, frozenset[str]]
    told: tuple[str, ...]


def read(subject: str, text: str, desk: Desk) -> tuple[Hit, ...]:
    """The phrases of a report that anything at this desk asks for."""
    return lexicon(desk).find(f"{subject}\n{text}".lower()) if subject or text else ()


def screen(asked: Asked, desk: Desk) -> Screened:
    """Kind, priority and what the desk's rules add."""
    told: list[str] = []
    given_kind, given_priority = _given(asked, desk, told)
    hits = asked.hits
    said = {hit.sign: hit.words for hit in hits if not hit.denied}
    signs = frozenset(sign for sign in said if sign in PHRASES or sign == "core")
    facts = {**asked.facts, "signs": signs, "words": frozenset(hit.words for hit in hits if not hit.denied)}
    early = rules.apply(desk.rules, facts, late=False)
    kind = given_kind or _kind(desk, said, early.fired, told)
    priority = _priority(desk, kind, given_priority, said, early.fired, asked.plans, told)
    told += _denied(hits, said)
    facts |= {"kinds": frozenset((kind,)), "priorities": frozenset((priority,))}
    late = rules.apply(desk.rules, facts, late=True)
    fired = (*early.fired, *late.fired)
    marks = [mark for rule in fired for mark in rule.marks]
    if not asked.quiet:
        marks += _missing(desk, kind, said, asked.text)
        if "several" in signs or ("\n2" in asked.text and _listed(asked.text)):
            marks.append("several-problems")
            told.append(f"report: speaks of several problems: «{said.get('several', 'a numbered list')}»")
    shown = sorted(signs - TELLING)
    if shown:
        told.append("sign: " + ", ".join(f"{sign} «{said[sign]}»" for sign in shown))
    told += [f"fact: {fact}" for fact in sorted(facts.get("facts", ()))]
    queue = next((rule.queue for rule in fired if rule.queue), None)
    return Screened(kind, priority, queue, tuple(dict.fromkeys(marks)), facts, (*told, *early.told, *late.told))


def _listed(text: str) -> bool:
    return bool(_SECOND_ITEM.search(text) and _FIRST_ITEM.search(text))


TELLING = frozenset((*TELLS.values(), "several", "asks-information", "asks-service", "asks-access", "asks-change"))


def lexicon(desk: Desk) -> Lexicon:
    """The house's phrases, the desk's own, and those of its rules; made once for a desk."""
    found: Lexicon | None = desk._terms.get(("lexicon",))
    if found is None:
        phrases = [(phrase, sign) for sign, listed in PHRASES.items() for phrase in listed.split("|")]
        phrases += [(word, f"screening {n}") for n, rule in enumerate(desk.screening) for word in rule.words]
        phrases += [(word, "core") for word in desk.core_services]
        phrases += [
            (word, f"{PRODUCT}{name}") for name, words in desk.products.items() for word in (name.lower(), *words)
        ]
        phrases += [(word, f"scope {plan.id}") for plan in desk.plans.values() for word in plan.scope]
        for one in desk.rules:
            words = one.when.get("words", frozenset()) | one.unless.get("words", frozenset())
            phrases += [(word, "rule") for word in sorted(words)]
        found = desk._terms["lexicon",] = Lexicon(phrases)
    return found


def _given(asked: Asked, desk: Desk, told: list[str]) -> tuple[Kind | None, str | None]:
    """What the customer chose: keys, a form, or commands in the first line where the desk allows them."""
    kind, priority = asked.kind, asked.priority
    if kind:
        told.append(f"kind: {kind}, as the customer chose")
    if priority:
        told.append(f"priority: {priority}, as the customer chose")
    if not desk.commands or "#" not in asked.text[:200]:
        return kind, priority
    first = asked.text.lstrip().partition("\n")[0]
    typed = {name.lower(): value for name, value in _COMMAND.findall(first)} if first.startswith("#") else {}
    if typed and not asked.trusted:
        told.append("priority: a command in the mail is not followed, because the sender is not verified")
        return kind, priority
    typed = {name: value for name, value in typed.items() if name in desk.commands}
    named = _known(typed.get("priority", ""), desk.priorities)
    if {"impact", "urgency"} <= typed.keys():
        named = named or desk.matrix.get((typed["impact"].lower(), typed["urgency"].lower()))
    if named and not priority:
        priority = named
        told.append(f"priority: {priority}, by a command in the mail's first line")
    wanted = _known(typed.get("kind", ""), desk.kinds)
    if wanted and not kind:
        kind = next(one for one in desk.kinds if one == wanted)
        told.append(f"kind: {kind}, by a command in the mail's first line")
    for name in typed.keys() - {"impact", "urgency"}:
        if not (named if name == "priority" else wanted):
            told.append(f"{name}: the command #{name} {typed[name]} names nothing that this desk knows")
    return kind, priority


def _known(name: str, names: Mapping[str, object] | Mapping[Kind, object]) -> str | None:
    return next((str(one) for one in names if str(one).lower() == name.lower()), None) if name else None


def _kind(desk: Desk, said: Mapping[str, str], fired: Sequence[rules.Rule], told: list[str]) -> Kind:
    """The kind with the most points; of equals the one that is trouble."""
    if not said and not fired:
        told.append(f"kind: {desk.default_kind}, the desk's default")
        return desk.default_kind
    votes: dict[str, list[tuple[int, str]]] = {}
    for number, rule in enumerate(desk.screening):
        if rule.kind and (words := said.get(f"screening {number}")):
            votes.setdefault(rule.kind, []).append((rule.points, f"because of the words «{words}»"))
    for sign, (kind, points) in KIND_OF.items():
        if sign in said:
            votes.setdefault(kind, []).append((points, f"because of the words «{said[sign]}»"))
    for one in fired:
        if one.kind:
            votes.setdefault(one.kind, []).append((one.points, f"by the rule «{one.name}»"))
    total = {kind: max(points for points, _ in votes[kind]) for kind in KINDS if kind in votes and kind in desk.kinds}
    best = max(total, key=lambda kind: total[kind], default=None)  # KINDS begins with incident
    if best is None or total[best] < ENOUGH:
        told.append(f"kind: {desk.default_kind}, the desk's default")
        return desk.default_kind
    told.append(f"kind: {best}, {max(votes[best])[1]}")
    return best


def _priority(
    desk: Desk, kind: Kind, given: str | None, said: Mapping[str, str], fired: Sequence[rules.Rule], plans: Sequence[Plan],
    told: list[str],
) -> str:  # fmt: skip
    allowed = desk.kinds[kind]
    if given in allowed:
        return str(given)
    if given:
        told.append(f"priority: {given} is none of this kind's ({', '.join(allowed)})")
    default = desk.default_priority if desk.default_priority in allowed else allowed[-1]
    if not said and not fired:
        told.append(f"priority: {default}, the desk's default")
        return default
    points: dict[str, int] = {}
    why: dict[str, list[str]] = {}
    for number, rule in enumerate(desk.screening):
        if rule.priority and (words := said.get(f"screening {number}")):
            points[rule.priority] = points.get(rule.priority, 0) + rule.points
            why.setdefault(rule.priority, []).append(f"because of the words «{words}»")
    for one in fired:
        if one.priority:
            points[one.priority] = points.get(one.priority, 0) + one.points
            why.setdefault(one.priority, []).append(f"by the rule «{one.name}»")
    weighed, words, near = _severity(desk, kind, said)
    if weighed:
        points[weighed] = points.get(weighed, 0) + ENOUGH
        why.setdefault(weighed, []).append(words)
    capped = [one for one in allowed if points.get(one, 0) >= ENOUGH]
    if capped and (over := _above(capped[0], allowed, kind, plans)):
        told.append(f"priority: not {capped[0]}, which the plan does not have: {over}")
        return over
    if not capped:
        told.append(f"priority: {default}, the desk's default")
        told += near
        return default
    told.append(f"priority: {capped[0]}, {'; '.join(why[capped[0]])}")
    told += near if weighed == capped[0] else []
    return capped[0]


def _severity(desk: Desk, kind: Kind, said: Mapping[str, str]) -> tuple[str | None, str, list[str]]:
    """The priority by how bad the words say it is, with the sum in words, and what it nearly was."""
    counted = [(sign, weight) for sign, weight in WEIGHTS.items() if sign in said]
    if "stopped" in said:
        counted = [(sign, weight) for sign, weight in counted if sign != "degraded"]
    counted += [(sign, WIDE if n == 0 else 1) for n, sign in enumerate(one for one in TOUCHED if one in said)][:2]
    if not counted or kind not in TROUBLE:
        return None, "", []
    allowed = desk.kinds[kind]
    scale = desk.severity or {allowed[-1]: LEAST, allowed[min(1, len(allowed) - 1)]: BAD, allowed[0]: WORST}
    total = sum(weight for _, weight in counted)
    added = ", ".join(f"{sign} «{said[sign]}» {weight:+d}" for sign, weight in counted)
    steps = [(one, scale[one]) for one in allowed if one in scale]
    reached = [one for one, need in steps if (total >= need if need > 0 else total <= need)]
    missed = [
        f"priority: nearly {one}: {total} of {need} points ({added})" for one, need in steps if 0 < need - total <= 2
    ]
    return (reached[0] if reached else None), f"by what it says ({added} = {total})", missed[:1]


def _above(priority: str, allowed: Sequence[str], kind: Kind, plans: Sequence[Plan]) -> str | None:
    """What a plan gives instead of a priority that words ask for and it does not have; None: it may be."""
    for plan in plans:
        if plan.highest and plan.highest in allowed and allowed.index(priority) < allowed.index(plan.highest):
            return plan.highest
        if (instead := plan.substitutes.get((kind, priority))) is not None:
            return instead
        if (kind, priority) in plan.targets:
            return None
    return None


def _denied(hits: Sequence[Hit], said: Mapping[str, str]) -> list[str]:
    """Words that would have counted, had they not been denied."""
    lost = dict.fromkeys(
        hit.words
        for hit in hits
        if hit.denied and hit.sign not in said and hit.sign not in TELLING and hit.sign != "trouble"
    )
    return [f"priority: «{words}» is denied in the text and counts for nothing" for words in lost][:3]


def _missing(desk: Desk, kind: Kind, said: Mapping[str, str], text: str) -> list[str]:
    """What the desk asks for in a report of this kind and did not find: for the first answer."""
    wanted = desk.asks.get(kind, ())
    return [f"lacks-{one}" for one in wanted if one not in TELLS or TELLS[one] not in said] if text else []
