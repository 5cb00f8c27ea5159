"""HTTP requests to untrusted URLs, with protection against requests to private networks (SSRF).

A host name is resolved once, all its addresses are checked, and the connection uses one of those addresses,
so a name cannot change its address after the check. Redirects are checked likewise. Time and size are limited.

>>> from seawall.net.client import FetchError, fetch
>>> try:
...     fetch("http://169.254.169.254/latest/meta-data/")
... except FetchError as error:
...     error.code
'not_public'
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from seawall.net.addresses import GetAddrInfo, is_numeric, resolve
from seawall.net.errors import FetchError
from seawall.net.tls import failed_on_tls, tls_context

__all__ = [
    "DEFAULT_LIMITS",
    "FetchError",
    "Fetched",
    "PostAnswer",
    "PostLimits",
    "Sent",
    "ask",
    "check_url",
    "fetch",
    "post",
]

MAX_REDIRECTS: Final = 3
_LONGEST_URL: Final = 2_000
_ADDRESSES: Final = 3  # tried per host
_CONNECT_SECONDS: Final = 5.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_DRAINED_BYTES: Final = 4_096  # of a POST response's body, which is discarded


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Content of a URL; ``content_type`` is the server's header, in lower case, without parameters."""

    data: bytes
    content_type: str
    final_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLimits:
    """Seconds. ``total`` covers resolving, connecting, sending and the response's head; ``body`` what follows it."""

    connect: float = _CONNECT_SECONDS
    total: float = 15.0
    body: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Outcome of a POST: an HTTP status, or the code of a ``FetchError`` if there is none."""

    status: int | None = None
    detail: str = ""
    retry_after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAnswer:
    """Answer to a POST, whatever its status."""

    status: int
    data: bytes


DEFAULT_LIMITS: Final = PostLimits()


def fetch(
    url: str,
    *,
    max_bytes: int = 20 << 20,
    seconds: float = 10.0,
    allow_private: bool = False,
    getaddrinfo: GetAddrInfo = socket.getaddrinfo,
) -> Fetched:
    """Get ``url``, following up to three redirects, each checked like the first URL. Raises ``FetchError``.

    Blocks for ``seconds`` at most, resolving included. Not to be called on a running event loop.
    """
    until = time.monotonic() + seconds
    current = _parse(url)
    for _ in range(MAX_REDIRECTS + 1):
        addresses = _resolve_until(until, current, allow_private, getaddrinfo)
        answer = asyncio.run(_get(current, addresses, max_bytes, until))
        if isinstance(answer, Fetched):
            return answer
        current = _parse(answer)
    raise FetchError(
        "too_many_redirects", f"The URL is redirected more than {MAX_REDIRECTS} times. Use the address it ends at."
    )


def post(
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    allow_private: bool,
    limits: PostLimits = DEFAULT_LIMITS,
    getaddrinfo: GetAddrInfo = socket.getaddrinfo,
) -> Sent:
    """Send one POST; never raises because of the receiver or the network. Redirects are not followed.

    Blocks for ``limits`` at most. Not to be called on a running event loop.
    """
    until = time.monotonic() + limits.total
    try:
        parsed = _parse(url)
        addresses = _resolve_until(until, parsed, allow_private, getaddrinfo)
        # An event loop per attempt, because only that puts one deadline over connecting, TLS, sending and a head that
        # arrives byte by byte. It costs less than a millisecond.
        return asyncio.run(_post(parsed, addresses, headers, body, limits, until))
    except FetchError as error:
        return Sent(detail=error.code)


def ask(
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    max_bytes: int = 1 << 20,
    seconds: float = 10.0,
    allow_private: bool = False,
    getaddrinfo: GetAddrInfo = socket.getaddrinfo,
) -> PostAnswer:
    """Send one POST and read its answer, whatever its status. Redirects are not followed. Raises ``FetchError``.

    Blocks for ``seconds`` at most, resolving included. Not to be called on a running event loop.
    """
    until = time.monotonic() + seconds
    parsed = _parse(url)
    addresses = _resolve_until(until, parsed, allow_private, getaddrinfo)
    return asyncio.run(_ask(parsed, addresses, headers, body, max_bytes, until))


def check_url(url: str, *, allow_private: bool, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> None:
    """Raise ``FetchError`` for a URL that ``fetch`` and ``post`` would refuse.

    With ``allow_private`` nothing is resolved: the host may come up later.
    """
    parsed = _parse(url)
    if not allow_private:
        resolve(_host_of(parsed), _port_of(parsed), allow_private=False, getaddrinfo=getaddrinfo)


def _parse(url: str) -> httpx.URL:
    if len(url) > _LONGEST_URL or not url.isprintable() or "\\" in url or any(map(str.isspace, url)):
        raise FetchError("bad_url", f"A URL is one line of at most {_LONGEST_URL} characters, without spaces.")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("bad_url", "The URL cannot be read. Write https://host/path.") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchError("bad_url", f"A URL begins with http or https, not {parsed.scheme or 'nothing'!r}.")
    if parsed.userinfo:
        raise FetchError("bad_url", "The URL holds a user name or password. Leave it out.")
    if not host or not 0 < (parsed.port or 80) < 65_536:
        raise FetchError("bad_url", "The URL has no host, or an impossible port. Write https://host/path.")
    return parsed


def _resolve_until(until: float, url: httpx.URL, allow_private: bool, getaddrinfo: GetAddrInfo) -> Sequence[str]:
    """Resolve within the time limit. The system's resolver has no deadline, so it is abandoned when the time is up."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(resolve(_host_of(url), _port_of(url), allow_private=allow_private, getaddrinfo=getaddrinfo))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=look_up, name="seawall-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, until - time.monotonic()))
    except queue.Empty:
        raise _out_of_time(url) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


