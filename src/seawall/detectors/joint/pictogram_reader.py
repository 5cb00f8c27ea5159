"""The image reader: recognises pictograms in an image, with their probabilities.

    >>> import numpy as np
    >>> reader = ImageReader()
    >>> reader.read(np.full((64, 64, 3), 255, dtype=np.uint8))
    ()

Two small networks (``seawall.learn.joint_reader``), run by onnxruntime on one thread: one finds pictograms in a
scaled-down image, the other classifies each crop. They know the pictograms of ``pictograms`` as drawn by one font.
Photographs, drawings and other fonts' pictograms mostly give no result, which does not mean that they are harmless.
"""

from __future__ import annotations

import importlib
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.joint.pictograms import TONES, pictograms
from seawall.measure.calibrate import sigmoid

FINDER_SIDE: Final = 160
STRIDE: Final = 4  # pixels of the finder's input per cell
NAMER_SIDE: Final = 48
AROUND: Final = 1.15  # a crop's side relative to the pictogram's longer side
SIZES: Final = (0.7, 0.85, 1.0, 1.2, 1.45)  # box scales to try: the finder is less accurate on sizes than on positions
MOST: Final = 24  # pictograms read per image
LONGEST_SIDE: Final = 640  # pixels; larger images are scaled down
_GREY: Final = 128
_SAME: Final = 0.5  # overlap, as share of the smaller box, from which two sightings are one
_APART: Final = 30  # difference from the background colour, of 255, in any channel

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


class ReaderError(ValueError):
    """The reader's networks are missing or broken."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """Acceptance thresholds: probability that something is there, that it is a pictogram, that it is the named one.

    Where the finder is less certain (below ``well_found``), the namer must be more so (``named_alone``).
    ``temperature`` divides the namer's logits, so that its probabilities are calibrated on unseen synthetic scenes.
    """

    found: float = 0.2
    well_found: float = 0.45
    is_pictogram: float = 0.5
    named: float = 0.45
    named_alone: float = 0.65
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class PictogramDetection:
    """One pictogram in an image: its class and name, its calibrated probability, its box in pixels."""

    pictogram: int
    tone: int
    name: str
    probability: float
    box: Box


class PictogramReader:
    """Recognises pictograms in pixels. Thread-safe. Raises ``ReaderError`` when its networks cannot be loaded."""

    def __init__(self, folder: Path | None = None, certainty: Certainty | None = None) -> None:
        self._folder = folder or Path(__file__).with_name("data")
        self.certainty = certainty or Certainty()
        self._lock = threading.Lock()

    def read(self, pixels: Pixels) -> tuple[PictogramDetection, ...]:
        """The pictograms of an image (height, width, RGB), in reading order."""
        likely = [(chance, box) for chance, box in self.find(pixels) if chance >= self.certainty.found]
        apart = islands(pixels)
        boxes = [_scaled(box, size) for size in SIZES for _, box in likely] + apart
        if not boxes:
            return ()
        names, tones = self.name(pixels, boxes)
        best = names[:, :-1].argmax(axis=1)
        chance = names[np.arange(len(boxes)), best]
        found = np.array([chance for chance, _ in likely] * len(SIZES) + [1.0] * len(apart))
        needed = np.where(found >= self.certainty.well_found, self.certainty.named, self.certainty.named_alone)
        sure = (1 - names[:, -1] >= self.certainty.is_pictogram) & (chance >= needed)
        kept: list[PictogramDetection] = []
        for number in np.argsort(-chance, kind="stable").tolist():
            box = boxes[number]
            if not sure[number] or any(_overlap(box, other.box) > _SAME for other in kept):
                continue
            which, tone = int(best[number]), int(tones[number].argmax())
            kept.append(PictogramDetection(which, tone, pictograms()[which].named(tone), float(chance[number]), box))
        return tuple(in_reading_order(kept[:MOST]))

    def find(self, pixels: Pixels) -> list[tuple[float, Box]]:
        """Candidate boxes of pictograms with their probabilities, most likely first; overlapping ones only once."""
        small, scale = _into_square(pixels, FINDER_SIDE)
        planes = (small.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        (raw,) = self._sessions[0].run(None, {"pictures": planes})
        return _peaks(np.asarray(raw[0], dtype=np.float64), scale)

    def name(self, pixels: Pixels, boxes: list[Box]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each box the probability of each pictogram, the last column "none", and of each skin tone."""
        cuts = np.stack([_cut_out(pixels, box) for box in boxes]).astype(np.float32) / 255
        names, tones = self._sessions[1].run(None, {"cuts": cuts.transpose(0, 3, 1, 2)})
        return _softmax(names / self.certainty.temperature), _softmax(tones)

    @cached_property
    def _sessions(self) -> tuple[Any, Any]:
        with self._lock:
            finder, namer = (_session(self._folder / name) for name in ("finder.onnx", "namer.onnx"))
        classes = namer.get_outputs()[0].shape[1]
        if classes != len(pictograms()) + 1 or namer.get_outputs()[1].shape[1] != len(TONES):
            raise ReaderError(f"{self._folder}: namer.onnx names {classes} things, pictograms.json {len(pictograms())}")
        return finder, namer


