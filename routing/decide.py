"""What happens now? One pure call: facts of a report in, a Decision with its evidence out.

Kind and priority come from what the customer said (keys, a form) or from the desk's own word rules; plan and clocks from the
contract; the queue from the desk's routes; paging from the plan's on-call rule. Every rule that spoke says so in `evidence`.
Refuses to look anything up, to know a desk by name and to promise what nobody verified.
"""

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from identity.people import Recognition
from routing import calendars, sla
from routing.desk import Channel, Desk, Kind, Plan
from routing.sla import Stamp

WRITTEN = frozenset(("ar", "de", "en", "es", "fr", "it", "pt"))  # letters exist in these, whoever is at hand to speak them


@dataclass(frozen=True, slots=True)
class Report:
    """What reached us, as far as deciding needs it. `kind` and `priority`: as the customer gave them (keys, a form), else None.

    `marks`: reason codes found on the way (`unreadable`, ...). `pin`: this caller keyed the right PIN. `queue`: of the
    address it was sent to, before any route. `engineer`: whose own address that is; they are one of the desk all the same.
    """

    channel: Channel
    received: datetime
    subject: str = ""
    text: str = ""
    kind: Kind | None = None
    priority: str | None = None
    language: str | None = None
    automatic: bool = False
    marks: tuple[str, ...] = ()
    pin: bool = False
    queue: str | None = None
    engineer: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What will be filed. `stamp` is None when no plan is known; `marks` are the reason codes a person should see."""

    kind: Kind
    priority: str
    plan: str | None
    via_on_call: bool
    page: bool
    queue: str
    level: str
    language: str
    marks: tuple[str, ...]
    stamp: Stamp | None
    evidence: tuple[str, ...]
    base_plan: str | None = None  # what `plan` stands on, when that is an add-on


def decide(report: Report, who: Recognition, desk: Desk) -> Decision:
    """Everything that follows from a new report, in one value."""
    told: list[str] = []
    plan = desk.plans.get(who.plan or "") if who.desk == desk.id else None
    if who.plan and plan is None:
        told.append(f"plan: {who.plan} is of the desk {who.desk}, not of this one: no clock")
    kind, priority = _classify(report, desk, told)
    why_not = who.why_not or _kind_refused(report, who, desk, kind)
    add_on = _add_on(report, who, desk, told) if plan else None
    if add_on and why_not == "channel-not-in-plan" and report.channel in add_on.channels:
        why_not = None
    marks = _marks(report, who, why_not, desk)
    page = _pages(report, who, plan, desk, kind, priority, why_not, told)
    stamp, base = None, None
    if plan is not None:
        plan, base = (add_on, plan.id) if add_on else (plan, None)
        stamp = sla.stamp(
            desk, plan=plan.id, base_plan=base, kind=kind, priority=priority, received=report.received, via_on_call=page,
            region=who.region,
        )  # fmt: skip
        told += [f"clock: {mark}" for mark in stamp.marks]
        if not who.verified and who.customer:
            told.append(f"clock: of the plan {plan.id}, provisionally, because the sender is not verified")
    covered = plan.id if plan else None
    if report.engineer:
        told.append(f"report: sent to {report.engineer}'s own address")
    if report.queue and report.queue in desk.queues:
        told.append(f"queue: {report.queue}, by the address it was sent to")
        queue, level = _queue(desk, report.queue)
    else:
        queue, level = _route(desk, kind, priority, covered, marks, told)
    language = _language(report, who, desk)
    if language not in desk.languages:
        marks = (*marks, "language-best-effort")
    return Decision(kind, priority, covered, page, page, queue, level, language, marks, stamp, tuple(told), base)


def unread(desk: Desk, reason: str) -> Decision:
    """For a report that could not be read or judged: the desk's defaults and its fallback queue, where a person looks.

    Depends on nothing that may have failed; the desk's references were checked at start."""
    queue, level = _queue(desk, desk.fallback_queue)
    allowed = desk.kinds[desk.default_kind]
    priority = desk.default_priority if desk.default_priority in allowed else allowed[-1]
    told = (f"queue: {queue}, because nobody but a person can judge this report",)
    return Decision(
        desk.default_kind, priority, None, False, False, queue, level, desk.languages[0], (reason,), None, told
    )


def _classify(report: Report, desk: Desk, told: list[str]) -> tuple[Kind, str]:
    """What the customer chose wins; then the first of the desk's word rules; then the desk's defaults."""
    words = f"{report.subject}\n{report.text}".lower()
    kind, priority = report.kind, report.priority
    if kind:
        told.append(f"kind: {kind}, as the customer chose")
    if priority:
        told.append(f"priority: {priority}, as the customer chose")
    runs = _runs(words)
    for rule in () if kind and priority else desk.screening:
        found = _first_word(rule.words, words, runs)
        if found is None:
            continue
        if rule.kind and not kind:
            kind = rule.kind
            told.append(f"kind: {kind}, because of the words «{found}»")
        if rule.priority and not priority:
            priority = rule.priority
            told.append(f"priority: {priority}, because of the words «{found}»")
    if not kind:
        kind = desk.default_kind
        told.append(f"kind: {kind}, the desk's default")
    allowed = desk.kinds[kind]
    if priority not in allowed:
        if priority:
            told.append(f"priority: {priority} is none of this kind's ({', '.join(allowed)})")
        priority = desk.default_priority if desk.default_priority in allowed else allowed[-1]
        told.append(f"priority: {priority}, the desk's default")
    return kind, priority


_RUN = re.compile(rb"[0-9a-z_]+")
_APART = bytes(byte if _RUN.match(bytes([byte])) else 0x20 for byte in range(256))


