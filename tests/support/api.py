"""A client of the API in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from seawall import access, api
from seawall.model import Hasher
from support.app import Rig, opened


@dataclass
class Client:
    """Sends requests to the API of ``house``, with a key for each scope."""

    rig: Rig
    asgi: ASGIApp
    keys: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, *, key: str | None = "admin", **more: Any) -> httpx.Response:
        """One request with the key of that scope; None sends none. Faults of the API become status 500."""
        headers = more.pop("headers", {})
        if key is not None:
            headers = {"Authorization": f"Bearer {self.keys.get(key, key)}"} | headers

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.asgi, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())

    def screen(self, body: Any = "hello", *, kind: str = "note", id: str = "n-1", **more: Any) -> httpx.Response:
        """POST /v1/screen of a text, or of a whole object."""
        headers = more.pop("headers", {})
        asked = body if not isinstance(body, str) else item(body, kind=kind, id=id, **more)
        return self.send("POST", "/v1/screen", json=asked, headers=headers)


def item(body: str = "hello", *, kind: str = "note", id: str = "n-1", **more: Any) -> dict[str, Any]:
    """The body of a request for screening."""
    return {"content_type": kind, "id": id, "fields": {"body": body}, "actor": {"id": "a-1"}, **more}


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that the response states; it must be complete."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in response.text
    return body


@contextmanager
def serving(
    folder: Path, database_url: str | None = None, *policies: str, hashers: Sequence[Hasher] = ()
) -> Iterator[Client]:
    """An opened house with its API and a key for every scope."""
    with opened(folder, database_url, *(policies or ("rude", "gore")), hashers=hashers) as rig:
        client = Client(rig, api.build(rig.app))
        for scope in access.Scope:
            client.keys[scope] = access.create_key(rig.app.ledger, scope, [scope])
        yield client
