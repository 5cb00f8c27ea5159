"""The schema: what the migrations make is what the code's tables say; and how a database comes from one to the next."""

from __future__ import annotations

import importlib
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Table, inspect, text

from databases import MIGRATIONS, migrated
from seawall.storage import (
    Database,
    MigrationSource,
    StorageError,
    metadata,
    open_database,
    pending,
    require_schema,
    upgrade,
)
from seawall.storage.migrate import migrations

Release = Callable[..., MigrationSource]

BASELINE = "00.02.00_01_pre_baseline"


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    opened = open_database(empty_database_url)
    yield opened
    opened.close()


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Writes migrations of a component ``extra``: name → the statements of its ``upgrade``. One call, one release."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(**files: str) -> MigrationSource:
        package = f"extra_{uuid.uuid4().hex}"  # a package is imported once
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        for name, body in files.items():
            lines = "\n".join(f"    {line}" for line in body.splitlines())
            text = f"import sqlalchemy as sa\n\n\ndef upgrade(op):\n{lines}\n"
            (tmp_path / package / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return MigrationSource("extra", package)

    return write


def run(database: Database, *sources: MigrationSource, phase: str | None = None) -> list[str]:
    with database.write() as connection:
        return [one.name for one in upgrade(connection, sources, phase)]  # type: ignore[arg-type] - "pre", "post"


def tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(inspect(connection).get_table_names())


def tables_of(source: MigrationSource) -> str:
    return source.package.removesuffix("migrations") + "tables"


def differences(database: Database, wanted: set[str]) -> list[object]:
    """How the database differs from the tables in the code; of the code's tables, only ``wanted`` count."""

    def counts(item: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
        return kind != "table" or reflected or name in wanted

    with database.read() as connection:
        options = {"compare_type": True, "include_object": counts}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


# -- the code's tables ----------------------------------------------------------------------------------------------


def test_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    for source in MIGRATIONS:
        importlib.import_module(tables_of(source))
    run(database, *MIGRATIONS)
    assert differences(database, set(metadata.tables)) == []


@pytest.mark.parametrize("source", MIGRATIONS, ids=lambda source: source.component)
def test_a_component_alone_makes_its_own_tables(database: Database, source: MigrationSource) -> None:
    module = importlib.import_module(tables_of(source))
    own = {table.name for table in vars(module).values() if isinstance(table, Table)}
    run(database, source)
    assert differences(database, own | {"schema_migration"}) == []


def _component_of(folder: Path) -> str:
    """The component whose folder it is, or lies in: ``review/bulk`` is a part of ``review``."""
    return folder.name if (folder / "component.py").is_file() else _component_of(folder.parent)


def test_every_component_with_tables_has_migrations() -> None:
    root = Path(sys.modules["seawall"].__file__ or "").parent
    with_tables = {_component_of(path.parent) for path in root.rglob("tables.py")}
    assert with_tables == {source.component for source in MIGRATIONS}
    first = {source.component: migrations(source)[0].name for source in MIGRATIONS}
    newer = {"quality", "exposure", "case_summary", "counters"}  # than the rest
    assert {component for component, name in first.items() if name != BASELINE} == newer


# -- running them -----------------------------------------------------------------------------------------------------


def test_migrating_again_does_nothing(database: Database) -> None:
    assert len(run(database, *MIGRATIONS)) == sum(len(migrations(source)) for source in MIGRATIONS)
    assert run(database, *MIGRATIONS) == []


def test_processes_may_migrate_at_once(empty_database_url: str, database: Database) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrated, [empty_database_url] * 3))
    with database.read() as connection:
        assert pending(connection, MIGRATIONS) == ()


CREATE = 'op.create_table("extra", sa.Column("a", sa.Text()), sa.Column("old", sa.Text()))'
ADD = 'op.add_column("extra", sa.Column("b", sa.Text()))\nop.execute("UPDATE extra SET b = old")'
DROP = 'with op.batch_alter_table("extra") as table:\n    table.drop_column("old")'


def test_the_next_releases_migrations_bring_an_older_database_up_to_date(database: Database, release: Release) -> None:
    released = {BASELINE: CREATE}
    run(database, release(**released))
    with database.write() as connection:
        connection.execute(text("INSERT INTO extra VALUES ('x', 'y')"))
    later = release(**released, **{"00.03.00_01_pre_add_b": ADD, "00.03.00_50_post_drop_old": DROP})
    assert run(database, later) == ["00.03.00_01_pre_add_b", "00.03.00_50_post_drop_old"]
    with database.read() as connection:
        assert connection.execute(text("SELECT a, b FROM extra")).all() == [("x", "y")]
        assert {column["name"] for column in inspect(connection).get_columns("extra")} == {"a", "b"}


