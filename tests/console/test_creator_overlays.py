"""Creators' overlays in the console: on the account's page, in a decision, and before a publication that drops one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from seawall.model import Item
from seawall.policy import PolicySource
from seawall.screen.creator_overlays import set_overlays
from support.console import RUDENESS, opened

CALM = (
    RUDENESS.partition("examples:")[0]
    .replace("policy: rudeness", "policy: calm")
    .replace("applies_to: [comment, playlist]", "applies_to: [comment]\noverlay: {creator: calm-replies}")
    .replace("[remove, strike(weight=2), review", "[hold, review")
    .replace("when: strong", "when: creator_words >= 1")
    + "examples:\n  - item: {comment: {body: x}}\n    given: {creator_words: 1}\n    expect: {verdict: hold}\n"
)


def test_what_is_on_who_set_it_and_what_a_decision_owes_to_it(tmp_path: Path, sqlite_url: str) -> None:
    with opened(tmp_path, database_url=sqlite_url) as rig:
        app = rig.app
        before = app.sources()
        (comment,) = (each for each in before.content_types if each.name == "comment")
        owned = replace(comment, creator="item.reply_to")
        others = tuple(each for each in before.content_types if each.name != "comment")
        calm = PolicySource(path="calm.yaml", text=CALM)
        app.publish(replace(before, policies=(*before.policies, calm), content_types=(owned, *others)), by="tests")
        asked = {"overlays": ["calm-replies"], "words": ["spoiler", "twist"]}
        set_overlays(app.ledger, app.bundle, "creator", **asked, by="key/key_1")
        app.refresh()
        fields = {"body": "a spoiler", "reply_to": "creator"}
        item = Item(content_type="comment", id="c-1", fields=fields, actor="author", language="en")
        answer = app.screener.screen(item)
        browser = rig.browser("policy")
        who = app.vault.find("account", "creator")
        page = browser.get(f"/accounts/{who}").text
        assert "Stricter in this creator&#39;s place" in page
        assert "calm-replies" in page
        assert "2 words of their own" in page
        assert "key_1" in page
        assert "without effect" not in page
        told = browser.get(f"/accounts/{who}.json").json()["overlays"]
        assert (told["overlays"], told["words"]) == ([{"name": "calm-replies", "in_force": True}], [])
        assert "in the places of creators who switched on" in browser.get("/policies/calm").text
        assert "An overlay" not in browser.get("/policies/rudeness").text
        decision = browser.get(f"/decisions/{answer.decision}").text
        assert "added for the creator" in decision
        assert "<mark" in browser.get(f"/items/{answer.item}").text
        app.publish(replace(before, content_types=(owned, *others)), by="tests")
        assert "without effect" in browser.get(f"/accounts/{who}").text
