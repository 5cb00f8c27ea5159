"""``POST /v1/activities``: what is recorded, what is refused and where, and what counters make of it."""

from __future__ import annotations

from typing import Any

import pytest

from seawall import review, screen
from seawall.console.active_bundle import rulebook
from seawall.model import Action, now_ms
from support.api import Client, problem
from support.app import sources

COUNTING = """\
policy: counting
title: Counting
owner: tests
applies_to: [note]
harm: spam
definition: For tests.
statement: {ground: incompatible, clause: "House rules, 3"}
rules:
  - id: plays
    when: count(actor, "play", within="1d") >= 2
    do: [demote]
  - id: reported
    mode: shadow
    when: count(actor, "report", within="1d", where=activity.kind == "user") >= 1
    do: [demote]
  - id: known
    mode: shadow
    when: count(actor, "review", within="1d", where=activity.violates) >= 1
    do: [demote]
  - id: cleared
    mode: shadow
    when: count(actor, "review", within="1d", where=not activity.violates) >= 1
    do: [demote]
examples:
  - item: {note: {body: "x"}}
    expect: {verdict: allow}
"""


def sending(client: Client, *activities: dict[str, Any], key: str = "screen") -> Any:
    return client.send("POST", "/v1/activities", key=key, json={"activities": list(activities)})


def play(id: str = "p-1", **more: Any) -> dict[str, Any]:
    return {"id": id, "activity": "play", "actor": {"id": "a-1"}, **more}


def counting(client: Client) -> None:
    client.rig.app.publish(sources("rude", "gore", counting=COUNTING), by="tests")
    client.rig.app.refresh()


def test_an_activity_is_recorded_once(fresh: Client) -> None:
    counting(fresh)
    first = sending(fresh, play(), play(attributes={"seconds": 31}), play("p-2", time="2026-11-01T00:00:00Z"))
    assert (first.status_code, first.json()) == (201, {"recorded": 2, "repeated": 1})
    assert sending(fresh, play()).json() == {"recorded": 0, "repeated": 1}
    assert fresh.screen("hello").json()["actions"] == []
    assert sending(fresh, play("p-3", time=now_ms())).json()["recorded"] == 1
    answer = fresh.screen("hello", id="n-2").json()
    assert [action["kind"] for action in answer["actions"]] == ["demote"]
    text = fresh.send("GET", f"/v1/decisions/{answer['decision']}/explanation").json()
    (rule,) = [rule for rule in text["rules"] if rule["rule"] == "plays"]
    assert [(one["name"], one["value"]) for one in rule["features"]] == [('count(actor, "play", within="1d")', 2)]
    assert text["counted_up_to"] > 0


def test_reports_and_reviews_are_counted(fresh: Client) -> None:
    counting(fresh)
    for id, body, answer in (("n-1", "you fool", review.VIOLATES), ("n-2", "you fool, again", review.DOES_NOT_VIOLATE)):
        item = fresh.screen(body, id=id).json()["item"]
        case = review.case_id(item)
        app = fresh.rig.app
        review.take(app.database, case, "per_1")
        violates = answer == review.VIOLATES
        given: dict[str, Any] = {"reason": "not_a_violation"}
        if violates:
            given = {"policy": "rude", "reason": "clear_violation", "actions": (Action("remove"),)}
        review.submit_review(
            app.ledger,
            rulebook(app),
            case,
            "per_1",
            review.ReviewAnswer(answer=answer, **given),
            find_item=screen.status_of,
        )
    asked = {"content_type": "note", "id": "n-1", "reporter": "u-9"}
    assert fresh.send("POST", "/v1/reports", key="report", json=asked).status_code == 201
    found = fresh.screen("hello", id="n-9").json()
    decision = fresh.send("GET", f"/v1/decisions/{found['decision']}").json()
    assert {one["rule"] for one in decision["shadow"]} >= {"reported", "known", "cleared"}
    other = fresh.screen("hello", id="n-10", actor={"id": "a-2"}).json()
    assert fresh.send("GET", f"/v1/decisions/{other['decision']}").json()["shadow"] == []


@pytest.mark.parametrize(
    ("broken", "pointer", "words"),
    [
        ({"activity": "Play it"}, "/activities/1/activity", "name"),
        ({"activity": "note"}, "/activities/1/activity", "Seawall itself"),
        ({"activity": "report"}, "/activities/1/activity", "Seawall itself"),
        ({"time": 1_700_000_000}, "/activities/1/time", "milliseconds"),
        ({"time": "yesterday"}, "/activities/1/time", "timestamp"),
        ({"time": "2099-01-01T00:00:00Z"}, "/activities/1/time", "future"),
        ({"attributes": {"A b": 1}}, "/activities/1/attributes", "attribute"),
        ({"attributes": {"actor": "x"}}, "/activities/1/attributes", "attribute"),
        ({"attributes": {"seconds": 1e300}}, "/activities/1/attributes/seconds", "large"),
        ({"attributes": {f"n{number}": 1 for number in range(21)}}, "/activities/1/attributes", "21"),
    ],
)
def test_a_wrong_activity_is_refused_with_its_place(
    client: Client, broken: dict[str, Any], pointer: str, words: str
) -> None:
    before = client.rig.app.ledger.head()
    found = problem(sending(client, play("p-90"), play("p-91") | broken), 422)
    assert found["pointer"] == pointer
    assert words in found["detail"]
    assert found["remedy"]
    assert client.rig.app.ledger.head() == before  # all or none


def test_an_attribute_that_is_no_value_is_refused_with_its_place(client: Client) -> None:
    found = problem(sending(client, play("p-90"), play("p-91", attributes={"track": {"id": "t-1"}})), 422)
    assert found["pointer"] == "/activities/1/attributes"


@pytest.mark.parametrize("broken", [{}, {"activities": []}, {"activities": [play() | {"actor": "a-1"}]}])
def test_what_is_no_request_is_refused(client: Client, broken: Any) -> None:
    assert client.send("POST", "/v1/activities", key="screen", json=broken).status_code in (400, 422)


def test_other_keys_may_not(client: Client) -> None:
    assert problem(sending(client, play(), key="report"), 403)
