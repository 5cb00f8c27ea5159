"""Puts the routes together and describes them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

import seawall
from seawall.access import Keys
from seawall.api import banks
from seawall.api.errors import ApiProblem, on_problem, problem_response, unavailable
from seawall.api.metrics import Collector
from seawall.api.resources import router
from seawall.api.screening import (
    Endpoint,
    ItemsRequest,
    ItemsResponse,
    ScreenRequest,
    ScreenResponse,
    items_endpoint,
    screen_endpoint,
)
from seawall.app import App
from seawall.publish import NothingPublished
from seawall.storage import StorageError

_log = structlog.get_logger(__name__)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build(app: App, keys: Keys | None = None) -> FastAPI:
    """The API as an ASGI application."""
    keys = keys or Keys(app.database)
    screen = screen_endpoint(app, keys)
    api = _Api(
        screen,
        title="Seawall",
        version=seawall.__version__,
        summary="Screen content, report it, read and explain decisions.",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
    )
    api.router.routes.append(Route("/v1/screen", screen, methods=["POST"]))
    api.router.routes.append(Route("/v1/items", items_endpoint(app, keys), methods=["POST"]))
    api.include_router(router(app, keys))
    api.include_router(banks.router(app, keys))
    api.router.routes.append(Route("/v1/{path:path}", _nowhere, methods=_METHODS))
    api.add_exception_handler(ApiProblem, on_problem)
    api.add_exception_handler(StorageError, _on_unavailable)
    api.add_exception_handler(NothingPublished, _on_unavailable)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(Exception, _on_bug)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(app))

    @api.get("/healthz", include_in_schema=False)
    def health() -> JSONResponse:
        """Ready when the store answers and policies are in force."""
        return JSONResponse({"status": "ok", "bundle": app.bundle.hash, "ledger": app.ledger.head()})

    @api.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        """Prometheus text format: counts only, no content."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    _describe(api)
    return api


class _Api(FastAPI):
    """The application, with a short way to the hot path: the framework's layers cost more than a screening's rules."""

    def __init__(self, screen: Endpoint, **options: Any) -> None:
        super().__init__(**options)
        self._screen = screen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/v1/screen" or scope["method"] != "POST":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._screen(request)
        except Exception as error:  # what the layers would do
            response = await _on_bug(request, error)
        await response(scope, receive, send)


async def _nowhere(request: Request) -> Response:
    """What no route takes: another method of a path that there is, or no path at all."""
    if allowed := _methods(request):
        refusal = problem_response(
            ApiProblem(
                status=405,
                title="Method not allowed",
                detail=f"{request.url.path[:200]} does not take {request.method}.",
                remedy=f"It takes {allowed}.",
            )
        )
        refusal.headers["Allow"] = allowed
        return refusal
    return problem_response(
        ApiProblem(
            status=404,
            title="Not found",
            detail=f"There is no {request.method} {request.url.path[:200]}.",
            remedy="GET /v1/openapi.json lists what there is.",
        )
    )


def _methods(request: Request) -> str:
    """The methods that the request's path takes, as the header ``Allow`` lists them."""
    taken = {
        method
        for method in _METHODS
        for route in request.app.router.routes
        if getattr(route, "endpoint", None) is not _nowhere
        and route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    return ", ".join(sorted(taken))


async def _on_unavailable(request: Request, error: Exception) -> Response:
    return problem_response(unavailable(str(error)))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    return problem_response(
        ApiProblem(
            status=422,
            title="The request has the wrong shape",
            detail=f"{first['msg']} ({place[0]})",
            pointer="/" + "/".join(place[1:]),
        )
    )


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refusal = problem_response(
        ApiProblem(status=error.status_code, title=HTTPStatus(error.status_code).phrase, detail=str(error.detail))
    )
    refusal.headers.update(error.headers or {})
    return refusal


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.exception("request failed", path=request.url.path, exc_info=error)
    return problem_response(
        ApiProblem(status=500, title="A fault in Seawall", detail="The request failed; the fault was logged.")
    )


def _describe(api: FastAPI) -> None:
    """Add the plain routes to the OpenAPI document, from the very types that decode and encode them."""
    generated = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            document = generated()
            types = (ScreenRequest, ScreenResponse, ItemsRequest, ItemsResponse)
            references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for name, schema in components.items():
                schemas.setdefault(name, schema)
            screen_request, screen_response, items_request, items_response = references
            document["paths"]["/v1/screen"] = {
                "post": _operation("Screen one item", "screen", screen_request, "200", screen_response, True)
            }
            document["paths"]["/v1/items"] = {
                "post": _operation("Submit items for a worker", "submit", items_request, "202", items_response, False)
            }
            _secure(document)
            api.openapi_schema = document
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]


def _operation(
    summary: str, name: str, request: dict[str, Any], status: str, response: dict[str, Any], idempotent: bool
) -> dict[str, Any]:
    parameters = [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ]
    return {
        "summary": summary,
        "operationId": name,
        "tags": ["screening"],
        "parameters": parameters if idempotent else [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {status: {"description": "Durable", "content": {"application/json": {"schema": response}}}},
    }


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "pointer": {"type": "string"},
        "remedy": {"type": "string"},
    },
}


def _secure(document: dict[str, Any]) -> None:
    """Every operation wants a key, and refuses as problem+json."""
    components = document["components"]
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    components["schemas"]["Problem"] = _PROBLEM
    document["security"] = [{"key": []}]
    refusal = {
        "description": "Refused: what, where, and the remedy",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path in document["paths"].values():
        for operation in path.values():
            for status in ("400", "401", "403", "404", "409", "410", "413", "422", "503"):
                operation["responses"][status] = refusal
