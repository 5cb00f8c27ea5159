"""Every route, with and without the key it wants, and what it answers when all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from seawall.cli.serve import asgi
from support.api import Client, item, problem, serving
from support.app import sources

ENTRY = {"kind": "text", "value": "one two three four", "source": "staff"}
ROUTES: list[tuple[str, str, str, Any, int]] = [
    # method, path, scope, body, status with the right key
    ("POST", "/v1/screen", "screen", item(), 200),
    ("POST", "/v1/items", "screen", {"items": [item()]}, 202),
    ("POST", "/v1/try", "read", {"content_type": "note", "fields": {"body": "hello"}}, 200),
    ("POST", "/v1/investigations", "read", {"query": "rudeness > 0.5", "since": 0, "until": 1}, 200),
    ("POST", "/v1/backtest", "read", {"policies": ["policy: broken"]}, 422),
    (
        "POST",
        "/v1/activities",
        "screen",
        {"activities": [{"id": "p-1", "activity": "play", "actor": {"id": "a-1"}}]},
        201,
    ),
    ("GET", "/v1/decisions/dec_nowhere", "read", None, 404),
    ("GET", "/v1/decisions/dec_nowhere/explanation", "read", None, 404),
    ("GET", "/v1/items/note/nowhere", "read", None, 404),
    ("POST", "/v1/reports", "report", {"content_type": "nothing", "id": "nowhere"}, 404),
    ("GET", "/v1/reports/rep_nowhere", "report", None, 404),
    ("POST", "/v1/appeals", "appeal", {"appellant": "a", "text": "No.", "decision": "dec_nowhere"}, 404),
    ("GET", "/v1/appeals/app_nowhere", "appeal", None, 404),
    ("POST", "/v1/appeals/app_nowhere/messages", "appeal", {"appellant": "a", "text": "No."}, 404),
    ("POST", "/v1/appeals/app_nowhere/withdraw", "appeal", {"appellant": "a"}, 404),
    ("GET", "/v1/cases", "review", None, 200),
    ("PUT", "/v1/cases/case_nowhere/assignment", "admin", {"person": "nobody@example.org"}, 422),
    ("DELETE", "/v1/cases/case_nowhere/assignment", "admin", None, 404),
    ("GET", "/v1/banks", "bank", None, 200),
    ("GET", "/v1/banks/blocked-texts/entries", "bank", None, 200),
    ("POST", "/v1/banks/blocked-texts/entries", "bank", {"entries": [ENTRY]}, 201),
    ("GET", "/v1/banks/blocked-texts/meaning", "bank", None, 200),
    ("DELETE", "/v1/banks/blocked-texts/entries/ent_nowhere", "bank", None, 404),
    ("GET", "/v1/banks/blocked-texts/entries/ent_nowhere", "bank", None, 404),
    ("PUT", "/v1/banks/some-texts", "bank", {"title": "Some texts"}, 200),
    ("POST", "/v1/banks/blocked-texts/entries/ent_nowhere/suspend", "bank", {"reason": "checked"}, 404),
    ("POST", "/v1/banks/blocked-texts/entries/ent_nowhere/restore", "bank", {"reason": "checked"}, 404),
    ("POST", "/v1/match", "screen", {"text": "hello"}, 200),
    ("GET", "/v1/accounts/somebody/overlays", "screen", None, 200),
    ("PUT", "/v1/accounts/somebody/overlays", "screen", {"words": ["spoiler"]}, 200),
    ("DELETE", "/v1/accounts/somebody/overlays", "screen", None, 200),
    ("POST", "/v1/subjects/account/nowhere/erase", "admin", None, 404),
    ("POST", "/v1/subjects/account/nowhere/export", "admin", None, 404),
    ("POST", "/v1/subjects/account/nowhere/legal-holds", "admin", {"reason": "order-1"}, 404),
    ("DELETE", "/v1/legal-holds/hold_nowhere", "admin", None, 404),
    ("POST", "/v1/ledger/verifications", "admin", None, 202),
    ("GET", "/v1/ledger/verifications/ver_nowhere", "admin", None, 404),
]
_IDS = [f"{method} {path}" for method, path, *_ in ROUTES]
COMPATIBLE = ["/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore", "/v1/moderations"]
"""Routes that answer errors in another service's shape; their keys and scopes: test_perspective, test_moderations."""


def test_the_table_above_is_complete(client: Client) -> None:
    document = client.send("GET", "/v1/openapi.json", key=None).json()
    described = {
        (method.upper(), path.count("/"), path.split("/")[2])
        for path, operations in document["paths"].items()
        for method in operations
        if path not in COMPATIBLE
    }
    assert document["paths"].keys() >= set(COMPATIBLE)
    assert {(method, path.count("/"), path.split("/")[2]) for method, path, *_ in ROUTES} == described


