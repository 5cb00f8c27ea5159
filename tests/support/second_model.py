"""A second text model for tests: probabilities on the shipped model's signals, in languages that it does not read."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.model import Cost, DetectorResult, DetectorSpec, Modality, Part, Signal, SignalKind, SignalSpec
from support.detectors import POINTS

SIGNALS = ("toxic", "hate", "harassment", "sexual", "spam")


class SecondModel:
    """Reads Italian: ``value`` for every text; it raises about one with ``crash`` in it."""

    def __init__(self, value: float = 0.9, languages: frozenset[str] = frozenset({"it"})) -> None:
        self.asked: list[Part] = []
        self._value = value
        self.spec = DetectorSpec(
            name="second-model",
            version="7",
            signals=tuple(
                SignalSpec(name=name, kind=SignalKind.PROBABILITY, operating_points=POINTS) for name in SIGNALS
            ),
            modalities=frozenset({Modality.TEXT}),
            languages=languages,
            cost=Cost.CPU,
        )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.asked += parts
        if any("crash" in (part.text or "") for part in parts):
            raise RuntimeError("the model fell over")
        return [
            tuple(
                Signal(name=name, value=self._value, part=part.path, detector=self.spec.name, version=self.spec.version)
                for name in SIGNALS
            )
            for part in parts
        ]
