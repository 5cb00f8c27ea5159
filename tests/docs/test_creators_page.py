"""What docs/policies.md and docs/integrate.md show of creators' overlays is what happens."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seawall.cli.main import app
from seawall.client import Seawall
from seawall.screen.creator_overlays import LONGEST_WORD, MOST_WORDS, set_overlays
from seawall.shipped import policies
from support.app import own_app

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "policies.md").read_text(encoding="utf-8")


def fence(info: str, page: str = PAGE) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(found)


def test_a_trial_with_the_owner_prints_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = json.loads(fence("json creators"))
    with own_app(tmp_path) as made:
        set_overlays(made.ledger, made.bundle, "u-77", **asked, by="tests")
    monkeypatch.delenv("SEAWALL_DATABASE_URL", raising=False)
    command, *shown = fence("console creators").splitlines()
    options = ["--data-dir", str(tmp_path / "data")]
    done = CliRunner().invoke(app, shlex.split(command.removeprefix("$ seawall ")) + options)
    assert done.exit_code == 0, done.output
    printed = iter([line.rstrip() for line in done.stdout.splitlines()])
    for line in shown:
        if line != "…":
            assert line in printed, f"{line!r} is not printed after the line before it:\n{done.stdout}"


def test_the_rule_shown_is_the_shipped_one_and_the_limits_are_those_of_the_code() -> None:
    (shipped,) = (text for name, text in policies.sources().items() if Path(name).name == "calm-comments.yaml")
    assert fence("yaml creators-rules") in shipped
    assert f"Up to {MOST_WORDS} words or phrases of at most {LONGEST_WORD} characters" in PAGE


def test_the_methods_shown_are_those_of_the_client() -> None:
    shown = re.findall(
        r"client\.(\w+)\(", fence("python creators", (DOCS / "integrate.md").read_text(encoding="utf-8"))
    )
    assert shown == ["set_overlays", "overlays", "end_overlays"]
    assert all(callable(getattr(Seawall, name)) for name in shown)
