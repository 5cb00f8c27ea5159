"""Fixtures of the upgrade tests."""

from __future__ import annotations

from support.logs import no_log  # noqa: F401 - a fixture
