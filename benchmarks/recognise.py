"""What recognising a sender costs, from 1,000 to 1,000,000 contacts: `python benchmarks/recognise.py [--contacts N,N] [--url URL]`.

For each size a directory is made (ten contacts to a customer), and every way of being recognised is asked for again and again,
each time for another sender: median and 99th percentile of one recognition in its own read transaction, in microseconds.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from gateway.store import directory, tables
from gateway.store.database import Database, open_database
from gateway.store.directory import StoredFinder
from gateway.store.migrate import migrate
from identity import recognise
from identity.clues import Signs
from identity.entitlement import Cover
from identity.people import Authentication, Contact, Customer

COVERS = {("test", "gold"): Cover(frozenset({"mail", "phone"}))}
PEOPLE = 10


def customer(n: int) -> Customer:
    host = f"ditta{n}.example"
    contacts = tuple(
        Contact(f"C{n}-{i}", f"Persona {n} {i}", (f"p{i}@{host}",), (f"+3906{n:07d}{i}"[:14],)) for i in range(PEOPLE)
    )
    return Customer(
        f"C{n}", f"Ditta {n} Costruzioni S.r.l.", "test", "gold", str(1_000_000 + n), (), (), (host,), contacts
    )


def fill(database: Database, contacts: int) -> None:
    """Straight into the tables, a thousand customers at a time; `presa import` goes the same way in one transaction."""
    for start in range(0, contacts // PEOPLE, 1_000):
        batch = [customer(n) for n in range(start, min(start + 1_000, contacts // PEOPLE))]

        def write(connection: sa.Connection, batch: list[Customer] = batch) -> None:
            directory.replace(connection, batch, keep=True)

        database.write(write) if start < 1_000 else database.write(lambda c, b=batch: _insert(c, b))
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            connection.execute(sa.text("ANALYZE"))
            connection.commit()


def _insert(connection: sa.Connection, batch: list[Customer]) -> None:
    import json

    connection.execute(
        sa.insert(tables.customers), [{"id": c.id, "data": json.loads(directory._data(c))} for c in batch]
    )
    connection.execute(sa.insert(tables.customer_keys), [key for c in batch for key in directory._keys(c)])


def ways(contacts: int) -> dict[str, Callable[[int], tuple[Signs, bool]]]:
    """Name -> the n-th author of that sort, and whether look-alikes are asked for."""

    def mail(address: str, text: str = "") -> Signs:
        return Signs("mail", address, Authentication("pass", "edge dmarc", address.rpartition("@")[2]), text=text)

    return {
        "address": lambda n: (mail(f"p{n % 10}@ditta{n}.example"), False),
        "domain": lambda n: (mail(f"altro{n}@ditta{n}.example"), False),
        "phone": lambda n: (Signs("phone", phone=f"+3906{n:07d}{n % 10}"[:14]), False),
        "code": lambda n: (Signs("phone", keyed=str(1_000_000 + n)), False),
        "stranger": lambda n: (
            mail(f"x@stranger{n}.example", "Buongiorno, la stampante non va, cod. 77 e 12345"),
            False,
        ),
        "stranger, perhaps": lambda n: (mail(f"x@dita{n}.example", "cod. 1000012"), True),
    }


def measure(database: Database, contacts: int, rounds: int) -> Iterator[tuple[str, float, float]]:
    customers = contacts // PEOPLE
    for name, author in ways(contacts).items():
        times = []
        for _ in range(rounds if "perhaps" not in name else rounds // 10):
            signs, suggest = author(random.randrange(customers))
            begin = time.perf_counter()
            database.read(lambda c, s=signs, look=suggest: recognise(s, StoredFinder(c), COVERS, suggest=look))
            times.append((time.perf_counter() - begin) * 1e6)
        cut = statistics.quantiles(times, n=100)
        yield name, cut[49], cut[98]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--contacts", default="1000,10000,100000,1000000")
    asked.add_argument("--rounds", type=int, default=2_000)
    asked.add_argument("--url", help="an empty PostgreSQL database; SQLite in a temporary folder without")
    given = asked.parse_args()
    sizes = [int(size) for size in given.contacts.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            url = given.url or f"sqlite:///{Path(folder)}/{size}.db"
            database = open_database(url)
            migrate(database)
            with_rows = database.read(
                lambda c: c.execute(sa.select(sa.func.count()).select_from(tables.customers)).scalar_one()
            )
            begin = time.perf_counter()
            fill(database, size) if with_rows == 0 else None
            sys.stdout.write(
                f"\n{size:,} contacts of {size // PEOPLE:,} customers (loaded in {time.perf_counter() - begin:.1f} s)\n"
            )
            for name, median, p99 in measure(database, size, given.rounds):
                sys.stdout.write(f"  {name:18} median {median:8.0f} us   p99 {p99:8.0f} us\n")
                sys.stdout.flush()
            database.close()


if __name__ == "__main__":
    main()
