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

# Of a line of text that cannot be read (``is_unread``): measured on 15 scripts, and on 330 lines of degraded Latin.
_LEAST_HEIGHT, _DOUBTED_HEIGHT = 16, 30  # pixels: smaller letters cannot be told from texture
_LEAST_SHAPE, _DOUBTED_SHAPE = 2.5, 4.0  # width by height
_NO_LETTERS, _FEW_LETTERS = 0.3, 1.5  # per height of the line
_SURELY_TEXT, _CLEARLY_TEXT = 0.65, 0.8
_SURELY_NOTHING, _DOUBTED = 0.75, (0.38, 0.78)


@dataclass(frozen=True, slots=True)
class RecognisedLine:
    """A line of text: its box in pixels of the image as displayed, and the confidence."""

    text: str
    score: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class WordsOfImage:
    """The answer to ``words``: see ``seawall.media.results.ImageWords``."""

    lines: tuple[RecognisedLine, ...]
    unread: bool


class LineReader(RapidOCR):
    """RapidOCR that also tells whether it found a line of text and could not read it.

    Letters of a script that the recogniser does not know become nothing, or a few marks, or other letters that it is
    unsure of; RapidOCR itself leaves out such lines. ``unread`` is about the last image.
    """

    unread = False

    def run_ocr_steps(self, img: NDArray[np.uint8], op_record: dict[str, Any]) -> Any:
        """Find, turn and read the lines."""
        steps = super().run_ocr_steps(img, op_record)
        found, _, recognised, crops = steps
        read = zip(crops, found.scores or (), recognised.txts or (), recognised.scores or (), strict=False)
        self.unread = any(
            is_unread(text, float(score), crop.shape[1], crop.shape[0], float(sure)) for crop, sure, text, score in read
        )
        return steps


def is_unread(text: str, score: float, width: int, height: int, sure: float) -> bool:
    """Whether a line of text is in a script that the recogniser does not know.

    ``sure``: of its being text. A line of a known script has at least one letter per height of the line (measured: 1.0
    to 3.1); what is nearly square may be a picture. A line that became nothing, or spaces and marks, is read with great
    certainty or none; a blurred one, with some. Lines read as wrong letters are told by the recogniser's doubt
    where the finder of lines has none.
    """
    shape = width / height
    if height < _LEAST_HEIGHT or shape < _LEAST_SHAPE:
        return False
    letters = sum(map(str.isalnum, text)) / shape
    if letters < _NO_LETTERS:
        return sure >= _SURELY_TEXT and (not text or score >= _SURELY_NOTHING)
    return (
        letters < _FEW_LETTERS
        and shape >= _DOUBTED_SHAPE
        and height >= _DOUBTED_HEIGHT
        and sure >= _CLEARLY_TEXT
        and _DOUBTED[0] <= score < _DOUBTED[1]
    )


def load() -> dict[str, Operation]:
    """The recogniser, tried once. Raises ``ImportError`` without rapidocr."""
    reader = LineReader(
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
        """Lines of text, from top to bottom, and whether others are in a script that is not read.

        Options: ``max_pixels``, ``score`` (minimum).
        """
        with open_image.opened(data, options) as image:
            whole = image.size
            image.draft("RGB", (_SHORTER, _SHORTER))
            shown = open_image.as_shown(image)
        shown = at_reading_size(shown)
        scale = max(whole) / max(shown.size)
        lines: list[RecognisedLine] = []
        unread = False
        for left, top, piece in pieces(shown):
            for line in read(reader, piece, left, top, scale):
                if line.score >= options["score"] and not any(is_same(line, other) for other in lines):
                    lines.append(line)
            unread = unread or reader.unread
        return WordsOfImage(tuple(sorted(lines, key=lambda line: (line.box[1], line.box[0]))), unread), ()

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
