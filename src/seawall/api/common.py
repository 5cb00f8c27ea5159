"""Shared by the routes of all components: router, key check, types of parameters, errors.

Modules that declare routes do not postpone annotations: FastAPI must see the dependencies that ``router`` makes.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import ConfigDict
from starlette.responses import Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.errors import ApiProblem
from seawall.api.requests import authenticate, checked_route

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"  # PostgreSQL cannot store a zero byte

Code = Annotated[str, Path(pattern=PRINTABLE, max_length=200)]
Text = Annotated[str, Query(pattern=PRINTABLE, max_length=200)]
Limit = Annotated[int, Query(ge=1, le=200)]

KNOWN_ONLY = ConfigDict(extra="forbid")
"""A body's ``__pydantic_config__``: members that are not known are refused by name."""


def routes_under_v1(keys: Keys, *, tag: str | None = None) -> APIRouter:
    """An empty router for a component's routes; bodies are read only for callers with a key."""
    return APIRouter(prefix="/v1", route_class=checked_route(keys), tags=None if tag is None else [tag])


def key(keys: Keys, scope: Scope) -> Callable[[Request], KeyInfo]:
    """The dependency that a route asks for: the caller's key, which must have ``scope``."""

    def authenticated(request: Request) -> KeyInfo:
        return authenticate(request, keys, scope)

    return authenticated


def not_found(detail: str) -> ApiProblem:
    """Problem 404."""
    return ApiProblem(status=404, title="Not found", detail=detail)


def json_response(value: object) -> Response:
    """Typed rows as JSON, in the same form as the console's ``.json`` addresses."""
    return Response(msgspec.json.encode(value), media_type="application/json")
