"""What tests do with databases."""

from __future__ import annotations

from seawall.app import COMPONENTS
from seawall.storage import open_database, upgrade
from seawall.storage.component import migration_sources

MIGRATIONS = migration_sources(COMPONENTS)


def migrated(url: str) -> None:
    """Make every table of Seawall in a database."""
    database = open_database(url)
    with database.write() as connection:
        upgrade(connection, MIGRATIONS)
    database.close()
