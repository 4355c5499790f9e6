"""On-call of a desk: people, policy, and the chain of those who are rung at an instant; gaps found before they hurt.

Who is on duty is said by one function for the pager, the console, the API and the calendar feed alike: `rotas.on_duty`,
which is re-exported here with its values. This module refuses to ring anybody (`paging`), to ask for the time, and to
decide whether a plan has on-call at all (`desk`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from routing.rotas import (
    Absence,
    Away,
    Layer,
    Override,
    Restriction,
    Rota,
    Shift,
    Source,
    absent,
    flat,
    on_duty,
    planned,
    present,
    rotation,
    segments,
    shifts,
)

__all__ = [
    "Absence",
    "Cap",
    "Gap",
    "Layer",
    "Link",
    "OnCall",
    "Override",
    "Person",
    "Policy",
    "Reason",
    "Restriction",
    "Rota",
    "Shift",
    "Source",
    "Step",
    "as_json",
    "chain",
    "faults",
    "gaps",
    "is_on_duty",
    "on_duty",
    "shifts",
]

Reason = Literal["nobody on duty", "nobody of that name", "absent", "no number"]
Channel = Literal["phone", "sms", "mail", "ntfy", "webhook"]
PHONE: tuple[Channel, ...] = ("phone",)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be rung. `number`: E.164, None until somebody enters one. `language` None: the desk's first.
    `reach`: how else they are told, channel -> address (`mail`, `sms`, `ntfy`, `webhook`). `quiet`: hours in which their
    telephone rings for the highest priority only."""

    id: str
    name: str
    number: str | None
    language: str | None = None
    zone: str | None = None
    reach: Mapping[Channel, str] = field(default_factory=dict)
    quiet: tuple[Restriction, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a policy: a rota or a person (exactly one of the two).

    The next is rung at once when a call ends without acceptance and no redial is left, and `wait_seconds` after the
    first ring in any case. `then_rest`: after the one on duty, the others of the rota in rotation order. `channels`: how
    they are told; without the telephone among them they are written to and have their wait.
    """

    rota: str | None = None
    person: str | None = None
    wait_seconds: int = 60
    redials: int = 0
    then_rest: bool = True
    channels: tuple[Channel, ...] = PHONE

    def __post_init__(self) -> None:
        if (self.rota is None) == (self.person is None):
            raise ValueError("a step names either a rota or a person")


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `calls` to one number in any `seconds`. A soft cap does not hold for urgent pages; a hard one does."""

    calls: int
    seconds: int
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How a page goes on. All times in seconds.

    `ring_seconds`: how long one phone rings. `call_seconds`: a call without an end is over after so long. `repeat`:
    further rounds over the whole chain. `redial_seconds`: the same number is left alone for so long after a call.
    `ask_seconds`: the pause between two questions to the provider about one call. `max_attempts`: over all rounds.
    `bundle_seconds`: a person who was rung for another ticket so long ago at the most is not rung again, but hears both.
    `tell_customer`: they get a mail when nobody accepted. `reasons`: who passes on is asked why.
    """

    steps: tuple[Step, ...]
    ring_seconds: int = 25
    repeat: int = 1
    fallback: tuple[str, ...] = ()
    max_attempts: int = 30
    redial_seconds: int = 10
    call_seconds: int = 300
    ask_seconds: int = 5
    caps: tuple[Cap, ...] = ()
    bundle_seconds: int = 0
    tell_customer: bool = False
    reasons: bool = False


@dataclass(frozen=True, slots=True)
class OnCall:
    """A desk's on-call: the people by id, the rotas by id, the policy, and who is away when.

    `verified_for`: how long it counts that a person took a page on their number; None: nobody asks. `levels`: level of support
    -> the rota that serves it. `closed`: the queues that nobody on duty may escalate to."""

    people: Mapping[str, Person]
    rotas: Mapping[str, Rota]
    policy: Policy
    absences: tuple[Absence, ...] = ()
    verified_for: timedelta | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    away: Away = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        people = {absence.person for absence in self.absences}
        away = {person: flat([a for a in self.absences if a.person == person]) for person in people}
        object.__setattr__(self, "away", away)


@dataclass(frozen=True, slots=True)
class Link:
    """One person in the chain of those who are rung, with why, and how long until the next is rung too."""

    person: str
    name: str
    number: str
    source: Source
    wait_seconds: int
    redials: int = 0
    channels: tuple[Channel, ...] = PHONE


@dataclass(frozen=True, slots=True)
class Gap:
    """The first ring of a rota reaches nobody in [start, end). `person`: who is absent, unknown or has no number."""

    rota: str
    start: datetime
    end: datetime
    reason: Reason
    person: str | None = None


class _Wanted(NamedTuple):
    person: str
    source: Source
    wait_seconds: int
    redials: int = 0
    channels: tuple[Channel, ...] = PHONE


def chain(on_call: OnCall, at: datetime, *, urgent: bool = True) -> tuple[Link, ...]:
    """Who is rung at `at`, in order: the policy's steps, then its fallback people. Nobody twice in a row.

    People who are absent or have no number are left out. If that leaves nobody, everybody with a number is rung as a
    fallback, absent or not: disturbing a holiday is better than a silent alarm. Empty only if there is no number. Not
    `urgent`: in their quiet hours people are written to, if they can be, and not rung.
    """
    links: list[Link] = []
    for person, source, wait, redials, channels in _wanted(on_call, at):
        someone = on_call.people.get(person)
        if someone is None or not someone.number or absent(person, at, on_call.away):
            continue
        if not links or links[-1].person != person:
            told = channels if urgent else _quietly(someone, channels, at)
            links.append(Link(person, someone.name, someone.number, source, wait, redials, told))
    if links:
        return tuple(links)
    wait = on_call.policy.ring_seconds
    return tuple(Link(p.id, p.name, p.number, "fallback", wait) for p in on_call.people.values() if p.number)


def _quietly(person: Person, channels: tuple[Channel, ...], at: datetime) -> tuple[Channel, ...]:
    """The channels that wake nobody; all of them outside the quiet hours, and where there is no other way."""
    if not person.quiet or person.zone is None or not _within(person.quiet, at.astimezone(ZoneInfo(person.zone))):
        return channels
    soft = tuple(one for one in dict.fromkeys((*channels, *person.reach)) if one != "phone" and one in person.reach)
    return soft or channels


def _within(hours: Iterable[Restriction], local: datetime) -> bool:
    """Is this wall-clock time in one of these stretches?"""
    now, yesterday = local.time(), (local.weekday() - 1) % 7
    for one in hours:
        over = one.end <= one.start  # it ends on the next day
        if local.weekday() in one.days and now >= one.start and (over or now < one.end):
            return True
        if over and yesterday in one.days and now < one.end:
            return True
    return False


def as_json(links: Iterable[Link]) -> list[dict[str, str | int]]:
    """The chain as `presa oncall --json` prints it."""
    return [
        {"person": link.person, "number": link.number, "source": link.source, "wait_seconds": link.wait_seconds}
        for link in links
    ]


def is_on_duty(on_call: OnCall, person: str, at: datetime) -> bool:
    """Is this person on duty in any rota then?"""
    return any((on_duty(rota, at, on_call.away) or ("",))[0] == person for rota in on_call.rotas.values())


def gaps(
    on_call: OnCall, start: datetime, end: datetime, needed: Sequence[tuple[datetime, datetime]] | None = None
) -> tuple[Gap, ...]:
    """When the first ring of each rota would reach nobody, in [start, end): rota by rota, in order, merged and exact.

    `needed`: the intervals in which somebody has to be on duty (for a desk with on-call after hours only), in order and
    not overlapping; None: always.
    """
    found: list[Gap] = []
    for rota in on_call.rotas.values():
        for needed_from, needed_to in ((start, end),) if needed is None else needed:
            for a, b in segments(rota, max(start, needed_from), min(end, needed_to), on_call.away):
                gap = _gap(on_call, rota, a, b)
                if gap:
                    _extend(found, gap)
    return tuple(found)


def faults(on_call: OnCall) -> tuple[str, ...]:
    """What the parts say of each other that is not so: people and rotas that do not exist. Empty if all is well."""
    named = [("the policy's fallback", person) for person in on_call.policy.fallback]
    named += [("a step of the policy", step.person) for step in on_call.policy.steps if step.person]
    for rota in on_call.rotas.values():
        named += [(f"rota {rota.id}, layer {layer.name}", person) for layer in rota.layers for person in layer.people]
        named += [(f"rota {rota.id}, an override", override.person) for override in rota.overrides]
    for absence in on_call.absences:
        named += [("an absence", person) for person in (absence.person, absence.substitute) if person]
    rotas = [step.rota for step in on_call.policy.steps if step.rota and step.rota not in on_call.rotas]
    return (
        *(f"{where}: there is no person {person!r}" for where, person in named if person not in on_call.people),
        *(f"a step of the policy: there is no rota {rota!r}" for rota in rotas),
    )


def _wanted(on_call: OnCall, at: datetime) -> Iterator[_Wanted]:
    """Everybody whom the policy names, in order, reachable or not."""
    wait = on_call.policy.ring_seconds
    for step in on_call.policy.steps:
        wait = step.wait_seconds
        rota = on_call.rotas.get(step.rota) if step.rota else None
        named = present((step.person, "rota"), at, on_call.away) if step.person else None
        duty = on_duty(rota, at, on_call.away) if rota else named
        if duty:
            yield _Wanted(*duty, wait, step.redials, step.channels)
        if rota and step.then_rest:
            rest = (person for person in rotation(rota, at) if not duty or person != duty[0])
            yield from (_Wanted(person, "rota", wait, step.redials, step.channels) for person in rest)
    yield from (_Wanted(person, "fallback", wait) for person in on_call.policy.fallback)


def _gap(on_call: OnCall, rota: Rota, start: datetime, end: datetime) -> Gap | None:
    """The gap in a piece of time throughout which the same person is on duty."""
    intended = planned(rota, start)
    if intended is None:
        return Gap(rota.id, start, end, "nobody on duty")
    duty = present(intended, start, on_call.away)
    if duty is None:
        return Gap(rota.id, start, end, "absent", intended[0])
    someone = on_call.people.get(duty[0])
    if someone is None:
        return Gap(rota.id, start, end, "nobody of that name", duty[0])
    return None if someone.number else Gap(rota.id, start, end, "no number", duty[0])


def _extend(found: list[Gap], gap: Gap) -> None:
    """Adds a gap, as one with the gap before it if that is the same and touches it."""
    if found and replace(gap, start=found[-1].start, end=gap.start) == found[-1]:
        gap = replace(gap, start=found.pop().start)
    found.append(gap)
