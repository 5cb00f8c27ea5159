"""What the joint model is worth: `./run bench joint`.

Posts of HatemojiBuild that no model was fitted to, their emoji taken out of the text and drawn into images, read
back by the shipped image reader. Needs SEAWALL_DATA, the emoji font and the groups dev and bench. Prints tables for
people, then one line of JSON; ``--card FILE`` writes the model card. ``--ocr N`` texts are drawn and read at each
noise level (seconds each; 0: not).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from seawall.detectors.joint import fusion
from seawall.detectors.joint.detector import encoder_of, shipped
from seawall.detectors.joint.pictogram_reader import PictogramReader
from seawall.detectors.joint.pictograms import pictograms
from seawall.detectors.text.model import TextModel
from seawall.learn.datasets import DATASETS
from seawall.learn.joint import learnt_from, read_images
from seawall.learn.joint_data import HatemojiPost, confounders, groups, posts
from seawall.learn.joint_measure import ModelScores, auc, both_ways, calibration, model_scores
from seawall.learn.joint_scenes import (
    HARD,
    MILD,
    PLAIN,
    TEST_PHOTOS,
    compose,
    encoded,
    photographs,
    without_pictograms,
)
from seawall.measure import Interval, average_precision, wilson

WEARS = {"mild": MILD, "plain": PLAIN, "hard": HARD}
WAYS = ("text alone", "image alone", "late fusion", "joint", "joint, image missing", "joint, text missing")
MARGIN = 0.10
OTHER_SHARES = {"any share": 0.0, "a quarter": 0.25}  # of the rarer label, beside the gate's (``LEAST_SHARE``)


def numbers(measured: Interval) -> list[float]:
    return [round(measured.value, 4), round(measured.lower, 4), round(measured.upper, 4)]


def shown(row: Sequence[float]) -> str:
    return f"{row[0]:.3f} [{row[1]:.3f}, {row[2]:.3f}]"


def table(title: str, said: ModelScores, chosen: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The five figures (and one) on some posts, and how far joint is ahead of each single way."""
    figures: dict[str, Any] = {"posts": int(chosen.sum()), "hateful": int(said.hateful[chosen].sum())}
    print(f"\n{title}: {figures['posts']} posts, {figures['hateful']} hateful; AUC, intervals by group")
    for way in WAYS:
        figures[way] = {"auc": numbers(auc(said, way, chosen)), "ece": round(calibration(said, way, chosen), 4)}
        print(f"  {way:<24} {shown(figures[way]['auc'])}   calibration error {figures[way]['ece']:.3f}")
    for way in WAYS[:3]:
        ahead = numbers(auc(said, "joint", chosen, minus=way))
        apart = figures["joint"]["auc"][1] > figures[way]["auc"][2]
        figures["joint"][f"over {way}"] = ahead
        figures["joint"][f"apart from {way}"] = apart
        verdict = "holds" if ahead[0] >= MARGIN and apart else "MISSED"
        print(f"  joint over {way:<13} {shown(ahead)}   by {MARGIN} with intervals apart: {verdict}")
    return figures


def reader_figures(reader: PictogramReader, scenes: int) -> dict[str, Any]:
    """How well pictograms are read from made scenes, and how often something is seen where there is nothing."""
    generator, photos = np.random.default_rng(23), photographs(TEST_PHOTOS)
    figures: dict[str, Any] = {}
    print(f"\nImage reader: {scenes} scenes of one to six pictograms at each wear, photographs not trained on")
    for name, wear in WEARS.items():
        found = wanted = right = said = 0
        stated: list[float] = []
        for _ in range(scenes):
            drawn = [int(generator.integers(0, len(pictograms()))) for _ in range(min(6, generator.geometric(0.5)))]
            scene = compose([(number, 0) for number in drawn], generator, wear=wear, grounds=photos)
            seen = reader.read(scene.pixels)
            left = list(drawn)
            for one in seen:
                said += 1
                stated.append(one.probability)
                if one.pictogram in left:
                    left.remove(one.pictogram)
                    right += 1
            wanted += len(drawn)
            found += len(drawn) - len(left)
        recall, precision = wilson(found, wanted), wilson(right, said)
        figures[name] = {"recall": numbers(recall), "precision": numbers(precision),
                         "stated": round(float(np.mean(stated)) if stated else 0.0, 4)}  # fmt: skip
        print(f"  {name:<6} found {shown(numbers(recall))}   named rightly {shown(numbers(precision))}"
              f"   stated {figures[name]['stated']:.3f}")  # fmt: skip
    false = sum(bool(reader.read(without_pictograms(generator, photos))) for _ in range(2 * scenes))
    whole = sum(bool(reader.read(np.asarray(photo))) for photo in photos)
    figures["without pictograms"] = numbers(wilson(false, 2 * scenes))
    figures["whole photographs"] = [whole, len(photos)]
    print(f"  something seen in images without pictograms (parts of photographs, shapes, letters): "
          f"{shown(figures['without pictograms'])}; in whole photographs: {whole} of {len(photos)}")  # fmt: skip
    return figures


