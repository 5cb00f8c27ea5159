"""The banks' pages: what is there, adding, changing, and what is refused."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
from PIL import Image as PilImage

from detectors.hashers import AVERAGE, AverageHasher
from seawall.detectors.hashes import hash_file
from seawall.match import pdq
from seawall.model import DecisionMade, Signal, new_id
from seawall.publish import NewEntry, add_entries, find_bank, find_entry, list_entries
from seawall.screen import load_decision
from seawall.storage.erasure import erase_subject, find_subject
from support.console import Browser, Rig, opened

TEXT = "a phrase that came back <b>once</b> too often"


def upload(browser: Browser, path: str, data: bytes, **fields: str) -> httpx.Response:
    return browser._request(
        "POST", path, data={"csrf": browser.csrf, **fields}, files={"image": ("a.png", data, "image/png")}
    )


def add(rig: Rig, bank: str, value: str, kind: str = "text") -> str:
    (made,) = add_entries(rig.app.ledger, bank, [NewEntry(kind=kind, value=value, source="staff")], "tests")
    rig.app.banks.refresh()
    return made


EXAMPLES = """buy ten thousand streams for 20 dollars, message us
we sell real plays and followers cheap

get your song on big playlists, pay only 15 euro
cheap followers and streams, instant delivery"""


def test_examples_of_a_meaning_are_pasted_and_their_reach_is_shown(rig: Rig) -> None:
    browser = rig.browser("policy")
    assert "Reach of the examples" not in browser.get("/banks/offers?new=offers").text
    answer = browser.post("/banks/offers/entries", kind="meaning", value=EXAMPLES)
    assert (answer.status_code, answer.headers["location"]) == (303, "/banks/offers")
    page = browser.get("/banks/offers").text
    assert "Reach of the examples" in page
    assert "0 of 232 harmless sentences match" in page
    assert "Suggested threshold: 5" in page
    assert len(list_entries(rig.app.database, rig.app.vault, "offers")) == 4
    for refused, threshold, why in (
        ("what a great song, I love it", "40", "harmless sentences, such as"),
        ("das ist ein Beispiel in einer anderen Sprache", "", "a language that the text model does not know"),
        ("good one", "", "the text has 7 letters"),
    ):
        answer = browser.post("/banks/offers/entries", kind="meaning", value=refused, threshold=threshold)
        assert answer.status_code == 422
        assert why in answer.text
        assert f">{refused}</textarea>" in answer.text  # nothing that was typed is lost
        assert '<option value="meaning" selected>' in answer.text
    assert len(list_entries(rig.app.database, rig.app.vault, "offers")) == 4


def test_a_bank_is_made_filled_and_searched(rig: Rig) -> None:
    browser = rig.browser("policy")
    assert browser.get("/banks?new=stolen-covers").headers["location"] == "/banks/stolen-covers"
    assert "No entries" in browser.get("/banks/stolen-covers").text
    answer = browser.post(
        "/banks/stolen-covers/configure", title="Stolen covers", role="block", harm="spam", threshold_image="20"
    )
    assert answer.status_code == 303
    bank = find_bank(rig.app.database, "stolen-covers")
    assert bank is not None
    assert (bank.settings.title, dict(bank.settings.thresholds)) == ("Stolen covers", {"image": 20})
    answer = browser.post("/banks/stolen-covers/entries", kind="text", value=TEXT, note="from case 7")
    page = browser.get(answer.headers["location"]).text
    assert "&lt;b&gt;once&lt;/b&gt;" in page
    assert "<b>once</b>" not in page
    assert "from case 7" in page
    entry = answer.headers["location"].rpartition("/")[2]
    assert browser.get(f"/banks?q={entry}").headers["location"] == answer.headers["location"]
    assert "No bank has or had" in browser.get("/banks?q=ent_none").text
    assert "Stolen covers" in browser.get("/banks").text
    (listed,) = (one for one in browser.get("/banks.json").json()["banks"] if one["name"] == "stolen-covers")
    assert listed == {
        "name": "stolen-covers",
        "title": "Stolen covers",
        "role": "block",
        "thresholds": {"image": 20},
        "owner": "",
        "harm": "spam",
        "expires_after_days": None,
        "flood_limit": None,
        "on_erasure": "keep",
        "active": 1,
        "suspended": 0,
        "quarantined": 0,
    }


def test_an_entry_shows_what_it_was_made_from(rig: Rig) -> None:
    browser = rig.browser("policy")
    screened = rig.screen("a phrase", id="n-9", actor="u-9")
    origin = {"content_type": "comment", "item_id": "n-9", "account": ""}
    answer = browser.post("/banks/blocked-texts/entries", kind="text", value=TEXT, **origin)
    page = browser.get(answer.headers["location"]).text
    assert "Made from" in page
    assert f"/items/{screened.item}" in page
    erase_subject(rig.app.context, find_subject(rig.app.context, "account", "u-9"), by="tests")
    page = browser.get(answer.headers["location"]).text
    assert "<em>erased</em>" in page
    assert f"/items/{screened.item}" not in page
    wrong = browser.post("/banks/blocked-texts/entries", kind="text", value=TEXT, **origin | {"item_id": "none"})
    assert (wrong.status_code, "was screened here" in wrong.text) == (422, True)


def test_an_image_becomes_its_hash(rig: Rig) -> None:
    chance = random.Random(5)
    image = PilImage.new("RGB", (128, 128))
    for _ in range(30):
        box = (*(chance.randrange(64) for _ in range(2)), *(64 + chance.randrange(64) for _ in range(2)))
        image.paste(tuple(chance.randrange(256) for _ in range(3)), box)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    browser = rig.browser("admin")
    browser.get("/banks/blocked-images")
    answer = upload(browser, "/banks/blocked-images/entries", buffer.getvalue(), kind="text", source="case-7")
    assert answer.status_code == 303
    (entry,) = list_entries(rig.app.database, rig.app.vault, "blocked-images")
    assert (entry.kind, entry.value) == ("image", pdq(np.asarray(image)).hash.hex())
    assert entry.added_by == rig.people["admin"].id
    refused = upload(browser, "/banks/blocked-images/entries", b"no image", kind="text")
    assert refused.status_code == 422
    assert "the image cannot be read" in refused.text


def test_what_is_refused_is_said(rig: Rig) -> None:
    browser = rig.browser("policy")
    browser.get("/banks/blocked-texts")
    for path, fields, says in (
        ("entries", {"kind": "text", "value": " "}, "the entry: the value is empty"),
        ("entries", {"kind": "image", "value": "zz"}, "64 hexadecimal digits"),
        ("entries", {"kind": "text", "value": "a b", "threshold": "many"}, "it is a whole number, or empty"),
        ("configure", {"flood_limit": "-1"}, "it is a whole number, or empty"),
        ("configure", {"role": "deny"}, "role is"),
    ):
        answer = browser.post(f"/banks/blocked-texts/{path}", **fields)
        assert answer.status_code == 422
        assert says in answer.text
    assert browser.get("/banks/No such bank").status_code == 404
    assert browser.get("/banks/blocked-texts/entries/ent_none").status_code == 404
    assert browser.post("/banks/blocked-texts/entries/ent_none/suspend", reason="checked").status_code == 404


def test_suspend_restore_remove(rig: Rig) -> None:
    entry = add(rig, "blocked-texts", "one phrase to be suspended")
    browser = rig.browser("policy")
    place = f"/banks/blocked-texts/entries/{entry}"
    browser.get(place)

    def state() -> str:
        found = find_entry(rig.app.database, rig.app.vault, entry)
        assert found is not None
        return found.state

    assert browser.post(f"{place}/suspend", reason="wrong_match").status_code == 303
    assert state() == "suspended"
    page = browser.get(place).text
    assert "wrong match" in page
    assert "Policy Person" in page
    assert browser.post(f"{place}/suspend", reason="wrong_match").status_code == 422
    assert browser.post(f"{place}/restore", reason="checked").status_code == 303
    assert state() == "active"
    assert browser.post(f"{place}/remove", reason="Free words!").status_code == 422
    assert browser.post(f"{place}/remove", reason="withdrawn").status_code == 303
    assert state() == "removed"
    assert "removed" in browser.get(place).text
    assert entry[-6:] in browser.get("/banks/blocked-texts?state=removed").text


def test_a_reviewer_sees_where_it_was_found_and_changes_nothing(rig: Rig) -> None:
    entry = add(rig, "blocked-texts", "a phrase that is found")
    answer = rig.screen("here is a phrase that is found again", id="bank-hit")
    seen = load_decision(rig.app.database, answer.decision)
    signal = Signal(name="bank:blocked-texts", value=1, part="body", detector="banks", version="1", evidence=entry)
    made = replace(seen, id=new_id("dec"), signals=(signal,), supersedes=seen.id)  # no policy here asks the banks
    rig.app.ledger.commit(lambda tx: tx.append(DecisionMade(decision=made)))
    browser = rig.browser("reviewer")
    page = browser.get(f"/banks/blocked-texts/entries/{entry}").text
    assert answer.item in page
    assert "Suspend" not in page
    assert "Add an entry" not in browser.get("/banks/blocked-texts").text


def test_kinds_of_a_plug_ins_hasher(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    PilImage.linear_gradient("L").save(buffer, "PNG")
    with opened(tmp_path, hashers=[AverageHasher()]) as rig:
        browser = rig.browser("policy")
        page = browser.get("/banks/stolen-covers").text
        assert "<option>image-average</option>" in page
        assert "threshold_image-average" in page
        answer = upload(browser, "/banks/stolen-covers/entries", buffer.getvalue(), kind="image-average")
        value = hash_file(AverageHasher(), buffer.getvalue())
        page = browser.get(answer.headers["location"]).text
        assert "<dd>image-average</dd>" in page
        assert value in page
        refused = upload(browser, "/banks/stolen-covers/entries", b"no image", kind="image-average")
        assert refused.status_code == 422
        assert "image-average cannot read this: damaged" in refused.text
        browser.post("/banks/stolen-covers/configure", **{"threshold_image-average": "4"})
        bank = find_bank(rig.app.database, "stolen-covers")
        assert bank is not None
        assert dict(bank.settings.thresholds) == {"image-average": 4}
        assert "No hasher" not in browser.get("/banks").text


def test_a_hasher_that_is_not_enabled_is_told(rig: Rig) -> None:
    entry = NewEntry(kind="image-average", value="0f" * 8, source="staff")
    (made,) = add_entries(rig.app.ledger, "other-covers", [entry], "tests", hashers={AVERAGE.name: AVERAGE})
    rig.app.banks.refresh()
    browser = rig.browser("policy")
    assert "No hasher <code>image-average</code>" in browser.get("/banks/other-covers").text
    assert "No hasher <code>image-average</code>" in browser.get("/banks").text
    assert "No hasher" not in browser.get("/banks/blocked-images").text
    browser.post(f"/banks/other-covers/entries/{made}/suspend", reason="withdrawn")
    assert "No hasher" not in browser.get("/banks").text
