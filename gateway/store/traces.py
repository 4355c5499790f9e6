"""Traces of reports and what they are found by, suggestions, merges: rows in, the values of `routing` out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import search
from gateway.store.prepared import Prepared
from gateway.store.search import exactly
from gateway.store.tables import BY_PEOPLE, Json, merges, suggestions, tickets, trace_keys, traces
from routing import facts, shortlist
from routing.facts import Trace
from routing.faults import Sign
from routing.pool import BY_KEY, LATEST
from routing.relate import Known, Rarity
from routing.shortlist import Candidate
from routing.tickets import OPEN

EVERYBODY = ""  # keys that are looked for at all customers
FEW = 10  # reports found by words from which no further question is asked
KEYS = 8  # of a report that are looked up: its text, and the first objects that it names

_CUSTOMER = sa.bindparam("customer", type_=sa.Text())
# As a sub-select: PostgreSQL makes one plan for all instants, where it would plan anew for each one that it sees.
_SINCE = sa.select(sa.bindparam("since", type_=traces.c.at.type)).scalar_subquery()
_ROOT = sa.func.coalesce(tickets.c.merged_into, tickets.c.id)
_SKETCHES = sa.select(traces.c.id, _ROOT.label("root"), traces.c.at, traces.c.sketch).join(
    tickets, tickets.c.id == traces.c.ticket_id
)
_LATEST = _SKETCHES.where(traces.c.customer == _CUSTOMER, BY_PEOPLE).order_by(traces.c.at.desc()).limit(exactly(LATEST))


def _newest(key: str, limit: int) -> sa.Subquery:
    """The newest traces under one key: the index gives them backwards, however many there are."""
    mine = sa.and_(trace_keys.c.customer == _CUSTOMER, trace_keys.c.key == sa.bindparam(key))
    found = sa.select(trace_keys.c.trace_id).where(mine).order_by(trace_keys.c.trace_id.desc()).limit(exactly(limit))
    return found.subquery()


_BY_KEYS = (
    _SKETCHES.join(
        named := sa.union(*(sa.select(_newest(f"key{n}", BY_KEY // 2).c.trace_id) for n in range(KEYS))).subquery(),
        named.c.trace_id == traces.c.id,
    )
    .where(traces.c.customer == _CUSTOMER, traces.c.at > _SINCE)
    .order_by(traces.c.id.desc())
    .limit(exactly(BY_KEY))
)
_RECENT = Prepared(sa.union_all(*(sa.select(one.subquery()) for one in (_LATEST, _BY_KEYS))))
_BY_WORDS = Prepared(
    {
        kind: _SKETCHES.join(hits, hits.c.id == traces.c.id).where(traces.c.customer == _CUSTOMER)
        for kind, hits in search.HITS.items()
    }
)
_FULL = (
    sa.select(traces.c.id, traces.c.data, traces.c.at, traces.c.customer, _ROOT.label("root"), tickets.c.state)
    .add_columns(tickets.c.merged_into)
    .join(tickets, tickets.c.id == traces.c.ticket_id)
)


def _by_one_key(limit: int) -> sa.Select[Any]:
    only = _newest("key", limit)
    return (
        _FULL.join(only, only.c.trace_id == traces.c.id)
        .where(traces.c.customer == _CUSTOMER, traces.c.at > _SINCE)
        .order_by(traces.c.id.desc())
    )


_BY_ONE_KEY = _by_one_key(5)
_REPEATED = Prepared(_BY_ONE_KEY)
_ALERTS = Prepared(_by_one_key(30))  # of one host, with several things in trouble by turns
_THESE: Mapping[str, Any] = {
    "sqlite": _FULL.where(
        traces.c.id.in_(sa.select(sa.column("value")).select_from(sa.func.json_each(sa.bindparam("ids", type_=Json()))))
    ),
    "postgresql": _FULL.where(traces.c.id == sa.func.any(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger())))),
}
_IN_FULL = Prepared({kind: sa.union_all(these, sa.select(_BY_ONE_KEY.subquery())) for kind, these in _THESE.items()})
_KEEP = Prepared({"sqlite": sa.insert(traces), "postgresql": sa.insert(traces).returning(traces.c.id)})
_KEEP_KEYS = Prepared(sa.insert(trace_keys))


@dataclass(frozen=True, slots=True)
class Pool:
    """What a report is compared with. `found`: the tickets that full-text search gave, best first."""

    known: tuple[Known, ...]
    found: tuple[str, ...]
    rarity: Rarity


def keep(connection: Connection, ticket_id: int, trace: Trace, signs: Iterable[str] = ()) -> None:
    """A report's trace, with what it is found by."""
    assert trace.customer is not None
    row = {
        "ticket_id": ticket_id, "customer": trace.customer, "at": trace.at, "machine": trace.alert is not None,
        "sketch": shortlist.as_json(shortlist.sketch(trace)), "data": facts.as_json(trace),
    }  # fmt: skip
    trace_id = _KEEP.insert(connection, row)
    keys = [(trace.customer, key) for key in facts.keys(trace)] + [(EVERYBODY, sign) for sign in signs]
    if keys:
        rows = [{"customer": customer, "key": key, "trace_id": trace_id} for customer, key in dict.fromkeys(keys)]
        _KEEP_KEYS.run_all(connection, rows)
    if trace.alert is None:
        search.keep(connection, trace_id, trace.customer, shortlist.telling(trace))


