"""Validates decoded JSON into typed items; an error names the field, the reason and the remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from seawall.content.content_types import SCREENED_ROLES
from seawall.content.languages import identify, language_of
from seawall.content.values import LEAST_MS, READERS, InvalidValue, ReadValue, read_code, read_language, read_timestamp
from seawall.model import ActorSpec, ContentType, FieldRole, FieldSpec, FieldType, Item, Media, Modality, Part, Value
from seawall.yamlfile.source import nearest

_KEYS: Final = frozenset({"id", "actor", "fields", "language", "created_at"})
_ACTOR_KEYS: Final = frozenset({"id", "attributes"})
_ACCOUNT_MADE: Final = FieldSpec(name="created_at", type=FieldType.TIMESTAMP, role=FieldRole.CONTEXT)
_Readers: TypeAlias = Mapping[str, tuple[FieldSpec, ReadValue]]


class ItemError(ValueError):
    """An item that violates its content type: the field, the problem, and the remedy."""

    def __init__(self, field: str, message: str, remedy: str) -> None:
        self.field = field.encode(errors="replace").decode()[:200]  # an unknown name may contain anything
        self.message = message
        self.remedy = remedy
        super().__init__(f"{self.field}: {message}; {remedy}")


@dataclass(frozen=True, slots=True)
class _Schema:
    """A content type, prepared for validating items."""

    content_type: ContentType
    fields: _Readers
    required: tuple[str, ...]
    attributes: _Readers
    required_attributes: tuple[str, ...]
    actor_field: str | None
    created_at_field: str | None
    language_field: str | None
    texts: tuple[str, ...]  # fields with text to screen
    actor_required: bool


_schemas: dict[int, _Schema] = {}  # by identity of the content type: hashing one costs more than validating an item


def validate_item(content_type: ContentType, raw: Mapping[str, Any]) -> Item:
    """The item described by decoded JSON: ``{"id": …, "actor": {"id": …, "attributes": {…}}, "fields": {…}}``.

    ``language`` and ``created_at`` may be given as well. Raises ItemError.
    """
    if not isinstance(raw, Mapping):
        raise ItemError("item", "must be an object", 'send {"id": "…", "fields": {…}}')
    if not _KEYS.issuperset(raw):
        raise _unknown(raw, _KEYS, "")
    actor = raw.get("actor")
    if actor is not None:
        if not isinstance(actor, Mapping):
            raise ItemError("actor", "must be an object", 'send {"actor": {"id": "…"}}')
        if not _ACTOR_KEYS.issuperset(actor):
            raise _unknown(actor, _ACTOR_KEYS, "actor.")
        actor = (actor.get("id"), actor.get("attributes"))
    return build_item(content_type, raw.get("id"), raw.get("fields"), actor, raw.get("language"), raw.get("created_at"))


def with_optional_actor(content_type: ContentType) -> ContentType:
    """The content type for items that somebody made up: their account, and what is known of it, may be left out.

    What is left out stays unknown to the rules.
    """
    if content_type.actor is None:
        return content_type
    attributes = tuple(replace(spec, required=False) for spec in content_type.actor.attributes)
    return replace(content_type, actor=ActorSpec(required=False, attributes=attributes))


def build_item(
    content_type: ContentType,
    item_id: Any,
    fields: Any,
    actor: tuple[Any, Any] | None = None,
    language: Any = None,
    created_at: Any = None,
) -> Item:
    """The item with these decoded JSON values. ``actor``: the account's id and attributes. Raises ItemError.

    Its language is that of most of its text; where that cannot be told, the declared one (``language``, else the field
    with that role), else the content type's default.
    """
    schema = _schemas.get(id(content_type))
    if schema is None or schema.content_type is not content_type:
        schema = _prepare(content_type)
    values = _values(fields, schema.fields, schema.required, "fields")
    actor_id, attributes = _actor(actor, schema, values)
    try:
        place = "id"
        checked_id = read_code(item_id)
        place = "language"
        written_in: Any = read_language(language) if language is not None else None
        place = "created_at"
        made_at: Any = read_timestamp(created_at) if created_at is not None else None
    except InvalidValue as bad:
        raise ItemError(place, bad.message, bad.remedy) from None
    if written_in is None and schema.language_field is not None:
        written_in = values.get(schema.language_field)
    if made_at is None and schema.created_at_field is not None:
        made_at = values.get(schema.created_at_field)
    return Item(
        content_type=content_type.name,
        id=checked_id,
        fields=values,
        actor=actor_id,
        actor_attributes=attributes,
        language=_mostly_written_in(schema, values) or written_in or content_type.default_language,
        created_at=made_at,
    )


def _mostly_written_in(schema: _Schema, values: Mapping[str, Value]) -> str | None:
    """The language of most of the text that is screened, as far as it can be told."""
    letters: Counter[str] = Counter()
    for name in schema.texts:
        value = values.get(name)
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and (found := identify(text)) is not None:
                letters[found] += len(text)
    return max(letters, key=lambda language: letters[language]) if letters else None


def _prepare(content_type: ContentType) -> _Schema:
    def named(role: FieldRole) -> str | None:
        spec = content_type.field_with_role(role)
        return spec.name if spec else None

    declared = content_type.actor.attributes if content_type.actor else ()
    attributes = {"created_at": _ACCOUNT_MADE} | {spec.name: spec for spec in declared}
    schema = _Schema(
        content_type=content_type,
        fields={spec.name: (spec, READERS[spec.type]) for spec in content_type.fields},
        required=tuple(spec.name for spec in content_type.fields if spec.required),
        attributes={name: (spec, _attribute_reader(spec)) for name, spec in attributes.items()},
        required_attributes=tuple(spec.name for spec in declared if spec.required),
        actor_field=named(FieldRole.ACTOR),
        created_at_field=named(FieldRole.CREATED_AT),
        language_field=named(FieldRole.LANGUAGE),
        texts=tuple(
            spec.name
            for spec in content_type.fields
            if spec.role in SCREENED_ROLES and _MODALITIES.get(spec.type) is Modality.TEXT
        ),
        actor_required=content_type.actor is not None and content_type.actor.required,
    )
    if len(_schemas) >= 1_000:
        _schemas.clear()
    _schemas[id(content_type)] = schema
    return schema


def _attribute_reader(spec: FieldSpec) -> ReadValue:
    return _read_account_made if spec.name == "created_at" and spec.type is FieldType.TIMESTAMP else READERS[spec.type]


def _read_account_made(value: Any, _: FieldSpec) -> Value:
    """When the account was made. A text is held to what a number is held to: no account is older than the web."""
    made_at = read_timestamp(value)
    if made_at < LEAST_MS:
        raise InvalidValue(
            f"is {value}, which is a time that was never set, or seconds taken for milliseconds",
            "send the time at which the account was made, or leave it out if it is not known",
        )
    return made_at


def _values(raw: Any, readers: _Readers, required: tuple[str, ...], where: str) -> dict[str, Value]:
    if not isinstance(raw, Mapping):
        raise ItemError(where, "must be an object", f'send {{"{where.rpartition(".")[2]}": {{…}}}}')
    values: dict[str, Value] = {}
    name = ""
    try:
        for name, value in raw.items():
            found = readers.get(name)
            if found is None:
                raise _unknown(raw, readers, f"{where}.")
            if value is not None:
                values[name] = found[1](value, found[0])
    except InvalidValue as bad:
        raise ItemError(f"{where}.{name}{bad.within}", bad.message, bad.remedy) from None
    for name in required:
        if values.get(name) is None:
            raise ItemError(f"{where}.{name}", "is required", f"send a value of type {readers[name][0].type}")
    return values


def _actor(
    given: tuple[Any, Any] | None, schema: _Schema, fields: Mapping[str, Value]
) -> tuple[str | None, dict[str, Value]]:
    """The acting account's id and attributes, from the request or from the field with role actor."""
    if given is None:
        named = fields.get(schema.actor_field) if schema.actor_field is not None else None
        if not isinstance(named, str):
            if schema.actor_required:
                raise ItemError("actor", "is required", 'send the acting account as {"actor": {"id": "…"}}')
            return None, {}
        given = (named, None)
    actor_id, attributes = given
    values = _values(
        {} if attributes is None else attributes, schema.attributes, schema.required_attributes, "actor.attributes"
    )
    try:
        return read_code(actor_id), values
    except InvalidValue as bad:
        raise ItemError("actor.id", bad.message, bad.remedy) from None


