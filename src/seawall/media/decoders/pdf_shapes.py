"""Shapes that a PDF draws: letters among them are rendered, so that text recognition can read them.

Letters drawn as shapes are small, stand in rows, close to each other, and differ. Bars, cells, arrows and marks of
charts and tables do not: they are rectangles and lines, far apart, or alike.
"""

from __future__ import annotations

import io
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageChops, ImageDraw

Point = tuple[float, float]
Box = tuple[float, float, float, float]
_SMALLEST, _LARGEST = 2.5, 80.0  # points: height of a letter
_MOST_SHAPES: Final = 6_000  # of a page
_FEWEST, _FEWEST_FORMS = 5, 4  # letters of a row, and different ones
_GAP: Final = 1.2  # of the letters' height: the usual distance between two letters of a row
MANY_LETTERS: Final = 16  # of a page: fewer are a mark of a firm
_HEIGHT: Final = 40  # pixels of a rendered letter
_LONGEST_SIDE: Final = 3_000
_MOST_PIXELS: Final = 60_000_000  # painted for one page
_EDGE: Final = 12  # pixels around the letters


@dataclass(frozen=True, slots=True)
class Shape:
    """A closed or open line of a path that is painted. ``group``: those of one path are painted together."""

    points: tuple[Point, ...]
    box: Box
    is_filled: bool
    group: int

    @property
    def height(self) -> float:
        """Height in points."""
        return self.box[3] - self.box[1]

    @property
    def width(self) -> float:
        """Width in points."""
        return self.box[2] - self.box[0]


@dataclass(slots=True)
class ShapeList:
    """The small shapes of a page. ``is_cut``: there were more."""

    shapes: list[Shape] = field(default_factory=list)
    groups: int = 0
    is_cut: bool = False

    def paint(self, path: Sequence[Sequence[Point]], *, is_filled: bool) -> None:
        """Add the lines of a path that may be parts of letters."""
        self.groups += 1
        for points in path:
            box = bounds(points)
            if box is None or not _may_be_letter(points, box):
                continue
            if len(self.shapes) >= _MOST_SHAPES:
                self.is_cut = True
                return
            self.shapes.append(Shape(tuple(points), box, is_filled, self.groups))


def bounds(points: Sequence[Point]) -> Box | None:
    """The box around points; None without any."""
    if not points:
        return None
    across, along = [point[0] for point in points], [point[1] for point in points]
    return min(across), min(along), max(across), max(along)


def letters(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes that stand in rows like letters."""
    tall = [shape for shape in shapes if shape.height >= _SMALLEST and _is_form(shape)]
    found: list[Shape] = []
    for row in _rows(tall):
        if _is_text(row):
            found += row
    return found


def rendered(shapes: Sequence[Shape], found: Sequence[Shape]) -> bytes | None:
    """An image of the letters ``found`` and of all shapes around them, black on white; None if it takes too much."""
    height = statistics.median(shape.height for shape in found)
    left, bottom, right, top = (
        min(shape.box[0] for shape in found) - height,
        min(shape.box[1] for shape in found) - height,
        max(shape.box[2] for shape in found) + height,
        max(shape.box[3] for shape in found) + height,
    )
    scale = min(_HEIGHT / height, _LONGEST_SIDE / (right - left), _LONGEST_SIDE / (top - bottom))
    canvas = Image.new("L", (int((right - left) * scale) + 2 * _EDGE, int((top - bottom) * scale) + 2 * _EDGE), 0)
    groups: dict[int, list[Shape]] = {}
    for shape in shapes:
        if left < shape.box[0] and shape.box[2] < right and bottom < shape.box[1] and shape.box[3] < top:
            groups.setdefault(shape.group, []).append(shape)
    spent = 0
    for group in groups.values():
        placed = [[((x - left) * scale + _EDGE, (top - y) * scale + _EDGE) for x, y in each.points] for each in group]
        box = bounds([point for points in placed for point in points])
        assert box is not None
        corner = int(box[0]) - 2, int(box[1]) - 2
        size = int(box[2]) - corner[0] + 4, int(box[3]) - corner[1] + 4
        spent += size[0] * size[1] * len(group)
        if spent > _MOST_PIXELS:
            return None
        mask = _mask(group, [[(x - corner[0], y - corner[1]) for x, y in points] for points in placed], size, scale)
        canvas.paste(255, corner, mask)
    encoded = io.BytesIO()
    ImageChops.invert(canvas).save(encoded, "PNG")
    return encoded.getvalue()


def _mask(group: Sequence[Shape], placed: list[list[Point]], size: tuple[int, int], scale: float) -> Image.Image:
    """What a path paints: a line within another leaves a hole, as in the letter O."""
    mask = Image.new("1", size, 0)
    for shape, points in zip(group, placed, strict=True):
        drawn = Image.new("1", size, 0)
        if shape.is_filled and len(points) > 2:
            ImageDraw.Draw(drawn).polygon(points, fill=1)
            mask = ImageChops.logical_xor(mask, drawn)
        else:
            ImageDraw.Draw(drawn).line(points, fill=1, width=max(2, round(scale)))
            mask = ImageChops.logical_or(mask, drawn)
    return mask


def _may_be_letter(points: Sequence[Point], box: Box) -> bool:
    width, height = box[2] - box[0], box[3] - box[1]
    return len(points) > 1 and max(width, height) > 0.3 and width <= 3 * _LARGEST and height <= _LARGEST


def _is_form(shape: Shape) -> bool:
    """Whether it is more than a straight line or an upright rectangle, and not long."""
    corners = {(round(x, 1), round(y, 1)) for x, y in shape.points}
    if len(corners) < 3 or shape.width > 3 * shape.height:
        return False
    return len(corners) > 4 or len({x for x, _ in corners}) > 2 or len({y for _, y in corners}) > 2 or shape.width < 1.5


def _rows(shapes: Sequence[Shape]) -> list[list[Shape]]:
    """Shapes side by side."""
    rows: list[list[Shape]] = []
    for shape in sorted(shapes, key=_middle, reverse=True):
        row = rows[-1] if rows else None
        if row is not None and abs(_middle(shape) - _middle(row[0])) <= 0.6 * max(shape.height, row[0].height):
            row.append(shape)
        else:
            rows.append([shape])
    return rows


def _is_text(row: Sequence[Shape]) -> bool:
    """Whether a row is one of letters: some of them, different ones, of about one height, near each other."""
    if len(row) < _FEWEST:
        return False
    height = statistics.median(shape.height for shape in row)
    alike = [shape for shape in row if 0.4 * height <= shape.height <= 2.5 * height]
    forms = {(round(shape.width / height, 1), round(shape.height / height, 1), len(shape.points)) for shape in alike}
    if len(alike) < _FEWEST or len(forms) < _FEWEST_FORMS:
        return False
    ordered = sorted(alike, key=lambda shape: shape.box[0])
    gaps = [after.box[0] - before.box[2] for before, after in itertools.pairwise(ordered)]
    return -height < statistics.median(gaps) <= _GAP * height


def _middle(shape: Shape) -> float:
    return (shape.box[1] + shape.box[3]) / 2
