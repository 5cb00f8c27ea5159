"""Lists of exceptions beside the checks. They may only get shorter: an exception without a case is a problem too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def read_allowed(path: Path) -> set[str]:
    """The lines of an exceptions file, without comments; nothing when there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def unused(path: Path, found: Iterable[str]) -> list[str]:
    """A sentence for each exception that is needed no more."""
    return [
        f"{path.name} lists '{each}', which is fixed: remove the line"
        for each in sorted(read_allowed(path) - set(found))
    ]
