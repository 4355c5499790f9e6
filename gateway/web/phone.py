"""The phone door: signed webhooks of the carrier in, TwiML out. Below each carrier's path two addresses are fixed (voice,
status); all others stand in the TwiML that came before. Nothing is read of a request whose signature is not right, and nothing
but the signature counts.

Plain ASGI behind Starlette routes: a call waits for each answer, so the step is one transaction and nothing else. When that takes
longer than a caller can be kept waiting, or fails, the caller hears "one moment" and the same step is asked for again with what
they had keyed or said.
"""

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import ivr
from gateway.calls.pin_tries import Line
from gateway.calls.recordings import Recordings
from gateway.calls.story import PIN, Calls
from gateway.errors import Temporary, Trouble
from gateway.paging.engineers import recording_path
from gateway.phone import carrier as phone
from gateway.phone import sounds as sounding
from gateway.phone.carrier import ENDED, Carrier, Form
from gateway.phone.sounds import Sounds
from gateway.web.moments import MOST, Moments, Work
from routing.desk import Desk

log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE: Final = 4.0  # seconds; carriers give up after 15, people wonder after 5
PINS_AT_ONCE: Final = 2  # each takes 19 MiB and a core for a while
MOST_STEPS: Final = 1_000  # no call has so many (`ivr.Rules.max_steps`)
Answer = Callable[[Request, Form], Work]
Heed = Callable[[Request, Form], asyncio.Future[None] | None]


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
        secret: bytes, recordings: Recordings, sounds: Sounds,
    ) -> None:  # fmt: skip
        self._calls, self._desk, self._carrier, self._where, self._pool = calls, desk, carrier, where, pool
        self._secret, self._recordings = secret, recordings
        self._sounds = sounds
        self._apology = ivr.apology(desk.languages)
        self._waiting = ivr.waiting(desk.languages, music=sounds.music(desk.id))
        self._looking = asyncio.Semaphore(PINS_AT_ONCE)

    def routes(self) -> list[Route]:
        """The steps of calls stand first: most of what comes in is one."""
        path, moments = self._where.path, Moments(self._where.public_url, self._desk.languages, self._secret)

        def spoken(answer: Answer) -> _Spoken:
            return _Spoken(answer, self.tried, self._carrier, moments, self._apology)

        def heeded(answer: Heed) -> _Heeded:
            return _Heeded(answer, self._carrier)

        return [
            Route(path + "/step/{sid}/{step:int}", spoken(self.step), methods=["POST"]),
            Route(f"{path}/voice", spoken(self.voice), methods=["POST"]),
            Route(f"{path}/status", heeded(self.status), methods=["POST"]),
            Route(f"{path}/recording", heeded(self.recording), methods=["POST"]),
            Route(f"{path}/page", spoken(self.page), methods=["POST"]),
            Route(f"{path}/fallback", self.fallback, methods=["GET", "POST"]),
            Route(path + "/step/{sid}/-1", spoken(self.wait), methods=["POST"]),
            Route(path + "/step/{sid}/-4", spoken(self.agent), methods=["POST"]),
            Route(sounding.PATH + "/{name}", self.prompt, methods=["GET"]),
            Route("/phone/recordings/{recording}/{mark}.mp3", self.sound, methods=["GET"]),
        ]

    # What a caller or an engineer hears

    def voice(self, _: Request, form: Form) -> Work:
        return _stored(self._calls.arrived(form["CallSid"], form.get("From", ""), self._desk))

    def page(self, request: Request, form: Form) -> Work:
        attempt = request.query_params.get("attempt", "")
        return _stored(self._calls.answered(form["CallSid"], attempt, form.get("To", "")))

    def step(self, request: Request, form: Form) -> Work:
        if form["CallSid"] != request.path_params["sid"] or request.path_params["step"] > MOST_STEPS:
            return _ready(None)
        return _stored(self._calls.heard(*self._heard(request, form)))

    def tried(self, request: Request, form: Form) -> Work:
        """The same step, when it turned out to bring a PIN: looking at one takes long, and others wait for their steps."""
        return asyncio.ensure_future(self._look(*self._heard(request, form)))

    async def _look(self, line: Line, event: ivr.Heard) -> str | None:
        async with self._looking:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._calls.tried, line, event)

    def _heard(self, request: Request, form: Form) -> tuple[Line, ivr.Heard]:
        return Line(form["CallSid"], request.path_params["step"]), self._carrier.heard(form)

    def agent(self, request: Request, form: Form) -> Work:
        """Somebody of the desk picked up for this caller."""
        return _stored(self._calls.picked_up(form["CallSid"], request.path_params["sid"]))

    def wait(self, _: Request, __: Form) -> Work:
        return _ready(self._waiting)

    async def fallback(self, _: Request) -> Response:
        """For the number's "primary handler fails": needs no database and no signature, and does nothing."""
        return _twiml(self._apology)

    # What is only told

    def status(self, request: Request, form: Form) -> asyncio.Future[None] | None:
        said, attempt = form.get("CallStatus", ""), request.query_params.get("attempt")
        told: Future[None] | None = None
        if attempt:
            told = self._calls.page_news(attempt, said, form["CallSid"], phone.sequence(form))
        elif said in ENDED:
            told = self._calls.over(form["CallSid"], said, phone.sequence(form))
        return None if told is None else _stored(told)

    def recording(self, _: Request, form: Form) -> asyncio.Future[None] | None:
        """A recording is ready, or has been written down."""
        sid = form.get("RecordingSid", "")
        return _stored(self._recordings.told(sid, form)) if self._carrier.recording_id.fullmatch(sid) else None

    async def prompt(self, request: Request) -> Response:
        """A recorded prompt or the hold music; its address says its content, so it may be kept for ever."""
        name = request.path_params["name"]
        body = self._sounds.bodies.get(name)
        if body is None:
            return PlainTextResponse("There is no such sound.", 404)
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(body, media_type=sounding.media_type(name), headers=headers)

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


