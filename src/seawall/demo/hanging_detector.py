"""A detector that can be made to hang, so that a demo shows what Seawall does when one does.

It knows a few phrases of coded trade that no other detector knows. While the switch is on, it really
waits; nothing about its outcome is pretended. What then follows (deadline, fail mode, pending rescreen, late answer) is
the pipeline's own doing.

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
LONGEST_STALL_S: Final = 25.0  # below the runner's patience, after which it abandons a hung thread

_PHRASES: Final = (
    ("gardener", re.compile(r"\b(?:ask|dm|call) the gardener\b", re.IGNORECASE)),
    ("snow", re.compile(r"\bsnow season (?:opens|is here)\b", re.IGNORECASE)),
)


class HangSwitch:
    """Makes the detector wait, for a while or until told otherwise. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._until = 0.0

    def stall(self, seconds: float) -> None:
        """From now on, and for at most ``LONGEST_STALL_S``."""
        with self._changed:
            self._until = time.monotonic() + min(seconds, LONGEST_STALL_S)
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on at once."""
        with self._changed:
            self._until = 0.0
            self._changed.notify_all()

    def remaining(self) -> float:
        """Seconds that the stall still lasts; 0 when there is none."""
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
            cost=Cost.CPU,  # asked inside the budget: that is the point
        )

    @property
    def spec(self) -> DetectorSpec:
        """Name, version, signals, modalities, languages, cost."""
        return self._spec

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer for each part, in order; late when the switch says so."""
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
