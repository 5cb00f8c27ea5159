"""Opened houses for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.app import Rig, opened


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A house with the banks' policy, on SQLite and on PostgreSQL. At the end its projections must rebuild equal."""
    with opened(tmp_path, database_url, "rude", "known") as made:
        yield made
        made.assert_rebuilds()
