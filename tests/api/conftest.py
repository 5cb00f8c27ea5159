"""A served house, shared by the tests of a module that leave no trace on each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api import Client, serving


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("api")) as made:
        yield made


@pytest.fixture
def fresh(database_url: str, tmp_path: Path) -> Iterator[Client]:
    """A house of the test's own, on SQLite and on PostgreSQL."""
    with serving(tmp_path, database_url) as made:
        yield made
        made.rig.gore.go_on.set()
        made.rig.assert_rebuilds()
