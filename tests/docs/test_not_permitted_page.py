"""The file ``not-permitted.yaml`` that docs/policies.md shows is accepted beside the shipped policies."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.shipped import policies

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
(SHOWN,) = re.findall(r"^```yaml not-permitted\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def folder(tmp_path: Path, law: str) -> Path:
    for name, text in policies.sources().items():
        (tmp_path / Path(name).name).write_text(text, encoding="utf-8")
    (tmp_path / "not-permitted.yaml").write_text(law, encoding="utf-8")
    return tmp_path


def test_the_file_shown_is_accepted(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["policy", "check", str(folder(tmp_path, SHOWN))])
    assert done.exit_code == 0, done.output


def test_a_misspelt_detector_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["policy", "check", str(folder(tmp_path, SHOWN.replace("[voice", "[voices")))])
    assert done.exit_code == 1
    assert "not-permitted.yaml:11:17: unknown detector 'voices'" in done.output
    assert "nearest: voice" in done.output


def test_the_overlay_shown_is_accepted_and_its_examples_pass(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```yaml overlay\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "quiet-messages.yaml").write_text(shown, encoding="utf-8")
    done = CliRunner().invoke(app, ["policy", "test", "--logic", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "1 passed, 0 failed" in done.output
