"""What docs/policies.md shows of ``policy test``, ``try``, ``plan``, ``import`` and ``check`` is what they print."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seawall.api.trying import TryRequest
from seawall.cli.main import app
from seawall.screen.trying import _MOST_OPEN, TRIES_PER_MINUTE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


def fence(info: str) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize("info", ["console test", "console try", "console import", "console plan"])
def test_the_output_shown_is_that_of_the_command(info: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line; what "…" leaves out depends on the versions of the detectors."""
    for name in ("DATABASE_URL", "DATA_DIR", "POLICIES_DIR", "CONTENT_TYPES_DIR", "TEXT_MODEL_DIR"):
        monkeypatch.delenv(f"SEAWALL_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-policies").mkdir()
    (tmp_path / "my-policies" / "ticket-touting.yaml").write_text(fence("yaml policy"), encoding="utf-8")
    (tmp_path / "followers.sml").write_text(fence("text sml"), encoding="utf-8")
    if info == "console plan":
        monkeypatch.setenv("SEAWALL_DATA_DIR", str(tmp_path))
        for preparing in (["migrate"], ["policy", "publish", "--logic"]):
            assert CliRunner().invoke(app, preparing).exit_code == 0
    command, *shown = fence(info).splitlines()
    done = CliRunner().invoke(app, shlex.split(command.removeprefix("$ seawall ")))
    assert done.exit_code == 0, done.output
    printed = iter([line.rstrip() for line in done.output.splitlines()])
    for line in shown:
        if line != "…":
            assert line in printed, f"{line!r} is not printed after the line before it:\n{done.stdout}"
    if "…" not in shown:
        assert list(printed) == []


def test_the_figure_that_cannot_be_shown_is_refused_like_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"^   ```text figure\n(.*?)^   ```$", PAGE, re.MULTILINE | re.DOTALL)
    when = "spam >= at_precision(0.999, prevalence=0.001)"
    monkeypatch.chdir(tmp_path)
    sure = fence("yaml refused").replace("spamm >= 0.5", when).replace("policy: broken", "policy: sure")
    (tmp_path / "sure.yaml").write_text(sure, encoding="utf-8")
    done = CliRunner().invoke(app, ["policy", "check", "sure.yaml"])
    assert done.exit_code == 1
    assert done.output.strip().endswith(textwrap.dedent(shown).strip())


def test_the_request_shown_is_one() -> None:
    request = json.loads(fence("json"))
    assert set(request) <= set(TryRequest.__struct_fields__)
    assert f"{TRIES_PER_MINUTE} items a minute" in PAGE
    assert (_MOST_OPEN, "six tries of all people" in PAGE) == (6, True)
