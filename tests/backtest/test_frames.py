"""Parquet files of rows: counted as columns, the figures are those of counting row by row."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.backtest import EnginesDisagree, FileRows, RowsFileError
from seawall.backtest.columnar import ColumnarProgram
from seawall.backtest.counts import BacktestCounts
from seawall.backtest.frames import count_columns
from seawall.backtest.run import Engine, changed_rules, count_rows
from seawall.content import load_content_type
from seawall.policy import Bundle, PolicySource, build_bundle
from support.detectors import Words
from support.examples import examples

POST = """\
content_type: post
title: Post
owner: tests
surface: public
audience: general
actor: {attributes: {verified: boolean, followers: integer, created_at: timestamp}}
fields:
  body: {type: text, role: body, required: true}
  title: {type: text, role: title}
  mood: {type: text, role: context}
  likes: {type: integer, role: context, required: true}
  score: {type: number, role: context}
stages:
  pre_publish: {budget: 80ms, on_unknown: hold}
actions: [hold, remove, review, advisory]
appeal: {window: 184d, route: /appeals}
retention: {content: 30d, decisions: 5y}
"""
RULES = """\
policy: rude
title: Rude
owner: tests
applies_to: [post]
harm: harassment
definition: Rude words.
statement: {ground: incompatible, clause: "1"}
rules:
  - id: strong
    when: rudeness >= 0.8 and not (actor.verified is not None and actor.verified)
    do: [remove]
  - id: likely
    when: rudeness >= 0.5
    do: [hold, review(queue="rude", priority=rudeness)]
  - id: titled
    when: in_part("title", rudeness) > 0.3 or (item.mood is not None and item.mood in ["angry", "cross"])
    do: [review(queue="rude", priority=0.2)]
  - id: scored
    when: item.score is not None and item.score < 0.5 and item.likes > 9007199254740993
    do: [advisory(text="sensitive")]
  - id: known
    when: known(rudeness) and item.likes == 0 and (age(actor) is None or age(actor) < "7d")
    do: [review(queue="new", priority=0.1)]
  - id: quiet
    mode: shadow
    when: not known(rudeness) or contains(item.body, "fool")
    do: [hold]
