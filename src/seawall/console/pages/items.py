"""An item: its content, everything that happened to it, and who looked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select
from starlette.responses import JSONResponse, Response

from seawall import access, review
from seawall.access import Permission
from seawall.access.tables import view
from seawall.appeal.tables import report
from seawall.console import active_bundle
from seawall.console.field_views import VEILED_HARMS
from seawall.console.history import enforcements, notes, reviews, timeline
from seawall.console.item_view import item_view
from seawall.console.request import Page, PageProblem, PageRequest, missing
from seawall.console.templates import render
from seawall.media import UnreadableMedia
from seawall.model import ItemRef
from seawall.review.tables import case
from seawall.screen import media_bytes
from seawall.screen.tables import decision, item
from seawall.storage import Erased

_WIDEST = 1_600
_MOST_PIXELS = 64_000_000
_IMAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store"}


def show(visit: PageRequest) -> Response:
    """The item in its newest revision, or in ``?revision=``."""
    app = visit.app
    with app.database.read() as connection:
        head = connection.execute(select(item).where(item.c.ref == visit.place("item"))).first()
        if head is None:
            raise missing("item")
        revision = min(visit.cursor("revision") or head.revision, head.revision)
        decided = _decision_about(connection, head, revision)
    ref = ItemRef(head.content_type, head.ref, revision)
    access.record_view(app.database, app.ledger, visit.person.id, ref, "item")
    seen = item_view(app, ref, decided, whole=visit.query("all") == "1")
    with app.database.read() as connection:
        enforced = enforcements(connection, head.ref)
        answers = reviews(connection, head.ref)
        reports = connection.execute(select(report).where(report.c.item == head.ref)).all()
        context: dict[str, Any] = {
            "timeline": timeline(connection, head.ref, enforced),
            "views": _views(connection, head.ref),
            "case": connection.execute(select(case).where(case.c.item == head.ref)).first(),
        }
    harms = {reason.harm for reason in seen.decision.reasons} if seen.decision else set()
    return render(
        visit,
        "item.html",
        head=head,
        seen=seen,
        revision=revision,
        veiled=bool(harms & VEILED_HARMS),
        names=active_bundle.names_of_people(app),
        notes=notes(app.vault, head.ref, reports, answers),
        case_open=review.CaseState.OPEN,
        **context,
    )


def as_json(visit: PageRequest) -> Response:
    """The item's decisions and enforcements for programs; no content."""
    with visit.app.database.read() as connection:
        head = connection.execute(select(item).where(item.c.ref == visit.place("item"))).first()
        if head is None:
            raise missing("item")
        rows = connection.execute(select(decision).where(decision.c.item == head.ref).order_by(decision.c.seq)).all()
        enforced = enforcements(connection, head.ref)
    return JSONResponse(
        {
            "item": dict(head._mapping),
            "decisions": [dict(row._mapping) for row in rows],
            "enforcements": [
                {
                    **one.row._mapping,
                    "parameters": one.parameters,
                    "deliveries": [dict(d._mapping) for d in one.deliveries],
                }
                for one in enforced
            ],
        }
    )


def image(visit: PageRequest) -> Response:
    """One image of one revision, decoded and encoded anew: what a browser gets is never the bytes that came in."""
    return Response(_encoded(_image(visit)), media_type="image/webp", headers=_IMAGE_HEADERS)


def frame(visit: PageRequest) -> Response:
    """A frame of an animated image, as detectors were shown it, encoded anew."""
    data = _image(visit)
    found = visit.app.media.animation(data)
    wanted = int(visit.place("frame"))
    if isinstance(found, UnreadableMedia) or wanted >= len(found):
        raise missing("frame")
    return Response(_encoded(found[wanted].jpeg), media_type="image/webp", headers=_IMAGE_HEADERS)


def _image(visit: PageRequest) -> bytes:
    """The bytes of the image that the address names."""
    app = visit.app
    try:
        revision = int(visit.place("revision"))
        sort, data = media_bytes(app.vault, app.blobs, visit.place("item"), revision, visit.place("field"))
        if sort != "image":
            raise KeyError(sort)
    except (Erased, KeyError, ValueError):
        raise missing("image") from None
    return data


def _encoded(data: bytes) -> bytes:
    from PIL import Image, ImageOps  # not at start-up

    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise PageProblem(422, "Too large", "This image has more pixels than the console decodes.")
            opened.draft("RGB", (_WIDEST, _WIDEST))
            raster = ImageOps.exif_transpose(opened).convert("RGBA" if opened.has_transparency_data else "RGB")
            raster.thumbnail((_WIDEST, _WIDEST))
            out = io.BytesIO()
            raster.save(out, "WEBP", quality=82)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise PageProblem(422, "Unreadable", "This image cannot be decoded.") from None
    return out.getvalue()


def _decision_about(connection: Connection, head: Row[Any], revision: int) -> str | None:
    if revision == head.revision:
        return None if head.decision is None else str(head.decision)
    return connection.execute(
        select(decision.c.id)
        .where(decision.c.item == head.ref, decision.c.revision == revision)
        .order_by(decision.c.seq.desc())
        .limit(1)
    ).scalar()


def _views(connection: Connection, ref: str) -> Sequence[Row[Any]]:
    """Who opened the item, how often, and when last."""
    return connection.execute(
        select(view.c.person, func.count().label("times"), func.max(view.c.at).label("at"))
        .where(view.c.item == ref)
        .group_by(view.c.person)
        .order_by(func.max(view.c.at).desc())
    ).all()


PAGES = (
    Page(path="/items/{item}.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}/{revision:int}/image/{field}", run=image, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}/{revision:int}/image/{field}/{frame:int}", run=frame, permission=Permission.SEE_CONTENT),
)
