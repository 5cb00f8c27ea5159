"""Policies can be checked and run where nothing else is wanted: importing them loads no web, database or ML package."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
