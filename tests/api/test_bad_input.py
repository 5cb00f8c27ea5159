"""Bad input gets an error that names place and remedy, or the promised fail mode; never a fault, never silence."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PilImage
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from seawall.api.publish import EntriesRequest
from support.api import Client, item, problem, serving

JSON = {"Content-Type": "application/json"}
BODIES = ["/v1/screen", "/v1/items", "/v1/reports", "/v1/banks/blocked-texts/entries"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A house whose policies look at images too."""
    with serving(tmp_path_factory.mktemp("api"), None, "rude", "gore", "known") as made:
        yield made


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"content_type": "note\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'{"content_type": "\\ud800", "id": "x", "fields": {}}',
        b'{"entries": [{"kind": "text", "value": "\\udfff a", "source": "x"}]}',
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"id": NaN}',
        b"1" * 10_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_what_was_asked_for(client: Client, path: str, body: bytes) -> None:
    response = client.send("POST", path, content=body, headers=JSON)
    allowed = (400, 404, 413, 422) if len(body) > 256 * 1024 else (400, 404, 422)
    assert problem(response, response.status_code)["status"] in allowed


LIMITS = {"/v1/screen": 64 << 20, "/v1/items": 64 << 20, "/v1/reports": 256 << 10}  # media travel in the first two


@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_too_large(client: Client, path: str) -> None:
    limit = LIMITS.get(path, 16 << 20)
    huge = b'{"content_type": "' + b"x" * limit
    assert f"{limit} bytes" in problem(client.send("POST", path, content=huge), 413)["detail"]

    async def chunks() -> Any:
        for _ in range(17):
            yield b" " * 1024 * 1024

    problem(client.send("POST", path, content=chunks()), 413)


