"""A customer calls, at any hour: what they hear, what is filed, and whose telephone rings. Dialogues are in tests/dialogues."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from world import OnThePhone, World, instant

from gateway.store import reports
from routing import decide

Begin = Callable[..., World]
EMMA = "+390655500303"  # a contact of CHARLIE, platinum, whose language is English


@pytest.fixture
def night(begin: Begin) -> World:
    """The demo desk on a Wednesday evening, when everybody is at home."""
    return begin("demo", "2026-11-25 21:30", hours="gold")


def calls_in(world: World, code: str = "200003", pin: str = "200333", severity: str = "1") -> OnThePhone:
    """An English caller keys all they have; the ticket is open then."""
    phone = world.call(EMMA)
    for keys in ("2", f"{code}#", f"{pin}#", severity):
        phone.presses(keys)
    return phone


def test_a_call_with_code_pin_and_severity_one_is_a_ticket_on_the_on_call_clock(night: World) -> None:
    phone = night.call(EMMA)
    phone.hears("prema 1", "press 2")
    phone.presses("2")
    phone.hears("customer code")
    phone.presses("200003#")
    phone.hears("out of hours", "PIN")
    phone.presses("200333#")
    phone.hears("Charlie Demo Ltd", "How bad is it?")
    phone.presses("1")
    phone.hears("Your ticket is open")
    ticket = night.ticket()
    assert (ticket.customer, ticket.plan, ticket.priority, ticket.channel) == ("CHARLIE", "platinum", "P1", "phone")
    assert (ticket.queue, ticket.level, ticket.via_on_call, ticket.language) == ("specialists", "L2", True, "en")
    due = {target["target"]: target["due"] for target in ticket.clocks["targets"]}
    assert due == {"notify": "2026-11-25T22:00:00+01:00", "take_charge": "2026-11-25T22:30:00+01:00"}
    assert night.call_events(phone) == ["code_known", "pin_ok", "ticket"]
    assert night.outcomes() == [("new", "severity")]


def test_the_callers_words_are_kept_and_the_number_is_spoken_digit_by_digit(night: World) -> None:
    phone = calls_in(night)
    phone.says("The whole switchboard is dead.")
    number = night.ticket().number
    digits = number.removeprefix("PR-").replace("-", "")
    spoken = ", ".join(" ".join(digits[at : at + 4]) for at in (0, 4))
    phone.hears(
        "We are calling the engineer on duty, Bruno Serra", f"Your ticket number is {spoken}", f"Once more: {spoken}"
    )
    phone.waits()
    phone.hears("goodbye")
    phone.waits()
    assert phone.over
    assert night.ticket().subject == "The whole switchboard is dead."
    assert "The whole switchboard is dead." in night.story(night.ticket(), "description")


def test_digits_of_a_pin_are_in_no_row_of_the_database(night: World) -> None:
    calls_in(night)
    night.advance(120)
    assert "200333" not in night.everything_stored()


def test_by_day_no_pin_is_asked_and_nobody_is_rung(begin: Begin) -> None:
    day = begin("demo", "2026-11-25 10:00", hours="gold")
    phone = day.call(EMMA)
    phone.presses("2")
    phone.presses("200003#")
    phone.hears("How bad is it?")
    phone.presses("1")
    day.advance(600)
    assert (day.ticket().priority, day.ticket().queue, day.ticket().via_on_call) == ("P1", "specialists", False)
    assert day.orders() == 0
    assert not any("PIN" in words for words in phone.everything())


def test_a_lesser_severity_at_night_waits_for_the_morning(night: World) -> None:
    phone = calls_in(night, severity="3")
    phone.says("One printer.")
    phone.hears("We will look at it by")
    night.advance(600)
    assert (night.ticket().priority, night.orders()) == ("P3", 0)


def test_a_customer_without_on_call_leaves_a_message_and_nobody_is_woken(night: World) -> None:
    phone = night.call("+390255500202")
    phone.presses("2")
    phone.presses("200002#")
    phone.hears("does not include on-call")
    phone.says("Carlo of Bravo, the server is down.")
    phone.hears("Your ticket number is")
    night.advance(600)
    assert (night.ticket().customer, night.orders()) == ("BRAVO", 0)


def test_three_wrong_pins_lock_the_way_but_not_the_report(night: World) -> None:
    phone = night.call(EMMA)
    phone.presses("2")
    phone.presses("200003#")
    for _ in range(2):
        phone.presses("000000#")
        phone.hears("That PIN is not right")
    phone.presses("000000#")
    phone.hears("Too many wrong PINs", "leave a message")
    phone.says("It is Emma, everything is down.")
    phone.hears("Your ticket number is")
    night.advance(3600)
    assert night.ticket().customer == "CHARLIE"
    assert "too many wrong PINs: the caller left a message" in night.story(night.ticket())
    events = [event for event in night.call_events(phone) if event.startswith("pin")]
    assert events.count("pin_wrong") == 3
    assert "pin_ok" not in events
    assert night.orders() == 0


def test_the_right_pin_after_three_wrong_ones_opens_nothing_in_the_same_call(night: World) -> None:
    phone = night.call(EMMA)
    phone.presses("2")
    phone.presses("200003#")
    for _ in range(3):
        phone.presses("000000#")
    phone.presses("200333#")
    night.advance(600)
    assert night.orders() == 0


def test_who_hangs_up_after_the_code_has_a_ticket_all_the_same(night: World) -> None:
    phone = night.call(EMMA)
    phone.presses("2")
    phone.presses("200003#")
    phone.hears("PIN")
    phone.hangs_up()
    night.advance(3600)
    ticket = night.ticket()
    assert (ticket.customer, ticket.phone) == ("CHARLIE", EMMA)
    assert "the caller hung up early" in night.story(ticket)
    assert night.orders() == 0


def test_who_hangs_up_while_describing_keeps_ticket_and_page(night: World) -> None:
    phone = calls_in(night)
    phone.hangs_up()
    night.advance(1)
    assert len(night.tickets()) == 1
    assert night.rings() == ["Bruno Serra"]


def test_who_says_nothing_and_hangs_up_leaves_a_call_and_no_ticket(night: World) -> None:
    phone = night.call("anonymous")
    phone.hears("prema 1")
    phone.hangs_up()
    night.advance(3600)
    assert (night.tickets(), night.orders(), night.rows()["calls"]) == ((), 0, 1)


def test_a_webhook_that_comes_twice_gets_the_same_words_and_acts_once(night: World) -> None:
    phone = calls_in(night)
    line = night.rehearsal.exchange.line
    before = night.rows()
    for url, fields in list(phone.phone.posted):
        first, again = line.post(url, fields), line.post(url, fields)
        assert first == again
        assert first[0] == 200
    assert night.rows() == before
    assert len(night.tickets()) == 1


def test_nine_asks_to_be_called_back_and_promises_the_number_it_will_call(night: World) -> None:
    phone = night.call(EMMA)
    phone.presses("2")
    phone.presses("200003#")
    phone.presses("9")
    phone.waits()
    phone.hears("We call you back")
    phone.presses("#")
    phone.hears("We will call you back at the number that ends in", "Your ticket number is")
    night.advance(60)
    ticket = night.ticket()
    assert (ticket.customer, ticket.priority) == ("CHARLIE", "P3")
    assert "the caller wants to be called back" in night.story(ticket)
    assert "callback_taken" in night.call_events(phone)
    assert night.callbacks() == [(EMMA, "waiting")]
    assert night.orders() == 0


@pytest.mark.parametrize("number", ["008816555", "892123456", "0044207123456", "113"])
def test_numbers_that_cost_money_are_not_called_back_but_filed(night: World, number: str) -> None:
    phone = night.call(EMMA)
    phone.presses("2")
    phone.presses("9")
    phone.waits()
    phone.presses(f"{number}#")
    phone.hears("We can't call that number")
    assert night.callbacks() == []
    assert len(night.tickets()) == 1
    assert "callback_refused" in night.call_events(phone)


def test_the_report_of_a_call_stands_in_the_ledger_with_its_evidence(night: World) -> None:
    calls_in(night)
    (row,) = night.read(lambda connection: list(reports.ledger(connection)))
    assert (row.door, row.outcome, row.customer, row.verified) == ("phone", "new", "CHARLIE", True)
    assert any(re.search(r"page: yes, P1 on platinum", line) for line in row.evidence)
    assert row.at == instant("2026-11-25 21:30")


def test_a_fault_of_ours_while_a_call_is_judged_loses_nothing(night: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    with monkeypatch.context() as broken:
        broken.setattr(decide, "decide", fault)
        phone = calls_in(night)
    phone.says("The whole switchboard is dead.")
    phone.hears("Your ticket number is")
    ticket = night.ticket()
    assert (ticket.customer, ticket.queue, ticket.state) == ("CHARLIE", "to-look-at", "new")
    assert "The whole switchboard is dead." in night.story(ticket, "description")
    (alarm,) = night.alarms()
    assert (alarm.kind, ticket.number in alarm.words) == ("failed-inside", True)


def away(*_: object) -> int:
    raise sa.exc.OperationalError("INSERT INTO reports", {}, Exception("the disk is full"))


def test_a_caller_who_is_kept_waiting_by_the_database_goes_on_with_the_key_that_was_pressed(
    night: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = night.call(EMMA)
    for keys in ("2", "200003#", "200333#"):
        phone.presses(keys)
    before = night.rows()
    with monkeypatch.context() as broken:
        broken.setattr(reports, "insert", away)
        phone.presses("1")
        assert night.rows() == before
    phone.hears("One moment.", "Your ticket is open")
    assert night.ticket().priority == "P1"


def test_a_call_whose_database_is_away_hears_an_apology_and_leaves_nothing_half_done(
    night: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = night.call(EMMA)
    for keys in ("2", "200003#", "200333#"):
        phone.presses(keys)
    before = night.rows()
    with monkeypatch.context() as broken:
        broken.setattr(reports, "insert", away)
        phone.presses("1")
        phone.hears("One moment.", "One moment.", "One moment.", "One moment.", "One moment.", "technical problem")
        assert {**night.rows(), "house": before["house"]} == before  # the watchdog's mark is not the call's
    night.advance(60)
    # The line ends with the apology: what was known until then is filed, and nobody is woken by half a report.
    assert (night.ticket().customer, night.orders()) == ("CHARLIE", 0)
    assert "the caller hung up early" in night.story(night.ticket())
