"""Words that are broken at the end of a line, made whole again.

>>> rejoin("I will ki-\\nll you")
'I will kill\\nyou'
>>> rejoin("a well-known, well-\\nknown man, Anglo-\\nSaxon, pre-\\nand postwar")
'a well-known, well-known\\nman, Anglo-Saxon,\\npre-\\nand postwar'
"""

from __future__ import annotations

import re
from typing import Final

_SOFT: Final = "\u00ad"
_BREAK: Final = re.compile(r"(?<=[^\W\d_])([-\u2010\ufe63\u00ad])[ \t]{0,9}\r?\n[ \t]{0,99}(?=[^\W\d_])")
_HYPHENED: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,50}[-\u2010][^\W\d_]{1,50}")
_BLANK: Final = re.compile(r"\s+")
_LINK: Final = re.compile(r"://|www\.|@|[^\W\d_]\.[^\W\d_]{2}|/", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]+")
_LONGEST: Final = 100  # characters of a word that are looked at
_SUSPENDED: Final = frozenset({"and", "or", "und", "oder", "et", "ou", "y", "o", "e", "och", "eller", "en", "of"})
"""Words after a hyphen that stands for a word's end: pre- and postwar."""


def rejoin(text: str) -> str:
    """The text with each broken word in the line where it began.

    A soft hyphen goes. A hyphen goes between two small letters or two capitals, unless the same word stands with a
    hyphen elsewhere in the text. One in an address, or before a capital after a small letter, stays.
    """
    breaks = list(_BREAK.finditer(text))
    if not breaks:
        return text
    compounds = {found[0].lower().replace("\u2010", "-") for found in _HYPHENED.finditer(text)}
    out: list[str] = []
    head, at, is_owed = "", 0, False  # a line ends after the word that was made whole
    for found in breaks:
        chunk = text[at : found.start()]
        paid, is_owed = _pay(chunk, is_owed)
        out.append(paid)
        head = _token_at_end(head + chunk)
        tail = text[found.end() : found.end() + _LONGEST].split(None, 1)[0]
        at = found.end()
        link = _joint(found[1], head, tail, compounds)
        if link is None:
            out.append(found[0])
            head, is_owed = "", False
        else:
            out.append(link)
            head, is_owed = head + link, True
    out.append(_pay(text[at:], is_owed)[0])
    return "".join(out)


def _token_at_end(text: str) -> str:
    last = text[-_LONGEST:]
    return last.rsplit(None, 1)[-1] if last.strip() and not last[-1].isspace() else ""


def _joint(mark: str, head: str, tail: str, compounds: set[str]) -> str | None:
    """What stands between the two pieces of a word; None if they are two words."""
    if mark == _SOFT:
        return ""
    if _LINK.search(f"{head}-{tail}"):
        return "-"
    before, after = _WORD.findall(head)[-1:], _WORD.findall(tail)[:1]
    if not before or not after:
        return None
    first, second = before[0], after[0]
    if second.lower() in _SUSPENDED and tail == second:
        return None
    if f"{first}-{second}".lower() in compounds:
        return "-"
    small = first[-1].islower() and second[0].islower()
    capital = first.isupper() and second.isupper()
    is_caseless = first[-1].lower() == first[-1].upper() and second[0].lower() == second[0].upper()
    return "" if small or capital or is_caseless else "-"


def _pay(chunk: str, is_owed: bool) -> tuple[str, bool]:
    """End the line at the first blank, where one is owed."""
    found = _BLANK.search(chunk) if is_owed else None
    if found is None:
        return chunk, is_owed
    return (chunk if "\n" in found[0] else f"{chunk[: found.start()]}\n{chunk[found.end() :]}"), False
