"""A carrier that falls silent: no status callback, no webhook any more. A job ends such calls and says what is known."""

from collections.abc import Callable

import pytest
from telephone import EMMA, picks_up, staffed
from world import OnThePhone, World

from gateway.store import calls, waiting

Begin = Callable[..., World]
PIN = "200333#"


@pytest.fixture
def night(begin: Begin) -> World:
    """The demo desk on a Wednesday evening."""
    return begin("demo", "2026-11-25 21:30", hours="gold")


def falls_silent(phone: OnThePhone, status: str = "completed") -> None:
    """The call ends at the carrier, which tells nobody."""
    phone.phone.on_end = lambda: None
    phone.phone.end(status)


def status(world: World, phone: OnThePhone) -> str:
    return str(world.read(calls.get, phone.phone.sid).status)


def calls_in(world: World, *keyed: str) -> OnThePhone:
    phone = world.call(EMMA)
    for keys in ("2", "200003#", *keyed):
        phone.presses(keys)
    return phone


def test_the_ticket_is_there_as_soon_as_customer_and_severity_are_known(night: World) -> None:
    """CASES phone 13: nothing that comes after can lose it, not even the end of the call."""
    calls_in(night, PIN, "2")
    assert (night.ticket().customer, night.ticket().priority, night.ticket().verified) == ("CHARLIE", "P2", True)


@pytest.mark.parametrize("keyed", [(), (PIN,)], ids=["after the code", "after the PIN"])
def test_a_lost_last_word_leaves_a_ticket_that_says_what_is_known(night: World, keyed: tuple[str, ...]) -> None:
    phone = calls_in(night, *keyed)
    falls_silent(phone)
    night.advance(minutes=4)
    assert (night.tickets(), status(night, phone)) == ((), "in-progress")
    night.advance(minutes=2)
    ticket = night.ticket()
    assert (ticket.customer, ticket.phone, status(night, phone)) == ("CHARLIE", EMMA, "completed")
    assert "the caller hung up early" in night.story(ticket)
    silent = "the line was silent from 2026-11-25T20:30+00:00 on, and the carrier says completed"
    assert silent in night.story(ticket)
    assert night.call_events(phone)[-1] == "fell_silent"
    night.advance(hours=2)
    assert len(night.tickets()) == 1, "ended once"


def test_a_call_that_said_nothing_is_ended_without_a_ticket(night: World) -> None:
    phone = night.call("anonymous")
    falls_silent(phone)
    night.advance(minutes=6)
    assert (night.tickets(), status(night, phone)) == ((), "completed")


def test_a_call_that_the_carrier_does_not_know_is_lost_and_the_story_says_so(night: World) -> None:
    phone = calls_in(night)
    falls_silent(phone)
    del night.rehearsal.exchange.callers[phone.phone.sid]
    night.advance(minutes=6)
    assert status(night, phone) == "lost"
    assert any("the carrier knows nothing of it any more" in words for words in night.story(night.ticket()))


def test_a_late_last_word_after_that_changes_nothing(night: World) -> None:
    phone = calls_in(night)
    falls_silent(phone)
    night.advance(minutes=6)
    before = night.rows()
    line = night.rehearsal.exchange.line
    told = {**phone.phone.facts(), "CallStatus": "completed"}
    assert line.post("http://127.0.0.1:8000/phone/twilio/status", told)[0] in (200, 204)
    assert night.rows() == before


def test_two_who_talk_for_an_hour_are_not_cut_off(begin: Begin) -> None:
    """Nothing is heard of a call while two people talk: the carrier says that it is up."""
    world = staffed(begin, agents=1)
    phone = calls_in(world, "0")
    phone.hears("I am connecting you")
    world.advance(3)
    picks_up(world, "ida")
    world.advance(minutes=60)
    assert status(world, phone) == "in-progress"
    assert world.read(waiting.busy, world.desk.id, world.now) == {"ida"}


def test_the_place_in_the_queue_and_the_agent_are_free_again(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    phone = calls_in(world, "0")
    phone.hears("I am connecting you")
    world.advance(3)
    picks_up(world, "ida")
    falls_silent(phone)
    world.advance(minutes=6)
    assert world.read(waiting.busy, world.desk.id, world.now) == frozenset()
    assert world.read(waiting.get, phone.phone.sid).state == "over"


def test_an_engineer_who_waits_for_a_caller_who_fell_silent_hears_the_number(night: World) -> None:
    """CASES phone 13: never endless music."""
    phone = calls_in(night, PIN, "1")
    falls_silent(phone)
    night.advance(1)
    engineer = night.engineer("Bruno Serra")
    engineer.answers()
    engineer.hears("4 ")
    engineer.presses("4")
    night.advance(minutes=7)
    said = " ".join(one.text for one in engineer.handset.heard)
    assert "Il cliente non è più in linea" in said


def test_the_carrier_being_away_for_a_while_ends_no_call(night: World, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = calls_in(night)
    falls_silent(phone)
    monkeypatch.setattr(night.rehearsal.exchange, "_send_to", lambda *_: (503, {}))
    monkeypatch.setattr(night.rehearsal.exchange, "get", lambda _: (503, {}))
    night.advance(minutes=20)
    assert (night.tickets(), status(night, phone)) == ((), "in-progress")
    night.advance(minutes=20)
    assert (night.ticket().customer, status(night, phone)) == ("CHARLIE", "lost")


def test_an_engineers_call_without_a_last_word_ends_too_and_the_chain_goes_on(night: World) -> None:
    calls_in(night, PIN, "1").hangs_up()
    night.advance(2)
    engineer = night.engineer("Bruno Serra")
    engineer.answers()
    assert engineer.line is not None
    sid = engineer.line.phone.sid
    falls_silent(engineer.line)
    night.advance(minutes=12)
    assert night.read(calls.get, sid).status == "completed"
