"""Large requests count by what has come of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from seawall.api.errors import ApiProblem
from seawall.api.in_flight import InFlight
from seawall.api.requests import MAX_MEDIA_BODY, read_body

MIB = 1024 * 1024


def request(chunks: Any, declared: int | None = None) -> Request:
    headers = [] if declared is None else [(b"content-length", str(declared).encode())]

    async def receive() -> Any:
        return await anext(chunks)

    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


async def body_of(size: int, *, until: asyncio.Event | None = None) -> Any:
    """A body of that many MiB, which stops after the first MiB until it may go on."""
    for number in range(size):
        if until is not None and number == 1:
            await until.wait()
        yield {"type": "http.request", "body": b"x" * MIB, "more_body": number < size - 1}


def test_stalled_uploads_take_no_room_from_others() -> None:
    async def story() -> None:
        in_flight, go_on = InFlight(8 * MIB), asyncio.Event()

        async def upload(size: int, until: asyncio.Event | None) -> int:
            with in_flight.hold() as held:
                return len(await read_body(request(body_of(size, until=until), size * MIB), MAX_MEDIA_BODY, held))

        stalled = [asyncio.ensure_future(upload(5, go_on)) for _ in range(3)]
        await asyncio.sleep(0)
        assert await upload(6, None) == 6 * MIB
        go_on.set()
        ends = await asyncio.gather(*stalled, return_exceptions=True)
        assert sum(end == 5 * MIB for end in ends) >= 1
        assert all(end == 5 * MIB or (isinstance(end, ApiProblem) and end.status == 503) for end in ends)
        assert in_flight.held == 0

    asyncio.run(story())


def test_a_body_without_a_length_counts_like_any_other() -> None:
    async def story() -> None:
        in_flight = InFlight(8 * MIB)
        with in_flight.hold() as first, in_flight.hold() as second:
            await read_body(request(body_of(6)), MAX_MEDIA_BODY, first)
            assert in_flight.held == 6 * MIB
            with pytest.raises(ApiProblem) as refused:
                await read_body(request(body_of(4)), MAX_MEDIA_BODY, second)
            assert refused.value.status == 503
        with in_flight.hold() as alone, pytest.raises(ApiProblem) as refused:
            await read_body(request(body_of(20)), MAX_MEDIA_BODY, alone)
        assert refused.value.status == 413
        assert in_flight.held == 0

    asyncio.run(story())


def test_what_a_client_that_goes_away_held_is_released() -> None:
    async def gone() -> Any:
        yield {"type": "http.request", "body": b"x" * (2 * MIB), "more_body": True}
        yield {"type": "http.disconnect"}

    async def story() -> None:
        in_flight = InFlight(8 * MIB)
        with pytest.raises(ClientDisconnect), in_flight.hold() as held:
            await read_body(request(gone()), MAX_MEDIA_BODY, held)
        assert in_flight.held == 0

    asyncio.run(story())
