"""Commands of ``seawall``, run in the process of the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from seawall.cli.main import app

Run = Callable[..., Result]
_OTHERS = ("DATABASE_URL", "POLICIES_DIR", "CONTENT_TYPES_DIR", "TEXT_MODEL_DIR", "PLUGINS", "DETECTORS")


def own_settings(monkeypatch: pytest.MonkeyPatch, folder: Path, *, columns: int = 200) -> None:
    """A data folder below ``folder``, not made yet, and none of the settings of whoever runs the tests."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("SEAWALL_DATA_DIR", str(folder / "data"))
    for name in _OTHERS:
        monkeypatch.delenv(f"SEAWALL_{name}", raising=False)


def run_command(*arguments: object, status: int = 0) -> Result:
    """Run a command; a traceback, and any other exit status, fails the test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    shown = result.stdout + result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit), (shown, result.exc_info)
    assert "Traceback" not in shown
    assert result.exit_code == status, shown
    return result
