"""Messages are believed when their signature fits, and handled once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from seawall.client import Message, Receiver, SeenInMemory, WebhookError, verify_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = json.dumps({"type": "enforcement.applied", "timestamp": "2026-11-22T12:00:00.000Z", "data": {"sequence": 1}})


def signed(
    body: str = BODY, secret: str = SECRET, message_id: str = "dlv_1", at: datetime | None = None
) -> dict[str, str]:
    """Headers as the scheme's own library makes them."""
    at = at or datetime.now(UTC)
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign(message_id, at, body),
    }


def test_a_genuine_message() -> None:
    expected = Message("dlv_1", "enforcement.applied", "2026-11-22T12:00:00.000Z", {"sequence": 1})
    assert verify_webhook(signed(), BODY.encode(), SECRET) == expected
    assert verify_webhook(signed(), BODY.encode(), [OTHER, SECRET]) == expected


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed()
    headers["Webhook-Signature"] = f"v1a,abc v1,{'A' * 44} {headers['Webhook-Signature']} nonsense v1,ü"
    assert verify_webhook(headers, BODY.encode(), SECRET).id == "dlv_1"


@pytest.mark.parametrize(
    "secret",
    [
        "",
        " ",
        "\n",
        "whsec_",
        "whsec_ ",
        " whsec_\n",
        "whsec_YQ==",
        "whsec_***",
        "whsec_é",
        [],
        [""],
        [SECRET, ""],
        None,
        7,
    ],
)
def test_a_secret_with_which_anybody_could_sign_is_refused(secret: Any) -> None:
    """``os.environ.get`` of a variable that is not set, or an empty file."""
    with pytest.raises(ValueError, match=r"secret"):
        Receiver([secret] if secret == 7 else secret)
    with pytest.raises(ValueError, match=r"secret"):
        verify_webhook(signed(), BODY.encode(), [secret] if secret == 7 else secret)


def test_a_body_may_be_text_but_not_parsed() -> None:
    assert verify_webhook(signed(), BODY, SECRET).id == "dlv_1"
    assert Receiver(SECRET + "\n").receive(signed(), BODY, print)
    parsed: Any = json.loads(BODY)
    with pytest.raises(TypeError, match="before they are parsed"):
        verify_webhook(signed(), parsed, SECRET)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_changed_byte_is_seen(place: int, change: int) -> None:
    body = bytearray(BODY.encode())
    body[place] ^= change
    with pytest.raises(WebhookError):
        verify_webhook(signed(), bytes(body), SECRET)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Webhook-Id": "dlv_2"}, "signature"),
        ({"Webhook-Id": None}, "webhook-id is missing"),
        ({"Webhook-Signature": None}, "webhook-signature is missing"),
        ({"Webhook-Timestamp": "soon"}, "number of seconds"),
        ({"Webhook-Timestamp": "٣"}, "number of seconds"),
        ({"Webhook-Timestamp": "9" * 400}, "number of seconds"),
        ({"Webhook-Timestamp": "1"}, "too old"),
        ({"Webhook-Signature": ""}, "signature"),
        ({"Webhook-Signature": "v2,abc"}, "signature"),
    ],
)
def test_messages_that_are_not_believed(changes: dict[str, str | None], says: str) -> None:
    headers = {name: value for name, value in (signed() | changes).items() if value is not None}
    with pytest.raises(WebhookError, match=says):
        verify_webhook(headers, BODY.encode(), SECRET)


def test_the_tolerance_is_five_minutes_either_way() -> None:
    at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    headers = signed(at=at)
    for off in (-300, 0, 300):
        verify_webhook(headers, BODY.encode(), SECRET, now=at.timestamp() + off)
    for off in (-301, 301):
        with pytest.raises(WebhookError, match="too old"):
            verify_webhook(headers, BODY.encode(), SECRET, now=at.timestamp() + off)


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"type": 1, "timestamp": "", "data": {}}', "[" * 100_000])
def test_signed_nonsense(body: str) -> None:
    with pytest.raises(WebhookError, match="not a message"):
        verify_webhook(signed(body), body.encode(), SECRET)


def test_a_secret_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        Receiver("whsec_***")


def test_repetitions_are_handled_once() -> None:
    handled: list[Message] = []
    receiver = Receiver(SECRET)
    assert receiver.receive(signed(), BODY.encode(), handled.append)
    assert not receiver.receive(signed(), BODY.encode(), handled.append)
    assert receiver.receive(signed(message_id="dlv_2"), BODY.encode(), handled.append)
    assert [message.id for message in handled] == ["dlv_1", "dlv_2"]


def test_a_message_whose_handling_failed_comes_again() -> None:
    handled: list[Message] = []
    receiver = Receiver(SECRET)

    def fails(message: Message) -> None:
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        receiver.receive(signed(), BODY.encode(), fails)
    assert receiver.receive(signed(), BODY.encode(), handled.append)
    assert len(handled) == 1


def test_threads_handle_a_message_once() -> None:
    handled: list[Message] = []
    receiver = Receiver(SECRET)
    headers = signed()

    def receive(_: Any) -> bool:
        return receiver.receive(headers, BODY.encode(), handled.append)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(receive, range(64))) == 1
    assert len(handled) == 1


def test_memory_is_bounded() -> None:
    seen = SeenInMemory(size=2)
    for message_id in ("a", "b", "c"):
        seen.add(message_id)
    assert [name in seen for name in "abc"] == [False, True, True]
