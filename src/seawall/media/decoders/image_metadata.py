"""What an image says beside its pixels: comments, EXIF, IPTC, XMP; and thumbnails in it that show something else."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image

from seawall.match.pdq import PDQ_MIN_QUALITY, pdq
from seawall.media.decoders.colour_conversion import as_meant, is_readable
from seawall.media.decoders.frames import to_jpeg
from seawall.media.decoders.metadata_parts import MetadataParts, as_words
from seawall.media.decoders.open_image import in_8_bits, opened
from seawall.media.decoders.operation import Answer, DecodeRefused
from seawall.media.decoders.xmp import read_xmp

_MOST_INFLATED: Final = 1 << 20  # bytes of a compressed text
_MOST_BLOCKS: Final = 200_000  # chunks or blocks of a file
_XMP_CHUNK: Final = "XML:com.adobe.xmp"


def metadata(data: bytes, options: dict[str, Any]) -> Answer:
    """Texts, thumbnails that differ from the image (the blobs), and codes of what could not be read."""
    found = MetadataParts()
    thumbnails: list[bytes] = []
    with opened(data, options) as image:
        kind, info = image.format, dict(image.info)
        exif = image.info.get("exif", b"")
        segments = [(str(name), bytes(content)) for name, content in getattr(image, "applist", ())]
        read_exif(image, exif, found, thumbnails)
        if not is_readable(image):
            found.gap("profile_unread")
    if kind == "PNG":
        read_texts(png_texts(data, found), found, thumbnails)
    elif kind == "GIF":
        read_texts(gif_texts(data), found, thumbnails)
    elif kind in ("JPEG", "MPO"):
        read_segments(segments, found, thumbnails)
    elif isinstance(info.get("xmp"), bytes):
        read_xmp(info["xmp"], found, thumbnails)
    if thumbnails:
        keep_different(data, options, thumbnails, found)
    return found.answer()


# ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_texts(texts: Iterable[tuple[str, str]], found: MetadataParts, thumbnails: list[bytes]) -> None:
    """Texts by keyword, as PNG and GIF hold them."""
    for key, text in texts:
        if key == _XMP_CHUNK:
            read_xmp(text.encode(errors="replace"), found, thumbnails)
        elif key.startswith("Raw profile type"):  # as ImageMagick writes them: a name, a length, hexadecimal digits
            read_profile(key.rpartition(" ")[2].lower(), text, found, thumbnails)
        else:
            found.tag(key, text)


def read_profile(kind: str, text: str, found: MetadataParts, thumbnails: list[bytes]) -> None:
    """A profile in hexadecimal digits."""
    lines = text.strip().split("\n", 2)
    try:
        data = bytes.fromhex("".join(lines[2:]))
    except ValueError:
        found.gap("metadata_damaged")
        return
    if kind == "xmp":
        read_xmp(data, found, thumbnails)
    elif kind in ("iptc", "8bim"):
        read_photoshop(data, found, thumbnails)  # EXIF in this form is Pillow's


def png_texts(data: bytes, found: MetadataParts) -> Iterator[tuple[str, str]]:
    """Keyword and text of each ``tEXt``, ``zTXt`` and ``iTXt``, before the pixels or after them."""
    at = 8
    for _ in range(_MOST_BLOCKS):
        if at + 12 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            key, _, rest = data[at + 8 : at + 8 + size].partition(b"\0")
            text = png_text(kind, rest)
            if text is None:
                found.gap("metadata_damaged")
            else:
                yield key.decode("latin-1"), text
        at += 12 + size
    found.gap("too_much_metadata")


def png_text(kind: bytes, rest: bytes) -> str | None:
    """A chunk's text; None when it is damaged or too long."""
    if kind == b"tEXt":
        return as_words(rest)
    is_packed = kind == b"zTXt"
    if kind == b"iTXt":
        is_packed = rest[:1] == b"\1"
        _, _, rest = rest[2:].partition(b"\0")  # the language
        _, _, rest = rest.partition(b"\0")  # the keyword translated
    else:
        rest = rest[1:]  # the method: there is one
    if not is_packed:
        return as_words(rest)
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(rest, _MOST_INFLATED)
    except zlib.error:
        return None
    return as_words(text) if unpacker.eof else None


