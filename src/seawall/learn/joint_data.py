"""Hatemoji as posts of words and an image: emoji are removed from the text and drawn; equal words carry both labels.

HatemojiBuild (Kirk et al. 2022) was written in pairs: many texts have a twin with the same words, another emoji and the
other label. Once the emoji are pixels, a text model alone cannot tell the twins apart; such rows are *confounders*.
Whole groups of them are held out (``joint_held_out.txt``) and test the joint model.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seawall.detectors.joint.pictograms import pictograms
from seawall.learn.datasets import DATASETS
from seawall.learn.dedupe import canonical, clusters
from seawall.learn.joint_scenes import PLAIN, ImageWear, compose, find, lookup

MOST_DRAWN = 12  # pictograms per image; some texts repeat one sixty times
_JOINERS = "\u200d\ufe0f\u20e3"


@dataclass(frozen=True, slots=True)
class HatemojiPost:
    """One row: its words, its pictograms (class and tone), whether it is hateful, and its group."""

    words: str
    drawn: tuple[tuple[int, int], ...]
    hateful: bool
    pair: str
    slice: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its pictograms, as an error-free reader would read them."""
        return tuple(pictograms()[number].named(tone) for number, tone in self.drawn)


@cache
def _sequences() -> re.Pattern[str]:
    known = sorted(lookup(), key=len, reverse=True)
    return re.compile("|".join("\ufe0f?".join(map(re.escape, sequence)) + "\ufe0f?" for sequence in known))


def split_post(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The words of a text, and its emoji in order. Symbols that cannot be drawn are removed from the text, too."""
    drawn: list[tuple[int, int]] = []

    def take(match: re.Match[str]) -> str:
        found = find(match[0])
        if match[0].isascii() or found is None:
            return match[0]
        drawn.append(found)
        return " "

    rest = _sequences().sub(take, text)
    kept = "".join(" " if unicodedata.category(c) in ("So", "Sk", "Cs", "Cn") or c in _JOINERS else c for c in rest)
    return " ".join(kept.split()), tuple(drawn[:MOST_DRAWN])


def posts(data: Path, split: str) -> list[HatemojiPost]:
    """Every row of a split of HatemojiBuild that contains an emoji."""
    found = []
    for example in DATASETS["hatemoji"].read(data, split):
        words, drawn = split_post(example.text)
        if drawn:
            found.append(HatemojiPost(words, drawn, example.labels["hate"] >= 0.5, example.group, example.slice))
    return found


def confounders(rows: Sequence[HatemojiPost]) -> NDArray[np.bool_]:
    """Which rows have a twin: the same words, the other label."""
    labels: dict[str, set[bool]] = defaultdict(set)
    forms = [canonical(row.words) for row in rows]
    for form, row in zip(forms, rows, strict=True):
        labels[form].add(row.hateful)
    return np.array([bool(form) and len(labels[form]) == 2 for form in forms], dtype=bool)


def groups(rows: Sequence[HatemojiPost]) -> NDArray[np.int64]:
    """A number per row, equal for rows linked by equal or nearly equal words or by the authors' pairs."""
    root = list(range(len(rows)))

    def find_root(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    first: dict[object, int] = {}
    spoken = [number for number, row in enumerate(rows) if canonical(row.words)]
    near = clusters([rows[number].words for number in spoken]) if spoken else np.zeros(0, dtype=np.int64)
    links = [(number, ("words", int(cluster))) for number, cluster in zip(spoken, near, strict=True)]
    links += [(number, ("pair", row.pair)) for number, row in enumerate(rows)]  # type: ignore[misc]
    for number, key in links:
        one, other = find_root(number), find_root(first.setdefault(key, number))
        root[max(one, other)] = min(one, other)
    return np.array([find_root(number) for number in range(len(rows))], dtype=np.int64)


def image(
    row: HatemojiPost, number: int, *, wear: ImageWear = PLAIN, grounds: Sequence[Image.Image] = ()
) -> NDArray[np.uint8]:
    """A post's pictograms drawn into one image; the same number gives the same image."""
    return compose(row.drawn, np.random.default_rng((number, 11)), wear=wear, grounds=grounds).pixels