@pytest.mark.parametrize(
    ("change", "pointer", "says"),
    [
        ({"content_type": 7}, "/content_type", "Expected `str`"),
        ({"content_type": "not"}, "/content_type", "no content type 'not'"),
        ({"id": None}, "/id", "Expected `str`"),
        ({"id": ""}, "/id", ""),
        ({"id": "x" * 10_000}, "/id", ""),
        ({"fields": []}, "/fields", "Expected `object`"),
        ({"fields": {}}, "/fields/body", "is required"),
        ({"fields": {"body": 7}}, "/fields/body", ""),
        ({"fields": {"body": ["x"]}}, "/fields/body", ""),
        ({"fields": {"body": {"a": {"b": {}}}}}, "/fields/body", ""),
        ({"fields": {"body": "x" * 2001}}, "/fields/body", ""),
        ({"fields": {"bdy": "x"}}, "/fields/bdy", "is not known"),
        ({"fields": {"body": "x", "a/b~c": 1}}, "/fields/a~1b~0c", "is not known"),
        ({"fields": {"body": "x", "image": "no base64!"}}, "/fields/image", ""),
        ({"fields": {"body": "x", "image": 1}}, "/fields/image", ""),
        ({"actor": {"id": 5}}, "/actor/id", "Expected `str`"),
        ({"actor": {}}, "/actor", "id"),
        ({"actor": None}, "/actor", "is required"),
        ({"actor": {"id": "a", "attributes": {"created_at": "yesterday"}}}, "/actor/attributes/created_at", ""),
        ({"actor": {"id": "a", "attributes": {"height": 3}}}, "/actor/attributes/height", "is not known"),
        ({"created_at": "yesterday"}, "/created_at", ""),
        ({"created_at": 10**30}, "/created_at", ""),
        ({"language": "tlh-Klingon"}, "/language", ""),
        ({"deadline_ms": "soon"}, "/deadline_ms", "Expected `int | null`"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_what_is_wrong_and_where(client: Client, change: dict[str, Any], pointer: str, says: str) -> None:
    found = problem(client.screen(item() | change), 422)
    assert found["pointer"] == pointer
    assert says in found["detail"]
    found = problem(client.send("POST", "/v1/items", json={"items": [item(), item() | change]}), 422)
    assert found["pointer"] == f"/items/1{pointer}"


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v1/reports", "read", 403),
        ("/v1/match", "read", 403),
        ("/v1/banks/x/entries", "screen", 403),
        ("/v1/banks/x/entries/e/suspend", "screen", 403),
        ("/v1/screen", "read", 403),
        ("/v1/items", "read", 403),
        ("/v1/reports", "sw_1_guess", 401),
        ("/v1/match", None, 401),
    ],
)
def test_a_body_is_not_read_for_a_key_that_may_not_send_it(
    client: Client, path: str, key: str | None, status: int
) -> None:
    async def unread() -> Any:
        raise AssertionError("the body was read")
        yield b""

    assert problem(client.send("POST", path, key=key, content=unread()), status)["remedy"]


def test_a_million_wrong_entries_are_one_error(client: Client) -> None:
    """Describing each would stop every other request for minutes."""
    body = b'{"entries": [' + b"{}," * 1_000_000 + b"{}]}"
    found = problem(client.send("POST", "/v1/banks/blocked-texts/entries", content=body, headers=JSON), 422)
    assert found["pointer"] == "/entries/0/kind"
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(EntriesRequest).validate_python({"entries": [{}] * 1000})
    assert refused.value.error_count() == 3  # members that the first lacks


def test_a_text_to_look_up_has_a_length(client: Client) -> None:
    assert client.send("POST", "/v1/match", json={"text": "a" * 100_000}).status_code == 200
    for name in ("text", "link"):
        found = problem(client.send("POST", "/v1/match", json={name: "a" * 100_001}), 422)
        assert found["pointer"] == f"/{name}"


@pytest.mark.parametrize("deadline", [0, -5, 60_001, 10**30])
def test_a_deadline_out_of_range(client: Client, deadline: int) -> None:
    assert problem(client.screen(deadline_ms=deadline), 422)["pointer"] == "/deadline_ms"


def test_the_nearest_name_is_offered(client: Client) -> None:
    assert "body" in problem(client.screen(item() | {"fields": {"bdy": "x"}}), 422)["remedy"]
    assert "note" in problem(client.screen(item() | {"content_type": "nte"}), 422)["remedy"]


def test_text_that_no_database_takes_is_kept_or_refused(client: Client) -> None:
    for body in ("zero \x00 byte", "\u202eright to left", "\ufffe\uffff", "\U0010ffff" * 500, "\r\n\t"):
        answer = client.screen(body, id="odd")
        assert answer.status_code in (200, 422), answer.text


@pytest.mark.parametrize(
    "place", ["%00", "b%00a", "%ed%a0%80", "x" * 5000, "%F0%9F%99%88", "..%2f..", "'; drop table item"]
)
def test_paths_that_lead_nowhere(client: Client, place: str) -> None:
    for path in (
        f"/v1/decisions/{place}",
        f"/v1/decisions/{place}/explanation",
        f"/v1/items/note/{place}",
        f"/v1/items/{place}/n-1",
    ):
        response = client.send("GET", path)
        assert problem(response, response.status_code)["status"] in (404, 422), path
    for method, path in (("GET", f"/v1/banks/{place}/entries"), ("GET", f"/v1/banks/x/entries?after={place}")):
        assert client.send(method, path).status_code in (200, 404, 422), path
    response = client.send("DELETE", f"/v1/banks/{place}/entries/{place}")
    assert problem(response, response.status_code)["status"] in (404, 422)


def test_a_null_byte_is_no_fault_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, postgres_url) as client:
        for path in ("/v1/decisions/%00", "/v1/items/note/%00", "/v1/items/%00/x", "/v1/banks/%00/entries"):
            assert client.send("GET", path).status_code in (200, 404, 422), path
        for path in ("/v1/cases?state=%00", "/v1/cases?queue=%00", "/v1/banks/x/entries?after=%00"):
            assert client.send("GET", path).status_code in (200, 422), path
        problem(client.send("POST", "/v1/reports", json={"content_type": "note\x00", "id": "a\x00"}), 404)
        assert client.screen("hello").status_code == 200
        odd = {
            "content_type": "note",
            "id": "n-1",
            "kind": "us\x00er",
            "reporter": "\x00",
            "policy": "\x00",
            "note": "\x00",
        }
        assert client.send("POST", "/v1/reports", json=odd).status_code in (201, 422)
        odd = {"content_type": "note", "id": "n-1", "policy": "rude\x00"}
        assert client.send("POST", "/v1/reports", json=odd).status_code in (201, 422)
        entry = {"kind": "text", "value": "one two\x00 three", "source": "st\x00aff"}
        response = client.send("POST", "/v1/banks/blocked-texts/entries", json={"entries": [entry]})
        assert response.status_code in (201, 422)
        problem(client.send("DELETE", "/v1/banks/%00/entries/%00"), 422)
        assert client.screen("zero \x00 byte").status_code in (200, 422)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=" + "9" * 5000])
def test_a_limit_out_of_range(client: Client, query: str) -> None:
    found = problem(client.send("GET", f"/v1/cases?{query}"), 422)
    assert "limit" in found["pointer"] or "limit" in found["detail"]


