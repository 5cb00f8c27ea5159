"""What tests do about the log."""

from __future__ import annotations

import pytest
import structlog


@pytest.fixture(autouse=True, scope="session")
def no_log() -> None:
    """Failures that a test provokes are not printed: a traceback in colours costs seconds."""
    configure_log()


def configure_log() -> None:
    """Drop everything that is logged."""
    structlog.reset_defaults()
    structlog.configure(processors=[_drop])


def _drop(*_: object) -> str:
    raise structlog.DropEvent
