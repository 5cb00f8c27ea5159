"""Backtests over the history of a database and over files: what would change, what is unknown, and that all agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from seawall.backtest import (
    BacktestReport,
    EnginesDisagree,
    FileRows,
    ItemRows,
    PastRow,
    RowsFileError,
    StoredRows,
    run_backtest,
    write_rows,
)
from seawall.backtest.columnar import ColumnarProgram
from seawall.backtest.past_rows import ERASED, NOT_ASKED, NOT_MEASURED
from seawall.backtest.rows_file import NOT_EXPORTED, NOT_IN_FILE
from seawall.batch.items import ColumnMapping, TruthColumn
from seawall.model import UNKNOWN
from seawall.policy import Bundle, PolicySource
from seawall.publish import draft_of
from support.app import POLICIES, Rig, opened
from support.traces import kept_by


@pytest.fixture
def rig(tmp_path: Path, database_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url, "rude") as made:
        made.gore.go_on.set()
        yield made


def drafted(rig: Rig, change: Callable[[str], str]) -> Bundle:
    files = [PolicySource("rude.yaml", change(POLICIES["rude"]))]
    return rig.app.build(draft_of(rig.app.bundle, files).sources)


def run(rig: Rig, draft: Bundle) -> BacktestReport:
    app, in_force = rig.app, rig.app.bundle
    rows = StoredRows(app.database, app.vault, app.bundles, [in_force, draft], since=0)
    return run_backtest(in_force, draft, rows.batches())


def when(condition: str) -> Callable[[str], str]:
    """The second rule with another condition."""
    return lambda text: text.replace("when: rudeness >= 0.5", f"when: {condition}")


def test_another_threshold_is_decided_from_stored_values(rig: Rig) -> None:
    rig.screen("a fool", id="1", actor="ann")
    rig.screen("how silly", id="2", actor="bob")
    rig.screen("how silly again", id="3", actor="bob", kind="letter")
    rig.screen("good morning", id="4", actor="cyn")
    before = kept_by(rig.app)
    report = run(rig, drafted(rig, when("rudeness >= 0.7")))
    assert kept_by(rig.app) == before
    assert (report.rows, report.whole, report.changed, report.people) == (4, True, 2, 1)
    assert report.directions == {"hold → allow": 2}
    by = {name: {(one.value, one.direction): one.items for one in groups} for name, groups in report.by.items()}
    assert by["content type"] == {("note", "hold → allow"): 1, ("letter", "hold → allow"): 1}
    assert by["surface"] == {("public", "hold → allow"): 2}
    assert by["age of the account"] == {("not known", "hold → allow"): 2}
    likely = next(each for each in report.rules if each.rule == "rude/likely")
    assert (likely.fired_before, likely.fired) == (3, 1)
    assert likely.overlaps == (("rude/certain", 1),)
    assert {each.content_type for each in report.examples} == {"note", "letter"}
    assert report.missing == ()
    assert report.checked >= 4


def test_a_new_wording_is_found_in_the_stored_content(rig: Rig) -> None:
    rig.screen("a walrus", id="1")
    rig.screen("good morning", id="2")
    report = run(rig, drafted(rig, when('rudeness >= 0.5 or contains(item.body, "walrus")')))
    assert report.directions == {"allow → hold": 1}


def test_what_no_detector_was_asked_is_unknown_and_not_false(rig: Rig) -> None:
    rig.screen("a walrus", id="1")
    report = run(rig, drafted(rig, when("deep_thought >= 0.5")))
    assert report.directions == {"allow → unknown": 1}
    assert report.unknown_draft == 1
    assert [(each.feature, each.reason, each.rows) for each in report.missing] == [("deep_thought", NOT_ASKED, 1)]
    assert NOT_ASKED in report.render()


def test_erased_content_is_unknown(rig: Rig) -> None:
    answer = rig.screen("a walrus", id="1")
    rig.app.ledger.commit(lambda tx: rig.app.vault.erase(tx, answer.item))
    report = run(rig, drafted(rig, when('contains(item.body, "walrus")')))
    assert report.directions == {"allow → unknown": 1}
    assert {each.reason for each in report.missing} == {ERASED}


def test_an_item_counts_once_by_its_newest_evaluation(rig: Rig) -> None:
    rig.screen("how silly", id="1")
    rig.screen("how silly, edited", id="1")
    assert run(rig, drafted(rig, when("rudeness >= 0.7"))).rows == 1


def test_a_difference_of_the_engines_ends_the_run(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.screen("how silly", id="1")
    wrong = lambda self, row: dict.fromkeys(self.words, 1 << 5)  # noqa: E731
    monkeypatch.setattr(ColumnarProgram, "masks_of_row", wrong)
    with pytest.raises(EnginesDisagree, match="No figures are given"):
        run(rig, drafted(rig, when("rudeness >= 0.7")))


def test_a_short_time_reads_the_newest_part_and_says_so(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.backtest.past_rows._PAGE", 2)
    for number in range(5):
        rig.screen("how silly", id=str(number))
    draft = drafted(rig, when("rudeness >= 0.7"))
    rows = StoredRows(rig.app.database, rig.app.vault, rig.app.bundles, [rig.app.bundle, draft], since=0)
    report = run_backtest(rig.app.bundle, draft, rows.batches(), seconds=0)
    assert (report.rows, report.whole) == (2, False)
    assert "the newest part of history" in report.render()


@pytest.mark.parametrize(("threshold", "directions"), [(0.3, {"allow → unknown": 1}), (0.55, {})])
def test_what_was_measured_roughly_is_not_compared_below_its_threshold(
    rig: Rig, threshold: float, directions: dict[str, int]
) -> None:
    """The classifier's dear half was not asked, since 0.1 seemed far from 0.5: it may have been 0.4."""
    row = {"rudeness": 0.1, "item.mood": None, "item.mood is None": True}
    past = PastRow(content_type="note", row=dict(row), rough={"rudeness": 0.5})
    report = run_backtest(rig.app.bundle, drafted(rig, when(f"rudeness >= {threshold}")), iter([[past]]))
    assert report.directions == directions
    assert report.unknown_in_force == 0


