"""Statements of the hot paths, written with Core, compiled once and run by the driver: Core's own way through a statement
costs five to ten times what SQLite needs to execute it.

Types are converted as Core would, trouble of the driver is raised as SQLAlchemy's. A statement that is built for each
question, or that is rare, stays plain Core.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

Values = Mapping[str, Any]
Row = tuple[Any, ...]
Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """For one dialect: the SQL, the parameters in order and what becomes of them, and what becomes of the columns.

    `positional`: the driver takes a tuple, else a dict. `columns` is empty when no column needs a conversion. `fixed`:
    values that stand in the statement itself."""

    sql: str
    parameters: tuple[tuple[str, Convert], ...]
    positional: bool
    columns: tuple[Convert, ...]
    fixed: Values

    def bound(self, values: Values) -> Any:
        if self.fixed:
            values = {**self.fixed, **values}
        if self.positional:
            return tuple([convert(values[name]) if convert else values[name] for name, convert in self.parameters])
        return {name: convert(values[name]) if convert else values[name] for name, convert in self.parameters}

    def read(self, rows: Sequence[Any]) -> list[Row]:
        if not self.columns:
            return [tuple(row) for row in rows]
        return [
            tuple([convert(value) if convert else value for convert, value in zip(self.columns, row, strict=True)])
            for row in rows
        ]


class Prepared:
    """One statement, or one for each dialect where they differ. An insert names every column but a generated id."""

    def __init__(self, statement: Any) -> None:
        self._statements: Mapping[str, Any] | None = statement if isinstance(statement, Mapping) else None
        self.statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Values) -> int:
        """Execute; says how many rows were changed."""
        compiled = self._for(connection.dialect)
        return int(self._cursor(connection, compiled, compiled.bound(values)).rowcount)

    def run_all(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Execute once for each of `rows`."""
        compiled = self._for(connection.dialect)
        if len(rows) == 1:
            self._cursor(connection, compiled, compiled.bound(rows[0]))
        elif rows:
            self._cursor(connection, compiled, [compiled.bound(values) for values in rows], many=True)

    def insert(self, connection: Connection, values: Values) -> int:
        """Execute an insert of one row; its generated id. SQLite tells it unasked, and in half the time of RETURNING."""
        compiled = self._for(connection.dialect)
        cursor = self._cursor(connection, compiled, compiled.bound(values))
        return int(cursor.fetchone()[0] if cursor.description else cursor.lastrowid)

    def rows(self, connection: Connection, values: Values) -> list[Row]:
        compiled = self._for(connection.dialect)
        return compiled.read(self._cursor(connection, compiled, compiled.bound(values)).fetchall())

    def first(self, connection: Connection, values: Values) -> Row | None:
        return next(iter(self.rows(connection, values)), None)

    def _for(self, dialect: sa.Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            statement = self._statements[dialect.name] if self._statements else self.statement
            found = self._compiled[dialect.name] = _compile(statement, dialect)
        return found

    def _cursor(self, connection: Connection, compiled: _Compiled, bound: Any, *, many: bool = False) -> Any:
        cursor = connection.connection.cursor()
        base = connection.dialect.loaded_dbapi.Error
        try:
            (cursor.executemany if many else cursor.execute)(compiled.sql, bound)
        except base as trouble:
            raise _as_sqlalchemy(trouble, compiled.sql, base, connection) from trouble
        return cursor


def _compile(statement: Any, dialect: sa.Dialect) -> _Compiled:
    keys = None
    if statement.is_insert:
        keys = [column.name for column in statement.table.columns if column is not statement.table.autoincrement_column]
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    binds: Mapping[str, Any] = compiled.binds
    names: Sequence[str] = compiled.positiontup if compiled.positional else list(binds)
    converts = [binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    columns = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in _columns(statement)]
    return _Compiled(
        str(compiled),
        tuple(zip(names, converts, strict=True)),
        bool(compiled.positional),
        tuple(columns) if any(columns) else (),
        {name: binds[name].value for name in names if not binds[name].required and not statement.is_dml},
    )


def _columns(statement: Any) -> Sequence[Any]:
    return list(statement.exported_columns) if statement.is_select or statement.is_dml else []


def _as_sqlalchemy(trouble: Exception, sql: str, base: type[Exception], connection: Connection) -> BaseException:
    """The same exception that Core would raise, without the values: they are people's words."""
    lost = connection.dialect.is_disconnect(trouble, connection.connection, None)  # type: ignore[arg-type]
    if lost:
        connection.invalidate(trouble)
    return sa.exc.DBAPIError.instance(
        sql, None, trouble, base, hide_parameters=True, connection_invalidated=lost, dialect=connection.dialect
    )
