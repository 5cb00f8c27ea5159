"""Extraction from media before detection: words in images, frames and speech of videos, text of documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from seawall.model import FieldSpec, FieldType, Untranscribed

EXTRACTORS_OF: Final[Mapping[FieldType, tuple[str, ...]]] = MappingProxyType(
    {
        FieldType.IMAGE: ("animation", "metadata", "codes", "words"),
        FieldType.AUDIO: ("metadata", "codes", "words", "voice", "transcript"),
        FieldType.VIDEO: ("frames", "metadata", "codes", "words", "voice", "transcript"),
        FieldType.DOCUMENT: ("document", "metadata", "codes", "words"),
    }
)
"""Default extractors per media type, for fields without ``extract``. Plug-ins may add names."""

STANDARD: Final = frozenset(name for names in EXTRACTORS_OF.values() for name in names)


def extractors_of(spec: FieldSpec) -> tuple[str, ...]:
    """Names of the extractors that a field uses; empty for a field without media."""
    return EXTRACTORS_OF.get(spec.type, ()) if spec.extract is None else spec.extract


def extraction_gaps(spec: FieldSpec) -> Iterator[tuple[str, str, str]]:
    """Problems in a field's ``extract`` and ``untranscribed``, each as key, message and remedy."""
    standard = EXTRACTORS_OF.get(spec.type)
    if standard is None:
        if spec.extract is not None:
            yield (
                "extract",
                f"nothing can be extracted from a field of type {spec.type}",
                "use it for media fields only",
            )
        if spec.untranscribed is not None:
            yield "untranscribed", f"a field of type {spec.type} has no speech", "use it for audio and video only"
        return
    names = extractors_of(spec)
    listed = "one of " + ", ".join(standard)
    for name in names:
        if name in STANDARD and name not in standard:
            yield "extract", f"{name} cannot be extracted from a field of type {spec.type}", listed
    needing = [name for name in names if name != "metadata"]
    if spec.type is FieldType.VIDEO and "frames" not in names and needing:
        yield "extract", f"{needing[0]} needs the frames or sound of a video, which are not extracted", "add frames"
    if spec.type is FieldType.AUDIO and "metadata" not in names and (of_covers := {"codes", "words"} & {*names}):
        yield "extract", f"{min(of_covers)} needs the covers of an audio file, which are not extracted", "add metadata"
    if spec.type is FieldType.DOCUMENT and "document" not in names and names:
        yield "extract", f"{names[0]} needs the images of a document, which are not extracted", "add document"
    if spec.untranscribed is None:
        return
    if spec.type not in (FieldType.AUDIO, FieldType.VIDEO):
        noun = "document" if spec.type is FieldType.DOCUMENT else "still image"
        yield "untranscribed", f"a {noun} has no speech", "use it for audio and video only"
    elif spec.untranscribed is Untranscribed.UNCHECKED and "voice" not in names:
        yield "untranscribed", "speech must be detected to count unchecked seconds", "add voice to extract"
