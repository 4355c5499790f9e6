"""Calling customers back: in the order of their wishes, when somebody is free, at a decent hour, and not for ever."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from telephone import AGENTS, EMMA, ROSSI, picks_up, staffed
from world import World, instant, read_letter

from gateway.calls import waiting
from gateway.store import api_tokens, callbacks, directory

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


def next_rung(world: World) -> tuple[str, float]:
    """Lets time go by until a customer's telephone rings: whose, and after how many minutes."""
    began = world.now
    while not (ringing := rung(world)):
        assert world.now - began < timedelta(hours=24), "nobody is rung within a day"
        world.advance(10)
    return ringing[0], (world.now - began).total_seconds() / 60


def requests(world: World) -> list[callbacks.StoredCallback]:
    found = [
        one for live in (True, False) for one in world.read(lambda c, live=live: callbacks.listed(c, 50, 0, live=live))
    ]
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
    picks_up(world, "ida")
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
    world.advance(5)
    assert next_rung(world)[0] == BRAVO
    assert [(one.number, one.attempts) for one in requests(world)] == [(ROSSI, 1), (BRAVO, 2), (EMMA, 1)]


def test_busy_silent_and_voicemail_are_tried_again_and_given_up_with_a_note(begin: Begin) -> None:
    """CASES phone 1, 19: "completed" without a key is no conversation; the same request is tried again."""
    world = staffed(begin, tries=3, rest_minutes=10)
    wants_a_call_back(world)
    world.advance(5)
    world.rehearsal.exchange.last(EMMA).reject()
    number, minutes = next_rung(world)
    assert (number, round(minutes)) == (EMMA, 10)
    world.rehearsal.exchange.last(EMMA).answer()  # a voicemail: it listens and presses nothing
    world.advance(10)
    number, minutes = next_rung(world)
    assert (number, 10 <= minutes < 12) == (EMMA, True)
    world.advance(40 * 60)
    assert [(one.state, one.attempts) for one in requests(world)] == [("given up", 3)]
    told = [words for words in world.story(world.ticket()) if "call back" in words]
    assert [words.rpartition(": ")[2] for words in told if "not taken" in words] == [
        "busy",
        "likely voicemail",
        "no-answer",
    ]
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


def known_as(world: World, **facts: Any) -> None:
    """What the directory says of Charlie, and with `contact_zone` of Emma, from now on."""
    at = facts.pop("contact_zone", None)
    charlie = world.read(directory.get, "CHARLIE")
    people = tuple(replace(one, zone=at) if EMMA in one.phones else one for one in charlie.contacts)
    world.database.write(lambda c: directory.replace(c, [replace(charlie, contacts=people, **facts)], keep=True))


WHERE: list[tuple[str, dict[str, str], str, str, str]] = [
    # number keyed, what the directory says, asked at (Rome), the zone that counts, rung at (Rome)
    ("", {}, "2026-11-25 10:00", "Europe/Rome", "2026-11-25 10:00"),
    ("0013035552368", {}, "2026-11-25 10:00", "America/Denver", "2026-11-25 16:00"),  # 2 a.m. there
    ("", {"zone": "America/Denver"}, "2026-11-25 10:00", "America/Denver", "2026-11-25 16:00"),
    ("", {"zone": "America/Denver"}, "2026-11-25 16:30", "America/Denver", "2026-11-25 16:30"),
    ("", {"zone": "Asia/Tokyo"}, "2026-11-25 15:00", "Asia/Tokyo", "2026-11-26 09:00"),  # 11 p.m. there; the desk opens
    ("", {"zone": "Asia/Tokyo", "contact_zone": "Europe/London"}, "2026-11-25 15:00", "Europe/London", "2026-11-25 15:00"),
    ("", {"region": "americas"}, "2026-11-25 10:00", "America/Los_Angeles", "2026-11-25 17:00"),
    ("", {"region": "americas", "zone": "Europe/Rome"}, "2026-11-25 10:00", "Europe/Rome", "2026-11-25 10:00"),
    ("", {"region": "nowhere"}, "2026-11-25 10:00", "Europe/Rome", "2026-11-25 10:00"),
    # America changes its clocks a week after Europe: on 27 October Denver is seven hours behind, not eight
    ("", {"zone": "America/Denver"}, "2026-10-27 10:00", "America/Denver", "2026-10-27 15:00"),
    ("", {"zone": "America/Denver"}, "2026-10-23 10:00", "America/Denver", "2026-10-23 16:00"),
]  # fmt: skip


