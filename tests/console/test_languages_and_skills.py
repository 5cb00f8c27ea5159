"""Languages and skills of reviewers, in the console, over the API and on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from seawall import access, api, review
from seawall.access.events import PersonLanguagesChanged, PersonSkillsChanged
from seawall.model import Item
from seawall.review.routing import ROUTER
from seawall.storage.following import follow
from support.console import Browser, Rig, opened

QUEUES = """\
queues:
  rudeness: {title: Rudeness}
  gore: {title: Gore, skills: [strong_stomach]}
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Rig]:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "queues.yaml").write_text(QUEUES)
    with opened(tmp_path) as made:
        run(made)
        yield made


def run(house: Rig) -> None:
    while follow(house.app.context, ROUTER, "tests"):
        pass


def case_in(house: Rig, language: str | None, id: str, text: str = "You silly person") -> str:
    item = Item(content_type="comment", id=id, fields={"body": text}, actor="author", language=language)
    return review.case_id(house.app.screener.screen(item).item)


def given(browser: Browser) -> str:
    """The address to which taking the next case leads."""
    return browser.post("/queue/next").headers["location"]


def changes(house: Rig, kind: str) -> list[object]:
    return [event.body for event in house.app.ledger.events(kinds=[kind])]


def test_people_state_their_own_languages(house: Rig) -> None:
    turkish = case_in(house, "tr", "t-1")
    browser, me = house.browser("reviewer"), house.people["reviewer"].id
    assert "Languages that you read" in browser.get("/account").text
    assert browser.post("/account/languages", languages="DE, en-GB").headers["location"] == "/account?saved=languages"
    page = browser.get("/account?saved=languages").text
    assert 'value="de, en"' in page
    assert "Cases in other languages go to others." in page
    refused = browser.post("/account/languages", languages="German")
    assert refused.status_code == 422
    assert "A language is a code of two letters" in refused.text
    assert 'value="German"' in refused.text
    browser.post("/account/languages", languages="en de")  # the same: nothing happened
    assert given(browser) == "/queue?advice=unsuitable"
    assert "none that suits your languages and skills" in browser.get("/queue?advice=unsuitable").text
    assert browser.post("/account/languages", languages="").headers["location"] == "/account?saved=any-language"
    assert given(browser) == f"/cases/{turkish}"
    assert changes(house, "person.languages_changed") == [
        PersonLanguagesChanged(person=me, languages=("de", "en"), by=me),
        PersonLanguagesChanged(person=me, languages=None, by=me),
    ]


def test_a_reviewer_gets_the_german_and_the_unknown_case_and_may_open_the_turkish_one(house: Rig) -> None:
    turkish, german, unknown = (case_in(house, code, f"c-{code}") for code in ("tr", "de", None))
    browser = house.browser("reviewer")
    browser.get("/account")
    browser.post("/account/languages", languages="de")
    met = set()
    while (where := given(browser)).startswith("/cases/"):
        met.add(where.removeprefix("/cases/"))
        assert 'id="unsuitable"' not in browser.get(where).text
        browser.post(f"{where}/skip")
    assert met == {german, unknown}
    page = browser.get(f"/cases/{turkish}").text
    assert "This is in the language tr, and those that you have stated are de." in page
    assert browser.post(f"/cases/{turkish}/take").headers["location"] == f"/cases/{turkish}"
    assert 'id="decide"' in browser.get(f"/cases/{turkish}").text


def test_managers_state_languages_and_skills(house: Rig) -> None:
    gory = case_in(house, "en", "g-1", "so much blood")
    admin, eve = house.browser("admin"), house.people["reviewer"]
    page = admin.get("/access").text
    assert 'Queues ask for: <span translate="no">strong_stomach</span>' in page
    place = f"/access/people/{eve.id}"
    assert admin.post(f"{place}/skills", skills="", none="1").status_code == 303
    assert "no skills" in admin.get("/access").text
    browser = house.browser("reviewer")
    assert "You are not given cases of queues that need skills." in browser.get("/account").text
    assert given(browser) == "/queue?advice=unsuitable"
    assert "This queue needs skills that you do not have: strong_stomach." in browser.get(f"/cases/{gory}").text
    assert admin.post(f"{place}/skills", skills="other, strong_stomach").status_code == 303
    assert given(browser) == f"/cases/{gory}"
    assert admin.post(f"{place}/languages", languages="fr").status_code == 303
    assert 'reads <span translate="no">fr</span>' in admin.get("/access").text
    assert admin.post(f"{place}/languages", languages="x").status_code == 422
    assert admin.post(f"{place}/skills", skills="x" * 51).status_code == 422
    assert admin.post(f"{place}/skills", skills="").status_code == 303  # not stated again
    own = admin.post(f"/access/people/{house.people['admin'].id}/skills", skills="strong_stomach")
    assert own.status_code == 422
    assert [(one.skills, one.by) for one in changes(house, "person.skills_changed")] == [  # type: ignore[attr-defined]
        ((), house.people["admin"].id),
        (("other", "strong_stomach"), house.people["admin"].id),
        (None, house.people["admin"].id),
    ]
    assert all(isinstance(one, PersonSkillsChanged) for one in changes(house, "person.skills_changed"))


