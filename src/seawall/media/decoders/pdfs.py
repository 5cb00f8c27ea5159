"""PDF: the text of its pages, notes and forms, where it leads, and the images on it. pypdf. Nothing in it is run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NullObject, StreamObject

from seawall.media.decoders.document_parts import DocumentParts
from seawall.media.decoders.operation import DecodeRefused

_SMALL: Final = 40  # pixels: images that are shorter on a side show no words
_LONGEST: Final = 3_000  # pixels of an image handed on
_DEEPEST: Final = 5  # drawings within drawings
_MOST_NOTES: Final = 2_000
_MOST_OBJECTS: Final = 1_000  # images and drawings that a page names
_ODD_SHARE: Final = 0.3  # of a text's characters that no reader could read: glyphs without their meaning
_ODD: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
_SHOWS: Final = re.compile(rb"(?<![A-Za-z/])(?:Do|sh|EI)(?![A-Za-z])")
_WRITES: Final = re.compile(rb"(?<![A-Za-z/])(?:Tj|TJ)(?![A-Za-z])")
_STROKES: Final = re.compile(rb"(?<=[\d\s])(?:l|c|v|y|re)(?=\s)")
_FEW_STROKES: Final = 20  # a background and some rules; letters drawn as shapes take more


def load() -> None:
    """Load every kind of image that may stand in a PDF."""
    Image.init()
    for kind in ("JPEG", "JPEG2000", "PNG", "TIFF"):
        encoded = io.BytesIO()
        Image.new("RGB", (8, 8)).save(encoded, kind)
        Image.open(encoded).load()
    Image.MAX_IMAGE_PIXELS = None  # the limit here is stricter


def read(data: bytes, finds: DocumentParts, max_pages: int, max_pixels: int) -> None:
    """Every page, as far as the bounds reach. Raises ``DecodeRefused``; what pypdf raises means *damaged*."""
    reader = _opened(data)
    count = len(reader.pages)
    if not count:
        raise DecodeRefused("damaged")
    if count > max_pages:
        finds.gap("too_many_pages")
    root = _dictionary(reader.root_object)
    if _dictionary(root.get("/AcroForm")).get("/XFA") is not None:
        finds.gap("xfa_form")  # its pages are made by a script
    if "/EmbeddedFiles" in _dictionary(root.get("/Names")) or "/AF" in root or "/Collection" in root:
        finds.gap("attachments")
    images = _Images(finds, max_pixels)
    for number in range(min(count, max_pages)):
        try:
            _read_page(reader.pages[number], number, finds, images)
        except (MemoryError, DecodeRefused):
            raise
        except Exception:  # whatever a parser of hostile bytes raises: the other pages are read all the same
            finds.gap("damaged")
        if finds.is_full:
            finds.gap("too_many_characters")
            return


def _opened(data: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):  # many may be read by anybody, but not be changed
            raise DecodeRefused("encrypted")
    except NotImplementedError:  # encrypted for certain people, or by a way of its own
        raise DecodeRefused("encrypted") from None
    return reader


def _read_page(page: Any, number: int, finds: DocumentParts, images: _Images) -> None:
    written = page.extract_text()
    notes, is_stamped = _notes(page, number, finds)
    found = images.read(page, number)
    odd = len(_ODD.findall(written))
    if odd > _ODD_SHARE * max(1, len(written)) or (not written.strip() and (is_stamped or _draws(page, written))):
        finds.gap("no_text_layer", "words" if found else "")
    finds.page(number, "\n".join(filter(None, [written, *notes])))


def _draws(page: Any, written: str) -> bool:
    """Whether a page without words shows something else."""
    contents = page.get_contents()
    drawn = contents.get_data() if contents is not None else b""
    return bool(
        _SHOWS.search(drawn) or (not written and _WRITES.search(drawn)) or len(_STROKES.findall(drawn)) > _FEW_STROKES
    )


def _notes(page: Any, number: int, finds: DocumentParts) -> tuple[list[str], bool]:
    """What notes and form fields say, and whether something is stamped on the page. Links go to ``finds``."""
    said: list[str] = []
    is_stamped = False
    notes = page.get("/Annots", NullObject()).get_object()
    for reference in notes[:_MOST_NOTES] if isinstance(notes, ArrayObject) else ():
        note = _dictionary(reference)
        kind = note.get("/Subtype")
        for value in (note.get("/Contents"), note.get("/V"), _dictionary(note.get("/Parent")).get("/V")):
            if isinstance(value, str) and not value.startswith("/"):
                said.append(value)
        target = _dictionary(note.get("/A")).get("/URI")
        if isinstance(target, str | bytes):
            finds.link(target if isinstance(target, str) else target.decode(errors="replace"), number)
        if kind == "/FileAttachment":
            finds.gap("attachments")
        is_stamped |= "/AP" in note and kind not in ("/Link", "/Popup", "/Widget", "/FileAttachment", "/Text")
    if isinstance(notes, ArrayObject) and len(notes) > _MOST_NOTES:
        finds.gap("too_many_notes")
    return said, is_stamped


@dataclass(slots=True)
class _Images:
    """Reads each image once, however many pages show it."""

    finds: DocumentParts
    max_pixels: int
    seen: dict[object, bool] = field(default_factory=dict)  # whether it could be read

    def read(self, page: Any, number: int) -> bool:
        """Whether the page shows an image that is handed on."""
        found = False
        for name, raster in _objects(page):
            if name not in self.seen:
                self.seen[name] = self._one(raster, number, int(page.get("/Rotate", 0)))
            found |= self.seen[name]
        return found

    def _one(self, raster: Any, number: int, turned: int) -> bool:
        width, height = int(raster["/Width"]), int(raster["/Height"])
        if min(width, height) < _SMALL:
            return False
        if width * height > self.max_pixels:
            self.finds.gap("too_many_pixels")
            return False
        if len(self.finds.blobs) >= self.finds.max_images:
            self.finds.gap("too_many_images")
            return False
        try:
            image = raster.decode_as_image()
            return self.finds.image(_jpeg(image, turned), number)
        except MemoryError:
            raise
        except Exception:  # a kind of image that is not read, or damaged
            self.finds.gap("image_unreadable")
            return False


def _objects(holder: Any, depth: int = 0) -> Iterator[tuple[object, Any]]:
    """The images that a page or a drawing on it names, each with something that tells it from others."""
    named = _dictionary(_dictionary(holder.get("/Resources")).get("/XObject"))
    for count, reference in enumerate(named.values()):
        if count >= _MOST_OBJECTS:
            raise DecodeRefused("too_many_images")
        found = reference.get_object()
        if not isinstance(found, StreamObject):
            continue
        if found.get("/Subtype") == "/Image":
            own = getattr(found, "indirect_reference", None)
            yield (id(found) if own is None else (own.idnum, own.generation)), found
        elif depth < _DEEPEST:
            yield from _objects(found, depth + 1)


def _jpeg(image: Image.Image, turned: int) -> bytes:
    """As a file that is small enough, upright, with white behind what is transparent."""
    if image.has_transparency_data:
        pixels = image.convert("RGBA")
        image = Image.new("RGB", pixels.size, "white")
        image.paste(pixels, mask=pixels.getchannel("A"))
    shown = image.convert("RGB")
    shown.thumbnail((_LONGEST, _LONGEST))
    if turned % 360:
        shown = shown.rotate(-turned, expand=True)
    encoded = io.BytesIO()
    shown.save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


def _dictionary(value: Any) -> DictionaryObject:
    """The dictionary that a reference leads to; an empty one in place of anything else."""
    found = value.get_object() if value is not None and hasattr(value, "get_object") else value
    return found if isinstance(found, DictionaryObject) else DictionaryObject()
