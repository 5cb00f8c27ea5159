"""What only a language model can say of prompts and answers, where no judge of the settings says it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from seawall.model.content import Modality, Part
from seawall.model.signals import (
    Cost,
    DetectorResult,
    DetectorSpec,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)

NAME: Final = "unjudged"
JUDGED_SIGNALS: Final = {
    "harmful_request": "A prompt that asks for something harmful, as a judge of the settings says",
    "harmful_answer": "An answer that is harmful given its prompt, as a judge of the settings says",
}
"""Signals that policies read and that only judges give (``docs/providers.md``)."""


class UnjudgedDetector:
    """Declares the signals that no configured judge gives, and says of every text that they are *unanswerable*."""

    def __init__(self, judged: Collection[str] = ()) -> None:
        """``judged``: signals that configured detectors give."""
        missing = {name: text for name, text in JUDGED_SIGNALS.items() if name not in judged}
        self.spec = DetectorSpec(
            name=NAME,
            version="1",
            signals=tuple(
                SignalSpec(name=name, kind=SignalKind.SCORE, description=text) for name, text in missing.items()
            ),
            modalities=frozenset({Modality.TEXT}),
            cost=Cost.INLINE,
        )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """*Unknown* for every part."""
        return [self._absent(part) for part in parts]

    def _absent(self, part: Part) -> DetectorResult:
        if not self.spec.signals:
            return ()
        names = " and ".join(signal.name for signal in self.spec.signals)
        detail = f"no judge gives {names}: docs/ai-features.md"
        return Unknown(detector=NAME, part=part.path, reason=UnknownReason.NOT_CONFIGURED, detail=detail)
