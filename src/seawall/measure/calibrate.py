"""Calibration: converts scores to probabilities, and measures how reliable probabilities are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seawall.measure.arrays import Floats, labels_and_scores, weights_for


@dataclass(frozen=True, slots=True)
class Platt:
    """``p = 1 / (1 + exp(-(slope * score + intercept)))``."""

    slope: float
    intercept: float

    def apply(self, scores: ArrayLike) -> Floats:
        """The probabilities of these scores."""
        return sigmoid(self.slope * np.asarray(scores, dtype=np.float64) + self.intercept)


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A non-decreasing line through ``(scores[i], probabilities[i])``, flat beyond its ends."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def apply(self, scores: ArrayLike) -> Floats:
        """The probabilities of these scores, interpolated."""
        return np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.probabilities)


def sigmoid(values: ArrayLike) -> Floats:
    """The logistic function, without overflow."""
    clipped = np.clip(np.asarray(values, dtype=np.float64), -500, 500)
    return np.asarray(1 / (1 + np.exp(-clipped)), dtype=np.float64)


def fit_platt(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Platt:
    """Platt's scaling (1999) by Newton's method, with smoothed targets that keep separable data finite.

    ``labels`` may be soft, in [0, 1]. Raises ``ValueError`` without both classes.
    """
    soft = np.asarray(labels, dtype=np.float64)
    values = np.asarray(scores, dtype=np.float64)
    if soft.ndim != 1 or soft.shape != values.shape or not np.isfinite(values).all():
        raise ValueError("labels and scores must be one list each, equally long and finite")
    if ((soft < 0) | (soft > 1)).any():
        raise ValueError("labels must lie in [0, 1]")
    weight = weights_for(len(soft), weights)
    positives, negatives = float((weight * soft).sum()), float((weight * (1 - soft)).sum())
    if positives == 0 or negatives == 0:
        raise ValueError("calibration needs positives and negatives")
    target = soft * (positives + 1) / (positives + 2) + (1 - soft) / (negatives + 2)
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    design = np.column_stack(((values - centre) / spread, np.ones(len(values))))
    beta = np.array([0.0, np.log(positives / negatives)])

    def loss(at: Floats) -> float:
        logits = design @ at
        return float((weight * (np.logaddexp(0, logits) - target * logits)).sum())

    current = loss(beta)
    for _ in range(100):
        probability = sigmoid(design @ beta)
        gradient = design.T @ (weight * (probability - target))
        curvature = (design * (weight * probability * (1 - probability))[:, None]).T @ design + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        scale = 1.0
        while scale > 1e-10 and loss(beta - scale * step) > current:
            scale /= 2
        beta = beta - scale * step
        before, current = current, loss(beta)
        if before - current < 1e-12 * max(1.0, abs(current)):
            break
    return Platt(float(beta[0] / spread), float(beta[1] - beta[0] * centre / spread))


def fit_isotonic(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Isotonic:
    """Isotonic regression by pooling adjacent violators (Ayer et al. 1955). Equal scores are pooled first."""
    truth, values, weight = labels_and_scores(labels, scores, weights)
    if not len(values):
        raise ValueError("calibration needs at least one row")
    keep = weight > 0
    at, place = np.unique(values[keep], return_inverse=True)
    mass = np.bincount(place, weights=weight[keep])
    mean = np.bincount(place, weights=weight[keep] * truth[keep]) / mass
    blocks: list[list[float]] = []  # mean, mass, first index, last index
    for index in range(len(at)):
        blocks.append([float(mean[index]), float(mass[index]), index, index])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            last = blocks.pop()
            into = blocks[-1]
            total = into[1] + last[1]
            blocks[-1] = [(into[0] * into[1] + last[0] * last[1]) / total, total, into[2], last[3]]
    xs: list[float] = []
    ys: list[float] = []
    for level, _, first, last_index in blocks:
        for index in sorted({int(first), int(last_index)}):
            xs.append(float(at[index]))
            ys.append(level)
    return Isotonic(tuple(xs), tuple(ys))


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None, bins: int = 15
) -> float:
    """Mean gap between stated probability and observed share over equally wide bins (Naeini et al. 2015)."""
    truth, stated, weight = labels_and_scores(labels, probabilities, weights)
    if ((stated < 0) | (stated > 1)).any():
        raise ValueError("probabilities must lie in [0, 1]")
    where = np.minimum((stated * bins).astype(np.int64), bins - 1)
    gap = np.bincount(where, weights=weight * (truth - stated), minlength=bins)
    return float(np.abs(gap).sum() / weight.sum())


def brier(labels: ArrayLike, probabilities: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean squared difference between probability and outcome (Brier 1950)."""
    truth, stated, weight = labels_and_scores(labels, probabilities, weights)
    return float((weight * (stated - truth) ** 2).sum() / weight.sum())
