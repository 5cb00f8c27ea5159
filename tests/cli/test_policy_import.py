"""``seawall policy import``: what is written, what is said of the rest, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.commands import Run, own_settings, run_command

SML = """\
Text: str = JsonData(path='$.comment.text')
Agent: str = JsonData(path='$.user_agent')
Shout = Rule(when_all=[TextContains(text=Text, phrase='free cards')], description='Shouts')
Bot = Rule(when_all=[RegexMatch(target=Agent, pattern='curl')], description='A bot')
WhenRules(rules_any=[Shout], then=[DeclareVerdict(verdict='reject')])
"""
TREE = {
    "name": "Shout",
    "conditionSet": {
        "conditions": [
            {
                "input": {"type": "CONTENT_COOP_INPUT", "name": "All text"},
                "signal": {"type": "TEXT_MATCHING_CONTAINS_TEXT"},
                "matchingValues": {"strings": ["free cards"]},
            }
        ]
    },
    "actions": [{"name": "Delete"}],
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command, beside a folder of SML and a file of Coop's rules. It needs no database."""
    own_settings(monkeypatch, tmp_path)
    (tmp_path / "sml" / "rules").mkdir(parents=True)
    (tmp_path / "sml" / "rules" / "spam.sml").write_text(SML)
    (tmp_path / "rules.json").write_text(json.dumps(TREE))
    return run_command


def test_rules_are_written_as_policies_that_pass_the_check(run: Run, tmp_path: Path) -> None:
    for system, given in (("osprey", "sml"), ("coop", "rules.json")):
        made = run("policy", "import", system, tmp_path / given, "--out", tmp_path / system)
        assert f"1 rule in 1 policy, in shadow mode, in {tmp_path / system}" in made.stdout
        (written,) = (tmp_path / system).iterdir()
        assert "mode: shadow" in written.read_text()
        run("policy", "check", written)
        again = run("policy", "import", system, tmp_path / given, "--out", tmp_path / system, status=1)
        assert f"{written} exists; choose another folder. Nothing was written." in again.stderr


def test_what_is_not_imported_is_listed_with_its_place(run: Run, tmp_path: Path) -> None:
    made = run("policy", "import", "osprey", tmp_path / "sml", "--out", tmp_path / "out", "--map", "Agent=item.body")
    assert "2 rules" in made.stdout
    made = run("policy", "import", "osprey", tmp_path / "sml", "--out", tmp_path / "other")
    assert "rules/spam.sml:4:40: not imported: rule Bot" in made.stderr
    assert "fix: add the field to comment, or name one: --map Agent=item.NAME" in made.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["osprey", "none.sml"], "none.sml: No such file or directory"),
        (["osprey", "empty"], "there is no .sml file in"),
        (["coop", "sml"], "Is a directory"),
        (["coop", "rules.json", "--harm", "spite"], "unknown harm 'spite'; it is one of"),
        (["coop", "rules.json", "--map", "Agent"], "--map 'Agent' is not NAME=VALUE"),
        (["coop", "rules.json", "--content-type", "song"], "unknown content type 'song'"),
        (["coop", "sml/rules/spam.sml"], "spam.sml:1:1: not JSON"),
        (["osprey", "rules.json"], "no rule could be imported. Nothing was written."),
    ],
)
def test_a_mistake_writes_nothing(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    system, path, *options = arguments
    refused = run("policy", "import", system, tmp_path / path, "--out", tmp_path / "out", *options, status=1)
    assert message in refused.stderr
    assert not (tmp_path / "out").exists()
