"""Clocks: the tables of the five desks number by number, dates worked out by hand, and a slow oracle."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings.desk import load_desk
from routing import sla
from routing.desk import Allowance

DESKS = Path(__file__).parents[1] / "desks"
ROME = ZoneInfo("Europe/Rome")
MINUTE = timedelta(minutes=1)


@cache
def desk(name):
    return load_desk(DESKS / name / "desk.yaml")


def rome(text):
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def stamped(name, plan, kind, priority, received, **more):
    at = rome(received) if isinstance(received, str) else received
    return sla.stamp(desk(name), plan=plan, kind=kind, priority=priority, received=at, **more)


def promised(stamp):
    """target -> the allowance as it is written: 2H, 10M solar, 1D, BE."""
    written = {}
    for clock in stamp.clocks:
        solar = " solar" if clock.calendar == "solar" else ""
        written[clock.target] = "BE" if clock.best_effort else clock.allowed.removeprefix("P").removeprefix("T") + solar
    return written


def due(stamp, target="take_charge"):
    """A deadline on Rome's wall clock."""
    clock = next(clock for clock in stamp.clocks if clock.target == target)
    return None if clock.due is None else clock.due.astimezone(ROME).replace(tzinfo=None).isoformat(timespec="minutes")


# The tables of the documents, once more by hand. ---------------------------------------------------------------------

ARUBA_PLANS = ("small-enterprise", "enterprise", "enterprise-plus", "premium", "cloud-top-enterprise")
ARUBA = {
    ("incident", "P1", "take_charge"): ("2H", "10M solar", "10M solar", "10M solar", "10M solar"),
    ("incident", "P1", "triage"): (None, "30M solar", "30M solar", "30M solar", "30M solar"),
    ("incident", "P1", "technical_contact"): (None, "2H solar", "30M solar", "30M solar", "30M solar"),
    ("incident", "P1", "resolution"): ("BE", "4H solar", "2H solar", "2H solar", "2H solar"),
    ("incident", "P2", "take_charge"): ("4H", "20M", "20M", "20M", "20M"),
    ("incident", "P2", "triage"): (None, "1H30M", "1H", "1H", "1H"),
    ("incident", "P2", "technical_contact"): (None, "3H", "2H", "2H", "2H"),
    ("incident", "P2", "resolution"): ("BE", "8H", "6H", "6H", "6H"),
    ("incident", "P3", "take_charge"): ("8H", "1H", "1H", "1H", "1H"),
    ("incident", "P3", "resolution"): ("BE", "16H", "12H", "12H", "12H"),
    ("incident", "P4", "take_charge"): ("8H", "1H", "1H", "1H", "1H"),
    ("incident", "P4", "resolution"): ("BE", "BE", "BE", "BE", "BE"),
    ("fulfilment", "urgent", "take_charge"): ("8H", None, None, None, "10M"),
    ("fulfilment", "urgent", "execution"): ("BE", "4H", "4H solar", "4H solar", "2H"),
    ("fulfilment", "normal", "take_charge"): ("8H", "1H", "1H", "1H", "1H"),
    ("fulfilment", "normal", "execution"): ("BE", "1D", "1D", "1D", "4H"),
    ("change", "normal", "analysis"): (None, "1D", "1D", "1D", "4H"),
    ("problem", "normal", "resolution"): (None, None, None, None, None),
}
CARE_PLANS = ("basic", "gold", "platinum")
CARE = {
    ("incident", "P1", "notify"): ("4H", "30M", "30M solar"),
    ("incident", "P1", "take_charge"): ("1D", "1H", "1H solar"),
    ("incident", "P2", "notify"): (None, None, None),
    ("incident", "P2", "take_charge"): ("2D", "2H", "2H"),
    ("incident", "P3", "take_charge"): ("BE", "4H", "4H"),
    ("incident", "P4", "take_charge"): ("BE", "8H", "8H"),
}
TABLE = [
    ("aruba-enterprise", plan, *row, cells[i]) for row, cells in ARUBA.items() for i, plan in enumerate(ARUBA_PLANS)
]
TABLE += [("imagicle-care", plan, *row, cells[i]) for row, cells in CARE.items() for i, plan in enumerate(CARE_PLANS)]
TABLE += [
    ("ivanti", plan, "incident", p, "take_charge", "BE")
    for plan in ("standard", "premium", "enterprise", "success-squad")
    for p in ("P1", "P2", "P3", "P4")
]
TABLE += [
    ("mailup", "standard", kind, p, "take_charge", "BE")
    for kind in ("incident", "information", "event")
    for p in ("P1", "P4")
]