def ocr_figures(model: TextModel, data: Path, count: int) -> dict[str, Any]:
    """Synthetic rendering of labelled texts: what reading them from noisy images costs the text model."""
    from seawall.media import Media, UnreadableMedia

    examples = DATASETS["hatecheck"].read(data, "test")
    pick = np.random.default_rng(5).permutation(len(examples))[:count]
    texts = [examples[number].text for number in pick]
    truth = np.array([examples[number].labels["hate"] for number in pick]) == 1
    column = [head.name for head in model.artefact.heads].index("hate")
    typed = average_precision(truth, model.probabilities(texts)[:, column])
    figures: dict[str, Any] = {"texts": count, "typed": round(typed, 4)}
    print(f"\nLabelled texts drawn and read back ({count} of HateCheck; AP of hate as typed {typed:.3f})")
    media, generator = Media(), np.random.default_rng(6)
    for noise in (0, 25, 60):
        read = []
        for text in texts:
            words = media.words(encoded(drawn_text(text, noise, generator), 70))
            read.append("" if isinstance(words, UnreadableMedia) else " ".join(line.text for line in words.lines))
        same = np.mean([a.lower().split() == b.lower().split() for a, b in zip(texts, read, strict=True)])
        reached = average_precision(truth, model.probabilities(read)[:, column])
        figures[f"noise {noise}"] = {
            "ap": round(reached, 4),
            "loss": round(typed - reached, 4),
            "same": round(float(same), 3),
        }
        print(
            f"  noise {noise:>2}: AP {reached:.3f} (loss {typed - reached:+.3f}); read word for word {same:.2f}",
            flush=True,
        )
    media.close()
    return figures


