"""Webhook endpoints: their URLs, the content types they receive, and their signing secrets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, select, update

from seawall.enforce.events import EndpointAdded, EndpointSecretRotated, EndpointSwitched
from seawall.enforce.signing import new_secret
from seawall.enforce.tables import endpoint as table
from seawall.model import ACCOUNT_TYPE, new_id, now_ms
from seawall.net.addresses import GetAddrInfo
from seawall.net.client import FetchError, check_url
from seawall.storage import Database, Ledger, Transaction, Vault

OVERLAP_MS: Final = 24 * 3_600_000
"""How long messages are also signed with the old secret after a rotation, so that receivers can switch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A receiver. ``content_types``: those it receives; empty: all."""

    id: str
    url: str
    content_types: tuple[str, ...]
    enabled: bool
    created_at: int

    def wants(self, content_type: str) -> bool:
        """Whether deliveries about that content type go to this endpoint. Those about an account go to all."""
        return self.enabled and (
            not self.content_types or content_type in self.content_types or content_type == ACCOUNT_TYPE
        )


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """An endpoint's signing secrets, as sealed in the vault."""

    current: str
    previous: str | None = None
    previous_until: int = 0

    def valid_at(self, at: int) -> tuple[str, ...]:
        """The secrets to sign with at this time."""
        if self.previous is not None and at < self.previous_until:
            return (self.current, self.previous)
        return (self.current,)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new secret, which is shown only once."""

    endpoint: str
    secret: str


class EndpointRefused(ValueError):
    """A URL to which deliveries are not sent. The text says why and what to do."""


class UnknownEndpoint(LookupError):
    """No endpoint has that id."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"There is no endpoint {endpoint!r}. See the list of endpoints for its id.")


def add_endpoint(
    ledger: Ledger,
    vault: Vault,
    *,
    url: str,
    content_types: Iterable[str] = (),
    allow_private: bool = False,
    by: str = "system",
    getaddrinfo: GetAddrInfo = socket.getaddrinfo,
) -> NewSecret:
    """Register a receiver; later enforcements are delivered to it.

    Raises EndpointRefused, with a remedy, for a URL to which deliveries are not sent: it is checked here, and again
    at each attempt.
    """
    _check(url, allow_private, getaddrinfo)
    made = NewSecret(new_id("ep"), new_secret())
    wanted = sorted(set(content_types))
    row = {
        "id": made.endpoint,
        "url": url,
        "secret": _protect(vault, made.endpoint, SigningSecrets(made.secret)),
        "content_types": msgspec.json.encode(wanted).decode(),
        "enabled": True,
        "created_at": now_ms(),
    }

    def unit(tx: Transaction) -> None:
        tx.insert(table, row)
        tx.append(EndpointAdded(endpoint=made.endpoint, content_types=tuple(wanted), by=by))

    ledger.commit(unit)
    return made


def _check(url: str, allow_private: bool, getaddrinfo: GetAddrInfo) -> None:
    try:
        check_url(url, allow_private=allow_private, getaddrinfo=getaddrinfo)
    except FetchError as error:
        remedy = (
            " Use a public address, or set SEAWALL_ALLOW_PRIVATE_ENDPOINTS=1." if error.code == "not_public" else ""
        )
        raise EndpointRefused(f"{error}{remedy}") from error
    if "#" in url:
        raise EndpointRefused("The URL has a fragment (#…), which is never sent. Leave it out.")


def list_endpoints(database: Database) -> list[Endpoint]:
    """All endpoints, oldest first."""
    with database.read() as connection:
        return [_endpoint(row) for row in connection.execute(_EVERY).mappings()]


def set_enabled(ledger: Ledger, endpoint: str, enabled: bool, *, by: str = "system") -> None:
    """Switch a receiver on or off. Raises UnknownEndpoint.

    While it is disabled, nothing new is queued for it, and queued messages become dead (``endpoint_disabled``) when
    they are due; they can be replayed after enabling it.
    """

    def unit(tx: Transaction) -> None:
        if tx.execute(select(table.c.id).where(table.c.id == endpoint)).first() is None:
            raise UnknownEndpoint(endpoint)
        tx.execute(update(table).where(table.c.id == endpoint).values(enabled=enabled))
        tx.append(EndpointSwitched(endpoint=endpoint, enabled=enabled, by=by))

    ledger.commit(unit)


def rotate_secret(ledger: Ledger, vault: Vault, endpoint: str, *, by: str = "system") -> NewSecret:
    """Give a receiver a new secret. Raises UnknownEndpoint. The old one goes on being used beside it for a day."""
    made = NewSecret(endpoint, new_secret())

    def unit(tx: Transaction) -> None:
        row = tx.execute(select(table.c.secret).where(table.c.id == endpoint)).first()
        if row is None:
            raise UnknownEndpoint(endpoint)
        old = _reveal(vault, endpoint, row.secret)
        new = SigningSecrets(made.secret, old.current, tx.at + OVERLAP_MS)
        values = {"secret": _protect(vault, endpoint, new)}
        tx.execute(update(table).where(table.c.id == endpoint).values(values))
        tx.append(EndpointSecretRotated(endpoint=endpoint, by=by))

    ledger.commit(unit)
    return made


def find_endpoint(database: Database, vault: Vault, endpoint: str) -> tuple[Endpoint, SigningSecrets] | None:
    """A receiver with its secrets; None when the id is unknown."""
    with database.read() as connection:
        row = connection.execute(select(table).where(table.c.id == endpoint)).mappings().first()
    return None if row is None else (_endpoint(row), _reveal(vault, endpoint, row["secret"]))


def reseal_secrets(connection: Connection, reseal: Callable[[str, bytes], bytes]) -> None:
    """Seal every endpoint's secrets anew: the master key is changed."""
    for row in connection.execute(select(table.c.id, table.c.secret)).all():
        sealed = reseal(f"endpoint/{row.id}", bytes(row.secret))
        connection.execute(update(table).where(table.c.id == row.id).values(secret=sealed))


def receivers(tx: Transaction, content_type: str) -> tuple[Endpoint, ...]:
    """The receivers to tell of an enforcement. One SELECT for a batch of units, none if no unit asks."""
    endpoints = tx.batch_cache(
        "enforce.endpoints", lambda: tuple(_endpoint(row) for row in tx.execute(_EVERY).mappings())
    )
    return tuple(endpoint for endpoint in endpoints if endpoint.wants(content_type))


_EVERY = select(table).order_by(table.c.created_at, table.c.id)


def _endpoint(row: RowMapping | dict[str, Any]) -> Endpoint:
    return Endpoint(
        id=row["id"],
        url=row["url"],
        content_types=tuple(msgspec.json.decode(row["content_types"], type=list[str])),
        enabled=row["enabled"],
        created_at=row["created_at"],
    )


def _protect(vault: Vault, endpoint: str, secrets: SigningSecrets) -> bytes:
    return vault.protect(f"endpoint/{endpoint}", msgspec.json.encode(secrets))


def _reveal(vault: Vault, endpoint: str, sealed: bytes) -> SigningSecrets:
    return msgspec.json.decode(vault.reveal(f"endpoint/{endpoint}", sealed), type=SigningSecrets)
