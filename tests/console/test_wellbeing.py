"""Well-being in the console: rotation, breaks, opt-outs, veils, and one's own settings."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PilImage

from seawall import access, review
from seawall.console.letters import RESERVED
from seawall.console.review.case import ACTION_KEYS
from seawall.model import Image, Item
from seawall.model.events import ContentViewed
from seawall.review import exposure
from support.app import eventually
from support.console import Browser, Rig, open_page, opened

House = Callable[[str], Rig]


@pytest.fixture
def with_file(tmp_path: Path) -> Iterator[House]:
    """Opens an app whose data folder has this file of well-being."""
    with ExitStack() as stack:

        def make(text: str) -> Rig:
            (tmp_path / "data").mkdir()
            (tmp_path / "data" / "wellbeing.yaml").write_text(text)
            return stack.enter_context(opened(tmp_path))

        yield make


def case_of(rig: Rig, text: str, id: str) -> str:
    return review.case_id(rig.screen(text, id=id).item)


def events(rig: Rig, kind: type) -> list[Any]:
    return [one.body for one in rig.app.ledger.events(limit=5_000) if isinstance(one.body, kind)]


def image_case(rig: Rig, id: str, text: str = "You fool") -> tuple[str, str]:
    """A case with an image: its id and the item's."""
    out = io.BytesIO()
    PilImage.new("RGB", (64, 48), (200, 60, 40)).save(out, "PNG")
    fields: dict[str, Any] = {"title": text, "cover": Image(out.getvalue()), "track_count": 0}
    item = Item(content_type="playlist", id=id, fields=fields, actor="dj", language="en")
    screened = rig.app.screener.screen(item)
    return review.case_id(screened.item), screened.item


# -- rotation and breaks ----------------------------------------------------------------------------------------------


def test_over_a_harms_budget_the_next_case_is_of_another_harm(with_file: House) -> None:
    rig = with_file("budgets: {harassment: 1}")
    browser = rig.browser("reviewer")
    for number in range(2):  # 3 × 0.3 each
        browser.get(f"/cases/{case_of(rig, 'You fool', f'seen-{number}')}")
    gore = case_of(rig, "so much blood", "gore")
    assert browser.post("/queue/next").headers["location"] == f"/cases/{gore}"
    browser.post(f"/cases/{gore}/skip")
    answer = browser.post("/queue/next")
    assert answer.headers["location"].startswith("/exposure?paused=1")
    page = browser.get(answer.headers["location"]).text
    assert "Nothing for you here right now" in page
    assert "Harassment and abuse" in page
    rude = case_of(rig, "You fool", "more")
    assert browser.post(f"/cases/{rude}/take").headers["location"].startswith("/exposure")
    other = rig.browser("admin")  # who has seen nothing
    assert "/cases/" in other.post("/queue/next").headers["location"]


def test_over_the_whole_budget_there_is_a_break_and_what_is_held_may_be_finished(with_file: House) -> None:
    rig = with_file("budget: 1")
    browser = rig.browser("reviewer")
    held = rig.screen("You fool", id="held")
    case = review.case_id(held.item)
    browser.post(f"/cases/{case}/take")
    assert browser.get(f"/cases/{case}").status_code == 200
    browser.get(f"/items/{held.item}")
    waiting = case_of(rig, "A silly thing", "waiting")
    assert browser.post("/queue/next").headers["location"] == f"/cases/{case}"  # not another one
    assert browser.post(f"/cases/{waiting}/take").headers["location"].startswith("/exposure")
    assert browser.post(f"/cases/{case}/take").headers["location"] == f"/cases/{case}"
    answer = browser.post(
        f"/cases/{case}/decide", answer="does_not_violate", reason="not_a_violation", seen=held.decision
    )
    assert answer.headers["location"].startswith("/exposure?paused=1&done=dec_")
    page = browser.get(answer.headers["location"]).text
    assert "Enough content for this shift" in page
    assert "see the decision" in page
    assert "You have seen as much as one shift should hold." in page
    main = page.partition("<main")[2]
    assert "/cases/" not in main
    assert "/items/" not in main


