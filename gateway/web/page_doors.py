"""Doors of a page besides the telephone: the SMS reply, the link in a note, and the carrier's news of a conference.

The link shows the page on a telephone's screen and acts only by the form on it, once: a mail scanner that opens every link
accepts nothing. What the carrier sends counts by its signature alone. Refuses to show a page to anybody without its mark.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from html import escape
from typing import Any, TypeVar
from urllib.parse import parse_qs
from xml.sax.saxutils import escape as xml

import structlog
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.engine import Engine
from gateway.paging import news as paging_news
from gateway.paging import notes as paging_notes
from gateway.paging import rooms as paging_rooms
from gateway.paging import sms as paging_sms
from gateway.paging.engineers import REASONS
from gateway.paging.words import words
from gateway.phone.carrier import Carrier, Text
from gateway.store import calls, users
from gateway.web.phone import signed_form, signed_webhook
from gateway.web.rendering import secured
from routing import paging
from routing.desk import Desk
from routing.oncall import Person
from routing.tickets import Ticket

log = structlog.get_logger(__name__)
T = TypeVar("T")

LONGEST = 2_000  # bytes of a form
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
ROOM_NEWS: dict[str, paging_rooms.What] = {"participant-join": "in", "participant-leave": "out"}


def link_routes(engine: Engine, pool: Executor) -> list[Route]:
    """The address in notes."""
    doors = _Links(engine, pool)
    return [Route("/page/{page:int}/{person}/{note}/{mark}", doors.page, methods=["GET", "POST"])]


def carrier_routes(engine: Engine, carrier: Carrier, path: str, pool: Executor) -> list[Route]:
    """What the carrier brings, below its path."""
    doors = _News(engine, carrier, path, pool)
    return [
        Route(f"{path}/message", doors.message, methods=["POST"]),
        Route(path + "/step/{sid}/-3", doors.room, methods=["POST"]),
        Route(path + "/room/{name}", doors.meeting, methods=["POST"]),
        Route(path + "/room/{name}/end", doors.end, methods=["POST"]),
    ]


class _Doors:
    def __init__(self, engine: Engine, pool: Executor) -> None:
        self._engine = engine
        self._database = engine.database
        self._pool = pool

    async def _write(self, fn: Callable[[Connection], T]) -> T:
        return await asyncio.shield(asyncio.wrap_future(self._database.submit(fn)))

    async def _read(self, fn: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(self._database.read, fn))


class _News(_Doors):
    """Signed requests of the carrier."""

    def __init__(self, engine: Engine, carrier: Carrier, path: str, pool: Executor) -> None:
        super().__init__(engine, pool)
        self._carrier, self._path = carrier, path

    async def message(self, request: Request) -> Response:
        """An SMS: an engineer's answer; anybody else's is heard by nobody, and answered by nothing."""
        webhook = await signed_webhook(request, self._carrier, json=True)
        if isinstance(webhook, Response):
            return webhook
        text = self._carrier.texted(webhook)
        if text is None:
            return PlainTextResponse("This is no message; nothing was done.", 200 if not self._carrier.replies else 400)
        said = await self._write(lambda connection: self._texted(connection, text))
        if said is None or not self._carrier.replies:
            return _xml(EMPTY)
        return _xml(EMPTY.replace("<Response/>", f"<Response><Message>{xml(said)}</Message></Response>"))

    def _texted(self, connection: Connection, text: Text) -> str | None:
        now = self._database.clock.now()
        said = paging_sms.answer(connection, self._engine, text.id, text.sender, text.body, now)
        if said is not None and not self._carrier.replies:
            paging_notes.reply(connection, text.id, text.sender, said, now)
        return said

    async def room(self, request: Request) -> Response:
        """Who comes into a conference, and who leaves it."""
        form = await signed_form(request, self._carrier)
        if isinstance(form, Response):
            return form
        what = ROOM_NEWS.get(form.get("StatusCallbackEvent", ""))
        name, sid, conference = (form.get(key, "") for key in ("FriendlyName", "CallSid", "ConferenceSid"))
        if what is not None and name and sid and conference:
            now = self._database.clock.now()
            await self._write(
                lambda connection: paging_rooms.told(connection, self._engine, name, sid, conference, what, now)
            )
        return Response(status_code=204)

    async def meeting(self, request: Request) -> Response:
        """The document of a caller who is fetched into a room."""
        form = await signed_form(request, self._carrier)
        if isinstance(form, Response):
            return form
        name = request.path_params["name"]
        document = await self._read(
            lambda connection: paging_rooms.document(
                connection, self._engine, name, form.get("CallSid", ""), self._path
            )
        )
        return _xml(document) if document else PlainTextResponse("There is no such room; nothing was done.", 404)

    async def end(self, request: Request) -> Response:
        """The caller is out of the room: the call is over."""
        form = await signed_form(request, self._carrier)
        if isinstance(form, Response):
            return form
        return _xml(EMPTY.replace("<Response/>", "<Response><Hangup/></Response>"))


class _Links(_Doors):
    """The page on a telephone's screen."""

    async def page(self, request: Request) -> Response:
        page_id, person, note, mark = (request.path_params[name] for name in ("page", "person", "note", "mark"))
        wanted = paging_news.mark(self._engine.secret, page_id, person, note)
        if not hmac.compare_digest(wanted.encode(), mark.encode("utf-8", "replace")):
            return PlainTextResponse("There is no such page.", 404)
        said = ""
        if request.method == "POST":
            what = await _wanted(request)
            if what is None:
                return PlainTextResponse("The form can't be read; go back and press one of its buttons.", 400)
            said = await self._write(lambda connection: self._act(connection, page_id, person, note, *what))
        found = await self._read(lambda connection: self._found(connection, page_id, person))
        if found is None:
            return PlainTextResponse("There is no such page.", 404)
        return secured(HTMLResponse(_draw(*found, said)))

    def _act(
        self, connection: Connection, page_id: int, person: str, note: str, what: paging_news.Wish, reason: str
    ) -> str:
        now = self._database.clock.now()
        found = self._found(connection, page_id, person)
        key = f"page-link:{page_id}:{person}:{note}" + (":more" if what == "escalated" else "")
        if found is None or not users.first_time(connection, key, now):
            return ""  # used up: the page says how it stands
        done, ticket, name = paging_news.answer(
            connection, self._engine, page_id, person, what, now, by="link", reason=reason
        )
        language = found[2].language or found[1].languages[0]
        if done == "over" or ticket is None:
            return words(language, "none")
        return words(language, done, number=ticket.number, name=name)

    def _found(self, connection: Connection, page_id: int, person: str) -> tuple[Ticket, Desk, Person, str, str] | None:
        """The ticket, the person, how the page stands, and minutes and target of its clock."""
        stored = calls.page(connection, page_id)
        ticket = self._engine.ticket(connection, stored.ticket_id) if stored else None
        desk = self._engine.settings.desks.get(ticket.desk) if ticket else None
        someone = desk.on_call.people.get(person) if desk and desk.on_call else None
        if stored is None or ticket is None or desk is None or someone is None:
            return None
        state: str = paging.from_json(stored.state).state if stored.state else ("open" if stored.open else "cancelled")
        taker = paging.from_json(stored.state).accepted_by if stored.state else None
        state = "mine" if taker == person else state
        return ticket, desk, someone, state, paging_news.name_of(desk, taker)


