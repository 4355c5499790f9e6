"""A desk's YAML file -> the frozen values that routing decides by; or ConfigError naming file, line and column.

Everything that can be wrong is found here, at start: shape (``desk_model``), references (``desk_checks``). Refuses to
know any desk: what is special about one is in its file.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.settings import desk_checks, desk_holidays, desk_model, desk_rules, notation, source
from gateway.settings.desk_duty import on_call
from gateway.settings.desk_model import DeskFile, PlanSection
from gateway.settings.notation import Cell
from routing import calendars
from routing.calendars import Calendar
from routing.desk import (
    Agent,
    Allowance,
    CallbackRules,
    ClockRules,
    Desk,
    EscalationStep,
    EventRule,
    Kind,
    Level,
    Life,
    OnCallRule,
    PhoneRules,
    Plan,
    Queue,
    Target,
    WordRule,
)
from routing.relate_policy import Policy

Promised = dict[tuple[Kind, str], dict[Target, Allowance]]


def load_desk(path: Path) -> Desk:
    """The desk of one file. Raises ConfigError with every problem found, each as ``file:line:column: ...``."""
    return _read(source.load_yaml(path), Path(path).read_bytes().decode("utf-8-sig"))


def desk_from(text: str, name: str) -> Desk:
    """:func:`load_desk` of a text that was kept; ``name`` is what its problems are told under."""
    return _read(source.parse_yaml(text, name), text)


def _read(document: source.Document, text: str) -> Desk:
    file = source.validate(DeskFile, document)
    problems = tuple(desk_checks.problems(file, document))
    if problems:
        raise source.ConfigError(problems)
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return replace(build(file), version=version, source=text, rule_tests=desk_rules.tests(file, document))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a desk's file (draft 2020-12), for editors."""
    return desk_model.json_schema()


def unready(desk: Desk) -> tuple[str, ...]:
    """What must still be found out, for ``presa check``: placeholders, and people without a number."""
    return tuple(_unready(desk))


def unkept(desk: Desk, year: int) -> tuple[str, ...]:
    """Promises that a well-formed desk cannot keep, for ``presa check``: solar clocks that nobody watches at night, and
    holidays that nobody has written down for the year after ``year``."""
    return tuple(_unkept(desk, year))


def build(file: DeskFile) -> Desk:
    """The desk of a file whose references hold."""
    always = calendars.always()
    return Desk(
        id=file.id,
        name=file.name,
        languages=tuple(file.languages),
        zone=file.zone,
        ticket_prefix=file.ticket_prefix,
        calendars={**{name: _calendar(file, name) for name in file.calendars}, always.id: always},
        plans={name: _plan(file, name, plan) for name, plan in file.plans.items()},
        kinds={kind: tuple(section.priorities) for kind, section in file.kinds.items()},
        kind_labels={kind: section.label for kind, section in file.kinds.items()},
        priorities=file.priorities,
        default_kind=file.default.kind,
        default_priority=file.default.priority,
        matrix=_matrix(file),
        levels=tuple(Level(level.id, level.label) for level in file.levels),
        teams=file.teams,
        queues={
            name: Queue(
                name,
                queue.label,
                queue.level,
                tuple(queue.served_by),
                queue.hours,
                queue.assign,
                tuple(queue.skills),
                queue.restricted,
            )
            for name, queue in file.queues.items()
        },
        fallback_queue=file.fallback_queue,
        routes=tuple(map(desk_rules.route, file.routes)),
        precedence=file.precedence,
        days_from=file.days_from,
        channel_kinds={channel: frozenset(kinds) for channel, kinds in file.channel_kinds.items()},
        contacts_only=file.contacts_only,
        screening=tuple(WordRule(_lower(rule.words), rule.priority, rule.kind, rule.points) for rule in file.screening),
        events=tuple(EventRule(e.id, e.label, _lower(e.words), e.priority) for e in file.events),
        lives={kind: _life(file, kind) for kind in file.lives},
        phone=_phone(file),
        on_call=on_call(file.on_call, file.zone) if file.on_call else None,
        clocks=ClockRules(file.clocks.warn_at, file.clocks.close_after, file.clocks.reopen_within),
        relating=Policy(
            tuple(file.relating.join),
            file.relating.alert_within,
            file.relating.again_within,
            file.relating.matter_within,
            fault_within=file.relating.fault_within,
            fault_customers=file.relating.fault_customers,
        ),
        told_by=file.escalations.told_by if file.escalations else {},
        goes_to=file.escalations.goes_to if file.escalations else {},
        rules=tuple(map(desk_rules.rule, file.rules)),
        severity=file.severity,
        core_services=_lower(file.core_services),
        products={name: _lower(words) for name, words in file.products.items()},
        commands=frozenset(file.commands),
        asks={kind: tuple(wanted) for kind, wanted in file.asks.items()},
        staff={login: desk_rules.worker(login, one) for login, one in file.staff.items()},
        placeholders=(*file.placeholders, *(c.placeholder for c in file.calendars.values() if c.placeholder)),
    )


