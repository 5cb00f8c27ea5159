"""Reads ID3v2, of which FFmpeg gives the first comment, the first of several values, no addresses, no timed lyrics."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from seawall.media.decoders.metadata_parts import MetadataParts

_MOST_FRAMES: Final = 5_000
_MOST_INFLATED: Final = 1 << 20
_NAMES: Final = {
    **{"TIT1": "grouping", "TIT2": "title", "TIT3": "subtitle", "TALB": "album", "TOAL": "album", "TPE1": "artist"},
    **{"TPE2": "artist", "TPE3": "artist", "TPE4": "artist", "TOPE": "artist", "TCOM": "composer", "TEXT": "author"},
    **{"TOLY": "author", "TCOP": "copyright", "TPUB": "publisher", "TDES": "description", "TKWD": "keywords"},
    **{"TT1": "grouping", "TT2": "title", "TT3": "subtitle", "TAL": "album", "TP1": "artist", "TP2": "artist"},
    **{"TCM": "composer", "TXT": "author", "TCR": "copyright", "TPB": "publisher"},
}
_ENCODINGS: Final = ("cp1252", "utf-16", "utf-16-be", "utf-8")


def read_id3(data: bytes, found: MetadataParts) -> None:
    """Add the texts of the tag at the beginning of a file, or in a chunk of WAV or AIFF."""
    start = 0
    if data[:4] in (b"RIFF", b"FORM"):
        start = max(data.find(b"id3 "), data.find(b"ID3 ")) + 8
    if data[start : start + 3] != b"ID3":
        return
    version, flags = data[start + 3], data[start + 5]
    body = data[start + 10 : start + 10 + _syncsafe(data[start + 6 : start + 10])]
    if flags & 0x80 and version < 4:
        body = body.replace(b"\xff\0", b"\xff")
    if flags & 0x40:  # an extended head
        body = body[_syncsafe(body[:4]) if version >= 4 else int.from_bytes(body[:4], "big") + 4 :]
    for name, content in _frames(body, version):
        _read_frame(name, content, found)


def _frames(body: bytes, version: int) -> Iterator[tuple[str, bytes]]:
    letters, numbers, rest = (3, 3, 0) if version == 2 else (4, 4, 2)
    head, at = letters + numbers + rest, 0
    for _ in range(_MOST_FRAMES):
        name, size = body[at : at + letters], body[at + letters : at + letters + numbers]
        if len(size) < numbers or not name.isalnum():
            return
        length = _syncsafe(size) if version >= 4 else int.from_bytes(size, "big")
        flags = body[at + head - 1] if rest else 0
        content = body[at + head : at + head + length]
        at += head + length
        if content[:1] and name[:1] in b"TCUSW":
            yield name.decode("latin-1"), _plain(content, flags, version)


def _plain(content: bytes, flags: int, version: int) -> bytes:
    """A frame's content, unpacked."""
    if version == 4:
        content = content[4:] if flags & 1 else content
        content = content.replace(b"\xff\0", b"\xff") if flags & 2 else content
    is_packed = flags & (8 if version == 4 else 0x80) and version > 2
    if not is_packed:
        return content
    try:
        return zlib.decompressobj().decompress(content if version == 4 else content[4:], _MOST_INFLATED)
    except zlib.error:
        return b""


def _read_frame(name: str, content: bytes, found: MetadataParts) -> None:
    if not content:
        return
    encoding, rest = _ENCODINGS[content[0] & 3], content[1:]
    if name in ("COMM", "COM", "USLT", "ULT"):
        about, _, text = _text(rest[3:], encoding).partition("\0")
        found.tag("lyrics" if name[0] == "U" else about or "comment", text)
    elif name in ("SYLT", "SLT"):
        found.text("lyrics", _timed(rest[5:], encoding))
    elif name in ("TXXX", "TXX"):
        about, _, text = _text(rest, encoding).partition("\0")
        found.tag(about or "other", text)
    elif name in ("WXXX", "WXX"):
        said, _, address = rest.rpartition(b"\0")
        found.text("link", f"{_text(said, encoding)} {address.decode('latin-1')}")
    elif name[0] == "W":
        found.text("link", content.decode("latin-1").replace("\0", ""))
    elif name in _NAMES:
        for value in _text(rest, encoding).split("\0"):
            found.tag(_NAMES[name], value)


def _text(data: bytes, encoding: str) -> str:
    """Values with a zero between them; each of UTF-16 may have a mark of its own."""
    if encoding == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16-le"
    return data.decode(encoding, "replace").replace("\ufeff", "").rstrip("\0")


def _timed(data: bytes, encoding: str) -> str:
    """Words of lyrics with times: a description and a zero; then words, each with a zero and four bytes."""
    wide = 2 if "16" in encoding else 1
    said, at, after = [], 0, 0
    while at < len(data):
        end = at
        while end < len(data) and data[end : end + wide].strip(b"\0"):
            end += wide
        said.append(_text(data[at:end], encoding))
        at, after = end + wide + after, 4
    return " ".join(filter(None, said))


def _syncsafe(data: bytes) -> int:
    value = 0
    for byte in data:
        value = value << 7 | byte & 0x7F
    return value
