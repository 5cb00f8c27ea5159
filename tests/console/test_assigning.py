"""Cases that a lead assigns: in the console and over the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from seawall import access, api, review
from seawall.model import now_ms
from seawall.review.queries import CaseFilters, CaseRow, list_cases
from seawall.screen import status_of
from support.console import Rig, open_page


@pytest.fixture(autouse=True)
def _nothing_held(rig: Rig) -> Any:
    """Give back what a test left with somebody."""
    yield
    for row in _rows(rig):
        if row.holder is not None:
            review.release(rig.app.database, row.id, row.holder)


@pytest.fixture
def ask(rig: Rig) -> Callable[..., httpx.Response]:
    """The API, with keys of two scopes."""
    keys = {scope: access.create_key(rig.app.ledger, f"assigning {scope}", [scope]) for scope in ("review", "admin")}
    transport = httpx.ASGITransport(api.build(rig.app))

    def send(method: str, path: str, scope: str = "admin", **more: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            headers = {"Authorization": f"Bearer {keys[scope]}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers) as client:
                return await client.request(method, path, **more)

        return asyncio.run(call())

    return send


def _case(rig: Rig, text: str, id: str) -> str:
    return review.case_id(rig.screen(text, id=id).item)


def _rows(rig: Rig) -> list[CaseRow]:
    with rig.app.database.read() as connection:
        return list_cases(connection, CaseFilters(child_safety=True), now_ms(), limit=200)


def _assigned(rig: Rig, case: str) -> str | None:
    return next(row for row in _rows(rig) if row.id == case).assigned_to


def test_the_history_of_a_case_says_who_had_it_and_what_they_did_with_it(rig: Rig) -> None:
    item = rig.screen("You silly traveller", id="handed-over").item
    case, ledger = review.case_id(item), rig.app.ledger
    lead, reviewer = rig.people["policy"].id, rig.people["reviewer"].id
    review.assign(ledger, case, reviewer, by=lead, why="knowledge", find_item=status_of)
    review.take(rig.app.database, case, reviewer)
    review.skip_case(ledger, case, reviewer, why="takes_long")
    review.decline(ledger, case, reviewer, why="too_hard", find_item=status_of)
    review.assign(ledger, case, rig.people["admin"].id, by=lead, why="workload", find_item=status_of)
    review.take_away(ledger, case, by=lead, why="absent", find_item=status_of)
    browser = rig.browser("reviewer")
    browser.get("/queue")
    answer = {"source": "search", "answer": "does_not_violate", "reason": "not_a_violation"}
    bulk = browser.post("/bulk-decisions", items=item, **answer).headers["location"]
    for page in (f"/cases/{case}", f"/items/{item}"):
        seen = browser.get(page).text
        for said in (
            "Policy Person</span> assigned it to",
            "They know the subject or the language",
            "skipped it: <strong>Takes long",
            "declined it: <strong>It is too hard on me at the moment",
            "took it away from",
            "The other reviewer is away",
            f'prepared a <a href="{bulk}">bulk decision</a> with it',
        ):
            assert said in seen, (page, said)
    assert "too hard on me" in rig.browser("policy").get(f"/cases/{case}").text, "who leads may read why"
    other = rig.browser("child_safety").get(f"/cases/{case}").text
    assert "declined it" in other
    assert "too hard on me" not in other.partition('id="history-title"')[2], "it may be about their health"


def test_a_lead_assigns_a_case_and_its_reviewer_gets_it_first(rig: Rig) -> None:
    calm = _case(rig, "An odd and silly thing", "assign-1")
    _case(rig, "You fool, again", "assign-2")
    lead, reviewer = rig.browser("policy"), rig.browser("reviewer")
    person = rig.people["reviewer"].id
    assert "Nobody has this case" in lead.get(f"/cases/{calm}").text
    sent = lead.post(f"/cases/{calm}/assign", person=person, why="knowledge", hours="4", note="You know the game.")
    assert sent.status_code == 303
    assert _assigned(rig, calm) == person
    assert 'Assigned to <span translate="no">Reviewer Person</span>' in lead.get(f"/cases/{calm}").text
    assert "1 case is assigned to you" in reviewer.get("/queue").text
    assert reviewer.post("/queue/next").headers["location"].startswith(f"/cases/{calm}")
    page = reviewer.get(f"/cases/{calm}").text
    assert "Policy Person</span> assigned this case to you" in page
    assert "You know the game." in page
    other = rig.browser("child_safety")
    assert 'This case is assigned to <span translate="no">Reviewer Person' in other.get(f"/cases/{calm}").text
    assert other.post(f"/cases/{calm}/take").status_code == 409
    declined = reviewer.post(f"/cases/{calm}/decline", why="know_them", note="")
    assert declined.status_code == 303
    assert not declined.headers["location"].startswith(f"/cases/{calm}")
    assert _assigned(rig, calm) is None
    assert reviewer.post(f"/cases/{calm}/decline", why="know_them").status_code == 409


def test_a_lead_takes_a_case_away(rig: Rig) -> None:
    case = _case(rig, "Such a silly thing", "assign-3")
    reviewer, lead = rig.browser("reviewer"), rig.browser("admin")
    assert reviewer.post(f"/cases/{case}/take").status_code == 303
    assert '<span translate="no">Reviewer Person</span> works on it now' in lead.get(f"/cases/{case}").text
    assert lead.post(f"/cases/{case}/take-away", why="nonsense").status_code == 409
    assert lead.post(f"/cases/{case}/take-away", why="absent").status_code == 303
    lost = reviewer.post(f"/cases/{case}/lease")
    assert lost.status_code == 200  # it is free again: the page takes it back, nobody else has it
    review.release(rig.app.database, case, rig.people["reviewer"].id)
    refused = lead.post(f"/cases/{case}/take-away", why="absent")
    assert refused.status_code == 409
    assert "Nobody has this case" in refused.text


def test_only_people_who_review_are_given_cases(rig: Rig) -> None:
    case = _case(rig, "How silly of them", "assign-4")
    lead = rig.browser("admin")
    lead.get(f"/cases/{case}")
    for person in ("", "per_nobody", rig.people["policy"].id):
        assert lead.post(f"/cases/{case}/assign", person=person, why="workload").status_code == 422
    opted_out = access.Preferences(opt_outs=frozenset({"harassment"}))
    person = rig.people["reviewer"].id
    access.save_preferences(rig.app.database, person, opted_out)
    try:
        assert lead.post(f"/cases/{case}/assign", person=person, why="workload").status_code == 409
    finally:
        access.save_preferences(rig.app.database, person, access.Preferences())
    assert _assigned(rig, case) is None


def test_many_cases_are_assigned_at_once(rig: Rig) -> None:
    cases = [_case(rig, f"You fool, number {number}", f"assign-many-{number}") for number in range(3)]
    lead, person = rig.browser("policy"), rig.people["child_safety"].id
    assert 'id="assign"' in lead.get("/queue?queue=rudeness").text
    assert "Assign cases" not in rig.browser("reviewer").get("/queue").text
    sent = lead.post("/queue/assign?queue=rudeness", person=person, why="workload", most="100", hours="1")
    assert "cases were assigned" in lead.get(sent.headers["location"]).text
    assert {_assigned(rig, case) for case in cases} == {person}
    assert lead.post("/queue/assign", person=person, why="workload", most="-1").status_code == 422
    for case in cases:
        assert lead.post(f"/cases/{case}/take-away", why="workload").status_code == 303


def test_the_api_assigns_for_keys_of_administrators(rig: Rig, ask: Callable[..., httpx.Response]) -> None:
    case = _case(rig, "Something silly for the program", "assign-5")
    given = {"person": "reviewer@example.org", "why": "urgent", "hours": 2}
    assert ask("PUT", f"/v1/cases/{case}/assignment", "review", json=given).status_code == 403
    made = ask("PUT", f"/v1/cases/{case}/assignment", json=given)
    assert made.status_code == 200, made.text
    assert made.json()["assigned_to"] == rig.people["reviewer"].id
    assert ask("PUT", "/v1/cases/case_none/assignment", json=given).status_code == 404
    for wrong in ({"why": "because"}, {"person": "nobody@example.org"}, {"person": "policy@example.org"}, {"hours": 0}):
        assert ask("PUT", f"/v1/cases/{case}/assignment", json={**given, **wrong}).status_code == 422
    ended = ask("DELETE", f"/v1/cases/{case}/assignment?why=absent")
    assert ended.json()["assigned_to"] is None
    assert ask("DELETE", f"/v1/cases/{case}/assignment").status_code == 409


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_by_keyboard_in_a_browser(chromium: object, url: str, rig: Rig, width: int, height: int) -> None:
    case = _case(rig, f"A silly thing at {width}", f"assign-browser-{width}")
    lead: Any
    reviewer: Any
    lead, complaints = open_page(chromium, url, "policy", width, height)
    lead.goto(f"{url}/cases/{case}")
    lead.focus("#person")
    lead.keyboard.type("Reviewer")
    lead.keyboard.press("Tab")
    lead.keyboard.type("It must")
    lead.focus("#assign button:has-text('Assign')")
    lead.keyboard.press("Enter")
    lead.wait_for_selector("text=Assigned to Reviewer Person")
    reviewer, more = open_page(chromium, url, "reviewer", width, height)
    reviewer.goto(f"{url}/queue")
    reviewer.keyboard.press("n")
    reviewer.wait_for_url(f"{url}/cases/{case}*")
    assert "it must not wait any longer" in reviewer.inner_text("#assigned")
    reviewer.click("#assigned summary")
    reviewer.select_option("#why-decline", "no_time")
    reviewer.click("#assigned button")
    reviewer.wait_for_url(lambda where: case not in where)
    assert not complaints + more
