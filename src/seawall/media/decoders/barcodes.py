"""Barcodes in images, such as QR codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import zxingcpp
from PIL import Image

from seawall.media.decoders.colour_conversion import is_otherwise
from seawall.media.decoders.open_image import as_shown, opened
from seawall.media.decoders.operation import Answer

_FORMATS: Final = zxingcpp.BarcodeFormats(
    [
        zxingcpp.BarcodeFormat.QRCode,
        zxingcpp.BarcodeFormat.MicroQRCode,
        zxingcpp.BarcodeFormat.RMQRCode,
        zxingcpp.BarcodeFormat.DataMatrix,
        zxingcpp.BarcodeFormat.Aztec,
    ]
)
_LARGEST: Final = 2_000  # pixels of the longer side; larger images are read at 1/2, 1/3 …
_MOST: Final = 50
_MOST_PIECES: Final = 24  # of a long image; each is as long as the image is wide, and overlaps the next by half
_SMALLEST_PIECE: Final = 500


def codes(data: bytes, options: dict[str, Any]) -> Answer:
    """Text, format and box (pixels of the image as displayed) of each code.

    A large image is read as a whole at a reduced size, and a long one also in pieces whose size is not reduced as much:
    codes in long screenshots are as small as in usual ones.
    """
    with opened(data, options) as image:
        whole = image.size
        image.draft("RGB" if is_otherwise(image) else "L", (_LARGEST // 2, _LARGEST // 2))
        shown = as_shown(image).convert("L")
        scale = max(whole) / max(image.size)
    found: list[DecodedBarcode] = []
    for left, top, piece in _pieces(shown):
        for code in _read(piece, left, top, scale):
            if not any(code.text == other.text and _overlap(code.box, other.box) for other in found):
                found.append(code)
    return found[:_MOST], ()


@dataclass(frozen=True, slots=True)
class DecodedBarcode:
    """A code with its place in the image as displayed."""

    text: str
    kind: str
    box: tuple[int, int, int, int]


def _pieces(image: Image.Image) -> Iterator[tuple[int, int, Image.Image]]:
    """The whole, then overlapping squares where it is longer than two of its shorter side: left, top, pixels."""
    yield 0, 0, image
    width, height = image.size
    shorter, longer = min(image.size), max(image.size)
    if longer <= max(_LARGEST, 2 * shorter):
        return
    side = max(shorter, -(-2 * longer // _MOST_PIECES), _SMALLEST_PIECE)
    for start in range(0, longer - side // 2, side // 2):
        box = (0, start, width, min(height, start + side)) if height > width else (start, 0, start + side, height)
        yield box[0], box[1], image.crop((*box[:2], min(width, box[2]), min(height, box[3])))


def _read(piece: Image.Image, left: int, top: int, scale: float) -> Iterator[DecodedBarcode]:
    factor = -(-max(piece.size) // _LARGEST)
    pixels = np.asarray(piece.reduce(factor) if factor > 1 else piece)
    for code in zxingcpp.read_barcodes(pixels, formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain):
        if code.text:
            box = _box(code.position, factor)
            x0, y0, x1, y1 = box[0] + left, box[1] + top, box[2] + left, box[3] + top
            around = (int(x0 * scale), int(y0 * scale), int(x1 * scale), int(y1 * scale))
            yield DecodedBarcode(code.text[:5_000], str(code.format), around)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _box(position: zxingcpp.Position, scale: float) -> tuple[int, int, int, int]:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    across, down = [corner.x for corner in corners], [corner.y for corner in corners]
    left, top, right, bottom = (int(side * scale) for side in (min(across), min(down), max(across), max(down)))
    return left, top, right, bottom
