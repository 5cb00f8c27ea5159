"""``POST /v1/try``: what detectors and rules say of an item, under the bundle in force and under a draft.

It needs the scope ``read``: it tells the rules, their thresholds and what came close, as explanations of decisions do,
which a key that may only screen must not learn. Nothing is recorded, so nothing needs to be written for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seawall.access import Keys, Scope
from seawall.api.errors import ApiProblem, problem_response, unavailable, unusable_draft
from seawall.api.in_flight import InFlight
from seawall.api.media import fetch_media
from seawall.api.plain import Endpoint, PlainOperation, PlainRoute
from seawall.api.requests import MAX_MEDIA_BODY, authenticate_async, decode, read_body
from seawall.api.screening import Actor, content_type_of, invalid_item
from seawall.app import App
from seawall.content.items import ItemError
from seawall.model import ContentType, Item
from seawall.policy import Bundle, PolicyErrors, PolicySource
from seawall.publish import NothingPublished, draft_of
from seawall.screen import ItemTrial, ItemTrials, TooManyTries, item_of_json
from seawall.storage import StorageError

_MOST_IN_FLIGHT: Final = 64 * 1024 * 1024  # bytes of large requests that are worked on at once

PolicyText = Annotated[str, msgspec.Meta(max_length=65_536)]


class TryRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An item to try. Media as for screening; without ``actor`` nothing is known of the account.

    ``policies``: a draft: texts of policy files, which replace the policies of their names, or are added.
    """

    content_type: str
    fields: dict[str, Any]
    actor: Actor | None = None
    language: str | None = None
    created_at: int | str | None = None
    policies: Annotated[tuple[PolicyText, ...], msgspec.Meta(max_length=20)] = ()


_TRY = msgspec.json.Decoder(TryRequest)
_encode = msgspec.json.Encoder().encode


def try_route(app: App, keys: Keys) -> PlainRoute:
    """The route, for the router of the screening service."""
    operation = PlainOperation(
        summary="Try an item without recording it",
        name="try",
        tag="screening",
        request=TryRequest,
        response=ItemTrial,
        answers="Tried",
    )
    return PlainRoute("POST", "/v1/try", _endpoint(app, keys), operation)


def _endpoint(app: App, keys: Keys) -> Endpoint:
    in_flight = InFlight(_MOST_IN_FLIGHT)

    async def answer(request: Request) -> Response:
        try:
            key = await authenticate_async(request, keys, Scope.READ)
            with in_flight.hold() as held:
                body = await read_body(request, MAX_MEDIA_BODY, held)
                asked = await asyncio.to_thread(decode, _TRY, body)
                bundle = app.bundle
                content_type = content_type_of(bundle, asked.content_type, "")
                (fields,) = await fetch_media([(content_type, asked.fields, "")], held)
                item = await asyncio.to_thread(_item, content_type, asked, fields)
                trial = await _tried(app, key.id, item, bundle, asked.policies)
        except ApiProblem as problem:
            return problem_response(problem)
        except (StorageError, NothingPublished) as error:
            return problem_response(unavailable(error))
        return Response(await asyncio.to_thread(_encode, trial), 200, None, "application/json")

    return answer


async def _tried(app: App, key: str, item: Item, bundle: Bundle, texts: tuple[str, ...]) -> ItemTrial:
    """Raises Problem 422 for a draft that cannot be used, and 429."""
    try:
        draft = partial(_draft, app, bundle, texts) if texts else None
        return await asyncio.wrap_future(app.context.get(ItemTrials).start(f"key:{key}", item, bundle, draft))
    except TooManyTries as error:
        raise ApiProblem(
            status=429,
            title="Too many tries",
            detail=str(error),
            remedy="To screen many items, use POST /v1/screen, or 'seawall screen FILE' for a file.",
            retry_after_s=error.wait_s,
        ) from error
    except PolicyErrors as error:
        raise unusable_draft(error) from error


def _draft(app: App, bundle: Bundle, texts: tuple[str, ...]) -> Bundle:
    files = [PolicySource(path=f"policies/{index}", text=text) for index, text in enumerate(texts)]
    return app.build(draft_of(bundle, files).sources)


def _item(content_type: ContentType, asked: TryRequest, fields: Mapping[str, Any]) -> Item:
    actor = asked.actor
    raw: dict[str, Any] = {"fields": fields, "language": asked.language, "created_at": asked.created_at}
    if actor is not None:
        raw["actor"] = {"id": actor.id, "attributes": actor.attributes}
    try:
        return item_of_json(content_type, raw)
    except ItemError as error:
        raise invalid_item(error, "") from error
