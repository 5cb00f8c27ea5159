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


class Source(StrEnum):
    """Where a piece of evidence comes from, in the order in which it is written down."""

    TEXT = "text"  # typed by the author
    PICTURE = "picture"  # pictograms seen in a picture
    WORDS = "words"  # letters read in a picture, QR codes
    VOICE = "voice"  # speech as transcribed


MOST_CHARACTERS = 2_000  # of one source


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece: its source, its words, the part that it was found in."""

    source: Source
    text: str
    part: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """All the evidence of an item. Words in pictures and speech count as text when it comes to what was said."""

    pieces: tuple[Evidence, ...]

    def text(self, *sources: Source) -> str:
        """What these sources say, one after the other (all of them when none is named)."""
        wanted = sources or tuple(Source)
        said = (" ".join(one.text for one in self.pieces if one.source is source) for source in wanted)
        return " ".join(text[:MOST_CHARACTERS] for text in said if text)

    def typed(self, *sources: Source) -> str:
        """The same with a mark before each source."""
        wanted = sources or tuple(Source)
        said = ((source, self.text(source)) for source in wanted)
        return " ".join(f"[{source}] {text}" for source, text in said if text)

    def has(self, *sources: Source) -> bool:
        """Whether any of these sources says something."""
        return any(one.source in sources for one in self.pieces)

    def sources(self) -> str:
        """Who says something: ``text+picture``."""
        return "+".join(source for source in Source if self.has(source))


SPOKEN = (Source.TEXT, Source.WORDS, Source.VOICE)
"""The sources that are somebody's words."""


def gather(parts: Sequence[Part], pictograms: Mapping[str, Sequence[str]]) -> Bundle:
    """The evidence of an item's parts; ``pictograms``: by picture, what was seen."""
    pieces = []
    for part in parts:
        if part.modality is Modality.TEXT and part.text and part.text.strip():
            pieces.append(Evidence(source_of(part), " ".join(part.text.split()), part.path))
        elif seen := pictograms.get(part.path):
            pieces.append(Evidence(Source.PICTURE, ", ".join(without_repeats(seen)), part.path))
    return Bundle(tuple(pieces))


def source_of(part: Part) -> Source:
    """Where a text part comes from: the last step of its path names the deriver that made it."""
    if part.parent is None:
        return Source.TEXT
    step = part.path.rpartition(">")[2].partition(".")[0]
    return {"words": Source.WORDS, "code": Source.WORDS, "transcript": Source.VOICE}.get(step, Source.TEXT)


def without_repeats(names: Sequence[str]) -> list[str]:
    """The same names, each run of equal ones once: a row of ten knives says what one says."""
    return [name for number, name in enumerate(names) if number == 0 or name != names[number - 1]]
