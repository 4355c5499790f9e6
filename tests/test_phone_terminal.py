"""`presa call`: a scripted call, an engineer's phone beside it, and what is shown of both."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import pytest
from dialogues.desk import PUBLIC, TOKEN, Desk
from rich.console import Console

import ivr
from gateway.phone import switchboard, terminal
from gateway.phone.terminal import Options


class Beside:
    """The desk's own exchange, looked at as `/simulated/phones` would show it; its time passes with every look."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def phones(self) -> Sequence[Mapping[str, Any]]:
        self.desk.timeline.advance(1)
        return [switchboard.as_phone(phone) for phone in self.desk.exchange.calls.values()]

    def act(self, sid: str, action: str, keys: str = "") -> None:
        does = switchboard.action_of(self.desk.exchange.calls[sid], action, keys)
        assert does is not None
        self.desk.timeline.later(0, does)

    def dial(self, number: str, from_: str, seconds: float, url: str) -> str:
        return self.desk.exchange.leg(number, from_, seconds, url).sid


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def play(desk: Desk, typed: Sequence[str | None] = (), **options: Any) -> tuple[int, str]:
    shown, clock, lines = io.StringIO(), Clock(), iter(typed)
    code = terminal.run(
        Options("http://127.0.0.1:8000", PUBLIC, "AC" + "0" * 32, TOKEN, "+390200000000", **options),
        fetch=desk.fetch,
        engineers=Beside(desk),
        console=Console(file=shown, width=400, highlight=False),
        read=lambda: next(lines, None),
        now=clock,
        sleep=clock.sleep,
    )
    return code, shown.getvalue()


def test_a_scripted_call_is_played_to_its_end_and_the_pin_is_not_shown() -> None:
    desk = Desk()
    code, shown = play(desk, keys='1 100001# 471108# 1 "Il centralino è fermo [davvero]"')
    assert code == 0
    assert desk.tickets[0]["words"] == "Il centralino è fermo [davvero]"
    assert "☎ it Stiamo chiamando il tecnico reperibile, Anna." in shown
    assert "1 0 0 2, 4 1 3 7" in shown
    assert "471108" not in shown
    assert shown.rstrip().endswith("☎ completed")


def test_a_script_that_is_used_up_is_silence() -> None:
    desk = Desk()
    code, shown = play(desk, keys="2")
    assert code == 0
    assert desk.tickets[0]["why"] == "no_code"
    assert "Thank you, goodbye." in shown


def test_each_group_is_given_at_a_prompt_of_its_own() -> None:
    desk = Desk()
    play(desk, keys="2 9 0298765432#")
    assert desk.callbacks == ["0298765432"]


def test_the_engineers_telephone_rings_beside_it_and_is_scripted_too() -> None:
    desk = Desk()
    desk.language = "en"
    order = {"To": "+393331234567", "From": "+390200000000", "Url": f"{PUBLIC}/phone/twilio/page?attempt=1"}
    desk.exchange.create({name: [value] for name, value in order.items()})
    _, shown = play(desk, keys="2 100001# 471108# 1 help", engineer_keys="2 1")
    assert "📟 +393331234567: ringing" in shown
    assert "customer Acme, plan Platinum. 45 minutes left." in shown
    assert "The customer has not said anything yet." in shown
    assert "Confirmed, it is yours." in shown
    assert "page_accepted" in desk.events


def test_a_person_may_type_keys_words_and_answer_the_engineers_telephone() -> None:
    desk = Desk(closed=False)
    order = {"To": "+393331234567", "From": "+390200000000", "Url": f"{PUBLIC}/phone/twilio/page?attempt=1"}
    desk.exchange.create({name: [value] for name, value in order.items()})
    quiet = [None] * 20
    code, shown = play(
        desk, [*quiet, "2", *quiet, "100001#", "3", *quiet, "the fax hums", "a", *quiet, "e 1", *quiet, "h"]
    )
    assert code == 0
    assert desk.tickets[0]["words"] == "the fax hums"
    assert "page_accepted" in desk.events
    assert "Type keys" in shown


def test_a_presa_that_is_not_up_is_one_clear_line() -> None:
    desk = Desk()

    def fetch(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        raise httpx2.ConnectError("refused")

    desk.fetch = fetch  # type: ignore[method-assign]
    code, shown = play(desk, keys="1")
    assert code == 1
    assert shown.splitlines()[-1] == "Presa does not answer at http://127.0.0.1:8000: is it up? (make run)"


def test_a_refusal_is_shown_and_is_a_failure() -> None:
    desk = Desk()
    desk.fetch = lambda url, form, headers: (403, "")  # type: ignore[method-assign]
    code, shown = play(desk, keys="1")
    assert code == 1
    assert f"403 from {PUBLIC}/phone/twilio/voice" in shown


def test_webhooks_go_to_where_presa_listens() -> None:
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, text="<Response/>")

    options = Options("http://127.0.0.1:8000", PUBLIC, "AC", TOKEN, "+39")
    with httpx2.Client(transport=httpx2.MockTransport(take)) as client:
        terminal.over_http(client, options)(
            f"{PUBLIC}/phone/twilio/voice", {"From": "+39"}, {"X-Twilio-Signature": "s"}
        )
        simulated = terminal.Simulated(client, options)
        with pytest.raises(ValueError):
            simulated.phones()
        simulated.act("CA1", "keys", "1")
    assert [str(request.url) for request in seen] == [
        "http://127.0.0.1:8000/phone/twilio/voice",
        "http://127.0.0.1:8000/simulated/phones",
        "http://127.0.0.1:8000/simulated/phones/CA1/keys",
    ]
    assert (seen[0].content, seen[0].headers["X-Twilio-Signature"]) == (b"From=%2B39", "s")
    assert seen[2].content == b"keys=1"


def test_an_open_quote_in_the_keys_is_said() -> None:
    with pytest.raises(ValueError, match="quot"):
        terminal.groups('1 "open')


def test_a_caller_is_connected_to_somebody_whose_telephone_rings_beside() -> None:
    """0 at the demo: the agent's telephone is shown, answered, and the key connects."""
    desk = Desk(closed=False, people=[ivr.Person("+390298765432")])
    desk.people.append(ivr.Nobody())
    code, shown = play(desk, keys="2 100001# 0", engineer_keys="1")
    assert "I am connecting you" in shown
    assert "+390298765432: ringing" in shown
    assert "+390298765432: in-progress" in shown
    assert desk.exchange.last("+390298765432").over
    assert code == 0
