"""Characters that show nothing, whatever their category: some are letters, some marks, some symbols.

>>> is_ignorable("\\u200b"), is_ignorable("\\u3164"), is_ignorable("a")
(True, True, False)
"""

from __future__ import annotations

import re
from typing import Final

# Unicode's derived property Default_Ignorable_Code_Point, whole, with the code points it reserves for later versions.
# Python does not know the property; a test derives it again from what Python knows.
_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Shown as nothing by their own definition, though not in the property: interlinear annotations, the Khitan filler,
# and the noncharacters, which no font can have.
_UNSHOWN: Final = "\ufff9-\ufffb\U00016fe4\ufdd0-\ufdef" + "".join(
    f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17)
)
_STRETCHERS: Final = "\u0640\u07fa\u180a"  # tatweel and its like lengthen the line between two letters
_is_ignorable = re.compile(f"[{_IGNORABLE}{_UNSHOWN}{_STRETCHERS}]")
_are_ignorable = re.compile(f"[{_IGNORABLE}{_UNSHOWN}]+")

# Letters and symbols that fonts draw as an empty space: the Hangul fillers, the Braille pattern without dots, the
# null note head, the blanks of Egyptian, and the place of an object that a copied text no longer has.
BLANKS: Final = "\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159\U00013441\U00013442"
_BLANK_RUN = re.compile(f"[{BLANKS}]+")
_BLANKED_WORD = re.compile(rf"[^\s{BLANKS}]+(?:[{BLANKS}]+[^\s{BLANKS}]+)+")
_SPACED_FROM: Final = 3  # letters between blanks from which these part words


def is_ignorable(char: str) -> bool:
    """Whether a character shows nothing and parts nothing."""
    return _is_ignorable.match(char) is not None


def as_shown(text: str) -> str:
    """The text without characters that show nothing, blanks that part words being spaces."""
    if text.isascii():
        return text
    if _BLANK_RUN.search(text):
        parting = parting_blanks(text)
        text = "".join(" " if at in parting else "" if char in BLANKS else char for at, char in enumerate(text))
    return _are_ignorable.sub("", text)


def parting_blanks(text: str) -> frozenset[int]:
    """Where blanks stand for spaces. The others hide letters of one word from each other (``k⠀i⠀l⠀l``) or show nothing.

    Blanks part words when what stands between them is as long as words: each part of a pair, on average of more. Beside
    an "@" they hide a mail address.
    """
    found: set[int] = set()
    for word in _BLANKED_WORD.finditer(text):
        blanks = list(_BLANK_RUN.finditer(word[0]))
        lengths = [sum(map(_is_letter, part)) for part in _BLANK_RUN.split(word[0])]
        least = min(lengths) if len(lengths) == 2 else sum(lengths) / len(lengths)
        if least >= _SPACED_FROM:
            parting = (blank for blank in blanks if "@" not in word[0][blank.start() - 1 : blank.end() + 1])
            found.update(word.start() + at for blank in parting for at in range(*blank.span()))
    return frozenset(found)


def _is_letter(char: str) -> bool:
    return char.isalnum() and not is_ignorable(char)
