"""``seawall policy backtest``: over history and over a file, in words and as JSON, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from seawall.backtest.columnar import ColumnarProgram
from seawall.cli.main import app
from support.app import make, own_app, sources
from support.detectors import Words
from support.items import policy_text


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
    assert "2 items read: all that were asked for. Nothing was recorded." in told.stdout
    assert "allow → hold: items 1, accounts 1" in told.stdout
    found = json.loads(run("--policies", folder / "draft", "--json").stdout)
    assert (found["rows"], found["directions"], found["people"]) == (2, {"allow → hold": 1}, 1)


def command(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["policy", *map(str, arguments)])


def figures(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return {name: value for name, value in json.loads(result.stdout).items() if name != "checked"}


def test_the_history_as_a_file_gives_the_same_figures(folder: Path) -> None:
    draft, rows = folder / "draft", folder / "rows.parquet"
    written = command("rows", "--policies", draft, "--out", rows)
    assert (written.exit_code, "2 rows (2 note)" in written.output) == (0, True)
    assert b"good morning" not in rows.read_bytes()
    history = figures(run("--policies", draft, "--json"))
    assert history["changed"] == 1
    assert figures(run("--policies", draft, "--file", rows, "--json")) == history
    again = command("rows", "--out", rows)
    assert (again.exit_code, "exists; delete it" in again.output) == (1, True)


def test_items_of_child_safety_are_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_DATA_DIR", str(tmp_path / "data"))
    grooming = policy_text(
        "grooming", 'contains(item.body, "our secret")', '[review(queue="child-safety")]', "note", harm="grooming"
    )
    with own_app(tmp_path, sources(grooming=grooming), ()) as opened:
        opened.screener.screen(make("this stays our secret", id="1"))
        opened.screener.screen(make("good morning", id="2"))
    written = command("rows", "--out", tmp_path / "rows.jsonl")
    assert "1 rows (1 note)" in written.output, written.output


def test_items_are_screened_once_and_their_rows_used_again(folder: Path) -> None:
    draft, items, rows = folder / "draft", folder / "items.csv", folder / "rows.parquet"
    items.write_text("text,who,bad\na walrus,ann,1\ntickets,bob,0\n,cyn,0\n", encoding="utf-8")
    columns = ("--type", "note", "--map", "body=text", "--actor", "who", "--label", "bad:1")
    first = run("--policies", draft, "--file", items, "--save-rows", rows, *columns, "--json")
    found = figures(first)
    assert found["directions"] == {"allow → hold": 1, "hold → allow": 1}
    assert (found["people"], found["labels"]["draft"]["precision"]["value"]) == (2, 1.0)
    assert "2 items screened, 1 rows refused" in first.stderr
    assert "row 3: fields.body: is required" in first.stderr
    items.unlink()
    assert figures(run("--policies", draft, "--file", rows, "--json")) == found


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--map", "text"), "add --save-rows ROWS.parquet"),
        (("--save-rows", "rows.parquet"), "--save-rows takes the items of --file"),
        (("--processes", "2"), "read feature rows in Parquet"),
        (("--ray", "auto", "--file", "items.csv"), "read feature rows in Parquet"),
        (("--file", "items.csv"), "--save-rows makes them of items"),
        (("--file", "items.csv", "--save-rows", "items.csv"), "items.csv exists; delete it"),
        (
            ("--file", "items.csv", "--save-rows", "rows.csv", "--type", "note", "--map", "text"),
            "must end in .jsonl or .parquet",
        ),
        (("--file", "items.csv", "--save-rows", "rows.jsonl", "--type", "none"), "no content type 'none'"),
        (("--file", "items.csv", "--save-rows", "rows.jsonl", "--type", "note", "--map", "tex"), "no column 'tex'"),
        (("--file", "items.csv", "--save-rows", "rows.jsonl", "--label", "bad"), "write COLUMN:VALUE"),
    ],
)
def test_options_that_do_not_go_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(folder)
    Path("items.csv").write_text("text\na walrus\n", encoding="utf-8")
    refused = run("--policies", "draft", *arguments)
    assert (refused.exit_code, told in refused.stderr) == (1, True), refused.output
    assert not Path("rows.jsonl").exists()


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
