"""Where deliveries may go: not into the house's own network, unless the settings say so.

An endpoint's address is typed by a person and resolved by whoever owns its domain. Both are checked when the endpoint
is made, and the resolved addresses again at every attempt; the connection then goes to the address that was checked.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from seawall.model.addresses import is_public

_LONGEST: Final = 2_000

GetAddrInfo = Callable[..., Sequence[tuple[Any, ...]]]
"""``socket.getaddrinfo``, or a stand-in."""


class EndpointRefused(ValueError):
    """An address to which deliveries are not sent. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed address."""

    scheme: str
    host: str  # without brackets, lower case
    port: int


def parse(url: str) -> Target:
    """Take an address apart. Raises EndpointRefused for anything but plain http(s) with a host."""
    if len(url) > _LONGEST or not url.isprintable() or any(character.isspace() for character in url):
        raise EndpointRefused(f"An endpoint's URL is one line of at most {_LONGEST} characters, without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EndpointRefused(f"The URL cannot be read: {error}. Write https://host/path.") from error
    if parts.scheme not in ("http", "https"):
        raise EndpointRefused(f"Deliveries go over http or https, not {parts.scheme or 'nothing'!r}. Write https://…")
    if parts.username is not None or parts.password is not None:
        raise EndpointRefused("The URL holds a user name or password. Deliveries are signed: leave it out.")
    if not parts.hostname:
        raise EndpointRefused("The URL has no host. Write https://host/path.")
    if parts.fragment:
        raise EndpointRefused("The URL has a fragment (#…), which is never sent. Leave it out.")
    return Target(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))


def check(url: str, *, allow_private: bool, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> None:
    """Check the address of a new endpoint. Raises EndpointRefused.

    With ``allow_private`` nothing is resolved: the receiver may come up later.
    """
    target = parse(url)
    if not allow_private:
        resolve(target, allow_private=False, getaddrinfo=getaddrinfo)


def resolve(target: Target, *, allow_private: bool, getaddrinfo: GetAddrInfo = socket.getaddrinfo) -> tuple[str, ...]:
    """The numeric addresses of a target, in the resolver's order, at least one.

    Raises EndpointRefused when one of them is not public and ``allow_private`` is false, or when there is none.
    Blocks for as long as the system's resolver takes.
    """
    try:
        answers = getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise EndpointRefused(f"{target.host!r} is not a host name.") from error
    except socket.gaierror as error:
        raise EndpointRefused(f"{target.host!r} does not resolve ({error.strerror}). Check its spelling.") from error
    addresses = tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not addresses:
        raise EndpointRefused(f"{target.host!r} has no address.")
    for address in addresses:
        if not allow_private and not is_public(address):
            raise EndpointRefused(
                f"{target.host!r} is {address}, an address inside the house's own network. "
                "Use a public address, or set SEAWALL_ALLOW_PRIVATE_ENDPOINTS=1."
            )
    return addresses
