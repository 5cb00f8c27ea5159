"""What released data look like: a description of the event types, the bundle and the migrations, and its comparison.

A description is plain JSON. Types are ``"str"``, ``"int"``, …, ``{"list": item}``, ``{"map": [key, value]}``,
``{"tuple": [items]}``, ``{"enum": [values]}``, ``{"union": [types]}`` and ``{"fields": {name: {"type", "default"}}}``;
a field without ``default`` is required. Names of classes do not occur: they are not in the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import inspect

from seawall.app import COMPONENTS
from seawall.policy.bundle import FORMAT, BundleDocument
from seawall.storage import MigrationSource
from seawall.storage.component import migration_sources
from seawall.storage.migrate import migrations

Description = dict[str, Any]


def event_types() -> dict[str, tuple[int, type]]:
    """Kind → the version that is written now, and its type."""
    return {spec.kind: (spec.version, spec.body) for component in COMPONENTS for spec in component.events}


def describe(release: str) -> Description:
    """All that data of a release consist of, as this code has it."""
    return {
        "release": release,
        "migrations": describe_migrations(migration_sources(COMPONENTS)),
        "events": {kind: describe_versioned(version, body) for kind, (version, body) in sorted(event_types().items())},
        "bundle": describe_versioned(FORMAT, BundleDocument),
    }


def describe_migrations(sources: Iterable[MigrationSource]) -> Description:
    """Component → name of each migration → SHA-256 of its file, with line feeds alone at line ends."""
    return {
        source.component: {
            one.name: sha256(one.file.read_bytes().replace(b"\r\n", b"\n")).hexdigest() for one in migrations(source)
        }
        for source in sources
    }


def describe_versioned(version: int, body: type) -> Description:
    """The version that is written, and the fields."""
    return {"version": version, **_describe(inspect.type_info(body), ())}


def _describe(found: inspect.Type, around: tuple[type, ...]) -> Any:
    match found:
        case inspect.UnionType():
            return {"union": sorted((_describe(one, around) for one in found.types), key=json.dumps)}
        case inspect.EnumType():
            return {"enum": sorted(str(member.value) for member in found.cls)}
        case inspect.LiteralType():
            return {"enum": sorted(str(value) for value in found.values)}
        case inspect.TupleType():
            return {"tuple": [_describe(one, around) for one in found.item_types]}
        case inspect.VarTupleType() | inspect.ListType() | inspect.SetType() | inspect.FrozenSetType():
            return {"list": _describe(found.item_type, around)}
        case inspect.DictType():
            return {"map": [_describe(found.key_type, around), _describe(found.value_type, around)]}
        case inspect.DataclassType() | inspect.StructType():
            if found.cls in around:
                return {"recursive": around[::-1].index(found.cls)}
            fields = {field.encode_name: _describe_field(field, (*around, found.cls)) for field in found.fields}
            return {"fields": fields}
        case _:
            return type(found).__name__.removesuffix("Type").lower()


def _describe_field(field: inspect.Field, around: tuple[type, ...]) -> Description:
    described: Description = {"type": _describe(field.type, around)}
    if not field.required:
        made = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        described["default"] = msgspec.to_builtins(made)
    plain: Description = json.loads(json.dumps(described))  # tuples as lists: what a file gives back
    return plain


def differences(old: Description, new: Description) -> list[str]:
    """What data of the release ``old`` would lose under ``new``: one sentence each, with what to do instead."""
    release = old["release"]
    found = list(_migration_problems(old["migrations"], new["migrations"], release))
    for kind, event in old["events"].items():
        if kind not in new["events"]:
            found.append(f"the event kind '{kind}' of {release} is gone; ledgers hold it: keep its type")
            continue
        remedy = "keep it as it was, or raise the event's version and write an upcaster"
        found += _versioned_problems(event, new["events"][kind], f"event '{kind}'", remedy, release)
    remedy = "keep it as it was; stored bundles are read without being written again"
    found += _versioned_problems(old["bundle"], new["bundle"], "bundle", remedy, release)
    return found


def _migration_problems(old: Description, new: Description, release: str) -> Iterator[str]:
    newest = ".".join(f"{int(number):02}" for number in release.split("."))
    for component, released in old.items():
        present = new.get(component, {})
        for name, digest in released.items():
            if name not in present:
                yield f"the migration '{component} {name}' of {release} is gone; databases were made by it: restore it"
            elif present[name] != digest:
                yield (
                    f"the migration '{component} {name}' was changed after {release}; databases that have it will not "
                    "run it again: restore the file, and write another migration under the next release's number"
                )
    for component, present in new.items():
        for name in present:
            if name not in old.get(component, {}) and name.partition("_")[0] <= newest:
                yield f"the migration '{component} {name}' came after {release}: number it for the next release"


def _versioned_problems(old: Description, new: Description, place: str, remedy: str, release: str) -> Iterator[str]:
    if new["version"] < old["version"]:
        yield f"{place} has version {new['version']}, and {release} wrote version {old['version']}: never lower it"
    elif new["version"] == old["version"]:  # else an upcaster reads it; tests/upgrades opens a stored installation
        for problem in _field_problems(old["fields"], new["fields"], place):
            yield f"{problem} (since {release}): {remedy}"


def _field_problems(old: Description, new: Description, place: str) -> Iterator[str]:
    for name, field in old.items():
        where = f"{place}, field '{name}'"
        if name not in new:
            yield f"{where} is gone or has another name"
            continue
        yield from _type_problems(field["type"], new[name]["type"], where)
        if "default" in field and "default" not in new[name]:
            yield f"{where} has no default any more"
        elif "default" in field and field["default"] != new[name]["default"]:
            yield f"{where} has the default {_shown(new[name]['default'])}, and had {_shown(field['default'])}"
    for name, field in new.items():
        if name not in old and "default" not in field:
            yield f"{place}, field '{name}' is new and has no default, so older data cannot be read"


def _type_problems(old: Any, new: Any, place: str) -> Iterator[str]:
    """What ``old`` allowed and ``new`` does not. More values, more types and more fields with defaults are fine."""
    wider = _members(new)
    for member in _members(old):
        tries = [list(_member_problems(member, each, place)) for each in wider if _shape(each) == _shape(member)]
        if not tries:
            yield f"{place} was {_shown(old)} and is {_shown(new)}"
        elif all(tries):
            yield from tries[0]


def _member_problems(old: Any, new: Any, place: str) -> Iterator[str]:
    match _shape(old):
        case "enum":
            if lost := sorted(set(old["enum"]) - set(new["enum"])):
                yield f"{place} does not take {', '.join(lost)} any more"
        case "list":
            yield from _type_problems(old["list"], new["list"], place)
        case "map" | "tuple" as shape:
            if len(old[shape]) != len(new[shape]):
                yield f"{place} was {_shown(old)} and is {_shown(new)}"
            for one, other in zip(old[shape], new[shape], strict=False):
                yield from _type_problems(one, other, place)
        case "fields":
            yield from _field_problems(old["fields"], new["fields"], place)


def _members(described: Any) -> Sequence[Any]:
    members: Sequence[Any] = described["union"] if _shape(described) == "union" else [described]
    return members


def _shape(described: Any) -> str:
    """``"fields"``, ``"list"``, …; of a plain type its name."""
    return next(iter(described)) if isinstance(described, Mapping) else str(described)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "…"
