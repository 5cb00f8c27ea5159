"""View of a document: findings page by page, with the text around them. The file itself is only a download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seawall.console.media import FAINT, MEASURES, NOTABLE, FoundText, MediaTextView, shown_texts
from seawall.console.part_locations import PartLocations
from seawall.console.text import SHORT, TextRun, runs
from seawall.model import Signal
from seawall.screen import DerivedPart

_AROUND = 200  # characters shown before and after evidence in a long text
_MOST_SILENT = 20  # pages without evidence that are shown at once


@dataclass(slots=True, kw_only=True)
class PageView:
    """A page, or a section of a document without pages, with its findings."""

    place: str  # "page 3"; empty: the whole document
    texts: list[FoundText] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)  # about the page, a link or an image as a whole

    @property
    def is_notable(self) -> bool:
        """Whether a signal here is notable."""
        found = [*self.signals, *(one for text in self.texts for one in text.signals)]
        return any(one.value >= NOTABLE and one.name not in MEASURES for one in found)

    @property
    def has_evidence(self) -> bool:
        """Whether anything is marked in a text, or a signal is notable."""
        return self.is_notable or any(text.signals for text in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """``found``: pages with evidence; ``silent``: those shown without any; ``left``: number of pages not shown."""

    found: Sequence[PageView]
    silent: Sequence[PageView]
    left: int

    @property
    def is_cut(self) -> bool:
        """Whether pages or text were left out."""
        return bool(self.left) or any(text.text.cut for page in (*self.found, *self.silent) for text in page.texts)


def document_view(
    name: str, derived: Sequence[DerivedPart], evidence: Mapping[str, Sequence[Signal]], *, whole: bool
) -> DocumentView:
    """The view of one field. ``evidence``: signals by the path of the part they are shown in."""
    mine = [part for part in derived if part.path.partition(">")[0] == name]
    places = PartLocations(mine)
    pages: dict[tuple[int, str], PageView] = {}

    def page_of(path: str) -> PageView:
        at = places.page(path)
        return pages.setdefault(at, PageView(place=at[1]))

    for part in shown_texts(mine):
        page_of(part.path).texts.append(_found(part, evidence.get(part.path, ()), whole))
    for path in (name, *(part.path for part in mine)):
        about = [one for one in evidence.get(path, ()) if one.span is None and one.value >= FAINT]
        if about:
            page_of(path).signals += about
    in_order = [pages[at] for at in sorted(pages)]
    silent = [page for page in in_order if not page.has_evidence]
    shown = silent if whole else silent[:_MOST_SILENT]
    return DocumentView(
        found=[page for page in in_order if page.has_evidence], silent=shown, left=len(silent) - len(shown)
    )


def _found(part: DerivedPart, signals: Sequence[Signal], whole: bool) -> FoundText:
    text = part.text or ""
    found = runs(text, signals)
    if not whole and len(text) > SHORT:
        found = excerpt(found)
    length = sum(len(run.text) for run in found)
    kind = part.path.rpartition(">")[2].partition(".")[0]
    view = MediaTextView(path=part.path, runs=found, length=len(text), cut=length < len(text))
    return FoundText(kind="" if kind in ("page", "across", "file") else kind, text=view)


def excerpt(found: Sequence[TextRun]) -> list[TextRun]:
    """A long text cut to its evidence with context; without evidence, to its beginning."""
    if len(found) == 1:
        return [TextRun(found[0].text[:SHORT], found[0].signals)]
    last = len(found) - 1
    return [_shortened(run, is_first=at == 0, is_last=at == last) for at, run in enumerate(found)]


def _shortened(run: TextRun, *, is_first: bool, is_last: bool) -> TextRun:
    before = "" if is_first else run.text[:_AROUND].rpartition(" ")[0]
    after = "" if is_last else run.text[-_AROUND:].partition(" ")[2]
    if run.signals or len(run.text) <= 2 * _AROUND:
        return TextRun(run.text[:SHORT], run.signals)
    return TextRun(f"{before} … {after}".strip(" "), ())
