"""The web door: the console, the phone's webhooks, readiness. Puts routes together; refuses to have any of its own
logic.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp

from gateway.web import console
from gateway.web.backend import Backend
from gateway.web.callbacks import CallbackPages
from gateway.web.cards import Cards
from gateway.web.duty import DutyBook
from gateway.web.held import HeldMails
from gateway.web.phone_page import PhonePages
from gateway.web.related import RelatedTickets
from gateway.web.visits import Draw
from routing.desk import Desk


@dataclass(slots=True)
class Web:
    """What the rest of the process tells the web door: whether all doors answer, and that the house is closing."""

    ready: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def make_app(
    state: Web,
    backend: Backend,
    settings: console.Settings,
    phone: Sequence[BaseRoute],
    alive: Executor,
    *,
    held: HeldMails | None = None,
    cards: Cards | None = None,
    related: RelatedTickets | None = None,
    duty: DutyBook | None = None,
    telephone: Callable[[Draw], PhonePages] | None = None,
    callbacks: Callable[[Draw], CallbackPages] | None = None,
    desks: Mapping[str, Desk] = MappingProxyType({}),
    templates: Mapping[str, tuple[Path, ...]] = MappingProxyType({}),
    incoming: ASGIApp | None = None,
    simulated: APIRouter | None = None,
) -> ASGIApp:
    """The ASGI application. `phone`: the carrier's routes; `incoming`: the doors for programs, mounted under /in;
    `simulated`: the demo's telephones, mounted under /simulated.
    """
    app = FastAPI(title="Presa", docs_url=None, redoc_url=None, openapi_url=None)

    async def ready(_: Request) -> Response:
        """200 once all doors answer and the database does."""
        if not state.ready:
            return JSONResponse({"ready": False, "why": "the doors are not open yet"}, 503)
        try:
            await asyncio.get_running_loop().run_in_executor(alive, backend.now)
        except Exception:  # the door's edge: whatever it is, we are not ready
            return JSONResponse({"ready": False, "why": "the database does not answer"}, 503)
        return JSONResponse({"ready": True})

    app.router.routes.append(Route("/ready", ready, methods=["GET"]))
    if incoming is not None:
        app.mount("/in", incoming)
    if simulated is not None:
        app.include_router(simulated, prefix="/simulated")
    app.include_router(
        console.router(
            backend,
            settings,
            held=held,
            cards=cards,
            related=related,
            duty=duty,
            telephone=telephone,
            callbacks=callbacks,
            desks=desks,
            templates=templates,
        )
    )
    # Callers wait for each answer, and FastAPI's way to it costs as much as the answer: the phone is asked first.
    nothing = Route("/phone/{rest:path}", PlainTextResponse("There is no such address; nothing was done.", 404))
    return Router(phone, default=Router([nothing], default=app, redirect_slashes=False), redirect_slashes=False)
