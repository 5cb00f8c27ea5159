"""What the shipped text model is worth: `./run bench quality`.

Every set is looked for under ``SEAWALL_DATA``; one that is missing is skipped, and said so. Before anything is
measured, the program proves that no test text nor a near-duplicate of one was trained on by a head it tests. Prints
tables for people, then one line of JSON. ``--card FILE`` writes the figures into the model card as well,
``--languages-card FILE`` those of the multilingual model into its own.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import quality_languages
from benchmarks.quality_card import fill, write_card
from benchmarks.quality_folds import UNSEEN, grouped_folds
from numpy.typing import NDArray

from seawall.detectors.text.model import TextModel, shipped
from seawall.detectors.text.model.artefact import ENCODER
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.linear import Linear
from seawall.detectors.text.model.multilingual import MultilingualModel
from seawall.learn import leaks
from seawall.learn.corpus import TESTS
from seawall.learn.datasets import DATASETS, LabelledText
from seawall.learn.dedupe import clusters
from seawall.learn.join import model_scores
from seawall.measure import (
    Interval,
    accuracy,
    accuracy_per_function,
    average_precision,
    bootstrap,
    identity_rows,
    macro_f1,
    roc_auc,
)

SEED = 7
ROUNDS = 300
MOST_ROWS = 6000
DRAWS = 3  # of folds
GOALS = {  # what is required, and what is aimed at
    "hatecheck_auc": (0.78, 0.82),
    "hatexplain_val_toxic_auc": (0.86, 0.88),
    "edos_dev_macro_f1": (0.79, 0.82),
    "openai_grouped_folds_any_ap": (0.82, 0.86),
    "bias_madlibs_lowest_bpsn": (0.65, 0.80),
}
Scores = NDArray[np.float64]
WAYS = ("served", "ngram", "encoder")  # both together as the detector answers; each alone


def interval(measured: Interval) -> list[float]:
    return [round(measured.value, 4), round(measured.lower, 4), round(measured.upper, 4)]


def shown(numbers: Sequence[float]) -> str:
    return f"{numbers[0]:.3f}  [{numbers[1]:.3f}, {numbers[2]:.3f}]"


def resampled(measure: Callable[..., float], truth: NDArray[Any], scores: Scores, groups: Any = None) -> list[float]:
    """A measure with its bootstrap interval: by row, or by group where rows of a group resemble each other."""
    return interval(
        bootstrap(lambda rows: measure(truth[rows], scores[rows]), len(truth), seed=SEED, groups=groups, rounds=ROUNDS)
    )


class Bench:
    """The model, the data, and the figures so far."""

    def __init__(self, model: TextModel, data: Path | None) -> None:
        self.model = model
        self.data = data
        self.heads = [head.name for head in model.artefact.heads]
        self.linear = Linear(model.artefact)
        self.opinions: dict[str, tuple[Scores, Scores]] = {}  # of each set: texts × heads, n-gram alone and both
        self.truths: dict[str, tuple[str, NDArray[np.bool_]]] = {}  # of each set: the head that it tests, and the truth
        digest = model.artefact.encoder
        self.encoder = OnnxEncoder(model.folder / ENCODER, digest) if digest else None
        self.figures: dict[str, Any] = {"model_version": model.spec.version, "skipped": []}

    def examples(self, name: str, split: str) -> list[LabelledText] | None:
        """The examples of a set, or None (noted) when it is not there."""
        if self.data is None or not DATASETS[name].present(self.data):
            print(f"\n{name}: not found, skipped" + ("" if self.data else " (SEAWALL_DATA is not set)"))
            self.figures["skipped"].append(name)
            return None
        return DATASETS[name].read(self.data, split)

    def scores(self, examples: Sequence[LabelledText]) -> dict[str, Scores]:
        """The probabilities of each head, as served."""
        table = self.model.probabilities([example.text for example in examples])
        return {name: table[:, column] for column, name in enumerate(self.heads)}

    def each(self, name: str, examples: Sequence[LabelledText]) -> dict[str, dict[str, Scores]]:
        """Of each head the probabilities as served, and what each model says alone (the encoder: log-odds)."""
        if self.encoder is None:
            return {head: {"served": values, "ngram": values} for head, values in self.scores(examples).items()}
        scores, odds = model_scores(self.linear, self.encoder, [example.text for example in examples])
        heads = self.model.artefact.heads
        alone = np.stack([head.calibration.apply(scores[:, n]) for n, head in enumerate(heads)], axis=1)
        order = [self.encoder.heads.index(head.name) for head in heads]
        both = np.stack(
            [h.joined.apply(alone[:, n], odds[:, order[n]]) for n, h in enumerate(heads) if h.joined], axis=1
        )
        served = self.in_band(alone, both, [head.joined.floor for head in heads if head.joined])[0]
        self.opinions[name] = (alone, both)
        return {
            head.name: {"served": served[:, n], "ngram": alone[:, n], "encoder": odds[:, order[n]]}
            for n, head in enumerate(heads)
        }

    @staticmethod
    def in_band(alone: Scores, both: Scores, floors: Sequence[float]) -> tuple[Scores, float]:
        """The probabilities when the encoder is asked from these floors on, and the share of texts that it is asked."""
        asked = (alone >= np.array(floors)).any(axis=1)
        return np.where(asked[:, None], both, alone), float(asked.mean())

    def threshold(self, head: str, fpr: float) -> float:
        """The lowest threshold in the head's operating points that keeps the upper bound of its rate."""
        points = next(h.operating_points for h in self.model.artefact.heads if h.name == head)
        return min(point.threshold for point in points if point.fpr_upper <= fpr)


