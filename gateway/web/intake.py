"""The doors for programs: whole mails from providers and other mail servers, reports from portals and web forms.

Each request goes one way: may they, is it of a size we take, whose is it, then the story of any report; 200 only when
that is durable. A body is counted while it is read and never held beyond the limit. Who knocks is known by a token, or
by what a site has signed in its form (`signature_of`); neither ever stands in a URL. Refuses to recognise, route or
file anything itself, and to know a browser's session.
"""

import asyncio
import hmac
import io
import ipaddress
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from gateway.engine import Arrival, Outcome
from gateway.errors import Permanent, Temporary
from gateway.mail.forms import Given, as_mail
from gateway.store.api_tokens import ApiToken
from gateway.web import callback_in, directory_in, events_in, intake_pages, oncall_in, reports_in
from gateway.web.reports_in import Refused, Typed
from routing.desk import Desk

log = structlog.get_logger(__name__)
T = TypeVar("T")

RETRY_SECONDS = 10
READ_SECONDS = 60.0  # between two pieces of a body
SLOWEST = 1_000  # bytes a second, after the first READ_SECONDS
LARGE = 1 << 20  # bytes
READ_ON = 4  # times the limit: so much of a mail is read, and the beginning of it taken
HELD = 4  # bodies of the largest size that all requests together may hold
SIGNED_FOR_AT_MOST = 7 * 86_400  # seconds
FORM_REPORTS_A_MINUTE = 120  # by one form: what a page open to everybody may bring us
NOT_IN_A_BODY = ("multipart/", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class House:
    """What the doors need of the rest, as plain functions that may block.

    `token`: the living token of this text. `form`: a living form by its id, with its key. `desk`: of one of our
    addresses, None for any other; `first`: the address that stands for a desk when none is named."""

    take: Callable[[Arrival], Outcome]
    token: Callable[[str], ApiToken | None]
    form: Callable[[str], tuple[ApiToken, str] | None]
    desk: Callable[[str], Desk | None]
    now: Callable[[], datetime]
    first: str
    size: int
    demo: bool = False
    load: directory_in.Load | None = None
    call_back: callback_in.CallBack | None = None
    standing: oncall_in.Standing | None = None


class Taken(BaseModel):
    """What became of it, durably. `outcome`: new, append, duplicate, held or refused."""

    outcome: str
    ticket: str | None = None
    reason: str | None = None


class Error(BaseModel):
    """What was wrong, and what to do."""

    error: str


def api(house: House, pool: Executor) -> FastAPI:
    """The application below /in, with its own description at /in/openapi.json."""
    made = FastAPI(
        title="Presa: reports in", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json",
        description="Whole mails and reports of portals and web forms. 200 means that the report is stored for good.",
    )  # fmt: skip
    doors = _Doors(house, pool)
    answers: dict[int | str, dict[str, Any]] = {
        code: {"model": Error} for code in (400, 401, 403, 408, 413, 415, 422, 429, 503)
    }
    made.add_api_route(
        "/mail/raw", doors.raw, methods=["POST"], responses=answers, response_model=Taken, summary="A whole mail",
        openapi_extra=reports_in.RAW, operation_id="mail_raw",
    )  # fmt: skip
    made.add_api_route(
        "/report", doors.report, methods=["POST"], responses=answers, response_model=Taken,
        summary="A report of a portal or web form", openapi_extra=reports_in.REPORT, operation_id="report",
    )  # fmt: skip
    if house.call_back is not None:
        made.add_api_route(
            "/callback", doors.callback, methods=["POST"], responses=answers, response_model=None,
            summary="A request to be called back", openapi_extra=callback_in.CALLBACK, operation_id="callback",
        )  # fmt: skip
    made.add_api_route(
        "/events", doors.event, methods=["POST"], responses=answers, response_model=Taken,
        summary="An event of a monitoring system", openapi_extra=events_in.EVENT, operation_id="event",
    )  # fmt: skip
    if house.standing is not None:
        made.add_api_route(
            "/oncall", doors.oncall, methods=["GET"], responses=answers, response_model=None,
            summary="Who is on duty", openapi_extra=oncall_in.ONCALL, operation_id="oncall",
        )  # fmt: skip
    if house.load is not None:
        made.add_api_route(
            "/directory", doors.directory, methods=["POST"], responses=answers, response_model=None,
            summary="The directory of customers", openapi_extra=dict(directory_in.DESCRIPTION), operation_id="directory",
        )  # fmt: skip
    return made


def signature_of(key: str, form: str, expires: str, recipient: str, vouched: Sequence[str] = ()) -> str:
    """What a site writes into its form: HMAC-SHA-256, in hex, over the lines form, expires, recipient and, when the form
    vouches for its users, their address and customer code."""
    return hmac.new(key.encode(), "\n".join((form, expires, recipient, *vouched)).encode(), sha256).hexdigest()


class _Doors:
    """The two doors, and what all requests to them hold together."""

    def __init__(self, house: House, pool: Executor) -> None:
        self._house = house
        self._pool = pool
        self._held = 0
        self._large = asyncio.Semaphore(2)
        self._pace: dict[str, deque[float]] = {}

    async def raw(self, request: Request) -> Response:
        return await self._answer(request, self._raw)

    async def report(self, request: Request) -> Response:
        return await self._answer(request, self._report)

    async def callback(self, request: Request) -> Response:
        return await self._answer(request, self._callback)

    async def event(self, request: Request) -> Response:
        return await self._answer(request, self._event)

    async def oncall(self, request: Request) -> Response:
        return await self._answer(request, self._oncall)

    async def directory(self, request: Request) -> Response:
        return await self._answer(request, self._directory)

    async def _answer(self, request: Request, door: Callable[[Request], Any]) -> Response:
        """The one way of every request: what goes wrong becomes one clear line, never a trace."""
        try:
            outcome = await door(request)
        except Refused as refused:
            return _error(refused.status, refused.words, refused.headers)
        except ClientDisconnect:
            return _error(400, "the connection ended before the whole body was here; send it again")
        except Permanent as trouble:
            return _error(422, trouble.public)
        except Temporary as trouble:
            return _error(503, trouble.public, {"Retry-After": str(RETRY_SECONDS)})
        except Exception as trouble:  # the door's edge: nothing was promised, so the sender keeps it and comes again
            log.error("intake.failed", path=request.url.path, exc_info=trouble)
            return _error(
                503, "a fault of ours; nothing is lost if you send it again", {"Retry-After": str(RETRY_SECONDS)}
            )
        if isinstance(outcome, Response):
            return outcome
        if intake_pages.wanted(request):
            return intake_pages.thanks(request, outcome.number)
        return JSONResponse({"outcome": outcome.outcome, "ticket": outcome.number, "reason": outcome.reason})

    # A whole mail -----------------------------------------------------------------------------------------------

    async def _raw(self, request: Request) -> Outcome:
        token = await self._allowed(request, "mail")
        if request.headers.get("content-type", "").lower().startswith(NOT_IN_A_BODY):
            raise Refused(415, "the body must be the mail itself; send it as message/rfc822")
        rcpt = self._recipients(request)
        asked = request.query_params
        sender = asked.get("sender", request.headers.get("x-envelope-from"))
        if sender is not None:
            sender = sender.strip().removeprefix("<").removesuffix(">")
        client = _ip(asked.get("client", ""))
        raw, whole = await self._beginning(request)
        if not raw.strip():
            raise Refused(422, "the body is empty; send the whole mail as the body")
        peer = request.client.host if request.client else ""
        return await self._take(Arrival(
            "http", client or (peer if self._house.demo else ""), sender, rcpt, raw, self._house.now(),
            asked.get("helo", "")[:255], edge=token.edge, whole=whole,
            evidence=(f"door: HTTP, the token of «{token.name}», from {peer or 'an unknown address'}",),
        ))  # fmt: skip

    async def _beginning(self, request: Request) -> tuple[bytes, int | None]:
        """A mail, and its size when this is only its beginning: whoever hands it in has accepted it from its sender already,
        so it is not refused for being somewhat too large (as over LMTP)."""
        most, size, held = self._house.size, 0, io.BytesIO()
        async for piece in self._pieces(request, READ_ON):
            held.write(piece[: max(0, most - size)])
            size += len(piece)
        return held.getvalue(), size if size > most else None

    def _recipients(self, request: Request) -> tuple[str, ...]:
        """Those of the envelope's recipients that are ours; a mail for nobody of ours is refused."""
        named = request.query_params.getlist("recipient")
        named += [one for line in request.headers.getlist("x-envelope-to") for one in line.split(",")]
        plain = [one.strip().removeprefix("<").removesuffix(">") for one in named if one.strip()]
        if not plain:
            raise Refused(422, "no recipient; name the envelope's recipients as ?recipient=… or in X-Envelope-To")
        ours = tuple(dict.fromkeys(one for one in plain[:1_000] if self._house.desk(one)))
        if not ours:
            raise Refused(422, "none of the recipients is ours; name an address of this desk")
        return ours

    # A report ---------------------------------------------------------------------------------------------------

    async def _report(self, request: Request) -> Outcome:
        token = await self._allowed(request, "report") if "authorization" in request.headers else None
        typed = await reports_in.read(request, self._pieces(request), self._house.size)
        if token is None:
            token = await self._signed(typed)
        recipient = typed.get("recipient") or self._house.first
        desk = self._house.desk(recipient)
        if desk is None:
            raise Refused(
                422, f"recipient: {recipient[:100]} is no address of ours; leave it out or name one of this desk"
            )
        signed = "form" in token.scopes
        given = reports_in.given(
            typed, desk, f"{'the form' if signed else 'the portal'} «{token.name}»" if token.vouches else ""
        )
        key = request.headers.get("idempotency-key") or typed.get("idempotency_key")
        if key and len(key) > 255:
            raise Refused(422, "Idempotency-Key: longer than 255 characters; send a shorter one")
        raw = as_mail(given, recipient, typed.files)
        peer = request.client.host if request.client else ""
        how = "a signed form of" if signed else "the token of"
        return await self._take(Arrival(
            "form" if signed else "portal", peer, None, (recipient,), raw, self._house.now(), given=_keyed(given, token, key),
            evidence=(f"door: HTTP, {how} «{token.name}», from {peer or 'an unknown address'}",),
        ))  # fmt: skip

    async def _callback(self, request: Request) -> Response:
        token, take = await self._allowed(request, "report"), self._house.call_back
        assert take is not None
        typed, wanted = callback_in.read(b"".join([piece async for piece in self._pieces(request)]))
        recipient = typed.get("recipient") or self._house.first
        desk = self._house.desk(recipient)
        if desk is None:
            raise Refused(422, f"recipient: {recipient[:100]} is no address of ours; name one of this desk")
        given = reports_in.given(typed, desk, f"the portal «{token.name}»" if token.vouches else "")
        key = request.headers.get("idempotency-key")
        if key and len(key) > 255:
            raise Refused(422, "Idempotency-Key: longer than 255 characters; send a shorter one")
        peer = request.client.host if request.client else ""
        arrival = Arrival(
            "portal", peer, None, (recipient,), as_mail(given, recipient, ()), self._house.now(), given=_keyed(given, token, key),
            evidence=(f"door: HTTP, the token of «{token.name}», from {peer or 'an unknown address'}: call me back",),
        )  # fmt: skip
        return JSONResponse(callback_in.answer(await asyncio.shield(self._run(take, arrival, wanted))))

    async def _signed(self, typed: Typed) -> ApiToken:
        """The form whose signature this is, if it still holds."""
        form, expires, signature = (typed.get(name) for name in ("form", "expires", "signature"))
        if not (form and expires and signature):
            raise Refused(401, "no token and no signed form; send 'Authorization: Bearer TOKEN'", reports_in.ASK)
        found = await self._run(self._house.form, form)
        now = self._house.now().timestamp()
        ends = float(expires) if expires.isascii() and expires.isdecimal() and len(expires) < 15 else 0.0
        vouched = (typed.get("email"), typed.get("code")) if found and found[0].vouches else ()
        wanted = signature_of(found[1] if found else "", form, expires, typed.get("recipient"), vouched)
        if found is None or not hmac.compare_digest(wanted.encode(), signature.lower().encode("utf-8", "replace")):
            raise Refused(403, "the form's signature is not right; load the page with the form again")
        if ends <= now:
            raise Refused(403, "the form is out of date; load the page with the form again")
        if ends > now + SIGNED_FOR_AT_MOST:
            raise Refused(403, "the form is signed for more than 7 days; sign it for less")
        self._paced(form)
        return found[0]

    def _paced(self, form: str) -> None:
        tries, now = self._pace.setdefault(form, deque()), time.monotonic()
        while tries and now - tries[0] > 60:
            tries.popleft()
        if len(tries) >= FORM_REPORTS_A_MINUTE:
            raise Refused(429, "too many reports by this form just now; wait a minute", {"Retry-After": "60"})
        tries.append(now)

    # An event ---------------------------------------------------------------------------------------------------

    async def _event(self, request: Request) -> Outcome:
        token = await self._allowed(request, "event")
        fields = events_in.fields_of(b"".join([piece async for piece in self._pieces(request)]))
        recipient = fields.get("recipient") or self._house.first
        desk = self._house.desk(recipient)
        if desk is None:
            raise Refused(422, f"recipient: {recipient[:100]} is no address of ours; leave it out")
        key = request.headers.get("idempotency-key", "")[:255]
        now = self._house.now()
        given = events_in.given(
            fields, desk, f"the monitoring «{token.name}»", now, f"{token.id}\0{key}" if key else ""
        )
        peer = request.client.host if request.client else ""
        return await self._take(Arrival(
            "portal", peer, None, (recipient,), as_mail(given, recipient), now, given=given,
            evidence=(f"door: HTTP, the token of «{token.name}», from {peer or 'an unknown address'}: a monitoring event",),
        ))  # fmt: skip

    # Who is on duty ---------------------------------------------------------------------------------------------

    async def _oncall(self, request: Request) -> Response:
        await self._allowed(request, oncall_in.SCOPE)
        standing = self._house.standing
        assert standing is not None
        return JSONResponse(await self._run(standing, *oncall_in.asked(request)))

    # The directory ----------------------------------------------------------------------------------------------

    async def _directory(self, request: Request) -> Response:
        token = await self._allowed(request, "directory")
        kind, dry_run = directory_in.kind_of(request), directory_in.flag(request, "dry_run")
        keep, load = directory_in.flag(request, "keep"), self._house.load
        assert load is not None
        raw = b"".join([piece async for piece in self._pieces(request)])
        log.info("intake.directory", token=token.id, dry_run=dry_run)
        return await asyncio.shield(
            self._run(directory_in.answer, lambda: load(directory_in.text_of(raw, kind), kind, dry_run, keep))
        )

    # What both need ---------------------------------------------------------------------------------------------

    async def _allowed(self, request: Request, scope: str) -> ApiToken:
        """The token of the request, before a byte of its body is read."""
        text = reports_in.token_text(request.headers.get("authorization", ""))
        if not text:
            raise Refused(
                401, "no token; send 'Authorization: Bearer TOKEN' (presa token issue makes one)", reports_in.ASK
            )
        token = await self._run(self._house.token, text)
        if token is None:
            raise Refused(401, "the token is not right, has ended or was taken back", reports_in.ASK)
        if scope not in token.scopes:
            raise Refused(403, f"the token of «{token.name}» may not do this; issue one with --scope {scope}")
        return token

    async def _pieces(self, request: Request, times: int = 1) -> AsyncIterator[bytes]:
        """The body, counted while it comes: its size, its pace, and what all bodies hold together. `times`: how often the
        limit may come, of which no more than the limit is held."""
        kept, most = self._house.size, self._house.size * times
        told = request.headers.get("content-length", "")
        if told.isdecimal() and int(told) > most:
            raise Refused(413, f"larger than {most} bytes; send less", {"Connection": "close"})
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused(415, "the body is compressed; send it as it is")
        size, held, began, stream = 0, 0, time.monotonic(), aiter(request.stream())
        try:
            while True:
                try:
                    piece = await asyncio.wait_for(anext(stream), READ_SECONDS)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise Refused(408, "the body did not come; send it again", {"Connection": "close"}) from None
                size += len(piece)
                self._held += min(size, kept) - held
                held = min(size, kept)
                if size > most:
                    raise Refused(413, f"larger than {most} bytes; send less", {"Connection": "close"})
                if time.monotonic() - began > READ_SECONDS + size / SLOWEST:
                    raise Refused(408, "the body came too slowly; send it again", {"Connection": "close"})
                if held > reports_in.SMALL and self._held > HELD * kept:
                    raise Refused(
                        503, "too much is coming in just now; send it again", {"Retry-After": str(RETRY_SECONDS)}
                    )
                yield piece
        finally:
            self._held -= held

    async def _take(self, arrival: Arrival) -> Outcome:
        # Shielded: a client that hangs up does not take its report back out of our hands half way. Of large ones two at a
        # time: reading one takes several times its size.
        if len(arrival.raw) <= LARGE:
            return await asyncio.shield(self._run(self._house.take, arrival))
        async with self._large:
            return await asyncio.shield(self._run(self._house.take, arrival))

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def _keyed(given: Given, token: ApiToken, key: str | None) -> Given:
    """The report under the sender's own key, if it has one: two programs may use the same."""
    return replace(given, key=sha256(f"idempotency\0{token.id}\0{key}".encode()).hexdigest()) if key else given


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[] "))) if text else ""
    except ValueError:
        raise Refused(422, "client: not an IP address; leave it out or give the one that the mail came from") from None


def _error(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": words}, status, headers=dict(headers or {}))