def test_an_administrator_sees_how_many_are_on_a_break_and_ends_one_with_a_reason(with_file: House) -> None:
    rig = with_file("budget: 1")
    browser, admin = rig.browser("reviewer"), rig.browser("admin")
    for number in range(2):
        browser.get(f"/cases/{case_of(rig, 'You fool', f'seen-{number}')}")
    assert "/exposure" in browser.post("/queue/next").headers["location"]
    page = admin.get("/exposure").text
    assert re.search(r'On a break now</h2><span class="end">1</span>', page)
    reviewer = rig.people["reviewer"].id
    refused = admin.post("/exposure/end-break", person=reviewer, reason="")
    assert refused.status_code == 422
    assert "Choose why the break ends." in refused.text
    assert admin.post("/exposure/end-break", person="per_none", reason="asked_for_it").status_code == 422
    assert admin.post("/exposure/end-break", person=reviewer, reason="somebody_in_danger").status_code == 303
    ended = exposure.BreakEnded(person=reviewer, by=rig.people["admin"].id, reason="somebody_in_danger")
    assert events(rig, exposure.BreakEnded) == [ended]
    assert "/cases/" in browser.post("/queue/next").headers["location"]
    assert "On a break now" not in browser.get("/exposure").text  # of no concern to others


def test_who_opted_out_of_a_harm_is_not_given_its_cases(with_file: House) -> None:
    rig = with_file("shift: 8h")
    browser = rig.browser("reviewer")
    gore = case_of(rig, "so much blood", "gore")
    assert browser.post("/account/opt-outs", harm=["violence", "child_safety"]).status_code == 303
    assert browser.post("/queue/next").headers["location"].startswith("/exposure?paused=1")
    rude = case_of(rig, "A silly thing", "rude")
    assert browser.post("/queue/next").headers["location"] == f"/cases/{rude}"
    assert "Graphic violence" in browser.get("/exposure").text
    assert (
        "Reviewer Person</td><td>Child sexual abuse material, Graphic violence"
        in rig.browser("admin").get("/exposure").text
    )
    assert "Graphic violence" not in rig.browser("policy").get("/exposure").text
    assert browser.post("/account/opt-outs", harm="nonsense").status_code == 422
    browser.post("/account/opt-outs")
    browser.post(f"/cases/{rude}/skip")
    assert browser.post("/queue/next").headers["location"] == f"/cases/{gore}"


# -- what is counted --------------------------------------------------------------------------------------------------


def test_a_page_says_what_it_showed_and_a_lifted_veil_counts_by_its_part(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    case, item = image_case(rig, "counted")
    browser.get(f"/cases/{case}")
    viewed = events(rig, ContentViewed)[-1]
    assert (viewed.harm, viewed.shown, viewed.veiled, viewed.controls) == (
        "harassment",
        ("text",),
        ("image",),
        ("blur",),
    )
    sent = {"item": item, "revision": "1", "part": "cover", "modality": "image"}
    assert browser.post("/exposure/unveiled", **sent).json() == {"counted": True}
    assert browser.post("/exposure/unveiled", **sent, seconds="4.5").json() == {"counted": True}
    browser.post("/exposure/unveiled", **sent)  # the same sight
    (unveiled,) = events(rig, exposure.ContentUnveiled)
    (watched,) = events(rig, exposure.ContentWatched)
    assert (unveiled.part, unveiled.modality, unveiled.harm) == ("cover", "image", "harassment")
    assert (watched.part, watched.seconds, watched.controls) == ("cover", 4.5, ("blur",))
    assert ">3.9</td>" in browser.get("/exposure").text  # 3 × 0.3 and 3 × 1.0


def test_a_file_opened_by_its_own_address_counts_and_one_inside_a_page_does_not_yet(rig: Rig) -> None:
    browser = rig.browser("policy")
    _, item = image_case(rig, "address", "so much blood")
    address = f"/items/{item}/1/image/cover"
    for destination, counted in (("image", None), ("document", "violence")):
        assert browser.get(address, headers={"Sec-Fetch-Dest": destination}).status_code == 200
        viewed = events(rig, ContentViewed)[-1]
        assert (viewed.item.ref, viewed.harm) == (item, counted)
        assert viewed.shown == (("image",) if counted else ())


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"item": "it_none"}, 404),
        ({"revision": "2"}, 404),
        ({"revision": "x"}, 404),
        ({"part": "nothing"}, 422),
        ({"seconds": "nan"}, 422),
        ({"seconds": "-1"}, 422),
        ({"seconds": "long"}, 422),
        ({"seconds": "99999"}, 200),
    ],
)
def test_what_was_not_there_to_see_is_refused(rig: Rig, changed: dict[str, str], status: int) -> None:
    item = rig.screen("You fool", id="refused").item
    sent = {"item": item, "revision": "1", "part": "body", "modality": "text"} | changed
    before = len(events(rig, exposure.ContentWatched))
    assert rig.browser("reviewer").post("/exposure/unveiled", **sent).status_code == status
    if status == 200:
        assert events(rig, exposure.ContentWatched)[before].seconds == exposure.MOST_SECONDS


