"""Leak check: proves that a model was not trained on its test data.

A model's folder holds the digests of every text it was trained or calibrated on (``texts.npz``), not the texts. The
check reads the data sets again, selects the texts with these digests, makes sure that none is missing, and searches
them for every test text and its near-duplicates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seawall.detectors.text.model.artefact import CARD, TEXTS
from seawall.learn import augment, sentences_by_language
from seawall.learn.corpus import TESTED_ELSEWHERE
from seawall.learn.datasets import DATASETS
from seawall.learn.dedupe import DuplicateIndex, digest


class LeakError(AssertionError):
    """A test text, or a near-duplicate of one, was trained on; or the manifest cannot be checked."""


@dataclass(frozen=True, slots=True)
class LeakReport:
    """The result of a check."""

    training_texts: int
    test_texts: int
    skipped: tuple[str, ...]  # missing training sets, not compared


def training_texts(data: Path, folder: Path) -> Iterator[tuple[str, list[str] | None]]:
    """For each data set of a model's manifest the texts it was trained on; None when the set is missing.

    Raises ``LeakError`` when a set no longer contains every text of the manifest.
    """
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    splits: dict[str, list[str]] = {}
    for line in card["data"]:
        splits.setdefault(line["dataset"], []).append(line["split"])
    with np.load(folder / TEXTS, allow_pickle=False) as manifest:
        for name in manifest.files:
            wanted = frozenset(manifest[name].tolist())
            if name == augment.NAME:
                texts = [example.text for example in augment.sentences(card["recipe"]["seed"])]
            elif name == sentences_by_language.NAME:
                found_by_language = sentences_by_language.sentences_by_language(card["recipe"]["seed"])
                texts = [example.text for example in found_by_language]
            elif DATASETS[name].present(data):
                texts = [e.text for split in splits[name] for e in DATASETS[name].read(data, split)]
            else:
                yield name, None
                continue
            found = {digest(text): text for text in texts}
            if missing := wanted - found.keys():
                raise LeakError(f"{len(missing)} texts of {name!r} that the model was trained on are not in the data")
            yield name, [found[number] for number in sorted(wanted)]


def check(data: Path, folder: Path, tests: Sequence[tuple[str, str]]) -> LeakReport:
    """Raise ``LeakError`` if any text of these sets, or a near-duplicate, was trained on by heads it tests."""
    texts = {(n, s): [e.text for e in DATASETS[n].read(data, s)] for n, s in tests if DATASETS[n].present(data)}
    all_tests = DuplicateIndex.of([text for found in texts.values() for text in found])
    seen = 0
    skipped: list[str] = []
    for name, trained in training_texts(data, folder):
        if trained is None:
            skipped.append(name)
            continue
        index = all_tests
        if name in TESTED_ELSEWHERE:  # it trains heads that it does not test
            index = DuplicateIndex.of([text for (test, _), found in texts.items() if test != name for text in found])
        leaks = int(index.matches(trained).sum())
        if leaks:
            raise LeakError(f"{leaks} training texts of {name!r} equal or nearly equal test texts")
        seen += len(trained)
    return LeakReport(seen, sum(map(len, texts.values())), tuple(skipped))
