"""The stand-in carrier: phones that ring on a time that the test moves, over its REST too."""

import threading
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from dialogues.desk import PUBLIC, TOKEN
from fastapi import FastAPI
from starlette.testclient import TestClient

from gateway.phone import switchboard
from gateway.phone.exchange import Exchange
from gateway.phone.simulator import Line
from gateway.phone.timeline import Timeline

ANNA, BRUNO = "+393331234567", "+393337654321"


class Desk:
    """Answers every telephone with the same document and keeps what it was told."""

    def __init__(self, document: str = '<Gather numDigits="1" action="/k"><Say>Page.</Say></Gather>') -> None:
        self.told: list[tuple[str, str, str]] = []
        self.keys: list[str] = []
        self.document = document
        self.timeline = Timeline(1_000.0)
        self.exchange = Exchange(Line(self.fetch, self.timeline, TOKEN))

    def fetch(self, url: str, form: Mapping[str, str], _headers: Mapping[str, str]) -> tuple[int, str]:
        if url.startswith(f"{PUBLIC}/status"):
            self.told.append((form["To"], form["CallStatus"], form["SequenceNumber"]))
        if "Digits" in form:
            self.keys.append(form["Digits"])
            return 200, "<Response><Say>Thanks.</Say><Hangup/></Response>"
        return 200, f"<Response>{self.document}</Response>"

    def order(self, to: str, timeout: str = "25", **more: str) -> str:
        fields = {
            "To": to,
            "From": "+390200000000",
            "Url": f"{PUBLIC}/page",
            "StatusCallback": f"{PUBLIC}/status",
            "Timeout": timeout,
        }
        order = {name: [value] for name, value in {**fields, **more}.items()}
        order["StatusCallbackEvent"] = ["initiated", "ringing", "answered", "completed"]
        status, row = self.exchange.create(order)
        assert status == 201
        return str(row["sid"])

    def states(self, to: str) -> list[str]:
        return [status for number, status, _ in self.told if number == to]


def test_a_telephone_rings_is_answered_keyed_and_every_state_is_told_in_order() -> None:
    desk = Desk()
    sid = desk.order(ANNA)
    assert desk.told == []
    desk.timeline.advance(2)
    (anna,) = desk.exchange.ringing()
    assert anna.sid == sid
    anna.answer()
    assert anna.says == ["Page."]
    anna.keys("1")
    assert desk.keys == ["1"]
    desk.timeline.advance(30)
    assert desk.states(ANNA) == ["initiated", "ringing", "in-progress", "completed"]
    assert [int(number) for _, _, number in desk.told] == [0, 1, 2, 3]


def test_a_telephone_that_nobody_answers_stops_when_it_was_told_to() -> None:
    desk = Desk()
    desk.order(ANNA)
    desk.timeline.advance(24.9)
    assert desk.exchange.ringing(ANNA)
    desk.timeline.advance(0.2)
    assert not desk.exchange.ringing()
    assert desk.states(ANNA) == ["initiated", "ringing", "no-answer"]
    desk.exchange.last(ANNA).answer()
    assert desk.exchange.last(ANNA).status == "no-answer"


@pytest.mark.parametrize("how", ["busy", "failed"])
def test_a_number_may_be_busy_or_wrong(how: str) -> None:
    desk = Desk()
    desk.exchange.behaviour[ANNA] = how
    desk.order(ANNA)
    desk.timeline.advance(60)
    assert desk.states(ANNA) == ["initiated", how]


def test_a_telephone_may_have_a_will_of_its_own() -> None:
    desk = Desk()
    desk.exchange.behaviour[ANNA] = lambda phone: phone.reject()
    desk.exchange.behaviour[BRUNO] = lambda phone: phone.answer()
    desk.order(ANNA)
    desk.order(BRUNO)
    desk.timeline.advance(60)
    assert desk.states(ANNA)[-1] == "busy"
    assert desk.states(BRUNO)[-1] == "completed"


def test_a_late_answer_after_the_order_was_cancelled_rings_nothing() -> None:
    desk = Desk()
    sid = desk.order(ANNA)
    desk.exchange.update(sid, "canceled")
    desk.timeline.advance(60)
    assert desk.states(ANNA)[-1] == "canceled"
    assert desk.exchange.get(sid)[1]["status"] == "canceled"


def test_orders_may_fail_before_and_after_they_were_done() -> None:
    desk = Desk()
    desk.exchange.trouble = ["before", "slow down", "after"]
    order = {"To": [ANNA], "From": ["+390200000000"], "Url": [f"{PUBLIC}/page"]}
    assert [desk.exchange.create(order)[0] for _ in range(4)] == [503, 429, 504, 201]
    assert desk.exchange.orders == 2
    assert len(desk.exchange.list(ANNA)[1]["calls"]) == 2


