"""The search page: ids, words, conditions, exports, kept searches, deep links."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import review
from seawall.console.screen.search_query import SearchRefused, parse_search
from seawall.screen.events import ContentSearched
from seawall.storage.erasure import erase_subject
from support.console import Browser, Rig, open_page

DAY = 86_400_000


@pytest.fixture
def browser(rig: Rig) -> Browser:
    return rig.browser("reviewer")


def found(browser: Browser, query: str, **more: str) -> set[str | None]:
    """The product's ids of the items that a search finds."""
    answer = browser.get("/search.json", params={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()["items"]}


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_is_refused_with_its_place(text: str) -> None:
    refused: SearchRefused | None = None
    try:
        parse_search(text, now=0)
    except SearchRefused as error:
        refused = error
    if refused is not None:
        assert str(refused).startswith(f"At character {refused.position}: ")
        assert 1 <= refused.position <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("verdict:blocked", 1, "allow, hold, block"),
        ("you colour:red", 5, "there is no field 'colour'"),
        ('you "never closed', 5, "not closed"),
        ("type:", 1, "needs a value"),
        ("you\0", 4, "NUL"),
        ("since:yesterday", 1, "2026-11-01"),
        ("since:9999-12-31 until:9999-12-31", 18, "until: is a day"),
        ("signal:toxicity", 1, "a comparison"),
        ("harm:rudenes", 1, "harm: is one of"),
        ("reported:maybe", 1, "yes, no"),
        ("type:comment type:post", 14, "stands twice"),
        ("since:2026-11-02 until:2026-11-01", 1, "not before"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, position: int, said: str) -> None:
    with pytest.raises(SearchRefused, match=re.escape(said)) as refused:
        parse_search(text, now=30 * DAY)
    assert refused.value.position == position


def test_a_query_is_read() -> None:
    query = parse_search('silly "two words" since:2026-11-01 until:2026-11-01 signal:bank:x>=0.5', now=0)
    assert query.words == ("silly", "two words")
    assert query.since is not None
    assert query.until == query.since + DAY  # the whole day
    assert (query.signals[0].name, query.signals[0].value) == ("bank:x", 0.5)


def test_an_id_leads_to_its_page_at_once(rig: Rig, browser: Browser) -> None:
    made = rig.screen("You silly person", id="find:me/1", actor="finder")
    account = rig.app.vault.find("account", "finder")
    case = review.case_id(made.item)
    for typed, path in (
        ("find:me/1", f"/items/{made.item}"),
        (" finder ", f"/accounts/{account}"),
        (made.item, f"/items/{made.item}"),
        (made.decision, f"/decisions/{made.decision}"),
        (case, f"/cases/{case}"),
        (account, f"/accounts/{account}"),
    ):
        answer = browser.get("/search", params={"q": typed})
        assert (answer.status_code, answer.headers.get("location")) == (303, path), typed
        assert browser.get(path).status_code == 200
    nothing = browser.get("/search", params={"q": "dec_" + "0" * 32})
    assert "There is no decision with this id" in nothing.text


def test_an_id_that_two_things_have_lists_both(rig: Rig, browser: Browser) -> None:
    rig.screen("You silly person", id="both", actor="both")
    page = browser.get("/search", params={"q": "both"}).text
    assert "Has this id" in page
    assert page.count("/accounts/") >= 1


def test_words_are_found_whatever_their_case_and_the_search_is_on_record(rig: Rig, browser: Browser) -> None:
    rig.screen("The Quick brown fox", id="w-1")
    rig.screen("the quick lazy dog", id="w-2")
    assert {"w-1", "w-2"} <= found(browser, "QUICK the")
    assert found(browser, '"quick brown"') == {"w-1"}
    assert found(browser, "quick nowhere") == set()
    searched = rig.app.ledger.events(rig.app.ledger.head() - 1)[0].body
    assert isinstance(searched, ContentSearched)
    assert (searched.person, searched.found) == (rig.people["reviewer"].id, 0)
    page = browser.get("/search", params={"q": "brown"}).text
    assert "The Quick brown fox" in page


def test_conditions(rig: Rig, browser: Browser) -> None:
    rig.screen("You fool", id="f-block", actor="conditions")
    rig.screen("You silly person", id="f-hold", actor="conditions")
    rig.screen("Thank you", id="f-allow", actor="conditions")
    rig.report("f-allow")
    mine = "account:conditions "
    for query, ids in (
        ("verdict:block", {"f-block"}),
        ("policy:rudeness", {"f-block", "f-hold"}),
        ("policy:rudeness rule:certain", {"f-block"}),
        ("harm:harassment verdict:hold", {"f-hold"}),
        ("reported:yes", {"f-allow"}),
        ("reported:no", {"f-block", "f-hold"}),
        ("case:open queue:rudeness", {"f-block", "f-hold"}),
        ("by:person", set()),
        ("signal:rudeness>0.9", {"f-block"}),
        ("signal:rudeness<=0.9 silly", {"f-hold"}),
        ("until:1d", set()),
        ("since:1d type:comment", {"f-block", "f-hold", "f-allow"}),
        ("type:playlist", set()),
    ):
        assert found(browser, mine + query) == ids, query
    assert found(browser, "account:nobody-met-them") == set()
    lost = browser.get("/search.json", params={"q": mine + "signal:never_measured>0"}).json()
    assert (lost["items"], lost["unmeasured"]) == ([], 3)  # unknown is not low
    assert browser.get("/search", params={"q": "by:nobody@example.org"}).status_code == 422
    assert "no content type" in browser.get("/search", params={"q": "type:coment"}).text


def test_what_a_person_decided_keeps_its_signals_and_its_author(rig: Rig, browser: Browser) -> None:
    made = rig.screen("You silly person", id="p-1", actor="by-person")
    case, me = review.case_id(made.item), rig.people["reviewer"]
    browser.get(f"/cases/{case}")
    browser.post(f"/cases/{case}/take")
    browser.post(
        f"/cases/{case}/decide", answer="does_not_violate", reason="not_a_violation", seen=made.decision, revision="1"
    )
    assert found(browser, "account:by-person by:person signal:rudeness>0.5") == {"p-1"}
    assert found(browser, f"account:by-person by:{me.email}") == {"p-1"}
    assert found(browser, "account:by-person by:rules") == set()
    assert browser.get("/search", params={"q": me.email}).headers["location"] == f"/search?q=by%3A{me.id}"


def test_what_was_erased_is_unreadable_not_absent(rig: Rig, browser: Browser) -> None:
    rig.screen("an unforgettable remark", id="gone-1", actor="goner")
    account = rig.app.vault.find("account", "goner")
    assert account is not None
    before = browser.get("/search.json", params={"q": "unforgettable"}).json()
    assert [row["id"] for row in before["items"]] == ["gone-1"]
    erase_subject(rig.app.context, account, by="tests")
    after = browser.get("/search.json", params={"q": "unforgettable"}).json()
    assert after["items"] == []
    assert after["unreadable"] == before["unreadable"] + 1
    assert "nobody can say" in browser.get("/search", params={"q": "unforgettable"}).text


def test_a_search_goes_on_where_it_stopped(rig: Rig, browser: Browser) -> None:
    for number in range(53):
        rig.screen("a page of these", id=f"page-{number}", actor="pager")
    first = browser.get("/search", params={"q": "account:pager"}).text
    further = re.search(r'href="(/search\?[^"]*after=[^"]*)"', first)
    assert further is not None
    second = browser.get(further[1].replace("&amp;", "&")).text
    assert "Search further back" not in second
    refs = [set(re.findall(r"/items/(it_\w+)", page)) for page in (first, second)]
    assert [len(one) for one in refs] == [50, 3]
    assert not refs[0] & refs[1]
    assert browser.get("/search", params={"q": "you", "after": "x"}).status_code == 422


def test_exports_hold_no_text_and_no_formula(rig: Rig, browser: Browser) -> None:
    rig.screen("never in a spreadsheet", id='=HYPERLINK("x")', actor="exporter")
    answer = browser.get("/search.csv", params={"q": "account:exporter"})
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["id"] == '\'=HYPERLINK("x")'
    assert row["verdict"] == "allow"
    assert "spreadsheet" not in answer.text
    refused = browser.get("/search.json", params={"q": "colour:red"})
    assert (refused.status_code, "At character 1" in refused.text) == (422, True)


def test_searches_are_kept_for_their_person(rig: Rig, browser: Browser) -> None:
    browser.get("/search")
    browser.post("/search/saved", q="verdict:block silly")
    browser.post("/search/saved", q="verdict:block silly")
    page = browser.get("/search").text
    assert page.count("verdict%3Ablock%20silly") + page.count("verdict%3Ablock+silly") == 1
    (kept,) = re.findall(r"/search/saved/(\w+)/delete", page)
    other = rig.browser("admin")
    assert "silly" not in other.get("/search").text
    assert other.post(f"/search/saved/{kept}/delete").status_code == 404
    browser.get("/search")
    assert browser.post(f"/search/saved/{kept}/delete").status_code == 303
    assert kept not in browser.get("/search").text
    assert browser.post("/search/saved", q="colour:red").status_code == 422


def test_a_search_is_shared_by_a_name_and_run_with_one_click(rig: Rig, browser: Browser) -> None:
    rig.screen("A silly tide", id="tide")
    browser.get("/search")
    assert browser.post("/search/saved", q="tide verdict:hold", shared="1").status_code == 422
    browser.post("/search/saved", q="tide verdict:hold", name="<b>The tide</b>", shared="1")
    other = rig.browser("admin")
    page = other.get("/search").text
    assert "&lt;b&gt;The tide&lt;/b&gt;, by Reviewer Person" in page
    link = re.search(r'href="(/search\?q=tide[^"]+)"', page)
    assert link is not None
    assert "A silly tide" in other.get(link[1]).text
    (kept,) = re.findall(r"/search/saved/(\w+)/delete", browser.get("/search").text)
    assert kept not in page, "only its owner deletes it"
    browser.post(f"/search/saved/{kept}/delete")
    assert "The tide" not in other.get("/search").text


def test_deep_links(rig: Rig, browser: Browser) -> None:
    made = rig.screen("Thank you", id="deep&1", actor="deep?2")
    answer = browser.get("/find", params={"type": "comment", "id": "deep&1"})
    assert answer.headers["location"] == f"/items/{made.item}"
    account = rig.app.vault.find("account", "deep?2")
    assert browser.get("/find", params={"account": "deep?2"}).headers["location"] == f"/accounts/{account}"
    unknown = browser.get("/find", params={"type": "coment", "id": "deep&1"})
    assert (unknown.status_code, "Content types: " in unknown.text) == (404, True)
    assert browser.get("/find", params={"account": "nobody"}).status_code == 404
    assert browser.get("/find", params={"id": "deep&1"}).status_code == 422


def test_what_is_typed_is_shown_as_text(browser: Browser) -> None:
    for query in ("<script>alert(1)</script>", 'type:"<script>alert(1)</script>"', "<b>:x"):
        assert "<script>alert" not in browser.get("/search", params={"q": query}).text
    assert browser.get("/search", params={"q": "x" * 600}).status_code == 422
    assert browser.get("/search", params={"q": "a@\0"}).status_code == 422


def test_an_item_is_found_in_two_actions(chromium: object, url: str, rig: Rig) -> None:
    made = rig.screen("You silly person", id="two-actions")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/decisions")
    page.keyboard.press("/")
    page.keyboard.type("two-actions")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/items/{made.item}")
    page.goto(f"{url}/search?q=silly")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    assert complaints == []
