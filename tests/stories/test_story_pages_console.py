"""A page is accepted, passed on and escalated on the ticket's page of the console; the telephones hear of it."""

from typing import Any

import pytest
from world import World

from gateway.store import calls
from routing import paging

OUTAGE = {"subject": "Siamo fermi", "text": "Non funziona nulla."}


@pytest.fixture
def paged(world: World) -> World:
    """Nobody has picked up yet: the first telephone has rung for three seconds."""
    world.mail(**OUTAGE)
    world.advance(3)
    assert world.rings() == ["Dora Seconda"]
    return world


def page(world: World) -> paging.Page:
    return paging.from_json(world.read(calls.pages_of, world.ticket().id)[-1].state)


def answers(world: World, who: Any, what: str, **fields: str) -> str:
    """Presses a button of the page's card; says which words the ticket's page shows then."""
    number = world.ticket().number
    answer = who.client.post(f"/tickets/{number}/page/{what}", data=who.form(world.ticket(), None, **fields))
    assert answer.status_code == 200, answer.text
    world.advance(0)
    return str(answer.text)


def test_an_engineer_accepts_in_the_console_as_on_the_telephone(paged: World) -> None:
    """CASES phone 28: the acceptance is told with the number, wherever it was made."""
    shown = answers(paged, paged.agent("due", "on-call"), "accept")
    assert "the ticket is in your hands" in shown
    assert (page(paged).accepted_by, paged.ticket().assignee) == ("due", "Dora Seconda")
    assert page(paged).attempts[0].key == "console, Due"
    dora = paged.engineer("Dora Seconda")
    dora.answers()  # her telephone still rings
    dora.hears("1 accetti")
    dora.presses("1")
    dora.hears("è tua", "1 0 0 0")
    paged.advance(hours=1)
    assert paged.orders() == 1


def test_an_agent_who_is_none_of_the_duty_accepts_and_nobody_else_is_woken(paged: World) -> None:
    answers(paged, paged.agent(), "accept")
    assert paged.ticket().assignee == "Giulia"
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    dora.hears("L'ha già presa Giulia")
    paged.advance(hours=1)
    assert paged.orders() == 1


def test_passing_on_needs_a_reason_keeps_it_and_rings_the_next_at_once(paged: World) -> None:
    giulia = paged.agent()
    form = giulia.form(paged.ticket(), None, person="due", reason=" ")
    refused = giulia.client.post(f"/tickets/{paged.ticket().number}/page/pass", data=form)
    assert (refused.status_code, "why it is passed on" in refused.text) == (409, True)
    paged.advance(0)
    assert paged.rings() == ["Dora Seconda"]
    assert "Passed on" in answers(paged, giulia, "pass", person="due", reason="not well")
    assert paged.rings() == ["Dora Seconda", "Teo Terzo"]
    assert page(paged).attempts[0].reason == "not well"
    assert any("passed (not well)" in words for words in paged.story(paged.ticket(), "page"))


def test_escalating_rings_the_next_without_waiting_and_cuts_nobody_off(paged: World) -> None:
    assert "rung now" in answers(paged, paged.agent(), "escalate", reason="tocca la banca dati")
    assert paged.rings() == ["Dora Seconda", "Teo Terzo"]
    assert any("tocca la banca dati" in words for words in paged.story(paged.ticket(), "page"))
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    dora.hears("1 accetti")
    dora.presses("1")
    dora.hears("tua")
    assert page(paged).accepted_by == "due"


def test_one_escalation_rings_one_more_and_the_chain_keeps_its_pace(paged: World) -> None:
    answers(paged, paged.agent(), "escalate")
    paged.advance(5)
    assert len(paged.rings()) == 2
    paged.advance(2)
    assert len(paged.rings()) == 3


def test_whoever_has_it_may_have_the_others_rung_and_is_left_alone(paged: World) -> None:
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    dora.hears("1 accetti")
    dora.presses("1")
    paged.advance(minutes=20)
    answers(paged, paged.agent("due", "on-call"), "escalate", reason="serve il database")
    paged.advance(1)
    assert paged.rings() == ["Teo Terzo"]
    teo = paged.engineer("Teo Terzo")
    teo.answers()
    teo.hears("1 accetti")
    teo.presses("1")
    paged.advance(hours=1)
    assert dora.times_rung == 1
    assert page(paged).accepted_by == "tre"


def test_after_everybody_slept_the_console_rings_them_again(paged: World) -> None:
    paged.advance(hours=1)
    rung = paged.orders()
    giulia = paged.agent()
    assert "Nobody has accepted it." in giulia.sees(f"/tickets/{paged.ticket().number}")
    answers(paged, giulia, "escalate")
    paged.advance(20)
    assert paged.orders() == rung + 3
    answers(paged, giulia, "escalate")
    assert page(paged).state == "open"  # of several who press it the second does not begin again


def test_one_form_acts_once_and_a_reader_may_not(paged: World) -> None:
    giulia, number = paged.agent(), paged.ticket().number
    form = giulia.form(paged.ticket(), None)
    for _ in range(2):
        giulia.client.post(f"/tickets/{number}/page/escalate", data=form)
        paged.advance(0.5)
    assert len(paged.rings()) == 2
    reader = paged.agent("elena", "read-only")
    refused = reader.client.post(f"/tickets/{number}/page/accept", data=reader.form(paged.ticket(), None))
    assert refused.status_code == 403
    assert "I accept" not in reader.sees(f"/tickets/{number}")
    assert paged.ticket().state == "new"


def test_a_page_that_is_over_offers_nothing_and_does_nothing(paged: World) -> None:
    giulia = paged.agent()
    giulia.does(paged.ticket(), "resolve", text="Riavviato.")
    assert "On-call page" not in giulia.sees(f"/tickets/{paged.ticket().number}")
    orders = paged.orders()
    assert "Nothing was done" in answers(paged, giulia, "escalate")
    paged.advance(minutes=5)
    assert paged.orders() == orders
