"""An appeal in the console: who may answer it, what each answer does, and what everybody sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seawall import access, appeal, review
from seawall.appeal.queries import get_appeal
from seawall.appealed_decision import find_facts
from seawall.enforce.queries import enforcements_of_item
from seawall.screen import status_of
from support.console import PASSWORD, Browser, Rig, opened

TEXT = "I only quoted <b>him</b>."
REMOVAL = {"answer": "violates", "policy": "rudeness", "action": ["remove", "strike"], "reason": "clear_violation"}


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Rig]:
    """A house of one's own, with a second reviewer."""
    with opened(tmp_path) as made:
        access.create_person(made.app.ledger, "second@example.org", "Second Person", PASSWORD, ["reviewer"])
        yield made


def appealed(rig: Rig, decision: str, appellant: str = "author") -> str:
    made = appeal.Appeal(appellant=appellant, text=TEXT, decision=decision)
    return appeal.receive_appeal(rig.app.ledger, made, find_facts=partial(find_facts, rig.app), find_item=status_of)


def decided(rig: Rig, browser: Browser, screened: Any, **answer: Any) -> str:
    path = f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    done = browser.post(f"{path}/decide", seen=screened.decision, revision="1", **(answer or REMOVAL))
    assert done.status_code == 303, done.text
    return str(done.headers["location"]).partition("done=")[2].partition("&")[0]


def in_force(rig: Rig, item: str) -> set[str]:
    with rig.app.database.read() as connection:
        return {one.kind for one in enforcements_of_item(connection, item, limit=50) if one.state == "active"}


def state(rig: Rig, appeal_id: str) -> tuple[str, str | None]:
    with rig.app.database.read() as connection:
        row = get_appeal(connection, appeal_id)
    assert row is not None
    return row.state, row.reason


def test_two_people_and_an_appeal_that_overturns(alone: Rig) -> None:
    screened = alone.screen("You fool", id="quoted")
    first, second = alone.browser("reviewer"), alone.browser("second")
    decision = decided(alone, first, screened)
    made = appealed(alone, decision)
    path = f"/cases/{review.case_id(screened.item)}"

    assert 'href="/appeals"' in first.get("/").text
    assert made[-6:] in first.get("/appeals").text
    page = first.get(path).text
    assert "Another reviewer must answer" in page
    assert "I only quoted &lt;b&gt;him&lt;/b&gt;." in page
    assert first.post("/queue/next").headers["location"] == "/queue"  # not offered
    refused = first.post(f"{path}/take")
    assert refused.status_code == 409
    assert "You decided what is appealed" in refused.text

    where = second.post("/queue/next").headers["location"]
    assert where == path
    page = second.get(where).text
    assert "The author appeals" in page
    assert "The decision stays" in page
    assert "Reviewer Person" not in page  # who decided: a name for leads only
    assert "Reviewer Person" in alone.browser("policy").get(path).text
    told = second.post(f"{path}/appeals/{made}/preview", answer="does_not_violate", reason="quoted_or_condemned")
    assert "Visitors will find it again. The author&#39;s strike is taken back." in " ".join(
        told.json()["will"]
    ).replace("'", "&#39;")

    answer = {"answer": "does_not_violate", "reason": "quoted_or_condemned", "seen": decision, "revision": "1"}
    silent = second.post(f"{path}/appeals/{made}/answer", message=" ", **answer)
    assert silent.status_code == 409
    assert "The appellant has to be told why" in silent.text
    assert first.post(f"{path}/appeals/{made}/answer", message="No.", **answer).status_code == 409
    done = second.post(f"{path}/appeals/{made}/answer", message="You are right.", **answer)
    assert done.status_code == 303
    assert "done=dec_" in done.headers["location"]
    assert in_force(alone, screened.item) == set()
    assert state(alone, made) == ("overturned", "quoted_or_condemned")
    again = second.post(f"{path}/appeals/{made}/answer", message="You are right.", **answer)
    assert again.status_code == 409
    page = second.get(f"/appeals/{made}").text
    assert "You are right." in page
    assert "overturned" in page
    assert "rudeness" in second.get("/appeals?state=answered").text


def test_what_is_upheld_leaves_everything_as_it_is(alone: Rig) -> None:
    screened = alone.screen("You fool", id="stays")
    decision = decided(alone, alone.browser("reviewer"), screened)
    made = appealed(alone, decision)
    browser, path = alone.browser("second"), f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    answer = {"answer": "upheld", "seen": decision, "revision": "1", "message": "A quotation needs a comment."}
    assert "Choose a reason" in browser.post(f"{path}/appeals/{made}/answer", **answer).text
    stale = browser.post(f"{path}/appeals/{made}/answer", **{**answer, "seen": "dec_1"}, reason="decision_was_right")
    assert "decided again since you opened" in stale.text
    ordinary = browser.post(f"{path}/decide", seen=decision, revision="1", **REMOVAL)
    assert ordinary.status_code == 409
    assert "Answer the appeal" in ordinary.text
    done = browser.post(f"{path}/appeals/{made}/answer", **answer, reason="decision_was_right")
    assert done.status_code == 303
    assert state(alone, made) == ("upheld", "decision_was_right")
    assert in_force(alone, screened.item) == {"remove", "strike"}
    page = browser.get(path).text
    assert "closed" in page
    assert f'<a href="/appeals/{made}">Appealed</a> by its author: <strong>upheld</strong>' in page


