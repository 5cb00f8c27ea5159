"""Shared by the routes of all components: router, key check, types of parameters, errors.

Modules that declare routes do not postpone annotations: FastAPI must see the dependencies that ``router`` makes.
"""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from seawall.access import Keys, Scope
from seawall.api.errors import ApiProblem
from seawall.api.in_flight import InFlight
from seawall.api.requests import NeedsScope, checked_route

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"  # PostgreSQL cannot store a zero byte

Code = Annotated[str, Path(pattern=PRINTABLE, max_length=200)]
Text = Annotated[str, Query(pattern=PRINTABLE, max_length=200)]
Limit = Annotated[int, Query(ge=1, le=200)]

KNOWN_ONLY = ConfigDict(extra="forbid")
"""A body's ``__pydantic_config__``: members that are not known are refused by name."""


class Anything(Convertor[str]):
    """The rest of a path, whatever it holds: an id may have slashes and line feeds, at which ``path`` ends."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """The text itself."""
        return value

    def to_string(self, value: str) -> str:
        """The text itself."""
        return value


register_url_convertor("anything", Anything())

MOST_IN_FLIGHT = 128 * 1024 * 1024  # bytes of large requests that are worked on at once


def routes_under_v1(keys: Keys, in_flight: InFlight | None = None, *, tag: str | None = None) -> APIRouter:
    """An empty router for a component's routes; bodies are read only for callers whose key has the route's scope."""
    route_class = checked_route(keys, in_flight or InFlight(MOST_IN_FLIGHT))
    return APIRouter(prefix="/v1", route_class=route_class, tags=None if tag is None else [tag])


def key(keys: Keys, scope: Scope) -> NeedsScope:
    """The dependency that a route asks for: the caller's key, which must have ``scope``."""
    return NeedsScope(keys, scope)


def not_found(detail: str) -> ApiProblem:
    """Problem 404."""
    return ApiProblem(status=404, title="Not found", detail=detail)


def json_response(value: object, *, status: int = 200) -> Response:
    """Typed rows as JSON, in the same form as the console's ``.json`` addresses."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
