"""Audio files and videos for the console's players, and documents as downloads, in their submitted bytes."""

from __future__ import annotations

import re
from collections.abc import Container

from starlette.responses import Response

from seawall import access
from seawall.access import Permission
from seawall.console.request import Page, PageProblem, PageRequest, missing
from seawall.media import signatures
from seawall.model import ItemRef
from seawall.screen import media_bytes
from seawall.screen.queries import get_item
from seawall.storage import Erased

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
# Media types that may be sent to a browser: players accept them, and none of them is executed.
_FORMATS = {
    "audio": frozenset({"wav", "flac", "ogg", "mp4", "webm", "mpeg", "aac"}),
    "video": frozenset({"ogg", "mp4", "webm"}),
}


def play(request: PageRequest) -> Response:
    """One audio file or video, or the requested range of it. Records the view."""
    ref, sort, data = _file(request, _FORMATS, "audio file or video")
    media_type = type_of(sort, data)
    if media_type is None:
        raise PageProblem(415, "Cannot be played", "Browsers do not play this kind of file.")
    access.record_view(request.app.database, request.app.ledger, request.person.id, ref, "media")
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
        "Content-Disposition": "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    asked = request.http.headers.get("range")
    span = wanted(asked, len(data)) if asked else None
    if span is None:
        return Response(data, media_type=media_type, headers=headers)
    start, end = span
    if start >= end:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
    return Response(data[start:end], status_code=206, media_type=media_type, headers=headers)


def document(request: PageRequest) -> Response:
    """A document as a download, never shown by the browser. Records the view."""
    ref, _, data = _file(request, {"document"}, "document")
    access.record_view(request.app.database, request.app.ledger, request.person.id, ref, "media")
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{ref.ref}-{request.path_param("field")}{suffix_of(data)}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type="application/octet-stream", headers=headers)


def suffix_of(data: bytes) -> str:
    """``.pdf``, or ``.bin``, which no program opens by default."""
    return ".pdf" if signatures.media_type(data) == "application/pdf" else ".bin"


def _file(request: PageRequest, sorts: Container[str], what: str) -> tuple[ItemRef, str, bytes]:
    """The revision, the sort and the bytes of the addressed file. Raises Problem 404."""
    app = request.app
    with app.database.read() as connection:
        head = get_item(connection, request.path_param("item"))
    if head is None:
        raise missing("item")
    try:
        revision = int(request.path_param("revision"))
        sort, data = media_bytes(app.vault, app.blobs, head.ref, revision, request.path_param("field"))
        if sort not in sorts:
            raise KeyError(sort)
    except (Erased, KeyError, ValueError):
        raise missing(what) from None
    return ItemRef(head.content_type, head.ref, revision), sort, data


def type_of(sort: str, data: bytes) -> str | None:
    """``audio/wav``, ``video/mp4`` …, by the file's first bytes; None when no player accepts it."""
    found = (signatures.media_type(data) or "").partition("/")[2]
    return f"{sort}/{found}" if found in _FORMATS[sort] else None


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """The byte range of a Range header, end excluded; empty when it is outside the file; None to send everything.

    Several ranges at once are answered with everything, as RFC 9110 allows.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:  # the last ``last`` bytes
        return max(0, size - int(last)), size
    start, end = int(first), min(int(last) + 1, size) if last else size
    return (start, end) if start < size else (size, size)


PAGES = (
    Page(path="/items/{item}/{revision:int}/media/{field}", run=play, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}/{revision:int}/document/{field}", run=document, permission=Permission.SEE_CONTENT),
)
