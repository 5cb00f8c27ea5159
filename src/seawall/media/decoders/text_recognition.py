"""Text recognition in images: RapidOCR (PP-OCR models, bundled with it) on onnxruntime. Takes seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rapidocr import RapidOCR
from rapidocr.utils.output import RapidOCROutput
from rapidocr.utils.process_img import map_boxes_to_original

from seawall.media.decoders import images, open_image
from seawall.media.decoders.operation import Answer, Operation
from seawall.media.decoders.reading_size import LONGER, SHORTER, at_reading_size

_OVERLAP: Final = 120  # pixels

# Of a line of text that cannot be read (``is_unread``): measured on 15 scripts, and on 330 lines of degraded Latin.
_LEAST_HEIGHT, _DOUBTED_HEIGHT = 16, 30  # pixels: smaller letters cannot be told from texture
_LEAST_SHAPE, _DOUBTED_SHAPE = 2.5, 4.0  # width by height
_NO_LETTERS, _FEW_LETTERS = 0.3, 1.5  # per height of the line
_SURELY_TEXT, _CLEARLY_TEXT = 0.65, 0.8
_SURELY_NOTHING, _DOUBTED = 0.75, (0.38, 0.78)

_DOUBTED_SCORE: Final = 0.9  # lines read in wrong letters had 0.5 to 0.86; sharp Latin and Chinese, 0.95 and more


@dataclass(frozen=True, slots=True)
class RecognisedLine:
    """A line of text: its box in pixels of the image as displayed, and the confidence."""

    text: str
    score: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class UnsureLine:
    """A line of text that was not read (``unread``) or is doubted: see ``seawall.media.results.DoubtedLine``."""

    corners: tuple[float, ...]
    box: tuple[int, int, int, int]
    unread: bool


@dataclass(frozen=True, slots=True)
class WordsOfImage:
    """The answer to ``words``: see ``seawall.media.results.ImageWords``."""

    lines: tuple[RecognisedLine, ...]
    doubted: tuple[UnsureLine, ...]


class LineReader(RapidOCR):
    """RapidOCR that also tells which lines of text it found and could not read, or is unsure of.

    Letters of a script that the recogniser does not know become nothing, or a few marks, or other letters that it is
    unsure of; RapidOCR itself leaves out such lines. ``doubted`` is about the last image: corners in its pixels, and
    whether the line is unread.
    """

    doubted: tuple[tuple[NDArray[np.float32], bool], ...] = ()
    _doubts: Sequence[tuple[int, bool]] = ()

    def run_ocr_steps(self, img: NDArray[np.uint8], op_record: dict[str, Any]) -> Any:
        """Find, turn and read the lines."""
        self.doubted, self._doubts = (), []
        steps = super().run_ocr_steps(img, op_record)
        found, _, recognised, crops = steps
        scores = recognised.scores or ()
        read = zip(crops, found.scores or (), recognised.txts or (), scores, strict=False)
        unread = [
            is_unread(text, float(score), crop.shape[1], crop.shape[0], float(sure)) for crop, sure, text, score in read
        ]
        self._doubts = [(number, one) for number, one in enumerate(unread) if one or scores[number] < _DOUBTED_SCORE]
        return steps

    def build_final_output(self, ori_img: NDArray[np.uint8], det_res: Any, *rest: Any) -> Any:
        """The lines, in pixels of the image."""
        if self._doubts and det_res.boxes is not None:
            op_record, (height, width) = rest[-1], ori_img.shape[:2]
            corners = map_boxes_to_original(det_res.boxes.copy(), op_record, height, width)
            self.doubted = tuple((corners[number], unread) for number, unread in self._doubts)
        return super().build_final_output(ori_img, det_res, *rest)


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
            "Det.limit_side_len": LONGER,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    images.load()

    def words(data: bytes, options: dict[str, Any]) -> Answer:
        """Lines of text, from top to bottom, and those that were not read or are doubted.

        Options: ``max_pixels``, ``score`` (minimum).
        """
        with open_image.opened(data, options) as image:
            whole = image.size
            image.draft("RGB", (SHORTER, SHORTER))
            shown = open_image.as_shown(image)
        shown = at_reading_size(shown)
        scale = max(whole) / max(shown.size)
        lines: list[RecognisedLine] = []
        doubted: list[UnsureLine] = []
        for left, top, piece in pieces(shown):
            for line in read(reader, piece, left, top, scale):
                if line.score >= options["score"] and not any(is_same(line.box, other.box) for other in lines):
                    lines.append(line)
            for corners, unread in reader.doubted:
                box = box_of(corners, left, top, scale)
                if not any(is_same(box, other.box) for other in doubted):
                    placed = on_image(corners, left, top, scale)
                    doubted.append(UnsureLine(tuple(map(float, placed.flat)), box, unread))
        return WordsOfImage(tuple(sorted(lines, key=lambda line: (line.box[1], line.box[0]))), tuple(doubted)), ()

    sample = Image.new("RGB", (160, 48), "white")
    ImageDraw.Draw(sample).text((10, 10), "words", fill="black", font=ImageFont.load_default(24))
    read(reader, np.asarray(sample), 0, 0, 1.0)  # with text in it: the first text loads more modules
    return {"words": words}


def pieces(image: Image.Image) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Overlapping pieces of the image that are read at full size: left, top, pixels."""
    width, height = image.size
    step = LONGER - _OVERLAP
    for top in range(0, max(1, height - _OVERLAP), step):
        for left in range(0, max(1, width - _OVERLAP), step):
            yield left, top, np.asarray(image.crop((left, top, min(width, left + LONGER), min(height, top + LONGER))))


def read(reader: RapidOCR, pixels: NDArray[np.uint8], left: int, top: int, scale: float) -> list[RecognisedLine]:
    """Lines in RGB pixels of shape (height, width, 3)."""
    found = reader(np.ascontiguousarray(pixels[..., ::-1]))  # it takes BGR
    if not isinstance(found, RapidOCROutput) or found.txts is None or found.boxes is None or found.scores is None:
        return []
    lines = []
    for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
        if text.strip():
            lines.append(RecognisedLine(text.strip(), float(score), box_of(corners, left, top, scale)))
    return lines


def on_image(corners: NDArray[np.float32], left: int, top: int, scale: float) -> NDArray[np.float32]:
    """Corners of a line, in pixels of the image as displayed."""
    placed: NDArray[np.float32] = (corners + np.array((left, top))) * scale
    return placed


def box_of(corners: NDArray[np.float32], left: int, top: int, scale: float) -> tuple[int, int, int, int]:
    """The box around corners, in whole pixels of the image as displayed."""
    placed = on_image(corners, left, top, scale)
    (x0, y0), (x1, y1) = placed.min(axis=0), placed.max(axis=0)
    return int(x0), int(y0), int(x1), int(y1)


def is_same(line: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    """Whether two pieces found the same line: their boxes share half of the smaller one's area."""
    across = min(line[2], other[2]) - max(line[0], other[0])
    down = min(line[3], other[3]) - max(line[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (line, other))
    return across > 0 and down > 0 and across * down > smaller / 2
