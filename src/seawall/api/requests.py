"""Request reading: size limits, JSON, keys. Errors name the problem and its place."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

import msgspec
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.errors import ApiProblem
from seawall.api.in_flight import HeldBytes, InFlight
from seawall.api.members import may_repeat, members_at, refuse_repeated, unknown_member

MAX_BODY = 256 * 1024  # bytes; for routes that declare no other limit
MAX_UNDECLARED_BODY = 16 * 1024 * 1024  # for bodies that do not declare their length
MAX_MEDIA_BODY = 64 * 1024 * 1024  # for bodies with base64 media: a video of 45 MiB and some text
LARGE = 1024 * 1024  # bytes of a body that is counted while it is worked on, and decoded in a thread
T = TypeVar("T")

_PATH = re.compile(r" - at `\$(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at |$)", re.DOTALL)


def identify(request: Request, keys: Keys) -> KeyInfo:
    """The caller's key, whatever its scopes. Call it in a thread. Raises Problem 401."""
    return _known(keys.authenticate(bearer_token(request)))


async def identify_async(request: Request, keys: Keys) -> KeyInfo:
    """The same on the event loop, which does not wait for the database."""
    return _known(await keys.authenticate_async(bearer_token(request)))


def authenticate(request: Request, keys: Keys, scope: Scope) -> KeyInfo:
    """The caller's key, which must have ``scope``. Call it in a thread. Raises Problem 401 or 403."""
    return _allowed(identify(request, keys), scope)


async def authenticate_async(request: Request, keys: Keys, scope: Scope) -> KeyInfo:
    """The same on the event loop, which does not wait for the database."""
    return _allowed(_known(await keys.authenticate_async(bearer_token(request))), scope)


