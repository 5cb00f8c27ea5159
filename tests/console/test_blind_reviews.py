"""Blind reviews in the console: what a second reviewer sees and does not see, and what those who measure see of it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PilImage
from sqlalchemy import select

from seawall import review, screen
from seawall.access.tables import view
from seawall.console import active_bundle
from seawall.model import Action, Image, Item
from seawall.review import quality
from seawall.review.quality.figures import by_policy, by_queue
from seawall.review.quality.queries import AnswerPair
from seawall.review.quality.sampling import FOLLOWER
from seawall.storage.following import follow
from seawall.storage.tables import follower_state
from seawall.worker import Worker
from support.app import eventually
from support.console import Browser, Rig, open_page, opened

VIOLATES = {"answer": "violates", "policy": "rudeness", "reason": "clear_violation"}
DOES_NOT = {"answer": "does_not_violate", "reason": "quoted_or_condemned", "note": "It quotes <b>him</b>."}
NEVER = {"SEAWALL_BLIND_SHARE": "1", "SEAWALL_GOLDEN_SHARE": "0"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A house in which every review is asked of a second person."""
    with opened(tmp_path_factory.mktemp("quality"), environment=NEVER) as made:
        follow(made.app.context, FOLLOWER, "tests")
        yield made


def decide(rig: Rig, text: str, id: str, *, draw: bool = True) -> str:
    """The reviewer decides a fresh case; its id. Works beside a real browser, which occupies the thread's loop."""
    case, person = review.case_id(rig.screen(text, id=id).item), rig.people["reviewer"].id
    review.take(rig.app.database, case, person)
    answer = review.ReviewAnswer(**VIOLATES, actions=(Action("remove"),), note="first note")
    review.submit_review(
        rig.app.ledger, active_bundle.rulebook(rig.app), case, person, answer, find_item=screen.status_of
    )
    if draw:
        follow(rig.app.context, FOLLOWER, "tests")
    return case


def task_of(browser: Browser) -> str:
    """The blind review that the browser is sent to next."""
    where = str(browser.post("/queue/next").headers["location"])
    assert where.startswith("/blind-reviews/blind_"), where
    return where


def disagree(rig: Rig, id: str, text: str = "You fool") -> tuple[str, str]:
    """A case that the reviewer and the admin answer differently: the case and the task."""
    case, person = decide(rig, text, id), rig.people["admin"].id
    task = quality.next_task(
        rig.app.ledger, rig.app.context.get(quality.QualitySettings), person, policies=("rudeness",)
    )
    assert task is not None
    policies = active_bundle.policies(rig.app)
    quality.submit_second_review(rig.app.ledger, policies, task, person, quality.BlindAnswer(**DOES_NOT))
    return case, task


def test_a_second_reviewer_sees_the_content_and_nothing_that_was_found_or_answered(rig: Rig) -> None:
    case = decide(rig, "You fool of a gardener", "blind")
    rig.report("blind", note="I was insulted under rudeness")
    first, second = rig.browser("reviewer"), rig.browser("admin")
    where = task_of(second)
    page = second.get(where).text
    assert "You fool of a gardener" in page
    assert "data-veiled" in page
    main = page.partition("<main")[2].partition("</main>")[0]
    for hidden in ("<mark", "insults", "0.93", "first note", "I was insulted", "Reviewer Person", "violates</strong>"):
        assert hidden not in main
    assert case not in page
    assert "selected>" not in main  # no policy is preset
    assert "checked" not in main  # and no answer
    assert first.get(where).status_code == 404  # who answered first cannot answer again
    assert first.post(f"{where}/take").status_code == 404
    answer = second.post(f"{where}/submit", **VIOLATES)
    assert answer.status_code == 303
    assert "This case was answered." in second.get(where).text
    with rig.app.database.read() as connection:
        pages = connection.execute(select(view.c.page).where(view.c.person == rig.people["admin"].id)).scalars().all()
    assert "blind_review" in pages


