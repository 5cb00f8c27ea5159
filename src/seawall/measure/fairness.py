"""Bias between identity groups: subgroup, BPSN and BNSP AUCs (Borkan et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seawall.measure.arrays import Bools, labels_and_scores
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


def identity_rows(labels: ArrayLike, names: ArrayLike) -> dict[str, Bools]:
    """The rows that each of the three AUCs uses. ``names``: for each row, whether the text names the identity."""
    truth = np.asarray(labels).astype(bool)
    inside = np.asarray(names, dtype=bool)
    if inside.shape != truth.shape:
        raise ValueError(f"{len(truth)} rows need {len(truth)} marks; got {inside.shape}")
    return {
        "subgroup": inside,
        "bpsn": (inside & ~truth) | (~inside & truth),
        "bnsp": (inside & truth) | (~inside & ~truth),
    }


def identity_auc(labels: ArrayLike, scores: ArrayLike, names: ArrayLike) -> IdentityAuc:
    """The three AUCs of one identity. ``names``: for each row, whether the text names it."""
    truth, values, _ = labels_and_scores(labels, scores, None)
    rows = identity_rows(truth, names)
    return IdentityAuc(**{kind: roc_auc(truth[chosen], values[chosen]) for kind, chosen in rows.items()})
