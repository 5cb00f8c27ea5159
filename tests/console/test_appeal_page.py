"""The public page of one decision: the statement of reasons, the appeal, and who may read what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from seawall import access, appeal
from seawall.appeal.queries import appeals_of_item, get_notice
from seawall.enforce.lift import lift
from seawall.enforce.queries import enforcements_of_item
from seawall.model import now_ms
from seawall.screen.queries import find_item_ref
from seawall.storage.erasure import erase_subject
from support.appeal_page import answered, decided, link
from support.console import PASSWORD, Browser, Rig, opened
from support.report_form import FORM, fill

OVERTURNS = {"answer": "does_not_violate", "reason": "quoted_or_condemned", "message": "You are right: a quotation."}
STAYS = {"answer": "upheld", "reason": "decision_was_right", "message": "A quotation needs a comment."}
NOT_RUDE = {"answer": "does_not_violate", "reason": "not_a_violation"}
WORDS = "It is a line from a song."


@pytest.fixture
def own(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr("seawall.console.appeal.public_form.SOONEST_MS", 0)
    with opened(tmp_path, database_url=database_url, environment=FORM) as rig:
        access.create_person(rig.app.ledger, "second@example.org", "Second Person", PASSWORD, ["reviewer"])
        yield rig


def appeals(rig: Rig, item: str) -> list[Any]:
    with rig.app.database.read() as connection:
        return list(appeals_of_item(connection, item, limit=50))


def kinds(rig: Rig) -> list[str]:
    return [event.kind for event in rig.app.ledger.events()]


def plain(page: Any) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page.text).split())


def test_the_author_reads_why_appeals_and_reads_the_answer(own: Rig) -> None:
    screened = own.screen("You fool", id="quoted")
    path, stranger = link(own, screened.decision), own.browser()
    page = stranger.get(path)
    assert page.status_code == 200
    said = plain(page)
    for sentence in (
        "It is about your content: Comment quoted",
        "Removed: nobody finds it any more In force since",
        "A strike on your account (it counts as 2) In force since",
        "Rudeness Attacks on a person for who they are.",
        "It is not compatible with our terms: House rules, 1",
        "found and decided by automated means",
        "You may appeal until",
        "certified out-of-court dispute settlement body",
    ):
        assert sentence in said, sentence
    assert "You fool" not in said
    assert "<script" not in page.text
    assert stranger.post(path, text=f"  {WORDS}\r\nSecond line\x00\x07. ").headers["location"] == path
    (row,) = appeals(own, screened.item)
    assert (row.role, row.state, row.decision) == ("author", "open", screened.decision)
    page = stranger.get(path)
    assert "We have received your appeal" in page.text
    assert f"{WORDS}\nSecond line." in page.text
    assert stranger.post(f"{path}/messages", text="Track 3.").status_code == 303
    assert stranger.post(f"{path}/messages", text="Track 3.").status_code == 303  # a second click
    assert stranger.get(path).text.count("Track 3.") == 1
    reviewer = own.browser("second")
    reviewer.post(f"/appeals/{row.id}/messages", kind="note", text="He is lying, I think.")
    assert "lying" not in stranger.get(path).text
    answered(reviewer, screened, row.id, screened.decision, **OVERTURNS)
    said = plain(stranger.get(path))
    assert "You were right: the decision was taken back" in said
    assert "You are right: a quotation." in said
    assert "taken back on" in said
    assert "In force since" not in said
    assert "Second Person" not in said
    assert "lying" not in said
    assert own.app.ledger.rebuild().equal


def test_an_appeal_is_recorded_once_and_other_words_are_not_lost(own: Rig) -> None:
    screened = own.screen("You fool")
    path, first, second = link(own, screened.decision), own.browser(), own.browser()
    assert first.post(path, text=WORDS).status_code == 303
    assert second.post(path, text=WORDS).status_code == 303  # the same in another tab
    other = second.post(path, text="Something else entirely.")
    assert other.status_code == 409
    assert "You can add what you wrote now as a message" in other.text
    assert re.search(r'<textarea id="text"[^>]*>Something else entirely.</textarea>', other.text)
    assert len(appeals(own, screened.item)) == 1
    assert kinds(own).count("appeal.received") == 1


def test_what_stays_is_told_and_ends_the_conversation(own: Rig) -> None:
    screened = own.screen("You fool")
    path, stranger = link(own, screened.decision), own.browser()
    stranger.post(path, text=WORDS)
    (row,) = appeals(own, screened.item)
    answered(own.browser("second"), screened, row.id, screened.decision, **STAYS)
    said = plain(stranger.get(path))
    assert "The decision stays" in said
    assert "A quotation needs a comment." in said
    assert "<textarea" not in stranger.get(path).text
    late = stranger.post(f"{path}/messages", text="But it is a song!")
    assert late.status_code == 409
    assert "answered or withdrawn before" in late.text
    assert "But it is a song!" in late.text
    again = stranger.post(path, text="Once more.")
    assert again.status_code == 409
    assert "What you wrote now was not sent" in again.text
    assert "Once more." in again.text


def test_a_withdrawal_is_confirmed_and_final(own: Rig) -> None:
    screened = own.screen("You fool")
    path, stranger = link(own, screened.decision), own.browser()
    stranger.post(path, text=WORDS)
    assert stranger.post(f"{path}/withdraw").status_code == 422
    assert appeals(own, screened.item)[0].state == "open"
    assert stranger.post(f"{path}/withdraw", sure="yes").status_code == 303
    assert stranger.post(f"{path}/withdraw", sure="yes").status_code == 303
    page = stranger.get(path).text
    assert "You withdrew your appeal" in page
    assert "<form" not in page
    assert kinds(own).count("appeal.decided") == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the field was empty"),
        (" \r\n\x00 ", "the field was empty"),
        ("x" * 10_001, "Your text has 10001 characters; at most 10000"),
        ("x" * 100_000, "Your text has 100000 characters; at most 10000"),
    ],
)
def test_what_cannot_be_taken_is_said_and_not_lost(own: Rig, text: str, told: str) -> None:
    path = link(own, own.screen("You fool").decision)
    answer = own.browser().post(path, text=text)
    assert answer.status_code == 422
    assert told in answer.text
    assert text.strip(" \r\n\x00") in answer.text
    assert "appeal.received" not in kinds(own)


def test_ten_thousand_characters_of_any_script_are_taken(own: Rig) -> None:
    screened = own.screen("You fool")
    path = link(own, screened.decision)
    assert own.browser().post(path, text="😀\r\n" * 5_000).status_code == 303
    assert "<b>" not in own.browser().get(path).text.partition("<h3>")[2][:200]
    assert "plain words" not in own.browser().post(path, text="x" * 600_000).text
    assert own.browser().post(path, text="x" * 600_000).status_code == 413


def test_a_wrong_link_says_nothing_about_other_decisions(own: Rig, tmp_path: Path) -> None:
    first, second = own.screen("You fool", id="c-1"), own.screen("You fool again", id="c-2", actor="other")
    calm = own.screen("Thank you", id="c-3")
    mark = link(own, first.decision).partition(".")[2]
    with opened(tmp_path / "elsewhere") as elsewhere:
        foreign = link(elsewhere, elsewhere.screen("You fool").decision)
    wrong = [
        f"/appeal/{first.decision}.{mark[:-1]}",
        f"/appeal/{first.decision}",
        f"/appeal/{second.decision}.{mark}",
        f"/appeal/{calm.decision}.{mark}",
        f"/appeal/dec_00000000000000000000000000.{mark}",
        "/appeal/dec_%00.%ff",
        "/appeal/rep_%00%ed%a0%80.x",
        f"/appeal/rep_none.{mark}",
        "/appeal/😀",
        foreign,
        link(own, calm.decision),
    ]
    stranger = own.browser()
    pages = [stranger.get(path) for path in wrong]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "This link leads to no decision" in pages[0].text
    for path in wrong:
        assert stranger.post(path, text=WORDS).status_code == 404
        assert stranger.post(f"{path}/messages", text=WORDS).status_code == 404
        assert stranger.post(f"{path}/withdraw", sure="yes").status_code == 404
    assert "appeal.received" not in kinds(own)


def test_nobody_keeps_or_passes_on_the_page(own: Rig) -> None:
    page = own.browser().get(link(own, own.screen("You fool").decision))
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "frame-ancestors https://example.org" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers


def test_after_the_window_the_page_says_until_when(own: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    path, late = link(own, own.screen("You fool").decision), now_ms() + 200 * 86_400_000
    monkeypatch.setattr("seawall.console.appeal.appeal_page.now_ms", lambda: late)
    monkeypatch.setattr("seawall.appeal.appeals.now_ms", lambda: late)
    page = own.browser().get(path)
    assert "It could be appealed until" in page.text
    assert "<form" not in page.text
    answer = own.browser().post(path, text=WORDS)
    assert answer.status_code == 409
    assert "It could be appealed until" in answer.text
    assert WORDS in answer.text


def test_what_was_reversed_meanwhile_cannot_be_appealed(own: Rig) -> None:
    screened = own.screen("You fool")
    path = link(own, screened.decision)
    decided(own.browser("reviewer"), screened, **NOT_RUDE)
    page = own.browser().get(path)
    assert "Nothing of this decision is in force any more" in page.text
    assert "<form" not in page.text
    assert own.browser().post(path, text=WORDS).status_code == 409


def test_what_a_later_decision_restricts_is_told_with_what_this_one_did(own: Rig) -> None:
    screened = own.screen("A silly thing to say")
    path = link(own, screened.decision)
    assert "Held back: it is not published In force since" in plain(own.browser().get(path))
    own.report("c-1")
    later = decided(own.browser("reviewer"), screened)
    said = plain(own.browser().get(path))
    assert "Held back: it is not published From" in said
    assert "in force now Removed: nobody finds it any more" in said
    said = plain(own.browser().get(link(own, later)))
    assert "A person decided it on" in said
    assert "Automated means had found it." in said
    assert "It had been reported." in said
    assert "Reviewer Person" not in said
    assert "Look at this" not in said


def test_a_lifted_strike_is_taken_back_on_the_page(own: Rig) -> None:
    screened = own.screen("You fool")
    with own.app.database.read() as connection:
        strike = next(one for one in enforcements_of_item(connection, screened.item, limit=9) if one.kind == "strike")
    person = own.people["reviewer"].id
    own.app.ledger.commit(lambda tx: lift(tx, strike.id, subject=strike.subject, reason="mistake", person=person))
    said = plain(own.browser().get(link(own, screened.decision)))
    assert re.search(r"A strike on your account .{0,30} From .{5,30} taken back on", said)


def test_whoever_was_erased_is_told_so(own: Rig) -> None:
    screened = own.screen("You fool")
    path, stranger = link(own, screened.decision), own.browser()
    stranger.post(path, text=WORDS)
    erase(own, "account", "author")
    for answer in (stranger.get(path), stranger.post(path, text="x"), stranger.post(f"{path}/messages", text="x")):
        assert answer.status_code == 410
        assert "What we knew about you was erased" in answer.text
        assert WORDS not in answer.text


def erase(rig: Rig, kind: str, name: str) -> None:
    ref = rig.app.vault.find(kind, name)
    assert ref is not None
    erase_subject(rig.app.context, ref, by="tests")


def test_too_many_from_one_address_wait_and_keep_their_words(own: Rig) -> None:
    paths = [link(own, own.screen("You fool", id=f"c-{n}").decision) for n in range(11)]
    stranger = own.browser()
    for path in paths[:10]:
        assert stranger.post(path, text=WORDS).status_code == 303
    answer = stranger.post(paths[10], text=WORDS)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert f">{WORDS}</textarea>" in answer.text


def refused_report(rig: Rig, **changes: str) -> tuple[Any, Browser, str]:
    """What was reported by the form and found fine; the reporter's browser, and the link on their receipt."""
    screened = rig.screen("A plain thing to say", id="c-1")
    browser = rig.browser()
    receipt = fill(browser, **changes).headers["location"]
    assert "/appeal/" not in browser.get(receipt).text
    early = browser.get(receipt.replace("/report/", "/appeal/"))
    assert "There is nothing to appeal" in early.text
    decided(rig.browser("reviewer"), screened, **NOT_RUDE)
    found = re.search(r'href="(/appeal/[^"]+)"', browser.get(receipt).text)
    assert found is not None
    return screened, browser, found[1]


