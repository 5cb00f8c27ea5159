"""The writer reads which projections the database has together with the ledger's head."""

from __future__ import annotations

from pathlib import Path

from databases import migrated
from seawall.app import COMPONENTS, open_app
from seawall.settings import Settings
from seawall.storage.batch import HotPathSql, read_head


def test_the_head_names_the_projections_that_were_built(empty_database_url: str, tmp_path: Path) -> None:
    migrated(empty_database_url)
    with open_app(Settings.from_env({"SEAWALL_DATABASE_URL": empty_database_url}, data_dir=tmp_path)) as app:
        with app.database.read() as connection:
            *_, built = read_head(connection, HotPathSql(app.database.dialect))
        assert built == app.ledger.schema.built
        assert built.count("=") == sum(len(component.projections) for component in COMPONENTS)
