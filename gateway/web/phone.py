"""The phone door: signed webhooks of the carrier in, TwiML out. Below each carrier's path two addresses are fixed (voice,
status); all others stand in the TwiML that came before. Nothing is read of a request whose signature is not right, and nothing
but the signature counts.

Plain Starlette routes: a call waits for each answer, so the step is one transaction and nothing else. When that takes longer
than a caller can be kept waiting, or fails, the caller hears "one moment" and the same step is asked for again with what they
had keyed or said.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import ivr
from gateway.calls import PIN, Calls, recording_path
from gateway.errors import Temporary, Trouble
from gateway.phone import carrier as phone
from gateway.phone.carrier import ENDED, Carrier, Form
from gateway.pin_tries import Line
from gateway.recordings import Recordings
from gateway.web.moments import MOST, Moments
from routing.desk import Desk

log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE: Final = 4.0  # seconds; carriers give up after 15, people wonder after 5
Answer = Callable[[Request, Form], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where one carrier's webhooks come in. `public_url`: ours; `path`: below which all of them stand."""

    public_url: str
    path: str

    @property
    def voice(self) -> str:
        return f"{self.public_url}{self.path}/voice"

    @property
    def status(self) -> str:
        return f"{self.public_url}{self.path}/status"

    @property
    def page(self) -> str:
        return f"{self.public_url}{self.path}/page"

    def step(self, sid: str, step: int) -> str:
        """Where the answer to a call's document n comes in; WAIT is what waiting callers hear, RECORDING what becomes of a
        recording."""
        if step == ivr.RECORDING:
            return f"{self.public_url}{self.path}/recording"
        return f"{self.public_url}{self.path}/step/{sid}/{step}"


def routes(
    calls: Calls, desk: Desk, carrier: Carrier, where: Addresses, pool: Executor, *, secret: bytes, recordings: Recordings
) -> list[Route]:
    """The phone's addresses below `where`. `secret` marks the paths of recordings and seals what a caller said."""

    async def voice(_: Request, form: Form) -> str | None:
        return await _stored(calls.arrived(form["CallSid"], form.get("From", ""), desk))

    async def page(request: Request, form: Form) -> str | None:
        return await _stored(
            calls.answered(form["CallSid"], request.query_params.get("attempt", ""), form.get("To", ""))
        )

    async def step(request: Request, form: Form) -> str | None:
        number = request.path_params["step"]
        if form["CallSid"] != request.path_params["sid"]:
            return None
        line, event = Line(form["CallSid"], number), carrier.heard(form)
        document = await _stored(calls.heard(line, event))
        if document is PIN:
            return await asyncio.get_running_loop().run_in_executor(pool, calls.tried, line, event)
        return document

    async def status(request: Request, form: Form) -> str | None:
        said, attempt = form.get("CallStatus", ""), request.query_params.get("attempt")
        told: Future[None] | None = None
        if attempt:
            told = calls.page_news(attempt, said, form["CallSid"], phone.sequence(form))
        elif said in ENDED:
            told = calls.over(form["CallSid"], said, phone.sequence(form))
        if told is not None:
            await _stored(told)
        return ""

    async def recording(_: Request, form: Form) -> str | None:
        """A recording is ready, or has been written down."""
        if carrier.recording_id.fullmatch(form.get("RecordingSid", "")):
            await _stored(recordings.told(form["RecordingSid"], form))
        return ""

    async def sound(request: Request) -> Response:
        wanted = request.path_params["recording"]
        if not hmac.compare_digest(request.url.path, recording_path(wanted, secret)):
            return PlainTextResponse("There is no such recording.", 404)
        try:
            heard = await asyncio.get_running_loop().run_in_executor(pool, recordings.sound, wanted)
        except Trouble as trouble:
            return PlainTextResponse(f"{trouble.public}.", 503 if isinstance(trouble, Temporary) else 404)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(heard, media_type=phone.media_type(heard), headers=headers)

    async def wait(_: Request, __: Form) -> str | None:
        return ivr.waiting(desk.languages)

    apology, path = ivr.apology(desk.languages), where.path

    async def fallback(_: Request) -> Response:
        """For the number's "primary handler fails": needs no database and no signature, and does nothing."""
        return Response(apology, media_type="text/xml")

    door = partial(_answer, carrier=carrier, moments=Moments(where.public_url, desk.languages, secret), apology=apology)
    return [
        Route(f"{path}/voice", partial(door, answer=voice), methods=["POST"]),
        Route(f"{path}/status", partial(_heed, answer=status, carrier=carrier), methods=["POST"]),
        Route(f"{path}/recording", partial(_heed, answer=recording, carrier=carrier), methods=["POST"]),
        Route(f"{path}/page", partial(door, answer=page), methods=["POST"]),
        Route(f"{path}/fallback", fallback, methods=["GET", "POST"]),
        Route(path + "/step/{sid}/{step:int}", partial(door, answer=step), methods=["POST"]),
        Route(path + "/step/{sid}/-1", partial(door, answer=wait), methods=["POST"]),
        Route("/phone/recordings/{recording}/{mark}.mp3", sound, methods=["GET"]),
    ]


