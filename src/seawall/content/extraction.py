"""What is made from media before detectors look: an image's words, a video's frames and speech, a document's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from seawall.model import FieldSpec, FieldType, Untranscribed

EXTRACTORS_OF: Final[Mapping[FieldType, tuple[str, ...]]] = MappingProxyType(
    {
        FieldType.IMAGE: ("animation", "codes", "words"),
        FieldType.AUDIO: ("voice", "transcript"),
        FieldType.VIDEO: ("frames", "codes", "words", "voice", "transcript"),
        FieldType.DOCUMENT: ("document", "codes", "words"),
    }
)
"""What each type of media has made from it where its field does not say. A plug-in may add names of its own."""

STANDARD: Final = frozenset(name for names in EXTRACTORS_OF.values() for name in names)


def extractors_of(spec: FieldSpec) -> tuple[str, ...]:
    """The extractors that a field asks for, by name; empty for a field without media."""
    return EXTRACTORS_OF.get(spec.type, ()) if spec.extract is None else spec.extract


def extraction_gaps(spec: FieldSpec) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a field's ``extract`` and ``untranscribed``: the key, the message, the remedy."""
    standard = EXTRACTORS_OF.get(spec.type)
    if standard is None:
        if spec.extract is not None:
            yield "extract", f"nothing is derived from a field of type {spec.type}", "only media fields have it"
        if spec.untranscribed is not None:
            yield "untranscribed", f"a field of type {spec.type} holds no speech", "only audio and video have it"
        return
    names = extractors_of(spec)
    listed = "one of " + ", ".join(standard)
    for name in names:
        if name in STANDARD and name not in standard:
            yield "extract", f"{name} cannot be derived from a field of type {spec.type}", listed
    if spec.type is FieldType.VIDEO and "frames" not in names and names:
        yield (
            "extract",
            f"{names[0]} reads the frames or the sound of a video, and nothing takes them out",
            "add frames",
        )
    if spec.type is FieldType.DOCUMENT and "document" not in names and names:
        yield "extract", f"{names[0]} reads the images of a document, and nothing takes them out", "add document"
    if spec.untranscribed is None:
        return
    if spec.type not in (FieldType.AUDIO, FieldType.VIDEO):
        noun = "a document" if spec.type is FieldType.DOCUMENT else "an image"
        yield "untranscribed", f"{noun} holds no speech", "only audio and video have it"
    elif spec.untranscribed is Untranscribed.UNCHECKED and "voice" not in names:
        yield "untranscribed", "unchecked speech is counted in seconds, and nothing finds it", "add voice to extract"
