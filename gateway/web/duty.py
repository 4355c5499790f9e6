"""The duty page: who is on call when, what is wrong with it, and the forms that change it; the secret calendars, and the
card with our numbers. The calendar feed itself asks for no session: its address is the secret.

This module refuses to decide who is on duty and to hold SQL.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import Permanent, Temporary
from gateway.paging.news import Said, Wish
from gateway.web import duty_figures, forms, views
from gateway.web.duty_chart import Chart
from gateway.web.duty_figures import FiguresView
from gateway.web.labels import mark as _
from gateway.web.rendering import FILE_POLICY, redirect, secured
from gateway.web.views import Choice, File, OnCallView, User
from gateway.web.visits import MAY_NOT, Draw, Handler, Refused, Visit

CHANGES = ("override", "swap", "absence", "undo")
FEEDS = ("feed", "unfeed")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "override": ("rota", "person", "start", "end", "reason"),
    "swap": ("one", "other", "reason"),
    "absence": ("person", "start", "end", "reason"),
    "undo": ("change",),
    "unfeed": ("feed",),
}
DONE = {
    "override": _("The override holds."),
    "swap": _("The two have changed shifts."),
    "absence": _("The absence is noted."),
    "undo": _("Taken back."),
    "unfeed": _("Nobody reads under that address any more."),
}

ANSWERS: Mapping[str, Wish] = {"accept": "accepted", "pass": "passed", "escalate": "escalated"}
BLANK = dict.fromkeys(("desk", "what", "rota", "person", "substitute", "start", "end", "one", "other", "reason"), "")

Tone = Literal["rota", "override", "gap"]


@dataclass(frozen=True, slots=True)
class Paged:
    """The newest page of a ticket, on its page. `rung`: those who can still pass it on; `told`: (name, what came of it) of
    every attempt."""

    state: Literal["open", "exhausted", "accepted"]
    at: datetime
    taker: str
    rung: tuple[Choice, ...]
    told: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a day. `at`: when it starts, None: with the day. `who`: a number by which one person is always drawn alike."""

    at: datetime | None
    name: str
    who: int
    tone: Tone


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar, from `at`, its midnight."""

    at: datetime
    state: Literal["past", "today", "coming"]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class RotaView:
    """A rota's weeks, Monday first."""

    id: str
    name: str
    weeks: tuple[tuple[Day, ...], ...]


@dataclass(frozen=True, slots=True)
class ShiftChoice:
    """A shift that may be swapped."""

    value: str
    start: datetime
    end: datetime
    name: str
    rota: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What somebody entered, or a calendar kept elsewhere (`id` "": nobody takes it back here)."""

    id: str
    kind: str
    name: str
    start: datetime
    end: datetime
    rota: str
    stands_in: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A secret calendar that somebody reads."""

    id: str
    name: str
    by: str
    at: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True)
class DutyView:
    """A desk's duty. `person` of the reader is nobody's business here: everybody sees the whole."""

    desk: str
    name: str
    zone: str
    troubles: tuple[str, ...]
    rotas: tuple[RotaView, ...]
    people: tuple[Choice, ...]
    shifts: tuple[ShiftChoice, ...]
    changes: tuple[ChangeRow, ...]
    feeds: tuple[FeedRow, ...]
    charts: tuple[Chart, ...]
    days: int


class DutyBook(Protocol):
    """What these pages need of the rest of Presa; all of it may block and raise Permanent."""

    def now_on(self, language: str) -> tuple[OnCallView, ...]:
        """Who is on call now, desk by desk."""

    def views(self, language: str) -> tuple[DutyView, ...]:
        """The duty of each desk that has one."""

    def figures(self, month: date | None, language: str) -> FiguresView:
        """A month of each desk that has a duty; None: the present one."""

    def change(self, desk: str, what: str, by: str, fields: Mapping[str, str], once: str) -> None:
        """One of CHANGES or unfeed. Times without an offset are on the desk's wall clock."""

    def open_feed(self, desk: str, person: str, by: str) -> str:
        """A new secret address of everybody's duty, or one person's."""

    def feed(self, secret: str) -> bytes | None:
        """What a calendar program reads under this secret; None when it is none of ours or no longer."""

    def answer(self, number: str, wish: Wish, user: User, person: str, reason: str, once: str) -> Said:
        """This user accepts the ticket's newest page, passes it on for that person (or themselves), or has the next rung."""

    def card(self) -> File:
        """The numbers we ring from, for an engineer's telephone."""


