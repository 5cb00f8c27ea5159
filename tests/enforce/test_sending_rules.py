"""Where messages may go, when they go again, and how they are signed."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from seawall.enforce import EndpointRefused, add_endpoint, list_endpoints
from seawall.enforce.backoff import LONGEST_MS, WAITS_MS, retry_after, wait_ms
from seawall.enforce.signing import new_secret, sign
from seawall.enforce.urls import check, parse
from seawall.model.addresses import is_public
from support.enforcement import House


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
        ("https://example.com:99999/", "cannot be read"),
        ("https://[::1", "cannot be read"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com/a b", "without spaces"),
        ("https://example.com/\r\nx-evil: 1", "without spaces"),
        ("https://example.com/" + "a" * 2_000, "at most 2000"),
    ],
)
def test_addresses_that_are_not_taken(url: str, says: str) -> None:
    with pytest.raises(EndpointRefused, match=says) as refused:
        parse(url)
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
    ],
)
def test_addresses_inside_the_house(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(EndpointRefused, match="own network"):
        check("https://hooks.example/", allow_private=False, getaddrinfo=resolver("93.184.215.14", address))
    check("https://hooks.example/", allow_private=True, getaddrinfo=resolver(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_public_addresses(address: str) -> None:
    check("https://hooks.example/", allow_private=False, getaddrinfo=resolver(address))


def test_a_name_that_does_not_resolve() -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(EndpointRefused, match="does not resolve"):
        check("https://hooks.exmaple/", allow_private=False, getaddrinfo=fails)
    with pytest.raises(EndpointRefused, match="no address"):
        check("https://hooks.example/", allow_private=False, getaddrinfo=resolver())


def test_a_number_in_disguise_is_seen_through() -> None:
    """The system's own resolver reads 2130706433 as 127.0.0.1; what counts is what it answers."""
    with pytest.raises(EndpointRefused, match=r"127\.0\.0\.1"):
        check("http://2130706433/", allow_private=False)


def test_a_refused_endpoint_is_not_kept(sqlite_house: House) -> None:
    with pytest.raises(EndpointRefused, match="SEAWALL_ALLOW_PRIVATE_ENDPOINTS"):
        add_endpoint(sqlite_house.ledger, sqlite_house.vault, url="http://127.0.0.1/")
    assert list_endpoints(sqlite_house.database) == []


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True), st.none() | st.integers(0, 10**10))
def test_waits_are_bounded(attempt: int, random: float, asked: int | None) -> None:
    wait = wait_ms(attempt, random=random, retry_after_ms=asked)
    if attempt > len(WAITS_MS):
        assert wait is None
    else:
        assert wait is not None
        assert 0.8 * WAITS_MS[attempt - 1] - 1 <= wait <= 1.2 * LONGEST_MS
        assert wait >= min(asked or 0, LONGEST_MS)


NOW = int(datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),  # a digit, but not one of the protocol's
        ("0", 0),
        ("120", 120_000),
        ("9" * 5_000, LONGEST_MS),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60_000),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 12:01:00", 60_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_MS),
        ("Sun, 99 Nov 2026 12:01:00 GMT", None),
    ],
)
def test_retry_after(header: str | None, expected: int | None) -> None:
    assert retry_after(header, NOW) == expected


@given(st.binary(max_size=200))
def test_signatures_are_those_of_the_scheme(body: bytes) -> None:
    secret = new_secret()
    at = int(datetime.now(UTC).timestamp())
    ours = sign(secret, "dlv_1", at, body)
    text = body.decode("latin-1")  # the library signs text
    theirs = Webhook(secret).sign("dlv_1", datetime.fromtimestamp(at, UTC), text)
    assert sign(secret, "dlv_1", at, text.encode()) == theirs
    assert ours.startswith("v1,")


def test_a_secret_that_is_none() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        sign("whsec_***", "dlv_1", 0, b"")
