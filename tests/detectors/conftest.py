"""Fixtures of these tests."""

from __future__ import annotations

from support.parts import image, text_part  # noqa: F401 - fixtures
