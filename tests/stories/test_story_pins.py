"""PINs on the telephone: whoever owns one hears that somebody tried, and a code by mail opens one call."""

import re

from world import World, read_letter

from gateway import issuing
from gateway.filing import filing_of


def wrong_pins(world: World) -> None:
    phone = world.call("+390455550000")
    phone.presses("2")
    phone.presses("100001#")
    for _ in range(2):
        phone.presses("999999#")
        phone.hears("That PIN is not right")
    phone.presses("999999#")
    phone.hears("Too many wrong PINs", "leave a message")
    phone.says("It is me, really.")
    world.advance(30)
    phone.hangs_up()


def test_the_owner_is_told_when_somebody_tries_and_once_a_day_is_enough(world: World) -> None:
    """CASES V5."""
    wrong_pins(world)
    world.advance(5)
    told = [one for one in world.letters() if one.recipient == "mario@acme.example"]
    assert len(told) == 1
    text = read_letter(told[0]).text or ""
    assert "PIN" in told[0].subject
    assert "999999" not in world.everything_stored()
    assert "471108" not in text
    wrong_pins(world)
    world.advance(5)
    assert len([one for one in world.letters() if one.recipient == "mario@acme.example"]) == 1


def test_a_right_pin_after_a_slip_tells_nobody(world: World) -> None:
    phone = world.call()
    phone.presses("2")
    phone.presses("100001#")
    phone.presses("999999#")
    phone.hears("That PIN is not right")
    phone.presses("471108#")
    phone.waits()
    phone.presses("3")
    world.advance(5)
    phone.hangs_up()
    world.advance(5)
    assert world.call_events(phone).count("pin_ok") == 1
    assert not any("PIN" in one.subject for one in world.letters())


def test_a_code_by_mail_is_good_for_one_call(world: World) -> None:
    world.mail()
    world.advance(1)
    issued = issuing.send_code(filing_of(world.rehearsal.settings, world.database), world.ticket().id, None)
    world.advance(1)
    (letter,) = [one for one in world.letters() if one.kind == "notice"]
    assert letter.recipient == "mario@acme.example"
    found = re.search(r"\b[0-9]{6}\b", (read_letter(letter).text or "").replace("100001", ""))
    assert found is not None
    assert found[0] == issued.digits
    for expected in (1, 0):
        phone = world.call("+390455550000")
        phone.presses("1")
        phone.waits()
        phone.presses("100001#")
        phone.waits()
        phone.presses(f"{issued.digits}#")
        phone.waits()
        assert world.call_events(phone).count("pin_ok") == expected
        phone.hangs_up()
