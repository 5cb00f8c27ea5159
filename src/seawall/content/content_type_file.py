"""Parser for content-type files: turns YAML nodes into a ContentType and collects the problems found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from seawall.model import (
    ACTIONS,
    ActorSpec,
    AppealTerms,
    ContentType,
    FailMode,
    FieldRole,
    FieldSpec,
    FieldType,
    RetentionTerms,
    ScreeningStage,
    UnanswerableMode,
    Untranscribed,
)
from seawall.yamlfile.nodes import Mapping, Node, Scalar
from seawall.yamlfile.reader import Reader
from seawall.yamlfile.source import SourceSpan, nearest

SURFACES = ("public", "unlisted", "group", "private")
AUDIENCES = ("general", "adults", "children")
STAGES = ("pre_publish", "post_publish")

_KEYS = (
    "content_type",
    "title",
    "description",
    "owner",
    "surface",
    "audience",
    "fields",
    "actor",
    "jurisdiction",
    "creator",
    "stages",
    "actions",
    "appeal",
    "retention",
    "languages",
    "default_language",
)
_REQUIRED = ("content_type", "title", "owner", "surface", "audience", "fields", "stages", "actions", "retention")
_FIELD_KEYS = ("type", "role", "required", "max_length", "description", "extract", "untranscribed")
_ATTRIBUTE_KEYS = ("type", "required", "max_length", "description", "fresh_for", "as_of")
_ATTRIBUTE_TYPES = ("text", "id", "integer", "number", "boolean", "timestamp", "language")
_STAGE_KEYS = ("budget", "on_unknown", "on_unanswerable", "rescreen_within", "detectors")
_ROLE_TYPES = {
    FieldRole.ACTOR: {FieldType.ID},
    FieldRole.THREAD: {FieldType.ID},
    FieldRole.PARENT: {FieldType.ID},
    FieldRole.BODY: {FieldType.TEXT, FieldType.TEXTS},
    FieldRole.TITLE: {FieldType.TEXT},
    FieldRole.MEDIA: {
        FieldType.IMAGE,
        FieldType.AUDIO,
        FieldType.VIDEO,
        FieldType.DOCUMENT,
        FieldType.LINK,
        FieldType.LINKS,
        FieldType.TEXT,
        FieldType.TEXTS,
    },
    FieldRole.CREATED_AT: {FieldType.TIMESTAMP},
    FieldRole.LANGUAGE: {FieldType.LANGUAGE},
}
_PLACE_TYPES = frozenset({FieldType.TEXT, FieldType.TEXTS, FieldType.ID, FieldType.IDS})
_SINGLE_ROLES = frozenset({FieldRole.ACTOR, FieldRole.CREATED_AT, FieldRole.LANGUAGE})
_LANGUAGE = re.compile(r"[a-z]{2}")
_DAY = 86400.0
_Value = TypeVar("_Value")


def read_content_type(reader: Reader, root: Mapping) -> ContentType | None:
    """The file's content type, or None after adding the problems to the reader."""
    reader.keys(root, "a content type", _KEYS, _REQUIRED)

    def read(key: str, how: Callable[[Node, str], _Value | None]) -> _Value | None:
        return how(root.values[key], key) if key in root.values else None

    name = read("content_type", lambda node, _: reader.name(node, "a content type's name", "_"))
    title = read("title", reader.text)
    owner = read("owner", reader.text)
    surface = read("surface", lambda node, what: reader.choice(node, what, SURFACES))
    audience = read("audience", lambda node, what: reader.choice(node, what, AUDIENCES))
    fields = read("fields", lambda node, _: _fields(reader, node))
    actor = read("actor", lambda node, _: _actor(reader, node))
    jurisdiction = read("jurisdiction", lambda node, _: _jurisdiction(reader, node, fields or (), actor)) or ()
    creator = read("creator", lambda node, _: _creator(reader, node, fields or (), actor))
    stages = read("stages", lambda node, _: _stages(reader, node))
    actions = read("actions", lambda node, _: _actions(reader, node))
    appeal = read("appeal", lambda node, _: _appeal(reader, node))
    retention = read("retention", lambda node, _: _retention(reader, node))
    languages = read("languages", lambda node, _: _languages(reader, node)) or ()
    default = read("default_language", lambda node, _: _default_language(reader, node, languages))
    description = read("description", reader.text)
    if reader.problems or not (name and title and owner and surface and audience and retention):
        return None
    return ContentType(
        name=name,
        title=title,
        owner=owner,
        fields=fields or (),
        surface=surface,
        audience=audience,
        stages=stages or (),
        actions=actions or (),
        retention=retention,
        appeal=appeal,
        languages=languages,
        default_language=default,
        description=description or "",
        actor=actor,
        jurisdiction=jurisdiction,
        creator=creator,
    )


