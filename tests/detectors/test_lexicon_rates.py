"""How often the word lists speak, on real data: run with ``-s`` to see what docs/detectors.md reports."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from benchmarks.word_lists import harmless_texts, rates

from seawall.detectors.text.lexicon import LexiconDetector
from seawall.model import Part

TextPart = Callable[..., Part]


def _file(*names: str) -> Path:
    file = Path(os.environ.get("SEAWALL_DATA", "")).joinpath(*names)
    if not file.is_file():
        pytest.skip(f"needs SEAWALL_DATA with {names[0]}")
    return file


@pytest.fixture(scope="module")
def detector() -> LexiconDetector:
    return LexiconDetector()


def _share(detector: LexiconDetector, parts: Iterable[Part], signal: str, threshold: float) -> float:
    answers = list(detector.detect(list(parts)))
    reached = [
        any(each.name == signal and each.value >= threshold for each in answer)
        for answer in answers
        if isinstance(answer, tuple)
    ]
    return sum(reached) / len(reached)


def test_ordinary_posts_seldom_reach_a_rule(detector: LexiconDetector, text_part: TextPart) -> None:
    """Davidson's 4,163 tweets that are neither hateful nor offensive."""
    with _file("davidson", "labeled_data.csv").open(encoding="utf-8", newline="") as file:
        parts = [text_part(row["tweet"]) for row in csv.DictReader(file) if row["class"] == "2"]
    for spec in detector.spec.signals:
        share = _share(detector, parts, spec.name, 0.5)
        print(f"{spec.name} at 0.5 on {len(parts)} ordinary tweets: {share:.2%}")
        assert share <= 0.01


@pytest.mark.parametrize(
    ("label", "signal", "least"),
    [("SH", "self_harm_terms", 0.25), ("V", "threat_terms", 0), ("S", "sexual_terms", 0.5)],
)
def test_some_of_what_is_labelled_is_found(
    detector: LexiconDetector, text_part: TextPart, label: str, signal: str, least: float
) -> None:
    """OpenAI's moderation prompts (development half): word lists find a part of each harm, never all."""
    with gzip.open(_file("openai_moderation", "samples-dev.jsonl.gz"), "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if label in row]
    found = _share(detector, (text_part(row["prompt"]) for row in rows if row[label]), signal, 0.5)
    alarms = _share(detector, (text_part(row["prompt"]) for row in rows if not row[label]), signal, 0.5)
    print(f"{signal} at 0.5: found {found:.0%} of {label}, and {alarms:.1%} of the rest")
    assert found >= least
    assert alarms <= 0.05


@pytest.mark.parametrize("language", ["de", "zh", "hi", "ta", "en", "ar", "fr", "en-sms"])
def test_harmless_texts_of_each_language_seldom_hold_an_entry(detector: LexiconDetector, language: str) -> None:
    """What people called harmless: at most one text in 200 reaches a rule, and folding adds next to nothing."""
    sets = harmless_texts(Path(os.environ.get("SEAWALL_DATA", "")))
    if language not in sets:
        pytest.skip(f"needs SEAWALL_DATA with the harmless texts of {language}")
    found = rates(sets[language]()[:5000], detector)
    print(f"{language}: {found}")
    assert found.texts >= 500
    assert max(found.reached.values()) <= 0.005
    assert found.only_folded <= 0.001


def test_what_only_folding_finds_is_counted(detector: LexiconDetector) -> None:
    texts = ["I w1ll k i l l you", "I will kill you", "я тебя зарeжу", "я тебя зарежу", "hello"]
    assert rates(texts, detector).only_folded == 0.4
