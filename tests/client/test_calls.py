"""Calls to a real HTTP server that answers well, badly, late or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from seawall.client import (
    AsyncSeawall,
    Conflict,
    Gone,
    InvalidRequest,
    NotAuthorised,
    NotFound,
    RequestRefused,
    ResultAction,
    ResultReason,
    Seawall,
    SeawallError,
    Submission,
    Unreachable,
)
from support.receivers import Behaviour, Receiver, closed_port, receiving, status

ALLOWED = {
    "decision": "dec_1",
    "item": "it_1",
    "revision": 1,
    "verdict": "allow",
    "actions": [],
    "reasons": [],
    "degraded": False,
    "stage": "pre_publish",
    "unknown": [],
    "fail_mode": None,
}
BLOCKED = ALLOWED | {
    "verdict": "block",
    "actions": [{"kind": "strike", "parameters": {"weight": 2.0}}],
    "reasons": [{"policy": "hateful-conduct", "rule": "certain", "harm": "hate", "mode": "live"}],
}


def says(data: Any, code: int = 200, kind: str = "application/json", **headers: str) -> Behaviour:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        handler.send_response(code)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def base(server: Receiver) -> str:
    return server.url.partition("/hooks")[0]


@pytest.fixture
def client(server: Receiver) -> Iterator[Seawall]:
    with Seawall(base(server), "sw_key") as made:
        yield made


def test_a_request_carries_what_was_given(server: Receiver, client: Seawall) -> None:
    server.script.append(says(BLOCKED))
    answer = client.screen(
        "comment",
        "c-1",
        {"body": "naïve 🌊"},
        actor="u-9",
        actor_attributes={"age_days": 3},
        language="fr",
        created_at=1_700_000_000_000,
        deadline_ms=1_000,
        idempotency_key="k-1",
    )
    got = server.requests[0]
    assert got.path == "/v1/screen"
    assert got.headers["authorization"] == "Bearer sw_key"
    assert got.headers["idempotency-key"] == "k-1"
    assert got.message == {
        "content_type": "comment",
        "id": "c-1",
        "fields": {"body": "naïve 🌊"},
        "actor": {"id": "u-9", "attributes": {"age_days": 3}},
        "language": "fr",
        "created_at": 1_700_000_000_000,
        "deadline_ms": 800,  # the rest is for the network
    }
    assert answer.blocked
    assert not answer.allowed
    assert not answer.held
    assert answer.actions == (ResultAction("strike", {"weight": 2.0}),)
    assert answer.reasons == (ResultReason("hateful-conduct", "certain", "hate"),)
    assert (answer.decision, answer.item, answer.degraded) == ("dec_1", "it_1", False)


def test_retries_carry_the_same_key_and_the_same_bytes(server: Receiver, client: Seawall) -> None:
    server.script.extend([status(503), lambda handler: None, says(ALLOWED)])
    assert client.screen("comment", "c-1", {"body": "hello"}).allowed
    assert len(server.requests) == 3
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
    assert len({request.body for request in server.requests}) == 1


def test_calls_have_keys_of_their_own(server: Receiver, client: Seawall) -> None:
    server.script.extend([says(ALLOWED), says(ALLOWED)])
    for _ in range(2):
        client.screen("comment", "c-1", {"body": "hello"})
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 2


def test_a_server_that_stays_broken_is_asked_four_times(server: Receiver, client: Seawall) -> None:
    server.script.extend([status(500)] * 9)
    with pytest.raises(Unreachable, match="HTTP 500"):
        client.screen("comment", "c-1", {"body": "hello"})
    assert len(server.requests) == 4


@pytest.mark.parametrize("choice", ["allow", "hold", "block"])
def test_what_happens_without_seawall_is_a_choice(choice: Any) -> None:
    with Seawall(f"http://127.0.0.1:{closed_port()}", "sw_key", on_unreachable="raise") as client:
        answer = client.screen("comment", "c-1", {"body": "hello"}, deadline_ms=50, on_unreachable=choice)
        assert (answer.verdict, answer.degraded, answer.decision, answer.item) == (choice, True, None, None)
        with pytest.raises(Unreachable):
            client.screen("comment", "c-1", {"body": "hello"}, deadline_ms=50)
    with Seawall(f"http://127.0.0.1:{closed_port()}", "sw_key", on_unreachable=choice) as client:
        assert client.screen("comment", "c-1", {"body": "hello"}, deadline_ms=50).verdict == choice


def drip(server: Receiver) -> Behaviour:
    """A byte now and then: every single read succeeds, only the whole never ends."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not server.release.wait(0.02):
            handler.wfile.write(b"x")

    return answer


