"""The figures of the quality benchmark as the tables of the model card.

A card is a page of prose with places for tables: between ``<!-- NAME: by ./run bench quality -->`` and ``<!-- end -->``
stands what this module writes, so that no figure in the card is copied by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Figures = Mapping[str, Any]

_PLACE = re.compile(r"(<!-- ([a-z-]+): by \./run bench quality -->\n).*?(<!-- end -->)", re.DOTALL)
_WAYS = {"served": "both, as served", "ngram": "n-gram alone", "encoder": "encoder alone"}
_GOALS = {
    "hatecheck_auc": "HateCheck, AUC of `hate`",
    "hatexplain_val_toxic_auc": "HateXplain val, toxic, AUROC of `toxic`",
    "edos_dev_macro_f1": "EDOS dev, macro-F1 of `sexism`",
    "openai_grouped_folds_any_ap": "OpenAI dev, any violation, AUPRC by grouped folds",
    "bias_madlibs_lowest_bpsn": "Identity templates, lowest BPSN of `harassment`",
}


def write_card(path: Path, figures: Figures, card: Figures) -> None:
    """Fill every place of the card. Raises ``KeyError`` for a place that no table is made for."""
    tables = {
        "version": _version(figures, card),
        "goals": _goals(figures),
        "each": _each(figures),
        "openai": _openai(figures),
        "data": _data(figures, card),
        "heads": _heads(card),
        "per-set": _per_set(card),
        "functions": _functions(figures),
        "identities": _identities(figures),
        "rounding": _rounding(card),
        "bands": _bands(figures),
    }
    fill(path, tables)


def fill(path: Path, tables: Mapping[str, str]) -> None:
    """Write the tables into their places on a page. Raises ``KeyError`` for a place that no table is made for."""
    text = path.read_text(encoding="utf-8")
    path.write_text(_PLACE.sub(lambda m: f"{m[1]}\n{tables[m[2]]}\n{m[3]}", text), encoding="utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def shown(numbers: Sequence[float] | None) -> str:
    """A figure with its interval."""
    return "–" if numbers is None else f"{numbers[0]:.3f} [{numbers[1]:.3f}, {numbers[2]:.3f}]"


def _version(figures: Figures, card: Figures) -> str:
    made = card.get("encoder_made") or {}
    size = f"; encoder {made['bytes'] / 1e6:.1f} MB" if made else ""
    return f"Version `{figures['model_version']}`, heads {', '.join(f'`{head}`' for head in card['heads'])}{size}.\n"


def _goals(figures: Figures) -> str:
    where = {
        "hatecheck_auc": ("hatecheck", "auc"),
        "hatexplain_val_toxic_auc": ("hatexplain_val", "toxic_auc"),
        "edos_dev_macro_f1": ("edos_dev", "macro_f1"),
        "openai_grouped_folds_any_ap": ("openai_dev", "grouped_folds_any_ap"),
        "bias_madlibs_lowest_bpsn": ("bias_madlibs", "lowest_bpsn"),
    }
    rows = []
    for name, goal in figures["floors"].items():
        first, second = where[name]
        reached = ("holds" if goal["holds"] else "**missed**", "reached" if goal["aim_reached"] else "missed")
        rows.append(
            (_GOALS[name], shown(figures[first][second]), f"{goal['floor']:.2f} {reached[0]}",
             f"{goal['aim']:.2f} {reached[1]}")
        )  # fmt: skip
    worst = figures["hatecheck"]["worst"]
    for at, (share, function) in worst.items():
        aim = "0.50 reached" if share >= 0.5 else "0.50 missed"
        rows.append((f"HateCheck, worst function at {at}", f"{share:.3f} (`{function}`)", "reported", aim))
    hate = figures["openai_dev"]["as_shipped_hate_ap"]
    aim = "0.75 reached" if hate[0] >= 0.75 else "0.75 missed"
    rows.append(("OpenAI dev, hate by transfer, AUPRC", shown(hate), "reported", aim))
    rows.append(
        ("OpenAI dev, any violation as shipped, AUPRC", shown(figures["openai_dev"]["as_shipped_any_ap_max"]),
         "reported", "")
    )  # fmt: skip
    return table(("set and measure", "reached", "floor", "aim"), rows)


def _each(figures: Figures) -> str:
    lines = [
        ("HateCheck, AUC of `hate`", figures["hatecheck"]["auc_each"]),
        *((f"HateXplain val, AUC of `{h}`", each) for h, each in figures["hatexplain_val"]["each"].items()),
        ("EDOS dev, AUC of `sexism`", figures["edos_dev"]["auc_each"]),
    ]
    if "davidson" in figures:
        lines.append(("Davidson (a quarter), AUC of `hate`", figures["davidson"]["hate_auc_each"]))
    rows = [(name, *(shown(each.get(way)) for way in _WAYS)) for name, each in lines]
    return table(("set and measure", *_WAYS.values()), rows)


def _bands(figures: Figures) -> str:
    rows = [
        (name, set_, f"{found['asked']:.2f} ({found['asked_of_harmless']:.2f})", f"{found['auc']:.3f}",
         *(f"{recall:.3f}" for recall in found["recall"]))
        for name, band in figures.get("bands", {}).items()
        for set_, found in band["sets"].items()
    ]  # fmt: skip
    header = ("band", "set", "asked (of the harmless)", "AUC", "recall at fpr 0.05", "at fpr 0.10")
    floors = "; ".join(
        f"{name}: " + ", ".join(f"`{head}` {floor}" for head, floor in band["floors"].items())
        for name, band in figures.get("bands", {}).items()
        if band["floors"]
    )
    return table(header, rows) + f"\nFloors, {floors}.\n"


def _openai(figures: Figures) -> str:
    names = {
        "as_shipped_any_ap_noisy_or": "as shipped, any violation: heads joined by noisy-or",
        "as_shipped_any_ap_max": "as shipped, any violation: largest head",
        "as_shipped_hate_ap": "as shipped, hate: head `hate`, which never saw these texts",
    }
    found = figures["openai_dev"]
    rows = [(name, shown(found[key])) for key, name in names.items()]
    ways = {"ngram": "n-gram features", "encoder": "embeddings", "average": "their average"}
    rows += [(f"by grouped folds, any violation: {ways[way]}", shown(f)) for way, f in found["grouped_folds"].items()]
    return table(("way", "AUPRC"), rows)


def _data(figures: Figures, card: Figures) -> str:
    rows = [(d["title"], d["split"] or "–", d["licence"], *(f"{d[k]:,}" for k in _COUNTS)) for d in card["data"]]
    check = figures.get("leak_check")
    proof = ""
    if check:
        proof = (
            f"\n`./run bench quality` proves it on the digests of what was trained on: {check['training_texts']:,} "
            f"training texts against {check['test_texts']:,} test texts, none in common, nor nearly.\n"
        )
    return table(("set", "split", "licence", "read", "test text", "repeated", "used"), rows) + proof


_COUNTS = ("texts_read", "removed_as_test_text", "removed_as_repeated", "texts_used")


def _heads(card: Figures) -> str:
    rows = []
    for name, found in card["calibration_metrics"].items():
        points = card["operating_points"][name]
        at = [next((p for p in points if p["fpr_upper"] <= rate), None) for rate in (0.01, 0.05)]
        recalls = [f"{p['recall']:.2f} (>= {p['threshold']:.2f})" if p else "refused" for p in at]
        texts = f"{found['calibration_texts']:,} ({found['calibration_positive']:,})"
        rows.append(
            (f"`{name}`", f"{found['training_texts']:,}", texts, shown(found["auc"]), f"{found['ece']:.3f}", *recalls)
        )
    header = ("head", "trained on", "calibrated on (harmful)", "AUC", "ECE", "recall at fpr 0.01", "recall at fpr 0.05")
    return table(header, rows)


def _per_set(card: Figures) -> str:
    rows = [
        (f"`{head}`", name, f"{part['texts']:,} ({part['positive']:,})", f"{part['auc']:.3f}")
        for head, found in card["calibration_metrics"].items()
        for name, part in found["auc_per_dataset"].items()
    ]
    return table(("head", "data set", "texts (harmful)", "AUC"), rows)


def _functions(figures: Figures) -> str:
    at = figures["hatecheck"]["at"]
    names = sorted(at["0.5"]["functions"], key=lambda name: at["0.5"]["functions"][name][0])
    rows = [(name, *(shown(found["functions"][name]) for found in at.values())) for name in names]
    summary = "".join(
        f"At {name} (threshold {found['threshold']:.3f}): accuracy {shown(found['accuracy'])}, hateful "
        f"{found['hateful']:.3f}, not hateful {found['not_hateful']:.3f}, macro-F1 {found['macro_f1']:.3f}.\n\n"
        for name, found in at.items()
    )
    return summary + table(("function, worst first", *(f"accuracy at {name}" for name in at)), rows)


def _identities(figures: Figures) -> str:
    found = figures["bias_madlibs"]
    order = sorted(found["identities"].items(), key=lambda item: item[1]["bpsn"][0])
    rows = [
        (name, f"{row['texts']:,}", shown(row["subgroup"]), shown(row["bpsn"]), shown(row["bnsp"]))
        for name, row in order
    ]
    return f"Overall AUC {shown(found['overall_auc'])}.\n\n" + table(
        ("identity, lowest BPSN first", "sentences", "subgroup AUC", "BPSN", "BNSP"), rows
    )


def _rounding(card: Figures) -> str:
    made = card.get("encoder_made")
    if not made or "rounding" not in made:
        return "No encoder.\n"
    found = made["rounding"]
    gap, far = found["probability_mean_gap"], found["probability_p99_gap"]
    near, least = found["embedding_cosine_mean"], found["embedding_cosine_p01"]
    return (
        f"On {found['texts']} calibration texts the 8-bit encoder's probabilities are {gap:.4f} from those of its "
        f"32-bit weights in the mean, {far:.3f} at the 99th percentile; its embeddings' cosine is {near:.3f} in the "
        f"mean, {least:.3f} at the 1st percentile.\n"
    )
