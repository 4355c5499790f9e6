"""All of Presa in one process on a clock that is moved by hand, with simulated telephones: for stories and `presa call
--at`.

The engine, the store, the jobs, the web application and its signed webhooks are the real ones. Only time, the carrier
behind its REST address and the way out for mail stand in. `advance` lets things happen in their order: jobs that fall
due, phones that ring, silence that runs out.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from starlette.testclient import TestClient

from gateway import app
from gateway.clock import MovedClock
from gateway.engine import Arrival, Outcome
from gateway.phone import switchboard, twilio
from gateway.phone.exchange import Exchange, list_of
from gateway.phone.simulator import Line, Phone
from gateway.phone.timeline import Timeline
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.web.app import Web

TOKEN, ACCOUNT = "rehearsal-token", "AC00000000000000000000000000000000"
BUSY = 10_000  # things that may happen in one `advance`: a guard against a world that never comes to rest


class Rehearsal:
    """A desk to play with. `database` is empty or prepared; its clock is moved from now on."""

    def __init__(self, settings: Settings, database: Database, start: datetime) -> None:
        self.clock = MovedClock(start)
        database.clock = self.clock
        carrier = (
            replace(settings.carrier, kind="twilio", account_sid=ACCOUNT, auth_tokens=(TOKEN,))
            if settings.carrier
            else None
        )
        self.settings = replace(settings, carrier=carrier)
        self.database = database
        app.prepare(self.settings, database)
        self.exchange = Exchange(Line(self.fetch, Timeline(start.timestamp()), TOKEN, ACCOUNT))
        rest = twilio.Carrier(ACCOUNT, TOKEN, "http://carrier.test", transport=_Rest(self.exchange))
        self.parts = app.build(self.settings, database, carrier=rest)
        self.engine = self.parts.engine
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._closing = ExitStack()

    @cached_property
    def client(self) -> TestClient:
        """The web application, made when it is first asked for (mail has no need of it), on one event loop to the end."""
        made = TestClient(app.web(self.parts, Web(ready=True), self._pool, None), base_url=self.settings.public_url)
        return self._closing.enter_context(made)

    def close(self) -> None:
        self._closing.close()
        self._pool.shutdown()
        self.database.close()

    # Time -------------------------------------------------------------------------------------------------------

    def advance(self, seconds: float = 0) -> None:
        """Let this much time go by, and everything happen that falls into it, in order."""
        end = self.clock.now() + timedelta(seconds=seconds)
        for _ in range(BUSY):
            if self.parts.runner.run_due():
                continue
            moment = min((at for at in (self._next_job(), self._next_ring()) if at is not None), default=None)
            if moment is None or moment > end:
                break
            self._move(max(moment, self.clock.now()))
        else:
            raise AssertionError("the rehearsal never comes to rest")
        self._move(end)

    def _move(self, to: datetime) -> None:
        self.clock.set(to)
        self.exchange.line.timeline.advance_to(to.timestamp())

    def _next_job(self) -> datetime | None:
        return self.parts.runner.next_due()

    def _next_ring(self) -> datetime | None:
        at = self.exchange.line.timeline.next_at()
        return None if at is None else datetime.fromtimestamp(at, UTC)

    # What reaches the desk --------------------------------------------------------------------------------------

    def mail(
        self, raw: bytes, *, rcpt: str | None = None, envelope_from: str | None = None, peer: str = "127.0.0.1"
    ) -> Outcome:
        """A mail over SMTP, as the door hands it in."""
        to = rcpt or next(iter(self.settings.recipients))
        return self.engine.take_mail(Arrival("smtp", peer, envelope_from, (to,), raw, self.clock.now(), "client.test"))

    def call(self, from_: str = "+390612345678") -> Phone:
        """A customer's telephone, connected."""
        assert self.settings.carrier is not None
        base = self.settings.public_url
        phone = self.exchange.incoming(from_, self.settings.carrier.number)
        return phone.call(f"{base}/phone/twilio/voice", f"{base}/phone/twilio/status")

    def fetch(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = self.client.post(url, data=dict(form), headers=dict(headers))
        return answer.status_code, answer.text

    # The engineers' telephones, as `presa call` looks at them -----------------------------------------------------

    def phones(self) -> Sequence[Mapping[str, Any]]:
        return [switchboard.as_phone(handset) for handset in list_of(self.exchange.calls)]

    def act(self, sid: str, action: str, keys: str = "") -> None:
        does = switchboard.action_of(self.exchange.calls[sid], action, keys)
        if does is not None:
            does()

    def dial(self, number: str, from_: str, seconds: float, url: str) -> str:
        """Somebody whom a caller is connected to."""
        return self.exchange.leg(number, from_, seconds, url).sid


class _Rest(httpx2.BaseTransport):
    """The carrier's REST address, answered by the exchange in this process."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        parts = urlsplit(str(request.url))
        if "/Recordings/" in parts.path:
            return self._recording(request.method, parts.path.rpartition("/")[2].partition(".")[0])
        fields = parse_qs(request.read().decode(), keep_blank_values=True)
        sid = parts.path.rpartition("/Calls/")[2].removesuffix(".json") if "/Calls/" in parts.path else ""
        if parts.path.endswith("/Messages.json"):
            to = parse_qs(parts.query).get("To", [""])[0]
            status, body = self._exchange.text(fields) if request.method == "POST" else self._exchange.texts_to(to)
        elif request.method == "POST":
            said, url = (fields.get(name, [""])[0] for name in ("Status", "Url"))
            status, body = self._exchange.update(sid, said, url) if sid else self._exchange.create(fields)
        else:
            status, body = (
                self._exchange.get(sid) if sid else self._exchange.list(parse_qs(parts.query).get("To", [""])[0])
            )
        return httpx2.Response(status, json=dict(body))

    def _recording(self, method: str, sid: str) -> httpx2.Response:
        if method == "DELETE":
            return httpx2.Response(self._exchange.forget(sid)[0])
        sound = self._exchange.sound(sid)
        return httpx2.Response(404) if sound is None else httpx2.Response(200, content=sound)
