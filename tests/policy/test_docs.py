"""docs/policy-language.md shows nothing that does not compile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seawall.model import ACTIONS
from seawall.policy import run_examples
from support.policies import build, errors, policy, rule

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy-language.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```([^\n]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONDITIONS = [line for info, body in FENCES if info == "conditions" for line in body.splitlines()]


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_compiles(condition: str) -> None:
    assert build(policy(rule(condition))).program("comment") is not None


def test_the_whole_file_can_be_published() -> None:
    (text,) = [body for info, body in FENCES if info == "yaml policy"]
    bundle = build(text)
    assert all(policy.examples for policy in bundle.policies)
    assert [result.render() for result in run_examples(bundle) if not result.passed] == []


def test_the_table_of_functions_is_complete() -> None:
    offered = errors(policy(rule("nothing_like_it(1) > 0"))).partition("one of ")[2].split("\n")[0].split(", ")
    assert offered
    for name in offered:
        assert f"`{name}(" in section("Functions"), name


def test_the_table_of_actions_is_complete() -> None:
    for name, kind in ACTIONS.items():
        (line,) = [line for line in section("Actions").splitlines() if line.startswith("| ") and f"`{name}`" in line]
        for parameter in kind.parameters:
            assert f"`{parameter.name}`" in line
