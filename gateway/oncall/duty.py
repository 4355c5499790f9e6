"""The duty as it stands: what the desk's file says, what calendars kept elsewhere add, and what people have entered since.

The pager, the console, the commands, the doors for programs and the calendar feeds all ask `duty` and nothing else, so
that none of them ever shows somebody else than is rung. Of overrides that overlap, the calendars' win over the file's, and
those that people entered over both; of these the later one. Refuses to enter anything (`gateway.oncall.changes`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.store import duty as store
from gateway.store.duty import Calendar, Change
from routing import coverage, fairness
from routing.coverage import Finding, Handoff
from routing.desk import Desk
from routing.fairness import Load
from routing.oncall import OnCall
from routing.rotas import Absence, Override

AHEAD = timedelta(days=30)  # how far ahead gaps are looked for
LONGEST = timedelta(days=35)  # how far ahead the end of a shift is looked for


def duty(connection: Connection, desk: Desk, since: datetime | None = None) -> OnCall | None:
    """Who is on call for this desk, for any instant from `since` on (without it, for any at all)."""
    if desk.on_call is None:
        return None
    entered = store.changes(connection, desk.id, since=since)
    outside = store.calendars(connection, desk.id) if any(r.calendars for r in desk.on_call.rotas.values()) else ()
    return laid_over(desk.on_call, entered, outside)


def laid_over(on_call: OnCall, entered: tuple[Change, ...], outside: tuple[Calendar, ...] = ()) -> OnCall:
    """The file's duty with these changes on top."""
    if not entered and not outside:
        return on_call
    rotas = {
        name: replace(
            rota,
            overrides=(
                *rota.overrides,
                *(span for one in _of(outside, name, rota.calendars) for span in _spans(one)),
                *(_override(one) for one in entered if one.rota == name),
            ),
        )
        for name, rota in on_call.rotas.items()
    }
    away = tuple(
        Absence(one.person, one.start_at, one.end_at, one.substitute, one.reason)
        for one in entered
        if one.kind == "absence"
    )
    return replace(on_call, rotas=rotas, absences=(*on_call.absences, *away))


def _of(outside: tuple[Calendar, ...], rota: str, sources: tuple[str, ...]) -> Iterator[Calendar]:
    """What the rota's calendars said, in the order in which its file names them; one that it names no more is left out."""
    said = {one.source: one for one in outside if one.rota == rota}
    yield from (said[key] for key in map(store.source_key, sources) if key in said)


def _spans(calendar: Calendar) -> Iterator[Override]:
    return (Override(person, start, end, title) for person, start, end, title in calendar.spans)


def _override(change: Change) -> Override:
    return Override(change.person, change.start_at, change.end_at, change.reason)


def barred_until(connection: Connection, desk: Desk, name: str, queue: str, at: datetime) -> datetime | None:
    """Until when whoever has that name, being on duty, may not escalate to this queue (`no_escalation_to`); None: they may."""
    if desk.on_call is None or queue not in desk.on_call.closed:
        return None
    on_call = duty(connection, desk, at) or desk.on_call
    person = next((one.id for one in on_call.people.values() if one.name == name), "")
    return coverage.barred_until(desk, on_call, person, queue, at)


# What is wrong ahead --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trouble:
    """A finding in words: what, when, what to do. The words stay the same from day to day until it is mended."""

    finding: Finding
    words: str


def troubles(
    connection: Connection | None, desk: Desk, start: datetime, days: timedelta = AHEAD
) -> tuple[Trouble, ...]:
    """Everything that is wrong with the duty of the coming days; without a database, of the file alone."""
    if desk.on_call is None:
        return ()
    on_call, proven = desk.on_call, None
    if connection is not None:
        on_call = duty(connection, desk, start) or on_call
        since = start - (on_call.verified_for or timedelta(0))
        proven = {person: (one.number, one.at) for person, one in store.proofs(connection, desk.id, since).items()}
    end = start + days
    found = coverage.findings(on_call, start, end, coverage.needed(desk, start, end), proven)
    return tuple(Trouble(one, _said(one, on_call, desk, (start, end))) for one in found)


def _said(found: Finding, on_call: OnCall, desk: Desk, looked: tuple[datetime, datetime]) -> str:
    name = on_call.people[found.person].name if found.person in on_call.people else found.person
    rota, when = f"rota {found.rota}", _when(found, desk.zone, looked)
    match found.kind:
        case "gap":
            return f"{rota}: nobody is on duty{when}; add an override"
        case "nobody-of-that-name":
            return (
                f"{rota}: {name} is on duty{when} and is none of the desk's people; take that entry back or correct it"
            )
        case "away":
            return f"{rota}: the duty goes to {name}{when}, who is away then; name a substitute or add an override"
        case "no-number":
            return f"{name} has no number and cannot be rung; give one or take them off the rotas"
        case "unverified":
            return (
                f"{name} is on duty soon and took no page on that number lately; run 'presa page test {found.person}'"
            )
        case "empty-layer":
            return f"{rota}: the layer {name} puts nobody on duty; correct its hours or take it out"


def _when(found: Finding, zone: str, looked: tuple[datetime, datetime]) -> str:
    """From when to when; an edge of what was looked at is none of the finding's own, and moves on with every look."""
    words = (("from", found.start, looked[0]), ("until", found.end, looked[1]))
    return "".join(f" {word} {at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for word, at, edge in words if at != edge)


# Who hands over, and how much each carries ------------------------------------------------------------------------


def handoffs(connection: Connection, desk: Desk, after: datetime, until: datetime) -> tuple[Handoff, ...]:
    """Every change of who is on duty in (after, until]."""
    on_call = duty(connection, desk, after - timedelta(days=1))
    return coverage.handoffs(on_call, after, until, LONGEST) if on_call else ()


def loads(connection: Connection, desk: Desk, start: datetime, end: datetime) -> tuple[Load, ...]:
    """How much of the duty each person carried, or will, in that time."""
    on_call = duty(connection, desk, start)
    if on_call is None:
        return ()
    rung: dict[str, int] = {}
    taken: dict[str, int] = {}
    for state in store.page_states(connection, desk.id, start, end):
        for attempt in state.get("attempts", ()):
            rung[attempt["person"]] = rung.get(attempt["person"], 0) + 1
        if taker := state.get("accepted_by"):
            taken[taker] = taken.get(taker, 0) + 1
    return fairness.loads(on_call, start, end, desk.zone, rung, taken)
