"""docs/detectors.md: its examples run, and its table is true."""

from __future__ import annotations

import doctest
import importlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.detect import default_detectors
from seawall.detect.bank import BankDetector
from seawall.detect.text.lexicon import LexiconDetector, read_lexicon
from seawall.model import Part

PAGE = (Path(__file__).parents[2] / "docs" / "detectors.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_detector_of_the_page_works_and_takes_thirty_lines() -> None:
    detector, trial = _blocks("python")
    assert len(detector.strip().splitlines()) <= 30
    names: dict[str, object] = {}
    exec(detector, names)
    exec(trial, names)


def test_the_word_list_of_the_page_works(text_part: Callable[..., Part]) -> None:
    [source] = _blocks("yaml")
    detector = LexiconDetector([read_lexicon(source, "tickets.yaml")])
    answers = detector.detect([text_part("selling my last tickets"), text_part("selling tickets, is this legit?")])
    assert [[signal.value for signal in answer] for answer in answers if isinstance(answer, tuple)] == [[0.6], [0.3]]


def test_the_table_names_every_detector_and_signal() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE)}
    for detector in default_detectors(BankDetector(("some",))):
        spec = detector.spec
        told = re.findall(r"`([\w:<>]+)`", rows[spec.name])
        assert {signal.name for signal in spec.signals} == {name.replace("<name>", "some") for name in told}
        assert spec.cost.value in next(line for line in PAGE.splitlines() if line.startswith(f"| `{spec.name}`"))


@pytest.mark.parametrize(
    "module",
    [
        "seawall.detect",
        "seawall.detect.image",
        "seawall.detect.image.sandbox",
        "seawall.detect.links",
        "seawall.detect.pii",
        "seawall.detect.text",
        "seawall.detect.text.normalise",
        "seawall.match",
    ],
)
def test_examples_in_docstrings_work(module: str) -> None:
    outcome = doctest.testmod(importlib.import_module(module))
    assert outcome.attempted > 0
    assert outcome.failed == 0
