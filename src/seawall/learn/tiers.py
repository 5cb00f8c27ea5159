"""Scores of both tiers of the text model on its calibration split, from which a running model plans (``tiers.npz``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seawall.detectors.text.model import TextModel
from seawall.detectors.text.model.artefact import save_arrays
from seawall.detectors.text.model.tiers import TIERS
from seawall.learn.corpus import TrainingCorpus
from seawall.learn.datasets import LabelledText


def write_tiers(folder: Path, corpus: TrainingCorpus) -> None:
    """Score the calibration split with the model in ``folder``, which was fitted to none of it, and keep the scores.

    ``ngram`` and ``full``: a probability for each text and head; ``everyday``: which texts people usually write. No
    text is kept.
    """
    model = TextModel(folder)
    rows = np.flatnonzero(corpus.calibration).tolist()
    texts = [corpus.examples[row].text for row in rows]
    save_arrays(
        folder / TIERS,
        {
            "ngram": model.first_tier(texts).astype(np.float16),
            "full": model.probabilities(texts).astype(np.float16),
            "everyday": np.array([_is_everyday(corpus.examples[row]) for row in rows]),
            "version": np.frombuffer(model.artefact.version.encode(), dtype=np.uint8),
        },
    )


def _is_everyday(example: LabelledText) -> bool:
    """Harmless messages between people: the other sets were collected by words that offend."""
    return example.dataset == "sms_spam" and not any(value > 0 for value in example.labels.values())
