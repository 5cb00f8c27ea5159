"""The case of an account: reported or asked for, its page and form, undo, appeals, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall import access, appeal, review
from seawall.appealed_decision import find_facts
from seawall.enforce.queries import EnforcementRow, enforcements_on
from seawall.model import Item
from seawall.screen import status_of
from seawall.storage.erasure import erase_subject
from support.console import PASSWORD, Browser, Rig, opened, small
from support.items import content_type_text, policy_text

DAY = 86_400


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A house of the test's own, on both databases."""
    with opened(tmp_path / "house", database_url=database_url) as made:
        yield made


def reported(rig: Rig, account: str = "ann", note: str = "They follow me everywhere.", **more: Any) -> str:
    """Somebody reports an account: the path of its case."""
    rig.report_account(account, note=note, **more)
    return f"/cases/{review.case_id(ref_of(rig, account))}"


def ref_of(rig: Rig, account: str) -> str:
    found = rig.app.vault.find("account", account)
    assert found is not None
    return found


def in_force(rig: Rig, account: str = "ann") -> list[EnforcementRow]:
    with rig.app.database.read() as connection:
        rows = enforcements_on(connection, ref_of(rig, account), limit=20)
    return [row for row in rows if row.state == "active"]


def decide(browser: Browser, path: str, seen: str = "", revision: str = "1", **fields: Any) -> Any:
    given = {"answer": "violates", "policy": "rudeness", "reason": "repeated_behaviour", **fields}
    return browser.post(f"{path}/decide", seen=seen, revision=revision, **given)


def test_a_colleague_asks_for_a_review_on_the_account_page(rig: Rig) -> None:
    rig.screen("Thank you", id="acc-3", actor="bob")
    browser, account = rig.browser("reviewer"), ref_of(rig, "bob")
    page = browser.get(f"/accounts/{account}").text
    assert "There is no case about this account that you may see." in page
    where = f"/accounts/{account}/review"
    assert browser.post(where, why=" ").status_code == 422
    refused = browser.post(where, why="x" * 10_001)
    assert (refused.status_code, "10000" in refused.text) == (422, True)
    assert browser.post(where, why="Three of them in one house.", policy="none-such").status_code == 422
    assert browser.get(f"/accounts/{account}.json").json()["case"] is None
    assert browser.post(where, why="Three of them in one house.", policy="gore").status_code == 303
    page = browser.get(f"/accounts/{account}?asked=1").text
    assert "Your request is recorded" in page
    assert "Its case waits for an answer" in page
    case = browser.get(f"/accounts/{account}.json").json()["case"]
    assert (case["subject"], case["policy"], case["reporter"], case["reports"]) == ("account", "gore", "staff", 1)
    page = browser.get(f"/cases/{case['id']}").text
    for said in ("Three of them in one house.", "Reviewer Person", "Graphic violence"):
        assert said in page, said
    browser.post(where, why="I saw it again.")  # the same colleague counts once
    assert browser.get(f"/accounts/{account}.json").json()["case"]["reports"] == 1
    report = browser.get(f"/accounts/{account}.json").json()["reported"][0]
    assert browser.get(f"/search?q={report['id']}").headers["location"] == f"/accounts/{account}"
    assert browser.get("/find?account=bob").headers["location"] == f"/accounts/{account}"
    erase_subject(rig.app.context, account, by="tests")
    assert browser.post(where, why="Again.").status_code == 409
    page = browser.get(f"/cases/{case['id']}").text
    assert "Three of them" not in page
    assert "(erased)" in page
    browser.post(f"/cases/{case['id']}/take")
    answer = {"answer": "does_not_violate", "reason": "not_enough_evidence", "policy": "", "note": "Gone."}
    assert decide(browser, f"/cases/{case['id']}", **answer).status_code == 303


def test_what_the_form_sends_is_refused_as_for_items(rig: Rig) -> None:
    path, browser = reported(rig), rig.browser("reviewer")
    browser.post(f"{path}/take")
    for fields, said in (
        ({"action": ["remove"]}, "An account does not allow remove"),
        ({"action": ["suspend"]}, "Choose how long the account is suspended"),
        ({"action": ["warn"], "policy": ""}, "Choose the policy"),
        ({"action": []}, "Choose at least one action"),
        ({"answer": "keeps_measure", "reason": "audience_informed"}, "no measure in force"),
        ({"action": ["warn"], "seen": "dec_other"}, "The account was decided again"),
        ({"action": ["warn"], "revision": "4"}, "Something new about this account"),
    ):
        refused = decide(browser, path, **fields)
        assert (refused.status_code, said in refused.text) == (409, True), said
    reported(rig, reporter="u-10", note="Me too.")
    refused = decide(browser, path, action=["warn"])
    assert ("The account was reported since" in refused.text, "Me too." in refused.text) == (True, True)
    done = decide(browser, path, action=["suspend"], **{"suspend.for": "never"})
    assert done.status_code == 303
    assert [one.ends_at for one in in_force(rig)] == [None]
    decision = in_force(rig)[0].decision
    page = browser.get(f"/decisions/{decision}").text
    assert f'href="/accounts/{ref_of(rig, "ann")}"' in page
    assert "This decision is in force." in page
    assert f'href="/accounts/{ref_of(rig, "ann")}"' in browser.get("/decisions?type=account").text
    assert "<bdi>ann</bdi>" in browser.get("/decisions?type=account").text
    again = reported(rig, note="Still at it.")
    assert again == path
    page = browser.get(path).text
    assert "2 times so far" in page
    assert "without an end" in page
    (review_of,) = (one for one in rig.app.ledger.events(0) if type(one.body).__name__ == "ReviewSubmitted")
    assert browser.post(f"/reviews/{review_of.body.review}/undo").status_code == 409  # it was opened again since


