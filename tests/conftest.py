"""What every test may ask for. Stories take `world` (or `begin`, to choose the desk and the hour) and run on both databases."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog
from databases import EMPTY, MIGRATED, Cluster, Stock, careless, cluster
from world import World

from gateway.store import database as store
from gateway.store.database import Database, open_database

# What goes wrong on purpose need not be printed, with all its frames, for every test.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
store._prepare_sqlite = careless  # processes of their own wait for the disk as always

BOTH = ("sqlite", "postgresql")


# What takes long, the longest first: no worker is left alone with one of them at the end (`make test` keeps this order).
LONG = (
    "test_torture", "test_crash_durability", "test_outside_commands", "test_outside_mail", "test_story_imap", "test_imap_door",
    "test_outside_senders", "test_outside_phone", "test_outside_oncall", "test_smtp_up", "test_phone_page", "test_console_browser",
    "test_crash_pages", "test_in_process", "test_ingest_files", "test_sip_line", "test_story_recordings", "test_story_desk_days",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.stem
        return LONG.index(name) if name in LONG else len(LONG) + ("stories" not in item.path.parts)

    items.sort(key=place)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The PostgreSQL server of this test process, started when it is first asked for."""
    with cluster() as found:
        yield found


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Stock:
    return Stock(tmp_path_factory.mktemp("stock"), lambda: request.getfixturevalue("postgres"))


@pytest.fixture(params=BOTH)
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two databases."""
    return str(request.param)


@pytest.fixture
def empty_url(stock: Stock, kind: str) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    with stock.fresh(kind, EMPTY) as url:
        yield url


@pytest.fixture
def database(stock: Stock, kind: str) -> Iterator[Database]:
    """An open database with our tables and nothing in them."""
    with stock.fresh(kind, MIGRATED) as url:
        opened = open_database(url)
        yield opened
        opened.close()


@pytest.fixture
def begin(stock: Stock, kind: str) -> Iterator[Callable[..., World]]:
    """Opens a world: begin("demo", "2026-11-28 21:30", hours="gold"). When the story is over its ledger must balance."""
    with ExitStack() as stack:

        def open_one(desk: str = "test", at: str = "2026-11-25 10:00", hours: str | None = None) -> World:
            world = World.open(stack.enter_context(stock.fresh(kind, desk)), desk, at, hours)
            stack.callback(world.close)
            return world

        yield open_one


@pytest.fixture
def world(begin: Callable[..., World]) -> World:
    """The test desk on a Wednesday morning: 25 November 2026, 10:00 in Rome."""
    return begin()
