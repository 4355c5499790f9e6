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


@dataclass(frozen=True, slots=True)
class Report:
    """What reached us, as far as deciding needs it. `kind` and `priority`: as the customer gave them (keys, a form), else None.

    `marks`: reason codes found on the way (`unreadable`, ...). `pin`: this caller keyed the right PIN.
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


def decide(report: Report, who: Recognition, desk: Desk) -> Decision:
    """Everything that follows from a new report, in one value."""
    told: list[str] = []
    plan = desk.plans.get(who.plan or "") if who.desk == desk.id else None
    if who.plan and plan is None:
        told.append(f"plan: {who.plan} is of the desk {who.desk}, not of this one: no clock")
    kind, priority = _classify(report, desk, told)
    marks = _marks(report, who)
    page = _pages(report, who, plan, desk, kind, priority, told)
    stamp = None
    if plan is not None:
        stamp = sla.stamp(desk, plan=plan.id, kind=kind, priority=priority, received=report.received, via_on_call=page)
        told += [f"clock: {mark}" for mark in stamp.marks]
        if not who.verified and who.customer:
            told.append(f"clock: of the plan {plan.id}, provisionally, because the sender is not verified")
    covered = plan.id if plan else None
    queue, level = _route(desk, kind, priority, covered, marks, told)
    language = _language(report, who, desk)
    return Decision(kind, priority, covered, page, page, queue, level, language, marks, stamp, tuple(told))


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
    runs = set(_RUN.findall(words))
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


_RUN = re.compile(r"\w+")


def _first_word(words: tuple[str, ...], text: str, runs: Set[str]) -> str | None:
    """`runs`: every run of letters and digits in the text. A phrase whose first run is none of them is nowhere in it, so
    that most texts cost no search."""
    pattern, heads = _pattern(words)
    if heads and runs.isdisjoint(heads):
        return None
    found = pattern.search(text)
    return found.group(0) if found else None


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> tuple[re.Pattern[str], frozenset[str]]:
    """Whole words, longest first; \\s+ so that a line break inside a phrase does not hide it. With the first run of each,
    if all have one."""
    ordered = sorted(words, key=len, reverse=True)
    pattern = re.compile(
        r"(?<!\w)(?:" + "|".join(r"\s+".join(map(re.escape, word.split())) for word in ordered) + r")(?!\w)"
    )
    heads = [_RUN.search(word) for word in words]
    return pattern, frozenset() if None in heads else frozenset(head[0] for head in heads if head)


def _marks(report: Report, who: Recognition) -> tuple[str, ...]:
    marks = list(report.marks)
    if who.customer is None:
        marks.append(who.why_not or "unknown-customer")
    else:
        marks += [mark for mark in ("" if who.verified else "unverified", who.why_not) if mark]
    return tuple(dict.fromkeys(marks))


def _pages(
    report: Report, who: Recognition, plan: Plan | None, desk: Desk, kind: Kind, priority: str, told: list[str]
) -> bool:
    """Does this ring the on-call engineer? Each condition that fails says so."""
    rule = plan.on_call if plan else None
    if plan is None or rule is None or desk.on_call is None:
        return False
    hours = not calendars.is_open(desk.calendars[rule.outside], report.received)
    proven = report.pin if report.channel == "phone" and rule.pin else who.verified
    refusals: Iterable[tuple[bool, str]] = (
        (hours, f"it is within the hours of {rule.outside}"),
        (priority in rule.priorities, f"{priority} does not page on {plan.id}"),
        (kind in rule.kinds, f"{kind} does not page"),
        (report.channel in rule.pages_by, f"{report.channel} does not page"),
        (not report.automatic or report.channel == "event", "the mail is automatic"),
        (proven, "the caller gave no PIN" if report.channel == "phone" else "the sender is not verified"),
        (who.why_not is None, f"not entitled: {who.why_not}"),
    )
    for holds, why_not in refusals:
        if not holds:
            told.append(f"page: no, because {why_not}")
            return False
    told.append(f"page: yes, {priority} on {plan.id} outside the hours of {rule.outside}")
    return True


def _route(
    desk: Desk, kind: Kind, priority: str, plan: str | None, marks: tuple[str, ...], told: list[str]
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


def _queue(desk: Desk, queue: str) -> tuple[str, str]:
    return queue, desk.queues[queue].level or desk.levels[0].id


def _language(report: Report, who: Recognition, desk: Desk) -> str:
    """The contact's or customer's language, else the report's own, if the desk speaks it; else the desk's first."""
    for wanted in (who.language, report.language):
        if wanted in desk.languages:
            return str(wanted)
    return desk.languages[0]
