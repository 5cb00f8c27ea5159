"""Extractor for documents: a text part for each page, link parts, and the images in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from seawall.content.links import read_address
from seawall.media.extractor import QUICK_CALLS, MediaExtractor
from seawall.media.results import DocumentContent, EmbeddedFile, TextPassage
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, ExtractedParts, ExtractorSpec, Unknown


class DocumentExtractor(MediaExtractor):
    """Texts of a document by page, its links and its images. Content that could not be read is reported as a gap.

    ``notes>page.2`` is the third page; a document without pages is split into pieces, each with its character offsets.
    ``notes>across.0`` is what runs from one page or piece into the next. ``notes>details`` is what a document with
    pages says outside them: its title, its outline. ``notes>file.0`` is the name of a file inside the document, and
    ``notes>file.0>page.2`` its third page; a file in that file is ``notes>file.1`` with the parent ``notes>file.0``.
    """

    spec = ExtractorSpec(
        name="document",
        version="3",
        modalities=frozenset({Modality.DOCUMENT}),
        gives=frozenset({Modality.TEXT, Modality.LINK, Modality.IMAGE}),
        makes="page",
        cost=Cost.CPU,
    )
    calls_at_once = QUICK_CALLS

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        return self._made(part, self._media.document(part.data or b""), lambda found: _derived(part, found))


def _derived(part: Part, found: DocumentContent) -> ExtractedParts:
    files = {each.step: each for each in found.files}
    numbers: Counter[str] = Counter()

    def made(step: str, modality: Modality, file: str, span: Span | None, **content: Any) -> Part:
        parent = f"{part.path}>{file}" if file in files else part.path
        return Part(path=f"{parent}>{step}", modality=modality, field=part.field, parent=parent, span=span, **content)

    def numbered(name: str, file: str) -> str:
        numbers[f"{file}>{name}"] += 1
        return f"{name}.{numbers[f'{file}>{name}'] - 1}"

    names = [_named(part, each, files) for each in found.files]
    texts = [
        made(_step(each, numbered), Modality.TEXT, each.file, _page(each.page) or _characters(each), text=each.text)
        for each in found.texts
    ]
    across = [
        made(numbered("across", each.file), Modality.TEXT, each.file, _pages(each) or _characters(each), text=each.text)
        for each in found.across
    ]
    links = [
        made(numbered("link", each.file), Modality.LINK, each.file, _page(each.page), text=each.address)
        for each in found.links
        if read_address(each.address) is not None
    ]
    images = [
        made(numbered("image", each.file), Modality.IMAGE, each.file, _page(each.page), data=each.data)
        for each in found.images
    ]
    return ExtractedParts((*names, *texts, *across, *links, *images), gaps=found.gaps)


def _named(part: Part, file: EmbeddedFile, files: Mapping[str, EmbeddedFile]) -> Part:
    """The name of a file inside the document, which its reader sees. What is in the file is under this part."""
    return Part(
        path=f"{part.path}>{file.step}",
        modality=Modality.TEXT,
        field=part.field,
        text=file.name,
        parent=f"{part.path}>{file.within}" if file.within in files else part.path,
        span=_page(file.page),
    )


def _step(passage: TextPassage, numbered: Callable[[str, str], str]) -> str:
    if passage.page is not None:
        return f"page.{passage.page}"
    if passage.end:
        return numbered("page", passage.file)
    return "details"  # outside the pages of a document that has them


def _characters(passage: TextPassage) -> Span | None:
    return Span(SpanUnit.CHARACTERS, passage.start, passage.end) if passage.end else None


def _page(number: int | None) -> Span | None:
    return None if number is None else Span(SpanUnit.PAGES, number, number + 1)


def _pages(passage: TextPassage) -> Span | None:
    if passage.page is None or passage.last is None:
        return None
    return Span(SpanUnit.PAGES, passage.page, passage.last + 1)