def leak_check(bench: Bench) -> None:
    if bench.data is None:
        return
    started = time.perf_counter()
    report = leaks.check(bench.data, bench.model.folder, TESTS)
    print(
        f"no leak: none of {report.test_texts:,} test texts, nor a near-duplicate (cosine >= 0.85), is among "
        f"{report.training_texts:,} training texts of the heads it tests ({time.perf_counter() - started:.0f} s)"
    )
    if report.skipped:
        print(f"  not compared, because not there: {', '.join(report.skipped)}")
    bench.figures["leak_check"] = {
        "training_texts": report.training_texts,
        "test_texts": report.test_texts,
        "not_compared": list(report.skipped),
    }


def hatecheck(bench: Bench) -> None:
    examples = bench.examples("hatecheck", "test")
    if examples is None:
        return
    truth = np.array([example.labels["hate"] for example in examples]) == 1
    found = bench.each("hatecheck", examples)["hate"]
    bench.truths["hatecheck"] = ("hate", truth)
    scores = found["served"]
    templates = [example.group for example in examples]
    aucs = {way: resampled(roc_auc, truth, values, templates) for way, values in found.items()}
    print(f"\nHateCheck ({len(examples):,} cases; intervals by template)")
    show_each("AUC of hate", aucs)
    figures: dict[str, Any] = {"auc": aucs["served"], "auc_each": aucs, "at": {}}
    for name, threshold in (("0.5", 0.5), ("fpr 0.10", bench.threshold("hate", 0.10))):
        answers = scores >= threshold
        result = accuracy(truth, answers)
        hateful, harmless = float(answers[truth].mean()), float(1 - answers[~truth].mean())
        functions = accuracy_per_function([e.slice for e in examples], truth.tolist(), answers.tolist())
        macro = macro_f1(truth.tolist(), answers.tolist())
        print(
            f"  at {name:<9} (>= {threshold:.3f}) accuracy {result.accuracy.value:.3f} (hateful {hateful:.3f}, "
            f"not hateful {harmless:.3f}), macro-F1 {macro:.3f}, precision {result.precision.value:.3f}"
        )
        figures["at"][name] = {
            "threshold": round(threshold, 4),
            "accuracy": interval(result.accuracy),
            "hateful": round(hateful, 4),
            "not_hateful": round(harmless, 4),
            "macro_f1": round(macro, 4),
            "functions": {function: interval(share) for function, share in functions.items()},
        }
    figures["worst"] = {
        name: min((share[0], function) for function, share in at["functions"].items())
        for name, at in figures["at"].items()
    }
    for name, (share, function) in figures["worst"].items():
        print(f"  worst function at {name}: {function} {share:.3f}")
    middle, strict = (figures["at"][name]["functions"] for name in ("0.5", "fpr 0.10"))
    print(f"  {'accuracy per function':<24} {'at 0.5':<24} at fpr 0.10")
    for function in middle:
        print(f"    {function:<22} {shown(middle[function]):<24} {shown(strict[function])}")
    bench.figures["hatecheck"] = figures


