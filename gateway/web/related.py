"""What a ticket has to do with others, and wider faults: the card on the ticket's page, the list of faults, and their forms.

Every joining is a form, and so is its undoing. This module refuses to decide and to hold SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from starlette.responses import Response

from gateway.store.sight import Sight
from gateway.web import forms, views
from gateway.web.labels import mark as _
from gateway.web.rendering import redirect
from gateway.web.views import User
from gateway.web.visits import MAY_NOT, ROWS, Draw, Handler, Refused, Visit

DOES = ("merge", "unmerge", "not", "child", "leave", "update")
DECIDES = ("confirm", "dismiss")
INCIDENT_MANAGERS = ("admin", "supervisor")


@dataclass(frozen=True, slots=True)
class Other:
    """Another ticket beside this one. `why`: what speaks for it. `state`: its own."""

    number: str
    subject: str
    state: str
    why: tuple[str, ...] = ()
    fault: bool = False


@dataclass(frozen=True, slots=True)
class RelatedView:
    """The tickets around one. `into`: where it was merged; `parent`: the wider fault it is part of."""

    suggestions: tuple[Other, ...] = ()
    merged: tuple[Other, ...] = ()
    into: Other | None = None
    parent: Other | None = None
    children: tuple[Other, ...] = ()
    is_fault: bool = False


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One proposed or decided fault. `said`: its trouble in words."""

    id: str
    at: datetime
    said: str
    state: str
    tickets: tuple[Other, ...]
    by: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class StaffRow:
    """Somebody who can be given tickets."""

    login: str
    name: str
    desk: str
    teams: str
    open: int
    away: bool


class RelatedTickets(Protocol):
    """What these pages need of the rest of Presa; all of it may block and raise Permanent."""

    def act(self, number: str, what: str, user: User, fields: Mapping[str, str], once: str) -> None:
        """One of DOES, on that ticket."""

    def faults(self, limit: int, sight: Sight) -> tuple[FaultRow, ...]:
        """The newest first, with those of their tickets that may be seen."""

    def staff(self) -> tuple[StaffRow, ...]:
        """Everybody who can be given tickets, and how they stand."""

    def away(self, login: str, *, gone: bool) -> None:
        """Somebody leaves, or is back."""

    def decide(self, fault: int, what: str, by: str) -> str:
        """One of DECIDES; returns the parent's number when there is one."""


class RelatedPages:
    """The handlers of these pages."""

    def __init__(self, related: RelatedTickets, draw: Draw) -> None:
        self._related = related
        self._draw = draw

    def pages(self) -> Iterable[tuple[str, Handler]]:
        return (("/faults", self.faults), ("/staff", self.staff))

    def posts(self) -> Iterable[tuple[str, Handler]]:
        return (
            ("/tickets/{number}/related/{what}", self.act),
            ("/faults/{fault}/{what}", self.decide),
            ("/staff/{login}/{what}", self.presence),
        )

    def staff(self, visit: Visit) -> Response:
        values = {
            "rows": self._related.staff(),
            "may": views.works(visit.user),
            "all": visit.user.role in INCIDENT_MANAGERS,
        }
        return self._draw(visit, "staff.html", values)

    def presence(self, visit: Visit) -> Response:
        """Everybody says of themselves whether they are there; whoever leads a desk says it of anybody."""
        login, what = visit.path("login"), visit.path("what")
        if what not in ("away", "back") or login not in {row.login for row in self._related.staff()}:
            raise Refused(404, _("There is no such page."))
        if not views.works(visit.user) or (login != visit.user.login and visit.user.role not in INCIDENT_MANAGERS):
            raise Refused(403, MAY_NOT)
        self._related.away(login, gone=what == "away")
        return redirect("/staff")

    def act(self, visit: Visit) -> Response:
        what, number = visit.path("what"), visit.path("number")
        if what not in DOES:
            raise Refused(404, _("There is no such page."))
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
        fields = {name: value.strip() for name, value in visit.form.items() if name not in ("csrf", "once")}
        self._related.act(number, what, visit.user, fields, forms.once(visit.form))
        return redirect(f"/tickets/{quote(number, safe='')}")

    def faults(self, visit: Visit) -> Response:
        values = {"rows": self._related.faults(ROWS, visit.user.sight), "may": visit.user.role in INCIDENT_MANAGERS}
        return self._draw(visit, "faults.html", values)

    def decide(self, visit: Visit) -> Response:
        what, fault = visit.path("what"), visit.path("fault")
        if what not in DECIDES or not re.fullmatch(r"[0-9]{1,18}", fault):
            raise Refused(404, _("There is no such page."))
        if visit.user.role not in INCIDENT_MANAGERS:
            raise Refused(403, MAY_NOT)
        parent = self._related.decide(int(fault), what, visit.user.name)
        return redirect(f"/tickets/{quote(parent, safe='')}" if parent else "/faults")
