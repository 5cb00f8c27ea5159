"""Decodes bytes to text by byte order mark, declared encoding, UTF-8, or a legacy Windows encoding."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

from seawall.media.decoders.operation import DecodeRefused

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
KNOWN: Final = (
    *("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "ascii", "latin-1", "koi8-r", "koi8-u", "cp866"),
    *(f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)),
    *(f"cp{number}" for number in range(1250, 1259)),
    *("shift_jis", "euc_jp", "iso2022_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr", "cp932", "cp950"),
)
"""Encodings loaded in advance, because no file can be opened later."""
_DECLARED: Final = re.compile(
    rb"<[?!]?(?:meta|xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w:.-]{1,40})", re.IGNORECASE
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_FEW_ODD, _MOST_ODD = 3, 0.3  # odd letters, and their share, in the Windows encoding: above, the encoding is unknown
_MOST_PAIRS: Final = 0.7  # share of characters beyond ASCII whose bytes are both ASCII: a third of Chinese ones
_FEWEST_ZEROS: Final = 0.05  # share of characters below 256 in UTF-16: blanks alone are more in most texts


def load() -> None:
    """Load the encodings."""
    for name in KNOWN:
        codecs.lookup(name)


def as_text(data: bytes, *, is_markup: bool) -> str:
    """The text of a file. Raises ``DecodeRefused``: ``not_a_document``, ``unknown_encoding``, ``damaged``."""
    name = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    declared = _DECLARED.search(data[:2_000]) if is_markup and name is None else None
    if declared is not None:
        name = _known(declared[1].decode())
    try:
        text = _guess(data) if name is None else data.decode(name)
    except UnicodeDecodeError:
        raise DecodeRefused("damaged") from None
    text = text.removeprefix("\ufeff")
    if _CONTROLS.search(text):
        raise DecodeRefused("not_a_document")
    return text


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except (LookupError, ImportError, OSError):
        name = ""
    if name.startswith("utf-16"):
        name = "utf-8"  # the declaration was readable as ASCII, so it must be false
    if name not in {codecs.lookup(each).name for each in KNOWN}:
        raise DecodeRefused("unknown_encoding")
    return {"ascii": "cp1252", "iso8859-1": "cp1252"}.get(name, name)  # as browsers do


def _guess(data: bytes) -> str:
    if b"\0" in data:
        return _wide(data)
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise DecodeRefused("unknown_encoding") from None
    letters = "".join(text.split())
    if sum(not letter.isascii() for letter in letters) > _FEW_ODD + _MOST_ODD * len(letters):
        raise DecodeRefused("unknown_encoding")
    return text


def _wide(data: bytes) -> str:
    """UTF-16 without a byte order mark: zeros stand in bytes of one parity only, and every character is one of text."""
    zeros = data[::2].count(0), data[1::2].count(0)
    if len(data) % 2 or min(zeros) or max(zeros) < _FEWEST_ZEROS * len(data) / 2:
        raise DecodeRefused("not_a_document")
    try:
        text = data.decode("utf-16-be" if zeros[0] else "utf-16-le")
    except UnicodeDecodeError:
        raise DecodeRefused("not_a_document") from None
    pairs = sum(_is_pair(letter) for letter in text)  # a text of one byte a letter, with a zero in it, has nothing else
    others = sum(not letter.isascii() for letter in text)
    if pairs > _MOST_PAIRS * others or any(unicodedata.category(letter) in ("Cn", "Co", "Cs") for letter in set(text)):
        raise DecodeRefused("not_a_document")
    return text


def _is_pair(letter: str) -> bool:
    """Whether both bytes of a character are letters or marks of ASCII."""
    high, low = divmod(ord(letter), 256)
    return 0x20 <= high < 0x7F and 0x20 <= low < 0x7F
