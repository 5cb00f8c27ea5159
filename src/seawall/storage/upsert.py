"""Insert or replace rows by primary key, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, add: tuple[str, ...] = ()
) -> None:
    """Write ``rows``, whole, replacing those with the same primary key; columns in ``add`` are added to instead."""
    connection.execute(_statement(table, add, connection.dialect.name), rows)


@cache
def _statement(table: Table, add: tuple[str, ...], dialect: str) -> Executable:
    build = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = build(table)
    keys = [column.name for column in table.primary_key]
    changes = {
        column.name: (table.c[column.name] + statement.excluded[column.name])
        if column.name in add
        else statement.excluded[column.name]
        for column in table.c
        if column.name not in keys
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)