def hatexplain(bench: Bench) -> None:
    examples = bench.examples("hatexplain", "val")
    if examples is None:
        return
    truth = np.array([example.labels["toxic"] for example in examples]) == 1
    heads = [head for head in ("toxic", "harassment", "hate") if head in bench.heads]
    found, figures = bench.each("hatexplain", examples), {}
    bench.truths["hatexplain"] = (heads[0], truth)
    print(f"\nHateXplain val ({len(examples):,} posts), toxic (hate or offensive) or not by official majority")
    for head in heads:
        figures[head] = {way: resampled(roc_auc, truth, s) for way, s in found[head].items()}
        show_each(f"AUC of {head}", figures[head])
    bench.figures["hatexplain_val"] = {"toxic_auc": figures[heads[0]]["served"], "each": figures}


def edos(bench: Bench) -> None:
    """The threshold is the best one on EDOS's part of the calibration split, not on these posts."""
    examples = bench.examples("edos", "dev")
    if examples is None:
        return
    truth = np.array([example.labels["sexism"] for example in examples]) == 1
    found = bench.each("edos", examples)["sexism"]
    bench.truths["edos"] = ("sexism", truth)
    own = bench.model.artefact.card["calibration_metrics"]["sexism"]["auc_per_dataset"].get("edos", {})
    threshold = own.get("best_threshold", 0.5)
    figures: dict[str, Any] = {
        "auc_each": {way: resampled(roc_auc, truth, scores) for way, scores in found.items()},
        "average_precision": resampled(average_precision, truth, found["served"]),
        "threshold": threshold,
    }
    for name, at in (("macro_f1", threshold), ("macro_f1_at_0.5", 0.5)):
        figures[name] = resampled(lambda t, s, at=at: macro_f1(t.tolist(), (s >= at).tolist()), truth, found["served"])
    print(f"\nEDOS dev ({len(examples):,} posts), sexist or not")
    show_each("AUC of sexism", figures["auc_each"])
    print(f"  macro-F1 at {threshold:.3f} (chosen on the calibration split) {shown(figures['macro_f1'])}")
    for name in ("macro_f1_at_0.5", "average_precision"):
        print(f"  {name:<22} {shown(figures[name])}")
    bench.figures["edos_dev"] = figures


def openai(bench: Bench) -> None:
    examples = bench.examples("openai_moderation", "train")
    if examples is None:
        return
    truth = np.array([example.labels["any"] for example in examples]) == 1
    scores = bench.scores(examples)
    groups = clusters([example.text for example in examples])
    unseen = np.stack([scores[head] for head in UNSEEN if head in scores])
    known = np.array(["H" in example.labels for example in examples])
    is_hate = np.array([example.labels.get("H", 0.0) for example in examples]) == 1
    figures = {
        "as_shipped_any_ap_noisy_or": resampled(average_precision, truth, 1 - np.prod(1 - unseen, axis=0), groups),
        "as_shipped_any_ap_max": resampled(average_precision, truth, unseen.max(axis=0), groups),
        "as_shipped_hate_ap": resampled(average_precision, is_hate[known], scores["hate"][known], groups[known]),
    }
    print(f"\nOpenAI moderation samples, development half ({len(examples)}; intervals by cluster of near-duplicates)")
    print(f"  as shipped: heads that never saw these texts ({', '.join(UNSEEN)}); base rate {truth.mean():.3f}")
    for name, numbers in figures.items():
        print(f"    {name:<34} {shown(numbers)}")
    print(f"  taught by folds grouped by near-duplicate cluster, any violation, AP, mean of {DRAWS} draws of folds")
    figures["grouped_folds"] = {}
    for way, draws in grouped_folds(bench.model, examples, groups, DRAWS).items():
        figures["grouped_folds"][way] = resampled(_mean_ap, truth, np.stack(draws, axis=1), groups)
        print(f"    {way:<34} {shown(figures['grouped_folds'][way])}")
    figures["grouped_folds_any_ap"] = figures["grouped_folds"].get("average", figures["grouped_folds"]["ngram"])
    bench.figures["openai_dev"] = figures


