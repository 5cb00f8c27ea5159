"""Labels and weights of a corpus for one head, and which labels are only assumed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seawall.learn.corpus import ASSUMED_CLEAN, LEARNT_FROM
from seawall.learn.datasets import DATASETS, LabelledText

Vector = NDArray[np.float64]


def head_labels(examples: Sequence[LabelledText], head: str) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """For every example: soft label of one head (NaN: not known), weight, and whether the label is only assumed."""
    label = np.full(len(examples), np.nan)
    weight = np.ones(len(examples))
    assumed = np.zeros(len(examples), dtype=bool)
    clean = ASSUMED_CLEAN.get(head, ())
    sources = LEARNT_FROM.get(head)
    for row, example in enumerate(examples):
        if sources is not None and example.dataset not in sources:
            continue
        if head in example.labels:
            label[row] = example.labels[head]
            weight[row] = DATASETS[example.dataset].weight if example.dataset in DATASETS else 1.0
        elif example.dataset in clean:
            label[row], assumed[row] = 0.0, True
    if assumed.any():
        known = ~np.isnan(label) & ~assumed
        weight[assumed] = min(1.0, float(known.sum() / assumed.sum()))
    return label, weight, assumed
