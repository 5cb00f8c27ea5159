"""The routes of a subject's data: only for keys with the scope ``admin``."""

from __future__ import annotations

import io
import json
from urllib.parse import quote
from zipfile import ZipFile

import pytest

from support.api import Client, item, problem

ROUTES = [
    ("POST", "/v1/subjects/account/a-1/erase", None),
    ("POST", "/v1/subjects/account/a-1/export", None),
    ("POST", "/v1/subjects/account/a-1/legal-holds", {"reason": "order-1"}),
    ("DELETE", "/v1/legal-holds/hold_none", None),
    ("POST", "/v1/ledger/verifications", None),
    ("GET", "/v1/ledger/verifications/ver_none", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_only_administrators_may(client: Client, method: str, path: str, body: object) -> None:
    for key in ("screen", "report", "read", "review", "bank"):
        assert client.send(method, path, key=key, json=body).status_code == 403
    assert client.send(method, path, key=None, json=body).status_code == 401


def test_a_subject_is_exported_held_and_erased(fresh: Client) -> None:
    screened = fresh.screen("you silly one").json()
    answer = fresh.send("POST", "/v1/subjects/account/a-1/export")
    assert answer.headers["content-type"] == "application/zip"
    document = json.loads(ZipFile(io.BytesIO(answer.content)).read("subject.json"))
    assert screened["item"] in document["subjects"]
    hold = fresh.send("POST", "/v1/subjects/item:note/n-1/legal-holds", json={"reason": "order-1"})
    assert hold.status_code == 201
    assert "order-1" in problem(fresh.send("POST", "/v1/subjects/account/a-1/erase"), 409)["detail"]
    assert fresh.send("DELETE", f"/v1/legal-holds/{hold.json()['legal_hold']}").status_code == 204
    certificate = fresh.send("POST", "/v1/subjects/account/a-1/erase").json()
    assert (certificate["subjects"], certificate["by"][:4]) == (2, "key/")
    problem(fresh.send("POST", "/v1/subjects/account/a-1/erase"), 404)
    problem(fresh.send("POST", "/v1/subjects/account/a-1/export"), 404)
    problem(fresh.send("GET", f"/v1/decisions/{screened['decision']}/explanation"), 410)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/subjects/account/nobody/legal-holds", {"reason": "order-1"}, 404),
        ("/v1/subjects/person/a-1/erase", None, 404),
        ("/v1/subjects/account/a-1/legal-holds", {"reason": "Because!"}, 422),
        ("/v1/subjects/account/a-1/legal-holds", {}, 422),
    ],
)
def test_bad_input(client: Client, path: str, body: object, status: int) -> None:
    client.screen("hello")
    assert problem(client.send("POST", path, json=body), status)["status"] == status


def test_the_ledger_is_verified_by_a_worker(fresh: Client) -> None:
    fresh.screen("hello")
    asked = fresh.send("POST", "/v1/ledger/verifications")
    assert (asked.status_code, asked.json()["state"], asked.json()["intact"]) == (202, "waiting", None)
    address = f"/v1/ledger/verifications/{asked.json()['id']}"
    assert fresh.send("POST", "/v1/ledger/verifications").json()["id"] == asked.json()["id"]
    assert fresh.send("GET", address).json()["state"] == "waiting"
    assert fresh.rig.work("verify_ledger") == 1
    done = fresh.send("GET", address).json()
    assert (done["state"], done["intact"], done["by"][:4]) == ("done", True, "key/")
    assert done["result"]["events"] == done["done"] == fresh.rig.app.ledger.head()
    problem(fresh.send("GET", "/v1/ledger/verifications/ver_none"), 404)


@pytest.mark.parametrize("id", ["a\nb", "\n", "a/b\n/erase", "\r\n..", "/", "a\u2028b"])
def test_a_subject_is_erased_whatever_its_id_holds(client: Client, id: str) -> None:
    sent = client.screen(item(id="s-1") | {"actor": {"id": id}})
    assert sent.status_code == 200
    path = f"/v1/subjects/account/{quote(id, safe='')}"
    held = client.send("POST", f"{path}/legal-holds", json={"reason": "order-1"})
    assert held.status_code == 201, held.text
    problem(client.send("POST", f"{path}/erase"), 409)
    assert client.send("DELETE", f"/v1/legal-holds/{held.json()['legal_hold']}").status_code == 204
    assert client.send("POST", f"{path}/export").status_code == 200
    assert client.send("POST", f"{path}/erase").json()["subjects"] == 2
    problem(client.send("POST", f"{path}/export"), 404)
