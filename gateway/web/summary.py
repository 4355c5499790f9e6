"""A desk as tables, from its configuration alone: what it promises to whom, when it is open, who is told, who does what.

The same tables as the document that the desk was written from, so that the two can be laid side by side. Refuses to know
any desk, to read a file and to say anything that the configuration does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from gateway.web.labels import mark as _
from gateway.web.phrases import Say
from routing import calendars
from routing.allowances import written
from routing.calendars import Calendar, Period
from routing.desk import TARGETS, Allowance, Desk, EscalationStep, Kind, Plan, Target

NOTE = _(
    "In the plan's opening hours unless solar. BE: best effort. NBD: end of the next business day. N/A: not in the plan."
)
DAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
Cells = tuple[tuple[Target, tuple[str, ...]], ...]
"""(target, a cell for each plan) of one kind and priority."""
NOTHING = "N/A"
NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its head and its cells; lines of one `group` stand together under its name."""

    head: str
    cells: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: `columns` without the first one, whose heads are the rows' own."""

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A desk's tables; `placeholders` are facts that somebody must still find out."""

    id: str
    name: str
    zone: str
    languages: tuple[str, ...]
    version: str
    placeholders: tuple[str, ...]
    sheets: tuple[Sheet, ...]


def summary(desk: Desk, language: str, say: Say, label: Callable[[str], str], year: int) -> Summary:
    """The tables in the reader's language; holidays of `year` and the next."""
    tell = _Teller(desk, language, say, label)
    made = (
        tell.matrix(), tell.promises(), tell.updates(), tell.escalations(), tell.clocks(), tell.plans(), tell.hours(),
        tell.holidays(year), tell.queues(), tell.events(), *tell.lives(),
    )  # fmt: skip
    return Summary(
        desk.id,
        tell.words(desk.name),
        desk.zone,
        tuple(label(one) for one in desk.languages),
        desk.version,
        desk.placeholders,
        tuple(sheet for sheet in made if sheet is not None and sheet.rows),
    )


