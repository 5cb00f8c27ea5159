"""``POST /v1/screen`` (plain route: the hot path) and ``POST /v1/items`` (batches, screened by a worker)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.errors import ApiProblem, problem_response, unavailable
from seawall.api.media import InFlight, fetch_media
from seawall.api.plain import Endpoint, PlainOperation, PlainRoute
from seawall.api.requests import MAX_MEDIA_BODY, authenticate, declared_length, decode, read_body
from seawall.app import App
from seawall.content import ItemError, validate_item
from seawall.model import Action, ContentType, Item, Reason, Unknown, Verdict
from seawall.publish import NothingPublished
from seawall.screen import Idempotency, IdempotencyConflict, ScreeningResult
from seawall.storage import Erased, StorageError

MAX_ITEMS = 1_000
MAX_DEADLINE_MS = 60_000
_MAX_KEY = 255
_LARGE = 1024 * 1024  # bytes of a request that is read and decoded beside the others, not among them
_MOST_IN_FLIGHT = 128 * 1024 * 1024  # bytes of large requests being worked on at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: the platform's account id, and what rules may read about the account."""

    id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenRequest:
    """One item to screen. ``deadline_ms``: the answer comes within it, if need be degraded.

    A media field holds ``{"base64": "…"}``, or ``{"url": "https://…"}``, which is fetched before the clock starts.
    """

    content_type: str
    id: str
    fields: dict[str, Any]
    actor: Actor | None = None
    language: str | None = None
    created_at: int | str | None = None
    deadline_ms: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEADLINE_MS)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenResponse:
    """What follows from the decision. ``item`` is Seawall's surrogate of the item."""

    decision: str
    item: str
    revision: int
    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]
    degraded: bool
    stage: str
    unknown: tuple[Unknown, ...]
    fail_mode: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsRequest:
    """Up to 1,000 items; all are taken or none."""

    items: Annotated[tuple[ScreenRequest, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsResponse:
    """Seawall's surrogates of the items, in order."""

    items: list[str]


_SCREEN = msgspec.json.Decoder(ScreenRequest)
_ITEMS = msgspec.json.Decoder(ItemsRequest)
_ENCODER = msgspec.json.Encoder()


def plain_routes(app: App, keys: Keys) -> list[PlainRoute]:
    """Both routes, for the router of the screening service."""
    screen = PlainOperation(
        summary="Screen one item",
        name="screen",
        tag="screening",
        request=ScreenRequest,
        response=ScreenResponse,
        idempotent=True,
    )
    submit = PlainOperation(
        summary="Submit items for a worker",
        name="submit",
        tag="screening",
        request=ItemsRequest,
        response=ItemsResponse,
        status=202,
    )
    return [
        PlainRoute("POST", "/v1/screen", screen_endpoint(app, keys), screen),
        PlainRoute("POST", "/v1/items", items_endpoint(app, keys), submit),
    ]


def screen_endpoint(app: App, keys: Keys) -> Endpoint:
    """The hot path: decode, screen, answer; durable in the ledger before the answer leaves."""
    screener = app.screener
    in_flight = InFlight(_MOST_IN_FLIGHT)

    async def screen(request: Request) -> Response:
        try:
            key = authenticate(request, keys, Scope.SCREEN)
            size = declared_length(request) or 0
            if size > _LARGE:
                with in_flight.hold(size):
                    answer = await _screen_large(app, request, key)
            else:
                body = await read_body(request)
                asked = decode(_SCREEN, body)
                item = await _item(app, asked, "")
                answer = await screener.screen_async(
                    item, deadline_ms=asked.deadline_ms, idempotency=_idempotency(app, request, key.id, body)
                )
        except ApiProblem as problem:
            return problem_response(problem)
        except (IdempotencyConflict, StorageError, NothingPublished, Erased) as error:
            return problem_response(_refusal(error))
        return Response(_ENCODER.encode(_response(answer)), 200, None, "application/json")

    return screen


def items_endpoint(app: App, keys: Keys) -> Endpoint:
    """Take many items for screening by a worker."""
    in_flight = InFlight(_MOST_IN_FLIGHT)

    async def items(request: Request) -> Response:
        try:
            authenticate(request, keys, Scope.SCREEN)
            with in_flight.hold(declared_length(request) or 0):
                asked = await asyncio.to_thread(decode, _ITEMS, await read_body(request, MAX_MEDIA_BODY))
                taken = [await _item(app, one, f"/items/{index}") for index, one in enumerate(asked.items)]
                refs = await app.screener.submit(taken)
        except ApiProblem as problem:
            return problem_response(problem)
        except (StorageError, NothingPublished, Erased) as error:
            return problem_response(_refusal(error))
        return Response(_ENCODER.encode(ItemsResponse(items=refs)), 202, None, "application/json")

    return items


async def _screen_large(app: App, request: Request, key: KeyInfo) -> ScreeningResult:
    """What takes long with a large body is done in a thread: the others' requests go on meanwhile."""
    body = await read_body(request, MAX_MEDIA_BODY)
    asked = await asyncio.to_thread(decode, _SCREEN, body)
    item = await _item(app, asked, "", large=True)
    idempotency = await asyncio.to_thread(_idempotency, app, request, key.id, body)
    return await app.screener.screen_async(item, deadline_ms=asked.deadline_ms, idempotency=idempotency)


async def _item(app: App, asked: ScreenRequest, pointer: str, *, large: bool = False) -> Item:
    content_types = app.bundle.content_types
    content_type = content_types.get(asked.content_type)
    if content_type is None:
        raise ApiProblem(
            status=422,
            title="Unknown content type",
            detail=f"There is no content type {asked.content_type[:80]!r}.",
            pointer=f"{pointer}/content_type",
            remedy=f"Content types in force: {', '.join(sorted(content_types))}.",
        )
    fields = await fetch_media(content_type, asked.fields, pointer)
    if large:
        return await asyncio.to_thread(_validated, content_type, asked, fields, pointer)
    return _validated(content_type, asked, fields, pointer)


def _validated(content_type: ContentType, asked: ScreenRequest, fields: Mapping[str, Any], pointer: str) -> Item:
    raw: dict[str, Any] = {"id": asked.id, "fields": fields, "language": asked.language}
    raw["created_at"] = asked.created_at
    if asked.actor is not None:
        raw["actor"] = {"id": asked.actor.id, "attributes": asked.actor.attributes}
    try:
        return validate_item(content_type, raw)
    except ItemError as error:
        raise ApiProblem(
            status=422,
            title="The item does not fit its content type",
            detail=f"{error.field}: {error.message}",
            pointer=f"{pointer}/{error.field.replace('~', '~0').replace('/', '~1').replace('.', '/')}",
            remedy=error.remedy,
        ) from error


def _idempotency(app: App, request: Request, key_id: str, body: bytes) -> Idempotency | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= _MAX_KEY:
        raise ApiProblem(
            status=422,
            title="The idempotency key is malformed",
            detail=f"Idempotency-Key has 1 to {_MAX_KEY} characters.",
        )
    digest = hashlib.sha256(key.encode("latin-1")).hexdigest()
    return Idempotency(f"{key_id}:{digest}", app.vault.digest(body))


def _response(answer: ScreeningResult) -> ScreenResponse:
    return ScreenResponse(
        decision=answer.decision,
        item=answer.item,
        revision=answer.revision,
        verdict=answer.verdict,
        actions=answer.actions,
        reasons=answer.reasons,
        degraded=answer.degraded,
        stage=answer.stage,
        unknown=answer.unknown,
        fail_mode=answer.fail_mode,
    )


def _refusal(error: Exception) -> ApiProblem:
    if isinstance(error, IdempotencyConflict):
        return ApiProblem(status=409, title="The idempotency key is taken", detail=str(error))
    if isinstance(error, Erased):
        return ApiProblem(
            status=409,
            title="Erased a moment ago",
            detail="The account or item was erased while it was being screened.",
            remedy="Send the request again if the account still exists.",
        )
    return unavailable(str(error))