"""


@cache
def bundles(extra: str = "") -> tuple[Bundle, Bundle]:
    """A bundle in force, and a draft with other thresholds; ``extra``: a rule of both."""
    types = [
        load_content_type(text, "post.yaml")
        for text in (POST, POST.replace("content_type: post", "content_type: note"))
    ]
    detectors = [Words("insults", "rudeness", {"fool": 0.9}).spec]
    policy = RULES.replace("applies_to: [post]", "applies_to: [post, note]") + extra
    texts = policy, policy.replace("rudeness >= 0.5", "rudeness >= 0.7").replace("0.3", "0.6")
    made = [build_bundle([PolicySource("rude.yaml", text)], types, detectors, []) for text in texts]
    return made[0], made[1]


def rows_of(extra: str = "") -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows with values of every kind, some unknown with or without reasons; some columns are in no row."""
    signals = st.sampled_from([0.0, 0.3, 0.55, 0.65, 0.95, float("nan"), None])
    names = [
        "rudeness",
        'in_part("title", rudeness)',
        "item.mood",
        "item.score",
        "item.likes",
        "actor.verified",
        "nobody",
    ]
    unknown = st.lists(st.sampled_from(names), max_size=3)
    columns: dict[str, st.SearchStrategy[Any]] = {
        "rudeness": signals,
        'in_part("title", rudeness)': signals,
        "at_least(rudeness)": st.sampled_from([None, 0.2, 0.6, 0.9]),
        "below(rudeness)": st.sampled_from([None, None, 0.5, 0.6, 0.75]),
        "item.mood": st.sampled_from(["angry", "glad", None]),
        "item.mood is None": st.booleans(),
        "item.score": st.sampled_from([0.1, 0.9, None, float("inf")]),
        "item.likes": st.sampled_from([0, 3, 2**53 + 2, 2**53 + 1, None]),
        "actor.verified": st.sampled_from([True, False, None]),
        "age(actor)": st.sampled_from([None, 5.0, 1e6, 1e9]),
        'contains(item.body, "fool")': st.sampled_from([True, False, None]),
        "actor": st.sampled_from(["ann", "bob", None]),
        "language": st.sampled_from(["en", "de", None]),
        "item": st.sampled_from(["it_1", "it_2", None]),
        "decision": st.sampled_from(["dec_1", None]),
        "revision": st.sampled_from([1, 2, None]),
        "label": st.sampled_from([True, False, None]),
        "snoozed": st.sampled_from([None, None, [], ["rude/likely"]]),
    }
    told = st.one_of(
        unknown.map(lambda found: {"unknown": found}),
        unknown.flatmap(
            lambda found: st.tuples(*[st.sampled_from(["", "no detector was asked for it then"])] * len(found)).map(
                lambda why: {"unknown": found, "unknown_because": list(why)}
            )
        ),
    )

    def row(kept: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        plain = st.fixed_dictionaries({name: columns[name] for name in kept})
        kind = st.sampled_from(["post", "post", "note"]).map(lambda name: {"content_type": name})
        return st.tuples(kind, plain, told).map(lambda parts: consistent(parts[0] | parts[1] | parts[2]))

    kept = st.lists(st.sampled_from(sorted(columns)), unique=True, min_size=6)
    return kept.flatmap(lambda names: st.lists(row(names), min_size=1, max_size=60))


def consistent(row: dict[str, Any]) -> dict[str, Any]:
    """The row, in which whether a mood is there fits the mood."""
    if "item.mood" in row and "item.mood is None" in row:
        row["item.mood is None"] = row["item.mood"] is None
    return row


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    lists = {"unknown": pl.List(pl.String), "unknown_because": pl.List(pl.String), "snoozed": pl.List(pl.String)}
    given = {name for row in rows for name in row}
    pl.DataFrame(
        rows, infer_schema_length=None, schema_overrides={n: t for n, t in lists.items() if n in given}
    ).write_parquet(path)
    return path


def engines(made: tuple[Bundle, Bundle]) -> tuple[Engine, Engine]:
    return Engine(made[0]), Engine(made[1])


def both_ways(path: Path, made: tuple[Bundle, Bundle]) -> tuple[Any, Any]:
    """The report by columns and by rows, or the same refusal of both."""

    def told(count: Callable[[], BacktestCounts]) -> Any:
        try:
            counts = count()
        except RowsFileError as error:
            return str(error)
        counts.checked = 0
        return counts.report(*made, changed_rules(*made))

    length = pl.scan_parquet(path).select(pl.len()).collect().item()
    by_columns = told(lambda: count_columns(engines(made), path, (0, length)))
    return by_columns, told(lambda: count_rows(*made, FileRows(path, made).batches()))


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows_of())
def test_counted_as_columns_the_figures_are_those_of_the_rows(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    by_columns, by_rows = both_ways(written(tmp_path / "rows.parquet", rows), bundles())
    assert by_columns == by_rows


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"rudeness": "much"}, "'rudeness' must be a number, not 'much'"),
        ({"label": 1}, "'label' must be true, false or null, not 1"),
        ({"language": "e\u202en"}, "'language' must be a printable text"),
        ({"rudeness": None, "at_least(rudeness)": float("inf")}, "'at_least(rudeness)' must be a number, not inf"),
        ({"content_type": "unheard"}, "content_type 'unheard' is not in force"),
        (
            {"unknown": ["rudeness"], "unknown_because": ["a", "b"]},
            "'unknown' has 1 names and 'unknown_because' 2 reasons",
        ),
        ({"item.mood": "glad", "item.mood is None": True}, "'item.mood is None' does not fit 'item.mood', 'glad'"),
        ({"actor.verified": 3}, "'actor.verified' must be a boolean, not 3"),
    ],
)
def test_what_is_refused_is_refused_with_its_row(tmp_path: Path, values: dict[str, Any], refusal: str) -> None:
    rows = [{"content_type": "post", "rudeness": 0.2, "label": None} | values]
    by_columns, by_rows = both_ways(written(tmp_path / "rows.parquet", rows), bundles())
    assert by_columns == by_rows
    assert f"row 1: {refusal}" in by_columns


def test_rules_that_calculate_with_whole_numbers_are_counted_alike(tmp_path: Path) -> None:
    made = bundles("  - id: odd\n    when: item.likes % 2 == 1\n    do: [hold]\n")
    rows = [{"content_type": "post", "item.likes": number, "rudeness": number / 9} for number in range(9)]
    by_columns, by_rows = both_ways(written(tmp_path / "rows.parquet", rows), made)
    assert by_columns == by_rows
    assert by_columns.rows == 9


def test_a_row_on_which_the_engines_disagree_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "rows.parquet", [{"content_type": "post", "rudeness": 0.9, "item": "it_7"}])
    monkeypatch.setattr(ColumnarProgram, "masks_of_row", lambda self, row: dict.fromkeys(self.words, 1 << 5))
    with pytest.raises(EnginesDisagree, match="it_7"):
        count_columns(engines(bundles()), path, (0, 1))
