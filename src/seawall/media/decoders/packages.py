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

from seawall.media.decoders import compound_files, markup
from seawall.media.decoders.document_parts import DocumentParts, is_image
from seawall.media.decoders.encodings import as_text
from seawall.media.decoders.operation import DecodeRefused

MOST_FILES: Final = 2_000
_OFFICE_WORDS: Final = frozenset(
    {
        *("t", "delText", "instrText", "delInstrText", "v", "text", "tspan"),  # the last two are SVG
        *("oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"),  # of a sheet
    }
)
_ABOUT: Final = frozenset({"title", "subject", "description", "keywords", "keyword", "category", "lpwstr", "lpstr"})
_ABOUT_FILES: Final = re.compile(r"docProps/(?:core|app|custom)\.xml|meta\.xml", re.IGNORECASE)
_APART: Final = frozenset({"delText", "delInstrText", "annotation", "rPh"})
"""Elements whose text is not part of the line in which they stand."""
_SAYS: Final = frozenset(
    {"descr", "alt", "instr", "tooltip", "prompt", "promptTitle", "error", "errorTitle", "display", "string-value"}
)
"""Attributes that are shown, or that say what is done."""
_SPEAKS: Final = {"docPr": "title", "cNvPr": "title", "shape": "title", "sheet": "name", "textpath": "string"}
"""Attributes that are shown of these elements only."""
_LEADS: Final = frozenset({"href", "src", "Target", "location", "url", "connection"})
_FORMULAS: Final = frozenset({"f", "formula"})
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'<>]{1,1000}")
_QUOTED: Final = re.compile(r"\"([^\"]{1,1000})\"")
_ENDS_LINE: Final = frozenset({"p", "h", "br", "cr", "line-break", "si", "row", "table-row", "tr"})
_ENDS_WORD: Final = frozenset({"tab", "ptab", "s", "c", "tc", "table-cell"})
_OFF: Final = frozenset({"0", "false", "off"})
_SILENT: Final = frozenset({".odttf", ".ttf", ".otf", ".woff", ".woff2", ".css", ".js", ".rdf"})
_VECTORS: Final = frozenset({".emf", ".wmf", ".tif", ".tiff", ".bmp", ".jp2", ".jxr", ".wdp", ".svgz"})
_SETTINGS: Final = {  # fixed names of files without document text
    "office": re.compile(r"(?!)"),
    "archive": re.compile(r"(?!)"),
    "open": re.compile(r"mimetype|META-INF/.*|settings\.xml|manifest\.rdf|layout-cache|Thumbnails/thumbnail\.png"),
    "book": re.compile(r"mimetype|META-INF/(?:container|encryption|rights|signatures)\.xml"),
}
_MACHINERY: Final = re.compile(r"printersettings\d*\.bin|vbaproject(?:signature\w*)?\.bin", re.IGNORECASE)
_DOCUMENTS: Final = (b"PK\3\4", compound_files.SIGNATURE)
_REPLACEMENTS: Final = "ObjectReplacements/"
"""Pictures of the objects in an open document, most often in a format of its own programs."""
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
        data = _unpacked(package, file, finds)
        if kind == "archive":
            finds.file(file.filename, data)
        else:
            words.append(_read_file(kind, file.filename, data, finds))
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
    if finds.depth:
        return "archive"  # of any files, inside a document
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
    elif data.startswith(_DOCUMENTS) or b"%PDF-" in data[:1_024]:
        finds.file(PurePosixPath(name).name, data)
    elif data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or data.startswith((b"\xff\xfe<\0", b"\xfe\xff\0<")):
        if kind == "book" or suffix in (".htm", ".html", ".xhtml"):
            return markup.read(as_text(data, is_markup=True), finds)
        return _Words(kind, name, finds).read(data)
    elif suffix in _VECTORS or name.startswith(_REPLACEMENTS):
        finds.gap("image_unreadable")
    elif data and suffix not in _SILENT and not _MACHINERY.fullmatch(PurePosixPath(name).name):
        finds.file(PurePosixPath(name).name, data)
    return ""


