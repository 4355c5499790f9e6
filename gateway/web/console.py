"""The console: what the desk's people see and do in a browser.

Every page is made on the server and every action is a form that posts and is sent elsewhere, so the console works
without scripts; with them, a small event makes a page fetch its own middle again. Each request goes one way: whose
session is it, is the form ours, may this role do that, then the page. This module refuses to decide anything about a
ticket, and to hold SQL.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import get_args
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from gateway.errors import Permanent, Temporary
from gateway.web import forms, mailbody, rendering, sessions, signin, views
from gateway.web.backend import Backend
from gateway.web.callbacks import CallbackPages
from gateway.web.cards import CardPages, Cards
from gateway.web.desks import DeskPages
from gateway.web.duty import DutyBook, DutyPages
from gateway.web.held import HeldMails, HeldPages
from gateway.web.labels import mark as _
from gateway.web.letters import LetterPages
from gateway.web.phone_page import PhonePages
from gateway.web.related import RelatedPages, RelatedTickets
from gateway.web.rendering import Words, redirect, secured
from gateway.web.signin import COOKIE, Hint, Settings
from gateway.web.views import Action, Filters
from gateway.web.visits import MAY_NOT, ROWS, Draw, Handler, Refused, Visit
from gateway.web.visits import offset as _offset
from routing.desk import Desk

__all__ = ["Backend", "Hint", "Settings", "router"]

KEEPALIVE_SECONDS = 20.0
# Many changes in one breath are one event: a busy night must not make every open page fetch at every commit.
GATHER_SECONDS = 0.5
DONE: Mapping[str, str] = {
    "take": _("Taken in charge."),
    "answer": _("The answer is on its way."),
    "note": _("Note kept."),
    "pause": _("The clock is paused."),
    "resume": _("The clock runs again."),
    "priority": _("Priority changed; the deadlines were counted again from the start."),
    "escalate": _("Escalated."),
    "resolve": _("Resolved."),
    "close": _("Closed."),
    "reopen": _("Reopened."),
    "contract": _("Plan changed; the deadlines were counted again from the start."),
    "plan": _("The action plan stands; the customer hears how it goes from now on."),
    "news": _("Kept: the customer knows how it goes."),
    "move": _("Moved to the next stage."),
    "verify": _("The sender is verified; the ticket has the rights of its plan."),
    "correct": _("Corrected; what it was stays in the story."),
    "give": _("Given; they see it in their list."),
    "assign": _("The report has its customer, and the address is remembered."),
    "page-accepted": _("Accepted: the ticket is in your hands."),
    "page-already-yours": _("It is yours already."),
    "page-passed": _("Passed on: the next is rung."),
    "page-escalated": _("The next is rung now."),
    "page-taken": _("Somebody else has it already: see below."),
    "page-nobody": _("There is nobody else whom we could ring."),
    "page-over": _("Nothing was done: the page is over, or somebody else was faster."),
}


Endpoint = Callable[[Request], Awaitable[Response]]


def in_thread(handler: Callable[[Request], Response]) -> Endpoint:
    """A page for which nobody signs in."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(handler, request)

    return endpoint


