"""What the multilingual model is worth, language by language: a step of ``./run bench quality``.

Beside it stands a TF-IDF model (words and characters, logistic regression) taught in the same run on the same training
part, where a set has one. ``./run bench quality --only languages`` runs this step alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.quality_card import shown, table
from numpy.typing import NDArray

from seawall.detectors.text.model.multilingual import MultilingualModel, language_detectors
from seawall.learn import leaks
from seawall.learn.corpus import RECIPE, TESTS
from seawall.learn.datasets import DATASETS, LabelledText
from seawall.learn.encoder.multilingual import LANGUAGE_CALIBRATION, LANGUAGE_TESTS
from seawall.learn.languages import TESTED, interval_of_auc, scores
from seawall.measure import wilson
from seawall.model import DetectorSpec
from seawall.policy.figures import AskedFigure, resolve

RATES = (0.01, 0.05)
ENGLISH = (("hate", "hatecheck", "test"), ("toxic", "hatexplain", "val"), ("sexism", "edos", "dev"))
FLOOR, AIM = 0.70, 0.80  # of hate in Multilingual HateCheck
Scores = NDArray[np.float64]


def measure(data: Path, model: MultilingualModel) -> dict[str, Any]:
    """One line for each harm, set and language; raises ``LeakError`` when a text tested here was trained on."""
    tests = [one for one in (*TESTS, *LANGUAGE_TESTS, *LANGUAGE_CALIBRATION) if one not in RECIPE]
    report = leaks.check(data, model.folder, tests)  # OpenAI's texts train it, and do not test it
    print(f"\nMultilingual model {model.version}: none of {report.test_texts:,} test and calibration texts is among "
          f"{report.training_texts:,} training texts")  # fmt: skip
    detectors = {each.spec.signals[0].name: each.spec for each in language_detectors(model)}
    lines = [line for head, name, split in TESTED for line in _set(data, model, detectors[head], name, split)]
    english = [_english(data, model, *tested) for tested in ENGLISH]
    return {"model_version": model.version, "languages": lines, "english": english}


def _set(data: Path, model: MultilingualModel, detector: DetectorSpec, name: str, split: str) -> list[dict[str, Any]]:
    head = detector.signals[0].name
    examples = [one for one in DATASETS[name].read(data, split) if head in one.labels and one.language != "en"]
    baseline = _tfidf(data, name, head, examples)
    found = []
    for language in sorted({one.language for one in examples}):
        rows = [row for row, one in enumerate(examples) if one.language == language]
        found.append(_line(model, detector, language, [examples[row] for row in rows], baseline[rows]))
        print(f"  {_row(found[-1])}")
    return found


def _line(
    model: MultilingualModel, detector: DetectorSpec, language: str, examples: Sequence[LabelledText], baseline: Scores
) -> dict[str, Any]:
    head = next(each for each in model.artefact.heads if each.name == detector.signals[0].name)
    truth = np.array([one.labels[head.name] >= 0.5 for one in examples])
    odds = scores(model.encoder, head.name, [one.text for one in examples])
    groups = [one.group for one in examples]
    line: dict[str, Any] = {
        "head": head.name,
        "language": language,
        "set": examples[0].dataset,
        "texts": len(examples),
        "positive": int(truth.sum()),
        "auc": _numbers(interval_of_auc(truth, odds, groups)),
        "tfidf_auc": None if np.isnan(baseline).any() else _numbers(interval_of_auc(truth, baseline, groups)),
        "answered": language in head.curves,
    }
    if language in head.curves:
        probability = head.curves[language].apply(odds)
        line["at"] = {str(rate): _at(detector, language, rate, truth, probability) for rate in RATES}
    return line


def _at(
    detector: DetectorSpec, language: str, rate: float, truth: NDArray[np.bool_], probability: Scores
) -> dict[str, Any]:
    """Recall and false-positive rate at the threshold of ``at_fpr(rate)`` for a language, as policies resolve it."""
    found = resolve(detector, detector.signals[0], AskedFigure("at_fpr", rate))
    values = {each.language: each.value for each in found}
    threshold = values.get(language, values[""])
    answers = probability >= threshold
    return {
        "threshold": round(threshold, 4),
        "recall": _numbers(wilson(int((answers & truth).sum()), int(truth.sum()))),
        "fpr": _numbers(wilson(int((answers & ~truth).sum()), int((~truth).sum()))),
    }


def _tfidf(data: Path, name: str, head: str, examples: Sequence[LabelledText]) -> Scores:
    """Log-odds of a TF-IDF model; NaN where the set has no training part, or is tested on no other."""
    if "train" not in DATASETS[name].splits:
        return np.full(len(examples), np.nan)
    taught = [one for one in DATASETS[name].read(data, "train") if head in one.labels]
    text, pipeline = (importlib.import_module(f"sklearn.{part}") for part in ("feature_extraction.text", "pipeline"))
    logistic = importlib.import_module("sklearn.linear_model").LogisticRegression
    features = pipeline.make_union(
        text.TfidfVectorizer(sublinear_tf=True, min_df=2),
        text.TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2),
    )
    model = pipeline.make_pipeline(features, logistic(C=4.0, max_iter=300, class_weight="balanced"))
    model.fit([one.text for one in taught], [one.labels[head] >= 0.5 for one in taught])
    return np.asarray(model.decision_function([one.text for one in examples]), dtype=np.float64)


def _english(data: Path, model: MultilingualModel, head: str, name: str, split: str) -> dict[str, Any]:
    """How this encoder ranks an English set, which the English model is asked about."""
    examples = [one for one in DATASETS[name].read(data, split) if head in one.labels]
    truth = np.array([one.labels[head] >= 0.5 for one in examples])
    odds = scores(model.encoder, head, [one.text for one in examples])
    auc = _numbers(interval_of_auc(truth, odds, [one.group for one in examples]))
    print(f"  {head:<11} en {name:<24} {len(examples):>6,} texts  AUC {shown(auc)}")
    return {"head": head, "set": name, "texts": len(examples), "auc": auc}


def _row(line: Mapping[str, Any]) -> str:
    beside = f", TF-IDF {shown(line['tfidf_auc'])}" if line["tfidf_auc"] else ""
    return (f"{line['head']:<11} {line['language']} {line['set']:<24} {line['texts']:>6,} texts  "
            f"AUC {shown(line['auc'])}{beside}")  # fmt: skip


def _numbers(found: Any) -> list[float]:
    return [round(value, 4) for value in (found.value, found.lower, found.upper)]


# -- tables of the card ------------------------------------------------------------------------------------------


def languages_table(figures: Mapping[str, Any]) -> str:
    """Each harm in each language: area under the curve, beside TF-IDF."""
    header = ("harm", "language", "set", "texts (harmful)", "AUC", "TF-IDF", "answered")
    rows = [
        (
            f"`{line['head']}`",
            line["language"],
            line["set"],
            f"{line['texts']:,} ({line['positive']:,})",
            shown(line["auc"]),
            shown(line["tfidf_auc"]),
            "yes" if line["answered"] else "no",
        )
        for line in figures["languages"]
    ]
    return table(header, rows)


def thresholds_table(figures: Mapping[str, Any]) -> str:
    """What the thresholds of two rates find, and what they find wrongly, on the sets that test."""
    header = (
        "harm",
        "language",
        "set",
        *(f"{what} at `at_fpr({rate})`" for rate in RATES for what in ("recall", "fpr")),
    )
    rows = []
    for line in figures["languages"]:
        if not line["answered"]:
            continue
        cells = [shown(line["at"][str(rate)][what]) for rate in RATES for what in ("recall", "fpr")]
        rows.append((f"`{line['head']}`", line["language"], line["set"], *cells))
    return table(header, rows)


def english_table(figures: Mapping[str, Any], english: Mapping[str, Sequence[float]]) -> str:
    """The same sets by both encoders. ``english``: by set, the figure of the English model as served."""
    rows = [
        (line["set"], f"`{line['head']}`", shown(line["auc"]), shown(english.get(line["set"])))
        for line in figures["english"]
    ]
    return table(("set", "harm", "multilingual encoder, AUC", "English model as served, AUC"), rows)


def tables(figures: Mapping[str, Any]) -> dict[str, str]:
    """What the card of the multilingual model has places for; ``figures``: of the whole benchmark."""
    own = figures["multilingual"]
    english = {
        name: figures[place]["auc_each"]["served"] if name != "hatexplain" else figures[place]["toxic_auc"]
        for name, place in (("hatecheck", "hatecheck"), ("hatexplain", "hatexplain_val"), ("edos", "edos_dev"))
        if place in figures
    }
    return {
        "languages": languages_table(own),
        "thresholds": thresholds_table(own),
        "english": english_table(own, english),
        "version": f"Version `{own['model_version']}`.\n",
    }


def floors(figures: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Whether the floors of hate in Multilingual HateCheck hold."""
    return {
        f"multilingual_hatecheck_{line['language']}": {
            "floor": FLOOR,
            "aim": AIM,
            "reached": line["auc"][0],
            "holds": line["auc"][0] >= FLOOR,
            "aim_reached": line["auc"][0] >= AIM,
        }
        for line in figures["languages"]
        if line["set"] == "multilingual_hatecheck"
    }