def gif_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Comments, plain texts and XMP of a GIF, beside any of its frames."""
    at = 13 + _table(data, 10)
    for _ in range(_MOST_BLOCKS):
        mark, label = data[at : at + 1], data[at + 1 : at + 2]
        if mark == b",":
            at += 10 + _table(data, at + 9) + 1
            _, at = _blocks(data, at)
        elif mark == b"!":
            start = at + 2
            blocks, at = _blocks(data, start)
            if label == b"\xfe":
                yield "comment", as_words(b"".join(blocks))
            elif label == b"\x01":
                yield "caption", as_words(b"".join(blocks[1:]))
            elif label == b"\xff" and blocks[:1] == [b"XMP DataXMP"]:  # not in blocks: its bytes are their own lengths
                yield _XMP_CHUNK, data[start + 12 : at].partition(b"\x01\xff\xfe")[0].decode(errors="replace")
        else:
            return


def _table(data: bytes, at: int) -> int:
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks(data: bytes, at: int) -> tuple[list[bytes], int]:
    """Blocks from ``at``, and where they end."""
    blocks = []
    while at < len(data) and data[at]:
        blocks.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return blocks, at + 1


_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_MORE_XMP: Final = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP: Final = b"Photoshop 3.0\0"


def read_segments(segments: Iterable[tuple[str, bytes]], found: MetadataParts, thumbnails: list[bytes]) -> None:
    """Comments, XMP with its extension, IPTC and a small image of JFIF in the segments of a JPEG."""
    more: dict[int, bytes] = {}
    for name, content in segments:
        if name == "COM":
            found.tag("comment", as_words(content))
        elif name == "APP1" and content.startswith(_XMP):
            read_xmp(content[len(_XMP) :], found, thumbnails)
        elif name == "APP1" and content.startswith(_MORE_XMP) and len(content) > len(_MORE_XMP) + 40:
            rest = content[len(_MORE_XMP) + 32 :]  # after the digest of the whole
            more[int.from_bytes(rest[4:8], "big")] = rest[8:]
        elif name == "APP13" and content.startswith(_PHOTOSHOP):
            read_photoshop(content[len(_PHOTOSHOP) :], found, thumbnails)
        elif name == "APP0" and content.startswith(b"JFXX\0\x10"):
            thumbnails.append(content[6:])
    if more:
        read_xmp(b"".join(more[at] for at in sorted(more)), found, thumbnails)


_IPTC: Final = 0x0404
_THUMBNAILS: Final = (0x0409, 0x040C)
_DATASETS: Final = {
    **{5: "title", 25: "keywords", 40: "instructions", 80: "author", 105: "headline", 110: "credit"},
    **{116: "copyright", 118: "contact", 120: "caption"},
}


def read_photoshop(data: bytes, found: MetadataParts, thumbnails: list[bytes]) -> None:
    """IPTC and the thumbnail among Photoshop's resources."""
    if data.startswith(b"\x1c"):
        read_iptc(data, found)
        return
    at = 0
    while data[at : at + 4] == b"8BIM":
        kind = int.from_bytes(data[at + 4 : at + 6], "big")
        named = data[at + 6] if at + 6 < len(data) else 0
        at += 6 + (named + 2 & ~1)
        size = int.from_bytes(data[at : at + 4], "big")
        content = data[at + 4 : at + 4 + size]
        if kind == _IPTC:
            read_iptc(content, found)
        elif kind in _THUMBNAILS and len(content) > 28:
            thumbnails.append(content[28:])
        at += 4 + (size + 1 & ~1)


def read_iptc(data: bytes, found: MetadataParts) -> None:
    """Caption, headline and the like: records of a mark, a number, and a length."""
    at = 0
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        record, dataset, size = struct.unpack_from(">BBH", data, at + 1)
        if size & 0x8000:  # the length of a length: files of newspapers, not captions
            found.gap("metadata_damaged")
            return
        if record == 2 and dataset in _DATASETS:
            found.tag(_DATASETS[dataset], as_words(data[at + 5 : at + 5 + size]))
        at += 5 + size


