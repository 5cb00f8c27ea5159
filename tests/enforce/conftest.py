from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.enforcement import Rig, open_rig


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A fresh house, on SQLite and on PostgreSQL."""
    with open_rig(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def sqlite_rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A fresh house on SQLite."""
    with open_rig(sqlite_url, tmp_path) as opened:
        yield opened
