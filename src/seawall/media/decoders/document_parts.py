"""What a document gives, gathered within bounds: texts, link targets, images, and what of it stays unread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from seawall.media.decoders.operation import Answer, DecodeRefused
from seawall.media.signatures import media_type

MOST_LINKS: Final = 300
LONGEST_LINK: Final = 1_000
_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
PIECE: Final = 20_000  # characters of a text without pages that are handed on together


@dataclass(slots=True)
class DocumentParts:
    """Filled by whoever reads a document. What goes beyond a bound is not kept, and a gap says so."""

    max_characters: int
    max_images: int
    max_bytes: int  # unpacked, of everything in the file
    texts: list[dict[str, object]] = field(default_factory=list)
    links: dict[str, int | None] = field(default_factory=dict)  # address: page
    images: list[int | None] = field(default_factory=list)  # pages
    blobs: list[bytes] = field(default_factory=list)
    gaps: dict[tuple[str, str], None] = field(default_factory=dict)  # code, and who reads it all the same
    _characters: int = 0
    _unpacked: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no more text is kept."""
        return self._characters >= self.max_characters

    def unpack(self, size: int) -> None:
        """Count bytes that came out of a packed file. Raises ``DecodeRefused``."""
        self._unpacked += size
        if self._unpacked > self.max_bytes:
            raise DecodeRefused("too_many_bytes")

    def page(self, number: int, text: str) -> None:
        """The text of one page, counted from 0."""
        kept = self._keep(text)
        if kept.strip():
            self.texts.append({"text": kept, "page": number})

    def body(self, text: str) -> None:
        """The text of a document without pages, in pieces that end at a line's or a word's end where there is one."""
        kept, start = self._keep(text), 0
        while start < len(kept):
            end = _end_of_piece(kept, start)
            if kept[start:end].strip():
                self.texts.append({"text": kept[start:end], "start": start, "end": end})
            start = end

    def link(self, address: str, page: int | None = None) -> None:
        """Where something in the document leads, outside of it."""
        address = _sound(address).strip()
        if address.startswith("//"):
            address = f"http:{address}"
        scheme, _, rest = address.partition("://")
        if not rest or not scheme.isalnum() or address in self.links:
            return
        if len(self.links) >= MOST_LINKS or len(address) > LONGEST_LINK:
            self.gap("too_many_links")
        else:
            self.links[address] = page

    def image(self, data: bytes, page: int | None = None) -> bool:
        """An image's file; whether it is kept or known."""
        if data in self.blobs:
            return True
        if len(self.blobs) >= self.max_images:
            self.gap("too_many_images")
            return False
        self.images.append(page)
        self.blobs.append(data)
        return True

    def gap(self, code: str, unless: str = "") -> None:
        """Something stays unread. ``unless``: the extractor that reads it from the images."""
        self.gaps[code, unless] = None

    def answer(self) -> Answer:
        """For the wire."""
        found = {
            "texts": self.texts,
            "links": [{"address": address, "page": page} for address, page in self.links.items()],
            "images": self.images,
            "gaps": [{"code": code, "unless": unless} for code, unless in self.gaps],
        }
        return found, self.blobs

    def _keep(self, text: str) -> str:
        text = _sound(text)
        kept = text[: self.max_characters - self._characters]
        self._characters += len(kept)
        if len(kept) < len(text):
            self.gap("too_many_characters")
        return kept


def is_image(data: bytes) -> bool:
    """Whether a file inside a document is an image of a kind that is read."""
    return media_type(data) in _IMAGES


def _sound(text: str) -> str:
    """Without halves of surrogate pairs, which no encoder takes."""
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
