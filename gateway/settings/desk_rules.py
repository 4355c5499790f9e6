"""The rules of a desk's file and who can be given its tickets: sections to values, what is wrong in them, and the tests that
stand beside the rules.

A test is a made-up report that goes through the very decision that real ones go through. Refuses to run anything at start:
`presa check` does.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from gateway.settings.desk_model import (
    ConditionSection,
    DeskFile,
    RouteSection,
    RuleSection,
    RuleTestSection,
    WorkerSection,
)
from gateway.settings.source import Document, Loc
from identity.people import Recognition
from routing import decide
from routing.decide import Decision, Report
from routing.desk import Desk, Route, Worker
from routing.rules import LATE, Rule, RuleTest
from routing.signs import SIGNS

Problem = tuple[Loc, str, str, str]
AT = datetime(2026, 1, 14, 10, tzinfo=UTC)  # a working Wednesday: when the reports of the tests come


def rule(section: RuleSection) -> Rule:
    then = section.then
    return Rule(
        section.name, _facts(section.when), _facts(section.unless), then.kind, then.priority, then.points, then.queue,
        tuple(then.marks), tuple(then.facts),
    )  # fmt: skip


def _facts(section: ConditionSection) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name in (one for one in ConditionSection.model_fields if one in section.model_fields_set):
        value: Any = getattr(section, name)
        if isinstance(value, bool):
            found[name] = frozenset(("yes" if value else "no",))
        elif value:
            found[name] = (
                frozenset(" ".join(one.lower().split()) for one in value) if name == "words" else frozenset(value)
            )
    return found


def route(section: RouteSection) -> Route:
    return Route(
        section.queue, frozenset(section.kinds), frozenset(section.priorities), frozenset(section.plans),
        frozenset(section.reasons), frozenset(section.regions), frozenset(section.languages), frozenset(section.channels),
        frozenset(section.facts), frozenset(section.products),
    )  # fmt: skip


def worker(login: str, section: WorkerSection) -> Worker:
    return Worker(
        login, section.name, frozenset(section.teams), frozenset(section.skills), frozenset(section.languages),
        frozenset(section.regions), frozenset(section.customers), section.substitute, section.most,
        frozenset(section.products),
    )  # fmt: skip


# What is wrong --------------------------------------------------------------------------------------------------


def problems(file: DeskFile) -> Iterator[Problem]:
    """Names that the rules, tests and staff use and the desk does not know."""
    names: set[str] = set()
    for index, one in enumerate(file.rules):
        loc: Loc = ("rules", index)
        if one.name in names:
            yield (*loc, "name"), f"a second rule «{one.name}»", "a name of its own", "rename one of the two"
        names.add(one.name)
        yield from _conditions((*loc, "when"), one.when, file)
        yield from _conditions((*loc, "unless"), one.unless, file)
        yield from _action(loc, one, file)
    for index, test in enumerate(file.rule_tests):
        yield from _test(("rule_tests", index), test, file, names)
    yield from _screening(file)
    yield from _staff(file)


def _screening(file: DeskFile) -> Iterator[Problem]:
    for name in file.severity:
        yield from _one(("severity", name), name, file.priorities, "priority")
    for kind in file.asks:
        yield from _one(("asks", kind), kind, file.kinds, "kind")
    for plan_id, plan in file.plans.items():
        if plan.highest is not None:
            yield from _one(("plans", plan_id, "highest"), plan.highest, file.priorities, "priority")
    if {"impact", "urgency"} & set(file.commands) and file.matrix is None:
        yield ("commands",), "impact or urgency", "a desk with a 'matrix'", "add the matrix or remove the command"


def _staff(file: DeskFile) -> Iterator[Problem]:
    for login, someone in file.staff.items():
        yield from _all(("staff", login, "teams"), someone.teams, file.teams, "team")
        yield from _all(("staff", login, "languages"), someone.languages, file.languages, "language")
        if someone.substitute is not None:
            yield from _one(("staff", login, "substitute"), someone.substitute, file.staff, "member of the staff")
    for name, queue in file.queues.items():
        if queue.assign != "pull" and not any(set(queue.served_by) & set(one.teams) for one in file.staff.values()):
            found = f"'{queue.assign}' for a queue without staff"
            yield ("queues", name, "assign"), found, "somebody of its teams under 'staff'", "add one, or write pull"


def _conditions(loc: Loc, section: ConditionSection, file: DeskFile) -> Iterator[Problem]:
    yield from _all((*loc, "signs"), section.signs, sorted(SIGNS), "sign")
    yield from _all((*loc, "kinds"), section.kinds, file.kinds, "kind")
    yield from _all((*loc, "priorities"), section.priorities, file.priorities, "priority")
    yield from _all((*loc, "plans"), section.plans, file.plans, "plan")


def _action(loc: Loc, section: RuleSection, file: DeskFile) -> Iterator[Problem]:
    then = section.then
    if not then.model_fields_set - {"points"}:
        yield (*loc, "then"), "a rule that adds nothing", "a kind, priority, queue, marks or facts", "add one"
    for name, given, known in (
        ("kind", then.kind, file.kinds), ("priority", then.priority, file.priorities), ("queue", then.queue, file.queues),
    ):  # fmt: skip
        if given is not None:
            yield from _one((*loc, "then", name), given, known, name)
    late = LATE & (_facts(section.when).keys() | _facts(section.unless).keys())
    if late and (then.kind or then.priority):
        found = f"a vote of a rule that asks for {', '.join(sorted(late))}"
        yield (
            (*loc, "then"),
            found,
            "marks, facts or a queue: the votes are counted by then",
            "remove the vote or the condition",
        )


def _test(loc: Loc, test: RuleTestSection, file: DeskFile, names: set[str]) -> Iterator[Problem]:
    report, expect = test.report, test.expect
    if report.plan is not None:
        yield from _one((*loc, "report", "plan"), report.plan, file.plans, "plan")
    if expect.queue is not None:
        yield from _one((*loc, "expect", "queue"), expect.queue, file.queues, "queue")
    yield from _all((*loc, "expect", "fired"), expect.fired, sorted(names), "rule")
    yield from _all((*loc, "expect", "not_fired"), expect.not_fired, sorted(names), "rule")
    if not expect.model_fields_set:
        yield (*loc, "expect"), "a test that expects nothing", "a kind, priority, queue, marks or fired", "add one"


def _one(loc: Loc, name: str, known: Iterable[str], what: str) -> Iterator[Problem]:
    names = list(known)
    if name not in names:
        listed = ", ".join(names) or "none at all"
        yield loc, f"there is no {what} {name!r}", f"one of {listed}", f"correct the name or add the {what}"


def _all(loc: Loc, given: Iterable[str], known: Iterable[str], what: str) -> Iterator[Problem]:
    names = list(known)
    for index, name in enumerate(given):
        yield from _one((*loc, index), name, names, what)


# Tests ----------------------------------------------------------------------------------------------------------


def tests(file: DeskFile, document: Document) -> tuple[RuleTest, ...]:
    return tuple(_read(section, document.where(("rule_tests", n))) for n, section in enumerate(file.rule_tests))


def _read(section: RuleTestSection, where: str) -> RuleTest:
    report = {name: str(value) for name, value in section.report.model_dump(exclude_none=True).items()}
    expect = {
        name: frozenset((value,) if isinstance(value, str) else value)
        for name, value in section.expect.model_dump(exclude_none=True, exclude_unset=True).items()
    }
    return RuleTest(where, report, expect)


def failures(desk: Desk) -> Iterator[str]:
    """Each test that does not hold, as ``file:line:column: what was expected; what came; what to do``."""
    for test in desk.rule_tests:
        decision = _decided(test, desk)
        for name, wanted in test.expect.items():
            came = _came(name, decision)
            holds = not wanted & came if name == "not_fired" else wanted <= came
            if not holds:
                got = ", ".join(sorted(came)) or "nothing"
                asked = ", ".join(sorted(wanted)) or "nothing"
                why = "; ".join(
                    line for line in decision.evidence if line.startswith(("rule:", "priority:", "kind:", "queue:"))
                )
                yield f"{test.where}: {name} {asked} was expected; it is {got} ({why}); correct the rule or the test"


def _came(name: str, decision: Decision) -> frozenset[str]:
    match name:
        case "fired" | "not_fired":
            return frozenset(
                line.partition("«")[2].partition("»")[0]
                for line in decision.evidence
                if line.startswith("rule:") and "» fired" in line
            )
        case "marks":
            return frozenset(decision.marks)
        case _:
            return frozenset((str(getattr(decision, name)),))


def _decided(test: RuleTest, desk: Desk) -> Decision:
    said: dict[str, Any] = dict(test.report)
    plan, verified = said.get("plan"), said["verified"] == "True"
    who = Recognition(
        said["customer"] if plan else None, None, "certain" if plan else "unknown", bool(plan) and verified, True, None, plan,
        desk=desk.id if plan else None, region=said.get("region"), language=said.get("language"),
    )  # fmt: skip
    report = Report(
        said["channel"], AT, said["subject"], said["text"], said.get("kind"), said.get("priority"), said.get("language"),
        said["automatic"] == "True", product=said.get("product"),
    )  # fmt: skip
    return decide.decide(report, who, desk)
