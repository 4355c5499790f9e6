"""A desk with a main menu: report, add, escalate, status, information; and what a known caller is spared."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from telephone import EMMA, MENU, ROSSI, staffed
from world import OnThePhone, World

Begin = Callable[..., World]
PIN = "200333#"


@pytest.fixture
def day(begin: Begin) -> World:
    """By day, with a ticket of Charlie's from before."""
    world = staffed(begin, menu=MENU, agents=0)
    phone = world.call(EMMA)
    for keys in ("2", "1", "200003#", "3"):
        phone.presses(keys)
    phone.says("One printer.")
    phone.hangs_up()
    world.advance(10)
    return world


def keyed(world: World, choice: str, from_: str = "+390299998888") -> OnThePhone:
    """A verified caller with this matter, asked which ticket."""
    phone = world.call(from_)
    for keys in ("2", choice, "200003#", PIN):
        phone.presses(keys)
    return phone


def digits(world: World) -> str:
    return "".join(c for c in world.tickets()[-1].number if c.isdigit())


def test_words_are_added_to_a_ticket_by_its_number_and_a_slip_is_told_at_once(day: World) -> None:
    """CASES phone 30: a call about a known ticket opens no new one."""
    phone, number = keyed(day, "2"), digits(day)
    phone.hears("key in the ticket number")
    phone.presses(f"{number[:-1]}{(int(number[-1]) + 1) % 10}#")
    phone.hears("That number can't be right")
    phone.presses(f"{number}#")
    phone.hears("Tell us what you want to add")
    phone.says("It is the printer on the second floor.")
    phone.hears("I have added your words to the ticket")
    assert "It is the printer on the second floor." in day.story(day.ticket(), "description")
    assert day.ticket().subject == "One printer."


def test_a_verified_caller_hears_how_a_ticket_stands_and_opens_none(day: World) -> None:
    phone = keyed(day, "4")
    phone.presses(f"{digits(day)}#")
    phone.hears("The ticket is registered and waits for somebody to take it")
    phone.hangs_up()
    assert len(day.tickets()) == 1


def test_an_escalation_stands_on_the_ticket_and_alarms_the_desk(day: World) -> None:
    phone = keyed(day, "3")
    phone.presses(f"{digits(day)}#")
    phone.hears("The escalation is registered")
    phone.says("Payroll is tomorrow.")
    phone.hears("those who must know have been told")
    assert "escalated" in day.alarm_kinds()
    assert "Charlie Demo Ltd escalates by telephone, with the right PIN" in day.story(day.ticket())


def test_nobody_hears_of_a_ticket_without_the_pin_whatever_number_calls(day: World) -> None:
    """CASES V5: From alone grants nothing."""
    phone = day.call(EMMA)
    for keys in ("2", "4", "200003#", "000000#"):
        phone.presses(keys)
    phone.hears("That PIN is not right")
    phone.presses(f"{digits(day)}#")
    assert not any("ticket is" in words or "printer" in words for words in phone.everything())


def test_the_ticket_of_another_customer_is_not_found(day: World) -> None:
    phone = day.call(ROSSI)
    for keys in ("2", "4", "200001#", "200111#", f"{digits(day)}#"):
        phone.presses(keys)
    phone.hears("I can't find that number among your tickets")


def test_a_question_is_a_ticket_of_its_own_kind_and_rings_nobody(day: World) -> None:
    phone = day.call(EMMA)
    for keys in ("2", "5", "200003#"):
        phone.presses(keys)
    phone.says("What are your hours?")
    day.advance(60)
    assert ("information", "What are your hours?") in [(one.kind, one.subject) for one in day.tickets()]
    assert day.orders() == 0


def test_two_reports_in_one_call_are_two_tickets_and_the_pin_is_asked_once(begin: Begin) -> None:
    night = begin("demo", "2026-11-25 22:00", hours="gold")
    phone = night.call(EMMA)
    for keys in ("2", "200003#", PIN, "3"):
        phone.presses(keys)
    phone.says("One printer.")
    phone.hears("For another report, press 1")
    phone.presses("1")
    phone.hears("How bad is it?")
    phone.presses("4")
    phone.says("A question.")
    phone.hears("Your ticket number is")
    phone.hangs_up()
    night.advance(60)
    assert sorted((one.priority, one.subject) for one in night.tickets()) == [
        ("P3", "One printer."),
        ("P4", "A question."),
    ]
    assert [outcome for outcome, _ in night.outcomes()] == ["new", "new"]
    assert night.call_events(phone).count("pin_ok") == 1


def test_a_known_number_is_greeted_by_name_and_keys_no_code_but_still_the_pin(begin: Begin) -> None:
    world = staffed(begin, "2026-11-25 22:00", menu=MENU, greets=True, agents=0)
    phone = world.call(EMMA)
    phone.presses("2")
    phone.hears("Hello, Charlie Demo Ltd.", "To report a problem, press 1")
    phone.presses("1")
    phone.hears("Are you calling for Charlie Demo Ltd?")
    phone.presses("#")
    phone.hears("key in your on-call PIN")
    phone.hangs_up()
    world.advance(60)
    assert (world.ticket().customer, world.ticket().verified, world.orders()) == ("CHARLIE", False, 0)


def test_a_known_number_may_call_for_another_customer(begin: Begin) -> None:
    world = staffed(begin, menu=MENU, greets=True, agents=0)
    phone = world.call(EMMA)
    for keys in ("2", "1", "200001#", "4"):
        phone.presses(keys)
    phone.hangs_up()
    assert world.ticket().customer == "ALFA"


def test_planned_maintenance_rings_the_chain_with_the_right_pin(begin: Begin) -> None:
    night = begin("demo", "2026-11-25 22:00", hours="gold")
    phone = night.call(EMMA)
    for keys in ("2", "200003#", PIN, "5"):
        phone.presses(keys)
    phone.says("We move the servers tonight.")
    phone.hears("We are calling the engineer on duty")
    night.advance(5)
    assert night.rings()
    assert "the caller announces planned maintenance" in night.story(night.ticket())


def test_on_call_in_english_only_goes_on_in_english(begin: Begin) -> None:
    world = begin("demo", "2026-11-25 22:00", hours="gold")
    plans = {
        name: replace(plan, on_call=replace(plan.on_call, languages=("en",))) if plan.on_call else plan
        for name, plan in world.desk.plans.items()
    }
    world.engine.settings.desks[world.desk.id] = replace(world.desk, plans=plans)  # type: ignore[index]
    phone = world.call(EMMA)
    phone.presses("1")
    phone.hears("Digiti il codice cliente")
    phone.presses("200003#")
    phone.hears("On-call support is in English. We are out of hours.")