async def _answer(request: Request, *, answer: Answer, carrier: Carrier, moments: Moments, apology: str) -> Response:
    """Check the signature, then answer in time; trouble of ours is "one moment" and, in the end, an apology in the caller's
    languages, never a stack trace."""
    form = await _signed(request, carrier)
    if isinstance(form, Response):
        return form
    form, again, work = moments.resumed(request, form)
    work = work or asyncio.ensure_future(answer(request, form))
    try:
        async with asyncio.timeout(PATIENCE):
            document = await asyncio.shield(work)
    except Exception as trouble:  # the door's edge: whatever happened, the person on the line hears something
        late = not work.done()
        log.error("phone.late" if late else "phone.failed", path=_shown(request), exc_info=None if late else trouble)
        return _twiml(moments.moment(request, form, again + 1, work if late else None) if again < MOST else apology)
    if document is None:
        return PlainTextResponse("There is no such step in this call; nothing was done.", 404)
    return _twiml(document)


async def _heed(request: Request, *, answer: Answer, carrier: Carrier) -> Response:
    """Check the signature, then take the news in; nobody listens to the answer, and what fails may be told again."""
    form = await _signed(request, carrier)
    if isinstance(form, Response):
        return form
    try:
        async with asyncio.timeout(PATIENCE):
            await answer(request, form)
    except Exception as trouble:  # the door's edge
        log.error("phone.failed", path=_shown(request), exc_info=trouble)
        return PlainTextResponse("Not stored; tell us again.", 503)
    return Response(status_code=204)


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")


def _shown(request: Request) -> str:
    return request.url.path.partition("/phone/")[2]


async def _stored(future: "Future[T]") -> T:
    """Wait for a transaction; a carrier that hangs up does not take it back."""
    return await asyncio.shield(asyncio.wrap_future(future))


async def _signed(request: Request, carrier: Carrier) -> dict[str, str] | Response:
    """The form's fields, if the carrier signed it for this raw path and query; otherwise what it is answered."""
    body = await _body(request)
    pairs = None if body is None else phone.form(request.headers.get("content-type", ""), body)
    if body is None or pairs is None:
        return PlainTextResponse("The signature is missing or wrong; nothing was done.", 403)
    scope: Mapping[str, Any] = request.scope
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path", b"").decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
    if not carrier.genuine(phone.Webhook(path, body, pairs, request.headers)):
        return PlainTextResponse("The signature is missing or wrong; nothing was done.", 403)
    form = dict(pairs)
    if not carrier.call_id.fullmatch(form.get("CallSid", "")):
        return PlainTextResponse("CallSid is missing or no call id; nothing was done.", 400)
    return form


async def _body(request: Request) -> bytes | None:
    """At most MAX_BODY bytes are ever held; a larger body is None."""
    held = bytearray()
    try:
        async for chunk in request.stream():
            held += chunk
            if len(held) > phone.MAX_BODY:
                return None
    except ClientDisconnect:
        return None
    return bytes(held)