@pytest.mark.parametrize(("method", "path", "scope", "body", "status"), ROUTES, ids=_IDS)
def test_keys_and_scopes(client: Client, method: str, path: str, scope: str, body: Any, status: int) -> None:
    def send(key: str | None) -> Any:
        return client.send(method, path, key=key, json=body) if body else client.send(method, path, key=key)

    assert send(scope).status_code == status
    assert send("admin").status_code == status
    for key in (None, "", "sw_abc", f"{client.keys[scope]}x", "sw_" + "x" * 500):
        assert "Authorization" in problem(send(key), 401)["remedy"]
    for other in client.keys:
        if other not in (scope, "admin"):
            assert scope in problem(send(other), 403)["detail"]


@pytest.mark.parametrize(("method", "path", "scope", "body", "status"), ROUTES, ids=_IDS)
def test_without_a_key_nothing_is_read(
    client: Client, method: str, path: str, scope: str, body: Any, status: int
) -> None:
    if body is not None:
        headers = {"Content-Type": "application/json"}
        refused = problem(client.send(method, path, key=None, content=b"{", headers=headers), 401)
        assert "JSON" not in refused["detail"]


def test_other_schemes_are_no_key(client: Client) -> None:
    token = client.keys["admin"]
    for header in (token, f"Basic {token}", f"Bearer: {token}", "Bearer"):
        problem(client.send("GET", "/v1/banks", key=None, headers={"Authorization": header}), 401)
    assert client.send("GET", "/v1/banks", key=None, headers={"Authorization": f"bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/screen", "POST"),
        ("PUT", "/v1/items", "POST"),
        ("DELETE", "/v1/decisions/dec_x", "GET"),
        ("PATCH", "/v1/banks/blocked-texts/entries", "GET, POST"),
    ],
)
def test_a_method_that_a_route_does_not_have(client: Client, method: str, path: str, allowed: str) -> None:
    response = client.send(method, path)
    problem(response, 405)
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/items/note"])
def test_a_path_that_is_not_there(client: Client, path: str) -> None:
    assert "openapi" in problem(client.send("GET", path), 404)["remedy"]


def test_screen_read_explain_report_and_review(fresh: Client) -> None:
    answer = fresh.screen("you fool").json()
    assert (answer["verdict"], answer["revision"], answer["degraded"]) == ("block", 1, False)
    assert [action["kind"] for action in answer["actions"]] == ["remove", "strike", "review"]
    decision = fresh.send("GET", f"/v1/decisions/{answer['decision']}", key="read").json()
    assert (decision["id"], decision["verdict"]) == (answer["decision"], "block")
    why = fresh.send("GET", f"/v1/decisions/{answer['decision']}/explanation", key="read").json()
    assert why["reproduced"] is True
    where = fresh.send("GET", "/v1/items/note/n-1", key="read").json()
    assert (where["id"], where["item"], where["verdict"]) == ("n-1", answer["item"], "block")
    assert [one["id"] for one in where["decisions"]] == [answer["decision"]]
    report = fresh.send("POST", "/v1/reports", key="report", json={"content_type": "note", "id": "n-1", "note": "!"})
    assert report.status_code == 201
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    assert (case["item"], case["queue"], case["reports"]) == (answer["item"], "rude", 1)
    assert fresh.send("GET", "/v1/cases?queue=gore", key="review").json() == []


def test_an_id_may_hold_slashes_and_anything_printable(client: Client) -> None:
    assert client.screen("hello", id="a/b?c#ü 1").status_code == 200
    found = client.send("GET", "/v1/items/note/a%2Fb%3Fc%23%C3%BC%201", key="read").json()
    assert found["id"] == "a/b?c#ü 1"


def test_idempotency(fresh: Client) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = fresh.screen("hello", headers=headers)
    assert fresh.screen("hello", headers=headers).content == first.content
    problem(fresh.screen("goodbye", headers=headers), 409)
    for bad in ("", "x" * 256):
        problem(fresh.screen("hello", headers={"Idempotency-Key": bad}), 422)
    reported = {"content_type": "note", "id": "n-1"}
    one, two = (fresh.send("POST", "/v1/reports", json=reported, headers=headers).json() for _ in range(2))
    assert one == two


