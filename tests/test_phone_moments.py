"""A caller is answered in time whatever happens behind: one moment, with what they brought; an apology; a fallback without a database."""

import asyncio
import base64
import hmac
import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
from databases import settings_of
from starlette.applications import Starlette
from starlette.testclient import TestClient

import ivr
from gateway.calls.story import PIN
from gateway.errors import Temporary
from gateway.phone import carriers, grammar
from gateway.phone.sounds import Sounds
from gateway.settings.presa import Carrier as Configured
from gateway.web import phone as door
from gateway.web.moments import MOST

PUBLIC = "http://presa.test"
SID = "CA" + "1" * 32
STEP = f"/phone/twilio/step/{SID}/3"
DONE = "<?xml version='1.0'?><Response><Say>done</Say></Response>"


@dataclass
class Slow:
    """What stands behind the door: each step's answer comes when the test says so."""

    steps: list[tuple[int, ivr.Heard]] = field(default_factory=list)
    answers: list[Future[str | None]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    looks: int = 0
    looked: threading.Event = field(default_factory=threading.Event)

    def heard(self, line: object, event: ivr.Heard) -> Future[str | None]:
        self.steps.append((line.step, event))  # type: ignore[attr-defined]
        return self.answers[min(len(self.steps), len(self.answers)) - 1]

    def tried(self, line: object, event: ivr.Heard) -> str | None:
        """Looking at a PIN, in a thread: as long as the test says."""
        self.looks += 1
        assert self.looked.wait(20)
        return DONE

    def over(self, sid: str, status: str, sequence: int | None) -> Future[None]:
        self.told.append(status)
        return failing()


def failing() -> "Future[None]":
    future: Future[None] = Future()
    future.set_exception(Temporary("the database is away"))
    return future


def answered(document: object = DONE) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_result(document)
    return future


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(max_workers=1) as made:
        yield made


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PATIENCE", 0.05)


def client(slow: Slow, pool: Executor, secret: bytes = b"secret") -> TestClient:
    ours = carriers.of(
        Configured("twilio", "+390200000000", "http://carrier.test", "AC1", ("token",)), PUBLIC, lambda: 0.0, seconds=1
    )
    desk = settings_of("test").desks["test"]
    where = door.Addresses(PUBLIC, "/phone/twilio")
    made = door.Door(  # type: ignore[arg-type]
        slow, desk, ours, where, pool, secret=secret, recordings=object(), sounds=Sounds()
    )
    return TestClient(Starlette(routes=made.routes()), base_url=PUBLIC)


def post(person: TestClient, url: str, **fields: str) -> tuple[int, str]:
    path = url.removeprefix(PUBLIC)
    form = {"CallSid": SID, "CallStatus": "in-progress", **fields}
    text = PUBLIC + path + "".join(name + form[name] for name in sorted(form))
    signed = base64.b64encode(hmac.new(b"token", text.encode(), sha1).digest()).decode()
    answer = person.post(path, data=form, headers={"X-Twilio-Signature": signed})
    return answer.status_code, answer.text


def again(document: str) -> str:
    """Where a "one moment" sends the call."""
    assert grammar.faults(document) == ()
    assert "One moment." in document
    return (ET.fromstring(document).findtext("Redirect") or "").strip()


def test_a_slow_answer_is_waited_for_and_given_to_the_next_webhook(pool: Executor) -> None:
    slow = Slow(answers=[Future()])
    with client(slow, pool) as person:
        status, said = post(person, STEP, Digits="1")
        assert status == 200
        slow.answers[0].set_result(DONE)
        assert post(person, again(said)) == (200, DONE)
    assert slow.steps == [(3, ivr.Keys("1"))]  # asked for once


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"Digits": "1"}, ivr.Keys("1")),
        ({"Digits": "471108", "FinishedOnKey": "#"}, ivr.Keys("471108")),
        ({"SpeechResult": "tutto è fermo & <buio>"}, ivr.Words("tutto è fermo & <buio>")),
        ({"RecordingSid": "RE1", "RecordingDuration": "4"}, ivr.Recorded("RE1", 4)),
        ({}, ivr.Silence()),
    ],
)
def test_an_answer_that_failed_is_made_again_with_what_the_caller_brought(
    pool: Executor, fields: dict[str, str], event: ivr.Heard
) -> None:
    slow = Slow(answers=[failing(), answered()])  # type: ignore[list-item]
    with client(slow, pool) as person:
        _, said = post(person, STEP, **fields)
        assert post(person, again(said)) == (200, DONE)
    assert slow.steps == [(3, event), (3, event)]


def test_a_pin_that_takes_long_is_looked_at_once_and_the_answer_given_to_the_next_webhook(pool: Executor) -> None:
    slow = Slow(answers=[answered(PIN)])
    with client(slow, pool) as person:
        status, said = post(person, STEP, Digits="471108#")
        where = again(said)
        slow.looked.set()
        assert post(person, where) == (200, DONE)
    assert (status, slow.looks, len(slow.steps)) == (200, 1, 1)


def test_a_step_that_turns_out_to_bring_a_pin_only_at_the_next_webhook_is_looked_at_then(pool: Executor) -> None:
    slow = Slow(answers=[Future()])
    slow.looked.set()
    with client(slow, pool) as person:
        _, said = post(person, STEP, Digits="471108#")
        slow.answers[0].set_result(PIN)  # type: ignore[arg-type]
        assert post(person, again(said)) == (200, DONE)
    assert (slow.looks, len(slow.steps)) == (1, 1)