def _runs(text: str) -> Set[bytes]:
    """Every run of ASCII letters and digits in a text in lower case; other letters part them, in a phrase likewise.

    bytes.translate needs a third of the time that findall would."""
    return set(text.encode(errors="replace").translate(_APART).split())


def _first_word(words: tuple[str, ...], text: str, runs: Set[bytes]) -> str | None:
    """`runs`: see `_runs`. A phrase whose first run is none of them is nowhere in the text, so that most texts cost no
    search."""
    pattern, heads = _pattern(words)
    if heads and runs.isdisjoint(heads):
        return None
    found = pattern.search(text)
    return found.group(0) if found else None


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> tuple[re.Pattern[str], frozenset[bytes]]:
    """Whole words, longest first; \\s+ so that a line break inside a phrase does not hide it. With the first run of each,
    if all have one."""
    ordered = sorted(words, key=len, reverse=True)
    pattern = re.compile(
        r"(?<!\w)(?:" + "|".join(r"\s+".join(map(re.escape, word.split())) for word in ordered) + r")(?!\w)"
    )
    heads = [_RUN.search(word.lower().encode()) for word in words]
    return pattern, frozenset() if None in heads else frozenset(head[0] for head in heads if head)


def _kind_refused(report: Report, who: Recognition, desk: Desk, kind: Kind) -> str | None:
    """What recognition could not know yet: may this person ask for this kind, and through this channel?"""
    if who.customer is None:
        return None
    if who.grants and kind not in who.grants:
        return "kind-not-granted"
    only = desk.channel_kinds.get(report.channel)
    return "kind-not-by-channel" if only and kind not in only else None


def _marks(report: Report, who: Recognition, why_not: str | None, desk: Desk) -> tuple[str, ...]:
    marks = list(report.marks)
    if who.customer is None:
        marks.append(why_not or "unknown-customer")
    else:
        marks += [mark for mark in ("" if who.verified else "unverified", why_not, *who.marks) if mark]
    if report.language and report.language not in desk.languages:
        marks.append("language-best-effort")
    return tuple(dict.fromkeys(marks))


def _add_on(report: Report, who: Recognition, desk: Desk, told: list[str]) -> Plan | None:
    """The customer's add-on whose scope this report is in: by the words of its scope."""
    words = f"{report.subject}\n{report.text}".lower() if who.add_ons else ""
    for name in who.add_ons:
        add_on = desk.plans.get(name)
        if add_on is None or not add_on.add_on:
            continue
        found = _first_word(add_on.scope, words, _runs(words)) if add_on.scope else None
        if found:
            told.append(f"plan: {name} over {who.plan}, because of the words «{found}»")
            return add_on
    return None


def _pages(
    report: Report, who: Recognition, plan: Plan | None, desk: Desk, kind: Kind, priority: str, why_not: str | None,
    told: list[str],
) -> bool:  # fmt: skip
    """Does this ring the on-call engineer? Each condition that fails says so."""
    rule = plan.on_call if plan else None
    if plan is None or rule is None or desk.on_call is None:
        return False
    hours = not calendars.is_open(desk.calendars[rule.outside], report.received)
    proven = report.pin if report.channel == "phone" and rule.pin else who.verified
    speaks = report.language or who.language
    refusals: Iterable[tuple[bool, str]] = (
        (hours, f"it is within the hours of {rule.outside}"),
        (priority in rule.priorities, f"{priority} does not page on {plan.id}"),
        (kind in rule.kinds, f"{kind} does not page"),
        (report.channel in rule.pages_by, f"{report.channel} does not page"),
        (not report.automatic or report.channel == "event", "the mail is automatic"),
        (proven, "the caller gave no PIN" if report.channel == "phone" else "the sender is not verified"),
        (why_not is None, f"not entitled: {why_not}"),
        (
            not rule.languages or speaks is None or speaks in rule.languages,
            f"the duty speaks {', '.join(rule.languages)} only",
        ),
        (who.region is None or who.region not in rule.excluded_regions, f"the region {who.region} has no duty"),
        (rule.end_users or "end-user" not in who.marks, "the caller is an end user"),
        ("restricted" not in who.marks, "only the permitted staff may serve this customer"),
    )
    for holds, reason in refusals:
        if not holds:
            told.append(f"page: no, because {reason}")
            return False
    told.append(f"page: yes, {priority} on {plan.id} outside the hours of {rule.outside}")
    return True


def _route(
    desk: Desk, kind: str, priority: str, plan: str | None, marks: tuple[str, ...], told: list[str]
) -> tuple[str, str]:
    """The first route whose every condition holds, else the fallback queue: never nowhere."""
    for number, route in enumerate(desk.routes, 1):
        holds = (
            (not route.kinds or kind in route.kinds)
            and (not route.priorities or priority in route.priorities)
            and (not route.plans or plan in route.plans)
            and (not route.reasons or bool(route.reasons.intersection(marks)))
        )
        if holds:
            told.append(f"queue: {route.queue}, by the desk's route {number}")
            return _queue(desk, route.queue)
    told.append(f"queue: {desk.fallback_queue}, because no route fits")
    return _queue(desk, desk.fallback_queue)


def queue_by_rules(desk: Desk, kind: str, priority: str, plan: str | None, marks: tuple[str, ...]) -> str:
    """Where the desk's routes put a report of this kind: for a ticket of another desk that concerns this one too."""
    return _route(desk, kind, priority, plan, marks, [])[0]


def _queue(desk: Desk, queue: str) -> tuple[str, str]:
    return queue, desk.queues[queue].level or desk.levels[0].id


def _language(report: Report, who: Recognition, desk: Desk) -> str:
    """The contact's or customer's language, else the report's own, if we can write it; else the desk's first."""
    for wanted in (who.language, report.language):
        if wanted in desk.languages or wanted in WRITTEN:
            return str(wanted)
    return desk.languages[0]
