"""Scripts, styles, ``/healthz`` and ``/metrics`` are answered while every thread of the API is taken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter

from seawall.cli.serve import asgi
from seawall.console.templates import STATIC
from support.app import Rig, opened


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with opened(tmp_path_factory.mktemp("static"), None, "rude") as rig:
        yield rig


def asked(rig: Rig, *paths: str, **more: Any) -> list[httpx.Response]:
    """The answers to GET, while no thread of the framework's pool or the event loop's is free."""

    async def story() -> list[httpx.Response]:
        application, go_on = asgi(rig.app), threading.Event()
        limiter = current_default_thread_limiter()
        limiter.total_tokens = 1
        await limiter.acquire_on_behalf_of("slow work")
        with ThreadPoolExecutor(1) as pool:
            asyncio.get_running_loop().set_default_executor(pool)
            slow = asyncio.get_running_loop().run_in_executor(None, go_on.wait)
            try:
                transport = httpx.ASGITransport(application)
                async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:
                    async with asyncio.timeout(50):
                        return [await client.get(path, **more) for path in paths]
            finally:
                go_on.set()
                await slow

    return asyncio.run(story())


def test_a_flood_of_slow_work_stalls_none_of_them(served: Rig) -> None:
    health, metrics, style, script = asked(
        served, "/healthz", "/metrics", "/static/seawall.css", "/static/vendor/htmx-4.0.1.min.js"
    )
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert "seawall_ledger_events" in metrics.text
    assert style.content == (STATIC / "seawall.css").read_bytes()
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert style.headers["x-content-type-options"] == "nosniff"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


def test_what_a_browser_has_is_not_sent_again(served: Rig) -> None:
    (first,) = asked(served, "/static/seawall.svg")
    assert first.headers["content-type"] == "image/svg+xml"
    for condition in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}'):
        (again,) = asked(served, "/static/seawall.svg", headers={"If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b"")
    (changed,) = asked(served, "/static/seawall.svg", headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200


@pytest.mark.parametrize("path", ["/static/", "/static/nothing.js", "/static/vendor", "/static/%2e%2e/server.py"])
def test_nothing_else_is_served(served: Rig, path: str) -> None:
    assert asked(served, path)[0].status_code == 404


def test_every_file_of_the_folder_is_served(served: Rig) -> None:
    names = [path.relative_to(STATIC).as_posix() for path in Path(STATIC).rglob("*") if path.is_file()]
    answers = asked(served, *(f"/static/{name}" for name in names))
    assert [answer.status_code for answer in answers] == [200] * len(names)