def test_a_reporter_whose_report_was_refused_appeals_from_the_receipt(own: Rig) -> None:
    screened, browser, path = refused_report(own)
    said = plain(browser.get(path))
    assert "your report was refused" in said
    assert "c-1" not in said
    assert "Why do you think that it is wrong?" in said
    assert browser.post(path, text="It names my neighbour.").status_code == 303
    (row,) = appeals(own, screened.item)
    assert (row.role, row.report) == ("reporter", path.partition(".")[0].rpartition("/")[2])
    answered(
        own.browser("second"),
        screened,
        row.id,
        row.decision,
        answer="violates",
        policy="rudeness",
        action="remove",
        reason="clear_violation",
        message="You are right, it does.",
    )
    said = plain(browser.get(path))
    assert "You were right: it was restricted" in said
    assert "You are right, it does." in said
    assert "c-1" not in said
    assert own.app.ledger.rebuild().equal


def test_another_report_with_the_same_address_shows_nothing_of_the_first(own: Rig) -> None:
    screened = own.screen("A plain thing to say", id="c-1")
    first, second = own.browser(), own.browser()
    receipts = [fill(browser).headers["location"] for browser in (first, second)]
    decided(own.browser("reviewer"), screened, **NOT_RUDE)
    one, two = (receipt.replace("/report/", "/appeal/") for receipt in receipts)
    assert first.post(one, text="My secret words.").status_code == 303
    assert "My secret words." not in second.get(two).text
    answer = second.post(two, text="And mine.")
    assert answer.status_code == 409
    assert "My secret words." not in answer.text
    assert "You have appealed this already" in answer.text
    assert "And mine." in answer.text


