"""What relating asks the database for: by index alone, however much is stored, and the same on both databases."""

import itertools
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import search, tables, traces
from gateway.store.database import Database
from gateway.store.prepared import Prepared
from routing import facts, relate, shortlist
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


def test_of_a_customer_who_seldom_writes_the_latest_are_looked_at_however_old(database: Database) -> None:
    """In other words than before, so that no search finds it; a customer with many is asked for its words of all years."""
    keep(database, 1, mail("Il lettore delle tessere lampeggia rosso.", days=700))
    for n in range(2, 12):
        keep(database, n, mail(f"Il plotter {n}{n}{n} perde la quota.", days=100 * n))
    assert "1" in {one.root for one in pool(database, mail("I badge restano muti davanti al varco.")).known}


SYLLABLES = [one + other for one in "bcdfglmnprst" for other in "aeiou"]
RARE = ["".join(parts) for parts in itertools.product(SYLLABLES[:7], SYLLABLES[20:], SYLLABLES[50:])]


def test_a_long_report_is_found_after_years_by_what_its_first_sentences_say(database: Database) -> None:
    """However much it and the new one go on to say: of a long text the beginning is what it is searched by."""
    chatter = " ".join(RARE[:200]), " ".join(RARE[200:400])
    keep(database, 1, mail(f"Il plotter dell'ufficio tecnico perde la quota rossa.\n{chatter[0]}", days=900))
    for n in range(2, 60):
        keep(database, n, mail(f"Il badge {n}{n}{n} non apre la porta della mensa.", days=n / 10))
    assert pool(database, mail(f"Di nuovo la quota rossa manca dal plotter.\n{chatter[1]}")).found[:1] == ("1",)


def test_what_shares_most_of_the_words_is_found_behind_hundreds_that_share_one(database: Database) -> None:
    keep(database, 1, mail("Il plotter stampa disegni senza quota.", days=900))
    keep(database, 2, *[mail(f"Il plotter {n}{n} va acceso.", days=100) for n in range(90)])
    keep(database, 3, *[mail("Il badge della mensa non va.", days=1) for _ in range(50)])
    assert "1" in pool(database, mail("Dal plotter escono disegni, manca la quota.")).found


def test_a_logs_figures_are_not_indexed_its_words_once() -> None:
    line = "2026-11-22T03:{n:05d} worker a{n}f finished step b{n}f of job c{n}f with state d{n}f after {n} ms"
    one = mail("Il lavoro notturno si ferma sempre.\n" + "\n".join(line.format(n=n) for n in range(100, 120)))
    said = shortlist.telling(one)
    assert {"nottur", "worker", "finish", "step"} <= set(said)
    assert len([stem for stem in said if not stem.isalpha()]) <= shortlist.FIGURES  # of the line where the text is cut
    assert "4129" in shortlist.telling(mail("La cassa 4129 non stampa."))


def test_of_a_long_text_so_many_words_are_indexed_and_the_titles_always() -> None:
    said = shortlist.telling(mail(" ".join(RARE[:300]), subject="Cassa ferma"))
    assert len(said) == shortlist.TELLING
    assert set(said[:2]) == {"cassa", "ferma"}


def test_what_is_forgotten_is_no_longer_found_by_its_words(database: Database) -> None:
    for n in (1, 2):
        keep(database, n, mail(f"Il plotter stampa disegni senza quota, foglio {n}.", days=900))
    database.write(lambda connection: traces.forget(connection, 1))
    assert pool(database, mail("Dal plotter escono disegni, manca la quota.")).found == ("2",)
    database.write(lambda connection: search.drop(connection, [2]))
    assert database.read(lambda c: c.execute(sa.text("SELECT count(*) FROM search")).scalar()) == 0


@pytest.mark.parametrize("kind", ["postgresql"])
def test_postgresql_plans_what_is_asked_again_and_again_only_at_first(database: Database) -> None:
    """A plan takes longer than what it is made for; it is lost when a connection rolls back or is asked in another way."""
    keep(database, 1, mail("La cassa 4129 di Milano non accetta carte."))
    for n in range(40):
        pool(database, mail(f"La cassa {n} di Torino non stampa scontrini.", days=n / 10))
    plans = sa.text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%traces%'")
    counted = database.read(lambda c: c.execute(plans).all())
    assert len(counted) == 3
    assert all(again > at_first for again, at_first in counted)


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


def test_an_alert_is_found_behind_a_dozen_others_of_its_host(database: Database) -> None:
    """A host with many things in trouble by turns has one key for all of them, where no service is labelled."""

    def alert(n: int, days: float) -> Trace:
        said = f"Host: nas1\nState: CRITICAL\nVolume vol{n} is degraded"
        return facts.trace(
            "", NOW - timedelta(days=days), "event", "ACME", "monitor@acme.example", f"CRITICAL: vol{n} on nas1", said
        )

    for n in range(1, 14):
        keep(database, n, alert(n, 0.5 - n / 100))
    again = alert(1, 0)
    assert again.alert is not None
    assert relate.relate(again, pool(database, again).known).root == "1"


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
ASKED = {
    "before the promise: the alert or the text again": (traces._REPEATED, {"key": "alert:x"}),
    "the latest reports and what names the same": (traces._RECENT, KEYS),
    "what says the same": (traces._BY_WORDS, {}),
    "those to be read in full and what is over": (traces._IN_FULL, {"ids": [1, 2], "key": facts.OVER}),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_table_is_read_from_end_to_end(database: Database, name: str) -> None:
    prepared, values = ASKED[name]
    keep(database, 1, mail("La cassa 4129 di Milano non accetta carte."))
    if name == "what says the same":
        values = database.read(lambda c: search.questions(c, "ACME", ("abc", "def")))[0]
    steps = database.read(lambda c: plan(c, prepared, {"customer": "ACME", "since": EARLIER, **values}))
    assert steps
    whole = [one for one in steps if re.search(r"^SCAN (?:traces|tickets|trace_keys)\b|Seq Scan on", one)]
    assert not whole, steps
    assert not [one for one in steps if "SCAN search" in one and "VIRTUAL TABLE INDEX" not in one]
