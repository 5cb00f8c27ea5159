"""Fetches media that a request gives by URL, a few at a time, and counts their bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from seawall.api.errors import ApiProblem
from seawall.api.in_flight import HeldBytes
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
_threads: Final = ThreadPoolExecutor(8, "seawall-fetch")
"""Separate threads, so that slow addresses do not delay other work; their number limits concurrent fetches."""


async def fetch_media(
    asked: Sequence[tuple[ContentType, Mapping[str, Any], str]], held: HeldBytes
) -> list[Mapping[str, Any]]:
    """The fields of each item, each ``{"url": …}`` of a media field replaced by the fetched bytes.

    ``asked``: content type, fields, and the JSON pointer to the item. Raises Problem 422 that names the field
    (address unreachable or not permitted, or too many addresses in the request), and Problem 503.
    """
    addresses = [
        (index, spec, value["url"])
        for index, (content_type, fields, _) in enumerate(asked)
        for spec in content_type.fields
        if spec.type in _TYPES and isinstance(value := fields.get(spec.name), dict) and value.keys() == {"url"}
    ]
    taken = [fields for _, fields, _ in asked]
    if not addresses:
        return taken
    if len(addresses) > MOST_FETCHED:
        index, spec, _ = addresses[MOST_FETCHED]
        raise _refused(
            asked[index][2], spec, f"this request names {len(addresses)} addresses", f"send at most {MOST_FETCHED}"
        )
    fetches = (_fetched(spec, url, asked[index][2], held) for index, spec, url in addresses)
    found = await asyncio.gather(*fetches, return_exceptions=True)  # all have ended before ``held`` is given back
    for (index, spec, _), data in zip(addresses, found, strict=True):
        if isinstance(data, BaseException):
            raise data
        taken[index] = {**taken[index], spec.name: _TYPES[spec.type](data)}
    return taken


async def _fetched(spec: FieldSpec, url: Any, pointer: str, held: HeldBytes) -> bytes:
    if not isinstance(url, str):
        raise _refused(pointer, spec, "the address is not a text", 'send {"url": "https://…"}')

    def fetched() -> bytes:
        return fetch(url, max_bytes=MAX_BYTES[spec.type], seconds=_SECONDS).data

    try:
        data = await asyncio.get_running_loop().run_in_executor(_threads, fetched)
    except FetchError as error:
        raise _refused(pointer, spec, str(error), 'send the file itself as {"base64": "…"}') from error
    held.add(len(data))
    return data


def _refused(pointer: str, spec: FieldSpec, why: str, remedy: str) -> ApiProblem:
    return ApiProblem(
        status=422,
        title="The address of a media field cannot be fetched",
        detail=f"fields.{spec.name}: {why}",
        pointer=f"{pointer}/fields/{spec.name}",
        remedy=f"{remedy[0].upper()}{remedy[1:]}.",
    )