@pytest.mark.parametrize(("keyed", "facts", "asked", "zone", "rung_at"), WHERE, ids=range(len(WHERE)))
def test_the_customers_own_clock_counts(
    keyed: str, facts: dict[str, str], asked: str, zone: str, rung_at: str, begin: Begin
) -> None:
    """Ten in the morning here is the middle of the night there: rung when both are awake, and not a minute before."""
    countries, types = ("IT", "US"), frozenset({"fixed_line", "mobile"})
    world = staffed(begin, asked, agents=1, countries=countries, types=types)
    there = replace(world.desk.calendars["gold"], id="there", zone="America/Los_Angeles")
    plans = {name: replace(plan, calendar_by_region={"americas": "there"}) for name, plan in world.desk.plans.items()}
    world.engine.settings.desks["demo"] = replace(  # type: ignore[index]
        world.desk, calendars={**world.desk.calendars, "there": there}, plans=plans
    )
    known_as(world, **facts)
    phone = world.call(EMMA)
    for keys in ("2", "200003#", "9", f"{keyed}#"):
        phone.presses(keys)
    phone.hangs_up()
    (one,) = requests(world)
    assert one.zone == zone
    number = EMMA if not keyed else f"+{keyed[2:]}"
    if rung_at != asked:
        world.advance((instant(rung_at) - world.now).total_seconds() - 1)
        assert world.orders() == 0
    world.advance(6)
    assert rung(world) == [number]


