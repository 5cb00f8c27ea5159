"""Detector of what a file says about its origin: a declared source type, and a C2PA manifest that holds or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from seawall.media import Media, ProvenanceRecord, UnreadableMedia
from seawall.media.extractor import QUICK_CALLS
from seawall.model.content import Modality, Part
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

AI_SOURCE_TYPES: Final[Mapping[str, float]] = {
    "trainedAlgorithmicMedia": 1.0,
    "trainedAlgorithmicData": 1.0,
    "compositeWithTrainedAlgorithmicMedia": 0.5,
    "compositeSynthetic": 0.5,
}
"""IPTC's and C2PA's source types that mean made by a trained model: wholly, or in part."""
_IN_PART: Final = 0.5


class ProvenanceDetector:
    """``ai_declared``, ``provenance_valid``, ``provenance_broken`` and ``provenance_stripped`` of files.

    Only what a file says: none of them tells whether a model made it. Who signed is not checked against any list.
    """

    calls_at_once = QUICK_CALLS
    spec = DetectorSpec(
        name="provenance",
        version="1",
        signals=(
            SignalSpec(
                name="ai_declared",
                kind=SignalKind.SCORE,
                description="The file says that AI made it: 1 wholly, 0.5 in part or from such material",
            ),
            SignalSpec(
                name="provenance_valid",
                kind=SignalKind.SCORE,
                description="1: a C2PA manifest is in the file, and its signature and digests hold",
            ),
            SignalSpec(
                name="provenance_broken",
                kind=SignalKind.SCORE,
                description="1: a C2PA manifest is in the file and does not hold: damaged, or about other bytes",
            ),
            SignalSpec(
                name="provenance_stripped",
                kind=SignalKind.SCORE,
                description="1: the file refers to a C2PA manifest inside it, and has none",
            ),
        ),
        modalities=frozenset({Modality.IMAGE, Modality.AUDIO, Modality.VIDEO}),
        cost=Cost.CPU,
    )

    def __init__(self, media: Media | None = None) -> None:
        """Files are read in the decoding processes of ``media``."""
        self._media = media or Media()

    def close(self) -> None:
        """End the decoding processes."""
        self._media.close()

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part; a frame or a sound that was cut out of a file says nothing of its own."""
        return [self._measure(part) for part in parts]

    def _measure(self, part: Part) -> DetectorResult:
        record = self._media.provenance(part.data or b"")
        if isinstance(record, UnreadableMedia):
            return record.about(part, self.spec.name)
        declared = max(_declarations(record), default=None)
        states = {"valid": "provenance_valid", "broken": "provenance_broken", "gone": "provenance_stripped"}
        found = [] if declared is None else [self._signal(part, "ai_declared", *declared)]
        if record.manifest in states:
            found.append(self._signal(part, states[record.manifest], 1.0, _evidence(record)))
        return tuple(found)

    def _signal(self, part: Part, name: str, value: float, evidence: str) -> Signal:
        return Signal(
            name=name,
            value=value,
            part=part.path,
            detector=self.spec.name,
            version=self.spec.version,
            evidence=evidence,
        )


def _declarations(record: ProvenanceRecord) -> list[tuple[float, str]]:
    """Value and evidence of each source type that means AI; ``c2pa-broken``: in a manifest that does not hold."""
    manifest = "c2pa" if record.manifest == "valid" else f"c2pa-{record.manifest}"
    found = [(AI_SOURCE_TYPES.get(each, 0.0), f"{manifest}:{each}") for each in record.declared]
    found += [(AI_SOURCE_TYPES.get(each, 0.0), f"xmp:{each}") for each in record.described]
    found += [(min(_IN_PART, AI_SOURCE_TYPES.get(each, 0.0)), f"ingredient:{each}") for each in record.ingredients]
    return [each for each in found if each[0]]


def _evidence(record: ProvenanceRecord) -> str:
    if record.manifest == "valid":
        return "signer_not_checked"
    return record.codes[0] if record.codes else "reference_without_manifest"
