"""What the shipped policies do with everyday items of a music platform, harmful and harmless.

    ./run bench everyday [CASES.jsonl] [--show] [--without-harmless]

Screens each item for real (parts, shipped detectors, shipped rules; banks empty, no deadline) and counts two things:
items that are *held* or blocked, and items on which *any* live rule fires. Sets:

``everyday``   a file of items with their truth, an argument, or ``everyday.jsonl`` in the folder ``SEAWALL_CASES``;
``tuned``, ``held-out``   the halves of ``benchmarks/everyday.yaml``, written before tuning; nobody looks at the second;
``sms ham``, ``hatecheck not hateful``   harmless texts as comments, from ``SEAWALL_DATA``.

``--show`` lists what was missed and what was found wrongly, but of the held-out half. Ends in a line of JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from seawall.app import BANKS
from seawall.content import parts_of, validate_item
from seawall.content.links import add_link_parts
from seawall.demo import HangingDetector, HangSwitch, sources
from seawall.detect import Runner
from seawall.detectors import default_detectors
from seawall.detectors.banks import BankDetector
from seawall.model import Verdict
from seawall.policy import Bundle, Context, build_bundle

NOW_MS: Final = 1_795_000_000_000  # November 2026
OWN: Final = Path(__file__).with_suffix(".yaml")
BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class EverydayItem:
    """One item with its truth."""

    truth: str  # harmful, benign
    kind: str
    content_type: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Screened:
    """An item and what became of it: held or blocked, and the rules that fired."""

    item: EverydayItem
    restricted: bool
    rules: tuple[str, ...]


def everyday_items(file: Path) -> list[EverydayItem]:
    """A file of one JSON object a line: truth, kind, content_type, fields."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    return [EverydayItem(row["truth"], row["kind"], row["content_type"], row["fields"]) for row in rows]


def own_items(half: int) -> list[EverydayItem]:
    """Every second of our own items: half 0 is for tuning, half 1 is held out."""
    document = yaml.safe_load(OWN.read_text("utf-8"))
    return [
        EverydayItem(truth, kind, *item_fields(where, text))
        for truth in ("harmful", "benign")
        for kind, where, text in document[truth][half::2]
    ]


def item_fields(where: str, text: str) -> tuple[str, dict[str, Any]]:
    """Content type and fields for a text at one of the places that ``everyday.yaml`` names."""
    places: dict[str, tuple[str, dict[str, Any]]] = {
        "comment": ("comment", {"body": text}),
        "post": ("post", {"body": text}),
        "message": ("message", {"body": text, "first_contact": False}),
        "first_message": ("message", {"body": text, "first_contact": True}),
        "playlist": ("playlist", {"title": text, "track_count": 30}),
        "empty_playlist": ("playlist", {"title": text, "track_count": 0}),
        "profile": ("profile", {"display_name": "sam", "bio": text}),
        "episode": ("podcast_episode", {"title": "Episode 12", "show": "s", "notes": text, "explicit": False}),
        "track": ("track", {"title": text, "artists": ["The Examples"], "explicit": False}),
    }
    return places[where]


def harmless_sets() -> Iterator[tuple[str, list[EverydayItem]]]:
    """Harmless texts in bulk, as comments; a set that is not found is left out."""
    root = Path(os.environ.get("SEAWALL_DATA", ""))
    sms, hatecheck = root / "sms_spam" / "sms.tsv", root / "hatecheck" / "test_suite_cases.csv"
    if sms.is_file():
        rows = [line.partition("\t") for line in sms.read_text("utf-8").splitlines()]
        yield "sms ham", [_comment("sms", text) for label, _, text in rows if label == "ham"]
    if hatecheck.is_file():
        with hatecheck.open(encoding="utf-8", newline="") as file:
            found = [row for row in csv.DictReader(file) if row["label_gold"] == "non-hateful"]
        yield "hatecheck not hateful", [_comment(row["functionality"], row["test_case"]) for row in found]


def _comment(kind: str, text: str) -> EverydayItem:
    return EverydayItem("benign", kind, "comment", {"body": text})


def screen(items: Sequence[EverydayItem], bundle: Bundle, runner: Runner) -> list[Screened]:
    """Each item as the pipeline screens it."""
    found = []
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        whole = []
        for number, each in enumerate(batch):
            fields = {"conversation": "c"} | each.fields if each.content_type == "message" else each.fields
            fields = {"show": "s"} | fields if each.content_type == "podcast_episode" else fields
            raw = {"id": str(number), "fields": fields, "actor": {"id": "u"}, "language": "en"}
            spec = bundle.content_types[each.content_type]
            item = validate_item(spec, raw)
            whole.append((item, add_link_parts(parts_of(item, spec))))
        results = runner.run_batch([parts for _, parts in whole])
        for each, (item, parts), result in zip(batch, whole, results, strict=True):
            program = bundle.program(each.content_type)
            outcome = program.decide(program.row(Context(item, parts, result.signals, result.unknown, NOW_MS)))
            rules = tuple(f"{reason.policy}/{reason.rule}" for reason in outcome.reasons)
            found.append(Screened(each, outcome.verdict is not Verdict.ALLOW, rules))
    return found


def shares(screened: Sequence[Screened]) -> dict[str, float]:
    """Of one truth's items: the share held or blocked, and the share on which any rule fired."""
    number = len(screened)
    return {
        "items": number,
        "held": round(sum(each.restricted for each in screened) / number, 4),
        "any": round(sum(bool(each.rules) for each in screened) / number, 4),
    }


def report(name: str, screened: Sequence[Screened], show: bool) -> dict[str, dict[str, float]]:
    """Print and return the figures of a set."""
    figures = {}
    for truth in ("harmful", "benign"):
        chosen = [each for each in screened if each.item.truth == truth]
        if not chosen:
            continue
        figures[truth] = shares(chosen)
        held, fired = figures[truth]["held"], figures[truth]["any"]
        print(f"{name:<24} {truth:<8} {len(chosen):>5} items: held or blocked {held:.1%}, any rule {fired:.1%}")
        if truth == "benign":
            for rule, count in Counter(rule for each in chosen for rule in each.rules).most_common(12):
                print(f"    {count:>4} {rule}")
        for each in chosen if show else ():
            wrong = not each.restricted if truth == "harmful" else bool(each.rules)
            if wrong:
                mark = "held" if each.restricted else ("rule" if each.rules else "none")
                print(f"    {mark} {each.item.kind:<12} {each.item.content_type}: {each.item.fields} {each.rules}")
    return figures


def main() -> None:
    """Screen the sets and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="?", type=Path)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--without-harmless", action="store_true")
    options = parser.parse_args()
    cases = options.cases or Path(os.environ.get("SEAWALL_CASES", "")) / "everyday.jsonl"
    sets: list[tuple[str, list[EverydayItem]]] = [("tuned", own_items(0)), ("held-out", own_items(1))]
    if cases.is_file():
        sets.insert(0, ("everyday", everyday_items(cases)))
    else:
        print("everyday: no file of cases (an argument, or SEAWALL_CASES), left out")
    if not options.without_harmless:
        sets += harmless_sets()
    found = sources()
    with Runner([*default_detectors(BankDetector(BANKS)), HangingDetector(HangSwitch())], ()) as runner:
        bundle = build_bundle(found.policies, found.content_types, runner.specs, BANKS)
        figures = {
            name: report(name, screen(items, bundle, runner), options.show and name != "held-out")
            for name, items in sets
        }
    print(json.dumps({"benchmark": "everyday", **figures}))


if __name__ == "__main__":
    main()
