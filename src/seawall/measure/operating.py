"""Operating points: the false-positive rate and recall of each threshold, on the calibration split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from seawall.measure.arrays import labels_and_scores
from seawall.measure.intervals import lower_bound, upper_bound
from seawall.model import OperatingPoint

FPR_GRID = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)


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
