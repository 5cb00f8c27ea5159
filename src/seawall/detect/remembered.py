"""What extractors gave in an earlier look at an item, to be given again instead of being derived anew.

Only texts and links are remembered (an empty result is, too: most images hold no words). An extraction that gave
media, the frames of a video or the stretches of an audio file, is made again in every look: their bytes are kept nowhere.
What was made from those media is remembered like anything else, since the same video gives the same frames. What was
*unknown*, whole or in part, is asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from seawall.model.content import Part
from seawall.model.signals import ExtractedParts, ExtractorSpec, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What an extractor gave about one part, whole. Personal: for the vault only.

    ``content`` tells what the extractor was given (``content_of``). ``reused``: it was not asked in this look.
    """

    extractor: str
    version: str
    part: str
    content: str
    parts: tuple[Part, ...] = ()
    signals: tuple[Signal, ...] = ()
    reused: bool = False

    @property
    def key(self) -> Key:
        """Under what it is found again."""
        return self.extractor, self.version, self.content


Key: TypeAlias = tuple[str, str, str]
"""Extractor, its version, what it was given."""
Memory: TypeAlias = Mapping[Key, Made]


class Recorder:
    """The memory of one look: what earlier ones gave, and in ``made`` what this one gave. Thread-safe."""

    def __init__(self, memory: Memory) -> None:
        self.made: list[Made] = []
        self._memory = memory
        self._known = {(extractor, version) for extractor, version, _ in memory}
        self._contents: dict[str, str] = {}  # by path

    def recall(self, spec: ExtractorSpec, part: Part) -> ExtractedParts | None:
        """What this version of an extractor gave about the same content; None: ask it."""
        if (spec.name, spec.version) not in self._known:
            return None  # before anything is digested: videos are large
        made = self._memory.get((spec.name, spec.version, self._content(part)))
        return None if made is None else _given_again(made, part)

    def note(self, spec: ExtractorSpec, part: Part, derived: ExtractedParts, reused: bool) -> None:
        """An extractor's answer. One with media in it, or with something it could not read, is not kept."""
        if derived.gaps or any(each.data is not None for each in derived.parts):
            return
        self.made.append(
            Made(
                extractor=spec.name,
                version=spec.version,
                part=part.path,
                content=self._content(part),
                parts=derived.parts,
                signals=derived.signals,
                reused=reused,
            )
        )

    def _content(self, part: Part) -> str:
        known = self._contents.get(part.path)
        if known is None:
            known = self._contents[part.path] = content_of(part)
        return known


def content_of(part: Part) -> str:
    """A digest of all that an extractor may depend on: the part's bytes or text, its modality and language."""
    digest = hashlib.sha256(f"{part.modality}\n{part.language or ''}\n".encode())
    digest.update(part.data if part.data is not None else (part.text or "").encode())
    return digest.hexdigest()


def _given_again(made: Made, part: Part) -> ExtractedParts:
    """What was made, as made of this part, which may have another path than when it was derived."""
    root = len(made.part)
    parts = tuple(
        replace(each, path=f"{part.path}{each.path[root:]}", parent=part.path, field=part.field) for each in made.parts
    )
    return ExtractedParts(parts, tuple(replace(signal, part=part.path) for signal in made.signals))
