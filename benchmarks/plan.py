"""What leaving the encoder unasked saves and loses at the thresholds in force: `./run bench plan`.

The encoder is the dearest part of a text's screening. It is asked where it could still lift a text to a threshold that
a rule of the shipped policies compares with (``seawall.detectors.text.model.tiers``). Printed are, for everyday texts,
the share that reaches it; for harmful ones, how many of those that reach a threshold with it are lost without it; and
the CPU time of the classifier for one text, as planned and always asked, in turns.

Everyday texts are the harmless messages of SMS Spam (of which a part chose the floors: the model's calibration split),
the demo's traffic, and the harmless half of ``--everyday``, a file of JSON lines with ``truth`` and ``fields``. Harmful
texts are of test sets. Sets are looked for under ``SEAWALL_DATA``. Prints a table, then one line of JSON; 1 when more
than ``MOST_ASKED`` of the everyday texts are asked about, or more than ``MOST_LOST`` of what is found is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.app import BANKS
from seawall.demo.posts import posts
from seawall.detect.extraction import as_detectors
from seawall.detectors import default_detectors, default_extractors
from seawall.detectors.banks import BankDetector
from seawall.detectors.text.model import TextModel
from seawall.learn.datasets import DATASETS
from seawall.model import Modality, Part, now_ms
from seawall.policy import build_bundle
from seawall.publish import read_sources

HARMFUL: Final = (("hatecheck", "test"), ("hatexplain", "val"), ("edos", "dev"))
MOST_ASKED, MOST_LOST = 0.35, 0.01
DEMO_TEXTS, TIMED, ROUNDS = 2_000, 200, 5


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--everyday", type=Path, default=os.environ.get("SEAWALL_EVERYDAY"))
    chosen = parser.parse_args()
    data = Path(os.environ["SEAWALL_DATA"])
    model, in_force = TextModel(), thresholds_in_force()
    heads = [head.name for head in model.artefact.heads]
    figures: dict[str, Any] = {"floors": {}, "asked": {}, "lost": {}}
    print("lowest thresholds in force, and n-gram probabilities from which the encoder is asked")
    for content_type, thresholds in in_force.items():
        floors = dict(zip(heads, model.floors(thresholds).round(3).tolist(), strict=True))
        figures["floors"][content_type] = {name: floors[name] for name in heads if name in thresholds}
        shown = [f"{name} {thresholds[name]:.2f} {floors[name]:.3f}" for name in heads if name in thresholds]
        print(f"  {content_type:<16}{'; '.join(shown)}")
    total = asked = 0
    for name, rows in everyday(data, chosen.everyday).items():
        reached = [are_asked(model, texts, in_force[content_type]) for content_type, texts in _by_type(rows).items()]
        count = int(sum(each.sum() for each in reached))
        figures["asked"][name] = round(count / len(rows), 4)
        total, asked = total + len(rows), asked + count
        print(f"asked of {name:<24}{count / len(rows):>8.3f} of {len(rows)}")
    figures["asked"]["all"] = round(asked / total, 4)
    found = lost = 0
    for name, split in HARMFUL:
        texts = [row.text for row in DATASETS[name].read(data, split)]
        thresholds = in_force["comment"]
        limits = np.array([thresholds.get(head, np.inf) for head in heads])
        reaches = (model.probabilities(texts) >= limits).any(axis=1)
        missed = int((reaches & ~are_asked(model, texts, thresholds)).sum())
        figures["lost"][name] = [missed, int(reaches.sum())]
        found, lost = found + int(reaches.sum()), lost + missed
        print(f"lost of what is found in {name:<12}{missed:>6} of {reaches.sum()}")
    figures["lost"]["all"] = round(lost / found, 4)
    ham = [text for _, text in everyday(data, None)["sms_spam"][:TIMED]]
    figures["milliseconds"] = timed(model, ham, in_force["comment"])
    print(f"asked of all {figures['asked']['all']:.3f}; lost of all {figures['lost']['all']:.4f}")
    print("milliseconds of CPU for one text:", figures["milliseconds"])
    print(json.dumps(figures))
    return int(figures["asked"]["all"] > MOST_ASKED or figures["lost"]["all"] > MOST_LOST)


def thresholds_in_force() -> dict[str, Mapping[str, float]]:
    """By content type and signal, the lowest threshold of a shipped rule."""
    sources = read_sources(None, None)
    specs = [detector.spec for detector in default_detectors(BankDetector(BANKS), None)]
    specs += as_detectors({each.spec.name: each.spec for each in default_extractors()})
    bundle = build_bundle(sources.policies, sources.content_types, specs, BANKS)
    return {name: bundle.program(name).thresholds for name in bundle.content_types}


def are_asked(model: TextModel, texts: Sequence[str], thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """About which texts the encoder is asked."""
    return np.asarray((model.first_tier(texts) >= model.floors(thresholds)).any(axis=1), dtype=bool)


def everyday(data: Path, file: Path | None) -> dict[str, list[tuple[str, str]]]:
    """Harmless texts with their content types, by where they come from."""
    ham = (row.text for row in DATASETS["sms_spam"].read(data, "train") if not any(row.labels.values()))
    found = {"sms_spam": [("comment", text) for text in ham]}
    stream = islice(posts(1, now_ms()), DEMO_TEXTS)
    found["demo"] = [(post.content_type, text) for post in stream for text in _texts(post.fields)]
    if file is not None:
        rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
        harmless = [row for row in rows if row["truth"] == "benign"]
        found["everyday"] = [(row["content_type"], text) for row in harmless for text in _texts(row["fields"])]
    return found


def _by_type(rows: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for content_type, text in rows:
        found.setdefault(content_type, []).append(text)
    return found


def _texts(fields: Mapping[str, Any]) -> list[str]:
    values = [each for value in fields.values() for each in (value if isinstance(value, list) else [value])]
    return [value for value in values if isinstance(value, str) and len(value.split()) > 1]


def timed(model: TextModel, texts: Sequence[str], thresholds: Mapping[str, float]) -> dict[str, float]:
    """Median CPU milliseconds of one text by itself: as planned, and with the encoder always asked."""
    parts = [Part(path="body", modality=Modality.TEXT, field="body", text=text, language="en") for text in texts]
    rounds: dict[str, list[float]] = {"planned": [], "always": []}
    for _ in range(ROUNDS):
        for name, limits in (("planned", thresholds), ("always", None)):
            began = time.process_time()
            for part in parts:
                model.detect_above([part], limits)
            rounds[name].append((time.process_time() - began) / len(parts) * 1e3)
    return {name: round(statistics.median(values), 3) for name, values in rounds.items()}


if __name__ == "__main__":
    raise SystemExit(main())
