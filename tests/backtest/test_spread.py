"""Parts of the rows add up to the same report, however they are parted, and wherever they are counted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.backtest import (
    BacktestReport,
    EnginesDisagree,
    FileRows,
    PastRow,
    RayUnavailable,
    RowsFileError,
    backtest_parts,
    in_processes,
    on_ray,
    run_backtest,
)
from seawall.backtest.columnar import ColumnarProgram
from seawall.backtest.counts import BacktestCounts
from seawall.backtest.run import changed_rules, count_rows
from seawall.backtest.spread import count_part
from seawall.content import load_content_type
from seawall.model import UNKNOWN
from seawall.policy import Bundle, PolicySource, build_bundle
from support.app import CONTENT_TYPES, POLICIES
from support.detectors import Words


@cache
def bundles() -> tuple[Bundle, Bundle]:
    """A bundle in force, and a draft with another threshold."""
    types = [load_content_type(text, f"{name}.yaml") for name, text in CONTENT_TYPES.items()]
    detectors = [Words("insults", "rudeness", {"fool": 0.9}).spec]
    texts = (POLICIES["rude"], POLICIES["rude"].replace("rudeness >= 0.5", "rudeness >= 0.7"))
    made = [build_bundle([PolicySource("rude.yaml", text)], types, detectors, []) for text in texts]
    return made[0], made[1]


def past(number: int, values: tuple[Any, ...]) -> PastRow:
    rudeness, kind, language, actor, label, age = values
    return PastRow(
        content_type=kind,
        row={"rudeness": rudeness, "item.mood": None, "item.mood is None": True},
        missing={"rudeness": "no detector answered"} if rudeness is UNKNOWN else {},
        language=language,
        actor=actor,
        label=label,
        age_s=age,
        item=str(number),
    )


ROWS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.55, 0.65, 0.95, UNKNOWN]),
        st.sampled_from(["note", "letter"]),
        st.sampled_from(["en", "de", None]),
        st.sampled_from(["ann", "bob", "cyn", None]),
        st.sampled_from([True, False, None]),
        st.sampled_from([None, 5.0, 1e6, 1e9]),
    ),
    max_size=150,
)


def merged(parts: list[BacktestCounts]) -> BacktestReport:
    counts = BacktestCounts()
    for part in parts:
        counts.add_counts(part)
    return alike(counts.report(*bundles(), changed_rules(*bundles())))


def alike(report: BacktestReport) -> BacktestReport:
    """Without the number of checks, which says how the run went."""
    return msgspec.structs.replace(report, checked=0)


@settings(max_examples=30, deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_partition_gives_the_same_report(rows: list[tuple[Any, ...]], chance: Any, parts: int) -> None:
    made = [past(number, values) for number, values in enumerate(rows)]
    whole = alike(run_backtest(*bundles(), iter([made])))
    chance.shuffle(made)
    parted = [made[number::parts] for number in range(parts)]
    assert merged([count_rows(*bundles(), iter([part])) for part in parted]) == whole


@settings(max_examples=20, deadline=None)
@given(st.tuples(ROWS, ROWS, ROWS))
def test_the_merge_is_associative(lists: tuple[list[tuple[Any, ...]], ...]) -> None:
    numbers = (0, 1_000, 2_000)

    def counted() -> list[BacktestCounts]:
        return [
            count_rows(*bundles(), iter([[past(first + number, values) for number, values in enumerate(rows)]]))
            for first, rows in zip(numbers, lists, strict=True)
        ]

    a, b, c = counted()
    a.add_counts(b)
    a.add_counts(c)
    d, e, f = counted()
    e.add_counts(f)
    d.add_counts(e)
    assert merged([a]) == merged([d])
    assert a.checked == d.checked


def test_examples_are_of_every_kind_and_fifty_at_most() -> None:
    rows = [past(number, (0.6, "note", "en", "ann", None, None)) for number in range(300)]
    rows += [past(1_000 + number, (0.6, "letter", "en", "ann", None, None)) for number in range(3)]
    found = run_backtest(*bundles(), iter([rows])).examples
    assert (len(found), sum(one.content_type == "letter" for one in found)) == (50, 3)
    assert len({one.item for one in found}) == 50


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    pl.DataFrame(
        [
            {
                "content_type": ("note", "letter")[number % 2],
                "rudeness": number % 100 / 100,
                "actor": f"u-{number % 7}",
                "label": number % 3 == 0,
            }
            for number in range(2_500)
        ]
    ).write_parquet(path)
    return path


def here(parts: Any) -> Iterator[BacktestCounts]:
    """The map in this process."""
    return map(count_part, parts)


def test_parts_of_a_file_in_other_processes(rows_file: Path) -> None:
    whole = run_backtest(*bundles(), FileRows(rows_file, bundles()).batches())
    assert whole.changed == 500
    assert alike(backtest_parts(rows_file, *bundles(), here, part=700)) == alike(whole)
    assert alike(backtest_parts(rows_file, *bundles(), in_processes(2), part=700)) == alike(whole)


def test_a_file_without_rows(rows_file: Path) -> None:
    pl.read_parquet(rows_file).clear().write_parquet(rows_file)
    assert backtest_parts(rows_file, *bundles(), here).rows == 0


def test_an_error_in_another_process_is_told_as_it_is(rows_file: Path) -> None:
    frame = pl.read_parquet(rows_file).with_row_index()
    last = pl.col("index") == 2_499
    frame.with_columns(
        pl.when(last).then(pl.lit("nothing")).otherwise("content_type").alias("content_type")
    ).write_parquet(rows_file)
    with pytest.raises(RowsFileError, match="row 2500: content_type 'nothing' is not in force"):
        backtest_parts(rows_file, *bundles(), in_processes(1), part=2_000)


def test_engines_that_disagree_in_a_part_end_the_run(rows_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ColumnarProgram, "masks_of_row", lambda self, row: dict.fromkeys(self.words, 1 << 5))
    with pytest.raises(EnginesDisagree) as found:
        backtest_parts(rows_file, *bundles(), here, part=700)
    again = EnginesDisagree(*found.value.args)  # as it comes out of another process
    assert (str(again), again.row, again.bundle) == (str(found.value), "row 1", bundles()[0].hash)


def test_without_ray_the_error_says_what_to_install(rows_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RayUnavailable, match=r"pip install 'seawall\[ray\]'"):
        backtest_parts(rows_file, *bundles(), on_ray("local"))


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")  # Ray's own
@pytest.mark.timeout(300)
def test_on_ray(rows_file: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'seawall[ray]'")
    whole = run_backtest(*bundles(), FileRows(rows_file, bundles()).batches())
    assert alike(backtest_parts(rows_file, *bundles(), on_ray("local"), part=700)) == alike(whole)
