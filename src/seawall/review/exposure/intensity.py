"""How much one sight of content weighs: the severity of its harm times the weight of its modality."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from seawall.model import HARMS

MODALITY_WEIGHT: Final[Mapping[str, float]] = {
    "image": 1.0,
    "video": 1.0,
    "audio": 0.6,
    "text": 0.3,
    "document": 0.3,  # the console shows its words only
}
"""Images and moving images stay with people longest, then voices, then words. An estimate, not a measurement."""

UNKNOWN_SEVERITY: Final = 1
"""Of content for which no harm is known: not nothing, because nobody has judged it yet."""

MEDIA: Final = frozenset({"image", "video", "audio"})


def gravest_harm(harms: Iterable[str | None]) -> str | None:
    """The harm with the highest severity, the first by name among equals; None when none is known."""
    known = [harm for harm in harms if harm in HARMS]
    return min(known, key=lambda harm: (-HARMS[harm].severity, harm), default=None)


def intensity(harm: str | None, modalities: Collection[str]) -> float:
    """Of parts that were seen together. Texts of an item count once, each medium for itself."""
    severity = HARMS[harm].severity if harm in HARMS else UNKNOWN_SEVERITY
    media = sum(MODALITY_WEIGHT[one] for one in modalities if one in MEDIA)
    words = max((MODALITY_WEIGHT.get(one, 0.0) for one in modalities if one not in MEDIA), default=0.0)
    return severity * (media + words)