def in_reading_order(sightings: list[PictogramDetection]) -> list[PictogramDetection]:
    """Lines from top to bottom, each from left to right; centres in a line differ by less than half a height."""
    lines: list[list[PictogramDetection]] = []
    for one in sorted(sightings, key=lambda each: each.box[1] + each.box[3]):
        middle = (one.box[1] + one.box[3]) / 2
        if lines:
            last = lines[-1]
            mean = sum(each.box[1] + each.box[3] for each in last) / 2 / len(last)
            if abs(middle - mean) < 0.5 * max(one.box[3] - one.box[1], last[0].box[3] - last[0].box[1]):
                last.append(one)
                continue
        lines.append([one])
    return [one for line in lines for one in sorted(line, key=lambda each: each.box[0])]


def islands(pixels: Pixels) -> list[Box]:
    """Boxes of objects on a background of one colour, split at gaps between rows and columns; else nothing."""
    small, scale = _into_square(pixels, FINDER_SIDE)
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    inside = small[:height, :width].astype(np.int16)
    rim = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    ground = np.median(rim, axis=0)
    if (np.abs(rim - ground).max(axis=1) > _APART).mean() > 0.25:
        return []
    apart = np.abs(inside - ground).max(axis=2) > _APART
    found: list[Box] = []
    to_cut = [(0, 0, width, height, 0)]
    while to_cut and len(found) < 4 * MOST:
        x0, y0, x1, y1, whole = to_cut.pop()
        if whole > 8:
            continue
        piece = apart[y0:y1, x0:x1]
        across = whole % 2 == 1
        runs = _runs(piece.any(axis=0 if across else 1))
        if len(runs) == 1 and runs[0] == (0, (x1 - x0) if across else (y1 - y0)) and whole >= 2:
            box = (x0 / scale, y0 / scale, x1 / scale, y1 / scale)
            if max(x1 - x0, y1 - y0) >= 6 and box not in found:
                found.append(box)
            continue
        for start, end in runs:
            cut = (x0 + start, y0, x0 + end, y1) if across else (x0, y0 + start, x1, y0 + end)
            to_cut.append((*cut, whole + 1))
    return found


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of marked positions: first, and one past the last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], marked.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _session(path: Path) -> Any:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        raise ReaderError(f"the image reader's {path.name} cannot be loaded: {error}; restore it") from error


def _into_square(pixels: Pixels, side: int) -> tuple[Pixels, float]:
    """The image scaled into a square with grey padding, and its scale."""
    images = importlib.import_module("PIL.Image")
    image = images.fromarray(pixels)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    square = images.new("RGB", (side, side), (_GREY, _GREY, _GREY))
    square.paste(image.resize(size, images.Resampling.BILINEAR, reducing_gap=2.0), (0, 0))
    return np.asarray(square), scale


def _cut_out(pixels: Pixels, box: Box) -> Pixels:
    """The square around a box as input of the namer; beyond the image, its edge pixels are repeated."""
    images = importlib.import_module("PIL.Image")
    height, width = pixels.shape[:2]
    half = max(1.0, AROUND * max(box[2] - box[0], box[3] - box[1]) / 2)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, top, side = round(x - half), round(y - half), max(2, round(2 * half))
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    cut = images.fromarray(np.ascontiguousarray(pixels[rows[:, None], columns]))
    return np.asarray(cut.resize((NAMER_SIDE, NAMER_SIDE), images.Resampling.BILINEAR))


def _scaled(box: Box, size: float) -> Box:
    """The box with the same centre, scaled."""
    x, y, width, height = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]
    return (x - width * size / 2, y - height * size / 2, x + width * size / 2, y + height * size / 2)


def _peaks(found: NDArray[np.float64], scale: float) -> list[tuple[float, Box]]:
    """Cells more likely than their neighbours, as boxes in the image's pixels."""
    chance = sigmoid(found[0])
    padded = np.pad(chance, 1, constant_values=-1.0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    rows, columns = np.nonzero((chance >= windows.max(axis=(2, 3))) & (chance > 0.05))
    order = np.argsort(-chance[rows, columns], kind="stable")[: 4 * MOST]
    kept: list[tuple[float, Box]] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        x, y = column + found[1, row, column], row + found[2, row, column]
        width, height = np.exp(np.clip(found[3:, row, column], -2, 4)) / 2
        x0, y0, x1, y1 = (STRIDE / scale * value for value in (x - width, y - height, x + width, y + height))
        box = (float(x0), float(y0), float(x1), float(y1))
        if all(_overlap(box, other) < 0.4 for _, other in kept):
            kept.append((float(chance[row, column]), box))
        if len(kept) == MOST:
            break
    return kept


def _overlap(one: Box, other: Box) -> float:
    """The intersection as a share of the smaller box."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return max(0.0, width) * max(0.0, height) / smaller if smaller > 0 else 0.0


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
