"""The routes in the shape of the Perspective API: scores, spans, languages, and errors as its clients read them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from seawall import access, api
from seawall.api.compatible import MAX_CHARACTERS, TextsInProgress
from seawall.api.errors import ApiProblem
from seawall.screen.compatible_names import PERSPECTIVE
from seawall.screen.tables import item as item_table
from support.api import Client
from support.app import Rig, own_app
from support.detectors import Moody
from support.second_model import SecondModel

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
RUDE = "you are a complete and utter idiot"
ITALIAN = "Tutti i giorni ascoltiamo la musica insieme agli amici"
GERMAN = "Du bist wirklich der größte Dummkopf, den ich jemals gesehen habe"


def ask(client: Client, text: str | None, *names: str, path: str = ANALYZE, **more: Any) -> httpx.Response:
    body = {"comment": {"text": text}, "requestedAttributes": {name: {} for name in names}, **more}
    return client.send("POST", f"{path}?key={client.keys['screen']}", key=None, json=body)


def refused(response: httpx.Response, code: int, status: str) -> dict[str, Any]:
    """Google's error."""
    assert response.status_code == code, response.text
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"code", "message", "status", "details"}
    assert (error["code"], error["status"]) == (code, status)
    return error


@pytest.fixture(scope="module")
def bilingual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, SecondModel]]:
    """A server with a second model beside the shipped one."""
    model = SecondModel()
    with own_app(tmp_path_factory.mktemp("bilingual"), detectors=(model,)) as app:
        client = Client(Rig(app, Moody()), api.build(app))
        client.keys["screen"] = access.create_key(app.ledger, "screen", ["screen"])
        yield client, model


def test_scores_of_a_rude_and_a_friendly_comment(client: Client) -> None:
    rude = ask(client, RUDE, "TOXICITY", "INSULT", clientToken="t-1", languages=["en"]).json()
    kind = ask(client, "what a lovely song, thank you for it", "TOXICITY", "INSULT").json()
    for name in ("TOXICITY", "INSULT"):
        high, low = (each["attributeScores"][name]["summaryScore"] for each in (rude, kind))
        assert (high["type"], low["type"]) == ("PROBABILITY", "PROBABILITY")
        assert 0 < low["value"] < 0.2 < high["value"] < 1
    (span,) = rude["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, len(RUDE))
    assert (rude["languages"], rude["clientToken"]) == (["en"], "t-1")
    assert "clientToken" not in kind


def test_every_mapped_attribute_is_scored_and_every_other_one_names_the_rest(client: Client) -> None:
    mapped = [name for name, each in PERSPECTIVE.items() if each.signal is not None]
    answered = ask(client, RUDE, *mapped).json()["attributeScores"]
    assert set(answered) == set(mapped)
    assert all(0 <= each["summaryScore"]["value"] <= 1 for each in answered.values())
    for name in PERSPECTIVE.keys() - set(mapped):
        message = refused(ask(client, RUDE, "TOXICITY", name), 400, "INVALID_ARGUMENT")["message"]
        assert name in message
        assert ", ".join(mapped) in message
    assert set(ask(client, RUDE, "TOXICITY_EXPERIMENTAL").json()["attributeScores"]) == {"TOXICITY_EXPERIMENTAL"}


def test_word_lists_are_raw_scores_and_no_probabilities(client: Client) -> None:
    def threat(**parameters: Any) -> httpx.Response:
        return ask(client, "I will kill you tonight", requestedAttributes={"THREAT": parameters})

    for parameters in ({}, {"scoreType": "RAW"}):
        score = threat(**parameters).json()["attributeScores"]["THREAT"]["summaryScore"]
        assert score["type"] == "RAW"
        assert score["value"] > 0.5
    assert "not calibrated" in refused(threat(scoreType="PROBABILITY"), 400, "INVALID_ARGUMENT")["message"]


def test_spans_are_sentences_in_utf16_units_each_measured_for_itself(client: Client) -> None:
    text = "😀 What a lovely morning to listen to music. You are a complete and utter idiot!"
    first, second = ask(client, text, "INSULT", spanAnnotations=True).json()["attributeScores"]["INSULT"]["spanScores"]
    units = text.encode("utf-16-le")
    cut = [units[2 * each["begin"] : 2 * each["end"]].decode("utf-16-le") for each in (first, second)]
    assert cut == ["😀 What a lovely morning to listen to music.", "You are a complete and utter idiot!"]
    assert second["score"]["value"] > 5 * first["score"]["value"]


def test_of_a_long_comment_spans_are_longer(client: Client) -> None:
    text = "This is a sentence of it. " * 300
    scores = ask(client, text, "INSULT", spanAnnotations=True).json()["attributeScores"]["INSULT"]
    spans = [(each["begin"], each["end"]) for each in scores["spanScores"]]
    assert 1 < len(spans) <= 40
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text.rstrip())
    assert all(after - before == 1 for (_, before), (after, _) in pairwise(spans))


