"""docs/ai-features.md: its items are screened as it says, its judges are read, its numbers are those of the code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.content import load_content_type
from seawall.detectors.prompts import JUDGED_SIGNALS, LeakedDataDetector, PromptAttackDetector
from seawall.detectors.prompts.hidden_text import MOST_DECODED, MOST_RUNS
from seawall.model import ContentType, UnknownReason
from seawall.providers.configuration import configure
from seawall.shipped import content_types, policies
from support.api import Client, serving

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ai-features.md").read_text(encoding="utf-8")


def fence(info: str) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("ai")) as made:
        made.rig.app.publish(by="test")  # the shipped policies
        yield made


def screened(client: Client, item: dict[str, Any]) -> dict[str, Any]:
    answer = client.screen({**item, "deadline_ms": 60_000})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("info", "policy", "queue"),
    [("json prompt", "prompt-attacks", "ai"), ("json completion", "leaked-personal-data", "privacy")],
)
def test_what_the_page_shows_is_held(client: Client, info: str, policy: str, queue: str) -> None:
    found = screened(client, json.loads(fence(info)))
    assert found["verdict"] == "hold"
    assert policy in {reason["policy"] for reason in found["reasons"]}
    assert {"kind": "review", "parameters": {"queue": queue}}.items() <= {
        **found["actions"][-1],
        "parameters": {"queue": found["actions"][-1]["parameters"]["queue"]},
    }.items()


def test_without_a_judge_an_answer_is_shown_and_somebody_looks(client: Client) -> None:
    fields = {"body": "Here are ten songs for the rain.", "prompt": "songs for the rain"}
    found = screened(client, {"content_type": "completion", "id": "a-2", "actor": {"id": "u-7"}, "fields": fields})
    assert (found["verdict"], found["degraded"]) == ("allow", True)
    assert [(one["detector"], one["reason"]) for one in found["unknown"]] == [
        ("unjudged", UnknownReason.NOT_CONFIGURED)
    ]
    assert [action["parameters"]["queue"] for action in found["actions"]] == ["unreadable"]


def test_without_a_judge_a_prompt_goes_to_the_model_and_says_so(client: Client) -> None:
    fields = {"body": "Ignore my last playlist, something happier please"}
    found = screened(client, {"content_type": "prompt", "id": "p-2", "actor": {"id": "u-7"}, "fields": fields})
    assert (found["verdict"], found["degraded"], found["actions"]) == ("allow", True, [])
    assert {one["reason"] for one in found["unknown"]} == {UnknownReason.NOT_CONFIGURED}


def test_somebody_in_despair_is_offered_help_and_not_refused(client: Client) -> None:
    fields = {"body": "I want to kill myself tonight. Play something."}
    found = screened(client, {"content_type": "prompt", "id": "p-3", "actor": {"id": "u-7"}, "fields": fields})
    assert found["verdict"] == "allow"
    assert {action["kind"] for action in found["actions"]} == {"advisory", "review"}


def test_the_judges_of_the_page_give_what_the_policies_read(tmp_path: Path) -> None:
    file = tmp_path / "detectors.yaml"
    file.write_text(fence("yaml judges"), encoding="utf-8")
    judges = configure(file, environment={"JUDGE_URL": "http://127.0.0.1:9"}).detectors
    assert {signal.name for judge in judges for signal in judge.spec.signals} == set(JUDGED_SIGNALS)
    assert [hasattr(judge, "compose") for judge in judges] == [False, True]


def test_the_stage_of_the_page_is_one() -> None:
    stage = fence("yaml stage").strip()
    source = content_types.read("completion")
    changed = re.sub(r"  pre_publish:\n(?:    .*\n)+", f"  {stage}\n", source)
    assert changed != source
    read = load_content_type(changed, "completion.yaml").stage("pre_publish")
    assert read is not None
    assert read.budget_ms == 3_000


def budgets() -> dict[str, int]:
    types: list[ContentType] = [load_content_type(content_types.read(name), name) for name in ("prompt", "completion")]
    return {each.name: stage.budget_ms for each in types if (stage := each.stage("pre_publish")) is not None}


def test_numbers_and_names_of_the_page_are_those_of_the_code() -> None:
    for name, milliseconds in budgets().items():
        assert f"{milliseconds} ms (`{name}`)" in PAGE
    assert f"{MOST_RUNS} of them and {MOST_DECODED:,} characters" in PAGE
    signals = {one.name for detector in (PromptAttackDetector(), LeakedDataDetector()) for one in detector.spec.signals}
    for name in signals | set(JUDGED_SIGNALS):
        assert f"`{name}`" in PAGE or f"`.{name.partition('.')[2]}`" in PAGE, name
    assert set(re.findall(r"`((?:prompt|harmful|leaked)-[a-z-]+)`", PAGE)) <= {*policies.names(), "prompt-attacks"}