def test_the_comparison_says_when_there_is_not_enough(rig: Rig) -> None:
    page = rig.browser("admin").get("/exposure/compare?days=7").text
    assert page.count("not enough data") == 8
    assert rig.browser("reviewer").get("/exposure/compare").status_code == 403


# -- veils ------------------------------------------------------------------------------------------------------------


def look(browser: Browser, **chosen: str) -> None:
    assert browser.post("/account/look", **({"theme": "", "blur": "medium"} | chosen)).status_code == 303


def _veils(page: str) -> int:
    """Veils of the content itself, without those of lists."""
    return len(re.findall(r'data-modality="\w+" data-veiled', page))


def test_a_choice_adds_to_the_floor_of_a_harm_and_never_lowers_it(with_file: House) -> None:
    rig = with_file("veils:\n  violence: {blur: strong, greyscale: true, mute: true}\n")
    browser = rig.browser("reviewer")
    rude, _ = image_case(rig, "mild")
    gore, _ = image_case(rig, "grave", "so much blood")
    calm, _ = image_case(rig, "calm", "Thank you")
    look(browser, blur="none")
    eventually(lambda: 'data-blur="none"' in browser.get(f"/cases/{rude}").text)  # once no detector is unknown
    mild, grave = browser.get(f"/cases/{rude}").text, browser.get(f"/cases/{gore}").text
    assert _veils(mild) == 0
    assert 'data-blur="strong" data-greyscale' in grave
    assert _veils(grave) == 2
    unknown = browser.get(f"/items/{calm.replace('case_', 'it_')}").text
    assert 'data-modality="image" data-veiled' in unknown  # nothing is known of it
    late = rig.screen("stuck and silly", id="late", deadline_ms=30)  # a detector did not answer
    assert 'data-blur="medium"' in browser.get(f"/items/{late.item}").text
    look(browser, blur="strong", greyscale="1", mute="1")
    mild = browser.get(f"/cases/{rude}").text
    assert 'data-blur="strong" data-greyscale' in mild
    assert _veils(mild) == 1  # texts of this harm are open


def test_text_first_loads_no_media_until_asked_for(with_file: House) -> None:
    rig = with_file("text_first: [violence]")
    gore, item = image_case(rig, "first", "so much blood")
    page = rig.browser("reviewer").get(f"/cases/{gore}").text
    assert f'<img data-src="/items/{item}/1/image/cover"' in page
    assert "<img src" not in page
    assert "Load the image, still blurred" in page


# -- one's own settings -----------------------------------------------------------------------------------------------


def test_letters_are_remapped_and_shown_on_the_case(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    assert browser.post("/account/letters", **{"letter.remove": ";", "unveil_key": "0"}).status_code == 303
    case = case_of(rig, "You fool", "letters")
    browser.post(f"/cases/{case}/take")
    page = browser.get(f"/cases/{case}").text
    assert re.search(r'value="remove" data-key=";"', page)
    assert re.search(r'value="hold" data-key="h"', page)
    access.save_preferences(rig.app.database, rig.people["reviewer"].id, access.Preferences())


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"letter.remove": "h"}, "'h' would do two things"),
        ({"letter.remove": "b"}, "'b' would do two things"),
        ({"letter.remove": "v"}, "The page uses 'v' for something else"),
        ({"letter.remove": "3"}, "The page uses '3' for something else"),
        ({"letter.remove": "ö"}, "is not a key for this"),
        ({"letter.remove": "<b>"}, "is not a key for this"),
        ({"unveil_key": "n"}, "The page uses 'n' for something else"),
    ],
)
def test_letters_that_would_do_two_things_are_refused(rig: Rig, sent: dict[str, str], said: str) -> None:
    refused = rig.browser("policy").post("/account/letters", **sent)
    assert refused.status_code == 422
    assert said in refused.text.replace("&#39;", "'")
    assert "<b>" not in refused.text


