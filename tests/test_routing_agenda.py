"""What falls due on a ticket's clocks, and when."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.settings.desk import load_desk
from routing import agenda, allowances, sla
from routing.confirming import confirms
from routing.desk import Allowance, ClockRules
from routing.tickets import Pause, Ticket, gone_on, resumed

ROME = ZoneInfo("Europe/Rome")


@cache
def desk(name):
    return load_desk(Path(__file__).parents[1] / "desks" / name / "desk.yaml")


def rome(text):
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def ticket(received="2026-05-14T10:00", **more):
    usual = {
        "id": 1, "number": "X", "desk": "d", "customer": None, "customer_name": None, "contact": None, "requester": None, "phone": None, "language": "it",
        "subject": "", "channel": "mail", "plan": None, "base_plan": None, "kind": "incident", "priority": "P1", "queue": "q", "level": "L1",
        "assignee": None, "state": "new", "verified": True, "via_on_call": False, "received_at": rome(received), "opened_at": rome(received),
        "next_due": None, "next_target": None, "resolved_at": None, "linked": None, "pauses": (), "met": {}, "clocks": {}, "evidence": (), "version": 1,
    }  # fmt: skip
    return Ticket(**{**usual, **more})


def told(one, name, rules=None, news=None):
    here = replace(desk(name), clocks=rules) if rules else desk(name)
    stamp = sla.stamp(
        here, plan=one.plan, kind=one.kind, priority=one.priority, received=one.received_at,
        pauses=[(pause.start, pause.end) for pause in one.pauses], met=one.met, stopped_at=one.resolved_at,
    )  # fmt: skip
    return [
        (moment.due, moment.what, moment.at.astimezone(ROME).strftime("%d %H:%M:%S"))
        for moment in agenda.moments(one, here, stamp, news)
    ]


def test_a_warning_comes_when_most_of_an_allowance_is_used_up_in_its_own_calendar():
    moments = told(ticket(plan="gold", received="2026-05-14T17:30"), "imagicle-care", ClockRules(warn_at=50))
    assert moments[:4] == [
        ("warning", "notify", "14 17:45:00"),
        ("breach", "notify", "14 18:00:00"),
        ("warning", "take_charge", "14 18:00:00"),
        ("breach", "take_charge", "15 09:30:00"),
    ]


def test_a_warning_moves_with_a_pause_and_with_days():
    paused = (Pause(rome("2026-05-14T10:10"), rome("2026-05-14T10:40"), "sede?"),)
    moments = told(ticket(plan="gold", pauses=paused), "imagicle-care", ClockRules(warn_at=50))
    assert moments[0] == ("warning", "notify", "14 10:45:00")
    days = told(ticket(plan="basic", priority="P2"), "imagicle-care", ClockRules(warn_at=50))
    # From Thursday 10:00 to Monday 18:00 are 26 opening hours: half of them are gone on Friday at 14:00.
    assert days[0] == ("warning", "take_charge", "15 14:00:00")


def test_what_was_met_and_what_is_resolved_falls_due_no_more():
    met = told(ticket(plan="gold", met={"notify": rome("2026-05-14T10:01")}), "imagicle-care", ClockRules(warn_at=None))
    assert next(what for _, what, _ in met) == "take_charge"
    done = ticket(plan="gold", state="resolved", resolved_at=rome("2026-05-14T11:00"))
    assert told(done, "imagicle-care", ClockRules(close_after=Allowance("days", 2))) == [("silence", "", "16 18:00:00")]
    assert told(done, "imagicle-care", ClockRules(close_after=None)) == []


@pytest.mark.parametrize(
    ("plan", "priority", "news", "expected"),
    [
        ("premium", "P1", None, "14 23:00:00"),
        ("premium", "P1", "2026-05-14T22:30", "14 23:30:00"),
        ("premium", "P2", None, "15 11:00:00"),
        ("enterprise", "P2", None, "15 13:00:00"),
        ("premium", "P3", None, "18 18:00:00"),
        ("premium", "P4", None, None),
    ],
)
def test_news_are_due_from_the_action_plan_on(plan, priority, news, expected):
    one = ticket(plan=plan, priority=priority, met={"resolution": rome("2026-05-14T22:00")})
    due = [at for due, _, at in told(one, "aruba-enterprise", news=rome(news) if news else None) if due == "update"]
    assert due == ([expected] if expected else [])
    assert "update" not in [due for due, _, _ in told(replace(one, met={}), "aruba-enterprise")]


def test_a_new_tickets_first_moment_is_the_first_of_all():
    stamp = sla.stamp(
        desk("aruba-enterprise"), plan="premium", kind="incident", priority="P1", received=rome("2026-05-14T22:00")
    )
    assert agenda.first(desk("aruba-enterprise"), stamp) == rome("2026-05-14T22:08")
    best_effort = sla.stamp(
        desk("ivanti"), plan="standard", kind="incident", priority="P1", received=rome("2026-05-14T22:00")
    )
    assert agenda.first(desk("ivanti"), best_effort) is None


def test_when_the_customer_says_no_the_clock_goes_on_without_the_time_we_waited_for_their_word():
    start, done = rome("2026-05-14T10:00"), rome("2026-05-14T11:00")
    met = {"take_charge": start, "resolution": done}
    changed = gone_on(ticket(met=met, resolved_at=done), done + timedelta(hours=3))
    assert changed["met"] == {"take_charge": start}
    assert [(pause.start, pause.end) for pause in changed["pauses"]] == [(done, done + timedelta(hours=3))]
    planned = gone_on(ticket(met={"resolution": start}, resolved_at=done), done)
    assert planned["met"] == {"resolution": start}  # the action plan stands, and stopped the clock before


def test_of_two_waits_each_ends_on_its_own():
    at = rome("2026-05-14T10:00")
    pauses = (Pause(at, None, "log"), Pause(at, None, "fornitore", "third-party"))
    first = resumed(pauses, at + timedelta(hours=1), "customer")
    assert first["state"] == "waiting"
    assert resumed(first["pauses"], at + timedelta(hours=2))["state"] == "taken"


@pytest.mark.parametrize(
    "text",
    ["Grazie!", "Grazie mille, tutto risolto.\n\nMario Rossi", "Thank you very much, it works again", "Confermo, potete chiudere.", "ok grazie"],
)  # fmt: skip
def test_thanks_alone_confirm(text):
    assert confirms(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "ok", "Grazie ma non funziona ancora", "Grazie, e la stampante?", "No", "Thanks, but it is broken again",
        "Grazie, è successo di nuovo alle 10", "Non è risolto", "Not solved", "Grazie. Ora però è lento.", "Purtroppo no, grazie",
        "Grazie\nMario\nNon va",
    ],
)  # fmt: skip
def test_whatever_says_more_than_thanks_does_not_confirm(text):
    assert not confirms(text)


@pytest.mark.parametrize("text", ["PT2H", "PT1H30M", "P1D", "PT45M", "PT30S"])
def test_a_duration_reads_as_it_is_written(text):
    assert allowances.iso(allowances.from_iso(text)) == text


@pytest.mark.parametrize("text", ["", "P", "PT", "2h", "P1DT2H", "P1M"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="write hours and minutes, or days"):
        allowances.from_iso(text)


def test_allowances_are_written_as_the_documents_write_them():
    written = [allowances.written(Allowance(*one)) for one in (
        ("business", 7200), ("business", 5400), ("solar", 600), ("days", 1), ("days", 2), ("best_effort", 0), ("solar", 45),
    )]  # fmt: skip
    assert written == ["2h", "1.5h", "10m solar", "NBD", "2 days", "BE", "45s solar"]
