"""Evidence of an item: the content of all its parts as one text, with marks for the source of each piece.

>>> from seawall.model import Modality, Part
>>> body = Part(path="body", modality=Modality.TEXT, field="body", text="I would love to some")
>>> bundle = gather([body], {"cover": ("kitchen knife", "man: dark skin tone")})
>>> bundle.typed()
'[text] I would love to some [picture] kitchen knife, man: dark skin tone'
>>> bundle.sources()
'text+picture'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seawall.model.content import Modality, Part


class EvidenceSource(StrEnum):
    """The source of a piece of evidence, in the order of output."""

    TEXT = "text"  # typed by the author
    IMAGE = "picture"  # pictograms recognised in an image
    WORDS = "words"  # text recognised in an image, QR codes
    VOICE = "voice"  # speech as transcribed


MOST_CHARACTERS = 2_000  # per source


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece: its source, its words, and its part."""

    source: EvidenceSource
    text: str
    part: str


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """All evidence of an item. Words in images and speech count as text."""

    pieces: tuple[Evidence, ...]

    def text(self, *sources: EvidenceSource) -> str:
        """The words of these sources, concatenated (default: all sources)."""
        wanted = sources or tuple(EvidenceSource)
        said = (" ".join(one.text for one in self.pieces if one.source is source) for source in wanted)
        return " ".join(text[:MOST_CHARACTERS] for text in said if text)

    def typed(self, *sources: EvidenceSource) -> str:
        """The same with a mark before each source."""
        wanted = sources or tuple(EvidenceSource)
        said = ((source, self.text(source)) for source in wanted)
        return " ".join(f"[{source}] {text}" for source, text in said if text)

    def has(self, *sources: EvidenceSource) -> bool:
        """Whether any of these sources has content."""
        return any(one.source in sources for one in self.pieces)

    def sources(self) -> str:
        """The sources with content: ``text+picture``."""
        return "+".join(source for source in EvidenceSource if self.has(source))


SPOKEN = (EvidenceSource.TEXT, EvidenceSource.WORDS, EvidenceSource.VOICE)
"""The sources that contain language."""


def gather(parts: Sequence[Part], pictograms: Mapping[str, Sequence[str]]) -> ItemEvidence:
    """The evidence of an item's parts; ``pictograms``: names by image path."""
    pieces = []
    for part in parts:
        if part.modality is Modality.TEXT and part.text and part.text.strip():
            pieces.append(Evidence(source_of(part), " ".join(part.text.split()), part.path))
        elif seen := pictograms.get(part.path):
            pieces.append(Evidence(EvidenceSource.IMAGE, ", ".join(without_repeats(seen)), part.path))
    return ItemEvidence(tuple(pieces))


def source_of(part: Part) -> EvidenceSource:
    """The source of a text part: the last step of its path names the extractor that made it."""
    if part.parent is None:
        return EvidenceSource.TEXT
    step = part.path.rpartition(">")[2].partition(".")[0]
    return {"words": EvidenceSource.WORDS, "code": EvidenceSource.WORDS, "transcript": EvidenceSource.VOICE}.get(
        step, EvidenceSource.TEXT
    )


def without_repeats(names: Sequence[str]) -> list[str]:
    """The names with runs of equal ones reduced to one: ten knives in a row mean the same as one."""
    return [name for number, name in enumerate(names) if number == 0 or name != names[number - 1]]
