"""Checks of a plug-in hasher's spec and hashes, for the plug-in loader and the conformance kit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from seawall.match.entries import HASHED, widest
from seawall.model.signals import Cost, HasherSpec

MOST_BITS: Final = 4_096


def spec_faults(spec: HasherSpec) -> Iterator[str]:
    """Errors in a hasher's spec."""
    if spec.modality not in HASHED:
        yield f"spec.modality is {spec.modality!r}; a hasher reads one of {', '.join(HASHED)}"
    elif not re.fullmatch(rf"{spec.modality}(-[a-z0-9]+)+", spec.name):
        yield f"spec.name is {spec.name!r}; write the modality, a hyphen, lower-case words: {spec.modality}-wavelet"
    if not isinstance(spec.bits, int) or not 8 <= spec.bits <= MOST_BITS or spec.bits % 8:
        yield f"spec.bits is {spec.bits!r}; hashes have whole bytes, 8 to {MOST_BITS} bits"
    elif not isinstance(spec.radius, int) or not 0 <= spec.radius <= widest(spec.bits):
        yield f"spec.radius is {spec.radius!r}; of {spec.bits} bits at most {widest(spec.bits)} may differ"
    if not isinstance(spec.cost, Cost):
        yield f"spec.cost is {spec.cost!r}, not one of Cost"


def hash_fault(spec: HasherSpec, made: object) -> str | None:
    """Why a hash is invalid, or None."""
    if not isinstance(made, bytes):
        return f"a {type(made).__name__} as a hash"
    return None if 8 * len(made) == spec.bits else f"a hash of {8 * len(made)} bits, not {spec.bits}"
