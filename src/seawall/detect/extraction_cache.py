"""Cache of an item's extraction results from earlier evaluations.

Only texts and links are cached, including empty results (most images contain no text). An extraction that gave media,
such as a video's frames, is repeated in every evaluation, since their bytes are not stored; results extracted from
those media are cached, since the same video gives the same frames. Anything *unknown*, whole or in part, is extracted
again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from seawall.model.content import Part
from seawall.model.signals import ExtractedParts, ExtractorSpec, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedExtraction:
    """Complete result of an extractor for one part. Personal data: for the vault only.

    ``content``: digest of its input (``content_of``). ``reused``: it came from an earlier evaluation.
    """

    extractor: str
    version: str
    part: str
    content: str
    parts: tuple[Part, ...] = ()
    signals: tuple[Signal, ...] = ()
    reused: bool = False

    @property
    def key(self) -> ExtractionKey:
        """The cache key."""
        return self.extractor, self.version, self.content


ExtractionKey: TypeAlias = tuple[str, str, str]
"""Extractor, its version, digest of its input."""
ExtractionCache: TypeAlias = Mapping[ExtractionKey, CachedExtraction]


class CacheUse:
    """The cache during one evaluation; computes each part's digest once."""

    def __init__(self, cache: ExtractionCache) -> None:
        self._cache = cache
        self._known = {(extractor, version) for extractor, version, _ in cache}
        self._digests: dict[str, str] = {}  # by path

    def recall(self, spec: ExtractorSpec, part: Part) -> ExtractedParts | None:
        """Cached result of this extractor version for the same content; None: call it."""
        if (spec.name, spec.version) not in self._known:
            return None  # before computing a digest: videos are large
        cached = self._cache.get((spec.name, spec.version, self._digest(part)))
        return None if cached is None else _moved(cached, part)

    def entry(self, spec: ExtractorSpec, part: Part, derived: ExtractedParts, reused: bool) -> CachedExtraction | None:
        """The cache entry for an answer; None if it contains media or unreadable content."""
        if derived.gaps or any(each.data is not None for each in derived.parts):
            return None
        return CachedExtraction(
            extractor=spec.name,
            version=spec.version,
            part=part.path,
            content=self._digest(part),
            parts=derived.parts,
            signals=derived.signals,
            reused=reused,
        )

    def _digest(self, part: Part) -> str:
        known = self._digests.get(part.path)
        if known is None:
            known = self._digests[part.path] = content_of(part)
        return known


def content_of(part: Part) -> str:
    """Digest of everything an extractor may depend on: the part's bytes or text, its modality and language."""
    digest = hashlib.sha256(f"{part.modality}\n{part.language or ''}\n".encode())
    digest.update(part.data if part.data is not None else (part.text or "").encode())
    return digest.hexdigest()


def _moved(cached: CachedExtraction, part: Part) -> ExtractedParts:
    """The cached parts, with paths under this part, whose path may have changed."""
    root = len(cached.part)
    parts = tuple(
        replace(
            each,
            path=f"{part.path}{each.path[root:]}",
            parent=f"{part.path}{(each.parent or cached.part)[root:]}",
            field=part.field,
        )
        for each in cached.parts
    )
    return ExtractedParts(parts, tuple(replace(signal, part=part.path) for signal in cached.signals))
