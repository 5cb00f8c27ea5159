"""Extractor for documents: a text part for each page, link parts, and the images in it."""

from __future__ import annotations

from seawall.content.links import read_address
from seawall.media.extractor import QUICK_CALLS, MediaExtractor
from seawall.media.results import DocumentContent, TextPassage
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, ExtractedParts, ExtractorSpec, Unknown


class DocumentExtractor(MediaExtractor):
    """Texts of a document by page, its links and its images. Content that could not be read is reported as a gap.

    ``notes>page.2`` is the third page; a document without pages is split into pieces, each with its character offsets.
    ``notes>details`` is what a document with pages says outside them: its title, its outline.
    """

    spec = ExtractorSpec(
        name="document",
        version="2",
        modalities=frozenset({Modality.DOCUMENT}),
        gives=frozenset({Modality.TEXT, Modality.LINK, Modality.IMAGE}),
        makes="page",
        cost=Cost.CPU,
    )
    calls_at_once = QUICK_CALLS

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        return self._made(part, self._media.document(part.data or b""), lambda found: _derived(part, found))


def _derived(part: Part, found: DocumentContent) -> ExtractedParts:
    texts = tuple(
        Part(
            path=f"{part.path}>{_step(number, passage)}",
            modality=Modality.TEXT,
            field=part.field,
            text=passage.text,
            parent=part.path,
            span=_page(passage.page) or _characters(passage),
        )
        for number, passage in enumerate(found.texts)
    )
    links = tuple(
        Part(
            path=f"{part.path}>link.{number}",
            modality=Modality.LINK,
            field=part.field,
            text=target.address,
            parent=part.path,
            span=_page(target.page),
        )
        for number, target in enumerate(found.links)
        if read_address(target.address) is not None
    )
    images = tuple(
        Part(
            path=f"{part.path}>image.{number}",
            modality=Modality.IMAGE,
            field=part.field,
            data=data,
            parent=part.path,
            span=_page(page),
        )
        for number, (data, page) in enumerate(found.images)
    )
    return ExtractedParts((*texts, *links, *images), gaps=found.gaps)


def _step(number: int, passage: TextPassage) -> str:
    if passage.page is None and not passage.end:
        return "details"  # outside the pages of a document that has them
    return f"page.{number if passage.page is None else passage.page}"


def _characters(passage: TextPassage) -> Span | None:
    return Span(SpanUnit.CHARACTERS, passage.start, passage.end) if passage.end else None


def _page(number: int | None) -> Span | None:
    return None if number is None else Span(SpanUnit.PAGES, number, number + 1)