class DutyPages:
    """The handlers of these pages."""

    def __init__(self, duty: DutyBook, draw: Draw) -> None:
        self._duty = duty
        self._draw = draw

    def pages(self) -> Iterable[tuple[str, Handler]]:
        return (("/oncall", self.show), ("/oncall/figures", self.figures), ("/oncall/presa.vcf", self.card))

    def posts(self) -> Iterable[tuple[str, Handler]]:
        return (("/oncall/{desk}/{what}", self.act), ("/tickets/{number}/page/{what}", self.answer))

    def show(self, visit: Visit) -> Response:
        done = DONE.get(visit.request.query_params.get("done", ""), "")
        return self._show(visit, {}, done, "", 200)

    def _show(
        self, visit: Visit, typed: Mapping[str, str], done: str, said: str, status: int, secret: str = ""
    ) -> Response:
        language = visit.user.language
        values = {
            "desks": self._duty.now_on(language),
            "duty": () if "hx-request" in visit.request.headers else self._duty.views(language),
            "may": views.works(visit.user),
            "typed": {**BLANK, **typed},
            "blank": BLANK,
            "done": done,
            "said": said,
            "secret": secret,
            "once": secrets.token_urlsafe(16),
        }
        return self._draw(visit, "oncall.html", values, status)

    def figures(self, visit: Visit) -> Response:
        """A month's pages and duty; the present one when none is named."""
        asked = visit.request.query_params.get("month", "")
        month = duty_figures.month_of(asked) if asked else None
        if asked and month is None:
            raise Refused(404, _("There is no such month: write it as 2026-11."))
        return self._draw(visit, "figures.html", {"it": self._duty.figures(month, visit.user.language)})

    def act(self, visit: Visit) -> Response:
        what, desk = visit.path("what"), visit.path("desk")
        if what not in (*CHANGES, *FEEDS):
            raise Refused(404, _("There is no such page."))
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
        fields = {name: value.strip() for name, value in visit.form.items() if name not in ("csrf", "once")}
        try:
            if any(not fields.get(name) for name in NEEDED.get(what, ())):
                raise Permanent(_("Fill in every field: who, from when, until when, and why."))
            if what == "feed":
                secret = self._duty.open_feed(desk, fields.get("person", ""), visit.user.name)
                return self._show(visit, {}, "", "", 200, secret)
            self._duty.change(desk, what, visit.user.name, fields, forms.once(visit.form))
        except Permanent as error:
            return self._show(visit, {**fields, "desk": desk, "what": what}, "", error.public, 409)
        return redirect(f"/oncall?done={what}#duty-{quote(desk, safe='')}")

    def answer(self, visit: Visit) -> Response:
        """A page is accepted, passed on or escalated on its ticket's page."""
        wish, number = ANSWERS.get(visit.path("what")), visit.path("number")
        if wish is None:
            raise Refused(404, _("There is no such page."))
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
        reason = visit.form.get("reason", "").strip()
        if wish == "passed" and not reason:
            raise Permanent(_("Say why it is passed on."))
        said = self._duty.answer(number, wish, visit.user, visit.form.get("person", ""), reason, forms.once(visit.form))
        return redirect(f"/tickets/{quote(number, safe='')}?done=page-{said}#page")

    def card(self, visit: Visit) -> Response:
        return forms.download(self._duty.card(), "text/vcard; charset=utf-8")

    def feed(self, request: Request) -> Response:
        """Whoever knows the address may read it; anything else is not there."""
        secret = request.path_params["secret"]
        try:
            found = self._duty.feed(secret) if re.fullmatch(r"[A-Za-z0-9_-]{20,100}", secret) else None
        except Temporary as trouble:
            return secured(Response(trouble.public, 503, {"Retry-After": "60"}, "text/plain"), FILE_POLICY)
        if found is None:
            return secured(Response("There is no such calendar.", 404, media_type="text/plain"), FILE_POLICY)
        return secured(Response(found, media_type="text/calendar; charset=utf-8"), FILE_POLICY)
