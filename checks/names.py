"""A public class name means one thing in the whole package."""

from __future__ import annotations

import ast
from pathlib import Path


def check(root: Path) -> list[str]:
    """Public class names that several modules of ``src/seawall`` define, with the places."""
    return [
        f"the class name {name} is used {len(places)} times: {', '.join(places)}; give all but one another name"
        for name, places in duplicate_class_names(root / "src" / "seawall").items()
    ]


def duplicate_class_names(package: Path) -> dict[str, list[str]]:
    """Name → ``module.py:line`` of every top-level class of that name, where there is more than one."""
    places: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(f"{path.relative_to(package.parent).as_posix()}:{node.lineno}")
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}
