"""Detects a file's type from its first bytes, because its name or header may be false."""

from __future__ import annotations

import re
from typing import Final

_SIGNATURES: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"RIFF....WEBP", "image/webp"),
        (rb"BM", "image/bmp"),
        (rb"....ftypavi[fs]", "image/avif"),
        (rb"RIFF....WAVE", "audio/wav"),
        (rb"fLaC", "audio/flac"),
        (rb"OggS", "audio/ogg"),
        (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
        (rb"\xff[\xf0\xf1\xf8\xf9]", "audio/aac"),
        (rb"....ftyp", "video/mp4"),
        (rb"\x1a\x45\xdf\xa3", "video/webm"),
        (rb"%PDF-", "application/pdf"),
    )
)


def media_type(data: bytes) -> str | None:
    """``image/png``, ``video/mp4`` …; None if unknown. Audio and video containers start alike."""
    return next((name for pattern, name in _SIGNATURES if pattern.match(data)), None)


def carries_manifest(data: bytes) -> bool:
    """Whether a C2PA manifest may be in the file: the names of its outer box and of its kind are."""
    return b"jumb" in data and b"c2pa" in data


def may_state_provenance(data: bytes) -> bool:
    """Whether the file may say where it comes from, in a manifest or in XMP."""
    return carries_manifest(data) or b"<x:xmpmeta" in data or b"<rdf:RDF" in data
