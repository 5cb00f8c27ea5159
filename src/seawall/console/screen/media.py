"""Audio files and videos for the console's players, and documents as downloads, in their submitted bytes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Container, Iterator
from itertools import chain

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import Response, StreamingResponse

from seawall.access import Permission
from seawall.console.child_safety import check_item
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, missing
from seawall.console.veiling import open_file
from seawall.media import signatures
from seawall.model import ItemRef
from seawall.screen import MediaFile, media_file
from seawall.screen.queries import get_item
from seawall.storage import Erased

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,15})-([0-9]{0,15})", re.IGNORECASE)
_BEGINNING = 64  # bytes that say what a file is
# Media types that may be sent to a browser: players accept them, and none of them is executed.
_FORMATS = {
    "audio": frozenset({"wav", "flac", "ogg", "mp4", "webm", "mpeg", "aac"}),
    "video": frozenset({"ogg", "mp4", "webm"}),
}


def play(request: PageRequest) -> Response:
    """One audio file or video, or the requested range of it. Records the view."""
    ref, file = _file(request, _FORMATS, marked("audio file or video"))
    media_type = type_of(file.type, _beginning(file))
    if media_type is None:
        raise PageProblem(415, _("Cannot be played"), _("Browsers do not play this kind of file."))
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
        "Content-Disposition": "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{file.digest}"',
    }
    span = _asked(request, file, headers["ETag"])
    if span is not None and span[0] >= span[1]:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{file.size}"})
    if request.http.method != "HEAD":
        open_file(request, ref, file.type)
    if span is None:
        return _sent(request, file, (0, file.size), 200, media_type, headers)
    headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{file.size}"
    return _sent(request, file, span, 206, media_type, headers)


def document(request: PageRequest) -> Response:
    """A document as a download, never shown by the browser. Records the view."""
    ref, file = _file(request, {"document"}, marked("document"))
    name = f"{ref.ref}-{request.path_param('field')}{suffix_of(_beginning(file))}"
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if request.http.method != "HEAD":
        open_file(request, ref, file.type)
    return _sent(request, file, (0, file.size), 200, "application/octet-stream", headers)


def suffix_of(data: bytes) -> str:
    """``.pdf``, or ``.bin``, which no program opens by default."""
    return ".pdf" if signatures.media_type(data) == "application/pdf" else ".bin"


def _file(request: PageRequest, sorts: Container[str], what: str) -> tuple[ItemRef, MediaFile]:
    """The revision and the addressed file. Raises Problem 404, and 403 for an item that the person may not see."""
    app = request.app
    with app.database.read() as connection:
        head = get_item(connection, request.path_param("item"))
        if head is None:
            raise missing(marked("item"))
        check_item(request, connection, head.ref)
    try:
        revision = int(request.path_param("revision"))
        file = media_file(app.vault, app.blobs, head.ref, revision, request.path_param("field"))
        if file.type not in sorts:
            raise KeyError(file.type)
    except (Erased, KeyError, ValueError):
        raise missing(what) from None
    return ItemRef(head.content_type, head.ref, revision), file


def _beginning(file: MediaFile) -> bytes:
    return b"".join(file.read(0, min(_BEGINNING, file.size)))


def _sent(
    request: PageRequest, file: MediaFile, span: tuple[int, int], status: int, media_type: str, headers: dict[str, str]
) -> Response:
    """A span of the file, read while it is sent: a video is never in memory as a whole."""
    headers["Content-Length"] = str(span[1] - span[0])
    if request.http.method == "HEAD":
        return Response(status_code=status, media_type=media_type, headers=headers)
    pieces = file.read(*span)
    first = next(pieces, b"")  # a damaged file is an error page, not the end of a connection
    body = _in_threads(chain((first,), pieces), request.context.threads)
    return StreamingResponse(body, status_code=status, media_type=media_type, headers=headers)


async def _in_threads(pieces: Iterator[bytes], threads: CapacityLimiter) -> AsyncIterator[bytes]:
    """The pieces, each read in one of the console's threads, which a slow receiver does not keep."""
    while (piece := await run_sync(next, pieces, None, limiter=threads)) is not None:
        yield piece


def _asked(request: PageRequest, file: MediaFile, etag: str) -> tuple[int, int] | None:
    """The range to answer, end excluded, empty when there is none such; None: the whole file."""
    header, condition = request.http.headers.get("range"), request.http.headers.get("if-range")
    if header is None or request.http.method == "HEAD" or condition not in (None, etag):
        return None
    return wanted(header, file.size)


def type_of(sort: str, data: bytes) -> str | None:
    """``audio/wav``, ``video/mp4`` …, by the file's first bytes; None when no player accepts it."""
    found = (signatures.media_type(data) or "").partition("/")[2]
    return f"{sort}/{found}" if found in _FORMATS[sort] else None


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """The byte range of a Range header, end excluded; None to send everything: the unit is not bytes.

    Empty when the range is outside the file or malformed, or when several are asked for, which no player does.
    """
    if not header.strip().lower().startswith("bytes="):
        return None
    match = _RANGE.fullmatch(header.strip())
    first, last = match.groups() if match is not None else ("", "")
    if not (first or last):
        return size, size
    if not first:  # the last ``last`` bytes
        return max(0, size - int(last)), size
    start, end = int(first), min(int(last) + 1, size) if last else size
    return (start, end) if start < size else (size, size)


PAGES = (
    Page(path="/items/{item}/{revision:int}/media/{field}", run=play, permission=Permission.SEE_CONTENT),
    Page(path="/items/{item}/{revision:int}/document/{field}", run=document, permission=Permission.SEE_CONTENT),
)