def bearer_token(request: Request) -> str:
    """The bearer token; empty when there is none."""
    scheme, _, token = (header(request, b"authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _known(info: KeyInfo | None) -> KeyInfo:
    if info is None:
        raise ApiProblem(
            status=401,
            title="No valid API key",
            detail="The request has no known API key.",
            remedy="Send the header 'Authorization: Bearer sw_…' with a key from the console or 'seawall key create'.",
        )
    return info


def _allowed(info: KeyInfo, scope: Scope) -> KeyInfo:
    if not info.may(scope):
        raise ApiProblem(
            status=403,
            title="Insufficient scope",
            detail=f"The key {info.name!r} lacks the scope {scope.value!r}.",
            remedy=f"Create a key with the scope {scope.value!r}.",
        )
    return info


def header(request: Request, name: bytes) -> str | None:
    """A header by its name in lower case; None when it was not sent."""
    for key, value in request.scope["headers"]:
        if key == name:
            found: str = value.decode("latin-1")
            return found
    return None


async def read_body(request: Request, limit: int, held: HeldBytes) -> bytes:
    """The whole body. Raises Problem 413 as soon as it is seen to be larger than ``limit`` bytes.

    One that does not declare its length may have ``MAX_UNDECLARED_BODY``, whatever the limit. ``held`` counts what has
    come of large bodies, not what was declared: a client that declares much and sends nothing takes no room from
    others. Raises Problem 503 when too much is held already.
    """
    declared = declared_length(request)
    if declared is None:
        limit = min(limit, MAX_UNDECLARED_BODY)
    elif declared > limit:
        raise _too_large(limit)
    if declared is not None and declared > LARGE:
        held.refuse_if_full(declared)
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if size > LARGE:
            held.raise_to(size)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def declared_length(request: Request) -> int | None:
    """The declared length of the body in bytes; None when the request has none."""
    declared = header(request, b"content-length") or ""
    return int(declared) if declared.isdecimal() and len(declared) < 20 else None


def _too_large(limit: int) -> ApiProblem:
    return ApiProblem(
        status=413,
        title="The request is too large",
        detail=f"A request may have at most {limit} bytes.",
        remedy='Send fewer items at once, or smaller media; or send media as {"url": "https://…"}.',
    )


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The decoded body. Raises Problem 400 (not JSON) or 422 (not the expected shape, or a member named twice)."""
    try:
        found = decoder.decode(body)
        if may_repeat(body, found):
            refuse_repeated(body)
        return found
    except msgspec.ValidationError as error:
        raise _invalid(error, decoder.type) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiProblem(
            status=400, title="The body is not JSON", detail=str(error), remedy="Send UTF-8 JSON."
        ) from error
    except RecursionError as error:
        raise ApiProblem(
            status=400,
            title="The body is nested too deeply",
            detail="Objects and lists may be nested only a few levels deep.",
            remedy="Fields hold texts, numbers, lists of texts, and media.",
        ) from error


def _invalid(error: msgspec.ValidationError, kind: Any) -> ApiProblem:
    message = str(error)
    at = _PATH.search(message)
    pointer = _pointer(at.group(1)) if at else ""
    unknown = _UNKNOWN.match(message)
    if unknown is not None:
        known = members_at(msgspec.json.schema(kind), pointer.split("/")[1:])
        return unknown_member(unknown.group(1), pointer, known)
    return ApiProblem(
        status=422, title="Invalid request", detail=_PATH.sub("", message), pointer=pointer if at else None
    )


_ANY = msgspec.json.Decoder()


def checked_route(keys: Keys, in_flight: InFlight) -> type[APIRoute]:
    """Route class that reads bodies only for callers whose key has the route's scope.

    The scope is that of the dependency ``NeedsScope``; a route with a body must have one. A body may have ``MAX_BODY``
    bytes, or what the endpoint's ``body_limit`` says.
    """

    class CheckedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """FastAPI's handler behind the check. It raises Problem 400, 401, 403, 413 or 503."""
            handler = super().get_route_handler()
            if self.body_field is None:
                return handler
            needed = [one.call.scope for one in self.dependant.dependencies if isinstance(one.call, NeedsScope)]
            limit = getattr(self.endpoint, _LIMIT, MAX_BODY)
            if not needed:
                raise TypeError(f"the route {self.path} takes a body: give it a dependency NeedsScope")

            async def checked(request: Request) -> Response:
                for scope in needed:
                    await authenticate_async(request, keys, scope)
                with in_flight.hold() as held:
                    body = await read_body(request, limit, held)
                    decoded = None
                    if len(body) > LARGE:
                        decoded = await asyncio.to_thread(decode, _ANY, body)
                    elif body:
                        decoded = decode(_ANY, body)
                    return await handler(_DecodedRequest(request.scope, body, decoded))

            return checked

    return CheckedRoute


class _DecodedRequest(Request):
    """A request whose body was read and decoded: FastAPI asks for both, and neither is done again."""

    def __init__(self, scope: MutableMapping[str, Any], body: bytes, decoded: Any) -> None:
        super().__init__(scope)
        self._known_body = body
        self._decoded = decoded

    async def body(self) -> bytes:
        """The body."""
        return self._known_body

    async def json(self) -> Any:
        """The body, decoded."""
        return self._decoded


class NeedsScope:
    """A route's dependency: the caller's key, which must have ``scope``."""

    def __init__(self, keys: Keys, scope: Scope) -> None:
        self._keys = keys
        self.scope = scope

    def __call__(self, request: Request) -> KeyInfo:
        """Called in a thread: it may read the database. Raises Problem 401 or 403."""
        return authenticate(request, self._keys, self.scope)


_LIMIT = "seawall_body_limit"
Handler = TypeVar("Handler", bound=Callable[..., Any])


def body_limit(size: int) -> Callable[[Handler], Handler]:
    """Decorator of an endpoint whose bodies may have more than ``MAX_BODY`` bytes. Put it below the route's."""

    def limited(endpoint: Handler) -> Handler:
        setattr(endpoint, _LIMIT, size)
        return endpoint

    return limited


def _pointer(path: str) -> str:
    """msgspec's ``.actor.id`` and ``[3]`` as a JSON pointer; ``[...]``, a member that it does not name, as its map."""
    return re.sub(r"[.\[]", "/", path.partition("[...]")[0].replace("]", "")) or "/"
