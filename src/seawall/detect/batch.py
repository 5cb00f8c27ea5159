"""Runs detectors on many items at once, in the calling thread and without deadlines, for files and backfills.

For near-duplicate texts, an expensive detector may be called for one of them, and its answer is copied to the others. A
copied signal is marked: its evidence ends in ``like:<item>``, the item whose text was measured. Only whole texts in the
same language with the same pictograms are near-duplicates (a single emoji can change a text's meaning), and each is
compared with the measured text itself, not with a neighbour of it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from seawall.content.normalise import normalise
from seawall.detect.call import Installed
from seawall.detect.cascade import choose, measured, measuring
from seawall.detect.extraction import Extraction, ExtractorsByField, is_media
from seawall.detect.findings import DetectorCall, Findings, findings
from seawall.match.neartext import clusters
from seawall.model.content import Modality, Part
from seawall.model.signals import Cost, DetectorResult, Signal, Unknown

NEAR: Final = 0.85
"""Share of common 5-grams from which two texts count as near-duplicates (MinHash estimate)."""
_BATCH: Final = 512  # parts per call

_Ask = Callable[[Sequence[Part]], Sequence[DetectorResult]]


class NearDuplicates:
    """Groups near-duplicates of a batch, so that expensive detectors are called for one of each group. Used for one
    batch after the other.

    ``copied``: by detector, the number of parts with a copied answer. ``asked``: by detector, the number sent to it.
    """

    def __init__(self, near: float = NEAR) -> None:
        """``near``: 0.5 to 1. Raises ValueError."""
        if not 0.5 <= near <= 1:
            raise ValueError(f"near is {near}; write a share from 0.5 to 1, such as {NEAR}")
        self.near = near
        self.asked: Counter[str] = Counter()
        self.copied: Counter[str] = Counter()

    def answers(self, detector: str, parts: Sequence[Part], items: Sequence[str], ask: _Ask) -> list[DetectorResult]:
        """One answer for each part. ``items`` names the item of each part, for evidence."""
        leaders = self._leaders(parts)
        asked = sorted(set(leaders))
        known = dict(zip(asked, ask([parts[at] for at in asked]), strict=True))
        self.asked[detector] += len(asked)
        self.copied[detector] += len(parts) - len(asked)
        return [
            known[leader] if leader == at else _copied(known[leader], parts[at], items[leader])
            for at, leader in enumerate(leaders)
        ]

    def _leaders(self, parts: Sequence[Part]) -> list[int]:
        """For each part the index of the part whose answer it gets."""
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


def _copied(answer: DetectorResult, part: Part, item: str) -> DetectorResult:
    """An answer about one part, copied to a near-duplicate."""
    if isinstance(answer, Unknown):
        return replace(answer, part=part.path, detail=f"{answer.detail} like:{item}".strip())
    return tuple(
        replace(each, part=part.path, span=None, evidence=f"{each.evidence or ''} like:{item}".strip())
        for each in answer
        if isinstance(each, Signal)  # a hash belongs to one text only
    )


def _pictograms(text: str) -> str:
    return "".join(sorted(char for char in text if unicodedata.category(char) in ("So", "Sk")))


# ── the batch ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _Item:
    """One item of the batch: its parts, extracted ones included, and the calls about them."""

    def __init__(self, parts: Sequence[Part], name: str, extraction: Extraction | None) -> None:
        self.parts = parts
        self.name = name
        self.extraction = extraction
        self.unknown: list[Unknown] = []
        self.notes: list[Signal | Unknown] = []
        self.calls: list[tuple[Installed, DetectorCall]] = []

    def extract(self, extractors: Mapping[str, Installed]) -> None:
        """Call extractors until no new parts come."""
        extraction = self.extraction
        if extraction is None:
            return
        extraction.begin(self.parts)
        new: Sequence[Part] = self.parts
        while new:
            calls, unknown = extraction.plan(new)
            self.unknown += unknown
            new = []
            for call in calls:
                [answer] = extractors[call.extractor].ask((call.part,))
                if isinstance(answer, Unknown):
                    self.unknown += extraction.lost(call.extractor, call.part, answer.reason, answer.detail)
                else:
                    extracted = extraction.take(call, answer)
                    self.notes += extracted.notes
                    new = [*new, *extracted.parts]
            self.parts = [*self.parts, *new]

    def plan(self, detector: Installed) -> DetectorCall:
        """Plan the call to a detector, given the answers of earlier ones."""
        call = detector.plan(self.parts)
        if detector.ranges:
            named = measuring(detector.ranges, [other.spec for other, _ in self.calls])
            cheap = [(other.spec, each) for other, each in self.calls if other.name in named]
            values = measured((spec, part, answer) for spec, each in cheap for part, answer in each.results())
            call.narrow(*choose(detector.ranges, call.unanswered, values))
        self.calls.append((detector, call))
        return call

    def findings(self) -> Findings:
        """All answers."""
        return findings([call for _, call in self.calls], self.unknown, self.notes, self.parts)


def run_batch(
    detectors: Sequence[Installed],
    extractors: Mapping[str, Installed],
    items: Sequence[Sequence[Part]],
    wanted: ExtractorsByField,
    unchecked: Collection[str],
    near_duplicates: NearDuplicates | None,
    names: Sequence[str],
) -> list[Findings]:
    """Findings for each item. ``detectors``: each after those whose signals it waits for."""
    specs = {name: extractor.spec for name, extractor in extractors.items()}
    readers = [detector.spec for detector in detectors]
    batch = [
        _Item(parts, name, Extraction(specs, wanted, readers, unchecked) if wanted and is_media(parts) else None)
        for parts, name in zip(items, names or map(str, range(len(items))), strict=True)
    ]
    for item in batch:
        item.extract(extractors)
    for detector in detectors:
        calls = [(item, item.plan(detector)) for item in batch]
        parts = [part for _, call in calls for part in call.unanswered]
        whose = [item.name for item, call in calls for _ in call.unanswered]
        answers = iter(_ask_many(detector, parts, whose, near_duplicates))
        for _, call in calls:
            count = len(call.unanswered)
            call.answers[:count] = [next(answers) for _ in range(count)]
    return [item.findings() for item in batch]


def _ask_many(
    detector: Installed, parts: Sequence[Part], items: Sequence[str], near_duplicates: NearDuplicates | None
) -> list[DetectorResult]:
    def in_batches(some: Sequence[Part]) -> list[DetectorResult]:
        starts = range(0, len(some), _BATCH)
        return [answer for first in starts for answer in detector.ask(some[first : first + _BATCH])]

    if near_duplicates is None or detector.cost is not Cost.SLOW:
        return in_batches(parts)
    return near_duplicates.answers(detector.name, parts, items, in_batches)
