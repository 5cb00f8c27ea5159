"""Documents in ZIP format: Office Open XML (DOCX, PPTX, XLSX), OpenDocument (ODT, ODS, ODP), EPUB.

Every file in them is examined, in order of name, so that unusual names hide nothing. XML entities are refused.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Any, Final
from xml.parsers import expat

from seawall.media.decoders import markup
from seawall.media.decoders.document_parts import DocumentParts, is_image
from seawall.media.decoders.encodings import as_text
from seawall.media.decoders.operation import DecodeRefused

MOST_FILES: Final = 2_000
_OFFICE_WORDS: Final = frozenset({"t", "delText", "instrText", "text", "tspan"})  # the last two are SVG
_ENDS_LINE: Final = frozenset({"p", "h", "br", "line-break", "si", "table-row", "tr"})
_ENDS_WORD: Final = frozenset({"tab", "s", "tc", "table-cell"})
_SILENT: Final = frozenset({".odttf", ".ttf", ".otf", ".woff", ".woff2", ".css", ".js", ".rdf"})
_VECTORS: Final = frozenset({".emf", ".wmf", ".tif", ".tiff", ".bmp", ".jp2", ".jxr", ".wdp", ".svgz"})
_SETTINGS: Final = {  # fixed names of files without document text
    "office": re.compile(r"(?!)"),
    "open": re.compile(
        r"mimetype|META-INF/.*|settings\.xml|meta\.xml|manifest\.rdf|layout-cache|Thumbnails/thumbnail\.png"
    ),
    "book": re.compile(r"mimetype|META-INF/(?:container|encryption|rights|signatures)\.xml"),
}
_MACHINERY: Final = re.compile(r"printersettings\d*\.bin|vbaproject(?:signature\w*)?\.bin", re.IGNORECASE)
_CIPHERED: Final = re.compile(rb"URI\s*=\s*[\"']([^\"']+)")


def read(data: bytes, finds: DocumentParts) -> None:
    """Add texts, link targets and images of a package. Raises ``DecodeRefused``."""
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise DecodeRefused("damaged") from None
    files = package.infolist()
    if len(files) > MOST_FILES:
        raise DecodeRefused("too_many_files")
    if any(file.flag_bits & 1 for file in files):
        raise DecodeRefused("encrypted")
    names = {file.filename for file in files}
    kind = _kind(package, names, finds)
    if kind != "office":
        _refuse_encrypted(package, names, finds)
    words = []
    for file in sorted(files, key=lambda file: [_natural(piece) for piece in re.split(r"(\d{1,9})", file.filename)]):
        if file.is_dir() or _SETTINGS[kind].fullmatch(file.filename):
            continue
        words.append(_read_file(kind, file.filename, _unpacked(package, file, finds), finds))
    finds.body("\n\n".join(filter(None, words)))


def _natural(piece: str) -> tuple[int, str]:
    """Sort key that puts slide 10 after slide 9."""
    return (int(piece), "") if piece.isdigit() and piece.isascii() else (-1, piece)


def _kind(package: zipfile.ZipFile, names: set[str], finds: DocumentParts) -> str:
    if "[Content_Types].xml" in names:
        return "office"
    said = _unpacked(package, package.getinfo("mimetype"), finds).strip() if "mimetype" in names else b""
    if said.startswith(b"application/vnd.oasis.opendocument"):
        return "open"
    if said == b"application/epub+zip" or "META-INF/container.xml" in names:
        return "book"
    raise DecodeRefused("not_a_document")


def _refuse_encrypted(package: zipfile.ZipFile, names: set[str], finds: DocumentParts) -> None:
    """Refuse encrypted documents, whose files look like noise; a book's fonts may be scrambled."""
    if "META-INF/manifest.xml" in names:
        manifest = _unpacked(package, package.getinfo("META-INF/manifest.xml"), finds)
        if b"encryption-data" in manifest:
            raise DecodeRefused("encrypted")
    if "META-INF/encryption.xml" in names:
        ciphered = _CIPHERED.findall(_unpacked(package, package.getinfo("META-INF/encryption.xml"), finds))
        names = {name.decode(errors="replace") for name in ciphered if not name.startswith((b"http:", b"#"))}
        if any(PurePosixPath(name).suffix.lower() not in _SILENT for name in names):
            raise DecodeRefused("encrypted")


def _unpacked(package: zipfile.ZipFile, file: zipfile.ZipInfo, finds: DocumentParts) -> bytes:
    """Unpack one file, at most up to the remaining limit, whatever size its entry declares."""
    pieces = []
    try:
        with package.open(file) as opened:
            while piece := opened.read(1 << 20):
                finds.unpack(len(piece))
                pieces.append(piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError):
        raise DecodeRefused("damaged") from None
    return b"".join(pieces)


def _read_file(kind: str, name: str, data: bytes, finds: DocumentParts) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    if is_image(data):
        finds.image(data)
    elif data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        if kind == "book" or suffix in (".htm", ".html", ".xhtml"):
            return markup.read(as_text(data, is_markup=True), finds)
        return _Words(kind, finds).read(data)
    elif suffix in _VECTORS:
        finds.gap("image_unreadable")
    elif data and suffix not in _SILENT and not _MACHINERY.fullmatch(PurePosixPath(name).name):
        finds.gap("attachments")
    return ""


class _Words:
    """The text of one XML file. ``office``: of certain elements only; otherwise of all."""

    def __init__(self, kind: str, finds: DocumentParts) -> None:
        self._named = _OFFICE_WORDS if kind == "office" else None
        self._finds = finds
        self._words: list[str] = []
        self._inside = 0  # nested elements whose text counts
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._say
        parser.EntityDeclHandler = self._entity

    def read(self, data: bytes) -> str:
        """Parse the file. Raises ``DecodeRefused``."""
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError:
            raise DecodeRefused("damaged") from None
        return "\n".join(filter(None, (line.strip() for line in "".join(self._words).split("\n"))))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if self._named is not None and local in self._named:
            self._inside += 1
        if local in _ENDS_WORD:
            self._words.append(" ")
        elif local == "textpath":
            self._words.append(f"{attributes.get('string', '')}\n")
        elif local == "Relationship" and attributes.get("TargetMode") == "External":
            self._finds.link(attributes.get("Target", ""))
        for key, value in attributes.items():
            if key == "http://www.w3.org/1999/xlink href":
                self._finds.link(value)

    def _end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        if self._named is not None and local in self._named:
            self._inside -= 1
        if local in _ENDS_LINE:
            self._words.append("\n")
        elif local == "instrText":
            self._words.append(" ")

    def _say(self, data: str) -> None:
        if self._named is None or self._inside:
            self._words.append(data.replace("\n", " "))

    def _entity(self, *_: Any) -> None:
        raise DecodeRefused("entities")