def test_in_part_means_milder_and_never_worse(alone: Rig) -> None:
    screened = alone.screen("A silly thing", id="held")
    decision = decided(alone, alone.browser("reviewer"), screened, **{**REMOVAL, "action": ["remove"]})
    made = appealed(alone, decision)
    browser, path = alone.browser("second"), f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    answer = {**REMOVAL, "seen": decision, "revision": "1", "message": "A little."}
    where = f"{path}/appeals/{made}/answer"
    assert "reverse nothing" in browser.post(where, **{**answer, "action": ["remove"]}).text
    worse = browser.post(where, **{**answer, "action": ["hold", "limit"]}, **{"limit.for": "86400"})
    assert "must not end worse" in worse.text
    done = browser.post(where, **{**answer, "action": ["hold"]})
    assert done.status_code == 303, done.text
    assert (state(alone, made)[0], in_force(alone, screened.item)) == ("partly", {"hold"})


def test_a_refused_report_is_appealed_and_the_item_restricted(alone: Rig) -> None:
    screened = alone.screen("Lovely", id="reported-fine")
    alone.report("reported-fine", note="It mocks us.")
    decision = decided(alone, alone.browser("reviewer"), screened, answer="does_not_violate", reason="not_a_violation")
    made = appealed(alone, decision, "u-9")
    browser, path = alone.browser("second"), f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    page = browser.get(path).text
    assert "A reporter appeals" in page
    assert "The refusal stays" in page
    answer = {"seen": decision, "revision": "1", "message": "You are right."}
    wrong = browser.post(f"{path}/appeals/{made}/answer", answer="does_not_violate", reason="not_a_violation", **answer)
    assert "means to restrict the item" in wrong.text
    assert browser.post(f"{path}/appeals/{made}/answer", **{**answer, **REMOVAL}).status_code == 303
    assert in_force(alone, screened.item) == {"remove", "strike"}


def test_conversation_notes_and_the_outcome_out_of_court(alone: Rig) -> None:
    screened = alone.screen("You fool", id="talk")
    made = appealed(alone, screened.decision)
    browser = alone.browser("reviewer")
    where = f"/appeals/{made}"
    early = browser.post(f"{where}/out-of-court", body="user-rights", outcome="upheld", date="2026-11-28")
    assert early.status_code == 409
    browser.post(f"{where}/messages", kind="message", text="Which <page>?")
    browser.post(f"{where}/messages", kind="note", text="Seen before.")
    page = browser.get(where).text
    assert "Which &lt;page&gt;?" in page
    assert "Seen before." in page
    assert browser.post(f"{where}/messages", kind="note", text="  ").status_code == 422
    path = f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    done = browser.post(
        f"{path}/appeals/{made}/answer",
        answer="upheld",
        reason="nothing_new",
        message="As before.",
        seen=screened.decision,
        revision="1",
    )
    assert done.status_code == 303
    assert "Decide</h2>" in browser.get(path).text  # the rules had asked for a review: that still waits
    for wrong in ({"body": "Jane Doe"}, {"outcome": "maybe"}, {"date": "soon"}):
        said = {"body": "user-rights", "outcome": "upheld", "date": "2026-11-28", **wrong}
        assert browser.post(f"{where}/out-of-court", **said).status_code == 422
    assert (
        browser.post(f"{where}/out-of-court", body="user-rights", outcome="upheld", date="2026-11-28").status_code
        == 303
    )
    assert "user-rights, 2026-11-28" in browser.get(where).text


def test_the_report_card_says_how_accurate_a_reporter_was(alone: Rig) -> None:
    browser = alone.browser("admin")
    for number in range(6):
        screened = alone.screen("Lovely", id=f"many-{number}")
        alone.report(f"many-{number}")
        if number == 4:
            page = browser.get(f"/cases/{review.case_id(screened.item)}").text
            assert "0 of 4 reports upheld: too few for a figure" in page
        if number < 5:
            decided(alone, browser, screened, answer="does_not_violate", reason="not_a_violation")
    page = browser.get(f"/cases/{review.case_id(screened.item)}").text
    assert "0 of 5 reports upheld: 0 % (95 % interval 0 to 43 %)" in page
    assert "Mute this reporter" not in page  # not without a warning
    reporter = alone.app.vault.find("account", "u-9")
    refused = browser.post(f"/reporters/{reporter}/mute", case=review.case_id(screened.item))
    assert refused.status_code == 409
    assert "a warning comes first" in refused.text
