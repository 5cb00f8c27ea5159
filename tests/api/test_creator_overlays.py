"""What an account has on in its own place, over HTTP: read, set, ended; and what publishing says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.api import Client, problem, serving
from support.overlays import OVERLAY, STRICTER, with_overlays

PLACE = "/v1/accounts/c%2F1/overlays"
NOTHING: dict[str, Any] = {"overlays": [], "words": [], "set_at": None, "set_by": None}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("overlays")
    with serving(folder) as made:
        made.rig.app.publish(with_overlays(OVERLAY, STRICTER), by="tests")
        yield made


def test_it_is_set_holds_at_once_and_ends(client: Client) -> None:
    assert client.send("GET", PLACE, key="screen").json() == NOTHING
    asked = {"overlays": ["calm-replies"], "words": ["Spoiler"]}
    given = client.send("PUT", PLACE, key="screen", json=asked)
    assert given.status_code == 200
    state = given.json()
    assert (state["overlays"], state["words"]) == ([{"name": "calm-replies", "in_force": True}], ["Spoiler"])
    assert state["set_by"].startswith("key/")
    events = client.rig.kinds().count("account.overlays_set")
    assert client.send("PUT", PLACE, key="screen", json=asked).json() == state
    assert client.rig.kinds().count("account.overlays_set") == events
    fields = {"body": "a spoiler!", "owner": "c/1"}
    body = {"content_type": "note", "id": "n-1", "fields": fields, "actor": {"id": "a-1"}}
    answer = client.screen(body).json()
    assert answer["verdict"] == "hold"
    assert client.send("GET", f"/v1/decisions/{answer['decision']}").json()["overlays"] == ["calm-replies"]
    tried = client.send("POST", "/v1/try", json={"content_type": "note", "fields": fields}).json()
    fired = [rule for rule in tried["in_force"]["rules"] if rule["state"] == "fired"]
    assert [(rule["policy"], rule["layer"]) for rule in fired] == [("calm", "creator calm-replies")]
    ended = client.send("DELETE", PLACE, key="screen").json()
    assert (ended["overlays"], ended["words"]) == ([], [])
    assert client.screen({**body, "id": "n-2"}).json()["verdict"] == "allow"
    assert client.send("DELETE", PLACE, key="screen").json() == ended


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"overlays": ["calm-replies", "calm"]}, "/overlays/1", "There is no creators' overlay 'calm'"),
        ({"words": ["ok", "..."]}, "/words/1", "no letter"),
        ({"words": ["x" * 61]}, "/words/0", "too long"),
        ({"words": [f"w{n}" for n in range(101)]}, "/words", "101 words"),
        ({"word": ["x"]}, "/word", "no member"),
        ({"words": "x"}, "/words", ""),
    ],
)
def test_bad_settings_are_refused_with_place_and_remedy(
    client: Client, body: dict[str, Any], pointer: str, says: str
) -> None:
    told = problem(client.send("PUT", "/v1/accounts/c-2/overlays", key="screen", json=body), 422)
    assert told["pointer"] == pointer
    assert says in told["detail"]
    assert client.send("GET", "/v1/accounts/c-2/overlays").json() == NOTHING


def test_an_overlay_that_is_dropped_is_said_when_publishing_and_in_the_answer(client: Client) -> None:
    app = client.rig.app
    for account in ("c-3", "c-4"):
        client.send("PUT", f"/v1/accounts/{account}/overlays", json={"overlays": ["quiet-replies"]})
    assert app.creators_concerned(app.build(with_overlays(OVERLAY))) == {"quiet-replies": 2}
    assert app.creators_concerned(app.bundle) == {}
    app.publish(with_overlays(OVERLAY), by="tests")
    told = client.send("GET", "/v1/accounts/c-3/overlays").json()
    assert told["overlays"] == [{"name": "quiet-replies", "in_force": False}]
