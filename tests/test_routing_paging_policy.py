"""Channels, quiet hours, caps with redials, shared calls and changed chains: the policy's finer points, without a gateway."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.settings import notation
from gateway.settings.desk_duty import on_call as duty_of
from gateway.settings.desk_model import OnCallSection
from routing import oncall, paging, paging_report
from routing.oncall import Cap, Link, OnCall, Person, Policy, Step
from routing.paging import Event, Join, Page, Ring, Skip, Tell, Wait
from routing.rotas import Restriction

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)  # three in the morning in Rome
ROME = "Europe/Rome"
NIGHT = Restriction(frozenset(range(7)), time(22), time(7))


def link(person: str, number: str, **more: object) -> Link:
    return Link(person, person.title(), number, "rota", 60, **more)  # type: ignore[arg-type]


def page(*links: Link, urgent: bool = False) -> Page:
    return Page("page1", "PR-1", START, links, urgent=urgent)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


POLICY = Policy((), repeat=0, redial_seconds=10)


def test_who_is_only_written_to_has_their_wait_and_then_the_next_is_rung() -> None:
    one = page(link("anna", "+1", channels=("sms",)), link("bruno", "+2"))
    move = paging.next(one, POLICY, START)
    assert isinstance(move, Tell)
    one = paging.record(one, move, START)
    assert paging.next(one, POLICY, START) == Wait(later(60))
    assert isinstance(paging.next(one, POLICY, later(60)), Ring)


def test_a_chain_of_notes_alone_gives_up_only_after_the_last_wait() -> None:
    one = page(link("anna", "+1", channels=("sms",)))
    one = paging.record(one, paging.next(one, POLICY, START), START)
    assert paging.next(one, POLICY, later(59)) == Wait(later(60))
    assert isinstance(paging.next(one, POLICY, later(60)), paging.GiveUp)


def test_somebody_who_was_written_to_may_accept_or_pass_on() -> None:
    one = page(link("anna", "+1", channels=("sms",)), link("bruno", "+2"))
    one = paging.record(one, paging.next(one, POLICY, START), START)
    passed = paging.heard(one, Event("page1-1", "passed", later(5), reason="not my field"))
    assert (passed.attempts[0].state, passed.attempts[0].reason) == ("passed", "not my field")
    assert isinstance(paging.next(passed, POLICY, later(5)), Ring)
    assert paging.heard(one, Event("page1-1", "accepted", later(5))).accepted_by == "anna"


@pytest.mark.parametrize(("urgent", "told"), [(False, ("sms",)), (True, ("phone",))])
def test_in_quiet_hours_the_telephone_rings_for_the_highest_priority_only(urgent: bool, told: tuple[str, ...]) -> None:
    anna = Person("anna", "Anna", "+390200000021", zone=ROME, reach={"sms": "+390200000021"}, quiet=(NIGHT,))
    on_call = OnCall({"anna": anna}, {}, Policy((Step(person="anna"),)))
    (found,) = oncall.chain(on_call, START, urgent=urgent)
    assert found.channels == told
    (by_day,) = oncall.chain(on_call, START + timedelta(hours=9), urgent=urgent)
    assert by_day.channels == ("phone",)


def test_quiet_hours_silence_nobody_who_has_no_other_way() -> None:
    anna = Person("anna", "Anna", "+390200000021", zone=ROME, quiet=(NIGHT,))
    (found,) = oncall.chain(OnCall({"anna": anna}, {}, Policy((Step(person="anna"),))), START, urgent=False)
    assert found.channels == ("phone",)


def test_a_cap_takes_the_place_of_a_redial_without_an_alarm_and_the_next_is_rung() -> None:
    policy = replace(POLICY, caps=(Cap(1, 60),))
    one = page(link("anna", "+1", redials=3), link("bruno", "+2"))
    one = paging.record(one, paging.next(one, policy, START), START)
    one = paging.heard(one, Event("page1-1", "ended", later(5), code="busy"))
    move = paging.next(one, policy, later(5))
    assert isinstance(move, Ring)
    assert move.person == "bruno"


def test_calls_for_other_pages_count_and_a_hard_cap_holds_for_the_urgent_too() -> None:
    one = page(link("anna", "+1"), urgent=True)
    rung = {"+1": [START - timedelta(seconds=s) for s in (10, 20, 30)]}
    assert isinstance(paging.next(one, replace(POLICY, caps=(Cap(3, 60),)), START, rung), Ring)
    assert isinstance(paging.next(one, replace(POLICY, caps=(Cap(3, 60, hard=True),)), START, rung), Skip)


def test_a_shared_call_is_looked_at_every_two_seconds_and_asks_no_carrier_for_minutes() -> None:
    one = page(link("anna", "+1"), link("bruno", "+2"))
    ring = paging.next(one, POLICY, START)
    assert isinstance(ring, Ring)
    one = paging.record(one, Join(ring.person, ring.number, ring.attempt_id, 0, 0, "page9-1"), START)
    assert paging.next(one, POLICY, START) == Wait(later(2))
    assert isinstance(paging.next(one, POLICY, later(2)), paging.Ask)
    assert paging.from_json(paging.to_json(one)) == one


def test_the_usual_caps_hold_where_a_desk_names_none() -> None:
    section = OnCallSection.model_validate({
        "people": {"anna": {"name": "Anna", "number": "+390200000021", "sms": True, "mail": "anna@duty.example",
                            "quiet": ["Mo-Su 22:00-07:00"]},
                   "boss": {"name": "Boss", "number": "+390200000022"}},
        "rotas": {"duty": {"layers": [{"name": "w", "people": ["anna"], "start": "2026-01-05", "handoff": "09:00",
                                       "length": "7 days"}]}},
        "levels": {"L2": "duty"},
        "managers": {"Team Leader": "boss"},
        "policy": {"steps": [{"level": "L2", "wait": "30s", "channels": ["phone", "sms"]}, {"manager": "Team Leader"}]},
    })  # fmt: skip
    made = duty_of(section, ROME)
    caps = [(cap.calls, cap.seconds, cap.hard) for cap in made.policy.caps]
    assert caps == [(1, 60, False), (3, 900, False), (7, 3600, False), (15, 10_800, False), (10, 900, True)]
    assert (made.policy.bundle_seconds, made.policy.tell_customer) == (60, True)
    assert [(step.rota, step.person, step.channels) for step in made.policy.steps] == [
        ("duty", None, ("phone", "sms")), (None, "boss", ("phone",)),
    ]  # fmt: skip
    assert made.people["anna"].reach == {"sms": "+390200000021", "mail": "anna@duty.example"}
    days, start, end = notation.duty_hours("Mo-Su 22:00-07:00")
    assert made.people["anna"].quiet == (Restriction(frozenset(days), start, end),)


def test_a_month_counts_by_person_who_was_rung_accepted_and_slept() -> None:
    one = page(link("anna", "+1"), link("bruno", "+2"))
    one = paging.record(one, paging.next(one, POLICY, START), START)
    one = paging.heard(one, Event("page1-1", "ended", later(25), code="no-answer"))
    one = paging.record(one, paging.next(one, POLICY, later(25)), later(25))
    one = paging.heard(one, Event("page1-2", "accepted", later(40), key="1"))
    found = paging_report.month([one], ZoneInfo(ROME))
    assert (found[""].pages, found[""].accepted, found[""].nights, found[""].middle) == (1, 1, 1, 40.0)
    assert (found["anna"].slept, found["anna"].accepted, found["bruno"].accepted) == (1, 0, 1)
