"""Fetching of untrusted URLs without reaching private networks.

>>> from seawall.detect.fetch import FetchError, fetch
>>> try:
...     fetch("http://169.254.169.254/latest/meta-data/")
... except FetchError as error:
...     error.code
'not_public'
"""

from __future__ import annotations

import asyncio
import functools
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import httpx

from seawall.model.addresses import failed_on_tls, is_numeric, is_public

MAX_REDIRECTS: Final = 3
_LONGEST_URL: Final = 2_000
_ADDRESSES: Final = 3  # tried per host
_CONNECT_SECONDS: Final = 5.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""Resolves a host and port to numeric addresses that may be connected to. Raises ``FetchError``."""
GetAddrInfo: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """A fetched resource; ``content_type`` is the server's, in lower case, without parameters."""

    data: bytes
    content_type: str
    final_url: str


class FetchError(Exception):
    """Why a URL was not fetched: a code, and a text with the remedy.

    ``bad_url``, ``not_public``, ``does_not_resolve``, ``connect``, ``tls``, ``protocol``, ``status``,
    ``too_many_redirects``, ``compressed``, ``too_many_bytes``, ``time_limit``.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def public_addresses(host: str, port: int, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> Sequence[str]:
    """The numeric addresses of a host, if all of them are public. Raises ``FetchError``."""
    try:
        answers = getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError("does_not_resolve", f"{host!r} does not resolve. Check its spelling.") from error
    addresses = tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not addresses:
        raise FetchError("does_not_resolve", f"{host!r} has no address.")
    for address in addresses:
        if not is_public(address):
            raise FetchError(
                "not_public",
                f"{host!r} is {address}, an address inside a private network. Only public addresses are fetched from.",
            )
    return addresses


def fetch(
    url: str, *, max_bytes: int = 20 << 20, seconds: float = 10.0, resolver: Resolver = public_addresses
) -> FetchedFile:
    """Get ``url``, following up to three redirects, each checked like the first URL. Raises ``FetchError``.

    The connection goes to an address that ``resolver`` returned, so that DNS cannot change it in between. Blocks for at
    most ``seconds``, resolving included. Not to be called on a running event loop.
    """
    until = time.monotonic() + seconds
    current = _parse(url)
    for _ in range(MAX_REDIRECTS + 1):
        addresses = _resolve(resolver, current, until)
        answer = asyncio.run(_get(current, addresses[:_ADDRESSES], max_bytes, until))
        if isinstance(answer, FetchedFile):
            return answer
        current = _parse(answer)
    raise FetchError("too_many_redirects", f"The URL redirects more than {MAX_REDIRECTS} times. Use the final URL.")


def _parse(url: str) -> httpx.URL:
    if len(url) > _LONGEST_URL or not url.isprintable() or "\\" in url or any(map(str.isspace, url)):
        raise FetchError("bad_url", f"A URL must be one line of at most {_LONGEST_URL} characters, without spaces.")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("bad_url", "The URL cannot be read. Write https://host/path.") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchError("bad_url", f"Only http and https are fetched, not {parsed.scheme or 'nothing'!r}.")
    if parsed.userinfo:
        raise FetchError("bad_url", "The URL contains a user name or password. Remove it.")
    if not host or not 0 < (parsed.port or 80) < 65_536:
        raise FetchError("bad_url", "The URL has no host, or an impossible port. Write https://host/path.")
    return parsed


def _resolve(resolver: Resolver, url: httpx.URL, until: float) -> Sequence[str]:
    """The resolver's answer in time: the system's resolver has no deadline, so it is abandoned when time is up."""
    host, port = _host_of(url), url.port or (443 if url.scheme == "https" else 80)
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(resolver(host, port))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=look_up, name="seawall-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, until - time.monotonic()))
    except queue.Empty:
        raise _out_of_time() from None
    if isinstance(answer, Exception):
        raise answer
    return answer


async def _get(url: httpx.URL, addresses: Sequence[str], max_bytes: int, until: float) -> FetchedFile | str:
    """The resource, or the URL it redirects to. Raises ``FetchError``."""
    failure = FetchError("connect", f"No connection to {_host_of(url)}. Try again later.")
    try:
        async with asyncio.timeout(max(0.0, until - time.monotonic())):
            for address in addresses:
                try:
                    return await _get_from(address, url, max_bytes)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    if failed_on_tls(error):
                        failure = FetchError("tls", f"The certificate of {_host_of(url)} is not accepted.")
    except (TimeoutError, httpx.TimeoutException):
        raise _out_of_time() from None
    except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
        raise FetchError("protocol", f"{_host_of(url)} does not answer as an HTTP server.") from error
    raise failure


async def _get_from(address: str, url: httpx.URL, max_bytes: int) -> FetchedFile | str:
    """Request from the checked address, with the original host name."""
    host = _host_of(url)
    headers = {"host": url.netloc.decode("ascii"), "accept": "*/*", "accept-encoding": "identity"}
    timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
    # trust_env: a proxy would resolve the name again, possibly differently.
    async with httpx.AsyncClient(verify=_tls(), timeout=timeout, trust_env=False) as client:
        request = client.build_request(
            "GET",
            url.copy_with(host=address.partition("%")[0], fragment=None),
            headers=headers,
            extensions={} if is_numeric(host) else {"sni_hostname": host},
        )
        answer = await client.send(request, stream=True, follow_redirects=False)
        try:
            if answer.status_code in _REDIRECTS and "location" in answer.headers:
                return str(url.join(answer.headers["location"]))
            if answer.status_code != 200:
                raise FetchError("status", f"{host} answers with status {answer.status_code}. Check the URL.")
            data = await _read(answer, max_bytes)
        finally:
            await answer.aclose()
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return FetchedFile(data=data, content_type=kind[:100], final_url=str(url))


async def _read(answer: httpx.Response, max_bytes: int) -> bytes:
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise FetchError(
            "compressed", "The server compresses although it was asked not to; the size cannot be checked."
        )
    too_many = FetchError("too_many_bytes", f"The file has more than {max_bytes:,} bytes. Use a smaller file.")
    length = answer.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > max_bytes:
        raise too_many
    data = bytearray()
    async for piece in answer.aiter_raw():
        data += piece
        if len(data) > max_bytes:
            raise too_many
    return bytes(data)


def _out_of_time() -> FetchError:
    return FetchError("time_limit", "The URL was not fetched in time. Try again later, or allow more seconds.")


def _host_of(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


@functools.cache
def _tls() -> ssl.SSLContext:
    """Cached: reading the root certificates takes 20 ms. ``SSL_CERT_FILE`` adds a company's own."""
    return httpx.create_ssl_context()
