"""HTTP calls to services that may be slow, silent, endless, overloaded or hostile. Each returns an answer or a code.

Each call has a time limit per attempt and one for the whole batch, retries with jittered backoff (a Retry-After is
honoured if it fits), a circuit breaker, a budget, and a limit on the response size. Redirects are not followed, cookies
not kept, compressed responses refused (they could be bombs), TLS is verified. Content of requests or responses is never
logged or put into an error: a URL or a header may hold a key, a response may quote content.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import httpx
import msgspec
import structlog

from seawall.detect.loop import LoopThread
from seawall.model.signals import UnknownReason
from seawall.net.backoff import backoff_s, retry_after
from seawall.net.breaker import Breaker
from seawall.net.tls import failed_on_tls, tls_context
from seawall.providers.budget import Budget, Spent
from seawall.providers.limits import CallLimits

_log = structlog.get_logger(__name__)

if logging.getLogger("httpcore").level == logging.NOTSET:
    # At debug level it logs the headers of every response, and a redirect's URL may repeat the key.
    logging.getLogger("httpcore").setLevel(logging.INFO)

_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """One request, ready to send. ``repr`` does not show it."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """A status and a JSON document. Statuses that are not retried are returned too."""

    status: int
    document: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallFailed:
    """Why there is no response: a reason and a code without content."""

    reason: UnknownReason
    code: str


Outcome: TypeAlias = ProviderResponse | CallFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerState:
    """State of a service, for the command line and metrics."""

    spent: Spent
    resting: bool  # the circuit is open


def new_breaker() -> Breaker:
    """Opens for ten seconds after five failures in a row, then longer each time, up to five minutes."""
    return Breaker(opens_after=5, first_rest_s=10.0, longest_rest_s=300.0)


class Caller:
    """Calls one service. Thread-safe; owns a thread with an event loop from the first call until ``close``.

    The event loop allows one hard time limit over connecting, TLS, sending and a slow response.
    """

    def __init__(
        self,
        name: str,
        limits: CallLimits | None = None,
        *,
        proxy: str | None = None,
        budget: Budget | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.name = name
        self.limits = limits or CallLimits()
        self.budget = budget or Budget(
            per_minute=self.limits.per_minute,
            cost_per_call=self.limits.cost_per_call,
            cost_per_day=self.limits.cost_per_day,
        )
        self._breaker = breaker or new_breaker()
        self._proxy = proxy
        self._loop = LoopThread(name)
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._places: asyncio.Semaphore | None = None

    def fetch(self, requests: Sequence[ProviderRequest]) -> list[Outcome]:
        """One outcome for each request, in order. Never raises because of the service or the network."""
        if not requests:
            return []
        return self._loop.run(self._fetch_all(requests))

    def state(self) -> CallerState:
        """Usage today, and whether the circuit breaker is open."""
        return CallerState(spent=self.budget.spent(), resting=self._breaker.is_open(self.name))

    def close(self) -> None:
        """End the thread and the connections. May be called twice."""
        self._loop.close(self._close_transport)

    # ── in the event loop ──

    async def _fetch_all(self, requests: Sequence[ProviderRequest]) -> list[Outcome]:
        deadline = asyncio.get_running_loop().time() + self.limits.total_s
        return list(await asyncio.gather(*(self._fetch(request, deadline) for request in requests)))

    async def _fetch(self, request: ProviderRequest, deadline: float) -> Outcome:
        last: Outcome = CallFailed(UnknownReason.DEADLINE, "timeout")
        try:
            async with asyncio.timeout_at(deadline), self._place():
                for attempt in range(self.limits.retries + 1):
                    if self._breaker.wait_s(self.name):
                        return CallFailed(UnknownReason.OVERLOADED, "resting after failures")
                    if not self.budget.take():
                        return CallFailed(UnknownReason.OVERLOADED, "budget")
                    last, again, reported = await self._attempt(request)
                    if not again:
                        return last
                    wait = backoff_s(attempt, self.limits.backoff_s, random.random(), reported)  # noqa: S311
                    if attempt == self.limits.retries or asyncio.get_running_loop().time() + wait >= deadline:
                        return last
                    await asyncio.sleep(wait)
        except TimeoutError:
            if isinstance(last, CallFailed) and last.code == "timeout":
                self._note(False, "timeout")
        return last

    async def _attempt(self, request: ProviderRequest) -> tuple[Outcome, bool, float | None]:
        """The outcome, whether to retry, and the delay requested by the service."""
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                reply, reported = await self._send(request)
        except TimeoutError:
            self._note(False, "timeout")
            return CallFailed(UnknownReason.DEADLINE, "timeout"), True, None
        except httpx.TimeoutException:
            self._note(False, "timeout")
            return CallFailed(UnknownReason.DEADLINE, "timeout"), True, None
        except httpx.ConnectError as error:
            code = "tls" if failed_on_tls(error) else "connect"
            self._note(False, code)
            return CallFailed(UnknownReason.ERROR, code), code != "tls", None
        except (httpx.TransportError, httpx.InvalidURL):
            self._note(False, "protocol")
            return CallFailed(UnknownReason.ERROR, "protocol"), True, None
        if isinstance(reply, CallFailed):
            self._note(True)
            return reply, False, None
        if reply.status == 429:
            return CallFailed(UnknownReason.OVERLOADED, "http 429"), True, reported
        if reply.status in _RETRIED:
            self._note(False, f"http {reply.status}")
            return CallFailed(UnknownReason.ERROR, f"http {reply.status}"), True, reported
        self._note(True)
        return reply, False, None

    async def _send(self, request: ProviderRequest) -> tuple[Outcome, float | None]:
        # A transport and no client, because a client logs every URL and follows environment variables and redirects.
        sent = httpx.Request(
            request.method,
            request.url,
            headers={"accept-encoding": "identity", "accept": "application/json", **request.headers},
            content=request.body,
            extensions={"timeout": httpx.Timeout(self.limits.timeout_s).as_dict()},
        )
        answer = await self._connection().handle_async_request(sent)
        try:
            reported = retry_after(answer.headers.get("retry-after"), time.time())
            if answer.status_code in _RETRIED:
                return ProviderResponse(answer.status_code, None), reported
            if 300 <= answer.status_code < 400:
                return CallFailed(
                    UnknownReason.ERROR, f"http {answer.status_code}: redirects are not followed"
                ), reported
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                return CallFailed(UnknownReason.ERROR, "compressed answer"), reported
            data = bytearray()
            async for piece in answer.aiter_raw():
                data += piece
                if len(data) > self.limits.answer_bytes:
                    return CallFailed(UnknownReason.ERROR, "answer too large"), reported
        finally:
            await answer.aclose()
        try:
            document = msgspec.json.decode(bytes(data))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            if answer.status_code >= 400:
                return ProviderResponse(answer.status_code, None), reported
            return CallFailed(UnknownReason.ERROR, "answer is not JSON"), reported
        return ProviderResponse(answer.status_code, document), reported

    def _connection(self) -> httpx.AsyncHTTPTransport:
        if self._transport is None:
            self._transport = httpx.AsyncHTTPTransport(
                verify=tls_context(),
                proxy=self._proxy,
                limits=httpx.Limits(max_connections=self.limits.parallel, keepalive_expiry=30),
            )
        return self._transport

    def _place(self) -> asyncio.Semaphore:
        if self._places is None:
            self._places = asyncio.Semaphore(self.limits.parallel)
        return self._places

    async def _close_transport(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    def _note(self, worked: bool, code: str = "") -> None:
        if worked:
            self._breaker.succeeded(self.name)
            return
        was_open = self._breaker.is_open(self.name)
        self._breaker.failed(self.name)
        if self._breaker.is_open(self.name) and not was_open:
            _log.warning("a service failed repeatedly; its circuit breaker is open", service=self.name, code=code)