_EXIF_TEXTS: Final = {
    **{0x010D: "title", 0x010E: "description", 0x013B: "artist", 0x8298: "copyright", 0x9C9B: "title"},
    **{0x9C9C: "comment", 0x9C9D: "author", 0x9C9E: "keywords", 0x9C9F: "subtitle", 0x9286: "comment"},
    **{0xA436: "title", 0xA437: "author", 0xA438: "author"},
}
_WINDOWS: Final = range(0x9C9B, 0x9CA0)  # UTF-16
_USER_COMMENT: Final = 0x9286
_CHARSETS: Final = {b"ASCII\0\0\0": "", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", bytes(8): ""}
_EXIF_IFD, _SECOND_IFD = ExifTags.IFD.Exif, ExifTags.IFD.IFD1


def read_exif(image: Image.Image, block: object, found: MetadataParts, thumbnails: list[bytes]) -> None:
    """Texts of EXIF and its thumbnail. Programs leave out what they cannot read of it; it is a gap here."""
    try:
        exif = image.getexif()
        tags = {**dict(exif), **exif.get_ifd(_EXIF_IFD)}
        second = exif.get_ifd(_SECOND_IFD)
        is_big = exif.endian == ">"
    except MemoryError:
        raise
    except Exception:  # any error of a parser of hostile metadata
        found.gap("metadata_damaged")
        return
    for tag, name in _EXIF_TEXTS.items():
        for value in (tags.get(tag), second.get(tag)):
            text = exif_text(tag, value, is_big)
            if text.strip("\0 "):
                found.tag(name, text)
    block = bytes(block) if isinstance(block, bytes | bytearray) else b""
    thumbnail = second_image(second, block.removeprefix(b"Exif\0\0"))
    if thumbnail is not None:
        thumbnails.append(thumbnail)


def exif_text(tag: int, value: object, is_big: bool) -> str:
    """The text of a tag's value; empty when it has none."""
    if isinstance(value, tuple):
        value = bytes(each & 0xFF for each in value if isinstance(each, int))
    if isinstance(value, str):  # Pillow reads Western European
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return ""
    if tag in _WINDOWS:
        return value.decode("utf-16-le", "replace").partition("\0")[0]
    if tag == _USER_COMMENT:
        charset, value = _CHARSETS.get(value[:8]), value[8:] if value[:8] in _CHARSETS else value
        if charset == "utf-16":
            return utf_16(value, is_big)
        if charset:
            return value.decode(charset, "replace").rstrip("\0")
    return as_words(value.rstrip(b"\0")).replace("\0", " ")


def utf_16(value: bytes, is_big: bool) -> str:
    """UTF-16 in the byte order of its mark; else in that of the file or the other one, in which more are letters."""
    if value.startswith((b"\xff\xfe", b"\xfe\xff")):
        return value.decode("utf-16", "replace").rstrip("\0")
    one, other = (value.decode(f"utf-16-{order}", "replace") for order in ("be", "le"))
    likely = sorted((one, other) if is_big else (other, one), key=lambda text: -sum(ord(char) < 0x500 for char in text))
    return likely[0].rstrip("\0")


# ── thumbnails ──────────────────────────────────────────────────────────────────────────────────────────────────────

_OFFSET, _LENGTH, _COMPRESSION, _JPEG = 513, 514, 259, 6
_STRIPS, _WIDTH, _HEIGHT, _PHOTOMETRIC, _RGB = 273, 256, 257, 262, 2


def second_image(second: dict[int, Any], block: bytes) -> bytes | None:
    """The thumbnail of EXIF as a file. None without one: also where its bytes were cut off, as editors do."""
    start, size = second.get(_OFFSET), second.get(_LENGTH)
    if isinstance(start, int) and isinstance(size, int) and 0 < start < len(block) and size > 0:
        data = block[start : start + size]
        return data if data.strip(b"\0") else None
    strips, width, height = second.get(_STRIPS), second.get(_WIDTH), second.get(_HEIGHT)
    start = strips[0] if isinstance(strips, tuple) and strips else strips
    if not (isinstance(start, int) and isinstance(width, int) and isinstance(height, int)) or min(width, height) < 1:
        return None
    pixels = block[start : start + 3 * width * height] if start > 0 else b""
    is_plain = second.get(_COMPRESSION) == 1 and second.get(_PHOTOMETRIC) == _RGB
    return b"P6 %d %d 255\n" % (width, height) + pixels if is_plain and len(pixels) == 3 * width * height else None


_SAME_BITS: Final = 31  # as in a bank: then whoever looks for one finds the other
_SMALL: Final = 320  # pixels: letters in a larger one can be read, so it has to be nearer
_SAME_BITS_LARGE: Final = 18
_LEAST_SIDE: Final = 64  # pixels that a hash needs
_LIKE_BITS: Final = 64  # of smooth images with noise, whose grey levels are the same everywhere
_CELLS, _SAME_CELL = 16, 24  # largest difference of grey levels


def keep_different(data: bytes, options: dict[str, Any], thumbnails: list[bytes], found: MetadataParts) -> None:
    """Add the thumbnails that show something else than the image: what it was before somebody edited it, or a lure."""
    with opened(data, options) as image:
        image.draft("RGB", (512, 512))
        whole = _plain(image)
    whole.thumbnail((2_048, 2_048), _BOX)
    for thumbnail in dict.fromkeys(thumbnails):
        try:
            small = _opened_thumbnail(thumbnail, options)
        except DecodeRefused:
            found.gap("thumbnail_unread")
            continue
        if not any(_is_same(whole, each) for each in (small, _without_bars(small, whole.size))):
            found.image("thumbnail", _as_file(thumbnail, small))


def _opened_thumbnail(thumbnail: bytes, options: dict[str, Any]) -> Image.Image:
    if thumbnail.startswith(b"P6 "):  # made by ``second_image``
        head, _, pixels = thumbnail.partition(b"\n")
        _, width, height, _ = head.split()
        return Image.frombytes("RGB", (int(width), int(height)), pixels)
    try:
        with opened(thumbnail, options) as image:
            return _plain(image)
    except MemoryError:
        raise
    except Exception:  # any error of a damaged file
        raise DecodeRefused("damaged") from None


def _plain(image: Image.Image) -> Image.Image:
    """RGB, not turned: a thumbnail is stored as its image is."""
    return as_meant(image, in_8_bits(image)).convert("RGB")


def _as_file(thumbnail: bytes, small: Image.Image) -> bytes:
    return to_jpeg(small, max(small.size)).jpeg if thumbnail.startswith(b"P6 ") else thumbnail


def _is_same(whole: Image.Image, small: Image.Image) -> bool:
    """Whether both show the same, at the size of the smaller one: a hash of few pixels differs from one of many."""
    size = (max(_LEAST_SIDE, min(small.width, whole.width)), max(_LEAST_SIDE, min(small.height, whole.height)))
    one, other = (each.resize(size, Image.Resampling.BICUBIC) for each in (whole, small))
    cells = [np.asarray(each.convert("L").resize((_CELLS, _CELLS), _BOX)).astype(int) for each in (one, other)]
    has_same_cells = int(np.abs(cells[0] - cells[1]).max()) <= _SAME_CELL
    hashes = pdq(np.asarray(one)), pdq(np.asarray(other))
    if max(each.quality for each in hashes) < PDQ_MIN_QUALITY:
        return has_same_cells
    apart = (int.from_bytes(hashes[0].hash) ^ int.from_bytes(hashes[1].hash)).bit_count()
    if max(small.size) > _SMALL:
        return apart <= _SAME_BITS_LARGE
    return apart <= _SAME_BITS or (apart <= _LIKE_BITS and has_same_cells)


_BOX: Final = Image.Resampling.BOX


def _without_bars(small: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of a thumbnail in the proportions of its image: cameras add bars of black to a usual format."""
    width = min(small.width, max(1, round(small.height * size[0] / size[1])))
    height = min(small.height, max(1, round(small.width * size[1] / size[0])))
    left, top = (small.width - width) // 2, (small.height - height) // 2
    return small.crop((left, top, left + width, top + height))
