"""Splits texts that exceed a service's limit into overlapping pieces; the highest value counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from seawall.model.content import Part
from seawall.model.signals import DetectorResult, Signal, Unknown, UnknownReason

_OVERLAP: Final = 10  # a tenth of a piece is repeated in the next, so that text across a cut is read whole

Ask = Callable[[Sequence[Part]], Sequence[DetectorResult]]


def cut(text: str, longest: int) -> list[str]:
    """The text in pieces of at most ``longest`` characters, cut at white space if possible."""
    pieces = []
    start = 0
    while len(text) - start > longest:
        end = start + longest
        space = max(text.rfind(char, start + longest // 2, end) for char in (" ", "\n"))
        end = space if space > 0 else end
        pieces.append(text[start:end])
        start = max(end - longest // _OVERLAP, start + 1)
    return [*pieces, text[start:]]


def in_pieces(parts: Sequence[Part], longest: int, most: int, detector: str, ask: Ask) -> list[DetectorResult]:
    """Answers about parts, long texts split. A text is *unknown* if it needs more than ``most`` pieces, or if any piece
    is *unknown*."""
    whole: list[list[Part]] = [_cut(part, longest) for part in parts]
    reported = iter(ask([piece for pieces in whole if len(pieces) <= most for piece in pieces]))
    answers: list[DetectorResult] = []
    for part, pieces in zip(parts, whole, strict=True):
        if len(pieces) > most:
            detail = f"longer than {most} × {longest} characters"
            answers.append(Unknown(detector=detector, part=part.path, reason=UnknownReason.ERROR, detail=detail))
        else:
            answers.append(_gravest([next(reported) for _ in pieces]))
    return answers


def _cut(part: Part, longest: int) -> list[Part]:
    if part.text is None or len(part.text) <= longest:
        return [part]
    return [replace(part, text=text) for text in cut(part.text, longest)]


def _gravest(answers: Sequence[DetectorResult]) -> DetectorResult:
    largest: dict[str, Signal] = {}
    for answer in answers:
        if isinstance(answer, Unknown):
            return answer
        for signal in answer:
            if isinstance(signal, Signal) and (signal.name not in largest or signal.value > largest[signal.name].value):
                largest[signal.name] = signal
    return tuple(largest.values())