def test_html_is_read_without_its_tags_and_marked_in_the_source(client: Client) -> None:
    source = "<p>you are an <b>id</b>iot</p><script>lovely()</script>"
    comment = {"text": source, "type": "HTML"}
    html = ask(client, "", "INSULT", comment=comment, spanAnnotations=True).json()["attributeScores"]["INSULT"]
    plain = ask(client, "you are an idiot", "INSULT").json()["attributeScores"]["INSULT"]
    assert math.isclose(html["summaryScore"]["value"], plain["summaryScore"]["value"], rel_tol=0.05)
    (span,) = html["spanScores"]
    assert source[span["begin"] : span["end"]] == "you are an <b>id</b>iot"
    assert ask(client, "", "INSULT", comment={"text": "<p></p>", "type": "HTML"}).status_code == 400


def test_a_score_below_the_threshold_is_left_out(client: Client) -> None:
    wanted = {"TOXICITY": {"scoreThreshold": 0.999}, "INSULT": {"scoreThreshold": 0.1}}
    assert set(ask(client, RUDE, requestedAttributes=wanted).json()["attributeScores"]) == {"INSULT"}
    assert "attributeScores" not in ask(client, RUDE, requestedAttributes={"SPAM": {"scoreThreshold": 1}}).json()


@pytest.mark.parametrize("languages", [None, [], ["en"], ["de"], ["en", "fr"]])
def test_what_nobody_reads_is_an_error_of_the_attribute_whatever_is_declared(
    client: Client, languages: list[str] | None
) -> None:
    more: dict[str, Any] = {} if languages is None else {"languages": languages}
    error = refused(ask(client, GERMAN, "TOXICITY", "SPAM", **more), 400, "INVALID_ARGUMENT")
    assert error["message"].startswith("Attribute TOXICITY does not support request languages: de")
    assert [each["errorType"] for each in error["details"]] == ["LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"] * 2
    inside = [each["languageNotSupportedByAttributeError"] for each in error["details"]]
    assert [each["attribute"] for each in inside] == ["TOXICITY", "SPAM"]
    member = "requestedLanguages" if languages == ["de"] else "detectedLanguages"
    assert [each[member] for each in inside] == [["de"], ["de"]]


def test_a_short_text_is_read_in_the_declared_language(client: Client) -> None:
    assert ask(client, "idiot", "INSULT", languages=["en-US"]).json()["languages"] == ["en"]
    assert ask(client, "idiot", "INSULT").json()["detectedLanguages"] == ["und"]
    assert ask(client, "idiot", "INSULT", languages=["sv"]).status_code == 400
    assert ask(client, "idiot", "INSULT", languages=["en", "sv"]).status_code == 400  # mixed: half of it is not read


def test_unsupported_attributes_are_dropped_on_demand_and_never_zero(client: Client) -> None:
    answer = ask(client, GERMAN, "TOXICITY", "THREAT", "FLIRTATION", dropUnsupportedAttributes=True)
    assert answer.status_code == 200
    assert set(answer.json()["attributeScores"]) == {"THREAT"}  # word lists have German words
    swedish = "Det här är en helt vanlig mening på svenska om musik och väder"
    assert "attributeScores" not in ask(client, swedish, "TOXICITY", "THREAT", dropUnsupportedAttributes=True).json()