@pytest.mark.parametrize(("name", "plan", "kind", "priority", "target", "allowed"), TABLE)
def test_each_cell_of_the_documents_tables_is_promised(name, plan, kind, priority, target, allowed):
    # A Thursday morning in opening hours, on which an add-on's own shorter times are the earlier ones.
    assert promised(stamped(name, plan, kind, priority, "2026-05-14T10:00")).get(target) == allowed


@pytest.mark.parametrize("kind", ["information", "access"])
def test_information_and_access_requests_are_service_requests(kind):
    for plan in ARUBA_PLANS:
        for priority in ("urgent", "normal"):
            same = promised(stamped("aruba-enterprise", plan, "fulfilment", priority, "2026-05-14T10:00"))
            assert promised(stamped("aruba-enterprise", plan, kind, priority, "2026-05-14T10:00")) == same


@pytest.mark.parametrize("name", ["aruba-enterprise", "imagicle-care"])
def test_a_monitoring_event_has_the_targets_and_the_matrix_of_an_incident(name):
    for plan in desk(name).plans:
        for priority in ("P1", "P2", "P3", "P4"):
            event, incident = (
                stamped(name, plan, kind, priority, "2026-05-16T10:00") for kind in ("event", "incident")
            )
            assert event.clocks == incident.clocks
            assert event.escalations == incident.escalations
            assert event.updates_every == incident.updates_every


@pytest.mark.parametrize(
    ("plan", "base", "expected"),
    [
        ("small-enterprise", None, ("PT1H", "PT4H", "P1D", None)),
        ("enterprise", None, ("PT1H", "PT4H", "P1D", None)),
        ("enterprise-plus", None, ("PT1H", "PT4H", "P1D", None)),
        ("premium", None, ("PT1H", "PT2H", "P1D", None)),
        ("cloud-top-enterprise", None, ("PT1H", "PT4H", "P1D", None)),
        ("cloud-top-enterprise", "premium", ("PT1H", "PT2H", "P1D", None)),
    ],
)
def test_the_cadence_of_news_to_the_customer_is_the_base_plans(plan, base, expected):
    found = [
        stamped("aruba-enterprise", plan, "incident", p, "2026-05-14T10:00", base_plan=base).updates_every
        for p in ("P1", "P2", "P3", "P4")
    ]
    assert tuple(found) == expected


def test_news_of_a_critical_incident_runs_on_the_clock_on_which_it_is_taken_charge_of():
    night = rome("2026-05-15T23:00")
    ask = {"kind": "incident", "priority": "P1", "since": night}
    assert sla.next_update(desk("aruba-enterprise"), plan="enterprise", **ask) == night + timedelta(hours=1)
    assert sla.next_update(desk("aruba-enterprise"), plan="small-enterprise", **ask) == rome("2026-05-18T10:00")
    daily = {**ask, "priority": "P3"}
    assert sla.next_update(desk("aruba-enterprise"), plan="enterprise", **daily) == rome("2026-05-19T18:00")
    assert sla.next_update(desk("imagicle-care"), plan="gold", **ask) is None


CARE_MATRIX = {
    "P1": [("Team Leader", 0), ("Support Manager", 2), ("Co-CEO and CTO", 3)],
    "P2": [("Support Team", 0), ("Team Leader", 1), ("Support Manager", 3), ("Co-CEO and CTO", 4)],
    "P3": [("Support Team", 0), ("Team Leader", 3), ("Support Manager", 4)],
    "P4": [("Support Team", 0), ("Team Leader", 4)],
}
# Received on Monday 4 May 2026 at 10:00: 2, 3, 5, 10, 20 business days, and 2, 4, 8, 16, 40 hours.
CARE_STEPS = {
    "basic": ["2026-05-06T18:00", "2026-05-07T18:00", "2026-05-11T18:00", "2026-05-18T18:00", "2026-06-01T18:00"],
    "gold": ["2026-05-04T12:00", "2026-05-04T14:00", "2026-05-04T18:00", "2026-05-05T17:00", "2026-05-08T14:00"],
    "platinum": ["2026-05-04T12:00", "2026-05-04T14:00", "2026-05-04T18:00", "2026-05-05T17:00", "2026-05-08T14:00"],
}


@pytest.mark.parametrize("plan", CARE_PLANS)
@pytest.mark.parametrize("priority", list(CARE_MATRIX))
def test_the_escalation_matrix_names_who_is_told_and_when(plan, priority):
    for via_on_call in (False, True):
        steps = stamped(
            "imagicle-care", plan, "incident", priority, "2026-05-04T10:00", via_on_call=via_on_call
        ).escalations
        expected = [(to, rome(CARE_STEPS[plan][step])) for to, step in CARE_MATRIX[priority]]
        assert [(step.to, step.due) for step in steps] == expected


