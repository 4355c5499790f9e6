"""The same call through each carrier: its own paths, signatures and ids; and news of a call in whatever order it comes."""

import base64
import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from databases import Stock, settings_of
from nacl.signing import SigningKey
from starlette.testclient import TestClient
from world import OnThePhone, World, instant

from gateway import app
from gateway.clock import MovedClock
from gateway.phone import twilio
from gateway.phone.exchange import Handset
from gateway.phone.simulator import Line, Phone
from gateway.phone.timeline import Timeline
from gateway.settings.presa import Carrier
from gateway.store import calls, tickets
from gateway.store.database import open_database
from gateway.web.app import Web

MARIO = "+390612345678"
KEY = SigningKey(b"t" * 32)
IDS = {"signalwire": "d9c2a7b0-1111-2222-3333-444455556666", "telnyx": "v3:9X2vxPDFY2RHSJ1EdMS0RHRksMTg7ldNxdjWbVr9"}


def by_telnyx(now: Callable[[], float]) -> Callable[[str, Mapping[str, str], str], Mapping[str, str]]:
    def sign(url: str, form: Mapping[str, str], token: str) -> Mapping[str, str]:
        at = str(int(now()))
        signed = KEY.sign(f"{at}|{urlencode(form)}".encode()).signature
        return {"telnyx-timestamp": at, "telnyx-signature-ed25519": base64.b64encode(signed).decode()}

    return sign


def by_signalwire(url: str, form: Mapping[str, str], token: str) -> Mapping[str, str]:
    return {"X-SignalWire-Signature": twilio.signature(url, tuple(form.items()), token)}


@pytest.mark.parametrize("carrier", ["signalwire", "telnyx"])
def test_a_call_through_another_carrier_is_the_same_call(stock: Stock, kind: str, carrier: str) -> None:
    key = base64.b64encode(KEY.verify_key.encode()).decode() if carrier == "telnyx" else "PSK_1"
    ours = Carrier(carrier, "+390200000000", "http://127.0.0.1:9", "account", (key,), "api-key", "app-1")  # type: ignore[arg-type]
    settings = replace(settings_of("test"), carrier=ours)
    with stock.fresh(kind, "test") as url, ThreadPoolExecutor(max_workers=2) as pool:
        database = open_database(url)
        database.clock = clock = MovedClock(instant("2026-11-25 02:30"))
        app.prepare(settings, database)
        parts = app.build(settings, database)
        with TestClient(app.web(parts, Web(ready=True), pool, None), base_url=settings.public_url) as client:

            def fetch(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
                answer = client.post(
                    url,
                    content=urlencode(form),
                    headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
                )
                return answer.status_code, answer.text

            timeline = Timeline(clock.now().timestamp())
            sign = by_signalwire if carrier == "signalwire" else by_telnyx(lambda: clock.now().timestamp())
            phone = Phone(Line(fetch, timeline, key, sign=sign), from_=MARIO, to=ours.number, sid=IDS[carrier])
            where = f"{settings.public_url}{ours.path}"
            phone.call(f"{where}/voice", f"{where}/status")
            for keys in ("2", "100001#", "471108#", "1"):
                phone.keys(keys)
            phone.speak("The network is down")
            timeline.advance(3)
            phone.hang_up()
            assert phone.errors == []
            assert all(f"/phone/{carrier}/" in url for url, _ in phone.posted)
            assert client.post("/phone/twilio/voice", data={"CallSid": "CA1"}).status_code in (404, 405)
        (ticket,) = database.read(lambda c: tickets.listed(c, tickets.Wanted(), parts.engine.prefixes))
        assert (ticket.customer, ticket.priority, ticket.verified) == ("ACME", "P1", True)
        database.close()


# ── news in any order ──


@pytest.fixture
def world(begin: Callable[..., World]) -> Iterator[World]:
    return begin("test", "2026-11-25 02:30")


ORDERS = [order for order in itertools.permutations(range(4)) if order[0] in (2, 3)][::3]


@pytest.mark.parametrize("order", ORDERS)
def test_the_end_of_an_engineers_call_stays_the_end_whatever_news_comes_after_it(
    world: World, order: tuple[int, ...]
) -> None:
    """CASES phone 22, 23: ordered by the carrier's sequence, a terminal state is sticky, and the next telephone rings once."""
    line = world.rehearsal.exchange.line
    phone = world.call()
    for keys in ("2", "100001#", "471108#", "1"):
        phone.presses(keys)
    line.held = []
    world.advance(1)
    (first,) = world.rehearsal.exchange.ringing()
    first.answer()
    first.hang_up()
    assert [form["CallStatus"] for _, form in line.held or []] == ["initiated", "ringing", "in-progress", "completed"]
    line.release([*order, *order])
    world.advance(4)
    rung = [call for call in world.rehearsal.exchange.calls.values() if isinstance(call, Handset)]
    assert len(rung) == 2
    assert rung[1].to != first.to
    pages = [words for words in world.story(world.ticket(), "page") if "is rung" in words]
    assert len(pages) == 2


def test_the_end_of_a_callers_call_is_filed_once_and_stays_whatever_is_told_after_it(world: World) -> None:
    """CASES phone 23."""
    phone: OnThePhone = world.call()
    for keys in ("2", "100001#"):
        phone.presses(keys)
    phone.hangs_up()
    before = world.story(world.ticket())
    url, form = f"{world.rehearsal.settings.public_url}/phone/twilio/status", phone.phone.facts()
    for status, number in (
        ("in-progress", "0"),
        ("ringing", "1"),
        ("completed", "2"),
        ("failed", "9"),
        ("canceled", ""),
    ):
        assert phone.phone.line.post(url, {**form, "CallStatus": status, "SequenceNumber": number})[0] == 204
    assert world.story(world.ticket()) == before
    stored = world.read(calls.get, phone.phone.sid)
    assert (stored.status, stored.ended_at) == ("completed", world.now)
