"""The link in an acknowledgement by which a customer asks to be called back, at the number that is on file and no other.

The page asks once more and acts only by its form: a mail scanner that opens every link asks for nothing. One link is one
request. Refuses to show a number, a customer or a ticket's words.
"""

import asyncio
import hmac
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from html import escape
from urllib.parse import parse_qs

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway import locale
from gateway.calls import callbacks
from gateway.calls.callbacks import Wish
from gateway.calls.links import mark_of, number_of
from gateway.engine import Engine
from gateway.store import callbacks as store
from gateway.web.labels import mark as _
from gateway.web.rendering import secured
from routing import numbers
from routing.tickets import OPEN

POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
LONGEST = 500  # bytes of the form


def routes(engine: Engine, pool: Executor) -> list[Route]:
    """The address in acknowledgements."""
    door = _Door(engine, pool)
    return [Route("/callback/{token}", door.page, methods=["GET", "POST"])]


class _Door:
    def __init__(self, engine: Engine, pool: Executor) -> None:
        self._engine = engine
        self._pool = pool

    async def page(self, request: Request) -> Response:
        token = request.path_params["token"]
        what, _dash, mark = token.rpartition("-")
        digits, _dash, ends = what.partition("-")
        right = hmac.compare_digest(mark_of(what, self._engine.secret).encode(), mark.encode("utf-8", "replace"))
        now = self._engine.database.clock.now()
        if not right or datetime.fromtimestamp(int(ends), UTC) < now:
            return _shown(request, _("This link is not right or out of date. Please call us or answer the mail."), 404)
        ticket_id = numbers.ticket_id(digits)
        if request.method == "GET":
            return _shown(request, _("Shall we call you back at the number that we have on file for you?"), button=True)
        body = await request.body()
        if len(body) > LONGEST or parse_qs(body.decode("ascii", "replace")).get("do") != ["call"]:
            return _shown(request, _("This link is not right or out of date. Please call us or answer the mail."), 400)
        write: Callable[[Connection], bool] = partial(self._ask, ticket_id=ticket_id or 0, key=f"link:{mark}", now=now)
        taken = await asyncio.shield(asyncio.wrap_future(self._engine.database.submit(write)))
        if taken:
            return _shown(request, _("We will call you back as soon as somebody is free."))
        return _shown(request, _("We can't call you back for this report. Please call us or answer the mail."), 409)

    def _ask(self, connection: Connection, ticket_id: int, key: str, now: datetime) -> bool:
        if store.by_key(connection, key) is not None:
            return True
        ticket = self._engine.ticket(connection, ticket_id, lock=True)
        if ticket is None or ticket.state not in OPEN:
            return False
        desk, number = self._engine.desk(ticket.desk), number_of(connection, ticket)
        wish = Wish(key, number or "", number, ticket.id, ticket.customer, ticket.plan, ticket.language, "link")
        return callbacks.ask(connection, wish, desk, now) is None


def _shown(request: Request, words: str, status: int = 200, *, button: bool = False) -> Response:
    """One small page in the reader's language; no script, no picture."""
    spoken = (part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(","))
    language = locale.choose(spoken)
    say = locale.translator(language)
    ask = f'<form method="post"><button name="do" value="call">{escape(say(_("Call me back")))}</button></form>'
    page = (
        f'<!DOCTYPE html><html lang="{language}" dir="{locale.direction(language)}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>Presa</title>'
        f"<p>{escape(say(words))}</p>{ask if button else ''}</html>"
    )
    return secured(HTMLResponse(page, status), POLICY)
