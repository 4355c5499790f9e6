"""An engineer's SMS counts through each carrier, in its own form and under its own signature."""

import base64
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from databases import Stock, settings_of
from nacl.signing import SigningKey
from starlette.testclient import TestClient
from world import instant

from gateway import app
from gateway.clock import MovedClock
from gateway.engine import Arrival
from gateway.phone import twilio
from gateway.phone.twilio import Placed
from gateway.settings.presa import Carrier
from gateway.store import tickets
from gateway.store.database import open_database
from gateway.web.app import Web
from routing.tickets import Ticket

KEY = SigningKey(b"t" * 32)
DORA = "+390200000032"
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
MAIL = (
    b"Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\r\nMessage-ID: <one@acme.example>\r\n"
    b"From: mario@acme.example\r\nTo: support@example.test\r\nSubject: Siamo fermi\r\n\r\nNon funziona nulla.\r\n"
)


class Orders:
    """The telephone company: takes calls and messages, and rings nobody."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.texts: list[tuple[str, str]] = []

    def place(self, *, to: str, **order: Any) -> str:
        self.rung.append(to)
        return f"CA{len(self.rung):032}"

    def find(self, *, to: str, since: datetime) -> tuple[Placed, ...]:
        return ()

    def get(self, sid: str) -> Placed:
        return Placed(sid, "", "", "ringing", None)

    def message(self, *, to: str, from_: str, body: str) -> str:
        self.texts.append((to, body))
        return "SM1"

    def messages(self, *, to: str, since: datetime) -> tuple[str, ...]:
        return ()


class Night:
    """A page of the test desk through one carrier, on a clock that is moved."""

    def __init__(self, url: str, pool: ThreadPoolExecutor, kind: str) -> None:
        key = base64.b64encode(KEY.verify_key.encode()).decode() if kind == "telnyx" else "token"
        ours = Carrier(kind, "+390200000000", "http://127.0.0.1:9", "account", (key,), "api-key", "app-1")  # type: ignore[arg-type]
        self.kind, self.path = kind, f"{ours.path}/message"
        self.settings = replace(settings_of("test"), carrier=ours)
        self.database = open_database(url)
        self.database.clock = self.clock = MovedClock(instant("2026-11-25 02:30"))
        app.prepare(self.settings, self.database)
        self.orders = Orders()
        self.parts = app.build(self.settings, self.database, carrier=self.orders)  # type: ignore[arg-type]
        self.client = TestClient(app.web(self.parts, Web(ready=True), pool, None), base_url=self.settings.public_url)
        now = self.clock.now()
        self.parts.engine.take_mail(
            Arrival("smtp", "127.0.0.1", "mario@acme.example", ("support@example.test",), MAIL, now, "client.test")
        )
        self.works()

    def works(self) -> None:
        while self.parts.runner.run_due():
            pass

    def ticket(self) -> Ticket:
        (only,) = self.database.read(lambda c: tickets.listed(c, tickets.Wanted(), self.parts.engine.prefixes))
        return only

    def texts(self, message: str, body: str, sender: str = DORA, *, forged: bool = False) -> tuple[int, str]:
        """An SMS comes in as this carrier brings it."""
        if self.kind == "telnyx":
            payload = {"id": message, "from": {"phone_number": sender}, "to": [], "text": body, "type": "SMS"}
            raw = json.dumps({"data": {"event_type": "message.received", "id": "e", "payload": payload}}).encode()
            answer = self.client.post(self.path, content=raw, headers=self._by_telnyx(raw, forged=forged))
        else:
            fields = {"MessageSid": message, "From": sender, "To": "+390200000000", "Body": body}
            token = "another" if forged else "token"
            signed = twilio.signature(f"{self.settings.public_url}{self.path}", tuple(fields.items()), token)
            header = "X-SignalWire-Signature" if self.kind == "signalwire" else "X-Twilio-Signature"
            kind = "application/x-www-form-urlencoded"
            answer = self.client.post(
                self.path, content=urlencode(fields), headers={header: signed, "Content-Type": kind}
            )
        self.works()
        return answer.status_code, answer.text

    def reads(self, answer: str) -> str:
        """What the engineer reads: in the webhook's answer, or in a message of its own."""
        if self.kind != "telnyx":
            return answer
        assert "<Message>" not in answer
        return self.orders.texts.pop()[1] if self.orders.texts else ""

    def _by_telnyx(self, raw: bytes, *, forged: bool) -> Mapping[str, str]:
        at = str(int(self.clock.now().timestamp()))
        given = KEY.sign(f"{at}|".encode() + (b"other" if forged else raw)).signature
        return {
            "telnyx-timestamp": at,
            "telnyx-signature-ed25519": base64.b64encode(given).decode(),
            "Content-Type": "application/json",
        }


@pytest.mark.parametrize("carrier", ["twilio", "signalwire", "telnyx"])
def test_an_sms_passes_on_and_accepts_through_each_carrier(stock: Stock, carrier: str) -> None:
    with stock.fresh("sqlite", "test") as url, ThreadPoolExecutor(max_workers=2) as pool:
        night = Night(url, pool, carrier)
        assert night.orders.rung == [DORA]
        assert night.texts("m0", "1", forged=True)[0] == 403
        assert night.ticket().state == "new"
        status, answer = night.texts("m1", "3")
        assert (status, "passa a un altro" in night.reads(answer)) == (200, True)
        assert len(night.orders.rung) == 2
        status, answer = night.texts("m1", "1")  # the same message again
        assert (status, night.reads(answer) in ("", EMPTY)) == (200, True)
        assert night.ticket().state == "new"
        status, answer = night.texts("m2", f"1 {night.ticket().number}")
        assert (status, "è tua" in night.reads(answer)) == (200, True)
        assert (night.ticket().state, night.ticket().assignee) == ("taken", "Dora Seconda")
        assert night.reads(night.texts("m3", "1", sender="+390699999999")[1]) in ("", EMPTY)
        night.database.close()


def test_other_news_of_telnyx_messages_are_taken_and_mean_nothing(stock: Stock) -> None:
    with stock.fresh("sqlite", "test") as url, ThreadPoolExecutor(max_workers=2) as pool:
        night = Night(url, pool, "telnyx")
        for raw in (
            b'{"data":{"event_type":"message.sent","payload":{"id":"1"}}}',
            b"[]",
            b"{",
            b'{"data":null}',
            b"1",
        ):
            answer = night.client.post(night.path, content=raw, headers=night._by_telnyx(raw, forged=False))
            assert answer.status_code == 200, (raw, answer.text)
        assert night.ticket().state == "new"
        night.database.close()
