"""``POST /v1/screen`` (plain route: the hot path) and ``POST /v1/items`` (batches, screened by a worker)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seawall.access import Keys, Scope
from seawall.api.errors import ApiProblem, problem_response, unavailable
from seawall.api.in_flight import InFlight
from seawall.api.media import fetch_media
from seawall.api.plain import Endpoint, PlainOperation, PlainRoute
from seawall.api.requests import LARGE, MAX_MEDIA_BODY, authenticate_async, decode, header, read_body
from seawall.app import App
from seawall.content.items import ItemError, build_item
from seawall.model import ContentType, Item
from seawall.policy import Bundle
from seawall.publish import NothingPublished
from seawall.screen import Idempotency, IdempotencyConflict, ScreenResponse
from seawall.storage import Erased, StorageError

MAX_ITEMS = 1_000
MAX_DEADLINE_MS = 60_000
_MAX_KEY = 255
_MOST_IN_FLIGHT = 128 * 1024 * 1024  # bytes of large requests that are worked on at once


class Actor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The account that acts: its id on the platform, and the attributes that rules may read."""

    id: str
    attributes: dict[str, Any] = {}


class ScreenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One item to screen. ``deadline_ms``: time for the answer, which is degraded if detectors need longer.

    A media field holds ``{"base64": "…"}``, or ``{"url": "https://…"}``, which is fetched before the time starts.
    """

    content_type: str
    id: str
    fields: dict[str, Any]
    actor: Actor | None = None
    language: str | None = None
    created_at: int | str | None = None
    deadline_ms: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEADLINE_MS)] | None = None


class ItemsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Up to 1,000 items; all are accepted or none. Together they may have four media URLs."""

    items: Annotated[tuple[ScreenRequest, ...], msgspec.Meta(min_length=1, max_length=MAX_ITEMS)]


class ItemsResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Seawall's surrogates of the items, in order."""

    items: list[str]


_SCREEN = msgspec.json.Decoder(ScreenRequest)
_ITEMS = msgspec.json.Decoder(ItemsRequest)
_encode = msgspec.json.Encoder().encode


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
    in_flight = InFlight(_MOST_IN_FLIGHT)
    return [
        PlainRoute("POST", "/v1/screen", screen_endpoint(app, keys, in_flight), screen),
        PlainRoute("POST", "/v1/items", items_endpoint(app, keys, in_flight), submit),
    ]


def screen_endpoint(app: App, keys: Keys, in_flight: InFlight) -> Endpoint:
    """``POST /v1/screen``: decode, screen, answer. The decision is durable before the answer is sent."""
    screener, bundles = app.screener, app.bundles  # once: a request must not search the services

    async def screen(request: Request) -> Response:
        try:
            key = await authenticate_async(request, keys, Scope.SCREEN)
            with in_flight.hold() as held:
                body = await read_body(request, MAX_MEDIA_BODY, held)
                if len(body) > LARGE:  # slow, so not on the event loop
                    asked = await asyncio.to_thread(decode, _SCREEN, body)
                else:
                    asked = decode(_SCREEN, body)
                bundle = bundles.current
                content_type = content_type_of(bundle, asked.content_type, "")
                fields: Mapping[str, Any] = asked.fields
                if dict in map(type, fields.values()):  # may contain URLs
                    (fields,) = await fetch_media([(content_type, fields, "")], held)
                if held.size:
                    item = await asyncio.to_thread(_item, content_type, asked, fields, "")
                    idempotency = await asyncio.to_thread(_idempotency, app, request, key.id, body)
                else:
                    item = _item(content_type, asked, fields, "")
                    idempotency = _idempotency(app, request, key.id, body)
                response = await screener.screen_async(
                    item, bundle=bundle, deadline_ms=asked.deadline_ms, idempotency=idempotency
                )
        except ApiProblem as problem:
            return problem_response(problem)
        except (IdempotencyConflict, StorageError, NothingPublished, Erased) as error:
            return problem_response(_refusal(error))
        return Response(_encode(response), 200, None, "application/json")

    return screen


def items_endpoint(app: App, keys: Keys, in_flight: InFlight) -> Endpoint:
    """``POST /v1/items``: store items and queue them for a worker."""

    screener, bundles = app.screener, app.bundles

    async def items(request: Request) -> Response:
        try:
            await authenticate_async(request, keys, Scope.SCREEN)
            with in_flight.hold() as held:
                body = await read_body(request, MAX_MEDIA_BODY, held)
                asked = (await asyncio.to_thread(decode, _ITEMS, body)).items
                bundle = bundles.current
                types = [
                    content_type_of(bundle, one.content_type, f"/items/{index}") for index, one in enumerate(asked)
                ]
                fields = await fetch_media(
                    [(types[index], one.fields, f"/items/{index}") for index, one in enumerate(asked)], held
                )
                taken = await asyncio.to_thread(_items, types, asked, fields)
                refs = await screener.submit(taken)
        except ApiProblem as problem:
            return problem_response(problem)
        except (StorageError, NothingPublished, Erased) as error:
            return problem_response(_refusal(error))
        return Response(_encode(ItemsResponse(items=refs)), 202, None, "application/json")

    return items


def content_type_of(bundle: Bundle, name: str, pointer: str) -> ContentType:
    """The content type of that name; ``pointer``: to the item. Raises Problem 422."""
    content_type = bundle.content_types.get(name)
    if content_type is None:
        raise ApiProblem(
            status=422,
            title="Unknown content type",
            detail=f"There is no content type {name[:80]!r}.",
            pointer=f"{pointer}/content_type",
            remedy=f"Content types in force: {', '.join(sorted(bundle.content_types))}.",
        )
    return content_type


def _items(
    types: Sequence[ContentType], asked: Sequence[ScreenRequest], fields: Sequence[Mapping[str, Any]]
) -> list[Item]:
    return [_item(types[index], one, fields[index], f"/items/{index}") for index, one in enumerate(asked)]


def _item(content_type: ContentType, asked: ScreenRequest, fields: Mapping[str, Any], pointer: str) -> Item:
    actor = asked.actor
    try:
        return build_item(
            content_type,
            asked.id,
            fields,
            None if actor is None else (actor.id, actor.attributes),
            asked.language,
            asked.created_at,
        )
    except ItemError as error:
        raise invalid_item(error, pointer) from error


def invalid_item(error: ItemError, pointer: str) -> ApiProblem:
    """Problem 422: the item at ``pointer`` does not fit its content type."""
    return ApiProblem(
        status=422,
        title="The item does not fit its content type",
        detail=f"{error.field}: {error.message}",
        pointer=f"{pointer}/{error.field.replace('~', '~0').replace('/', '~1').replace('.', '/')}",
        remedy=error.remedy,
    )


def _idempotency(app: App, request: Request, key_id: str, body: bytes) -> Idempotency | None:
    key = header(request, b"idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= _MAX_KEY:
        raise ApiProblem(
            status=422,
            title="Invalid idempotency key",
            detail=f"Idempotency-Key must have 1 to {_MAX_KEY} characters.",
        )
    digest = hashlib.sha256(key.encode("latin-1")).hexdigest()
    return Idempotency(f"{key_id}:{digest}", app.vault.digest(body))


def _refusal(error: Exception) -> ApiProblem:
    if isinstance(error, IdempotencyConflict):
        return ApiProblem(status=409, title="Idempotency key already used", detail=str(error))
    if isinstance(error, Erased):
        return ApiProblem(
            status=409,
            title="Erased",
            detail="The account or item was erased while it was being screened.",
            remedy="Send the request again if the account still exists.",
        )
    return unavailable(error)
