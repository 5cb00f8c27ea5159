"""The model card as data: training data, method, results and limits of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model.classifier import reading_digest
from seawall.detectors.text.model.windows import LONGEST
from seawall.learn import augment
from seawall.learn.corpus import ASSUMED_CLEAN, CALIBRATION_SHARE, TrainingCorpus, evaluation_only
from seawall.learn.datasets import DATASETS
from seawall.learn.dedupe import NEAR
from seawall.measure import (
    Interval,
    average_precision,
    bootstrap,
    brier,
    expected_calibration_error,
    roc_auc,
)

LIMITS = (
    "English only; other languages are refused when declared or plain to see.",
    "Probabilities hold for the mixture of the calibration split, in which harm is far more common than on a platform: "
    "set thresholds by false-positive rate, and measure precision on your own traffic.",
    "Irony, who speaks to whom, threads and images are beyond it.",
    "toxic follows the line that HateXplain's raters draw, and is calibrated on their posts alone.",
    "spam was learnt from SMS of 2003-2011; sexual from about 100 positive texts: both are weak elsewhere.",
    "sexual was trained on the OpenAI development samples, so results on them say nothing about that head.",
    f"Texts of more than {LONGEST} tokens are judged by their worst window, so longer texts are flagged more often.",
)

_MODEL = "logistic regression per head, hashed words and characters, 8-bit weights, Platt scaling"
_MODEL_WITH_ENCODER = (
    f"{_MODEL}; all-MiniLM-L6-v2 fine-tuned on all heads, 8-bit; weighted average of both, Platt scaling of it"
)


def head_numbers(
    truth: NDArray[np.bool_],
    probability: NDArray[np.float64],
    datasets: Sequence[str],
    training_texts: int,
    training_positive: float,
    seed: int,
) -> dict[str, Any]:
    """One head on its calibration split: ranking with intervals (rows resampled), calibration, the same per data set.

    ECE and Brier are measured on the rows to which Platt's two parameters were fitted, so they are slightly optimistic.
    """

    def auc(rows: NDArray[np.int64]) -> float:
        return roc_auc(truth[rows], probability[rows])

    def precision(rows: NDArray[np.int64]) -> float:
        return average_precision(truth[rows], probability[rows])

    names = np.array(datasets)
    per_set = {}
    for name in sorted(set(datasets)):
        rows = np.flatnonzero(names == name)
        if 5 <= truth[rows].sum() <= len(rows) - 5:
            per_set[name] = {
                "texts": len(rows),
                "positive": int(truth[rows].sum()),
                "auc": round(auc(rows), 4),
                "best_threshold": round(best_threshold(truth[rows], probability[rows], rounds=100), 4),
            }
    return {
        "training_texts": training_texts,
        "training_positive_share": round(training_positive, 4),
        "calibration_texts": len(truth),
        "calibration_positive": int(truth.sum()),
        "auc": _rounded(bootstrap(auc, len(truth), seed=seed, rounds=200)),
        "average_precision": _rounded(bootstrap(precision, len(truth), seed=seed, rounds=200)),
        "ece": round(expected_calibration_error(truth, probability), 4),
        "brier": round(brier(truth, probability), 4),
        "auc_per_dataset": per_set,
    }


def best_threshold(truth: NDArray[np.bool_], probability: NDArray[np.float64], rounds: int = 0) -> float:
    """The threshold with the highest macro-F1, for data sets that are scored on one answer and not on a rate.

    With ``rounds``, the median over that many resamplings of the rows, because the maximum of a jagged curve is noisy.
    """
    if rounds:
        chance = np.random.default_rng(len(truth))
        draws = (chance.integers(0, len(truth), len(truth)) for _ in range(rounds))
        return float(np.median([best_threshold(truth[rows], probability[rows]) for rows in draws]))
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(truth[order])
    said, yes = np.arange(1, len(truth) + 1), int(truth.sum())
    misses, rejected = yes - hits, len(truth) - said
    positive = 2 * hits / (said + yes)
    negative = 2 * (rejected - misses) / np.maximum(rejected + len(truth) - yes, 1)
    return float(probability[order][int(np.argmax(positive + negative))])


def describe(
    corpus: TrainingCorpus,
    measured: Mapping[str, Any],
    data: Path,
    *,
    seed: int,
    parameters: Mapping[str, float],
    excluded: Sequence[str],
    encoder: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The card, ready for JSON; ``artefact.save`` adds version and operating points."""
    return {
        "title": "Seawall text classifier",
        "licence": "Apache-2.0",
        "language": "en",
        "intended_use": "Signals for screening rules and for ordering review. Not for acting on a person unreviewed.",
        "heads": list(measured),
        "reading": reading_digest(),
        "recipe": {
            "seed": seed,
            **parameters,
            "model": _MODEL if encoder is None else _MODEL_WITH_ENCODER,
            "calibration_share": CALIBRATION_SHARE,
            "near_duplicate_cosine": NEAR,
            "assumed_clean": {head: list(names) for head, names in ASSUMED_CLEAN.items()},
        },
        "data": [_source(source, data) for source in corpus.sources],
        "excluded": list(excluded),
        "never_trained_on": list(evaluation_only()),
        "test_sets_absent_when_trained": list(corpus.absent_tests),
        "calibration_metrics": dict(measured),
        "encoder_made": dict(encoder) if encoder is not None else None,
        "limits": list(LIMITS),
    }


def _source(source: Any, data: Path) -> dict[str, Any]:
    line: dict[str, Any] = {
        "dataset": source.dataset,
        "split": source.split,
        "texts_read": source.read,
        "removed_as_test_text": source.test_text,
        "removed_as_repeated": source.repeated,
        "texts_used": source.kept,
    }
    if source.dataset == augment.NAME:
        return {**line, "title": "Sentences written for Seawall", "licence": "Apache-2.0", "source": "learn/augment.py"}
    dataset = DATASETS[source.dataset]
    return {
        **line,
        "title": dataset.title,
        "licence": dataset.licence,
        "source": dataset.source,
        "heads": list(dataset.heads),
        "weight": dataset.weight,
        "note": dataset.note,
        "sha256": dataset.digests(data),
    }


def _rounded(interval: Interval) -> list[float]:
    return [round(interval.value, 4), round(interval.lower, 4), round(interval.upper, 4)]
