"""`GET /in/oncall`: who is on duty at an instant, for programs; by the function that rings, shows and exports it.

Refuses to change anything (`presa oncall`, the console).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request

from gateway.engine import Engine
from gateway.oncall import duty
from gateway.web.reports_in import Refused
from routing import coverage, oncall
from routing.desk import Desk
from routing.oncall import OnCall
from routing.rotas import Rota

SCOPE = "oncall"
MOST_DAYS = 92
USUAL_DAYS = 30
NEXT = 5  # hand-offs of a rota
ONCALL: dict[str, Any] = {
    "parameters": [
        {"name": "at", "in": "query", "schema": {"type": "string", "format": "date-time"}, "description": "now without"},
        {"name": "desk", "in": "query", "schema": {"type": "string"}, "description": "all that have a duty without"},
        {"name": "days", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
         "description": f"how far ahead hand-offs and gaps are looked for; {USUAL_DAYS} without"},
    ],
    "security": [{"bearer": []}],
}  # fmt: skip
Standing = Callable[[str | None, datetime | None, int], Mapping[str, Any]]


def asked(request: Request) -> tuple[str | None, datetime | None, int]:
    """Which desk, when and how far ahead. Raises Refused that names the parameter."""
    given = request.query_params
    at, days = None, given.get("days", str(USUAL_DAYS))
    if text := given.get("at"):
        try:
            at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that nobody escaped
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise Refused(422, "at: no instant; write it as 2026-11-25T22:00:00+01:00, its plus as %2B")
    if not (days.isascii() and days.isdecimal() and 1 <= int(days[:9]) <= MOST_DAYS):
        raise Refused(422, f"days: not a number from 1 to {MOST_DAYS}")
    return given.get("desk"), at, int(days)


def standing(engine: Engine) -> Standing:
    """What the door answers, over this engine."""

    def answer(desk: str | None, at: datetime | None, days: int) -> Mapping[str, Any]:
        having = {name: one for name, one in engine.settings.desks.items() if one.on_call is not None}
        if desk is not None and desk not in having:
            raise Refused(422, f"desk: {desk[:100]} has no duty; there is {', '.join(having) or 'none'}")
        when = at or engine.database.clock.now()
        wanted = [having[desk]] if desk is not None else list(having.values())
        found = engine.database.read(lambda connection: [_desk(connection, one, when, days) for one in wanted])
        return {"at": when.isoformat(), "desks": found}

    return answer


def _desk(connection: Connection, desk: Desk, at: datetime, days: int) -> Mapping[str, Any]:
    on_call = duty.duty(connection, desk, at - timedelta(days=1))
    assert on_call is not None
    until = at + timedelta(days=days)
    changes = coverage.handoffs(on_call, at, until, duty.LONGEST)
    gaps = oncall.gaps(on_call, at, until, coverage.needed(desk, at, until))
    return {
        "desk": desk.id,
        "zone": desk.zone,
        "chain": oncall.as_json(oncall.chain(on_call, at)),
        "rotas": [
            {
                "rota": rota.id,
                "name": rota.name or rota.id,
                "levels": [level for level, serves in on_call.levels.items() if serves == rota.id],
                **_on_duty(on_call, rota, at),
                "next": [
                    {"at": one.at.isoformat(), "leaves": one.leaves, "comes": one.comes, "until": one.until.isoformat()}
                    for one in changes
                    if one.rota == rota.id
                ][:NEXT],
                "gaps": [
                    {
                        "from": gap.start.isoformat(),
                        "to": gap.end.isoformat(),
                        "reason": gap.reason,
                        "person": gap.person,
                    }
                    for gap in gaps
                    if gap.rota == rota.id
                ],
            }
            for rota in on_call.rotas.values()
        ],
    }


def _on_duty(on_call: OnCall, rota: Rota, at: datetime) -> Mapping[str, Any]:
    """Who is on duty in this rota then; nobody: null."""
    who = oncall.on_duty(rota, at, on_call.away)
    someone = on_call.people.get(who[0]) if who else None
    return {
        "person": who[0] if who else None,
        "person_name": someone.name if someone else None,
        "number": someone.number if someone else None,
        "source": who[1] if who else None,
    }
