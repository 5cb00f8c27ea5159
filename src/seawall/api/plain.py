"""Routes that bypass FastAPI's layers, which cost more than a screening's rules; they answer errors themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainOperation:
    """OpenAPI description of a plain route, made from the types that decode its request and encode its response."""

    summary: str
    name: str
    tag: str
    request: type[Any]
    response: type[Any]
    status: int = 200
    idempotent: bool = False  # takes the header Idempotency-Key
    answers: str = "Durable"  # what a good answer means


class PlainRoute(Route):
    """A route for one exact path and method. Add it to a component's router."""

    def __init__(self, method: str, path: str, endpoint: Endpoint, operation: PlainOperation) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.method = method
        self.plain_endpoint = endpoint
        self.operation = operation


def describe_plain(document: dict[str, Any], routes: Sequence[PlainRoute]) -> None:
    """Add the plain routes to an OpenAPI document."""
    types = [kind for route in routes for kind in (route.operation.request, route.operation.response)]
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in components.items():
        schemas.setdefault(name, schema)
    for number, route in enumerate(routes):
        request, response = references[2 * number : 2 * number + 2]
        path = document.setdefault("paths", {}).setdefault(route.path, {})
        path[route.method.lower()] = _operation(route.operation, request, response)


def _operation(operation: PlainOperation, request: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": operation.summary,
        "operationId": operation.name,
        "tags": [operation.tag],
        "parameters": [_IDEMPOTENCY_KEY] if operation.idempotent else [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {
            str(operation.status): {
                "description": operation.answers,
                "content": {"application/json": {"schema": response}},
            }
        },
    }


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