def test_entries_out_of_range(client: Client) -> None:
    for change in ({"expires": 10**30}, {"expires": -1}, {"threshold": 10**30}, {"threshold": 1.5}, {"source": ""}):
        entry = {"kind": "text", "value": "one two three", "source": "staff"} | change
        response = client.send("POST", "/v1/banks/blocked-domains/entries", json={"entries": [entry]})
        assert response.status_code in (201, 422), (change, response.text)


def _bomb() -> bytes:
    """A PNG of 30,000 × 30,000 pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    lines = packer.compress(bytes(3_000_000)) + packer.flush()
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def _truncated() -> bytes:
    buffer = io.BytesIO()
    PilImage.effect_noise((200, 200), 80).save(buffer, "JPEG")
    return buffer.getvalue()[:900]


@pytest.mark.parametrize(
    "data",
    [_bomb(), _truncated(), b"GIF89a", b"<svg onload=alert(1)>", bytes(1000)],
    ids=["bomb", "half", "gif", "svg", "0"],
)
@pytest.mark.parametrize(("kind", "verdict"), [("note", "allow"), ("letter", "hold"), ("poster", "block")])
def test_an_image_that_cannot_be_read_gets_the_fail_mode(client: Client, data: bytes, kind: str, verdict: str) -> None:
    fields = {"body": "look", "image": {"base64": base64.b64encode(data).decode()}}
    response = client.screen(item(kind=kind) | {"fields": fields})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["verdict"], answer["degraded"]) == (verdict, True)
    assert {unknown["part"].partition(">")[0] for unknown in answer["unknown"]} == {"image"}


def test_a_hanging_detector_is_answered_in_time_over_http(fresh: Client) -> None:
    answer = fresh.screen("stuck", kind="letter", deadline_ms=20).json()
    assert not fresh.rig.gore.go_on.is_set()
    assert (answer["verdict"], answer["degraded"], answer["fail_mode"]) == ("hold", True, "hold")
    assert answer["unknown"] == [{"detector": "gore", "part": "body", "reason": "deadline", "detail": ""}]


@pytest.mark.parametrize(
    ("change", "pointer", "remedy"),
    [
        ({"deadline": 5}, "/deadline", "Did you mean 'deadline_ms'?"),
        ({"zzz": 5}, "/zzz", "Known here: actor, content_type, "),
        ({"actor": {"id": "u", "attribute": {}}}, "/actor/attribute", "Did you mean 'attributes'?"),
        ({"actor": {"id": "n1", "created_at": "2026-11-27T15:00:00Z"}}, "/actor/created_at", "attributes"),
        ({"actor": {"id": "u", "a/b": {}}}, "/actor/a~1b", "attributes"),
        ({"actor": {"id": "u", "attributes": {"created": 1}}}, "/actor/attributes/created", "created_at"),
    ],
)
def test_an_unknown_member_is_refused_by_name(
    client: Client, change: dict[str, Any], pointer: str, remedy: str
) -> None:
    found = problem(client.screen(item() | change), 422)
    assert found["pointer"] == pointer
    assert remedy in found["remedy"]
    found = problem(client.send("POST", "/v1/items", json={"items": [item(), item() | change]}), 422)
    assert found["pointer"] == f"/items/1{pointer}"


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer", "remedy"),
    [
        ("POST", "/v1/items", {"items": [item()], "deadline_ms": 5}, "/deadline_ms", "items"),
        ("POST", "/v1/reports", {"content_type": "note", "id": "x", "notes": "n"}, "/notes", "'note'"),
        ("POST", "/v1/match", {"txt": "x"}, "/txt", "'text'"),
        ("POST", "/v1/match", {"hash": {"kind": "x", "valu": "0f"}}, "/hash/valu", "'value'"),
        ("PUT", "/v1/banks/some", {"titel": "x"}, "/titel", "'title'"),
        ("POST", "/v1/banks/some/entries", {"entry": []}, "/entry", "'entries'"),
        (
            "POST",
            "/v1/banks/some/entries",
            {"entries": [{"kind": "text", "value": "a b", "source": "s", "expiry": 1}]},
            "/entries/0/expiry",
            "'expires'",
        ),
        ("POST", "/v1/banks/some/entries/x/suspend", {"reason": "wrong", "note": "x"}, "/note", "reason"),
        ("POST", "/v1/subjects/account/u/legal-holds", {"reason": "order-1", "until": "x"}, "/until", "reason"),
    ],
)
def test_an_unknown_member_of_any_body(
    client: Client, method: str, path: str, body: dict[str, Any], pointer: str, remedy: str
) -> None:
    found = problem(client.send(method, path, json=body), 422)
    assert found["pointer"] == pointer
    assert remedy in found["remedy"]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/v1/screen", b'{"content_type":"note","id":"a","id":"b","fields":{"body":"x"},"actor":{"id":"u"}}', "id"),
        ("/v1/screen", b'{"content_type":"note","id":"b","fields":{"body":"x","body":"y"},"actor":{"id":"u"}}', "body"),
        (
            "/v1/screen",
            b'{"content_type":"note","id":"b","fields":{"body":"\\u003a"},"actor":{"id":"u","id":"u"}}',
            "id",
        ),
        ("/v1/items", b'{"items":[{"content_type":"note","id":"b","fields":{"body":"x","bod\\u0079":"y"}}]}', "body"),
        ("/v1/reports", b'{"content_type":"note","id":"a","note":"x","note":"y"}', "note"),
        ("/v1/match", b'{"text":"x","text":"y"}', "text"),
    ],
)
def test_a_member_that_is_named_twice(client: Client, path: str, body: bytes, name: str) -> None:
    found = problem(client.send("POST", path, content=body, headers=JSON), 422)
    assert f"{name!r} twice" in found["detail"]


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "/v1/cases?statee=open", "'statee'"),
        ("GET", "/v1/cases?limit=1&limit=2", "twice"),
        ("GET", "/v1/banks?limit=1", "'limit'"),
        ("POST", "/v1/screen?deadline_ms=50", "'deadline_ms'"),
        ("POST", "/v1/items?dry_run=1", "'dry_run'"),
    ],
)
def test_a_query_parameter_that_does_not_exist(client: Client, method: str, path: str, says: str) -> None:
    assert says in problem(client.send(method, path, json=item() if method == "POST" else None), 422)["detail"]


@pytest.mark.parametrize("moment", [0, 1, 1_795_794_356, 99_999_999_999, "0001-01-01T00:00:00Z"])
def test_seconds_are_not_taken_for_milliseconds(client: Client, moment: int | str) -> None:
    actor = {"id": "n1", "attributes": {"created_at": moment}}
    found = problem(client.screen(item() | {"actor": actor}), 422)
    assert found["pointer"] == "/actor/attributes/created_at"
    assert found["remedy"]
    assert problem(client.screen(item() | {"created_at": moment}), 422)["pointer"] == "/created_at"
    if moment == 1_795_794_356:
        assert "1795794356000" in found["remedy"]
    real = {"id": "n1", "attributes": {"created_at": 1_795_794_356_000}}
    assert client.screen(item() | {"actor": real}).status_code == 200


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "1970-01-21T18:49:54.356Z", "1970-01-01T01:00:00+01:00"])
def test_an_account_is_no_older_than_the_web(client: Client, moment: str) -> None:
    """The epoch is how programs write a time that was never set; January 1970 how they write seconds."""
    actor = {"id": "n1", "attributes": {"created_at": moment}}
    found = problem(client.screen(item() | {"actor": actor}), 422)
    assert found["pointer"] == "/actor/attributes/created_at"
    assert "never set" in found["detail"]
    old = {"id": "n1", "attributes": {"created_at": "1994-05-02T00:00:00Z"}}
    assert client.screen(item() | {"actor": old, "created_at": moment}).status_code == 200  # an old recording, say


def test_seconds_are_no_expiry_of_an_entry(client: Client) -> None:
    entry = {"kind": "text", "value": "one two three", "source": "staff", "expires": 1_795_794_356}
    found = problem(client.send("POST", "/v1/banks/blocked-texts/entries", json={"entries": [entry]}), 422)
    assert "milliseconds" in found["detail"]


@pytest.mark.parametrize("value", ["5", True, 5.5])
def test_a_whole_number_is_not_guessed(client: Client, value: Any) -> None:
    found = problem(client.send("PUT", "/v1/banks/some", json={"expires_after_days": value}), 422)
    assert found["pointer"] == "/expires_after_days"
    for name in ("expires", "threshold"):
        entry = {"kind": "text", "value": "one two three", "source": "staff", name: value}
        found = problem(client.send("POST", "/v1/banks/some/entries", json={"entries": [entry]}), 422)
        assert found["pointer"] == f"/entries/0/{name}"


def test_a_body_is_decoded_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many entries, a second time would stop all other requests for as long as it takes."""

    async def again(_self: Request) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(Request, "json", again)
    entries = [{"kind": "text", "value": f"one two {number}", "source": "staff"} for number in range(3)]
    made = client.send("POST", "/v1/banks/blocked-texts/entries", json={"entries": entries})
    assert (made.status_code, len(made.json()["entries"])) == (201, 3)
    found = problem(client.send("POST", "/v1/match", json={"text": 5}), 422)
    assert found["pointer"] == "/text"
