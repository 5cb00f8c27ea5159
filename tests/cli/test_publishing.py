"""``seawall policy publish``, ``rollback``, ``history``, ``status``, ``diff``, ``export``: what a person is told."""

from __future__ import annotations

import json
import os
import re
from functools import partial
from pathlib import Path

import pytest
from typer.testing import Result

from seawall import access
from seawall.app import migrate, open_app, open_storage
from seawall.screen.creator_overlays import set_overlays
from seawall.settings import Settings
from support.app import CONTENT_TYPES
from support.commands import Run, own_settings, run_command

HATE = """\
policy: hate
title: Hate
owner: tests
applies_to: [note]
harm: hate
definition: For tests.
statement: {ground: incompatible, clause: "House rules, 1"}
rules:
  - id: certain
    when: hate >= at_fpr(0.01)
    do: [remove]
  - id: likely
    when: hate >= at_fpr(0.05)
    do: [hold, review(queue="hate")]
examples:
  - name: nothing is known
    item: {note: {body: "x"}}
    given: {hate: 0.0}
    expect: {verdict: allow}
"""
OWN = HATE.replace("policy: hate", "policy: own").replace("title: Hate", "title: Our own")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command of ``seawall policy`` with a database of its own."""
    own_settings(monkeypatch, tmp_path)
    types = tmp_path / "types"
    types.mkdir()
    (types / "note.yaml").write_text(CONTENT_TYPES["note"])
    monkeypatch.setenv("SEAWALL_CONTENT_TYPES_DIR", str(types))
    migrate(Settings.from_env())
    return partial(run_command, "policy")


def folder(tmp_path: Path, name: str, **texts: str) -> Path:
    made = tmp_path / name
    made.mkdir()
    for file, text in texts.items():
        (made / f"{file}.yaml").write_text(text)
    return made


def published(result: Result) -> str:
    found = re.search(r"published: ([0-9a-f]{64})", result.stdout)
    assert found is not None, result.stdout
    return found[1]


def test_publishing_another_folder_drops_nothing_by_accident(run: Run, tmp_path: Path) -> None:
    both, mine = folder(tmp_path, "both", hate=HATE, own=OWN), folder(tmp_path, "mine", own=OWN)
    assert "policies: 2 added, 0 changed, 0 dropped" in run("publish", "--policies", both).stdout
    refused = run("publish", "--policies", mine, status=1)
    assert "- policy hate (Hate)" in refused.stdout
    assert "- rule certain (live): acts no more" in refused.stdout
    assert "1 dropped; rules: 0 added, 0 changed, 2 dropped" in refused.stdout
    assert "This would drop 1 of what is in force:\n  the policy hate\nNothing was published." in refused.stderr
    assert "--drop hate, or --drop-all" in refused.stderr
    assert len(json.loads(run("history", "--json").stdout)) == 1
    dry = run("publish", "--policies", mine, "--drop", "hate", "--dry-run")
    assert "Nothing was published: --dry-run." in dry.stdout
    assert "not dropped" in run("publish", "--policies", both, "--drop", "hate", status=1).stderr
    published(run("publish", "--policies", mine, "--drop", "hate"))
    rows = json.loads(run("history", "--json").stdout)
    assert [row["changes"]["policies_dropped"] for row in rows] == [1, 0]
    assert rows[0]["source"].startswith(f"policies {mine}, content types ")
    assert rows[0]["by"].startswith("cli:")


def test_a_changed_rule_says_what_changes(run: Run, tmp_path: Path) -> None:
    mine = folder(tmp_path, "mine", hate=HATE)
    first = published(run("publish", "--policies", mine))
    (mine / "hate.yaml").write_text(HATE.replace("at_fpr(0.01)", "at_fpr(0.02)").replace("[remove]", "[hold]"))
    shown = run("status", "--policies", mine).stdout
    assert f"in force: {first[:12]}, by cli:" in shown
    assert "~ rule certain (live)" in shown
    assert "when: hate >= at_fpr(0.01) becomes hate >= at_fpr(0.02)" in shown
    assert "actions: + hold - remove" in shown
    assert re.search(
        r"threshold of hate/certain: hate 0\.\d+ becomes 0\.\d+ \(at_fpr\(0.01\), now at_fpr\(0.02\)", shown
    )
    assert re.search(r"\d thresholds are other numbers", shown)  # one for each language that has its own
    second = published(run("publish", "--policies", mine))
    assert "Nothing changes" in run("publish", "--policies", mine).stdout
    assert "actions: + remove - hold" in run("diff", second[:12], first[:12]).stdout
    assert "no published bundle" in run("diff", "beef", status=1).stderr


def test_rolling_back_is_one_command(run: Run, tmp_path: Path) -> None:
    assert "Nothing was published yet" in run("history").stdout
    assert "Nothing was in force before" in run("rollback", status=1).stderr
    both, mine = folder(tmp_path, "both", hate=HATE, own=OWN), folder(tmp_path, "mine", own=OWN)
    first = published(run("publish", "--policies", both))
    published(run("publish", "--policies", mine, "--drop-all"))
    assert "Nothing was published" in run("rollback", "--dry-run").stdout
    shown = run("rollback")
    assert published(shown) == first
    assert "+ policy hate (Hate)" in shown.stdout
    assert "rollback" in run("history").stdout
    exported = tmp_path / "exported"
    assert "2 policies of bundle" in run("export", exported).stdout
    assert (exported / "hate.yaml").read_text() == HATE
    assert "not an empty folder" in run("export", exported, status=1).stderr


def test_where_a_second_person_approves_a_command_proposes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, mine = folder(tmp_path, "both", hate=HATE, own=OWN), folder(tmp_path, "mine", own=OWN)
    first = published(run("publish", "--policies", both))
    monkeypatch.setenv("SEAWALL_PUBLISH_APPROVAL", "yes")
    with open_storage(Settings.from_env()) as opened:
        for name, role in (("ada", "policy"), ("bob", "reviewer")):
            access.create_person(opened.ledger, f"{name}@example.org", name, "a wall against the sea", [role])
    change = ("publish", "--policies", mine, "--drop", "hate")
    assert "say who proposes it by --person EMAIL" in run(*change, status=1).stderr
    assert "no person with that id" in run(*change, "--person", "eve@example.org", status=1).stderr
    assert "publish.publish_policies" in run(*change, "--person", "bob@example.org", status=1).stderr
    said = run(*change, "--person", "ada@example.org").stdout
    assert "proposed: pro_" in said
    assert "Another person approves it within a week: http" in said
    assert [row["hash"] for row in json.loads(run("history", "--json").stdout)] == [first]


def test_a_user_without_a_name_publishes_under_its_number(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 1000670000")

    monkeypatch.setattr("getpass.getuser", unknown)
    run("publish", "--policies", folder(tmp_path, "own", hate=HATE), "--logic")
    assert f"cli:uid-{os.getuid()}" in run("history").stdout


def test_the_history_says_what_was_published_without_screening(run: Run, tmp_path: Path) -> None:
    missed = HATE.replace(
        "given: {hate: 0.0}\n    expect: {verdict: allow}", "given: {hate: 1.0}\n    expect: {verdict: block}"
    )
    plain, blind = folder(tmp_path, "plain", hate=HATE), folder(tmp_path, "blind", hate=missed)
    run("publish", "--policies", plain)
    assert "not screened" not in run("history").stdout
    assert "examples fail as screened" in run("publish", "--policies", blind, status=1).stderr
    run("publish", "--policies", blind, "--logic")
    assert run("history").stdout.count("the examples were not screened") == 1
    assert [row["screened"] for row in json.loads(run("history", "--json").stdout)] == [False, True]


def test_creators_who_have_on_what_is_dropped_are_counted(run: Run, tmp_path: Path) -> None:
    types = tmp_path / "types" / "note.yaml"
    owned = "creator: item.owner\nfields:\n  owner: {type: id, role: context}\n"
    types.write_text(types.read_text().replace("fields:\n", owned))
    calm = OWN.replace("policy: own", "policy: calm").replace("harm: hate\n", "harm: hate\noverlay: {creator: calm}\n")
    calm = calm.replace("[remove]", "[hold]")
    run("publish", "--logic", "--policies", folder(tmp_path, "both", hate=HATE, calm=calm))
    with open_app(Settings.from_env()) as opened:
        for account in ("c-1", "c-2"):
            set_overlays(opened.ledger, opened.bundle, account, overlays=["calm"], words=(), by="tests")
    without = folder(tmp_path, "one", hate=HATE)
    shown = run("publish", "--logic", "--dry-run", "--drop", "calm", "--policies", without).stdout
    assert "creators' overlay calm is dropped: 2 creators have it on. Their settings stay, without effect." in shown
    assert "creators' overlay" not in run("publish", "--logic", "--dry-run", "--policies", tmp_path / "both").stdout