def test_the_languages_of_an_attribute_are_those_of_all_its_detectors(bilingual: tuple[Client, SecondModel]) -> None:
    client, model = bilingual
    answer = ask(client, ITALIAN, "TOXICITY").json()
    assert answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"] == pytest.approx(0.9)
    assert answer["detectedLanguages"] == ["it"]
    model.asked.clear()
    english = ask(client, "what a lovely song, thank you for it all", "TOXICITY").json()
    assert english["attributeScores"]["TOXICITY"]["summaryScore"]["value"] < 0.3
    assert not model.asked
    message = refused(
        ask(client, "Quelle belle chanson, merci beaucoup pour tout", "TOXICITY"), 400, "INVALID_ARGUMENT"
    )
    assert "it supports: en, it" in message["message"]


def test_a_detector_that_fails_is_an_error_and_no_low_score(bilingual: tuple[Client, SecondModel]) -> None:
    client, _ = bilingual
    response = ask(client, f"{ITALIAN} crash", "TOXICITY")
    assert "gave no answer" in refused(response, 503, "UNAVAILABLE")["message"]
    assert response.headers["retry-after"] == "1"
    assert "fell over" not in response.text
    assert ask(client, f"{ITALIAN} crash", "THREAT").status_code == 200  # it is not asked for that


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"comment":{"txt":"hi"}}', "Did you mean 'text'?"),
        (b'{"comment":{"text":"hi"},"requestedAttributes":{"TOXICTY":{}}}', "Did you mean TOXICITY?"),
        (b'{"comment":{"text":"hi"}}', "requestedAttributes must not be empty"),
        (b'{"comment":{"text":" "},"requestedAttributes":{"SPAM":{}}}', "Comment must be non-empty"),
        (b'{"requestedAttributes":{"SPAM":{}}}', "Comment must be non-empty"),
        (b'{"comment":{"text":"hi"},"requestedAttributes":{"SPAM":{}},"languages":["english!"]}', "no language code"),
        (b'{"comment":{"text":"hi"},"requestedAttributes":{"SPAM":{}},"languages":["a1"]}', "no language code"),
        (b'{"comment":{"text":"hi","text":"ho"},"requestedAttributes":{"SPAM":{}}}', "text"),
        (b'{"comment":{"text":"hi","type":"PDF"},"requestedAttributes":{"SPAM":{}}}', "/comment/type"),
    ],
)
def test_bad_requests_say_what_is_wrong(client: Client, body: bytes, said: str) -> None:
    response = client.send("POST", ANALYZE, key="screen", content=body)
    assert said in refused(response, 400, "INVALID_ARGUMENT")["message"]


