"""Is one group of people judged more harshly than others? AUCs by identity (Borkan et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seawall.measure.arrays import labels_and_scores
from seawall.measure.metrics import roc_auc


@dataclass(frozen=True, slots=True)
class IdentityAuc:
    """Three AUCs of one identity; NaN where a class is missing.

    ``subgroup``: among texts that name it. ``bpsn``: its harmless texts against harmful ones of all others (low:
    naming it looks harmful). ``bnsp``: its harmful texts against harmless ones of all others (low: harm to it is
    missed).
    """

    subgroup: float
    bpsn: float
    bnsp: float


def identity_auc(labels: ArrayLike, scores: ArrayLike, names: ArrayLike) -> IdentityAuc:
    """``names``: for each row, whether the text names the identity."""
    truth, values, _ = labels_and_scores(labels, scores, None)
    inside = np.asarray(names, dtype=bool)
    if inside.shape != truth.shape:
        raise ValueError(f"{len(truth)} rows need {len(truth)} marks; got {inside.shape}")

    def auc(rows: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
        return roc_auc(truth[rows], values[rows])

    return IdentityAuc(
        subgroup=auc(inside),
        bpsn=auc((inside & ~truth) | (~inside & truth)),
        bnsp=auc((inside & truth) | (~inside & ~truth)),
    )