def test_additions_run_before_the_new_code_and_removals_after_it(database: Database, release: Release) -> None:
    older = {BASELINE: CREATE, "00.02.00_50_post_nothing": "pass"}
    old = release(**older)
    assert run(database, old, phase="pre") == [BASELINE]
    require_schema(database, [old])  # a missing "post" migration is no hindrance

    new = release(**older, **{"00.03.00_01_pre_add_b": ADD, "00.03.00_50_post_drop_old": DROP})
    with pytest.raises(StorageError, match=r"older schema.*'extra 00.02.00_50_post_nothing' and 1 more.*run 'seawall"):
        require_schema(database, [new])
    with pytest.raises(StorageError, match="Run 'seawall migrate --pre', then start the new code"):
        run(database, new, phase="post")
    assert run(database, new, phase="pre") == ["00.02.00_50_post_nothing", "00.03.00_01_pre_add_b"]
    require_schema(database, [new])
    require_schema(database, [old])  # so the old servers can be started again until the new ones are up
    assert run(database, new, phase="post") == ["00.03.00_50_post_drop_old"]
    with pytest.raises(StorageError, match=r"'extra 00.03.00_50_post_drop_old'.*newer one made it. Upgrade Seawall"):
        require_schema(database, [old])
    with pytest.raises(StorageError, match="Upgrade Seawall"):
        run(database, old)


def test_a_new_database_is_refused_with_the_command_to_run(database: Database) -> None:
    with pytest.raises(StorageError, match=r"has no tables of Seawall yet\. Run 'seawall migrate'"):
        require_schema(database, MIGRATIONS)
    assert tables(database) == set()


@pytest.mark.parametrize(
    "breaks",
    [
        CREATE + '\nop.execute("INSERT INTO nowhere VALUES (1)")',
        CREATE + '\nraise RuntimeError("no")',
        ADD.replace('"b"', '"a"'),
    ],
)
def test_a_migration_that_fails_leaves_nothing_behind(database: Database, release: Release, breaks: str) -> None:
    run(database, *MIGRATIONS)
    before = tables(database)
    source = release(**{BASELINE: CREATE.replace('"extra"', '"early"'), "00.02.00_02_pre_breaks": breaks})
    failed = r"'extra 00\.02\.00_02_pre_breaks' of .* failed: .* The database is unchanged"
    with pytest.raises(StorageError, match=failed):
        run(database, *MIGRATIONS, source)
    assert tables(database) == before
    with database.read() as connection:
        assert [one.name for one in pending(connection, [source])] == [BASELINE, "00.02.00_02_pre_breaks"]


def test_a_component_that_is_not_installed_any_more_hinders_nothing(database: Database, release: Release) -> None:
    extra = release(**{BASELINE: CREATE})
    run(database, *MIGRATIONS, extra)
    require_schema(database, MIGRATIONS)
    assert run(database, *MIGRATIONS) == []
    assert "extra" in tables(database)
    require_schema(database, [*MIGRATIONS, extra])


def test_migrations_run_by_release_and_number_whatever_the_component(database: Database, release: Release) -> None:
    extra = release(**{BASELINE: CREATE, "00.03.00_01_pre_add_b": ADD})
    run(database, extra)
    with database.write() as connection:
        connection.execute(text("DELETE FROM schema_migration WHERE component = 'extra'"))
        names = [str(one) for one in pending(connection, [extra, MIGRATIONS[0]])]
    assert names[:3] == [f"extra {BASELINE}", f"storage {BASELINE}", "extra 00.03.00_01_pre_add_b"]
    assert all(name.startswith("storage 00.03.00_") for name in names[3:])


def test_a_database_from_before_the_first_release_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
    with pytest.raises(StorageError, match=r"before 0\.2\.0.*empty database"):
        run(database, *MIGRATIONS)
    with pytest.raises(StorageError, match=r"before 0\.2\.0"):
        require_schema(database, MIGRATIONS)


@pytest.mark.parametrize(
    "name", ["0002_more", "00.02.00_01_baseline", "00.02.00_50_pre_late", "00.02.00_01_post_early", "0.2.0_01_pre_x"]
)
def test_a_file_whose_name_says_no_release_number_and_phase(database: Database, release: Release, name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a migration's name; write RR\.RR\.RR_NN_pre"):
        run(database, release(**{name: "pass"}))
