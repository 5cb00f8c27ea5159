"""What docs/policies.md and docs/content-types.md show is what the code accepts, refuses and offers."""

from __future__ import annotations

import re
import shlex
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer

from seawall.app import BANKS
from seawall.cli.main import app as cli
from seawall.content import EXTRACTORS_OF, load_content_type
from seawall.model import DetectorSpec, FieldType
from seawall.policy import Bundle, PolicyErrors, PolicySource, analyse, build_bundle, run_examples
from seawall.shipped import content_types

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("policies.md", "content-types.md", "tour.md")
_FENCE = re.compile(r"^```(?P<info>[^\n]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(page: str, info: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [match["body"] for match in _FENCE.finditer(text) if match["info"] == info]


def commands() -> list[str]:
    lines = [line for page in PAGES for body in snippets(page, "console") for line in body.splitlines()]
    lines = [line.removeprefix("$ ").removeprefix("./run ").partition("  #")[0] for line in lines]
    return sorted({line for line in lines if line.startswith("seawall ")})


def test_the_policy_shown_builds_and_its_examples_pass(bundle: Bundle, specs: tuple[DetectorSpec, ...]) -> None:
    (text,) = snippets("policies.md", "yaml policy")
    built = build_bundle([PolicySource("shown.yaml", text)], bundle.content_types.values(), specs, BANKS)
    results = run_examples(built)
    assert results
    assert [result.render() for result in results if not result.passed] == []


def test_the_mistake_shown_is_refused_with_its_place(bundle: Bundle, specs: tuple[DetectorSpec, ...]) -> None:
    (text,) = snippets("policies.md", "yaml refused")
    (shown,) = snippets("policies.md", "text refusal")
    with pytest.raises(PolicyErrors) as refused:
        build_bundle([PolicySource("broken.yaml", text)], bundle.content_types.values(), specs, BANKS)
    assert str(refused.value).strip() == shown.strip()


def test_the_warnings_shown_are_given(bundle: Bundle, specs: tuple[DetectorSpec, ...]) -> None:
    (text,) = snippets("policies.md", "yaml warned")
    (shown,) = snippets("policies.md", "text warnings")
    built = build_bundle([PolicySource("warned.yaml", text)], bundle.content_types.values(), specs, BANKS)
    assert "\n\n".join(warning.render() for warning in analyse(built, date(2026, 11, 1))) == shown.strip()


def test_the_content_type_shown_is_accepted() -> None:
    review, clip = snippets("content-types.md", "yaml content-type")
    assert load_content_type(review, "review.yaml").name == "review"
    assert load_content_type(clip, "clip.yaml").name == "clip"


def test_the_table_of_extractions_is_that_of_the_code() -> None:
    text = (DOCS / "content-types.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `(\w+)` \| (image|audio|video|document)(?:, \w+)* \|", text, re.MULTILINE))
    assert set(shown) == {name for names in EXTRACTORS_OF.values() for name in names}
    assert all(name in EXTRACTORS_OF[FieldType(kind)] for name, kind in shown.items())


def test_the_table_of_fail_modes_is_that_of_the_files() -> None:
    text = (DOCS / "content-types.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| (\w+) \| ([\d.]+ m?s) \|", text, re.MULTILINE))
    found = {}
    for name in content_types.names():
        stage = load_content_type(content_types.read(name), name).stage("pre_publish")
        assert stage is not None
        found[name] = f"{stage.budget_ms} ms" if stage.budget_ms < 1000 else f"{stage.budget_ms // 1000} s"
    assert shown == found


def test_every_shipped_policy_is_in_the_table(bundle: Bundle) -> None:
    text = (DOCS / "policies.md").read_text(encoding="utf-8").rpartition("## The shipped policies")[2]
    shown = set(re.findall(r"^\| ([a-z][a-z-]+) \|", text, re.MULTILINE)) - {"policy"}
    assert shown == {policy.name for policy in bundle.policies} - {"second-opinion"}


@pytest.mark.parametrize("line", commands())
def test_commands_shown_exist_with_their_options(line: str) -> None:
    command: Any = typer.main.get_command(cli)
    words = shlex.split(line)[1:]
    while words and words[0] in getattr(command, "commands", ()):
        command = command.commands[words.pop(0)]
    assert not hasattr(command, "commands"), f"{line}: which subcommand?"
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
