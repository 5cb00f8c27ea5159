"""Classification of network addresses, checked before fetching from or posting to a foreign URL."""

from __future__ import annotations

import ipaddress
import ssl
from typing import Final

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


def failed_on_tls(error: BaseException) -> bool:
    """Whether a connection failed because of TLS: a certificate, a version, a name."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
