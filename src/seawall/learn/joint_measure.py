"""Evaluation of the joint model on held-out posts: five metrics with confidence intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.joint.fusion import Encoding, Fusion, Mask
from seawall.learn.joint import Names, views
from seawall.learn.joint_data import HatemojiPost, confounders
from seawall.measure import Interval, bootstrap, expected_calibration_error, roc_auc

ROUNDS = 500
SEED = 7
LEAST_SHARE = 1 / 3  # of the rarer label among posts with the same pictograms; fixed before measuring
Scores = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ModelScores:
    """Calibrated probabilities of the same posts from every combination of sources."""

    hateful: Rows
    group: NDArray[np.int64]
    by: Mapping[str, Scores]


def model_scores(
    rows: Sequence[HatemojiPost], group: NDArray[np.int64], read: Sequence[Names], fusion: Fusion, encode: Encoding
) -> ModelScores:
    """Text alone, image alone, the mean of both (late fusion), joint, joint with either one missing."""
    seen = views(rows, read, encode).by_mask
    text = fusion.text.probabilities(seen[Mask.BOTH], Mask.TEXT)
    image = fusion.image.probabilities(seen[Mask.BOTH], Mask.IMAGE)
    return ModelScores(
        np.array([row.hateful for row in rows], dtype=bool),
        group,
        {
            "text alone": text,
            "image alone": image,
            "late fusion": (text + image) / 2,
            "joint": fusion.joint.probabilities(seen[Mask.BOTH], Mask.BOTH),
            "joint, image missing": fusion.joint.probabilities(seen[Mask.TEXT], Mask.TEXT),
            "joint, text missing": fusion.joint.probabilities(seen[Mask.IMAGE], Mask.IMAGE),
        },
    )


def both_ways(rows: Sequence[HatemojiPost], everywhere: Sequence[HatemojiPost], least: float = LEAST_SHARE) -> Rows:
    """Confounders whose pictograms predict as little as their words: no single source decides.

    In ``everywhere`` (all posts of the data set) each label has at least the share ``least`` of the posts with the same
    set of pictograms, ignoring skin tones.
    """
    labels: dict[frozenset[int], list[int]] = defaultdict(lambda: [0, 0])
    for row in everywhere:
        labels[_shown(row)][row.hateful] += 1
    counts = np.array([labels[_shown(row)] for row in rows]).reshape(-1, 2)
    both: Rows = confounders(rows) & (counts.min(axis=1) >= least * counts.sum(axis=1)) & (counts.min(axis=1) > 0)
    return both


def _shown(row: HatemojiPost) -> frozenset[int]:
    return frozenset(number for number, _ in row.drawn)


def auc(said: ModelScores, name: str, chosen: Rows, minus: str | None = None) -> Interval:
    """Area under the ROC curve of some posts, or its difference to another's; intervals by group."""
    rows = np.flatnonzero(chosen)
    truth, ours = said.hateful[rows], said.by[name][rows]
    theirs = said.by[minus][rows] if minus else None

    def measure(at: NDArray[np.int64]) -> float:
        other = roc_auc(truth[at], theirs[at]) if theirs is not None else 0.0
        return roc_auc(truth[at], ours[at]) - other

    return bootstrap(measure, len(rows), seed=SEED, groups=said.group[rows], rounds=ROUNDS)


def calibration(said: ModelScores, name: str, chosen: Rows) -> float:
    """Expected calibration error over ten bins."""
    return expected_calibration_error(said.hateful[chosen], said.by[name][chosen], bins=10)
