"""What is made from media before detectors look: a picture's words, a film's frames and speech, a document's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from seawall.model import FieldSpec, FieldType, Untranscribed

DERIVATIONS: Final[Mapping[FieldType, tuple[str, ...]]] = MappingProxyType(
    {
        FieldType.IMAGE: ("animation", "codes", "words"),
        FieldType.AUDIO: ("voice", "transcript"),
        FieldType.VIDEO: ("frames", "codes", "words", "voice", "transcript"),
        FieldType.DOCUMENT: ("document", "codes", "words"),
    }
)
"""What each type of media has made from it where its field does not say. A plug-in may add names of its own."""

STANDARD: Final = frozenset(name for names in DERIVATIONS.values() for name in names)


def derivations(spec: FieldSpec) -> tuple[str, ...]:
    """The derivers that a field asks for, by name; empty for a field without media."""
    return DERIVATIONS.get(spec.type, ()) if spec.derive is None else spec.derive


def derivation_gaps(spec: FieldSpec) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a field's ``derive`` and ``untranscribed``: the key, the message, the remedy."""
    standard = DERIVATIONS.get(spec.type)
    if standard is None:
        if spec.derive is not None:
            yield "derive", f"nothing is derived from a field of type {spec.type}", "only media fields have it"
        if spec.untranscribed is not None:
            yield "untranscribed", f"a field of type {spec.type} holds no speech", "only audio and video have it"
        return
    names = derivations(spec)
    listed = "one of " + ", ".join(standard)
    for name in names:
        if name in STANDARD and name not in standard:
            yield "derive", f"{name} cannot be derived from a field of type {spec.type}", listed
    if spec.type is FieldType.VIDEO and "frames" not in names and names:
        yield "derive", f"{names[0]} reads the frames or the sound of a film, and nothing takes them out", "add frames"
    if spec.type is FieldType.DOCUMENT and "document" not in names and names:
        yield "derive", f"{names[0]} reads the pictures of a document, and nothing takes them out", "add document"
    if spec.untranscribed is None:
        return
    if spec.type not in (FieldType.AUDIO, FieldType.VIDEO):
        noun = "document" if spec.type is FieldType.DOCUMENT else "picture"
        yield "untranscribed", f"a {noun} holds no speech", "only audio and video have it"
    elif spec.untranscribed is Untranscribed.UNCHECKED and "voice" not in names:
        yield "untranscribed", "unchecked speech is counted in seconds, and nothing finds it", "add voice to derive"
