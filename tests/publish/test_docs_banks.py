"""docs/banks.md, walked: its commands run in order, its requests are sent, its tables hold what the code has."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seawall import access, api
from seawall.app import migrate, open_app
from seawall.cli.main import app as cli
from seawall.match import KINDS, canonical_value
from seawall.match.exchange import read_exchanges
from seawall.publish.banks.guard import is_wrong
from seawall.settings import Settings
from support.api import Client

PAGE = Path(__file__).resolve().parents[2] / "docs" / "banks.md"
_FENCE = re.compile(r"^```(?P<info>[^\n]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"ent_[0-9a-f]{32}")


def fences() -> list[tuple[str, str]]:
    return [(match["info"], match["body"]) for match in _FENCE.finditer(PAGE.read_text(encoding="utf-8"))]


def test_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data_dir = tmp_path / "data"
    migrate(Settings.from_env({}, data_dir=data_dir))
    run = CliRunner()
    entry = request = ""
    for info, body in fences():
        kind, _, name = info.partition(" ")
        if kind == "csv":
            (tmp_path / name).write_text(body)
        elif kind == "console":
            for line in body.splitlines():
                words = [entry if word == "ENTRY" else word for word in shlex.split(line.removeprefix("$ seawall "))]
                done = run.invoke(cli, [*words, "--data-dir", str(data_dir)])
                assert done.exit_code == 0, (line, done.output)
                if words[:3] == ["bank", "add", "stolen-covers"]:
                    (entry,) = _ENTRY.findall(done.output)
                if words[:2] == ["bank", "match"]:
                    assert "no match in any bank" not in done.output, line
                if words[:2] == ["bank", "import"]:
                    assert f"{'5' if words[2] == 'offers' else '2'} new" in done.output
                if words[:2] == ["bank", "meaning"]:
                    assert "suggested threshold: 5" in done.output
        elif info == "json request":
            request = body
        elif info == "json answer":
            _compare(_ask(data_dir, request), json.loads(body))


def _ask(data_dir: Path, request: str) -> Any:
    with open_app(Settings.from_env({}, data_dir=data_dir)) as app:
        client = Client(None, api.build(app))  # type: ignore[arg-type] - a house without test detectors
        key = access.create_key(app.ledger, "docs", ["screen"])
        answer = client.send("POST", "/v1/match", key=key, json=json.loads(request))
        assert answer.status_code == 200, answer.text
        return answer.json()


def _compare(found: Any, shown: Any) -> None:
    """What is shown is there; what is there may be more."""
    assert len(found["matches"]) == len(shown["matches"])
    for one, other in zip(found["matches"], shown["matches"], strict=True):
        assert {name: one[name] for name in other} == other


def test_the_file_of_exchanges_is_read(tmp_path: Path) -> None:
    (text,) = [body for info, body in fences() if info == "yaml exchanges"]
    path = tmp_path / "exchanges.yaml"
    path.write_text(text)
    names = set(re.findall(r"\$\{(\w+)\}", text))
    found = read_exchanges(path, dict.fromkeys(names, "12345678|" + "x" * 30))
    assert [config.type for config in found] == ["ncmec", "stopncii", "tat", "fb_threatexchange", "file"]


def test_the_table_of_kinds_is_complete() -> None:
    shown = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(KINDS)


def test_the_rule_of_suspension_is_the_guards() -> None:
    shown = re.findall(r"(\d+) of (\d+)", PAGE.read_text(encoding="utf-8"))
    assert shown
    for overturned, judged in shown:
        assert is_wrong(int(judged) - int(overturned), int(overturned)), (overturned, judged)


def test_the_example_values_are_values() -> None:
    assert canonical_value("digest", "d41d8cd98f00b204e9800998ecf8427e")
    assert os.environ.get("SEAWALL_EXCHANGES_FILE") is None
