"""Figures of reviewing, for those who lead and for each reviewer, on both databases."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall import review
from seawall.model import new_id
from seawall.model.events import AppealDecided, AppealReceived
from seawall.review.figures import DAY_MS
from support.console import Browser, Rig, open_page, opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A house in which nobody has decided anything."""
    with opened(tmp_path_factory.mktemp("empty")) as made:
        yield made


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path, database_url=database_url) as made:
        yield made


def decide(browser: Browser, case: str, answer: str = "does_not_violate") -> None:
    """Take the case and answer it."""
    browser.post(f"/cases/{case}/take")
    page = browser.get(f"/cases/{case}").text
    form = {name: _value(page, name) for name in ("seen", "revision", "shown_at")}
    form |= {"answer": answer, "reason": "not_a_violation" if answer == "does_not_violate" else "clear_violation"}
    if answer == "violates":
        form |= {"policy": "rudeness", "action": "remove"}
    assert browser.post(f"/cases/{case}/decide", **form).status_code == 303


def _value(page: str, name: str) -> str:
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def test_what_happened_is_counted_once(house: Rig) -> None:
    reviewer, lead = house.browser("reviewer"), house.browser("policy")
    cases = [
        review.case_id(house.screen(f"A silly thing, number {number}", id=f"c{number}", actor=f"a{number}").item)
        for number in range(5)
    ]
    decide(reviewer, cases[0])
    decide(reviewer, cases[1], "violates")
    house.screen("A silly thing, number 2", id="c2", actor="a2")  # sent again: no new work
    reviewer.post(f"/cases/{cases[2]}/take")
    reviewer.post(f"/cases/{cases[2]}/skip", why="takes_long")
    held = _held(house)
    if held is not None:
        review.release(house.app.database, held, house.people["reviewer"].id)
    reviewer.post(f"/cases/{cases[3]}/take")
    reviewer.post(f"/cases/{cases[3]}/pass-on", why="cannot_tell")
    if (held := _held(house)) is not None:
        review.release(house.app.database, held, house.people["reviewer"].id)
    found = lead.get("/figures.json").json()
    total = found["total"]
    assert (total["arrived"], total["decided"], total["cleared"]) == (5, 2, 0)
    assert (total["skipped"], total["passed_on"]) == (1, 1)
    assert total["wait"]["n"] == total["handle"]["n"] == 2
    assert found["waiting"] == 3 == sum(one["count"] for one in found["ages"])
    assert [one["name"] for one in found["reviewers"]] == [house.people["reviewer"].id]
    assert [(one["name"], one["decided"], one["arrived"]) for one in found["queues"]] == [("rudeness", 2, 5)]
    assert {(one["kind"], one["why"]) for one in found["reasons"]} == {
        ("skipped", "takes_long"),
        ("passed_on", "cannot_tell"),
    }
    assert sum(one["decided"] for one in found["steps"]) == 2
    assert found["before"]["decided"] == 0


def test_what_is_taken_back_or_decided_again_does_not_count_twice(house: Rig) -> None:
    reviewer, lead = house.browser("reviewer"), house.browser("policy")
    item = house.screen("A silly thing to take back", id="c1")
    case = review.case_id(item.item)
    decide(reviewer, case)
    (answer,) = [event.body.review for event in house.app.ledger.events(kinds=["review.submitted"])]
    assert reviewer.post(f"/reviews/{answer}/undo").status_code == 303
    total = lead.get("/figures.json").json()["total"]
    assert (total["arrived"], total["decided"], total["undone"]["count"], total["undone"]["n"]) == (1, 0, 1, 1)
    decide(reviewer, case)
    reviewer.post(f"/cases/{case}/reopen")
    open_again = lead.get("/figures.json").json()
    assert (open_again["total"]["arrived"], open_again["total"]["decided"], open_again["waiting"]) == (1, 1, 1)
    decide(reviewer, case, "violates")
    total = lead.get("/figures.json").json()["total"]
    assert (total["arrived"], total["decided"], total["undone"]["n"]) == (1, 1, 2)


def test_an_overturn_counts_against_who_decided(house: Rig) -> None:
    reviewer, lead = house.browser("reviewer"), house.browser("policy")
    made = house.screen("A silly thing to appeal", id="c1")
    decide(reviewer, review.case_id(made.item), "violates")
    (body,) = [event.body for event in house.app.ledger.events(kinds=["review.submitted"])]
    (decided,) = [
        event.body.decision.item
        for event in house.app.ledger.events(kinds=["decision.made"])
        if event.body.decision.id == body.decision
    ]
    appeal = new_id("app")
    received = AppealReceived(appeal=appeal, item=decided, decision=body.decision, appellant="en_x", role="author")
    answered = AppealDecided(appeal=appeal, item=decided, role="author", outcome="overturned", person="per_2")
    house.app.ledger.commit(lambda tx: tx.append(received))
    house.app.ledger.commit(lambda tx: tx.append(answered))
    found = lead.get("/figures.json").json()
    (row,) = [one for one in found["reviewers"] if one["name"] == body.reviewer]
    assert (row["overturned"]["count"], row["overturned"]["n"]) == (1, 1)
    assert 0 < row["overturned"]["interval"]["lower"] < 1
    assert found["total"]["decided"] == 1  # the appeal is about the same item
    assert {one["name"] for one in found["queues"]} == {"rudeness", "appeals"}


