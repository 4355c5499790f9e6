"""Traces of reports and what they are found by, suggestions, merges: rows in, the values of `routing` out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import search
from gateway.store.prepared import Prepared
from gateway.store.tables import merges, suggestions, tickets, trace_keys, traces
from routing import facts
from routing.facts import Trace
from routing.faults import Sign
from routing.masking import stems
from routing.relate import Known
from routing.tickets import OPEN

EVERYBODY = ""  # keys that are looked for at all customers
LATEST, BY_KEY, BY_WORDS = 40, 20, 20
ASKED = 6  # words that full-text search is asked for

_OF = (
    sa.select(
        traces.c.id,
        traces.c.data,
        traces.c.at,
        traces.c.customer,
        traces.c.ticket_id,
        tickets.c.state,
        tickets.c.merged_into,
    )
    .join(tickets, tickets.c.id == traces.c.ticket_id)
    .where(traces.c.customer == sa.bindparam("customer"), traces.c.at > sa.bindparam("since", type_=traces.c.at.type))
)
_BY_ONE_KEY = Prepared(
    _OF.join(trace_keys, trace_keys.c.trace_id == traces.c.id)
    .where(trace_keys.c.customer == sa.bindparam("customer"), trace_keys.c.key == sa.bindparam("key"))
    .order_by(traces.c.id.desc())
    .limit(5)
)


def keep(connection: Connection, ticket_id: int, trace: Trace, signs: Iterable[str] = ()) -> None:
    """A report's trace, with what it is found by."""
    assert trace.customer is not None
    row = {"ticket_id": ticket_id, "customer": trace.customer, "at": trace.at, "data": facts.as_json(trace)}
    trace_id = connection.execute(sa.insert(traces).values(row).returning(traces.c.id)).scalar_one()
    keys = [(trace.customer, key) for key in facts.keys(trace)] + [(EVERYBODY, sign) for sign in signs]
    if keys:
        rows = [{"customer": customer, "key": key, "trace_id": trace_id} for customer, key in dict.fromkeys(keys)]
        connection.execute(sa.insert(trace_keys), rows)
    if trace.alert is None:
        search.keep(connection, trace_id, trace.customer, trace.stems)


def repeated(connection: Connection, customer: str, key: str, since: datetime) -> tuple[Known, ...]:
    """The newest reports of a customer under one key: the look-up before the promise."""
    rows = _BY_ONE_KEY.rows(connection, {"customer": customer, "key": key, "since": since})
    return tuple(_known(*row[1:]) for row in rows)


def known_to(connection: Connection, ticket_id: int) -> bool:
    """Has this ticket's report been related?"""
    return (
        connection.execute(sa.select(traces.c.id).where(traces.c.ticket_id == ticket_id).limit(1)).first() is not None
    )


def pool(connection: Connection, trace: Trace, since: datetime) -> tuple[tuple[Known, ...], tuple[str, ...]]:
    """The reports to compare one with, each once, and the tickets that full-text search gives, best first."""
    wanted = {"customer": trace.customer, "since": since}
    c = traces.c
    latest = connection.execute(_OF.order_by(c.at.desc()).limit(LATEST), wanted).all()
    rows = {row.id: row for row in latest}
    keys = facts.keys(trace)
    if keys:
        by_key = (
            sa.select(trace_keys.c.trace_id)
            .where(trace_keys.c.customer == trace.customer, trace_keys.c.key.in_(keys))
            .order_by(trace_keys.c.trace_id.desc())
            .limit(BY_KEY)
        )
        ids = [one for one in connection.execute(by_key).scalars() if one not in rows]
        rows |= {row.id: row for row in connection.execute(_OF.where(c.id.in_(ids)), wanted)} if ids else {}
    found: list[int] = []
    if trace.alert is None and not trace.me_too:
        found = list(
            search.find(connection, trace.customer or "", _rare(trace, [row.data for row in latest]), BY_WORDS)
        )
        older = [one for one in found if one not in rows]
        ever = {**wanted, "since": facts.EVER}
        rows |= {row.id: row for row in connection.execute(_OF.where(c.id.in_(older)), ever)} if older else {}
    every = {key: _known(*row[1:]) for key, row in rows.items()}
    return tuple(every.values()), tuple(dict.fromkeys(every[one].root for one in found if one in every))


def _rare(trace: Trace, latest: Sequence[Mapping[str, Any]]) -> list[str]:
    """The words that say the most: those that the fewest of the customer's latest reports have."""
    counted = Counter(stem for data in latest for stem in stems(data.get("words", ())))
    return sorted(trace.stems, key=lambda stem: (counted[stem], stem))[:ASKED]


def _known(
    data: Mapping[str, Any], at: datetime, customer: str, ticket_id: int, state: str, merged_into: int | None
) -> Known:
    root = merged_into or ticket_id
    over = state not in OPEN and merged_into is None
    return Known(facts.from_json({**data, "id": str(root)}, at, customer), str(root), closed=over)


