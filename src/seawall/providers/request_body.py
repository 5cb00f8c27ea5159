"""Builds request bodies from parts and a provider's templates."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from seawall.media.signatures import media_type
from seawall.model.content import Part
from seawall.providers.calls import ProviderRequest
from seawall.providers.provider import RequestForm
from seawall.providers.sigv4 import sign

_UNKNOWN: Final = "application/octet-stream"


def build(
    form: RequestForm, parts: Sequence[Part], now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> ProviderRequest:
    """One request about one part, or about several if the form has a placeholder for them."""
    values: Mapping[str, Any]
    if form.part is not None:
        values = {"parts": [form.part.render(_Values(part)) for part in parts]}
    else:
        values = _Values(parts[0])
    headers = {name.lower(): str(value) for name, value in form.headers.render({}).items()}
    body, content_type = _body(form, values)
    if content_type:
        headers.setdefault("content-type", content_type)
    url = form.url
    query = {name: str(value) for name, value in form.query.render(values).items()}
    if query:
        url += ("&" if urlsplit(url).query else "?") + urlencode(query, errors="surrogatepass")
    if form.credentials is not None:
        headers = sign(form.method, url, headers, body, form.credentials, now())
    return ProviderRequest(method=form.method, url=url, headers=headers, body=body)


class _Values(Mapping[str, Any]):
    """Placeholder values of a part, computed on access."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __getitem__(self, name: str) -> Any:
        data = self._part.data or b""
        match name:
            case "text":
                return _clean(self._part.text or "")
            case "language":
                return self._part.language
            case "media_type":
                return media_type(data) or _UNKNOWN
            case "base64":
                return b64encode(data).decode("ascii")
            case "data_url":
                return f"data:{media_type(data) or _UNKNOWN};base64,{b64encode(data).decode('ascii')}"
            case "file":
                return data
        raise KeyError(name)

    def __iter__(self) -> Any:
        return iter(("text", "language", "media_type", "base64", "data_url", "file"))

    def __len__(self) -> int:
        return 6


def _clean(text: str) -> str:
    """Text that can be encoded as UTF-8: lone surrogates are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _body(form: RequestForm, values: Mapping[str, Any]) -> tuple[bytes, str | None]:
    if form.kind == "none":
        return b"", None
    rendered = form.body.render(values)
    if form.kind == "json":
        return msgspec.json.encode(rendered), "application/json"
    if form.kind == "form":
        return urlencode({name: str(value) for name, value in rendered.items()}).encode(), (
            "application/x-www-form-urlencoded"
        )
    return _multipart(rendered)


def _multipart(fields: Mapping[str, Any]) -> tuple[bytes, str]:
    """RFC 7578: a file for each bytes value, a field for each other value. The boundary is random."""
    files: dict[str, Any] = {
        name: ("part", value, media_type(value) or _UNKNOWN) if isinstance(value, bytes) else (None, str(value))
        for name, value in fields.items()
    }
    request = httpx.Request("POST", "http://localhost", files=files)
    return request.read(), request.headers["content-type"]
