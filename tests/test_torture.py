"""Presa is killed again and again (SIGKILL) in the midst of mails, letters and pages; in the end the books must be right.

A few kills on each database run always; hundreds only by `make torture` (PRESA_TORTURE=1). The seed is printed; to see the
same night again set PRESA_TORTURE_SEED.
"""

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torture_books as books
from databases import EMPTY, Stock
from nest import nest
from torture_mail import OUTAGE, Customers, Session, written
from torture_town import LEASE, Town, account_of, town, until

from gateway.phone.exchange import Handset
from gateway.store.database import Database, open_database

LONG = bool(os.environ.get("PRESA_TORTURE"))
KILLS, MANY_KILLS, LONGEST_SECONDS = 6, 75, 120


@pytest.fixture
def seed() -> int:
    chosen = int(os.environ.get("PRESA_TORTURE_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"PRESA_TORTURE_SEED={chosen}")
    return chosen


@pytest.fixture
def url(stock: Stock, kind: str) -> Iterator[str]:
    with stock.fresh(kind, EMPTY) as made:
        yield made


class Night:
    """One night of kills, with the database looked at from beside."""

    def __init__(self, place: Town, seed: int) -> None:
        self.town = place
        self.chance = random.Random(seed + 3)
        self.database: Database = open_database(place.database)
        doors = random.Random(seed + 4)
        self.customers = Customers(lambda: doors.choice(place.replicas).smtp, seed, mails=100_000)
        self._over = threading.Event()
        self._caller = threading.Thread(target=self._outages, daemon=True)

    def run(self, kills: int, seconds: float) -> int:
        """Kills any replica so often, or for so long; every third time its mail door alone. How often it was."""
        self.customers.start()
        self._caller.start()
        end, done = time.monotonic() + seconds, 0
        while done < kills and time.monotonic() < end:
            self._wait_for_the_moment()
            replica = self.chance.choice(self.town.replicas)
            done += 1
            if done % 3 == 0:
                replica.kill_door()
                assert books.faults(self.database, books.whole) == []
                continue
            replica.kill()
            assert books.faults(self.database, books.whole) == []
            replica.start()
        return done

    def _wait_for_the_moment(self) -> None:
        """Any moment; every other time one shortly after somebody is about to be rung."""
        if self.chance.random() < 0.5:
            self.town.company.asked.clear()
            self.town.company.asked.wait(timeout=2.5)
            time.sleep(self.chance.choice((0.0, 0.05, 0.15, 0.5)) * self.chance.random())
        else:
            time.sleep(self.chance.choice((0.0, 0.1, 0.3, 0.7, 1.5)) * self.chance.random())

    def settle(self) -> None:
        """Nobody kills any more: whatever was begun comes to its end, and the process ends when it is asked to."""
        self._over.set()
        self.customers.finish()
        self.town.smarthost.pause = self.town.company.pause = lambda: 0.0  # they think so that kills fall in between
        self._caller.join(timeout=60)
        assert not self._caller.is_alive()
        until(lambda: self.database.read(books.quiet), 150, self._waiting)
        assert [one.stop() for one in self.town.replicas] == [0] * len(self.town.replicas)

    def faults(self) -> list[str]:
        return books.faults(
            self.database,
            books.whole,
            partial(books.promises, promised=self.customers.promised, given_up=self.customers.given_up),
            partial(books.letters, taken=tuple(self.town.smarthost.letters)),
            partial(books.pages, ordered=tuple(self.town.company.attempts)),
        )

    def close(self) -> None:
        self._over.set()
        self.database.close()

    def _outages(self) -> None:
        """One outage after the other, each reported when the page of the last has ended.

        Two lost orders to one telephone at the same moment could not be told apart by asking: the carrier's list does
        not show our ids."""
        number = 0
        while not self._over.is_set():
            number += 1
            session = self.customers.deliver(written(f"p1-{number}", OUTAGE), None)
            if session is not None:
                session.close()
            while self.database.read(books.open_pages) and not self._over.wait(0.1):
                pass

    def _waiting(self) -> str:
        return f"quiet: {'; '.join(self.database.read(books.waiting)[:5]) or 'a page is open'}"


@contextlib.contextmanager
def night(folder: Path, url: str, seed: int, replicas: int = 1) -> Iterator[Night]:
    with town(folder, url, seed, replicas) as place, contextlib.closing(Night(place, seed)) as made:
        yield made


def _endure(folder: Path, url: str, seed: int, kills: int, seconds: float, replicas: int = 1) -> None:
    with night(folder, url, seed, replicas) as one:
        done = one.run(kills, seconds)
        one.settle()
        assert one.faults() == []
        letters, orders = one.town.smarthost.letters, one.town.company.attempts
        print(
            f"{done} kills: {len(one.customers.promised)} mails promised, {len(one.customers.given_up)} given up, "
            f"{len(letters)} letters ({len(letters) - len(set(letters))} twice), {len(orders)} calls"
        )
        assert done == kills or seconds == LONGEST_SECONDS
        assert one.customers.promised
        assert orders
        _check(one.town)


def _check(place: Town) -> None:
    """`presa check` finds the books balanced too."""
    argv = ["check", "--offline", "--config", str(place.home), "--database", place.database]
    said = nest().run(argv, os.environ).stdout
    assert "ok      ledger: every report has one outcome and every ticket its report" in said, said


def test_killed_at_random_nothing_is_lost_and_nothing_done_twice(tmp_path: Path, url: str, seed: int) -> None:
    """CASES R1, mail 1: also when the mail door's process alone is killed."""
    _endure(tmp_path, url, seed, KILLS, 120)


def torture(test: Any) -> Any:
    """Marks what only `make torture` runs."""
    skip = pytest.mark.skipif(not LONG, reason="only by `make torture`")
    return pytest.mark.torture(pytest.mark.timeout(600)(skip(test)))


@torture
@pytest.mark.parametrize("part", [1, 2])
def test_killed_hundreds_of_times_nothing_is_lost_and_nothing_done_twice(
    tmp_path: Path, url: str, seed: int, part: int
) -> None:
    _endure(tmp_path, url, seed + part, MANY_KILLS, LONGEST_SECONDS)


@torture
@pytest.mark.parametrize("kind", ["postgresql"])
def test_two_replicas_killed_in_turn_lose_nothing_and_do_nothing_twice(
    tmp_path: Path, url: str, kind: str, seed: int
) -> None:
    _endure(tmp_path, url, seed, MANY_KILLS, LONGEST_SECONDS, replicas=2)


# Two replicas ---------------------------------------------------------------------------------------------------


def test_when_a_replica_dies_while_it_rings_the_other_goes_on_within_the_lease(
    tmp_path: Path, stock: Stock, seed: int
) -> None:
    """The call stands at the carrier, the answer to the order never came: the other replica asks and does not ring again."""
    with stock.fresh("postgresql", EMPTY) as url, town(tmp_path, url, seed, replicas=2) as place:
        database = open_database(url)
        died: list[float] = []
        place.company.engineer = _accepts_late

        def kill_who_rings(account: str, attempt: str) -> None:
            if not died:
                rings = next(n for n in range(2) if account_of(n) == account)
                place.replicas[rings].kill()
                died.append(time.time())
                place.company.webs.remove(place.replicas[rings].url)
                survivors.extend(one for one in place.replicas if one.pid)

        survivors: list[object] = []
        place.company.held = kill_who_rings
        try:
            session = Session(place.replicas[0].smtp)
            assert session.send(written("p1", OUTAGE)) == "250"
            until(lambda: died and database.read(books.quiet), 40, "the page has ended")
            assert len(survivors) == 1
            orders = place.company.exchange.calls.values()
            second = sorted(call.created for call in orders)[1]
            assert second - died[0] < LEASE + 2  # the second person's turn, by whoever lives
            promised = partial(books.promises, promised={"torture-p1@acme.example"}, given_up=set())
            called = partial(books.pages, ordered=tuple(place.company.attempts))
            assert books.faults(database, books.whole, promised, called) == []
        finally:
            session.close()
            database.close()


def _accepts_late(handset: Handset) -> None:
    """Long after the lease: the first call's own page must have gone on meanwhile."""

    def picks_up() -> None:
        handset.answer()
        presses()

    def presses() -> None:
        if not handset.over:
            handset.keys("1")
            handset.line.timeline.later(0.3, presses)

    if handset.to in {call.to for call in handset.parent.calls.values() if call is not handset}:
        return
    if len(handset.parent.calls) > 1:
        handset.line.timeline.later(1.0, picks_up)
