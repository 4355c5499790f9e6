"""Prepared statements do what Core does, on both databases: types, conflicts, and trouble by SQLAlchemy's names."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store import calls, jobs, reports, tickets
from gateway.store.database import Database
from gateway.store.prepared import Prepared
from gateway.store.tables import jobs as table
from gateway.store.tables import reports as ledger

AT = datetime(2026, 11, 16, 9, 30, 0, 123_456, UTC)
ROW: dict[str, Any] = {
    "kind": "page", "ticket_id": None, "run_at": AT, "fence": 0, "attempts": 0, "urgency": 0, "state": {"è": [1]}, "error": None,
}  # fmt: skip


def test_what_is_written_is_read_back_as_core_reads_it(database: Database) -> None:
    insert, everything = Prepared(sa.insert(table).returning(table.c.id)), sa.select(table)

    def story(connection: Connection) -> tuple[Any, Any, Any]:
        ((made,),) = insert.rows(connection, ROW)
        return made, Prepared(everything).rows(connection, {}), connection.execute(everything).all()

    made, ours, cores = database.write(story)
    assert ours == [tuple(row) for row in cores] == [(made, "page", None, AT, 0, 0, {"è": [1]}, None, 0)]


def test_many_rows_go_in_at_once_and_none_is_no_statement(database: Database) -> None:
    insert = Prepared(sa.insert(table))

    def story(connection: Connection) -> int | None:
        insert.run_all(connection, [])
        insert.run_all(connection, [ROW, {**ROW, "kind": "clock"}, {**ROW, "kind": "letter"}])
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()

    assert database.write(story) == 3


def test_a_change_says_how_many_rows_it_found(database: Database) -> None:
    delete = Prepared(sa.delete(table).where(table.c.kind == sa.bindparam("wanted")))

    def story(connection: Connection) -> tuple[int, int]:
        jobs.add(connection, "page", AT, {})
        return delete.run(connection, {"wanted": "page"}), delete.run(connection, {"wanted": "page"})

    assert database.write(story) == (1, 0)


def test_a_missing_value_is_a_fault_and_not_a_null(database: Database) -> None:
    with pytest.raises(KeyError):
        database.write(lambda connection: Prepared(sa.insert(table)).run(connection, {"kind": "page"}))


def test_a_twin_is_refused_by_the_name_that_the_retry_knows_and_tells_nobodys_words(database: Database) -> None:
    row = {"key": "one", "at": AT, "door": "smtp", "peer": "", "rcpt": ["secret@x.example"], "outcome": "held"}
    database.write(lambda connection: reports.insert(connection, row))
    with pytest.raises(sa.exc.IntegrityError) as refused:
        database.write(lambda connection: reports.insert(connection, row))
    assert "secret@x.example" not in str(refused.value)
    assert database.read(lambda connection: connection.execute(sa.select(sa.func.count(ledger.c.id))).scalar()) == 1


def test_a_statement_of_what_is_not_there_is_the_trouble_that_core_raises(database: Database) -> None:
    nowhere = Prepared(sa.select(sa.table("nowhere", sa.column("x"))))
    with database.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="nowhere"):
        nowhere.rows(connection, {})


def test_columns_of_a_call_change_alone_and_together(database: Database) -> None:
    def story(connection: Connection) -> Any:
        values = {"sid": "CA1", "direction": "caller", "number": "", "at": AT, "state": {"a": 1}}
        begun = calls.begin(connection, values), calls.begin(connection, values)
        calls.update(connection, "CA1", customer="ACME")
        calls.update(connection, "CA1", state={"b": 2}, ended_at=AT)
        return begun, calls.get(connection, "CA1", lock=True)

    begun, call = database.write(story)
    assert begun == (True, False)
    assert (call.at, call.state, call.customer, call.ended_at) == (AT, {"b": 2}, "ACME", AT)


def test_nobody_is_no_row(database: Database) -> None:
    assert database.read(lambda connection: tickets.get(connection, 404, {}, lock=True)) is None
    assert database.read(lambda connection: reports.twin(connection, "none")) is None
