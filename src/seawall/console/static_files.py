"""Scripts and styles of the console, read once and served from memory: they wait for no thread and no disk."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from email.utils import formatdate
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def static_route(prefix: str, folder: Path) -> Route:
    """A route to every file below ``folder``, as it is now. Unknown paths are 404."""
    files = {path.relative_to(folder).as_posix(): _file(path) for path in folder.rglob("*") if path.is_file()}

    async def file(request: Request) -> Response:
        found = files.get(request.path_params["path"])
        if found is None:
            raise HTTPException(404)
        data, headers = found
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, headers=headers)

    return Route(prefix + "/{path:path}", file)


def _file(path: Path) -> tuple[bytes, Mapping[str, str]]:
    data = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return data, {
        "content-type": f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type,
        "etag": f'"{sha256(data).hexdigest()[:32]}"',
        "last-modified": formatdate(path.stat().st_mtime, usegmt=True),
    }
