"""Reads documents; their type is detected from their bytes, never from a name."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, Final

from seawall.media.confine import is_out_of_memory
from seawall.media.decoders import compound_files, encodings, markup, packages
from seawall.media.decoders.document_parts import DocumentParts, is_image
from seawall.media.decoders.operation import Answer, DecodeRefused, Operation

_HEAD: Final = 1_024  # bytes in which viewers search for the start of a PDF
_OF_NO_READ_KIND: Final = frozenset({"not_a_document", "unknown_format"})
_ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")
_OTHER: Final = (b"{\\rtf", b"%!PS", b"AT&TFORM", b"BOOKMOBI", b"ITOLITLS")  # RTF, PostScript, DjVu, Kindle, help
_TAG: Final = re.compile(
    r"(?:<\?xml[^>]*+>|<!--(?>.*?-->)|\s++)*+<(?:!doctype\s+html|html|head|body|title|meta|div|p|h[1-6]|a|table|script|"
    r"style|center|font|img|iframe|form|span|ul|ol|br|b|i|svg)\b",
    re.IGNORECASE | re.DOTALL,
)
ReadPdf = Callable[[bytes, DocumentParts, int, int], None]


def load() -> dict[str, Operation]:
    """The operation, tried on a document of each type. Without pypdf all types except PDF are read."""
    encodings.load()
    logging.disable()  # pypdf warns about every irregularity of a file
    read_pdf: ReadPdf | None = None
    with contextlib.suppress(ImportError):
        from seawall.media.decoders import pdfs

        pdfs.load()
        read_pdf = pdfs.read

    def document(data: bytes, options: dict[str, Any]) -> Answer:
        """Texts with their location, link targets, images (their files are the blobs), gaps.

        Options: ``max_pages``, ``max_characters``, ``max_images``, ``max_pixels``, ``max_bytes`` (unpacked).
        """
        finds = DocumentParts(options["max_characters"], options["max_images"], options["max_bytes"])

        def read(data: bytes, finds: DocumentParts) -> None:
            before, mark, _ = data[:_HEAD].partition(b"%PDF-")
            if not mark:
                _read(data, finds)
                return
            if read_pdf is None:
                raise DecodeRefused("not_installed")
            if before.strip(b"\xef\xbb\xbf \t\r\n\0"):
                finds.gap("attachments")  # another program may read the file as another type
            read_pdf(data, finds, options["max_pages"], options["max_pixels"])

        read(data, finds)
        finds.finish()
        _read_files(finds, read)
        return finds.answer()

    _warm_up(document)
    return {"document": document}


def _read_files(document: DocumentParts, read: Callable[[bytes, DocumentParts], None]) -> None:
    """Read the files inside a document, and those inside them. One that is not read is a gap of its own."""
    waiting = document.tree.waiting
    while waiting:
        file = waiting.popleft()
        finds = document.inside(file)
        if finds.is_full:
            finds.gap("too_many_characters")
            continue
        try:
            if is_image(file.data):
                finds.image(file.data)
            else:
                read(file.data, finds)
        except DecodeRefused as refused:
            finds.gap("attachments" if refused.code in _OF_NO_READ_KIND else refused.code)
        except Exception as error:  # any error of a parser of hostile bytes; the other files are still read
            if is_out_of_memory(error):
                raise
            finds.gap("damaged")
        finds.finish()


def _read(data: bytes, finds: DocumentParts) -> None:
    if data.startswith(b"PK"):
        packages.read(data, finds)
        return
    if data.startswith(compound_files.SIGNATURE):
        if _ENCRYPTED_PACKAGE in data:
            raise DecodeRefused("encrypted")
        if not finds.depth:
            raise DecodeRefused("unknown_format")
        compound_files.read(data, finds)
        return
    if data.startswith(_OTHER):
        raise DecodeRefused("unknown_format")
    text = encodings.as_text(data, is_markup=True)
    finds.body(markup.read(text, finds) if _TAG.match(text[:20_000]) else text)


def _warm_up(document: Operation) -> None:
    """Read a document of each type, because modules cannot be loaded later."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("word/document.xml", "<document><p><t>words</t></p></document>")
    options = {"max_pages": 9, "max_characters": 999, "max_images": 9, "max_pixels": 9_999, "max_bytes": 9_999}
    for data in (b"words", b"<p>words</p>", packed.getvalue()):
        document(data, options)
    with contextlib.suppress(DecodeRefused):  # pypdf is not installed
        document(_pdf(), options)
    with contextlib.suppress(Exception):  # any error of a damaged file
        document(_pdf()[:300], options)


def _pdf() -> bytes:
    """A page with a word in a standard font, a compressed stream and an image."""
    drawn = zlib.compress(b"BT /F 9 Tf (words) Tj ET /I Do")
    pixels = zlib.compress(bytes(40 * 40))
    stream = b"%d 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n"
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [0 0 99 99] /Resources << "
        b"/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> /XObject << /I 5 0 R >> >> >>\nendobj\n"
        + stream % (4, b"", len(drawn), drawn)
        + stream
        % (
            5,
            b"/Type /XObject /Subtype /Image /Width 40 /Height 40 /BitsPerComponent 8 /ColorSpace /DeviceGray",
            len(pixels),
            pixels,
        )
        + b"trailer\n<< /Root 1 0 R /Size 6 >>\nstartxref\n0\n%%EOF\n"
    )
