"""Direct use of the database driver, for the few statements that every request runs.

SQLAlchemy spends about 20 µs on every row of an ``executemany`` and 40 µs on every statement; sqlite3 and psycopg
themselves spend one or two. These calls run inside the SQLAlchemy connection's transaction and raise its exceptions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def _unchanged(value: Any) -> Any:
    return value


# Without an adapter, sqlite3 raises and drops two exceptions for each parameter of these types, then stores it as is:
# 3 % of a screening's instructions.
for _kind in (bytes, bool, type(None)):
    sqlite3.register_adapter(_kind, _unchanged)


def run_many(connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run ``sql`` once for each row of positional parameters; return the total number of affected rows."""
    try:
        cursor = connection.connection.cursor()
        try:
            if len(rows) == 1:
                cursor.execute(sql, rows[0])
            else:
                cursor.executemany(sql, rows)
            return cursor.rowcount
        finally:
            cursor.close()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(error, connection, sql) from error


def run(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
    """Run a statement; return its rows, if any, as plain tuples."""
    try:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(error, connection, sql) from error


def _as_sqlalchemy(error: Exception, connection: Connection, sql: str) -> BaseException:
    """The driver's error as SQLAlchemy's, without the parameters, which may be personal."""
    dialect = connection.dialect
    return DBAPIError.instance(sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect)
