"""The way of a reviewer through the console: queue, case, answer, next; and what others see of it."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PilImage
from sqlalchemy import select

from media.samples import animated
from seawall import review
from seawall.access.tables import view
from seawall.console.languages import speaking
from seawall.console.review.consequences import consequences_of
from seawall.model import Action, Image, Item, now_ms
from seawall.review.events import ReviewSubmitted
from support.console import Rig, opened, small
from support.items import content_type_text, policy_text


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Rig]:
    """A house of one's own, for tests that count what waits."""
    with opened(tmp_path) as made:
        yield made


def test_from_the_queue_to_a_decision_and_on_to_the_next(alone: Rig) -> None:
    calm = alone.screen("What a silly thing", id="calm")
    urgent = alone.screen("You fool", id="urgent")
    browser = alone.browser("reviewer")
    queue = browser.get("/queue").text
    assert queue.index(review.case_id(urgent.item)[-6:]) < queue.index(review.case_id(calm.item)[-6:])

    answer = browser.post("/queue/next")
    assert answer.headers["location"] == f"/cases/{review.case_id(urgent.item)}"
    page = browser.get(answer.headers["location"]).text
    assert '<mark title="insults: rudeness 0.93">fool</mark>' in page
    assert ">calibrated</span>" in page
    assert "Rudeness: Certain" in page
    assert "at_fpr(0.01) = 0.8 for insults 1.0" in page
    assert "Criticism of what somebody did is allowed." in page
    assert "Yours" in page

    answer = browser.post(
        f"/cases/{review.case_id(urgent.item)}/decide",
        answer="violates",
        policy="rudeness",
        action=["remove", "limit"],
        reason="clear_violation",
        note="seen <b>before</b>",
        seen=urgent.decision,
        queue="rudeness",
        **{"limit.for": "86400"},
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/cases/{review.case_id(calm.item)}?queue=rudeness&done=dec_")
    onward = browser.get(answer.headers["location"]).text
    assert "see the decision" in onward
    assert "Yours" in onward

    decision = answer.headers["location"].partition("done=")[2]
    page = browser.get(f"/decisions/{decision}").text
    assert "Reviewer Person" in page
    assert "Limit the account: for 1 d" in page
    assert "This decision is in force." in page
    before = browser.get(f"/decisions/{urgent.decision}").text
    assert "Superseded" in before
    item = browser.get(f"/items/{urgent.item}").text
    assert "seen &lt;b&gt;before&lt;/b&gt;" in item
    assert "violates" in item


def test_not_a_violation_lifts_what_the_machine_did(rig: Rig) -> None:
    screened = rig.screen("You fool", id="lift")
    browser = rig.browser("reviewer")
    browser.post(f"/cases/{review.case_id(screened.item)}/take")
    browser.post(
        f"/cases/{review.case_id(screened.item)}/decide",
        answer="does_not_violate",
        policy="rudeness",
        action=["remove"],
        reason="not_a_violation",
        seen=screened.decision,
    )
    page = browser.get(f"/items/{screened.item}").text
    assert "Remove</span>" in page
    assert "reversed" in page
    case = browser.get(f"/cases/{review.case_id(screened.item)}").text
    assert "does not violate" in case
    assert '<form class="decide"' not in case


def test_an_answer_that_lacks_something_is_shown_again_with_what_was_chosen(rig: Rig) -> None:
    screened = rig.screen("You fool", id="lacking")
    browser = rig.browser("reviewer")
    browser.post(f"/cases/{review.case_id(screened.item)}/take")
    answer = browser.post(
        f"/cases/{review.case_id(screened.item)}/decide",
        answer="violates",
        policy="rudeness",
        reason="clear_violation",
        note="half a thought",
        seen=screened.decision,
    )
    assert answer.status_code == 409
    assert "Choose at least one action" in answer.text
    assert "half a thought" in answer.text


def test_a_report_that_came_while_the_reviewer_looked_is_not_closed_unseen(rig: Rig) -> None:
    screened = rig.screen("You fool", id="stalked")
    path = f"/cases/{review.case_id(screened.item)}"
    browser = rig.browser("reviewer")
    browser.post(f"{path}/take")
    rig.report("stalked", kind="trusted_flagger", note="this is a real stalker")
    browser.post(f"{path}/lease")  # the page's heartbeat shows nothing new
    answer = {"answer": "does_not_violate", "reason": "not_a_violation", "seen": screened.decision}
    refused = browser.post(f"{path}/decide", **answer)
    assert refused.status_code == 409
    assert "reported since you opened the case" in refused.text
    assert "this is a real stalker" in refused.text
    assert browser.post(f"{path}/decide", **answer).status_code == 303  # now it was shown


def test_a_number_that_is_none_is_refused(rig: Rig) -> None:
    screened = rig.screen("You fool", id="number")
    browser = rig.browser("reviewer")
    browser.post(f"/cases/{review.case_id(screened.item)}/take")
    for value in ("much", "nan", "-1", "inf"):
        answer = browser.post(
            f"/cases/{review.case_id(screened.item)}/decide",
            answer="violates",
            policy="rudeness",
            action=["strike"],
            reason="clear_violation",
            **{"strike.weight": value},
        )
        assert answer.status_code in (409, 422)


def test_a_case_that_another_holds_can_be_read_and_not_decided(rig: Rig) -> None:
    screened = rig.screen("You fool", id="taken")
    case = review.case_id(screened.item)
    first, second = rig.browser("reviewer"), rig.browser("admin")
    first.get(f"/cases/{case}")
    assert "Take this case" in second.get(f"/cases/{case}").text  # viewing takes nothing
    taken = first.post(f"/cases/{case}/take", queue="rudeness")
    assert taken.headers["location"] == f"/cases/{case}?queue=rudeness"
    page = second.get(f"/cases/{case}").text
    assert "Another reviewer is working on this case" in page
    assert '<form class="decide"' not in page
    assert "taken" in second.get("/queue").text
    refused = second.post(f"/cases/{case}/take")
    assert refused.status_code == 409
    assert "Another reviewer is working on this case" in refused.text
    answer = second.post(f"/cases/{case}/decide", answer="does_not_violate", reason="not_a_violation")
    assert answer.status_code == 409
    assert second.post(f"/cases/{case}/lease").json()["held"] is False
    assert first.post(f"/cases/{case}/lease").json()["held"] is True
    first.post(f"/cases/{case}/release")
    second.post(f"/cases/{case}/take")
    assert '<form class="decide"' in second.get(f"/cases/{case}").text


def test_a_case_decided_meanwhile_is_not_decided_on_old_sight(rig: Rig) -> None:
    screened = rig.screen("You silly person", id="moving")
    case = review.case_id(screened.item)
    browser = rig.browser("reviewer")
    browser.post(f"/cases/{case}/take")
    rig.screen("You silly fool", id="moving")
    answer = browser.post(
        f"/cases/{case}/decide", answer="does_not_violate", reason="not_a_violation", seen=screened.decision
    )
    assert answer.status_code == 409
    assert "decided again since you opened the case" in answer.text
    assert "revision 2" in answer.text


def test_the_case_of_an_edit_says_what_was_removed_and_by_whom(rig: Rig) -> None:
    screened = rig.screen("You fool, you know nothing about tulips", id="edit-of-removed")
    case = f"/cases/{review.case_id(screened.item)}"
    browser = rig.browser("reviewer")
    browser.post(f"{case}/take")
    removal = {"answer": "violates", "policy": "rudeness", "action": ["remove"], "reason": "clear_violation"}
    assert browser.post(f"{case}/decide", revision="1", seen=screened.decision, **removal).status_code == 303
    rig.screen("You fool, you know nothing about tulips!!", id="edit-of-removed")
    page = browser.get(case).text
    assert ">near-duplicate</span>" in page
    assert "Similarity 1.00 (text) to" in page
    assert "that stays until a person has looked" in page
    assert "on which Rosa" in page or "on which " in page
    rig.screen("The weather is lovely today, is it not?", id="edit-of-removed")
    page = browser.get(case).text
    assert ">changed</span>" in page
    assert "held for a look" in page


def test_a_revision_submitted_meanwhile_is_not_decided_unseen(rig: Rig) -> None:
    screened = rig.screen("You fool", id="edited")
    case = review.case_id(screened.item)
    browser = rig.browser("reviewer")
    page = browser.get(browser.post(f"/cases/{case}/take").headers["location"]).text
    assert '<input type="hidden" name="revision" value="1">' in page
    edited = Item(content_type="comment", id="edited", actor="u-1", fields={"body": "You friend"})
    asyncio.run(rig.app.screener.submit([edited]))  # a worker has not screened it yet
    answer = {"answer": "does_not_violate", "reason": "not_a_violation", "seen": screened.decision}
    refused = browser.post(f"/cases/{case}/decide", revision="1", **answer)
    assert refused.status_code == 409
    assert "edited since you opened the case" in refused.text
    assert browser.post(f"/cases/{case}/decide", revision="2", **answer).status_code == 303


def test_skipping_goes_on_and_comes_back_to_others(alone: Rig) -> None:
    screened = alone.screen("You fool", id="skipped")
    case = review.case_id(screened.item)
    browser = alone.browser("reviewer")
    browser.post(f"/cases/{case}/take")
    answer = browser.post(f"/cases/{case}/skip", queue="rudeness")
    assert answer.headers["location"] == "/queue?queue=rudeness"
    assert alone.browser("admin").post("/queue/next").headers["location"] == f"/cases/{case}"


def test_a_policy_specialist_reads_and_takes_no_lease(rig: Rig) -> None:
    screened = rig.screen("You fool", id="read")
    case = review.case_id(screened.item)
    page = rig.browser("policy").get(f"/cases/{case}").text
    assert "fool" in page
    assert '<form class="decide"' not in page
    assert "Take this case" not in page
    assert rig.browser("policy").post(f"/cases/{case}/take").status_code == 403
    assert "Take this case" in rig.browser("reviewer").get(f"/cases/{case}").text


def test_who_looks_is_recorded_before_they_see(rig: Rig) -> None:
    screened = rig.screen("You fool", id="looked")
    browser = rig.browser("policy")
    for _ in range(3):
        browser.get(f"/cases/{review.case_id(screened.item)}")
    browser.get(f"/decisions/{screened.decision}")
    with rig.app.database.read() as connection:
        rows = connection.execute(select(view.c.person, view.c.page).where(view.c.item == screened.item)).all()
    assert sorted(rows) == sorted((rig.people["policy"].id, page) for page in ("case", "decision"))
    assert "Policy Person" in rig.browser("admin").get(f"/items/{screened.item}").text


def test_reports_are_shown_with_their_notes(rig: Rig) -> None:
    screened = rig.screen("Lovely", id="reported")
    rig.report("reported", kind="trusted_flagger", note="It mocks <i>us</i>.")
    page = rig.browser("reviewer").get(f"/cases/{review.case_id(screened.item)}").text
    assert "1 report" in page
    assert "trusted flagger" in page
    assert "It mocks &lt;i&gt;us&lt;/i&gt;." in page


def test_graphic_harm_is_blurred_until_asked_for(rig: Rig) -> None:
    graphic = rig.screen("so much blood", id="graphic", actor="graphic")
    plain = rig.screen("You silly person", id="plain", actor="plain")
    browser = rig.browser("reviewer")
    assert "data-veiled" in browser.get(f"/cases/{review.case_id(graphic.item)}").text
    assert "data-veiled" not in browser.get(f"/cases/{review.case_id(plain.item)}").text


def test_reading_takes_no_lease(rig: Rig) -> None:
    screened = rig.screen("You fool", id="glance")
    browser = rig.browser("reviewer")
    assert browser.get("/queue/next").status_code in (404, 405)
    browser.get(f"/cases/{review.case_id(screened.item)}")
    assert browser.get("/queue/next").status_code == 405  # browsers fetch links ahead
    with rig.app.database.read() as connection:
        assert review.holder(connection, review.case_id(screened.item), 0) is None


def test_an_image_is_blurred_and_encoded_anew(rig: Rig) -> None:
    def playlist(id: str, data: bytes) -> Any:
        fields = {"title": "silly", "cover": Image(data), "track_count": 0}
        return rig.app.screener.screen(Item(content_type="playlist", id=id, fields=fields, actor="dj", language="en"))

    encoded = io.BytesIO()
    PilImage.new("RGB", (40, 30), (200, 30, 30)).save(encoded, "PNG")
    whole = encoded.getvalue()
    good, broken = playlist("good", whole), playlist("broken", whole[:60])
    browser = rig.browser("reviewer")
    page = browser.get(f"/items/{good.item}").text
    assert "data-veiled" in page
    answer = browser.get(f"/items/{good.item}/1/image/cover")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert PilImage.open(io.BytesIO(answer.content)).size == (40, 30)
    assert browser.get(f"/items/{broken.item}/1/image/cover").status_code == 422
    assert browser.get(f"/items/{good.item}/1/image/title").status_code == 404
    assert browser.get(f"/items/{good.item}/9/image/cover").status_code == 404
    with rig.app.database.read() as connection:
        rows = connection.execute(select(view.c.page).where(view.c.item == good.item)).scalars().all()
    assert sorted(rows) == ["item", "media"]  # fetching the image by its address is recorded too


def test_a_frame_that_is_fetched_by_its_address_is_recorded(rig: Rig) -> None:
    fields = {"title": "silly", "cover": Image(animated("GIF", [1, 2, 3])), "track_count": 0}
    item = Item(content_type="playlist", id="moving", fields=fields, actor="dj", language="en")
    screened = rig.app.screener.screen(item)
    assert rig.browser("reviewer").get(f"/items/{screened.item}/1/image/cover/1").status_code == 200
    with rig.app.database.read() as connection:
        rows = connection.execute(select(view.c.page).where(view.c.item == screened.item)).scalars().all()
    assert rows == ["media"]


def test_what_was_erased_says_so(rig: Rig) -> None:
    screened = rig.screen("You fool", id="erased", actor="erased-author")
    rig.app.ledger.commit(lambda tx: rig.app.vault.erase(tx, screened.item))
    browser = rig.browser("reviewer")
    for path in (
        f"/cases/{review.case_id(screened.item)}",
        f"/items/{screened.item}",
        f"/decisions/{screened.decision}",
    ):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "This content was erased" in answer.text
        assert "fool" not in answer.text


def test_a_degraded_decision_tells_what_was_unknown_and_is_pending(alone: Rig) -> None:
    screened = alone.screen("stuck and silly", id="stuck", deadline_ms=30)
    assert screened.degraded
    browser = alone.browser("reviewer")
    page = browser.get(f"/decisions/{screened.decision}").text
    assert "undetermined" in page
    assert "gore did not answer" in page
    pending_rescreens = browser.get("/pending-rescreens").text
    assert screened.item[-6:] in pending_rescreens
    assert browser.get("/pending-rescreens.json").json()["pending_rescreens"][0]["decision"] == screened.decision
    assert browser.get("/overview.json").json()["pending_rescreens"] == 1


def _submitted(rig: Rig, item: str) -> ReviewSubmitted:
    bodies = [event.body for event in rig.app.ledger.events(kinds=["review.submitted"], limit=10_000)]
    return next(
        body for body in reversed(bodies) if isinstance(body, ReviewSubmitted) and body.case == review.case_id(item)
    )


def test_a_violation_in_an_image_that_nobody_opened_is_no_answer(rig: Rig) -> None:
    drawn = io.BytesIO()
    PilImage.new("RGB", (40, 30), (200, 30, 30)).save(drawn, "PNG")
    fields = {"title": "so much blood", "cover": Image(drawn.getvalue()), "track_count": 0}
    item = Item(content_type="playlist", id="unopened", fields=fields, actor="dj", language="en")
    screened = rig.app.screener.screen(item)
    path = f"/cases/{review.case_id(screened.item)}"
    browser = rig.browser("reviewer")
    browser.post(f"{path}/take")
    assert 'name="by_evidence"' in browser.get(path).text
    answer = {"answer": "violates", "policy": "gore", "action": ["remove"], "reason": "clear_violation"}
    refused = browser.post(f"{path}/decide", **answer)
    assert refused.status_code == 409
    assert "Open the veiled content" in refused.text
    assert browser.post(f"{path}/decide", **answer, by_evidence="1").status_code == 303
    seen = _submitted(rig, screened.item).attention
    assert seen is not None
    assert (seen.by_evidence, seen.unveiled) == (True, 0)


def test_how_an_answer_came_about_is_recorded_with_it(rig: Rig) -> None:
    screened = rig.screen("A silly thing", id="attentive")
    path = f"/cases/{review.case_id(screened.item)}"
    browser = rig.browser("reviewer")
    browser.post(f"{path}/take")
    shown = now_ms() - 4_000
    browser.post(
        f"{path}/decide",
        answer="violates",
        policy="rudeness",
        action=["remove", "warn"],
        reason="clear_violation",
        seen=screened.decision,
        shown_at=str(shown),
        unveiled="2",
    )
    seen = _submitted(rig, screened.item).attention
    assert seen is not None
    assert 4 <= seen.seconds < 60
    assert (seen.unveiled, seen.by_evidence, seen.untouched) == (2, False, ("policy", "remove"))


@pytest.mark.parametrize(("days", "shown"), [("7d", "7 days"), ("36h", "1 d")])
def test_a_duration_that_a_rule_gave_is_offered_once_and_chosen(tmp_path: Path, days: str, shown: str) -> None:
    kind = content_type_text("card", {}, actions="[remove, suspend, review]")
    policy = policy_text("firm", 'contains(text, "out")', f'[suspend(for="{days}"), review(queue="q")]', "card")
    with small(tmp_path, kind, policy) as rig:
        item = Item(content_type="card", id="k-1", fields={"body": "get out"}, actor="a-1")
        case = review.case_id(rig.app.screener.screen(item).item)
        browser = rig.browser("reviewer")
        browser.get(f"/cases/{case}")
        browser.post(f"/cases/{case}/take")
        form = browser.get(f"/cases/{case}").text
        offered = form[form.index('<select name="suspend.for"') :].partition("</select>")[0]
        assert re.findall(r"<option[^>]* selected>([^<]*)<", offered) == [shown]
        values = re.findall(r'value="(\d[^"]*)"', offered)
        assert len(set(map(float, values))) == len(values) == (6 if days == "7d" else 7)


def test_what_an_answer_will_do_is_said_in_the_language_of_the_page() -> None:
    actions = [Action("strike", {"weight": 1.5, "for": 7 * 86_400}), Action("suspend", {})]

    def said(subject: str) -> list[str]:
        return consequences_of(actions, ["remove"], no_actor=False, now=1_803_600_000_000, subject=subject)

    assert said("item") == [
        "The author gets a strike of 1.5, until 5 Mar 2027.",
        "The author's account is suspended without an end.",
        "Visitors will find it again.",
    ]
    with speaking("de"):
        assert said("item") == [
            "Das Verfasserkonto erhält einen Strike mit Gewicht 1,5, bis 5. März 2027.",
            "Das Verfasserkonto wird unbefristet gesperrt.",
            "Es ist wieder zu finden.",
        ]
        assert said("account")[1] == "Das Konto wird unbefristet gesperrt."
