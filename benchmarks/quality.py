"""What the shipped text model is worth: `./run bench quality`.

Every set is looked for under ``SEAWALL_DATA``; one that is missing is skipped, and said so. Before anything is
measured, the program proves that no test text nor a near-duplicate of one was trained on by a head it tests. Prints
tables for people, then one line of JSON.
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
from numpy.typing import NDArray

from seawall.detect.text.model import TextModel, read, shipped
from seawall.learn import leaks
from seawall.learn.augment import sentences
from seawall.learn.corpus import TESTS
from seawall.learn.datasets import DATASETS, OPENAI_HARMS, Example
from seawall.learn.dedupe import clusters
from seawall.learn.train import document_frequencies, sparse_matrix, text_counts
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
from seawall.model import Modality, Part

SEED = 7
ROUNDS = 300
MOST_ROWS = 6000
FLOORS = {"hatecheck_auc": 0.70, "openai_grouped_folds_any_ap": 0.76}
Scores = NDArray[np.float64]
UNSEEN = ("hate", "harassment", "sexism")  # heads that never saw the OpenAI samples, and speak of its harms


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
        self.figures: dict[str, Any] = {"model_version": model.spec.version, "skipped": []}

    def examples(self, name: str, split: str) -> list[Example] | None:
        """The examples of a set, or None (noted) when it is not there."""
        if self.data is None or not DATASETS[name].present(self.data):
            print(f"\n{name}: not found, skipped" + ("" if self.data else " (SEAWALL_DATA is not set)"))
            self.figures["skipped"].append(name)
            return None
        return DATASETS[name].read(self.data, split)

    def scores(self, examples: Sequence[Example]) -> dict[str, Scores]:
        """The probabilities of each head."""
        table = self.model.probabilities([example.text for example in examples])
        return {name: table[:, column] for column, name in enumerate(self.heads)}

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
    scores = bench.scores(examples)["hate"]
    templates = [example.group for example in examples]
    auc = resampled(roc_auc, truth, scores, templates)
    print(f"\nHateCheck ({len(examples):,} cases; intervals by template)\n  AUC of hate            {shown(auc)}")
    figures: dict[str, Any] = {"auc": auc, "at": {}}
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
    middle, strict = (figures["at"][name]["functions"] for name in ("0.5", "fpr 0.10"))
    print(f"  {'accuracy per function':<24} {'at 0.5':<24} at fpr 0.10")
    for function in middle:
        print(f"    {function:<22} {shown(middle[function]):<24} {shown(strict[function])}")
    bench.figures["hatecheck"] = figures


def hatexplain(bench: Bench) -> None:
    examples = bench.examples("hatexplain", "val")
    if examples is None:
        return
    truth = np.array([example.labels["harassment"] for example in examples]) == 1
    scores = bench.scores(examples)
    auc = resampled(roc_auc, truth, scores["harassment"])
    hate = resampled(roc_auc, truth, scores["hate"])
    print(f"\nHateXplain val ({len(examples):,} posts), toxic or not by official majority")
    print(f"  AUC of harassment      {shown(auc)}\n  AUC of hate            {shown(hate)}")
    bench.figures["hatexplain_val"] = {"toxic_auc": auc, "toxic_auc_of_hate": hate}


def edos(bench: Bench) -> None:
    examples = bench.examples("edos", "dev")
    if examples is None:
        return
    truth = np.array([example.labels["sexism"] for example in examples]) == 1
    scores = bench.scores(examples)["sexism"]
    figures = {
        "auc": resampled(roc_auc, truth, scores),
        "average_precision": resampled(average_precision, truth, scores),
        "macro_f1_at_0.5": resampled(lambda t, s: macro_f1(t.tolist(), (s >= 0.5).tolist()), truth, scores),
    }
    print(f"\nEDOS dev ({len(examples):,} posts), sexist or not")
    for name, numbers in figures.items():
        print(f"  {name:<22} {shown(numbers)}")
    bench.figures["edos_dev"] = figures


def openai(bench: Bench) -> None:
    examples = bench.examples("openai_moderation", "train")
    if examples is None:
        return
    truth = np.array([example.labels["any"] for example in examples]) == 1
    scores = bench.scores(examples)
    groups = clusters([example.text for example in examples])
    unseen = np.stack([scores[head] for head in UNSEEN])
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
    folds = [grouped_folds(bench, examples, truth, groups, seed) for seed in range(3)]
    average = resampled(lambda t, s: float(np.mean([average_precision(t, s[:, k]) for k in range(3)])), truth,
                        np.stack(folds, axis=1), groups)  # fmt: skip
    figures["grouped_folds_any_ap"] = average
    print("  the recipe trained on these texts, 5 folds grouped by near-duplicate cluster, mean of 3 draws of folds")
    print(f"    {'any violation, AP':<34} {shown(average)}")
    bench.figures["openai_dev"] = figures


def grouped_folds(
    bench: Bench, examples: Sequence[Example], truth: NDArray[np.bool_], groups: NDArray[np.int64], seed: int
) -> Scores:
    """Out-of-fold probability of any violation: the shipped features and recipe, trained on the other folds.

    Two opinions are averaged: one classifier of "any", and one per harm joined by noisy-or. Both read hashed words
    and characters, and beside them the shipped heads' log-odds, except ``sexual``, which has seen these texts.
    """
    from sklearn.linear_model import LogisticRegression

    def trained(matrix: Any, labels: Any) -> Any:
        return LogisticRegression(
            C=8, class_weight="balanced", solver="liblinear", dual=True, max_iter=1000, random_state=SEED
        ).fit(matrix, labels)

    from scipy import sparse

    counts = text_counts([read(example.text).tokens.words for example in examples])
    shipped_scores = bench.scores(examples)
    probability = np.stack([shipped_scores[head] for head in (*UNSEEN, "spam")], axis=1).clip(1e-4, 1 - 1e-4)
    odds = np.log(probability / (1 - probability))
    fold = np.random.default_rng(seed).integers(0, 5, groups.max() + 1)[groups]
    out = np.zeros(len(examples))
    for number in range(5):
        train, test = fold != number, fold == number
        words = sparse_matrix(counts, document_frequencies(counts, train).astype(np.float32))
        scaled = 0.3 * (odds - odds[train].mean(axis=0)) / odds[train].std(axis=0)
        matrix = sparse.hstack([words, sparse.csr_matrix(scaled)]).tocsr()
        either = trained(matrix[train], truth[train]).predict_proba(matrix[test])[:, 1]
        none = np.ones(int(test.sum()))
        for harm in OPENAI_HARMS:
            label = np.array([example.labels.get(harm, np.nan) for example in examples])
            rows = train & ~np.isnan(label)
            none *= 1 - trained(matrix[rows], label[rows]).predict_proba(matrix[test])[:, 1]
        out[test] = (either + 1 - none) / 2
    return out


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


def speed(bench: Bench) -> None:
    """CPU time of the detector, evidence included, on short sentences of our own."""
    texts = [example.text for example in sentences(1, rounds=150)][:3000]
    parts = [Part(path="body", modality=Modality.TEXT, field="body", text=text) for text in texts]
    bench.model.detect(parts[:10])
    started = time.process_time()
    bench.model.detect(parts)
    batch = len(parts) / (time.process_time() - started)
    single = []
    for part in parts[:500]:
        started = time.process_time()
        bench.model.detect([part])
        single.append((time.process_time() - started) * 1000)
    p50, p95 = (float(value) for value in np.quantile(single, (0.5, 0.95)))
    print(f"\nspeed, one core: {batch:,.0f} short texts a second in batch; alone {p50:.2f} ms (p95 {p95:.2f})")
    bench.figures["speed"] = {
        "batch_per_cpu_s": round(batch),
        "single_ms_p50": round(p50, 3),
        "single_ms_p95": round(p95, 3),
    }


def floors(bench: Bench) -> None:
    """Say whether the promised floors hold."""
    reached = {}
    if "hatecheck" in bench.figures:
        reached["hatecheck_auc"] = bench.figures["hatecheck"]["auc"][0]
    if "openai_dev" in bench.figures:
        reached["openai_grouped_folds_any_ap"] = bench.figures["openai_dev"]["grouped_folds_any_ap"][0]
    bench.figures["floors"] = {
        name: {"floor": FLOORS[name], "reached": value, "holds": value >= FLOORS[name]}
        for name, value in reached.items()
    }
    print()
    for name, floor in bench.figures["floors"].items():
        held = "holds" if floor["holds"] else "MISSED"
        print(f"floor {name}: {floor['reached']:.3f}, at least {floor['floor']:.2f}: {held}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 1 when a floor is missed. Raises ``LeakError`` when the model has seen a test text."""
    parser = argparse.ArgumentParser(prog="quality", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--text-model", type=Path, default=shipped(), help="folder of the model (default: shipped)")
    options = parser.parse_args(arguments)
    root = os.environ.get("SEAWALL_DATA")
    bench = Bench(TextModel(options.text_model), Path(root) if root else None)
    print(f"text model {bench.model.spec.version}: {', '.join(bench.heads)}")
    for step in (leak_check, hatecheck, hatexplain, edos, openai, madlibs, speed, floors):
        step(bench)
    print(json.dumps(bench.figures))
    return 0 if all(floor["holds"] for floor in bench.figures["floors"].values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
