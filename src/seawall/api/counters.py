"""``POST /v1/activities``: what accounts do besides sending content, for the counters that rules read."""

import asyncio
import math
import re
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from seawall.access import Keys, Scope
from seawall.api.common import routes_under_v1
from seawall.api.errors import ApiProblem, problem_response, unavailable
from seawall.api.in_flight import InFlight
from seawall.api.plain import Endpoint, PlainOperation, PlainRoute
from seawall.api.requests import authenticate_async, decode, read_body
from seawall.app import App
from seawall.content.values import InvalidValue, read_timestamp
from seawall.counters.sent_activities import SentActivity, record_activities
from seawall.model import now_ms
from seawall.policy import NothingPublished
from seawall.policy.counter_calls import OWN_ACTIVITIES
from seawall.storage import Erased, StorageError

MAX_ACTIVITIES = 1_000
_MOST_IN_FLIGHT: Final = 16 * 1024 * 1024  # bytes of requests that are worked on at once
_MAX_BODY: Final = 4 * 1024 * 1024
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_AHEAD_MS: Final = 300_000  # that the platform's clock may be before ours
_LARGEST: Final = 1e12
_MOST_ATTRIBUTES: Final = 20

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class ActivityActor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The account that did it, by its id on the platform."""

    id: Id


class ActivityRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An activity: a play, a rename, a follow. ``id`` is the platform's: one that was sent before is not counted again.

    ``activity``: the name that rules count it by. ``time``: when it was done (RFC 3339, or milliseconds since 1970);
    None: now. It may lie in the past: late activities count in their time. ``attributes``: what rules compare, tell
    apart or add up; of texts only a keyed digest is kept.
    """

    id: Id
    activity: Annotated[str, msgspec.Meta(max_length=60)]
    actor: ActivityActor
    time: int | str | None = None
    attributes: dict[str, str | int | float | bool] = {}


class ActivitiesRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 1,000 activities."""

    activities: Annotated[tuple[ActivityRequest, ...], msgspec.Meta(min_length=1, max_length=MAX_ACTIVITIES)]


class ActivitiesResponse(msgspec.Struct, frozen=True, kw_only=True):
    """How many were recorded now, and how many had been before."""

    recorded: int
    repeated: int


_DECODER = msgspec.json.Decoder(ActivitiesRequest)
_encode = msgspec.json.Encoder().encode


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = routes_under_v1(keys)
    operation = PlainOperation(
        summary="Record activities",
        name="activities",
        tag="screening",
        request=ActivitiesRequest,
        response=ActivitiesResponse,
        status=201,
    )
    endpoint = _activities_endpoint(app, keys, InFlight(_MOST_IN_FLIGHT))
    routes.routes.append(PlainRoute("POST", "/v1/activities", endpoint, operation))
    return routes


def _activities_endpoint(app: App, keys: Keys, in_flight: InFlight) -> Endpoint:
    async def activities(request: Request) -> Response:
        try:
            await authenticate_async(request, keys, Scope.SCREEN)
            with in_flight.hold() as held:
                body = await read_body(request, _MAX_BODY, held)
                asked = (await asyncio.to_thread(decode, _DECODER, body)).activities
                taken = _content_types(app)
                at = now_ms()
                sent = [_sent(one, taken, at, f"/activities/{index}") for index, one in enumerate(asked)]
                recorded = await record_activities(app.ledger, sent)
        except ApiProblem as problem:
            return problem_response(problem)
        except Erased as error:
            return problem_response(ApiProblem(status=409, title="Erased", detail=str(error)))
        except StorageError as error:
            return problem_response(unavailable(error))
        return Response(
            _encode(ActivitiesResponse(recorded=recorded, repeated=len(sent) - recorded)), 201, None, "application/json"
        )

    return activities


def _content_types(app: App) -> frozenset[str]:
    try:
        return frozenset(app.bundles.current.content_types)
    except NothingPublished:
        return frozenset()


def _sent(one: ActivityRequest, content_types: frozenset[str], at: int, pointer: str) -> SentActivity:
    """Raises ApiProblem."""
    if not _NAME.fullmatch(one.activity):
        remedy = "Lower-case letters, digits and underscores, beginning with a letter."
        raise _problem(f"{one.activity[:80]!r} is no name of an activity.", f"{pointer}/activity", remedy)
    if one.activity in content_types or one.activity in (*OWN_ACTIVITIES, "strike"):
        remedy = "Screen items with POST /v1/screen, send reports with POST /v1/reports; or use another name."
        raise _problem(f"Seawall itself records each {one.activity}.", f"{pointer}/activity", remedy)
    return SentActivity(
        id=one.id,
        activity=one.activity,
        actor=one.actor.id,
        time=_time(one.time, at, f"{pointer}/time"),
        attributes=_attributes(one.attributes, f"{pointer}/attributes"),
    )


def _time(given: int | str | None, at: int, pointer: str) -> int:
    if given is None:
        return at
    try:
        found = read_timestamp(given)
    except InvalidValue as error:
        raise _problem(f"time {error.message}.", pointer, error.remedy) from error
    if found > at + _AHEAD_MS:
        raise _problem("The time is in the future.", pointer, "Milliseconds since 1970, UTC; check the clocks.")
    return found


def _attributes(given: dict[str, str | int | float | bool], pointer: str) -> dict[str, str | int | float | bool]:
    if len(given) > _MOST_ATTRIBUTES:
        raise _problem(f"There are {len(given)} attributes.", pointer, f"At most {_MOST_ATTRIBUTES}.")
    for name, value in given.items():
        if not _NAME.fullmatch(name) or name == "actor":
            remedy = "Lower-case letters, digits and underscores, beginning with a letter; not actor."
            raise _problem(f"{name[:80]!r} is no name of an attribute.", pointer, remedy)
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= _LARGEST):
            raise _problem(f"{name} is too large.", f"{pointer}/{name}", f"A number up to {_LARGEST:g}.")
    return given


def _problem(detail: str, pointer: str, remedy: str) -> ApiProblem:
    return ApiProblem(
        status=422, title="The activity cannot be recorded", detail=detail, pointer=pointer, remedy=remedy
    )
