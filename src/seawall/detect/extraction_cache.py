"""What extractors gave in an earlier evaluation of an item, used again instead of extracting anew.

Only texts and links are kept (an empty result is, too: most images hold no words). An extraction that gave media, such
as a video's frames, is made again in every evaluation, since their bytes are not stored; what was made from those media
is kept, since the same video gives the same frames. What was *unknown*, whole or in part, is asked again.
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
    """All that an extractor gave about one part. Personal: for the vault only.

    ``content``: a digest of what it was given (``content_of``). ``reused``: it was not asked in this evaluation.
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
        """The key by which it is found again."""
        return self.extractor, self.version, self.content


ExtractionKey: TypeAlias = tuple[str, str, str]
"""Extractor, its version, digest of what it was given."""
ExtractionCache: TypeAlias = Mapping[ExtractionKey, CachedExtraction]


class CacheUse:
    """The cache as one evaluation uses it; computes each part's digest once."""

    def __init__(self, cache: ExtractionCache) -> None:
        self._cache = cache
        self._known = {(extractor, version) for extractor, version, _ in cache}
        self._digests: dict[str, str] = {}  # by path

    def recall(self, spec: ExtractorSpec, part: Part) -> ExtractedParts | None:
        """What this version of an extractor gave about the same content; None: ask it."""
        if (spec.name, spec.version) not in self._known:
            return None  # before anything is digested: videos are large
        cached = self._cache.get((spec.name, spec.version, self._digest(part)))
        return None if cached is None else _moved(cached, part)

    def entry(self, spec: ExtractorSpec, part: Part, derived: ExtractedParts, reused: bool) -> CachedExtraction | None:
        """What to keep of an answer; nothing of one with media in it, or with something that could not be read."""
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
    """A digest of all that an extractor may depend on: the part's bytes or text, its modality and language."""
    digest = hashlib.sha256(f"{part.modality}\n{part.language or ''}\n".encode())
    digest.update(part.data if part.data is not None else (part.text or "").encode())
    return digest.hexdigest()


def _moved(cached: CachedExtraction, part: Part) -> ExtractedParts:
    """What was made, as made of this part, which may have another path than when it was extracted."""
    root = len(cached.part)
    parts = tuple(
        replace(each, path=f"{part.path}{each.path[root:]}", parent=part.path, field=part.field)
        for each in cached.parts
    )
    return ExtractedParts(parts, tuple(replace(signal, part=part.path) for signal in cached.signals))
