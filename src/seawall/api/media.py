"""Media of a request: fetched by address where one is given, and no more of it in memory than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from seawall.api.errors import ApiProblem
from seawall.content import MAX_BYTES
from seawall.model import Audio, ContentType, Document, FieldSpec, FieldType, Image, Video
from seawall.net.client import FetchError, fetch

MOST_FETCHED: Final = 4  # addresses in one request
_SECONDS: Final = 10.0  # for one address, redirects included
_TYPES: Final = {
    FieldType.IMAGE: Image,
    FieldType.AUDIO: Audio,
    FieldType.VIDEO: Video,
    FieldType.DOCUMENT: Document,
}


async def fetch_media(content_type: ContentType, fields: Mapping[str, Any], pointer: str) -> Mapping[str, Any]:
    """The fields, with what stands at ``{"url": …}`` of media fields in its place.

    Raises Problem 422 that names the field: an address that leads nowhere, or where Seawall does not go.
    """
    asked = {
        spec: value["url"]
        for spec in content_type.fields
        if spec.type in _TYPES and isinstance(value := fields.get(spec.name), dict) and value.keys() == {"url"}
    }
    if not asked:
        return fields
    if len(asked) > MOST_FETCHED:
        raise _refused(pointer, next(iter(asked)), f"this request names {len(asked)} addresses", f"send {MOST_FETCHED}")
    found = await asyncio.gather(*(_fetched(spec, url, pointer) for spec, url in asked.items()))
    return {**fields, **{spec.name: _TYPES[spec.type](data) for spec, data in zip(asked, found, strict=True)}}


async def _fetched(spec: FieldSpec, url: Any, pointer: str) -> bytes:
    if not isinstance(url, str):
        raise _refused(pointer, spec, "the address is not a text", 'send {"url": "https://…"}')
    try:
        found = await asyncio.to_thread(fetch, url, max_bytes=MAX_BYTES[spec.type], seconds=_SECONDS)
    except FetchError as error:
        raise _refused(pointer, spec, str(error), 'send the file itself as {"base64": "…"}') from error
    return found.data


def _refused(pointer: str, spec: FieldSpec, why: str, remedy: str) -> ApiProblem:
    return ApiProblem(
        status=422,
        title="The address of a media field cannot be fetched",
        detail=f"fields.{spec.name}: {why}",
        pointer=f"{pointer}/fields/{spec.name}",
        remedy=f"{remedy[0].upper()}{remedy[1:]}.",
    )


class InFlight:
    """How many bytes of large requests are being worked on; more than ``limit`` at once are turned away."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Count these bytes while the request is answered. Raises Problem 503. Event loop only: takes no lock."""
        if self.held and self.held + size > self.limit:
            raise ApiProblem(
                status=503,
                title="Too much media at once",
                detail="Other large requests are being screened; this one was not read.",
                remedy="Nothing was recorded. Send the request again, with the same idempotency key.",
                retry_after_s=1,
            )
        self.held += size
        try:
            yield
        finally:
            self.held -= size
