"""An opened house whose policies count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.app import Rig, opened


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """On SQLite and on PostgreSQL. At the end its projections must rebuild equal."""
    with opened(tmp_path, database_url, "rude", "gore") as made:
        yield made
        made.gore.go_on.set()
        made.assert_rebuilds()
