"""Syntax highlighting of policy files: keys, strings, numbers and comments, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_TOKEN = re.compile(
    r"""(?P<comment>(?:(?<=\s)|^)\#.*$)
      | (?P<key>^\s*(?:-\s+)?[\w./-]+(?=:(?:\s|$)))
      | (?P<string>"(?:[^"\\]|\\.)*"|'[^']*')
      | (?P<number>(?<![\w.-])-?\d+(?:\.\d+)?\b(?![\w-]))
      | (?P<word>\b(?:and|or|not|in|is|None|True|False|true|false|null|unknown|if|else)\b)
      | (?P<mark>[\[\]{}(),]|>=|<=|==|!=|>|<)
    """,
    re.VERBOSE,
)
_PROSE = re.compile(r"^\s*(?:-\s+)?(?:name|title|definition|clause|law|owner|description):")
_BLOCK = re.compile(r"^(\s*)(?:-\s+)?[\w./-]+:\s*[|>][-+]?\s*(?:#.*)?$")


def source_lines(text: str) -> list[Markup]:
    """The lines of a YAML document as safe HTML, in order. Text of block scalars is not coloured."""
    return list(_lines(text))


def _lines(text: str) -> Iterator[Markup]:
    block: int | None = None  # indent of the key whose block scalar is being read
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if block is not None and (not line.strip() or indent > block):
            yield escape(line)
            continue
        opened = _BLOCK.match(line)
        block = len(opened.group(1)) if opened else None
        yield _coloured(line)


def _coloured(line: str) -> Markup:
    out, at = [], 0
    prose = _PROSE.match(line) is not None
    for token in _TOKEN.finditer(line):
        if prose and token.lastgroup in ("word", "mark", "number"):
            continue
        out.append(escape(line[at : token.start()]))
        out.append(Markup('<span class="y-{}">{}</span>').format(token.lastgroup, token.group()))
        at = token.end()
    out.append(escape(line[at:]))
    return Markup("").join(out)
