"""Input validation: every metric accepts anything array-like and rejects invalid input with the reason."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def labels_and_scores(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> tuple[Bools, Floats, Floats]:
    """One-dimensional, equally long, finite arrays; labels 0 or 1; weights not negative (default: 1 each).

    Raises ``ValueError`` that names the invalid array.
    """
    truth = np.asarray(labels)
    values = np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or values.shape != truth.shape:
        raise ValueError(f"labels and scores must be one list each, equally long; got {truth.shape}, {values.shape}")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("labels must be 0 or 1")
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite numbers")
    return truth.astype(bool), values, weights_for(len(truth), weights)


def weights_for(count: int, weights: ArrayLike | None) -> Floats:
    """Checked weights, 1 each when none are given."""
    if weights is None:
        return np.ones(count)
    checked = np.asarray(weights, dtype=np.float64)
    if checked.shape != (count,):
        raise ValueError(f"{count} rows need {count} weights; got {checked.shape}")
    if not np.isfinite(checked).all() or (checked < 0).any():
        raise ValueError("weights must be finite and not negative")
    return checked
