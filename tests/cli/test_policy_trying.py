"""``seawall policy try`` and both columns of ``seawall policy test``, with and without a database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from seawall.app import migrate, open_app
from seawall.publish import NewEntry, add_entries
from seawall.settings import Settings
from support.app import CONTENT_TYPES
from support.commands import Run, own_settings, run_command
from support.traces import kept_by

THREAT = "I know where you live and I am coming to break your legs tonight."
WORDS = """\
policy: words
title: Words
owner: tests
applies_to: [comment]
harm: spam
definition: For tests.
statement: {ground: incompatible, clause: "House rules, 9"}
rules:
  - id: found
    when: contains(item.body, "walrus") or bank("blocked-texts") >= 1
    do: [hold, review(queue="spam")]
  - id: threat
    when: threat_terms >= 0.5
    do: [demote]
examples:
  - name: a word
    item: {comment: {body: "a walrus"}}
    expect: {verdict: hold}
  - name: a threat
    item: {comment: {body: "I know where you live and I am coming to break your legs tonight."}}
    given: {threat_terms: 0.9}
    expect: {actions: [demote]}
  - name: a weak one
    item: {comment: {body: "you will see"}}
    given: {threat_terms: 0.6}
    expect: {actions: [demote]}
    screened: wanted
  - name: a text in the bank
    item: {comment: {body: "one two three four five six"}}
    given: {bank("blocked-texts"): 1}
    expect: {verdict: hold}
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command. There is no database until a test makes one."""
    own_settings(monkeypatch, tmp_path)
    return run_command


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    folder = tmp_path / "draft"
    folder.mkdir()
    (folder / "words.yaml").write_text(WORDS)
    return folder


# -- trying ------------------------------------------------------------------------------------------------------------


def test_a_sentence_is_tried_without_a_database(run: Run, tmp_path: Path) -> None:
    shown = run("policy", "try", THREAT)
    assert shown.stdout.startswith("hold: hold, review(")
    assert "statement of reasons: Threats of violence; Community rules, 2.3 (threats)" in shown.stdout
    assert "fired: threats/explicit-threat" in shown.stdout
    assert "body: threat_terms = " in shown.stdout
    assert "Nothing was recorded." in shown.stdout
    assert "Nothing is published here" in shown.stderr
    assert not (tmp_path / "data").exists()


def test_a_draft_is_compared_with_what_is_in_force(run: Run, draft: Path) -> None:
    shown = run("policy", "try", "a walrus", "--policies", draft).stdout.splitlines()
    assert shown[0] == "Draft: added words"
    assert "  verdict: allow → hold" in shown
    assert "  fired: none → words/found" in shown
    assert shown.index("With the draft") < shown.index("In force")
    same = run("policy", "try", "hello", "--policies", draft).stdout
    assert "nothing differs for this item" in same


def test_other_content_types_fields_accounts_and_files(run: Run, tmp_path: Path) -> None:
    found = json.loads(
        run(
            *("policy", "try", "--json", "--type", "playlist", "--field", "title=text me back, how old are u?"),
            *("--field", "track_count=0", "--actor", "age=1h", "--language", "en"),
        ).stdout
    )
    assert found["in_force"]["verdict"] == "hold"
    assert "title" in [part["path"] for part in found["parts"]]
    Image.new("RGB", (64, 64), "red").save(tmp_path / "cover.png")
    found = json.loads(
        run(
            *("policy", "try", "--json", "--type", "playlist", "--field", "title=x", "--field", "track_count=3"),
            *("--field", f"cover={tmp_path / 'cover.png'}"),
        ).stdout
    )
    assert "cover" in [part["path"] for part in found["parts"]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give a text, or fields"),
        (("hello", "--type", "nothing"), "there is no content type 'nothing'"),
        (("hello", "--field", "title"), "write NAME=VALUE, such as --field title=Hello"),
        (("hello", "--field", "bodi=x"), "fields.bodi: is not known; did you mean body? (--field NAME=VALUE)"),
        (("hello", "--type", "track"), "is required"),
        (("hello", "--actor", "age=old"), "actor.age: is 'old', which is no duration"),
        (("hello", "--policies", "/nowhere"), "there is no .yaml file in /nowhere"),
        (("--type", "profile", "--field", "display_name=x", "--field", "avatar=/nowhere.png"), "No such file"),
    ],
)
def test_mistakes_are_told_with_their_remedy(run: Run, arguments: tuple[str, ...], says: str) -> None:
    assert says in run("policy", "try", *arguments, status=1).stderr


def test_what_is_published_is_in_force_and_nothing_is_recorded(run: Run, draft: Path, tmp_path: Path) -> None:
    settings = Settings.from_env()
    migrate(settings)
    run("policy", "publish", "--policies", draft)
    with open_app(settings) as opened:
        entry = NewEntry(kind="text", value="one two three four five six", source="staff")
        add_entries(opened.ledger, "blocked-texts", [entry], "tests")
        before = kept_by(opened)
    assert "hold: hold, review" in run("policy", "try", "one two three four five six").stdout
    with open_app(settings) as opened:
        assert kept_by(opened) == before


# -- examples ----------------------------------------------------------------------------------------------------------


def test_both_columns_and_their_counts(run: Run, draft: Path) -> None:
    shown = run("policy", "test", draft)
    rows = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert "words a word passed passed" in rows
    assert "words a weak one passed wanted: threat_terms is 0, given 0.6" in rows
    assert any(
        row.startswith("words a text in the bank passed not screened: the bank 'blocked-texts' has") for row in rows
    )
    assert "logic: 4 passed, 0 failed" in rows
    assert rows[-1].startswith("as screened: 2 passed, 0 failed, 1 wanted, 1 not screened; with empty banks")


def test_an_example_that_the_detectors_do_not_fulfil_fails_unless_it_is_declared(run: Run, draft: Path) -> None:
    (draft / "words.yaml").write_text(WORDS.replace("    screened: wanted\n", ""))
    shown = run("policy", "test", draft, status=1)
    assert "words: a weak one: as screened: FAILED\n  actions: expected [demote], got []" in shown.stderr
    assert "logic: 4 passed, 0 failed" in run("policy", "test", "--logic", draft).stdout


def test_what_was_wanted_and_is_fulfilled_is_said(run: Run, draft: Path) -> None:
    wanted = WORDS.replace(
        "    expect: {actions: [demote]}\n", "    expect: {actions: [demote]}\n    screened: wanted\n", 1
    )
    (draft / "words.yaml").write_text(wanted)
    shown = run("policy", "test", draft).stdout
    assert "words: a threat: wanted, and the detectors fulfil it now: delete 'screened: wanted'" in shown
    assert "1 fulfilled" in shown


def test_the_banks_of_the_database_count(run: Run, draft: Path) -> None:
    settings = Settings.from_env()
    migrate(settings)
    with open_app(settings) as opened:
        entry = NewEntry(kind="text", value="one two three four five six", source="staff")
        add_entries(opened.ledger, "blocked-texts", [entry], "tests")
    shown = run("policy", "test", draft).stdout
    assert "as screened: 3 passed, 0 failed, 1 wanted; with the banks of" in shown


def test_the_shipped_policies_pass_in_both_columns(run: Run) -> None:
    shown = run("policy", "test").stdout
    assert " 0 failed, " in shown
    assert ", 0 failed\n" in shown


def test_content_types_of_a_folder(run: Run, draft: Path, tmp_path: Path) -> None:
    (tmp_path / "note.yaml").write_text(CONTENT_TYPES["note"])
    (draft / "words.yaml").write_text(WORDS.replace("comment", "note"))
    assert "logic:" in run("policy", "test", draft, "--content-types", tmp_path / "note.yaml").stdout
