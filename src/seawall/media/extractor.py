"""Base class of the media extractors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from seawall.media.media import Media
from seawall.media.process import UnreadableMedia
from seawall.model.content import Part
from seawall.model.signals import ExtractedParts, ExtractorSpec, Unknown

T = TypeVar("T")

QUICK_CALLS: Final = 12
"""Calls at once where callers wait: slow files (``ProcessLimits.slow_waiting`` and one) leave threads for others."""


class MediaExtractor(ABC):
    """Processes one file in each call; a file that cannot be read gives an error code."""

    spec: ExtractorSpec
    calls_at_once = 6  # two for the processes, one for a slow file beside them, and some that wait for its place

    def __init__(self, media: Media) -> None:
        self._media = media

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        """One answer for each part."""
        return [self._process(part) for part in parts]

    def close(self) -> None:
        """End the decoding processes."""
        self._media.close()

    @abstractmethod
    def _process(self, part: Part) -> ExtractedParts | Unknown:
        """Extract from one part."""

    def _made(
        self, part: Part, found: T | UnreadableMedia, make: Callable[[T], ExtractedParts | Unknown]
    ) -> ExtractedParts | Unknown:
        return found.about(part, self.spec.name) if isinstance(found, UnreadableMedia) else make(found)
