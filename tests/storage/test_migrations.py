"""The schema: what the migrations make is what the code's tables say."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import seawall
from seawall.storage import StorageError, metadata, open_database


def _load_all_tables() -> None:
    """Every room that has a ``tables.py`` adds its tables to ``metadata``."""
    for path in sorted(Path(seawall.__file__).parent.glob("*/tables.py")):
        importlib.import_module(f"seawall.{path.parent.name}.tables")


def test_migrations_make_exactly_the_tables_of_the_code(empty_database_url: str) -> None:
    _load_all_tables()
    database = open_database(empty_database_url)
    database.migrate()
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_migrating_again_does_nothing(database_url: str) -> None:
    database = open_database(database_url)
    database.migrate()
    database.migrate()
    database.close()


def test_processes_may_migrate_at_once(empty_database_url: str) -> None:
    def migrate(_: int) -> None:
        database = open_database(empty_database_url)
        database.migrate()
        database.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, range(3)))


def test_a_database_of_newer_code_is_refused(database_url: str) -> None:
    database = open_database(database_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"schema 9999.*Upgrade Seawall"):
        database.migrate()
    database.close()
