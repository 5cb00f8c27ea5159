"""Views of an item's fields: texts cut into runs at their evidence, media, plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seawall.console.documents import DocumentView, document_view
from seawall.console.formats import stamp
from seawall.console.languages import marked
from seawall.console.media import MediaTextView, MediaView, media_view, text_view
from seawall.content import parts_of
from seawall.content.links import add_link_parts
from seawall.model import ContentType, FieldRole, FieldSpec, FieldType, Item, Modality, Part, Signal, Span
from seawall.screen import DerivedPart, ItemContent

_TEXTS = frozenset({FieldType.TEXT, FieldType.LINK, FieldType.TEXTS, FieldType.LINKS})
# Codes that the templates show in words: the catalogues know them from here.
_ROLES = (marked("body"), marked("title"), marked("media"))
_SORTS = (marked("image"), marked("audio"), marked("video"), marked("document"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field, as texts, a medium, or a plain value."""

    name: str
    role: str
    description: str
    screened: bool
    texts: Sequence[MediaTextView] = ()
    media: MediaView | None = None
    document: DocumentView | None = None  # what was found in a medium that is a document
    plain: str | None = None


def field_views(
    content_type: ContentType,
    content: ItemContent,
    signals: Sequence[Signal],
    *,
    whole: bool,
    derived: Sequence[DerivedPart] = (),
    sizes: Mapping[str, tuple[int, int]] | None = None,
) -> tuple[FieldView, ...]:
    """The fields that have a value, in the order of the content type. ``whole``: long texts are not cut.

    ``derived``: what was found in media; ``sizes``: width and height of images in which something was found.
    """
    evidence = _lift(content_type, content, signals, derived)
    found = _Found(derived, evidence, sizes or {}, whole)
    views = [
        _view(spec, content, found)
        for spec in content_type.fields
        if content.fields.get(spec.name) is not None or spec.name in content.media
    ]
    return tuple(sorted(views, key=lambda view: not view.screened))


@dataclass(frozen=True, slots=True)
class _Found:
    """Findings that the views of all fields use."""

    derived: Sequence[DerivedPart]
    evidence: Mapping[str, list[Signal]]
    sizes: Mapping[str, tuple[int, int]]
    whole: bool


def _view(spec: FieldSpec, content: ItemContent, found: _Found) -> FieldView:
    view = FieldView(
        name=spec.name,
        role=spec.role,
        description=spec.description,
        screened=spec.role in (FieldRole.BODY, FieldRole.TITLE, FieldRole.MEDIA),
    )
    if spec.name in content.media:
        shown = media_view(
            spec.name,
            content.media[spec.name],
            found.derived,
            found.evidence,
            size=found.sizes.get(spec.name),
            whole=found.whole,
        )
        if shown.type != "document":
            return replace(view, media=shown)
        pages = document_view(spec.name, found.derived, found.evidence, whole=found.whole)
        return replace(view, media=shown, document=pages)
    value = content.fields[spec.name]
    if spec.type in _TEXTS:
        several = isinstance(value, list | tuple)
        entries = value if several else [value]
        paths = [f"{spec.name}.{at}" if several else spec.name for at in range(len(entries))]
        texts = tuple(
            text_view(path, str(text), found.evidence, found.whole) for path, text in zip(paths, entries, strict=True)
        )
        return replace(view, texts=texts)
    if spec.type is FieldType.TIMESTAMP and isinstance(value, int):
        return replace(view, plain=stamp(value))
    return replace(view, plain=", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _lift(
    content_type: ContentType, content: ItemContent, signals: Sequence[Signal], derived: Sequence[DerivedPart]
) -> Mapping[str, list[Signal]]:
    """Signals by the path of the part they are shown in; those of a link in a text cover its place in the text."""
    parts: dict[str, Part | DerivedPart] = {part.path: part for part in _parts(content_type, content)}
    parts.update((part.path, part) for part in derived)
    found: defaultdict[str, list[Signal]] = defaultdict(list)
    for signal in signals:
        part = parts.get(signal.part)
        parent = parts.get(part.parent) if part is not None and part.parent is not None else None
        if part is not None and parent is not None and parent.modality is Modality.TEXT:
            found[parent.path].append(replace(signal, span=part.span))
        elif part is not None and part.modality is Modality.CONTEXT and isinstance(content.fields.get(part.path), list):
            path, span = _in_list(part.path, part.text or "", signal.span)
            found[path].append(replace(signal, span=span))
        else:
            found[signal.part].append(signal)
    return found


def _in_list(path: str, lines: str, span: Span | None) -> tuple[str, Span | None]:
    """The list entry (one per line) of a span, and the span in it; the first entry for signals about the whole list."""
    if span is None:
        return f"{path}.0", None
    before = lines[: int(span.start)]
    shift = before.rfind("\n") + 1
    return f"{path}.{before.count(chr(10))}", replace(span, start=span.start - shift, end=span.end - shift)


def languages_of(content_type: ContentType, content: ItemContent, derived: Sequence[DerivedPart]) -> dict[str, str]:
    """The language in which each text was read, by the path of its part; without those of which none is known."""
    parts: list[Part | DerivedPart] = [*_parts(content_type, content), *derived]
    return {part.path: part.language for part in parts if part.modality is Modality.TEXT and part.language}


def _parts(content_type: ContentType, content: ItemContent) -> Sequence[Part]:
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.fields.items()
    }
    item = Item(content_type=content_type.name, id="", fields=fields, language=content.language)
    return add_link_parts(parts_of(item, content_type))
