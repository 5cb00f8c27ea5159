"""Opened storage for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.storage import Storage, opened


@pytest.fixture
def storage(database_url: str, tmp_path: Path) -> Iterator[Storage]:
    """Storage on a fresh database, on SQLite and on PostgreSQL."""
    with opened(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def sqlite_storage(sqlite_url: str, tmp_path: Path) -> Iterator[Storage]:
    """Storage on a fresh SQLite database."""
    with opened(sqlite_url, tmp_path) as made:
        yield made
