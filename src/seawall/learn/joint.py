"""Fitting of the joint model to the shipped encoder.

    python -m seawall.learn.joint --data DATA            # writes into the package
    python -m seawall.learn.joint --data DATA --out DIR

Needs the emoji font (to draw Hatemoji's emoji), scikit-image (for photographs behind them) and a text model with an
encoder. The image reader's networks must exist already (``seawall.learn.joint_reader``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.joint import fusion
from seawall.detectors.joint.evidence import Evidence, EvidenceSource, ItemEvidence
from seawall.detectors.joint.fusion import Encoding, Floats, FusionHead, Mask, Network
from seawall.detectors.joint.pictogram_reader import PictogramReader
from seawall.learn.datasets import DATASETS, TrainingError
from seawall.learn.joint_data import HatemojiPost, confounders, groups, image, posts
from seawall.learn.joint_scenes import MILD, PLAIN, TRAINING_PHOTOS, ImageWear, photographs
from seawall.learn.perceptron import TrainingSchedule, train
from seawall.measure import fit_platt, operating_points

CALIBRATION_SHARE = 0.15
READ_EVERY = 8  # of the training images; all calibration images are read
SEEDS = {"joint": 5, "text": 2, "picture": 2}  # networks whose outputs are averaged
SCHEDULE = TrainingSchedule(epochs=20, rate=2e-3, decay=0.2)
SMALL = TrainingSchedule(hidden=64, epochs=20, rate=2e-3, decay=0.2)  # for a single source
CONFOUNDER_WEIGHT = 3.0  # of a post with a twin of equal words and the other label, in every head
MASKED = {Mask.BOTH: 0.6, Mask.TEXT: 0.15, Mask.IMAGE: 0.25}  # share of training rows per set of sources

Progress = Callable[[str], None]
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TextViews:
    """The features of some rows under each mask, for one reading of their images."""

    by_mask: dict[Mask, Floats]


def evidence_of(row: HatemojiPost, names: Names) -> ItemEvidence:
    """A post as evidence."""
    pieces = [Evidence(EvidenceSource.TEXT, row.words, "body")] if row.words else []
    if names:
        pieces.append(Evidence(EvidenceSource.IMAGE, ", ".join(names), "picture"))
    return ItemEvidence(tuple(pieces))


def views(rows: Sequence[HatemojiPost], names: Sequence[Names], encode: Encoding) -> TextViews:
    """Features of rows with these image readings; an empty source is masked whatever the mask."""
    triples = []
    for mask in Mask:
        triples += [fusion.texts_of(evidence_of(row, read), mask) for row, read in zip(rows, names, strict=True)]
    found = fusion.features(triples, encode)
    return TextViews(dict(zip(Mask, np.split(found, len(Mask)), strict=True)))


def read_images(
    rows: Sequence[HatemojiPost],
    reader: PictogramReader,
    *,
    wear: ImageWear = PLAIN,
    photos: Sequence[Any] = (),
    first: int = 0,
) -> list[Names]:
    """Draw each post's image and read it."""
    read = []
    for number, row in enumerate(rows, first):
        seen = reader.read(image(row, number, wear=wear, grounds=photos))
        names = [one.name for one in seen]
        read.append(tuple(name for at, name in enumerate(names) if at == 0 or name != names[at - 1]))
    return read


def read_some(
    rows: Sequence[HatemojiPost], all_of: NDArray[np.bool_], reader: PictogramReader, photos: Sequence[Any]
) -> list[Names]:
    """Draw and read the images of ``all_of`` and of some other rows; the rest count as read without error."""
    read = [row.names for row in rows]
    for number in range(len(rows)):
        if all_of[number] or number % READ_EVERY == 0:
            wear = MILD if number % 2 else PLAIN
            (read[number],) = read_images([rows[number]], reader, wear=wear, photos=photos, first=number)
    return read


def on_calibration_side(group: NDArray[np.int64], rows: Sequence[HatemojiPost], seed: int) -> NDArray[np.bool_]:
    """Which rows calibrate: whole groups, chosen by a hash of their first row's words."""
    side: dict[int, bool] = {}
    for number, row in zip(group.tolist(), rows, strict=True):
        if number not in side:
            digest = hashlib.blake2b(f"{seed}:{row.words}:{row.pair}".encode(), digest_size=4).digest()
            side[number] = int.from_bytes(digest) < CALIBRATION_SHARE * 2**32
    return np.array([side[number] for number in group.tolist()], dtype=bool)


