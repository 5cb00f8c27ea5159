"""Types of a family's operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Answer: TypeAlias = tuple[object, Sequence[bytes]]
"""An answer for JSON, and the blobs after it."""
Operation: TypeAlias = Callable[[bytes, Any], Answer]
"""Reads one file with options. Raises ``DecodeRefused``; any other exception means *damaged*."""


class DecodeRefused(Exception):
    """A file is not read any further, for the reason in the code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
