"""Webhook receiver: verifies signatures and discards repetitions.

Standard Webhooks (https://www.standardwebhooks.com), symmetric signatures ``v1``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

TOLERANCE_S: Final = 300
"""Maximum difference between a message's timestamp and the clock, in seconds, against replayed messages."""

_PREFIX: Final = "whsec_"
_SHORTEST_KEY: Final = 24  # bytes: Standard Webhooks has 24 to 64


class WebhookError(ValueError):
    """A message that is invalid or not authentic. Answer it with 400 or 401."""


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message. ``id`` is the same in every repetition. ``data`` is described in docs/integrate.md."""

    id: str
    type: str  # enforcement.applied | enforcement.reversed
    timestamp: str  # RFC 3339: when it happened, not when it was sent
    data: Mapping[str, Any]


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes | str,
    secret: str | Iterable[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> Message:
    """Check signature and timestamp of a request and read its message.

    ``body`` is the unchanged request body; a text is taken as its UTF-8. ``secret``: ``whsec_…``, or several during a
    rotation. ``now``: seconds since 1970, default the clock. Raises WebhookError; ValueError for a secret that is
    missing, too short or malformed; TypeError for a body that was parsed already.
    """
    keys = _keys(secret)
    raw = _raw(body)
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp, signatures = (
            lower[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        )
    except KeyError as error:
        raise WebhookError(f"The header {error.args[0]} is missing.") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookError("webhook-timestamp is not a number of seconds.")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_s:
        raise WebhookError("The message is too old, or a clock is wrong.")
    signed = b".".join((message_id.encode(), timestamp.encode(), raw))
    if not _is_signed(signed, signatures, keys):
        raise WebhookError("The signature does not match. Compare the secret with the endpoint's.")
    return _message(message_id, raw)


def _is_signed(signed: bytes, signatures: str, keys: list[bytes]) -> bool:
    expected = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys]
    fits = False
    for signature in signatures.split():
        version, _, value = signature.partition(",")
        if version == "v1":
            for good in expected:
                fits |= hmac.compare_digest(good, value.encode())
    return fits


def _message(message_id: str, body: bytes) -> Message:
    try:
        parsed = json.loads(body)
        message = Message(message_id, parsed["type"], parsed["timestamp"], parsed["data"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WebhookError("The body is not a message of Seawall.") from error
    if not isinstance(message.data, dict) or not isinstance(message.type, str):
        raise WebhookError("The body is not a message of Seawall.")
    return message


def _raw(body: object) -> bytes:
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    raise TypeError(f"the body is {type(body).__name__}: give the bytes of the request, before they are parsed")


def _keys(secret: str | Iterable[str]) -> list[bytes]:
    """The keys, at least one. Anybody can sign with an empty one, so such a secret is an error, not a mismatch."""
    keys = [_key(one) for one in ([secret] if secret is None or isinstance(secret, str) else secret)]
    if not keys:
        raise ValueError("No webhook secret is given. Is the variable that holds it set?")
    return keys


def _key(secret: str) -> bytes:
    if not isinstance(secret, str):
        raise ValueError(f"A webhook's secret is a text, not {type(secret).__name__}. Is the variable set?")
    text = secret.strip()  # the line feed of a file
    if not text:
        raise ValueError("The webhook's secret is empty: anybody could sign. Is the variable that holds it set?")
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("A webhook's secret is 'whsec_' and base64, as Seawall showed it.") from None
    if len(key) < _SHORTEST_KEY:
        raise ValueError(
            f"The webhook's secret has {len(key)} bytes, not {_SHORTEST_KEY} or more: use it as Seawall showed it."
        )
    return key


class Seen(Protocol):
    """A store of message ids. A table in your database is best: it is persistent and shared."""

    def __contains__(self, message_id: str, /) -> bool:
        """Whether the id was added."""

    def add(self, message_id: str, /) -> None:
        """Remember it."""


class SeenInMemory:
    """The newest ids, in this process only."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._ids

    def add(self, message_id: str) -> None:
        """Add an id, dropping the oldest when there are too many."""
        self._ids[message_id] = None
        if len(self._ids) > self._size:
            self._ids.popitem(last=False)


class Receiver:
    """Verifies messages and passes each to your code once::

        receiver = Receiver(os.environ["SEAWALL_WEBHOOK_SECRET"])
        receiver.receive(request.headers, request.body, apply)  # then answer 204; 401 for a WebhookError

    A message whose handler raised is not remembered: answer 500 and Seawall sends it again. Threads may share one;
    messages are then handled one at a time.
    """

    def __init__(
        self, secret: str | Iterable[str], *, seen: Seen | None = None, tolerance_s: float = TOLERANCE_S
    ) -> None:
        self._secrets = [secret] if secret is None or isinstance(secret, str) else list(secret)
        _keys(self._secrets)
        self._seen: Seen = SeenInMemory() if seen is None else seen
        self._tolerance_s = tolerance_s
        self._lock = threading.Lock()

    def receive(self, headers: Mapping[str, str], body: bytes | str, handle: Callable[[Message], object]) -> bool:
        """Handle a message unless it is a repetition; True if new. Raises WebhookError, or as ``handle`` does."""
        message = verify_webhook(headers, body, self._secrets, tolerance_s=self._tolerance_s)
        with self._lock:
            if message.id in self._seen:
                return False
            handle(message)
            self._seen.add(message.id)
        return True
