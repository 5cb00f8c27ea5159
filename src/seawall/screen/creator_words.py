"""The words of a creator in what stands in their place: how many of them, and where.

They are matched as ``contains`` matches: in the text as shown, folded, as whole words, in time linear in the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from seawall.model import Modality, Part, Signal, Span, SpanUnit
from seawall.policy.features import CREATOR_WORDS
from seawall.policy.functions import canonical_text, find_words

DETECTOR: Final = CREATOR_WORDS.name
_VERSION: Final = "1"


def find_creator_words(words: Sequence[str], parts: Sequence[Part]) -> Iterator[Signal]:
    """One signal for each of the canonical ``words`` that occurs, at its first place. It does not say which word."""
    texts = [(part, canonical_text(part.text)) for part in parts if part.modality is Modality.TEXT and part.text]
    for word in words:
        for part, folded in texts:
            start = find_words(folded, word)
            if start >= 0:
                span = _span(str(part.text), folded, start, start + len(word))
                yield Signal(
                    name=CREATOR_WORDS.name, value=1.0, part=part.path, detector=DETECTOR, version=_VERSION, span=span
                )
                break


def _span(text: str, folded: str, start: int, end: int) -> Span | None:
    """The place in the text as it was written; None where folding does not tell."""
    offsets = _offsets(text, folded)
    if offsets is None:
        return None
    last = offsets[end] if end < len(offsets) else len(text)
    return Span(SpanUnit.CHARACTERS, offsets[start], max(last, offsets[end - 1] + 1))


def _offsets(text: str, folded: str) -> list[int] | None:
    """For each character of the folded text, where it comes from; None if folding letter by letter gives another."""
    found: list[str] = []
    offsets: list[int] = []
    for start, letter in _letters(text):
        for piece in " " if letter.isspace() else canonical_text(letter):
            if piece != " " or (found and found[-1] != " "):
                found.append(piece)
                offsets.append(start)
    if found and found[-1] == " ":
        found.pop()
        offsets.pop()
    return offsets if "".join(found) == folded else None


def _letters(text: str) -> Iterator[tuple[int, str]]:
    """Each letter with its accents, and where it begins."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not unicodedata.combining(text[at]):
            yield start, text[start:at]
            start = at
