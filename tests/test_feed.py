"""The filing process's end of the line to the mail door: nothing is lost or answered twice, whoever empties it."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any

import pytest
from databases import Stock
from sqlalchemy import Connection
from test_porter import attended, on_a_loop

from gateway.mail import frames
from gateway.mail.feed import Feed
from gateway.mail.frames import Frames
from gateway.store.database import Source, open_database


class Line:
    """Both ends: what came here, what came there, and whether here was told that it is over."""

    def __init__(self) -> None:
        self.here: list[Any] = []
        self.there: list[Any] = []
        self.over = asyncio.Event()
        self.feed: Feed
        self.door: Frames


@contextlib.asynccontextmanager
async def line(
    take: Callable[[Line, Any], None] = lambda line, value: line.here.append(value),
    attend: Callable[[Source], None] = attended,
) -> AsyncIterator[Line]:
    made = Line()
    ours, theirs = frames.pairs()
    made.feed = Feed(ours, lambda value: take(made, value), made.over.set, attend)
    made.door = await frames.connect(theirs, made.there.append, lambda: None)
    try:
        yield made
    finally:
        made.door.close()
        made.feed.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0)


@on_a_loop
async def test_values_go_both_ways_in_order_small_ones_and_those_that_go_aside() -> None:
    large = "x" * 3_000_000
    async with line() as made:
        made.door.send("first")
        made.door.send(large, aside=True)
        made.door.send(large)  # longer than any buffer: it comes in pieces
        made.door.send("last")
        await until(lambda: len(made.here) == 4)
        assert made.here == ["first", large, large, "last"]
        for n in range(100):
            made.feed.tell(n)
        await until(lambda: len(made.there) == 100)
        assert made.there == list(range(100))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_files_what_comes_and_its_answers_leave_after_the_commit(stock: Stock, kind: str) -> None:
    """However many come while others are written, in whatever thread."""

    @on_a_loop
    async def run(url: str) -> None:
        with contextlib.closing(open_database(url)) as database:
            threads: set[str] = set()

            def write(_: Connection) -> None:
                threads.add(threading.current_thread().name.partition("_")[0])

            def take(made: Line, value: int) -> None:
                filing: Future[None] = database.submit(write)
                filing.add_done_callback(lambda done: made.feed.tell((value, done.exception())))

            async with line(take, database.attend) as made:
                for round_ in range(20):  # it rests between the rounds, and is attended again
                    for n in range(10):
                        made.door.send(round_ * 10 + n)
                    await until(lambda round_=round_: len(made.there) == round_ * 10 + 10)  # type: ignore[misc]
                assert sorted(made.there) == [(n, None) for n in range(200)]
            assert threads == {"presa-writer" if kind == "sqlite" else "presa-write"}

    with stock.fresh(kind, "(migrated)") as url:
        run(url)


def test_what_others_write_is_not_held_up_by_a_line_that_never_rests(stock: Stock) -> None:
    """Each mail that is filed brings the next."""

    @on_a_loop
    async def run(url: str) -> None:
        with contextlib.closing(open_database(url)) as database:

            def take(made: Line, value: int) -> None:
                database.submit(lambda _: value).add_done_callback(lambda _: made.feed.tell(value))

            async with line(take, database.attend) as made:
                made.there = Again(made)
                for n in range(5):
                    made.door.send(n)
                await until(lambda: len(made.there) > 50)
                assert await asyncio.to_thread(database.write, lambda _: "written") == "written"
                made.there.enough = True

    class Again(list[int]):
        """Who is answered comes with the next."""

        def __init__(self, made: Line) -> None:
            self.enough = False
            self.door = made.door
            made.door._take = self.append

        def append(self, value: int) -> None:
            super().append(value)
            if not self.enough:
                self.door.send(value)

    with stock.fresh("sqlite", "(migrated)") as url:
        run(url)


@on_a_loop
async def test_when_the_door_is_gone_it_is_over_once_and_telling_it_hurts_nobody() -> None:
    async with line() as made:
        made.door.send("last words")
        made.door.close()
        await asyncio.wait_for(made.over.wait(), 10)
        assert made.here == ["last words"]
        await asyncio.to_thread(made.feed.tell, "nobody hears")
        made.feed.gather()
        made.feed.rest()
        await asyncio.sleep(0)
        assert made.here == ["last words"]


@on_a_loop
async def test_a_fault_while_a_value_is_taken_ends_the_line_not_the_thread_that_writes() -> None:
    def take(_: Line, value: object) -> None:
        raise KeyError(value)

    async with line(take) as made:
        made.door.send("a fault of ours")
        await asyncio.wait_for(made.over.wait(), 10)


@on_a_loop
async def test_a_door_that_takes_nothing_holds_nobody_up_and_hears_all_of_it_later() -> None:
    ours, theirs = frames.pairs()
    for one in ours:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    feed = Feed(ours, lambda value: None, lambda: None, attended)
    wanted = [f"{n}" * 100 for n in range(2_000)]
    for value in wanted:
        await asyncio.to_thread(feed.tell, value)
    feed.gather()  # sends what it can, and does not wait
    heard: list[str] = []
    door = await frames.connect(theirs, heard.append, lambda: None)
    await until(lambda: len(heard) == len(wanted))
    assert heard == wanted
    door.close()
    feed.close()