def drawn_text(text: str, noise: float, generator: np.random.Generator) -> np.ndarray[Any, Any]:
    """A text in lines on a coloured ground with Gaussian noise of that standard deviation."""
    font = ImageFont.load_default(28.0)
    words, lines = text.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 34:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    ground = tuple(generator.integers(150, 256, 3).tolist())
    image = Image.new("RGB", (560, 40 + 40 * len(lines)), ground)
    ImageDraw.Draw(image).multiline_text((20, 16), "\n".join(lines), fill=(20, 20, 40), font=font, spacing=8)
    pixels = (
        np.asarray(image) + generator.normal(0, noise, (image.height, image.width, 3)) if noise else np.asarray(image)
    )
    return np.clip(pixels, 0, 255).astype(np.uint8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 1 when the gate (``holds``) is missed on confounders both ways."""
    parser = argparse.ArgumentParser(prog="joint", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=shipped(), help="folder of the joint model")
    parser.add_argument("--card", type=Path, help="write the model card here")
    parser.add_argument("--readings", type=Path, help="take what was read in the test images from this file")
    parser.add_argument("--ocr", type=int, default=60, help="texts at each noise level")
    parser.add_argument("--scenes", type=int, default=100, help="for the image reader, at each wear")
    options = parser.parse_args(arguments)
    root = os.environ.get("SEAWALL_DATA")
    if root is None or not DATASETS["hatemoji"].present(Path(root)):
        print("hatemoji: not found (SEAWALL_DATA), nothing to measure")
        return 0
    data, text_model = Path(root), TextModel()
    model = fusion.load(options.model)
    if model.card["encoder"] != encoder_of(text_model):
        print("the joint model was fitted to another text encoder: python -m seawall.learn.joint")
        return 1
    reader = PictogramReader(options.model)
    learnt, _ = learnt_from(data)
    rows = posts(data, "joint")
    print(f"joint model {model.version}: {len(rows)} held-out posts share no group with {len(learnt)} learnt ones")
    figures: dict[str, Any] = {"version": model.version, "learnt": len(learnt), "card": dict(model.card)}
    group, photos = groups(rows), photographs(TEST_PHOTOS)
    if options.readings and options.readings.is_file():
        read = [tuple(names) for names in json.loads(options.readings.read_text(encoding="utf-8"))]
    else:
        read = read_images(rows, reader, wear=MILD, photos=photos)
    figures["read_without_fault"] = round(
        float(np.mean([a == short(row) for a, row in zip(read, rows, strict=True)])), 4
    )
    print(f"images read without a fault: {figures['read_without_fault']:.3f}")
    twins, every = confounders(rows), np.ones(len(rows), dtype=bool)
    said = model_scores(rows, group, read, model, text_model)
    figures["confounders"] = table("Confounders (the same words carry both labels)", said, twins)
    official = posts(data, "test")
    neither = both_ways(rows, [*learnt, *rows, *official])
    figures["both_ways"] = table("Confounders both ways (the same pictograms, too)", said, neither)
    for name, least in OTHER_SHARES.items():
        neither = both_ways(rows, [*learnt, *rows, *official], least)
        title = f"To compare: confounders whose pictograms stand under both labels, the rarer one holds {name}"
        figures[f"both_ways_{name}"] = table(title, said, neither)
    figures["all"] = table("All held-out posts", said, every)
    perfect = model_scores(rows, group, [short(row) for row in rows], model, text_model)
    figures["perfect_reader"] = {way: numbers(auc(perfect, way, twins)) for way in ("image alone", "joint")}
    print(f"\nwith a reader without fault: image alone {shown(figures['perfect_reader']['image alone'])}, "
          f"joint {shown(figures['perfect_reader']['joint'])}")  # fmt: skip
    some = group % 3 == 0
    for name in ("plain", "hard"):
        chosen = [row for row, keep in zip(rows, some, strict=True) if keep]
        worn = model_scores(
            chosen, group[some], read_images(chosen, reader, wear=WEARS[name], photos=photos), model, text_model
        )
        figures[f"wear_{name}"] = numbers(auc(worn, "joint", confounders(chosen)))
        print(f"joint on confounders of every third group, images worn {name}: {shown(figures[f'wear_{name}'])}")
    reported = model_scores(
        official, groups(official), read_images(official, reader, wear=MILD, photos=photos), model, text_model
    )
    figures["official_test"] = table(
        "What is left of Hatemoji's own test split", reported, np.ones(len(official), dtype=bool)
    )
    figures["reader"] = reader_figures(reader, options.scenes)
    if options.ocr and DATASETS["hatecheck"].present(data):
        figures["ocr"] = ocr_figures(text_model, data, options.ocr)
    print("\nspeech: not measured here (no speech recogniser's weights); a transcript counts as words")
    if options.card:
        from benchmarks.joint_card import write

        write(options.card, figures, {key: holds(figures[key]) for key in ("confounders", "both_ways")})
    print(json.dumps({key: value for key, value in figures.items() if key != "card"}))
    return 0 if holds(figures["both_ways"]) else 1


def holds(found: Mapping[str, Any]) -> bool:
    """The gate: joint is ahead of each single way by the margin, and the intervals do not touch."""
    joint = found["joint"]
    return all(joint[f"over {way}"][0] >= MARGIN and joint[f"apart from {way}"] for way in WAYS[:3])


def short(row: HatemojiPost) -> tuple[str, ...]:
    """A post's pictograms as a reader without fault gives them: a run of equal ones once."""
    return tuple(name for at, name in enumerate(row.names) if at == 0 or name != row.names[at - 1])


if __name__ == "__main__":
    raise SystemExit(main())
