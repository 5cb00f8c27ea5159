"""Reads XMP: captions and titles that programs show, and images packed into it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from xml.parsers import expat

from seawall.media.decoders.metadata_parts import MetadataParts

_MOST_BYTES: Final = 8 << 20
_MOST_ELEMENTS: Final = 100_000
_SHOWN: Final = frozenset(
    (
        *("title", "description", "rights", "creator", "subject", "headline", "caption", "instructions", "credit"),
        *("usercomment", "imagedescription", "usageterms", "xptitle", "xpcomment", "xpsubject", "xpkeywords"),
        *("artist", "copyright", "webstatement", "label", "captionwriter", "comment", "alttextaccessibility"),
        *("extdescraccessibility", "event", "personinimage", "keywords", "notes"),
    )
)
_SAYS: Final = {
    **{"creator": "author", "subject": "keywords", "usercomment": "comment", "imagedescription": "description"},
    **{"usageterms": "copyright", "xptitle": "title", "xpcomment": "comment", "xpsubject": "subtitle"},
    **{"xpkeywords": "keywords", "webstatement": "copyright", "captionwriter": "author", "label": "caption"},
    **{"alttextaccessibility": "description", "extdescraccessibility": "description", "event": "caption"},
    **{"personinimage": "caption", "notes": "comment"},
}
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_IMAGE: Final = re.compile(r"\s*(?:/9j/|iVBORw0KGgo)[\w+/=\s]*", re.ASCII)


def read_xmp(data: bytes, found: MetadataParts, images: list[bytes]) -> None:
    """Add its texts; ``images`` get the encoded ones in it."""
    if len(data) > _MOST_BYTES:
        found.gap("too_much_metadata")
        return
    if not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0")):
        data = data[data.find(b"<") : data.rfind(b">") + 1] if b"<" in data else b""  # without padding
    if data:
        _Reader(found, images).read(data)


class _Refused(Exception):
    """Entities, or too many elements."""


class _Reader:
    def __init__(self, found: MetadataParts, images: list[bytes]) -> None:
        self._found, self._images = found, images
        self._names: list[str] = []  # of the open elements; lists and their entries have none
        self._said: list[str] = []
        self._elements = 0
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._said.append
        parser.EntityDeclHandler = self._entity

    def read(self, data: bytes) -> None:
        try:
            self._parser.Parse(data, True)
        except (expat.ExpatError, _Refused):
            self._found.gap("metadata_damaged")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1 + len(attributes)
        if self._elements > _MOST_ELEMENTS:
            raise _Refused
        self._said.clear()
        self._names.append("" if name.startswith(_RDF) else _local(name))
        for key, value in attributes.items():
            self._take(_local(key), value)

    def _end(self, _: str) -> None:
        said = "".join(self._said)
        self._said.clear()
        shown = next(filter(None, reversed(self._names)), "")
        self._names.pop()
        self._take(shown, said)

    def _take(self, name: str, value: str) -> None:
        if _IMAGE.fullmatch(value):
            try:
                self._images.append(base64.b64decode(value))
            except binascii.Error:
                self._found.gap("thumbnail_unread")
        elif name in _SHOWN and value.strip():
            self._found.tag(_SAYS.get(name, name), value)

    def _entity(self, *_: object) -> None:
        raise _Refused


def _local(name: str) -> str:
    return name.rpartition(" ")[2].lower()
