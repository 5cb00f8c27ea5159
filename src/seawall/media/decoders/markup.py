"""HTML as a reader sees it: its text and where it leads. Scripts and styles are neither run nor read."""

from __future__ import annotations

import base64
import binascii
import html
import re
from html.parser import HTMLParser
from typing import Final

from seawall.media.decoders.document_parts import DocumentParts, is_image

_HIDDEN: Final = frozenset({"script", "style"})
_RAW: Final = frozenset({"textarea", "title", "xmp", "iframe", "noembed", "noframes"})
"""Inside of them nothing is a tag: a browser shows ``<textarea><script>words`` as words."""
_ESCAPED: Final = frozenset({"textarea", "title"})
_LINES: Final = re.compile(
    "address|article|aside|blockquote|body|br|caption|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|head|header|hr|li|main|nav|ol|option|p|pre|section|summary|table|title|tr|ul"
)
_CELLS: Final = frozenset({"td", "th", "button", "input", "textarea", "select", "label", "img"})
_SAYS: Final = ("alt", "title", "placeholder", "value", "aria-label")
_LEADS: Final = ("href", "src", "action", "formaction", "data", "xlink:href")
_REFRESH: Final = re.compile(r"url\s*=\s*['\"]?([^'\"\s]+)", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[^\S\n]+")
_MOST_UNENDED: Final = 20
_LONGEST: Final = 2_000_000  # characters, tags and all
_LINES_APART: Final = re.compile(r"\s*\n\s*")


def read(text: str, finds: DocumentParts) -> str:
    """The words of HTML, a line for each block; link targets and images within it go to ``finds``."""
    reader = _Reader(finds)
    if len(text) > _LONGEST:
        finds.gap("too_many_characters")
    try:
        reader.feed(text[:_LONGEST])
        reader.close()
    except _Broken:
        finds.gap("damaged")
    if reader.cdata_elem in _RAW:  # never closed
        reader.words.append(reader.rawdata)
    words = "".join(reader.words)
    if not words.strip() and reader.has_script:
        finds.gap("no_text_layer")  # what its script would show
    return _LINES_APART.sub("\n", _BLANKS.sub(" ", words)).strip()


class _Broken(Exception):
    """More was begun and never ended than is read: the parser looks to the end of the text for each such beginning."""


class _Reader(HTMLParser):
    def __init__(self, finds: DocumentParts) -> None:
        super().__init__(convert_charrefs=True)
        self._unended = 0
        self.words: list[str] = []
        self.has_script = False
        self._finds = finds
        self._hidden: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden = tag
            self.has_script |= tag == "script"
        elif tag in _RAW:
            self.set_cdata_mode(tag)
        self._break(tag)
        values = {name: value for name, value in attrs if value}
        for name in _SAYS:
            if name in values and tag not in ("link", "param", "data"):
                self.words.append(f" {values[name]} ")
        for name in _LEADS:
            if name in values and tag not in _HIDDEN:
                self._lead(values[name])
        refresh = _REFRESH.search(values.get("content", "")) if tag == "meta" else None
        if refresh is not None:
            self._lead(refresh[1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.clear_cdata_mode()
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = None
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden is None:
            self.words.append(html.unescape(data) if self.cdata_elem in _ESCAPED else data)

    def parse_starttag(self, i: int) -> int:
        return self._ended(super().parse_starttag(i))

    def parse_endtag(self, i: int) -> int:
        return self._ended(super().parse_endtag(i))

    def parse_comment(self, i: int, report: bool = True) -> int:
        return self._ended(super().parse_comment(i, report))

    def parse_pi(self, i: int) -> int:
        return self._ended(super().parse_pi(i))

    def parse_html_declaration(self, i: int) -> int:
        return self._ended(super().parse_html_declaration(i))

    def _ended(self, end: int) -> int:
        self._unended += end < 0
        if self._unended > _MOST_UNENDED:
            raise _Broken
        return end

    def _break(self, tag: str) -> None:
        if _LINES.fullmatch(tag):
            self.words.append("\n")
        elif tag in _CELLS:
            self.words.append(" ")

    def _lead(self, target: str) -> None:
        head, _, encoded = target.strip().partition(",")
        if not head.lower().startswith("data:"):
            self._finds.link(target)
            return
        try:
            data = base64.b64decode(encoded) if head.lower().endswith(";base64") else b""
        except (binascii.Error, ValueError):
            data = b""
        if not is_image(data) or not self._finds.image(data):
            self._finds.gap("attachments")
