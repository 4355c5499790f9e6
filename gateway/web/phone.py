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
from gateway.calls.pin_tries import Line
from gateway.calls.recordings import Recordings
from gateway.calls.story import PIN, Calls
from gateway.errors import Temporary, Trouble
from gateway.paging.engineers import recording_path
from gateway.phone import carrier as phone
from gateway.phone.carrier import ENDED, Carrier, Form
from gateway.web.moments import MOST, Moments
from routing.desk import Desk

log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE: Final = 4.0  # seconds; carriers give up after 15, people wonder after 5
Answer = Callable[[Request, Form], Awaitable[str | None]]
Heed = Callable[[Request, Form], Awaitable[None]]


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


class Door:
    """The phone's addresses below `where`. `secret` marks the paths of recordings and seals what a caller said."""

    def __init__(
        self, calls: Calls, desk: Desk, carrier: Carrier, where: Addresses, pool: Executor, *,
        secret: bytes, recordings: Recordings,
    ) -> None:  # fmt: skip
        self._calls, self._desk, self._carrier, self._where, self._pool = calls, desk, carrier, where, pool
        self._secret, self._recordings = secret, recordings
        self._apology, self._waiting = ivr.apology(desk.languages), ivr.waiting(desk.languages)

    def routes(self) -> list[Route]:
        path, moments = self._where.path, Moments(self._where.public_url, self._desk.languages, self._secret)
        spoken = partial(_answer, carrier=self._carrier, moments=moments, apology=self._apology)
        heeded = partial(_heed, carrier=self._carrier)
        return [
            Route(f"{path}/voice", partial(spoken, answer=self.voice), methods=["POST"]),
            Route(f"{path}/status", partial(heeded, answer=self.status), methods=["POST"]),
            Route(f"{path}/recording", partial(heeded, answer=self.recording), methods=["POST"]),
            Route(f"{path}/page", partial(spoken, answer=self.page), methods=["POST"]),
            Route(f"{path}/fallback", self.fallback, methods=["GET", "POST"]),
            Route(path + "/step/{sid}/{step:int}", partial(spoken, answer=self.step), methods=["POST"]),
            Route(path + "/step/{sid}/-1", partial(spoken, answer=self.wait), methods=["POST"]),
            Route("/phone/recordings/{recording}/{mark}.mp3", self.sound, methods=["GET"]),
        ]

    # What a caller or an engineer hears

    async def voice(self, _: Request, form: Form) -> str | None:
        return await _stored(self._calls.arrived(form["CallSid"], form.get("From", ""), self._desk))

    async def page(self, request: Request, form: Form) -> str | None:
        attempt = request.query_params.get("attempt", "")
        return await _stored(self._calls.answered(form["CallSid"], attempt, form.get("To", "")))

    async def step(self, request: Request, form: Form) -> str | None:
        if form["CallSid"] != request.path_params["sid"]:
            return None
        line, event = Line(form["CallSid"], request.path_params["step"]), self._carrier.heard(form)
        document = await _stored(self._calls.heard(line, event))
        if document is PIN:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._calls.tried, line, event)
        return document

    async def wait(self, _: Request, __: Form) -> str | None:
        return self._waiting

    async def fallback(self, _: Request) -> Response:
        """For the number's "primary handler fails": needs no database and no signature, and does nothing."""
        return _twiml(self._apology)

    # What is only told

    async def status(self, request: Request, form: Form) -> None:
        said, attempt = form.get("CallStatus", ""), request.query_params.get("attempt")
        told: Future[None] | None = None
        if attempt:
            told = self._calls.page_news(attempt, said, form["CallSid"], phone.sequence(form))
        elif said in ENDED:
            told = self._calls.over(form["CallSid"], said, phone.sequence(form))
        if told is not None:
            await _stored(told)

    async def recording(self, _: Request, form: Form) -> None:
        """A recording is ready, or has been written down."""
        if self._carrier.recording_id.fullmatch(form.get("RecordingSid", "")):
            await _stored(self._recordings.told(form["RecordingSid"], form))

    async def sound(self, request: Request) -> Response:
        wanted = request.path_params["recording"]
        if not hmac.compare_digest(request.url.path, recording_path(wanted, self._secret)):
            return PlainTextResponse("There is no such recording.", 404)
        try:
            heard = await asyncio.get_running_loop().run_in_executor(self._pool, self._recordings.sound, wanted)
        except Trouble as trouble:
            return PlainTextResponse(f"{trouble.public}.", 503 if isinstance(trouble, Temporary) else 404)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(heard, media_type=phone.media_type(heard), headers=headers)


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


async def _heed(request: Request, *, answer: Heed, carrier: Carrier) -> Response:
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
    """The same for a call's webhook, which names its call."""
    form = await signed_form(request, carrier)
    if not isinstance(form, Response) and not carrier.call_id.fullmatch(form.get("CallSid", "")):
        return PlainTextResponse("CallSid is missing or no call id; nothing was done.", 400)
    return form


async def signed_form(request: Request, carrier: Carrier) -> dict[str, str] | Response:
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
    return dict(pairs)


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
