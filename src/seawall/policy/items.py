"""The door: decoded JSON in, a typed item out, or an error that names the field, the reason and the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from seawall.model import ContentType, FieldSpec, FieldType, Image, Item, Modality, Part, Role, Value
from seawall.policy.content_types import SCREENED_ROLES
from seawall.policy.source import nearest

MAX_TEXT: Final = 100_000  # characters, where the content type sets no max_length
MAX_ENTRIES: Final = 1_000
MAX_ID: Final = 512
MAX_LINK: Final = 4_096
MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
_MAX_INTEGER: Final = 2**63 - 1

_KEYS: Final = ("id", "actor", "fields", "language", "created_at")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9_-]{1,30})?")
_ACCOUNT_AGE: Final = FieldSpec(name="created_at", type=FieldType.TIMESTAMP, role=Role.CONTEXT)


class ItemError(ValueError):
    """An item that its content type does not allow: which field, what is wrong with it, how to mend it."""

    def __init__(self, field: str, message: str, remedy: str) -> None:
        self.field = field
        self.message = message
        self.remedy = remedy
        super().__init__(f"{field}: {message}; {remedy}")


@dataclass(frozen=True, slots=True)
class _Schema:
    """A content type, prepared for reading items."""

    content_type: ContentType
    fields: dict[str, tuple[FieldSpec, Callable[[Any, FieldSpec, str], Value]]]
    required: tuple[str, ...]
    attributes: dict[str, tuple[FieldSpec, Callable[[Any, FieldSpec, str], Value]]]
    required_attributes: tuple[str, ...]
    actor_field: str | None
    created_at_field: str | None
    language_field: str | None
    actor_required: bool


_schemas: dict[int, _Schema] = {}  # by identity of the content type: hashing one costs more than reading an item


def validate_item(content_type: ContentType, raw: Mapping[str, Any]) -> Item:
    """The item that decoded JSON describes: ``{"id": …, "actor": {"id": …, "attributes": {…}}, "fields": {…}}``.

    ``language`` and ``created_at`` may stand beside them. Raises ItemError.
    """
    schema = _schemas.get(id(content_type))
    if schema is None or schema.content_type is not content_type:
        schema = _prepare(content_type)
    if not isinstance(raw, Mapping):
        raise ItemError("item", "must be an object", 'send {"id": "…", "fields": {…}}')
    for key in raw:
        if key not in _KEYS:
            raise _unknown(str(key), _KEYS, "an item")
    raw_fields = raw.get("fields")
    if not isinstance(raw_fields, Mapping):
        raise ItemError("fields", "must be an object", 'send {"fields": {…}}')
    fields = _values(raw_fields, schema.fields, schema.required, "fields", content_type.name)
    actor, attributes = _actor(raw.get("actor"), schema, fields)
    language = _language(raw["language"], "language") if raw.get("language") is not None else None
    created_at = _timestamp(raw["created_at"], "created_at") if raw.get("created_at") is not None else None
    if language is None and schema.language_field is not None:
        language = fields.get(schema.language_field)  # type: ignore[assignment]
    if created_at is None and schema.created_at_field is not None:
        created_at = fields.get(schema.created_at_field)  # type: ignore[assignment]
    return Item(
        content_type=content_type.name,
        id=_code(raw.get("id"), "id"),
        fields=fields,
        actor=actor,
        actor_attributes=attributes,
        language=language,
        created_at=created_at,
    )


def _prepare(content_type: ContentType) -> _Schema:
    def named(role: Role) -> str | None:
        spec = content_type.field_with_role(role)
        return spec.name if spec else None

    declared = content_type.actor.attributes if content_type.actor else ()
    attributes = {"created_at": _ACCOUNT_AGE} | {spec.name: spec for spec in declared}
    schema = _Schema(
        content_type=content_type,
        fields={spec.name: (spec, _READERS[spec.type]) for spec in content_type.fields},
        required=tuple(spec.name for spec in content_type.fields if spec.required),
        attributes={name: (spec, _READERS[spec.type]) for name, spec in attributes.items()},
        required_attributes=tuple(spec.name for spec in declared if spec.required),
        actor_field=named(Role.ACTOR),
        created_at_field=named(Role.CREATED_AT),
        language_field=named(Role.LANGUAGE),
        actor_required=content_type.actor is not None and content_type.actor.required,
    )
    if len(_schemas) >= 1_000:
        _schemas.clear()
    _schemas[id(content_type)] = schema
    return schema


def _values(
    raw: Mapping[str, Any],
    readers: Mapping[str, tuple[FieldSpec, Callable[[Any, FieldSpec, str], Value]]],
    required: tuple[str, ...],
    where: str,
    owner: str,
) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, value in raw.items():
        found = readers.get(name) if isinstance(name, str) else None
        if found is None:
            raise _unknown(f"{where}.{name}", readers, owner)
        if value is not None:
            values[name] = found[1](value, found[0], f"{where}.{name}")
    for name in required:
        if name not in values:
            raise ItemError(f"{where}.{name}", "is required", f"send a value of type {readers[name][0].type}")
    return values


def _actor(raw: Any, schema: _Schema, fields: dict[str, Value]) -> tuple[str | None, dict[str, Value]]:
    if raw is None:
        actor = fields.get(schema.actor_field) if schema.actor_field is not None else None
        if actor is None and schema.actor_required:
            raise ItemError("actor", "is required", 'send the acting account as {"actor": {"id": "…"}}')
        if actor is not None and schema.required_attributes:
            name = schema.required_attributes[0]
            raise ItemError(f"actor.attributes.{name}", "is required", "send it in actor.attributes")
        return (actor if isinstance(actor, str) else None), {}
    if not isinstance(raw, Mapping):
        raise ItemError("actor", "must be an object", 'send {"actor": {"id": "…"}}')
    for key in raw:
        if key not in ("id", "attributes"):
            raise _unknown(f"actor.{key}", ("id", "attributes"), "an actor")
    attributes = raw.get("attributes")
    if attributes is None:
        attributes = {}
    if not isinstance(attributes, Mapping):
        raise ItemError("actor.attributes", "must be an object", 'send {"attributes": {…}}')
    values = _values(
        attributes, schema.attributes, schema.required_attributes, "actor.attributes", schema.content_type.name
    )
    return _code(raw.get("id"), "actor.id"), values


def _unknown(place: str, known: Mapping[str, Any] | tuple[str, ...], owner: str) -> ItemError:
    name = place.rsplit(".", 1)[-1]
    near = nearest(name, known)
    allowed = ", ".join(known)
    remedy = f"did you mean {near[0]}?" if near else f"use one of {allowed}"
    return ItemError(place[:200], f"is not known to {owner}", remedy)


def _well_formed(value: str, place: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ItemError(place, "is not well-formed Unicode (a lone surrogate)", "send valid UTF-8") from None
    return value


def _text(value: Any, spec: FieldSpec, place: str) -> str:
    if not isinstance(value, str):
        raise ItemError(place, f"must be a text, not {_kind(value)}", "send a JSON string")
    limit = spec.max_length or MAX_TEXT
    if len(value) > limit:
        raise ItemError(place, f"has {len(value):,} characters", f"send at most {limit:,}")
    return _well_formed(value, place)


def _short(value: Any, place: str, limit: int, noun: str) -> str:
    if not isinstance(value, str):
        raise ItemError(place, f"must be {noun} as a text, not {_kind(value)}", "send a JSON string")
    if not 1 <= len(value) <= limit:
        raise ItemError(place, f"has {len(value):,} characters", f"send from 1 to {limit}")
    return _well_formed(value, place)


def _code(value: Any, place: str) -> str:
    if value is None:
        raise ItemError(place, "is required", "send the platform's own id as a JSON string")
    return _short(value, place, MAX_ID, "an id")


def _integer(value: Any, _: FieldSpec, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ItemError(place, f"must be a whole number, not {_kind(value)}", "send a JSON number without fraction")
    if abs(value) > _MAX_INTEGER:
        raise ItemError(place, "is too large", "send a number that fits into 64 bits")
    return value


def _number(value: Any, _: FieldSpec, place: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ItemError(place, f"must be a number, not {_kind(value)}", "send a JSON number")
    if abs(value) > _MAX_INTEGER if isinstance(value, int) else not isfinite(value):
        raise ItemError(place, "is no finite number that fits into 64 bits", "send a smaller one")
    return float(value)


def _boolean(value: Any, _: FieldSpec, place: str) -> bool:
    if not isinstance(value, bool):
        raise ItemError(place, f"must be true or false, not {_kind(value)}", "send a JSON boolean")
    return value


def _timestamp(value: Any, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 253_402_300_800_000:
        return value
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.replace("z", "Z").replace("t", "T"))
        except ValueError:
            pass
        else:
            since = moment - datetime(1970, 1, 1, tzinfo=UTC)
            return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
    raise ItemError(place, "is no timestamp", "send RFC 3339 such as 2026-11-22T20:15:00Z, or milliseconds since 1970")


def _language(value: Any, place: str) -> str | None:
    if isinstance(value, str):
        if value == "und":  # BCP 47 for "undetermined"
            return None
        match = _LANGUAGE.fullmatch(value)
        if match:
            return match[1].lower()
    raise ItemError(place, "is no language code", "send ISO 639-1 such as en or pt-BR, or leave it out")


def _image(value: Any, _: FieldSpec, place: str) -> Image:
    from base64 import b64decode  # only items with images need it

    remedy = 'send {"base64": "…"} with the encoded file'
    encoded = value.get("base64") if isinstance(value, Mapping) and len(value) == 1 else None
    if not isinstance(encoded, str):
        raise ItemError(place, "must be an image", remedy)
    if len(encoded) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise ItemError(place, "is too large", f"send at most {MAX_IMAGE_BYTES // 1024 // 1024} MiB")
    try:
        data = b64decode(encoded, validate=True)
    except ValueError:
        raise ItemError(place, "is not valid base64", remedy) from None
    if not data:
        raise ItemError(place, "is empty", remedy)
    return Image(data)


def _listed(read: Callable[[Any, str], str]) -> Callable[[Any, FieldSpec, str], Value]:
    def entries(value: Any, spec: FieldSpec, place: str) -> Value:
        if not isinstance(value, list | tuple):
            raise ItemError(place, f"must be a list, not {_kind(value)}", "send a JSON array of strings")
        limit = spec.max_length or MAX_ENTRIES
        if len(value) > limit:
            raise ItemError(place, f"has {len(value):,} entries", f"send at most {limit:,}")
        return tuple(read(entry, f"{place}.{index}") for index, entry in enumerate(value))

    return entries


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    for types, noun in ((bool, "a boolean"), (int | float, "a number"), (str, "a text"), (list | tuple, "a list")):
        if isinstance(value, types):
            return noun
    return "an object"


_UNLIMITED: Final = FieldSpec(name="", type=FieldType.TEXT, role=Role.CONTEXT)

_READERS: Final[dict[FieldType, Callable[[Any, FieldSpec, str], Value]]] = {
    FieldType.TEXT: _text,
    FieldType.TEXTS: _listed(lambda value, place: _text(value, _UNLIMITED, place)),
    FieldType.LINK: lambda value, spec, place: _short(value, place, spec.max_length or MAX_LINK, "a link"),
    FieldType.LINKS: _listed(lambda value, place: _short(value, place, MAX_LINK, "a link")),
    FieldType.IMAGE: _image,
    FieldType.ID: lambda value, spec, place: _short(value, place, spec.max_length or MAX_ID, "an id"),
    FieldType.IDS: _listed(lambda value, place: _short(value, place, MAX_ID, "an id")),
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.TIMESTAMP: lambda value, _, place: _timestamp(value, place),
    FieldType.LANGUAGE: lambda value, _, place: _language(value, place),
}

_MODALITIES: Final = {
    FieldType.TEXT: Modality.TEXT,
    FieldType.TEXTS: Modality.TEXT,
    FieldType.LINK: Modality.LINK,
    FieldType.LINKS: Modality.LINK,
    FieldType.IMAGE: Modality.IMAGE,
}


def parts_of(item: Item, content_type: ContentType) -> tuple[Part, ...]:
    """The item's own parts: fields with role body, title or media, in the order the content type declares them.

    An entry of a list is a part of its own, ``field.3``. Empty texts are no parts.
    """
    language = item.language or content_type.default_language
    parts: list[Part] = []
    for spec in content_type.fields:
        modality = _MODALITIES.get(spec.type)
        value = item.fields.get(spec.name)
        if modality is None or spec.role not in SCREENED_ROLES or value is None:
            continue
        if isinstance(value, Image):
            parts.append(Part(path=spec.name, modality=modality, field=spec.name, data=value.data))
        elif isinstance(value, tuple):
            parts += (
                Part(path=f"{spec.name}.{index}", modality=modality, field=spec.name, text=entry, language=language)
                for index, entry in enumerate(value)
                if entry
            )
        elif isinstance(value, str) and value:
            parts.append(Part(path=spec.name, modality=modality, field=spec.name, text=value, language=language))
    return tuple(parts)
