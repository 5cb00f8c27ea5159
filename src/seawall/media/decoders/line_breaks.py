"""Words that are broken at the end of a line, made whole again.

>>> rejoin("I will ki-\\nll you")
'I will kill\\nyou'
>>> rejoin("a well-known, well-\\nknown man, Anglo-\\nSaxon, pre-\\nand postwar")
'a well-known, well-known\\nman, Anglo-Saxon,\\npre-\\nand postwar'
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
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
_AROUND: Final = 200  # characters on each side of a page's end
_LONGEST_WORD: Final = 40  # characters that are left out so that a text begins and ends with a word
_MOST_FURNITURE: Final = 3  # lines above or below the text of a page
_DIGITS: Final = re.compile(r"\d+")
_PAGE_NUMBER: Final = re.compile(
    r"[\W_]*(?:(?:page|seite|p\.?|pg\.?|s\.|pagina|p\u00e1gina|str\.?)?[\W_]*(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:[\W_]*(?:of|von|de|di|sur|/)?[\W_]*\d{1,4})?)?[\W_]*",
    re.IGNORECASE,
)


def page_seams(pages: Sequence[str]) -> list[str]:
    """For each two pages in a row, the end of one and the beginning of the next as they are read.

    Page numbers are left out, and so are lines that stand above or below the text of several pages.
    """
    lines = [[line for line in page.split("\n") if line.strip()] for page in pages]
    heads = Counter(key for page in lines for key in {_key(line) for line in page[:_MOST_FURNITURE]})
    feet = Counter(key for page in lines for key in {_key(line) for line in page[-_MOST_FURNITURE:]})
    ends = ["\n".join(reversed(_without_furniture(page[::-1], feet))) for page in lines]
    begins = ["\n".join(_without_furniture(page, heads)) for page in lines]
    return [rejoin(f"{_tail(end)}\n{_head(begin)}") for end, begin in zip(ends, begins[1:], strict=False)]


def seam_at(text: str, at: int) -> tuple[int, str]:
    """The text around a place where it is cut into pieces, and where that begins."""
    end = _tail(text[max(0, at - 2 * _AROUND) : at])
    return at - len(end), f"{end}{_head(text[at : at + 2 * _AROUND])}"


def _without_furniture(lines: Sequence[str], known: Counter[str]) -> Sequence[str]:
    """The lines from the first one that belongs to the text."""
    for at, line in enumerate(lines[:_MOST_FURNITURE]):
        if not (_PAGE_NUMBER.fullmatch(line[:_LONGEST]) or known[_key(line)] > 1):
            return lines[at:]
    return lines[_MOST_FURNITURE:] or lines


def _key(line: str) -> str:
    return _DIGITS.sub("0", line.strip().casefold()[:_LONGEST])


def _tail(text: str) -> str:
    """The last words."""
    if len(text) <= _AROUND:
        return text
    kept = text[-_AROUND:]
    cut = kept.find(" ", 0, _LONGEST_WORD) + 1
    return kept[cut:]


def _head(text: str) -> str:
    """The first words."""
    if len(text) <= _AROUND:
        return text
    cut = text.rfind(" ", _AROUND - _LONGEST_WORD, _AROUND)
    return text[: cut if cut > 0 else _AROUND]


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
    if second.lower() in _SUSPENDED and tail == second and len(first) > 1:
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