def _mean_ap(truth: NDArray[np.bool_], scores: Scores) -> float:
    return float(np.mean([average_precision(truth, column) for column in scores.T]))


IDENTITIES = """
    lesbian gay bisexual transgender trans queer lgbt lgbtq homosexual straight heterosexual male female nonbinary
    african american mexican canadian japanese chinese indian latino latina latinx hispanic asian european black white
    muslim jewish christian catholic protestant sikh buddhist taoist old older young younger teenage millennial elderly
    blind deaf paralyzed
"""


def madlibs(bench: Bench) -> None:
    examples = bench.examples("bias_madlibs", "test")
    if examples is None:
        return
    truth = np.array([example.labels["harassment"] for example in examples]) == 1
    words = [frozenset(example.text.lower().split()) for example in examples]
    scores = bench.scores(examples)["harassment"]
    overall = resampled(roc_auc, truth, scores)
    print(f"\nIdentity templates ({len(examples):,} sentences), head harassment")
    print(f"  overall AUC            {shown(overall)}")
    print(f"  {'identity':<14} {'n':>6}  {'subgroup':<24} {'BPSN':<24} BNSP")
    table: dict[str, Any] = {}
    generator = np.random.default_rng(SEED)
    for identity in IDENTITIES.split():
        names = np.array([identity in found for found in words])
        if not names.any():
            continue
        figures: dict[str, list[float]] = {}
        for kind, rows in identity_rows(truth, names).items():
            chosen = np.flatnonzero(rows)
            if len(chosen) > MOST_ROWS:  # the identity's own rows and a sample of the others: bounds the resampling
                own = chosen[names[chosen]]
                others = generator.choice(chosen[~names[chosen]], MOST_ROWS - len(own), replace=False)
                chosen = np.concatenate((own, others))
            figures[kind] = resampled(roc_auc, truth[chosen], scores[chosen])
        table[identity] = {"texts": int(names.sum()), **figures}
        print(
            f"  {identity:<14} {int(names.sum()):>6}  {shown(figures['subgroup']):<24} {shown(figures['bpsn']):<24} "
            f"{shown(figures['bnsp'])}"
        )
    worst = min(table.values(), key=lambda row: row["bpsn"][0])["bpsn"]
    print(f"  lowest BPSN {shown(worst)}")
    bench.figures["bias_madlibs"] = {"overall_auc": overall, "lowest_bpsn": worst, "identities": table}


def davidson(bench: Bench) -> None:
    """Tweets of another collection, which nothing was trained on: transfer."""
    examples = bench.examples("davidson", "train")
    if examples is None:
        return
    examples = examples[::4]
    truth = np.array([example.slice for example in examples])
    hate = bench.each("davidson", examples)["hate"]
    bench.truths["davidson"] = ("hate", truth == "0")
    figures = {way: resampled(roc_auc, truth == "0", scores) for way, scores in hate.items()}
    print(f"\nDavidson (every fourth tweet: {len(examples):,}), hate by majority or not")
    show_each("AUC of hate", figures)
    bench.figures["davidson"] = {"hate_auc_each": figures}


BANDS = {  # n-gram probability of some head from which the encoder would be asked
    "asked always": {},
    "low": {"hate": 0.2, "harassment": 0.4, "sexism": 0.1, "spam": 0.05, "sexual": 0.05, "toxic": 0.5},
    "high": {"hate": 0.3, "harassment": 0.6, "sexism": 0.2, "spam": 0.1, "sexual": 0.1, "toxic": 0.7},
}


