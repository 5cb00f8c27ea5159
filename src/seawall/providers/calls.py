"""Calls to a service that may be slow, silent, endless, overloaded or hostile. Each ends as an answer or as a code.

One call knows: a time limit for each attempt and one for the whole batch, retries with jittered backoff (a service's
Retry-After is honoured while it fits), a circuit breaker, a budget, a limit on the answer's size. Redirects are not
followed, cookies not kept, compressed answers refused (they could be bombs), TLS is verified. Nothing of a request or
an answer is ever logged or put into an error: a URL or a header may hold a key, an answer may quote content.
"""

from __future__ import annotations

import asyncio
import email.utils
import functools
import logging
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import httpx
import msgspec
import structlog

from seawall.model.signals import UnknownReason
from seawall.providers.breaker import Breaker
from seawall.providers.budget import Budget, Spent
from seawall.providers.config import Section
from seawall.providers.loop import LoopThread

_log = structlog.get_logger(__name__)

if logging.getLogger("httpcore").level == logging.NOTSET:
    # At debug level it writes down every answer's headers, and a redirect's address repeats the key it was asked with.
    logging.getLogger("httpcore").setLevel(logging.INFO)

_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_BACKOFF_S: Final = 8.0
_LONGEST_TOTAL_S: Final = 25.0  # a lane takes a call of 30 seconds for a hang


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """How patient, how often, how much. Seconds and bytes; the unit of cost is the operator's."""

    timeout_s: float = 5.0  # one attempt
    total_s: float = 20.0  # all that one batch of parts asks for, retries included
    retries: int = 2
    backoff_s: float = 0.25  # doubled each time, then anything from half of it to all of it
    parallel: int = 4
    per_minute: int | None = None
    cost_per_call: float = 0.0
    cost_per_day: float | None = None
    answer_bytes: int = 1_000_000

    @classmethod
    def read(cls, section: Section, default: CallLimits | None = None) -> CallLimits:
        """From the ``limits`` of a configuration. Raises ConfigError."""
        section.only(
            "timeout", "total", "retries", "backoff", "parallel", "per_minute", "cost_per_call", "cost_per_day",
            "answer_bytes", "cache",
        )  # fmt: skip
        base = default or cls()
        return cls(
            timeout_s=section.seconds("timeout", base.timeout_s, most=_LONGEST_TOTAL_S),
            total_s=section.seconds("total", base.total_s, most=_LONGEST_TOTAL_S),
            retries=section.whole("retries", base.retries, most=5),
            backoff_s=section.seconds("backoff", base.backoff_s, most=_LONGEST_BACKOFF_S),
            parallel=section.whole("parallel", base.parallel, least=1, most=64),
            per_minute=section.whole("per_minute", base.per_minute, least=1),
            cost_per_call=section.number("cost_per_call", base.cost_per_call),
            cost_per_day=section.number("cost_per_day", base.cost_per_day),
            answer_bytes=section.size("answer_bytes", base.answer_bytes) or base.answer_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """One request, ready to send. Not shown by ``repr``."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """What came back: a status and a JSON document. Statuses that are not retried come back too."""

    status: int
    document: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallFailed:
    """Why nothing came back: a reason and a code without content."""

    reason: UnknownReason
    code: str


Outcome: TypeAlias = ProviderResponse | CallFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerState:
    """How a service stands: for the command line and metrics."""

    spent: Spent
    resting: bool  # the circuit is open


class Caller:
    """Calls one service. Thread-safe; holds a thread with an event loop from the first call to ``close``.

    The event loop is what puts one hard time limit over connecting, TLS, sending and an answer that drips in.
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
        self._breaker = breaker or Breaker()
        self._proxy = proxy
        self._loop = LoopThread(name)
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._places: asyncio.Semaphore | None = None

    def fetch(self, requests: Sequence[ProviderRequest]) -> list[Outcome]:
        """One outcome for each request, in order. Never raises for what service or network do."""
        if not requests:
            return []
        return self._loop.run(self._fetch_all(requests))

    def state(self) -> CallerState:
        """What was spent today, and whether the service rests."""
        return CallerState(spent=self.budget.spent(), resting=self._breaker.is_open)

    def close(self) -> None:
        """End the thread and the connections. May be called twice."""
        self._loop.close(self._close_transport)

    # ── in the loop ──

    async def _fetch_all(self, requests: Sequence[ProviderRequest]) -> list[Outcome]:
        deadline = asyncio.get_running_loop().time() + self.limits.total_s
        return list(await asyncio.gather(*(self._fetch(request, deadline) for request in requests)))

    async def _fetch(self, request: ProviderRequest, deadline: float) -> Outcome:
        last: Outcome = CallFailed(UnknownReason.DEADLINE, "timeout")
        try:
            async with asyncio.timeout_at(deadline), self._place():
                for attempt in range(self.limits.retries + 1):
                    if not self._breaker.allows():
                        return CallFailed(UnknownReason.OVERLOADED, "resting after failures")
                    if not self.budget.take():
                        return CallFailed(UnknownReason.OVERLOADED, "budget")
                    last, again, told = await self._attempt(request)
                    if not again:
                        return last
                    wait = backoff_s(attempt, self.limits.backoff_s, random.random(), told)  # noqa: S311
                    if attempt == self.limits.retries or asyncio.get_running_loop().time() + wait >= deadline:
                        return last
                    await asyncio.sleep(wait)
        except TimeoutError:
            if isinstance(last, CallFailed) and last.code == "timeout":
                self._note(False, "timeout")
        return last

    async def _attempt(self, request: ProviderRequest) -> tuple[Outcome, bool, float | None]:
        """The outcome, whether to try again, and how long the service asks to be left alone."""
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                reply, told = await self._send(request)
        except TimeoutError:
            self._note(False, "timeout")
            return CallFailed(UnknownReason.DEADLINE, "timeout"), True, None
        except httpx.TimeoutException:
            self._note(False, "timeout")
            return CallFailed(UnknownReason.DEADLINE, "timeout"), True, None
        except httpx.ConnectError as error:
            code = "tls" if _is_tls(error) else "connect"
            self._note(False, code)
            return CallFailed(UnknownReason.ERROR, code), code != "tls", None
        except (httpx.TransportError, httpx.InvalidURL):
            self._note(False, "protocol")
            return CallFailed(UnknownReason.ERROR, "protocol"), True, None
        if isinstance(reply, CallFailed):
            self._note(True)
            return reply, False, None
        if reply.status == 429:
            return CallFailed(UnknownReason.OVERLOADED, "http 429"), True, told
        if reply.status in _RETRIED:
            self._note(False, f"http {reply.status}")
            return CallFailed(UnknownReason.ERROR, f"http {reply.status}"), True, told
        self._note(True)
        return reply, False, None

    async def _send(self, request: ProviderRequest) -> tuple[Outcome, float | None]:
        # The transport itself, not a client: a client logs every URL, and follows environment and redirects.
        sent = httpx.Request(
            request.method,
            request.url,
            headers={"accept-encoding": "identity", "accept": "application/json", **request.headers},
            content=request.body,
            extensions={"timeout": httpx.Timeout(self.limits.timeout_s).as_dict()},
        )
        answer = await self._connection().handle_async_request(sent)
        try:
            told = _retry_after(answer.headers.get("retry-after"))
            if answer.status_code in _RETRIED:
                return ProviderResponse(answer.status_code, None), told
            if 300 <= answer.status_code < 400:
                return CallFailed(UnknownReason.ERROR, f"http {answer.status_code}: redirects are not followed"), told
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                return CallFailed(UnknownReason.ERROR, "compressed answer"), told
            data = bytearray()
            async for piece in answer.aiter_raw():
                data += piece
                if len(data) > self.limits.answer_bytes:
                    return CallFailed(UnknownReason.ERROR, "answer too large"), told
        finally:
            await answer.aclose()
        try:
            document = msgspec.json.decode(bytes(data))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            if answer.status_code >= 400:
                return ProviderResponse(answer.status_code, None), told
            return CallFailed(UnknownReason.ERROR, "answer is no JSON"), told
        return ProviderResponse(answer.status_code, document), told

    def _connection(self) -> httpx.AsyncHTTPTransport:
        if self._transport is None:
            self._transport = httpx.AsyncHTTPTransport(
                verify=_tls(),
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
            self._breaker.worked()
            return
        was_open = self._breaker.is_open
        self._breaker.failed()
        if self._breaker.is_open and not was_open:
            _log.warning("a service fails again and again; it is left alone for a while", service=self.name, code=code)


def backoff_s(attempt: int, first_s: float, random: float, told_s: float | None) -> float:
    """Seconds to wait after attempt number ``attempt`` (from 0); ``random`` is in [0, 1).

    A service that says how long to leave it alone is left alone for that long at least.
    """
    longest = min(first_s * 2.0**attempt, _LONGEST_BACKOFF_S)
    return max(longest * (0.5 + 0.5 * random), told_s or 0.0)


def _retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header (RFC 9110, 10.2.3: seconds or a date) asks for."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, when.timestamp() - time.time())


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the root certificates takes 20 ms. ``SSL_CERT_FILE`` names a company's own."""
    return httpx.create_ssl_context()


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
