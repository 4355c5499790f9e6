"""What a desk's file says of itself that is not so: references to nothing, tables with holes, queues nobody serves.

Each problem is one line with its place. Refuses to judge what the desk promises, and to look outside the file.
"""

from collections.abc import Callable, Iterable, Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

from gateway.settings import desk_rules, notation
from gateway.settings.desk_duty import layer_of
from gateway.settings.desk_holidays import country_days
from gateway.settings.desk_model import (
    DeskFile,
    HolidaySection,
    LayerSection,
    OnCallSection,
    OverrideSection,
    PlanSection,
)
from gateway.settings.source import Document, Loc
from ivr.prompts import TONGUES, recordable
from routing.desk import Kind

Problem = tuple[Loc, str, str, str]
"""Where, what was found, what was expected, what to do."""


def problems(file: DeskFile, document: Document) -> Iterator[str]:
    """Every broken reference and hole of a file whose shape is right, ready for ConfigError."""
    checks: tuple[Callable[[DeskFile], Iterator[Problem]], ...] = (
        _languages,
        _calendars,
        _kinds,
        _matrix,
        _plans,
        _promises,
        _updates,
        _escalations,
        _queues,
        _words,
        desk_rules.problems,
        _lives,
        _phone,
        _duty,
    )
    for check in checks:
        for loc, found, expected, todo in check(file):
            yield document.problem(loc, found, f"expected {expected}", todo)


def _unknown(loc: Loc, name: str, known: Iterable[str], what: str) -> Iterator[Problem]:
    names = list(known)
    if name not in names:
        listed = ", ".join(names) or "none at all"
        yield loc, f"there is no {what} {name!r}", f"one of {listed}", f"correct the name or add the {what}"


def _all_unknown(loc: Loc, given: Iterable[str], known: Iterable[str], what: str) -> Iterator[Problem]:
    names = list(known)
    for index, name in enumerate(given):
        yield from _unknown((*loc, index), name, names, what)