def test_desks_without_a_timed_matrix_escalate_to_nobody_by_the_clock():
    assert stamped("aruba-enterprise", "premium", "incident", "P1", "2026-05-14T10:00").escalations == ()
    assert stamped("mailup", "standard", "incident", "P1", "2026-05-14T10:00").escalations == ()


# Dates worked out by hand. -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plan", "priority", "received", "target", "expected"),
    [
        # Easter 2026: Sunday 5 and Monday 6 April
        ("imagicle-care", "basic", "P1", "2026-04-03T17:30", "take_charge", "2026-04-07T18:00"),
        ("imagicle-care", "basic", "P1", "2026-04-03T17:30", "notify", "2026-04-07T12:30"),
        ("imagicle-care", "basic", "P1", "2026-04-03T18:00", "take_charge", "2026-04-08T18:00"),
        ("imagicle-care", "basic", "P1", "2026-04-04T10:00", "take_charge", "2026-04-08T18:00"),
        ("imagicle-care", "basic", "P2", "2026-04-02T12:00", "take_charge", "2026-04-07T18:00"),
        ("imagicle-care", "gold", "P1", "2026-04-04T17:30", "take_charge", "2026-04-06T09:30"),
        ("imagicle-care", "gold", "P2", "2026-04-05T03:00", "take_charge", "2026-04-06T11:00"),
        ("imagicle-care", "gold", "P4", "2026-04-06T12:00", "take_charge", "2026-04-07T11:00"),
        ("imagicle-care", "platinum", "P2", "2026-04-05T03:00", "take_charge", "2026-04-06T11:00"),
        ("imagicle-care", "platinum", "P1", "2026-04-05T03:00", "take_charge", "2026-04-05T04:00"),
        ("aruba-enterprise", "enterprise", "P2", "2026-04-03T17:50", "take_charge", "2026-04-07T09:10"),
        # 15 August: a Friday in 2025, a Saturday in 2026, a Sunday in 2027
        ("imagicle-care", "basic", "P1", "2025-08-14T10:00", "take_charge", "2025-08-18T18:00"),
        ("imagicle-care", "basic", "P2", "2026-08-14T10:00", "take_charge", "2026-08-18T18:00"),
        ("imagicle-care", "gold", "P3", "2026-08-14T16:00", "take_charge", "2026-08-15T11:00"),
        ("imagicle-care", "gold", "P2", "2027-08-15T10:00", "take_charge", "2027-08-15T12:00"),
        ("imagicle-care", "gold", "P2", "2027-08-14T17:00", "take_charge", "2027-08-15T10:00"),
        ("imagicle-care", "gold", "P2", "2027-08-22T10:00", "take_charge", "2027-08-23T11:00"),
        # 4 October: a Saturday in 2025, a Sunday in 2026, a Monday in 2027, and 2021 before the law
        ("aruba-enterprise", "enterprise", "P3", "2027-10-01T17:50", "take_charge", "2027-10-05T09:50"),
        ("aruba-enterprise", "enterprise", "P3", "2021-10-01T17:50", "take_charge", "2021-10-04T09:50"),
        ("aruba-enterprise", "enterprise", "P3", "2026-10-02T17:50", "take_charge", "2026-10-05T09:50"),
        ("imagicle-care", "basic", "P1", "2027-10-01T10:00", "take_charge", "2027-10-04T18:00"),
        ("imagicle-care", "gold", "P1", "2026-10-04T10:00", "take_charge", "2026-10-05T10:00"),
        # the edges of the day
        ("aruba-enterprise", "enterprise", "P3", "2026-05-14T17:00", "take_charge", "2026-05-14T18:00"),
        ("aruba-enterprise", "enterprise", "P3", "2026-05-14T18:00", "take_charge", "2026-05-15T10:00"),
        ("aruba-enterprise", "enterprise", "P3", "2026-05-14T08:59", "take_charge", "2026-05-14T10:00"),
        ("aruba-enterprise", "enterprise", "P3", "2026-05-14T17:00", "resolution", "2026-05-18T15:00"),
        ("imagicle-care", "basic", "P1", "2026-05-14T08:59", "take_charge", "2026-05-15T18:00"),
        ("imagicle-care", "basic", "P1", "2026-05-14T17:59", "take_charge", "2026-05-15T18:00"),
        # the year's end: 1 January 2027 is a Friday, 6 January a Wednesday
        ("imagicle-care", "basic", "P1", "2026-12-31T10:00", "take_charge", "2027-01-04T18:00"),
        ("imagicle-care", "gold", "P4", "2026-12-31T14:00", "take_charge", "2027-01-01T13:00"),
        ("imagicle-care", "basic", "P2", "2027-01-04T10:00", "take_charge", "2027-01-07T18:00"),
        # 25 and 26 December 2026: Friday and Saturday
        ("aruba-enterprise", "small-enterprise", "P2", "2026-12-24T16:00", "take_charge", "2026-12-28T11:00"),
        # a leap day, and 25 April on a Saturday
        ("imagicle-care", "basic", "P1", "2028-02-28T10:00", "take_charge", "2028-02-29T18:00"),
        ("imagicle-care", "gold", "P1", "2026-04-24T17:30", "take_charge", "2026-04-25T09:30"),
        # the nights on which the clocks change: 29 March and 25 October 2026
        ("aruba-enterprise", "enterprise", "P1", "2026-03-28T22:30", "resolution", "2026-03-29T03:30"),
        ("aruba-enterprise", "enterprise", "P1", "2026-03-29T01:50", "take_charge", "2026-03-29T03:00"),
        ("aruba-enterprise", "enterprise", "P1", "2026-10-24T23:30", "resolution", "2026-10-25T02:30"),
        ("aruba-enterprise", "enterprise", "P1", "2026-10-25T01:30", "technical_contact", "2026-10-25T02:30"),
        ("imagicle-care", "basic", "P1", "2026-03-27T17:00", "notify", "2026-03-30T12:00"),
        ("imagicle-care", "basic", "P1", "2026-10-23T17:00", "notify", "2026-10-26T12:00"),
    ],
)
def test_a_deadline_falls_where_the_calendar_says(name, plan, priority, received, target, expected):
    assert due(stamped(name, plan, "incident", priority, received), target) == expected