def _calendar(file: DeskFile, name: str) -> Calendar:
    section = file.calendars[name]
    on_holidays = section.hours.holiday
    holidays = file.holidays[section.holidays] if section.holidays and on_holidays is not None else []
    return Calendar(
        id=name,
        zone=section.zone or file.zone,
        week=section.hours.week,
        holidays=tuple(holiday for each in holidays for holiday in desk_holidays.of(each, on_holidays or ())),
        special={notation.day(day): hours.week[notation.day(day).weekday()] for day, hours in section.special.items()},
        label={file.languages[0]: section.label} if isinstance(section.label, str) else section.label or {},
    )


def _plan(file: DeskFile, name: str, plan: PlanSection) -> Plan:
    priorities = _priorities(file)
    usual, on_call_only, out_of_hours = _promises(file, name)
    return Plan(
        id=name,
        label=plan.label,
        calendar=plan.calendar,
        channels=frozenset(plan.channels),
        targets=usual,
        on_call_targets=on_call_only,
        out_of_hours_targets=out_of_hours,
        updates=_updates(file, name, usual),
        escalations=_escalations(file, name),
        substitutes={
            pair: instead for key, instead in plan.substitutes.items() for pair in notation.row(key, priorities)
        },
        on_call=_plan_on_call(plan),
        precedence=plan.precedence,
        add_on=plan.add_on,
        stands_on=plan.stands_on,
        calendar_by_region=plan.calendar_by_region,
        features=frozenset(plan.features),
        scope=_lower(plan.scope),
        highest=plan.highest,
    )


def _plan_on_call(plan: PlanSection) -> OnCallRule | None:
    rule = plan.on_call
    if rule is None:
        return None
    return OnCallRule(
        outside=rule.outside,
        priorities=frozenset(rule.priorities),
        pages_by=frozenset(rule.pages_by),
        kinds=frozenset(rule.kinds),
        languages=tuple(rule.languages),
        excluded_regions=frozenset(rule.excluded_regions),
        maintenance=rule.maintenance,
        pin=rule.pin,
        end_users=rule.end_users,
    )


def _priorities(file: DeskFile) -> dict[Kind, list[str]]:
    return {kind: section.priorities for kind, section in file.kinds.items()}


def _inherit(file: DeskFile, table: dict[tuple[Kind, str], Any]) -> None:
    """A monitoring event has what an incident of its priority has, unless a row speaks of it."""
    for priority in _priorities(file).get("event", ()):
        if ("event", priority) not in table and ("incident", priority) in table:
            table["event", priority] = table["incident", priority]


def _promises(file: DeskFile, plan: str) -> tuple[Promised, Promised, Promised]:
    """A plan's column of the table: as usual, through on-call, out of hours."""
    column = file.promises.columns.index(plan)
    usual: Promised = {}
    on_call_only: Promised = {}
    out_of_hours: Promised = {}
    for key, targets in file.promises.rows.items():
        cells: dict[Target, Cell] = {target: cells[column] for target, cells in targets.items()}
        for pair in notation.row(key, _priorities(file)):
            usual[pair] = {target: cell.usual for target, cell in cells.items() if cell.usual}
            if replaced := {target: cell.on_call for target, cell in cells.items() if cell.on_call}:
                on_call_only[pair] = replaced
            if replaced := {target: cell.out_of_hours for target, cell in cells.items() if cell.out_of_hours}:
                out_of_hours[pair] = replaced
    for table in (usual, on_call_only, out_of_hours):
        _inherit(file, table)
    return usual, on_call_only, out_of_hours