def _fields(reader: Reader, node: Node) -> tuple[FieldSpec, ...]:
    specs = []
    single: dict[FieldRole, str] = {}
    mapping = reader.mapping(node, "fields")
    for key, value in mapping.values.items() if mapping else ():
        assert mapping is not None
        if reader.name(mapping.keys[key], "a field's name", "_") is None:
            continue
        declared = reader.mapping(value, f"field {key}")
        if declared is None:
            continue
        reader.keys(declared, f"field {key}", _FIELD_KEYS, ("type",))
        if "role" not in declared.values:
            roles = ", ".join(FieldRole)
            reader.refuse(
                mapping.keys[key].span,
                f"field {key} has no role, so its use is undefined",
                expected=f"one of {roles}",
                remedy="add 'role: body' if detectors should read it, 'role: context' if only rules and reviewers do",
            )
            continue
        spec = _field(reader, key, declared)
        if spec is None:
            continue
        if spec.role in _SINGLE_ROLES and spec.role in single:
            reader.refuse(
                declared.values["role"].span, f"role {spec.role} is already taken by field {single[spec.role]}"
            )
        single.setdefault(spec.role, key)
        specs.append(spec)
    return tuple(specs)


def _field(reader: Reader, name: str, declared: Mapping) -> FieldSpec | None:
    type_name = (
        reader.choice(declared.values["type"], "field type", tuple(FieldType)) if "type" in declared.values else None
    )
    role_name = reader.choice(declared.values["role"], "role", tuple(FieldRole))
    if type_name is None or role_name is None:
        return None
    field_type, role = FieldType(type_name), FieldRole(role_name)
    fitting = _ROLE_TYPES.get(role)
    if fitting is not None and field_type not in fitting:
        expected = " or ".join(sorted(fitting))
        reader.refuse(
            declared.values["type"].span, f"a field with role {role} cannot be {field_type}", expected=expected
        )
    return _spec(reader, name, declared, field_type, role)


def _spec(reader: Reader, name: str, declared: Mapping, field_type: FieldType, role: FieldRole) -> FieldSpec:
    values = declared.values
    required = reader.boolean(values["required"], "required") if "required" in values else False
    length = reader.integer(values["max_length"], "max_length") if "max_length" in values else None
    description = reader.text(values["description"], "description") if "description" in values else ""
    extract = None
    if "extract" in values:
        extract = tuple(name for name, _ in reader.names(values["extract"], "extract"))
    untranscribed = None
    if "untranscribed" in values:
        untranscribed = reader.choice(values["untranscribed"], "untranscribed", tuple(Untranscribed))
    return FieldSpec(
        name=name,
        type=field_type,
        role=role,
        required=bool(required),
        max_length=length,
        description=description or "",
        extract=extract,
        untranscribed=None if untranscribed is None else Untranscribed(untranscribed),
    )


def _actor(reader: Reader, node: Node) -> ActorSpec | None:
    mapping = reader.mapping(node, "actor")
    if mapping is None:
        return None
    reader.keys(mapping, "actor", ("required", "attributes"))
    values = mapping.values
    required = reader.boolean(values["required"], "required") if "required" in values else True
    attributes = _attributes(reader, values["attributes"]) if "attributes" in values else ()
    return ActorSpec(required=bool(required), attributes=attributes)


def _attributes(reader: Reader, node: Node) -> tuple[FieldSpec, ...]:
    """Attributes of the acting account: ``verified: boolean``, or a mapping with ``type`` and ``required``."""
    specs = []
    mapping = reader.mapping(node, "attributes")
    for key, value in mapping.values.items() if mapping else ():
        assert mapping is not None
        name = reader.name(mapping.keys[key], "an attribute's name", "_")
        declared = (
            value if isinstance(value, Mapping) else Mapping({"type": value}, {"type": mapping.keys[key]}, value.span)
        )
        reader.keys(declared, f"attribute {key}", _ATTRIBUTE_KEYS, ("type",))
        if name is None or "type" not in declared.values:
            continue
        type_name = reader.choice(declared.values["type"], "attribute type", _ATTRIBUTE_TYPES)
        if type_name is None:
            continue
        if key == "created_at" and type_name != "timestamp":
            span = declared.values["type"].span
            reader.refuse(span, "created_at is the account's creation time", expected="timestamp")
        spec = _spec(reader, key, declared, FieldType(type_name), FieldRole.CONTEXT)
        specs.append(_with_freshness(reader, spec, declared, mapping))
    return tuple(specs)


