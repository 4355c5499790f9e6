"""The page of the customers who wait to be called back: in the order in which they are served, with what was tried; one
button rings now, another says that it is done. Beside it the desk's agents, who come and go.

This module refuses to decide whose turn it is (`gateway.calls.callbacks`) and to hold SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection
from starlette.responses import Response

from gateway.calls import callbacks, waiting
from gateway.calls.callbacks import Wish
from gateway.calls.tolls import SAID
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.store import callbacks as store
from gateway.store import calls, jobs, tickets
from gateway.store import waiting as lines
from gateway.store.sight import may_see
from gateway.store.tickets import NewEntry
from gateway.web import views
from gateway.web.labels import mark as _
from gateway.web.rendering import redirect
from gateway.web.visits import MAY_NOT, ROWS, Draw, Handler, Refused, Visit
from routing import numbers
from routing.tickets import OPEN

STATES = {
    "waiting": _("Waits for their turn"),
    "ringing": _("Is being rung"),
    "talking": _("On the phone"),
    "done": _("Called back"),
    "given up": _("Given up"),
    "cancelled": _("Not needed any more"),
}
SOURCES = {
    "phone": _("by telephone"),
    "link": _("from a mail"),
    "api": _("by a program"),
    "console": _("in the console"),
    "proof": _("to prove a caller"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One request as the page shows it."""

    id: int
    at: datetime
    ticket: str
    customer: str
    number: str
    state: str
    words: str
    source: str
    attempts: int
    next_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class AgentRow:
    desk: str
    id: str
    name: str
    away: bool
    busy: bool


class CallbackPages:
    """`/callbacks` and its buttons."""

    def __init__(self, engine: Engine, draw: Draw) -> None:
        self._engine = engine
        self._database = engine.database
        self._draw = draw

    def pages(self) -> Iterable[tuple[str, Handler]]:
        return (("/callbacks", self.everybody),)

    def posts(self) -> Iterable[tuple[str, Handler]]:
        return (
            ("/callbacks", self.ask),
            ("/callbacks/agents/{desk}/{agent}", self.agent),
            ("/callbacks/{request}/{action}", self.act),
        )

    def everybody(self, visit: Visit) -> Response:
        def read(connection: Connection) -> tuple[list[Row], list[Row], list[AgentRow]]:
            return (
                self._rows(connection, visit, True),
                self._rows(connection, visit, False),
                self._agents(connection, visit.now),
            )

        live, over, agents = self._database.read(read)
        said = {"asked": _("They will be called back."), "now": _("They are rung now."), "done": _("Kept as done.")}
        done = said.get(visit.request.query_params.get("done", ""), "")
        values = {"live": live, "over": over, "agents": agents, "may": views.works(visit.user), "done": done}
        return self._draw(visit, "callbacks.html", values)

    def _rows(self, connection: Connection, visit: Visit, live: bool) -> list[Row]:
        found = store.listed(connection, ROWS, 0, live=live)
        seen = visit.user.sight
        heads = tickets.heads(connection, [one.ticket_id for one in found], self._engine.prefixes, seen)
        return [
            Row(
                one.id, one.at, heads[one.ticket_id].number if one.ticket_id in heads else "", one.customer or "",
                one.number, one.state, STATES.get(one.state, one.state), SOURCES.get(one.source, one.source),
                one.attempts, one.next_at, one.why or "",
            )
            for one in found
            if seen.everything or one.ticket_id is None or one.ticket_id in heads
        ]  # fmt: skip

    def _agents(self, connection: Connection, now: datetime) -> list[AgentRow]:
        rows = []
        for desk in self._engine.settings.desks.values():
            there = {one.id for one in waiting.agents(connection, desk)}
            busy = lines.busy(connection, desk.id, now) if desk.phone and desk.phone.agents else frozenset[str]()
            for one in desk.phone.agents.values() if desk.phone else ():
                rows.append(AgentRow(desk.id, one.id, one.name, one.id not in there, one.id in busy))
        return rows

    # Buttons ----------------------------------------------------------------------------------------------------

    def act(self, visit: Visit) -> Response:
        self._may(visit)
        request, action = visit.path("request"), visit.path("action")
        if not (request.isascii() and request.isdecimal() and len(request) < 16) or action not in ("now", "done"):
            raise Refused(404, _("There is no such request."))
        do = self._now if action == "now" else self._done
        self._database.write(lambda connection: do(connection, int(request), visit))
        return redirect(f"/callbacks?done={action}")

    def _now(self, connection: Connection, request: int, visit: Visit) -> None:
        one = self._living(connection, request)
        desk = self._engine.desk(one.desk)
        proof = one.mode == callbacks.PROOF  # asks one question, connects nobody and stays what it is
        if not proof and not (callbacks.served(desk) and waiting.is_staffed(desk, visit.now)):
            raise Permanent(
                _("Nobody of the desk can be connected now: it is closed or has no agents' telephones. Ring by hand.")
            )
        if one.state != "waiting":
            raise Permanent(_("They are being rung already."))
        wish = one if proof else replace(one, mode="now")
        callbacks.again(connection, wish, visit.now, visit.now, f"{visit.user.name}: call back now")

    def _done(self, connection: Connection, request: int, visit: Visit) -> None:
        one = self._living(connection, request)
        store.update(connection, one.id, state="done", why=f"by {visit.user.name}")
        told = NewEntry("call", visit.user.name, {"words": "the customer was called back by hand"})
        tickets.tell(connection, one.ticket_id, visit.now, told)
        jobs.hasten(connection, callbacks.job_of(one), one.ticket_id, visit.now)

    def _living(self, connection: Connection, request: int) -> store.StoredCallback:
        one = store.get(connection, request, lock=True)
        if one is None or one.state not in store.LIVE:
            raise Permanent(_("This request is closed already; load the page again."))
        return one

    def ask(self, visit: Visit) -> Response:
        """A request of the desk's own, for a ticket: at a number that is keyed in, or the ticket's."""
        self._may(visit)
        ticket_id = numbers.ticket_id(visit.form.get("ticket", ""))

        def write(connection: Connection) -> None:
            ticket = self._engine.ticket(connection, ticket_id, lock=True) if ticket_id else None
            hidden = ticket is not None and not may_see(connection, ticket.id, visit.user.sight)
            if ticket is None or hidden or ticket.state not in OPEN:
                raise Permanent(_("There is no open ticket with this number; check its digits."))
            number = visit.form.get("number", "").strip() or ticket.phone
            calls.alone(connection, f"callback:{ticket.id}")
            key = f"console:{ticket.id}:{visit.now.timestamp():.0f}"
            why = callbacks.ask(connection, Wish(
                key, f"console:{visit.user.login}", number, ticket.id, ticket.customer, ticket.plan, ticket.language,
                "console", visit.form.get("when") == "now",
            ), self._engine.desk(ticket.desk), visit.now)  # fmt: skip
            if why is not None:
                raise Permanent(visit.words.say(_("This number is not called back: ")) + SAID[why])

        self._database.write(write)
        return redirect("/callbacks?done=asked")

    def agent(self, visit: Visit) -> Response:
        self._may(visit)
        desk = self._engine.settings.desks.get(visit.path("desk"))
        if desk is None or desk.phone is None or visit.path("agent") not in desk.phone.agents:
            raise Refused(404, _("There is no such agent."))
        away = visit.form.get("away") == "1"
        self._database.write(lambda connection: waiting.set_away(connection, desk, visit.path("agent"), away))
        return redirect("/callbacks")

    def _may(self, visit: Visit) -> None:
        if not views.works(visit.user):
            raise Refused(403, MAY_NOT)