def test_a_refused_answer_is_shown_again_and_skipping_goes_on(rig: Rig) -> None:
    decide(rig, "You fool", "refused")
    second = rig.browser("admin")
    where = task_of(second)
    refused = second.post(f"{where}/submit", answer="violates", policy="rudeness", note="half a thought")
    assert refused.status_code == 409
    assert "Choose a reason." in refused.text
    assert "half a thought" in refused.text
    assert second.post(f"{where}/lease").json()["held"] is True
    assert second.post(f"{where}/release", queue="rudeness").headers["location"] == "/queue?queue=rudeness"
    assert "Take it again" in second.get(where).text
    assert "You fool" not in second.get(where).text  # without the lease there is nothing to see
    assert second.post(f"{where}/submit", **VIOLATES).status_code == 409
    assert second.post(f"{where}/skip").status_code == 303
    assert rig.browser("reviewer").get(where).status_code == 404


def test_a_golden_case_cannot_be_told_from_a_second_review(tmp_path: Path) -> None:
    with opened(tmp_path, environment={"SEAWALL_BLIND_SHARE": "1", "SEAWALL_GOLDEN_SHARE": "1"}) as rig:
        follow(rig.app.context, FOLLOWER, "tests")
        policy, second = rig.browser("policy"), rig.browser("admin")
        case = decide(rig, "You fool", "same-1")
        asked = second.get(task_of(second)).text
        second.post(f"{task_of(second)}/submit", **VIOLATES)
        policy.get(f"/golden-cases?case={case}")
        assert policy.post("/golden-cases", case=case, **VIOLATES).status_code == 303
        golden = second.get(task_of(second)).text
        assert anonymous(asked) == anonymous(golden)
        second.post(f"{task_of(second)}/submit", **DOES_NOT)
        own = second.get("/my-reviews.json").json()
        assert (own["pairs"], own["golden"]) == (0, 0)  # a number that grew would tell: it comes tomorrow
        everything = policy.get("/quality.json").json()
        admin = next(one for one in everything["reviewers"] if one["person"] == rig.people["admin"].id)
        assert (admin["golden"], admin["accuracy"]["value"], admin["pairs"]) == (1, 0.0, 1)
        (row,) = policy.get("/golden-cases.json").json()["golden_cases"]
        assert (row["answered"], row["right"]) == (1, 0)


def anonymous(page: str) -> str:
    """The page without what differs between any two cases."""
    return re.sub(r'data-left="\d+"|blind_\w+|\bit_\w+|value="[\w-]{30,}"|data-csrf="[^"]*"', "", page)


def test_a_worker_draws_the_second_reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.worker.worker.FOLLOW_S", 0.01)
    with opened(tmp_path, environment=NEVER) as rig, Worker(rig.app):
        eventually(lambda: FOLLOWER.name in _followers(rig))  # from here on
        decide(rig, "You fool", "drawn", draw=False)
        (asked,) = eventually(lambda: rig.app.ledger.events(kinds=["quality.second_review_asked"]))
    assert asked.body.item.ref == rig.app.vault.find("item:comment", "drawn")


def _followers(rig: Rig) -> set[str]:
    with rig.app.database.read() as connection:
        return set(connection.execute(select(follower_state.c.name)).scalars())


def test_content_that_is_gone_is_not_asked_again(rig: Rig) -> None:
    case = decide(rig, "You fool", "gone")
    second = rig.browser("admin")
    where = task_of(second)
    item = rig.app.vault.find("item:comment", "gone")
    assert review.case_id(item or "") == case
    rig.app.ledger.commit(lambda tx: rig.app.vault.erase(tx, str(item)))
    page = second.get(where).text
    assert "nothing to judge" in page
    assert "Answer <kbd>" not in page
    second.post(f"{where}/skip")
    assert "This case was answered." in second.get(where).text  # withdrawn


