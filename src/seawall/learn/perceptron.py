"""A network with one hidden layer in NumPy, trained with AdamW: sufficient for a head with a thousand features.

The same data and seed give the same weights. Dropout is applied before and after the hidden layer (Srivastava et al.
2014); weight decay is separate from the gradient (Loshchilov and Hutter 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.joint.fusion import Network
from seawall.measure.calibrate import sigmoid

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSchedule:
    """Training parameters."""

    hidden: int = 128
    epochs: int = 25
    batch: int = 128
    rate: float = 1e-3
    decay: float = 0.05
    drop_in: float = 0.2
    drop_hidden: float = 0.4


def train(
    draw: Callable[[np.random.Generator, NDArray[np.int64]], tuple[Floats, Floats, Floats]],
    rows: int,
    seed: int,
    schedule: TrainingSchedule | None = None,
) -> Network:
    """Fit a network to what ``draw`` returns for row numbers: features, labels in [0, 1], weights."""
    how = schedule or TrainingSchedule()
    generator = np.random.default_rng(seed)
    width = draw(generator, np.arange(min(2, rows)))[0].shape[1]
    first = (generator.standard_normal((width, how.hidden)) * (2 / width) ** 0.5).astype(np.float32)
    last = (generator.standard_normal(how.hidden) * (1 / how.hidden) ** 0.5).astype(np.float32)
    weights = [first, np.zeros(how.hidden, np.float32), last, np.zeros(1, np.float32)]
    means = [np.zeros_like(one) for one in weights]
    squares = [np.zeros_like(one) for one in weights]
    steps = how.epochs * -(-rows // how.batch)
    step = 0
    for _ in range(how.epochs):
        order = generator.permutation(rows)
        for start in range(0, rows, how.batch):
            step += 1
            rate = how.rate * min(1.0, 10 * step / steps) * (1 - step / (steps + 1))
            gradients = _gradients(weights, *draw(generator, order[start : start + how.batch]), how, generator)
            for one, gradient, mean, square in zip(weights, gradients, means, squares, strict=True):
                mean += 0.1 * (gradient - mean)
                square += 0.001 * (gradient * gradient - square)
                towards = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
                one -= np.float32(rate) * (towards + np.float32(how.decay if one.ndim == 2 else 0) * one)
    return quantised(*weights)


def _gradients(
    weights: list[Floats],
    features: Floats,
    labels: Floats,
    mass: Floats,
    how: TrainingSchedule,
    generator: np.random.Generator,
) -> tuple[Floats, ...]:
    """Gradients of the weighted mean cross-entropy, under dropout."""
    first, bias, last, shift = weights
    seen = features * (generator.random(features.shape, dtype=np.float32) >= how.drop_in) / np.float32(1 - how.drop_in)
    inner = seen @ first + bias
    alive = (generator.random(inner.shape, dtype=np.float32) >= how.drop_hidden) / np.float32(1 - how.drop_hidden)
    hidden = np.maximum(0, inner) * alive
    error = ((sigmoid(hidden @ last + shift) - labels) * mass / mass.sum()).astype(np.float32)
    back = error[:, None] * last * alive * (inner > 0)
    return seen.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(keepdims=True)


def quantised(first: Floats, bias: Floats, last: Floats, shift: Floats) -> Network:
    """The network with its first layer as integers, with one scale per hidden unit."""
    unit = np.maximum(np.abs(first).max(axis=0) / 127, 1e-12).astype(np.float32)
    return Network(np.rint(first / unit).astype(np.int8), unit, bias, last, float(shift[0]))
