"""Faces in an image, found and blurred: for people who review, on demand. Nobody is recognised, and nothing is guessed
about anybody.

The detector is OpenCV's cascade ``haarcascade_frontalface_alt2`` (Viola and Jones, Lienhart), in the folder ``data``
with its licence inside. OpenCV 5 has no code that reads it, so it is evaluated here, for all windows of a size at once.
It finds faces seen from the front, of at least a 24th of the image's longer side, and misses others.
"""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seawall.media.decoders.open_image import UPRIGHT, as_shown, opened, turn_of
from seawall.media.decoders.operation import Answer

CASCADE: Final = Path(__file__).parent.parent / "data" / "haarcascade_frontalface_alt2.xml"
_WINDOW: Final = 20  # pixels on a side
_SEARCHED: Final = 480  # pixels of the longer side
_STEP: Final = 2  # pixels between windows, of small faces; 1 of those twice as large and more
_LARGE: Final = 2.0
_FACTOR: Final = 1.2  # between two sizes
_LEAST_WINDOWS: Final = 3  # that agree on a face
_SAME: Final = 0.35  # of two windows: shared area by area of both
_MARGIN: Final = 0.3  # of a face's side, blurred around it
_CELLS: Final = 4  # that are left of a face's side: too few to recognise anybody

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """Trees of two tests each. ``rects``: (trees, 2, 3, 4) left, top, right, bottom; ``weights``: (trees, 2, 3).

    ``low`` and ``high``: where a test leads when the feature is below its threshold or not: 1 to the second test, else
    minus the number of a leaf; (trees, 2). ``leaves``: (trees, 3).
    """

    rects: NDArray[np.int64]
    weights: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    leaves: NDArray[np.float64]
    least: float


@functools.cache
def cascade() -> tuple[Stage, ...]:
    """The stages of the detector."""
    root = ElementTree.parse(CASCADE).getroot().find("cascade")  # noqa: S314 (our own file)
    assert root is not None
    features = [
        [[float(number) for number in (rect.text or "").split()] for rect in feature.iterfind("rects/_")]
        for feature in root.iterfind("features/_")
    ]
    return tuple(_stage(stage, features) for stage in root.iterfind("stages/_"))


def _stage(stage: ElementTree.Element, features: Sequence[Sequence[Sequence[float]]]) -> Stage:
    trees = list(stage.iterfind("weakClassifiers/_"))
    nodes = np.array([(tree.findtext("internalNodes") or "").split() for tree in trees], float).reshape(-1, 2, 4)
    rects = np.zeros((len(trees), 2, 3, 5))
    for (tree, node), feature in np.ndenumerate(nodes[..., 2].astype(int)):
        for number, rect in enumerate(features[feature]):
            rects[tree, node, number] = rect
    corners = rects[..., :4].astype(np.int64)
    corners[..., 2:] += corners[..., :2]
    return Stage(
        rects=corners,
        weights=rects[..., 4],
        thresholds=nodes[..., 3],
        low=nodes[..., 0].astype(np.int64),
        high=nodes[..., 1].astype(np.int64),
        leaves=np.array([(tree.findtext("leafValues") or "").split() for tree in trees], float),
        least=float(stage.findtext("stageThreshold") or 0),
    )


def blurred_faces(data: bytes, options: dict[str, Any]) -> Answer:
    """The image as displayed, at most ``longest``, with its faces blurred: how many; width, height, full size; RGB."""
    with opened(data, options) as image:
        stored, turn = image.size, turn_of(image)
        image.draft("RGB", (options["longest"], options["longest"]))
        raster = as_shown(image).convert("RGB")
        raster.thumbnail((options["longest"], options["longest"]), Image.Resampling.BILINEAR)
    found = faces(raster)
    for box in found:
        blur(raster, box)
    full = stored if turn in UPRIGHT else stored[::-1]
    return {"faces": len(found), "width": raster.width, "height": raster.height, "full": full}, (raster.tobytes(),)


def faces(image: Image.Image) -> list[Box]:
    """The boxes of faces, in pixels of the image."""
    scale = max(1.0, max(image.size) / _SEARCHED)
    size = (round(image.width / scale), round(image.height / scale))
    grey = image.convert("L").resize(size, Image.Resampling.BILINEAR)
    windows = [tuple(value * scale for value in window) for window in _windows(grey)]
    return [_rounded(box) for box in grouped(np.array(windows, float).reshape(-1, 4))]


