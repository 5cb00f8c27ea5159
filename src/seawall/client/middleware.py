"""ASGI middleware that screens posted JSON before the application sees it.

    app = SeawallMiddleware(
        app,
        seawall=AsyncSeawall(url, key),
        routes={"POST /comments": Route(content_type="comment", fields={"body": "text"}, actor=user_of)},
    )

Requests that cannot be screened are rejected: a body that is not JSON, is compressed, is too large, or repeats a key
(two parsers could read it differently). The application receives the unchanged body, and the answer in
``scope["seawall"]``, a ``Screened``.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from seawall.client.asynchronous import AsyncSeawall
from seawall.client.errors import CannotSend, InvalidRequest, Unreachable
from seawall.client.results import OnUnreachable, ScreenResult

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY: Final = 1024 * 1024
"""Maximum bytes of a body, unless the route sets another."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A request to a screened route: the ASGI scope, the named parts of its path, and the JSON."""

    scope: Scope
    path: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Screened:
    """The value of ``scope["seawall"]``: the item's id as sent to Seawall, and the answer."""

    id: str
    answer: ScreenResult


From: TypeAlias = str | Callable[[Posted], Any]
"""The source of a value: a key of the JSON body, a name in the route's path, or a function of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How requests to one route become items.

    ``fields``: the content type's field → the source of its value. ``id`` None: a generated one, available as
    ``scope["seawall"].id``. ``actor``: the author; take it from the session, not from the body. ``hold="pass"`` lets a
    held item through, for an application that stores it unpublished.
    """

    content_type: str
    fields: Mapping[str, From]
    id: From | None = None
    actor: From | None = None
    language: From | None = None
    hold: Literal["reject", "pass"] = "reject"
    deadline_ms: int | None = None
    on_unreachable: OnUnreachable | None = None
    max_body: int = MAX_BODY


class SeawallMiddleware:
    """ASGI wrapper. ``routes``: ``"METHOD /path/{name}"`` → Route; other requests pass unchanged."""

    def __init__(self, app: App, *, seawall: AsyncSeawall, routes: Mapping[str, Route]) -> None:
        self._app = app
        self._seawall = seawall
        self._routes = [(*_pattern(name), route) for name, route in routes.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        route, names = found
        try:
            raw = await _read(scope, receive, route.max_body)
            posted = Posted(scope, names, _parse(raw))
            screened = await self._screen(route, posted)
        except _Refusal as refusal:
            await _answer(send, refusal)
            return
        await self._app({**scope, "seawall": screened}, _again(raw, receive), send)

    def _find(self, scope: Scope) -> tuple[Route, Mapping[str, str]] | None:
        for method, pattern, route in self._routes:
            if scope["method"] == method and (match := pattern.fullmatch(scope["path"])):
                return route, match.groupdict()
        return None

    async def _screen(self, route: Route, posted: Posted) -> Screened:
        item_id = uuid.uuid4().hex if route.id is None else str(_value(route.id, posted))
        actor = _value(route.actor, posted)
        fields = {name: _value(source, posted) for name, source in route.fields.items()}
        try:
            answer = await self._seawall.screen(
                route.content_type,
                item_id,
                {name: value for name, value in fields.items() if value is not None},
                actor=None if actor is None else str(actor),
                language=_value(route.language, posted),
                deadline_ms=route.deadline_ms,
                on_unreachable=route.on_unreachable,
            )
        except InvalidRequest as error:
            raise _Refusal(422, "The content cannot be screened", error.detail) from error
        except CannotSend as error:
            raise _Refusal(422, "The content cannot be screened", "It is not valid text.") from error
        except Unreachable as error:
            raise _Refusal(503, "Screening is not available", "Nothing was published. Try again later.") from error
        if answer.blocked:
            raise _Refusal(422, "Blocked", "This goes against the rules of the platform.", answer)
        if answer.held and route.hold == "reject":
            raise _Refusal(422, "Held for review", "A moderator has to review this first.", answer)
        return Screened(item_id, answer)


class _Refusal(Exception):
    """The response sent to the client instead of calling the application."""

    def __init__(self, status: int, title: str, detail: str, answer: ScreenResult | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        if answer is not None:
            # The policy and not the rule: naming the rule would help to circumvent it.
            self.body["policies"] = list(dict.fromkeys(reason.policy for reason in answer.reasons))
            self.body["decision"] = answer.decision


def _pattern(name: str) -> tuple[str, re.Pattern[str]]:
    """``POST /a/{b}`` as a method and a pattern that also matches a trailing slash, so that it cannot be bypassed."""
    method, _, path = name.partition(" ")
    if not method.isupper() or not path.startswith("/"):
        raise ValueError(f"a route must have the form 'POST /path', not {name!r}")
    pieces = re.split(r"\{(\w+)\}", path.rstrip("/"))
    pattern = "".join(f"(?P<{piece}>[^/]+)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    return method, re.compile(pattern + "/?")


def _value(source: From | None, posted: Posted) -> Any:
    if source is None:
        return None
    if not isinstance(source, str):
        return source(posted)
    return posted.path[source] if source in posted.path else posted.body.get(source)


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises _Refusal 413, 415."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise _Refusal(415, "Not JSON", "This endpoint accepts JSON only (Content-Type: application/json).")
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise _Refusal(415, "Compressed", "This endpoint accepts uncompressed bodies only.")
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refusal(400, "Incomplete", "The connection was closed before the body was complete.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _Refusal(413, "Too large", f"The limit is {limit} bytes.")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _parse(raw: bytes) -> Mapping[str, Any]:
    """The JSON object. Raises _Refusal 400."""
    try:
        parsed = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _Refusal(400, "Malformed", "The body is not JSON in UTF-8, or repeats a key.") from error
    if not isinstance(parsed, dict):
        raise _Refusal(400, "Malformed", "The body is not a JSON object.")
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("duplicate key")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _again(raw: bytes, receive: Receive) -> Receive:
    """A ``receive`` that replays the body once, then forwards later messages (a disconnect)."""
    given = False

    async def replayed() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": raw, "more_body": False}

    return replayed


async def _answer(send: Send, refusal: _Refusal) -> None:
    body = json.dumps(refusal.body).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
