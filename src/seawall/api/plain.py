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
    refusal: type[Any] | None = None  # the body of errors in another service's shape; None: problem+json
    parameters: frozenset[str] = frozenset()  # of the query; the endpoint checks them


class PlainRoute(Route):
    """A route for one exact path and method. Add it to a component's router.

    ``operation`` None: it is not described, and takes any parameters.
    """

    def __init__(self, method: str, path: str, endpoint: Endpoint, operation: PlainOperation | None) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.method = method
        self.plain_endpoint = endpoint
        self.operation = operation

    @property
    def takes_parameters(self) -> bool:
        """Whether the request's query is the endpoint's to read."""
        return self.operation is None or bool(self.operation.parameters)


def describe_plain(document: dict[str, Any], routes: Sequence[PlainRoute]) -> None:
    """Add the plain routes to an OpenAPI document."""
    described = [(route, route.operation) for route in routes if route.operation is not None]
    types: list[Any] = []
    for _, operation in described:
        types += [operation.request, operation.response, operation.refusal or operation.response]
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in components.items():
        schemas.setdefault(name, schema)
    for number, (route, operation) in enumerate(described):
        request, response, refusal = references[3 * number : 3 * number + 3]
        path = document.setdefault("paths", {}).setdefault(route.path, {})
        path[route.method.lower()] = _operation(
            operation, request, response, None if operation.refusal is None else refusal
        )


def _operation(
    operation: PlainOperation, request: dict[str, Any], response: dict[str, Any], refusal: dict[str, Any] | None
) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(operation.status): {
            "description": operation.answers,
            "content": {"application/json": {"schema": response}},
        }
    }
    if refusal is not None:
        responses["default"] = {
            "description": "Error, in the shape of the other service",
            "content": {"application/json": {"schema": refusal}},
        }
    return {
        "summary": operation.summary,
        "operationId": operation.name,
        "tags": [operation.tag],
        "parameters": [
            *([_IDEMPOTENCY_KEY] if operation.idempotent else []),
            *(
                {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
                for name in sorted(operation.parameters)
            ),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": responses,
    }


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
