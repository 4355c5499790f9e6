"""Signing in: a paced form, a session cookie, and words that never say which half was wrong.

This module refuses to know what lies behind the door.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import anyio
from anyio import to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gateway import locale
from gateway.web import forms, sessions
from gateway.web.backend import Backend
from gateway.web.labels import mark as _
from gateway.web.rendering import Pages, Words, redirect, secured
from gateway.web.views import User

COOKIE = "presa_session"
LOGIN_COOKIE = "presa_login"


@dataclass(frozen=True, slots=True)
class Hint:
    """A login of the demo, shown on its sign-in page."""

    login: str
    password: str
    role: str


@dataclass(frozen=True, slots=True)
class Settings:
    """demo: say so in the footer and show the outbox. secure: cookies travel only over TLS (any public address)."""

    demo: bool = False
    secure: bool = True
    hints: tuple[Hint, ...] = ()


class Door:
    """The sign-in page and what it opens."""

    def __init__(
        self,
        backend: Backend,
        settings: Settings,
        pages: Pages,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._settings = settings
        self._pages = pages
        self._sleep = sleep
        self._pace = sessions.Pace(clock)
        # Looking at a password takes memory and time on purpose: never more than two at once.
        self._lookers = anyio.CapacityLimiter(2)

    async def page(self, request: Request) -> Response:
        return await run_in_threadpool(self._form, request, "", "", 200)

    async def enter(self, request: Request) -> Response:
        try:
            form = await forms.read(request)
        except forms.Unreadable as error:
            return secured(Response(str(error), status_code=error.status, media_type="text/plain"))
        login = form.get("login", "")
        status, said, user = 403, _("This form is out of date. Try again."), None
        if forms.is_ours(request, request.cookies.get(LOGIN_COOKIE, ""), form):
            status, said, user = await self._try(login, form.get("password", ""))
        if user is None:
            return await run_in_threadpool(self._form, request, login, said, status)
        return await run_in_threadpool(self._open, user, request.query_params.get("next", "/"))

    async def _try(self, login: str, password: str) -> tuple[int, str, User | None]:
        wait = self._pace.wait(login)
        if wait is None:
            return 429, _("Too many tries. Wait a minute, then try again."), None
        if wait:
            await self._sleep(wait)
        user = await to_thread.run_sync(self._whose, login, password, limiter=self._lookers)
        if user is None:
            return 401, _("Login or password is not right."), None
        self._pace.right(login)
        return 200, "", user

    def _whose(self, login: str, password: str) -> User | None:
        user = self._backend.user(login.strip())
        right = sessions.verify_password(user.password if user else "", password)
        return user if right else None

    def _open(self, user: User, wanted: str) -> Response:
        token = sessions.new_token()
        self._backend.open_session(sessions.fingerprint(token), user.login)
        response = redirect(_inside(wanted))
        self._set_cookie(response, COOKIE, token, "/")
        response.delete_cookie(LOGIN_COOKIE, path="/login")
        return response

    def _form(self, request: Request, login: str, said: str, status: int) -> Response:
        token = request.cookies.get(LOGIN_COOKIE, "") or sessions.new_token()
        spoken = (part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(","))
        now = self._backend.now()
        values = {
            "csrf": sessions.form_token(token),
            "login": login,
            "said": said,
            "next": _inside(request.query_params.get("next", "/")),
            "hints": self._settings.hints if self._settings.demo else (),
        }
        response = self._pages.draw(
            "login.html", Words(locale.choose(spoken, locale.CONSOLE), "UTC", now), values, status
        )
        self._set_cookie(response, LOGIN_COOKIE, token, "/login")
        return response

    def _set_cookie(self, response: Response, name: str, value: str, path: str) -> None:
        response.set_cookie(name, value, path=path, httponly=True, samesite="lax", secure=self._settings.secure)


def turned_away(request: Request) -> Response:
    """The answer to a request without a session: the sign-in page, which leads back to where one wanted to go."""
    if "hx-request" in request.headers:
        # A fragment can't be a sign-in page: the browser is told to load the whole page again.
        return secured(Response(status_code=401, headers={"HX-Refresh": "true"}))
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET" or wanted == "/":
        return redirect("/login")
    return redirect("/login?" + urlencode({"next": wanted}))


def _inside(wanted: str) -> str:
    """A path of this console, or its front page: never another site's address (//host, /\\host, scheme:)."""
    return wanted if re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", wanted) else "/"
