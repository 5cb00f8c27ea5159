"""Detectors whose answers a test knows beforehand: words with values; one hangs, raises and answers nonsense."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence

from seawall.model import (
    Cost,
    DetectorResult,
    DetectorSpec,
    Modality,
    OperatingPoint,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Span,
    SpanUnit,
)

POINTS = tuple(
    OperatingPoint(threshold=threshold, fpr=fpr, fpr_upper=fpr * 1.5, recall=0.8, recall_lower=0.7)
    for threshold, fpr in ((0.5, 0.02), (0.8, 0.002), (0.95, 0.0005))
)


class Words:
    """Gives each listed word its value, with the place where it stands. A probability has operating points."""

    def __init__(
        self,
        name: str,
        signal: str,
        words: Mapping[str, float],
        cost: Cost = Cost.INLINE,
        *,
        kind: SignalKind = SignalKind.SCORE,
        harm: str | None = None,
        version: str = "1.0",
    ) -> None:
        points = POINTS if kind is SignalKind.PROBABILITY else ()
        self.spec = DetectorSpec(
            name=name,
            version=version,
            signals=(SignalSpec(name=signal, kind=kind, harm=harm, operating_points=points),),
            modalities=frozenset({Modality.TEXT}),
            cost=cost,
        )
        self._signal = signal
        self._words = words

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        return [self._answer(part) for part in parts]

    def _answer(self, part: Part) -> DetectorResult:
        return tuple(
            Signal(
                name=self._signal,
                value=value,
                part=part.path,
                detector=self.spec.name,
                version=self.spec.version,
                span=Span(unit=SpanUnit.CHARACTERS, start=place.start(), end=place.end()),
                evidence=f"word-{len(word)}",
            )
            for word, value in self._words.items()
            for place in re.finditer(re.escape(word), part.text or "")
        )


class Moody(Words):
    """Finds blood; about a text with ``stuck`` it does not answer until ``go_on`` is set, with ``crash`` it raises,
    with ``nonsense`` its value is no number."""

    def __init__(self, blood: float = 0.8, *, harm: str | None = None, version: str = "1.0") -> None:
        words = {"blood": blood, "nonsense": float("nan")}
        super().__init__("gore", "gory", words, Cost.CPU, harm=harm, version=version)
        self.go_on = threading.Event()

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        texts = " ".join(part.text or "" for part in parts)
        if "stuck" in texts:
            self.go_on.wait(60)
        if "crash" in texts:
            raise RuntimeError("a fault in a detector")
        return super().detect(parts)