def test_the_second_occurrence_of_an_hour_is_an_hour_later_than_the_first():
    first = rome("2026-10-25T02:30")
    second = first.replace(fold=1)
    dues = [stamped("aruba-enterprise", "enterprise", "incident", "P1", at).clocks[0].due for at in (first, second)]
    assert dues[1] - dues[0] == timedelta(hours=1)


def test_a_literal_desk_counts_days_from_the_date_of_receipt():
    from dataclasses import replace

    literal = replace(desk("imagicle-care"), days_from="receipt")
    cases = {
        "2026-05-16T10:00": "2026-05-18T18:00",
        "2026-05-14T10:00": "2026-05-15T18:00",
        "2026-05-14T20:00": "2026-05-15T18:00",
    }
    for received, expected in cases.items():
        assert (
            due(sla.stamp(literal, plan="basic", kind="incident", priority="P1", received=rome(received))) == expected
        )
    assert due(stamped("imagicle-care", "basic", "incident", "P1", "2026-05-16T10:00")) == "2026-05-19T18:00"


def test_platinum_runs_by_day_and_night_when_the_call_came_through_on_call():
    night = "2026-05-17T03:00"
    for priority, hours in (("P2", 2), ("P3", 4), ("P4", 8)):
        through = stamped("imagicle-care", "platinum", "incident", priority, night, via_on_call=True)
        assert through.clocks[0].due == rome(night) + timedelta(hours=hours)
        assert stamped("imagicle-care", "platinum", "incident", priority, night).clocks[0].due == rome(
            "2026-05-18T09:00"
        ) + timedelta(hours=hours)
    assert promised(stamped("imagicle-care", "gold", "incident", "P2", night, via_on_call=True)) == {
        "take_charge": "2H"
    }


def test_an_alarm_out_of_hours_is_taken_charge_of_within_an_hour():
    assert due(stamped("mailup", "standard", "event", "P2", "2026-05-16T22:00")) == "2026-05-16T23:00"
    assert due(stamped("mailup", "standard", "event", "P2", "2026-05-14T10:00")) is None
    assert due(stamped("mailup", "standard", "incident", "P2", "2026-05-16T22:00")) is None


# Add-ons and what a plan does not have. ------------------------------------------------------------------------------


def test_over_a_base_plan_the_earlier_deadline_of_each_target_holds():
    over = stamped(
        "aruba-enterprise", "cloud-top-enterprise", "incident", "P2", "2026-05-14T10:00", base_plan="small-enterprise"
    )
    assert promised(over) == {"take_charge": "20M", "triage": "1H", "technical_contact": "2H", "resolution": "6H"}
    assert over.base_plan == "small-enterprise"
    # Late in the day, four hours by day and night are sooner than two opening hours.
    urgent = {"kind": "fulfilment", "priority": "urgent", "base_plan": "premium"}
    evening = sla.stamp(
        desk("aruba-enterprise"), plan="cloud-top-enterprise", received=rome("2026-05-14T17:30"), **urgent
    )
    morning = sla.stamp(
        desk("aruba-enterprise"), plan="cloud-top-enterprise", received=rome("2026-05-14T10:00"), **urgent
    )
    assert (promised(evening)["execution"], due(evening, "execution")) == ("4H solar", "2026-05-14T21:30")
    assert (promised(morning)["execution"], due(morning, "execution")) == ("2H", "2026-05-14T12:00")


