"""Groups recognised lines of text in an image into blocks, because a sentence may continue on the next line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from seawall.media.results import Box, TextLine


def blocks(lines: Sequence[TextLine]) -> list[tuple[str, Box]]:
    """Text (lines separated by line breaks) and box of each block, from top to bottom.

    A line continues the block above it when it is about as tall, starts less than a line's height below it, and
    overlaps it by half of the narrower one's width. Lines side by side at one height are read from left to right, or,
    in Arabic and Hebrew letters, from right to left.
    """
    found: list[list[TextLine]] = []
    for line in _in_rows(lines):
        for block in reversed(found):
            if _continues(block[-1], line):
                block.append(line)
                break
        else:
            found.append([line])
    return [("\n".join(line.text for line in block), _around([line.box for line in block])) for block in found]


def _in_rows(lines: Sequence[TextLine]) -> list[TextLine]:
    """Join pieces of one row when the gap between them is less than a line's height."""
    rows: list[TextLine] = []
    for line in sorted(lines, key=lambda line: (line.box[0], line.box[1])):
        for number, other in enumerate(rows):
            height = min(_height(line.box), _height(other.box))
            beside = 0 <= line.box[0] - other.box[2] + height <= 2 * height
            if beside and _shared(line.box, other.box, 1) >= 0.6 and _is_like(line, other):
                texts = (line.text, other.text) if _is_from_the_right(line.text) else (other.text, line.text)
                score = min(line.score, other.score)
                rows[number] = TextLine(" ".join(texts), score, _around([other.box, line.box]))
                break
        else:
            rows.append(line)
    return sorted(rows, key=lambda line: (line.box[1], line.box[0]))


def _is_from_the_right(text: str) -> bool:
    """Whether the first letter is written from right to left."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind != "L" for kind in kinds if kind in ("L", "R", "AL")), False)


def _continues(above: TextLine, line: TextLine) -> bool:
    gap = line.box[1] - above.box[3]
    near = -0.6 * _height(above.box) <= gap <= 0.9 * min(_height(above.box), _height(line.box))
    return near and line.box[1] > above.box[1] and _shared(above.box, line.box, 0) >= 0.5 and _is_like(above, line)


def _is_like(one: TextLine, other: TextLine) -> bool:
    heights = sorted((_height(one.box), _height(other.box)))
    return heights[1] <= 1.6 * heights[0]


def _shared(one: Box, other: Box, axis: int) -> float:
    """Overlap of both boxes along x (0) or y (1), as a share of the shorter extent."""
    common = min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis])
    return common / max(1, min(one[axis + 2] - one[axis], other[axis + 2] - other[axis]))


def _height(box: Box) -> int:
    return max(1, box[3] - box[1])


def _around(boxes: Sequence[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)
