"""The command line: what it prints, how it ends, and that no user error shows a traceback."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from sqlalchemy import text

from seawall.app import migrate
from seawall.settings import Settings
from seawall.storage import open_database
from support.app import CONTENT_TYPES, opened
from support.commands import Run, own_settings, run_command

WORDS = """\
policy: words
title: Words
owner: tests
applies_to: [note]
harm: spam
definition: For tests.
statement: {ground: incompatible, clause: "House rules, 1"}
rules:
  - id: found
    when: bank("blocked-texts") >= 1 or (item.mood is not None and item.mood == "bad")
    do: [hold]
examples:
  - name: in a bad mood
    item: {note: {body: "x", mood: "bad"}}
    given: {bank("blocked-texts"): 0}
    expect: {verdict: hold, actions: [hold]}
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command with a database of its own."""
    own_settings(monkeypatch, tmp_path)
    migrate(Settings.from_env())
    return run_command


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "words.yaml").write_text(WORDS)
    return folder


@pytest.fixture
def types(tmp_path: Path) -> Path:
    folder = tmp_path / "types"
    folder.mkdir()
    (folder / "note.yaml").write_text(CONTENT_TYPES["note"])
    return folder


# -- policies and content types ---------------------------------------------------------------------------------------


def test_good_policies(run: Run, policies: Path, types: Path) -> None:
    run("bank", "add", "blocked-texts", "buy this now")
    assert (
        "1 policies, 1 rules, 1 content types: fine"
        in run("policy", "check", policies, "--content-types", types, "--strict").stdout
    )
    assert "1 passed, 0 failed" in run("policy", "test", policies, "--content-types", types).stdout


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("bank(", "bnk(", ":10:"),
        ("item.mood", "item.mod", "mood"),
        ('== "bad"', "== 3", ":10:"),
        ("do: [hold]", "do: [destroy]", "destroy"),
        ("harm: spam", "harm: spm", "spam"),
        ("rules:", "rulez:", "rules"),
        ("policy: words", "policy: [", ""),
        ("definition: For tests.", "definition: \x00", ""),
    ],
)
def test_a_broken_policy_is_named_with_its_place(
    run: Run, policies: Path, types: Path, old: str, new: str, says: str
) -> None:
    (policies / "words.yaml").write_text(WORDS.replace(old, new))
    for verb in ("check", "test"):
        shown = run("policy", verb, policies, "--content-types", types, status=1).stderr
        assert "words.yaml:" in shown
        assert says in shown


def test_warnings_about_policies(run: Run, policies: Path, types: Path, tmp_path: Path) -> None:
    checked = run("policy", "check", policies, "--content-types", types)
    assert "1 policies, 1 rules, 1 content types: 1 warning" in checked.stdout
    assert "words.yaml:10:11: warning: bank 'blocked-texts' has no active entry" in checked.stderr
    run("policy", "check", policies, "--content-types", types, "--strict", status=1)
    shown = run("policy", "check", policies, "--content-types", types, "--json").stdout
    assert json.loads(shown)["banks_looked_at"] is True
    (warning,) = json.loads(shown)["warnings"]
    assert (warning["code"], warning["line"], warning["column"]) == ("empty-bank", 10, 11)
    unread = run("policy", "check", policies, "--content-types", types, "--data-dir", tmp_path / "new")
    assert "Banks were not looked at" in unread.stderr
    assert "content types: fine" in unread.stdout


def test_importing_rules_of_other_systems(run: Run, tmp_path: Path) -> None:
    sml = tmp_path / "sml"
    sml.mkdir()
    (sml / "base.sml").write_text("Text: str = JsonData(path='$.text')\n")
    (sml / "spam.sml").write_text("R = Rule(when_all=[TextContains(text=Text, phrase='x')])\nQ = Rule(when_all=[Z])\n")
    imported = run("policy", "import", "osprey", sml, "--out", tmp_path / "osprey", "--harm", "spam")
    assert "1 rule in 1 policy, in shadow mode" in imported.stdout
    assert "spam.sml:2:20: not imported: rule Q" in imported.stderr
    run("policy", "check", tmp_path / "osprey")
    again = run("policy", "import", "osprey", sml, "--out", tmp_path / "osprey", status=1)
    assert "Nothing was written" in again.stderr

    tree = {"input": {"type": "CONTENT_FIELD", "name": "followers"}, "comparator": "LESS_THAN", "threshold": 3}
    rules = [{"name": "Few", "conditionSet": {"conjunction": "AND", "conditions": [tree]}}]
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    run("policy", "import", "coop", tmp_path / "rules.json", "--out", tmp_path / "coop", "--content-type", "comment")
    run("policy", "check", tmp_path / "coop")

    for arguments, says in (
        (("osprey", tmp_path / "nowhere.sml"), "nowhere.sml"),
        (("osprey", tmp_path / "coop"), "no .sml file"),
        (("coop", sml / "spam.sml"), "not JSON"),
        (("osprey", sml, "--content-type", "song"), "unknown content type 'song'"),
        (("osprey", sml, "--map", "Text"), "is not NAME=VALUE"),
        (("osprey", sml, "--harm", "spm"), "unknown harm 'spm'"),
    ):
        assert says in run("policy", "import", *arguments, "--out", tmp_path / "none", status=1).stderr
    assert not (tmp_path / "none").exists()


def test_a_failing_example(run: Run, policies: Path, types: Path) -> None:
    (policies / "words.yaml").write_text(WORDS.replace("expect: {verdict: hold", "expect: {verdict: block"))
    run("policy", "check", policies, "--content-types", types)
    result = run("policy", "test", policies, "--content-types", types, status=1)
    assert "0 passed, 1 failed" in result.stdout
    assert "in a bad mood" in result.stderr
    shown = run("policy", "publish", "--policies", policies, "--content-types", types, status=1)
    assert "Nothing was published" in shown.stderr


def test_files_that_cannot_be_read(run: Run, policies: Path, types: Path, tmp_path: Path) -> None:
    assert "no .yaml file" in run("policy", "check", tmp_path / "nowhere", status=1).stderr
    (policies / "words.yaml").write_bytes(b"\xff\xfe\x00policy")
    assert "words.yaml" in run("policy", "check", policies, "--content-types", types, status=1).stderr
    (policies / "words.yaml").unlink()
    (policies / "words.yaml").mkdir()
    assert "words.yaml" in run("policy", "check", policies, "--content-types", types, status=1).stderr
    assert "no folder" in run("policy", "publish", "--policies", tmp_path / "nowhere", status=1).stderr


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("on_unknown: allow_and_rescreen, ", "", "on_unknown"),
        ("appeal: {window: 184d, route: /appeal}\n", "", "appeal"),
        ("type: text, role: body", "type: text", "role"),
        ("budget: 20s", "budget: long", "budget"),
    ],
)
def test_an_unsafe_content_type_is_refused(run: Run, types: Path, old: str, new: str, says: str) -> None:
    assert "1 content types: fine (note)" in run("content-type", "check", types).stdout
    (types / "note.yaml").write_text(CONTENT_TYPES["note"].replace(old, new))
    shown = run("content-type", "check", types, status=1).stderr
    assert "note.yaml:" in shown
    assert says in shown


# -- screening a file -------------------------------------------------------------------------------------------------

ROWS = [
    # mood, truth: "bad" is held. By hand: true positives 2, false positives 1, false negatives 1, true negatives 2
    {"text": "one", "mood": "bad", "truth": "1"},
    {"text": "two", "mood": "bad", "truth": "1"},
    {"text": "three", "mood": "bad", "truth": "0"},
    {"text": "four", "mood": "fine", "truth": "1"},
    {"text": "five", "mood": "fine", "truth": "0"},
    {"text": "six", "mood": "fine", "truth": "0"},
    {"text": "x" * 3000, "mood": "fine", "truth": "1"},  # longer than its content type allows
]


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        import polars as pl

        pl.DataFrame(rows).write_parquet(path)
    return path


@pytest.fixture
def screen(run: Run, policies: Path, types: Path, tmp_path: Path) -> Run:
    def screen_it(file: Path, *more: object, status: int = 0) -> Result:
        given = ("--policies", policies, "--content-types", types, "-t", "note", "--actor", "text", *more)
        return run("screen", file, *given, status=status)

    return screen_it


MAPPED = ("-m", "body=text", "-m", "mood=mood")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_file_with_truth(screen: Run, tmp_path: Path, form: str) -> None:
    file = _write(tmp_path / f"rows.{form}", ROWS)
    shown = screen(file, *MAPPED, "--truth", "words=truth:1", "--truth", "any=truth:1").stdout
    assert "7 rows: 3 allow, 3 hold; 0 degraded; 1 refused" in shown
    assert "row 6: fields.body:" in shown
    assert shown.count("0.667") == 6  # precision and recall, of the rule, of any rule and of the verdict: 2 of 3
    line = next(line for line in shown.splitlines() if "a rule fired" in line and "words" in line)
    assert [int(cell) for cell in line.replace("│", " ").replace("┃", " ").split()[-4:]] == [2, 1, 1, 2]
    records = [json.loads(line) for line in (tmp_path / "rows.decisions.jsonl").read_text().splitlines()]
    assert [record.get("verdict") for record in records] == ["hold"] * 3 + ["allow"] * 3 + [None]
    assert records[0]["rules"] == ["words/found"]
    assert "fields.body" in records[6]["error"]
    assert not list(tmp_path.glob("*.part"))


def test_decisions_as_parquet(screen: Run, tmp_path: Path) -> None:
    import polars as pl

    screen(_write(tmp_path / "rows.csv", ROWS), *MAPPED, "--out", tmp_path / "out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert frame["verdict"].to_list() == ["hold"] * 3 + ["allow"] * 3 + [None]
    assert json.loads(frame["actions"].to_list()[0]) == [{"kind": "hold"}]


def test_rows_without_values(screen: Run, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,mood,who,id\nhello,,,1\n,bad,a,2\nhello,bad,b,3\nhello,bad,c,\n")
    shown = screen(file, *MAPPED, "--actor", "who", "--id", "id").stdout
    assert "4 rows: 1 hold; 0 degraded; 3 refused" in shown
    assert "row 3: id" in shown
    assert "row 0: actor" in shown
    assert "row 1: fields.body" in shown


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("-m", "body=txt"), "has no column 'txt' (for field body); its columns are: text, mood, truth"),
        (("-m", "bdy=text"), "has no field 'bdy'; its fields are: body, mood, image"),
        ((*MAPPED, "-t", "nothing"), "no content type 'nothing'"),
        ((*MAPPED, "--truth", "words"), "write POLICY=COLUMN:VALUE"),
        ((*MAPPED, "--truth", "wrds=truth:1"), "no policy 'wrds'"),
        ((*MAPPED, "--truth", "words=label:1"), "no column 'label'"),
        ((*MAPPED, "--out", "out.txt"), ".jsonl or .parquet"),
        ((*MAPPED, "--out", "/nowhere/out.jsonl"), "cannot write"),
        ((*MAPPED, "--text-model", "/nowhere"), "/nowhere"),
        ((*MAPPED, "--policies", "/nowhere"), "/nowhere"),
    ],
)
def test_a_mapping_that_cannot_be(screen: Run, tmp_path: Path, more: tuple[object, ...], says: str) -> None:
    file = _write(tmp_path / "rows.csv", ROWS)
    assert says in screen(file, *more, status=1).stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["rows.csv"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.csv", b""),
        ("rows.csv", b"text,mood\n\xff\xfe,bad\n"),
        ("rows.csv", b'text,mood\n"unclosed,bad\n'),
        ("rows.csv", b"text,mood\na,b,c,d\n"),
        ("rows.jsonl", b""),
        ("rows.jsonl", b'{"text": "a", \nnonsense\n'),
        ("rows.jsonl", b"\n\n"),
        ("rows.csv.gz", b"\x1f\x8bnothing"),
        ("rows.csv.zst", b"\x28\xb5\x2f\xfdnothing"),
        ("rows.csv", b"\n"),
        ("rows.jsonl", b"[1, 2]\n"),
        ("rows.parquet", b""),
        ("rows.parquet", b"PAR1 and then nothing"),
        ("rows.txt", b"hello"),
    ],
)
def test_a_file_that_cannot_be_read(screen: Run, tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert name in screen(tmp_path / name, *MAPPED, status=1).stderr
    assert not list(tmp_path.glob("*.decisions*"))


def test_a_row_that_cannot_be_read_is_one_rows_error(screen: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(
        b'{"text": "a", "mood": "bad"}\n\nnonsense\n{"text": "\xff"}\n{"text": "b"}\n'
    )
    shown = screen(tmp_path / "rows.jsonl", *MAPPED).stdout
    assert "4 rows: 1 allow, 1 hold; 0 degraded; 2 refused" in shown
    assert "row 1: is not JSON" in shown
    assert "(line 3)" in shown
    records = [json.loads(line) for line in (tmp_path / "rows.decisions.jsonl").read_text().splitlines()]
    assert [record["line"] for record in records] == [1, 3, 4, 5]
    assert "is not UTF-8" in records[2]["error"]


@pytest.mark.parametrize("truth", ["flagged:true", "flagged:True"])
def test_a_truth_as_the_file_or_as_python_writes_it(screen: Run, tmp_path: Path, truth: str) -> None:
    rows = [{"text": "a", "mood": "bad", "flagged": True}, {"text": "b", "mood": "fine", "flagged": False}]
    file = _write(tmp_path / "rows.jsonl", rows)  # type: ignore[arg-type]
    assert screen(file, *MAPPED, "--truth", f"any={truth}").stdout.count("1.000 (") == 4


def test_a_truth_value_that_never_occurs(screen: Run, tmp_path: Path) -> None:
    file = _write(tmp_path / "rows.csv", ROWS)
    said = screen(file, *MAPPED, "--truth", "any=truth:yes", status=1).stderr
    assert "no row has 'yes' in the column 'truth'" in said
    assert "its values are: '1', '0'" in said
    assert not list(tmp_path.glob("*.decisions*"))
    assert "No row has 'yes' in the column 'truth'" in screen(file, *MAPPED, "--truth", "any=truth:1,yes").stdout


def test_precision_and_recall_of_nothing_are_undefined(screen: Run, tmp_path: Path) -> None:
    rows = [{"text": "a", "mood": "fine", "truth": "1"}, {"text": "b", "mood": "fine", "truth": "0"}]
    shown = screen(_write(tmp_path / "rows.csv", rows), *MAPPED, "--truth", "words=truth:1").stdout
    line = next(line for line in shown.splitlines() if "a rule fired" in line)
    assert "undefined" in line
    assert "nan" not in shown
    assert "0.000 (" in line  # of one that should be found, none was: the recall is known


def test_rows_of_the_wrong_type_are_counted(screen: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "mood": {"b": 1}}\n')
    assert "1 rows: none screened; 0 degraded; 1 refused" in screen(tmp_path / "rows.jsonl", *MAPPED).stdout


def test_a_file_that_is_not_there(screen: Run, tmp_path: Path) -> None:
    for place in (tmp_path / "rows.csv", tmp_path, ".", ""):
        assert "there is no file" in screen(Path(place), *MAPPED, status=1).stderr  # type: ignore[arg-type]


# -- the ledger, banks, keys ------------------------------------------------------------------------------------------


def test_the_ledger_is_verified_and_rebuilt(run: Run, tmp_path: Path) -> None:
    with opened(tmp_path, None, "rude") as rig:
        answer = rig.screen("you fool")
    assert "4 events verified" not in run("ledger", "verify").stdout
    assert "events verified; chain" in run("ledger", "verify").stdout
    shown = run("ledger", "rebuild").stdout
    assert "byte for byte the same" in shown
    assert "DIFFERENT" not in shown
    assert "rude" in run("policy", "explain", answer.decision).stdout
    assert json.loads(run("policy", "explain", answer.decision, "--json").stdout)["reproduced"] is True
    assert "no decision 'dec_x'" in run("policy", "explain", "dec_x", status=1).stderr


def test_dead_jobs_are_shown_and_requeued(run: Run, tmp_path: Path) -> None:
    with opened(tmp_path, None, publish=False) as rig:
        rig.app.ledger.commit(lambda tx: tx.enqueue("rescreen", "it_1", {"item": "it_1"}))
        (job,) = rig.claim("rescreen")
        rig.app.jobs.mark_dead(job, "[bold] it broke")
    shown = run("jobs", "list", "--state", "dead").stdout
    assert f"{job.id}  rescreen  dead" in shown
    assert "[bold] it broke" in shown
    assert "expected pending, leased or dead" in run("jobs", "list", "--state", "ill", status=1).stderr
    assert "name the dead jobs" in run("jobs", "requeue", status=1).stderr
    assert "there is no dead job job_nothing" in run("jobs", "requeue", "job_nothing", status=1).stderr
    assert "1 jobs requeued" in run("jobs", "requeue", "--all").stdout
    assert "pending" in run("jobs", "list").stdout


def test_a_tampered_ledger(run: Run, tmp_path: Path) -> None:
    with opened(tmp_path, None, "rude") as rig:
        rig.screen("you fool")
    database = open_database(f"sqlite:///{tmp_path / 'data' / 'seawall.db'}")
    with database.write() as connection:
        for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE decision SET verdict = 'allow'"))
    assert "DIFFERENT  decision" in run("ledger", "rebuild", status=1).stdout
    assert "byte for byte" in run("ledger", "rebuild").stdout
    with database.write() as connection:
        connection.execute(text("UPDATE event SET at = at + 1 WHERE seq = 2"))
    database.close()
    assert "event 2 was changed" in run("ledger", "verify", status=1).stderr


def test_people_are_changed(run: Run) -> None:
    ada = ("--name", "Ada", "--role", "admin", "--password", "a wall against the sea")
    run("person", "create", "ada@example.org", *ada)
    assert "last administrator" in run("person", "disable", "ada@example.org", status=1).stderr
    assert "last administrator" in run("person", "roles", "ada@example.org", "--role", "policy", status=1).stderr
    run("person", "create", "eve@example.org", *ada)
    assert "/choose-password?link=" in run("person", "password-link", "eve@example.org").stdout
    run("person", "roles", "ada@example.org", "--role", "reviewer", "--role", "policy")
    run("person", "languages", "ada@example.org", "--language", "de-AT", "--language", "tr")
    run("person", "skills", "ada@example.org", "--skill", "legal")
    assert "  languages: de, tr  skills: legal" in run("person", "list").stdout
    assert "two letters" in run("person", "languages", "ada@example.org", "--language", "German", status=1).stderr
    assert "--none" in run("person", "skills", "ada@example.org", "--skill", "legal", "--none", status=1).stderr
    run("person", "skills", "ada@example.org", "--none")
    assert "  skills: none" in run("person", "list").stdout
    run("person", "languages", "ada@example.org")
    run("person", "skills", "ada@example.org")
    assert "skills:" not in run("person", "list").stdout
    run("person", "disable", "ADA@example.org")
    assert "Ada  policy,reviewer  closed" in run("person", "list").stdout
    run("person", "enable", "ada@example.org")
    assert "closed" not in run("person", "list").stdout
    run("person", "reset-password", "ada@example.org", "--password", "a higher wall against it")
    assert "10 to 1024" in run("person", "reset-password", "ada@example.org", "--password", "x", status=1).stderr
    assert "Roles are" in run("person", "roles", "ada@example.org", "--role", "king", status=1).stderr
    assert "person list" in run("person", "enable", "bob@example.org", status=1).stderr
    assert "12 events verified" in run("ledger", "verify").stdout


def test_receivers_are_changed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_ALLOW_PRIVATE_ENDPOINTS", "1")
    endpoint, secret = run("endpoint", "add", "http://127.0.0.1:9/hook").stdout.split()
    run("endpoint", "disable", endpoint)
    assert "  off" in run("endpoint", "list").stdout
    run("endpoint", "enable", endpoint)
    assert "  off" not in run("endpoint", "list").stdout
    assert run("endpoint", "rotate-secret", endpoint).stdout.split()[1] != secret
    for verb in ("disable", "enable", "rotate-secret"):
        assert "no endpoint" in run("endpoint", verb, "ep_none", status=1).stderr
    assert run("delivery", "list").stdout == ""
    assert "expected one of" in run("delivery", "list", "--state", "lost", status=1).stderr
    assert "no delivery" in run("delivery", "replay", "dlv_none", status=1).stderr
    assert "give --dead" in run("delivery", "replay", status=1).stderr
    assert "0 deliveries queued again" in run("delivery", "replay", "--dead").stdout


def test_a_backup_is_restored(run: Run, tmp_path: Path) -> None:
    with opened(tmp_path, None, "rude") as rig:
        rig.screen("you silly one")
    assert "The master key is not in it" in run("backup", tmp_path / "kept").stdout
    assert "exists" in run("backup", tmp_path / "kept", status=1).stderr
    elsewhere = ("--data-dir", tmp_path / "elsewhere")
    assert "restored, but not verified" in run("restore", tmp_path / "kept", *elsewhere, status=1).stderr
    (tmp_path / "elsewhere" / "master.key").write_bytes((tmp_path / "data" / "master.key").read_bytes())
    assert "events verified" in run("ledger", "verify", *elsewhere).stdout
    assert "not empty" in run("restore", tmp_path / "kept", *elsewhere, status=1).stderr
    run("backup", tmp_path / "with-key", "--with-key")
    third = ("--data-dir", tmp_path / "third")
    assert "restored and verified" in run("restore", tmp_path / "with-key", *third).stdout
    assert "no complete backup" in run("restore", tmp_path / "nowhere", *third, status=1).stderr


def test_the_master_key_is_changed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("person", "create", "ada@example.org", "--name", "Ada", "--role", "admin", "--password", "a wall against it")
    with opened(tmp_path, None, "rude") as rig:
        rig.screen("you silly one", actor="a-1")
    old = (tmp_path / "data" / "master.key").read_text()
    assert "1 keys wrapped" in run("master-key", "rotate").stdout
    assert (tmp_path / "data" / "master.key").read_text() != old
    assert old in {path.read_text() for path in (tmp_path / "data").glob("master.key.*")}
    assert "events verified" in run("ledger", "verify").stdout
    run("subject", "export", "a-1", tmp_path / "a.zip")
    monkeypatch.setenv("SEAWALL_MASTER_KEY", (tmp_path / "data" / "master.key").read_text().strip())
    assert "SEAWALL_NEW_MASTER_KEY" in run("master-key", "rotate", status=1).stderr
    monkeypatch.setenv("SEAWALL_NEW_MASTER_KEY", "short")
    assert "32 bytes" in run("master-key", "rotate", status=1).stderr
    monkeypatch.setenv("SEAWALL_NEW_MASTER_KEY", old.strip())
    assert "restart every process" in run("master-key", "rotate").stdout
    assert "master key is not the one" in run("subject", "export", "a-1", tmp_path / "b.zip", status=1).stderr
    monkeypatch.setenv("SEAWALL_MASTER_KEY", old.strip())
    run("subject", "export", "a-1", tmp_path / "b.zip")


def test_a_subject_is_exported_held_and_erased(run: Run, tmp_path: Path) -> None:
    with opened(tmp_path, None, "rude") as rig:
        rig.screen("you silly one", actor="a-1")
    run("subject", "export", "a-1", tmp_path / "a.zip")
    assert "subject.json" in zipfile.ZipFile(tmp_path / "a.zip").namelist()
    assert "exists" in run("subject", "export", "a-1", tmp_path / "a.zip", status=1).stderr
    hold = run("legal-hold", "place", "n-1", "--kind", "item:note", "--reason", "order-1").stdout.strip()
    assert "order-1" in run("legal-hold", "list").stdout
    assert "legal hold" in run("subject", "erase", "a-1", "--yes", status=1).stderr
    run("legal-hold", "lift", hold)
    assert "in force" in run("legal-hold", "lift", hold, status=1).stderr
    assert "a code" in run("legal-hold", "place", "a-1", "--reason", "I say so", status=1).stderr
    assert json.loads(run("subject", "erase", "a-1", "--yes").stdout)["subjects"] == 2
    assert "never met, or was erased" in run("subject", "erase", "a-1", "--yes", status=1).stderr
    shown = run("ledger", "verify").stdout
    assert "events verified" in shown
    assert "lawfully deleted: 1 subjects erased" in shown
    assert "0 sealed entries deleted; 0 unused files deleted" in run("retention", "run").stdout
    assert "subject.erasure_completed" in run("retention", "report").stdout


def test_the_head_of_the_ledger_is_printed_and_expected(run: Run, tmp_path: Path) -> None:
    assert "no signed head yet" in run("ledger", "head", status=1).stderr
    run("key", "create", "one", "--scope", "read")
    kept = run("ledger", "head").stdout.strip()
    assert kept.startswith("1:")
    run("key", "create", "two", "--scope", "read")
    assert "2 events verified" in run("ledger", "verify", "--expect", kept).stdout
    later = run("ledger", "head").stdout.strip()
    database = open_database(f"sqlite:///{tmp_path}/data/seawall.db")
    with database.write() as connection:
        connection.execute(text("DROP TRIGGER event_no_delete"))
        connection.execute(text("DELETE FROM event WHERE seq = 2"))
    database.close()
    assert "events 2 to 2 are missing" in run("ledger", "verify", status=1).stderr
    assert "events 2 to 2 are missing" in run("ledger", "verify", "--expect", later, status=1).stderr
    assert "this is no head" in run("ledger", "verify", "--expect", "soon", status=1).stderr.lower()


def test_banks(run: Run, tmp_path: Path) -> None:
    entry = run("bank", "add", "blocked-texts", "one two three four").stdout.strip()
    assert entry.startswith("ent_")
    lines = tmp_path / "entries.jsonl"
    lines.write_text('{"kind": "domain", "value": "evil.example", "source": "list"}\n')
    made = run("bank", "add", "blocked-texts", "five six seven eight", "--account", "u-17").stdout.strip()
    assert "made from  en_" in run("bank", "show", made).stdout
    assert (
        "was screened here"
        in run("bank", "add", "blocked-texts", "nine", "--content-type", "comment", "--item", "none", status=1).stderr
    )
    run("bank", "configure", "blocked-texts", "--on-erasure", "remove")
    assert '"bank_entries": 1' in run("subject", "erase", "u-17", "--yes").stdout
    assert "made from  erased" in run("bank", "show", made).stdout
    assert "1 entries are in blocked-domains" in run("bank", "import", "blocked-domains", lines).stdout
    assert "blocked-domains" in run("bank", "list").stdout
    assert "one two three four" in run("bank", "entries", "blocked-texts").stdout
    run("bank", "remove", "blocked-texts", entry)
    assert "holds no entry" in run("bank", "remove", "blocked-texts", entry, status=1).stderr
    lines.write_text("{")
    assert "line 1" in run("bank", "import", "blocked-domains", lines, status=1).stderr
    lines.write_text('{"kind": "domain", "value": "a.example", "val\\u0075e": "b.example", "source": "list"}')
    assert "line 1: has the member 'value' twice" in run("bank", "import", "blocked-domains", lines, status=1).stderr
    table = tmp_path / "entries.csv"
    table.write_text("kind,value,value,source\ndomain,a.example,b.example,list\n")
    assert "two columns 'value'" in run("bank", "import", "blocked-domains", table, status=1).stderr
    assert "no file" in run("bank", "import", "blocked-domains", tmp_path / "nowhere", status=1).stderr
    assert "RE2 rejects" in run("bank", "add", "blocked-patterns", "(", "--kind", "pattern", status=1).stderr
    lines.write_text("no image")
    assert "cannot be read" in run("bank", "add", "blocked-images", lines, "--kind", "image", status=1).stderr


def test_keys_people_endpoints(run: Run) -> None:
    assert run("key", "create", "platform", "--scope", "screen").stdout.startswith("sw_")
    assert "Scopes are" in run("key", "create", "platform", "--scope", "fly", status=1).stderr
    listed = run("key", "list").stdout
    assert "platform" in listed
    run("key", "revoke", listed.split()[0])
    assert "no active key" in run("key", "revoke", "nothing", status=1).stderr
    run("person", "create", "ana@example.org", "--name", "Ana", "--role", "reviewer", "--password", "a wall at the sea")
    run("person", "create", "bo", "--name", "Bo", "--role", "reviewer", "--password", "a wall at the sea", status=1)
    assert run("endpoint", "add", "ftp://receiver", status=1).stderr
    assert run("endpoint", "list").stdout == ""


def test_a_hashers_kind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site" / "acme_hashes-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hashes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[seawall.hashers]\naverage = detectors.hashers:AverageHasher\n")
    monkeypatch.syspath_prepend(str(info.parent))
    cover = tmp_path / "cover.png"
    Image.linear_gradient("L").save(cover)
    add = ("bank", "add", "blocked-images", cover, "--kind", "image-average")
    assert "if it belongs to a hasher, enable its plug-in" in run(*add, status=1).stderr
    monkeypatch.setenv("SEAWALL_PLUGINS", "average")
    assert "image-average: conforms" in run("detectors", "check").stdout
    assert "image-average" in run("detectors", "list").stdout
    value = run("detectors", "try", "image-average", "--media", cover).stdout.split()[1]
    entry = run(*add, "--threshold", "4").stdout.strip()
    assert value in run("bank", "show", entry).stdout
    assert entry[:20] in run("bank", "match", value).stdout
    lines = tmp_path / "hashes.csv"
    lines.write_text(f"kind,value\nimage-average,{value}\n")
    assert "1 existed already" in run("bank", "import", "blocked-images", lines, "--source", "label").stdout
    run("bank", "configure", "blocked-images", "--threshold", "image-average=3")


@pytest.mark.parametrize("command", [("ledger", "verify"), ("bank", "list"), ("key", "list")])
def test_a_database_that_is_not_there(run: Run, command: tuple[str, ...], tmp_path: Path) -> None:
    assert "seawall:" in run(*command, "--database", "mysql://x/y", status=1).stderr
    assert "seawall:" in run(*command, "--database", "sqlite:////nowhere/at/all.db", status=1).stderr
    (tmp_path / "file").write_text("these are notes\n" * 50)
    assert "not a SQLite database" in run(*command, "--database", f"sqlite:///{tmp_path / 'file'}", status=1).stderr
    assert "seawall:" in run(*command, "--data-dir", tmp_path / "file" / "below", status=1).stderr


def test_the_version(run: Run) -> None:
    assert run("--version").stdout.strip()


def test_the_plan_says_what_is_told_apart_and_what_was_left_out(run: Run, tmp_path: Path) -> None:
    from seawall.app import open_app
    from seawall.model import Item

    types, policies = tmp_path / "types", tmp_path / "policies"
    types.mkdir()
    policies.mkdir()
    (types / "note.yaml").write_text(CONTENT_TYPES["note"])
    rule = "    when: harassment >= 0.7"
    (policies / "words.yaml").write_text(
        re.sub(r"    when: .*", rule, WORDS).replace('bank("blocked-texts"): 0', "harassment: 0.8")
    )
    run("policy", "publish", "--logic", "--policies", policies, "--content-types", types)
    assert "No text was classified yet" in run("policy", "plan").stdout
    with open_app(Settings.from_env()) as opened:
        for number, body in enumerate(["See you at seven, I bring bread.", "you are a worthless idiot, go away"]):
            opened.screener.screen(Item(content_type="note", id=f"n-{number}", fields={"body": body}, language="en"))
    shown = run("policy", "plan").stdout
    asked = "animation, codes, metadata, multilingual-harassment, text-model"
    assert f"note\n  asked first: {asked}\n  only if still needed: words" in shown
    assert "  harassment: told apart from 0.700 on; the encoder is asked from 0." in shown
    assert "2 texts in the newest 2 decisions: the encoder was asked about 50.0% of them" in shown
    told = json.loads(run("policy", "plan", "--json").stdout)
    assert told["content_types"]["note"] == {
        "first": ["animation", "codes", "metadata", "multilingual-harassment", "text-model"],
        "later": ["words"],
    }
    assert told["saved"] == {
        "decisions": 2,
        "texts": 2,
        "texts_without_encoder": 1,
        "settled": 0,
        "sampled": 0,
        "unneeded": {},
    }
