"""Whose restricted tickets somebody may see: one value, and the condition by which every list leaves the others out.

A ticket is restricted when its customer may be served by some alone (``in-country``), or when it is in a restricted queue. It
stays so: only a restricted queue can have it next. Refuses to know who works in which team: `gateway.people.seeing` does.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.tables import tickets


@dataclass(frozen=True, slots=True)
class Sight:
    """`everything`: restricted tickets too; else those that stand in one of these `places` (desk, queue)."""

    everything: bool = True
    places: frozenset[tuple[str, str]] = frozenset()

    def sees(self, desk: str, queue: str, *, restricted: bool) -> bool:
        return self.everything or not restricted or (desk, queue) in self.places


ALL = Sight()


def shown(sight: Sight, ticket_id: sa.ColumnElement[int | None]) -> sa.ColumnElement[bool]:
    """May a row about this ticket be shown? A row about none may."""
    if sight.everything:
        return sa.true()
    return sa.or_(ticket_id.is_(None), ticket_id.not_in(sa.select(tickets.c.id).where(_hidden(sight))))


def visible(sight: Sight) -> sa.ColumnElement[bool]:
    """May a row of `tickets` be shown?"""
    return sa.true() if sight.everything else sa.not_(_hidden(sight))


def may_see(connection: Connection, ticket_id: int, sight: Sight) -> bool:
    """Also of a ticket that is not there: whoever asks for it hears just that."""
    if sight.everything:
        return True
    query = sa.select(tickets.c.id).where(tickets.c.id == ticket_id, _hidden(sight))
    return connection.execute(query).first() is None


def _hidden(sight: Sight) -> sa.ColumnElement[bool]:
    here = [sa.and_(tickets.c.desk == desk, tickets.c.queue == queue) for desk, queue in sorted(sight.places)]
    return sa.and_(tickets.c.restricted.is_(sa.true()), sa.not_(sa.or_(sa.false(), *here)))
