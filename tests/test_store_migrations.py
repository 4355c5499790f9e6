"""The schema: from empty to the newest by itself, the same as the tables in the code, and never backwards."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from databases import DESKS

from gateway.errors import Permanent
from gateway.store import search, tables, traces
from gateway.store.database import open_database
from gateway.store.migrate import _upgrade, current, migrate, newest
from routing import facts, shortlist

START = """
import sys
from gateway.store.database import open_database
from gateway.store.migrate import migrate
database = open_database(sys.argv[1])
migrate(database)
database.close()
print("alembic" in sys.modules)
"""


def start(url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", START, url], cwd=DESKS.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_an_empty_database_becomes_the_newest_by_itself(empty_url: str) -> None:
    database = open_database(empty_url)
    try:
        assert database.read(current) is None
        migrate(database)
        assert database.read(current) == newest()
        found = database.read(lambda connection: set(sa.inspect(connection).get_table_names()))
        assert search.TABLE in found
        searched = {
            name for name in found if name.startswith(search.TABLE)
        }  # SQLite keeps its index in tables of its own
        assert found - searched == {*tables.metadata.tables, "alembic_version"}
        migrate(database)
        assert database.read(current) == newest()
    finally:
        database.close()


def test_the_migrations_make_exactly_the_tables_of_the_code(empty_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database = open_database(empty_url)
    try:
        migrate(database)
        with database.engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "compare_server_default": True,
                    "include_name": lambda name, kind, _: not (kind == "table" and name.startswith(search.TABLE)),
                },
            )
            assert compare_metadata(context, tables.metadata) == []
            found = sa.inspect(connection)
            for table in tables.metadata.sorted_tables:
                columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
                assert columns == {column.name: column.nullable for column in table.columns}, table.name
                assert set(found.get_pk_constraint(table.name)["constrained_columns"]) == {
                    c.name for c in table.primary_key
                }
    finally:
        database.close()


def test_what_was_kept_before_there_were_sketches_is_still_compared(empty_url: str) -> None:
    old = {"id": "7", "channel": "mail", "words": ["stampante", "blocca"], "body": ["blocca"], "title": ["stampante"]}
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    kept = {"ticket": 7, "customer": "ACME", "at": tables.microseconds(at), "data": json.dumps(old)}
    insert = sa.text("INSERT INTO traces (ticket_id, customer, at, data) VALUES (:ticket, :customer, :at, :data)")
    database = open_database(empty_url)
    try:
        with database.engine.begin() as connection:
            _upgrade(connection, "0003")
            connection.execute(insert, kept)
        migrate(database)
        row = database.read(lambda connection: connection.execute(sa.select(tables.traces)).one())
        assert (row.ticket_id, row.machine, row.at) == (7, False, at)
        assert shortlist.from_json(row.sketch).stems == frozenset()
        trace = facts.from_json(row.data, "7", row.at, row.customer)
        assert trace.words == {"stampante", "blocca"}
        assert trace.stems
    finally:
        database.close()


def test_what_was_searched_by_before_is_still_found(empty_url: str) -> None:
    """PostgreSQL's words were a tsvector; SQLite's stay as they are."""
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    insert = {
        "sqlite": sa.text("INSERT INTO search (rowid, words) VALUES (:id, :words)"),
        "postgresql": sa.text(
            "INSERT INTO search (id, words) VALUES (:id, array_to_tsvector(string_to_array(:words, ' ')))"
        ),
    }
    database = open_database(empty_url)
    try:
        with database.engine.begin() as connection:
            _upgrade(connection, "0004")
            for number, stems in enumerate((("plotte", "quota", "disegn"), ("plotte", "badge"), ("mensa",)), 1):
                words = " ".join(sorted(search._lexemes("ACME", stems)))
                connection.execute(insert[connection.dialect.name], {"id": number, "words": words})
        migrate(database)
        known = {column.name: None for column in tables.tickets.columns if column.nullable} | {
            "desk": "test", "customer": "ACME", "language": "it", "subject": "", "channel": "mail", "kind": "incident",
            "priority": "P3", "queue": "q", "level": "L1", "state": "new", "verified": True, "via_on_call": False,
            "received_at": at, "opened_at": at, "pauses": [], "met": {}, "clocks": {}, "evidence": [], "version": 1,
        }  # fmt: skip
        kept = {"customer": "ACME", "at": at, "data": {}}

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.insert(tables.tickets), [known | {"id": number} for number in (1, 2, 3)])
            rows = [kept | {"id": number, "ticket_id": number} for number in (1, 2, 3)]
            connection.execute(sa.insert(tables.traces), rows)

        def found(connection: sa.Connection) -> list[int]:
            asked = search.questions(connection, "ACME", ("quota", "plotte"))[0]
            return [row[0] for row in traces._BY_WORDS.rows(connection, {"customer": "ACME", **asked})]

        database.write(write)
        assert 1 in database.read(found)
        assert 3 not in database.read(found)
    finally:
        database.close()


def test_a_database_of_newer_code_is_refused_and_left_alone(empty_url: str) -> None:
    database = open_database(empty_url)
    try:
        migrate(database)
        database.write(
            lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        )
        with pytest.raises(Permanent) as told:
            migrate(database)
        assert "has schema 9999, newer than this Presa knows" in told.value.public
        assert "restore a backup" in told.value.public
        assert "\n" not in told.value.public
        assert database.read(current) == "9999"
    finally:
        database.close()


def test_the_password_of_the_database_is_in_no_message() -> None:
    database = open_database("postgresql://presa:hush@127.0.0.1:1/presa")
    assert "hush" not in database.engine.url.render_as_string()
    database.close()


def test_starting_on_a_database_that_is_up_to_date_does_not_load_alembic(empty_url: str) -> None:
    first, _ = start(empty_url).communicate(timeout=60)
    again, _ = start(empty_url).communicate(timeout=60)
    assert (first.strip(), again.strip()) == ("True", "False")


def test_two_that_start_together_on_an_empty_database_both_come_up(empty_url: str) -> None:
    both = [start(empty_url), start(empty_url)]
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], [errors[-1500:] for _, errors in said]
    database = open_database(empty_url)
    try:
        assert database.read(current) == newest()
    finally:
        database.close()


def test_a_migration_that_breaks_off_leaves_nothing_and_can_be_done_again(empty_url: str) -> None:
    database = open_database(empty_url)

    def breaks(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith("CREATE TABLE pages"):
            raise RuntimeError("the machine went away")

    try:
        sa.event.listen(database.engine, "before_cursor_execute", breaks)
        with pytest.raises(RuntimeError):
            migrate(database)
        sa.event.remove(database.engine, "before_cursor_execute", breaks)
        assert database.read(lambda connection: sa.inspect(connection).get_table_names()) == []
        migrate(database)
        assert database.read(current) == newest()
    finally:
        database.close()
