"""How policies do: hits, what reviewers and appeals said, detectors, overlap; on the list and the policy's page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from seawall import access, appeal, review
from seawall.appealed_decision import find_facts
from seawall.policy import PolicySource
from seawall.screen import status_of
from support.console import GORE, PASSWORD, RUDENESS, Browser, Rig, opened

REMOVAL = {"answer": "violates", "policy": "rudeness", "action": ["remove"], "reason": "clear_violation"}
FINE = {"answer": "does_not_violate", "reason": "not_a_violation"}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[Rig]:
    """A house of one's own, on both databases."""
    with opened(tmp_path, database_url=database_url) as made:
        access.create_person(made.app.ledger, "second@example.org", "Second Person", PASSWORD, ["reviewer"])
        yield made


def decided(browser: Browser, screened: Any, **answer: Any) -> str:
    path = f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    done = browser.post(f"{path}/decide", seen=screened.decision, revision="1", **answer)
    assert done.status_code == 303, done.text
    return str(done.headers["location"]).partition("done=")[2].partition("&")[0]


def figures(browser: Browser, policy: str = "rudeness") -> Any:
    listed = browser.get("/policies.json").json()["policies"]
    return next(one for one in listed if one["policy"] == policy)


def test_reviews_are_labels_of_the_hits_and_appeals_correct_them(house: Rig) -> None:
    reviewer, second = house.browser("reviewer"), house.browser()
    assert second.sign_in("second@example.org", PASSWORD).status_code == 303
    texts = ("You fool", "a fool", "A LOUD fool", "A silly thing", "silly you")
    screened = [house.screen(text, id=f"h-{number}") for number, text in enumerate(texts)]
    removed = [decided(reviewer, one, **REMOVAL) for one in screened[:2]]
    decided(reviewer, screened[3], **FINE)
    found = figures(reviewer)
    assert found["figures"]["live_week"] == 5  # "fool" fires two of its rules
    assert found["figures"]["shadow_month"] == 1
    assert found["rules"]["certain"]["live_month"] == 3
    assert (found["figures"]["confirmed"], found["figures"]["reviewed"]) == (2, 3)
    assert (found["rules"]["certain"]["confirmed"], found["rules"]["certain"]["reviewed"]) == (2, 2)
    interval = found["figures"]["precision"]
    assert interval["value"] == pytest.approx(2 / 3)
    assert interval["lower"] < interval["value"] < interval["upper"]
    assert found["rules"]["loud"]["precision"] is None  # nobody judged its hit

    made = appeal.Appeal(appellant="author", text="I quoted him.", decision=removed[0])
    number = appeal.receive_appeal(
        house.app.ledger, made, find_facts=partial(find_facts, house.app), find_item=status_of
    )
    path = f"/cases/{review.case_id(screened[0].item)}"
    second.post(f"{path}/take")
    answer = {"answer": "does_not_violate", "reason": "quoted_or_condemned", "seen": removed[0], "revision": "1"}
    answered = second.post(f"{path}/appeals/{number}/answer", message="You are right.", **answer)
    assert answered.status_code == 303, answered.text
    found = figures(reviewer)
    assert (found["figures"]["appeals"], found["figures"]["overturned"]) == (1, 1)
    assert (found["figures"]["confirmed"], found["figures"]["reviewed"]) == (1, 3)
    assert reviewer.get("/policies/rudeness.json").json()["health"] == found
    page = LexborHTMLParser(reviewer.get("/policies").text)
    (row,) = page.css("[data-policy=rudeness]")
    assert "1 of 3 confirmed" in row.text()
    assert "1 of 1" in row.text()


def test_overlap_and_what_it_asks_for(house: Rig) -> None:
    for number, text in enumerate(("You fool, blood", "a fool", "blood")):
        house.screen(text, id=f"o-{number}")
    browser = house.browser("reviewer")
    found = figures(browser)
    assert (found["overlapping"], found["hits_sampled"], found["overlaps_with"]) == (1, 2, "gore")
    assert [one["name"] for one in found["detectors"]] == ["caps", "insults"]
    assert {one["cost"] for one in found["detectors"]} == {"inline"}


def test_policies_that_never_fired_say_how_figures_come_about(house: Rig) -> None:
    page = house.browser("reviewer").get("/policies").text
    assert "No rule fired in the last 28 days." in page
    assert "none reviewed" in page
    assert "It has no hit yet." in house.browser("reviewer").get("/policies/gore").text


def test_what_people_said_of_child_safety_is_for_its_specialists(house: Rig) -> None:
    minors = GORE.replace("policy: gore", "policy: minors").replace("harm: violence", "harm: child_safety")
    texts = (RUDENESS, GORE, minors)
    sources = replace(house.app.sources(), policies=tuple(PolicySource(f"{n}.yaml", t) for n, t in enumerate(texts)))
    house.app.publish(sources, by="tests")
    house.screen("You fool", id="cs")
    hidden, seen = figures(house.browser("reviewer"), "minors"), figures(house.browser("child_safety"), "minors")
    assert (hidden["withheld"], seen["withheld"]) == (True, False)
    assert hidden["hits_sampled"] == 0
    other = figures(house.browser("reviewer"), "gore")
    assert other["overlaps_with"] != "minors"
