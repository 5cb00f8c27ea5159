"""HTML as displayed by a browser: its text and link targets. Scripts and styles are neither run nor read."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from typing import Final

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
_LEADS: Final = ("href", "src", "action", "formaction", "data", "xlink:href")
_REFRESH: Final = re.compile(r"url\s*=\s*['\"]?([^'\"\s]+)", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[^\S\n]+")
_LONGEST: Final = 2_000_000  # characters, tags included
_LINES_APART: Final = re.compile(r"\s*\n\s*")


def read(text: str, finds: DocumentParts) -> str:
    """The text of HTML, one line per block; link targets and images are added to ``finds``."""
    if len(text) > _LONGEST:
        finds.gap("too_many_characters")
    text = _SELF_CLOSED.sub(r"<\1\2></\1>", text[:_LONGEST])
    ends = [found for found in (_too_deep(text), _too_crowded(text)) if found is not None]
    if ends:
        finds.gap("damaged")
    reader = _Reader(finds)
    try:
        parsed = LexborHTMLParser(text[: min(ends, default=len(text))])
        if parsed.root is not None:
            reader.walk(parsed.root)
        templates = parsed.template_fragments()  # not part of the tree, nor are nested templates
        while templates:
            template = templates.pop()
            reader.walk(template)
            templates += template.template_fragments()
    except SelectolaxError:
        finds.gap("damaged")
    words = "".join(reader.words)
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
        self.has_script = False
        self._finds = finds

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
                if node.mem_id == root.mem_id:
                    return
                following = node.next
                if following is not None:
                    node = following
                    break
                node = node.parent

    def _begin(self, node: LexborNode) -> None:
        if node.is_text_node:
            self.words.append(node.text_content or "")
            return
        if not node.is_element_node:
            return
        tag = node.tag or ""
        self.has_script |= tag == "script"
        self._break(tag)
        values = {name: value for name, value in node.attributes.items() if value}
        for name in _SAYS:
            if name in values and tag not in ("link", "param", "data"):
                self.words.append(f" {values[name]} ")
        for name in _LEADS:
            if name in values and tag not in _HIDDEN:
                self._lead(values[name])
        refresh = _REFRESH.search(values.get("content", "")) if tag == "meta" else None
        if refresh is not None:
            self._lead(refresh[1])

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
