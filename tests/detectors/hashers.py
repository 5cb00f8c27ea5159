"""A hasher of images, simple enough to see what it does."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from seawall.model import HasherSpec, Modality, Part, Unknown, UnknownReason

AVERAGE = HasherSpec(name="image-average", version="1", modality=Modality.IMAGE, bits=64, radius=6)


class AverageHasher:
    """Which of 8 × 8 places of an image are brighter than the image on average. Flat ones have no hash."""

    def __init__(self, spec: HasherSpec = AVERAGE) -> None:
        self.spec = spec
        self.closed = 0

    def hash(self, parts: Sequence[Part]) -> Sequence[bytes | Unknown | None]:
        return [self._hash(part) for part in parts]

    def close(self) -> None:
        self.closed += 1

    def _hash(self, part: Part) -> bytes | Unknown | None:
        try:
            with Image.open(io.BytesIO(part.data or b"")) as opened:
                grey = opened.convert("L").resize((8, 8)).tobytes()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
            return Unknown(detector=self.spec.name, part=part.path, reason=UnknownReason.UNREADABLE, detail="damaged")
        if max(grey) - min(grey) < 8:
            return None
        mean = sum(grey) / 64
        bits = sum((value > mean) << at for at, value in enumerate(grey))
        return bits.to_bytes(8, "big").rjust(self.spec.bits // 8, b"\0")
