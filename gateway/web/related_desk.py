"""The tickets around a ticket, and wider faults, as the console's pages need them: rows to views, forms to actions."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.store import faults, presence, traces, users
from gateway.store.sight import Sight, may_see
from gateway.tickets import merging, wider, work
from gateway.web.related import FaultRow, Other, RelatedView, StaffRow
from gateway.web.views import User
from routing import numbers
from routing.tickets import Ticket


class RelatedDesk:
    """`gateway.web.related.RelatedTickets` for one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database

    def act(self, number: str, what: str, user: User, fields: Mapping[str, str], once: str) -> None:
        ticket_id, now, by = numbers.ticket_id(number), self._database.clock.now(), user.name

        def write(connection: Connection) -> None:
            ticket = self._engine.ticket(connection, ticket_id, lock=True) if ticket_id else None
            if ticket is None:
                raise Permanent(f"{number} is no ticket's number; look for it in the list")
            if not users.first_time(connection, once, now):
                return
            other = fields.get("number", "")
            if not may_see(connection, numbers.ticket_id(other) or 0, user.sight):
                raise Permanent(f"there is no ticket {other}; write the number of another ticket")
            match what:
                case "merge":
                    merging.merge(connection, self._engine, ticket, other, by=by, at=now)
                case "unmerge":
                    merging.unmerge(connection, self._engine, ticket, by=by, at=now)
                case "not":
                    traces.dismiss(connection, ticket.id, numbers.ticket_id(other) or 0)
                case "child":
                    wider.join(connection, self._engine, ticket, other, by=by, at=now)
                case "leave":
                    wider.leave(connection, ticket, by=by, at=now)
                case "update":
                    work.update_children(connection, self._engine, ticket, work.Act(ticket.id, by, now, fields))

        self._database.write(write)

    def staff(self) -> tuple[StaffRow, ...]:
        staff = [(desk, one) for desk in self._engine.settings.desks.values() for one in desk.staff.values()]
        names = {one.id: one.name for _, one in staff}
        hands = self._database.read(lambda connection: presence.of(connection, names)) if names else {}
        return tuple(
            StaffRow(one.id, one.name, desk.id, ", ".join(sorted(one.teams)), hands[one.id].open, hands[one.id].away)
            for desk, one in staff
        )

    def away(self, login: str, *, gone: bool) -> None:
        self._database.write(lambda connection: presence.set_away(connection, login, gone=gone))

    def faults(self, limit: int, sight: Sight) -> tuple[FaultRow, ...]:
        def read(connection: Connection) -> tuple[FaultRow, ...]:
            rows = []
            for one in faults.latest(connection, limit):
                parent = self._engine.ticket(connection, one.ticket_id) if one.ticket_id else None
                members = self._others(connection, faults.tickets_of(connection, one.id), sight)
                rows.append(
                    FaultRow(
                        str(one.id),
                        one.at,
                        wider.said(one.sign),
                        one.state,
                        members,
                        one.by or "",
                        parent.number if parent else "",
                    )
                )
            return tuple(rows)

        return self._database.read(read)

    def decide(self, fault: int, what: str, by: str) -> str:
        def write(connection: Connection) -> str:
            if what == "confirm":
                return wider.confirm(connection, self._engine, fault, by).number
            wider.dismiss(connection, self._engine, fault, by)
            return ""

        return self._database.write(write)

    def _others(self, connection: Connection, ids: Iterable[int], sight: Sight) -> tuple[Other, ...]:
        found = (self._engine.ticket(connection, one) for one in ids)
        return tuple(_other(one) for one in found if one is not None and _seen(one, sight))


def view(connection: Connection, engine: Engine, ticket: Ticket, sight: Sight) -> RelatedView:
    """The tickets around one, of those that may be seen."""

    def other(ticket_id: int | None, why: tuple[str, ...] = ()) -> Other | None:
        found = engine.ticket(connection, ticket_id) if ticket_id else None
        if found is None or not _seen(found, sight):
            return None
        return _other(found, why, fault=faults.is_parent(connection, found.id))

    def others(pairs: Iterable[tuple[int, tuple[str, ...]]]) -> tuple[Other, ...]:
        return tuple(one for found, why in pairs if (one := other(found, why)) is not None)

    merged = traces.merged_into(connection, ticket.id)
    into = traces.merge_of(connection, ticket.id) if ticket.merged_into else None
    is_fault = ticket.customer is None and faults.is_parent(connection, ticket.id)
    suggestions = others((one.other_id, one.why) for one in traces.suggested(connection, ticket.id))
    return RelatedView(
        () if ticket.merged_into else suggestions,
        others((one.ticket_id, one.why) for one in merged),
        other(ticket.merged_into, into.why if into else ()),
        other(ticket.parent),
        others((one, ()) for one in faults.children(connection, ticket.id)) if is_fault else (),
        is_fault,
    )


def _seen(ticket: Ticket, sight: Sight) -> bool:
    return sight.sees(ticket.desk, ticket.queue, restricted=ticket.restricted)


def _other(ticket: Ticket, why: tuple[str, ...] = (), *, fault: bool = False) -> Other:
    return Other(ticket.number, ticket.subject, ticket.state, why, fault)
