"""A person when people are there: connected, in our own queue with a place and a time, or a message."""

from collections.abc import Callable

from telephone import AGENTS, EMMA, ROSSI, agent, picks_up, staffed
from world import OnThePhone, World

from gateway.calls import waiting

Begin = Callable[..., World]


def asks_for_a_person(world: World, from_: str = EMMA, code: str = "200003#") -> OnThePhone:
    phone = world.call(from_)
    for keys in ("2", code, "0"):
        phone.presses(keys)
    return phone


def test_zero_rings_a_free_agent_and_the_caller_already_has_a_ticket(begin: Begin) -> None:
    world = staffed(begin)
    phone = asks_for_a_person(world)
    phone.hears("I am connecting you")
    world.advance(3)
    assert world.ticket().customer == "CHARLIE"
    picks_up(world, "ida")
    world.advance(40)
    world.rehearsal.exchange.last(AGENTS["ida"]).hang_up()
    world.advance(2)
    phone.hears("goodbye")
    assert len(world.tickets()) == 1


def test_when_one_does_not_pick_up_the_next_is_rung_and_in_the_end_a_message_is_taken(begin: Begin) -> None:
    """CASES phone 3, 14: a bad number or nobody there never ends a call without a way out."""
    world = staffed(begin)
    phone = asks_for_a_person(world)
    world.advance(3)
    agent(world, "ida").reject()
    phone.hears("I am connecting you", "I am connecting you")
    world.advance(3)
    agent(world, "leo").reject()
    phone.hears("Nobody can answer right now")
    phone.says("Please ring me.")
    phone.hears("Your ticket number is")