def test_an_urgent_request_that_is_not_in_the_plan_counts_as_normal_and_is_marked():
    small = stamped("aruba-enterprise", "small-enterprise", "access", "urgent", "2026-05-14T10:00")
    assert (small.priority, small.marks) == ("normal", ("urgent not in plan",))
    topped = stamped(
        "aruba-enterprise", "cloud-top-enterprise", "access", "urgent", "2026-05-14T10:00", base_plan="small-enterprise"
    )
    assert (topped.priority, topped.marks) == ("urgent", ())
    assert promised(topped) == {"take_charge": "10M", "execution": "2H"}


# Pauses. -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "priority", "received", "pauses", "expected"),
    [
        ("gold", "P2", "2026-05-14T10:00", [("10:30", "11:00")], "2026-05-14T12:30"),
        (
            "gold",
            "P2",
            "2026-05-14T10:00",
            [("10:30", "11:00"), ("10:45", "11:30"), ("11:30", "11:40")],
            "2026-05-14T13:10",
        ),
        ("gold", "P2", "2026-05-14T10:00", [("09:00", "10:30")], "2026-05-14T12:30"),
        ("gold", "P2", "2026-05-14T10:00", [("08:00", "09:30")], "2026-05-14T12:00"),
        ("gold", "P2", "2026-05-14T10:00", [("12:00", "13:00")], "2026-05-14T12:00"),
        ("gold", "P2", "2026-05-14T10:00", [("11:59", "13:00")], "2026-05-14T13:01"),
        ("gold", "P2", "2026-05-14T17:00", [("18:00", "23:00")], "2026-05-15T10:00"),
        ("gold", "P2", "2026-05-14T10:00", [("12:00", None)], "2026-05-14T12:00"),
        ("gold", "P2", "2026-05-14T10:00", [("11:59", None)], None),
        ("gold", "P2", "2026-05-14T10:00", [("10:30", "11:00"), ("12:15", None)], None),
        ("gold", "P2", "2026-05-14T10:00", [("10:30", "11:00"), ("12:30", None)], "2026-05-14T12:30"),
        ("gold", "P2", "2026-05-14T10:00", [("10:30", None), ("11:00", "11:30")], None),
        ("platinum", "P1", "2026-05-14T20:00", [("20:10", "20:40")], "2026-05-14T21:30"),
        ("platinum", "P1", "2026-05-14T20:00", [("21:00", "21:40")], "2026-05-14T21:00"),
        ("basic", "P1", "2026-05-14T10:00", [("11:00", "13:00")], "2026-05-18T11:00"),
        ("basic", "P1", "2026-05-14T10:00", [("19:00", "23:00")], "2026-05-15T18:00"),
        ("basic", "P1", "2026-05-14T10:00", [("11:00", "2026-05-15T11:00")], "2026-05-18T18:00"),
        ("basic", "P1", "2026-05-16T10:00", [("11:00", "2026-05-18T12:00")], "2026-05-20T12:00"),
    ],
)
def test_pauses_stop_the_clock_and_nothing_else(plan, priority, received, pauses, expected):
    def at(text):
        return rome(text if "T" in text else f"{received[:10]}T{text}")

    spans = [(at(begins), at(ends) if ends else None) for begins, ends in pauses]
    assert due(stamped("imagicle-care", plan, "incident", priority, received, pauses=spans)) == expected


def test_intervals_are_the_time_that_was_counted():
    paused = [(rome("2026-05-15T09:30"), rome("2026-05-15T10:00"))]
    gold = stamped("imagicle-care", "gold", "incident", "P2", "2026-05-14T17:00", pauses=paused).clocks[0]
    expected = [
        ("2026-05-14T17:00", "2026-05-14T18:00"),
        ("2026-05-15T09:00", "2026-05-15T09:30"),
        ("2026-05-15T10:00", "2026-05-15T10:30"),
    ]
    assert gold.intervals == tuple((rome(a), rome(b)) for a, b in expected)
    solar = stamped("imagicle-care", "platinum", "incident", "P1", "2026-05-15T09:00", pauses=paused).clocks[1]
    assert solar.intervals == (
        (rome("2026-05-15T09:00"), rome("2026-05-15T09:30")),
        (rome("2026-05-15T10:00"), rome("2026-05-15T10:30")),
    )
    days = stamped("imagicle-care", "basic", "incident", "P1", "2026-05-16T10:00").clocks[1]
    assert days.intervals == (
        (rome("2026-05-18T09:00"), rome("2026-05-18T18:00")),
        (rome("2026-05-19T09:00"), rome("2026-05-19T18:00")),
    )


