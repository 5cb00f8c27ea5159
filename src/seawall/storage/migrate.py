"""Migrations: bring the tables of every component to the schema that this version of the code expects.

A component keeps its migrations in a package of its own, one file each, named like procrastinate's::

    00.02.00_01_pre_baseline.py       release, number within the release, phase, what it does

``pre`` migrations only add: they run before the new code, and the code of the release before works with them.
``post`` migrations remove what the new code no longer uses: they run after it. Within a release, numbers 01 to 49
are ``pre`` and 50 to 99 ``post``. A file defines ``upgrade(op: alembic.operations.Operations)``. Once released it is
never changed: ``python -m checks`` compares it with the released one.

The table ``schema_migration`` lists the migrations that a database has, by component: a component that is no longer
installed keeps its tables and its history, and one that is new gets its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Final, Literal

from sqlalchemy import BigInteger, Column, Connection, Table, Text, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from seawall.model.ids import now_ms
from seawall.storage.database import Database, metadata
from seawall.storage.errors import StorageError

Phase = Literal["pre", "post"]

_NAME: Final = re.compile(r"(?P<release>\d\d\.\d\d\.\d\d)_(?P<number>\d\d)_(?P<phase>pre|post)_[a-z0-9_]+")
_FIRST_POST: Final = 50
_LOCK: Final = 0x5EA_3A12  # processes that start together migrate one after the other

# Created by ``upgrade`` itself: the only table that no migration creates.
schema_migration: Final = Table(
    "schema_migration",
    metadata,
    Column("component", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class MigrationSource:
    """A component and the import path of the package that holds its migrations."""

    component: str
    package: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file of one component."""

    component: str
    name: str  # the file's name without ".py"
    file: Traversable

    @property
    def phase(self) -> Phase:
        """Whether it runs before (``pre``) or after (``post``) the new code."""
        return "pre" if _phase(self.name) == "pre" else "post"

    def __str__(self) -> str:
        return f"{self.component} {self.name}"


def migrations(source: MigrationSource) -> tuple[Migration, ...]:
    """A component's migrations in their order. Raises ValueError for a misnamed file."""
    names = sorted(
        (file.name.removesuffix(".py"), file)
        for file in files(source.package).iterdir()
        if file.name.endswith(".py") and file.name != "__init__.py"
    )
    for name, _ in names:
        found = _NAME.fullmatch(name)
        if found is None or (int(found["number"]) >= _FIRST_POST) != (found["phase"] == "post"):
            raise ValueError(
                f"{source.package}: {name}.py is not a migration's name; write RR.RR.RR_NN_pre_words.py with NN from "
                f"01 to 49, or RR.RR.RR_NN_post_words.py with NN from 50 to 99"
            )
    return tuple(Migration(source.component, name, file) for name, file in names)


def pending(connection: Connection, sources: Sequence[MigrationSource]) -> tuple[Migration, ...]:
    """The migrations that the database lacks, in the order in which they run: by release and number, then by source.

    Raises StorageError when newer code, or Seawall before 0.2.0, made the database.
    """
    applied = applied_migrations(connection)
    _refuse_newer(connection, sources, applied)
    missing = (one for source in sources for one in migrations(source) if (one.component, one.name) not in applied)
    return tuple(sorted(missing, key=lambda one: one.name[: len("00.00.00_00")]))  # stable: sources stay in order


def upgrade(
    connection: Connection, sources: Sequence[MigrationSource], phase: Phase | None = None
) -> tuple[Migration, ...]:
    """Run pending migrations in the caller's transaction, and return them. If one fails, all are rolled back.

    ``pre``: up to the last ``pre`` migration, including ``post`` ones of earlier releases. ``post``: the rest, once
    no ``pre`` one is missing. None: all. Raises StorageError.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    todo = pending(connection, sources)
    through_pre = _through_pre(todo)
    if phase == "pre":
        todo = through_pre
    elif phase == "post" and through_pre:
        raise StorageError(
            f"The database {_place(connection)} lacks migrations that come before the new code, first "
            f"'{through_pre[0]}'. Run 'seawall migrate --pre', then start the new code, then 'seawall migrate --post'."
        )
    schema_migration.create(connection, checkfirst=True)
    for migration in todo:
        _run(connection, migration)
    return todo


def require_schema(database: Database, sources: Sequence[MigrationSource]) -> None:
    """Raise StorageError, with the command to run, unless this code can work with the database as it is.

    Missing ``post`` migrations are allowed: they run after the code.
    """
    with database.read() as connection:
        missing = _through_pre(pending(connection, sources))
        empty = not applied_migrations(connection)
    if missing and empty:
        raise StorageError(
            f"The database {database.place} has no tables of Seawall yet. Run 'seawall migrate' with the same "
            "--data-dir and --database, or start the server with 'seawall serve --migrate'."
        )
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise StorageError(
            f"The database {database.place} is at an older schema than this version of Seawall: it lacks the migration "
            f"'{missing[0]}'{more}. Back it up, then run 'seawall migrate' with the same --data-dir and --database, or "
            "start the server with 'seawall serve --migrate'."
        )


def _run(connection: Connection, migration: Migration) -> None:
    from alembic.operations import Operations  # Alembic is imported only by processes that migrate
    from alembic.runtime.migration import MigrationContext

    try:
        _load(migration).upgrade(Operations(MigrationContext.configure(connection)))
    except Exception as error:
        cause = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
        raise StorageError(
            f"The migration '{migration}' of {_place(connection)} failed: {cause or type(error).__name__}. The "
            "database is unchanged: fix the cause and run 'seawall migrate' again, or keep the old version."
        ) from error
    connection.execute(
        insert(schema_migration), {"component": migration.component, "name": migration.name, "at": now_ms()}
    )


def _load(migration: Migration) -> ModuleType:
    with as_file(migration.file) as path:
        spec = spec_from_file_location(f"seawall_migration_{migration.component}_{migration.name}", path)
        assert spec is not None, "a .py file"
        assert spec.loader is not None, "a .py file"
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def applied_migrations(connection: Connection) -> set[tuple[str, str]]:
    """Component and name of every migration that the database has. Raises StorageError."""
    inspector = inspect(connection)
    if inspector.has_table(schema_migration.name):
        return {(row.component, row.name) for row in connection.execute(select(schema_migration))}
    if inspector.has_table("alembic_version"):
        raise StorageError(
            f"The database {_place(connection)} was made by Seawall before 0.2.0, which was never released, and cannot "
            "be upgraded. Give this version an empty database."
        )
    return set()


def _refuse_newer(
    connection: Connection, sources: Iterable[MigrationSource], applied: Iterable[tuple[str, str]]
) -> None:
    """Allow additions (``pre``) of a newer release, else no server could restart during an upgrade."""
    known = {source.component: {one.name for one in migrations(source)} for source in sources}
    for component, name in sorted(applied):
        if component in known and name not in known[component] and _phase(name) != "pre":
            raise StorageError(
                f"The database {_place(connection)} has the migration '{component} {name}', which this version of "
                "Seawall does not know: a newer one made it. Upgrade Seawall, or restore the backup that was made "
                "before the upgrade."
            )


def _through_pre(todo: Sequence[Migration]) -> tuple[Migration, ...]:
    last = max((index for index, one in enumerate(todo) if one.phase == "pre"), default=-1)
    return tuple(todo[: last + 1])


def _phase(name: str) -> str | None:
    found = _NAME.fullmatch(name)
    return found["phase"] if found else None


def _place(connection: Connection) -> str:
    url = connection.engine.url
    return url.database or "" if connection.dialect.name == "sqlite" else url.render_as_string(hide_password=True)
