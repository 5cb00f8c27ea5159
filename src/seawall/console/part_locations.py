"""Locations of derived parts in the submitted media: time and page, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from seawall.console.formats import clock
from seawall.model import Span, SpanUnit
from seawall.screen import DerivedPart

_LONGEST_NAME: Final = 60


class PartLocations:
    """Locations of derived parts in the submitted media."""

    def __init__(self, derived: Sequence[DerivedPart]) -> None:
        self._parts = {part.path: part for part in derived}

    def seconds(self, path: str) -> tuple[float, float] | None:
        """Start and end in seconds of a part in its audio file or video; None when it has no time."""
        chain = list(self._chain(path))
        at = next((index for index, part in enumerate(chain) if unit_of(part.span) is SpanUnit.SECONDS), None)
        if at is None:
            return None
        offset = sum(
            part.span.start for part in chain[at + 1 :] if part.span and unit_of(part.span) is SpanUnit.SECONDS
        )
        span = chain[at].span
        assert span is not None
        return offset + span.start, offset + span.end

    def page(self, path: str) -> tuple[int, str]:
        """Location of a part in a document: sort key, and words; (0, ``""``) for the whole document.

        In a file inside the document the words begin with its name: ``attachment report.docx, page 2``.
        """
        chain = list(self._chain(path))
        inner = next((at for at, part in enumerate(chain) if _is_file(part.path)), len(chain))
        files = [f"attachment {_short(part.text or '')}" for part in reversed(chain[inner:]) if _is_file(part.path)]
        number, place = _place(chain[inner - 1]) if inner else (0, "")
        if not files:
            return number, place
        return _place(chain[-1])[0], ", ".join([*files, *([place] if place else [])])

    def of(self, path: str, span: Span | None = None) -> str:
        """``clip, 3.0–6.0 s, words``: a location in words."""
        root = path.partition(">")[0]
        steps = [_named(step) for step in path.split(">")[1:]]
        time = self.seconds(path)
        if unit_of(span) is SpanUnit.SECONDS and span is not None:
            offset = time[0] if time else 0.0
            time = offset + span.start, offset + span.end
        shown = [step for step in steps if step not in ("frame", "audio", "speech", "page", "file", "across")]
        page = self.page(path)[1] if steps and time is None else ""
        return ", ".join([root, *([clock(*time)] if time else []), *([page] if page else []), *shown])

    def _chain(self, path: str) -> Iterator[DerivedPart]:
        """The part and its ancestors, nearest first. What could not be read in a file is at the file."""
        parent = path.rpartition(">")[0]
        part = self._parts.get(path) or (self._parts.get(parent) if _is_file(parent) else None)
        while part is not None:
            yield part
            part = self._parts.get(part.parent)


def _named(step: str) -> str:
    """``words`` of ``words.3``, ``metadata title`` of ``metadata.title``."""
    kind, _, name = step.partition(".")
    return f"{kind} {name.partition('.')[0]}" if kind == "metadata" else kind


def _is_file(path: str) -> bool:
    return path.rpartition(">")[2].startswith("file.")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _place(part: DerivedPart) -> tuple[int, str]:
    """Sort key and words of a place in one document."""
    if part.span is None or part.span.unit is SpanUnit.PIXELS:
        return 0, ""
    start, end = int(part.span.start), int(part.span.end)
    if part.span.unit is SpanUnit.PAGES:
        return start, f"page {start + 1}" if end - start < 2 else f"pages {start + 1}–{end}"
    is_piece = part.span.unit is SpanUnit.CHARACTERS and start + len(part.text or "") == end
    return start, f"characters {start + 1:,}–{end:,}" if is_piece else ""


def unit_of(span: Span | None) -> SpanUnit | None:
    """The unit of a span; None without a span."""
    return span.unit if span is not None else None
