"""Bringing a database's schema up to the code's."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from seawall.storage.errors import StorageError

_LOCK = 0x5EA_3A12  # processes that start together migrate one after the other


def upgrade(connection: Connection, place: str) -> None:
    """Run the missing migrations in the caller's transaction. Raises StorageError for a database of newer code."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise StorageError(
            f"The database {place} is at schema {current}, which this version of Seawall does not know: newer code "
            "wrote it. Upgrade Seawall, or restore the backup that was made before the upgrade."
        )
    if current != scripts.get_current_head():
        command.upgrade(config, "head")
