"""The page of an item: content, history, and the people who viewed it."""

from __future__ import annotations

import io
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.access.queries import viewers_of_item
from seawall.appeal.queries import reports_of_item
from seawall.console import active_bundle
from seawall.console.child_safety import check_item
from seawall.console.conversation import conversation_view
from seawall.console.history import LIMIT, notes, timeline
from seawall.console.item_view import item_view
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing
from seawall.console.templates import render
from seawall.console.veiling import open_content, open_file
from seawall.enforce.queries import enforcements_of_item
from seawall.media import BlurredFaces, DisplayedImage, UnreadableMedia
from seawall.model import ItemRef, now_ms
from seawall.review.queries import case_of_item, reviews_of_item
from seawall.screen import media_bytes
from seawall.screen.queries import ItemRow, decisions_of_item, get_decision, get_item, newest_decision_of_revision
from seawall.storage import Erased

_WIDEST = 1_600  # largest longer side of a shown image, in pixels
_IMAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store"}


def show(request: PageRequest) -> Response:
    """Show the item's newest revision, or ``?revision=``."""
    app = request.app
    with app.database.read() as connection:
        head = _head(request, connection)
        revision = min(request.cursor("revision") or head.revision, head.revision)
        decided = head.decision
        if revision != head.revision:
            decided = newest_decision_of_revision(connection, head.ref, revision)
    ref = ItemRef(head.content_type, head.ref, revision)
    seen = item_view(app, ref, decided, whole=request.query("all") == "1")
    with app.database.read() as connection:
        case = case_of_item(connection, head.ref, now_ms())
    veiling = open_content(request, seen, case, "item")
    with app.database.read() as connection:
        enforced = enforcements_of_item(connection, head.ref, limit=LIMIT)
        answers = reviews_of_item(connection, head.ref, limit=LIMIT)
        reports = reports_of_item(connection, head.ref)
        context: dict[str, Any] = {
            "timeline": timeline(connection, head.ref, enforced),
            "views": viewers_of_item(connection, head.ref),
            "case": case,
        }
    return render(
        request,
        "screen/item.html",
        head=head,
        seen=seen,
        revision=revision,
        talk=conversation_view(request, head),
        veiling=veiling,
        names=active_bundle.names_of_people(app, request.person),
        notes=notes(app.vault, head.ref, reports, answers),
        case_open=review.CaseState.OPEN,
        **context,
    )


def content(request: PageRequest) -> Response:
    """The whole content of one revision, as a part of a page: long texts uncut, as ``?decision=`` found them."""
    app, wanted = request.app, request.query("decision")
    with app.database.read() as connection:
        head = _head(request, connection)
        row = get_decision(connection, wanted) if wanted else None
    revision = int(request.path_param("revision"))
    if not 1 <= revision <= head.revision or (wanted and (row is None or row.item != head.ref)):
        raise missing(marked("content"))
    ref = ItemRef(head.content_type, head.ref, revision)
    seen = item_view(app, ref, wanted or None, whole=True)
    with app.database.read() as connection:
        case = case_of_item(connection, head.ref, now_ms())
    return render(request, "screen/content.html", seen=seen, veiling=open_content(request, seen, case, "item"))


def as_json(request: PageRequest) -> Response:
    """The item's decisions, oldest first, and its enforcements as JSON, without content."""
    with request.app.database.read() as connection:
        head = _head(request, connection)
        decided = decisions_of_item(connection, head.ref)
        enforced = enforcements_of_item(connection, head.ref, limit=LIMIT)
    return json_response({"item": head, "decisions": decided[::-1], "enforcements": enforced})


def _head(request: PageRequest, connection: Connection) -> ItemRow:
    """The item that the address names. Raises Problem 404, and 403 for one that the person may not see."""
    head = get_item(connection, request.path_param("item"))
    if head is None:
        raise missing(marked("item"))
    check_item(request, connection, head.ref)
    return head


def image(request: PageRequest) -> Response:
    """One image of one revision, re-encoded: browsers never receive the submitted bytes.

    ``?faces=blurred``: with its faces blurred. ``?faces=count``: how many were found, as JSON.
    """
    return _encoded(request, _image(request))


def frame(request: PageRequest) -> Response:
    """A frame of an animated image, as detectors received it, re-encoded; ``?faces=`` as of an image."""
    found = request.app.media.animation(_image(request))
    wanted = int(request.path_param("frame"))
    if isinstance(found, UnreadableMedia) or wanted >= len(found):
        raise missing(marked("frame"))
    return _encoded(request, found[wanted].jpeg)


def _image(request: PageRequest) -> bytes:
    """The bytes of the addressed image. Records the view, unless faces are only counted. Raises Problem 404."""
    app = request.app
    with app.database.read() as connection:
        head = _head(request, connection)
    try:
        revision = int(request.path_param("revision"))
        sort, data = media_bytes(app.vault, app.blobs, head.ref, revision, request.path_param("field"))
        if sort != "image":
            raise KeyError(sort)
    except (Erased, KeyError, ValueError):
        raise missing(marked("image")) from None
    ref = ItemRef(head.content_type, head.ref, revision)
    if request.query("faces") != "count":
        open_file(request, ref, "image")
    return data


def _encoded(request: PageRequest, data: bytes) -> Response:
    """The image for a browser. The sandbox process decodes it and returns pixels only."""
    media, faces = request.app.media, request.query("faces")
    shown = media.blurred_faces(data, _WIDEST) if faces in ("blurred", "count") else media.shown(data, _WIDEST)
    if isinstance(shown, UnreadableMedia):
        text = _UNREADABLE.get(shown.code, marked("This image cannot be decoded."))
        raise PageProblem(422, _("Unreadable"), _(text))
    if isinstance(shown, BlurredFaces):
        if faces == "count":
            return json_response({"faces": shown.faces})
        shown = shown.image
    return Response(_webp(shown), media_type="image/webp", headers=_IMAGE_HEADERS)


_UNREADABLE = {
    "not_an_image": marked("Seawall does not decode this image format."),
    "too_many_pixels": marked("This image has more pixels than Seawall decodes."),
}


def _webp(shown: DisplayedImage) -> bytes:
    from PIL import Image  # not at start-up

    out = io.BytesIO()
    Image.frombytes("RGB", (shown.width, shown.height), shown.rgb).save(out, "WEBP", quality=82)
    return out.getvalue()


PAGES = (
    Page(path="/items/{item}.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}/{revision:int}/content", run=content, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}/{revision:int}/image/{field}", run=image, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}/{revision:int}/image/{field}/{frame:int}", run=frame, permission=Permission.SEE_CONTENT),
)