def test_who_asked_for_it_now_is_awake_whatever_their_clock_says(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    known_as(world, zone="America/Denver")
    headers = {"Authorization": f"Bearer {portal_token(world)}"}
    asked = {"phone": "+39 06 5550 0303", "code": "200003", "when": "now"}
    assert world.rehearsal.client.post("/in/callback", json=asked, headers=headers).json()["callback"] == "taken"
    world.advance(5)
    assert rung(world) == [EMMA]


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
    number, minutes = next_rung(world)
    assert (number, 28 < minutes <= 30) == (EMMA, True)


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


def portal_token(world: World) -> str:
    """Of a portal that may send reports."""
    _, text = world.database.write(
        lambda c: api_tokens.issue(c, "portal", ("report",), world.now, secret=world.engine.secret)
    )
    return str(text)


def hidden(page: str) -> dict[str, str]:
    """The hidden field of a page's forms."""
    return {"csrf": re.findall(r'name="csrf" value="([\w-]+)"', page)[-1]}


def test_a_program_asks_for_a_call_back_once_and_a_refused_one_is_a_ticket_too(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    token = portal_token(world)

    def asked(key: str, **fields: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return world.rehearsal.client.post("/in/callback", json=fields, headers=headers)

    answer = asked("1", phone="+39 06 5550 0303", code="200003", when="now")
    assert (answer.status_code, answer.json()["callback"]) == (200, "taken")
    assert asked("1", phone="+39 06 5550 0303", code="200003", when="now").json()["callback"] == "taken"
    refused = asked("2", phone="+39 899 123456", code="200003").json()
    assert (refused["callback"], refused["ticket"] is not None) == ("refused", True)
    assert asked("3", code="200003").status_code == 422
    assert asked("4", phone="+390655500303", when="at once").status_code == 422
    assert asked("5", phone="+390655500303", not_before="tomorrow").status_code == 422
    assert world.rehearsal.client.post("/in/callback", json={"phone": "+390655500303"}).status_code == 401
    world.advance(5)
    assert (rung(world), len(requests(world)), len(world.tickets())) == ([EMMA], 1, 2)


def test_the_window_that_was_named_is_kept_and_its_end_is_the_end(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    token = portal_token(world)
    window = {"not_before": "2026-11-25T11:00:00+01:00", "not_after": "2026-11-25T11:10:00+01:00"}
    headers = {"Authorization": f"Bearer {token}"}
    world.rehearsal.client.post("/in/callback", json={"phone": "+390655500303", **window}, headers=headers)
    number, minutes = next_rung(world)
    assert (number, round(minutes)) == (EMMA, 60)
    world.rehearsal.exchange.last(EMMA).reject()
    world.advance(hours=1)
    assert [(one.state, one.why) for one in requests(world)] == [
        ("given up", "the time that the customer named is over")
    ]


def test_call_back_now_rings_at_once_and_then_the_customer_stands_in_the_queue(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    wants_a_call_back(world, ROSSI, "200001#")
    world.advance(5)
    world.rehearsal.exchange.last(ROSSI).reject()
    world.advance(20)
    busy = world.call("+390255500202")
    for keys in ("2", "200002#", "0"):
        busy.presses(keys)
    world.advance(5)
    picks_up(world, "ida")
    (one,) = requests(world)
    someone = world.agent()
    assert ROSSI in someone.sees("/callbacks")
    someone.sends_to(f"/callbacks/{one.id}/now")
    world.advance(5)
    assert rung(world) == [ROSSI]
    handset = world.rehearsal.exchange.last(ROSSI)
    handset.answer()
    world.advance(10)
    handset.keys("1")
    world.advance(5)
    assert any("You are number 1" in said.text for said in handset.heard)
    world.rehearsal.exchange.last(AGENTS["ida"]).hang_up()
    world.advance(30)
    picks_up(world, "ida")


def test_somebody_of_the_desk_asks_for_a_call_back_says_it_is_done_and_who_only_looks_may_not(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    world.mail("emma.clarke@charlie-demo.example", "Printer", "It does not print.")
    someone = world.agent()
    page = someone.client.get("/callbacks").text
    form = {**hidden(page), "ticket": world.ticket().number, "number": "+390655500303", "when": "later"}
    assert someone.client.post("/callbacks", data=form, follow_redirects=False).status_code == 303
    refused = someone.client.post("/callbacks", data={**form, "number": "+39899123456"}, follow_redirects=False)
    assert refused.status_code == 409
    (one,) = requests(world)
    someone.sends_to(f"/callbacks/{one.id}/done")
    assert requests(world)[0].state == "done"
    world.advance(60)
    assert world.orders() == 0
    reader = world.agent("rita", "read-only")
    page = reader.client.get("/callbacks").text
    assert reader.client.post("/callbacks", data={**form, **hidden(page)}, follow_redirects=False).status_code == 403


def test_what_presa_does_to_call_back_is_told_as_its_own_and_not_as_a_call_of_the_customers(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    world.mail("emma.clarke@charlie-demo.example", "Printer", "It does not print.")
    someone = world.agent()
    form = {**hidden(someone.client.get("/callbacks").text), "ticket": world.ticket().number, "when": "later"}
    someone.client.post("/callbacks", data={**form, "number": "+390655500303"})
    world.advance(60)
    seen = someone.sees(f"/tickets/{world.ticket().number}")
    assert "giulia asked for a call back" in seen
    assert "+39 06 5550 0303" in seen
    assert "Presa calls the customer back" in seen
    assert "From presa" not in seen


def test_an_agent_goes_and_comes_back_by_one_button(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    someone = world.agent()
    for away in ("1", "0"):
        page = someone.client.get("/callbacks").text
        form = {**hidden(page), "away": away}
        assert someone.client.post("/callbacks/agents/demo/ida", data=form, follow_redirects=False).status_code == 303
        there = world.read(waiting.agents, world.desk)
        assert [one.id for one in there] == ([] if away == "1" else ["ida"])


def test_the_link_of_a_mail_asks_once_at_the_number_on_file_and_opening_it_asks_for_nothing(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    world.mail("emma.clarke@charlie-demo.example", "Printer", "It does not print.")
    world.advance(5)
    (address,) = re.findall(r"http\S+(/callback/\S+)", read_letter(world.letter()).text or "")
    client = world.rehearsal.client
    for _ in range(2):
        assert "Shall we call you back" in client.get(address).text
    assert requests(world) == []
    for wrong in (
        f"{address[:-1]}{'0' if address[-1] != '0' else '1'}",
        "/callback/x",
        "/callback/10000015-9-",
        "/callback/-",
    ):
        assert client.get(wrong).status_code == 404
        assert client.post(wrong, data={"do": "call"}).status_code == 404
    assert client.post(address, data={"do": "something"}).status_code == 400
    for _ in range(2):
        assert client.post(address, data={"do": "call"}).status_code == 200
    world.advance(5)
    assert (rung(world), [one.source for one in requests(world)]) == ([EMMA], ["link"])
    world.rehearsal.exchange.last(EMMA).reject()
    world.advance(days=8)
    assert client.get(address).status_code == 404


def test_no_link_goes_to_a_sender_who_is_not_verified_or_from_a_desk_that_rings_nobody_back(begin: Begin) -> None:
    world = staffed(begin, agents=1)
    world.mail("emma.clarke@charlie-demo.example", "Printer", "It does not print.", proof=None, peer="192.0.2.9")
    world.advance(5)
    other = begin("demo", "2026-11-25 10:00", hours="gold")
    other.mail("emma.clarke@charlie-demo.example", "Printer", "It does not print.")
    other.advance(5)
    for letter in (*world.letters(), *other.letters()):
        assert "/callback/" not in (read_letter(letter).text or "")
