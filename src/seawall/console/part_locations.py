"""Locations of derived parts in the submitted media: time and page, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from seawall.console.formats import clock, number, words
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.model import Span, SpanUnit
from seawall.screen import DerivedPart

_LONGEST_NAME: Final = 60
_MOST_DIGITS: Final = 6  # of seconds
_KINDS: Final = (marked("words"), marked("code"), marked("transcript"), marked("link"))
"""Steps of a path that are shown in words."""
_PLACES: Final = frozenset({"frame", "audio", "speech", "page", "file", "across"})
"""Steps of a path whose time or page is shown instead."""


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
        inner = next((index for index, part in enumerate(chain) if _is_file(part.path)), len(chain))
        names = [_short(part.text or "") for part in reversed(chain[inner:]) if _is_file(part.path)]
        files = [_("attachment %(name)s") % {"name": name} for name in names]
        at, place = _place(chain[inner - 1]) if inner else (0, "")
        if not files:
            return at, place
        return _place(chain[-1])[0], ", ".join([*files, *([place] if place else [])])

    def of(self, path: str, span: Span | None = None) -> str:
        """``clip, 3.0–6.0 s, words``: a location in words."""
        root = path.partition(">")[0]
        steps = path.split(">")[1:]
        shown = [_named(step) for step in steps if step.partition(".")[0] not in _PLACES]
        time = self.seconds(path)
        if unit_of(span) is SpanUnit.SECONDS and span is not None:
            offset = time[0] if time else 0.0
            time = offset + span.start, offset + span.end
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
    """``words`` of ``words.3``, ``metadata title`` of ``metadata.title``, ``from 1:02:03 on`` of ``after.3723``."""
    kind, name = step.partition(".")[::2]
    if kind == "after" and name.isdecimal() and len(name) <= _MOST_DIGITS:
        return _("from %(time)s on") % {"time": timedelta(seconds=int(name))}
    return _("metadata %(name)s") % {"name": name.partition(".")[0]} if kind == "metadata" else words(kind)


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
        pages = {"first": start + 1, "last": end}
        return start, (_("page %(first)d") if end - start < 2 else _("pages %(first)d–%(last)d")) % pages
    is_piece = part.span.unit is SpanUnit.CHARACTERS and start + len(part.text or "") == end
    characters = {"first": number(start + 1), "last": number(end)}
    return start, _("characters %(first)s–%(last)s") % characters if is_piece else ""


def unit_of(span: Span | None) -> SpanUnit | None:
    """The unit of a span; None without a span."""
    return span.unit if span is not None else None
