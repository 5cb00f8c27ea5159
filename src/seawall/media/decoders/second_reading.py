"""Lines of an image that the first reader of words could not read, or doubted, read by Tesseract in each language.

A model writes something of any line: Thai letters of a Latin one. A reading counts by its confidence times the share of
its letters that are of the model's own script. The limits were measured on drawn lines of twelve scripts
(``benchmarks/scripts.py``).
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from seawall.media.decoders import images, open_image
from seawall.media.decoders.operation import Answer, Operation
from seawall.media.decoders.reading_size import SHORTER, at_reading_size
from seawall.media.tesseract import SCRIPTS, LanguageModel, TesseractError

LEAST_UNREAD: Final = 0.65
"""The least score of a reading of a line that is otherwise unread: other letters reached 0.61, but for Thai."""
LEAST_DOUBTED: Final = 0.8
"""The least score of a reading that replaces one that the first reader doubts."""
LEAST_OF: Final = {"Thai": 0.9}
"""Of scripts whose model is sure of lines in others: it reached 0.87 there, and 0.91 to 0.94 in its own."""
_SURE: Final = 0.9  # no other language is tried
_MOST_LINES: Final = 60
_MOST_PIXELS: Final = 400_000  # of a line
_MARGIN: Final = 10  # pixels of the ground's colour around a line: letters that touch the edge are misread
_UPRIGHT: Final = 1.5  # a line higher than this times its width is turned, as the first reader does

Corners = Sequence[float]
"""Of a line, clockwise from its upper left one: x, y, x, y …; in pixels of the image as displayed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of a line: its number among those asked for."""

    line: int
    text: str
    score: float
    script: str


def load(languages: Sequence[str]) -> dict[str, Operation]:
    """The languages, each tried once. Raises ``ImportError`` when one is not installed."""
    images.load()
    try:
        models = {name: LanguageModel(name) for name in languages}
    except TesseractError as error:
        raise ImportError(str(error)) from error

    def lines(data: bytes, options: dict[str, Any]) -> Answer:
        """Readings of lines. Options: ``max_pixels``; ``corners`` of each line; ``unread``: whether it was not read;
        ``seconds``, after which the remaining lines are left unread.
        """
        until = time.monotonic() + options["seconds"]
        with open_image.opened(data, options) as image:
            whole = image.size
            image.draft("RGB", (SHORTER, SHORTER))
            shown = open_image.as_shown(image)
        page = at_reading_size(shown).convert("L")
        scale = max(page.size) / max(whole)
        readers = {name: _reader(model) for name, model in models.items()}
        found: list[Reading] = []
        for number, (corners, unread) in enumerate(zip(options["corners"], options["unread"], strict=True)):
            if number >= _MOST_LINES or time.monotonic() > until:
                break
            crop = cut(page, [value * scale for value in corners])
            text, score, language = best(readers, crop, LEAST_UNREAD if unread else LEAST_DOUBTED)
            if text:
                found.append(Reading(number, text, round(score, 3), SCRIPTS[language]))
                readers = {language: readers[language], **readers}  # the next line is likely in the same language
        return found, ()

    sample = Image.new("L", (160, 48), 255)
    for model in models.values():
        _reader(model)(sample)
    return {"lines": lines}


def _reader(model: LanguageModel) -> Callable[[Image.Image], tuple[str, float]]:
    return lambda crop: model.read(crop.tobytes(), *crop.size)


def best(
    readers: Mapping[str, Callable[[Image.Image], tuple[str, float]]], crop: Image.Image, least: float
) -> tuple[str, float, str]:
    """The reading of a line with the highest score, its score and its language; none with ``least``: an empty text."""
    found = ("", 0.0, "")
    for language, read in readers.items():
        text, confidence = read(crop)
        score = confidence * share_of_script(text, SCRIPTS[language])
        if score >= max(least, LEAST_OF.get(SCRIPTS[language], 0.0), found[1]):
            found = (text, score, language)
            if score >= _SURE:
                break
    return found


def share_of_script(text: str, script: str) -> float:
    """Which share of the letters, marks, digits and symbols is of a script; its spaces and punctuation do not count.

    Digits count against it: a model that does not know the letters of a line makes digits of them.
    """
    letters = [one for one in text if not one.isspace() and unicodedata.category(one) not in _NEUTRAL]
    names = [unicodedata.name(one, "") for one in letters]
    return sum(name.startswith(script.upper()) for name in names) / len(letters) if letters else 0.0


_NEUTRAL: Final = frozenset({"Po", "Pd", "Ps", "Pe", "Pi", "Pf", "Cf"})


def cut(page: Image.Image, corners: Corners) -> Image.Image:
    """A line, upright, with a margin, at most ``_MOST_PIXELS``."""
    x0, y0, x1, y1, x2, y2, x3, y3 = corners
    width = max(1, round(max(abs(complex(x1 - x0, y1 - y0)), abs(complex(x2 - x3, y2 - y3)))))
    height = max(1, round(max(abs(complex(x3 - x0, y3 - y0)), abs(complex(x2 - x1, y2 - y1)))))
    factor = min(1.0, (_MOST_PIXELS / (width * height)) ** 0.5)
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    quad = (x0, y0, x3, y3, x2, y2, x1, y1)
    line = page.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    if line.height >= _UPRIGHT * line.width:
        line = line.transpose(Image.Transpose.ROTATE_90)
    ground = int(np.bincount(np.asarray(line).ravel()).argmax())
    framed = Image.new("L", (line.width + 2 * _MARGIN, line.height + 2 * _MARGIN), ground)
    framed.paste(line, (_MARGIN, _MARGIN))
    return framed
