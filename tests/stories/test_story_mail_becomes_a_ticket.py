"""A mail comes in and is a ticket before anything is promised; and nothing that goes wrong on the way loses it."""

from typing import Any

import pytest
import sqlalchemy as sa
from world import World, instant

import parsers
from gateway.errors import Temporary
from gateway.mail import authenticate
from gateway.store import reports
from identity import match
from parsers import Message
from routing import decide, numbers


def test_a_customers_mail_is_a_ticket_with_everything_decided_before_the_promise(world: World) -> None:
    done = world.mail(subject="La rete va a singhiozzo", text="Da stamattina la rete cade ogni dieci minuti.")
    assert (done.outcome, done.reason) == ("new", None)
    ticket = world.ticket(done.number)
    assert (ticket.customer, ticket.contact, ticket.verified) == ("ACME", "ACME-mario", True)
    assert (ticket.plan, ticket.kind, ticket.priority) == ("platinum", "incident", "P2")
    assert (ticket.queue, ticket.level, ticket.state) == ("first-line", "L1", "new")
    assert ticket.received_at == instant("2026-11-25 10:00")
    assert "mario@acme.example is the address of a contact" in ticket.evidence
    assert "priority: P2, because of the words «a singhiozzo»" in ticket.evidence
    assert world.outcomes() == [("new", None)]
    assert world.rings() == []


def test_a_tickets_number_ends_in_its_check_digit(world: World) -> None:
    number = world.mail().number or ""
    digits = number.removeprefix("TS-").replace("-", "")
    assert len(digits) == 8
    assert numbers.check_digit(digits) == 0
    assert world.ticket().number == number


def test_every_deadline_of_the_plan_is_on_the_ticket_with_its_arithmetic(world: World) -> None:
    world.mail(subject="Siamo fermi", text="Non funziona nulla.")
    clocks = world.ticket().clocks
    due = {target["target"]: target["due"] for target in clocks["targets"]}
    assert due == {"notify": "2026-11-25T10:30:00+01:00", "take_charge": "2026-11-25T11:00:00+01:00"}
    assert clocks["targets"][1]["intervals"] == [["2026-11-25T10:00:00+01:00", "2026-11-25T11:00:00+01:00"]]
    # 2, 8 and 16 hours of the extended calendar, Monday to Saturday from 9 to 18.
    assert clocks["escalations"] == [
        {"to": "Team Leader", "due": "2026-11-25T12:00:00+01:00"},
        {"to": "Support Manager", "due": "2026-11-25T18:00:00+01:00"},
        {"to": "Director", "due": "2026-11-26T17:00:00+01:00"},
    ]
    assert world.ticket().next_due == instant("2026-11-25 10:30")


def test_a_mail_on_saturday_evening_counts_from_the_next_opening_of_its_plan(world: World) -> None:
    world.wait_until("2026-11-28 17:00")
    world.mail("luigi.beta@gmail.com", subject="Rete lentissimo accesso")
    assert world.ticket().customer == "BETA"
    assert world.ticket().next_due == instant("2026-11-30 10:00")  # one hour on Saturday, one on Monday


def test_somebody_we_do_not_know_gets_a_ticket_without_promises(world: World) -> None:
    done = world.mail("someone@unknown.example")
    ticket = world.ticket(done.number)
    assert (ticket.customer, ticket.plan, ticket.queue, ticket.next_due) == (None, None, "to-look-at", None)


def test_the_same_mail_again_changes_nothing_but_the_ledger(world: World) -> None:
    raw = world.written("mario@acme.example", "Stampante", "Non stampa.", headers={})
    first = world.deliver(raw, envelope_from="mario@acme.example")
    world.advance(60)
    before = world.rows()
    again = world.deliver(b"Received: by another relay.example\r\n" + raw, envelope_from="mario@acme.example")
    world.advance(60)
    assert (again.outcome, again.ticket_id) == ("duplicate", first.ticket_id)
    assert world.rows() == {**before, "reports": before["reports"] + 1}
    assert len(world.letters()) == 1


def test_a_mail_that_can_not_be_read_is_still_a_ticket_to_look_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = world.written("mario@acme.example", "Siamo fermi", "Aiuto", headers={})
    monkeypatch.setattr(parsers, "parse", lambda _: Message(error="the mail is damaged"))
    done = world.deliver(raw)
    ticket = world.ticket(done.number)
    assert (done.outcome, done.reason, ticket.queue, ticket.customer) == ("new", "unreadable", "to-look-at", None)
    assert world.alarm_kinds() == ["unreadable"]
    (row,) = world.ledger()
    assert world.read(reports.raw, row.sha256) == raw
    world.advance(3600)
    assert (world.letters(), world.rings()) == ([], [])


def fault(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a fault of ours")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ((parsers, "parse"), "unreadable"),
        ((authenticate, "authenticate"), "unreadable"),
        ((match, "recognise"), "failed-inside"),
        ((decide, "decide"), "failed-inside"),
    ],
    ids=["parse", "authenticate", "recognise", "decide"],
)
def test_a_fault_of_ours_on_the_way_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str], reason: str
) -> None:
    raw = world.written("mario@acme.example", "Siamo fermi", "Non funziona nulla.", headers={})
    with monkeypatch.context() as broken:
        broken.setattr(*step, fault)
        done = world.deliver(raw)
    ticket = world.ticket(done.number)
    assert (done.outcome, done.reason, ticket.queue) == ("new", reason, "to-look-at")
    assert world.alarm_kinds() == [reason]
    (row,) = world.ledger()
    assert world.read(reports.raw, row.sha256) == raw
    world.advance(3600)
    assert (world.letters(), world.rings()) == ([], [])


def test_when_the_database_fails_nothing_is_promised_and_nothing_is_half_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CASES mail 6."""
    raw = world.written("mario@acme.example", "Siamo fermi", "Non funziona nulla.", headers={})
    before = world.rows()

    def full(*_: Any) -> int:
        raise sa.exc.OperationalError("INSERT INTO reports", {}, Exception("the disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(reports, "insert", full)  # the last thing written: ticket, story and jobs are there already
        with pytest.raises(Temporary) as told:
            world.deliver(raw)
    assert "INSERT" not in told.value.public
    assert world.rows() == before
    assert world.deliver(raw).outcome == "new"
    assert [ticket.customer for ticket in world.tickets()] == ["ACME"]
