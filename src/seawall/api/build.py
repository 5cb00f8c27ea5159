"""The API application: routes of all components, error handlers, OpenAPI document."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hmac import compare_digest
from http import HTTPStatus
from time import perf_counter
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.types import Receive, Scope, Send

import seawall
from seawall.access import Keys
from seawall.api.answer_limit import AnswerLimit
from seawall.api.errors import ApiProblem, on_problem, problem_response, unavailable
from seawall.api.health import health
from seawall.api.members import members_at, refuse_unknown_parameters, unknown_member, unknown_parameter
from seawall.api.metrics import Collector
from seawall.api.plain import PlainRoute, describe_plain
from seawall.api.requests import bearer_token, identify
from seawall.api.settings import metrics_token
from seawall.api.shared_answer import SharedAnswer, in_own_thread
from seawall.app import App
from seawall.model.latencies import REQUEST_BOUNDS_S, Latencies
from seawall.publish import NothingPublished
from seawall.storage import StorageError
from seawall.storage.entry_points import EntryPointError, entry_points

_log = structlog.get_logger(__name__)
_COLLECT_AFTER = 10_000  # new objects: 700, as by default, cost 2 % of a screening
_CLIENT_CLOSED_REQUEST = 499  # nginx's
_UNKNOWN_MEMBER = ("unexpected_keyword_argument", "extra_forbidden")  # pydantic's types of error
_ALWAYS_ANSWER = ("/healthz", "/metrics")  # at once, whatever waits for the database
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def build(app: App, keys: Keys | None = None, *, kept_s: float = 0.0) -> FastAPI:
    """The API as an ASGI application: the routes of every component. Raises EntryPointError and SettingsError.

    ``kept_s``: how long an answer of ``/healthz`` and ``/metrics`` is given again.
    """
    keys = keys or Keys(app.database)
    routers = [module.router(app, keys) for _, module in entry_points(app.components, "api")]
    plain = [route for router in routers for route in router.routes if isinstance(route, PlainRoute)]
    api = _Api(
        plain,
        title="Seawall",
        version=seawall.__version__,
        summary="Screen content, report it, read and explain decisions.",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # those pages load scripts from another host
        redoc_url=None,
        lifespan=_lifespan,
    )
    _check_addresses(routers)
    for router in routers:
        _include(api, router, keys)
    api.add_exception_handler(ApiProblem, on_problem)
    api.add_exception_handler(StorageError, _on_unavailable)
    api.add_exception_handler(NothingPublished, _on_unavailable)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(ClientDisconnect, _on_disconnect)
    api.add_exception_handler(Exception, _on_bug)
    _add_watching(api, app, api.latencies, kept_s)
    for path in ("/v1{path:anything}", *_ALWAYS_ANSWER):  # before a console that is mounted at /
        api.router.routes.append(Route(path, _NoRoute()))
    _describe(api, plain)
    return api


def _add_watching(api: FastAPI, app: App, latencies: Mapping[str, Latencies], kept_s: float) -> None:
    """``/healthz`` and ``/metrics``: those who ask at once share an answer, so that a flood costs no more than one."""
    token = metrics_token(app.settings)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(app, latencies))

    states = SharedAnswer(partial(health, app), keep_s=kept_s)
    metrics_texts = SharedAnswer(in_own_thread(lambda: generate_latest(registry)), keep_s=kept_s)

    @api.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
    async def healthz() -> JSONResponse:
        """Status 200 when the database commits and policies are in force."""
        return JSONResponse(await states.get())

    @api.api_route("/metrics", methods=["GET", "HEAD"], include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """Prometheus text format: counts only, no content."""
        if token is not None and not compare_digest(bearer_token(request).encode(), token.encode()):
            raise ApiProblem(
                status=401,
                title="No valid token",
                detail="The metrics of this server need a token.",
                remedy="Send the header 'Authorization: Bearer …' with the value of SEAWALL_METRICS_TOKEN.",
            )
        return Response(await metrics_texts.get(), media_type="text/plain; version=0.0.4; charset=utf-8")


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Prepare the process so that no request is stopped for 100 ms: by the first comparison with the routes, which
    builds them; by the first use of a thread, which loads anyio's backend; by a full collection of what was loaded.
    """
    for route in api.router.routes:
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": [], "app": api})
    await run_in_threadpool(gc.collect)
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    yield


def _include(api: FastAPI, router: APIRouter, keys: Keys) -> None:
    """Add a component's routes; each needs a known key, whatever scope it asks for, and parameters it knows."""

    def known_key(request: Request) -> None:  # in a thread: it may read the database
        identify(request, keys)

    api.router.routes += [route for route in router.routes if isinstance(route, PlainRoute)]
    router.routes = [route for route in router.routes if not isinstance(route, PlainRoute)]
    api.include_router(router, dependencies=[Depends(known_key), Depends(refuse_unknown_parameters)])