def fit(
    rows: Sequence[HatemojiPost],
    readings: Sequence[Sequence[Names]],
    group: NDArray[np.int64],
    encode: Encoding,
    seed: int = 0,
    progress: Progress = lambda _what: None,
) -> tuple[dict[str, FusionHead], dict[str, Any]]:
    """The three heads and their section of the card. ``readings``: one or more readings of every row's image.

    Calibration uses the first reading; training draws from all.
    """
    held = on_calibration_side(group, rows, seed)
    label = np.array([row.hateful for row in rows], dtype=np.float32)
    if min(label[held].sum(), (1 - label[held]).sum(), label[~held].sum(), (1 - label[~held]).sum()) < 5:
        raise TrainingError(f"{len(rows)} posts are too few to fit and calibrate on")
    progress("encoding")
    read = [views(rows, names, encode) for names in readings]
    width = read[0].by_mask[Mask.BOTH].shape[1]
    columns = {
        "joint": np.arange(width),
        "text": fusion.text_columns(width),
        "picture": fusion.image_columns(width),
    }
    use = np.flatnonzero(~held)
    mass = np.where(confounders(rows), np.float32(CONFOUNDER_WEIGHT), np.float32(1))
    made: dict[str, FusionHead] = {}
    for name, own in columns.items():
        progress(f"fitting {name}")
        masks = MASKED if name == "joint" else {Mask.BOTH: 1.0}
        networks = tuple(
            _widened(train(_drawing(read, label, mass, use, own, masks), len(use), seed * 100 + number,
                           SCHEDULE if name == "joint" else SMALL), own, width)
            for number in range(SEEDS[name])
        )  # fmt: skip
        plain = FusionHead(networks, {})
        known = {Mask.BOTH, Mask.TEXT, Mask.IMAGE} if name == "joint" else {Mask(name)}
        made[name] = FusionHead(
            networks, {mask: fit_platt(label[held], plain.scores(read[0].by_mask[mask][held])) for mask in known}
        )
    progress("calibrating")
    stated = made["joint"].probabilities(read[0].by_mask[Mask.BOTH][held], Mask.BOTH)
    points = operating_points(label[held], stated)
    numbers = {
        "training_posts": int((~held).sum()),
        "calibration_posts": int(held.sum()),
        "calibration_hateful": int(label[held].sum()),
        "operating_points": [asdict(point) for point in points],
    }
    return made, numbers


def _drawing(
    read: Sequence[TextViews],
    label: Floats,
    mass: Floats,
    use: NDArray[np.int64],
    columns: NDArray[np.int64],
    masks: dict[Mask, float],
) -> Callable[[np.random.Generator, NDArray[np.int64]], tuple[Floats, Floats, Floats]]:
    """Batches in which each row has a mask and a reading drawn at random."""
    kinds, shares = list(masks), np.array(list(masks.values()))

    def draw(generator: np.random.Generator, chosen: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
        rows = use[chosen]
        mask = generator.choice(len(kinds), len(rows), p=shares / shares.sum())
        reading = generator.integers(0, len(read), len(rows))
        picked = [read[r].by_mask[kinds[m]][row] for r, m, row in zip(reading, mask, rows, strict=True)]
        return np.stack(picked)[:, columns], label[rows], mass[rows]

    return draw


def _widened(network: Network, columns: NDArray[np.int64], width: int) -> Network:
    """The same network over all features, with zero weights for features that are not its own."""
    first = np.zeros((width, network.first.shape[1]), dtype=np.int8)
    first[columns] = network.first
    return Network(first, network.unit, network.bias, network.last, network.shift)


def learnt_from(data: Path) -> tuple[list[HatemojiPost], NDArray[np.int64]]:
    """The training posts and their groups; none shares a group with a test post. Raises ``TrainingError``."""
    rows = posts(data, "train") + posts(data, "validation")
    tests = posts(data, "joint")
    group = groups(rows + tests)
    tested = set(group[len(rows) :].tolist())
    kept = [number for number in range(len(rows)) if int(group[number]) not in tested]
    if len(kept) < 0.98 * len(rows):
        raise TrainingError(f"{len(rows) - len(kept)} of {len(rows)} posts are close to test posts")
    return [rows[number] for number in kept], group[kept]


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and write ``fusion.npz`` and ``card.json``."""
    from seawall.detectors.joint.detector import encoder_of
    from seawall.detectors.text.model import TextModel

    parser = argparse.ArgumentParser(prog="joint", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=os.environ.get("SEAWALL_DATA"), help="folder of data sets")
    parser.add_argument("--out", type=Path, default=Path(fusion.__file__).with_name("data"))
    parser.add_argument("--text-model", type=Path, help="folder of the text model (default: the shipped one)")
    parser.add_argument("--readings", type=Path, help="file that caches the image readings")
    parser.add_argument("--reader", type=Path, help="folder of the image reader's networks (default: shipped)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("no data sets: give --data, or set SEAWALL_DATA")
    model = TextModel(options.text_model)
    rows, group = learnt_from(options.data)
    print(f"{len(rows)} posts", flush=True)
    if options.readings and options.readings.is_file():
        read = [tuple(names) for names in json.loads(options.readings.read_text(encoding="utf-8"))]
    else:
        held = on_calibration_side(group, rows, options.seed)
        read = read_some(rows, held, PictogramReader(options.reader), photographs(TRAINING_PHOTOS))
        if options.readings:
            options.readings.write_text(json.dumps(read), encoding="utf-8")
    drawn = [row.names for row in rows]
    heads, numbers = fit(rows, [read, drawn], group, model, options.seed, lambda what: print(what, flush=True))
    dataset = DATASETS["hatemoji"]
    card = {
        "title": "Seawall joint model",
        "licence": "Apache-2.0",
        "text_model": model.spec.version,
        "encoder": encoder_of(model),
        "data": {"title": dataset.title, "licence": dataset.licence, "source": dataset.source,
                 "sha256": dataset.digests(options.data)},
        "recipe": {"seed": options.seed, "networks": SEEDS, "schedule": asdict(SCHEDULE), "masks": MASKED,
                   "small_schedule": asdict(SMALL), "confounder_weight": CONFOUNDER_WEIGHT,
                   "calibration_share": CALIBRATION_SHARE},
        **numbers,
    }  # fmt: skip
    version = fusion.save(options.out, heads, card)
    print(f"joint model {version}: {options.out}")


if __name__ == "__main__":
    main()
