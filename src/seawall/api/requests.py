"""Reading requests: size, JSON, keys; every refusal says what and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.errors import ApiProblem

MAX_BODY = 16 * 1024 * 1024  # bytes
MAX_MEDIA_BODY = 64 * 1024 * 1024  # where media travel as base64 in the body: a video of 45 MiB and some words
T = TypeVar("T")

_PATH = re.compile(r" - at `\$(.*)`$")


def identify(request: Request, keys: Keys) -> KeyInfo:
    """The caller's key, whatever it opens. Raises Problem 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    info = keys.authenticate(token.strip()) if scheme.lower() == "bearer" else None
    if info is None:
        raise ApiProblem(
            status=401,
            title="No valid API key",
            detail="The request carries no API key that is known here.",
            remedy="Send the header 'Authorization: Bearer sw_…' with a key from the console or 'seawall key create'.",
        )
    return info


def authenticate(request: Request, keys: Keys, scope: Scope) -> KeyInfo:
    """The caller's key, which must have ``scope``. Raises Problem 401 or 403."""
    info = identify(request, keys)
    if not info.may(scope):
        raise ApiProblem(
            status=403,
            title="Insufficient scope",
            detail=f"The key {info.name!r} lacks the scope {scope.value!r}.",
            remedy=f"Create a key with the scope {scope.value!r}.",
        )
    return info


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises Problem 413 as soon as it is seen to be larger than ``limit`` bytes.

    One that does not declare its length may have ``MAX_BODY``, whatever the limit.
    """
    declared = declared_length(request)
    if declared is None:
        limit = min(limit, MAX_BODY)
    elif declared > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def declared_length(request: Request) -> int | None:
    """What the request says of its length in bytes, if anything."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else None


def _too_large(limit: int) -> ApiProblem:
    return ApiProblem(
        status=413,
        title="The request is too large",
        detail=f"A request may have {limit} bytes.",
        remedy='Send fewer items at once, or smaller media; or say where they are with {"url": "https://…"}.',
    )


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as ``decoder`` wants it. Raises Problem 400 (not JSON) or 422 (not the shape asked for)."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message = str(error)
        found = _PATH.search(message)
        pointer = _pointer(found.group(1)) if found else None
        raise ApiProblem(status=422, title="Invalid request", detail=_PATH.sub("", message), pointer=pointer) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiProblem(
            status=400, title="The body is not JSON", detail=str(error), remedy="Send UTF-8 JSON."
        ) from error
    except RecursionError as error:
        raise ApiProblem(
            status=400,
            title="The body is nested too deeply",
            detail="Objects and lists may be nested a few levels only.",
            remedy="Fields hold texts, numbers, lists of texts, and media; nothing deeper.",
        ) from error


_ANY = msgspec.json.Decoder()


def checked_route(keys: Keys) -> type[APIRoute]:
    """Routes whose bodies are read only for callers with a key, and held to the limits of the plain routes' bodies."""

    class CheckedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """FastAPI's handler behind the check. It raises Problem 400, 401 or 413."""
            handler = super().get_route_handler()
            if self.body_field is None:
                return handler

            async def checked(request: Request) -> Response:
                identify(request, keys)
                body = await read_body(request)
                if body:
                    decode(_ANY, body)

                async def again() -> dict[str, Any]:
                    return {"type": "http.request", "body": body, "more_body": False}

                return await handler(Request(request.scope, again))

            return checked

    return CheckedRoute


def _pointer(path: str) -> str:
    """msgspec's ``.actor.id`` and ``[3]`` as a JSON pointer."""
    return re.sub(r"[.\[]", "/", path.replace("]", "")) or "/"
