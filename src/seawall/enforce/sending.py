"""One POST to a receiver that may be slow, silent, endless or hostile."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from seawall.enforce.urls import EndpointRefused, GetAddrInfo, Target, parse, resolve
from seawall.model.addresses import failed_on_tls, is_numeric

_ADDRESSES = 3  # of one host that are tried
_ANSWER_BYTES = 4_096  # of the answer's body that are read; none are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds. ``total`` covers connecting, sending and the answer's head; ``body`` what follows the head."""

    connect: float = 5.0
    total: float = 15.0
    body: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of it: an HTTP status, or a code that says why there is none."""

    status: int | None = None
    detail: str = ""
    retry_after: str | None = None


DEFAULT_LIMITS = Limits()


def post(
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    allow_private: bool,
    limits: Limits = DEFAULT_LIMITS,
    getaddrinfo: GetAddrInfo = socket.getaddrinfo,
) -> Sent:
    """Post once; never raises for what the receiver or the network does. Redirects are not followed.

    Blocks for ``limits`` at most, plus the system's resolver. Not to be called on a running event loop.
    """
    try:
        target = parse(url)
        addresses = resolve(target, allow_private=allow_private, getaddrinfo=getaddrinfo)
    except EndpointRefused:
        return Sent(detail="address_refused")
    except OSError:
        return Sent(detail="resolver")
    # An event loop for each attempt: it is the only way to put one deadline over connecting, TLS, sending and a head
    # that arrives byte by byte. It costs less than a millisecond.
    return asyncio.run(_post(url, target, addresses[:_ADDRESSES], dict(headers), body, limits))


async def _post(
    url: str, target: Target, addresses: tuple[str, ...], headers: dict[str, str], body: bytes, limits: Limits
) -> Sent:
    sent = Sent(detail="connect")
    try:
        async with asyncio.timeout(limits.total):
            for address in addresses:
                try:
                    return await _post_to(address, url, target, headers, body, limits)
                except httpx.ConnectTimeout:
                    sent = Sent(detail="connect_timeout")
                except httpx.ConnectError as error:
                    sent = Sent(detail="tls" if failed_on_tls(error) else "connect")
    except TimeoutError:
        return Sent(detail="timeout")
    except httpx.TimeoutException:
        return Sent(detail="timeout")
    except (httpx.TransportError, httpx.InvalidURL):
        return Sent(detail="protocol")
    return sent


async def _post_to(
    address: str, url: str, target: Target, headers: dict[str, str], body: bytes, limits: Limits
) -> Sent:
    """Post to the address that was checked, under the name that was asked for."""
    asked = httpx.URL(url)
    extensions = {} if is_numeric(target.host) else {"sni_hostname": target.host}
    timeout = httpx.Timeout(limits.total, connect=limits.connect)
    # trust_env: a proxy would resolve the name again, and differently.
    async with httpx.AsyncClient(verify=_tls(), timeout=timeout, trust_env=False) as client:
        request = client.build_request(
            "POST",
            asked.copy_with(host=address.partition("%")[0]),
            headers={"host": asked.netloc.decode("ascii"), **headers},
            content=body,
            extensions=extensions,
        )
        answer = await client.send(request, stream=True)
        try:
            await _drain(answer, limits)
        finally:
            await answer.aclose()
        return Sent(status=answer.status_code, retry_after=answer.headers.get("retry-after"))


async def _drain(answer: httpx.Response, limits: Limits) -> None:
    """Let a well-behaved receiver finish its sentence. Its status has been heard: whatever happens here, it counts."""
    read = 0
    with contextlib.suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(limits.body):
            async for piece in answer.aiter_raw():
                read += len(piece)
                if read >= _ANSWER_BYTES:
                    return


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the root certificates takes 20 ms. ``SSL_CERT_FILE`` names a company's own."""
    return httpx.create_ssl_context()