def test_the_first_call_of_a_process_has_nothing_left_to_import() -> None:
    """What the first call imports is not taken from its deadline, which README's own call of 80 ms did not survive."""
    program = """
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from seawall.client import Seawall, Unreachable

class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()

server = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Seawall(f"http://127.0.0.1:{server.server_port}", "sw_key")
known = set(sys.modules)
try:
    client.screen("comment", "c-1", {"body": "hello"})
except Exception:
    pass
print(len([name for name in set(sys.modules) - known if name.startswith(("anyio", "httpcore", "httpx", "h11", "ssl"))]))
"""
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "0"


def test_an_answer_says_what_is_still_to_come(server: Receiver, client: Seawall) -> None:
    more = {"pending": ["ocr"], "provisional": True, "recorded": False, "item": "", "revision": 0}
    server.script += [says(ALLOWED | more), says(ALLOWED), says(ALLOWED | {"degraded": True})]
    first, fine, older = (client.screen("comment", "c-1", {"body": "hello"}) for _ in range(3))
    assert (first.pending, first.provisional, first.recorded, first.item) == (("ocr",), True, False, None)
    assert (fine.pending, fine.provisional, fine.recorded) == ((), False, True)
    assert older.provisional  # a server of an earlier release says less


def hang(server: Receiver) -> Behaviour:
    return lambda handler: server.release.wait(30) and None


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_the_deadline_is_kept(server: Receiver, client: Seawall, behaviour: Callable[[Receiver], Behaviour]) -> None:
    server.script.append(behaviour(server))
    with pytest.raises(Unreachable, match=r"within 0\.1 s"):
        client.screen("comment", "c-1", {"body": "hello"}, deadline_ms=100)