class _Enough(Exception):
    """The limits of the document are reached: what follows in this file is not read."""


class _Words:
    """The text of one XML file. ``office``: of certain elements only; otherwise of all.

    Hidden and deleted text and notes come after the rest, so that they interrupt no word.
    """

    def __init__(self, kind: str, name: str, finds: DocumentParts) -> None:
        self._is_office = kind == "office"
        self._is_about = _ABOUT_FILES.fullmatch(name) is not None
        self._finds = finds
        self._words: list[str] = []
        self._apart: list[str] = []
        self._inside = 0  # nested elements whose text counts
        self._away = 0  # nested elements whose text is not part of the line
        self._length, self._longest = 0, 4 * finds.max_characters
        self._is_hidden = False  # the run: its properties come before its text
        self._formula: list[str] | None = None
        self._about: list[str] | None = None
        self._cell = ""  # type of a sheet's cell
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
        except _Enough:
            pass
        said = f"{''.join(self._words)}\n{''.join(self._apart)}"
        return "\n".join(filter(None, (line.strip() for line in said.split("\n"))))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._finds.element(1 + len(attributes)):
            raise _Enough
        local = name.rpartition(" ")[2]
        self._open(local, attributes)
        if local in _ENDS_WORD:
            self._put(" ")
        elif local == "noBreakHyphen":
            self._put("-")
        elif local in ("vanish", "webHidden", "specVanish"):
            self._is_hidden = next(iter(attributes.values()), "1") not in _OFF
        if attributes:
            self._read_attributes(local, attributes)

    def _open(self, local: str, attributes: dict[str, str]) -> None:
        if self._is_office and local in _OFFICE_WORDS:
            self._inside += local != "v" or self._cell not in ("s", "b")
        if local in _APART:
            self._away += 1
        elif local == "r":
            self._is_hidden = False
        elif local == "c":
            self._cell = attributes.get("t", "")
        elif local in _FORMULAS:
            self._formula = []
        elif self._is_about and local in _ABOUT:
            self._about = []

    def _read_attributes(self, local: str, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            plain = key.rpartition(" ")[2]
            if plain in _LEADS:
                self._finds.link(value)
            elif plain in _SAYS or _SPEAKS.get(local) == plain:
                self._apart.append(f"{value}\n")
            if plain == "formula":
                self._read_formula(value)

    def _end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        if self._is_office and local in _OFFICE_WORDS:
            self._inside -= local != "v" or self._cell not in ("s", "b")
        if local in _ENDS_LINE:
            self._put("\n")
        elif local in ("instrText", "v"):
            self._put(" ")
        if local in _APART:
            self._apart.append("\n")
            self._away -= 1
        elif local in _FORMULAS and self._formula is not None:
            self._read_formula("".join(self._formula))
            self._formula = None
        elif self._about is not None and local in _ABOUT:
            self._finds.detail("".join(self._about))
            self._about = None

    def _say(self, data: str) -> None:
        if self._about is not None:
            self._about.append(data)
        elif self._formula is not None:
            self._formula.append(data)
        elif self._inside or not (self._is_about or self._is_office):
            self._put(data.replace("\n", " "))

    def _put(self, said: str) -> None:
        self._length += len(said)
        if self._length > self._longest:
            self._finds.gap("too_many_characters")
            raise _Enough
        (self._apart if self._away or self._is_hidden else self._words).append(said)

    def _read_formula(self, formula: str) -> None:
        """Addresses and words in a formula: what it shows is stored beside it, but where it leads is not."""
        for address in _ADDRESS.findall(formula):
            self._finds.link(address)
        self._apart += [f"{said}\n" for said in _QUOTED.findall(formula)]

    def _entity(self, *_: Any) -> None:
        raise DecodeRefused("entities")