@dataclass(frozen=True, slots=True)
class _Spoken:
    """An address whose answer somebody hears. `tried`: what is asked next when the answer is PIN."""

    answer: Answer
    tried: Answer
    carrier: Carrier
    moments: Moments
    apology: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        form = await _signed(request, self.carrier)
        answer = form if isinstance(form, Response) else await self._said(request, form)
        await answer(scope, receive, send)

    async def _said(self, request: Request, form: dict[str, str]) -> Response:
        """The answer, in time; trouble of ours is "one moment" and, in the end, an apology in the caller's languages, never a
        stack trace."""
        form, again, work = self.moments.resumed(request, form)
        try:
            work = work or self.answer(request, form)
            left = await _patiently(work, PATIENCE)
            if work.result() is PIN:
                work = self.tried(request, form)
                await _patiently(work, left)
            document = work.result()
        except Exception as trouble:  # the door's edge: whatever happened, the person on the line hears something
            late = work is not None and not work.done()
            event, shown = ("phone.late", None) if late else ("phone.failed", trouble)
            log.error(event, path=_shown(request), exc_info=shown)
            if again >= MOST:
                return _twiml(self.apology)
            return _twiml(self.moments.moment(request, form, again + 1, work if late else None))
        if not isinstance(document, str):
            return PlainTextResponse("There is no such step in this call; nothing was done.", 404)
        return _twiml(document)


@dataclass(frozen=True, slots=True)
class _Heeded:
    """An address that is only told something: nobody listens to the answer, and what fails may be told again."""

    answer: Heed
    carrier: Carrier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        form = await _signed(request, self.carrier)
        answer = form if isinstance(form, Response) else await self._taken(request, form)
        await answer(scope, receive, send)

    async def _taken(self, request: Request, form: Form) -> Response:
        try:
            work = self.answer(request, form)
            if work is not None:
                await _patiently(work, PATIENCE)
                work.result()
        except Exception as trouble:  # the door's edge
            log.error("phone.failed", path=_shown(request), exc_info=trouble)
            return PlainTextResponse("Not stored; tell us again.", 503)
        return Response(status_code=204)


async def _patiently(work: asyncio.Future[Any], seconds: float) -> float:
    """Wait until it is done, and leave it to its end if that takes longer: then TimeoutError. Returns the seconds left."""
    begun = time.monotonic()
    await asyncio.wait([work], timeout=seconds)
    if not work.done():
        raise TimeoutError
    return seconds - (time.monotonic() - begun)


def _stored(told: "Future[T]") -> "asyncio.Future[T]":
    """Waits for a transaction. Unlike with `asyncio.wrap_future`, whoever gives up waiting does not take it back."""
    loop = asyncio.get_running_loop()
    waits: asyncio.Future[T] = loop.create_future()

    def settle() -> None:
        if waits.cancelled():
            return
        trouble = told.exception()
        if trouble is None:
            waits.set_result(told.result())
        else:
            waits.set_exception(trouble)

    told.add_done_callback(lambda _: None if loop.is_closed() else loop.call_soon_threadsafe(settle))
    return waits


def _ready(document: str | None) -> Work:
    done: Work = asyncio.get_running_loop().create_future()
    done.set_result(document)
    return done


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")


def _shown(request: Request) -> str:
    return request.url.path.partition("/phone/")[2]


async def _signed(request: Request, carrier: Carrier) -> dict[str, str] | Response:
    """The same for a call's webhook, which names its call."""
    form = await signed_form(request, carrier)
    if not isinstance(form, Response) and not carrier.call_id.fullmatch(form.get("CallSid", "")):
        return PlainTextResponse("CallSid is missing or no call id; nothing was done.", 400)
    return form


async def signed_form(request: Request, carrier: Carrier) -> dict[str, str] | Response:
    """The form's fields, if the carrier signed it for this raw path and query; otherwise what it is answered."""
    found = await signed_webhook(request, carrier)
    return found if isinstance(found, Response) else dict(found.pairs)


async def signed_webhook(request: Request, carrier: Carrier, *, json: bool = False) -> phone.Webhook | Response:
    """The same, whole; `json`: the body may be JSON too, and then it has no fields."""
    body = await _body(request.receive)
    content = request.headers.get("content-type", "")
    is_json = json and content.partition(";")[0].strip().lower() == "application/json"
    pairs = None if body is None else () if is_json else phone.form(content, body)
    if body is None or pairs is None:
        return PlainTextResponse("The signature is missing or wrong; nothing was done.", 403)
    scope: Mapping[str, Any] = request.scope
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope.get("raw_path", b"").decode("latin-1").partition("?")[0] + (f"?{query}" if query else "")
    webhook = phone.Webhook(path, body, pairs, request.headers)
    if not carrier.genuine(webhook):
        return PlainTextResponse("The signature is missing or wrong; nothing was done.", 403)
    return webhook


async def _body(receive: Receive) -> bytes | None:
    """At most MAX_BODY bytes are ever held; a larger body is None."""
    held = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":  # gone
            return None
        held += message.get("body", b"")
        if len(held) > phone.MAX_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(held)