def test_every_key_of_the_case_page_is_reserved(rig: Rig) -> None:
    browser = rig.browser("reviewer")
    case = case_of(rig, "You fool", "keys")
    free = set(re.findall(r'data-key="([^"]+)"', browser.get(f"/cases/{case}").text))
    browser.post(f"/cases/{case}/take")
    held = set(re.findall(r'data-key="([^"]+)"', browser.get(f"/cases/{case}").text))
    assert (free | held) - set(ACTION_KEYS.values()) - {"b"} <= RESERVED
    assert not set(ACTION_KEYS.values()) & RESERVED


def test_a_letter_that_a_later_release_needs_is_given_back(rig: Rig) -> None:
    kept = access.Preferences(letters={"remove": "v", "gone": "r"}, unveil_key="n", blur=99)
    access.save_preferences(rig.app.database, rig.people["policy"].id, kept)
    browser = rig.browser("policy")
    page = browser.get(f"/cases/{case_of(rig, 'so much blood', 'later')}").text
    assert 'data-key="b"' in page
    assert 'data-blur="strong"' in page
    access.save_preferences(rig.app.database, rig.people["policy"].id, access.Preferences())


def test_theme_and_name_are_kept_and_checked(rig: Rig) -> None:
    browser = rig.browser("policy")
    look(browser, theme="dark")
    assert '<html lang="en" data-theme="dark">' in browser.get("/").text
    assert browser.post("/account/look", theme="neon", blur="medium").status_code == 422
    assert browser.post("/account/look", theme="", blur="much").status_code == 422
    assert browser.post("/account/name", name="  Ada   <b>  ").status_code == 303
    assert "<strong>Ada &lt;b&gt;</strong>" in browser.get("/").text
    assert browser.post("/account/name", name=" ").status_code == 422
    look(browser)


def test_own_sessions_are_listed_and_ended_those_of_others_are_not(rig: Rig) -> None:
    here, there = rig.browser("policy"), rig.browser("policy")
    foreign = rig.browser("reviewer")
    page = here.get("/account").text
    assert page.count("this one</span>") == 1
    (mine, *_) = re.findall(r"/account/sessions/([0-9a-f]+)/end", there.get("/account").text)
    for wrong in ("0" * 16, "", "%25" * 16, mine[:8]):
        assert here.post(f"/account/sessions/{wrong}/end").status_code in (404, 405)
    for session in re.findall(r"/account/sessions/([0-9a-f]+)/end", page):
        assert foreign.post(f"/account/sessions/{session}/end").status_code == 404
        assert here.post(f"/account/sessions/{session}/end").status_code == 303
    assert there.get("/").status_code == 303
    assert here.get("/").status_code == 200
    assert foreign.get("/").status_code == 200


def test_settings_that_cannot_be_read_are_the_defaults(rig: Rig) -> None:
    from seawall.access.preferences import read_preferences

    for stored in ("{", "[]", '{"blur": "much"}', None):
        assert read_preferences(stored) == access.Preferences()
    assert read_preferences('{"theme": "dark", "later": 1}').theme == "dark"


# -- in a real browser ------------------------------------------------------------------------------------------------


def test_one_key_lifts_every_veil_and_what_was_lifted_is_counted(chromium: Any, url: str, rig: Rig) -> None:
    case, item = image_case(rig, "all", "so much blood")
    page: Any
    page, complaints = open_page(chromium, url, "reviewer")
    before = len(events(rig, exposure.ContentUnveiled))
    page.clock.install()
    page.goto(f"{url}/cases/{case}")
    assert page.locator(".content [data-veiled]").count() == 2
    with page.expect_response("**/exposure/unveiled"):
        page.keyboard.press("b")
    assert page.locator(".content [data-veiled]").count() == 0
    page.clock.run_for(5_000)  # the page's clock: five seconds in sight
    page.goto(f"{url}/account")
    watched = eventually(lambda: [one for one in events(rig, exposure.ContentWatched) if one.item.ref == item][1:2])
    assert 5 <= watched[0].seconds < 60
    parts = {one.part for one in events(rig, exposure.ContentWatched) if one.item.ref == item}
    assert parts == {"cover", "title"}
    found = events(rig, exposure.ContentUnveiled)[before:]
    assert sorted(one.part for one in found) == ["cover", "title"]
    assert complaints == []