def test_the_adjudicator_sees_both_and_the_page_says_what_follows(rig: Rig) -> None:
    case, task = disagree(rig, "dispute")
    policy = rig.browser("policy")
    for where in ("/quality", "/disagreements?policy=rudeness&state=open"):
        assert f"/disagreements/{task}" in policy.get(where).text
    assert f"/disagreements/{task}" not in policy.get("/disagreements?policy=gore").text
    page = policy.get(f"/disagreements/{task}").text
    for said in (
        "Reviewer Person",
        "Admin Person",
        "Clear violation",
        "first note",
        "It quotes &lt;b&gt;him&lt;/b&gt;.",
    ):
        assert said in page
    assert '<mark title="insults' in page  # the evidence too
    assert rig.browser("admin").get(f"/disagreements/{task}").text.count("who is neither of the two") == 1
    refused = rig.browser("admin").post(f"/disagreements/{task}", **DOES_NOT)
    assert refused.status_code in (403, 409)
    assert policy.post(f"/disagreements/{task}", answer="does_not_violate").status_code == 409
    assert policy.post(f"/disagreements/{task}", **DOES_NOT).status_code == 303
    page = policy.get(f"/disagreements/{task}").text
    assert "Final answer" in page
    assert "differs from the decision in force" in page
    assert f'href="/cases/{case}"' in page
    rows = policy.get("/disagreements.json?state=adjudicated").json()["disagreements"]
    assert task in {row["id"] for row in rows}
    assert all("note" not in row for row in rows)


def test_a_final_answer_that_agrees_with_what_is_in_force_changes_nothing(rig: Rig) -> None:
    _, task = disagree(rig, "upheld")
    policy = rig.browser("policy")
    policy.get(f"/disagreements/{task}")
    assert policy.post(f"/disagreements/{task}", **VIOLATES).status_code == 303
    assert "differs from the decision in force" not in policy.get(f"/disagreements/{task}").text


def test_golden_cases_are_marked_from_a_decided_case_and_refused_without_an_answer(rig: Rig) -> None:
    case = decide(rig, "You fool", "golden")
    policy = rig.browser("policy")
    assert f"/golden-cases?case={case}" in policy.get(f"/cases/{case}").text
    assert "/golden-cases" not in rig.browser("reviewer").get(f"/cases/{case}").text
    assert "Mark as golden" in policy.get(f"/golden-cases?case={case}").text
    refused = policy.post("/golden-cases", case=case)
    assert refused.status_code == 409
    assert "Choose an answer" in refused.text
    assert policy.post("/golden-cases", case="case_none", **VIOLATES).status_code == 404
    waiting = review.case_id(rig.screen("You fool", id="undecided").item)
    assert "Decide it first" in policy.post("/golden-cases", case=waiting, **VIOLATES).text
    assert policy.post("/golden-cases", case=case, **VIOLATES).status_code == 303
    golden = next(row["id"] for row in policy.get("/golden-cases.json").json()["golden_cases"] if row["case"] == case)
    assert policy.post(f"/golden-cases/{golden}/retire").status_code == 303
    assert policy.post(f"/golden-cases/{golden}/retire").status_code == 409


def test_a_reviewer_sees_their_own_figures_only(rig: Rig) -> None:
    disagree(rig, "own")
    browser = rig.browser("reviewer")
    assert browser.get("/quality").status_code == 403
    assert browser.get("/disagreements.json").status_code == 403
    page = browser.get("/my-reviews?days=0").text
    assert "Admin Person" not in page
    assert "undefined" in page  # nothing up to yesterday: neither 0 % nor 100 %
    assert browser.get("/my-reviews.json").json()["agreement"]["value"] is None
    menu = browser.get("/queue").text
    assert 'href="/my-reviews"' in menu
    assert 'href="/quality"' not in menu


SCRIPT = "<script>alert('fool')</script>"