def _unknown(raw: Mapping[Any, Any], known: Iterable[str], where: str) -> ItemError:
    names = sorted(known)
    name = next(str(name) for name in raw if name not in names)
    near = nearest(name, names)
    remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(names)}"
    return ItemError(f"{where}{name}", "is not known", remedy)


_MODALITIES: Final = {
    FieldType.TEXT: Modality.TEXT,
    FieldType.TEXTS: Modality.TEXT,
    FieldType.LINK: Modality.LINK,
    FieldType.LINKS: Modality.LINK,
    FieldType.IMAGE: Modality.IMAGE,
    FieldType.AUDIO: Modality.AUDIO,
    FieldType.VIDEO: Modality.VIDEO,
    FieldType.DOCUMENT: Modality.DOCUMENT,
}


def parts_of(item: Item, content_type: ContentType) -> tuple[Part, ...]:
    """The item's own parts: fields with role body, title or media, in the order the content type declares them.

    Each entry of a list is a separate part, ``field.3``. Empty texts give no parts. Texts with role context are parts
    of modality ``context``, a list's entries as lines of one part; only detectors for that modality read them.

    A text's language is the one it is written in, where that can be told; otherwise the item's, or the content type's.
    """
    language = item.language or content_type.default_language
    parts: list[Part] = []
    for spec in content_type.fields:
        modality = _MODALITIES.get(spec.type)
        value = item.fields.get(spec.name)
        if modality is None or not value:
            continue
        if spec.role not in SCREENED_ROLES:
            if modality is Modality.TEXT and spec.role is FieldRole.CONTEXT:
                lines = value if isinstance(value, tuple) else (str(value),)
                text = "\n".join(" ".join(line.split()) for line in lines)
                parts.append(_text_part(spec.name, Modality.CONTEXT, spec.name, text, language))
            continue
        if isinstance(value, str):
            parts.append(_text_part(spec.name, modality, spec.name, value, language))
        elif isinstance(value, Media):  # its language is that of text or speech in it
            parts.append(Part(path=spec.name, modality=modality, field=spec.name, data=value.data, language=language))
        elif isinstance(value, tuple):
            parts += (
                _text_part(f"{spec.name}.{index}", modality, spec.name, entry, language)
                for index, entry in enumerate(value)
                if entry
            )
    return tuple(parts)


def _text_part(path: str, modality: Modality, field: str, text: str, declared: str | None) -> Part:
    """A text or link; a link has no language of its own."""
    language = declared if modality is Modality.LINK else language_of(text, declared)
    return Part(path=path, modality=modality, field=field, text=text, language=language)
