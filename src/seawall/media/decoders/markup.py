"""HTML as displayed by a browser: its text and link targets. Scripts and styles are neither run nor read."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections import Counter
from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from seawall.media.decoders.document_parts import DocumentParts, is_image

_HIDDEN: Final = frozenset({"script", "style"})
_SELF_CLOSED: Final = re.compile(r"<([a-zA-Z][^\s/<>]*+)([^<>]*+)(?<=/)>")
"""In XHTML ``<title/>`` is a complete element; in HTML it would start one that swallows the rest of the document."""
_TAG: Final = re.compile(r"<(?:!--(?s:.)*?(?:-->|\Z)|(/?)([a-zA-Z][^\s/<>]*+))")
_NOT_NESTED: Final = re.compile(
    "area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr|html|head|body|p|li|d[dt]|option|optgroup|t[dhr]|"
    "thead|tbody|tfoot|colgroup|caption|r[bpt]|rtc"
)
"""Elements without an end tag, or ended by the next one."""
_DEEPEST: Final = 1_000  # nested elements: a browser stops at 512, and parsing time is quadratic
_CROWDED: Final = re.compile(r"<[a-zA-Z](?:[^<>\s\"']*+[\s\"']){5000}")
"""Maximum attributes of a tag: the parser compares each with all others."""
_LINES: Final = re.compile(
    "address|article|aside|blockquote|body|br|caption|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|head|header|hr|li|main|nav|ol|option|p|pre|section|summary|table|title|tr|ul"
)
_CELLS: Final = frozenset({"td", "th", "button", "input", "textarea", "select", "label", "img"})
_SAYS: Final = ("alt", "title", "placeholder", "value", "aria-label")
_LEADS: Final = (
    "href",
    "src",
    "action",
    "formaction",
    "data",
    "xlink:href",
    "poster",
    "background",
    "cite",
    "longdesc",
)
_LISTS: Final = {"srcset": ",", "imagesrcset": ",", "ping": " ", "archive": " "}
"""Attributes of several addresses, and what stands between them."""
_SHOWS_NOTHING: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_SAID_BY_STYLE: Final = re.compile(r"content\s*:\s*(?:\"([^\"\\]{1,2000})\"|'([^'\\]{1,2000})')", re.IGNORECASE)
_LED_BY_STYLE: Final = re.compile(r"url\(\s*['\"]?([^'\")\s]{1,1000})", re.IGNORECASE)
_LED_BY_SCRIPT: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'<>\\)]{1,1000}")
_MOST_FRAMES: Final = 20  # documents within attributes
_REFRESH: Final = re.compile(r"url\s*=\s*['\"]?([^'\"\s]+)", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[^\S\n]+")
_LINES_APART: Final = re.compile(r"\s*\n\s*")


def read(text: str, finds: DocumentParts) -> str:
    """The text of HTML, one line per block; link targets and images are added to ``finds``."""
    text = _SELF_CLOSED.sub(r"<\1\2></\1>", finds.markup(text))
    ends = [found for found in (_too_deep(text), _too_crowded(text)) if found is not None]
    if ends:
        finds.gap("damaged")
    reader = _Reader(finds)
    reader.read(text[: min(ends, default=len(text))])
    for frame in itertools.islice(reader.frames, _MOST_FRAMES):  # it grows: there are frames in frames
        if _too_deep(frame) is None and _too_crowded(frame) is None:
            reader.read(frame)
        else:
            finds.gap("damaged")
    if len(reader.frames) > _MOST_FRAMES:
        finds.gap("attachments")
    words = "".join([*reader.words, "\n", *reader.apart])
    if not words.strip() and reader.has_script:
        finds.gap("no_text_layer")  # a script would show it
    return _LINES_APART.sub("\n", _BLANKS.sub(" ", words)).strip()


def _too_deep(text: str) -> int | None:
    """Position where elements are nested too deep, if any. A cheap early check; the process's time limit is the hard
    one."""
    opened: Counter[str] = Counter()
    depth = 0
    for tag in _TAG.finditer(text):
        name = (tag[2] or "").lower()
        if not name or _NOT_NESTED.fullmatch(name):
            continue
        if not tag[1]:
            opened[name] += 1
            depth += 1
            if depth > _DEEPEST:
                return tag.start()
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
    return None


def _too_crowded(text: str) -> int | None:
    """Position of a tag with too many attributes, if any."""
    found = _CROWDED.search(text)
    return found.start() if found else None


class _Reader:
    def __init__(self, finds: DocumentParts) -> None:
        self.words: list[str] = []
        self.apart: list[str] = []  # words of hidden elements: they interrupt no others
        self.frames: list[str] = []  # documents in attributes
        self.has_script = False
        self._finds = finds
        self._base = ""
        self._hidden: int | None = None  # the outermost hidden element around this place

    def read(self, text: str) -> None:
        """Read a document."""
        try:
            parsed = LexborHTMLParser(text)
            self._put("\n")
            if parsed.root is not None:
                self.walk(parsed.root)
            templates = parsed.template_fragments()  # not part of the tree, nor are nested templates
            while templates:
                template = templates.pop()
                self.walk(template)
                templates += template.template_fragments()
        except SelectolaxError:
            self._finds.gap("damaged")

    def walk(self, root: LexborNode) -> None:
        """Read a node and its descendants. Not recursive, because elements may be deeply nested."""
        node: LexborNode | None = root
        while node is not None:
            inner = None if node.tag in _HIDDEN else node.first_child
            self._begin(node)
            if inner is not None:
                node = inner
                continue
            while node is not None:
                self._break(node.tag or "")
                if node.mem_id == self._hidden:
                    self._put("\n")
                    self._hidden = None
                if node.mem_id == root.mem_id:
                    return
                following = node.next
                if following is not None:
                    node = following
                    break
                node = node.parent

    def _begin(self, node: LexborNode) -> None:
        if node.is_text_node:
            self._put(node.text_content or "")
            return
        if not node.is_element_node:
            return
        tag = node.tag or ""
        self.has_script |= tag == "script"
        self._break(tag)
        values = {name: value for name, value in node.attributes.items() if value}
        style = values.get("style", "")
        if self._hidden is None and ("hidden" in node.attributes or _SHOWS_NOTHING.search(style)):
            self._hidden = node.mem_id
        if tag == "style" and node.first_child is not None:
            self._read_style(node.first_child.text_content or "")
        elif tag == "base":
            self._base = self._base or values.get("href", "")
        if values:
            self._read_style(style)
            self._read_attributes(tag, values)

    def _read_attributes(self, tag: str, values: dict[str, str]) -> None:
        for name in _SAYS:
            if name in values and tag not in ("link", "param", "data"):
                self._put(f" {values[name]} ")
        for name in _LEADS:
            if name in values and tag not in _HIDDEN:
                self._lead(values[name])
        for name, mark in _LISTS.items():
            for target in values.get(name, "").split(mark)[:100]:
                self._lead((target.split() or [""])[0])
        if "srcdoc" in values:
            self.frames.append(values["srcdoc"])
        if tag == "meta":
            self._read_meta(values)

    def _read_meta(self, values: dict[str, str]) -> None:
        content = values.get("content", "")
        refresh = _REFRESH.search(content)
        if refresh is not None:
            self._lead(refresh[1])
        name = values.get("name", values.get("property", "")).lower()
        if name in ("description", "keywords") or name.endswith((":title", ":description")):
            self.apart.append(f"{content}\n")

    def _read_style(self, style: str) -> None:
        """What a style shows as text, and where it leads."""
        for double, single in _SAID_BY_STYLE.findall(style):
            self.apart.append(f"{double or single}\n")
        for target in _LED_BY_STYLE.findall(style):
            if not target.lower().startswith("data:"):
                self._lead(target)

    def _put(self, said: str) -> None:
        (self.words if self._hidden is None else self.apart).append(said)

    def _break(self, tag: str) -> None:
        if _LINES.fullmatch(tag):
            self._put("\n")
        elif tag in _CELLS:
            self._put(" ")

    def _lead(self, target: str) -> None:
        head, _, encoded = target.strip().partition(",")
        if head.lower().startswith("javascript:"):
            for address in _LED_BY_SCRIPT.findall(target):
                self._finds.link(address)
            return
        if not head.lower().startswith("data:"):
            self._finds.link(self._absolute(target))
            return
        data = _data_of(head.lower(), encoded)
        if is_image(data):
            self._finds.image(data)
        elif data:
            self._finds.unpack(len(data))
            self._finds.file("", data)

    def _absolute(self, target: str) -> str:
        if not self._base or "://" in target:
            return target
        try:
            return urljoin(self._base, target)
        except ValueError:
            return target


def _data_of(head: str, encoded: str) -> bytes:
    """The bytes of a ``data:`` address."""
    try:
        return base64.b64decode(unquote(encoded)) if head.endswith(";base64") else unquote_to_bytes(encoded)
    except (binascii.Error, ValueError):
        return b""