def test_an_order_without_a_number_is_refused_and_unknown_calls_are_not_found() -> None:
    desk = Desk()
    assert desk.exchange.create({"To": [ANNA]})[0] == 400
    assert desk.exchange.get("CA1")[0] == desk.exchange.update("CA1", "completed")[0] == 404
    assert desk.exchange.update(desk.order(ANNA), "paused")[0] == 400


def test_a_dial_rings_a_telephone_and_both_ends_learn_of_the_other() -> None:
    desk = Desk(f'<Dial action="/k" timeout="10">{BRUNO}</Dial>')
    desk.order(ANNA)
    desk.timeline.advance(1)
    anna = desk.exchange.last(ANNA)
    anna.answer()
    desk.timeline.advance(1)
    bruno = desk.exchange.last(BRUNO)
    bruno.answer()
    assert bruno.says == ["(connected)"]
    desk.timeline.advance(30)
    bruno.hang_up()
    form = anna.posted[-1][1]
    assert (form["DialCallStatus"], form["DialCallDuration"]) == ("completed", "30")


def test_a_dial_stops_ringing_when_the_caller_is_gone() -> None:
    desk = Desk(f'<Dial action="/k" timeout="60">{BRUNO}</Dial>')
    desk.order(ANNA)
    desk.timeline.advance(1)
    desk.exchange.last(ANNA).answer()
    desk.timeline.advance(1)
    desk.exchange.last(ANNA).hang_up()
    assert desk.exchange.last(BRUNO).over


# ── over HTTP ──


def web(desk: Desk) -> TestClient:
    app = FastAPI()
    app.include_router(switchboard.router(desk.exchange), prefix="/simulated")
    right = b64encode(f"{desk.exchange.line.account_sid}:{TOKEN}".encode()).decode()
    return TestClient(app, headers={"Authorization": f"Basic {right}"})


def test_the_rest_and_the_telephones_are_there_over_http() -> None:
    desk = Desk()
    client, calls = web(desk), f"/simulated/2010-04-01/Accounts/{desk.exchange.line.account_sid}/Calls"
    body = urlencode([("To", ANNA), ("From", "+390200000000"), ("Url", f"{PUBLIC}/page"), ("StatusCallback", f"{PUBLIC}/status"),
                      ("StatusCallbackEvent", "ringing"), ("StatusCallbackEvent", "completed")])  # fmt: skip
    made = client.post(f"{calls}.json", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    sid = made.json()["sid"]
    assert (made.status_code, made.json()["status"]) == (201, "queued")
    desk.timeline.advance(1)
    assert client.get(f"{calls}.json", params={"To": ANNA}).json()["calls"][0]["status"] == "ringing"
    assert client.post(f"/simulated/phones/{sid}/answer").status_code == 202
    desk.timeline.advance(5)
    (phone,) = client.get("/simulated/phones").json()
    assert (phone["state"], phone["waits_for"], phone["heard"]) == (
        "in-progress",
        "keys",
        [{"language": "en-US", "text": "Page."}],
    )
    assert client.post(f"/simulated/phones/{sid}/keys", data={"keys": "3"}).status_code == 202
    desk.timeline.advance(5)
    assert desk.keys == ["3"]
    assert client.get(f"{calls}/{sid}.json").json()["status"] == "completed"
    assert client.post(f"{calls}/{sid}.json", data={"Status": "completed"}).status_code == 200
    assert desk.states(ANNA) == ["ringing", "completed"]
    assert client.post(f"/simulated/phones/{sid}/explode").status_code == 404
    desk.timeline.advance(60)
    assert client.get("/simulated/phones").json() == []


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !!", "Bearer x", "Basic " + b64encode(b"AC:x").decode()])
def test_without_the_accounts_credentials_nothing_can_be_seen_or_done(authorization: str) -> None:
    desk = Desk()
    client, sid = web(desk), desk.order(ANNA)
    desk.timeline.advance(1)
    headers = {"Authorization": authorization}
    assert client.get("/simulated/phones", headers=headers).status_code == 401
    assert client.post(f"/simulated/phones/{sid}/answer", headers=headers).status_code == 401
    desk.timeline.advance(1)
    assert desk.exchange.last(ANNA).status == "ringing"


def test_the_thread_of_the_demo_moves_time_by_the_clock_on_the_wall() -> None:
    desk = Desk()
    stop, rang = threading.Event(), threading.Event()
    desk.exchange.behaviour[ANNA] = lambda _phone: rang.set()
    desk.order(ANNA)
    thread = threading.Thread(target=switchboard.run, args=(desk.exchange, stop))
    thread.start()
    assert rang.wait(5)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
