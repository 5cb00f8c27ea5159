"""Text in plain characters, with offsets into the original: what shapes and checksums are looked for in.

>>> view = plain("card \uff14\uff11\uff11\uff11\u200b1111, write to \u0430nn\uff20mail.example")
>>> view.text
'card 41111111, write to ann@mail.example'
>>> view.span(5, 13)
(5, 14)

Unlike ``normalise.fold`` it keeps case, accents and words: names and street addresses depend on them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from seawall.content.invisible import BLANKS, is_ignorable, parting_blanks
from seawall.content.lookalikes import CYRILLIC, GREEK
from seawall.content.normalise import Normalised

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SIGNS: Final = str.maketrans(dict.fromkeys("‐‑‒–—−﹣", "-") | dict.fromkeys("‘’‛ʼ`´", "'") | {"・": "."})
_FOREIGN = re.compile("[\u0370-\u052f]")
_MIXED = re.compile(r"(?=\w*[A-Za-z0-9])\w*[\u0370-\u052f]\w*")
_LATIN: Final = CYRILLIC | GREEK


def plain(text: str) -> Normalised:
    """Compatibility forms, digits of every script, spaces, hyphens and look-alike letters in Latin words as ASCII.

    Characters that show nothing and marks piled on ASCII letters are left out.
    """
    if text.isascii() and not _CONTROL.search(text):
        return Normalised(text, range(len(text)))
    chars: list[str] = []
    offsets: list[int] = []
    parting = parting_blanks(text)
    for index, char in enumerate(text):
        if char.isascii() and (char >= " " or char in "\t\n\r"):
            shown = char
        elif index in parting:
            shown = " "
        else:
            shown = _plain_character(char, chars)
        chars.extend(shown)
        offsets.extend([index] * len(shown))
    shown = "".join(chars)
    if _FOREIGN.search(shown):
        shown = _MIXED.sub(_latin, shown)
    return Normalised(shown, offsets)


def _plain_character(char: str, before: list[str]) -> str:
    """What a character adds; an accent is put onto the letter before it."""
    category = unicodedata.category(char)
    if is_ignorable(char) or char in BLANKS or category in ("Cf", "Cs", "Cc"):
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return "\n" if category != "Zs" else " "
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in ("Mn", "Me", "Mc"):
        composed = unicodedata.normalize("NFC", before[-1] + char) if before else ""
        if len(composed) == 1:
            before[-1] = composed
        return "" if len(composed) == 1 or not before or before[-1].isascii() else char
    return unicodedata.normalize("NFKC", char).translate(_SIGNS)


def _latin(word: re.Match[str]) -> str:
    """A word with Latin letters or digits, in Latin letters if all its others could be such."""
    letters = [char if char.isascii() else _LATIN.get(char.lower(), "") for char in word[0]]
    if not all(letters):
        return word[0]
    return "".join(new.upper() if old.isupper() else new for old, new in zip(word[0], letters, strict=True))