WISHES: Mapping[str, paging_news.Wish] = {"accept": "accepted", "pass": "passed", "escalate": "escalated"}
# Which of them make sense while the page is open, when nobody has accepted, and when the reader has.
OFFERED: Mapping[str, tuple[str, ...]] = {
    "open": ("accept", "pass", "escalate"),
    "exhausted": ("accept", "escalate"),
    "mine": ("escalate",),
}


async def _wanted(request: Request) -> tuple[paging_news.Wish, str] | None:
    """The button that was pressed, and the reason that was given."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            return None
    fields = parse_qs(body.decode("ascii", "replace"))
    wish = WISHES.get(fields.get("do", [""])[0])
    return (wish, fields.get("reason", [""])[0]) if wish else None


TEXTS = {
    "it": {
        "accept": "Accetto", "pass": "Passo ad altri", "accepted": "L'ha presa {name}.", "mine": "\u00c8 tua.",
        "exhausted": "Nessuno ha ancora accettato.",
        "open": "Nessuno ha ancora accettato.", "cancelled": "Non serve pi\u00f9.", "left": "{minutes} minuti",
        "title": "Reperibilit\u00e0", "escalate": "Fai squillare il prossimo", "why": "Perch\u00e9?",
        "not well": "Non sto bene", "no computer at hand": "Senza computer", "not my field": "Non \u00e8 il mio campo",
        "busy with another fault": "Occupato con un altro guasto",
    },
    "en": {
        "accept": "I accept", "pass": "Pass on", "accepted": "{name} has it.", "mine": "You have it.",
        "exhausted": "Nobody has accepted yet.",
        "open": "Nobody has accepted yet.", "cancelled": "It is not needed any more.", "left": "{minutes} minutes",
        "title": "On call", "escalate": "Ring the next now", "why": "Why?",
        "not well": "Not well", "no computer at hand": "No computer at hand", "not my field": "Not my field",
        "busy with another fault": "Busy with another fault",
    },
}  # fmt: skip


def _draw(ticket: Ticket, desk: Desk, person: Person, state: str, taker: str, said: str) -> str:
    """The whole page: one column, two buttons for a thumb. Every value is escaped."""
    language = person.language if person.language in TEXTS else "en"
    texts: Any = TEXTS[language or "en"]
    plan = desk.plans.get(ticket.plan or "")
    status = texts[state].format(name=taker)
    whys = "".join(f'<option value="{one}">{escape(texts[one])}</option>' for one in REASONS.values())
    why = {"pass": f'<label>{escape(texts["why"])}<select name="reason">{whys}</select></label>'}
    buttons = "".join(
        f'<form method="post"><input type="hidden" name="do" value="{do}">{why.get(do, "")}'
        f'<button class="{do}">{escape(texts[do])}</button></form>'
        for do in OFFERED.get(state, ())
    )
    rows = (ticket.priority, ticket.customer_name or "?", plan.label if plan else "-", ticket.subject)
    facts = "".join(f"<p>{escape(one)}</p>" for one in rows)
    told = f'<p class="said" role="status">{escape(said)}</p>' if said else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="robots" content="noindex"><title>{escape(ticket.number)}</title><link rel="stylesheet" href="/static/page.css">'
        f"</head><body><main><h1>{escape(texts['title'])}: {escape(ticket.number)}</h1>{told}{facts}"
        f'<p class="status">{escape(status)}</p>{buttons}</main></body></html>'
    )


def _xml(document: str) -> Response:
    return Response(document, media_type="text/xml")
