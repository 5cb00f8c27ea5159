"""Fonts of a PDF: which characters its codes mean, and how wide they are. A code without a meaning is unread text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from pypdf._codecs import adobe_glyphs
from pypdf.generic import DictionaryObject, StreamObject
from pypdf.generic._font import Font

from seawall.media.decoders.pdf_objects import array, dictionary, entry

_ODD: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_FONT_FILES: Final = frozenset({"/FontFile", "/FontFile2", "/FontFile3"})
_UNICODE: Final = re.compile(r"/(?:Uni.*|GB.*|ETen.*|90ms-RKSJ)-[HV]")
"""Encodings of composite fonts that pypdf turns into characters; ``Identity`` numbers the glyphs of one font."""
_SYMBOL: Final = re.compile(
    r"/(?:[a-z]+(?:big|Big|bigg|Bigg|display|text|wide|wider|widest|tp|bt|ex|mid|left|right|inv)|\.notdef|a\d{1,3})"
)
"""Names of mathematical symbols and dingbats, which are no letters."""
_CODED: Final = re.compile(r"/uni((?:[0-9A-Fa-f]{4})+)|/u([0-9A-Fa-f]{4,6})")
_ALIKE: Final = 6  # codes of one character: kinds of blanks, forms of a letter
_ALLOTTED: Final = 6  # codes that were given out by their number, not by what they mean


@dataclass(frozen=True, slots=True)
class FontGlyph:
    """``text`` is None where the font does not say what the glyph means; ``width``: thousandths of the font size."""

    text: str | None
    width: float
    is_space: bool  # the code 32 of a font of one byte: word spacing applies to it


@dataclass(slots=True)
class TextFont:
    """A font resource. ``key`` identifies it among the fonts of a file."""

    key: object
    space: float  # width of a space
    is_vertical: bool
    font: Font
    resource: DictionaryObject
    _known: dict[str, FontGlyph] = field(default_factory=dict)
    _same: Counter[str] = field(default_factory=Counter)  # codes of each character
    first_uses: list[int] = field(default_factory=list)  # codes in order of first use, if the file explains none

    def glyphs(self, shown: bytes) -> list[FontGlyph]:
        """The glyphs of a string."""
        encoding = self.font.encoding
        codes = shown.decode(encoding, "replace") if isinstance(encoding, str) else shown.decode("latin-1")
        return [self._known.get(code) or self._learn(code) for code in codes]

    @property
    def is_allotted(self) -> bool:
        """Whether codes number the glyphs, so that they are no letters.

        They were given out one after the other as letters first occurred, or few of them stand for a letter or digit.
        """
        uses = self.first_uses
        if len(uses) < _ALLOTTED:
            return False
        letters = sum(chr(code).isalnum() or code == ord(" ") for code in uses)
        return 2 * letters < len(uses) or uses == list(range(uses[0], uses[0] + len(uses)))

    def _learn(self, code: str) -> FontGlyph:
        text = self._simple(code) if isinstance(self.font.encoding, dict) else self._composite(code)
        if text is not None and (not text or _ODD.search(text)):
            text = None
        if text is not None:
            text = unicodedata.normalize("NFKC", text) if _is_presentation(text) else text
        if text is not None:
            self._same[text] += 1
            if self._same[text] > _ALIKE:
                text = None  # a mapping that makes blanks of letters
        width = self.font.get_text_width(code)
        is_space = code == " " and isinstance(self.font.encoding, dict)
        known = self._known[code] = FontGlyph(text, float(width), is_space)
        if self._guesses():
            self.first_uses.append(ord(code))
        return known

    def _composite(self, code: str) -> str | None:
        mapped = self.font.character_map.get(code)
        if mapped is not None:
            return str(mapped)
        named = entry(self.resource, "/Encoding")
        return code if isinstance(named, str) and _UNICODE.fullmatch(named) else None

    def _simple(self, code: str) -> str | None:
        assert isinstance(self.font.encoding, dict)
        encoded = self.font.encoding.get(ord(code), code)
        mapped = self.font.character_map.get(encoded)
        if mapped is not None:
            return str(mapped)
        if self.font.sub_type == "Type3" and not isinstance(entry(self.resource, "/Encoding"), DictionaryObject):
            return None
        if encoded < " ":
            return None  # among others the names /a0 to /a31
        return _named(encoded) if len(encoded) > 1 and encoded.startswith("/") else encoded

    def _guesses(self) -> bool:
        """Whether the codes are those of an embedded font, which the file does not explain."""
        return (
            not _FONT_FILES.isdisjoint(dictionary(self.resource.get("/FontDescriptor")))
            and not self.font.character_map  # none, or one that says nothing
            and "/Encoding" not in self.resource
        )


def text_font(resource: DictionaryObject, key: object) -> TextFont:
    """The font of a resource. Any exception of pypdf means that it is damaged."""
    font = Font.from_font_resource(resource)
    space = float(font.character_widths.get(font.space_char, 0) or 250)
    if font.sub_type == "Type3":
        font.character_widths, space = _type3_widths(resource), 250.0
    encoding = entry(resource, "/Encoding")
    is_vertical = isinstance(encoding, str) and encoding.endswith("-V")
    if isinstance(encoding, StreamObject):
        is_vertical = entry(encoding, "/WMode") == 1
    return TextFont(key, space, is_vertical, font, resource)


def _type3_widths(resource: DictionaryObject) -> dict[str, float]:
    """Widths in thousandths of a font size, which these fonts give in a space of their own."""
    matrix = array(resource.get("/FontMatrix"))
    scale = float(matrix[0]) if matrix else 0.001
    first = int(entry(resource, "/FirstChar") or 0)
    widths = array(resource.get("/Widths"))[:256]
    found = {chr(first + at): float(width) * scale * 1000 for at, width in enumerate(widths)}
    return {"default": 500.0, **found}


def _named(name: str) -> str | None:
    """The characters a glyph's name means by Adobe's rules: ``/f_i``, ``/a.sc``, ``/uni0041``; "" for a symbol."""
    base = name[1:].partition(".")[0]
    read = [_one_name(f"/{piece}") for piece in base.split("_")] if base else [None]
    if all(piece is not None for piece in read):
        return "".join(piece or "" for piece in read)
    return "\u25a1" if _SYMBOL.fullmatch(name) and not _is_numbered(name) else None


def _is_numbered(name: str) -> bool:
    return name[-1:].isdigit()


def _one_name(name: str) -> str | None:
    known: Any = adobe_glyphs.get(name)
    if known is not None:
        return str(known)
    coded = _CODED.fullmatch(name)
    if coded is None:
        return None
    digits = coded[1] or coded[2]
    try:
        sizes = range(0, len(digits), 4) if coded[1] else (0,)
        return "".join(chr(int(digits[at : at + 4] if coded[1] else digits, 16)) for at in sizes)
    except (ValueError, OverflowError):
        return None


def _is_presentation(text: str) -> bool:
    """Whether these are forms of letters by their place in a word, or ligatures."""
    return any("\ufb00" <= letter <= "\ufdff" or "\ufe70" <= letter <= "\ufeff" for letter in text)
