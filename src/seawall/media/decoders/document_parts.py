"""Collects the parts of a document within limits: texts, link targets, images, and gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from seawall.media.decoders.line_breaks import rejoin
from seawall.media.decoders.operation import Answer, DecodeRefused
from seawall.media.signatures import media_type

MOST_LINKS: Final = 300
LONGEST_LINK: Final = 1_000
_IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
MOST_ELEMENTS: Final = 1_000_000
PIECE: Final = 20_000  # characters per piece of a text without pages


@dataclass(slots=True)
class DocumentParts:
    """Parts of one document. Content beyond a limit is dropped and recorded as a gap."""

    max_characters: int
    max_images: int
    max_bytes: int  # unpacked, in total
    texts: list[dict[str, object]] = field(default_factory=list)
    links: dict[str, int | None] = field(default_factory=dict)  # address: page
    images: list[int | None] = field(default_factory=list)  # pages
    blobs: list[bytes] = field(default_factory=list)
    gaps: dict[tuple[str, str], None] = field(default_factory=dict)  # code, and the extractor that may still read it
    details: dict[str, None] = field(default_factory=dict)
    _characters: int = 0
    _elements: int = 0
    _unpacked: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the text limit is reached."""
        return self._characters >= self.max_characters

    def unpack(self, size: int) -> None:
        """Count bytes unpacked from an archive. Raises ``DecodeRefused``."""
        self._unpacked += size
        if self._unpacked > self.max_bytes:
            raise DecodeRefused("too_many_bytes")

    def page(self, number: int, text: str) -> None:
        """Add the text of one page, counted from 0."""
        kept = self._keep(text)
        if kept.strip():
            self.texts.append({"text": kept, "page": number})

    def detail(self, text: str) -> None:
        """Add what a document says outside its pages or body: its title, an outline, a script's message."""
        if text.strip():
            self.details[text.strip()] = None

    def element(self, count: int) -> bool:
        """Count elements and attributes of markup; whether more are read. Time goes with their number."""
        self._elements += count
        if self._elements > MOST_ELEMENTS:
            self.gap("too_many_elements")
        return self._elements <= MOST_ELEMENTS

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
                self.texts.append({"text": kept[start:end], "start": start, "end": end})
            start = end

    def link(self, address: str, page: int | None = None) -> None:
        """Add an external link."""
        if ("too_many_links", "") in self.gaps:
            return
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
        """Add an image file; returns whether it is kept or already known."""
        if data in self.blobs:
            return True
        if len(self.blobs) >= self.max_images:
            self.gap("too_many_images")
            return False
        self.images.append(page)
        self.blobs.append(data)
        return True

    def gap(self, code: str, unless: str = "") -> None:
        """Record unread content. ``unless``: the extractor that reads it from the images."""
        self.gaps[code, unless] = None

    def answer(self) -> Answer:
        """The answer for the reply."""
        about = self._keep("\n".join(self.details))
        if about.strip():
            self.texts.append({"text": about})
        self.details.clear()
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
