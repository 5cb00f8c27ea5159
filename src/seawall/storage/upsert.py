"""Bulk insert and upsert for SQLite and PostgreSQL, without SQLAlchemy's cost per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from seawall.storage.driver import run_many

Row = Mapping[str, Any]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert ``rows``; all must have the columns of the first."""
    if rows:
        names = tuple(rows[0])
        run_many(connection, _insert(table, names, connection.dialect.name), _values(rows, names))


def upsert(connection: Connection, table: Table, rows: Sequence[Row], *, add: tuple[str, ...] = ()) -> None:
    """Insert ``rows``, replacing those with the same primary key; columns in ``add`` are summed instead."""
    if rows:
        names = tuple(rows[0])
        run_many(connection, _upsert(table, names, add, connection.dialect.name), _values(rows, names))


def _values(rows: Sequence[Row], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    width = len(names)
    for row in rows:
        if len(row) != width:
            raise ValueError(f"rows written together must have the same columns: {sorted(names)} and {sorted(row)}")
    return [tuple([row[name] for name in names]) for row in rows]


@cache
def _insert(table: Table, names: tuple[str, ...], dialect: str) -> str:
    quote = (sqlite if dialect == "sqlite" else postgresql).dialect().identifier_preparer.quote
    columns = ", ".join(quote(table.c[name].name) for name in names)
    marks = ", ".join(["?" if dialect == "sqlite" else "%s"] * len(names))
    return f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of our own tables


@cache
def _upsert(table: Table, names: tuple[str, ...], add: tuple[str, ...], dialect: str) -> str:
    quote = (sqlite if dialect == "sqlite" else postgresql).dialect().identifier_preparer.quote
    keys = [column.name for column in table.primary_key]
    own = quote(table.name)
    changes = [
        f"{quote(column.name)} = "
        + (f"{own}.{quote(column.name)} + " if column.name in add else "")
        + f"excluded.{quote(column.name)}"
        for column in table.c
        if column.name not in keys
    ]
    conflict = f" ON CONFLICT ({', '.join(map(quote, keys))}) DO "
    return _insert(table, names, dialect) + conflict + (f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING")