class _Teller:
    """Says one desk in one language."""

    def __init__(self, desk: Desk, language: str, say: Say, label: Callable[[str], str]) -> None:
        self._desk = desk
        self._language = language
        self._say = say
        self._label = label
        self._plans = tuple(desk.plans.values())

    def words(self, known: Mapping[str, str]) -> str:
        return known.get(self._language) or known.get(self._desk.languages[0]) or next(iter(known.values()), "")

    def priority(self, priority: str) -> str:
        named = self.words(self._desk.priorities.get(priority, {}))
        return f"{priority} {named}".strip() if named and named != priority else priority

    def matrix(self) -> Sheet | None:
        impacts = tuple(dict.fromkeys(impact for impact, _urgency in self._desk.matrix))
        urgencies = tuple(dict.fromkeys(urgency for _impact, urgency in self._desk.matrix))
        return Sheet(
            self._say(_("Priority by impact and urgency")),
            self._say(_("impact \\ urgency")),
            tuple(self._label(urgency) for urgency in urgencies),
            tuple(
                Row(
                    self._label(impact),
                    tuple(self.priority(self._desk.matrix[impact, urgency]) for urgency in urgencies),
                )
                for impact in impacts
            ),
        )

    def promises(self) -> Sheet:
        return Sheet(
            self._say(_("Promises")),
            self._say(_("Target")),
            tuple(plan.label for plan in self._plans),
            tuple(self._promises()),
            self._say(NOTE),
        )

    def _promises(self) -> Iterator[Row]:
        """Kinds with the same promises are one group, and so are their priorities."""
        kinds: dict[tuple[str, Cells], list[Kind]] = {}
        for kind, priorities in self._desk.kinds.items():
            for priority in priorities:
                cells = tuple(
                    (target, tuple(self._cell(plan, (kind, priority), target) for plan in self._plans))
                    for target in TARGETS
                    if any(target in plan.targets.get((kind, priority), {}) for plan in self._plans)
                )
                kinds.setdefault((priority, cells), []).append(kind)
        groups: dict[tuple[tuple[Kind, ...], Cells], list[str]] = {}
        for (priority, cells), named in kinds.items():
            groups.setdefault((tuple(named), cells), []).append(priority)
        for (named_, cells), priorities_ in groups.items():
            head = self._head(named_, priorities_)
            yield from (Row(self._label(target), row, head) for target, row in cells)
            if not cells:
                yield Row(self._say(_("any target")), (NOTHING,) * len(self._plans), head)

    def _head(self, kinds: Sequence[Kind], priorities: Sequence[str]) -> str:
        """The kinds, and the priorities unless they are all that these kinds may have."""
        named = self._kinds(kinds)
        if all(set(priorities) == set(self._desk.kinds[kind]) and len(priorities) > 1 for kind in kinds):
            return named
        return f"{named} · {', '.join(map(self.priority, priorities))}"

    def _kinds(self, kinds: Sequence[Kind]) -> str:
        if len(kinds) == len(self._desk.kinds) > 1:
            return self._say(_("Every kind"))
        named = ", ".join(self.words(self._desk.kind_labels[kind]) for kind in kinds)
        return named[:1].upper() + named[1:]

    def _cell(self, plan: Plan, key: tuple[Kind, str], target: Target) -> str:
        usual = plan.targets.get(key, {}).get(target)
        said = [written(usual) if usual else NOTHING]
        for table, when in (
            (plan.on_call_targets, _("through on-call")),
            (plan.out_of_hours_targets, _("out of hours")),
        ):
            instead = table.get(key, {}).get(target)
            if instead is not None:
                said.append(f"{written(instead)} {self._say(when)}")
        if key in plan.substitutes:
            said.append(self._say(_("as %(priority)s")) % {"priority": self.priority(plan.substitutes[key])})
        return "; ".join(said)

    def updates(self) -> Sheet:
        kinds: dict[tuple[str, tuple[str, ...]], list[Kind]] = {}
        for kind, priority in dict.fromkeys(key for plan in self._plans for key in plan.updates):
            cells = tuple(self._cadence(plan, (kind, priority)) for plan in self._plans)
            kinds.setdefault((priority, cells), []).append(kind)
        return Sheet(
            self._say(_("News to the customer, from the action plan on")),
            self._say(_("Every")),
            tuple(plan.label for plan in self._plans),
            tuple(Row(self._head(named, [priority]), cells) for (priority, cells), named in kinds.items()),
        )

    def _cadence(self, plan: Plan, key: tuple[Kind, str]) -> str:
        every = plan.updates.get(key)
        if every is None:
            return self._say(_("as the plan below it")) if plan.add_on else NONE
        return self._say(_("each business day")) if every == Allowance("days", 1) else written(every)

    def escalations(self) -> Sheet:
        """A column for each step, a row for each priority; plans that tell the same people are one group."""
        groups: dict[tuple[tuple[str, tuple[str, ...]], ...], list[tuple[Plan, list[Allowance]]]] = {}
        for plan in self._plans:
            after = sorted({step.after for told in plan.escalations.values() for step in told}, key=lambda a: a.amount)
            told = tuple((priority, self._told(steps, after)) for priority, steps in plan.escalations.items())
            if told:
                groups.setdefault(told, []).append((plan, after))
        columns = max((len(after) for some in groups.values() for _plan, after in some), default=0)
        one = len(groups) == 1
        return Sheet(
            self._say(_("Escalation matrix")),
            self._say(_("Priority")),
            tuple(
                " / ".join(dict.fromkeys(written(after[n]) for _plan, after in next(iter(groups.values()))))
                if one
                else self._say(_("Step %(n)s")) % {"n": n + 1}
                for n in range(columns)
            ),
            tuple(
                Row(
                    self.priority(priority),
                    cells if one else (*(_after(cell, some[0][1][n]) for n, cell in enumerate(cells)),),
                    "" if one else ", ".join(plan.label for plan, _after_ in some),
                )
                for told, some in groups.items()
                for priority, cells in told
            ),
            "; ".join(
                f"{', '.join(written(each) for each in after)}: {', '.join(p.label for p, its in some if its == after)}"
                for some in groups.values()
                for after in _distinct(its for _plan, its in some)
            )
            if one
            else "",
        )

    def _told(self, steps: Sequence[EscalationStep], after: Sequence[Allowance]) -> tuple[str, ...]:
        by_after = {step.after: f"{step.to}{self._by(step.to)}" for step in steps}
        return tuple(by_after.get(each, NONE) for each in after)

    def _by(self, name: str) -> str:
        told = self._desk.told_by.get(name)
        return f" ({told.channel} {told.address})".replace(" )", ")") if told and told.channel != "console" else ""

    def clocks(self) -> Sheet:
        rules = self._desk.clocks
        days = rules.reopen_within.days
        return Sheet(
            self._say(_("On the clock")),
            self._say(_("What")),
            (self._say(_("When")),),
            (
                Row(
                    self._say(_("Warning before a deadline")),
                    (self._say(_("at %(n)s %% of its time")) % {"n": rules.warn_at} if rules.warn_at else NONE,),
                ),
                Row(
                    self._say(_("Resolved, and the customer says nothing: closed after")),
                    (self._long(rules.close_after) if rules.close_after else NONE,),
                ),
                Row(self._say(_("An answer reopens within")), (self._say(_("%(n)s days")) % {"n": days},)),
            ),
        )

    def _long(self, allowance: Allowance) -> str:
        return (
            self._say(_("%(n)s business days")) % {"n": allowance.amount}
            if allowance.unit == "days"
            else written(allowance)
        )

    def plans(self) -> Sheet:
        return Sheet(
            self._say(_("Plans")),
            self._say(_("Plan")),
            tuple(self._say(word) for word in (_("Hours"), _("Channels"), _("On call"), _("Also"))),
            tuple(Row(plan.label, self._plan(plan)) for plan in self._plans),
        )

    def _plan(self, plan: Plan) -> tuple[str, ...]:
        duty = plan.on_call
        paged = ", ".join((*sorted(duty.priorities), *map(self._label, sorted(duty.languages)))) if duty else NONE
        also = sorted(self._label(feature) for feature in plan.features)
        if plan.add_on:
            over = self._desk.plans[plan.stands_on].label if plan.stands_on else self._say(_("any plan"))
            also.insert(0, self._say(_("add-on; alone over %(plan)s")) % {"plan": over})
        regions = [self._hours_of(name) for name in plan.calendar_by_region.values()]
        hours = self._say(_("by region: %(hours)s")) % {"hours": ", ".join(regions)} if regions else ""
        channels = ", ".join(sorted(self._label(channel) for channel in plan.channels))
        return hours or self._hours_of(plan.calendar), channels, paged, ", ".join(also) or NONE

    def _hours_of(self, name: str) -> str:
        return self.words(self._desk.calendars[name].label) or name

    def hours(self) -> Sheet:
        return Sheet(
            self._say(_("Opening hours")),
            self._say(_("Calendar")),
            (*(self._say(day) for day in DAYS), self._say(_("Holidays")), self._say(_("Time zone"))),
            tuple(
                Row(
                    self._hours_of(calendar.id),
                    (*map(_periods, calendar.week), self._on_holidays(calendar), calendar.zone),
                )
                for calendar in self._desk.calendars.values()
            ),
        )

    def _on_holidays(self, calendar: Calendar) -> str:
        said = {_periods(holiday.periods) for holiday in calendar.holidays}
        return ", ".join(sorted(said)) or self._say(_("as usual"))

    def holidays(self, year: int) -> Sheet:
        """A row for each holiday, its dates in both years, and the hours that each calendar keeps on it."""
        keeping = [one for one in self._desk.calendars.values() if one.holidays or one.special]
        days: dict[tuple[str, tuple[str, ...]], dict[int, date]] = {}
        for each in (year, year + 1):
            kept: dict[tuple[date, str], dict[str, str]] = {}
            for one in keeping:
                for day, holiday in calendars.holidays_in(one, each):
                    kept.setdefault((day, holiday.name), {})[one.id] = _periods(holiday.periods)
                for day, periods in one.special.items():
                    if day.year == each:
                        kept.setdefault((day, self._say(_("special day"))), {})[one.id] = _periods(periods)
            for (day, name), hours in sorted(kept.items()):
                days.setdefault((name, tuple(hours.get(one.id, NONE) for one in keeping)), {})[each] = day
        return Sheet(
            self._say(_("Holidays and special days")),
            self._say(_("Day")),
            (str(year), str(year + 1), *(self._hours_of(one.id) for one in keeping)),
            tuple(
                Row(name, (*(self._day(dates.get(each)) for each in (year, year + 1)), *hours))
                for (name, hours), dates in days.items()
            ),
        )

    def _day(self, day: date | None) -> str:
        return format_date(day, "E d MMM", locale=self._language) if day else NONE

    def queues(self) -> Sheet:
        levels = {level.id: self.words(level.label) for level in self._desk.levels}
        return Sheet(
            self._say(_("Queues")),
            self._say(_("Queue")),
            tuple(self._say(word) for word in (_("Level"), _("Served by"), _("Hours"))),
            tuple(
                Row(
                    self.words(queue.label),
                    (
                        levels.get(queue.level or "", NONE),
                        ", ".join(self.words(self._desk.teams[team]) for team in queue.served_by),
                        self._hours_of(queue.hours),
                    ),
                )
                for queue in self._desk.queues.values()
            ),
        )

    def events(self) -> Sheet:
        return Sheet(
            self._say(_("Monitoring events that open tickets by themselves")),
            self._say(_("Event")),
            (self._say(_("Priority")),),
            tuple(Row(self.words(event.label), (self.priority(event.priority),)) for event in self._desk.events),
        )

    def lives(self) -> Iterator[Sheet]:
        for life in self._desk.lives.values():
            yield Sheet(
                self._say(_("Stages of: %(kind)s")) % {"kind": self.words(self._desk.kind_labels[life.kind])},
                self._say(_("Stage")),
                (self._say(_("May become")),),
                tuple(
                    Row(self._label(state), (", ".join(map(self._label, following)) or NONE,))
                    for state, following in life.moves.items()
                ),
                self._say(_("%(stage)s becomes %(to)s when its validity is over"))
                % {"stage": self._label(life.expires_in), "to": self._label(life.expires_to or "")}
                if life.expires_in
                else "",
            )  # fmt: skip


def _periods(periods: Sequence[Period]) -> str:
    if periods == ((0, 86_400),):
        return "00–24"
    return ", ".join(f"{_clock(begins)}–{_clock(ends)}" for begins, ends in periods) or NONE


def _after(cell: str, after: Allowance) -> str:
    return NONE if cell == NONE else f"{written(after)}: {cell}"


def _distinct(some: Iterable[list[Allowance]]) -> Iterator[list[Allowance]]:
    seen: list[list[Allowance]] = []
    for one in some:
        if one not in seen:
            seen.append(one)
            yield one


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
