"""What an item says in all its parts, as one text with marks that tell where each piece comes from.

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
    """Where a piece of evidence comes from, in the order in which it is written down."""

    TEXT = "text"  # typed by the author
    IMAGE = "picture"  # pictograms seen in an image
    WORDS = "words"  # letters read in an image, QR codes
    VOICE = "voice"  # speech as transcribed


MOST_CHARACTERS = 2_000  # of one source


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece: its source, its words, the part that it was found in."""

    source: EvidenceSource
    text: str
    part: str


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """All the evidence of an item. Words in images and speech count as text when it comes to what was said."""

    pieces: tuple[Evidence, ...]

    def text(self, *sources: EvidenceSource) -> str:
        """What these sources say, one after the other (all of them when none is named)."""
        wanted = sources or tuple(EvidenceSource)
        said = (" ".join(one.text for one in self.pieces if one.source is source) for source in wanted)
        return " ".join(text[:MOST_CHARACTERS] for text in said if text)

    def typed(self, *sources: EvidenceSource) -> str:
        """The same with a mark before each source."""
        wanted = sources or tuple(EvidenceSource)
        said = ((source, self.text(source)) for source in wanted)
        return " ".join(f"[{source}] {text}" for source, text in said if text)

    def has(self, *sources: EvidenceSource) -> bool:
        """Whether any of these sources says something."""
        return any(one.source in sources for one in self.pieces)

    def sources(self) -> str:
        """Who says something: ``text+picture``."""
        return "+".join(source for source in EvidenceSource if self.has(source))


SPOKEN = (EvidenceSource.TEXT, EvidenceSource.WORDS, EvidenceSource.VOICE)
"""The sources that are somebody's words."""


def gather(parts: Sequence[Part], pictograms: Mapping[str, Sequence[str]]) -> ItemEvidence:
    """The evidence of an item's parts; ``pictograms``: by image, what was seen."""
    pieces = []
    for part in parts:
        if part.modality is Modality.TEXT and part.text and part.text.strip():
            pieces.append(Evidence(source_of(part), " ".join(part.text.split()), part.path))
        elif seen := pictograms.get(part.path):
            pieces.append(Evidence(EvidenceSource.IMAGE, ", ".join(without_repeats(seen)), part.path))
    return ItemEvidence(tuple(pieces))


def source_of(part: Part) -> EvidenceSource:
    """Where a text part comes from: the last step of its path names the extractor that made it."""
    if part.parent is None:
        return EvidenceSource.TEXT
    step = part.path.rpartition(">")[2].partition(".")[0]
    return {"words": EvidenceSource.WORDS, "code": EvidenceSource.WORDS, "transcript": EvidenceSource.VOICE}.get(
        step, EvidenceSource.TEXT
    )


def without_repeats(names: Sequence[str]) -> list[str]:
    """The same names, each run of equal ones once: a row of ten knives says what one says."""
    return [name for number, name in enumerate(names) if number == 0 or name != names[number - 1]]
