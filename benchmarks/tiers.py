"""What a band saves and what it loses: `./run bench tiers`.

A band asks a dear detector only where a cheap one is in doubt. Here the cheap one is the n-gram half of the shipped
text model alone, and the dear one is the whole model (n-grams and encoder): a stand-in for a judge, since none is at
hand, so the recall that a real judge would add or lose is not in these figures. For each band: the share of texts
that reach the dear tier, and recall at a fixed false-positive rate of the cheap tier alone, of the dear tier asked
about everything, and of both with the band. Thresholds are set on the same texts, for all three alike.

``--alike`` also counts how many texts a batch need not ask about because a near-duplicate was asked.

Sets are looked for under ``SEAWALL_DATA``. Prints a table, then one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.content.normalise import normalise
from seawall.detect.cascade import ScoreRange
from seawall.detectors.text.model import TextModel, shipped
from seawall.detectors.text.model.artefact import ENCODER
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.linear import Linear
from seawall.learn.datasets import DATASETS
from seawall.learn.join import model_scores
from seawall.match.neartext import clusters
from seawall.measure import bootstrap

SETS = (  # data set, split, its label, the model's head
    ("hatexplain", "val", "toxic", "toxic"),
    ("hatecheck", "test", "hate", "hate"),
    ("edos", "dev", "sexism", "sexism"),
)
BANDS = ((0.05, 0.95), (0.1, 0.9), (0.2, 0.9), (0.3, 0.8))
FPRS = (0.01, 0.05)
SEED, ROUNDS = 7, 300
NEAR = 0.85

Scores = NDArray[np.float64]


def recall_at(fpr: float, truth: NDArray[np.bool_], scores: Scores) -> float:
    """The share of positives above the lowest threshold that at most ``fpr`` of the negatives reach."""
    negatives = np.sort(scores[~truth])[::-1]
    threshold = negatives[min(int(fpr * len(negatives)), len(negatives) - 1)]
    return float(np.mean(scores[truth] > threshold))


def cascade(band: ScoreRange, cheap: Scores, expensive: Scores) -> tuple[Scores, NDArray[np.bool_]]:
    """What a rule sees: the dear score inside the band, the cheap one outside; and where the dear one was asked."""
    asked = np.array([band.contains(value) for value in cheap])
    return np.where(asked, expensive, cheap), asked


def tiers(model: TextModel, texts: Sequence[str], head: str) -> tuple[Scores, Scores]:
    """The head's probability by n-grams alone, and as served."""
    artefact = model.artefact
    column = [each.name for each in artefact.heads].index(head)
    if artefact.encoder is None:
        raise SystemExit("this text model has no encoder: there is no second tier to measure")
    raw, _ = model_scores(Linear(artefact), OnnxEncoder(model.folder / ENCODER, artefact.encoder), texts)
    return artefact.heads[column].calibration.apply(raw[:, column]), model.probabilities(texts)[:, column]


def measure(truth: NDArray[np.bool_], cheap: Scores, expensive: Scores) -> list[dict[str, Any]]:
    """One row for each band."""
    rows = []
    for low, high in BANDS:
        both, asked = cascade(ScoreRange(signal="cheap", low=low, high=high), cheap, expensive)
        row: dict[str, Any] = {"from": low, "to": high, "share_asked": round(float(asked.mean()), 4)}
        for fpr in FPRS:
            one, all_, banded = (recall_at(fpr, truth, scores) for scores in (cheap, expensive, both))

            def lost(rows: NDArray[np.int64], fpr: float = fpr, both: Scores = both) -> float:
                return recall_at(fpr, truth[rows], expensive[rows]) - recall_at(fpr, truth[rows], both[rows])

            interval = bootstrap(lost, len(truth), seed=SEED, rounds=ROUNDS)
            row[f"fpr_{fpr:g}"] = {
                "cheap": round(one, 4),
                "dear": round(all_, 4),
                "band": round(banded, 4),
                "lost": [round(value, 4) for value in (all_ - banded, interval.lower, interval.upper)],
            }
        rows.append(row)
    return rows


def show(name: str, truth: NDArray[np.bool_], rows: Sequence[dict[str, Any]]) -> None:
    """A table for people."""
    print(f"\n{name}: {len(truth):,} texts, {int(truth.sum()):,} of them positive")
    print(f"{'band':>12} {'asked':>7}   " + "   ".join(f"recall at {fpr:.0%}: cheap  dear  band  lost" for fpr in FPRS))
    for row in rows:
        cells = []
        for fpr in FPRS:
            found = row[f"fpr_{fpr:g}"]
            value, lower, upper = found["lost"]
            recalls = "  ".join(f"{found[tier]:.3f}" for tier in ("cheap", "dear", "band"))
            cells.append(f"{recalls}  {value:+.3f} [{lower:+.3f}, {upper:+.3f}]")
        print(f"{row['from']:>5g} … {row['to']:<4g} {row['share_asked']:>7.1%}   " + "   ".join(cells))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="tiers", description="What a band saves and what it loses.")
    parser.add_argument("--text-model", type=Path, default=shipped(), help="folder of the model (default: shipped)")
    parser.add_argument("--set", choices=[name for name, *_ in SETS], action="append", help="only this set; repeat")
    parser.add_argument("--alike", action="store_true", help="count near-duplicates as well")
    options = parser.parse_args(arguments)
    folder = os.environ.get("SEAWALL_DATA")
    model = TextModel(options.text_model)
    heads = [head.name for head in model.artefact.heads]
    print(f"text model {model.spec.version}; cheap: n-grams alone; dear: n-grams and encoder")
    figures: dict[str, Any] = {"benchmark": "tiers", "model": model.spec.version, "sets": {}, "skipped": []}
    for name, split, label, head in SETS:
        if options.set and name not in options.set:
            continue
        if folder is None or not DATASETS[name].present(Path(folder)) or head not in heads:
            print(f"\n{name}: not found, skipped" if head in heads else f"\n{name}: no head {head}, skipped")
            figures["skipped"].append(name)
            continue
        examples = [each for each in DATASETS[name].read(Path(folder), split) if label in each.labels]
        truth = np.array([each.labels[label] >= 0.5 for each in examples])
        texts = [each.text for each in examples]
        rows = measure(truth, *tiers(model, texts, head))
        show(f"{name} {split}, {label}", truth, rows)
        figures["sets"][name] = {"texts": len(texts), "bands": rows}
        if options.alike:
            leaders = clusters(texts, NEAR, normalise)
            share = 1 - len(set(leaders)) / len(texts)
            print(f"near-duplicates (share {NEAR:g} in common) that need not be asked: {share:.1%}")
            figures["sets"][name]["alike"] = round(share, 4)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
