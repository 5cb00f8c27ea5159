"""Batches: of texts that are nearly the same, a dear detector is asked about one, and its answer stands for all.

What is copied says so: a copied signal's evidence ends in ``like:<item>``, the item whose text was judged. Only whole
texts in the same language with the same pictograms are alike (a single emoji can turn a text round), and each is
near the one that was judged, not merely near a neighbour of it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from seawall.content.normalise import normalise
from seawall.match.neartext import clusters
from seawall.model.content import Modality, Part
from seawall.model.signals import DetectorResult, Signal, Unknown

NEAR: Final = 0.85
"""How much of their 5-grams two texts have in common from which on they count as the same (MinHash estimate)."""

Ask = Callable[[Sequence[Part]], Sequence[DetectorResult]]


class Alike:
    """Spares dear detectors the near-duplicates in a batch, and counts. Made for one batch after the other.

    ``copied``: by detector, the parts whose answer is another's. ``asked``: by detector, the parts asked about.
    """

    def __init__(self, near: float = NEAR) -> None:
        """``near``: 0.5 to 1. Raises ValueError."""
        if not 0.5 <= near <= 1:
            raise ValueError(f"near is {near}; write a share from 0.5 to 1, such as {NEAR}")
        self.near = near
        self.asked: Counter[str] = Counter()
        self.copied: Counter[str] = Counter()

    def answers(self, detector: str, parts: Sequence[Part], items: Sequence[str], ask: Ask) -> list[DetectorResult]:
        """One answer for each part. ``items`` names the item of each part, for evidence."""
        leaders = self._leaders(parts)
        asked = sorted(set(leaders))
        told = dict(zip(asked, ask([parts[at] for at in asked]), strict=True))
        self.asked[detector] += len(asked)
        self.copied[detector] += len(parts) - len(asked)
        return [
            told[leader] if leader == at else copied(told[leader], parts[at], items[leader])
            for at, leader in enumerate(leaders)
        ]

    def _leaders(self, parts: Sequence[Part]) -> list[int]:
        """For each part the place of the one that stands for it."""
        leaders = list(range(len(parts)))
        groups: dict[tuple[str | None, str], list[int]] = defaultdict(list)
        for at, part in enumerate(parts):
            if part.modality is Modality.TEXT and part.text:
                groups[part.language, _pictograms(part.text)].append(at)
        for group in groups.values():
            found = clusters([parts[at].text or "" for at in group], self.near, normalise)
            for at, leader in zip(group, found, strict=True):
                leaders[at] = group[leader]
        return leaders


def copied(answer: DetectorResult, part: Part, item: str) -> DetectorResult:
    """An answer about one part, said of another that is like it."""
    if isinstance(answer, Unknown):
        return replace(answer, part=part.path, detail=f"{answer.detail} like:{item}".strip())
    return tuple(
        replace(each, part=part.path, span=None, evidence=f"{each.evidence or ''} like:{item}".strip())
        for each in answer
        if isinstance(each, Signal)  # a fingerprint is of one text alone
    )


def _pictograms(text: str) -> str:
    return "".join(sorted(char for char in text if unicodedata.category(char) in ("So", "Sk")))
