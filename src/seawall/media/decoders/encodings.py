"""Decodes bytes to text by byte order mark, declared encoding, UTF-8, or a guess among older encodings."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

from seawall.media.decoders.encoding_guess import guess
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
    *("shift_jis", "euc_jp", "iso2022_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr", "cp932", "cp949", "cp950"),
    *("big5hkscs", "iso2022_jp_2", "iso2022_kr", "iso8859-11", "tis-620", "cp874", "mac_cyrillic", "mac_roman"),
    *("cp437", "cp850", "cp852", "cp855"),
)
"""Encodings loaded in advance, because no file can be opened later."""
_DECLARED: Final = re.compile(
    rb"<[?!]?(?:meta|xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w:.-]{1,40})", re.IGNORECASE
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LABELS: Final = {
    **dict.fromkeys(("x-gbk", "gb_2312-80", "csgb2312"), "gb18030"),
    **dict.fromkeys(("x-sjis", "sjis", "windows-31j", "ms_kanji"), "cp932"),
    **dict.fromkeys(("ks_c_5601-1987", "ks_c_5601-1989", "ksc5601", "ksc_5601", "windows-949", "korean"), "cp949"),
    **dict.fromkeys(("x-x-big5", "big5-hkscs", "cn-big5"), "big5hkscs"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e", "logical", "visual"), "iso8859-8"),
    **dict.fromkeys(("windows-874", "dos-874"), "cp874"),
    **dict.fromkeys(("x-mac-cyrillic", "x-mac-ukrainian"), "mac_cyrillic"),
    **dict.fromkeys(("macintosh", "x-mac-roman"), "mac_roman"),
    **{f"x-cp125{number}": f"cp125{number}" for number in range(9)},
    "unicode-1-1-utf-8": "utf-8",
    "koi": "koi8-r",
    "dos-866": "cp866",
}
"""Names that browsers know and Python does not."""
_MEANT: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
"""The larger encodings that browsers read under the names of smaller ones."""
_MOST_BROKEN: Final = 0.01  # share of characters that a declared encoding does not have; a browser shows boxes for them
_SHIFTS: Final = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_2"), (b"\x1b(J", "iso2022_jp_2"))
"""Encodings of which every byte is one of ASCII, and how they begin a passage."""
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
    text = _guess(data) if name is None else _decoded(data, name)
    text = text.removeprefix("\ufeff")
    if _CONTROLS.search(text):
        raise DecodeRefused("not_a_document")
    return text


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(_LABELS.get(declared.lower(), declared)).name
    except (LookupError, ImportError, OSError):
        name = ""
    if name.startswith("utf-16"):
        name = "utf-8"  # the declaration was readable as ASCII, so it must be false
    if name not in {codecs.lookup(each).name for each in KNOWN}:
        raise DecodeRefused("unknown_encoding")
    return _MEANT.get(name, name)


def _decoded(data: bytes, name: str) -> str:
    text = data.decode(name, "replace")
    if text.count("\ufffd") > _MOST_BROKEN * len(text) and _is_broken(data, name):
        raise DecodeRefused("damaged")
    return text


def _is_broken(data: bytes, name: str) -> bool:
    """Whether it cannot be decoded: the sign for what cannot may also stand in a text."""
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return True
    return False


def _guess(data: bytes) -> str:
    if b"\0" in data:
        return _wide(data)
    shifted = next((name for mark, name in _SHIFTS if mark in data), None)
    if shifted is not None:
        return _decoded(data, shifted)
    if _CONTROLS.search(data.decode("latin-1")):
        raise DecodeRefused("not_a_document")
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    text = guess(data)
    if text is None:
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
