"""The platform's receiver, over real HTTP: who is believed, what is applied, what is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from seawall.client import SeawallError
from seawall.demo.receiver import WebhookServer, start_receiver

SECRET = "whsec_" + "c2Vhd2FsbC1kZW1vLXNlY3JldC1zZWF3YWxsLWRlbW8="
OTHER = "whsec_" + "YW5vdGhlci1zZWNyZXQtYW5vdGhlci1zZWNyZXQtMTI="


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    with start_receiver(secret=SECRET) as running:
        yield running


def message(
    sequence: int = 1, in_force: tuple[str, ...] = ("hold",), subject: str = "item", item: str = "c1"
) -> dict[str, Any]:
    return {
        "type": "enforcement.applied",
        "timestamp": "2026-11-22T12:00:00.000Z",
        "data": {
            "enforcement": "enf_1",
            "decision": "dec_1",
            "item": {"content_type": "comment", "id": item, "revision": 1},
            "subject": {"kind": subject, "id": item if subject == "item" else "user-1"},
            "action": {"kind": "hold", "parameters": {}},
            "in_force": in_force,
            "reasons": [{"policy": "spam", "rule": "certain", "title": "Spam"}],
            "sequence": sequence,
        },
    }


def send(
    receiver: WebhookServer,
    body: dict[str, Any] | str,
    *,
    message_id: str = "dlv_1",
    secret: str = SECRET,
    at: float = 0,
) -> httpx.Response:
    data = body if isinstance(body, str) else json.dumps(body)
    moment = datetime.fromtimestamp(at or time.time(), UTC)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, data),
    }
    return httpx.post(receiver.webhooks_url, content=data, headers=headers)


def state(receiver: WebhookServer) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(receiver.url + "/state.json").json()
    return found


def test_a_signed_message_changes_what_visitors_find(receiver: WebhookServer) -> None:
    assert send(receiver, message(in_force=("hold",))).status_code == 204
    assert state(receiver)["entries"][0]["state"] == "held"
    assert send(receiver, message(sequence=2, in_force=("remove",)), message_id="dlv_2").status_code == 204
    assert state(receiver)["entries"][0]["state"] == "removed"
    assert send(receiver, message(sequence=3, in_force=()), message_id="dlv_3").status_code == 204
    assert state(receiver)["entries"][0]["state"] == "visible"


def test_the_same_id_counts_once(receiver: WebhookServer) -> None:
    assert [send(receiver, message()).status_code for _ in range(3)] == [204, 204, 204]
    found = state(receiver)
    assert (found["messages"], found["duplicates"]) == (1, 2)


def test_a_message_that_was_overtaken_changes_nothing(receiver: WebhookServer) -> None:
    send(receiver, message(sequence=9, in_force=()), message_id="dlv_9")
    send(receiver, message(sequence=4, in_force=("remove",)), message_id="dlv_4")
    assert state(receiver)["entries"][0]["state"] == "visible"


def test_actions_on_the_account_are_kept_apart_from_the_item(receiver: WebhookServer) -> None:
    send(receiver, message(subject="entity", in_force=("strike",)))
    entry = state(receiver)["entries"][0]
    assert (entry["key"], entry["in_force"]) == ("account user-1", ["strike"])


def test_another_secret_is_not_believed(receiver: WebhookServer) -> None:
    assert send(receiver, message(), secret=OTHER).status_code == 401
    assert state(receiver)["refused"] == 1
    receiver.use_secret(OTHER)
    assert send(receiver, message(), secret=OTHER).status_code == 204


def test_an_old_message_is_not_believed(receiver: WebhookServer) -> None:
    assert send(receiver, message(), at=time.time() - 3600).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "x", "webhook-timestamp": "soon", "webhook-signature": "v1,AAAA"},
        {"webhook-id": "x", "webhook-timestamp": "9" * 30, "webhook-signature": "v1,AAAA"},
        {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,not base64"},
    ],
)
def test_malformed_headers_are_refused(receiver: WebhookServer, headers: dict[str, str]) -> None:
    assert httpx.post(receiver.webhooks_url, content=b"{}", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[]", 401),
        ("not json", 401),
        ('{"type": "ping"}', 401),
        ('{"type": "ping", "timestamp": "2026-11-22T12:00:00Z", "data": {}}', 204),
        ('{"type": "ping", "timestamp": "2026-11-22T12:00:00Z", "data": {"subject": 1, "item": 2}}', 204),
        ('{"type": "enforcement.applied", "timestamp": "2026-11-22T12:00:00Z", "data": {"subject": 1}}', 422),
    ],
)
def test_a_message_that_means_nothing_here_changes_nothing(receiver: WebhookServer, body: str, status: int) -> None:
    assert send(receiver, body).status_code == status
    assert state(receiver)["known"] == 0


def test_without_a_secret_messages_are_asked_to_come_back() -> None:
    with start_receiver() as running:
        assert send(running, message()).status_code == 503
        running.use_secret(SECRET)
        assert send(running, message()).status_code == 204


def test_an_answer_and_a_message_meet_in_either_order(receiver: WebhookServer) -> None:
    send(receiver, message(in_force=("remove",)))
    receiver.platform_state.posted("comment", "c1", "buy streams", "block")
    entry = state(receiver)["entries"][0]
    assert (entry["title"], entry["state"], entry["answer"]) == ("buy streams", "removed", "block")


def test_an_answer_counts_until_the_first_message(receiver: WebhookServer) -> None:
    receiver.platform_state.posted("comment", "c1", "wait for it", "hold")
    assert state(receiver)["entries"][0]["state"] == "held"
    send(receiver, message(in_force=()))
    assert state(receiver)["entries"][0]["state"] == "visible"


def test_content_is_text_on_the_page(receiver: WebhookServer) -> None:
    receiver.platform_state.posted("comment", "<i>", "<script>alert(1)</script>", "allow")
    page = httpx.get(receiver.url)
    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_page_can_make_the_detector_hang_and_go_on(receiver: WebhookServer) -> None:
    assert httpx.post(receiver.url + "/hang", data={"seconds": "20"}).status_code == 303
    assert state(receiver)["stalled_for_s"] > 0
    assert "hangs" in httpx.get(receiver.url + "/entries").text
    assert httpx.post(receiver.url + "/hang", data={"seconds": "0"}).status_code == 303
    assert state(receiver)["stalled_for_s"] == 0


def test_nonsense_gets_an_answer(receiver: WebhookServer) -> None:
    assert httpx.get(receiver.url + "/nowhere").status_code == 404
    assert httpx.post(receiver.url + "/nowhere").status_code == 404
    assert httpx.post(receiver.url + "/hang", data={"seconds": "-1"}).status_code == 422
    assert httpx.post(receiver.webhooks_url, content=b"x" * 1_000_001).status_code == 413


def test_a_visitor_writes_a_comment_and_is_led_to_its_page(receiver: WebhookServer) -> None:
    assert "Write a comment" not in httpx.get(receiver.url).text  # until the server takes them
    written: list[str] = []

    def write(text: str) -> tuple[str, str]:
        if text == "too much":
            raise SeawallError("the server is stopping")
        written.append(text)
        return "yours-1", "hold"

    receiver.let_visitors_write(write, "http://console.test")
    page = httpx.get(receiver.url).text
    assert '<label for="text">Write a comment of your own</label>' in page
    answer = httpx.post(f"{receiver.url}/comments", data={"text": "  <b>Tschüss</b> "})
    assert written == ["<b>Tschüss</b>"]
    assert answer.headers["location"] == "/?id=yours-1&verdict=hold"
    shown = httpx.get(receiver.url + answer.headers["location"]).text
    assert "Seawall answered <b>hold</b>" in shown
    assert 'href="http://console.test/find?type=comment&amp;id=yours-1"' in shown
    assert "<script>alert" not in httpx.get(f"{receiver.url}/?id=1&verdict=<script>alert(1)</script>").text
    assert httpx.post(f"{receiver.url}/comments", data={"text": " "}).headers["location"] == "/"
    refused = httpx.post(f"{receiver.url}/comments", data={"text": "too much"})
    assert refused.status_code == 502
    assert "the server is stopping" in refused.text
