"""Compound files (OLE 2): the objects that office files hold, and the files packed into them.

Every entry is looked at, whatever its place. Old Office documents have the same format; their texts are not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from seawall.media.decoders.document_parts import DocumentParts, is_image
from seawall.media.decoders.operation import DecodeRefused

SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER: Final = 512
_ENTRY: Final = 128
_LAST: Final = 0xFFFFFFFA  # sector numbers from here on mean the end
_STREAM, _ROOT = 2, 5
_ABOUT_ITSELF: Final = ("\x01", "\x02", "\x03", "\x05")
"""How names begin of what describes the object: its program, its picture, a summary."""
_PACKAGE: Final = "\x01Ole10Native"
_HOLDS: Final = frozenset({"package", "contents", "embeddedodf"})
"""Names of streams that are a file: an office file, what a viewer of PDFs or another program embedded, OpenDocument."""
_SIGNED: Final = (b"PK\3\4", b"%PDF-", SIGNATURE)
_WORD, _LONG = struct.Struct("<H"), struct.Struct("<I")


def read(data: bytes, finds: DocumentParts) -> None:
    """Hand on the files in a compound file. Raises ``DecodeRefused``: ``damaged``, or ``unknown_format`` for others."""
    try:
        streams = list(_streams(data))
        names = {name.lower() for name, _ in streams}
        has_others = False
        for name, held in streams:
            finds.unpack(len(held))
            if name == _PACKAGE:
                finds.file(*_unpacked(held))
            elif name.lower() in _HOLDS or held.startswith(_SIGNED) or is_image(held):
                finds.file(name, held)
            else:
                has_others |= not name.startswith(_ABOUT_ITSELF) and bool(held)
    except (struct.error, ValueError, IndexError):
        raise DecodeRefused("damaged") from None
    if has_others and "_vba_project" not in names:
        raise DecodeRefused("unknown_format")


@dataclass(frozen=True, slots=True)
class _Sectors:
    """Numbered blocks of bytes, and which follows which."""

    data: bytes
    size: int
    first: int  # offset of the first one
    following: tuple[int, ...]

    def chain(self, start: int, length: int | None = None) -> bytes:
        """The bytes of a chain of sectors. Raises ``ValueError`` when it ends early or never."""
        wanted = len(self.following) if length is None else -(-length // self.size)
        pieces: list[bytes] = []
        while start < _LAST and len(pieces) < wanted:
            at = self.first + start * self.size
            pieces.append(self.data[at : at + self.size])
            start = self.following[start]
        if length is None:
            return b"".join(pieces)
        if sum(map(len, pieces)) < length:
            raise ValueError("a stream ends early")
        return b"".join(pieces)[:length]


def _streams(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of all streams."""
    shift, small_shift = _WORD.unpack_from(data, 30)[0], _WORD.unpack_from(data, 32)[0]
    if shift not in (9, 12) or small_shift != 6:
        raise ValueError("not a size of sectors")
    sectors = _sectors(data, 1 << shift)
    entries = sectors.chain(_LONG.unpack_from(data, 48)[0])
    limit = _LONG.unpack_from(data, 56)[0]
    small_table = sectors.chain(_LONG.unpack_from(data, 60)[0]) if _LONG.unpack_from(data, 64)[0] else b""
    small: _Sectors | None = None
    for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        entry = entries[at : at + _ENTRY]
        kind, start, size = entry[66], _LONG.unpack_from(entry, 116)[0], _LONG.unpack_from(entry, 120)[0]
        if kind == _ROOT and small is None:
            small = _Sectors(sectors.chain(start, size) if size else b"", 64, 0, _numbers(small_table))
        elif kind == _STREAM and size:
            name = entry[: max(0, _WORD.unpack_from(entry, 64)[0] - 2)][:64].decode("utf-16-le", "replace")
            if size > len(data):
                raise ValueError("a stream longer than the file")
            holder = small if size < limit and small is not None else sectors
            yield name, holder.chain(start, size)


def _sectors(data: bytes, size: int) -> _Sectors:
    """The sectors of a file; their table is itself kept in sectors, which the header and further ones list."""
    most = len(data) // size + 1
    listed = list(_numbers(data[76:_HEADER]))
    following, count = _LONG.unpack_from(data, 68)[0], 0
    while following < _LAST and count < most:
        *more, following = _numbers(data[(following + 1) * size : (following + 2) * size])
        listed += more
        count += 1
    table = b"".join(data[(each + 1) * size : (each + 2) * size] for each in listed[:most] if each < _LAST)
    return _Sectors(data, size, size, _numbers(table[: 4 * most]))


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def _unpacked(held: bytes) -> tuple[str, bytes]:
    """Name and bytes of a file that was packed as it is: label, path, path of a copy, bytes."""
    label_end = held.index(b"\0", 6)
    path_end = held.index(b"\0", label_end + 1)
    copy = path_end + 9
    at = copy + _LONG.unpack_from(held, path_end + 5)[0]
    size = _LONG.unpack_from(held, at)[0]
    found = held[at + 4 : at + 4 + size]
    if len(found) < size:
        raise ValueError("a file ends early")
    return held[6:label_end].decode("utf-8", "replace"), found
