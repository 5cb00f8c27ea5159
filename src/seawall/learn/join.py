"""Combination of n-gram model and encoder: calibrated and measured together, as they are served.

Probabilities are averaged, which did better than training one model on both models' features. The encoder's share in
the average and Platt's curve over its log-odds are fitted on the calibration split, to which neither model was fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model.artefact import ENCODER, Artefact, JoinedHead, LinearHead
from seawall.detectors.text.model.classifier import encoder_windows, wording_digest
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.linear import Linear, read
from seawall.learn import card
from seawall.learn.corpus import TrainingCorpus
from seawall.learn.labels import head_labels
from seawall.measure import Platt, fit_platt, operating_points, roc_auc

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)  # candidates for the encoder's share in the average, chosen per head
FLOOR = 0.0  # n-gram probability of any head from which the encoder is used

Floats = NDArray[np.float64]
_AT_ONCE = 512


def join(
    heads: Sequence[LinearHead],
    measured: dict[str, Any],
    idf: NDArray[np.uint8],
    file: bytes,
    corpus: TrainingCorpus,
    seed: int,
) -> tuple[list[LinearHead], dict[str, Any], dict[str, Any]]:
    """The combined heads, their metrics, and the encoder's section of the card."""
    rows = np.flatnonzero(corpus.calibration)
    with TemporaryDirectory() as folder:
        path = Path(folder) / ENCODER
        path.write_bytes(file)
        encoder = OnnxEncoder(path)
    scores, odds = model_scores(
        Linear(Artefact("", idf, tuple(heads), {})), encoder, [corpus.examples[r].text for r in rows]
    )
    ngram = np.stack([head.calibration.apply(scores[:, column]) for column, head in enumerate(heads)], axis=1)
    asked = np.asarray((ngram >= FLOOR).any(axis=1), dtype=bool)
    joined: list[LinearHead] = []
    figures: dict[str, Any] = {}
    for column, head in enumerate(heads):
        label, weight, assumed = head_labels([corpus.examples[row] for row in rows.tolist()], head.name)
        held = np.flatnonzero(~np.isnan(label))
        theirs = odds[held, encoder.heads.index(head.name)]
        counts = np.where(assumed[held], weight[held], 1.0)
        one = fitted(label[held], ngram[held, column], theirs, counts)
        probability = np.where(asked[held], one.apply(ngram[held, column], theirs), ngram[held, column])
        truth = label[held] >= 0.5
        joined.append(replace(head, joined=one, operating_points=operating_points(truth, probability)))
        names = [corpus.examples[rows[row]].dataset for row in held.tolist()]
        old = measured[head.name]
        figures[head.name] = {
            **card.head_numbers(truth, probability, names, old["training_texts"], old["training_positive_share"], seed),
            "encoder_share": one.share,
            "auc_ngram_alone": round(roc_auc(truth, ngram[held, column]), 4),
            "auc_encoder_alone": round(roc_auc(truth, theirs), 4),
        }
    notes = {"reading": wording_digest(), "heads": list(encoder.heads), "bytes": len(file), **encoder.notes}
    return joined, figures, notes


def fitted(label: Floats, ngram: Floats, odds: Floats, weight: Floats) -> JoinedHead:
    """First the encoder's curve; then the share of the encoder and the final curve with the lowest log-loss."""
    own = fit_platt(label, odds, weight)
    tried = []
    for share in SHARES:
        joined = JoinedHead(own, Platt(1.0, 0.0), share, FLOOR)
        joined = replace(joined, final=fit_platt(label, joined.average(ngram, odds), weight))
        said = np.clip(joined.apply(ngram, odds), 1e-9, 1 - 1e-9)
        loss = -float((weight * (label * np.log(said) + (1 - label) * np.log(1 - said))).sum())
        tried.append((loss, share, joined))
    return min(tried)[2]


def model_scores(linear: Linear, encoder: OnnxEncoder, texts: Sequence[str]) -> tuple[Floats, Floats]:
    """For each text and head: the n-gram model's raw score and the encoder's log-odds, each of its worst window."""
    scores, odds = [], []
    for start in range(0, len(texts), _AT_ONCE):
        readings = [read(text) for text in texts[start : start + _AT_ONCE]]
        judged = linear.judge(readings)
        cut = [encoder_windows(encoder, reading, judged, text) for text, reading in enumerate(readings)]
        found = encoder.run([window for windows in cut for window in windows]).odds
        scores.append(judged.worst)
        odds.append(np.maximum.reduceat(found, np.cumsum([0, *(len(windows) for windows in cut[:-1])]), axis=0))
    return np.concatenate(scores), np.concatenate(odds).astype(np.float64)
