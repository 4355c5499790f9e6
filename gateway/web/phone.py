"""The phone door: signed webhooks of the carrier in, TwiML out. Two addresses are fixed (voice, status); all others
stand in the TwiML that came before. Nothing is read of a request whose signature is not right, and nothing but the
signature counts.

Plain Starlette routes: a call waits for each answer, so the step is one transaction and nothing else.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import ivr
from gateway.calls import PIN, Calls, recording_path
from gateway.errors import Temporary, Trouble
from gateway.phone import twilio
from gateway.phone.twilio import Signatures
from gateway.pin_tries import Line
from routing.desk import Desk

log = structlog.get_logger(__name__)

T = TypeVar("T")

VOICE, STATUS, PAGE = "/phone/twilio/voice", "/phone/twilio/status", "/phone/twilio/page"
STEP = "/phone/twilio/step"
OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
Form = Mapping[str, str]
Answer = Callable[[Request, Form], Awaitable[str | None]]


def step_url(public_url: str, sid: str, step: int) -> str:
    """Where the answer to a call's document n comes in; -1 is what waiting callers hear."""
    return f"{public_url}{STEP}/{sid}/{step}"


def routes(
    calls: Calls, desk: Desk, signatures: Signatures, pool: Executor, *, secret: bytes, fetch: Callable[[str], bytes]
) -> list[Route]:
    """The phone's addresses. `fetch`: a recording's sound by its id; `secret` marks the paths of recordings."""

    async def voice(_: Request, form: Form) -> str | None:
        return await _stored(calls.arrived(form["CallSid"], form.get("From", ""), desk))

    async def page(request: Request, form: Form) -> str | None:
        return await _stored(
            calls.answered(form["CallSid"], request.query_params.get("attempt", ""), form.get("To", ""))
        )

    async def step(request: Request, form: Form) -> str | None:
        number = request.path_params["step"]
        if number == ivr.WAIT:
            return ivr.waiting(desk.languages)
        if form["CallSid"] != request.path_params["sid"]:
            return None
        line, event = Line(form["CallSid"], number), twilio.heard(form)
        document = await _stored(calls.heard(line, event))
        if document is PIN:
            return await asyncio.get_running_loop().run_in_executor(pool, calls.tried, line, event)
        return document

    async def status(request: Request, form: Form) -> str | None:
        said, attempt = form.get("CallStatus", ""), request.query_params.get("attempt")
        told: Future[None] | None = None
        if attempt:
            told = calls.page_news(attempt, said, form["CallSid"], _sequence(form))
        elif said in OVER:
            told = calls.over(form["CallSid"], said, _sequence(form))
        if told is not None:
            await _stored(told)
        return ""

    async def sound(request: Request) -> Response:
        recording = request.path_params["recording"]
        if not hmac.compare_digest(request.url.path, recording_path(recording, secret)):
            return PlainTextResponse("There is no such recording.", 404)
        try:
            heard = await asyncio.get_running_loop().run_in_executor(pool, fetch, recording)
        except Trouble as trouble:
            return PlainTextResponse(f"{trouble.public}.", 503 if isinstance(trouble, Temporary) else 404)
        return Response(
            heard, media_type="audio/mpeg", headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        )

    async def wait(_: Request, __: Form) -> str | None:
        return ivr.waiting(desk.languages)

    door = partial(_answer, signatures=signatures, languages=desk.languages)
    return [
        Route(VOICE, partial(door, answer=voice), methods=["POST"]),
        Route(STATUS, partial(door, answer=status), methods=["POST"]),
        Route(PAGE, partial(door, answer=page), methods=["POST"]),
        Route(STEP + "/{sid}/{step:int}", partial(door, answer=step), methods=["POST"]),
        Route("/phone/recordings/{recording}/{mark}.mp3", sound, methods=["GET"]),
        Route(STEP + "/{sid}/-1", partial(door, answer=wait), methods=["POST"]),
    ]


async def _answer(request: Request, *, answer: Answer, signatures: Signatures, languages: tuple[str, ...]) -> Response:
    """Check the signature, then answer; trouble of ours is an apology in the caller's languages, never a stack trace."""
    form = await _signed(request, signatures)
    if form is None:
        return PlainTextResponse("The signature is missing or wrong; nothing was done.", 403)
    if not twilio.CALL.fullmatch(form.get("CallSid", "")):
        return PlainTextResponse("CallSid is missing or no call id; nothing was done.", 400)
    try:
        document = await answer(request, form)
    except Exception as trouble:  # the door's edge: whatever happened, the person on the line hears something
        log.error("phone.failed", path=request.url.path.partition("/phone/")[2], exc_info=trouble)
        document = ivr.apology(languages)
    if document is None:
        return PlainTextResponse("There is no such step in this call; nothing was done.", 404)
    return Response(document, media_type="text/xml") if document else Response(status_code=204)


def _sequence(form: Form) -> int | None:
    """The carrier's own order of its news."""
    sequence = form.get("SequenceNumber", "")
    return int(sequence) if sequence.isascii() and sequence.isdigit() and len(sequence) < 9 else None


async def _stored(future: "Future[T]") -> T:
    """Wait for a transaction; a carrier that hangs up does not take it back."""
    return await asyncio.shield(asyncio.wrap_future(future))


async def _signed(request: Request, signatures: Signatures) -> dict[str, str] | None:
    """The form's fields, if one of our tokens signed it for this raw path and query."""
    body = await _body(request)
    pairs = None if body is None else twilio.form(request.headers.get("content-type", ""), body)
    if pairs is None:
        return None
    scope: dict[str, Any] = dict(request.scope)
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path", b"").decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
    given = request.headers.get("x-twilio-signature", "")
    return dict(pairs) if signatures.check(path, pairs, given) else None


async def _body(request: Request) -> bytes | None:
    """At most MAX_BODY bytes are ever held; a larger body is None."""
    held = bytearray()
    try:
        async for chunk in request.stream():
            held += chunk
            if len(held) > twilio.MAX_BODY:
                return None
    except ClientDisconnect:
        return None
    return bytes(held)


Door = Callable[[Request], Awaitable[Response]]
