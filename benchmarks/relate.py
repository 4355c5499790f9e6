"""What relating a report costs with a million stored, and how well it relates: CPU a report for reading its facts, asking the
database for its pool and comparing; precision and recall of `presa relate` on streams, by a scorer. See README.md.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import sqlalchemy as sa

from gateway.store import search, traces
from gateway.store.database import Database, open_database
from gateway.store.migrate import migrate
from gateway.store.tables import tickets, trace_keys
from gateway.store.tables import traces as stored
from routing import facts, relate
from routing.relate_policy import Policy

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHUNK = 5_000
TEXTS = 10_000  # different reports that are stored: reading each of a million anew would take an hour
PLACES = ("Milano", "Torino", "Bologna", "Verona", "Lecce", "Leeds", "Lyon", "Graz")
TROUBLES = (
    "La stampante di {place} non stampa più, la coda resta bloccata.",
    "Su srv-{n:04d} lo spazio è finito, il programma non salva più.",
    "Da casa non riesco a collegarmi alla VPN verso {place}, errore 809.",
    "La fattura n. {n} riporta un importo diverso da quello del contratto.",
    "The shop www.shop{n}.example returns 502 bad gateway for everybody.",
    "I badge non aprono la porta d'ingresso di {place}, i colleghi restano fuori.",
    "L'utente u{n} risulta bloccato, potete reimpostare la password?",
    "Il gestionale di {place} si pianta quando si apre un ordine, articolo {n}.",
)


def text(chance: random.Random) -> str:
    return chance.choice(TROUBLES).format(place=chance.choice(PLACES), n=chance.randint(1, 99_999))


def fill(database: Database, reports: int, customers: int) -> None:
    """Reports of many customers over three years, the last weeks as busy as the rest."""
    chance = random.Random(1)
    ticket = {column.name: None for column in tickets.columns if column.nullable} | {
        "desk": "test", "language": "it", "subject": "", "channel": "mail", "kind": "incident", "priority": "P3", "queue": "q",
        "level": "L1",
        "state": "new", "verified": True, "via_on_call": False, "received_at": NOW, "opened_at": NOW, "pauses": [], "met": {}, "clocks": {},
        "evidence": [], "version": 1,
    }  # fmt: skip
    kind = database.engine.dialect.name
    said = [facts.trace("", NOW, "mail", "", "m@k.example", "", text(chance)) for _ in range(min(TEXTS, reports))]
    for first in range(1, reports + 1, CHUNK):
        rows, keys, words, opened = [], [], [], []
        for n in range(first, min(first + CHUNK, reports + 1)):
            customer, at = f"K{chance.randrange(customers)}", NOW - timedelta(days=3 * 365 * (1 - n / reports))
            trace = replace(said[chance.randrange(len(said))], id=str(n), at=at, customer=customer)
            rows.append({"id": n, "ticket_id": n, "customer": customer, "at": at, "data": facts.as_json(trace)})
            keys += [{"customer": customer, "key": key, "trace_id": n} for key in facts.keys(trace)]
            words.append({"id": n, "words": " ".join(sorted(search._lexemes(customer, trace.stems)))})
            opened.append({**ticket, "id": n, "customer": customer, "received_at": at})
        with database.engine.begin() as connection:  # a copy that is thrown away
            if kind == "sqlite" and not connection.connection.in_transaction:
                connection.exec_driver_sql("BEGIN")
            connection.execute(sa.insert(tickets), opened)
            connection.execute(sa.insert(stored), rows)
            connection.execute(sa.insert(trace_keys), keys)
            connection.execute(search._INSERT[kind], words)
        print(f"\r{min(first + CHUNK - 1, reports):,} stored", end="", file=sys.stderr, flush=True)
    if kind == "postgresql":
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    print(file=sys.stderr)


def cost(database: Database, reports: int, customers: int) -> list[float]:
    """CPU milliseconds a report: facts, pool, comparison."""
    chance, policy, taken = random.Random(2), Policy(), []
    for _ in range(reports):
        customer, said = f"K{chance.randrange(customers)}", text(chance)
        begun = time.process_time()
        new = facts.trace("new", NOW, "mail", customer, "m@k.example", "", said)
        pool, found = database.read(lambda connection, new=new: traces.pool(connection, new, relate.since(NOW, policy)))
        relate.relate(new, pool, found=found, policy=policy)
        taken.append((time.process_time() - begun) * 1_000)
    return taken


def quality(scorer: Path, streams: list[Path]) -> None:
    command = f"{sys.executable} -c 'from gateway.cli import main; main()' relate"
    for stream in streams:
        said = subprocess.run(
            [sys.executable, scorer, stream, "--run", command], capture_output=True, text=True, check=True
        ).stdout
        found = json.loads(said)
        wanted = (
            "reports",
            "precision",
            "recall",
            "recall_at_5",
            "noise_rate",
            "wide_n",
            "wide_right",
            "wrong",
            "ms_per_report",
        )
        print(stream.name, {name: found[name] for name in wanted})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", type=int, default=1_000_000, help="default 1000000; 0: only the quality")
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--reports", type=int, default=300, help="measured")
    parser.add_argument("--database", help="URL of an EMPTY database; default: SQLite in a temporary directory")
    parser.add_argument("--scorer", type=Path, help="a scorer of streams")
    parser.add_argument("--stream", type=Path, action="append", default=[])
    given = parser.parse_args()
    if given.scorer:
        quality(given.scorer, given.stream)
    if not given.stored:
        return
    with tempfile.TemporaryDirectory() as place:
        database = open_database(given.database or f"sqlite:///{place}/relate.db")
        try:
            migrate(database)
            fill(database, given.stored, given.customers)
            cost(database, 20, given.customers)
            taken = cost(database, given.reports, given.customers)
            print(f"{given.stored:,} stored, {given.customers} customers, {database.engine.dialect.name}: CPU ms a report: "
                  f"median {median(taken):.2f}, p95 {quantiles(taken, n=20)[-1]:.2f}, longest {max(taken):.2f}")  # fmt: skip
        finally:
            database.close()


if __name__ == "__main__":
    main()
