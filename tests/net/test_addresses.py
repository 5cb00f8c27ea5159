"""Which URLs may be connected to."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.net.addresses import is_public, resolve
from seawall.net.client import FetchError, check_url


def resolver(*addresses: str) -> Any:
    def getaddrinfo(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.com/", "http or https"),
        ("file:///etc/passwd", "http or https"),
        ("example.com/hooks", "http or https"),
        ("https://", "no host"),
        ("https://user:secret@example.com/", "user name"),
        ("https://example.com:99999/", "impossible port"),
        ("https://[::1", "cannot be read"),
        ("https://example.com/a b", "without spaces"),
        ("https://example.com/\r\nx-evil: 1", "without spaces"),
        ("https://example.com/" + "a" * 2_000, "at most 2000"),
    ],
)
def test_urls_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(FetchError, match=says) as refused:
        check_url(url, allow_private=True)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # where clouds keep their credentials
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "2001:0:7f00:1::80ff:fffe",  # Teredo of 127.0.0.1
        "::ffff:0:127.0.0.1",  # SIIT's of 127.0.0.1
        "192.0.0.192",  # Oracle's metadata
        "192.0.0.8",
        "192.88.99.1",
        "198.18.0.1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
        "168.63.129.16",  # Azure's metadata
        "::ffff:192.0.0.192",
        "::ffff:168.63.129.16",
        "64:ff9b:1::1",
        "100::1",
        "2001:db8::1",
        "2001:2::1",
        "2001:10::1",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
        "fec0::1",
        "feff::1",
        "4000::1",  # not assigned
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(FetchError, match="private network"):
        check_url("https://hooks.example/", allow_private=False, getaddrinfo=resolver("93.184.215.14", address))
    check_url("https://hooks.example/", allow_private=True, getaddrinfo=resolver(address))


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "192.0.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "2001:4860:4860::8888",
        "3ffe::1",
        "64:ff9b::5db8:d70e",
    ],
)
def test_public_addresses(address: str) -> None:
    check_url("https://hooks.example/", allow_private=False, getaddrinfo=resolver(address))


def test_a_name_that_does_not_resolve() -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(FetchError, match="does not resolve"):
        check_url("https://hooks.exmaple/", allow_private=False, getaddrinfo=fails)
    with pytest.raises(FetchError, match="no address"):
        check_url("https://hooks.example/", allow_private=False, getaddrinfo=resolver())


def test_a_number_in_disguise_is_seen_through() -> None:
    """The system's own resolver reads 2130706433 as 127.0.0.1; what counts is what it answers."""
    with pytest.raises(FetchError, match="private network"):
        check_url("http://2130706433/", allow_private=False)


def test_a_refusal_does_not_tell_what_a_name_is_within() -> None:
    with pytest.raises(FetchError) as refused:
        check_url("https://db.internal/", allow_private=False, getaddrinfo=resolver("10.11.12.13"))
    assert "10.11" not in str(refused.value)


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_another_is_as_public_as_itself(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for hidden in (
        ipaddress.IPv6Address(0xFFFF << 32 | number),  # mapped
        ipaddress.IPv6Address(number),  # compatible
        ipaddress.IPv6Address((0x64FF9B << 96) | number),  # NAT64
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),  # 6to4
    ):
        assert is_public(str(hidden)) <= is_public(str(address))


def test_a_name_with_one_private_address_is_refused() -> None:
    with pytest.raises(FetchError) as caught:
        resolve("files.example", 80, allow_private=False, getaddrinfo=resolver("93.184.215.14", "10.0.0.1"))
    assert caught.value.code == "not_public"
    found = resolve("files.example", 80, allow_private=False, getaddrinfo=resolver("93.184.215.14", "93.184.215.14"))
    assert found == ("93.184.215.14",)
