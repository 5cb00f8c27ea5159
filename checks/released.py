"""Data outlive releases: what a release wrote stays readable. Compares the code with every released description."""

from __future__ import annotations

import json
from pathlib import Path

FORMATS = "formats.json"


def check(root: Path) -> list[str]:
    """What the code would lose of data of the releases in ``tests/upgrades/<release>/formats.json``."""
    from checks.formats import describe, differences  # imports the whole of Seawall

    released = [json.loads(path.read_text(encoding="utf-8")) for path in released_formats(root / "tests" / "upgrades")]
    if not released:
        return []
    now = describe("now")
    problems = dict.fromkeys(problem for old in released for problem in differences(old, now))
    return list(problems)


def released_formats(folder: Path) -> list[Path]:
    """The descriptions, the oldest release first."""
    found = folder.glob(f"*/{FORMATS}")
    return sorted(found, key=lambda path: tuple(int(part) for part in path.parent.name.split(".")))
