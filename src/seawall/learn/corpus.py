"""The training corpus: gathered, without test texts and repetitions, and split without leaks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seawall.learn import augment
from seawall.learn.datasets import DATASETS, DatasetUse, LabelledText, refuse_unless_trainable
from seawall.learn.dedupe import DuplicateIndex, canonical, clusters

Progress = Callable[[str], None]  # called with the current step

RECIPE: tuple[tuple[str, str], ...] = (
    ("hatexplain", "train"),
    ("edos", "train"),
    ("hatemoji", "train"),
    ("hatemoji", "validation"),
    ("toxic_spans", "train"),
    ("toxigen", "train"),
    ("implicit_hate", "train"),
    ("mlma", "train"),
    ("sms_spam", "train"),
    ("openai_moderation", "train"),
)
"""Data sets and splits of the shipped model. Davidson is left out: see the model card."""

TESTS: tuple[tuple[str, str], ...] = (
    ("hatecheck", "test"),
    ("bias_madlibs", "test"),
    ("hatexplain", "val"),
    ("edos", "dev"),
    ("openai_moderation", "train"),
    ("davidson", "train"),
    ("hatemoji", "joint"),
)
"""Test sets: unless the recipe names them, their texts and near-duplicates are removed."""

TESTED_ELSEWHERE = frozenset({"openai_moderation"})
"""Sets that train some heads and test the others: removed from every other set, not from themselves."""

ASSUMED_CLEAN: dict[str, tuple[str, ...]] = {
    "hate": ("sms_spam",),
    "harassment": ("sms_spam",),
    "sexism": ("sms_spam",),
    "spam": ("toxic_spans", "edos", "toxigen", "hatemoji"),
    "sexual": ("toxic_spans", "sms_spam", "toxigen"),
}
"""For each head, sets without its label whose texts are assumed to be harmless for it.

Everyday messages give the first three heads examples of ordinary language; the two small heads would otherwise see only
one kind of harmless text. Together their weight never exceeds that of the texts that do have the label.
"""

LEARNT_FROM: dict[str, tuple[str, ...]] = {"toxic": ("hatexplain",)}
"""Heads that follow one set's definition: the n-gram model learns them, and both are calibrated, on that set only."""

CALIBRATION_SHARE = 0.12


@dataclass(frozen=True, slots=True)
class CorpusSource:
    """One line of the manifest: a set and split, and how many of its texts were read, removed and kept."""

    dataset: str
    split: str
    read: int
    test_text: int  # equal or near to a test text
    repeated: int
    kept: int


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCorpus:
    """Examples, and which of them are set aside for calibration."""

    examples: tuple[LabelledText, ...]
    calibration: NDArray[np.bool_]
    sources: tuple[CorpusSource, ...]
    absent_tests: tuple[str, ...]  # test sets that were missing, so not removed


def gather(
    data: Path, recipe: Sequence[tuple[str, str]], seed: int, progress: Progress, *, with_sentences: bool = True
) -> TrainingCorpus:
    """Read the recipe's sets, remove test texts and repetitions, and split.

    Raises ``RefusedError`` for sets that must not train, ``FileNotFoundError`` for missing ones.
    """
    refuse_unless_trainable(tuple(name for name, _ in recipe))
    progress("indexing test texts")
    index, absent = _tests(data, [test for test in TESTS if test not in recipe])
    shared, _ = _tests(data, [test for test in TESTS if test in recipe and test[0] in TESTED_ELSEWHERE])
    examples: list[LabelledText] = []
    sources: list[CorpusSource] = []
    seen: set[str] = set()
    readers: list[tuple[str, str, Callable[[], list[LabelledText]]]] = [
        (name, split, lambda name=name, split=split: DATASETS[name].read(data, split))  # type: ignore[misc]
        for name, split in recipe
    ]
    if with_sentences:
        readers.append((augment.NAME, "", lambda: list(augment.sentences(seed))))
    for name, split, read in readers:
        progress(f"reading {name}")
        found = read()
        heads = DATASETS[name].heads if name in DATASETS else None
        texts = [example.text for example in found]
        leaks = index.matches(texts)
        if name not in TESTED_ELSEWHERE:
            leaks |= shared.matches(texts)
        fresh: list[LabelledText] = []
        repeated = 0
        for example, leak in zip(found, leaks.tolist(), strict=True):
            form = canonical(example.text)
            if leak or not form or form in seen:
                repeated += not leak
                continue
            seen.add(form)
            labels = {head: value for head, value in example.labels.items() if heads is None or head in heads}
            fresh.append(replace(example, labels=labels))
        examples += fresh
        sources.append(CorpusSource(name, split, len(found), int(leaks.sum()), repeated, len(fresh)))
    progress("grouping near-duplicates")
    return TrainingCorpus(tuple(examples), _calibration(examples, seed), tuple(sources), absent)


def _tests(data: Path, tests: Sequence[tuple[str, str]]) -> tuple[DuplicateIndex, tuple[str, ...]]:
    """An index of test texts, to recognise them in the training data, and the names of missing sets."""
    texts: list[str] = []
    absent: list[str] = []
    for name, split in tests:
        if DATASETS[name].present(data):
            texts += [example.text for example in DATASETS[name].read(data, split)]
        else:
            absent.append(name)
    return DuplicateIndex.of(texts), tuple(absent)


def _calibration(examples: Sequence[LabelledText], seed: int) -> NDArray[np.bool_]:
    """Assign whole clusters of near-duplicates, and whole pairs, to one side by a hash, independent of order."""
    cluster = clusters([example.text for example in examples])
    joined = _join(cluster, [f"{example.dataset}:{example.group}" if example.group else "" for example in examples])
    limit = int(CALIBRATION_SHARE * 2**32)
    side: dict[int, bool] = {}
    for number, group in enumerate(joined):
        if group not in side:
            form = f"{seed}:{canonical(examples[number].text)}".encode("utf-8", "surrogatepass")
            side[group] = int.from_bytes(hashlib.blake2b(form, digest_size=4).digest()) < limit
    return np.array([side[group] for group in joined], dtype=bool)


def _join(cluster: NDArray[np.int64], groups: Sequence[str]) -> list[int]:
    """Merge clusters that share a group."""
    root = list(range(int(cluster.max()) + 1 if len(cluster) else 0))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    first: dict[str, int] = {}
    for own, group in zip(cluster.tolist(), groups, strict=True):
        if not group:
            continue
        a, b = find(own), find(first.setdefault(group, own))
        root[max(a, b)] = min(a, b)
    return [find(own) for own in cluster.tolist()]


def summary(corpus: TrainingCorpus) -> dict[str, int]:
    """The number of texts that each set contributes."""
    return dict(Counter(example.dataset for example in corpus.examples))


def evaluation_only() -> tuple[str, ...]:
    """Names of the sets that never train."""
    return tuple(name for name, dataset in DATASETS.items() if dataset.use is DatasetUse.EVALUATE)
