"""What importing loads, and what modules offer: policies run where no web, database or ML package is wanted."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import seawall

SOURCE = Path(seawall.__file__).parent
HEAVY = ("sqlalchemy", "fastapi", "starlette", "pydantic", "numpy", "polars", "PIL", "sklearn", "httpx", "rich")


@pytest.mark.parametrize("module", ["seawall.policy", "seawall.model"])
def test_light_imports(module: str) -> None:
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded.intersection(HEAVY)


def test_the_command_line_starts_without_them() -> None:
    code = "import seawall.cli.main, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded.intersection({"sqlalchemy", "fastapi", "pydantic", "numpy", "polars", "PIL", "sklearn"})


PUBLIC = sorted(
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if "\n__all__ = " in path.read_text(encoding="utf-8")
)


def test_what_a_module_says_it_offers_is_there() -> None:
    """Static: a module is not imported for it, since some need an extra."""
    assert "seawall.policy" in PUBLIC
    missing = [f"{module}: {name}" for module in PUBLIC for name in offered_but_missing(module)]
    assert missing == []


def offered_but_missing(module: str) -> list[str]:
    folder = SOURCE.parent.joinpath(*module.split("."))
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bound: set[str] = {child.stem for child in folder.glob("*.py")}
    offered: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                offered += ast.literal_eval(value)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                bound.update(each.asname or each.name for each in names)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                bound.add(name)
    return [name for name in offered if name not in bound]