def test_hostile_content_and_notes_become_no_markup_and_files_stay_blurred(rig: Rig) -> None:
    encoded = io.BytesIO()
    PilImage.new("RGB", (40, 30), (200, 30, 30)).save(encoded, "PNG")
    fields: dict[str, Any] = {
        "title": f"fool {SCRIPT}",
        "track_titles": (SCRIPT,),
        "cover": Image(encoded.getvalue()),
        "track_count": 1,
    }
    item = Item(content_type="playlist", id=SCRIPT, fields=fields, actor=SCRIPT, language="en")
    case, person = review.case_id(rig.app.screener.screen(item).item), rig.people["reviewer"].id
    review.take(rig.app.database, case, person)
    answer = review.ReviewAnswer(**VIOLATES, actions=(Action("remove"),), note=SCRIPT)
    review.submit_review(
        rig.app.ledger, active_bundle.rulebook(rig.app), case, person, answer, find_item=screen.status_of
    )
    follow(rig.app.context, FOLLOWER, "tests")
    second = rig.browser("admin")
    where = second.post("/queue/next?type=playlist").headers["location"].partition("?")[0]
    blind = second.get(where).text
    assert blind.count("data-veiled") == 2  # title and cover
    assert "/image/cover" in blind
    for found in ("<mark", "insults", "rudeness 0."):
        assert found not in blind.partition("<main")[2]
    second.post(f"{where}/submit", **{**DOES_NOT, "note": SCRIPT})
    policy = rig.browser("policy")
    both = policy.get(where.replace("blind-reviews", "disagreements")).text
    assert both.count("&lt;script&gt;") >= 4
    for page in (blind, both, policy.get("/disagreements").text, policy.get("/quality").text):
        assert "<script>" not in page


def test_figures_say_undefined_where_nothing_could_have_disagreed() -> None:
    same = AnswerPair(queue="a", first=("violates", "rudeness"), second=("violates", "rudeness"))
    other = replace(same, queue="b", second=("does_not_violate", None))
    everything, only, _ = by_queue([same, same, other])
    assert (everything.name, everything.pairs, everything.agreed) == ("all", 3, 2)
    assert only.kappa.value != only.kappa.value
    assert only.share.value == 1
    (rudeness,) = by_policy([same, same, other])
    assert (rudeness.name, rudeness.pairs, rudeness.agreed) == ("rudeness", 3, 2)
    assert by_queue([])[0].pairs == 0


def test_blind_cases_are_answered_by_keyboard_alone(chromium: object, url: str, rig: Rig) -> None:
    decide(rig, "You fool, by keyboard", "keys-1")
    decide(rig, "You fool, once more", "keys-2")
    page, complaints = open_page(chromium, url, "admin")
    page.goto(f"{url}/queue")
    page.keyboard.press("n")
    page.wait_for_url(f"{url}/blind-reviews/*")
    first = page.url
    assert page.inner_text("h1") == "Case"
    assert page.inner_text("[data-lease]").startswith("Leased to you for")
    assert page.locator("input[type=radio]:checked").count() == 0
    assert page.locator("[data-veiled]").count() == 1
    page.keyboard.press("b")
    assert page.locator("[data-veiled]").count() == 0
    page.keyboard.press("v")
    page.keyboard.press("2")
    page.keyboard.press("n")  # the reason went with the other answer
    assert page.locator("input[name=reason]:checked").count() == 0
    assert not page.is_visible("select[name=policy]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert] >> text=Choose a reason.")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda now: now.startswith(f"{url}/blind-reviews/") and not now.startswith(first))
    second = page.url
    page.keyboard.press("v")
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.id") == "policy"
    page.select_option("#policy", "rudeness")
    assert page.is_visible("text=Attacks on a person for who they are.")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda now: not now.startswith(second))
    assert [one for one in complaints if "409" not in one] == []  # the answer without a reason was refused


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_no_page_of_quality_is_wider_than_the_screen(
    chromium: object, url: str, rig: Rig, width: int, height: int
) -> None:
    case, task = disagree(rig, f"wide-{width}", "You fool " + "w" * 900)
    page, complaints = open_page(chromium, url, "admin", width, height)
    decide(rig, "You fool " + "w" * 900, f"wide-task-{width}")
    waiting = quality.next_task(
        rig.app.ledger, quality.QualitySettings(), rig.people["admin"].id, policies=(), idle=True
    )
    for path in (
        f"/blind-reviews/{waiting}",
        "/quality",
        "/my-reviews",
        "/disagreements",
        f"/disagreements/{task}",
        f"/golden-cases?case={case}",
    ):
        page.goto(url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert complaints == []
