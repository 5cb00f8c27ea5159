"""Takes from content pages which veils were lifted, and how long a medium was looked at."""

from __future__ import annotations

from math import isfinite

from starlette.responses import JSONResponse, Response

from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import check_item
from seawall.console.request import Page, PageProblem, PageRequest, missing
from seawall.console.veiling import harms_of, veiling_of
from seawall.model import ItemRef
from seawall.review import exposure
from seawall.screen.queries import get_item

_WORDS = "text"  # what was found in a medium has a veil of its own


def record(request: PageRequest) -> Response:
    """Count a lifted veil; with ``seconds``, the time until the page was left. Answers JSON."""
    seconds = _seconds(request.field("seconds"))
    revision = request.field("revision")
    if not revision.isdecimal() or len(revision) > 9:
        raise missing("revision")
    with request.app.database.read() as connection:
        head = get_item(connection, request.field("item"))
        if head is None:
            raise missing("item")
        check_item(request, connection, head.ref)
    harms = harms_of(request.app, head.ref, int(revision))
    item = ItemRef(head.content_type, head.ref, int(revision))
    part, modality = _part(request, item)
    chosen = veiling_of(request.app.context.get(exposure.Wellbeing), request.preferences, harms)
    unveiled = exposure.ContentUnveiled(
        person=request.person.id,
        item=item,
        part=part,
        modality=modality,
        harm=exposure.gravest_harm(harms),
        controls=chosen.controls,
    )
    if seconds is None:
        exposure.record_unveiled(request.app.database, request.app.ledger, unveiled)
    else:
        exposure.record_watched(request.app.ledger, unveiled, seconds)
    return JSONResponse({"counted": True})


def _part(request: PageRequest, item: ItemRef) -> tuple[str, str]:
    """The field and the modality of what was behind the veil. Raises Problem 422."""
    content_type = active_bundle.content_types(request.app).get(item.content_type)
    name, modality = request.field("part"), request.field("modality")
    spec = next((one for one in content_type.fields if one.name == name), None) if content_type else None
    if spec is None:
        raise PageProblem(422, "No such part", f"Content of type {item.content_type} has no field of this name.")
    own = str(spec.type) if str(spec.type) in exposure.MODALITY_WEIGHT else _WORDS
    return name, _WORDS if modality == _WORDS else own


def _seconds(text: str) -> float | None:
    """The seconds of the form, no more than an hour; None without any. Raises Problem 422."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds < 0:
        raise PageProblem(422, "Not a time", "The seconds must be a number from 0.")
    return min(seconds, exposure.MOST_SECONDS)


PAGES = (Page(path="/exposure/unveiled", run=record, method="POST", permission=Permission.SEE_CONTENT),)