ROWS: list[dict[str, Any]] = [
    {"content_type": "note", "rudeness": 0.6, "item.mood": None, "actor": "a", "label": True},
    {"content_type": "note", "rudeness": 0.6, "item.mood": None, "actor": "b", "label": False},
    {"content_type": "note", "rudeness": 0.8, "item.mood": "gloomy", "actor": "b", "label": True},
    {"content_type": "note", "rudeness": 0.1, "item.mood": None, "actor": "c", "label": None},
]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_files_of_feature_rows_with_labels(rig: Rig, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"rows.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        pl.DataFrame(ROWS).write_parquet(path)
    draft, in_force = drafted(rig, when("rudeness >= 0.7")), rig.app.bundle
    report = run_backtest(in_force, draft, FileRows(path, [in_force, draft]).batches())
    assert report.directions == {"hold → allow": 2}
    before, after = report.labels["in force"], report.labels["draft"]
    assert (before.precision.count, before.precision.of) == (2, 3)
    assert (after.precision.count, after.precision.of, after.recall.count, after.recall.of) == (1, 1, 1, 2)
    assert 0 < after.recall.lower < 0.5 < after.recall.upper < 1


def test_what_a_file_lacks_is_unknown(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"content_type": "note", "item.mood": null}\n{"content_type": "note", "rudeness": 0.6}\n')
    in_force = rig.app.bundle
    rows = [row for page in FileRows(path, [in_force]).batches() for row in page]
    assert rows[0].row["rudeness"] is UNKNOWN
    assert rows[0].missing["rudeness"] == NOT_IN_FILE


def exported(rig: Rig, draft: Bundle, path: Path) -> BacktestReport:
    """The backtest over the exported history."""
    app, in_force = rig.app, rig.app.bundle
    past = StoredRows(app.database, app.vault, app.bundles, [in_force, draft], since=0)
    write_rows(path, [in_force, draft], past.batches())
    return run_backtest(in_force, draft, FileRows(path, [in_force, draft]).batches())


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_exported_rows_give_what_history_gives(rig: Rig, tmp_path: Path, form: str) -> None:
    rig.screen("a fool", id="1", actor="ann")
    rig.screen("how silly", id="2", actor="bob")
    rig.screen("a walrus", id="3", actor="bob")
    rig.screen("good morning, crash", id="4", actor="cyn", kind="letter")
    draft, path = drafted(rig, when('rudeness >= 0.7 or contains(item.body, "walrus")')), tmp_path / f"rows.{form}"
    before = kept_by(rig.app)
    found, history = exported(rig, draft, path), run(rig, draft)
    assert kept_by(rig.app) == before
    assert history.directions == {"allow → hold": 1, "hold → allow": 1}
    assert found == history


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_exported_rows_hold_no_text_and_no_id_of_the_platform(rig: Rig, tmp_path: Path, form: str) -> None:
    rig.screen("a walrus", id="post-1", actor="ann-smith", mood="gloomy")
    path = tmp_path / f"rows.{form}"
    found = exported(rig, drafted(rig, when("rudeness >= 0.7")), path)
    assert all(text not in path.read_bytes() for text in (b"walrus", b"gloomy", b"post-1", b"ann-smith"))
    assert [(one.feature, one.reason, one.rows) for one in found.missing] == [("item.mood", NOT_EXPORTED, 1)]


def test_what_a_column_of_another_content_type_holds_is_not_absent(rig: Rig, tmp_path: Path) -> None:
    """In Parquet every row has every column: null there is what the file does not know, not an absent field."""
    path, in_force = tmp_path / "rows.parquet", rig.app.bundle
    rows = [
        PastRow(content_type="note", row={"rudeness": 0.1, "item.mood is None": True, "age(actor)": None}),
        PastRow(content_type="letter", row={"rudeness": 0.1, "item.mood is None": True}),
    ]
    draft = drafted(rig, when('age(actor) is not None and age(actor) < "1d"'))
    write_rows(path, [in_force, draft], iter([rows]))
    note, letter = next(FileRows(path, [in_force, draft]).batches())
    assert (note.row["age(actor)"], letter.row["age(actor)"]) == (None, UNKNOWN)
    assert letter.missing["age(actor)"] == NOT_IN_FILE


def test_a_rough_value_stays_rough_in_a_file(rig: Rig, tmp_path: Path) -> None:
    in_force, draft = rig.app.bundle, drafted(rig, when("rudeness >= 0.3"))
    for number, below in enumerate((0.5, float("inf"))):
        path = tmp_path / f"rows-{number}.parquet"
        row = {"rudeness": 0.1, "item.mood": None, "item.mood is None": True}
        past = PastRow(content_type="note", row=dict(row), rough={"rudeness": below})
        write_rows(path, [in_force, draft], iter([[past]]))
        report = run_backtest(in_force, draft, FileRows(path, [in_force, draft]).batches())
        assert report.unknown_draft == 1
        assert ("rudeness", NOT_MEASURED) in [(one.feature, one.reason) for one in report.missing]


def items_of(rig: Rig, path: Path, draft: Bundle, **more: Any) -> tuple[ItemRows, list[PastRow]]:
    truth = TruthColumn(policy="any", column="bad", values=frozenset({"yes"}))
    mapping = ColumnMapping(content_type="note", fields={"body": "text"}, truths=(truth,), **more)
    items = ItemRows(path, mapping, [rig.app.bundle, draft], rig.app.runner)
    return items, [row for page in items.batches() for row in page]


def test_items_of_a_file_are_screened_and_their_rows_written(rig: Rig, tmp_path: Path) -> None:
    source, target = tmp_path / "items.csv", tmp_path / "rows.parquet"
    source.write_text(
        "text,who,bad\nhow silly,ann,yes\na fool,ann,yes\nsilly me,bob,no\nfine,cyn,\n,dan,no\n", encoding="utf-8"
    )
    in_force, draft = rig.app.bundle, drafted(rig, when("rudeness >= 0.7"))
    before = kept_by(rig.app)
    items, rows = items_of(rig, source, draft, actor="who")
    write_rows(target, [in_force, draft], iter([rows]))
    assert kept_by(rig.app) == before
    assert [row.label for row in rows] == [True, True, False, None]
    assert (items.refused.count, items.refused.first) == (
        1,
        ["row 5: fields.body: is required; send a value of type text (line 6)"],
    )
    assert b"silly" not in target.read_bytes()
    assert b"ann" not in target.read_bytes()
    report = run_backtest(in_force, draft, FileRows(target, [in_force, draft]).batches())
    assert (report.directions, report.people) == ({"hold → allow": 2}, 2)
    assert (report.labels["draft"].recall.count, report.labels["draft"].recall.of) == (1, 2)


def test_what_no_detector_answers_about_an_item_is_unknown_with_its_reason(rig: Rig, tmp_path: Path) -> None:
    source = tmp_path / "items.jsonl"
    source.write_text(json.dumps({"text": "crash", "bad": "yes"}) + "\n")
    _, (row,) = items_of(rig, source, drafted(rig, when("gory >= 0.5")))
    assert row.row["gory"] is UNKNOWN
    assert row.missing == {"gory": "no detector answered: error"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "rows.jsonl:1: not JSON"),
        ("[1]", "rows.jsonl:1: not an object"),
        ('{"content_type": "nothing"}', "content_type 'nothing' is not in force; it must be one of hurried, letter"),
        ('{"content_type": "note", "rudeness": "high"}', "row 1: 'rudeness' must be a number, not 'high'"),
        ('{"content_type": "note", "label": "yes"}', "row 1: 'label' must be true, false or null, not 'yes'"),
        ('{"content_type": "note", "unknown": "rudeness"}', "row 1: 'unknown' must be a list of texts"),
        ('{"content_type": "note", "unknown": ["a"], "unknown_because": ["b", "c"]}', "'unknown' has 1 names"),
        ('{"content_type": "note", "language": 5}', "row 1: 'language' must be a printable text, not 5"),
        ('{"content_type": "note", "rudeness": 0, "below(rudeness)": "x"}', "'below(rudeness)' must be a number"),
        ("[" * 100_000, "rows.jsonl:1: not JSON"),
    ],
)
def test_files_that_cannot_be_read_say_where_and_how(rig: Rig, tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(RowsFileError) as refused:
        list(FileRows(path, [rig.app.bundle]).batches())
    assert told in str(refused.value)
