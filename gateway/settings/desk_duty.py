"""The on-call section of a desk's file -> routing's on-call values. Refuses to check them (``desk_checks``)."""

from collections.abc import Mapping
from datetime import timedelta

from gateway.settings.desk_model import LayerSection, OnCallSection, PersonSection, RotaSection, StepSection
from routing.oncall import Absence, Cap, Channel, Layer, OnCall, Override, Person, Policy, Restriction, Rota, Step

EVERY = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}


def on_call(section: OnCallSection, zone: str) -> OnCall:
    """The duty of a desk in that zone."""
    return OnCall(
        people={name: _person(name, p, zone) for name, p in section.people.items()},
        rotas={name: _rota(name, rota, zone) for name, rota in section.rotas.items()},
        policy=_policy(section),
        absences=tuple(Absence(a.person, a.start, a.end, a.substitute, a.reason) for a in section.absences),
        verified_for=section.verified_for,
        levels=dict(section.levels),
        closed=frozenset(section.no_escalation_to),
    )


def _rota(name: str, rota: RotaSection, zone: str) -> Rota:
    return Rota(
        id=name,
        layers=tuple(layer_of(layer, zone) for layer in rota.layers),
        overrides=tuple(Override(o.person, o.start, o.end, o.reason) for o in rota.overrides),
        name=rota.name,
        calendars=tuple(rota.calendars),
    )


def layer_of(layer: LayerSection, zone: str) -> Layer:
    """One layer of a rota; ValueError for turns that cannot be taken."""
    length, months, lasts = _turns(layer)
    return Layer(
        name=layer.name,
        people=tuple(layer.people),
        start=layer.start,
        handoff=layer.handoff,
        zone=layer.zone or zone,
        length=length,
        restrictions=tuple(Restriction(frozenset(days), start, end) for days, start, end in layer.hours),
        by_day=frozenset(layer.by_day),
        until=layer.until,
        months=months,
        lasts=lasts,
    )


def _turns(layer: LayerSection) -> tuple[timedelta, int, timedelta | None]:
    """The length of a turn, or its months, and how long a shift lasts if that is shorter than its turn."""
    if layer.frequency is None:
        if layer.length is None or layer.interval != 1:
            raise ValueError(f"layer {layer.name}: a length or a frequency, and an interval only with a frequency")
        return layer.length, 0, None
    if layer.by_day and (layer.interval != 1 or layer.frequency not in ("daily", "weekly")):
        raise ValueError(f"layer {layer.name}: by_day goes with every day or every week, without an interval")
    if layer.frequency == "monthly":
        return timedelta(days=1), layer.interval, layer.length
    turn = timedelta(days=1) if layer.by_day else layer.interval * EVERY[layer.frequency]
    if layer.length is not None and layer.length > turn and not layer.by_day:
        raise ValueError(f"layer {layer.name}: a shift longer than its turn; two would be on duty at once")
    return turn, 0, None if layer.length == turn and not layer.by_day else layer.length


def _person(name: str, p: PersonSection, zone: str) -> Person:
    given: Mapping[Channel, str | None] = {
        "sms": p.number if p.sms else None,
        "mail": p.mail,
        "ntfy": p.ntfy,
        "webhook": p.webhook,
    }
    reach = {channel: address for channel, address in given.items() if address}
    quiet = tuple(Restriction(frozenset(days), start, end) for days, start, end in p.quiet)
    return Person(name, p.name, p.number, p.language, p.zone or zone, reach, quiet)


def _step(step: StepSection, section: OnCallSection) -> Step:
    """A level stands for the rota that serves it, a name of the escalation matrix for a person."""
    rota = section.levels.get(step.level, step.level) if step.level else step.rota
    person = section.managers.get(step.manager, step.manager) if step.manager else step.person
    return Step(rota, person, _seconds(step.wait), step.redials, step.then_rest, tuple(step.channels))


def _policy(section: OnCallSection) -> Policy:
    policy = section.policy
    return Policy(
        steps=tuple(_step(step, section) for step in policy.steps),
        ring_seconds=_seconds(policy.ring),
        repeat=policy.repeat,
        fallback=tuple(policy.fallback),
        max_attempts=policy.max_attempts,
        redial_seconds=_seconds(policy.redial),
        call_seconds=_seconds(policy.call),
        ask_seconds=_seconds(policy.ask),
        caps=tuple(Cap(cap.calls, _seconds(cap.within), cap.hard) for cap in policy.caps),
        bundle_seconds=_seconds(policy.bundle),
        tell_customer=policy.tell_customer,
        reasons=policy.reasons,
    )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
