"""People change the duty: an override, a swap of two shifts, an absence, and taking any of them back. From the console and
the commands alike; kept with who, when and why.

What cannot be meant is refused with a line that says what to do: nobody is put on duty who cannot be rung, nothing is
changed that is over. Refuses to say who is on duty (`gateway.oncall.duty`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.errors import Permanent
from gateway.oncall import duty as oncall
from gateway.store import duty as store
from gateway.store import jobs
from routing.desk import Desk
from routing.oncall import OnCall
from routing.rotas import Rota, Shift, shifts

LONGEST = timedelta(days=366)
SHIFT = timedelta(days=62)  # how far around an instant the whole of its shift is looked for
MOST_WORDS = 500
LOOK_AGAIN = ("duty-watch", "duty-handoffs")  # the jobs that must know of a change


@dataclass(frozen=True, slots=True)
class Entry:
    """Who enters a change, when and why."""

    by: str
    now: datetime
    reason: str


def override(
    connection: Connection, desk: Desk, entry: Entry, *, rota: str, person: str, start: datetime, end: datetime
) -> str:
    """This person is on duty then, whatever the layers say."""
    on_call = _on_call(connection, desk, entry)
    _rota(on_call, rota)
    name = _reachable(on_call, person)
    start = _span(entry, start, end)
    _enter(connection, desk, entry, [_row("override", rota, person, start, end)])
    return f"{name} is on duty then"


def swap(connection: Connection, desk: Desk, entry: Entry, *, rota: str, one: datetime, other: datetime) -> str:
    """The shift that holds the instant `one` and the shift that holds `other` change hands."""
    on_call = _on_call(connection, desk, entry)
    mine, theirs = (_shift(on_call, _rota(on_call, rota), at, entry.now) for at in (one, other))
    if mine.person == theirs.person:
        raise Permanent(f"both shifts are {mine.person}'s already; name an instant in each of two people's shifts")
    names = _reachable(on_call, mine.person), _reachable(on_call, theirs.person)
    halves = ((theirs.person, mine), (mine.person, theirs))
    _enter(connection, desk, entry, [_row("swap", rota, person, s.start, s.end) for person, s in halves])
    return f"{names[0]} and {names[1]} have changed shifts"


def absence(
    connection: Connection, desk: Desk, entry: Entry, *, person: str, start: datetime, end: datetime,
    substitute: str | None = None,
) -> str:  # fmt: skip
    """This person is not rung then, in any rota; `substitute` stands in."""
    on_call = _on_call(connection, desk, entry)
    name = _person(on_call, person)
    start = _span(entry, start, end)
    stands_in = _reachable(on_call, substitute) if substitute else ""
    if substitute == person:
        raise Permanent(f"{name} cannot stand in for themselves; name somebody else, or nobody")
    _enter(connection, desk, entry, [_row("absence", None, person, start, end, substitute)])
    return f"{name} is away then" + (f"; {stands_in} stands in" if stands_in else "")


def take_back(connection: Connection, desk: Desk, change: int, by: str, now: datetime) -> str:
    """A change holds no longer; of a swap neither half does."""
    found = store.take_back(connection, desk.id, change, by, now)
    if not found:
        raise Permanent(f"there is no change {change} of {desk.id} that could be taken back; see 'presa oncall list'")
    jobs.call_up(connection, LOOK_AGAIN, now)
    return f"the {found[0].kind} is taken back"


def _enter(connection: Connection, desk: Desk, entry: Entry, rows: list[dict[str, object]]) -> None:
    reason = " ".join(entry.reason.split())
    if not reason or len(reason) > MOST_WORDS:
        raise Permanent(f"a reason in 1 to {MOST_WORDS} characters is needed; say why the duty changes")
    store.enter(
        connection, [{**row, "desk": desk.id, "reason": reason, "by": entry.by, "at": entry.now} for row in rows]
    )
    jobs.call_up(connection, LOOK_AGAIN, entry.now)


def _row(
    kind: str, rota: str | None, person: str, start: datetime, end: datetime, substitute: str | None = None
) -> dict[str, object]:
    return {
        "kind": kind, "rota": rota, "person": person, "start_at": start, "end_at": end, "substitute": substitute,
    }  # fmt: skip


def _on_call(connection: Connection, desk: Desk, entry: Entry) -> OnCall:
    found = oncall.duty(connection, desk, entry.now - SHIFT)
    if found is None:
        raise Permanent(f"the desk {desk.id} has no on-call section; give it one first")
    return found


def _rota(on_call: OnCall, name: str) -> Rota:
    if name not in on_call.rotas:
        raise Permanent(f"there is no rota {name!r}; there is {', '.join(on_call.rotas) or 'none'}")
    return on_call.rotas[name]


def _person(on_call: OnCall, person: str) -> str:
    if person not in on_call.people:
        raise Permanent(f"there is nobody {person!r} on call; there is {', '.join(on_call.people)}")
    return on_call.people[person].name


def _reachable(on_call: OnCall, person: str) -> str:
    name = _person(on_call, person)
    if not on_call.people[person].number:
        raise Permanent(
            f"{name} has no number and cannot be rung; give one in the desk's file, or choose somebody else"
        )
    return name


def _span(entry: Entry, start: datetime, end: datetime) -> datetime:
    """The start of what is still to come of [start, end)."""
    if end <= start:
        raise Permanent("the end is not after the start; correct one of the two")
    if end <= entry.now:
        raise Permanent("that time is over; a change is for what is still to come")
    if end - start > LONGEST:
        raise Permanent(f"that is longer than {LONGEST.days} days; change the rota in the desk's file instead")
    return max(start, entry.now)


def _shift(on_call: OnCall, rota: Rota, at: datetime, now: datetime) -> Shift:
    """What is still to come of the shift that holds this instant."""
    for shift in shifts(rota, max(now, at - SHIFT), at + SHIFT, on_call.away):
        if shift.start <= at < shift.end:
            return shift
    raise Permanent(
        f"nobody is on duty in {rota.id} at {at:%Y-%m-%d %H:%M %Z}, or it is over; name an instant in a shift"
    )