def router(
    backend: Backend,
    settings: Settings,
    *,
    held: HeldMails | None = None,
    cards: Cards | None = None,
    related: RelatedTickets | None = None,
    duty: DutyBook | None = None,
    telephone: Callable[[Draw], PhonePages] | None = None,
    callbacks: Callable[[Draw], CallbackPages] | None = None,
    desks: Mapping[str, Desk] = MappingProxyType({}),
    templates: Mapping[str, tuple[Path, ...]] = MappingProxyType({}),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> APIRouter:
    """Every route of the console. `clock` and `sleep` pace sign-in tries; tests hand in their own."""
    static = rendering.assets()
    drawn = rendering.Pages(static)
    door = signin.Door(backend, settings, drawn, clock, sleep)
    console = Console(backend, settings, drawn, static, sleep, held)
    waiting = HeldPages(held, console.draw, drawn) if held else None
    around = RelatedPages(related, console.draw) if related else None
    rotas = DutyPages(duty, console.draw) if duty else None
    ringing = telephone(console.draw) if telephone else None
    console.telephone = ringing is not None
    back = callbacks(console.draw) if callbacks else None
    pages: tuple[tuple[str, Handler], ...] = (
        ("/", console.tickets),
        ("/tickets/{number}", console.ticket),
        ("/tickets/{number}/letters/{letter}/html", console.letter_html),
        ("/tickets/{number}/letters/{letter}/raw", console.letter_raw),
        ("/tickets/{number}/letters/{letter}/files/{file}", console.letter_file),
        ("/tickets/{number}/recordings/{recording}", console.recording),
        ("/calls", console.calls),
        *(rotas.pages() if rotas else (("/oncall", console.oncall),)),
        ("/ledger", console.ledger),
        ("/alarms", console.alarms),
        ("/outbox", console.outbox),
        *(waiting.pages() if waiting else ()),
        *DeskPages(desks, console.draw).pages(),
        *LetterPages(desks, templates, console.draw).pages(),
        *(CardPages(cards, console.draw).pages() if cards else ()),
        *(around.pages() if around else ()),
        *(ringing.pages() if ringing else ()),
        *(back.pages() if back else ()),
    )
    posts: tuple[tuple[str, Handler], ...] = (
        ("/tickets/{number}/{action}", console.act),
        ("/alarms/seen", console.see),
        ("/logout", console.logout),
        *(waiting.posts() if waiting else ()),
        *(around.posts() if around else ()),
        *(ringing.posts() if ringing else ()),
        *(back.posts() if back else ()),
        *(rotas.posts() if rotas else ()),
    )
    routes = APIRouter(include_in_schema=False, default_response_class=Response)
    for path, handler in pages:
        routes.add_api_route(path, console.page(handler), methods=["GET"], response_model=None)
    for path, handler in posts:
        routes.add_api_route(path, console.post(handler), methods=["POST"], response_model=None)
    if rotas is not None:
        routes.add_api_route("/oncall/feeds/{secret}.ics", in_thread(rotas.feed), methods=["GET"], response_model=None)
    routes.add_api_route("/login", door.page, methods=["GET"], response_model=None)
    routes.add_api_route("/login", door.enter, methods=["POST"], response_model=None)
    routes.add_api_route("/events/tickets", console.events, methods=["GET"], response_model=None)
    routes.add_api_route("/static/{path:path}", console.static, methods=["GET"], response_model=None)
    routes.add_api_route("/{path:path}", console.page(nowhere), methods=["GET"], response_model=None)
    return routes


def nowhere(visit: Visit) -> Response:
    """An address that was mistyped, or is of a page that is no more."""
    raise Refused(404, _("There is no such page."))


class Console:
    """The pages and actions over one backend."""

    def __init__(
        self,
        backend: Backend,
        settings: Settings,
        pages: rendering.Pages,
        assets: Mapping[str, rendering.Asset],
        sleep: Callable[[float], Awaitable[None]],
        held: HeldMails | None = None,
    ) -> None:
        self._held = held
        self.telephone = False  # is there the demo's telephone?
        self._backend = backend
        self._settings = settings
        self._pages = pages
        self._assets = assets
        self._sleep = sleep

    # the one way of every request

    def page(self, handler: Handler) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(self._answer, handler, request, None)

        return endpoint

    def post(self, handler: Handler) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                form = await forms.read(request)
            except forms.Unreadable as error:
                return secured(Response(str(error), status_code=error.status, media_type="text/plain"))
            return await run_in_threadpool(self._answer, handler, request, form)

        return endpoint

    def _answer(self, handler: Handler, request: Request, form: Mapping[str, str] | None) -> Response:
        visit = self._visit(request, form or {})
        if visit is None:
            return signin.turned_away(request)
        try:
            if form is not None and not forms.is_ours(request, visit.token, form):
                raise Refused(403, _("This form is out of date. Go back, reload the page and try again."))
            if not self._backend.may_see(visit.request.path_params, visit.user):
                raise Refused(404, _("There is no such ticket."))
            return handler(visit)
        except Refused as refused:
            return self._trouble(visit, refused.status, refused.words)
        except Permanent as error:
            return self._trouble(visit, 409, error.public)
        except Temporary as error:
            response = self._trouble(visit, 503, error.public)
            response.headers["Retry-After"] = "10"
            return response

    def _visit(self, request: Request, form: Mapping[str, str]) -> Visit | None:
        token = request.cookies.get(COOKIE, "")
        user = self._backend.session(sessions.fingerprint(token)) if token else None
        if user is None:
            return None
        # The latest change is asked for before the page is: what happens in between is fetched again, not lost.
        now, change, alarms = self._backend.now(), self._backend.changes(0), self._backend.unseen(user.sight)
        return Visit(request, user, token, now, change, alarms, Words(user.language, user.zone, now), form)

    def _trouble(self, visit: Visit, status: int, words: str) -> Response:
        return self.draw(visit, "trouble.html", {"status": status, "said": words}, status)

    def draw(self, visit: Visit, template: str, values: Mapping[str, object], status: int = 200) -> Response:
        fragment = "hx-request" in visit.request.headers
        shared = {
            "user": visit.user,
            "csrf": sessions.form_token(visit.token),
            "path": visit.request.url.path,
            "here": visit.request.url.path + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
            "now": visit.now,
            "change": visit.change,
            "alarms": visit.alarms,
            "held": self._held.count() if self._held else None,
            "works": views.works(visit.user),
            "demo": self._settings.demo,
            "telephone": self.telephone,
            "fragment": fragment,
            "template": template,
        }
        name = "fragment.html" if fragment and status == 200 else template
        response = self._pages.draw(name, visit.words, {**shared, **values}, status)
        response.headers["Vary"] = "HX-Request, Cookie"
        return response

    # pages

    def logout(self, visit: Visit) -> Response:
        self._backend.close_session(sessions.fingerprint(visit.token))
        response = redirect("/login")
        response.delete_cookie(COOKIE)
        return response

    def tickets(self, visit: Visit) -> Response:
        asked = visit.request.query_params
        filters = Filters(
            queue=asked.get("queue", ""),
            state=asked.get("state", "open"),
            customer=asked.get("customer", ""),
            search=asked.get("q", "").strip()[:100],
            language=visit.user.language,
            limit=ROWS + 1,
            offset=_offset(asked.get("from", "")),
            sort="due" if asked.get("sort") == "due" else "work",
            sight=visit.user.sight,
        )
        if filters.search:
            filters = replace(filters, state="all", queue="", customer="")
        rows = self._backend.tickets(filters)
        if len(rows) == 1 and _digits(filters.search) == _digits(rows[0].number) != "":
            return redirect(f"/tickets/{quote(rows[0].number, safe='')}")
        more = f"/?{urlencode({**asked, 'from': filters.offset + ROWS})}" if len(rows) > ROWS else ""
        values = {
            "rows": rows[:ROWS],
            "filters": filters,
            "more": more,
            "choices": self._backend.choices(visit.user.language, visit.user.sight),
        }
        return self.draw(visit, "tickets.html", {**values, "states": ("open", *views.STATES, "all")})

    def ticket(self, visit: Visit) -> Response:
        done = DONE.get(visit.request.query_params.get("done", ""), "")
        return self._ticket(visit, {}, done, "", 200)

    def _ticket(self, visit: Visit, typed: Mapping[str, str], done: str, said: str, status: int) -> Response:
        page = self._backend.ticket(visit.path("number"), visit.user.language, visit.user.sight)
        if page is None:
            raise Refused(404, _("There is no such ticket."))
        values = {
            "page": page,
            "row": page.row,
            "may": views.offered(page, visit.user),
            "typed": typed,
            "done": done,
            "said": said,
            "once": secrets.token_urlsafe(16),
        }
        return self.draw(visit, "ticket.html", values, status)

    def act(self, visit: Visit) -> Response:
        action, number = visit.path("action"), visit.path("number")
        if action not in get_args(Action):
            raise Refused(404, _("There is no such page."))
        if action not in views.MAY[visit.user.role]:
            raise Refused(403, MAY_NOT)
        fields = {name: value.strip() for name, value in visit.form.items() if name not in ("csrf", "once")}
        try:
            forms.check(action, fields)
            self._backend.act(number, action, visit.user, fields, forms.once(visit.form))
        except Permanent as error:
            # The page comes again with what was typed: an answer of twenty lines is not to be lost over a state.
            return self._ticket(visit, {**fields, "action": action}, "", error.public, 409)
        return redirect(f"/tickets/{quote(number, safe='')}?done={action}")

    def calls(self, visit: Visit) -> Response:
        return self.draw(visit, "calls.html", {"rows": self._backend.calls(ROWS, visit.user.sight)})

    def oncall(self, visit: Visit) -> Response:
        return self.draw(visit, "oncall.html", {"desks": self._backend.oncall(visit.user.language)})

    def ledger(self, visit: Visit) -> Response:
        outcome = visit.request.query_params.get("outcome", "")
        outcome = outcome if outcome in views.OUTCOMES else ""
        values = {
            "rows": self._backend.ledger(outcome, ROWS, visit.user.sight),
            "outcome": outcome,
            "outcomes": views.OUTCOMES,
        }
        return self.draw(visit, "ledger.html", values)

    def alarms(self, visit: Visit) -> Response:
        asked = visit.request.query_params
        only, offset = asked.get("show") == "unseen", _offset(asked.get("from", ""))
        rows = self._backend.alarms(ROWS + 1, offset, only_unseen=only, sight=visit.user.sight)
        values = {
            "rows": rows[:ROWS],
            "show": "unseen" if only else "",
            "offset": offset,
            "more": f"/alarms?{urlencode({**asked, 'from': offset + ROWS})}" if len(rows) > ROWS else "",
            "may": views.works(visit.user),
        }
        return self.draw(visit, "alarms.html", values)

    def see(self, visit: Visit) -> Response:
        """One alarm was seen, or all that the page showed: what came since stays unseen."""
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
        alarm = visit.form.get("alarm", "")
        if not re.fullmatch(r"[0-9]{1,18}", alarm):
            raise Refused(404, _("There is no such alarm."))
        self._backend.see(int(alarm), visit.user, older="older" in visit.form)
        place = {"show": visit.form.get("show", ""), "from": _offset(visit.form.get("from", ""))}
        kept = urlencode({name: value for name, value in place.items() if value})
        return redirect(f"/alarms{'?' if kept else ''}{kept}#alarm-{alarm}")

    def outbox(self, visit: Visit) -> Response:
        if not self._settings.demo:
            raise Refused(404, _("There is no such page."))
        return self.draw(visit, "outbox.html", {"rows": self._backend.outbox(ROWS, visit.user.sight)})

    # letters and files

    def letter_html(self, visit: Visit) -> Response:
        number, letter = visit.path("number"), visit.path("letter")
        html, page = self._backend.letter_html(number, letter), self._backend.ticket(number, visit.user.language)
        if html is None or page is None:
            raise Refused(404, _("There is no such letter."))
        found = next((e.letter for e in page.entries if e.letter and e.letter.id == letter), None)
        files = found.attachments if found else ()
        body = mailbody.sanitise(html, files, lambda file: self._backend.file(number, letter, file))
        return self._pages.draw("letter.html", visit.words, {"body": body}, policy=rendering.FRAME_POLICY)

    def letter_raw(self, visit: Visit) -> Response:
        return forms.download(self._backend.raw(visit.path("number"), visit.path("letter")), "message/rfc822")

    def letter_file(self, visit: Visit) -> Response:
        file = self._backend.file(visit.path("number"), visit.path("letter"), visit.path("file"))
        return forms.download(file, "application/octet-stream")

    def recording(self, visit: Visit) -> Response:
        """To be played in the page: only ever one of our own two kinds of sound."""
        file = self._backend.recording(visit.path("number"), visit.path("recording"))
        if file is None:
            raise Refused(404, _("There is no such recording any more."))
        return secured(Response(file.content, media_type=file.content_type), rendering.FILE_POLICY)

    async def static(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["path"])
        if asset is None:
            return secured(Response(status_code=404))
        response = secured(Response(asset.content, media_type=asset.content_type))
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        # The sandboxed frame of a letter has no origin of its own and still needs its style sheet.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    # what happens, as it happens

    async def events(self, request: Request) -> Response:
        visit = await run_in_threadpool(self._visit, request, {})
        if visit is None:
            return secured(Response(status_code=401))
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        stream = self.stream(visit.token, int(after) if re.fullmatch(r"[0-9]{1,18}", after) else None)
        return secured(StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}))

    async def stream(self, token: str, after: int | None) -> AsyncIterator[str]:
        """One small event for every burst of changes, a comment when nothing happens, the end with the session."""
        last = after if after is not None else await run_in_threadpool(self._backend.changes, 0)
        yield "retry: 3000\n\n"
        while True:
            latest = await self._backend.wait_for_change(last, KEEPALIVE_SECONDS)
            if latest < 0:
                return
            if latest > last:
                last = latest
                yield f"id: {last}\nevent: tickets\ndata: {last}\n\n"
                await self._sleep(GATHER_SECONDS)
                continue
            if await run_in_threadpool(self._backend.session, sessions.fingerprint(token)) is None:
                return
            yield ": still here\n\n"


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")
