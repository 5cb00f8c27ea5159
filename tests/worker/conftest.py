"""What the tests of this room share."""

from __future__ import annotations

import pytest
import structlog


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """Failures that a test provokes are not printed: a traceback in colours costs seconds."""
    structlog.configure(processors=[_drop])


def _drop(*_: object) -> str:
    raise structlog.DropEvent
