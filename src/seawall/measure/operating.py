"""Operating points: the false-positive rate and recall of each threshold, on the calibration split."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from seawall.measure.arrays import Bools, Floats, labels_and_scores
from seawall.measure.intervals import effective, lower_bound, upper_bound
from seawall.model import CalibrationPoint, CalibrationTable, OperatingPoint

FPR_GRID = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
RECALL_GRID = (0.01, 0.02, *(step / 20 for step in range(1, 20)), 0.97, 0.98, 0.99)


def threshold_at_fpr(labels: ArrayLike, scores: ArrayLike, fpr: float, confidence: float = 0.95) -> float | None:
    """The lowest threshold whose false-positive rate is at most ``fpr`` with that confidence, or None.

    The bound is the exact one-sided upper one (Clopper and Pearson) on the negatives at or above the threshold.
    """
    truth, values, _ = labels_and_scores(labels, scores, None)
    negatives = np.sort(values[~truth])[::-1]
    allowed = _most_false(len(negatives), fpr, confidence)
    if allowed is None:
        return None
    if allowed >= len(negatives):
        return float(values.min())
    # Strictly above the (allowed + 1)-th highest negative, regardless of ties.
    return float(np.nextafter(negatives[allowed], np.inf))


def _most_false(negatives: int, fpr: float, confidence: float) -> int | None:
    """The maximum number of negatives at or above the threshold."""
    if upper_bound(0, negatives, confidence) > fpr:
        return None
    low, high = 0, negatives
    while low < high:
        middle = (low + high + 1) // 2
        if upper_bound(middle, negatives, confidence) <= fpr:
            low = middle
        else:
            high = middle - 1
    return low


def operating_point(labels: ArrayLike, scores: ArrayLike, threshold: float, confidence: float = 0.95) -> OperatingPoint:
    """The rates at a threshold: false-positive rate with upper bound, recall with lower bound (exact, one-sided).

    Raises ``ValueError`` without both classes: the recall of nothing is undefined.
    """
    truth, values, _ = labels_and_scores(labels, scores, None)
    above = values >= threshold
    negatives, positives = int((~truth).sum()), int(truth.sum())
    if not negatives or not positives:
        raise ValueError("an operating point needs positives and negatives")
    false, found = int((above & ~truth).sum()), int((above & truth).sum())
    return OperatingPoint(
        threshold=float(threshold),
        fpr=false / negatives,
        fpr_upper=upper_bound(false, negatives, confidence),
        recall=found / positives,
        recall_lower=lower_bound(found, positives, confidence),
    )


def operating_points(
    labels: ArrayLike, scores: ArrayLike, grid: Sequence[float] = FPR_GRID, confidence: float = 0.95
) -> tuple[OperatingPoint, ...]:
    """One row per false-positive rate of the grid that this many negatives can support; thresholds ascending."""
    thresholds = {threshold_at_fpr(labels, scores, fpr, confidence) for fpr in grid} - {None}
    return tuple(
        operating_point(labels, scores, threshold, confidence)
        for threshold in sorted(t for t in thresholds if t is not None)
    )


def calibration_table(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, language: str | None = None
) -> CalibrationTable:
    """What these rows show of a detector's recall, false-positive rate and, with weights, precision.

    For each recall of a grid the highest threshold that shows it, for each false-positive rate the lowest. The bounds
    are exact (Clopper and Pearson 1934). ``weights``: of rows drawn from real traffic, the inverse of the probability
    with which each was drawn; only such rows show a precision by themselves. Their bounds count the rows that the
    weighted ones are worth (Korn and Graubard 1998). Raises ``ValueError`` without both classes.
    """
    truth, values, mass = labels_and_scores(labels, scores, weights)
    if not truth.any() or truth.all():
        raise ValueError("a calibration table needs positives and negatives")
    steps = np.unique(values)[::-1]
    found, positives = _reaching(steps, values[truth], mass[truth])
    false, negatives = _reaching(steps, values[~truth], mass[~truth])

    def recall(row: int, confidence: float = 0.95) -> float:
        return lower_bound(found[row], positives, confidence)

    def fpr(row: int, confidence: float = 0.95) -> float:
        return upper_bound(false[row], negatives, confidence)

    count = len(steps)
    # Rows are in falling order of threshold: recall and rate rise along them.
    rows = {bisect_left(range(count), least, key=recall) for least in RECALL_GRID}
    rows |= {bisect_right(range(count), most, key=fpr) - 1 for most in FPR_GRID}
    points = (
        CalibrationPoint(
            threshold=float(steps[row]),
            recall_lower=recall(row),
            fpr_upper=fpr(row),
            recall_lower_of_both=recall(row, 0.975),
            fpr_upper_of_both=fpr(row, 0.975),
            precision_lower=None if weights is None else _precision(truth, mass, values >= steps[row]),
        )
        for row in sorted(rows, reverse=True)
        if 0 <= row < count
    )
    return CalibrationTable(
        points=tuple(points), positives=int(truth.sum()), negatives=int((~truth).sum()), language=language
    )


def _reaching(steps: Floats, values: Floats, mass: Floats) -> tuple[Floats, float]:
    """How many equally weighted rows reach each threshold, and how many there are in all."""
    order = np.argsort(-values, kind="stable")
    worth = effective(mass)
    total = float(mass.sum())
    sums = np.concatenate(([0.0], np.cumsum(mass[order]))) * (worth / total if total else 0.0)
    return np.minimum(sums[np.searchsorted(-values[order], -steps, side="right")], worth), worth


def _precision(truth: Bools, mass: Floats, above: Bools) -> float:
    """The lower bound of the share of positives among the rows above a threshold, by weight."""
    total = float(mass[above].sum())
    worth = effective(mass[above])
    share = float(mass[above & truth].sum()) / total if total else 0.0
    return lower_bound(min(share, 1.0) * worth, worth)