def test_too_long_comments_and_requests(client: Client) -> None:
    for text, code in (("a" * (MAX_CHARACTERS + 1), 400), ("a" * 2_000_000, 413)):
        error = refused(ask(client, text, "TOXICITY"), code, "INVALID_ARGUMENT")
        assert error["details"][0]["errorType"] == "COMMENT_TOO_LONG"
        assert str(MAX_CHARACTERS) in error["message"]
    assert ask(client, "word " * (MAX_CHARACTERS // 5), "TOXICITY").status_code == 200


def test_unknown_parameters_are_refused_and_those_of_the_clients_taken(client: Client) -> None:
    body = {"comment": {"text": "hi"}, "requestedAttributes": {"SPAM": {}}}
    assert client.send("POST", f"{ANALYZE}?alt=json&prettyPrint=false", key="screen", json=body).status_code == 200
    for query in ("fields=languages", "alt=media"):
        refused(client.send("POST", f"{ANALYZE}?{query}", key="screen", json=body), 400, "INVALID_ARGUMENT")


def test_a_suggested_score_is_refused_because_none_is_kept(client: Client) -> None:
    scores = {"TOXICITY": {"summaryScore": {"value": 1.0}}}
    message = refused(ask(client, RUDE, path=SUGGEST, requestedAttributes=None), 400, "INVALID_ARGUMENT")["message"]
    assert "requestedAttributes" in message

    def suggest(**more: Any) -> httpx.Response:
        return client.send("POST", SUGGEST, key="screen", json={"comment": {"text": RUDE}, **more})

    assert "attributeScores" in refused(suggest(), 400, "INVALID_ARGUMENT")["message"]
    message = refused(suggest(attributeScores=scores, communityId="c"), 501, "UNIMPLEMENTED")["message"]
    assert "nothing was stored" in message
    assert "/v1/reports" in message


@pytest.mark.parametrize("path", [ANALYZE, SUGGEST])
def test_keys(client: Client, path: str) -> None:
    key, body = client.keys["screen"], {"comment": {"text": "hi"}, "requestedAttributes": {"SPAM": {}}}

    def send(query: str = "", **headers: str) -> httpx.Response:
        return client.send("POST", path + query, key=None, headers=headers, json=body)

    for right in (send(f"?key={key}"), send(**{"x-goog-api-key": key}), send(Authorization=f"Bearer {key}")):
        assert right.status_code != 401
        assert right.status_code != 403
    for wrong in (send(), send("?key="), send(f"?key={key}x"), send(**{"x-goog-api-key": "AIza" + "x" * 35})):
        error = refused(wrong, 401, "UNAUTHENTICATED")
        assert error["details"][0]["reason"] == "API_KEY_INVALID"
        assert key not in wrong.text
    for other in set(client.keys) - {"screen", "admin"}:
        refused(send(f"?key={client.keys[other]}"), 403, "PERMISSION_DENIED")


def test_the_key_in_the_address_is_in_no_log(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fall(*_: object, **__: object) -> object:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("seawall.api.perspective.score_texts", fall)
    with capture_logs() as logs:
        response = ask(client, "hi", "SPAM")
    assert response.status_code == 500
    assert logs
    assert client.keys["screen"] not in f"{logs}{response.text}"


def test_nothing_is_stored(client: Client) -> None:
    def counts() -> tuple[int, int]:
        with client.rig.app.database.read() as connection:
            items = connection.execute(select(func.count()).select_from(item_table)).scalar_one()
        return items, len(client.rig.events())

    before = counts()
    assert ask(client, RUDE, "TOXICITY", doNotStore=False, sessionId="s", communityId="c").status_code == 200
    assert counts() == before


def test_only_so_many_texts_are_measured_at_once() -> None:
    texts = TextsInProgress(limit=10)
    with texts.hold(200):  # alone, a large request is taken
        with pytest.raises(ApiProblem) as refusal, texts.hold(1):
            pass
        assert refusal.value.status == 429
        assert refusal.value.retry_after_s
    with texts.hold(9), texts.hold(1):
        pass


def test_a_flood_is_answered_or_told_to_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.api.compatible._MOST_TEXTS", 4)
    asgi = api.build(client.rig.app)
    body = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}}
    headers = {"Authorization": f"Bearer {client.keys['screen']}"}

    async def flood() -> list[int]:
        transport = httpx.ASGITransport(asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as sender:
            answers = await asyncio.gather(*(sender.post(ANALYZE, json=body, headers=headers) for _ in range(40)))
        return [each.status_code for each in answers]

    statuses = asyncio.run(flood())
    assert set(statuses) <= {200, 429}
    assert 200 in statuses


def test_other_methods_are_not_taken(client: Client) -> None:
    for path in (ANALYZE, SUGGEST, "/v1/moderations"):
        assert client.send("GET", path).status_code == 405


def test_the_discovery_document_leads_here_without_a_key(client: Client) -> None:
    document = client.send("GET", "/$discovery/rest?version=v1alpha1", key=None).json()
    assert document["rootUrl"] == "http://api.test/"
    methods = document["resources"]["comments"]["methods"]
    assert {f"/{each['path']}" for each in methods.values()} == {ANALYZE, SUGGEST}
    named = {each[side]["$ref"] for each in methods.values() for side in ("request", "response")}
    assert named <= document["schemas"].keys()
