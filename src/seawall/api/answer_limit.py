"""A limit on the time without an answer, for requests that have no deadline of their own.

Routes that read or write in a thread wait as long as the database does, and a database server that is stopped closes
no connection. Without a limit their callers, and one after the other all threads, would wait for good.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seawall.api.errors import ApiProblem, problem_response

ANSWER_SECONDS: Final = 60.0  # from the last byte of the request to the first one of the answer
MOST_UNANSWERED: Final = 100  # requests still at work after that time; further ones are refused at once


class AnswerLimit:
    """Calls ``app``; answers 503 in its place when it takes too long. Event loop only.

    The request goes on, because a thread cannot be stopped: what it does may still be recorded, and the answer says so.
    """

    def __init__(self, app: ASGIApp, seconds: float = ANSWER_SECONDS, most: int = MOST_UNANSWERED) -> None:
        self._app = app
        self._seconds = seconds
        self._most = most
        self._unanswered: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(self._unanswered) >= self._most:
            await problem_response(_refused(len(self._unanswered)))(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        task = asyncio.ensure_future(self._app(scope, exchange.receive, exchange.send))
        try:
            while not task.done():
                left = exchange.active_at + self._seconds - asyncio.get_running_loop().time()
                if left <= 0 and not exchange.begun:
                    break
                await asyncio.wait((task,), timeout=None if exchange.begun else left)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            await task
            return
        exchange.is_over = True
        self._unanswered.add(task)
        task.add_done_callback(self._unanswered.discard)
        await problem_response(_late(self._seconds))(scope, receive, send)


class _Exchange:
    """What the application receives and sends: whether the answer has begun, and when a byte of the request came."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.active_at = asyncio.get_running_loop().time()
        self.begun = False
        self.is_over = False  # answered by the limit: the application's own answer is dropped

    async def receive(self) -> Message:
        if self.is_over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self.active_at = asyncio.get_running_loop().time()
        return message

    async def send(self, message: Message) -> None:
        if self.is_over:
            return
        self.begun = True
        await self._send(message)


def _late(seconds: float) -> ApiProblem:
    return ApiProblem(
        status=503,
        title="No answer in time",
        detail=f"The request took more than {seconds:g} seconds, most likely because the database does not answer.",
        remedy="It may still be carried out: look for its result before you send it again. /healthz says more.",
        retry_after_s=10,
    )


def _refused(count: int) -> ApiProblem:
    return ApiProblem(
        status=503,
        title="The database does not answer",
        detail=f"{count} earlier requests still wait for it; this one was refused. Nothing was recorded.",
        remedy="Send the request again when /healthz says that the database commits.",
        retry_after_s=10,
    )
