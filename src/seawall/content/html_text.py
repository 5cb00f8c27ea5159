"""The words of a short piece of HTML, with the place of each character in the source: for comments that hold markup.

>>> found = read_html("you <b>fo</b>ol &amp; co<script>x()</script>")
>>> found.text, found.source_of(4, 8)
('you fool & co', (7, 15))

Tags, comments, scripts and styles are not read, and neither are attributes; inside a word a tag parts nothing. One pass
over the text, whatever it holds. Documents are read by ``seawall.media``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Final

_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_NAME: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9-]{0,30})")
_UNREAD: Final = frozenset({"script", "style", "template", "title"})
_INLINE: Final = re.compile(
    "a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var|wbr"
)
"""Elements that part no words; all others begin a line."""


@dataclass(frozen=True, slots=True)
class HtmlText:
    """``starts`` and ``ends``: by character of ``text``, where it stands in the source."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def source_of(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters ``start`` to ``end`` (not included; at least one) stand in the source."""
        return self.starts[start], self.ends[end - 1]


def read_html(source: str) -> HtmlText:
    """The words that a browser shows."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def add(text: str, start: int, end: int) -> None:
        """Characters of one place: an entity, or a line that a tag begins."""
        pieces.append(text)
        starts.extend([start] * len(text))
        ends.extend([end] * len(text))

    def add_words(start: int, end: int) -> None:
        at = start
        for entity in _ENTITY.finditer(source, start, end):
            add_plain(at, entity.start())
            add(unescape(entity[0]), entity.start(), entity.end())
            at = entity.end()
        add_plain(at, end)

    def add_plain(start: int, end: int) -> None:
        pieces.append(source[start:end])
        starts.extend(range(start, end))
        ends.extend(range(start + 1, end + 1))

    at = 0
    while (tag := source.find("<", at)) >= 0:
        if source.startswith("<!--", tag):
            add_words(at, tag)
            found = source.find("-->", tag + 4)
            at = len(source) if found < 0 else found + 3
            continue
        end = source.find(">", tag)
        if end < 0:
            break  # no tag ends from here on: the rest is words
        name = _NAME.match(source, tag, end)
        if name is None and source[tag + 1] not in "!?/":
            add_words(at, tag + 1)  # "1 < 2"
            at = tag + 1
            continue
        add_words(at, tag)
        element = name[1].lower() if name is not None else ""
        if _INLINE.fullmatch(element) is None:
            add("\n", tag, end + 1)
        at = end + 1
        if element in _UNREAD and source[tag + 1] != "/":
            closing = re.compile(f"</{element}", re.IGNORECASE | re.ASCII).search(source, at)
            at = len(source) if closing is None else closing.start()
    add_words(at, len(source))
    return HtmlText("".join(pieces), tuple(starts), tuple(ends))
