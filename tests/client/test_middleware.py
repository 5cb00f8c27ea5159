"""What people post is screened before the application sees it, and there is no way round."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route as Path

from seawall.client import Posted, Route, Screened, SeawallMiddleware
from seawall.client.testing import FakeAsyncSeawall


async def post_comment(request: Request) -> JSONResponse:
    screened: Screened = request.scope["seawall"]
    return JSONResponse(
        {"got": await request.json(), "id": screened.id, "verdict": screened.answer.verdict}, status_code=201
    )


async def anything(request: Request) -> PlainTextResponse:
    return PlainTextResponse("untouched" if "seawall" not in request.scope else "screened")


def user_of(posted: Posted) -> str | None:
    return next((value.decode() for name, value in posted.scope["headers"] if name == b"x-user"), None)


ROUTES = {
    "POST /comments": Route(content_type="comment", fields={"body": "text", "reply_to": "parent"}, actor=user_of),
    "PUT /comments/{comment}": Route(content_type="comment", id="comment", fields={"body": "text"}, hold="pass"),
    "POST /small": Route(content_type="comment", id="id", fields={"body": "text"}, max_body=60),
    "POST /eager": Route(content_type="comment", id="id", fields={"body": "text"}, on_unreachable="allow"),
}


def asked(
    use: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]], *, unreachable: bool = False
) -> tuple[httpx.Response, FakeAsyncSeawall]:
    """One request to the application behind the middleware; the fake that was asked."""

    async def run() -> tuple[httpx.Response, FakeAsyncSeawall]:
        app = Starlette(
            routes=[
                Path("/comments", post_comment, methods=["POST"]),
                Path("/comments/{comment}", post_comment, methods=["PUT"]),
                Path("/small", post_comment, methods=["POST"]),
                Path("/eager", post_comment, methods=["POST"]),
                Path("/other", anything, methods=["POST", "GET"]),
                Path("/comments", anything, methods=["GET"]),
            ]
        )
        async with FakeAsyncSeawall() as fake:
            fake.when("buy followers", policy="spam")
            fake.when("perhaps", verdict="hold", policy="harassment")
            fake.unreachable = unreachable
            guarded = SeawallMiddleware(app, seawall=fake, routes=ROUTES)
            transport = httpx.ASGITransport(guarded)
            async with httpx.AsyncClient(transport=transport, base_url="http://platform.example") as client:
                return await use(client), fake

    return asyncio.run(run())


def test_the_application_gets_the_body_and_the_answer() -> None:
    response, fake = asked(
        lambda client: client.post("/comments", json={"text": "hello", "parent": "c-1"}, headers={"x-user": "u-9"})
    )
    assert response.status_code == 201
    reported = response.json()
    assert reported["got"] == {"text": "hello", "parent": "c-1"}
    assert reported["verdict"] == "allow"
    call = fake.calls[0]
    assert (call.id, call.actor, call.fields) == (reported["id"], "u-9", {"body": "hello", "reply_to": "c-1"})


def test_blocked_content_does_not_reach_it() -> None:
    response, _ = asked(lambda client: client.post("/comments", json={"text": "Buy followers"}))
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["title"], problem["policies"], problem["decision"]) == ("Blocked", ["spam"], "dec_1")
    assert "scripted" not in response.text  # which rule it was is not told


def test_held_content_is_refused_or_passed() -> None:
    response, _ = asked(lambda client: client.post("/comments", json={"text": "perhaps"}))
    assert (response.status_code, response.json()["title"]) == (422, "Held for review")
    response, fake = asked(lambda client: client.put("/comments/c-7", json={"text": "perhaps"}))
    assert (response.status_code, response.json()["verdict"]) == (201, "hold")
    assert fake.calls[0].id == "c-7"


def test_other_requests_pass_untouched() -> None:
    for method, path in (("POST", "/other"), ("GET", "/other"), ("GET", "/comments")):
        response, fake = asked(lambda client, method=method, path=path: client.request(method, path, content=b"\x00"))
        assert response.text == "untouched"
        assert fake.calls == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"text=buy+followers", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b'{"text": "hello"}', {"content-type": "text/plain"}, 415),
        (b'{"text": "hello"}', {"content-type": ""}, 415),
        (b"\x1f\x8b", {"content-encoding": "gzip"}, 415),
        (b'{"text": "buy followers", "text": "hello"}', {}, 400),  # another parser takes the first
        ('{"text": "hello"}'.encode("utf-16"), {}, 400),
        (b'{"text": NaN}', {}, 400),
        (b'{"text": ', {}, 400),
        (b'["hello"]', {}, 400),
        (b"", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, {}, 400),
    ],
)
def test_what_cannot_be_screened_does_not_pass(body: bytes, headers: dict[str, str], status: int) -> None:
    sent = {"content-type": "application/json"} | headers
    response, fake = asked(lambda client: client.post("/comments", content=body, headers=sent))
    assert response.status_code == status
    assert fake.calls == []


def test_half_a_surrogate_pair_is_refused() -> None:
    headers = {"content-type": "application/json"}
    response, _ = asked(lambda client: client.post("/comments", content=b'{"text": "\\ud800"}', headers=headers))
    assert response.status_code == 422


def test_a_slash_at_the_end_is_no_way_round() -> None:
    response, fake = asked(lambda client: client.post("/comments/", json={"text": "Buy followers"}))
    assert response.status_code == 422
    assert len(fake.calls) == 1


def test_bodies_have_a_limit() -> None:
    fits = json.dumps({"id": "c-1", "text": "x" * 20})
    headers = {"content-type": "application/json"}
    response, _ = asked(lambda client: client.post("/small", content=fits, headers=headers))
    assert response.status_code == 201
    response, fake = asked(lambda client: client.post("/small", content=fits + " " * 60, headers=headers))
    assert response.status_code == 413
    assert fake.calls == []


def test_without_seawall_the_route_decides() -> None:
    body = {"id": "c-1", "text": "hello"}
    response, _ = asked(lambda client: client.post("/small", json=body), unreachable=True)
    assert (response.status_code, response.json()["title"]) == (503, "Screening is not available")
    response, _ = asked(lambda client: client.post("/eager", json=body), unreachable=True)
    assert (response.status_code, response.json()["verdict"]) == (201, "allow")


def test_a_body_in_pieces_and_a_connection_that_ends() -> None:
    async def run(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[bytes]]:
        sent: list[dict[str, Any]] = []
        bodies: list[bytes] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            bodies.append((await receive())["body"])
            assert (await receive())["type"] == "http.disconnect"

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/comments",
            "headers": [(b"content-type", b"application/json")],
        }
        async with FakeAsyncSeawall() as fake:
            await SeawallMiddleware(app, seawall=fake, routes=ROUTES)(scope, receive, send)  # type: ignore[arg-type]
        return sent, bodies

    pieces = [{"type": "http.request", "body": piece, "more_body": True} for piece in (b'{"text"', b': "hello"}')]
    whole = [*pieces, {"type": "http.request"}, {"type": "http.disconnect"}]
    assert asyncio.run(run(whole)) == ([], [b'{"text": "hello"}'])
    sent, bodies = asyncio.run(run([*pieces, {"type": "http.disconnect"}]))
    assert (sent[0]["status"], bodies) == (400, [])


def test_a_route_that_is_none() -> None:
    for name in ("comments", "post /comments", "/comments"):
        with pytest.raises(ValueError, match="POST /path"):
            SeawallMiddleware(Starlette(), seawall=FakeAsyncSeawall(), routes={name: ROUTES["POST /comments"]})