def _rounded(box: NDArray[np.float64]) -> Box:
    left, top, right, bottom = (round(float(value)) for value in box)
    return left, top, right, bottom


def _windows(grey: Image.Image) -> Iterator[tuple[float, float, float, float]]:
    """Windows in which every stage sees a face, at each size."""
    factor = 1.0
    while min(grey.size) / factor >= _WINDOW + _STEP:
        size = (int(grey.width / factor), int(grey.height / factor))
        pixels = np.asarray(grey.resize(size, Image.Resampling.BILINEAR), np.float64)
        for x, y in passed(pixels, 1 if factor > _LARGE else _STEP):
            yield x * factor, y * factor, (x + _WINDOW) * factor, (y + _WINDOW) * factor
        factor *= _FACTOR


def passed(pixels: NDArray[np.float64], step: int) -> list[tuple[int, int]]:
    """Left upper corners of the windows of one size, ``step`` pixels apart, that pass every stage."""
    height, width = pixels.shape
    sums = np.pad(pixels.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    squares = np.pad((pixels**2).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    ys, xs = np.mgrid[0 : height - _WINDOW : step, 0 : width - _WINDOW : step]
    at = (ys * (width + 1) + xs).ravel()
    inner = np.array((1, 1, _WINDOW - 1, _WINDOW - 1))
    area = float((_WINDOW - 2) ** 2)
    spread = area * _sum(squares, at, inner) - _sum(sums, at, inner) ** 2
    keep = spread > area * area  # of one grey: nothing is there
    at, deviation = at[keep], np.sqrt(spread[keep])
    for stage in cascade():
        if not len(at):
            break
        total = np.zeros(len(at))
        for tree in range(len(stage.leaves)):
            total += _leaf(stage, tree, sums, at, deviation)
        keep = total >= stage.least
        at, deviation = at[keep], deviation[keep]
    return [(int(one % (width + 1)), int(one // (width + 1))) for one in at]


def _leaf(
    stage: Stage, tree: int, sums: NDArray[np.float64], at: NDArray[np.int64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The leaf of a tree that each window reaches."""
    first, second = (
        np.where(
            _feature(stage, tree, node, sums, at) < stage.thresholds[tree, node] * deviation,
            stage.low[tree, node],
            stage.high[tree, node],
        )
        for node in (0, 1)
    )
    reached: NDArray[np.float64] = stage.leaves[tree][-np.where(first > 0, second, first)]
    return reached


def _feature(
    stage: Stage, tree: int, node: int, sums: NDArray[np.float64], at: NDArray[np.int64]
) -> NDArray[np.float64]:
    return sum(
        (
            weight * _sum(sums, at, rect)
            for rect, weight in zip(stage.rects[tree, node], stage.weights[tree, node], strict=True)
            if weight
        ),
        start=np.zeros(len(at)),
    )


def _sum(sums: NDArray[np.float64], at: NDArray[np.int64], rect: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sum of a rectangle in each window. ``at``: places of the windows' corners in the flat table."""
    left, top, right, bottom = (int(value) for value in rect)
    flat, row = sums.ravel(), sums.shape[1]
    corner: NDArray[np.float64] = (
        flat[at + bottom * row + right]
        - flat[at + top * row + right]
        - flat[at + bottom * row + left]
        + flat[at + top * row + left]
    )
    return corner


def grouped(windows: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The mean window of each group that overlaps and is large enough. ``windows``: left, top, right, bottom."""
    groups: list[list[NDArray[np.float64]]] = []
    for window in windows:
        for group in groups:
            if _overlap(window, np.mean(group, axis=0)) >= _SAME:
                group.append(window)
                break
        else:
            groups.append([window])
    return [np.mean(group, axis=0) for group in groups if len(group) >= _LEAST_WINDOWS]


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(across * down / (both - across * down))


def blur(image: Image.Image, face: Box) -> None:
    """Leave so few colours of a face and its margin that nobody can be recognised."""
    left, top, right, bottom = face
    margin = round(_MARGIN * (right - left))
    box = (
        max(0, left - margin),
        max(0, top - margin),
        min(image.width, right + margin),
        min(image.height, bottom + margin),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    region = image.crop(box)
    few = region.resize((_CELLS, _CELLS), Image.Resampling.BOX)
    image.paste(few.resize(region.size, Image.Resampling.BICUBIC), box)