def test_filters_and_periods(house: Rig) -> None:
    reviewer, lead = house.browser("reviewer"), house.browser("policy")
    decide(reviewer, review.case_id(house.screen("A silly thing", id="c1").item))
    decide(reviewer, review.case_id(house.screen("so much blood", id="c2").item))

    def decided(query: str) -> int:
        found: int = lead.get(f"/figures.json?{query}").json()["total"]["decided"]
        return found

    assert decided("") == 2
    assert decided("queue=gore") == decided("policy=rudeness") == 1
    assert decided(f"reviewer={house.people['reviewer'].id}") == 2
    assert decided(f"reviewer={house.people['admin'].id}") == 0
    assert decided("queue=gore&policy=rudeness") == 0
    assert decided("from=2020-01-01&to=2020-12-31") == 0
    for wrong in ("from=tomorrow", "from=2030-01-01", "from=2010-01-01", "from=2026-02-30"):
        assert lead.get(f"/figures?{wrong}").status_code == 422


def test_cases_of_child_safety_count_for_those_who_may_see_them(house: Rig) -> None:
    specialist = house.browser("child_safety")
    made = house.screen("A silly thing about a child", id="c1")
    case = review.case_id(made.item)
    with house.app.database.write() as connection:
        connection.execute(review.tables.case.update().values(child_safety=True))
    decide(specialist, case)
    assert house.browser("admin").get("/figures.json").json()["total"]["decided"] == 1
    found = house.browser("policy").get("/figures.json").json()
    assert (found["total"]["decided"], found["total"]["arrived"], found["queues"]) == (0, 0, [])


def test_a_reviewer_sees_their_own_figures_only_and_not_those_of_today(house: Rig) -> None:
    reviewer, other = house.browser("reviewer"), house.browser("child_safety")
    decide(reviewer, review.case_id(house.screen("A silly thing", id="c1").item))
    assert reviewer.get("/figures").status_code == 403
    own = reviewer.get(f"/my-figures.json?reviewer={house.people['child_safety'].id}").json()
    assert own["total"]["decided"] == 0
    assert own["period"]["until"] % DAY_MS == 0
    with house.app.database.write() as connection:
        table = review.tables.case_closing
        connection.execute(table.update().values(closed_at=table.c.closed_at - DAY_MS))
    assert reviewer.get("/my-figures.json").json()["total"]["decided"] == 1
    assert other.get("/my-figures.json").json()["total"]["decided"] == 0
    page = reviewer.get("/my-figures").text
    assert "By reviewer" not in page
    assert "Child_safety" not in page


def test_csv_has_every_figure(rig: Rig) -> None:
    lead, reviewer = rig.browser("policy"), rig.browser("reviewer")
    decide(reviewer, review.case_id(rig.screen("A silly thing for the file", id="figures-csv").item))
    answer = lead.get("/figures.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="figures.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["of"] for row in rows][:2] == ["all", "before"]
    (queue,) = [row for row in rows if (row["of"], row["name"]) == ("queue", "rudeness")]
    assert int(queue["decided"]) >= 1
    assert float(queue["wait_median_s"]) >= 0
    assert {"missed_share", "undone_lower", "agreed_n", "handle_p90_s"} <= queue.keys()


def test_before_anything_happened_the_page_says_how_figures_begin(empty: Rig) -> None:
    assert "Figures begin with the first case" in empty.browser("admin").get("/figures").text
    assert "from the next day on your figures stand here" in empty.browser("reviewer").get("/my-figures").text


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_in_a_browser(chromium: object, url: str, width: int, height: int) -> None:
    page: Any
    page, complaints = open_page(chromium, url, "policy", width, height)
    page.goto(f"{url}/figures")
    page.select_option("#queue", "rudeness")
    page.click("#choose button")
    page.wait_for_url("**queue=rudeness**")
    page.get_by_role("link", name="30 days").click()
    assert "queue=rudeness" in page.url
    assert page.locator("svg.plot").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not complaints


def _held(house: Rig) -> str | None:
    with house.app.database.read() as connection:
        return review.case_held_by(connection, house.people["reviewer"].id, 0)