def _updates(file: DeskFile, plan: str, targets: Promised) -> dict[tuple[Kind, str], Allowance]:
    """A plan's cadence of news, in the calendar in which that priority is taken charge of."""
    if file.updates is None or plan not in file.updates.columns:
        return {}
    column = file.updates.columns.index(plan)
    cadences: dict[tuple[Kind, str], Allowance] = {}
    for key, cells in file.updates.rows.items():
        for pair in notation.row(key, _priorities(file)):
            cadence, taken = cells[column], targets.get(pair, {}).get("take_charge")
            if cadence is None:
                continue
            solar = cadence.unit == "business" and taken is not None and taken.unit == "solar"
            cadences[pair] = replace(cadence, unit="solar") if solar else cadence
    _inherit(file, cadences)
    return cadences


def _escalations(file: DeskFile, plan: str) -> dict[str, tuple[EscalationStep, ...]]:
    table = file.escalations
    if table is None or plan not in table.after:
        return {}
    return {
        priority: tuple(
            EscalationStep(to, after)
            for to, after in zip(names, table.after[plan], strict=True)
            if to is not None and after is not None
        )
        for priority, names in table.matrix.items()
    }


def _matrix(file: DeskFile) -> dict[tuple[str, str], str]:
    if file.matrix is None:
        return {}
    return {
        (impact, urgency): priority
        for impact, cells in file.matrix.impact.items()
        for urgency, priority in zip(file.matrix.urgency, cells, strict=True)
    }


def _life(file: DeskFile, kind: Kind) -> Life:
    life = file.lives[kind]
    moves = {state: tuple(following) for state, following in life.moves.items()}
    expires = life.expires
    return Life(kind, life.start, moves, expires.state if expires else None, expires.to if expires else None)


def _phone(file: DeskFile) -> PhoneRules | None:
    phone = file.phone
    if phone is None:
        return None
    calls = phone.callbacks
    return PhoneRules(
        languages=phone.languages,
        severities=phone.severities,
        page_priorities=frozenset(phone.pages),
        hours=None if phone.hours == "never" else phone.hours,
        record=phone.record,
        retention_days=phone.retention_days,
        pin_after_hours=phone.pin_after_hours,
        maintenance_key=phone.maintenance_key,
        callbacks=CallbackRules(
            tuple(calls.countries),
            frozenset(calls.types),
            calls.per_caller_per_hour,
            calls.per_target_per_hour,
            calls.per_day,
            calls.per_caller_per_day,
            calls.per_target_per_day,
            calls.costs,
            calls.money_per_day,
            calls.minutes,
            calls.tries,
            calls.rest_minutes,
            calls.give_up_days,
            calls.from_hour,
            calls.to_hour,
        )
        if calls
        else None,
        menu=phone.menu,
        greets=phone.greets,
        prompts=phone.prompts,
        music=phone.music,
        agents={name: Agent(name, one.name, one.number) for name, one in phone.agents.items()},
        wait_minutes=phone.wait_minutes,
        agent_hours=phone.agent_hours,
    )


def _lower(words: list[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)


def _unready(desk: Desk) -> Iterator[str]:
    yield from (f"desk {desk.id}: {placeholder}" for placeholder in desk.placeholders)
    if desk.on_call is not None:
        silent = [person.name for person in desk.on_call.people.values() if not person.number]
        yield from (f"desk {desk.id}: {name} is on call and has no number" for name in silent)


def _unkept(desk: Desk, year: int) -> Iterator[str]:
    watched = any(queue.hours == "24x7" for queue in desk.queues.values())
    for plan in desk.plans.values():
        on_duty = desk.on_call is not None and plan.on_call is not None
        if not watched and not on_duty and _solar(plan.targets, plan.out_of_hours_targets):
            yield f"desk {desk.id}: plan {plan.id} has a solar clock, and at night no queue (24x7) and no on-call"
        if not on_duty and plan.on_call_targets:
            yield f"desk {desk.id}: plan {plan.id} promises through on-call, and has none"
    for calendar in desk.calendars.values():
        if calendar.holidays and max(holiday.until for holiday in calendar.holidays) <= year:
            yield f"desk {desk.id}: calendar {calendar.id} knows no holidays after {year}; extend its list"


def _solar(*tables: Mapping[tuple[Kind, str], Mapping[Target, Allowance]]) -> bool:
    return any(a.unit == "solar" for table in tables for targets in table.values() for a in targets.values())
