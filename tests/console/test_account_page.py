"""The account page: history in words, notes, lifting of restrictions; and the conversation around an item."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest

from seawall import enforce
from seawall.enforce.queries import EnforcementRow, enforcements_on
from seawall.model import Item
from seawall.screen.events import AccountNoted
from seawall.screen.threads import THREADS
from seawall.storage.erasure import erase_subject, export_subject
from seawall.storage.following import follow
from support.console import Browser, Rig, small
from support.items import content_type_text, policy_text

WORDS = "Wrote to us: their brother had the phone."


@pytest.fixture
def browser(rig: Rig) -> Browser:
    return rig.browser("reviewer")


def account_of(rig: Rig, name: str) -> str:
    ref = rig.app.vault.find("account", name)
    assert ref is not None
    return ref


def strikes(rig: Rig, account: str) -> list[EnforcementRow]:
    with rig.app.database.read() as connection:
        return [row for row in enforcements_on(connection, account, limit=9) if row.state == "active"]


def test_the_history_is_told_in_words_and_everything_links_to_it(rig: Rig, browser: Browser) -> None:
    made = rig.screen("You fool", id="acc-1", actor="tale")
    rig.screen("Thank you", id="acc-2", actor="tale")
    rig.report("acc-2")
    account = account_of(rig, "tale")
    page = browser.get(f"/accounts/{account}").text
    for said in (
        "2 items since",
        "1 allowed, 1 blocked",
        "Reports about it: 1, by 1",
        "In force: strike",
        "You fool",
        "tale",
    ):
        assert said.casefold() in page.casefold(), said
    for path in (f"/items/{made.item}", f"/decisions/{made.decision}"):
        assert f'href="/accounts/{account}"' in browser.get(path).text
    reporter = browser.get(f"/accounts/{account_of(rig, 'u-9')}").text
    assert "Reports by it: " in reporter
    assert "has seen nothing that this account wrote" in reporter
    assert browser.get(f"/accounts/{account}.json").json()["enforced"][0]["kind"] == "strike"
    assert browser.get("/accounts/en_" + "0" * 32).status_code == 404
    assert browser.get(f"/accounts/{made.item}").status_code == 404


def test_a_restriction_is_lifted_and_the_platform_is_told(rig: Rig, browser: Browser) -> None:
    enforce.add_endpoint(rig.app.ledger, rig.app.vault, url="https://93.184.215.14:9/lift", by="tests")
    rig.screen("You fool", id="lift-1", actor="lifted")
    account = account_of(rig, "lifted")
    (strike,) = strikes(rig, account)
    where = f"/accounts/{account}/enforcements/{strike.id}/lift"
    browser.get(f"/accounts/{account}")
    assert browser.post(where, reason="mistake", note="  ").status_code == 422
    assert browser.post(where, reason="no such reason", note=WORDS).status_code == 409
    assert strikes(rig, account)
    assert browser.post(where, reason="account_taken_over", note=WORDS).status_code == 303
    assert strikes(rig, account) == []
    again = browser.post(where, reason="mistake", note=WORDS)
    assert (again.status_code, "no longer in force" in again.text) == (409, True)
    with rig.app.database.read() as connection:
        (row,) = enforcements_on(connection, account, limit=9)
    assert row.is_lifted
    assert [one.change for one in row.deliveries] == ["applied", "reversed"]
    page = browser.get(f"/accounts/{account}").text
    assert WORDS in page
    assert "in somebody else&#39;s hands" in page
    rebuilt = rig.app.ledger.rebuild()
    assert rebuilt.equal
    assert WORDS not in json.dumps([repr(event) for event in rig.app.ledger.events(0)])


def test_neither_a_rescreen_nor_an_edit_puts_back_what_was_lifted(rig: Rig, browser: Browser) -> None:
    made = rig.screen("You fool", id="lift-2", actor="lifted-twice")
    account = account_of(rig, "lifted-twice")
    (strike,) = strikes(rig, account)
    browser.get(f"/accounts/{account}")
    browser.post(f"/accounts/{account}/enforcements/{strike.id}/lift", reason="served", note=WORDS)
    edited = rig.screen("You fool, you know", id="lift-2", actor="lifted-twice")
    assert (edited.revision, edited.verdict) == (made.revision + 1, "block")  # the item itself stays removed
    assert strikes(rig, account) == []
    rig.screen("What a fool", id="lift-3", actor="lifted-twice")  # another item is another matter
    assert len(strikes(rig, account)) == 1


def test_only_what_is_on_this_account_is_lifted_there(rig: Rig, browser: Browser) -> None:
    made = rig.screen("You fool", id="lift-4", actor="one")
    rig.screen("Thank you", id="lift-5", actor="two")
    one, two = account_of(rig, "one"), account_of(rig, "two")
    (strike,) = strikes(rig, one)
    with rig.app.database.read() as connection:
        (removal,) = enforcements_on(connection, made.item, limit=9)
    browser.get(f"/accounts/{two}")
    for account, enforcement in ((two, strike.id), (one, removal.id), (one, "enf_none")):
        answer = browser.post(f"/accounts/{account}/enforcements/{enforcement}/lift", reason="served", note=WORDS)
        assert answer.status_code == 409
    assert strikes(rig, one)


def test_notes_are_for_colleagues_and_are_erased_with_the_account(rig: Rig, browser: Browser) -> None:
    rig.screen("Thank you", id="noted-1", actor="noted")
    account = account_of(rig, "noted")
    browser.get(f"/accounts/{account}")
    assert browser.post(f"/accounts/{account}/notes", note="").status_code == 422
    assert browser.post(f"/accounts/{account}/notes", note="x" * 4_001).status_code == 422
    assert browser.post(f"/accounts/{account}/notes", note="<b>Kind</b> when asked.").status_code == 303
    body = rig.app.ledger.events(rig.app.ledger.head() - 1)[0].body
    assert isinstance(body, AccountNoted)
    assert "&lt;b&gt;Kind&lt;/b&gt; when asked." in browser.get(f"/accounts/{account}").text
    out = io.BytesIO()
    export_subject(rig.app.context, account, out)
    assert b"when asked" not in ZipFile(out).read("subject.json")  # what staff wrote is not handed out
    erase_subject(rig.app.context, account, by="tests")
    page = browser.get(f"/accounts/{account}").text
    assert "when asked" not in page
    assert "(erased)" in page
    assert browser.post(f"/accounts/{account}/notes", note="More").status_code == 422


def test_who_only_reads_neither_notes_nor_lifts(rig: Rig) -> None:
    rig.screen("You fool", id="readonly", actor="readonly")
    page = rig.browser("policy").get(f"/accounts/{account_of(rig, 'readonly')}").text
    assert "/lift" not in page
    assert "Add the note" not in page


REPLY = content_type_text("reply", {"about": "{type: id, role: thread}", "to": "{type: id, role: parent}"})
LOUD = policy_text(
    "loud", "item.body is not None and length(item.body) == 13", '[review(queue="loud")]', "reply", harm="violence"
)


def say(rig: Rig, id: str, body: str, **fields: str) -> str:
    item = Item(content_type="reply", id=id, actor=f"by-{id}", fields={"body": body, **fields})
    return rig.app.screener.screen(item).item


def test_the_conversation_around_an_item(tmp_path: Path) -> None:
    with small(tmp_path, REPLY, LOUD) as rig:
        say(rig, "t-1", "the first of them", about="t-1")
        say(rig, "t-2", "so much blood", about="t-1", to="t-1")
        here = say(rig, "t-3", "what do you mean", about="t-1", to="t-2")
        say(rig, "t-4", "never mind that", about="t-1", to="t-3")
        say(rig, "u-1", "of another thread", about="u-1")
        alone = say(rig, "alone", "on its own")
        browser = rig.browser("reviewer")
        assert "No worker has read" in browser.get(f"/items/{here}").text
        while follow(rig.app.context, THREADS, "tests"):
            pass
        page = browser.get(f"/items/{here}").text
        part = page[page.index("Conversation") :]
        at = [part.index(text) for text in ("the first of them", "so much blood", "never mind that")]
        assert at == sorted(at)
        assert "of another thread" not in page
        assert "No worker has read" not in page
        assert re.search(r'data-veiled><bdi class="veiled" inert>so much blood', part)  # blurred as on its own page
        assert "Conversation" not in browser.get(f"/items/{alone}").text
        erase_subject(rig.app.context, account_of(rig, "by-t-2"), by="tests")
        part = browser.get(f"/items/{here}").text
        assert "so much blood" not in part
        assert "never mind that" in part


def test_a_worker_that_reads_a_thread_twice_changes_nothing(tmp_path: Path) -> None:
    with small(tmp_path, REPLY, LOUD) as rig:
        first = say(rig, "r-1", "the first", about="r")
        while follow(rig.app.context, THREADS, "tests"):
            pass
        say(rig, "r-2", "the second", about="r")
        say(rig, "r-1", "the first, edited", about="r")
        while follow(rig.app.context, THREADS, "tests"):
            pass
        assert "the second" in rig.browser("reviewer").get(f"/items/{first}").text
