"""Where a PDF leads, and what it says outside its pages: actions of every kind, notes, outlines, forms, scripts.

Every dictionary that can be reached is looked at, so that no way to attach an action hides one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

from seawall.media.decoders.document_parts import DocumentTree
from seawall.media.decoders.pdf_objects import entry

_ADDRESSES: Final = frozenset({"/URI", "/F", "/UF", "/URL", "/Base", "/DOS", "/Unix"})
_TEXTS: Final = frozenset(
    {"/Contents", "/RC", "/V", "/DV", "/TU", "/CA", "/AC", "/OverlayText", "/Subj", "/Alt", "/ActualText", "/Title"}
)
_LISTS: Final = frozenset({"/Opt", "/Names"})
_ELSEWHERE: Final = frozenset({"/Parent", "/P", "/Pages", "/Dest", "/Resources", "/Font", "/AP", "/Pg", "/Popup", "/D"})
"""Entries that lead back into pages, which are read by themselves."""
_LONGEST: Final = 1 << 20  # bytes of a script or note
_MOST: Final = 100_000  # dictionaries and arrays of a document and the files inside it
_IN_TEXT: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'<>\\)\]}]{1,1000}|www\.[^\s\"'<>\\)\]}]{1,1000}")
_QUOTED: Final = re.compile(r"\"([^\"\\\n]{2,2000})\"|'([^'\\\n]{2,2000})'")
_TAG: Final = re.compile(r"<[^<>]*>")
_HIDES: Final = re.compile(r"\b(?:eval|unescape|fromCharCode|atob)\b|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}")


@dataclass(slots=True)
class References:
    """What was found in one search. ``is_obscure``: a script computes what it does, which is not followed."""

    base: str = ""
    addresses: dict[str, None] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)
    files: list[DictionaryObject] = field(default_factory=list)  # specifications of files that are inside
    media: bool = False  # recordings that are played
    is_obscure: bool = False
    is_cut: bool = False


@dataclass(slots=True)
class ReferenceReader:
    """Looks through the dictionaries of one file, each once. ``base``: what relative addresses are relative to."""

    tree: DocumentTree
    base: str = ""
    seen: set[object] = field(default_factory=set)

    def search(self, *begin: Any) -> References:
        """All that can be reached from here without entering another page."""
        found = References(self.base)
        to_see: list[Any] = list(reversed(begin))
        while to_see:
            value = to_see.pop()
            if isinstance(value, IndirectObject):
                key = (value.idnum, value.generation)
                if key in self.seen:
                    continue
                self.seen.add(key)
                value = value.get_object()
            if not isinstance(value, DictionaryObject | ArrayObject):
                continue
            self.tree.references += 1
            if self.tree.references > _MOST:
                found.is_cut = True
                return found
            if isinstance(value, ArrayObject):
                to_see += reversed(value)
            elif entry(value, "/Type") not in ("/Page", "/Pages"):
                to_see += reversed(_look(value, found))
        return found


def _look(held: DictionaryObject, found: References) -> list[Any]:
    """Take what one dictionary says; returns where to look next."""
    if entry(held, "/Subtype") in ("/RichMedia", "/Screen", "/Movie", "/Sound", "/3D") or entry(held, "/S") in (
        "/Rendition",
        "/Sound",
        "/Movie",
    ):
        found.media = True
    if "/EF" in held:
        found.files.append(held)
    following: list[Any] = []
    if "/ByteRange" in held:
        return following  # a signature
    for key, raw in dict.items(held):
        if key in _ELSEWHERE and not (key == "/D" and entry(held, "/S") == "/Hide"):
            continue
        value = raw.get_object() if isinstance(raw, IndirectObject) and key in _ALL_TEXTS else raw
        if key == "/JS":
            _take_script(_string(value), found)
        elif key in _ADDRESSES and not isinstance(value, DictionaryObject):
            _take_address(_string(value), found)
        elif key in _TEXTS and not isinstance(value, DictionaryObject | ArrayObject | NameObject):
            _take_text(_string(value), found, is_rich=key == "/RC")
        elif key in _LISTS and isinstance(value, ArrayObject):
            for each in value:
                for one in each if isinstance(each, ArrayObject) else [each]:
                    _take_text("" if key == "/Names" or isinstance(one, NameObject) else _string(one), found)
            following.append(value)
        elif not isinstance(value, StreamObject) or key in ("/JS", "/V", "/RV"):
            following.append(raw)
        if isinstance(value, StreamObject) and key in ("/RC", "/RV", "/V"):
            _take_text(_string(value), found, is_rich=True)
    return following


_ALL_TEXTS: Final = _ADDRESSES | _TEXTS | _LISTS | {"/JS", "/RV"}


def _string(value: Any) -> str:
    """Text of a string or of a stream; empty for anything else."""
    if isinstance(value, StreamObject):
        value = value.get_data()[:_LONGEST]
    if isinstance(value, bytes):
        encoding = "utf-16" if value[:2] in (b"\xfe\xff", b"\xff\xfe") else "utf-8"
        return value.decode(encoding, "replace")
    return value if isinstance(value, str) and not isinstance(value, NameObject) else ""


def _take_text(text: str, found: References, *, is_rich: bool = False) -> None:
    text = _TAG.sub(" ", text) if is_rich else text
    if text.strip():
        found.texts[text] = None


def _take_address(address: str, found: References) -> None:
    address = "".join(address.split())
    if not address:
        return
    if address.lower().startswith("javascript:"):
        _take_script(address, found)
    elif address.lower().startswith("www."):
        found.addresses[f"http://{address}"] = None
    elif found.base and ":" not in address:
        try:
            found.addresses[urljoin(found.base, address)] = None
        except ValueError:
            found.addresses[address] = None
    else:
        found.addresses[address] = None


def _take_script(code: str, found: References) -> None:
    """Addresses and sayings of a script: it is read, not run."""
    for address in _IN_TEXT.findall(code):
        found.addresses[address if "://" in address else f"http://{address}"] = None
    for double, single in _QUOTED.findall(code):
        said = double or single
        if " " in said and "://" not in said:
            found.texts[said] = None
    found.is_obscure |= _HIDES.search(code) is not None
