"""Standard Webhooks signatures (https://www.standardwebhooks.com, version 1.0.0, symmetric ``v1``)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
_SHORTEST_SECRET_BYTES = 24
_SECRET_BYTES = 32  # the specification requires 24 to 64


def new_secret() -> str:
    """A fresh signing secret in the format of receivers' libraries: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: HMAC-SHA256 over id, seconds since 1970 and body, joined by dots.

    Raises ValueError when the secret is not ``whsec_`` and base64 of 24 bytes or more.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"A signing secret must be {PREFIX!r} and base64. Rotate the endpoint's secret.") from error
    if len(key) < _SHORTEST_SECRET_BYTES:
        raise ValueError("A signing secret is empty or too short: anybody could sign. Rotate the endpoint's secret.")
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
