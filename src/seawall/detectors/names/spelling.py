"""Normal forms of names: plain spelling and visual shape."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from seawall.content.lookalikes import CYRILLIC, DECORATIVE, GREEK
from seawall.content.normalise import fold

_WORDS = re.compile(r"[^\W_]+")
_SHAPES: Final = {
    **CYRILLIC,
    **GREEK,
    **DECORATIVE,
    "0": "o",
    "1": "l",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
}
_SIGNS: Final = {"$": "s", "@": "a", "!": "i", "€": "e", "£": "l", "|": "l"}
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("ii", "n"))
_UNSEEN: Final = ("Cf", "Cc", "Co")
_SIGN_INSIDE = re.compile(r"[^\W\d_][0-9$@!|€£]+[^\W\d_]|\b[013457$@][^\W\d_]{2,}")
_ALIKE: Final = str.maketrans({"i": "l", "j": "l"})
_DOUBLE = re.compile(r"(.)\1+")


def plain(name: str) -> str:
    """A name in plain spelling: lower case, without accents and punctuation, single spaces; letters unchanged.

    >>> plain("Beyoncé  KNOWLES-Carter")
    'beyonce knowles carter'
    """
    letters = unicodedata.normalize("NFKD", name.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", ""))
    folded = unicodedata.normalize("NFKD", letters.casefold())
    return " ".join(_WORDS.findall("".join(char for char in folded if not unicodedata.combining(char))))


def shape(name: str) -> str:
    """The visual shape of a name: other scripts' letters, digits and signs become the Latin letters they resemble.

    Two names of one shape are hard to tell apart; most of them are not the same name.

    >>> shape("Аdеlе") == shape("Adele") == shape("ADE1E") == shape("A d e l e")
    True
    """
    text = fold("".join(_SIGNS.get(char, char) for char in name)).text
    text = "".join(_SHAPES.get(char, char) for char in text if char.isalnum())
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return _DOUBLE.sub(r"\1", text.translate(_ALIKE))


def is_disguised(name: str) -> bool:
    """Whether a name contains characters that no keyboard for its language has: other scripts' letters, ornaments."""
    letters = [char for char in unicodedata.normalize("NFD", name) if char.isalpha()]
    if len({_script(char) for char in letters}) > 1 or any(unicodedata.category(char) in _UNSEEN for char in name):
        return True
    if any(char in DECORATIVE or unicodedata.normalize("NFKD", char) != char for char in letters):
        return True
    return _SIGN_INSIDE.search(name) is not None


def _script(char: str) -> str:
    """``LATIN``, ``CYRILLIC``, …; ornaments such as ``MATHEMATICAL`` count as separate scripts."""
    return unicodedata.name(char, "?").partition(" ")[0]