def test_items_are_taken_all_or_none(fresh: Client) -> None:
    taken = fresh.send("POST", "/v1/items", json={"items": [item(), item("you fool", id="n-2")]})
    assert taken.status_code == 202
    assert fresh.rig.work("screen") == 2
    where = fresh.send("GET", "/v1/items/note/n-2").json()
    assert (where["item"], where["verdict"]) == (taken.json()["items"][1], "block")
    broken = [item(id="n-3"), item(id="n-4") | {"fields": {"bdy": "x"}}]
    found = problem(fresh.send("POST", "/v1/items", json={"items": broken}), 422)
    assert found["pointer"] == "/items/1/fields/bdy"
    problem(fresh.send("GET", "/v1/items/note/n-3"), 404)
    problem(fresh.send("POST", "/v1/items", json={"items": []}), 422)
    problem(fresh.send("POST", "/v1/items", json={"items": [item()] * 1001}), 422)


def test_banks(fresh: Client) -> None:
    def banks() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = fresh.send("GET", "/v1/banks", key="bank").json()
        return found

    def post(*entries: dict[str, Any]) -> Any:
        return fresh.send("POST", "/v1/banks/blocked-texts/entries", key="bank", json={"entries": list(entries)})

    (entry,) = post(ENTRY).json()["entries"]
    assert {bank["name"]: bank["active"] for bank in banks()}["blocked-texts"] == 1
    (held,) = fresh.send("GET", "/v1/banks/blocked-texts/entries", key="bank").json()
    assert (held["id"], held["value"]) == (entry, ENTRY["value"])
    assert "RE2 rejects" in problem(post(ENTRY | {"kind": "pattern", "value": "("}), 422)["detail"]
    assert fresh.send("DELETE", f"/v1/banks/blocked-texts/entries/{entry}", key="bank").status_code == 204
    problem(fresh.send("DELETE", f"/v1/banks/blocked-texts/entries/{entry}", key="bank"), 404)
    assert {bank["active"] for bank in banks()} == {0}


def test_a_person_decided(fresh: Client) -> None:
    from sqlalchemy import select

    from seawall import review, screen
    from seawall.review.tables import case

    fresh.screen("you fool")
    app = fresh.rig.app
    (found,) = fresh.rig.rows(select(case))
    review.take(app.database, found["id"], "per_1")
    rulebook = review.Rulebook(content_types=app.bundle.content_types, harms={"rude": "harassment"})
    answer = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation")
    said = review.submit_review(app.ledger, rulebook, found["id"], "per_1", answer, find_item=screen.status_of)
    why = fresh.send("GET", f"/v1/decisions/{said.id}/explanation").json()
    assert why["decision"] == said.id
    assert "person" in why["text"]


def test_the_explanation_of_an_edit_says_what_a_person_removed(fresh: Client) -> None:
    from sqlalchemy import select

    from seawall import review, screen
    from seawall.model import Action
    from seawall.review.tables import case

    fresh.screen("you fool, you do not know a thing about tulips")
    app = fresh.rig.app
    (found,) = fresh.rig.rows(select(case))
    review.take(app.database, found["id"], "per_1")
    rulebook = review.Rulebook(content_types=app.bundle.content_types, harms={"rude": "harassment"})
    answer = review.ReviewAnswer(
        answer=review.VIOLATES, policy="rude", actions=(Action("remove"),), reason="clear_violation"
    )
    said = review.submit_review(app.ledger, rulebook, found["id"], "per_1", answer, find_item=screen.status_of)
    edited = fresh.screen("the weather is fine today").json()
    assert edited["verdict"] == "hold"
    why = fresh.send("GET", f"/v1/decisions/{edited['decision']}/explanation").json()
    assert (why["edit"]["decision"], why["edit"]["near_duplicate"]) == (said.id, False)
    assert why["edit"]["text"].startswith("changed (0.0")
    assert why["rules"] == []


def test_a_decision_whose_policies_cannot_be_read(fresh: Client) -> None:
    """The record stands in the ledger; the reason why it came out so does not."""
    answer = fresh.screen("you fool").json()
    app = fresh.rig.app
    bundle = app.bundle.hash
    app.publish(sources("gore"), by="tests")
    (app.settings.data_dir / "blobs" / bundle[:2] / bundle).unlink()
    assert fresh.send("GET", f"/v1/decisions/{answer['decision']}").json()["bundle"] == bundle
    refused = problem(fresh.send("GET", f"/v1/decisions/{answer['decision']}/explanation"), 409)
    assert f"{bundle[:12]} cannot be read: its bytes are missing. Restore the blobs" in refused["detail"]


def test_what_was_erased_is_gone(fresh: Client) -> None:
    answer = fresh.screen("you fool", id="n-9").json()
    app = fresh.rig.app
    account = fresh.send("GET", f"/v1/decisions/{answer['decision']}").json()["actor"]
    app.ledger.commit(lambda tx: app.vault.erase(tx, account))
    assert fresh.send("GET", f"/v1/decisions/{answer['decision']}").status_code in (200, 410)
    problem(fresh.send("GET", "/v1/items/note/n-9"), 404)
    about = {"content_type": "note", "id": "n-9"}
    assert fresh.send("POST", "/v1/reports", json=about).json()["state"] == "waiting_for_content"
    assert fresh.screen("you fool", id="n-9").json()["item"] != answer["item"]


