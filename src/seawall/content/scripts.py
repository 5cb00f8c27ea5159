"""Letters of one script that are written for each other, and marks that a writer may leave out.

>>> plain_letter("أ"), plain_letter("ک"), plain_letter("қ"), is_optional_mark("\\u064e")
('ا', 'ك', 'к', True)

Arabic and Hebrew vowel signs and the dot of Indian scripts (nukta) are optional. The forms of alef, ya, ta marbuta and
their Persian and Urdu letters are one; Cyrillic letters with strokes and hooks are those without. Words that such a
spelling tells apart are rare, and both sides of a comparison are folded alike.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final


def _pairs(plain: str, written: str) -> dict[str, str]:
    return dict(zip(written, plain, strict=True))


_OPTIONAL = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points and accents
    "\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08ff"
    "\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc]"  # nukta
)
_PLAIN: Final[dict[str, str]] = {
    **_pairs("ااااييييئكككهههههه", "آأإٱىیےۍۓکڪڬةہەھۃۀ"),
    "ۂ": "ه",
    **_pairs("кккккггггннххууожзстрчч", "қҡҝӄҟғҕӻӷңӈҳӽұүөҗҙҫҭҏҷҹ"),
}
_SPELT_WITH_MARK: Final = frozenset("йёїў")  # letters of their own in Cyrillic alphabets, not letters with an accent
_CYRILLIC = re.compile("[\u0400-\u052f]")

SPACING_MARKS: Final[dict[str, str]] = {"ﾞ": "\u3099", "゛": "\u3099", "ﾟ": "\u309a", "゜": "\u309a"}
"""The Japanese sound marks as characters of their own, as after half-width kana."""
_PLAIN_MARKS: Final[dict[str, str]] = {
    **SPACING_MARKS,
    **{chr(block + 1): chr(block + 2) for block in (0x0900, 0x0980, 0x0A00, 0x0A80)},  # candrabindu as anusvara
}


def is_optional_mark(char: str) -> bool:
    """Whether a combining mark may be left out of a word without making another one."""
    return _OPTIONAL.match(char) is not None


def plain_mark(mark: str) -> str:
    """The combining mark for which another one is written."""
    return _PLAIN_MARKS.get(mark, mark)


@lru_cache(4096)
def plain_letter(letter: str) -> str:
    """The letter for which this form of it is written; any other character unchanged."""
    decomposed = unicodedata.normalize("NFD", letter)
    base, marks = decomposed[0], decomposed[1:]
    if marks and (all(map(is_optional_mark, marks)) or (_CYRILLIC.match(base) and letter not in _SPELT_WITH_MARK)):
        letter = base
    return _PLAIN.get(letter, letter)


def split_vowel(char: str) -> str:
    """An Indian vowel sign of two parts as these parts: some keyboards write one, some two."""
    parts = unicodedata.normalize("NFD", char)
    return parts if len(parts) > 1 and all(unicodedata.category(part) == "Mc" for part in parts) else char


# ── Hangul ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_HOLDS_JAMO = re.compile("[\u1161-\u1175\u11a8-\u11c2]")  # vowels and finals: what makes a syllable
HANGUL_LETTERS: Final = re.compile(
    "(?P<first>[\u1100-\u1112])(?P<vowel>[\u1161-\u1175])"
    "(?:(?P<last>[\u11a8-\u11c2])|(?P<next>[\u1100-\u1112])(?![\u1161-\u1175]|(?P=next)))?"
    "|(?P<open>[\uac00-\ud7a3])(?P<closing>[\u11a8-\u11c2])"
)
"""Letters that make one syllable. A doubled consonant is none's end: it is laughter (ㅋㅋ)."""
_LAST_OF_FIRST: Final = dict(zip("ᄀᄁᄂᄃᄅᄆᄇᄉᄊᄋᄌᄎᄏᄐᄑᄒ", "ᆨᆩᆫᆮᆯᆷᆸᆺᆻᆼᆽᆾᆿᇀᇁᇂ", strict=True))


def holds_jamo(text: str) -> bool:
    """Whether letters of Hangul stand one by one in a text."""
    return _HOLDS_JAMO.search(text) is not None


def compose_jamo(letters: re.Match[str]) -> tuple[str, tuple[int, ...]]:
    """The syllable of a match of ``HANGUL_LETTERS``, and for each of its characters the index of its origin."""
    last = letters["last"] or _LAST_OF_FIRST.get(letters["next"] or "", letters["next"] or "")
    written = letters[0] if letters["open"] else f"{letters['first']}{letters['vowel']}{last}"
    composed = unicodedata.normalize("NFC", written)
    return composed, (0, len(letters[0]) - 1)[: len(composed)]


# ── kana ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_KATAKANA = re.compile("[\u30a1-\u30f6\u30fd\u30fe]")
_HIRAGANA_OF: Final = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}


def as_hiragana(text: str) -> str:
    """The same text, as long, with katakana as hiragana: one word may be written in both."""
    return text.translate(_HIRAGANA_OF) if _KATAKANA.search(text) else text
