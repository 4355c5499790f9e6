"""What happens now? One pure call: facts of a report in, a Decision with its evidence out.

Kind and priority come from what the customer said (keys, a form), the desk's words and rules (`routing.classify`); plan and
clocks from the contract; the queue from the desk's rules and routes; paging from the plan's on-call rule. Every rule that spoke
says so in `evidence`, and so does one that nearly did. Refuses to look anything up, to know a desk by name and to promise what
nobody verified.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from identity.people import Recognition
from routing import calendars, classify, products, sla
from routing.classify import Asked
from routing.desk import Channel, Desk, Kind, Plan, Route
from routing.lexicon import Hit
from routing.rules import Facts, missed
from routing.sla import Stamp

NOBODY_FITS = "no-route"  # a mark: no route of the desk fits, and somebody must know
WRITTEN = frozenset(
    ("ar", "de", "en", "es", "fr", "it", "pt")
)  # letters exist in these, whoever is at hand to speak them


@dataclass(frozen=True, slots=True)
class Report:
    """What reached us, as far as deciding needs it. `kind` and `priority`: as the customer gave them (keys, a form), else None.

    `marks`: reason codes found on the way (`unreadable`, ...). `pin`: this caller keyed the right PIN. `queue`: of the
    address it was sent to, before any route. `engineer`: whose own address that is; they are one of the desk all the same.
    `product`: as the customer typed it.
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
    product: str | None = None


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
    product: str | None = None  # what it is about


def decide(report: Report, who: Recognition, desk: Desk) -> Decision:
    """Everything that follows from a new report, in one value."""
    told: list[str] = []
    plan = desk.plans.get(who.plan or "") if who.desk == desk.id else None
    if who.plan and plan is None:
        told.append(f"plan: {who.plan} is of the desk {who.desk}, not of this one: no clock")
    hits = classify.read(report.subject, report.text, desk)
    add_on = _add_on(hits, who, desk, told) if plan else None
    product, named = products.product_of(desk, report.product, who.products, hits, f"{report.subject}\n{report.text}")
    screened = classify.screen(_asked(report, who, plan, add_on, hits, product), desk)
    kind, priority = screened.kind, screened.priority
    told += (*screened.told, *named)
    why_not = who.why_not or _kind_refused(report, who, desk, kind)
    if add_on and why_not == "channel-not-in-plan" and report.channel in add_on.channels:
        why_not = None
    marks = tuple(dict.fromkeys((*_marks(report, who, why_not, desk), *screened.marks)))
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
    elif screened.queue:
        told.append(f"queue: {screened.queue}, by a rule of the desk")
        queue, level = _queue(desk, screened.queue)
    else:
        facts = {**screened.facts, "plans": frozenset(filter(None, (covered,))), "reasons": frozenset(marks)}
        queue, fits = _route(desk, facts, told)
        queue, level = _queue(desk, queue)
        marks = marks if fits else (*marks, NOBODY_FITS)
    language = _language(report, who, desk)
    if language not in desk.languages:
        marks = (*marks, "language-best-effort")
    return Decision(
        kind, priority, covered, page, page, queue, level, language, marks, stamp, tuple(told), base, product
    )


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


def _asked(
    report: Report, who: Recognition, plan: Plan | None, add_on: Plan | None, hits: tuple[Hit, ...], product: str | None
) -> Asked:
    """The report and what is known around it, by the names that the desk's rules use."""
    plans = tuple(one for one in (add_on, plan) if one is not None)
    marks = (*report.marks, *who.marks, *((who.why_not,) if who.why_not else ()))
    facts = {
        "channels": _only(report.channel),
        "plans": frozenset([one.id for one in plans]),
        "customers": _only(who.customer),
        "regions": _only(who.region),
        "products": _only(product),
        "languages": _only(report.language or who.language),
        "reasons": frozenset(marks),
        "verified": _only("yes" if who.verified else "no"),
        "automatic": _only("yes" if report.automatic else "no"),
    }
    return Asked(report.text, report.kind, report.priority, facts, hits, who.verified, plans, report.automatic)


@lru_cache(maxsize=1_000)
def _only(value: str | None) -> frozenset[str]:
    return frozenset((value,)) if value else frozenset()


def _add_on(hits: Sequence[Hit], who: Recognition, desk: Desk, told: list[str]) -> Plan | None:
    """The customer's add-on whose scope this report is in: by the words of its scope."""
    for name in who.add_ons:
        add_on = desk.plans.get(name)
        if add_on is None or not add_on.add_on:
            continue
        found = next((hit.words for hit in hits if hit.sign == f"scope {name}"), None)
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


def _route(desk: Desk, facts: Facts, told: list[str]) -> tuple[str, bool]:
    """The first route whose every condition holds, else the fallback queue: never nowhere. Did one fit?"""
    nearly: list[str] = []
    for number, (queue, wanted) in enumerate(_wanted(desk), 1):
        lacking = [name for name, values in wanted.items() if values.isdisjoint(facts.get(name, ()))]
        if not lacking:
            told.append(f"queue: {queue}, by the desk's route {number}")
            told += nearly[-NEARLY:]
            return queue, True
        if len(lacking) == 1 and len(wanted) > 1:
            nearly.append(f"queue: nearly {queue}, by route {number}: {missed(lacking, (), wanted)}")
    told.append(f"queue: {desk.fallback_queue}, because no route fits")
    told += nearly[-NEARLY:]
    return desk.fallback_queue, not desk.routes


NEARLY = 2  # routes that nearly fitted and are told


def _wanted(desk: Desk) -> Sequence[tuple[str, Mapping[str, frozenset[str]]]]:
    """Each route's queue and its conditions by the names of facts; put together once for a desk."""
    found: Sequence[tuple[str, Mapping[str, frozenset[str]]]] | None = desk._terms.get(("routes",))
    if found is None:
        found = desk._terms["routes",] = tuple((route.queue, _conditions(route)) for route in desk.routes)
    return found


def _conditions(route: Route) -> Mapping[str, frozenset[str]]:
    wanted: Mapping[str, frozenset[str]] = {
        "kinds": frozenset(route.kinds), "priorities": route.priorities, "plans": route.plans, "reasons": route.reasons,
        "regions": route.regions, "languages": route.languages, "channels": route.channels, "facts": route.facts,
        "products": route.products,
    }  # fmt: skip
    return {name: values for name, values in wanted.items() if values}


def queue_by_rules(desk: Desk, kind: str, priority: str, plan: str | None, marks: tuple[str, ...]) -> str:
    """Where the desk's routes put a report of this kind: for a ticket of another desk that concerns this one too."""
    facts = {
        "kinds": frozenset((kind,)), "priorities": frozenset((priority,)), "plans": frozenset(filter(None, (plan,))),
        "reasons": frozenset(marks),
    }  # fmt: skip
    return _route(desk, facts, [])[0]


def _queue(desk: Desk, queue: str) -> tuple[str, str]:
    return queue, desk.queues[queue].level or desk.levels[0].id


def _language(report: Report, who: Recognition, desk: Desk) -> str:
    """The contact's or customer's language, else the report's own, if we can write it; else the desk's first."""
    for wanted in (who.language, report.language):
        if wanted in desk.languages or wanted in WRITTEN:
            return str(wanted)
    return desk.languages[0]
