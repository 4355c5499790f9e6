"""Events of customers' monitoring open tickets by the desk's table, fold, recover, and wake somebody for what matters only."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from databases import Stock, settings_of
from world import World, instant, read_letter

from gateway.rehearsal import Rehearsal
from gateway.store import api_tokens
from gateway.store.database import open_database
from routing.desk import Desk, EventRule

TABLE = (
    EventRule("voip-stack-crash", {"en": "VoIP stack crash"}, ("voip stack",), "P1"),
    EventRule("disk-low", {"en": "disk space low"}, ("disk space low",), "P4"),
    EventRule("disk-near-full", {"en": "disk near full"}, ("disk near full",), "P3"),
)


def with_table(desk: Desk) -> Desk:
    return replace(desk, events=TABLE)


@pytest.fixture
def world(stock: Stock, kind: str) -> Iterator[World]:
    with stock.fresh(kind, "test") as url:
        settings = settings_of("test")
        desks = {name: with_table(desk) for name, desk in settings.desks.items()}
        opened = World(Rehearsal(replace(settings, desks=desks), open_database(url), instant("2026-11-25 03:00")))
        yield opened
        opened.close()


def post(world: World, scope: str = "event", **fields: str) -> tuple[int, dict[str, Any]]:
    _, text = world.database.write(
        lambda c: api_tokens.issue(c, "monitoring", (scope,), world.now, secret=world.engine.secret)
    )
    answer = world.rehearsal.client.post("/in/events", json=fields, headers={"Authorization": f"Bearer {text}"})
    return answer.status_code, answer.json()


CRASH = {"customer": "100001", "host": "pbx01", "service": "VoIP stack crashed", "state": "problem"}


def test_an_event_opens_a_ticket_by_the_table_pages_and_the_customer_is_told(world: World) -> None:
    status, told = post(world, **CRASH)
    assert (status, told["outcome"]) == (200, "new")
    ticket = world.ticket()
    assert (ticket.customer, ticket.kind, ticket.priority, ticket.channel) == ("ACME", "event", "P1", "event")
    world.advance(3)
    assert world.rings() == ["Dora Seconda"]
    letter = world.letter()
    assert letter.recipient == "mario@acme.example"
    assert ticket.number in read_letter(letter).text


def test_a_repetition_folds_and_a_recovery_is_noticed(world: World) -> None:
    post(world, **CRASH)
    world.advance(minutes=5)
    assert post(world, **CRASH)[1]["outcome"] == "append"
    world.advance(minutes=5)
    assert post(world, **{**CRASH, "state": "recovery"})[1]["outcome"] == "append"
    words = world.story(world.ticket(), "state")
    assert "the monitoring system tells of it again" in words
    assert "the monitoring system says that it recovered" in words
    assert len(world.letters()) == 1


def test_small_events_wake_nobody(world: World) -> None:
    post(world, customer="100001", host="db1", service="disk space low", state="problem")
    world.advance(hours=1)
    assert (world.ticket().priority, world.orders()) == ("P4", 0)


def test_an_event_of_a_plan_without_on_call_wakes_nobody(world: World) -> None:
    post(world, **{**CRASH, "customer": "100002"})
    world.advance(hours=1)
    assert (world.ticket().priority, world.ticket().customer, world.orders()) == ("P1", "BETA", 0)


def test_what_gets_worse_is_no_repetition(world: World) -> None:
    same = {"customer": "100001", "fingerprint": "abc-1", "state": "problem"}
    post(world, **same, severity="P3")
    world.advance(minutes=1)
    assert post(world, **same, severity="P1")[1]["outcome"] == "new"
    world.advance(3)
    assert world.orders() == 1


def test_a_recovery_nobody_waits_for_wakes_nobody(world: World) -> None:
    post(world, **{**CRASH, "state": "resolved"})
    world.advance(hours=1)
    assert (world.ticket().priority, world.orders(), world.letters()) == ("P4", 0, [])


def test_an_event_mail_is_an_event_by_the_same_table(world: World) -> None:
    for state in ("PROBLEM", "PROBLEM"):
        subject = f"** {state} Service Alert: pbx01/VoIP stack is CRITICAL **"
        world.mail("monitor@acme.example", subject, "Host: pbx01\nService: VoIP stack\nState: CRITICAL")
        world.advance(minutes=1)
    ticket = world.ticket()
    assert (ticket.kind, ticket.priority) == ("event", "P1")
    assert world.orders() > 0
    assert [letter.recipient for letter in world.letters()] == ["mario@acme.example"]


def test_a_strangers_event_mail_wakes_nobody(world: World) -> None:
    subject = "** PROBLEM Service Alert: pbx01/VoIP stack is CRITICAL **"
    world.mail("monitor@acme.example", subject, "Host: pbx01\nService: VoIP stack\nState: CRITICAL", proof="fail")
    world.advance(hours=1)
    assert world.orders() == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"state": "purple"}, "state"),
        ({"customer": ""}, "customer"),
        ({"host": "", "service": ""}, "host"),
        ({"event": "unheard-of"}, "event"),
        ({"severity": "P9"}, "severity"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2026-11-25T03:00:00"}, "at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(world: World, change: dict[str, str], named: str) -> None:
    status, told = post(world, **{**CRASH, **change})
    assert status == 422
    assert told["error"].startswith(named)
    assert world.tickets() == ()


def test_another_scope_may_not_send_events(world: World) -> None:
    assert post(world, scope="report", **CRASH)[0] == 403
