"""The database's clock, by which leases are measured because all processes share it."""

from __future__ import annotations

from sqlalchemy import Connection

from seawall.model import now_ms


def database_now_ms(connection: Connection) -> int:
    """Milliseconds since 1970. All processes of a SQLite file are on one machine, so its clock is this one's."""
    if connection.dialect.name != "postgresql":
        return now_ms()
    found = connection.exec_driver_sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").scalar_one()
    return int(found)
