"""A detector that can be made to hang, to show how Seawall handles it.

It knows a few phrases of coded trade that no other detector knows. While the switch is on, it really waits; nothing is
simulated. Everything that follows (deadline, fail mode, pending rescreen, late answer) is done by the pipeline.

    >>> switch = Switch()
    >>> switch.stall(seconds=20)
    >>> detector = SecondOpinion(switch)          # detect() now waits until 20 seconds are over, or switch.resume()
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from typing import Final

from seawall.model import Cost, DetectorResult, DetectorSpec, Modality, Part, Signal, SignalKind, SignalSpec

NAME: Final = "demo-second-opinion"
SIGNAL: Final = "second_opinion"
LONGEST_HANG_S: Final = 25.0  # below the time after which the runner abandons a hung thread

_PHRASES: Final = (
    ("gardener", re.compile(r"\b(?:ask|dm|call) the gardener\b", re.IGNORECASE)),
    ("snow", re.compile(r"\bsnow season (?:opens|is here)\b", re.IGNORECASE)),
)


class HangSwitch:
    """Makes the detector wait, for a while or until resumed. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._until = 0.0

    def hang(self, seconds: float) -> None:
        """Start waiting, for at most ``LONGEST_STALL_S``."""
        with self._changed:
            self._until = time.monotonic() + min(seconds, LONGEST_HANG_S)
            self._changed.notify_all()

    def resume(self) -> None:
        """Stop waiting."""
        with self._changed:
            self._until = 0.0
            self._changed.notify_all()

    def remaining(self) -> float:
        """Remaining seconds of the stall; 0 when there is none."""
        with self._changed:
            return max(0.0, self._until - time.monotonic())

    def wait(self) -> None:
        """Return when there is no stall."""
        with self._changed:
            while (left := self._until - time.monotonic()) > 0:
                self._changed.wait(left)


class HangingDetector:
    """``second_opinion``: 1 where a text contains a phrase of coded trade, else 0. Waits while the switch is on."""

    def __init__(self, switch: HangSwitch) -> None:
        self._switch = switch
        self._spec = DetectorSpec(
            name=NAME,
            version="1",
            signals=(
                SignalSpec(
                    name=SIGNAL,
                    kind=SignalKind.SCORE,
                    harm="illegal_goods",
                    description="Coded trade, by a short list of phrases. Only in the demo.",
                ),
            ),
            modalities=frozenset({Modality.TEXT}),
            cost=Cost.CPU,  # so that it runs within the budget
        )

    @property
    def spec(self) -> DetectorSpec:
        """Name, version, signals, modalities, languages, cost."""
        return self._spec

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part, in order; late while the switch is on."""
        self._switch.wait()
        return [self._look(part) for part in parts]

    def _look(self, part: Part) -> tuple[Signal, ...]:
        for evidence, phrase in _PHRASES:
            if phrase.search(part.text or ""):
                return (
                    Signal(
                        name=SIGNAL,
                        value=1.0,
                        part=part.path,
                        detector=NAME,
                        version=self._spec.version,
                        evidence=evidence,
                    ),
                )
        return ()