def test_an_appeal_of_an_account_is_answered_by_somebody_else(rig: Rig) -> None:
    path, browser = reported(rig), rig.browser("reviewer")
    browser.post(f"{path}/take")
    decide(browser, path, action=["suspend"], **{"suspend.for": str(7 * DAY)})
    made = in_force(rig)[0].decision
    asked = appeal.Appeal(appellant="ann", text="It was my brother.", decision=made)
    found = appeal.receive_appeal(
        rig.app.ledger, asked, find_facts=lambda one: find_facts(rig.app, one), find_item=status_of
    )
    assert "You decided what is appealed here" in browser.get(path).text
    assert path in browser.get("/appeals").text
    assert "The account appeals" in browser.get(f"/appeals/{found}").text
    other = rig.browser("child_safety")
    other.post(f"{path}/take")
    page = other.get(path).text
    assert "The account appeals" in page
    assert "It was my brother." in page
    answer = {"answer": "does_not_violate", "reason": "not_enough_evidence", "seen": made, "revision": "1"}
    will = other.post(f"{path}/appeals/{found}/preview", **answer).json()["will"]
    assert will == ["The account is no longer suspended.", "The appellant is told why."]
    assert other.post(f"{path}/appeals/{found}/answer", message="Sorry.", **answer).status_code == 303
    assert in_force(rig) == []
    assert "overturned" in browser.get(path).text


def test_an_upheld_appeal_of_an_account_changes_nothing(rig: Rig) -> None:
    path, browser = reported(rig), rig.browser("reviewer")
    browser.post(f"{path}/take")
    decide(browser, path, action=["strike"], **{"strike.weight": "2"})
    made = in_force(rig)[0].decision
    asked = appeal.Appeal(appellant="ann", text="Not me.", decision=made)
    found = appeal.receive_appeal(
        rig.app.ledger, asked, find_facts=lambda one: find_facts(rig.app, one), find_item=status_of
    )
    other = rig.browser("child_safety")
    other.post(f"{path}/take")
    answer = {"answer": "upheld", "reason": next(iter(appeal.UPHELD_REASONS)), "message": "It stays."}
    stale = other.post(f"{path}/appeals/{found}/answer", seen=made, revision="3", **answer)
    assert stale.status_code == 409
    assert other.post(f"{path}/appeals/{found}/answer", seen=made, revision="1", **answer).status_code == 303
    assert [one.kind for one in in_force(rig)] == ["strike"]


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    policy = policy_text(
        "grooming",
        'contains(item.body, "our secret")',
        '[hold, review(queue="child-safety")]',
        "letter",
        harm="grooming",
    )
    letter = content_type_text("letter", {"body": "{type: text, role: body, required: true}"}, surface="private")
    with small(tmp_path_factory.mktemp("letters"), letter, policy) as made:
        access.create_person(made.app.ledger, "child_safety@example.org", "child_safety", PASSWORD, ["child_safety"])
        yield made


def test_the_case_of_an_account_of_child_safety_is_seen_by_specialists_alone(letters: Rig) -> None:
    letters.app.screener.screen(Item(content_type="letter", id="l-1", fields={"body": "Good morning"}, actor="eve"))
    everybody, specialist = letters.browser("reviewer"), letters.browser("child_safety")
    account = ref_of(letters, "eve")
    where = f"/accounts/{account}"
    assert everybody.get(where).status_code == 200
    asked = everybody.post(f"{where}/review", why="He writes to children.", policy="grooming")
    assert (asked.status_code, asked.headers["location"]) == (303, f"{where}?asked=1")
    path = f"/cases/{review.case_id(account)}"
    assert everybody.get(path).status_code == 403
    assert everybody.post(f"{path}/take").status_code in (403, 409)
    for shown in (where, f"{where}.json", f"{where}?asked=1", "/queue", "/queue.json", "/search?q=eve"):
        text = everybody.get(shown).text
        assert path.removeprefix("/cases/") not in text, shown
        assert "He writes to children." not in text, shown
        assert '"policy":"grooming"' not in text, shown
    assert "He writes to children." in specialist.get(path).text
    assert path in specialist.get(where).text
    specialist.post(f"{path}/take")
    done = decide(specialist, path, policy="grooming", action=["warn"])
    assert done.status_code == 303
    (warning,) = in_force(letters, "eve")
    for shown in (path, f"/decisions/{warning.decision}", f"/decisions/{warning.decision}.json"):
        assert everybody.get(shown).status_code == 403, shown
    assert warning.decision not in everybody.get("/decisions").text
    assert everybody.get(f"/accounts/{account}.json").json()["reviews"] == []
