"""Names in requests: a member or parameter that is not known, or is given twice, is refused by its name.

A misspelt name that is ignored switches a rule off without a word: ``{"attribute": {"created_at": …}}`` makes every
account one of unknown age.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request

from seawall.api.errors import ApiProblem
from seawall.yamlfile.source import nearest

_encode = msgspec.json.Encoder().encode
_LONGEST = 200  # characters of a name that an error repeats


def unknown_member(name: str, pointer: str, known: Collection[str]) -> ApiProblem:
    """Problem 422 for a member that the object at ``pointer`` (a JSON pointer) does not have."""
    shown = _shown(name)
    return ApiProblem(
        status=422,
        title="Unknown member",
        detail=f"There is no member {shown!r} here.",
        pointer=f"{pointer}/{shown.replace('~', '~0').replace('/', '~1')}",
        remedy=_remedy(name, known),
    )


def members_at(schema: Mapping[str, Any], path: Sequence[str]) -> list[str]:
    """Names of the members that a JSON schema allows at a path of members and indexes."""
    definitions = schema.get("$defs", {})
    here = [schema]
    for step in path:
        inside: list[Mapping[str, Any]] = []
        for one in _alternatives(here, definitions):
            found = one.get("properties", {}).get(step) or one.get("items") or one.get("additionalProperties")
            inside += [found] if isinstance(found, Mapping) else []
        here = inside
    return sorted({name for one in _alternatives(here, definitions) for name in one.get("properties", {})})


def _alternatives(schemas: Iterable[Mapping[str, Any]], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas with references followed and ``anyOf`` spread out."""
    found: list[Mapping[str, Any]] = []
    for schema in schemas:
        if "$ref" in schema:
            found += _alternatives([definitions[schema["$ref"].rpartition("/")[2]]], definitions)
        elif "anyOf" in schema:
            found += _alternatives(schema["anyOf"], definitions)
        else:
            found.append(schema)
    return found


def may_repeat(body: bytes, decoded: object) -> bool:
    """Whether an object of ``body`` may name a member twice; False is certain, and cheap to find.

    Decoders keep the last of two members, so what was decoded has fewer colons than the body. ``decoded`` must encode
    to no member that the body lacks: defaults are left out. An escaped colon could hide the difference.
    """
    return body.count(b":") != _encode(decoded).count(b":") or (b"\\" in body and b"\\u003" in body)


def refuse_repeated(body: bytes) -> None:
    """Raises Problem 422 when an object of the body, which is valid JSON, names a member twice."""
    json.loads(body, object_pairs_hook=_once, parse_int=_nothing, parse_float=_nothing)


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            _refuse_second(name)
        seen.add(name)


def _refuse_second(name: str) -> NoReturn:
    raise ApiProblem(
        status=422,
        title="A member is named twice",
        detail=f"An object of the body has the member {_shown(name)!r} twice.",
        remedy="Send each member once: of two values, one would be ignored.",
    )


def _nothing(_: str) -> None:
    """Numbers are not read: one of thousands of digits costs time."""


def refuse_unknown_parameters(request: Request) -> None:
    """Raises Problem 422 for a query parameter that the request's route does not have, or that is given twice."""
    route = request.scope.get("route")
    if not request.scope["query_string"] or not isinstance(route, APIRoute):
        return
    known = _parameters(route.dependant)
    seen = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise unknown_parameter(name, known)
        if name in seen:
            raise ApiProblem(
                status=422,
                title="A parameter is given twice",
                detail=f"The query has the parameter {_shown(name)!r} twice.",
                remedy="Send it once.",
            )
        seen.add(name)


def _parameters(dependant: Dependant) -> list[str]:
    inner = [name for one in dependant.dependencies for name in _parameters(one)]
    return [field.alias for field in dependant.query_params] + inner


def unknown_parameter(name: str, known: Collection[str]) -> ApiProblem:
    """Problem 422 for a query parameter that a route does not have."""
    return ApiProblem(
        status=422,
        title="Unknown parameter",
        detail=f"This address has no query parameter {_shown(name)!r}.",
        remedy=_remedy(name, known) if known else "It takes none: send the values in the body.",
    )


def _remedy(name: str, known: Collection[str]) -> str:
    near = nearest(name[:_LONGEST], known, 1)
    return f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(sorted(known)) or 'none'}."


def _shown(name: str) -> str:
    return name.encode(errors="replace").decode()[:_LONGEST]