def test_a_wait_that_the_server_asks_for_ends_with_the_deadline(server: Receiver, client: Seawall) -> None:
    server.script.append(says({}, 503, retry_after="3600"))
    with pytest.raises(Unreachable, match="HTTP 503"):
        client.screen("comment", "c-1", {"body": "hello"}, deadline_ms=100)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, InvalidRequest),
        (401, NotAuthorised),
        (403, NotAuthorised),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (413, InvalidRequest),
        (422, InvalidRequest),
        (418, RequestRefused),
        (308, RequestRefused),
    ],
)
def test_refusals_are_raised_whatever_was_chosen_and_not_repeated(
    server: Receiver, client: Seawall, code: int, error: type[RequestRefused]
) -> None:
    problem = {
        "title": "Unknown field",
        "detail": "There is no 'bdy'.",
        "pointer": "/fields/bdy",
        "remedy": "Did you …",
    }
    server.script.append(says(problem, code, "application/problem+json", location="http://127.0.0.1:1/"))
    with pytest.raises(RequestRefused) as raised:
        client.screen("comment", "c-1", {"bdy": "hello"}, on_unreachable="allow")
    assert type(raised.value) is error
    assert raised.value.status == code
    if code >= 400:
        assert (raised.value.pointer, raised.value.remedy) == ("/fields/bdy", "Did you …")
        assert "at /fields/bdy" in str(raised.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>Wi-Fi log-in</html>", b"[]", b"{}", b'{"verdict": "maybe"}', b"null"])
def test_an_answer_that_is_not_seawalls_is_no_verdict(server: Receiver, client: Seawall, body: bytes) -> None:
    server.script.append(says(body, kind="text/html"))
    with pytest.raises(Unreachable, match="not Seawall"):
        client.screen("comment", "c-1", {"body": "hello"})


def test_a_refusal_that_is_no_problem_document(server: Receiver, client: Seawall) -> None:
    server.script.append(says(b"<h1>Forbidden</h1>", 403, "text/html"))
    with pytest.raises(NotAuthorised, match="HTTP 403"):
        client.screen("comment", "c-1", {"body": "hello"})


@pytest.mark.parametrize("value", ["\ud800", float("nan"), object()])
def test_what_json_cannot_say_is_refused_before_it_is_sent(server: Receiver, client: Seawall, value: Any) -> None:
    with pytest.raises(SeawallError, match="JSON"):
        client.screen("comment", "c-1", {"body": value})
    assert server.requests == []


def test_mistakes_in_the_call(server: Receiver, client: Seawall) -> None:
    with pytest.raises(ValueError, match="deadline_ms"):
        client.screen("comment", "c-1", {}, deadline_ms=0)
    with pytest.raises(ValueError, match="need an actor"):
        client.screen("comment", "c-1", {}, actor_attributes={"age_days": 1})
    with pytest.raises(ValueError, match="http://"):
        Seawall("seawall.example", "sw_key")


def test_reports_decisions_and_items(server: Receiver, client: Seawall) -> None:
    server.script.extend(
        [
            says({"report": "rep_1"}, 201),
            says({"id": "dec_1"}),
            says({"text": "because"}),
            says({"item": "it_1"}),
        ]
    )
    report = client.report("comment", "c-1", reporter="u-2", note="look", policy="spam", idempotency_key="r-1")
    assert report == "rep_1"
    assert client.decision("dec_1") == {"id": "dec_1"}
    assert client.explain("dec_1") == {"text": "because"}
    assert client.item("comment", "a/b c?d") == {"item": "it_1"}
    assert [request.path for request in server.requests] == [
        "/v1/reports",
        "/v1/decisions/dec_1",
        "/v1/decisions/dec_1/explanation",
        "/v1/items/comment/a%2Fb%20c%3Fd",
    ]
    assert server.requests[0].message == {
        "content_type": "comment",
        "id": "c-1",
        "kind": "user",
        "reporter": "u-2",
        "note": "look",
        "policy": "spam",
    }
    assert server.requests[0].headers["idempotency-key"] == "r-1"


def test_an_account_is_reported(server: Receiver, client: Seawall) -> None:
    server.script.append(says({"report": "rep_1"}, 201))
    assert client.report_account("u-9", reporter="u-2", idempotency_key="r-2") == "rep_1"
    (request,) = server.requests
    assert (request.path, request.headers["idempotency-key"]) == ("/v1/reports", "r-2")
    assert request.message == {"account": "u-9", "kind": "user", "reporter": "u-2"}


def test_what_a_creator_has_on_is_read_set_and_ended(server: Receiver, client: Seawall) -> None:
    state = {"overlays": [{"name": "calm-comments", "in_force": True}], "words": ["spoiler"]}
    server.script.extend([says(state), says(state), says({"overlays": [], "words": []})])
    assert client.set_overlays("u/1", overlays=("calm-comments",), words=iter(["spoiler"])) == state
    assert client.overlays("u/1") == state
    assert client.end_overlays("u/1") == {"overlays": [], "words": []}
    assert [request.path for request in server.requests] == ["/v1/accounts/u%2F1/overlays"] * 3
    assert server.requests[0].message == {"overlays": ["calm-comments"], "words": ["spoiler"]}


def test_many_items_go_in_batches(server: Receiver, client: Seawall) -> None:
    server.script.extend([says({"items": [f"it_{n}" for n in range(500)]}, 202), says({"items": ["it_500"]}, 202)])
    items = [Submission(content_type="comment", id=f"c-{n}", fields={"body": "hello"}) for n in range(501)]
    assert client.submit_many(iter(items)) == [f"it_{n}" for n in range(501)]
    assert [len(request.message["items"]) for request in server.requests] == [500, 1]


def test_the_asynchronous_client(server: Receiver) -> None:
    server.script.extend([says(ALLOWED), says(BLOCKED), says({"report": "rep_1"}, 201)])

    async def use() -> list[str]:
        async with AsyncSeawall(base(server), "sw_key") as client:
            first = await client.screen("comment", "c-1", {"body": "a"})
            second = await client.screen("comment", "c-2", {"body": "b"})
            return [first.verdict, second.verdict, await client.report("comment", "c-1")]

    assert asyncio.run(use()) == ["allow", "block", "rep_1"]


def test_a_closed_client_says_so(server: Receiver) -> None:
    client = Seawall(base(server), "sw_key")
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.screen("comment", "c-1", {"body": "hello"})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_client_survives_a_fork(server: Receiver) -> None:
    """A pre-forking server makes and uses its client before it forks; the children use it too."""
    server.script.extend([says(ALLOWED), says(BLOCKED), says(ALLOWED)])
    program = """
import os, sys
from seawall.client import Seawall
client = Seawall(sys.argv[1], "sw_key")
assert client.screen("comment", "c-1", {"body": "parent"}).allowed
child = os.fork()
if child == 0:
    blocked = client.screen("comment", "c-1", {"body": "child"}).blocked
    client.close()
    os._exit(0 if blocked else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert client.screen("comment", "c-1", {"body": "parent"}).allowed
client.close()
"""
    subprocess.run([sys.executable, "-c", program, base(server)], check=True, timeout=60)
    assert len(server.requests) == 3


def test_the_client_stands_alone() -> None:
    """A product team installs httpx and nothing else of ours: no database, web server or model comes with it."""
    program = "import sys, seawall.client, seawall.client.testing; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    loaded = done.stdout.split()
    ours = {name for name in loaded if name.startswith("seawall.")}
    assert all(name.startswith("seawall.client") for name in ours)
    assert not {"sqlalchemy", "msgspec", "fastapi", "starlette", "numpy", "structlog"} & set(loaded)


@pytest.mark.parametrize("key", ["", " ", "\n", "sw_\x00", "sw_é", None])
def test_a_key_that_cannot_be_one_is_refused_at_the_start(key: Any) -> None:
    with pytest.raises(ValueError, match="Is the variable that holds it set"):
        AsyncSeawall("http://seawall.test", key)