def repeated(connection: Connection, customer: str, key: str, since: datetime) -> tuple[Known, ...]:
    """The newest reports of a customer under one key: the look-up before the promise."""
    asked = _ALERTS if key.startswith(facts.ALERT) else _REPEATED
    rows = asked.rows(connection, {"customer": customer, "key": key, "since": since})
    return tuple(_known(*row[1:]) for row in rows)


def ended(connection: Connection, customer: str, since: datetime) -> tuple[Known, ...]:
    """A customer's newest reports that say that a trouble is over: nothing may be joined across them."""
    return repeated(connection, customer, facts.OVER, since)


def known_to(connection: Connection, ticket_id: int) -> bool:
    """Has this ticket's report been related?"""
    return (
        connection.execute(sa.select(traces.c.id).where(traces.c.ticket_id == ticket_id).limit(1)).first() is not None
    )


def pool(connection: Connection, trace: Trace, since: datetime) -> Pool:
    """The reports to compare one with: the latest, those under its keys, those found by its words, and of all these the ones
    whose sketches are worth reading in full."""
    assert trace.customer is not None
    keys = facts.keys(trace)
    if trace.alert is not None:
        return Pool(repeated(connection, trace.customer, keys[0], since), (), shortlist.rarity(()))
    wanted: dict[str, Any] = {"customer": trace.customer, "since": since}
    named = {f"key{n}": key for n, key in zip(range(KEYS), (*keys, *[""] * KEYS), strict=False)}
    every = {one.id: one for one in _candidates(_RECENT.rows(connection, wanted | named))}
    latest = sorted(every.values(), key=lambda one: one.at, reverse=True)[:LATEST]
    by_words = [] if trace.me_too else _by_words(connection, trace, latest)
    every |= {one.id: one for one in by_words}
    rare = shortlist.rarity(every.values())
    found = shortlist.by_words(trace, by_words, rare)
    ids = shortlist.shortlist(trace, tuple(every.values()), rare, [one.id for one in found])
    known = _in_full(connection, wanted, ids)
    roots = {one.root for one in known}
    return Pool(known, tuple(dict.fromkeys(one.root for one in found if one.root in roots)), rare)


def _by_words(connection: Connection, trace: Trace, latest: Sequence[Candidate]) -> list[Candidate]:
    """Reports of all years that share the words that say the most."""
    words = shortlist.asked(trace, latest, search.ASKED)
    found: list[Candidate] = []
    for question in search.questions(connection, trace.customer or "", words):
        if len(found) < FEW:
            found += _candidates(_BY_WORDS.rows(connection, {"customer": trace.customer, **question}))
    return found


def _candidates(rows: Iterable[Sequence[Any]]) -> list[Candidate]:
    return [Candidate(str(one), str(root), at, shortlist.from_json(said)) for one, root, at, said in rows]


def _in_full(connection: Connection, wanted: Mapping[str, Any], ids: Sequence[str]) -> tuple[Known, ...]:
    """These reports in this order, then the newest that say that a trouble is over: nothing may be joined across them."""
    these = {"ids": [*map(int, ids)], "key": facts.OVER}
    rows = {str(row[0]): row[1:] for row in _IN_FULL.rows(connection, {**wanted, **these})}
    return tuple(_known(*rows[one]) for one in dict.fromkeys((*ids, *rows)) if one in rows)


def _known(
    data: Mapping[str, Any], at: datetime, customer: str, root: int, state: str, merged_into: int | None
) -> Known:
    over = state not in OPEN and merged_into is None
    return Known(facts.from_json(data, str(root), at, customer), str(root), closed=over)


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
