"""Safe display of hostile text: escaped, isolated, invisible characters named, evidence marked."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from seawall.console.formats import coefficient
from seawall.console.languages import gettext as _
from seawall.model import Signal, SpanUnit

SHORT = 1_500
"""Characters of the beginning of a text that are shown before the reader asks for the whole."""

_WINDOWS = 12  # pieces of evidence in a long text that are shown at once
_AROUND = 160  # characters before and after evidence
_LONGEST = 400  # characters of one piece of evidence

_NAMES = {
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2060": "WJ",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
    "\u00ad": "SHY",
}


def visible(text: str) -> Markup:
    """``text`` escaped, with every invisible or direction-changing character shown by its name."""
    if all(character.isprintable() or character in "\n\t" for character in text):
        return escape(text)
    return Markup("").join(
        _glyph(character, text[at - 1 : at], text[at + 1 : at + 2]) for at, character in enumerate(text)
    )


def _glyph(character: str, before: str, after: str) -> Markup:
    if character.isprintable() or character in "\n\t":
        return escape(character)
    if character == "\r" and after == "\n":
        return Markup("")
    if character == "\u200d" and _images(before) and _images(after):
        return escape(character)  # joins emoji into one: hides nothing
    return _control(character)


def _images(character: str) -> bool:
    return bool(character) and (character == "\ufe0f" or unicodedata.category(character) in ("So", "Sk"))


def _control(character: str) -> Markup:
    point = f"U+{ord(character):04X}"
    name = _NAMES.get(character, point)
    title = unicodedata.name(character, _("control character"))
    return Markup('<span class="control" title="{}">{}</span>').format(f"{point} {title}", name)


@dataclass(frozen=True, slots=True)
class TextRun:
    """A stretch of text and the signals whose evidence covers it. ``skipped``: characters that are left out here."""

    text: str
    signals: tuple[Signal, ...] = ()
    skipped: int = 0

    @property
    def title(self) -> str:
        """The signals in words, as the mark's title."""
        return "; ".join(f"{signal.detector}: {signal.name} {coefficient(signal.value)}" for signal in self.signals)


def runs(text: str, signals: Sequence[Signal], offset: int = 0) -> list[TextRun]:
    """``text`` cut where evidence begins and ends. Signals without a span in characters are ignored.

    ``offset``: where the text begins in the one that the signals are about.
    """
    spans = [
        (max(0, int(signal.span.start) - offset), min(len(text), int(signal.span.end) - offset), signal)
        for signal in signals
        if signal.span is not None and signal.span.unit is SpanUnit.CHARACTERS
    ]
    spans = [span for span in spans if span[0] < span[1]]
    edges = sorted({0, len(text), *(start for start, _, _ in spans), *(end for _, end, _ in spans)})
    return [
        TextRun(text[start:end], tuple(signal for first, last, signal in spans if first <= start and end <= last))
        for start, end in pairwise(edges)
    ]


def windows(text: str, signals: Sequence[Signal]) -> list[TextRun]:
    """The beginning of a long text and what stands around its strongest evidence, with what is skipped between."""
    spans = [
        (int(signal.span.start), int(signal.span.end), signal.value)
        for signal in signals
        if signal.span is not None and signal.span.unit is SpanUnit.CHARACTERS and signal.span.start < len(text)
    ]
    strongest = sorted(spans, key=lambda span: -span[2])[:_WINDOWS]
    wanted = [(0, SHORT)] + [
        (max(0, start - _AROUND), min(end, start + _LONGEST) + _AROUND) for start, end, _ in sorted(strongest)
    ]
    shown: list[TextRun] = []
    at = 0
    for start, end in wanted:
        start, end = max(at, start), min(len(text), end)
        if start >= end:
            continue
        if start > at:
            shown.append(TextRun("", skipped=start - at))
        shown += runs(text[start:end], signals, offset=start)
        at = end
    return shown if at == len(text) else [*shown, TextRun("", skipped=len(text) - at)]