# States. -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "done", "stopped", "pauses", "state"),
    [
        ("10:30", None, None, [], "running"),
        ("11:00", None, None, [], "running"),
        ("11:00:01", None, None, [], "missed"),
        ("12:00", "11:00", None, [], "met"),
        ("12:00", "11:00:01", None, [], "missed"),
        ("10:30", "10:45", None, [], "running"),
        ("10:30", None, None, [("10:20", "10:40")], "paused"),
        ("10:40", None, None, [("10:20", "10:40")], "running"),
        ("10:30", None, None, [("10:20", None)], "paused"),
        ("10:10", None, None, [("10:20", None)], "running"),
        ("11:00", None, None, [("11:00", "12:00")], "running"),
        ("11:30", None, None, [("11:00", None)], "missed"),
        ("12:00", None, "10:30", [], "stopped"),
        ("12:00", None, "11:30", [], "missed"),
        ("10:15", None, "10:30", [], "running"),
    ],
)
def test_a_clock_is_running_paused_met_missed_or_stopped(at, done, stopped, pauses, state):
    def when(text):
        return rome(f"2026-05-14T{text}") if text else None

    stamp = stamped(
        "imagicle-care",
        "gold",
        "incident",
        "P1",
        "2026-05-14T10:00",
        at=when(at),
        stopped_at=when(stopped),
        met={"take_charge": when(done)} if done else {},
        pauses=[(when(a), when(b)) for a, b in pauses],
    )
    assert next(clock.state for clock in stamp.clocks if clock.target == "take_charge") == state


def test_a_best_effort_clock_shows_its_age_and_is_never_missed():
    clock = stamped("imagicle-care", "basic", "incident", "P4", "2026-05-14T17:00", at=rome("2026-05-18T09:30")).clocks[
        0
    ]
    assert (clock.due, clock.best_effort, clock.allowed, clock.state) == (None, True, None, "running")
    assert clock.counted == (1 + 9 + 0.5) * 3600
    assert (
        stamped(
            "imagicle-care", "basic", "incident", "P4", "2026-05-14T17:00", pauses=[(rome("2026-05-14T17:30"), None)]
        )
        .clocks[0]
        .state
        == "paused"
    )


def test_a_region_has_its_own_hours():
    ivanti = desk("ivanti")
    assert {calendar.zone for calendar in ivanti.calendars.values()} == {
        "UTC",
        "Europe/London",
        "America/Denver",
        "Australia/Sydney",
    }
    clock = sla.stamp(
        ivanti, plan="standard", kind="incident", priority="P1", received=rome("2026-05-14T08:00"), region="americas"
    ).clocks[0]
    assert clock.start == datetime(2026, 5, 14, 15, tzinfo=UTC)


def test_a_quote_is_over_at_the_end_of_its_last_day():
    assert sla.expiry(desk("aruba-interventions"), date(2026, 10, 24)) == rome("2026-10-25T00:00")
    assert sla.expiry(desk("aruba-interventions"), date(2026, 10, 25)) == rome("2026-10-26T00:00")


# Against a slow oracle. ----------------------------------------------------------------------------------------------

FIXED = {(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)}
EASTER_MONDAYS = {date(2025, 4, 21), date(2026, 4, 6), date(2027, 3, 29), date(2028, 4, 17)}


def opens(calendar, minute):
    local = minute.astimezone(ROME)
    holiday = (local.month, local.day) in FIXED or local.date() in EASTER_MONDAYS
    if calendar == "office":
        holiday = holiday or ((local.month, local.day) == (10, 4) and local.year >= 2026)
    day = local.weekday() < 6 or holiday if calendar == "gold" else local.weekday() < 5 and not holiday
    return calendar == "solar" or (day and 9 <= local.hour < 18)


def slow_due(calendar, allowed, received, pauses):
    """Walks minute by minute; a day count first walks to its end, then walks the same open time around the pauses."""
    start = received
    while not opens(calendar, start):
        start += MINUTE
    minutes = allowed
    if isinstance(allowed, str):
        first, days, minute, minutes = start.astimezone(ROME).date(), set(), start, 0
        while True:
            if opens(calendar, minute):
                today = minute.astimezone(ROME).date()
                if today > first:
                    days.add(today)
                if len(days) > int(allowed[0]):
                    break
                minutes += 1
            minute += MINUTE
    at = start
    while minutes:
        if any(begins <= at and (ends is None or at < ends) for begins, ends in pauses):
            if any(begins <= at and ends is None for begins, ends in pauses):
                return None
        elif opens(calendar, at):
            minutes -= 1
        at += MINUTE
    return at


