"""What is wrong with the duty of the coming weeks, found before it hurts, and who hands over to whom.

A gap is nobody on duty when somebody has to be; the rest is somebody on duty who would not be reached. Refuses to shout
(the shell does) and to mend anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from routing import calendars, oncall, rotas
from routing.desk import Desk
from routing.oncall import OnCall
from routing.rotas import Layer, Rota

Kind = Literal["gap", "nobody-of-that-name", "away", "no-number", "unverified", "empty-layer"]
Proven = Mapping[str, tuple[str, datetime]]
"""By person: the number on which they took a page last, and when."""

WEEK = timedelta(days=7)
OF_GAP: Mapping[oncall.Reason, Kind] = {
    "nobody on duty": "gap",
    "nobody of that name": "nobody-of-that-name",
    "absent": "away",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong in [start, end). `rota` "": it is about the person alone. `person`: an id, or a layer's name."""

    kind: Kind
    rota: str
    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Handoff:
    """At `at` the duty of a rota goes from one to the other; None: to or from nobody."""

    at: datetime
    rota: str
    leaves: str | None
    comes: str | None
    until: datetime


def findings(
    on_call: OnCall,
    start: datetime,
    end: datetime,
    needed: Sequence[tuple[datetime, datetime]] | None = None,
    proven: Proven | None = None,
) -> tuple[Finding, ...]:
    """Everything that is wrong in [start, end). `needed`: as for `oncall.gaps`. `proven`: without it numbers are believed."""
    gaps = oncall.gaps(on_call, start, end, needed)
    found = [
        Finding(OF_GAP[gap.reason], gap.rota, gap.person or "", gap.start, gap.end)
        for gap in gaps
        if gap.reason != "no number"
    ]
    for person in dict.fromkeys((*_named(on_call), *(gap.person for gap in gaps if gap.reason == "no number"))):
        someone = on_call.people.get(person or "")
        if someone is not None and not someone.number:
            found.append(Finding("no-number", "", someone.id, start, end))
    if proven is not None and on_call.verified_for is not None:
        found += _unverified(on_call, start, end, proven, on_call.verified_for)
    for rota in on_call.rotas.values():
        found += (Finding("empty-layer", rota.id, layer.name, start, end) for layer in _empty(rota, start, end))
    return tuple(found)


def needed(desk: Desk, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """When somebody has to be on duty: outside the hours of every plan with on-call; always where an escalation rings."""
    rules = {plan.on_call.outside for plan in desk.plans.values() if plan.on_call}
    if not rules or any(telling.channel == "page" for telling in desk.told_by.values()):
        return ((start, end),)
    closed = [span for name in rules for span in _closed(desk.calendars[name], start, end)]
    return calendars.merged(sorted(closed))


def barred_until(desk: Desk, on_call: OnCall, person: str, queue: str, at: datetime) -> datetime | None:
    """Until when this person, being on duty outside the desk's hours, may not escalate to that queue; None: they may."""
    if queue not in on_call.closed or not oncall.is_on_duty(on_call, person, at):
        return None
    now = next(iter(needed(desk, at, at + WEEK)), None)
    return now[1] if now and now[0] <= at else None


def handoffs(on_call: OnCall, after: datetime, until: datetime, ahead: timedelta) -> tuple[Handoff, ...]:
    """Every change of who is on duty in (after, until], in order. `ahead`: how far the end of the new shift is looked for."""
    found = []
    for rota in on_call.rotas.values():
        for cut, (begins, _) in pairwise(rotas.segments(rota, after - timedelta(days=1), until + ahead, on_call.away)):
            before, now = (_who(on_call, rota, at) for at in (cut[0], begins))
            if before != now and after < begins <= until:
                found.append(Handoff(begins, rota.id, before, now, _ends(on_call, rota, begins, until + ahead)))
    return tuple(sorted(found, key=lambda one: (one.at, one.rota)))


def next_handoff(on_call: OnCall, after: datetime, until: datetime) -> datetime | None:
    """When anybody comes on duty or goes off next, if that is before `until`."""
    found = handoffs(on_call, after, until, timedelta(0))
    return found[0].at if found else None


def _closed(calendar: calendars.Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The hours of [start, end) in which this calendar is closed."""
    at = start
    for opens, closes in calendars.open_intervals(calendar, start, end):
        if at < opens:
            yield at, opens
        at = max(at, closes)
    if at < end:
        yield at, end


def _named(on_call: OnCall) -> Iterator[str]:
    """Everybody whom a layer, a step, the fallback or an absence names."""
    for rota in on_call.rotas.values():
        for layer in rota.layers:
            yield from layer.people
    yield from (step.person for step in on_call.policy.steps if step.person)
    yield from on_call.policy.fallback
    yield from (absence.substitute for absence in on_call.absences if absence.substitute)


def _unverified(on_call: OnCall, start: datetime, end: datetime, proven: Proven, holds: timedelta) -> Iterator[Finding]:
    """Everybody whose number will not count as verified when their next duty starts; from then on."""
    due: dict[str, tuple[datetime, datetime]] = {}
    for rota in on_call.rotas.values():
        for shift in oncall.shifts(rota, start, end, on_call.away):
            someone, proof = on_call.people.get(shift.person), proven.get(shift.person)
            if someone is None or not someone.number:
                continue
            good_until = proof[1] + holds if proof and proof[0] == someone.number else None
            if good_until is None or good_until <= shift.start:
                first, last = due.get(shift.person, (shift.start, shift.end))
                due[shift.person] = (min(first, shift.start), max(last, shift.end))
    yield from (Finding("unverified", "", person, *span) for person, span in due.items())


def _empty(rota: Rota, start: datetime, end: datetime) -> Iterator[Layer]:
    """The layers that put nobody on duty in [start, end) though they have begun and not ended, and have had a turn."""
    for layer in rota.layers:
        alone = Rota(rota.id, (layer,))
        begins = rotas.first_at(datetime.combine(layer.start, layer.handoff), layer.zone)
        over = layer.until and rotas.first_at(datetime.combine(layer.until, layer.handoff), layer.zone) <= start
        seldom = layer.months > 0 or layer.length > end - start  # its next shift may be further off than we look
        if begins >= end or over or (seldom and layer.lasts is not None):
            continue
        if not any(rotas.planned(alone, a) for a, _ in rotas.segments(alone, start, end, {})):
            yield layer


def _who(on_call: OnCall, rota: Rota, at: datetime) -> str | None:
    duty = oncall.on_duty(rota, at, on_call.away)
    return duty[0] if duty else None


def _ends(on_call: OnCall, rota: Rota, at: datetime, latest: datetime) -> datetime:
    """When whoever is on duty at `at` goes off again."""
    person = _who(on_call, rota, at)
    for a, _ in rotas.segments(rota, at, latest, on_call.away):
        if _who(on_call, rota, a) != person:
            return a
    return latest