def signs(connection: Connection, wanted: Sequence[str], since: datetime) -> tuple[Sign, ...]:
    """Reports of any customer with one of these signs, oldest first."""
    query = (
        sa.select(traces.c.ticket_id, traces.c.at, traces.c.customer, trace_keys.c.key)
        .join(traces, traces.c.id == trace_keys.c.trace_id)
        .where(trace_keys.c.customer == EVERYBODY, trace_keys.c.key.in_(wanted), traces.c.at > since)
        .order_by(traces.c.at, traces.c.id)
        .limit(500)
    )
    return tuple(
        Sign(str(ticket), at, customer, frozenset((key,))) for ticket, at, customer, key in connection.execute(query)
    )


def alerts_since(connection: Connection, ticket_id: int, since: datetime) -> int:
    """How many events of a monitoring system came to a ticket after an instant."""
    query = (
        sa.select(sa.func.count(sa.distinct(traces.c.id)))
        .join(trace_keys, trace_keys.c.trace_id == traces.c.id)
        .where(traces.c.ticket_id == ticket_id, traces.c.at > since, trace_keys.c.key.startswith("alert:"))
    )
    return int(connection.execute(query).scalar_one())


def forget(connection: Connection, ticket_id: int) -> None:
    """What a ticket's reports said is gone."""
    search.forget(connection, ticket_id)
    mine = sa.select(traces.c.id).where(traces.c.ticket_id == ticket_id)
    connection.execute(sa.delete(trace_keys).where(trace_keys.c.trace_id.in_(mine)))
    connection.execute(sa.delete(traces).where(traces.c.ticket_id == ticket_id))
    said = sa.or_(suggestions.c.ticket_id == ticket_id, suggestions.c.other_id == ticket_id)
    connection.execute(sa.delete(suggestions).where(said))
    joined = sa.or_(merges.c.ticket_id == ticket_id, merges.c.into_id == ticket_id)
    connection.execute(sa.update(merges).where(joined).values(why=[]))


# Suggestions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A ticket that another one may repeat, and why."""

    other_id: int
    why: tuple[str, ...]


def suggest(connection: Connection, ticket_id: int, found: Sequence[Suggestion]) -> None:
    """The suggestions of a ticket, best first, instead of those it had."""
    connection.execute(sa.delete(suggestions).where(suggestions.c.ticket_id == ticket_id))
    rows = [
        {"ticket_id": ticket_id, "other_id": one.other_id, "rank": rank, "why": list(one.why)}
        for rank, one in enumerate(found)
        if one.other_id != ticket_id
    ]
    if rows:
        connection.execute(sa.insert(suggestions), rows)


def suggested(connection: Connection, ticket_id: int) -> tuple[Suggestion, ...]:
    query = sa.select(suggestions.c.other_id, suggestions.c.why).where(suggestions.c.ticket_id == ticket_id)
    return tuple(Suggestion(other, tuple(why)) for other, why in connection.execute(query.order_by(suggestions.c.rank)))


def dismiss(connection: Connection, ticket_id: int, other_id: int) -> None:
    connection.execute(
        sa.delete(suggestions).where(suggestions.c.ticket_id == ticket_id, suggestions.c.other_id == other_id)
    )


# Merges ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merge:
    """One joining. `before`: what undoing it puts back."""

    id: int
    ticket_id: int
    into_id: int
    at: datetime
    by: str
    why: tuple[str, ...]
    before: Mapping[str, Any]


_MERGES = sa.select(
    merges.c.id, merges.c.ticket_id, merges.c.into_id, merges.c.at, merges.c.by, merges.c.why, merges.c.before
).where(merges.c.undone_at.is_(None))


def merge(
    connection: Connection,
    ticket_id: int,
    into_id: int,
    at: datetime,
    by: str,
    why: Sequence[str],
    before: Mapping[str, Any],
) -> None:
    row = {"ticket_id": ticket_id, "into_id": into_id, "at": at, "by": by, "why": list(why), "before": dict(before)}
    connection.execute(sa.insert(merges).values(row))


def merge_of(connection: Connection, ticket_id: int) -> Merge | None:
    """The joining that holds for a ticket."""
    row = connection.execute(
        _MERGES.where(merges.c.ticket_id == ticket_id).order_by(merges.c.id.desc()).limit(1)
    ).first()
    return None if row is None else _merge(row)


def merged_into(connection: Connection, ticket_id: int) -> tuple[Merge, ...]:
    """What was joined into a ticket."""
    rows = connection.execute(_MERGES.where(merges.c.into_id == ticket_id).order_by(merges.c.id))
    return tuple(_merge(row) for row in rows)


def undo(connection: Connection, merge_id: int, at: datetime, by: str) -> None:
    connection.execute(sa.update(merges).where(merges.c.id == merge_id).values(undone_at=at, undone_by=by))


def _merge(row: Any) -> Merge:
    return Merge(row.id, row.ticket_id, row.into_id, row.at, row.by, tuple(row.why), row.before)
