"""POST /v1/investigations: past decisions asked in the language of policies."""

from __future__ import annotations

from typing import Any

import httpx

from support.api import Client, problem

ALWAYS = {"since": 0, "until": 2**53}


def ask(client: Client, query: str, *, key: str | None = "read", **more: Any) -> httpx.Response:
    return client.send("POST", "/v1/investigations", key=key, json={"query": query, **ALWAYS, **more})


def test_numbers_who_stands_behind_them_and_a_draft(fresh: Client) -> None:
    fresh.rig.screen("You fool", id="fool", actor="a-1")
    fresh.rig.screen("Hello", id="hello", actor="a-1")
    answer = ask(fresh, "rudeness >= 0.9")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["result"]["matched"], told["result"]["not_matched"]) == (1, 1)
    assert told["result"]["actors"][0]["name"] == fresh.rig.app.vault.find("account", "a-1")
    assert "mode: shadow" in told["draft"]
    assert "fool" not in answer.text, "no id of the platform, no text"
    narrowed = ask(fresh, "rudeness >= 0.9", account="a-1", verdict="allow").json()["result"]
    assert (narrowed["total"], narrowed["matched"]) == (1, 0)
    assert ask(fresh, "rudeness >= 0.9", content_types=["letter"]).json()["result"]["total"] == 0


def test_mistakes_are_told_with_their_place(client: Client) -> None:
    assert problem(ask(client, "rudeness > 0", key=None), 401)
    assert "read" in problem(ask(client, "rudeness > 0", key="screen"), 403)["detail"]
    wrong = problem(ask(client, "rudenes > 0"), 422)
    assert wrong["pointer"] == "/query"
    assert "query:1:1: unknown name 'rudenes'" in wrong["detail"]
    assert problem(ask(client, "rudeness > 0", content_types=["nothing"]), 422)["pointer"] == "/content_types"
    assert problem(ask(client, "rudeness > 0", account="never met"), 404)
    assert problem(ask(client, "rudeness > 0", colour="red"), 422)
    assert problem(ask(client, "rudeness > 0", verdict="maybe"), 422)