def test_who_waits_hears_the_place_and_the_time_of_our_own_queue_and_is_connected_in_turn(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    first = asks_for_a_person(world)
    first.hears("connecting")
    world.advance(3)
    picks_up(world, "ida")
    second = asks_for_a_person(world, "+390255500202", "200002#")
    second.hears("You are number 1; the wait is about 5 minutes")
    third = asks_for_a_person(world, ROSSI, "200001#")
    third.hears("You are number 2; the wait is about 10 minutes")
    world.rehearsal.exchange.last(AGENTS["ida"]).hang_up()
    first.hears("goodbye")
    world.advance(30)
    second.hears("I am connecting you")
    world.advance(3)
    picks_up(world, "ida")
    third.waits()
    third.hears("You are number 1")
    second.hangs_up()
    third.waits()
    third.hears("I am connecting you")


def test_who_waits_may_still_be_called_back_and_leaves_the_queue(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    asks_for_a_person(world)
    world.advance(3)
    picks_up(world, "ida")
    phone = asks_for_a_person(world, ROSSI, "200001#")
    phone.hears("You are number 1")
    phone.presses("9")
    phone.hears("We call you back")
    phone.presses("#")
    phone.hears("We will call you back at the number that ends in 1 0 1")
    phone.hangs_up()
    assert world.callbacks() == [(ROSSI, "waiting")]


def test_a_better_plan_goes_before_where_the_desk_says_so(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    asks_for_a_person(world)
    world.advance(3)
    picks_up(world, "ida")
    basic = asks_for_a_person(world, ROSSI, "200001#")
    basic.hears("You are number 1")
    platinum = asks_for_a_person(world, EMMA, "200003#")
    platinum.hears("You are number 1")
    basic.waits()
    basic.hears("You are number 2")


def test_outside_the_hours_or_with_everybody_away_a_message_is_taken_at_once(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    world.database.write(lambda connection: waiting.set_away(connection, world.desk, "ida", True))
    asks_for_a_person(world).hears("Nobody can answer right now")
    world.database.write(lambda connection: waiting.set_away(connection, world.desk, "ida", False))
    asks_for_a_person(world).hears("I am connecting you")
    night = staffed(begin, "2026-11-25 22:00")
    phone = asks_for_a_person(night)
    phone.presses("#")
    phone.hears("Nobody can answer right now")


def test_who_waited_too_long_is_not_kept_for_ever(begin: Begin) -> None:
    """CASES phone 9: never endless ringing."""
    world = staffed(begin, agents=1, wait_minutes=5)
    asks_for_a_person(world)
    world.advance(3)
    picks_up(world, "ida")
    phone = asks_for_a_person(world, ROSSI, "200001#")
    for _ in range(30):
        if any("Nobody can answer" in words for words in phone.everything()):
            break
        phone.waits()
    phone.hears("Nobody can answer right now")
    assert (world.now.hour, world.now.minute < 8) == (9, True)


def test_a_number_that_cannot_be_called_is_named_to_somebody_and_the_next_agent_is_rung(begin: Begin) -> None:
    """CASES phone 14: one bad number never stands between a caller and a person, or the message."""
    world = staffed(begin)
    world.rehearsal.exchange.behaviour[AGENTS["ida"]] = "failed"
    asks_for_a_person(world).hears("I am connecting you")
    world.advance(9)
    picks_up(world, "leo")
    assert [alarm.words for alarm in world.alarms() if alarm.kind == "agent-number"] == [
        "Ida's telephone cannot be called; correct the number in the desk's file"
    ]
    phone = asks_for_a_person(world, ROSSI, "200001#")  # Leo talks, Ida cannot be called
    world.advance(10)
    assert world.alarm_kinds().count("agent-number") == 1
    assert not phone.over


def test_an_agent_presses_a_key_first_and_hears_who_it_is(begin: Begin) -> None:
    """CASES phone 3: answered is not connected."""
    world = staffed(begin)
    phone = asks_for_a_person(world)
    phone.hears("I am connecting you")
    world.advance(3)
    handset = agent(world, "ida")
    handset.answer()
    theirs = OnThePhone(world, handset)
    theirs.hears("un cliente vuole parlarti, Charlie Demo Ltd", "Premi 1 per rispondere")
    assert "(connected)" not in theirs.everything()
    theirs.presses("1")
    theirs.hears("Ti collego con il cliente", "(connected)")
    world.advance(60)
    assert "Ida took the call" in world.story(world.ticket())
    handset.hang_up()
    phone.hears("goodbye")
    assert len(world.tickets()) == 1


def test_a_voicemail_gets_no_caller_and_the_next_one_is_rung(begin: Begin) -> None:
    """CASES phone 1, 3: it picks up, listens, presses nothing."""
    world = staffed(begin)
    phone = asks_for_a_person(world)
    phone.hears("I am connecting you")
    world.advance(3)
    voicemail = agent(world, "ida")
    voicemail.answer()
    world.advance(40)
    assert voicemail.over
    assert not any("(connected)" in one.text for one in voicemail.heard)
    picks_up(world, "leo")
    world.advance(30)
    world.rehearsal.exchange.last(AGENTS["leo"]).hang_up()
    phone.hears("goodbye")


def test_an_agent_who_presses_the_key_after_the_caller_has_gone_hears_so(begin: Begin) -> None:
    """CASES phone 13."""
    world = staffed(begin)
    phone = asks_for_a_person(world)
    phone.hears("I am connecting you")
    world.advance(3)
    handset = agent(world, "ida")
    handset.answer()
    world.advance(1)
    line = world.rehearsal.exchange.line
    line.post("http://127.0.0.1:8000/phone/twilio/status", {**phone.phone.facts(), "CallStatus": "completed"})
    handset.keys("1")
    OnThePhone(world, handset).hears("Il cliente ha riattaccato")
    assert "Ida took the call" not in world.story(world.ticket())


def test_a_carriers_word_that_they_talked_counts_for_nothing_without_the_key(begin: Begin) -> None:
    """CASES phone 3: "completed" of a leg may be a voicemail."""
    world = staffed(begin, agents=1)
    phone = asks_for_a_person(world)
    phone.hears("I am connecting you")
    world.advance(3)
    handset = agent(world, "ida")
    handset.answer()
    world.advance(1)
    handset.hang_up()
    phone.hears("Nobody can answer right now")
    phone.says("Please ring me.")
    phone.hears("Your ticket number is")


def test_nobody_elses_call_hears_of_a_caller(begin: Begin) -> None:
    """CASES V1: the address says for whom somebody is rung, and the signature alone makes it count."""
    world = staffed(begin)
    phone = asks_for_a_person(world)
    phone.hears("I am connecting you")
    line = world.rehearsal.exchange.line
    where = f"http://127.0.0.1:8000/phone/twilio/step/{phone.phone.sid}/-4"
    form = {**phone.phone.facts(), "CallSid": "CA" + "7" * 32}
    assert line.fetch(where, form, {"X-Twilio-Signature": "wrong"})[0] == 403
    assert line.post(where, phone.phone.facts())[0] == 404
    assert line.post(where.replace(phone.phone.sid, "CA" + "8" * 32), form)[0] == 404
