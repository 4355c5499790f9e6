"""The stand-in carrier over HTTP: its REST for Presa, its telephones for `presa call`. Only the demo mounts it.

Every request needs the account's credentials: a page in somebody's browser must not answer an engineer's telephone.
Refuses to act in the request: orders and keys are put down, and the thread of `run` does them as time goes by.
"""

from __future__ import annotations

import hmac
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from gateway.phone.carrier import number
from gateway.phone.exchange import Exchange, Handset, list_of
from gateway.phone.simulator import ENDED

TICK = 0.05
SHOWN_AFTER_END = 30.0  # seconds that an ended call stays in the list


async def _fields(request: Request) -> Mapping[str, Sequence[str]]:
    form = await request.form(max_files=0, max_fields=50)
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        fields.setdefault(name, []).append(str(value))
    return fields


Posted = Annotated[Mapping[str, Sequence[str]], Depends(_fields)]


def router(exchange: Exchange) -> APIRouter:
    """To be mounted under /simulated; then PRESA_TWILIO_API_URL is the web address and /simulated."""
    routes = APIRouter(dependencies=[Depends(_allow(exchange))], include_in_schema=False)
    calls = "/2010-04-01/Accounts/{account}/Calls"

    @routes.post(f"{calls}.json")
    async def create(posted: Posted) -> JSONResponse:
        return _json(exchange.create(posted))

    @routes.get(f"{calls}.json")
    async def listing(request: Request) -> JSONResponse:
        return _json(exchange.list(request.query_params.get("To", ""), request.query_params.get("Status", "")))

    @routes.get(f"{calls}/{{sid}}.json")
    async def show(sid: str) -> JSONResponse:
        return _json(exchange.get(sid))

    @routes.post(f"{calls}/{{sid}}.json")
    async def update(sid: str, posted: Posted) -> JSONResponse:
        said, url = ((posted.get(name) or ("",))[0] for name in ("Status", "Url"))
        return _json(exchange.update(sid, said, url))

    recordings = "/2010-04-01/Accounts/{account}/Recordings"

    @routes.get(f"{recordings}/{{sid}}.mp3")
    async def sound(sid: str) -> Response:
        heard = exchange.sound(sid)
        return Response(status_code=404) if heard is None else Response(heard, media_type="audio/wav")

    @routes.delete(f"{recordings}/{{sid}}.json")
    async def forget(sid: str) -> Response:
        return Response(status_code=exchange.forget(sid)[0])

    @routes.get("/phones")
    async def phones() -> list[dict[str, Any]]:
        now = exchange.line.timeline.now
        return [as_phone(h) for h in list_of(exchange.calls) if not h.over or now - h.ended_at < SHOWN_AFTER_END]

    @routes.post("/phones/{sid}/{action}")
    async def act(sid: str, action: str, posted: Posted) -> JSONResponse:
        handset = exchange.calls.get(sid)
        does = action_of(handset, action, (posted.get("keys") or ("",))[0]) if handset else None
        if does is None:
            raise HTTPException(404, "no such telephone, or nothing it can do")
        exchange.line.timeline.later(0, does)
        return JSONResponse({"sid": sid, "action": action}, 202)

    @routes.post("/dial")
    async def dial(posted: Posted) -> JSONResponse:
        to, from_, seconds, url = ((posted.get(name) or ("",))[0] for name in ("To", "From", "Timeout", "Url"))
        handset = exchange.leg(to, from_, number(seconds) or 25, url)
        return JSONResponse({"sid": handset.sid}, 201)

    return routes


def run(exchange: Exchange, stop: threading.Event) -> None:
    """Moves the exchange's time with the clock on the wall until told to stop; for a thread of its own."""
    while not stop.wait(TICK):
        exchange.line.timeline.advance_to(time.time())


def action_of(handset: Handset, action: str, keys: str) -> Callable[[], None] | None:
    actions: Mapping[str, Callable[[], None]] = {
        "answer": handset.answer,
        "reject": handset.reject,
        "hangup": handset.hang_up,
        "keys": lambda: handset.keys(keys),
    }
    return actions.get(action)


def as_phone(handset: Handset) -> dict[str, Any]:
    """What `presa call` shows of a telephone."""
    return {
        "sid": handset.sid,
        "number": handset.to,
        "state": handset.status,
        "over": handset.status in ENDED,
        "waits_for": handset.waits_for,
        "heard": [{"language": u.language, "text": u.text} for u in list(handset.heard)],
    }


def _allow(exchange: Exchange) -> Callable[[Request], None]:
    expected = f"{exchange.line.account_sid}:{exchange.line.token}".encode()

    def check(request: Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            right = scheme.lower() == "basic" and hmac.compare_digest(b64decode(given, validate=True), expected)
        except ValueError:
            right = False
        if not right:
            raise HTTPException(401, "the account's credentials are needed", {"WWW-Authenticate": "Basic"})

    return check


def _json(reply: tuple[int, Mapping[str, Any]]) -> JSONResponse:
    return JSONResponse(dict(reply[1]), reply[0])