def bands(bench: Bench) -> None:
    """What it would save, and lose, to ask the encoder only where the n-gram model finds some harm not unlikely."""
    if bench.encoder is None or not bench.opinions:
        return
    figures: dict[str, Any] = {}
    print("\nif the encoder were asked from some n-gram probability on (recall at the thresholds of fpr 0.05 and 0.10)")
    for band, floors in BANDS.items():
        figures[band] = {"floors": floors, "sets": {}}
        for name, (head, truth) in bench.truths.items():
            column = bench.heads.index(head)
            chosen = [floors.get(one, 0.0) for one in bench.heads]
            served, share = bench.in_band(*bench.opinions[name], chosen)
            found = served[truth, column]
            recall = [float((found >= bench.threshold(head, rate)).mean()) for rate in (0.05, 0.10)]
            auc = roc_auc(truth, served[:, column])
            quiet = bench.in_band(bench.opinions[name][0][~truth], bench.opinions[name][1][~truth], chosen)[1]
            figures[band]["sets"][name] = {
                "asked": round(share, 4),
                "asked_of_harmless": round(quiet, 4),
                "auc": round(auc, 4),
                "recall": [round(value, 4) for value in recall],
            }
            print(
                f"  {band:<13} {name:<11} asked {share:.2f} (of the harmless {quiet:.2f}), AUC {auc:.4f}, "
                f"recall {recall[0]:.3f}, {recall[1]:.3f}"
            )
    bench.figures["bands"] = figures


def languages(bench: Bench) -> None:
    """The multilingual model in each of its languages."""
    if bench.data is None:
        return
    try:
        bench.figures["multilingual"] = quality_languages.measure(bench.data, MultilingualModel())
    except FileNotFoundError as error:
        print(f"\nlanguages: skipped, {error}")
        bench.figures["skipped"].append("languages")


def show_each(name: str, figures: dict[str, list[float]]) -> None:
    """One measure of the whole and of each model alone."""
    for way in WAYS:
        if way in figures:
            print(f"  {name + ', ' + way:<26} {shown(figures[way])}")


def goals(bench: Bench) -> None:
    """Say whether the floors hold and which aims are reached."""
    reached = {}
    for name, where in (
        ("hatecheck_auc", ("hatecheck", "auc")),
        ("hatexplain_val_toxic_auc", ("hatexplain_val", "toxic_auc")),
        ("edos_dev_macro_f1", ("edos_dev", "macro_f1")),
        ("openai_grouped_folds_any_ap", ("openai_dev", "grouped_folds_any_ap")),
        ("bias_madlibs_lowest_bpsn", ("bias_madlibs", "lowest_bpsn")),
    ):
        if where[0] in bench.figures:
            reached[name] = bench.figures[where[0]][where[1]][0]
    bench.figures["floors"] = quality_languages.floors(bench.figures.get("multilingual", {"languages": ()})) | {
        name: {
            "floor": GOALS[name][0],
            "aim": GOALS[name][1],
            "reached": value,
            "holds": value >= GOALS[name][0],
            "aim_reached": value >= GOALS[name][1],
        }
        for name, value in reached.items()
    }
    print()
    for name, goal in bench.figures["floors"].items():
        held = "holds" if goal["holds"] else "MISSED"
        aimed = "reached" if goal["aim_reached"] else "missed"
        print(f"{name}: {goal['reached']:.3f}; floor {goal['floor']:.2f} {held}, aim {goal['aim']:.2f} {aimed}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 1 when a floor is missed. Raises ``LeakError`` when the model has seen a test text."""
    parser = argparse.ArgumentParser(prog="quality", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--text-model", type=Path, default=shipped(), help="folder of the model (default: shipped)")
    parser.add_argument("--card", type=Path, help="model card to write the figures into")
    parser.add_argument("--languages-card", type=Path, help="model card of the multilingual model, likewise")
    parser.add_argument("--only", choices=("languages",), help="measure the multilingual model alone")
    options = parser.parse_args(arguments)
    root = os.environ.get("SEAWALL_DATA")
    bench = Bench(TextModel(options.text_model), Path(root) if root else None)
    print(f"text model {bench.model.spec.version}: {', '.join(bench.heads)}")
    english = (leak_check, hatecheck, hatexplain, edos, openai, davidson, bands, madlibs)
    for step in (*(() if options.only else english), languages, goals):
        step(bench)
    print(json.dumps(bench.figures))
    if options.card:
        write_card(options.card, bench.figures, bench.model.artefact.card)
    if options.languages_card and "multilingual" in bench.figures:
        fill(options.languages_card, quality_languages.tables(bench.figures))
    return 0 if all(floor["holds"] for floor in bench.figures["floors"].values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
