"""The writer reads which projections the database has together with the ledger's head."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from databases import migrated
from seawall.app import COMPONENTS, open_app
from seawall.settings import Settings
from seawall.storage.batch import HotPathSql, read_head
from support.storage import Storage


def _built(storage: Storage) -> str:
    with storage.database.read() as connection:
        *_, built = read_head(connection, HotPathSql(storage.database.dialect))
    return built


def test_the_head_names_the_projections_that_were_built(empty_database_url: str, tmp_path: Path) -> None:
    migrated(empty_database_url)
    with open_app(Settings.from_env({"SEAWALL_DATABASE_URL": empty_database_url}, data_dir=tmp_path)) as app:
        with app.database.read() as connection:
            *_, built = read_head(connection, HotPathSql(app.database.dialect))
        assert built == app.ledger.schema.built
        assert built.count("=") == sum(len(component.projections) for component in COMPONENTS)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE projection_state SET version = 8 WHERE name = 'tally'", "seen=1 tally=8"),
        ("INSERT INTO projection_state (name, version, seq) VALUES ('later', 1, 0)", "later=1 seen=1 tally=1"),
        ("DELETE FROM projection_state WHERE name = 'seen'", "tally=1"),
        ("DELETE FROM projection_state", ""),
    ],
)
def test_the_head_follows_whatever_writes_the_state(storage: Storage, change: str, expected: str) -> None:
    """Code of the release before writes ``projection_state`` alone."""
    assert _built(storage) == "seen=1 tally=1" == storage.ledger.schema.built
    with storage.database.write() as connection:
        connection.execute(text(change))
    assert _built(storage) == expected
