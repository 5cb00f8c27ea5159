"""A local server that speaks the shapes of the exchanges, written after the client code of ``threatexchange``."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seawall.match.exchange import Exchange, ExchangeConfig, ExchangeFeedback, open_exchange

PDQ = ["0f" * 32, "f0" * 32, "3c" * 32]
MD5 = ["a" * 32, "b" * 32, "c" * 32]
SECRETS = {"user": "our-user", "password": "our-password", "token": "12345678|" + "s" * 30, "key": "our-key"}


@dataclass
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, str, bytes]


@dataclass
class Server:
    """What it answers is the test's: ``answer`` maps a request to status, content type and body."""

    url: str
    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)

    def posts(self) -> list[Asked]:
        """Requests that write."""
        return [one for one in self.asked if one.method != "GET"]


@contextmanager
def serving(answer: Callable[[Asked], Answer]) -> Iterator[Server]:
    """A server on this machine for the length of a test."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            asked = Asked(
                self.command,
                parts.path,
                parse_qs(parts.query),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            server.asked.append(asked)
            status, kind, body = server.answer(asked)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}", answer)
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def as_json(value: Any, status: int = 200) -> Answer:
    """An answer in JSON."""
    return status, "application/json", json.dumps(value).encode()


# -- the shapes: each from the same list of (key number, PDQ, state) ---------------------------------------------

Things = list[tuple[str, bool]]  # a PDQ hash, and whether it was taken back


def ncmec(things: Things) -> Callable[[Asked], Answer]:
    """Entries in XML; votes by PUT."""

    def answer(asked: Asked) -> Answer:
        if asked.method == "PUT":
            return 200, "application/xml", b"<feedbackResult/>"
        if "feedback" in asked.path:
            reasons = (
                '<r xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><availableFeedbackReasons>'
                '<feedbackReason guid="g-1" name="Example Reason 1" type="SHA1"/></availableFeedbackReasons></r>'
            )
            return 200, "application/xml", reasons.encode()
        entries = "".join(
            f'<deletedImage><member id="42">M</member><timestamp>2026-01-01T00:00:00Z</timestamp><id>i{n}</id>'
            "</deletedImage>"
            if gone
            else f'<image><member id="42">M</member><timestamp>2026-01-01T00:00:00Z</timestamp><id>i{n}</id>'
            f"<classification>A1</classification><fingerprints><pdq>{pdq}</pdq><pdna>1,2,3</pdna></fingerprints></image>"
            for n, (pdq, gone) in enumerate(things)
        )
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">'
            f'<images count="{len(things)}" maxTimestamp="2026-01-01T00:00:00Z">{entries}</images></queryResult>'
        )
        return 200, "application/xml", body.encode()

    return answer


def stopncii(things: Things) -> Callable[[Asked], Answer]:
    """Records in pages of two; feedback by POST."""

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return as_json({})
        start = int(asked.query.get("nextPageToken", ["0"])[0])
        page = things[start : start + 2]
        more = start + 2 < len(things)
        return as_json(
            {
                "count": len(page),
                "nextPageToken": str(start + 2) if more else None,
                "nextSetTimestamp": 1_700_000_000 + start,
                "hasMoreRecords": more,
                "hashRecords": [
                    {
                        "lastModtimestamp": 1_700_000_000,
                        "signalType": "ImagePDQ",
                        "hashValue": pdq,
                        "hashStatus": "Withdrawn" if gone else "Active",
                        "caseNumbers": {"case-1": "Active"},
                        "CSPFeedbacks": [{"source": "Somebody", "feedbackValue": "Blocked", "tags": ["Nude"]}],
                    }
                    for pdq, gone in page
                ],
            }
        )

    return answer


def tat(things: Things) -> Callable[[Asked], Answer]:
    """A token, then a list."""

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return as_json({"user": {}, "token": "jwt"})
        return as_json(
            {
                "count": len(things),
                "next": None,
                "previous": None,
                "checkpoint": "1704085200.5,124",
                "results": [
                    {
                        "hash_digest": pdq,
                        "algorithm": "PDQ",
                        "ideology": "far-right",
                        "file_type": "jpg",
                        "deleted": gone,
                        "updated_on": 1704085200.5,
                        "created_on": "2024-01-01T00:00:00Z",
                        "id": n,
                    }
                    for n, (pdq, gone) in enumerate(things)
                ],
            }
        )

    return answer


def fb_threatexchange(things: Things) -> Callable[[Asked], Answer]:
    """Updates of a privacy group; reactions by POST."""

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            return as_json({"success": True})
        return as_json(
            {
                "data": [
                    {
                        "id": str(n),
                        "indicator": pdq,
                        "type": "HASH_PDQ",
                        "last_updated": 1_700_000_000 + n,
                        "should_delete": gone,
                        "descriptors": {
                            "data": [
                                {"id": f"9{n}", "owner": {"id": "777"}, "status": "MALICIOUS", "tags": ["a"]},
                                {"id": f"8{n}", "owner": {"id": "12345678"}, "status": "UNKNOWN", "tags": []},
                            ]
                        },
                    }
                    for n, (pdq, gone) in enumerate(things)
                ],
                "paging": {},
            }
        )

    return answer


SHAPES: dict[str, Callable[[Things], Callable[[Asked], Answer]]] = {
    "ncmec": ncmec,
    "stopncii": stopncii,
    "tat": tat,
    "fb_threatexchange": fb_threatexchange,
}
_SETTINGS: dict[str, dict[str, Any]] = {
    "ncmec": {"environment": "test_Industry", "user": SECRETS["user"], "password": SECRETS["password"]},
    "stopncii": {
        "fetch_key": SECRETS["key"],
        "subscription_key": SECRETS["password"],
        "feedback_key": SECRETS["key"],
    },
    "tat": {"user": SECRETS["user"], "password": SECRETS["password"]},
    "fb_threatexchange": {"token": SECRETS["token"], "privacy_group": 4711},
}


def config(
    kind: str, server: Server, *, report: frozenset[ExchangeFeedback] = frozenset(ExchangeFeedback)
) -> ExchangeConfig:
    """A configuration of the type that leads to the server."""
    return ExchangeConfig(
        name=f"test-{kind.replace('_', '-')}",
        type=kind,
        banks={"image": "shared-images"},
        report=report,
        settings={**_SETTINGS[kind], "url": server.url},
    )


def opened(kind: str, server: Server) -> Exchange:
    """The exchange itself."""
    return open_exchange(config(kind, server))
