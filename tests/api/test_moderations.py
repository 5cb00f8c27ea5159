"""The route in the shape of OpenAI's moderation: flags at our thresholds, and what was not measured says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall import access, api
from seawall.api.compatible import MAX_CHARACTERS
from seawall.api.moderations import MOST_INPUTS, UNMEASURED
from seawall.policy.figures import AskedFigure, resolve
from seawall.screen.compatible_names import OPENAI
from support.api import Client
from support.app import Rig, own_app
from support.detectors import Moody
from support.second_model import SecondModel

PATH = "/v1/moderations"
RUDE = "you are a complete and utter idiot"
ITALIAN = "Tutti i giorni ascoltiamo la musica insieme agli amici"
GERMAN = "Du bist wirklich der größte Dummkopf, den ich jemals gesehen habe"
MEASURED = {name for name, each in OPENAI.items() if each.signal is not None}


def ask(client: Client, given: Any, **more: Any) -> httpx.Response:
    return client.send("POST", PATH, key="screen", json={"input": given, **more})


def results(client: Client, given: Any) -> list[dict[str, Any]]:
    response = ask(client, given, model="omni-moderation-latest")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    """OpenAI's error."""
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def test_a_text_a_list_of_texts_and_the_parts_of_one(client: Client) -> None:
    (rude,) = results(client, RUDE)
    kind, again = results(client, ["what a lovely song, thank you for it", RUDE])
    parts = [{"type": "text", "text": "you are a complete"}, {"type": "text", "text": "and utter idiot"}]
    (joined,) = results(client, parts)
    assert (rude["flagged"], kind["flagged"], again["flagged"], joined["flagged"]) == (True, False, True, True)
    assert rude["categories"]["harassment"] is True
    assert rude["category_scores"] == again["category_scores"]
    answer = ask(client, RUDE).json()
    assert answer["id"].startswith("modr-")
    assert "text-model-" in answer["model"]


def test_every_category_is_there_and_what_is_not_measured_says_so(client: Client) -> None:
    (found,) = results(client, RUDE)
    for member in ("categories", "category_scores", "category_applied_input_types"):
        assert set(found[member]) == set(OPENAI)
    assert set(found["unmeasured"]) == OPENAI.keys() - MEASURED
    for name in OPENAI:
        score, applied = found["category_scores"][name], found["category_applied_input_types"][name]
        if name in MEASURED:
            assert 0 <= score <= 1
            assert applied == ["text"]
        else:
            assert (score, applied, found["categories"][name]) == (UNMEASURED, [], False)
            assert found["unmeasured"][name]


def test_words_of_threat_and_of_despair(client: Client) -> None:
    threat, despair = results(client, ["I will kill you tonight, be afraid", "I want to kill myself, I can't go on"])
    assert threat["categories"]["harassment/threatening"] is True
    assert despair["categories"]["self-harm"] is True
    assert despair["categories"]["self-harm/intent"] is True


def test_flags_are_set_at_the_operating_points_of_the_detector(tmp_path: Path) -> None:
    at = OPENAI["sexual"].at
    assert isinstance(at, AskedFigure)
    spec = SecondModel().spec
    (signal,) = [each for each in spec.signals if each.name == "sexual"]
    (threshold,) = [each.value for each in resolve(spec, signal, at) if not each.language]
    for value in (threshold, threshold - 0.001):
        with own_app(tmp_path / f"{value}", detectors=(SecondModel(value),)) as app:
            client = Client(Rig(app, Moody()), api.build(app))
            client.keys["screen"] = access.create_key(app.ledger, "screen", ["screen"])
            (found,) = results(client, ITALIAN)
            assert found["categories"]["sexual"] is (value == threshold)
            assert found["category_scores"]["sexual"] == pytest.approx(value)
            error = refused(ask(client, f"{ITALIAN} crash"), 503)
            assert (error["type"], error["code"]) == ("server_error", "not_measured")
            assert "input[0]" in error["message"]


def test_an_unread_language_is_refused_by_its_place_and_nothing_is_flagged_as_clean(client: Client) -> None:
    error = refused(ask(client, ["what a lovely song", GERMAN, RUDE, "Il pleut encore et toujours à Paris"]), 400)
    assert (error["code"], error["param"]) == ("language_not_supported", "input[1]")
    assert "input[1]: de" in error["message"]
    assert "input[3]: fr" in error["message"]
    assert "Languages of all categories: en" in error["message"]


@pytest.mark.parametrize(
    ("body", "said", "place"),
    [
        ({"input": ""}, "no text", "input"),
        ({"input": ["hi", "  "]}, "no text", "input[1]"),
        ({"input": []}, "length >= 1", "input"),
        ({"input": ["hi"] * (MOST_INPUTS + 1)}, "length <=", "input"),
        ({"input": 5}, "Expected", "input"),
        ({"input": "a" * (MAX_CHARACTERS + 1)}, "characters", "input"),
        ({"inputs": "hi"}, "Did you mean 'input'?", "inputs"),
        ({"input": ["hi", {"type": "text", "text": "ho"}]}, "mixes", "input[0]"),
        ({"input": [{"type": "text"}]}, "needs its text", "input[0].text"),
        ({"input": [{"type": "image_url", "image_url": {"url": "https://x.test/1.png"}}]}, "pictures", "input[0]"),
        (
            {"input": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:image/png,x"}}]},
            "the text beside it was not measured",
            "input[1]",
        ),
    ],
)
def test_bad_inputs_say_where_and_what_to_do(client: Client, body: dict[str, Any], said: str, place: str) -> None:
    error = refused(client.send("POST", PATH, key="screen", json=body), 400)
    assert said in error["message"]
    assert (error["param"], error["type"]) == (place, "invalid_request_error")


def test_what_is_no_json_and_what_is_too_large(client: Client) -> None:
    assert "UTF-8 JSON" in refused(client.send("POST", PATH, key="screen", content=b"{"), 400)["message"]
    assert "too large" in refused(ask(client, "a" * 2_000_000), 413)["message"]


def test_keys(client: Client) -> None:
    body = {"input": "hi"}
    error = refused(client.send("POST", PATH, key=None, json=body), 401)
    assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
    wrong = client.send("POST", PATH, key="sw_wrong", json=body)
    assert refused(wrong, 401)["message"].startswith("API key not valid")
    assert refused(client.send("POST", PATH, key="read", json=body), 403)["type"] == "permission_error"
    assert client.send("POST", PATH, key="admin", json=body).status_code == 200
    key = client.keys["screen"]
    in_address = client.send("POST", f"{PATH}?key={key}", key=None, json=body)  # of the other service's clients
    assert in_address.status_code == 422
    assert key not in in_address.text
