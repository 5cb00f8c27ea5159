"""A case of several policies: what the page shows, and an answer policy by policy."""

from __future__ import annotations

from typing import Any

from seawall import appeal, review
from seawall.model import ItemRef
from seawall.model.events import DecisionMade
from seawall.review.events import ReviewSubmitted
from support.console import Rig, open_page


def both(rig: Rig, id: str) -> tuple[str, Any]:
    """A case in which rudeness (severity 3, 0.82) and gore (severity 3, 0.75) fired."""
    screened = rig.screen("You silly person, blood", id=id)
    return review.case_id(screened.item), screened


def test_the_page_shows_every_policy_and_says_why_the_case_stands_where_it_does(rig: Rig) -> None:
    case, _ = both(rig, "several-1")
    browser = rig.browser("reviewer")
    browser.post(f"/cases/{case}/take")
    page = browser.get(f"/cases/{case}").text
    assert "severity 3 of 5; 0.82 sure; withheld from visitors; waits" in page
    for words in ("Attacks on a person for who they are.", "Images or words of wounds."):
        assert words in page
    assert '<option value="rudeness" selected>' in page
    assert 'name="judged.gore"' in page
    assert "and 1 more" in browser.get("/queue").text


def test_an_answer_about_each_policy_is_recorded_as_it_was_given(rig: Rig) -> None:
    for number, (said, harms) in enumerate(
        [("", ["harassment"]), ("does_not_violate", ["harassment"]), ("violates", ["harassment", "violence"])]
    ):
        case, screened = both(rig, f"several-2-{number}")
        browser = rig.browser("reviewer")
        browser.post(f"/cases/{case}/take")
        answer = browser.post(
            f"/cases/{case}/decide",
            answer="violates",
            policy="rudeness",
            action=["remove"],
            reason="clear_violation",
            seen=screened.decision,
            revision="1",
            **{"judged.gore": said},
        )
        assert answer.status_code == 303, answer.text
        bodies = [event.body for event in rig.app.ledger.events(rig.app.ledger.head() - 20)]
        submitted = [body for body in bodies if isinstance(body, ReviewSubmitted)][-1]
        assert submitted.judged == {"rudeness": "violates", "gore": said or "not_judged"}
        decided = [body for body in bodies if isinstance(body, DecisionMade)][-1].decision
        assert [reason.harm for reason in decided.reasons] == harms
        page = browser.get(f"/cases/{case}").text
        assert ('<span class="chip">does not violate</span>' in page.partition(">Graphic violence</span></h2>")[2]) == (
            said == "does_not_violate"
        )


def test_a_policy_that_a_report_names_is_not_preset_beside_one_that_fired(rig: Rig) -> None:
    screened = rig.screen("You silly person", id="several-3")
    given = review.CasePolicy(policy="gore", harm="violence", priority=0.95, reported=True)
    assert review.preset_policy((given,)) == given
    case = review.case_id(screened.item)
    _report(rig, screened.item)
    browser = rig.browser("reviewer")
    browser.post(f"/cases/{case}/take")
    page = browser.get(f"/cases/{case}").text
    assert '<option value="rudeness" selected>' in page
    assert "named by a report" in page
    assert 'name="judged.gore"' in page


def _report(rig: Rig, item: str) -> None:
    report = appeal.Report(content_type="comment", item_id="several-3", kind="authority", policy="gore")
    appeal.receive_report(rig.app.ledger, report, find_item=lambda *_: ItemRef("comment", item, 1), harm="violence")


def test_three_keys_still_decide_a_case_of_several_policies(rig: Rig, chromium: object, url: str) -> None:
    case, _ = both(rig, "several-4")
    page: Any
    page, complaints = open_page(chromium, url, "admin")
    page.goto(f"{url}/cases/{case}")
    page.keyboard.press("t")
    page.wait_for_selector("form.decide")
    page.keyboard.press("v")
    assert page.is_visible('[name="judged.gore"]')
    assert not page.is_visible('[name="judged.rudeness"]')
    page.select_option("#policy", "gore")
    assert page.is_visible('[name="judged.rudeness"]')
    assert page.is_visible("text=Attacks on a person for who they are.")
    page.select_option("#policy", "rudeness")
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: case not in address)
    assert complaints == []
    bodies = [event.body for event in rig.app.ledger.events(rig.app.ledger.head() - 20)]
    submitted = [body for body in bodies if isinstance(body, ReviewSubmitted)][-1]
    assert (submitted.case, submitted.policy, submitted.judged["gore"]) == (case, "rudeness", "not_judged")
