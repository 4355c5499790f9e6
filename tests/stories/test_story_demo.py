"""The demo desk as it ships: a newcomer can try every flow of its telephone, at any hour."""

from collections.abc import Iterator

import pytest
from databases import Stock, settings_of
from telephone import EMMA
from world import OnThePhone, World, instant

from gateway.rehearsal import Rehearsal
from gateway.store.database import open_database

IDA = "+390200000041"
PIN = "200333#"


@pytest.fixture(params=["2026-11-25 23:30", "2026-11-25 10:00"], ids=["at night", "by day"])
def demo(stock: Stock, request: pytest.FixtureRequest) -> Iterator[World]:
    with stock.fresh("sqlite", "demo") as url:
        world = World(Rehearsal(settings_of("demo"), open_database(url), instant(request.param)))
        yield world
        world.close()


def call(world: World, *keyed: str) -> OnThePhone:
    phone = world.call(EMMA)
    for keys in ("2", *keyed):
        phone.presses(keys)
    return phone


def reported(world: World) -> str:
    """A ticket of Charlie's, by telephone; its digits."""
    phone = call(world, "1", "#", PIN, "3")
    phone.says("One printer.")
    phone.hears("Your ticket number is")
    phone.hangs_up()
    return "".join(c for c in world.ticket().number if c.isdigit())


def test_a_report_of_severity_one_wakes_the_engineer(demo: World) -> None:
    phone = call(demo)
    phone.hears("Hello, Charlie Demo Ltd.", "To report a problem, press 1", "to hear how it stands, press 4")
    for keys in ("1", "200003#", PIN, "1"):
        phone.presses(keys)
    phone.says("Everything is down.")
    phone.hears("We are calling the engineer on duty")
    demo.advance(2)
    assert demo.rings()


def test_words_are_added_a_ticket_is_pressed_for_and_its_status_is_heard(demo: World) -> None:
    digits = reported(demo)
    phone = call(demo, "2", "#", PIN, f"{digits}#")
    phone.says("Also the second one.")
    phone.hears("I have added your words to the ticket")
    phone.hangs_up()
    call(demo, "3", "#", PIN, f"{digits}#").hears("The escalation is registered")
    call(demo, "4", "#", PIN, f"{digits}#").hears("The ticket is registered and waits")
    assert len(demo.tickets()) == 1


def test_a_question_is_taken(demo: World) -> None:
    phone = call(demo, "5", "#")
    phone.says("What are your hours?")
    phone.hears("Your ticket number is")
    assert demo.ticket().kind == "information"


def test_a_person_is_found_and_the_customer_is_called_back(demo: World) -> None:
    phone = call(demo, "0")
    phone.hears("I am connecting you")
    demo.advance(3)
    (ida,) = demo.rehearsal.exchange.ringing(IDA)
    ida.answer()
    OnThePhone(demo, ida).hears("Premi 1 per rispondere")
    ida.keys("1")
    demo.advance(20)
    ida.hang_up()
    phone.hears("goodbye")
    wish = call(demo, "9", "#")
    wish.hears("We will call you back")
    wish.hangs_up()
    demo.advance(20)
    assert demo.rehearsal.exchange.ringing(EMMA)
