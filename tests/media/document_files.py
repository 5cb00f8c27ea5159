"""Small documents of every kind, written by hand: the same each time."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OPEN = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"


@dataclass(frozen=True)
class Page:
    """Lines of words, where a note leads, an image (JPEG bytes, width, height), further notes as PDF objects."""

    lines: Sequence[str] = ()
    link: str = ""
    image: tuple[bytes, int, int] | None = None
    notes: str = ""
    drawn: str = ""  # further drawing operators
    more: str = ""  # further entries of the page


def pdf(*pages: Page, root: str = "", trailer: str = "", objects: Mapping[int, bytes] | None = None) -> bytes:
    """A PDF with these pages: objects from 10 on, four for each page."""
    made = {1: f"<< /Type /Catalog /Pages 2 0 R {root} >>".encode(), **(objects or {})}
    kids = " ".join(f"{10 + 4 * number} 0 R" for number in range(len(pages)))
    made[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
    for number, page in enumerate(pages):
        made |= _page(page, 10 + 4 * number)
    out, places = b"%PDF-1.4\n", {}
    for number in sorted(made):
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, made[number])
    size, table = max(made) + 1, len(out)
    entries = (f"{places.get(at, 0):010} {'00000 n' if at in places else '65535 f'} \n" for at in range(size))
    end = f"trailer\n<< /Root 1 0 R /Size {size} {trailer} >>\nstartxref\n{table}\n%%EOF\n"
    return out + f"xref\n0 {size}\n{''.join(entries)}{end}".encode()


def _page(page: Page, first: int) -> dict[int, bytes]:
    shown = "".join(f"({_escaped(line)}) Tj T* " for line in page.lines)
    drawn = f"BT /F 14 Tf 60 760 Td 18 TL {shown}ET" if page.lines else ""
    drawn += " q 400 0 0 300 60 300 cm /I Do Q" if page.image else ""
    link = f"<< /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI ({page.link}) >> >>" if page.link else ""
    notes = f"/Annots [{link} {page.notes}]" if page.link or page.notes else ""
    images = f"/XObject << /I {first + 2} 0 R >>" if page.image else ""
    font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    head = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {first + 1} 0 R {notes} {page.more} "
    made = {first: f"{head}/Resources << {font} {images} >> >>".encode()}
    made[first + 1] = stream(zlib.compress(f"{drawn} {page.drawn}".encode("latin-1")), "/Filter /FlateDecode")
    if page.image:
        data, width, height = page.image
        kind = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8"
        made[first + 2] = stream(data, f"{kind} /ColorSpace /DeviceRGB /Filter /DCTDecode")
    return made


def stream(data: bytes, entries: str = "") -> bytes:
    """An object with bytes."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries.encode(), len(data), data)


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A ZIP file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def docx(*paragraphs: str, link: str = "", more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A text document of Office Open XML; each paragraph is cut into two runs, as programs do."""
    runs = "".join(
        f"<w:p><w:r><w:t>{words[: len(words) // 2]}</w:t></w:r><w:r><w:t>{words[len(words) // 2 :]}</w:t></w:r></w:p>"
        for words in paragraphs
    )
    leads = f'<Relationship Id="r1" TargetMode="External" Target="{link}"/>' if link else ""
    text = f'<w:document xmlns:w="{WORD}"><w:body>{runs}</w:body></w:document>'
    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": f'<?xml version="1.0"?>{text}',
            "word/_rels/document.xml.rels": f"<Relationships>{leads}</Relationships>",
            **(more or {}),
        }
    )


def odt(*paragraphs: str, link: str = "", more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A text document of OpenDocument."""
    body = "".join(f"<text:p>{words}</text:p>" for words in paragraphs)
    spaces = f'xmlns:office="{OPEN.format("office")}" xmlns:text="{OPEN.format("text")}"'
    spaces += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    body += f'<text:p><text:a xlink:href="{link}">here</text:a></text:p>' if link else ""
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document {spaces}><office:body>{body}</office:body></office:document>",
            "META-INF/manifest.xml": "<manifest/>",
            **(more or {}),
        }
    )


def epub(*chapters: str, more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A book with a file for each chapter."""
    files = {f"text/ch{number}.xhtml": f"<html><body>{words}</body></html>" for number, words in enumerate(chapters, 1)}
    container = "<container><rootfiles/></container>"
    return packed({"mimetype": "application/epub+zip", "META-INF/container.xml": container, **files, **(more or {})})


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with these streams, each long enough for sectors of its own."""
    table, sectors, entries = [0xFFFFFFFD], b"", b""
    places = []
    for data in streams.values():
        padded = data.ljust(4_096, b"\0")
        padded += bytes(-len(padded) % 512)
        places.append((len(table), len(padded)))
        table += [len(table) + at + 1 for at in range(len(padded) // 512 - 1)] + [0xFFFFFFFE]
        sectors += padded
    for name, kind, (start, size) in [
        ("Root Entry", 5, (0xFFFFFFFE, 0)),
        *zip(streams, [2] * 99, places, strict=False),
    ]:
        wide = name.encode("utf-16-le")
        entries += wide.ljust(64, b"\0") + struct.pack("<HBB", len(wide) + 2, kind, 1) + b"\xff" * 12 + bytes(36)
        entries += struct.pack("<IQ", start, size)
    entries += bytes(-len(entries) % 512)
    directory = len(table)
    table += [directory + at + 1 for at in range(len(entries) // 512 - 1)] + [0xFFFFFFFE]
    assert len(table) <= 128
    fat = struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIIII", 0, 1, directory, 0, 4_096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    return head + b"\xff" * 432 + fat + sectors + entries


def ole_package(name: str, data: bytes) -> bytes:
    """A file as Windows packs it into an object."""
    path = f"C:\\{name}\0".encode()
    packed_file = b"\2\0" + f"{name}\0".encode() + path + b"\0\0\3\0" + struct.pack("<I", len(path)) + path
    packed_file += struct.pack("<I", len(data)) + data
    return struct.pack("<I", len(packed_file)) + packed_file