SLOW = [
    ("imagicle-care", "basic", "P1", "notify", "basic", 240),
    ("imagicle-care", "basic", "P1", "take_charge", "basic", "1 day"),
    ("imagicle-care", "basic", "P2", "take_charge", "basic", "2 days"),
    ("imagicle-care", "gold", "P4", "take_charge", "gold", 480),
    ("imagicle-care", "platinum", "P1", "take_charge", "solar", 60),
    ("aruba-enterprise", "small-enterprise", "P3", "take_charge", "office", 480),
    ("aruba-enterprise", "enterprise", "P3", "resolution", "office", 960),
    ("aruba-enterprise", "enterprise", "P1", "resolution", "solar", 240),
]
EVES = [
    "2026-03-28T12:00",
    "2026-10-24T12:00",
    "2026-04-03T12:00",
    "2026-08-14T12:00",
    "2027-08-13T12:00",
    "2027-10-01T12:00",
    "2026-12-24T12:00",
    "2028-02-28T12:00",
    "2026-04-30T12:00",
]
receipts = st.builds(
    lambda eve, minutes: rome(eve).astimezone(UTC) + MINUTE * minutes, st.sampled_from(EVES), st.integers(-2000, 4000)
)
spans = st.lists(
    st.tuples(st.integers(-300, 3000), st.one_of(st.none(), st.integers(0, 2000), st.integers(0, 60))), max_size=3
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SLOW), receipts, spans)
def test_every_deadline_is_where_walking_minute_by_minute_ends(case, received, pauses):
    name, plan, priority, target, calendar, allowed = case
    held = [
        (received + MINUTE * begins, None if length is None else received + MINUTE * (begins + length))
        for begins, length in pauses
    ]
    stamp = stamped(name, plan, "incident", priority, received, pauses=held)
    clock = next(clock for clock in stamp.clocks if clock.target == target)
    assert clock.due == slow_due(calendar, allowed, received, held)
    if clock.due is not None and not isinstance(allowed, str):
        assert sum((b - a).total_seconds() for a, b in clock.intervals) == allowed * 60


# Words in, words out. ------------------------------------------------------------------------------------------------


def asked(**words):
    usual = {"plan": "gold", "kind": "incident", "priority": "P1", "received": "2026-05-14T10:00:00+02:00"}
    return sla.request(desk(words.pop("desk", "imagicle-care")), **{**usual, **words})


def test_the_json_is_what_the_design_promises():
    stamp = asked(pauses=["2026-05-14T10:10:00+02:00/2026-05-14T08:20:00Z"], at="2026-05-14T10:15:00+02:00")
    assert sla.as_json(stamp, "Europe/Rome") == {
        "desk": "imagicle-care",
        "plan": "gold",
        "base_plan": None,
        "kind": "incident",
        "priority": "P1",
        "received": "2026-05-14T10:00:00+02:00",
        "targets": [
            {
                "target": "notify",
                "due": "2026-05-14T10:40:00+02:00",
                "best_effort": False,
                "allowed": "PT30M",
                "calendar": "gold",
                "intervals": [
                    ["2026-05-14T10:00:00+02:00", "2026-05-14T10:10:00+02:00"],
                    ["2026-05-14T10:20:00+02:00", "2026-05-14T10:40:00+02:00"],
                ],
                "state": "paused",
            },
            {
                "target": "take_charge",
                "due": "2026-05-14T11:10:00+02:00",
                "best_effort": False,
                "allowed": "PT1H",
                "calendar": "gold",
                "intervals": [
                    ["2026-05-14T10:00:00+02:00", "2026-05-14T10:10:00+02:00"],
                    ["2026-05-14T10:20:00+02:00", "2026-05-14T11:10:00+02:00"],
                ],
                "state": "paused",
            },
        ],
        "updates_every": None,
        "escalations": [
            {"to": "Team Leader", "due": "2026-05-14T12:10:00+02:00"},
            {"to": "Support Manager", "due": "2026-05-15T09:10:00+02:00"},
            {"to": "Co-CEO and CTO", "due": "2026-05-15T17:10:00+02:00"},
        ],
        "marks": [],
    }


