"""The page of deliveries to the platform: queued, retrying, delivered, dead, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from seawall import enforce
from seawall.access import Permission
from seawall.console.child_safety import hidden_items
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.enforce.queries import (
    DeliveryLine,
    count_enabled_endpoints,
    deliveries_by_state,
    delivery_lines,
    newest_deliveries,
)
from seawall.model import now_ms

PAGE_SIZE = 50
STATES = (marked("queued"), marked("retrying"), marked("delivered"), marked("dead"), marked("cancelled"))
WORDS = (marked("applied"), marked("reversed"))
"""Changes that the template shows with the filter ``words``: here for the catalogues."""


def show(request: PageRequest) -> Response:
    """List deliveries, newest first, filtered by state or id."""
    state = request.query("state") if request.query("state") in STATES else ""
    wanted, before = request.query("id"), request.cursor()
    with request.app.database.read() as connection:
        lines = delivery_lines(connection, limit=PAGE_SIZE + 1, state=state, delivery_id=wanted, before=before)
        more = lines[PAGE_SIZE - 1].delivery.seq if len(lines) > PAGE_SIZE else None
        lines = _seen(request, connection, lines[:PAGE_SIZE])
        counts = None if request.person.is_limited else deliveries_by_state(connection)
        receivers = count_enabled_endpoints(connection)
    older = urlencode({"state": state, "before": more}) if more is not None else ""
    return render(
        request,
        "enforce/deliveries.html",
        lines=lines,
        older=f"/deliveries?{older}" if older else None,
        newest="/deliveries?" + urlencode({"state": state}) if before else None,
        state=state,
        wanted=wanted,
        states=STATES,
        counts=counts,
        receivers=receivers,
        now=now_ms(),
    )


def _seen(request: PageRequest, connection: Connection, lines: Sequence[DeliveryLine]) -> list[DeliveryLine]:
    """The lines; those about items of child safety do not name the item for others.

    People whose roles or team are limited see only what happens to the items that they may see.
    """
    hidden = hidden_items(request, connection, [one.item for one in lines if one.item is not None])
    if request.person.is_limited:
        return [one for one in lines if one.item is not None and one.item not in hidden]
    return [replace(one, item=None) if one.item in hidden else one for one in lines]


def as_json(request: PageRequest) -> Response:
    """The newest deliveries as JSON."""
    with request.app.database.read() as connection:
        found = newest_deliveries(connection, limit=PAGE_SIZE)
        if request.person.is_limited:
            seen = {one.delivery.id for one in _seen(request, connection, delivery_lines(connection, limit=PAGE_SIZE))}
            found = [one for one in found if one.id in seen]
        return json_response({"deliveries": found})


def replay(request: PageRequest) -> Response:
    """Send a dead or delivered message again, under the same id."""
    wanted = request.path_param("delivery")
    try:
        enforce.replay(request.app.ledger, wanted, person=request.person.id)
    except enforce.UnknownDelivery:
        raise missing(marked("delivery")) from None
    except enforce.CannotReplay as error:
        raise PageProblem(409, _("Not sent again"), _(str(error))) from None
    return redirect(f"/deliveries?id={wanted}")


PAGES = (
    Page(path="/deliveries", run=show, permission=Permission.SEE_OPERATIONS),
    Page(path="/deliveries.json", run=as_json, permission=Permission.SEE_OPERATIONS),
    Page(path="/deliveries/{delivery}/replay", run=replay, method="POST", permission=Permission.REPLAY_DELIVERIES),
)
