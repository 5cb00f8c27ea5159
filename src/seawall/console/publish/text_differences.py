"""Two versions of a policy file line by line, for pages."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

_MOST_LINES: Final = 2_000  # of either version, besides what both begin and end with: the comparison is quadratic
_CONTEXT: Final = 2  # lines that are shown before and after what differs


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One line: ``sign`` "+", "-", " " for one that both have, or "…" for some that are left out."""

    sign: str
    text: str


def text_differences(before: str, after: str) -> tuple[ComparedLine, ...] | None:
    """What differs, with some lines around it; None: they are too long to be compared line by line."""
    old, new = before.splitlines(), after.splitlines()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    if max(len(old), len(new)) - start - end > _MOST_LINES:
        return None
    start, end = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    found: list[ComparedLine] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        if found:
            found.append(ComparedLine("…", ""))
        for kind, i, j, k, m in group:
            if kind == "equal":
                found += (ComparedLine(" ", line) for line in old[i:j])
            else:
                found += (ComparedLine("-", line) for line in old[i:j])
                found += (ComparedLine("+", line) for line in new[k:m])
    return tuple(found)
