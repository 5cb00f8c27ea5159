"""Opened houses for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.app import Rig, opened


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A house without slow detectors, on SQLite and on PostgreSQL. At the end its projections must rebuild equal."""
    with opened(tmp_path, database_url, "rude", "gore") as made:
        yield made
        made.gore.go_on.set()
        made.assert_rebuilds()


@pytest.fixture
def sqlite_rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    """The same on SQLite only, for what storage has no part in."""
    with opened(tmp_path, sqlite_url, "rude", "gore") as made:
        yield made
        made.gore.go_on.set()
        made.assert_rebuilds()
