"""PINs on the telephone: whoever owns one hears that somebody tried, and a code by mail opens one call."""

import re
from dataclasses import replace

import pytest
from world import OnThePhone, World, read_letter

from gateway.errors import Permanent
from gateway.filing import filing_of
from gateway.people import importing, issuing
from identity.directory import build


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


def with_mobile(world: World) -> None:
    """Mario has a mobile number too; the import is the one of `presa import`."""
    people = world.rehearsal.settings.people
    known = [
        replace(one, contacts=tuple(replace(c, phones=(*c.phones, "+393331234567")) for c in one.contacts))
        if one.id == "ACME" else one for one in people.customers
    ]  # fmt: skip
    importing.load(world.rehearsal.settings, world.database, build(known, people.pins))


def calls_with(world: World, digits: str) -> OnThePhone:
    """A call from a number that nobody knows, with a customer code and a PIN, for something severe."""
    phone = world.call("+390455550000")
    for keys in ("2", "100001#", f"{digits}#", "1"):
        phone.presses(keys)
        phone.waits()
    world.advance(2)
    return phone


def test_a_code_by_sms_goes_to_the_mobile_on_file_once_and_proves_the_person(world: World) -> None:
    with_mobile(world)
    world.mail()
    world.advance(1)
    issued = issuing.text_code(filing_of(world.rehearsal.settings, world.database), world.ticket().id, None)
    world.advance(1)
    (text,) = world.rehearsal.exchange.texts
    assert text["to"] == "+393331234567"
    assert issued.digits in text["body"]
    assert world.ticket().number in text["body"]
    world.advance(minutes=5)
    assert len(world.rehearsal.exchange.texts) == 1
    assert any("one-time code to Mario Rossi by sms: sent" in words for words in world.story(world.ticket(), "note"))
    assert issued.digits not in world.everything_stored()
    calls_with(world, issued.digits).hangs_up()
    (called,) = [one for one in world.tickets() if one.channel == "phone"]
    assert (called.customer, called.contact, called.verified) == ("ACME", "ACME-mario", True)


def test_without_a_mobile_on_file_or_a_carrier_no_code_is_sent_and_it_is_said_what_to_do(world: World) -> None:
    world.mail()
    world.advance(1)
    filing = filing_of(world.rehearsal.settings, world.database)
    with pytest.raises(Permanent, match="no contact of ACME with a mobile number"):
        issuing.text_code(filing, world.ticket().id, None)
    filing.settings = replace(filing.settings, carrier=None)
    with pytest.raises(Permanent, match="no carrier is configured"):
        issuing.text_code(filing, world.ticket().id, None)


def test_a_contacts_own_pin_proves_the_person_and_the_contracts_only_the_contract(world: World) -> None:
    own = issuing.issue(world.rehearsal.settings, world.database, "ACME", contact="ACME-mario")
    calls_with(world, own.digits).hangs_up()
    (first,) = world.tickets()
    assert (first.customer, first.contact, first.requester, first.verified) == (
        "ACME", "ACME-mario", "mario@acme.example", True,
    )  # fmt: skip
    assert "the PIN of ACME-mario was right: it proves the person" in first.evidence
    world.advance(minutes=10)
    calls_with(world, "471108").hangs_up()
    second = next(one for one in world.tickets() if one.id != first.id)
    assert (second.customer, second.contact, second.verified) == ("ACME", None, True)
    assert "the PIN was right" in second.evidence
