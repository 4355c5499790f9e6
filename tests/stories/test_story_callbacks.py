"""Calling customers back: in the order of their wishes, when somebody is free, at a decent hour, and not for ever."""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from telephone import AGENTS, EMMA, ROSSI, agent, staffed
from world import World

from gateway import waiting
from gateway.store import callbacks, tables

Begin = Callable[..., World]
BRAVO = "+390255500202"


def wants_a_call_back(world: World, from_: str = EMMA, code: str = "200003#", language: str = "2") -> None:
    phone = world.call(from_)
    for keys in (language, code, "9", "#"):
        phone.presses(keys)
    phone.hangs_up()


def rung(world: World) -> list[str]:
    """The customers whose telephones ring now."""
    return [one.to for one in world.rehearsal.exchange.ringing() if one.to not in AGENTS.values()]


def after(world: World, number: str, minutes: int) -> bool:
    """Lets so much time go by; is the number rung at the end of it, for the first time?"""
    before = sum(one.to == number for one in world.rehearsal.exchange.calls.values())
    world.advance(minutes * 60 - 30)
    early = sum(one.to == number for one in world.rehearsal.exchange.calls.values()) > before
    for _ in range(9):
        world.advance(10)
        if rung(world) == [number]:
            return not early
    return False


def requests(world: World) -> list[callbacks.StoredCallback]:
    found = [one for live in (True, False) for one in world.read(lambda c, live=live: callbacks.listed(c, 50, 0, live=live))]
    return sorted(found, key=lambda one: one.id)


def test_the_customer_is_rung_when_somebody_is_free_and_connected_after_a_key(begin: Begin) -> None:
    """CASES phone 3: a key first, so that no agent talks to a voicemail."""
    world = staffed(begin, agents=1)
    wants_a_call_back(world)
    world.advance(5)
    (handset,) = world.rehearsal.exchange.ringing(EMMA)
    handset.answer()
    world.advance(10)
    assert any("calling you back as you asked" in one.text for one in handset.heard)
    handset.keys("1")
    world.advance(12)
    agent(world, "ida").answer()
    world.advance(60)
    world.rehearsal.exchange.last(AGENTS["ida"]).hang_up()
    world.advance(30)
    assert [(one.state, one.attempts) for one in requests(world)] == [("done", 1)]
    assert len(world.tickets()) == 1
    assert "call back: the customer was called back" in world.story(world.ticket())


def test_no_more_customers_are_rung_than_agents_are_free_and_the_first_wish_goes_first(begin: Begin) -> None:
    """CASES phone 18, 19: the order of the wishes holds, whatever happens to the attempts."""
    world = staffed(begin, agents=1, rest_minutes=5)
    world.database.write(lambda c: waiting.set_away(c, world.desk, "ida", True))
    for from_, code in ((ROSSI, "200001#"), (BRAVO, "200002#"), (EMMA, "200003#")):
        wants_a_call_back(world, from_, code)
        world.advance(30)
    assert rung(world) == []
    world.database.write(lambda c: waiting.set_away(c, world.desk, "ida", False))
    world.advance(20)
    assert rung(world) == [BRAVO]  # Gold and Platinum before Basic, then in order
    world.rehearsal.exchange.last(BRAVO).reject()
    world.advance(20)
    assert rung(world) == [EMMA]
    world.rehearsal.exchange.last(EMMA).reject()
    world.advance(20)
    assert rung(world) == [ROSSI]
    world.rehearsal.exchange.last(ROSSI).reject()
    world.advance(5 * 60)
    assert rung(world) == [BRAVO]
    assert [(one.number, one.attempts) for one in requests(world)] == [(ROSSI, 1), (BRAVO, 2), (EMMA, 1)]


def test_busy_silent_and_voicemail_are_tried_again_and_given_up_with_a_note(begin: Begin) -> None:
    """CASES phone 1, 19: "completed" without a key is no conversation; the same request is tried again."""
    world = staffed(begin, tries=3, rest_minutes=10)
    wants_a_call_back(world)
    world.advance(5)
    world.rehearsal.exchange.last(EMMA).reject()
    assert after(world, EMMA, 10)
    world.rehearsal.exchange.last(EMMA).answer()  # a voicemail: it listens and presses nothing
    assert after(world, EMMA, 10)
    world.advance(40 * 60)
    assert [(one.state, one.attempts) for one in requests(world)] == [("given up", 3)]
    told = [words for words in world.story(world.ticket()) if "call back" in words]
    assert [words.rpartition(": ")[2] for words in told if "not taken" in words] == ["busy", "likely voicemail", "no-answer"]
    assert told[-1] == "call back: not reached after 3 attempts; write to the customer or ring by hand"
    assert "callback-given-up" in world.alarm_kinds()
    assert world.orders() == 3
    world.advance(days=2)
    assert world.orders() == 3


