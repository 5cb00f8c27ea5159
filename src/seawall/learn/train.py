"""Training of the text classifier; the same data, seed and encoder give the same bytes.

    from pathlib import Path
    from seawall.learn.train import train_text_model
    train_text_model(Path("data"), Path("my-model"), seed=0)

writes ``weights.npz``, ``card.json``, ``texts.npz`` (digests of what was trained on) and ``calibration.json`` (what the
calibration split shows) into ``my-model``; with
``encoder=…`` also ``encoder.onnx`` (see ``seawall.learn.encoder``). To serve them: ``TextModel(Path("my-model"))``.
Needs scikit-learn, the extra ``seawall[train]``; serving does not.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model import artefact
from seawall.detectors.text.model.artefact import LinearHead, dequantise_idf, quantise_idf, quantise_weights
from seawall.detectors.text.model.features import BUCKETS, FeatureCounts, batches, count, occurrences, values
from seawall.detectors.text.model.linear import read
from seawall.detectors.text.model.windows import windows
from seawall.learn import card
from seawall.learn.augment import NAME as SENTENCES
from seawall.learn.calibration import write_calibration
from seawall.learn.corpus import RECIPE, Progress, TrainingCorpus, gather
from seawall.learn.datasets import HEADS, LabelledText, TrainingError
from seawall.learn.dedupe import digest
from seawall.learn.encoder import encoder_file
from seawall.learn.join import join
from seawall.learn.labels import head_labels
from seawall.learn.tiers import write_tiers
from seawall.measure import fit_platt, operating_points

MIN_DF = 2  # features that occur in fewer texts are dropped
PENALTY = 1.0  # inverse strength of the L2 penalty (liblinear's C)
PARAMETERS: Mapping[str, float] = {"min_df": MIN_DF, "C": PENALTY}

Vector = NDArray[np.float64]


class MissingExtraError(TrainingError):
    """scikit-learn is not installed."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """The result of a training run."""

    folder: Path
    version: str
    texts: int
    heads: tuple[str, ...]


def train_text_model(
    data_dir: Path,
    out_dir: Path,
    *,
    seed: int = 0,
    progress: Progress = lambda _what: None,
    recipe: Sequence[tuple[str, str]] = RECIPE,
    exclude: Sequence[str] = (),
    encoder: Path | None = None,
) -> TrainedModel:
    """Train every head the data supports and write the model.

    ``recipe`` lists data sets and splits; ``exclude`` leaves sets out by name, ``seawall_sentences`` this project's
    own. ``encoder`` is an ``encoder.onnx``, or the folder of the published weights to fine-tune; without it only the
    n-gram model is trained. ``progress`` is called with the current step. Raises ``RefusedError`` for a set that must
    not train published weights, ``FileNotFoundError`` for a missing one, ``MissingExtraError`` without scikit-learn,
    ``TrainingError`` when no head has enough texts.
    """
    _scikit_learn()
    used = [(name, split) for name, split in recipe if name not in exclude]
    corpus = gather(data_dir, used, seed, progress, with_sentences=SENTENCES not in exclude)
    progress("reading features")
    tokens = [read(example.text).tokens.words for example in corpus.examples]
    counts = text_counts(tokens)
    idf = document_frequencies(counts, ~corpus.calibration)
    matrix = sparse_matrix(counts, dequantise_idf(idf))
    heads: list[LinearHead] = []
    measured: dict[str, Any] = {}
    for name in HEADS:
        progress(f"training {name}")
        label, weight, assumed = head_labels(corpus.examples, name)
        if not _supported(label, corpus.calibration):
            continue
        head, numbers = _train_head(name, matrix, tokens, idf, (label, weight, assumed), corpus, seed)
        heads.append(head)
        measured[name] = numbers
    if not heads:
        names = ", ".join(name for name, _ in used) or "no data set"
        raise TrainingError(f"no head has enough labelled texts in {names}")
    file, notes = None, None
    if encoder is not None:
        file = encoder_file(encoder, corpus, seed, progress)
        progress("calibrating both together")
        heads, measured, notes = join(heads, measured, idf, file, corpus, seed)
    progress("writing")
    described = card.describe(
        corpus, measured, data_dir, seed=seed, parameters=PARAMETERS, excluded=exclude, encoder=notes
    )
    version = artefact.save(out_dir, idf, tuple(heads), described, file)
    artefact.save_arrays(out_dir / artefact.TEXTS, text_digests(corpus.examples))
    if file is not None:
        progress("measuring when the encoder can be left out")
        write_tiers(out_dir, corpus)
    progress("writing what the calibration split shows")
    write_calibration(out_dir, corpus)
    progress("done")
    return TrainedModel(out_dir, version, len(corpus.examples), tuple(head.name for head in heads))


def _train_head(
    name: str,
    matrix: Any,
    tokens: Sequence[Sequence[str]],
    idf: NDArray[np.uint8],
    labelled: tuple[Vector, Vector, NDArray[np.bool_]],
    corpus: TrainingCorpus,
    seed: int,
) -> tuple[LinearHead, dict[str, Any]]:
    """Fit on the training side, round the weights, then calibrate and measure the rounded ones on the other side."""
    label, weight, assumed = labelled
    known = ~np.isnan(label)
    weights, bias = fit(matrix, label, weight, known & ~corpus.calibration, seed)
    small, scale = quantise_weights(weights)
    held = np.flatnonzero(known & corpus.calibration).tolist()
    score = window_scores([tokens[row] for row in held], dequantise_idf(idf), small.astype(np.float32) * scale) + bias
    platt = fit_platt(label[held], score, np.where(assumed[held], weight[held], 1.0))
    probability = platt.apply(score)
    truth = label[held] >= 0.5
    head = LinearHead(name, small, scale, bias, platt, operating_points(truth, probability))
    names = [corpus.examples[row].dataset for row in held]
    training = label[known & ~corpus.calibration]
    return head, card.head_numbers(truth, probability, names, len(training), float((training >= 0.5).mean()), seed)


def text_counts(tokens: Sequence[Sequence[str]]) -> FeatureCounts:
    """The counted features of these texts."""
    parts = []
    for start, stop in batches(tokens):
        part = count(occurrences(tokens[start:stop]), stop - start)
        parts.append((part.text + start, part.bucket, part.count))
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return FeatureCounts(0, empty, empty, empty)
    text, bucket, number = (np.concatenate(column) for column in zip(*parts, strict=True))
    return FeatureCounts(len(tokens), text, bucket, number)


def document_frequencies(counts: FeatureCounts, rows: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Quantised ``ln((1 + n) / (1 + df)) + 1`` over some rows; 0 for features of fewer than ``MIN_DF`` texts."""
    frequency = np.bincount(counts.bucket[rows[counts.text]], minlength=BUCKETS)
    idf = np.log((1 + rows.sum()) / (1 + frequency)) + 1
    return quantise_idf(np.where(frequency >= MIN_DF, idf, 0).astype(np.float32))


