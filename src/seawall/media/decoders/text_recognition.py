"""Text recognition in images: RapidOCR (PP-OCR models, bundled with it) on onnxruntime. Takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rapidocr import RapidOCR
from rapidocr.utils.output import RapidOCROutput

from seawall.media.decoders import images, open_image
from seawall.media.decoders.operation import Answer, Operation

_SMALL: Final = 640  # pixels: smaller images are enlarged
_SHORTER, _LONGER = 1_280, 2_000  # pixels: larger images are reduced, longer ones read in pieces
_OVERLAP: Final = 120
_MOST_PIECES: Final = 12


@dataclass(frozen=True, slots=True)
class RecognisedLine:
    """A line of text: its box in pixels of the image as displayed, and the confidence."""

    text: str
    score: float
    box: tuple[int, int, int, int]


def load() -> dict[str, Operation]:
    """The recogniser, tried once. Raises ``ImportError`` without rapidocr."""
    reader = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Det.limit_type": "max",  # small images are not enlarged: a third of the time, the same text
            "Det.limit_side_len": _LONGER,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    images.load()

    def words(data: bytes, options: dict[str, Any]) -> Answer:
        """Lines of text, from top to bottom. Options: ``max_pixels``, ``score`` (minimum)."""
        with open_image.opened(data, options) as image:
            whole = image.size
            image.draft("RGB", (_SHORTER, _SHORTER))
            shown = open_image.as_shown(image)
        shown = at_reading_size(shown)
        scale = max(whole) / max(shown.size)
        lines: list[RecognisedLine] = []
        for left, top, piece in pieces(shown):
            for line in read(reader, piece, left, top, scale):
                if line.score >= options["score"] and not any(is_same(line, other) for other in lines):
                    lines.append(line)
        return sorted(lines, key=lambda line: (line.box[1], line.box[0])), ()

    sample = Image.new("RGB", (160, 48), "white")
    ImageDraw.Draw(sample).text((10, 10), "words", fill="black", font=ImageFont.load_default(24))
    read(reader, np.asarray(sample), 0, 0, 1.0)  # with text in it: the first text loads more modules
    return {"words": words}


def at_reading_size(image: Image.Image) -> Image.Image:
    """Scale small images up, large ones down, and long ones (screenshots of chats) as little as possible."""
    shorter, longer = sorted(image.size)
    factor = min(4.0, _SMALL / longer) if longer < _SMALL else min(1.0, _SHORTER / shorter)
    factor = min(factor, _LONGER * _MOST_PIECES / longer)
    if factor == 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX)


def pieces(image: Image.Image) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Overlapping pieces of the image that are read at full size: left, top, pixels."""
    width, height = image.size
    step = _LONGER - _OVERLAP
    for top in range(0, max(1, height - _OVERLAP), step):
        for left in range(0, max(1, width - _OVERLAP), step):
            yield left, top, np.asarray(image.crop((left, top, min(width, left + _LONGER), min(height, top + _LONGER))))


def read(reader: RapidOCR, pixels: NDArray[np.uint8], left: int, top: int, scale: float) -> list[RecognisedLine]:
    """Lines in RGB pixels of shape (height, width, 3)."""
    found = reader(np.ascontiguousarray(pixels[..., ::-1]))  # it takes BGR
    if not isinstance(found, RapidOCROutput) or found.txts is None or found.boxes is None or found.scores is None:
        return []
    lines = []
    for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
        (x0, y0), (x1, y1) = np.min(corners, axis=0), np.max(corners, axis=0)
        box = (int((x0 + left) * scale), int((y0 + top) * scale), int((x1 + left) * scale), int((y1 + top) * scale))
        if text.strip():
            lines.append(RecognisedLine(text.strip(), float(score), box))
    return lines


def is_same(line: RecognisedLine, other: RecognisedLine) -> bool:
    """Whether two pieces found the same line: their boxes share half of the smaller one's area."""
    across = min(line.box[2], other.box[2]) - max(line.box[0], other.box[0])
    down = min(line.box[3], other.box[3]) - max(line.box[1], other.box[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (line.box, other.box))
    return across > 0 and down > 0 and across * down > smaller / 2