def test_two_pins_are_looked_at_at_once_and_the_others_wait_their_turn() -> None:
    slow = Slow(answers=[answered(PIN)])
    with ThreadPoolExecutor(max_workers=8) as many, client(slow, many) as person:
        for _ in range(4):
            post(person, STEP, Digits="471108#")  # each hears "one moment"
        assert slow.looks == door.PINS_AT_ONCE
        slow.looked.set()


def test_another_replica_knows_speech_and_single_keys_and_asks_again_for_what_might_be_a_pin(pool: Executor) -> None:
    for fields, event in (
        ({"Digits": "1"}, ivr.Keys("1")),
        ({"SpeechResult": "all is down"}, ivr.Words("all is down")),
        ({"Digits": "471108"}, ivr.Silence()),
        ({"Digits": "47"}, ivr.Silence()),
    ):
        first, second = Slow(answers=[failing()]), Slow(answers=[answered()])  # type: ignore[list-item]
        with client(first, pool) as one, client(second, pool) as other:
            _, said = post(one, STEP, **fields)
            post(other, again(said))
        assert second.steps == [(3, event)]


def test_nothing_of_a_pin_is_in_the_address_or_in_a_log(pool: Executor, caplog: pytest.LogCaptureFixture) -> None:
    """CASES V7, phone 26."""
    slow = Slow(answers=[failing()])  # type: ignore[list-item]
    with client(slow, pool) as person, caplog.at_level(logging.DEBUG):
        _, said = post(person, STEP, Digits="471108", From="+390612345678")
    query = parse_qs(urlsplit(again(said)).query)
    assert set(query) == {"again"}
    assert "471108" not in said + caplog.text
    assert "390612345678" not in said + caplog.text


def test_a_changed_seal_and_anothers_seal_bring_nothing(pool: Executor) -> None:
    slow, mine = Slow(answers=[failing()]), Slow(answers=[answered()])  # type: ignore[list-item]
    with client(slow, pool, b"theirs") as one, client(mine, pool, b"ours") as other:
        _, said = post(one, STEP, Digits="1")
        where = again(said)
        post(other, where)
        post(other, re.sub("kept=.", "kept=A", where))
        post(other, f"{STEP}?again=1&kept=%ff")
        post(other, f"{STEP}?again=999999999")
    assert [event for _, event in mine.steps] == [ivr.Silence()] * 4


def test_after_so_many_moments_comes_the_apology(pool: Executor) -> None:
    slow = Slow(answers=[failing()])  # type: ignore[list-item]
    with client(slow, pool) as person:
        _, said = post(person, STEP, Digits="1")
        for _ in range(MOST - 1):
            _, said = post(person, again(said))
        status, said = post(person, again(said))
    assert status == 200
    assert "technical problem" in said
    assert ET.fromstring(said).find("Redirect") is None
    assert len(slow.steps) == MOST + 1


def test_the_fallback_needs_no_signature_and_nothing_behind_the_door(pool: Executor) -> None:
    with client(Slow(), pool) as person:
        for answer in (person.get("/phone/twilio/fallback"), person.post("/phone/twilio/fallback", content=b"x")):
            assert answer.status_code == 200
            assert "technical problem" in answer.text
            assert grammar.faults(answer.text) == ()


def test_news_that_could_not_be_stored_is_asked_for_again(pool: Executor) -> None:
    slow = Slow()
    with client(slow, pool) as person:
        assert post(person, "/phone/twilio/status", CallStatus="completed") == (503, "Not stored; tell us again.")
        assert post(person, "/phone/twilio/status", CallStatus="ringing")[0] == 204
    assert slow.told == ["completed"]


@pytest.mark.parametrize("path", ["voice", "status", "page", "recording", f"step/{SID}/1", f"step/{SID}/-1"])
def test_every_address_of_the_door_refuses_what_is_not_signed(pool: Executor, path: str) -> None:
    """CASES V1."""
    with client(Slow(), pool) as person:
        for headers in ({}, {"X-Twilio-Signature": "x"}):
            answer = person.post(f"/phone/twilio/{path}", data={"CallSid": SID}, headers=headers)
            assert answer.status_code == 403
        assert person.get(f"/phone/twilio/{path}").status_code == 405
        assert person.post(f"/phone/telnyx/{path}", data={"CallSid": SID}).status_code == 404


def test_many_callers_who_wait_do_not_fill_the_memory(pool: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.web import moments

    monkeypatch.setattr(moments, "MOST_HELD", 3)
    kept = moments.Moments(PUBLIC, ("en",), b"s")
    for n in range(10):
        request = _request(f"/phone/twilio/step/CA{n}/1")
        kept.moment(request, {"CallSid": f"CA{n}", "Digits": "12"}, 1, None)
    assert len(kept._held) == 3


def _request(path: str) -> door.Request:
    scope = {
        "type": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
    }
    return door.Request(scope)


def test_a_carrier_that_hangs_up_the_connection_does_not_take_the_step_back(pool: Executor) -> None:
    future: Future[str | None] = Future()

    async def cut() -> None:
        waiting = asyncio.ensure_future(door._stored(future))
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(cut())
    assert not future.cancelled()
