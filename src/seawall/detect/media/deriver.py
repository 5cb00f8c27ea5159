"""What the derivers of media have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from seawall.detect.media.media import Media
from seawall.detect.media.process import Unreadable
from seawall.model.content import Part
from seawall.model.signals import Derived, DeriverSpec, Unknown

T = TypeVar("T")


class MediaDeriver(ABC):
    """One file after the other, and a code where one cannot be read."""

    spec: DeriverSpec

    def __init__(self, media: Media) -> None:
        self._media = media

    def derive(self, parts: Sequence[Part]) -> Sequence[Derived | Unknown]:
        """One answer for each part."""
        return [self._look(part) for part in parts]

    def close(self) -> None:
        """End the decoding processes."""
        self._media.close()

    @abstractmethod
    def _look(self, part: Part) -> Derived | Unknown:
        """What one part gives."""

    def _made(self, part: Part, found: T | Unreadable, make: Callable[[T], Derived]) -> Derived | Unknown:
        return found.about(part, self.spec.name) if isinstance(found, Unreadable) else make(found)
