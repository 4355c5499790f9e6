"""What relating asks the database for: by index alone, however much is stored, and the same on both databases."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import tables, traces
from gateway.store.database import Database
from gateway.store.prepared import Prepared
from routing import facts, relate
from routing.facts import Trace

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
MARIO = "mario@acme.example"
EARLIER = NOW - timedelta(days=14)


def mail(text: str, *, subject: str = "", days: float = 0, customer: str = "ACME") -> Trace:
    return facts.trace("", NOW - timedelta(days=days), "mail", customer, MARIO, subject, text)


def keep(database: Database, ticket: int, *reports: Trace, state: str = "new") -> None:
    """One ticket with the traces of its reports."""
    row: dict[str, Any] = {column.name: None for column in tables.tickets.columns if column.nullable} | {
        "id": ticket, "desk": "test", "customer": reports[0].customer, "language": "it", "subject": "", "channel": "mail",
        "kind": "incident", "priority": "P3", "queue": "q", "level": "L1", "state": state, "verified": True, "via_on_call": False,
        "received_at": NOW, "opened_at": NOW, "pauses": [], "met": {}, "clocks": {}, "evidence": [], "version": 1,
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(sa.insert(tables.tickets).values(row))
        for one in reports:
            traces.keep(connection, ticket, one)

    database.write(write)


def pool(database: Database, new: Trace) -> traces.Pool:
    return database.read(lambda connection: traces.pool(connection, new, relate.since(NOW, relate.Policy())))


def test_a_report_of_years_ago_in_the_same_rare_words_is_found_among_hundreds(database: Database) -> None:
    keep(database, 1, mail("Il plotter dell'ufficio tecnico stampa i disegni senza la quota rossa.", days=900))
    for n in range(2, 60):
        keep(database, n, mail(f"Il badge {n}{n}{n} non apre la porta della mensa.", days=n))
    found = pool(database, mail("I disegni escono dal plotter senza quota."))
    assert found.found[0] == "1"
    assert "1" in {one.root for one in found.known}


def test_what_one_customer_wrote_is_never_compared_with_another_ones(database: Database) -> None:
    words = "Il plotter dell'ufficio tecnico stampa i disegni 4711 senza la quota rossa."
    keep(database, 1, mail(words, customer="BETA"))
    assert pool(database, mail(words)).known == ()


def test_a_hundred_alerts_do_not_hide_a_colleagues_report_from_us_too(database: Database) -> None:
    keep(database, 1, mail("Il gestionale non parte da stamattina.", days=0.1))
    alert = facts.trace("", NOW, "event", "ACME", "nagios@acme.example", "PROBLEM: srv-1", "Host: srv-1\nState: DOWN")
    assert alert.alert is not None
    keep(database, 2, *[alert] * 100)
    assert [one.root for one in pool(database, mail("Anche noi!")).known] == ["1"]


def test_all_reports_of_a_ticket_are_compared_when_one_is(database: Database) -> None:
    """What speaks against joining one of them speaks against the ticket."""
    first = mail("La cassa 4129 di Milano non accetta carte.", days=1)
    keep(database, 1, first, mail("La cassa 4130 di Milano non accetta carte.", days=0.5))
    for n in range(2, 50):
        keep(database, n, mail(f"La cassa {n}{n}{n}{n} di Torino non stampa scontrini.", days=0.3))
    known = pool(database, mail("La cassa 4129 di Milano non accetta carte.")).known
    assert [one.root for one in known].count("1") == 2


def plan(connection: Connection, prepared: Prepared, values: Mapping[str, Any]) -> list[str]:
    """How the database goes about a statement, line by line."""
    compiled = prepared._for(connection.dialect)
    cursor = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        cursor.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", compiled.bound(values))
        return [str(row[3]) for row in cursor.fetchall()]
    cursor.execute("SET enable_seqscan = off")  # the tables are small here: is there a way by an index at all?
    cursor.execute(f"EXPLAIN {compiled.sql}", compiled.bound(values))
    return [str(row[0]).strip() for row in cursor.fetchall()]


KEYS = {f"key{n}": f"thing:{n}" for n in range(traces.KEYS)}
IDS = {f"id{n}": n for n in range(traces.MOST)}
ASKED = {
    "before the promise: the alert or the text again": (traces._BY_ONE_KEY, {"key": "alert:x"}),
    "the latest reports": (traces._LATEST, {}),
    "what names the same": (traces._BY_KEYS, KEYS),
    "what says the same": (traces._BY_WORDS, {"asked": "abc", "limit": 20}),
    "those to be read in full": (traces._IN_FULL, IDS),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_table_is_read_from_end_to_end(database: Database, name: str) -> None:
    prepared, values = ASKED[name]
    keep(database, 1, mail("La cassa 4129 di Milano non accetta carte."))
    steps = database.read(lambda c: plan(c, prepared, {"customer": "ACME", "since": EARLIER, **values}))
    assert steps
    whole = [one for one in steps if re.search(r"^SCAN (?:traces|tickets|trace_keys)\b|Seq Scan on", one)]
    assert not whole, steps
    assert not [one for one in steps if "SCAN search" in one and "VIRTUAL TABLE INDEX" not in one]
