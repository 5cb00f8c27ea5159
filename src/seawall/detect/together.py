"""Detectors that read several parts of an item together: asked at once, and again when there is more to read."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.detect.steps import Step, composes, share
from seawall.model.content import Part
from seawall.model.signals import Detector, DetectorSpec


class Together:
    """Those of one request. They do not wait for extractors: ``first`` asks about the item's own parts.

    ``again`` asks about what has become more since then, and about nothing else. Its answers replace the first ones;
    where there is none, the first stands beside the *unknown*.
    """

    def __init__(self, detectors: Sequence[tuple[Detector, DetectorSpec]]) -> None:
        self._detectors = [(detector, spec) for detector, spec in detectors if composes(detector)]
        self._asked: list[Sequence[Part]] = []

    def first(self, parts: Sequence[Part]) -> list[Step]:
        """Ask about the item's own parts."""
        self._asked = [detector.compose(parts) for detector, _ in self._detectors]
        return [
            share(detector, spec, composed)
            for (detector, spec), composed in zip(self._detectors, self._asked, strict=True)
        ]

    def again(self, parts: Sequence[Part]) -> list[Step]:
        """Ask about all parts, derived ones included."""
        return [
            share(detector, spec, changed, again=True)
            for (detector, spec), asked in zip(self._detectors, self._asked, strict=True)
            if (changed := _changed(asked, detector.compose(parts)))
        ]


def _changed(asked: Sequence[Part], composed: Sequence[Part]) -> list[Part]:
    before = {part.path: part for part in asked}
    return [part for part in composed if before.get(part.path) != part]
