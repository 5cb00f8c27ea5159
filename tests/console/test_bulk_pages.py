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