def sparse_matrix(counts: FeatureCounts, idf: NDArray[np.float32]) -> Any:
    """A scipy CSR matrix, texts × buckets."""
    sparse = importlib.import_module("scipy.sparse")
    value = values(counts, idf)
    used = value != 0
    return sparse.csr_matrix(
        (value[used].astype(np.float64), (counts.text[used], counts.bucket[used])), shape=(counts.texts, BUCKETS)
    )


def fit(matrix: Any, label: Vector, weight: Vector, rows: NDArray[np.bool_], seed: int) -> tuple[Vector, float]:
    """Logistic regression with soft labels, both classes weighted equally; weights of every bucket, and the bias.

    A soft label becomes two rows, one per class, that share its weight.
    """
    logistic, limits = _scikit_learn()
    sparse = importlib.import_module("scipy.sparse")
    target, mass = label[rows], weight[rows]
    yes, no = mass * target, mass * (1 - target)
    yes *= no.sum() / yes.sum()
    chosen = matrix[rows]
    columns = np.unique(chosen.indices)
    chosen = chosen[:, columns]
    both = sparse.vstack([chosen[yes > 0], chosen[no > 0]], format="csr")
    truth = np.concatenate((np.ones((yes > 0).sum()), np.zeros((no > 0).sum())))
    share = np.concatenate((yes[yes > 0], no[no > 0]))
    model = logistic(C=PENALTY, solver="liblinear", dual=True, tol=0.01, max_iter=200, random_state=seed)
    with limits(1):  # sums in one order, whatever the number of cores
        model.fit(both, truth, sample_weight=share)
    weights = np.zeros(BUCKETS)
    weights[columns] = model.coef_[0]
    return weights, float(model.intercept_[0])


def window_scores(tokens: Sequence[Sequence[str]], idf: NDArray[np.float32], weights: NDArray[np.float32]) -> Vector:
    """The score of each text as served: that of its worst window, without the bias."""
    pieces: list[Sequence[str]] = []
    first: list[int] = []
    for words in tokens:
        first.append(len(pieces))
        pieces += [words[begin:end] for begin, end in windows(len(words))]
    counts = text_counts(pieces)
    added = values(counts, idf) * weights[counts.bucket]
    scores = np.bincount(counts.text, weights=added, minlength=len(pieces))
    return np.asarray(np.maximum.reduceat(scores, first), dtype=np.float64)


def text_digests(examples: Sequence[LabelledText]) -> dict[str, NDArray[np.uint64]]:
    """For each data set, the sorted 64-bit digests of its used texts: evidence without the texts."""
    found: dict[str, list[int]] = {}
    for example in examples:
        found.setdefault(example.dataset, []).append(digest(example.text))
    return {name: np.array(sorted(numbers), dtype=np.uint64) for name, numbers in found.items()}


def _supported(label: Vector, calibration: NDArray[np.bool_], least: int = 5) -> bool:
    """Whether both sides of the split have at least a few texts of both classes."""
    return all(
        min((label[side] >= 0.5).sum(), (label[side] < 0.5).sum()) >= least for side in (calibration, ~calibration)
    )


def _scikit_learn() -> tuple[Any, Any]:
    try:
        linear_model = importlib.import_module("sklearn.linear_model")
        threads = importlib.import_module("threadpoolctl")
    except ImportError as error:
        raise MissingExtraError("training needs scikit-learn: pip install 'seawall[train]'") from error
    return linear_model.LogisticRegression, threads.threadpool_limits