def test_who_reported_without_an_address_appeals_too(own: Rig) -> None:
    screened = own.screen("A plain thing to say", id="c-1")
    given = appeal.Report(content_type="comment", item_id="c-1", policy="rudeness", note="It says where they live.")
    notice = appeal.Notice(report=given, channel="form")
    find = partial(find_item_ref, own.app.database, own.app.vault)
    report = appeal.receive_notice(own.app.ledger, notice, find_item=find)
    decided(own.browser("reviewer"), screened, **NOT_RUDE)
    with own.app.database.read() as connection:
        kept = get_notice(connection, report)
    assert kept is not None
    assert kept.reporter is None
    receipt = f"/report/{report}.{appeal.notices.receipt_mark(own.app.vault, report)}"
    path = receipt.replace("/report/", "/appeal/")
    assert path in own.browser().get(receipt).text
    assert own.browser().post(path, text=WORDS).status_code == 303
    (row,) = appeals(own, screened.item)
    assert (row.role, row.appellant) == ("reporter", kept.subject)
    assert WORDS in own.browser().get(path).text


def test_the_page_is_german_for_whoever_reads_german(own: Rig) -> None:
    path = link(own, own.screen("You fool").decision)
    page = own.browser().get(path, headers={"Accept-Language": "de"})
    assert '<html lang="de">' in page.text
    assert "Was entschieden wurde, und warum" in page.text
    assert "Beschwerde absenden" in page.text


def test_a_person_who_is_signed_in_can_send_the_form(own: Rig) -> None:
    path = link(own, own.screen("You fool").decision)
    browser = own.browser("policy")
    browser.get(path)
    assert browser.post(path, text=WORDS).status_code == 303