async def _get(url: httpx.URL, addresses: Sequence[str], max_bytes: int, until: float) -> Fetched | str:
    """Content of the URL, or the target of its redirect. Raises ``FetchError``."""
    headers = {"accept": "*/*", "accept-encoding": "identity"}
    with _explained(url):
        async with asyncio.timeout(until - time.monotonic()), _open("GET", url, addresses, headers) as answer:
            if answer.status_code in _REDIRECTS and "location" in answer.headers:
                return str(url.join(answer.headers["location"]))
            if answer.status_code != 200:
                text = f"{_host_of(url)} answers with status {answer.status_code}. Check the URL."
                raise FetchError("status", text)
            data = await _read(answer, max_bytes)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(data=data, content_type=kind[:100], final_url=str(url))


async def _read(answer: httpx.Response, max_bytes: int) -> bytes:
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise FetchError("compressed", "The server compresses although it was asked not to: it may hold anything.")
    too_many = FetchError("too_many_bytes", f"The URL holds more than {max_bytes:,} bytes. Use a smaller file.")
    length = answer.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > max_bytes:
        raise too_many
    data = bytearray()
    async for piece in answer.aiter_raw():
        data += piece
        if len(data) > max_bytes:
            raise too_many
    return bytes(data)


async def _post(
    url: httpx.URL,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    limits: PostLimits,
    until: float,
) -> Sent:
    async with contextlib.AsyncExitStack() as stack:
        with _explained(url):
            async with asyncio.timeout(until - time.monotonic()):
                opened = _open("POST", url, addresses, headers, body, connect_s=limits.connect)
                answer = await stack.enter_async_context(opened)
        await _drain(answer, limits.body)
        return Sent(status=answer.status_code, retry_after=answer.headers.get("retry-after"))


async def _ask(
    url: httpx.URL, addresses: Sequence[str], headers: Mapping[str, str], body: bytes, max_bytes: int, until: float
) -> PostAnswer:
    headers = {"accept-encoding": "identity", **headers}
    with _explained(url):
        async with asyncio.timeout(until - time.monotonic()), _open("POST", url, addresses, headers, body) as answer:
            return PostAnswer(status=answer.status_code, data=await _read(answer, max_bytes))


async def _drain(answer: httpx.Response, seconds: float) -> None:
    """Drain a small rest of the response so that the receiver can finish sending; errors do not change the known
    status."""
    read = 0
    with contextlib.suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(seconds):
            async for piece in answer.aiter_raw():
                read += len(piece)
                if read >= _DRAINED_BYTES:
                    return


@contextlib.asynccontextmanager
async def _open(
    method: str,
    url: httpx.URL,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    connect_s: float = _CONNECT_SECONDS,
) -> AsyncIterator[httpx.Response]:
    """The head of the response, from the first checked address that accepts a connection."""
    # trust_env=False, because a proxy would resolve the name again, possibly to another address.
    timeout = httpx.Timeout(None, connect=connect_s)
    async with httpx.AsyncClient(verify=tls_context(), timeout=timeout, trust_env=False) as client:
        answer = await _first_answer(client, method, url, addresses[:_ADDRESSES], headers, body)
        try:
            yield answer
        finally:
            await answer.aclose()


async def _first_answer(
    client: httpx.AsyncClient,
    method: str,
    url: httpx.URL,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes | None,
) -> httpx.Response:
    """Response from a checked address, requested under the original host name. Raises ``FetchError``."""
    host = _host_of(url)
    failure = FetchError("connect", f"No connection to {host}. Try again later.")
    for address in addresses:
        request = client.build_request(
            method,
            url.copy_with(host=address.partition("%")[0], fragment=None),
            headers={"host": url.netloc.decode("ascii"), **headers},
            content=body,
            extensions={} if is_numeric(host) else {"sni_hostname": host},
        )
        try:
            return await client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectTimeout:
            failure = FetchError("connect_timeout", f"No connection to {host} in time. Try again later.")
        except httpx.ConnectError as error:
            if failed_on_tls(error):
                failure = FetchError("tls", f"The certificate of {host} is not accepted.")
            else:
                failure = FetchError("connect", f"No connection to {host}. Try again later.")
    raise failure


@contextlib.contextmanager
def _explained(url: httpx.URL) -> Iterator[None]:
    """Convert network errors to ``FetchError``."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException):
        raise _out_of_time(url) from None
    except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
        raise FetchError("protocol", f"{_host_of(url)} does not answer as an HTTP server should.") from error


def _out_of_time(url: httpx.URL) -> FetchError:
    return FetchError("time_limit", f"{_host_of(url)} did not answer in time. Try again later, or allow more seconds.")


def _host_of(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


def _port_of(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
