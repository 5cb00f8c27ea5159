"""``seawall policy backtest``: over history and over a file, in words and as JSON, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seawall.backtest.columnar import ColumnarProgram
from seawall.cli.main import app
from support.app import make, own_app, sources
from support.detectors import Words


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a draft, beside a database with two items."""
    for name in ("DATABASE_URL", "POLICIES_DIR", "CONTENT_TYPES_DIR", "TEXT_MODEL_DIR"):
        monkeypatch.delenv(f"SEAWALL_{name}", raising=False)
    monkeypatch.setenv("SEAWALL_DATA_DIR", str(tmp_path / "data"))
    detectors = (Words("insults", "rudeness", {"fool": 0.95}),)
    with own_app(tmp_path, sources(words=WORDS), detectors) as opened:
        opened.screener.screen(make("a walrus", id="1"))
        opened.screener.screen(make("good morning", id="2"))
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "words.yaml").write_text(WORDS.replace("tickets", "walrus"), encoding="utf-8")
    return tmp_path


WORDS = """\
policy: words
title: Words
owner: tests
applies_to: [note]
harm: spam
definition: For tests.
statement: {ground: incompatible, clause: "House rules, 9"}
rules:
  - id: found
    when: contains(item.body, "tickets")
    do: [hold]
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["policy", "backtest", *map(str, arguments)])


def test_history_in_words_and_as_json(folder: Path) -> None:
    told = run("--policies", folder / "draft")
    assert told.exit_code == 0, told.output
    assert "2 items read: all of the history asked for." in told.stdout
    assert "allow → hold: items 1, accounts 1" in told.stdout
    found = json.loads(run("--policies", folder / "draft", "--json").stdout)
    assert (found["rows"], found["directions"], found["people"]) == (2, {"allow → hold": 1}, 1)


def test_mistakes_say_what_to_write(folder: Path) -> None:
    since = run("--policies", folder / "draft", "--since", "long")
    assert (since.exit_code, "write 30d, 12h or 90m" in since.output) == (1, True)
    file = run("--policies", folder / "draft", "--file", folder / "none.jsonl")
    assert (file.exit_code, "there is no file" in file.output) == (1, True)
    (folder / "rows.jsonl").write_text("{", encoding="utf-8")
    wrong = run("--policies", folder / "draft", "--file", folder / "rows.jsonl")
    assert (wrong.exit_code, "rows.jsonl:1: not JSON" in wrong.output.replace("\n", "")) == (1, True)


def test_when_the_engines_disagree_the_command_fails_without_figures(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ColumnarProgram, "masks_of_row", lambda self, row: dict.fromkeys(self.words, 1 << 5))
    told = run("--policies", folder / "draft", "--json")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "The two engines disagree about dec_" in told.stderr
