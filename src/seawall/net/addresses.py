"""Checks whether network addresses are public, and resolves host names to permitted addresses."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from seawall.net.errors import FetchError

GetAddrInfo: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]
"""``socket.getaddrinfo``, or a replacement for tests."""

# IANA's special-purpose address registries (RFC 6890) as of 2026, where "globally reachable" is not true, and
# multicast. A list of our own: that of Python's ``ipaddress`` changes from one version to the next.
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments; Oracle's metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "168.63.129.16/32",  # Azure's metadata, among public addresses
        "::/128",  # unspecified
        "::1/128",  # loopback
        "64:ff9b:1::/48",  # NAT64 of the local network
        "100::/64",  # discard
        "100:0:0:1::/64",  # dummy prefix
        "2001::/23",  # IETF protocol assignments; Teredo is looked into before
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, deprecated
        "ff00::/8",  # multicast
    )
)
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")  # all that is assigned of IPv6
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")  # IPv4 addresses in the deprecated IPv6 notation
_TRANSLATED: Final = ipaddress.IPv6Network("::ffff:0:0:0/96")  # IPv4 addresses in SIIT's notation


def is_public(address: str) -> bool:
    """Whether a numeric address is on the public internet, including IPv4 addresses embedded in IPv6 ones.

    Not public: private, loopback, link-local (cloud metadata among them), carrier-grade NAT, multicast, reserved and
    documentation addresses. Raises ``ValueError`` when it is not a numeric address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])  # without a zone such as %eth0
    if isinstance(ip, ipaddress.IPv6Address):
        if (hidden := _hidden(ip)) is not None:
            return is_public(str(hidden))
        if ip not in _GLOBAL_UNICAST:
            return False
    return not any(ip in network for network in _NOT_PUBLIC if network.version == ip.version)


def _hidden(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to this address reach in the end; None when there is none."""
    found = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if found is None and any(ip in network for network in (_COMPATIBLE, _NAT64, _TRANSLATED)):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return found


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
                f"{host!r} is an address inside a private network. Only public addresses are allowed here.",
            )
    return addresses
