"""When the encoder can be left unasked: by the thresholds in force, the n-gram probabilities below which it may.

The encoder is twenty to forty times dearer than the n-gram model, and few everyday texts could reach a threshold with
it. Scores of both on the calibration split, to which neither was fitted, say how many texts that reach a threshold
would be missed by leaving those below a floor to the n-gram model alone.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

TIERS: Final = "tiers.npz"
MOST_LOST: Final = 0.01
"""The share of the texts that reach a threshold of any head which may be lost on the calibration split."""
MOST_LOST_OF_A_HEAD: Final = 0.08
"""The same for each head by itself, so that a rare harm does not pay for a common one."""

_SHARES: Final = (0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3)
"""Shares of everyday texts that a head may ask about, tried in turn."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class TierScores:
    """Probabilities on the calibration split, one row per text and one column per head: n-gram model, and both.

    ``everyday``: the texts that stand for what people usually write.
    """

    heads: tuple[str, ...]
    ngram: Floats
    full: Floats
    everyday: Mask

    def floors(self, thresholds: Mapping[str, float]) -> Floats:
        """By head, the n-gram probability from which the encoder must be asked, given the lowest thresholds in force.

        A head without a threshold asks for nothing (infinity). Every other head asks about the same share of everyday
        texts, the smallest at which no more is lost than may be; if there is none, the encoder is always asked.
        """
        read = [column for column, head in enumerate(self.heads) if head in thresholds]
        floors = np.full(len(self.heads), np.inf)
        hits = {column: self.full[:, column] >= thresholds[self.heads[column]] for column in read}
        found = np.any(list(hits.values()), axis=0) if read else np.zeros(len(self.full), dtype=bool)
        usual = self.ngram[self.everyday]
        for share in _SHARES if len(usual) else ():
            floors[read] = np.quantile(usual[:, read], 1 - share, axis=0)
            if _bearable(found, hits, self._asked(floors)):
                return floors
        floors[read] = 0.0
        return floors

    def _asked(self, floors: Floats) -> Mask:
        return np.asarray((self.ngram >= floors).any(axis=1), dtype=bool)


def _bearable(found: Mask, hits: Mapping[int, Mask], asked: Mask) -> bool:
    """Whether few enough of the texts that reach a threshold stay unasked, in all and by head."""
    lost = found & ~asked
    if lost.sum() > MOST_LOST * found.sum():
        return False
    return all((reached & lost).sum() <= MOST_LOST_OF_A_HEAD * reached.sum() for reached in hits.values())


def read_tiers(folder: Path, heads: Sequence[str], version: str) -> TierScores | None:
    """The scores beside a model; None when there are none, or they are of other weights: then it is asked always."""
    try:
        with np.load(io.BytesIO((folder / TIERS).read_bytes()), allow_pickle=False) as arrays:
            if arrays["version"].tobytes().decode() != version:
                return None
            ngram, full = (arrays[name].astype(np.float64) for name in ("ngram", "full"))
            everyday = arrays["everyday"].astype(bool)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    if ngram.shape != full.shape or ngram.ndim != 2 or ngram.shape[1] != len(heads):
        return None
    return TierScores(tuple(heads), ngram, full, everyday)
