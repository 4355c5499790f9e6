"""The on-call section of a desk's file -> routing's on-call values. Refuses to check them (``desk_checks``)."""

from datetime import timedelta

from gateway.settings.desk_model import LayerSection, OnCallSection, PolicySection, RotaSection
from routing.oncall import Absence, Cap, Layer, OnCall, Override, Person, Policy, Restriction, Rota, Step


def on_call(section: OnCallSection, zone: str) -> OnCall:
    """The duty of a desk in that zone."""
    return OnCall(
        people={name: Person(name, p.name, p.number, p.language, p.zone) for name, p in section.people.items()},
        rotas={name: _rota(name, rota, zone) for name, rota in section.rotas.items()},
        policy=_policy(section.policy),
        absences=tuple(Absence(a.person, a.start, a.end, a.substitute, a.reason) for a in section.absences),
    )


def _rota(name: str, rota: RotaSection, zone: str) -> Rota:
    return Rota(
        id=name,
        layers=tuple(layer_of(layer, zone) for layer in rota.layers),
        overrides=tuple(Override(o.person, o.start, o.end, o.reason) for o in rota.overrides),
        name=rota.name,
    )


def layer_of(layer: LayerSection, zone: str) -> Layer:
    """One layer of a rota; ValueError for turns that cannot be taken."""
    return Layer(
        name=layer.name,
        people=tuple(layer.people),
        start=layer.start,
        handoff=layer.handoff,
        zone=layer.zone or zone,
        length=layer.length,
        restrictions=tuple(Restriction(frozenset(days), start, end) for days, start, end in layer.hours),
        by_day=frozenset(layer.by_day),
        until=layer.until,
    )


def _policy(policy: PolicySection) -> Policy:
    return Policy(
        steps=tuple(Step(s.rota, s.person, _seconds(s.wait), s.redials, s.then_rest) for s in policy.steps),
        ring_seconds=_seconds(policy.ring),
        repeat=policy.repeat,
        fallback=tuple(policy.fallback),
        max_attempts=policy.max_attempts,
        redial_seconds=_seconds(policy.redial),
        call_seconds=_seconds(policy.call),
        ask_seconds=_seconds(policy.ask),
        caps=tuple(Cap(cap.calls, _seconds(cap.within), cap.hard) for cap in policy.caps),
    )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