def time_zone(loc: Loc, zone: str) -> Iterator[Problem]:
    """Whether there is a zone of this name."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield loc, f"there is no time zone {zone!r}", "an IANA name such as Europe/Rome", "correct the name"


def _languages(file: DeskFile) -> Iterator[Problem]:
    yield from time_zone(("zone",), file.zone)
    main = file.languages[0]
    labelled: list[tuple[Loc, dict[str, str]]] = [(("name",), file.name)]
    labelled += [(("priorities", name), words) for name, words in file.priorities.items()]
    labelled += [(("kinds", kind, "label"), section.label) for kind, section in file.kinds.items()]
    labelled += [(("teams", name), words) for name, words in file.teams.items()]
    labelled += [(("levels", index, "label"), level.label) for index, level in enumerate(file.levels)]
    labelled += [(("queues", name, "label"), queue.label) for name, queue in file.queues.items()]
    labelled += [(("events", index, "label"), event.label) for index, event in enumerate(file.events)]
    for loc, words in labelled:
        if main not in words:
            yield loc, f"no words in {main!r}", "words in the desk's first language", f"add '{main}: ...'"
        yield from (problem for lang in words for problem in _unknown((*loc, lang), lang, file.languages, "language"))


def _calendars(file: DeskFile) -> Iterator[Problem]:
    for name, calendar in file.calendars.items():
        loc: Loc = ("calendars", name)
        if calendar.zone is not None:
            yield from time_zone((*loc, "zone"), calendar.zone)
        if calendar.holidays is not None:
            yield from _unknown((*loc, "holidays"), calendar.holidays, file.holidays, "list of holidays")
        if (calendar.holidays is None) != (calendar.hours.holiday is None):
            found = "'PH' and 'holidays' not together"
            yield (*loc, "hours"), found, "hours on holidays and a list of them, or neither", "add the other one"
        for day in calendar.special:
            try:
                notation.day(day)
            except ValueError:
                yield (*loc, "special", day), f"the day {day!r}", "a date such as 2026-12-24", "correct it"
    for name, holidays in file.holidays.items():
        for index, holiday in enumerate(holidays):
            yield from _holiday(("holidays", name, index), holiday)


def _holiday(loc: Loc, holiday: HolidaySection) -> Iterator[Problem]:
    given = [name for name in ("on", "easter", "base") if getattr(holiday, name) is not None]
    if len(given) != 1:
        found = " and ".join(repr(name) for name in given) or "neither 'on' nor 'easter'"
        yield loc, found, "one of 'on', 'easter' and 'base'", "write one: on: 12-25, or easter: 1, or base: IT"
    elif holiday.base is None and (not holiday.name or holiday.without):
        yield loc, "a day without a name, or with 'without'", "a name", "write the holiday's name alone"
    elif holiday.base is not None:
        yield from _base(loc, holiday)


def _base(loc: Loc, holiday: HolidaySection) -> Iterator[Problem]:
    if not 1970 <= holiday.since <= holiday.until <= holiday.since + 60:
        yield loc, "a base without its years", "at most sixty, such as 2026 to 2035", "write since: 2026, until: 2035"
        return
    try:
        days = country_days(holiday)
    except ValueError as error:
        yield (*loc, "base"), str(error), "a country such as IT, or IT-MI", "correct it"
        return
    known = {word for _, month, day, name in days for word in (f"{month:02d}-{day:02d}", *name.split("; "))}
    for index, word in enumerate(holiday.without):
        if word not in known:
            yield (*loc, "without", index), f"no holiday {word!r}", "a day such as 12-26, or a name", "correct it"


def _kinds(file: DeskFile) -> Iterator[Problem]:
    for kind, section in file.kinds.items():
        yield from _all_unknown(("kinds", kind, "priorities"), section.priorities, file.priorities, "priority")
    yield from _unknown(("default", "kind"), file.default.kind, file.kinds, "kind")
    section_of_default = file.kinds.get(file.default.kind)
    if section_of_default is not None:
        known = section_of_default.priorities
        yield from _unknown(("default", "priority"), file.default.priority, known, f"priority of {file.default.kind}")
    for channel, kinds in file.channel_kinds.items():
        yield from _all_unknown(("channel_kinds", channel), kinds, file.kinds, "kind")


def _matrix(file: DeskFile) -> Iterator[Problem]:
    if file.matrix is None:
        return
    for impact, cells in file.matrix.impact.items():
        loc: Loc = ("matrix", "impact", impact)
        yield from _columns(loc, len(cells), file.matrix.urgency)
        yield from _all_unknown(loc, cells, file.priorities, "priority")


def _columns(loc: Loc, cells: int, columns: list[str]) -> Iterator[Problem]:
    if cells != len(columns):
        expected = f"{len(columns)}: {', '.join(columns)}"
        yield loc, f"a row of {cells} cells", expected, "fill the hole" if cells < len(columns) else "remove the rest"


def _plans(file: DeskFile) -> Iterator[Problem]:
    hours = (*file.calendars, "24x7")
    for name, plan in file.plans.items():
        loc: Loc = ("plans", name)
        yield from _unknown((*loc, "calendar"), plan.calendar, hours, "calendar")
        for region, calendar in plan.calendar_by_region.items():
            yield from _unknown((*loc, "calendar_by_region", region), calendar, hours, "calendar")
        if plan.stands_on is not None:
            bases = [other for other, section in file.plans.items() if not section.add_on]
            yield from _unknown((*loc, "stands_on"), plan.stands_on, bases, "plan that is no add-on")
        if plan.stands_on is not None and not plan.add_on:
            yield (*loc, "stands_on"), "a plan that is no add-on", "no 'stands_on'", "add 'add_on: true' or remove it"
        for key, instead in plan.substitutes.items():
            pairs, wrong = _row((*loc, "substitutes", key), key, file)
            yield from wrong
            for kind, _ in pairs:
                known = file.kinds[kind].priorities
                yield from _unknown((*loc, "substitutes", key), instead, known, f"priority of {kind}")
        yield from _plan_on_call((*loc, "on_call"), plan, file)


def _plan_on_call(loc: Loc, plan: PlanSection, file: DeskFile) -> Iterator[Problem]:
    rule = plan.on_call
    if rule is None:
        return
    if file.on_call is None:
        yield loc, "a plan with on-call", "a desk with an 'on_call' section", "add people, a rota and a policy"
    yield from _unknown((*loc, "outside"), rule.outside, file.calendars, "calendar")
    yield from _all_unknown((*loc, "priorities"), rule.priorities, file.priorities, "priority")
    yield from _all_unknown((*loc, "kinds"), rule.kinds, file.kinds, "kind")
    yield from _all_unknown((*loc, "languages"), rule.languages, file.languages, "language")


def _row(loc: Loc, key: str, file: DeskFile) -> tuple[list[tuple[Kind, str]], list[Problem]]:
    try:
        return notation.row(key, {kind: section.priorities for kind, section in file.kinds.items()}), []
    except ValueError as error:
        expected, _, todo = str(error).partition("; ")
        return [], [(loc, f"the row {key!r}", expected, todo or "correct it")]


def _promises(file: DeskFile) -> Iterator[Problem]:
    table = file.promises
    yield from _all_unknown(("promises", "columns"), table.columns, file.plans, "plan")
    for name in file.plans:
        if name not in table.columns:
            yield ("promises", "columns"), f"no column for the plan {name}", "one for each plan", f"add {name}"
    seen: dict[tuple[str, str], str] = {}
    for key, targets in table.rows.items():
        loc: Loc = ("promises", "rows", key)
        pairs, wrong = _row(loc, key, file)
        yield from wrong
        for pair in pairs:
            if pair in seen:
                found = f"{' '.join(pair)} for the second time"
                yield loc, found, f"one row for it (it is in {seen[pair]!r})", "remove one"
            seen[pair] = key
        for target, cells in targets.items():
            yield from _columns((*loc, target), len(cells), table.columns)
    for kind, section in file.kinds.items():
        for priority in section.priorities:
            heir = kind == "event" and ("incident", priority) in seen
            if (kind, priority) not in seen and not heir:
                found = f"no row for {kind} {priority}"
                yield ("promises", "rows"), found, "a row for each kind and priority", f"add '{kind} {priority}: {{}}'"


def _updates(file: DeskFile) -> Iterator[Problem]:
    if file.updates is None:
        return
    yield from _all_unknown(("updates", "columns"), file.updates.columns, file.plans, "plan")
    for key, cells in file.updates.rows.items():
        loc: Loc = ("updates", "rows", key)
        yield from _row(loc, key, file)[1]
        yield from _columns(loc, len(cells), file.updates.columns)


def _escalations(file: DeskFile) -> Iterator[Problem]:
    table = file.escalations
    if table is not None:
        named = {name for names in table.matrix.values() for name in names if name}
        for name, telling in table.told_by.items():
            loc: Loc = ("escalations", "told_by", name)
            yield from _unknown(loc, name, sorted(named), "name in the matrix")
            if telling.channel == "page" and file.on_call is None:
                yield loc, "a page", "a desk with an 'on_call' section", "add people, a rota and a policy"
        for name, queue in table.goes_to.items():
            yield from _unknown(("escalations", "goes_to", name), name, sorted(named), "name in the matrix")
            yield from _unknown(("escalations", "goes_to", name), queue, file.queues, "queue")
    if table is None:
        return
    steps = len(next(iter(table.after.values())))
    columns = [f"step {number + 1}" for number in range(steps)]
    for plan, after in table.after.items():
        yield from _unknown(("escalations", "after", plan), plan, file.plans, "plan")
        yield from _columns(("escalations", "after", plan), len(after), columns)
    for priority, names in table.matrix.items():
        yield from _unknown(("escalations", "matrix", priority), priority, file.priorities, "priority")
        yield from _columns(("escalations", "matrix", priority), len(names), columns)


def _queues(file: DeskFile) -> Iterator[Problem]:
    levels = [level.id for level in file.levels]
    for name, queue in file.queues.items():
        loc: Loc = ("queues", name)
        if queue.level is not None:
            yield from _unknown((*loc, "level"), queue.level, levels, "level")
        if not queue.served_by:
            yield (*loc, "served_by"), "a queue nobody serves", "at least one team", "name a team or remove the queue"
        yield from _all_unknown((*loc, "served_by"), queue.served_by, file.teams, "team")
        yield from _unknown((*loc, "hours"), queue.hours, (*file.calendars, "24x7"), "calendar")
    yield from _unknown(("fallback_queue",), file.fallback_queue, file.queues, "queue")
    for index, route in enumerate(file.routes):
        here: Loc = ("routes", index)
        yield from _unknown((*here, "queue"), route.queue, file.queues, "queue")
        yield from _all_unknown((*here, "kinds"), route.kinds, file.kinds, "kind")
        yield from _all_unknown((*here, "priorities"), route.priorities, file.priorities, "priority")
        yield from _all_unknown((*here, "plans"), route.plans, file.plans, "plan")


def _words(file: DeskFile) -> Iterator[Problem]:
    for index, rule in enumerate(file.screening):
        loc: Loc = ("screening", index)
        if rule.priority is None and rule.kind is None:
            yield loc, "words that speak for nothing", "a priority or a kind", "add one"
        if rule.priority is not None:
            yield from _unknown((*loc, "priority"), rule.priority, file.priorities, "priority")
        if rule.kind is not None:
            yield from _unknown((*loc, "kind"), rule.kind, file.kinds, "kind")
    for index, event in enumerate(file.events):
        yield from _unknown(("events", index, "priority"), event.priority, file.priorities, "priority")


def _lives(file: DeskFile) -> Iterator[Problem]:
    for kind, life in file.lives.items():
        loc: Loc = ("lives", kind)
        yield from _unknown(loc, kind, file.kinds, "kind")
        yield from _unknown((*loc, "start"), life.start, life.moves, "state")
        for state, following in life.moves.items():
            yield from _all_unknown((*loc, "moves", state), following, life.moves, "state")
        if life.expires is not None:
            yield from _unknown((*loc, "expires", "state"), life.expires.state, life.moves, "state")
            following = life.moves.get(life.expires.state, [])
            yield from _unknown((*loc, "expires", "to"), life.expires.to, following, "state that may follow")


def _phone(file: DeskFile) -> Iterator[Problem]:
    phone = file.phone
    if phone is None:
        return
    yield from _unknown(("phone", "hours"), phone.hours, (*file.calendars, "24x7", "never"), "calendar")
    if phone.agent_hours is not None:
        yield from _unknown(("phone", "agent_hours"), phone.agent_hours, (*file.calendars, "24x7"), "calendar")
    for key, language in phone.languages.items():
        loc: Loc = ("phone", "languages", _as_written(key))
        yield from _key(loc, key)
        yield from _unknown(loc, language, file.languages, "language")
    for key, priority in phone.severities.items():
        loc = ("phone", "severities", _as_written(key))
        yield from _key(loc, key)
        yield from _unknown(loc, priority, file.priorities, "priority")
    yield from _all_unknown(("phone", "pages"), phone.pages, file.priorities, "priority")
    if phone.maintenance_key is not None:
        yield from _key(("phone", "maintenance_key"), phone.maintenance_key)
        if phone.maintenance_key in phone.severities:
            found = f"the key {phone.maintenance_key} with two meanings"
            yield ("phone", "maintenance_key"), found, "a key of its own", "choose another"
    for key in phone.menu:
        yield from _key(("phone", "menu", _as_written(key)), key)
    for language, prompts in phone.prompts.items():
        yield from _unknown(("phone", "prompts", language), language, file.languages, "language")
        for prompt in prompts:
            loc = ("phone", "prompts", language, prompt)
            yield from _unknown(loc, prompt, TONGUES["en"].words, "prompt")
            if not recordable(prompt):
                found = f"a recording of {prompt}, which is always spoken"
                yield loc, found, "a prompt that is the same in every call", "remove it"
    if phone.callbacks is not None and phone.callbacks.from_hour >= phone.callbacks.to_hour:
        loc = ("phone", "callbacks", "to_hour")
        yield loc, f"{phone.callbacks.to_hour}", "an hour after from_hour", "correct one of the two"


def _as_written(key: str) -> str | int:
    return int(key) if key.isdecimal() else key


def _key(loc: Loc, key: str) -> Iterator[Problem]:
    # 0, 9, star and hash mean the same everywhere: a person, call me back, again, done.
    if key not in set("12345678"):
        yield loc, f"the key {key!r}", "one of 1 to 8", "choose another"


def _duty(file: DeskFile) -> Iterator[Problem]:
    section = file.on_call
    if section is None:
        return
    for name, person in section.people.items():
        if person.zone is not None:
            yield from time_zone(("on_call", "people", name, "zone"), person.zone)
        if person.number is not None and not _is_number(person.number):
            loc = ("on_call", "people", name, "number")
            yield loc, f"the number {person.number!r}", "a valid one such as +390212345678", "write it in full"
    for name, rota in section.rotas.items():
        for index, layer in enumerate(rota.layers):
            yield from _layer(("on_call", "rotas", name, "layers", index), layer, section, file.zone)
        for index, override in enumerate(rota.overrides):
            yield from _span(("on_call", "rotas", name, "overrides", index), override, section)
    for index, absence in enumerate(section.absences):
        here: Loc = ("on_call", "absences", index)
        yield from _span(here, absence, section)
        if absence.substitute is not None:
            yield from _unknown((*here, "substitute"), absence.substitute, section.people, "person")
    yield from _all_unknown(("on_call", "no_escalation_to"), section.no_escalation_to, file.queues, "queue")
    yield from _policy(section)


def _layer(loc: Loc, layer: LayerSection, section: OnCallSection, zone: str) -> Iterator[Problem]:
    yield from _all_unknown((*loc, "people"), layer.people, section.people, "person")
    if layer.zone is not None:
        yield from time_zone((*loc, "zone"), layer.zone)
    try:
        layer_of(layer, zone)
    except ValueError as error:
        yield loc, str(error), "turns that can be taken", "correct the layer"


def _span(loc: Loc, span: OverrideSection, section: OnCallSection) -> Iterator[Problem]:
    yield from _unknown((*loc, "person"), span.person, section.people, "person")
    if span.end <= span.start:
        yield (*loc, "end"), "an end before the start", "an end after the start", "correct one of the two"


def _policy(section: OnCallSection) -> Iterator[Problem]:
    for index, step in enumerate(section.policy.steps):
        loc: Loc = ("on_call", "policy", "steps", index)
        if sum(one is not None for one in (step.rota, step.person, step.level, step.manager)) != 1:
            yield loc, "a step", "either a rota or a person, a level or a manager", "name one of them"
        if step.level is not None:
            yield from _unknown((*loc, "level"), step.level, section.levels, "level with a rota")
        if step.manager is not None:
            yield from _unknown((*loc, "manager"), step.manager, section.managers, "manager")
        if step.rota is not None:
            yield from _unknown((*loc, "rota"), step.rota, section.rotas, "rota")
        if step.person is not None:
            yield from _unknown((*loc, "person"), step.person, section.people, "person")
    yield from _all_unknown(("on_call", "policy", "fallback"), section.policy.fallback, section.people, "person")
    for level, rota in section.levels.items():
        yield from _unknown(("on_call", "levels", level), rota, section.rotas, "rota")
    for manager, person in section.managers.items():
        yield from _unknown(("on_call", "managers", manager), person, section.people, "person")


def _is_number(text: str) -> bool:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return False
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_valid_number(number) and text == e164
