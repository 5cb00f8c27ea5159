"""``seawall migrate``, and the commands that refuse a database that is not migrated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from databases import MIGRATIONS
from seawall.cli.main import app
from seawall.storage import open_database
from seawall.storage.migrate import migrations

Run = Callable[..., Result]
COUNT = sum(len(migrations(source)) for source in MIGRATIONS)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, empty_database_url: str, tmp_path: Path) -> Run:
    """Runs a command on a database without tables."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SEAWALL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SEAWALL_DATABASE_URL", empty_database_url)

    def run_it(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == status, (result.stdout, result.stderr, result.exc_info)
        return result

    return run_it


OPENING = [
    ("serve", "--port", "0"),
    ("worker",),
    ("policy", "publish"),
    ("policy", "explain", "dec_x"),
    ("bank", "list"),
    ("key", "list"),
    ("person", "create", "a@example.org", "--name", "A", "--role", "admin", "--password", "a wall at the sea"),
    ("endpoint", "list"),
    ("ledger", "verify"),
    ("ledger", "rebuild"),
]


@pytest.mark.parametrize("command", OPENING, ids=lambda command: " ".join(command[:2]))
def test_no_command_opens_a_database_without_tables(run: Run, command: tuple[str, ...]) -> None:
    assert "no tables of Seawall yet. Run 'seawall migrate'" in run(*command, status=1).stderr
    assert f"{COUNT} migrations run" in run("migrate").stdout  # nothing was made before


def test_migrate_says_what_it_did(run: Run) -> None:
    done = run("migrate", "--pre")
    assert "migrated: screen 00.02.00_01_pre_baseline" in done.stderr
    assert f"{COUNT} migrations run" in done.stdout
    assert "nothing to do" in run("migrate").stdout
    assert "nothing to do" in run("migrate", "--post").stdout
    assert "exclude each other" in run("migrate", "--pre", "--post", status=1).stderr
    assert run("key", "list").stdout == ""


def test_an_older_schema_is_refused_and_brought_up_to_date(run: Run, empty_database_url: str) -> None:
    run("migrate")
    database = open_database(empty_database_url)
    with database.write() as connection:  # as if the newest release had brought the component ``quality``
        connection.execute(text("DELETE FROM schema_migration WHERE component = 'quality'"))
        for table in ("blind_review", "golden_case", "blind_review_lease"):
            connection.execute(text(f"DROP TABLE {table}"))
    assert "older schema" in run("ledger", "verify", status=1).stderr
    assert "1 migrations run" in run("migrate").stdout
    assert "0 events verified" in run("ledger", "verify").stdout
    with database.write() as connection:
        connection.execute(text("INSERT INTO schema_migration VALUES ('quality', '00.03.00_50_post_drop', 0)"))
    database.close()
    for command in ("verify", "rebuild"):
        assert "Upgrade Seawall" in run("ledger", command, status=1).stderr
    assert "Upgrade Seawall" in run("migrate", status=1).stderr
