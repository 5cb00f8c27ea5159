"""Calls about a request's parts, and their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Final

import msgspec

from seawall.detect.extraction_cache import CachedExtraction
from seawall.model.content import Part
from seawall.model.signals import DetectorResult, ExtractedParts, PartHash, Signal, Unknown, UnknownReason

MISSED_DEADLINE: Final = (UnknownReason.DEADLINE, "")


class Findings(msgspec.Struct, frozen=True):
    """What the detectors found, in the order of detectors, then of parts. A declared signal that is missing is 0.

    ``parts``: all parts, the item's own and those extracted from them. ``hashes`` are for the vault.
    """

    signals: tuple[Signal, ...]
    unknown: tuple[Unknown, ...]
    hashes: tuple[PartHash, ...] = ()
    parts: tuple[Part, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()  # detector, part: outside its score ranges
    made: tuple[CachedExtraction, ...] = ()  # results of extractors, as far as they can be cached

    @property
    def reused(self) -> tuple[tuple[str, str], ...]:
        """Extractor and part of results taken from an earlier evaluation."""
        return tuple((each.extractor, each.part) for each in self.made if each.reused)


class DetectorCall:
    """One detector's call about some parts. ``answers`` is filled as they arrive; None: still missing.

    Parts refused at once come last, with their answer. ``skipped``: parts outside the detector's score ranges.
    ``again``: the earlier call about the same paths with fewer parts to read, whose answers these replace. ``replies``:
    one for each batch answered by a queue.
    """

    __slots__ = ("again", "answers", "detector", "parts", "replies", "skipped")

    def __init__(
        self, detector: str, parts: Sequence[Part], refused: Sequence[Unknown] = (), *, again: bool = False
    ) -> None:
        """``refused``: the answers about the last parts."""
        self.detector = detector
        self.parts = parts
        self.answers: list[DetectorResult | None] = [None] * (len(parts) - len(refused))
        self.answers += refused
        self.again = again
        self.skipped: Sequence[Part] = ()
        self.replies: list[Future[list[DetectorResult]]] = []

    @property
    def unanswered(self) -> Sequence[Part]:
        """The parts to ask about; they come first until answers arrive."""
        return self.parts[: self.answers.count(None)]

    def narrow(self, asked: Sequence[Part], skipped: Sequence[Part]) -> None:
        """Ask about some of the unanswered parts only."""
        count = len(self.unanswered)
        self.parts = [*asked, *self.parts[count:]]
        self.answers = [None] * len(asked) + self.answers[count:]
        self.skipped = skipped

    def expect(self, parts: Sequence[Part]) -> None:
        """Add parts to ask about."""
        self.parts = [*self.parts, *parts]
        self.answers += [None] * len(parts)

    def results(self) -> Iterator[tuple[Part, DetectorResult | None]]:
        """Each part with its answer. A skipped part counts as answered, with nothing found."""
        for part in self.skipped:
            yield part, ()
        yield from zip(self.parts, self.answers, strict=True)


class ExtractorCall:
    """One extractor's call about one part. ``answer`` is set once detectors were asked about the parts it made.

    ``recalled``: a cached result, used instead of a call. ``reply``: the answer of its queue.
    """

    __slots__ = ("answer", "extractor", "part", "recalled", "reply")

    def __init__(self, extractor: str, part: Part, recalled: ExtractedParts | None) -> None:
        self.extractor = extractor
        self.part = part
        self.recalled = recalled
        self.reply: Future[list[ExtractedParts | Unknown]] | None = None
        self.answer: ExtractedParts | Unknown | None = None


def findings(
    calls: Sequence[DetectorCall],
    unknown: Sequence[Unknown] = (),
    notes: Sequence[Signal | Unknown] = (),
    parts: Sequence[Part] = (),
    made: Sequence[CachedExtraction] = (),
    missing: tuple[UnknownReason, str] = MISSED_DEADLINE,
) -> Findings:
    """All answers so far. ``unknown`` and ``notes`` need no detector; ``missing``: why others are missing."""
    signals: list[Signal] = []
    gaps: list[Unknown] = []
    hashes: list[PartHash] = []
    skipped: list[tuple[str, str]] = []
    reason, detail = missing
    later: dict[tuple[str, str], DetectorResult | None] = {}
    for call in calls:
        if call.again:
            later.update(
                ((call.detector, part.path), answer) for part, answer in zip(call.parts, call.answers, strict=True)
            )
    for call in calls:
        if call.skipped:
            skipped.extend((call.detector, part.path) for part in call.skipped)
        if not later and call.answers.count(()) == len(call.answers):  # first, because most detectors find nothing
            continue
        for part, answer in zip(call.parts, call.answers, strict=True):
            if later and not call.again and _is_replaced(answer, later, (call.detector, part.path)):
                continue
            if answer is None:
                gaps.append(Unknown(detector=call.detector, part=part.path, reason=reason, detail=detail))
            elif isinstance(answer, Unknown):
                gaps.append(answer)
            else:
                for one in answer:
                    if isinstance(one, PartHash):
                        hashes.append(one)
                    else:
                        signals.append(one)
    gaps += unknown
    for note in notes:
        if isinstance(note, Signal):
            signals.append(note)
        else:
            gaps.append(note)
    return Findings(tuple(signals), tuple(gaps), tuple(hashes), tuple(parts), tuple(skipped), tuple(made))


def _is_replaced(
    answer: DetectorResult | None, later: Mapping[tuple[str, str], DetectorResult | None], key: tuple[str, str]
) -> bool:
    """Whether a later answer replaces this one. A known answer stays if the later one is missing or unknown."""
    return key in later and (isinstance(later[key], tuple) or not isinstance(answer, tuple))
