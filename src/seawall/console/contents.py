"""An item's content as a page shows it: fields in order, texts cut into runs, evidence where it can be seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seawall.console.formats import stamp
from seawall.console.text import SHORT, Run, runs
from seawall.detect import derive_parts
from seawall.model import ContentType, FieldSpec, FieldType, Item, Part, Role, Signal
from seawall.policy import parts_of
from seawall.screen import Content

_TEXTS = frozenset({FieldType.TEXT, FieldType.LINK, FieldType.TEXTS, FieldType.LINKS})

VEILED_HARMS = frozenset(
    {
        "animal_cruelty",
        "child_safety",
        "grooming",
        "intimate_images",
        "self_harm",
        "sexual",
        "terrorism",
        "threat",
        "violence",
    }
)
"""Harms whose content is blurred until the reviewer asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """One text. ``length`` counts the characters of the whole; ``cut``: only the beginning is here."""

    path: str
    runs: Sequence[Run]
    length: int
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field, as texts, an image, or a plain value."""

    name: str
    role: str
    description: str
    screened: bool
    texts: Sequence[TextView] = ()
    image_bytes: int | None = None
    plain: str | None = None


def field_views(
    content_type: ContentType, content: Content, signals: Sequence[Signal], *, whole: bool
) -> tuple[FieldView, ...]:
    """The fields that are there, in the order of the content type. ``whole``: long texts are not cut."""
    evidence = _lift(content_type, content, signals)
    views = [
        _view(spec, content, evidence, whole)
        for spec in content_type.fields
        if content.fields.get(spec.name) is not None or spec.name in content.images
    ]
    return tuple(sorted(views, key=lambda view: not view.screened))


def _view(spec: FieldSpec, content: Content, evidence: Mapping[str, list[Signal]], whole: bool) -> FieldView:
    view = FieldView(
        name=spec.name,
        role=spec.role,
        description=spec.description,
        screened=spec.role in (Role.BODY, Role.TITLE, Role.MEDIA),
    )
    if spec.name in content.images:
        return replace(view, image_bytes=content.images[spec.name])
    value = content.fields[spec.name]
    if spec.type in _TEXTS:
        several = isinstance(value, list | tuple)
        entries = value if several else [value]
        paths = [f"{spec.name}.{at}" if several else spec.name for at in range(len(entries))]
        texts = tuple(_text(path, str(text), evidence, whole) for path, text in zip(paths, entries, strict=True))
        return replace(view, texts=texts)
    if spec.type is FieldType.TIMESTAMP and isinstance(value, int):
        return replace(view, plain=stamp(value))
    return replace(view, plain=", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _text(path: str, text: str, evidence: Mapping[str, list[Signal]], whole: bool) -> TextView:
    cut = len(text) > SHORT and not whole
    shown = text[:SHORT] if cut else text
    return TextView(path=path, runs=runs(shown, evidence.get(path, ())), length=len(text), cut=cut)


def _lift(content_type: ContentType, content: Content, signals: Sequence[Signal]) -> Mapping[str, list[Signal]]:
    """Signals by the path of the text they are shown in; those of derived parts cover their place in the parent."""
    parts = {part.path: part for part in _parts(content_type, content)}
    found: defaultdict[str, list[Signal]] = defaultdict(list)
    for signal in signals:
        part, span = parts.get(signal.part), signal.span
        while part is not None and part.parent is not None:
            span, part = part.span, parts.get(part.parent)
        found[part.path if part is not None else signal.part].append(replace(signal, span=span))
    return found


def _parts(content_type: ContentType, content: Content) -> Sequence[Part]:
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.fields.items()
    }
    item = Item(content_type=content_type.name, id="", fields=fields, language=content.language)
    return derive_parts(parts_of(item, content_type))