def _with_freshness(reader: Reader, spec: FieldSpec, declared: Mapping, attributes: Mapping) -> FieldSpec:
    """``followers: {type: integer, fresh_for: 1d, as_of: followers_at}``: how old the value may be, and which attribute
    says how old it is."""
    limit, as_of = declared.values.get("fresh_for"), declared.values.get("as_of")
    if limit is None and as_of is None:
        return spec
    if limit is None or as_of is None:
        missing = "as_of: measured_at" if as_of is None else "fresh_for: 1d"
        message = f"attribute {spec.name} needs both 'fresh_for' and 'as_of'"
        reader.refuse(reader.head(declared), message, remedy=f"add '{missing}'")
        return spec
    seconds = reader.duration(limit, "fresh_for")
    times = [name for name, value in attributes.values.items() if _is_time(value) and name != spec.name]
    name = reader.choice(as_of, "attribute of type timestamp", times)
    if seconds is None or name is None:
        return spec
    if seconds < 1:
        reader.refuse(limit.span, "fresh_for is less than a second", expected="a duration such as 1d")
    return replace(spec, fresh_for_s=int(seconds), as_of=name)


def _is_time(value: Node) -> bool:
    kind = value.values.get("type") if isinstance(value, Mapping) else value
    return isinstance(kind, Scalar) and kind.text == FieldType.TIMESTAMP


def _jurisdiction(
    reader: Reader, node: Node, fields: tuple[FieldSpec, ...], actor: ActorSpec | None
) -> tuple[str, ...]:
    """The fields that say whose law holds: ``actor.country``, or a list of such."""
    found = [(node.text, node.span)] if isinstance(node, Scalar) else reader.names(node, "jurisdiction")
    fitting = [name for name, spec in _by_reference(fields, actor).items() if spec.type in _PLACE_TYPES]
    for name, span in found:
        if name not in fitting:
            message = f"'{name}' is no field that can name a country"
            expected = "one of " + ", ".join(fitting) if fitting else "a field or attribute of type text or id"
            remedy = "declare it, such as 'actor: {attributes: {country: text}}'; it holds ISO 3166 codes (DE, US-IL)"
            reader.refuse(span, message, expected=expected, near=nearest(name, fitting), remedy=remedy)
    return tuple(name for name, _ in found)


def _creator(reader: Reader, node: Node, fields: tuple[FieldSpec, ...], actor: ActorSpec | None) -> str | None:
    """The field that says in whose place an item stands: ``item.page_owner``, with the platform's id of an account."""
    fitting = [
        name
        for name, spec in _by_reference(fields, actor).items()
        if spec.type is FieldType.ID and spec.role is not FieldRole.ACTOR
    ]
    name = node.text if isinstance(node, Scalar) else ""
    if name in fitting:
        return name
    reader.refuse(
        node.span,
        f"'{name}' is no field that can name the owner of a place" if name else "creator must name one field",
        expected="one of " + ", ".join(fitting) if fitting else "a field or attribute of type id",
        near=nearest(name, fitting),
        remedy="declare it, such as 'page_owner: {type: id, role: context}'; it holds the id of an account",
    )
    return None


def _by_reference(fields: tuple[FieldSpec, ...], actor: ActorSpec | None) -> dict[str, FieldSpec]:
    """Fields and attributes by the names that rules have for them: ``item.body``, ``actor.country``."""
    declared = {f"item.{spec.name}": spec for spec in fields}
    return declared | {f"actor.{spec.name}": spec for spec in (actor.attributes if actor is not None else ())}


def _stages(reader: Reader, node: Node) -> tuple[ScreeningStage, ...]:
    stages = []
    mapping = reader.mapping(node, "stages")
    for key, value in mapping.values.items() if mapping else ():
        assert mapping is not None
        name = reader.choice(mapping.keys[key], "stage", STAGES)
        declared = reader.mapping(value, f"stage {key}")
        if name is None or declared is None:
            continue
        stage = _stage(reader, name, mapping.keys[key].span, declared)
        if stage is not None:
            stages.append(stage)
    # A later stage meets the same file and the same language: what the first one gave to a person stays there.
    declared_first = next((stage.unanswerable for stage in stages if stage.name == "pre_publish"), None)
    return tuple(stage if stage.unanswerable else replace(stage, unanswerable=declared_first) for stage in stages)


