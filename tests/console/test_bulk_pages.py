"""The pages of bulk decisions without a browser's scripts: what is refused, and what each role sees of it."""

from __future__ import annotations

import re

from sqlalchemy import update

from seawall import review
from seawall.review.tables import case as case_table
from support.console import Rig


def test_the_queue_offers_all_that_wait_and_a_case_that_is_held_is_left_out(rig: Rig) -> None:
    mine, theirs = (rig.screen("so much blood", id=f"bulk-gore-{n}", actor="butcher").item for n in range(2))
    review.take(rig.app.database, review.case_id(theirs), rig.people["admin"].id)
    browser = rig.browser("reviewer")
    assert 'name="all"' in browser.get("/queue?queue=gore").text
    chosen = browser.post("/bulk-decisions/choose", source="queue", queue="gore", all="1")
    items = re.search(r'name="items" value="([^"]+)"', chosen.text)
    assert items is not None
    assert set(items[1].split(",")) == {mine, theirs}
    made = browser.post(
        "/bulk-decisions", items=items[1], source="queue", answer="does_not_violate", reason="not_a_violation"
    )
    page = browser.get(made.headers["location"]).text
    assert "Somebody else is working on its case." in page
    assert "1 of 2 items" in page
    assert browser.get("/bulk-decisions.json").json()["bulk_decisions"][0]["skipped"] == 1


def test_a_refused_answer_shows_the_form_again_with_what_was_chosen(rig: Rig) -> None:
    item = rig.screen("A silly refusal", id="refusal").item
    browser = rig.browser("reviewer")
    browser.get("/queue")
    again = browser.post("/bulk-decisions", items=item, source="search", answer="violates", action="remove")
    assert again.status_code == 409
    assert "Choose a reason." in again.text
    assert re.search(r'value="remove"[^>]* checked', again.text)
    assert browser.post("/bulk-decisions/choose", source="tea").status_code == 422
    assert browser.post("/bulk-decisions/choose", source="search", q="since:never", all="1").status_code == 422
    assert "No item was chosen" in browser.post("/bulk-decisions/choose", source="search").text


def test_a_role_without_the_permission_ticks_nothing(rig: Rig) -> None:
    rig.screen("A silly look", id="look")
    page = rig.browser("policy").get("/search?q=look").text
    assert 'name="item"' not in page
    assert "Decide the ticked" not in page


def test_items_of_child_safety_are_shown_and_decided_by_their_specialists_only(rig: Rig) -> None:
    item = rig.screen("A silly secret", id="guarded").item
    with rig.app.database.write() as connection:
        connection.execute(update(case_table).where(case_table.c.item == item).values(child_safety=True))
    reviewer = rig.browser("reviewer")
    reviewer.get("/queue")
    answer = {"source": "search", "answer": "violates", "policy": "rudeness", "reason": "clear_violation"}
    form = reviewer.post("/bulk-decisions/choose", source="search", item=item).text
    assert "A silly secret" not in form
    refused = reviewer.post("/bulk-decisions", items=item, action="remove", **answer)
    assert (refused.status_code, "No item was chosen" in refused.text) == (409, True)  # nor that there is such an item
    assert "A silly secret" not in refused.text
    specialist = rig.browser("child_safety")
    specialist.get("/queue")
    made = specialist.post("/bulk-decisions", items=item, action="remove", **answer).headers["location"]
    assert "A silly secret" in specialist.get(made).text
    assert reviewer.get(made).status_code == 403
    assert reviewer.post(f"{made}/approve").status_code == 403
    assert made not in reviewer.get("/bulk-decisions").text
    assert made not in str(reviewer.get("/bulk-decisions.json").json())


def test_a_case_about_an_account_that_waits_too_is_named_as_left_out(rig: Rig) -> None:
    item = rig.screen("so much blood", id="bulk-with-account", actor="shouter").item
    rig.report_account("shouter", policy="gore")
    account = rig.app.vault.find("account", "shouter")
    browser = rig.browser("reviewer")
    why = "It is about an account: somebody must look at it by itself."
    chosen = browser.post("/bulk-decisions/choose", source="queue", all="1").text
    assert "1 case is about an account: somebody must look at it by itself." in chosen
    assert f'href="/accounts/{account}"' in chosen
    items = re.search(r'name="items" value="([^"]+)"', chosen)
    assert items is not None
    assert {item, account} <= set(items[1].split(","))
    answer = {"source": "queue", "answer": "does_not_violate", "reason": "not_a_violation"}
    made = browser.post("/bulk-decisions", items=f"{item},{account}", **answer).headers["location"]
    page = browser.get(made).text
    assert "1 of 2 items" in page
    assert page.count(why) == 2, "counted, and in the list"
    assert f'href="/accounts/{account}"' in page
    assert "shouter" in page
    assert browser.post(f"{made}/confirm").status_code == 303
    alone = browser.post("/bulk-decisions", items=f"{account}", **answer).headers["location"]
    page = browser.get(alone).text
    assert "<strong>Nothing</strong>: all 1 items are left out." in page
    assert browser.post(f"{alone}/confirm").status_code == 409
    nobody = rig.screen("A song about rain", id="bulk-quiet", actor="quiet")
    refused = browser.post("/bulk-decisions", items=str(rig.app.vault.find("account", "quiet")), **answer)
    assert nobody.item
    assert "No item was chosen" in refused.text, "there is no case about this account"
    assert review.case_id(str(account)) in browser.get("/queue").text, "it still waits"


def test_a_case_about_an_account_of_child_safety_is_named_to_its_specialists_only(rig: Rig) -> None:
    item = rig.screen("so much blood", id="bulk-guarded-account", actor="groomer").item
    rig.report_account("groomer")
    account = str(rig.app.vault.find("account", "groomer"))
    with rig.app.database.write() as connection:
        connection.execute(update(case_table).where(case_table.c.item == account).values(child_safety=True))
    answer = {"source": "queue", "answer": "does_not_violate", "reason": "not_a_violation"}
    reviewer = rig.browser("reviewer")
    assert account not in reviewer.post("/bulk-decisions/choose", source="queue", item=account).text.replace(
        f'value="{account}"', ""
    )
    made = reviewer.post("/bulk-decisions", items=f"{item},{account}", **answer).headers["location"]
    assert account not in reviewer.get(made).text
    specialist = rig.browser("child_safety")
    made = specialist.post("/bulk-decisions", items=f"{item},{account}", **answer).headers["location"]
    assert account in specialist.get(made).text
    assert reviewer.get(made).status_code == 403
