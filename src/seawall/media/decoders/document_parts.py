"""Collects the parts of a document within limits: texts, link targets, images, files inside it, and gaps.

A document and the files inside it, at every depth, are one tree: the limits hold for all of it together.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from seawall.media.decoders.line_breaks import page_seams, rejoin, seam_at
from seawall.media.decoders.operation import Answer, DecodeRefused
from seawall.media.signatures import media_type

MOST_LINKS: Final = 300
LONGEST_LINK: Final = 1_000
_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
MOST_ELEMENTS: Final = 1_000_000
PIECE: Final = 20_000  # characters per piece of a text without pages
MOST_FILES: Final = 40  # inside a document, at every depth
DEEPEST_FILE: Final = 3  # a file in a file in a file of the document
LONGEST_MARKUP: Final = 2_000_000  # characters of HTML, tags included
_LONGEST_NAME: Final = 300


class TooMuchDrawing(Exception):
    """The operators of a file exceed what is read of one."""


@dataclass(slots=True)
class DrawingBudget:
    """What is left to be read of what PDFs draw: bytes of content, and operators."""

    bytes: int = 6 << 20
    operators: int = 300_000

    def take(self, size: int, operators: int) -> None:
        """Raises ``TooMuchDrawing``."""
        self.bytes -= size
        self.operators -= operators
        if self.bytes < 0 or self.operators < 0:
            raise TooMuchDrawing


@dataclass(frozen=True, slots=True)
class FileInside:
    """A file in a document. ``step`` names it in the tree (``file.3``), ``within`` the file that holds it."""

    step: str
    within: str
    depth: int
    name: str
    page: int | None
    data: bytes


@dataclass(slots=True)
class DocumentTree:
    """All that was found in a document and in the files inside it, and what has been counted so far."""

    texts: list[dict[str, object]] = field(default_factory=list)
    across: list[dict[str, object]] = field(default_factory=list)
    links: dict[str, tuple[int | None, str]] = field(default_factory=dict)  # address: page, file
    images: list[dict[str, object]] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    gaps: dict[tuple[str, str, str], None] = field(default_factory=dict)  # code, who may still read it, file
    files: list[FileInside] = field(default_factory=list)
    waiting: deque[FileInside] = field(default_factory=deque)  # files that are not read yet
    drawing: DrawingBudget = field(default_factory=DrawingBudget)
    known: set[bytes] = field(default_factory=set)  # digests of the files
    characters: int = 0
    elements: int = 0
    unpacked: int = 0
    markup: int = 0
    pages: int = 0
    references: int = 0


@dataclass(slots=True)
class DocumentParts:
    """Parts of one document, or of one file inside it. Content beyond a limit is dropped and recorded as a gap."""

    max_characters: int
    max_images: int
    max_bytes: int  # unpacked, in total
    tree: DocumentTree = field(default_factory=DocumentTree)
    step: str = ""  # the file's own, if it is inside another
    depth: int = 0
    _details: dict[str, None] = field(default_factory=dict)
    _pages: list[tuple[int, str]] = field(default_factory=list)  # the running text of each

    @property
    def texts(self) -> list[dict[str, object]]:
        """The texts found in the tree."""
        return self.tree.texts

    @property
    def is_full(self) -> bool:
        """Whether the text limit is reached."""
        return self.tree.characters >= self.max_characters

    @property
    def has_all_images(self) -> bool:
        """Whether the limit of images is reached."""
        return len(self.tree.blobs) >= self.max_images

    def unpack(self, size: int) -> None:
        """Count bytes unpacked from an archive or a file's streams. Raises ``DecodeRefused``."""
        self.tree.unpacked += size
        if self.tree.unpacked > self.max_bytes:
            raise DecodeRefused("too_many_bytes")

    def page(self, number: int, text: str, body: str = "") -> None:
        """Add the text of one page, counted from 0. ``body``: its running text, without notes and what is not seen."""
        kept = self._keep(text)
        if kept.strip():
            self.tree.texts.append({"text": kept, "page": number, "file": self.step})
        if (body or text).strip():
            self._pages.append((number, body or text))

    def detail(self, text: str) -> None:
        """Add what a document says outside its pages or body: its title, an outline, a script's message."""
        if text.strip():
            self._details[text.strip()] = None

    def element(self, count: int) -> bool:
        """Count elements and attributes of markup; whether more are read. Time goes with their number."""
        self.tree.elements += count
        if self.tree.elements > MOST_ELEMENTS:
            self.gap("too_many_elements")
        return self.tree.elements <= MOST_ELEMENTS

    def markup(self, text: str) -> str:
        """As much of an HTML text as is still read."""
        kept = text[: max(0, LONGEST_MARKUP - self.tree.markup)]
        self.tree.markup += len(kept)
        if len(kept) < len(text):
            self.gap("too_many_characters")
        return kept

    def body(self, text: str) -> None:
        """Add the text of a document without pages, in pieces that end at a line or word boundary if possible.

        Words broken at the end of a line are made whole.
        """
        most = self.max_characters + LONGEST_LINK  # some more, because words are made whole
        if len(text) > most:
            self.gap("too_many_characters")
        kept, start = self._keep(rejoin(text[:most])), 0
        while start < len(kept):
            end = _end_of_piece(kept, start)
            if kept[start:end].strip():
                self.tree.texts.append({"text": kept[start:end], "start": start, "end": end, "file": self.step})
            if start:
                first, seam = seam_at(kept, start)
                place = {"start": first, "end": first + len(seam), "file": self.step}
                self.tree.across.append({"text": seam, **place})
            start = end

    def link(self, address: str, page: int | None = None) -> None:
        """Add an external link."""
        if ("too_many_links", "", self.step) in self.tree.gaps:
            return
        address = _sound(address).strip()
        if address.startswith("//"):
            address = f"http:{address}"
        scheme, _, rest = address.partition("://")
        if not rest or not scheme.isalnum() or address in self.tree.links:
            return
        if len(self.tree.links) >= MOST_LINKS or len(address) > LONGEST_LINK:
            self.gap("too_many_links")
        else:
            self.tree.links[address] = (page, self.step)

    def image(self, data: bytes, page: int | None = None) -> bool:
        """Add an image file; returns whether it is kept or already known."""
        if data in self.tree.blobs:
            return True
        if self.has_all_images:
            self.gap("too_many_images")
            return False
        self.tree.images.append({"page": page, "file": self.step})
        self.tree.blobs.append(data)
        return True

    def file(self, name: str, data: bytes, page: int | None = None) -> None:
        """Add a file that is inside this one; ``read_files`` reads it later. Its bytes are already counted."""
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if digest in self.tree.known:
            self.detail(name)
            return
        if len(self.tree.files) >= MOST_FILES:
            self.gap("too_many_attachments")
            return
        self.tree.known.add(digest)
        step = f"file.{len(self.tree.files)}"
        found = FileInside(step, self.step, self.depth + 1, _sound(name)[:_LONGEST_NAME].strip() or step, page, data)
        self.tree.files.append(found)
        if found.depth > DEEPEST_FILE:
            self.inside(found).gap("too_deep")
        else:
            self.tree.waiting.append(found)

    def inside(self, file: FileInside) -> DocumentParts:
        """The parts of a file inside this document: they count towards the same limits."""
        return DocumentParts(
            self.max_characters, self.max_images, self.max_bytes, self.tree, step=file.step, depth=file.depth
        )

    def gap(self, code: str, unless: str = "") -> None:
        """Record unread content. ``unless``: the extractor that reads it from the images."""
        self.tree.gaps[code, unless, self.step] = None

    def finish(self) -> None:
        """Add what a file says outside its pages, and what runs from one page into the next."""
        about = self._keep("\n".join(self._details))
        if about.strip():
            self.tree.texts.append({"text": about, "file": self.step})
        seams = page_seams([_sound(text) for _, text in self._pages])
        for (first, _), (last, _), text in zip(self._pages, self._pages[1:], seams, strict=False):
            if text.strip():
                self.tree.across.append({"text": text, "page": first, "last": last, "file": self.step})
        self._details, self._pages = {}, []

    def answer(self) -> Answer:
        """The answer for the reply."""
        tree = self.tree
        found = {
            "texts": tree.texts,
            "across": tree.across,
            "links": [{"address": address, "page": page, "file": file} for address, (page, file) in tree.links.items()],
            "images": tree.images,
            "files": [
                {"step": file.step, "within": file.within, "name": file.name, "page": file.page} for file in tree.files
            ],
            "gaps": [{"code": code, "unless": unless, "inside": file} for code, unless, file in tree.gaps],
        }
        return found, tree.blobs

    def _keep(self, text: str) -> str:
        text = _sound(text)
        kept = text[: max(0, self.max_characters - self.tree.characters)]
        self.tree.characters += len(kept)
        if len(kept) < len(text):
            self.gap("too_many_characters")
        return kept


def is_image(data: bytes) -> bool:
    """Whether a file inside a document is an image in a supported format."""
    return media_type(data) in _IMAGES


def _sound(text: str) -> str:
    """Remove unpaired surrogates, which cannot be encoded."""
    return text.encode(errors="replace").decode()


def _end_of_piece(text: str, start: int) -> int:
    end = start + PIECE
    if end >= len(text):
        return len(text)
    for mark in ("\n\n", "\n", " "):
        at = text.rfind(mark, start + PIECE // 2, end)
        if at >= 0:
            return at + len(mark)
    return end