def test_the_queue_says_what_nobody_who_is_signed_in_is_given(house: Rig) -> None:
    case_in(house, "tr", "t-1")
    case_in(house, "tr", "t-2")
    case_in(house, "en", "g-1", "so much blood")
    run(house)
    ledger, people = house.app.ledger, house.people
    for role in ("reviewer", "child_safety", "admin"):
        access.change_languages(ledger, people[role].id, ["en"])
        access.change_skills(ledger, people[role].id, [])
    browser = house.browser("reviewer")
    page = " ".join(browser.get("/queue").text.split())
    told = '2 cases wait in a language that nobody who is signed in reads: <strong translate="no">tr</strong>.'
    assert f"{told} No other reviewer reads it." in page
    skill = '1 case waits in a queue whose skills nobody who is signed in has: <strong translate="no">strong_stomach<'
    assert skill in page
    assert told in " ".join(house.browser("policy").get("/figures").text.split())
    twin = browser.get("/queue.json").json()["untaken"]
    assert [(one["lacks"], one["what"], one["cases"]) for one in twin] == [
        ("language", "tr", 2),
        ("skill", "strong_stomach", 1),
    ]
    access.change_languages(ledger, people["child_safety"].id, ["tr"])
    page = " ".join(browser.get("/queue").text.split())
    assert told in page  # they are away
    assert "No other reviewer reads it." not in page
    house.browser("child_safety")
    page = browser.get("/queue").text
    assert "signed in reads" not in page
    access.change_skills(ledger, people["admin"].id, None)
    house.browser("admin")
    assert 'id="untaken"' not in browser.get("/queue").text
    assert 'id="untaken"' not in browser.get("/queue?state=closed").text


def test_who_leaves_a_case_for_its_language_is_told_where_to_state_theirs(house: Rig) -> None:
    turkish, other = case_in(house, "tr", "t-1"), case_in(house, "tr", "t-2")
    browser = house.browser("reviewer")
    where = given(browser)
    browser.get(where)
    left = browser.post(f"{where}/pass-on", why="not_my_language")
    assert left.headers["location"] in {f"/cases/{one}?advice=languages" for one in (turkish, other)}
    assert 'href="/account#languages"' in browser.get(left.headers["location"]).text
    lead = house.browser("policy")
    lead.get("/queue")
    lead.post("/queue/assign", person=house.people["child_safety"].id, why="workload", most="5")
    second = house.browser("child_safety")
    second.get("/queue")
    mine = given(second)
    declined = second.post(f"{mine}/decline", why="not_my_language", note="")
    assert "advice=languages" in declined.headers["location"]
    second.post("/account/languages", languages="de")
    assert "State the languages" not in second.get("/queue?advice=languages").text
    unsure = browser.post(f"{left.headers['location'].partition('?')[0]}/pass-on", why="cannot_tell")
    assert "advice" not in unsure.headers["location"]


def test_a_lead_is_refused_to_assign_what_somebody_does_not_read(house: Rig) -> None:
    turkish = case_in(house, "tr", "t-1")
    reader = house.people["reviewer"]
    access.change_languages(house.app.ledger, reader.id, ["de"])
    lead = house.browser("policy")
    lead.get(f"/cases/{turkish}")
    refused = lead.post(f"/cases/{turkish}/assign", person=reader.id, why="workload")
    assert refused.status_code == 409
    assert "none of the languages that this person has stated" in refused.text
    assert (
        lead.post("/queue/assign", person=reader.id, why="workload", most="5").headers["location"] == "/queue?given=0"
    )
    token = access.create_key(house.app.ledger, "assigning", ["admin"])

    async def ask(person: str) -> httpx.Response:
        transport, headers = httpx.ASGITransport(api.build(house.app)), {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers) as client:
            return await client.put(f"/v1/cases/{turkish}/assignment", json={"person": person})

    answer = asyncio.run(ask(reader.id))
    assert answer.status_code == 409
    assert "none of the languages" in json.loads(answer.text)["detail"]
    access.change_languages(house.app.ledger, reader.id, ["de", "tr"])
    assert asyncio.run(ask(reader.id)).status_code == 200