def test_a_wish_at_night_waits_for_the_desks_hours(begin: Begin) -> None:
    world = staffed(begin, "2026-11-27 22:00")
    phone = world.call(ROSSI)
    for keys in ("1", "9#"):
        phone.presses(keys)
    phone.presses("#")
    phone.hangs_up()
    world.wait_until("2026-11-28 08:59")
    assert world.orders() == 0
    world.wait_until("2026-11-28 09:00")
    world.advance(5)
    assert rung(world) == [ROSSI]


def test_the_customers_own_clock_counts_too(begin: Begin) -> None:
    """Ten in the morning here may be the middle of the night there."""
    world = staffed(begin, countries=frozenset({"IT", "US"}), types=frozenset({"fixed_line", "mobile"}))
    rules = world.desk.phone
    assert rules is not None
    phone = world.call(ROSSI)
    for keys in ("2", "200001#", "9", "0015005550006#"):
        phone.presses(keys)
    phone.hangs_up()
    number = world.database.read(lambda c: c.execute(sa.select(tables.callbacks.c.number, tables.callbacks.c.zone)).all())
    assert number == [] or number[0].zone.startswith("America/")
    assert rung(world) == []


def test_the_language_of_the_wish_is_the_language_of_the_call_back(begin: Begin) -> None:
    """CASES phone 20."""
    world = staffed(begin)
    wants_a_call_back(world, ROSSI, "200001#", language="1")
    world.advance(5)
    handset = world.rehearsal.exchange.last(ROSSI)
    handset.answer()
    world.advance(20)
    assert any("la richiamiamo come ha chiesto" in one.text for one in handset.heard)


def test_nine_on_a_call_back_puts_it_off_and_keeps_its_place(begin: Begin) -> None:
    """CASES phone 19: never a second request."""
    world = staffed(begin)
    wants_a_call_back(world)
    world.advance(5)
    handset = world.rehearsal.exchange.last(EMMA)
    handset.answer()
    world.advance(12)
    handset.keys("9")
    world.advance(12)
    handset.keys("#")
    world.advance(30)
    (one,) = requests(world)
    assert (one.state, one.attempts) == ("waiting", 1)
    assert after(world, EMMA, 30)


def test_asking_twice_in_one_call_is_one_request_at_the_last_number(begin: Begin) -> None:
    world = staffed(begin, agents=0)
    phone = world.call(EMMA)
    for keys in ("2", "200003#", "9", "#", "9", "0233445566#"):
        phone.presses(keys)
    phone.hears("number that ends in 5 6 6")
    phone.hangs_up()
    assert world.callbacks() == [("+390233445566", "waiting")]


def test_a_call_whose_creation_is_in_doubt_is_looked_for_and_not_ordered_again(begin: Begin) -> None:
    """CASES phone 17, 21."""
    world = staffed(begin)
    world.rehearsal.exchange.trouble.append("after")
    wants_a_call_back(world)
    world.advance(20)
    assert (world.orders(), rung(world)) == (1, [EMMA])
    world.rehearsal.exchange.last(EMMA).reject()
    world.advance(30)
    assert (world.orders(), requests(world)[0].attempts) == (1, 1)


def test_a_ticket_that_is_done_needs_no_call_back(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    world.database.write(lambda c: waiting.set_away(c, world.desk, "ida", True))
    wants_a_call_back(world)
    world.advance(30)
    world.agent().does(world.ticket(), "resolve", text="Done.")
    world.database.write(lambda c: waiting.set_away(c, world.desk, "ida", False))
    world.advance(60)
    assert [one.state for one in requests(world)] == ["cancelled"]
    assert world.orders() == 0


def test_what_costs_too_much_is_refused_and_still_a_ticket(begin: Begin) -> None:
    """CASES phone 32, V6: prefixes and types by phonenumbers; caps by caller, target, day and money."""
    world = staffed(begin, agents=0, costs={"+39": 1, "+393": 30}, minutes=10, money_per_day=310)
    for number in ("899123456#", "00441632960123#", "112#", "0088213000000#", "00#"):
        phone = world.call(EMMA)
        for keys in ("2", "200003#", "9", number):
            phone.presses(keys)
        phone.hears("We can't call that number")
        phone.hangs_up()
    assert world.callbacks() == []
    for number in ("3331234567#", "3331234568#"):
        phone = world.call(EMMA)
        for keys in ("2", "200003#", "9", number):
            phone.presses(keys)
        phone.hangs_up()
    assert world.callbacks() == [("+393331234567", "waiting")]  # the second would cost too much today
    assert len(world.tickets()) == 7
    refused = "a call back was refused: the desk's daily money for call backs is used up"
    assert sum(refused in world.story(ticket) for ticket in world.tickets()) == 1


def test_the_caps_of_a_day_hold_after_an_hour(begin: Begin) -> None:
    world = staffed(begin, agents=0, per_caller_per_day=2)
    for _ in range(3):
        wants_a_call_back(world)
        world.advance(hours=2)
    assert len(world.callbacks()) == 2
    world.advance((timedelta(days=1)).total_seconds())
    wants_a_call_back(world)
    assert len(world.callbacks()) == 3
