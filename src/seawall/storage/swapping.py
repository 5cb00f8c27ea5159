"""A second table with the same columns and indexes as a table, which later replaces it under its name."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, Index, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql import quoted_name

_SUFFIX = "__building"


@cache
def table_beside(table: Table, dialect: str) -> Table:
    """The definition of the second table. Names that must be unique in the database have a suffix too."""
    beside = table.to_metadata(MetaData(), name=table.name + _SUFFIX)
    for index in beside.indexes:
        index.name = quoted_name(f"{index.name}{_SUFFIX}", None)
    suffix = _SUFFIX if dialect == "postgresql" else ""  # on SQLite constraints have names in their table only
    names = {(type(one), tuple(one.columns.keys())): one.name for one in _unique(table)}
    for constraint in _unique(beside):
        name = names[type(constraint), tuple(constraint.columns.keys())]
        constraint.name = f"{name}{suffix}" if isinstance(name, str) else None
    return beside


def create_beside(connection: Connection, table: Table) -> None:
    """Create the second table, empty."""
    drop_beside(connection, table)
    table_beside(table, connection.dialect.name).create(connection)


def drop_beside(connection: Connection, table: Table) -> None:
    """Drop the second table if it exists."""
    table_beside(table, connection.dialect.name).drop(connection, checkfirst=True)


def replace_table(connection: Connection, table: Table) -> None:
    """Drop the table and rename the second one, with its indexes and constraints, to replace it."""
    dialect = connection.dialect.name
    quote = connection.dialect.identifier_preparer.quote
    beside = table_beside(table, dialect)
    table.drop(connection, checkfirst=True)
    connection.exec_driver_sql(f"ALTER TABLE {quote(beside.name)} RENAME TO {quote(table.name)}")
    for index in _sorted(beside):
        before, after = quote(str(index.name)), quote(str(index.name).removesuffix(_SUFFIX))
        if dialect == "postgresql":
            connection.exec_driver_sql(f"ALTER INDEX {before} RENAME TO {after}")
        else:  # SQLite cannot rename an index
            connection.exec_driver_sql(f"DROP INDEX {before}")
    if dialect == "postgresql":
        for constraint in _unique(beside):
            if not isinstance(constraint.name, str):
                continue
            before, after = quote(str(constraint.name)), quote(str(constraint.name).removesuffix(_SUFFIX))
            connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} RENAME CONSTRAINT {before} TO {after}")
    else:
        for index in _sorted(table):
            connection.execute(CreateIndex(index))


def _sorted(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _unique(table: Table) -> list[PrimaryKeyConstraint | UniqueConstraint]:
    """Primary key and unique constraints: they are indexes too, and may have a name."""
    return [one for one in table.constraints if isinstance(one, PrimaryKeyConstraint | UniqueConstraint)]
