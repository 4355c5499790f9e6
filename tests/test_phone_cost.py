"""What a webhook costs the database: a caller waits for each statement, and so does everybody behind them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import settings_of
from sqlalchemy import Connection

import ivr
from gateway import app
from gateway.calls.pin_tries import Line
from gateway.store.database import open_database

SID = "CA" + "1" * 32
NOT_OURS = ("BEGIN", "COMMIT")


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[app.Parts]:
    settings, database = settings_of("test"), open_database(f"sqlite:///{tmp_path}/presa.db")
    app.prepare(settings, database)
    yield app.build(settings, database)
    database.close()


def traced(parts: app.Parts) -> list[str]:
    """Every statement that the database is given from now on."""
    said: list[str] = []

    def listen(connection: Connection) -> None:
        connection.connection.driver_connection.set_trace_callback(said.append)  # type: ignore[union-attr]

    parts.database.write(listen)
    return said


def cost(parts: app.Parts, said: list[str], step: int, keys: str) -> list[str]:
    """The verbs of what one webhook is asked of the database."""
    said.clear()
    assert isinstance(parts.calls.heard(Line(SID, step), ivr.Keys(keys)).result(), str)
    return [one.split()[0] for one in said if not one.startswith(NOT_OURS)]


def test_a_step_of_the_dialogue_is_three_statements(parts: app.Parts) -> None:
    """Read the call, keep its state, keep the answer; a code is looked up and noted besides."""
    said = traced(parts)
    parts.calls.arrived(SID, "+390612345678", parts.settings.desks["test"]).result()
    assert cost(parts, said, 1, "1") == ["SELECT", "UPDATE", "INSERT"]
    assert cost(parts, said, 2, "*") == ["SELECT", "UPDATE", "INSERT"]
    assert cost(parts, said, 3, "100001") == [*["SELECT"] * 4, "INSERT", "UPDATE", "INSERT"]


def test_a_repeated_step_is_one_statement(parts: app.Parts) -> None:
    said = traced(parts)
    parts.calls.arrived(SID, "+390612345678", parts.settings.desks["test"]).result()
    cost(parts, said, 1, "1")
    assert cost(parts, said, 1, "2") == ["SELECT"]
