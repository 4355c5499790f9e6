"""What is wrong with a duty, how it is said, and how much each person carries: without a database."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from databases import DESKS, settings_of

from gateway.oncall import duty as shell
from gateway.settings.desk import load_desk
from gateway.settings.desk_duty import layer_of
from gateway.settings.desk_model import LayerSection
from routing import coverage, fairness, oncall
from routing.oncall import Layer, OnCall, Person, Policy, Restriction, Rota, Step
from routing.rotas import Absence, Override

ROME = "Europe/Rome"
DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(7))
PEOPLE = {
    "anna": Person("anna", "Anna Riva", "+390611110001"),
    "bruno": Person("bruno", "Bruno Sala", "+390611110002"),
    "carla": Person("carla", "Carla Neri", None),
}
WEEKS = Layer("weeks", ("anna", "bruno"), date(2026, 3, 2), time(9), ROME, 7 * DAY)


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ROME))


START, END = rome("2026-03-02T09:00"), rome("2026-03-30T09:00")


def duty(*layers: Layer, **more: object) -> OnCall:
    return OnCall(PEOPLE, {"duty": Rota("duty", layers or (WEEKS,))}, Policy((Step("duty"),)), **more)  # type: ignore[arg-type]


def kinds(on_call: OnCall, **more: object) -> list[tuple[str, str]]:
    return [(one.kind, one.person) for one in coverage.findings(on_call, START, END, **more)]  # type: ignore[arg-type]


def test_a_duty_without_fault_has_no_finding() -> None:
    assert kinds(duty()) == []


def test_a_person_without_a_number_is_one_finding_however_often_they_are_on_duty() -> None:
    assert kinds(duty(replace(WEEKS, people=("anna", "carla")))) == [("no-number", "carla")]
    in_reserve = replace(duty(), policy=Policy((Step("duty"),), fallback=("carla",)))
    assert kinds(in_reserve) == [("no-number", "carla")]


def test_an_entry_for_somebody_who_is_no_more_there_is_found_and_the_others_are_rung() -> None:
    rota = Rota("duty", (WEEKS,), (Override("zeno", rome("2026-03-10T00:00"), rome("2026-03-11T00:00")),))
    on_call = replace(duty(), rotas={"duty": rota})
    assert kinds(on_call) == [("nobody-of-that-name", "zeno")]
    assert [link.person for link in oncall.chain(on_call, rome("2026-03-10T12:00"))] == ["anna", "bruno"]


def test_a_layer_that_puts_nobody_on_duty_is_an_empty_shift() -> None:
    never = Layer(
        "nights", ("bruno",), date(2026, 3, 2), time(9), ROME, 7 * DAY,
        (Restriction(frozenset({0}), time(3), time(4)),), lasts=timedelta(hours=8),
    )  # fmt: skip
    assert kinds(duty(WEEKS, never)) == [("empty-layer", "nights")]
    assert kinds(duty(WEEKS, replace(never, until=date(2026, 3, 2)))) == []  # it is over
    assert kinds(duty(WEEKS, replace(never, start=date(2027, 3, 1)))) == []  # and has not begun


def test_a_number_must_be_proven_until_the_shift_starts_and_be_the_same() -> None:
    on_call = duty(verified_for=30 * DAY)
    proof = {"anna": ("+390611110001", rome("2026-03-01T00:00")), "bruno": ("+390611110002", rome("2026-03-01T00:00"))}
    assert kinds(on_call, proven=proof) == []
    assert kinds(on_call, proven={}) == [("unverified", "anna"), ("unverified", "bruno")]
    assert kinds(on_call, proven=proof | {"bruno": ("+390600000000", proof["bruno"][1])}) == [("unverified", "bruno")]
    assert kinds(on_call, proven=proof | {"anna": ("+390611110001", rome("2026-02-10T00:00"))}) == [
        ("unverified", "anna")
    ]
    assert kinds(duty(), proven={}) == []  # nobody asks for proof


def test_the_words_of_a_finding_stay_the_same_from_look_to_look() -> None:
    desk = next(iter(settings_of("test").desks.values()))
    assert desk.on_call is not None
    away = Absence("tre", rome("2026-11-30T00:00"), rome("2027-02-01T00:00"))
    desk = replace(desk, on_call=replace(desk.on_call, absences=(away,)))
    first, later = (shell.troubles(None, desk, rome(f"2026-12-{day}T10:00")) for day in ("01", "02"))
    assert first[0].words == later[0].words
    assert "until 2026-12-07 09:00" in first[0].words


def test_only_the_hours_outside_every_plan_s_calendar_need_somebody() -> None:
    desk = load_desk(DESKS / "imagicle-care" / "desk.yaml")
    tuesday = (rome("2026-03-03T00:00"), rome("2026-03-04T00:00"))
    (night, evening) = coverage.needed(desk, *tuesday)
    assert (night[0], evening[1]) == tuesday
    assert night[1] < evening[0]
    assert coverage.needed(next(iter(settings_of("test").desks.values())), *tuesday) == (tuesday,)


def test_nights_and_weekend_days_count_for_whoever_has_an_hour_of_them() -> None:
    rota = Rota("duty", (WEEKS,), (Override("bruno", rome("2026-03-07T23:30"), rome("2026-03-08T01:30")),))
    loads = {
        one.person: one
        for one in fairness.loads(
            replace(duty(), rotas={"duty": rota}), START, START + 7 * DAY, ROME, {"anna": 3}, {"anna": 1}
        )
    }
    assert (loads["anna"].nights, loads["anna"].weekend_days, loads["anna"].hours) == (7, 2, 166)
    assert (loads["bruno"].nights, loads["bruno"].weekend_days, loads["bruno"].hours) == (1, 1, 2)
    assert (loads["anna"].rung, loads["anna"].taken, loads["carla"].nights) == (3, 1, 0)


def test_a_hand_off_says_who_goes_who_comes_and_until_when() -> None:
    found = coverage.handoffs(duty(), START, rome("2026-03-09T09:00"), 14 * DAY)
    assert [(one.at, one.leaves, one.comes, one.until) for one in found] == [
        (rome("2026-03-09T09:00"), "anna", "bruno", rome("2026-03-16T09:00"))
    ]
    assert coverage.next_handoff(duty(), START, END) == rome("2026-03-09T09:00")


# -- the words of RFC 5545 in a desk's file


@pytest.mark.parametrize(
    ("written", "who"),
    [
        ({"frequency": "weekly"}, ["anna", "anna", "bruno", "bruno"]),
        ({"frequency": "weekly", "interval": 2}, ["anna", "anna", "anna", "anna"]),
        ({"frequency": "daily"}, ["anna", "bruno", "bruno", "bruno"]),
        ({"frequency": "weekly", "by_day": "MO,TH"}, ["anna", "bruno", "anna", "bruno"]),
        ({"frequency": "weekly", "length": "5 days"}, ["anna", None, "bruno", None]),
        ({"frequency": "monthly"}, ["anna", "anna", "anna", "anna"]),
        ({"length": "7 days"}, ["anna", "anna", "bruno", "bruno"]),
    ],
)
def test_a_layer_is_written_in_the_words_of_the_calendar_standard(
    written: dict[str, object], who: list[str | None]
) -> None:
    shared = {"name": "x", "people": ["anna", "bruno"], "start": "2026-03-02", "handoff": "09:00", **written}
    rota = Rota("duty", (layer_of(LayerSection.model_validate(shared), ROME),))
    days = ("2026-03-02T12:00", "2026-03-07T12:00", "2026-03-09T12:00", "2026-03-16T08:00")
    told = [oncall.on_duty(rota, rome(at)) for at in days]
    assert [one[0] if one else None for one in told] == who


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"length": "7 days", "interval": 2},
        {"frequency": "weekly", "interval": 2, "by_day": "MO,TH"},
        {"frequency": "monthly", "by_day": "MO"},
        {"frequency": "daily", "length": "2 days"},
        {"frequency": "monthly", "start": "2026-03-31"},
    ],
)
def test_turns_that_cannot_be_meant_are_refused(written: dict[str, object]) -> None:
    shared = {"name": "x", "people": ["anna"], "start": "2026-03-02", "handoff": "09:00", **written}
    with pytest.raises(ValueError, match="layer x"):
        layer_of(LayerSection.model_validate(shared), ROME)
