from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.enforcement import House, open_house


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A fresh house, on SQLite and on PostgreSQL."""
    with open_house(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def sqlite_house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """A fresh house on SQLite."""
    with open_house(sqlite_url, tmp_path) as opened:
        yield opened