def _stage(reader: Reader, name: str, span: SourceSpan, declared: Mapping) -> ScreeningStage | None:
    reader.keys(declared, f"stage {name}", _STAGE_KEYS, ("budget",))
    values = declared.values
    if "on_unknown" not in values:
        reader.refuse(
            span,
            f"stage {name} has no fail mode for detectors that do not answer",
            expected="on_unknown: " + ", ".join(FailMode),
            remedy="add 'on_unknown: hold', or 'on_unknown: allow_and_rescreen' with 'rescreen_within: 30s'",
        )
        return None
    budget = reader.duration(values["budget"], "budget") if "budget" in values else None
    mode = reader.choice(values["on_unknown"], "fail mode", tuple(FailMode))
    unanswerable = None
    if "on_unanswerable" in values:
        unanswerable = reader.choice(values["on_unanswerable"], "mode", tuple(UnanswerableMode))
    pending_rescreen = (
        reader.duration(values["rescreen_within"], "rescreen_within") if "rescreen_within" in values else None
    )
    detectors = None
    if "detectors" in values:
        detectors = tuple(name for name, _ in reader.names(values["detectors"], "detectors"))
    if budget is None or mode is None:
        return None
    if not 0.001 <= budget <= 3600:
        reader.refuse(values["budget"].span, "a stage's budget must be between 1ms and 1h")
    return ScreeningStage(
        name=name,
        budget_ms=max(1, round(budget * 1000)),
        fail_mode=FailMode(mode),
        unanswerable=None if unanswerable is None else UnanswerableMode(unanswerable),
        rescreen_within_s=None if pending_rescreen is None else max(1, round(pending_rescreen)),
        detectors=detectors,
    )


def _actions(reader: Reader, node: Node) -> tuple[str, ...]:
    found = reader.names(node, "actions")
    for name, span in found:
        if name not in ACTIONS:
            expected = "one of " + ", ".join(ACTIONS)
            reader.refuse(span, f"unknown action '{name}'", expected=expected, near=nearest(name, ACTIONS))
    return tuple(name for name, _ in found)


def _appeal(reader: Reader, node: Node) -> AppealTerms | None:
    mapping = reader.mapping(node, "appeal")
    if mapping is None:
        return None
    reader.keys(mapping, "appeal", ("window", "route"), ("window", "route"))
    window = reader.duration(mapping.values["window"], "window") if "window" in mapping.values else None
    route = reader.text(mapping.values["route"], "route") if "route" in mapping.values else None
    if window is None or route is None:
        return None
    return AppealTerms(window_days=int(window // _DAY), route=route)


def _retention(reader: Reader, node: Node) -> RetentionTerms | None:
    mapping = reader.mapping(node, "retention")
    if mapping is None:
        return None
    reader.keys(mapping, "retention", ("content", "decisions"), ("content", "decisions"))
    days = []
    for key in ("content", "decisions"):
        seconds = reader.duration(mapping.values[key], key) if key in mapping.values else None
        if seconds is None:
            continue
        if seconds < _DAY:
            reader.refuse(mapping.values[key].span, f"retention of {key} is shorter than a day", expected="1d or more")
        days.append(int(seconds // _DAY))
    return RetentionTerms(content_days=days[0], decision_days=days[1]) if len(days) == 2 else None


def _languages(reader: Reader, node: Node) -> tuple[str, ...]:
    found = reader.names(node, "languages")
    for name, span in found:
        if not _LANGUAGE.fullmatch(name):
            reader.refuse(
                span, f"'{name}' is not a language code", expected="two lower-case letters (ISO 639-1), such as en"
            )
    return tuple(name for name, _ in found)


def _default_language(reader: Reader, node: Node, languages: tuple[str, ...]) -> str | None:
    name = reader.text(node, "default_language")
    if name is not None and not _LANGUAGE.fullmatch(name):
        reader.refuse(
            node.span, f"'{name}' is not a language code", expected="two lower-case letters (ISO 639-1), such as en"
        )
    elif name is not None and languages and name not in languages:
        reader.refuse(node.span, f"default_language '{name}' is not among the languages", expected=", ".join(languages))
    return name
