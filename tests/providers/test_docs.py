"""docs/providers.md: its files run against a server on this machine, and its tables are true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.service import Said, Seen, Service
from seawall.configfile import load_yaml
from seawall.detect import Runner
from seawall.detect.cascade import score_ranges_of
from seawall.detectors import default_detectors
from seawall.model import Modality, Part
from seawall.providers import CallLimits
from seawall.providers.configuration import configure
from seawall.providers.judges import FAMILIES, PolicyQuestion
from seawall.review.case_summary.configuration import read_summary_model
from seawall.shipped import providers

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n# ([\w.]+)\n(.*?)```", PAGE, re.DOTALL)
HATE = PolicyQuestion(
    policy="hateful-conduct", title="Hateful conduct", definition="Attacks on people for what they are."
)


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    yield one
    one.close()


def _part(text: str, language: str | None = None) -> Part:
    return Part(path="body", modality=Modality.TEXT, field="body", text=text, language=language)


def test_the_page_has_the_files_that_are_walked_here() -> None:
    assert [name for name, _ in BLOCKS] == ["detectors.yaml", "acme.yaml", "detectors.yaml", "summaries.yaml"]


def test_the_file_of_summaries_is_read_as_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "summaries.yaml"
    path.write_text(BLOCKS[3][1])
    model = read_summary_model(load_yaml(path), {"SUMMARY_URL": "https://models.example.org"})
    assert (model.url, model.hidden_share) == ("https://models.example.org/v1", 0.2)


def test_a_service_that_ships_is_asked_as_the_page_says(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "detectors.yaml"
    path.write_text(BLOCKS[0][1])
    scores = dict.fromkeys(
        ("hate", "hate/threatening", "harassment", "harassment/threatening", "self-harm", "self-harm/intent",
         "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic", "illicit",
         "illicit/violent"), 0.0
    )  # fmt: skip
    service.answer = lambda seen: Said(
        {"results": [{"category_scores": {**scores, "harassment": 0.8}} for _ in seen.json["input"]]}
    )
    environment = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": service.url}
    configured = configure(path, environment=environment)
    [detector] = configured.detectors
    [score_range] = score_ranges_of(detector)
    assert (score_range.signal, score_range.low, score_range.high) == ("harassment", 0.2, 0.9)
    with Runner([*default_detectors(), detector]) as runner:
        found = runner.start(
            [
                _part("you are an idiot"),
            ],
            {"openai-moderation"},
        ).wait()
    cheap = next((signal.value for signal in found.signals if signal.name == "harassment"), 0.0)
    said = [signal.name for signal in found.signals if signal.detector == "openai-moderation"]
    assert said == (["openai_harassment"] if 0.2 <= cheap <= 0.9 else [])
    assert bool(found.skipped) is (not said)


def test_a_service_of_ones_own_is_asked_as_the_page_says(service: Service, tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(BLOCKS[1][1])
    path = tmp_path / "detectors.yaml"
    path.write_text("providers:\n  - file: acme.yaml\n")

    def answer(seen: Seen) -> Said:
        assert seen.path == "/v2/moderate"
        assert seen.headers["authorization"] == "Bearer k"
        if seen.json["locale"] == "de":
            return Said({"error": "UNSUPPORTED_LANGUAGE"}, 422)
        status = "ok" if "busy" not in seen.json["content"] else "warming up"
        labels = [{"name": "spam", "confidence": 3}, {"name": "hate", "confidence": 82}]
        return Said({"status": status, "labels": labels, "scores": {"insult": 0.25, "threat": 0.5}})

    service.answer = answer
    [detector] = configure(path, environment={"ACME_URL": service.url, "ACME_KEY": "k"}).detectors
    parts = [_part("awful"), _part("schlimm", "de"), _part("busy"), _part("terrible", "fr")]
    with Runner([detector]) as runner:
        findings = [runner.start([part], {"acme"}).wait() for part in parts]
    assert {signal.name: signal.value for signal in findings[0].signals} == {"acme_hate": 0.82, "acme_abuse": 0.5}
    assert [(unknown.reason.value, unknown.detail) for one in findings for unknown in one.unknown] == [
        ("language", "refused: http 422"),
        ("error", "$.status is not ok"),
        ("language", "fr"),
    ]


def test_a_judge_is_asked_as_the_page_says(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "detectors.yaml"
    path.write_text(BLOCKS[2][1])
    answer = '{"violation": 1, "rationale": "calls people vermin"}'
    service.say({"choices": [{"message": {"role": "assistant", "content": answer}}]})
    questions = {"hateful-conduct": HATE}.get
    [judge] = configure(path, questions=questions, environment={"JUDGE_URL": service.url}).detectors
    assert [score_range.signal for score_range in score_ranges_of(judge)] == ["hate"]
    with Runner([*default_detectors(), judge]) as runner:
        [answered] = runner.run_batch([[_part("those people are vermin", "xx")]], {"hate-judge"})
    # No word list or model here reads this language: the cheap signal is unknown, so the judge is asked.
    assert [signal.name for signal in answered.signals if signal.detector == "hate-judge"] == ["hate_judged"]
    assert HATE.definition in service.seen[0].json["messages"][0]["content"]


def test_the_table_names_every_service_and_its_variables() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| \w+ \| (.+) \|$", PAGE, re.MULTILINE))
    assert set(rows) == set(providers.names())
    for name, reported in rows.items():
        needed = set(re.findall(r"\$\{(\w+)\}", providers.read(name)))
        assert needed == set(re.findall(r"`(\w+)`", reported)), name


def test_the_table_names_every_family() -> None:
    table = PAGE[PAGE.index("| `family:` |") :].split("\n\n")[0]
    assert set(FAMILIES) <= set(re.findall(r"`([\w.-]+)`", table))


def test_the_defaults_are_as_told() -> None:
    limits = CallLimits()
    for reported in (
        f"`timeout: {limits.timeout_s:g}s`",
        f"`total: {limits.total_s:g}s`",
        f"`retries: {limits.retries}`",
        f"`backoff: {limits.backoff_s * 1000:g}ms`",
        f"`parallel: {limits.parallel}`",
        f"`answer_bytes: {limits.answer_bytes // 1_000_000}MB`",
    ):
        assert reported in PAGE
