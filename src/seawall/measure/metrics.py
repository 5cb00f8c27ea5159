"""Metrics of scores and answers against the truth: AUC, average precision, precision, recall, F1. Weights optional."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seawall.measure.arrays import labels_and_scores, weights_for
from seawall.measure.intervals import Interval, effective, wilson


def roc_auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The probability that a random positive scores above a random negative; ties count half. One class only: NaN."""
    truth, values, weight = labels_and_scores(labels, scores, weights)
    positives, negatives = float(weight[truth].sum()), float(weight[~truth].sum())
    if positives == 0 or negatives == 0:
        return math.nan
    _, place = np.unique(values, return_inverse=True)
    positive_at = np.bincount(place, weights=weight * truth)
    negative_at = np.bincount(place, weights=weight * ~truth)
    below = np.cumsum(negative_at) - negative_at
    return float((positive_at * (below + negative_at / 2)).sum() / (positives * negatives))


def average_precision(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Area under the precision-recall steps: sum of (recall gained) × precision, ties taken together.

    The AUPRC of most papers; not interpolated. No positives: NaN.
    """
    truth, values, weight = labels_and_scores(labels, scores, weights)
    positives = float(weight[truth].sum())
    if positives == 0:
        return math.nan
    _, place = np.unique(-values, return_inverse=True)
    hits = np.bincount(place, weights=weight * truth)
    seen = np.cumsum(np.bincount(place, weights=weight))
    precision = np.divide(np.cumsum(hits), seen, out=np.zeros_like(seen), where=seen > 0)
    return float((hits / positives * precision).sum())


@dataclass(frozen=True, slots=True)
class Confusion:
    """Weighted counts of a yes-or-no answer against the truth."""

    true_positive: float
    false_positive: float
    false_negative: float
    true_negative: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Precision, recall, F1 and accuracy. All but F1 have Wilson intervals; F1 has no closed form."""

    confusion: Confusion
    precision: Interval
    recall: Interval
    f1: float
    accuracy: Interval


def confusion(labels: ArrayLike, answers: ArrayLike, weights: ArrayLike | None = None) -> Confusion:
    """Count the four outcomes. ``answers`` are 0 or 1."""
    truth, answer, weight = labels_and_scores(labels, np.asarray(answers, dtype=np.float64), weights)
    if not np.isin(answer, (0, 1)).all():
        raise ValueError("answers must be 0 or 1")
    said = answer.astype(bool)
    return Confusion(
        float(weight[truth & said].sum()),
        float(weight[~truth & said].sum()),
        float(weight[truth & ~said].sum()),
        float(weight[~truth & ~said].sum()),
    )


def accuracy(
    labels: ArrayLike, answers: ArrayLike, weights: ArrayLike | None = None, confidence: float = 0.95
) -> Accuracy:
    """Precision, recall, F1 and accuracy of yes-or-no answers. With weights, intervals use effective counts."""
    table = confusion(labels, answers, weights)
    truth = np.asarray(labels).astype(bool)
    said = np.asarray(answers).astype(bool)
    weight = weights_for(len(truth), weights)
    tp, fp, fn, tn = table.true_positive, table.false_positive, table.false_negative, table.true_negative

    def share(part: float, whole: float, rows: NDArray[np.bool_]) -> Interval:
        size = effective(weight[rows]) if weights is not None else whole
        return wilson(min(size * part / whole, size) if whole else 0.0, size if whole else 0.0, confidence)

    everyone = np.ones(len(truth), dtype=bool)
    return Accuracy(
        confusion=table,
        precision=share(tp, tp + fp, said),
        recall=share(tp, tp + fn, truth),
        f1=2 * tp / (2 * tp + fp + fn) if tp + fp + fn else math.nan,
        accuracy=share(tp + tn, tp + fp + fn + tn, everyone),
    )


def f1_per_class(labels: Sequence[object], answers: Sequence[object]) -> dict[object, float]:
    """One-against-all F1 of each class that occurs among labels or answers; 0 where no answer was right."""
    if len(labels) != len(answers):
        raise ValueError(f"{len(labels)} labels, {len(answers)} answers")
    scores: dict[object, float] = {}
    for name in sorted({*labels, *answers}, key=repr):
        right = sum(label == name == answer for label, answer in zip(labels, answers, strict=True))
        either = sum(label == name for label in labels) + sum(answer == name for answer in answers)
        scores[name] = 2 * right / either
    return scores


def macro_f1(labels: Sequence[object], answers: Sequence[object]) -> float:
    """The unweighted mean of the classes' F1: a rare class counts as much as a common one."""
    scores = f1_per_class(labels, answers)
    return sum(scores.values()) / len(scores) if scores else math.nan


def weighted_f1(labels: Sequence[object], answers: Sequence[object]) -> float:
    """The mean of the classes' F1, weighted by their share of the labels."""
    scores = f1_per_class(labels, answers)
    total = len(labels)
    return sum(scores[name] * sum(label == name for label in labels) for name in scores) / total if total else math.nan
