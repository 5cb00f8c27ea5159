"""Checks whether network addresses are public, and resolves host names to permitted addresses."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from seawall.net.errors import FetchError

GetAddrInfo: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]
"""``socket.getaddrinfo``, or a replacement for tests."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")  # IPv4 addresses in the deprecated IPv6 notation
_METADATA: Final = ipaddress.IPv4Address("168.63.129.16")  # Azure's, among public addresses


def is_public(address: str) -> bool:
    """Whether a numeric address is on the public internet, including IPv4 addresses embedded in IPv6 ones.

    Not public: private, loopback, link-local (cloud metadata among them), carrier-grade NAT, multicast, reserved and
    documentation addresses. Raises ``ValueError`` when it is not a numeric address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])  # without a zone such as %eth0
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if hidden is None and (ip in _COMPATIBLE or ip in _NAT64):
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if hidden is not None:
            return is_public(str(hidden))
        if ip in _LOCAL_NAT64:
            return False
    return ip != _METADATA and ip.is_global and not ip.is_multicast and not ip.is_reserved


def is_numeric(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def resolve(
    host: str, port: int, *, allow_private: bool, getaddrinfo: GetAddrInfo = socket.getaddrinfo
) -> tuple[str, ...]:
    """The numeric addresses of a host, in the resolver's order, at least one.

    Raises ``FetchError`` when one of them is not public and ``allow_private`` is false, or when there is none. Blocks
    as long as the system's resolver.
    """
    try:
        answers = getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError("does_not_resolve", f"{host!r} does not resolve. Check its spelling.") from error
    addresses = tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not addresses:
        raise FetchError("does_not_resolve", f"{host!r} has no address. Check its spelling.")
    for address in addresses:
        if not allow_private and not is_public(address):
            raise FetchError(
                "not_public",
                f"{host!r} is {address}, an address inside a private network. Only public addresses are allowed here.",
            )
    return addresses
