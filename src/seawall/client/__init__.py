"""Client library for product teams: screen content before publishing, and receive webhooks afterwards. HTTP only.

    from seawall.client import Seawall

    seawall = Seawall("https://seawall.example", api_key)
    answer = seawall.screen("comment", "c-1", {"body": text}, actor="u-9", deadline_ms=300, on_unreachable="hold")
    if answer.allowed:
        publish()

``AsyncSeawall`` is the same for event loops; ``seawall.guard`` wraps a function, ``SeawallMiddleware`` an ASGI
application; ``Receiver`` verifies webhooks; ``seawall.client.testing`` has a fake for tests. See docs/integrate.md.
"""

from seawall.client.asynchronous import AsyncSeawall
from seawall.client.errors import (
    CannotSend,
    Conflict,
    ContentBlocked,
    ContentHeld,
    Gone,
    InvalidRequest,
    NotAuthorised,
    NotFound,
    NotPublished,
    RequestRefused,
    SeawallError,
    Unreachable,
)
from seawall.client.middleware import Posted, Route, Screened, SeawallMiddleware
from seawall.client.results import OnUnreachable, ResultAction, ResultReason, ScreenResult, Submission, Verdict
from seawall.client.synchronous import Seawall
from seawall.client.webhooks import Message, Receiver, Seen, SeenInMemory, WebhookError, verify_webhook

__all__ = [
    "AsyncSeawall",
    "CannotSend",
    "Conflict",
    "ContentBlocked",
    "ContentHeld",
    "Gone",
    "InvalidRequest",
    "Message",
    "NotAuthorised",
    "NotFound",
    "NotPublished",
    "OnUnreachable",
    "Posted",
    "Receiver",
    "RequestRefused",
    "ResultAction",
    "ResultReason",
    "Route",
    "ScreenResult",
    "Screened",
    "Seawall",
    "SeawallError",
    "SeawallMiddleware",
    "Seen",
    "SeenInMemory",
    "Submission",
    "Unreachable",
    "Verdict",
    "WebhookError",
    "verify_webhook",
]
