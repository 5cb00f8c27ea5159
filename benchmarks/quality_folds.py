"""The OpenAI development samples, taught and tested in turns: what the model's eyes are worth for other harms.

Five folds, whole clusters of near-duplicates to a side. On the other folds two classifiers are trained, and their
probabilities averaged: one on the n-gram model's features with the shipped heads' log-odds beside them, one on the
encoder's embeddings. Each holds two feedback: "any violation", and one per harm joined by noisy-or.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model import TextModel, read
from seawall.learn.datasets import OPENAI_HARMS, LabelledText
from seawall.learn.train import document_frequencies, sparse_matrix, text_counts

SEED = 7
FOLDS = 5
UNSEEN = ("hate", "harassment", "sexism", "toxic")  # heads that never saw the OpenAI samples, and speak of its harms
_NGRAM_C, _DENSE_C = 8.0, 0.01  # inverse strengths of the penalties
_ODDS_WEIGHT = 0.3  # of the shipped heads' standardised log-odds beside features of length 1

Scores = NDArray[np.float64]
Features = Callable[[NDArray[np.bool_]], Any]  # from the rows that train to the matrix of all rows


def grouped_folds(
    model: TextModel, examples: Sequence[LabelledText], groups: NDArray[np.int64], draws: int
) -> dict[str, list[Scores]]:
    """Out-of-fold probabilities of any violation, one list of ``draws`` of folds for each way to do it."""
    texts = [example.text for example in examples]
    odds = _log_odds(model, texts)
    ways: dict[str, list[Features]] = {"ngram": [_ngram_features(texts, odds)]}
    if model.artefact.encoder is not None:
        dense = _dense_features(np.hstack([model.embed(texts), 0.05 * _standard(odds, np.ones(len(odds), bool))]))
        ways["encoder"] = [dense]
        ways["average"] = [ways["ngram"][0], dense]
    found: dict[str, list[Scores]] = {name: [] for name in ways}
    for draw in range(draws):
        fold = np.random.default_rng(draw).integers(0, FOLDS, groups.max() + 1)[groups]
        alone = {name: _out_of_fold(examples, way[0], fold, name) for name, way in ways.items() if len(way) == 1}
        for name in ways:
            found[name].append(alone[name] if name in alone else sum(alone.values()) / len(alone))
    return found


def _log_odds(model: TextModel, texts: Sequence[str]) -> Scores:
    """Of the shipped heads, except ``sexual``, which has seen these texts."""
    names = [head.name for head in model.artefact.heads]
    columns = [names.index(head) for head in (*UNSEEN, "spam") if head in names]
    probability = model.probabilities(texts)[:, columns].clip(1e-4, 1 - 1e-4)
    return np.asarray(np.log(probability / (1 - probability)), dtype=np.float64)


def _standard(values: Scores, rows: NDArray[np.bool_]) -> Scores:
    return np.asarray((values - values[rows].mean(axis=0)) / values[rows].std(axis=0), dtype=np.float64)


def _ngram_features(texts: Sequence[str], odds: Scores) -> Features:
    from scipy import sparse

    counts = text_counts([read(text).tokens.words for text in texts])

    def features(train: NDArray[np.bool_]) -> Any:
        words = sparse_matrix(counts, document_frequencies(counts, train).astype(np.float32))
        return sparse.hstack([words, sparse.csr_matrix(_ODDS_WEIGHT * _standard(odds, train))]).tocsr()

    return features


def _dense_features(values: Scores) -> Features:
    def features(train: NDArray[np.bool_]) -> Any:
        return (values - values[train].mean(axis=0)) / values[train].std(axis=0).mean()

    return features


def _out_of_fold(examples: Sequence[LabelledText], features: Features, fold: NDArray[np.int64], name: str) -> Scores:
    from sklearn.linear_model import LogisticRegression

    wide = name == "ngram"

    def trained(matrix: Any, labels: Any) -> Any:
        return LogisticRegression(
            C=_NGRAM_C if wide else _DENSE_C,
            class_weight="balanced",
            solver="liblinear",
            dual=wide,
            max_iter=1000,
            random_state=SEED,
        ).fit(matrix, labels)

    truth = np.array([example.labels["any"] for example in examples]) == 1
    harms = [np.array([example.labels.get(harm, np.nan) for example in examples]) for harm in OPENAI_HARMS]
    out = np.zeros(len(examples))
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        matrix = features(train)
        either = trained(matrix[train], truth[train]).predict_proba(matrix[test])[:, 1]
        none = np.ones(int(test.sum()))
        for label in harms:
            rows = train & ~np.isnan(label)
            none *= 1 - trained(matrix[rows], label[rows]).predict_proba(matrix[test])[:, 1]
        out[test] = (either + 1 - none) / 2
    return out
