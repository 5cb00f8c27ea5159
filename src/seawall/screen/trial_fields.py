"""Items that somebody writes in a form or on a command line: texts become the values of a content type's fields."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from seawall.batch.cells import as_field
from seawall.content.items import ItemError, validate_item, with_optional_actor
from seawall.model import ContentType, FieldRole, FieldSpec, FieldType, Item, now_ms
from seawall.model.durations import FORM, parse_duration

LISTS: Final = frozenset({FieldType.TEXTS, FieldType.LINKS, FieldType.IDS})
FILES: Final = frozenset({FieldType.IMAGE, FieldType.AUDIO, FieldType.VIDEO, FieldType.DOCUMENT})
_ID: Final = "tried"  # of the item and of its account: neither exists


def main_field(content_type: ContentType) -> FieldSpec | None:
    """The field that a text without a name is meant for: the body, else the title, else the first text."""
    texts = [spec for spec in content_type.fields if spec.type is FieldType.TEXT]
    for role in (FieldRole.BODY, FieldRole.TITLE):
        if (found := next((spec for spec in texts if spec.role is role), None)) is not None:
            return found
    return texts[0] if texts else None


def item_of_texts(
    content_type: ContentType,
    fields: Mapping[str, Sequence[str]],
    *,
    files: Mapping[str, bytes] | None = None,
    actor: Mapping[str, str] | None = None,
    language: str | None = None,
) -> Item:
    """The item of these texts and files, by field; of a list's field each text is one entry. Raises ItemError.

    ``actor``: the account's attributes; ``age`` is a duration such as ``2d``. Without them the account is unknown.
    """
    raw: dict[str, Any] = {
        "id": _ID,
        "fields": {name: _value(content_type.field(name), texts) for name, texts in fields.items()},
    }
    raw["fields"].update({name: {"base64": b64encode(data).decode()} for name, data in (files or {}).items()})
    now = now_ms()
    if actor:
        raw["actor"] = {"id": _ID, "attributes": _attributes(content_type, actor, now)}
        written_at = content_type.field_with_role(FieldRole.CREATED_AT)
        if "age" in actor and (written_at is None or written_at.name not in fields):
            raw["created_at"] = now  # an account's age is taken at the item's creation
    if language:
        raw["language"] = language
    return item_of_json(content_type, raw)


def item_of_json(content_type: ContentType, raw: Mapping[str, Any]) -> Item:
    """The item of decoded JSON, as for screening, but its id and its account may be left out. Raises ItemError."""
    return validate_item(with_optional_actor(content_type), {"id": _ID, **raw})


def _value(spec: FieldSpec | None, texts: Sequence[str]) -> Any:
    if spec is None:
        return texts[-1]  # the check of the item says that the field is not known
    if spec.type in LISTS:
        whole = as_field(texts[-1], spec, True) if len(texts) == 1 else None
        return whole if isinstance(whole, list) else list(texts)
    return as_field(texts[-1], spec, True)


def _attributes(content_type: ContentType, given: Mapping[str, str], now: int) -> dict[str, Any]:
    declared = content_type.actor.attributes if content_type.actor else ()
    specs = {spec.name: spec for spec in declared}
    found: dict[str, Any] = {}
    for name, text in given.items():
        if name == "age" and name not in specs:
            seconds = parse_duration(text)
            if seconds is None:
                raise ItemError("actor.age", f"is {text[:40]!r}, which is no duration", f"write it as {FORM}")
            found["created_at"] = now - int(1000 * seconds)
        else:
            found[name] = as_field(text, specs[name], True) if name in specs else text
    return found