@pytest.mark.parametrize("label", ["P2", "p2", "high", "Alta"])
def test_a_desks_own_label_names_a_priority(label):
    assert asked(priority=label).priority == "P2"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"received": "2026-05-14T10:00:00"}, "received: '2026-05-14T10:00:00' has no offset"),
        ({"received": "yesterday"}, "received: 'yesterday' is not an ISO 8601 time"),
        ({"received": "0001-01-01T00:00:00+14:00"}, "years 1970 to 8999"),
        ({"at": "2026-05-14"}, "at: '2026-05-14' has no offset"),
        ({"pauses": ["2026-05-14T10:00:00Z"]}, "is not from/to"),
        ({"pauses": ["2026-05-14T10:00:00/2026-05-14T11:00:00Z"]}, "pause: '2026-05-14T10:00:00' has no offset"),
        ({"pauses": ["2026-05-14T11:00:00Z/2026-05-14T10:00:00Z"]}, "ends before it begins"),
        ({"pauses": ["2026-05-14T11:00:00+02:00/2026-05-14T09:00:00+01:00"]}, "ends before it begins"),
        ({"plan": "silver"}, "has no plan 'silver'; it has: basic, gold, platinum"),
        ({"kind": "problem"}, "has no kind 'problem'; it has: incident, event, information"),
        ({"priority": "P5"}, "has no priority 'P5' for incident; it has: P1, P2, P3, P4"),
        ({"priority": "urgent"}, "has no priority 'urgent' for incident"),
        ({"via": "mail"}, "cannot come via 'mail'; allowed: on-call"),
        ({"base_plan": "basic"}, "gold is not an add-on and takes no base plan"),
        ({"region": "mars"}, "desk imagicle-care has no hours for the region 'mars'; it has: none"),
        ({"desk": "ivanti", "plan": "premium", "region": "mars"}, "it has: americas, apac, emea"),
        (
            {"desk": "aruba-enterprise", "plan": "cloud-top-enterprise", "base_plan": "cloud-top-enterprise"},
            "is itself an add-on; allowed: small-enterprise",
        ),
        ({"desk": "aruba-enterprise", "plan": "cloud-top-enterprise", "base_plan": "gold"}, "has no plan 'gold'"),
    ],
)
def test_what_cannot_be_stamped_is_refused_with_one_clear_line(words, complaint):
    with pytest.raises(ValueError) as refusal:
        asked(**words)
    assert complaint in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_empty_pause_does_nothing():
    same = "2026-05-14T10:30:00+02:00"
    assert asked(pauses=[f"{same}/{same}"]).clocks == asked().clocks


def test_the_arithmetic_is_told_in_both_languages():
    stamp = asked(plan="basic", received="2026-04-03T17:30:00+02:00")
    assert sla.in_words(stamp, "en")[:3] == (
        "Received Fri 3 Apr 2026 17:30 (Europe/Rome).",
        "Priority notification: 4 h of opening hours (Office hours), counted from Fri 3 Apr 2026 17:30: by Tue 7 Apr 2026 12:30. Counted: Fri 3 Apr 2026 17:30–18:00 (30 min), Tue 7 Apr 2026 09:00–12:30 (3 h 30 min). [running]",
        "Take charge: end of business day 1 after that day (Office hours), counted from Fri 3 Apr 2026 17:30: by Tue 7 Apr 2026 18:00. Counted: Fri 3 Apr 2026 17:30–18:00 (30 min), Tue 7 Apr 2026 09:00–18:00 (9 h). [running]",
    )
    assert sla.in_words(stamp, "it")[0] == "Ricevuta ven 3 apr 2026 17:30 (Europe/Rome)."
    assert len(sla.in_words(stamp, "it")) == len(sla.in_words(stamp, "en")) == 6
    assert "4 h di orario lavorativo (Orario d'ufficio), contando da" in sla.in_words(stamp, "it")[1]
    assert sla.in_words(stamp, "fi") == sla.in_words(stamp, "en")


def test_hours_without_a_name_are_said_by_their_id():
    stamp = asked(plan="basic", received="2026-04-03T17:30:00+02:00")
    clocks = tuple(
        clock._replace(promise=replace(clock.promise, calendar=replace(clock.promise.calendar, label={})))
        for clock in stamp.clocks
    )
    assert "opening hours (basic), counted" in sla.in_words(replace(stamp, clocks=clocks), "en")[1]


@pytest.mark.parametrize(
    ("cadence", "english", "italian"),
    [
        (Allowance("solar", 3_600), "every hour", "ogni ora"),
        (Allowance("business", 14_400), "every 4 h", "ogni 4 h"),
        (Allowance("days", 1), "each business day", "ogni giorno lavorativo"),
        (Allowance("days", 2), "every 2 business days", "ogni 2 giorni lavorativi"),
    ],
)
def test_how_often_there_is_news_is_told(cadence, english, italian):
    stamp = replace(asked(plan="basic", received="2026-04-03T17:30:00+02:00"), cadence=cadence)
    assert f"News to the customer: {english}." in sla.in_words(stamp, "en")
    assert f"Aggiornamenti al cliente: {italian}." in sla.in_words(stamp, "it")


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_kind_of_clock_has_its_words(language):
    for name in ("aruba-enterprise", "imagicle-care", "mailup", "ivanti", "aruba-interventions"):
        for kind, priorities in desk(name).kinds.items():
            for plan in desk(name).plans:
                stamp = stamped(
                    name, plan, kind, priorities[0], "2026-05-16T10:00", pauses=[(rome("2026-05-16T10:05"), None)]
                )
                assert all(line and "{" not in line for line in sla.in_words(stamp, language))