def _check_addresses(routers: Sequence[APIRouter]) -> None:
    """Raises EntryPointError when two routes have one method and path: the second would never be reached."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    counts = Counter((method, route.path) for route in routes for method in route.methods or ())
    for (method, path), times in counts.items():
        if times > 1:
            raise EntryPointError(f"two components have a route {method} {path}: change one")


class _Api(FastAPI):
    """The FastAPI application; requests for plain routes bypass the framework's layers."""

    def __init__(self, plain: Sequence[PlainRoute], **options: Any) -> None:
        super().__init__(**options)
        self._limited = AnswerLimit(super().__call__)
        self.latencies = {route.path: Latencies(REQUEST_BOUNDS_S) for route in plain}
        self._plain = {
            (route.method, route.path): (
                route.plain_endpoint,
                self.latencies[route.path].observe,
                route.takes_parameters,
            )
            for route in plain
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = self._plain.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if plain is None:
            answer = super().__call__ if scope.get("path") in _ALWAYS_ANSWER else self._limited
            await answer(scope, receive, send)
            return
        endpoint, observe, takes_parameters = plain
        began = perf_counter()
        request = Request(scope, receive)
        try:
            is_known = takes_parameters or not scope["query_string"]
            response = await endpoint(request) if is_known else _no_parameters(request)
        except ClientDisconnect as error:
            response = await _on_disconnect(request, error)
        except Exception as error:  # what the layers would do
            response = await _on_bug(request, error)
        observe(perf_counter() - began)
        await response(scope, receive, send)


def _no_parameters(request: Request) -> Response:
    """Most plain routes have no query parameters: ``?deadline_ms=50`` would be ignored."""
    name = next(iter(request.query_params), "")
    return problem_response(unknown_parameter(name, ()))


class _NoRoute:
    """What answers when no route does, to every method: a class, because a function would be for GET only."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _no_route(Request(scope, receive))(scope, receive, send)


def _no_route(request: Request) -> Response:
    """404 and 405 responses."""
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
            remedy="GET /v1/openapi.json lists all routes.",
        )
    )


def _methods(request: Request) -> str:
    """Value of the header ``Allow``: the methods that the request's path takes."""
    taken = {
        method
        for method in _METHODS
        for route in request.app.router.routes
        if not isinstance(route, Mount)  # takes every path: the console
        and not isinstance(getattr(route, "endpoint", None), _NoRoute)
        and route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    return ", ".join(sorted(taken))


async def _on_unavailable(request: Request, error: Exception) -> Response:
    return problem_response(unavailable(error))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    # A misspelt name is also missed where it belongs: that it is unknown says more.
    first = next((one for one in errors if one["type"] in _UNKNOWN_MEMBER), errors[0])
    place = [str(part) for part in first["loc"]]
    if first["type"] in _UNKNOWN_MEMBER:
        *inside, name = place[1:]
        return problem_response(unknown_member(name, "".join(f"/{step}" for step in inside), _members(request, inside)))
    return problem_response(
        ApiProblem(
            status=422,
            title="Invalid request",
            detail=f"{first['msg']} ({place[0]})",
            pointer="/" + "/".join(place[1:]),
        )
    )


def _members(request: Request, inside: Sequence[str]) -> list[str]:
    """Names of the members that the request's body may have at a path."""
    route = request.scope.get("route")
    kind: Any = route.body_field.field_info.annotation if isinstance(route, APIRoute) and route.body_field else None
    return [] if kind is None else members_at(TypeAdapter(kind).json_schema(), inside)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refusal = problem_response(
        ApiProblem(status=error.status_code, title=HTTPStatus(error.status_code).phrase, detail=str(error.detail))
    )
    refusal.headers.update(error.headers or {})
    return refusal


async def _on_disconnect(request: Request, error: Exception) -> Response:
    """The client is gone, which is no fault: nobody reads this."""
    return Response(status_code=_CLIENT_CLOSED_REQUEST)


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.exception("request failed", path=request.url.path, exc_info=error)
    return problem_response(
        ApiProblem(status=500, title="Internal error", detail="The request failed; the error was logged.")
    )


def _describe(api: FastAPI, plain: Sequence[PlainRoute]) -> None:
    """Add to the OpenAPI document what FastAPI does not know: plain routes, keys, errors."""
    generated = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            document = generated()
            describe_plain(document, plain)
            _secure(document)
            api.openapi_schema = document
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]


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
    """Declare that every operation needs a key and answers errors as problem+json."""
    components = document["components"]
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    components["schemas"]["Problem"] = _PROBLEM
    document["security"] = [{"key": []}]
    refusal = {
        "description": "Error: what is wrong, where, and the remedy",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path in document["paths"].values():
        for operation in path.values():
            if "default" in operation["responses"]:
                continue  # it answers errors in another service's shape
            for status in ("400", "401", "403", "404", "409", "410", "413", "422", "503"):
                operation["responses"][status] = refusal
