"""A desk that asks for no PIN after hours: the number on file is rung, and a key there is what wakes the engineer."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from databases import DESKS
from telephone import AGENTS, EMMA, ROSSI
from world import OnThePhone, World

from gateway.calls import proving
from gateway.settings.desk import load_desk
from routing.desk import Agent

Begin = Callable[..., World]
STRANGER = "+390299998888"


@pytest.fixture
def night(begin: Begin) -> World:
    """The demo desk on a Wednesday evening; callers of its Platinum plan need no PIN."""
    world = begin("demo", "2026-11-25 21:30", hours="gold")
    plans = {
        name: replace(plan, on_call=replace(plan.on_call, pin=False)) if plan.on_call else plan
        for name, plan in world.desk.plans.items()
    }
    assert world.desk.phone is not None
    world.desk = replace(world.desk, plans=plans, phone=replace(world.desk.phone, pin_after_hours=False))
    world.engine.settings.desks[world.desk.id] = world.desk  # type: ignore[index]
    return world


def reports(world: World, severity: str = "1", from_: str = EMMA, code: str = "200003#") -> OnThePhone:
    phone = world.call(from_)
    for keys in ("2", code, severity):
        phone.presses(keys)
    return phone


def test_no_pin_is_asked_and_the_number_on_file_is_rung_after_the_caller_has_hung_up(night: World) -> None:
    phone = reports(night)
    assert not any("PIN" in words for words in phone.everything())
    phone.hears("Your ticket is open")
    phone.says("The whole switchboard is dead.")
    phone.hears("Please hang up now: we call the number on file that ends in 3 0 3")
    night.advance(1)
    assert night.orders() == 0, "the line is busy with the caller"
    phone.hangs_up()
    night.advance(20)
    assert [one.to for one in night.rehearsal.exchange.ringing()] == [EMMA]
    assert not night.ticket().verified


def test_the_key_on_the_telephone_on_file_verifies_the_ticket_and_wakes_the_engineer(night: World) -> None:
    reports(night).hangs_up()
    night.advance(20)
    (handset,) = night.rehearsal.exchange.ringing(EMMA)
    handset.answer()
    theirs = OnThePhone(night, handset)
    theirs.hears("a report for Charlie Demo Ltd came from this number", "If it was you, press 1")
    assert night.rings() == []
    theirs.presses("1")
    theirs.hears("We are calling the engineer on duty, Bruno Serra")
    night.advance(2)
    ticket = night.ticket()
    assert (ticket.verified, ticket.via_on_call, ticket.priority) == (True, True, "P1")
    assert night.rings() == ["Bruno Serra"]
    assert "the caller is proven: somebody pressed 1 on the telephone on file" in night.story(ticket)
    assert "Presa: rings the number on file: a key there proves it" in night.agent().sees(f"/tickets/{ticket.number}")
    theirs.waits()
    night.advance(120)
    assert night.rehearsal.exchange.orders == len(night.rehearsal.exchange.calls), "nobody is asked twice"


def test_a_forged_calling_number_with_the_right_code_wakes_nobody(night: World) -> None:
    """CASES phone 25, V5: From alone grants nothing; nor does it together with a code that can be read on an invoice."""
    reports(night).hangs_up()
    night.advance(20)
    (handset,) = night.rehearsal.exchange.ringing(EMMA)
    handset.answer()
    night.advance(40)
    handset.hang_up()
    night.advance(hours=3)
    ticket = night.ticket()
    assert (ticket.verified, ticket.state) == (False, "new")
    assert {handset.to for handset in night.rehearsal.exchange.calls.values()} == {EMMA}
    assert "callback-given-up" in night.alarm_kinds()


def test_a_number_that_is_not_on_file_is_never_rung_as_proof(night: World) -> None:
    for from_ in (STRANGER, ROSSI, "anonymous"):
        reports(night, from_=from_).hangs_up()
    night.advance(hours=1)
    assert night.orders() == 0
    assert len(night.tickets()) == 3
    told = "not proven, so nobody is rung: the calling number is not on file for this customer"
    assert all(told in night.story(ticket) for ticket in night.tickets())


def test_what_would_not_page_anyway_rings_nobody_back(night: World) -> None:
    reports(night, severity="3").hangs_up()
    night.advance(hours=1)
    assert (night.orders(), len(night.tickets())) == (0, 1)


def test_nine_and_zero_at_the_proof_prove_nothing(night: World) -> None:
    reports(night).hangs_up()
    night.advance(20)
    (handset,) = night.rehearsal.exchange.ringing(EMMA)
    handset.answer()
    theirs = OnThePhone(night, handset)
    theirs.hears("If it was you, press 1")
    theirs.presses("9")
    theirs.presses("0233445566#")
    theirs.hears("We can't call that number")
    theirs.presses("0")
    theirs.hears("Nobody can answer right now")
    theirs.hangs_up()
    night.advance(1)
    assert (night.ticket().verified, night.rings()) == (False, [])


@pytest.mark.parametrize("agents", [{}, {"ida": Agent("ida", "Ida", AGENTS["ida"])}], ids=["nobody", "agents"])
def test_now_on_the_page_of_call_backs_rings_the_proof_at_once_and_it_stays_a_proof(
    night: World, agents: dict[str, Agent]
) -> None:
    assert night.desk.phone is not None
    phone = replace(night.desk.phone, agents=agents, agent_hours="24x7" if agents else None)
    night.engine.settings.desks[night.desk.id] = replace(night.desk, phone=phone)  # type: ignore[index]
    reports(night).hangs_up()
    night.advance(20)
    night.rehearsal.exchange.ringing(EMMA)[0].reject()
    night.advance(2)
    giulia = night.agent()
    assert "to prove a caller" in giulia.sees("/callbacks")
    giulia.sends_to("/callbacks/1/now")
    night.advance(5)  # instead of a minute
    (handset,) = night.rehearsal.exchange.ringing(EMMA)
    handset.answer()
    theirs = OnThePhone(night, handset)
    theirs.hears("If it was you, press 1")
    theirs.presses("1")
    theirs.hears("We are calling the engineer on duty, Bruno Serra")
    night.advance(2)
    assert (night.ticket().verified, night.rings()) == (True, ["Bruno Serra"])
    night.advance(300)
    assert [one.to for one in night.rehearsal.exchange.calls.values()].count(EMMA) == 2, (
        "asked once more, and not again"
    )


def test_more_proofs_in_an_hour_than_the_desk_calls_back_are_not_rung(night: World) -> None:
    """CASES V6: nobody makes us ring a customer's telephone all night."""
    for _ in range(8):
        reports(night).hangs_up()
        night.advance(300)
    rung = [one.to for one in night.rehearsal.exchange.calls.values()]
    assert set(rung) == {EMMA}
    assert sum("too many requests" in " ".join(night.story(ticket)) for ticket in night.tickets()) == 3


SHIPPED = {"imagicle-care": True, "demo": True, "test": True, "ivanti": False, "mailup": False}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_desks_that_ship_ask_for_a_pin_where_their_document_speaks_of_one(name: str) -> None:
    """ImagicleCare's Platinum has a dedicated PIN; the documents of Ivanti and MailUp know none."""
    desk = load_desk(DESKS / name / "desk.yaml")
    rules = [plan.on_call for plan in desk.plans.values() if plan.on_call]
    assert rules
    assert {proving.by_pin(desk, rule) for rule in rules} == {SHIPPED[name]}
