"""What was asked about a request's parts, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seawall.detect.remembered import Made
from seawall.model.content import Part
from seawall.model.signals import DetectorResult, ExtractedParts, PartHash, Signal, Unknown, UnknownReason


@dataclass(frozen=True, slots=True)
class Findings:
    """What the detectors found, in the order of detectors, then of parts. A promised signal not here is 0.

    ``parts`` are all that there were: the item's own and those derived from them. ``prints`` are for the vault.
    """

    signals: tuple[Signal, ...]
    unknown: tuple[Unknown, ...]
    hashes: tuple[PartHash, ...] = ()
    parts: tuple[Part, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()  # detector, part: outside its bands
    made: tuple[Made, ...] = ()  # what extractors gave, as far as it can be given again in a later look

    @property
    def reused(self) -> tuple[tuple[str, str], ...]:
        """Extractor and part: not derived anew, an earlier look's result was used."""
        return tuple((each.extractor, each.part) for each in self.made if each.reused)


class Ask:
    """One detector asked about some parts; ``answers`` fill up as they come.

    ``spared``: parts outside the detector's bands. ``then`` is called when every part is answered, perhaps twice.
    ``again``: it was asked about the same paths before, when there was less to read there.
    """

    __slots__ = ("again", "answers", "detector", "parts", "skipped", "then")

    def __init__(
        self,
        detector: str,
        parts: Sequence[Part],
        answers: Sequence[DetectorResult | ExtractedParts] | None = None,
        *,
        again: bool = False,
    ) -> None:
        self.detector = detector
        self.again = again
        self.parts = parts
        self.answers: list[DetectorResult | ExtractedParts | None] = (
            list(answers) if answers is not None else [None] * len(parts)
        )
        self.skipped: Sequence[Part] = ()
        self.then: Callable[[], None] | None = None

    def lost(self, part: Part, reason: UnknownReason, detail: str) -> Sequence[Unknown]:
        """What is unknown when there is no answer about a part."""
        return (Unknown(detector=self.detector, part=part.path, reason=reason, detail=detail),)


class Derivation(Ask):
    """One extractor asked about some parts. What it makes is handed to ``grow``, which may ask further.

    ``losing`` tells all that is unknown when it does not answer.
    """

    __slots__ = ("grow", "losing")

    def __init__(
        self,
        extractor: str,
        parts: Sequence[Part],
        grow: Callable[[Part, ExtractedParts], None],
        losing: Callable[[Part, UnknownReason, str], Sequence[Unknown]],
    ) -> None:
        super().__init__(extractor, parts)
        self.grow = grow
        self.losing = losing

    def lost(self, part: Part, reason: UnknownReason, detail: str) -> Sequence[Unknown]:
        """The extractor's own silence, and that of whoever would have read what it makes."""
        return self.losing(part, reason, detail)


def findings(asks: Sequence[Ask], parts: Sequence[Part], made: Sequence[Made] = ()) -> Findings:
    """All answers so far; a missing one is *unknown* with reason ``deadline``."""
    kept = tuple(made)  # first: whatever is made is among the parts already
    signals: list[Signal] = []
    unknown: list[Unknown] = []
    hashes: list[PartHash] = []
    skipped: list[tuple[str, str]] = []
    later = {(ask.detector, part.path): answer for ask in asks if ask.again for part, answer in _answers(ask)}
    for ask in asks:
        if ask.skipped:
            skipped.extend((ask.detector, part.path) for part in ask.skipped)
        for part, answer in _answers(ask):
            if later and not ask.again and _is_replaced(ask, part, answer, later):
                continue
            if answer is None:
                unknown.extend(ask.lost(part, UnknownReason.DEADLINE, ""))
            elif isinstance(answer, Unknown):
                unknown.extend(ask.lost(part, answer.reason, answer.detail))
            elif isinstance(answer, tuple):
                for one in answer:
                    if isinstance(one, PartHash):
                        hashes.append(one)
                    else:
                        signals.append(one)
    return Findings(tuple(signals), tuple(unknown), tuple(hashes), tuple(parts), tuple(skipped), kept)


def _answers(ask: Ask) -> Iterator[tuple[Part, DetectorResult | ExtractedParts | None]]:
    return zip(ask.parts, ask.answers, strict=True)


def _is_replaced(
    ask: Ask,
    part: Part,
    answer: DetectorResult | ExtractedParts | None,
    later: Mapping[tuple[str, str], DetectorResult | ExtractedParts | None],
) -> bool:
    """Whether a later answer stands for this one. What was known stays where the later one is missing or unknown."""
    key = (ask.detector, part.path)
    return key in later and (isinstance(later[key], tuple) or not isinstance(answer, tuple))