def test_health_and_metrics(fresh: Client) -> None:
    health = fresh.send("GET", "/healthz", key=None)
    assert health.status_code == 200
    assert health.json()["bundle"] == fresh.rig.app.bundle.hash
    fresh.screen("you fool, marker-text")
    fresh.rig.hang(kind="letter", id="marker-id")
    text = fresh.send("GET", "/metrics", key=None).text
    assert 'seawall_decisions_total{content_type="note",source="screen",verdict="block"} 1.0' in text
    assert 'seawall_degraded_decisions_total{content_type="letter",source="screen"} 1.0' in text
    assert "seawall_pending_rescreens 1.0" in text
    assert "seawall_open_cases 1.0" in text
    assert 'seawall_detector_queue_parts{detector="text-model"} 0.0' in text
    assert 'seawall_detector_hung_calls{detector="text-model"} 0.0' in text
    assert "marker" not in text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "TRACE", "OPTIONS", "DELETE", "PROPFIND"])
def test_unknown_paths_beside_the_console(client: Client, method: str) -> None:
    served = Client(client.rig, asgi(client.rig.app), client.keys)
    for path in ("/v1", "/v1/nothing", "/v1/screen/more"):
        response = served.send(method, path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
    if method not in ("POST", "HEAD"):
        assert served.send(method, "/v1/screen").headers["allow"] == "POST"
    if method not in ("GET", "HEAD"):
        response = served.send(method, "/healthz")
        assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """API and console together, as ``seawall serve`` runs them."""
    with serving(tmp_path_factory.mktemp("whole")) as client:
        client.asgi = asgi(client.rig.app)
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "HEAD", "OPTIONS", "PROPFIND"])
def test_an_address_that_does_not_exist_is_404_to_every_method(whole: Client, method: str) -> None:
    for path in ("/v1/nothing", "/v1/", "/v1", "/v1/decision/x/y/z", "/v1/a%0Ab", "/v1//screen"):
        response = whole.send(method, path)
        assert response.status_code == 404, path
        assert response.headers["content-type"] == "application/problem+json"
        assert "allow" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/screen", "POST"),
        ("TRACE", "/v1/screen", "POST"),
        ("HEAD", "/v1/items", "POST"),
        ("DELETE", "/v1/items/note/a", "GET"),
        ("POST", "/v1/items/note/a%0Ab", "GET"),
        ("OPTIONS", "/v1/reports", "POST"),
        ("PUT", "/v1/banks/x/entries", "GET, POST"),
        ("PATCH", "/v1/banks/x/entries/y", "DELETE, GET"),
    ],
)
def test_a_method_that_a_route_does_not_take_is_405_with_those_it_takes(
    whole: Client, method: str, path: str, allowed: str
) -> None:
    response = whole.send(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("id", ["a\nb", "\n", "a\n", "\na", "a\r\nb", "a/b\nc/", "a\u2028b", "..\n/.."])
def test_an_item_is_read_back_whatever_its_id_holds(whole: Client, id: str) -> None:
    sent = whole.screen("hello", id=id)
    if sent.status_code == 422:
        return
    found = whole.send("GET", f"/v1/items/note/{quote(id, safe='')}")
    assert found.status_code == 200, found.text
    assert found.json()["id"] == id


@pytest.mark.parametrize("path", ["/v1/screen", "/v1/items", "/v1/reports", "/sign-in"])
def test_a_client_that_goes_away_is_no_fault(whole: Client, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        pass

    headers = [
        (b"authorization", f"Bearer {whole.keys['admin']}".encode()),
        (b"content-length", b"10"),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    with capture_logs() as logs:
        asyncio.run(whole.asgi(scope | {"headers": headers, "root_path": "", "state": {}}, receive, send))  # type: ignore[arg-type]
    assert logs == []


def test_a_report_with_the_key_of_another_is_refused(fresh: Client) -> None:
    fresh.screen("hello")
    asked = {"content_type": "note", "id": "n-1", "reporter": "u-1", "note": "first"}
    key = {"Idempotency-Key": "k-1"}
    first = fresh.send("POST", "/v1/reports", key="report", json=asked, headers=key)
    again = fresh.send("POST", "/v1/reports", key="report", json=asked, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    other = fresh.send("POST", "/v1/reports", key="report", json=asked | {"note": "second"}, headers=key)
    assert first.json()["report"] in problem(other, 409)["detail"]
    long = fresh.send("POST", "/v1/reports", key="report", json=asked, headers={"Idempotency-Key": "x" * 256})
    problem(long, 422)
