"""Files as real exports have them: every row as it was written, and one row's fault is that row's alone."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.batch.cells import as_field, as_id, as_text, as_timestamp
from seawall.batch.rows import FileError, FileRow, open_rows
from seawall.model import FieldRole, FieldSpec, FieldType


def rows(folder: Path, name: str, data: bytes | str) -> list[FileRow]:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(open_rows(path).rows())


def values(folder: Path, name: str, data: bytes | str) -> list[dict[str, Any]]:
    found = rows(folder, name, data)
    assert [row.error for row in found] == [None] * len(found)
    return [dict(row.values) for row in found]


TWO = [{"id": "1", "body": "é one"}, {"id": "2", "body": "two"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_in_any_encoding(tmp_path: Path, encoding: str, end: str, separator: str) -> None:
    text = "".join(separator.join(cells) + end for cells in (("id", "body"), ("1", "é one"), ("2", "two")))
    assert values(tmp_path, "x.csv", text.encode(encoding)) == TWO


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", ",\n"])
def test_json_lines_in_any_encoding(tmp_path: Path, encoding: str, end: str) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + end for row in TWO)
    assert values(tmp_path, "x.jsonl", text.encode(encoding)) == TWO


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_a_json_array(tmp_path: Path, name: str, indent: int | None) -> None:
    assert values(tmp_path, name, json.dumps(TWO, indent=indent)) == TWO


def test_packed_files(tmp_path: Path) -> None:
    text = "id,body\n1,é one\n2,two\n".encode()
    assert values(tmp_path, "x.csv.gz", gzip.compress(text)) == TWO
    assert values(tmp_path, "x.csv", gzip.compress(text)) == TWO
    frame = pl.LazyFrame({"id": ["1", "2"], "body": ["é one", "two"]})
    frame.sink_csv(tmp_path / "x.csv.zst", compression="zstd")
    assert [dict(row.values) for row in open_rows(tmp_path / "x.csv.zst").rows()] == TWO
    frame.sink_ndjson(tmp_path / "x.jsonl.zst", compression="zstd")
    assert [dict(row.values) for row in open_rows(tmp_path / "x.jsonl.zst").rows()] == TWO


def test_stray_quotes_are_text(tmp_path: Path) -> None:
    text = 'id,body\n1,5" pizza\n2,he said "hi" ok\n3,"quoted, and ""doubled"""\n4,"two\nlines"\n5,"Hi" she said\n6,x\n'
    assert [row["body"] for row in values(tmp_path, "x.csv", text)] == [
        '5" pizza', 'he said "hi" ok', 'quoted, and "doubled"', "two\nlines", '"Hi" she said', "x"
    ]  # fmt: skip
    tabbed = 'id\tbody\n1\t"I never close this\n2\tnext\n3\tlast " one\n'
    assert [row["body"] for row in values(tmp_path, "x.tsv", tabbed)] == ['"I never close this', "next", 'last " one']


def test_a_quote_that_is_never_closed_is_one_rows_error(tmp_path: Path) -> None:
    found = rows(tmp_path, "x.csv", 'id,body\n1,"cut off\n2,a 5" b\n3,"fine"\n')
    assert [(row.line, row.error is None) for row in found] == [(2, False), (3, True), (4, True)]
    assert "a quote that is not closed" in str(found[0].error)


def test_a_row_that_does_not_fit_is_its_own_fault(tmp_path: Path) -> None:
    text = b"id,body\n1,one\n2,two,three\n3\n\n4,\xff\n5,five,\n6,six,,\n"
    found = rows(tmp_path, "x.csv", text)
    assert [(row.line, row.error is None) for row in found] == [
        (2, True), (3, False), (4, False), (6, False), (7, True), (8, True)
    ]  # fmt: skip
    assert "has 3 cells, the first line names 2 columns" in str(found[1].error)
    assert "UTF-8" in str(found[3].error)
    assert found[5].values == {"id": "6", "body": "six"}


def test_headers(tmp_path: Path) -> None:
    assert rows(tmp_path, "x.csv", "id,body\n") == []
    assert values(tmp_path, "x.csv", "sep=;\nid;body\n1;a,b\n") == [{"id": "1", "body": "a,b"}]
    assert values(tmp_path, "x.csv", ",body\n0,a\n") == [{"": "0", "body": "a"}]
    assert values(tmp_path, "x.csv", "id,body,\n1,a,\n2,b\n") == [{"id": "1", "body": "a"}, {"id": "2", "body": "b"}]
    assert open_rows(tmp_path / "x.csv").columns() == ["id", "body"]
    rows(tmp_path, "x.csv", "body,body\na,b\n")
    assert open_rows(tmp_path / "x.csv").columns() == ["body", "body"]


def test_ids_stay_as_they_are_written(tmp_path: Path) -> None:
    text = '{"id": 9007199254740993}\n{"id": 12345678901234567890}\n{"id": 1.0}\n{"id": 1.10}\n{"id": true}\n'
    text += '{"id": "007"}\n'
    assert [as_id(row["id"]) for row in values(tmp_path, "x.jsonl", text)] == [
        "9007199254740993", "12345678901234567890", "1.0", "1.10", "true", "007"
    ]  # fmt: skip
    assert [as_id(row["id"]) for row in values(tmp_path, "x.csv", "id,a\n00123,x\n12345678901234567890,y\n")] == [
        "00123", "12345678901234567890"
    ]  # fmt: skip


def test_late_types_and_late_columns(tmp_path: Path) -> None:
    text = '{"id": "1", "body": null}\n' * 200 + '{"id": 5, "body": "late", "more": {"a": [1]}}\n'
    found = values(tmp_path, "x.jsonl", text)
    assert found[-1] == {"id": 5, "body": "late", "more": {"a": [1]}}
    assert "more" in open_rows(tmp_path / "x.jsonl").columns({"more"})
    assert open_rows(tmp_path / "x.jsonl").columns({"body"}) == ["id", "body"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"nonsense", "is not JSON"),
        (b'{"a": 1', "is not JSON"),
        (b"[1, 2]", "is not an object"),
        (b'"text"', "is not an object"),
        (b'{"body": "a", "body": "b"}', "has the member 'body' twice"),
        (b'{"body": "\xff"}', "is not UTF-8"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "is not JSON"),
    ],
)
def test_a_bad_line_of_json(tmp_path: Path, line: bytes, says: str) -> None:
    found = rows(tmp_path, "x.jsonl", b'{"body": "a"}\n' + line + b'\n{"body": "c"}\n')
    assert [(row.line, row.error is None) for row in found] == [(1, True), (2, False), (3, True)]
    assert says in str(found[1].error)


def test_not_a_number_is_only_the_fault_of_who_maps_it(tmp_path: Path) -> None:
    (row,) = values(tmp_path, "x.jsonl", '{"body": "a", "score": NaN, "other": -Infinity}')
    assert row["body"] == "a"


def test_columns_of_parquet(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 27, 15, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "zoned": pl.Series([moment.astimezone(timezone(timedelta(hours=2)))]).dt.convert_time_zone("Europe/Paris"),
            "bare": [moment.replace(tzinfo=None)],
            "day": [date(2026, 11, 27)],
            "cost": [Decimal("1.50")],
            "long": [timedelta(hours=1)],
            "kind": pl.Series(["a"], dtype=pl.Categorical),
            "data": [b"\xff\xd8"],
            "text": [b"hello"],
            "big": pl.Series([12345678901234567890], dtype=pl.UInt64),
            "list": [[moment]],
            "deep": [{"a": {"b": 1}}],
            "flag": [True],
            "none": [None],
        }
    )
    frame.write_parquet(tmp_path / "x.parquet")
    (row,) = (row.values for row in open_rows(tmp_path / "x.parquet").rows())
    assert row["zoned"] == row["bare"] == "2026-11-27T15:00:00Z"
    assert row["list"] == ["2026-11-27T15:00:00Z"]
    assert (row["day"], as_id(row["cost"]), as_id(row["big"]), as_text(row["flag"])) == (
        "2026-11-27", "1.50", "12345678901234567890", "true"
    )  # fmt: skip
    assert (row["kind"], row["deep"], row["none"]) == ("a", {"a": {"b": 1}}, None)
    assert as_field(row["text"], _spec("text"), False) == "hello"
    assert as_field(row["data"], _spec("image"), False) == {"base64": "/9g="}
    assert as_field(row["cost"], _spec("number"), False) == 1.5


def _spec(kind: str) -> FieldSpec:
    return FieldSpec(name="field", type=FieldType(kind), role=FieldRole.CONTEXT)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("boolean", "True", True),
        ("boolean", "false", False),
        ("boolean", "maybe", "maybe"),
        ("integer", "-5", -5),
        ("integer", "5.5", "5.5"),
        ("number", "5.5", 5.5),
        ("number", "nan", "nan"),
        ("number", "1e400", float("inf")),
        ("timestamp", "1795794356000", 1_795_794_356_000),
        ("timestamp", "2026-11-27 15:00:00", "2026-11-27 15:00:00Z"),
        ("timestamp", "2026-11-27", "2026-11-27T00:00:00Z"),
        ("texts", '["a", "b"]', ["a", "b"]),
        ("text", "00123", "00123"),
        ("text", "true", "true"),
    ],
)
def test_cells_of_a_table_become_what_the_field_is(kind: str, cell: str, value: Any) -> None:
    assert as_field(cell, _spec(kind), True) == value
    if kind == "timestamp":
        assert as_timestamp(cell) == value
    elif kind != "text":
        assert as_field(cell, _spec(kind), False) == cell  # JSON says itself what is a number


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"\n \n", "is empty"),
        ("x.jsonl", b"\n", "is empty"),
        ("x.jsonl", b"nonsense\nmore\n", "no row can be read; line 1: is not JSON"),
        ("x.jsonl", b"[1, 2]", "is not an object"),
        ("x.csv.gz", b"\x1f\x8bnothing", "cannot be unpacked"),
        ("x.csv.gz", gzip.compress(b"id,body\n1,a\n" * 1000, mtime=0)[:-20], "cannot be unpacked"),
        ("x.csv.zst", b"\x28\xb5\x2f\xfdnothing", "cannot be"),
        ("x.parquet", b"PAR1", "cannot be read"),
        ("x.xlsx", b"PK\x03\x04", "supported files are"),
        ("x.csv", "id,body\n1,a\n".encode("utf-16")[:-1], "is not text"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FileError, match=says):
        open_rows(tmp_path / name).check_readable()


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(table=st.lists(st.tuples(CELL, CELL, st.just("x")), max_size=8), separator=st.sampled_from(",;\t"))
def test_what_a_writer_of_csv_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]], separator: str
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerows([("one", "two", "three"), *table])
    folder = tmp_path_factory.mktemp("csv")
    found = values(folder, "x.csv", written.getvalue())
    assert [(row["one"] or "", row["two"] or "", row["three"]) for row in found] == table


@given(lines=st.lists(st.binary(max_size=20), max_size=12), form=st.sampled_from(["csv", "tsv", "jsonl"]))
def test_no_bytes_are_a_fault(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], form: str) -> None:
    def read() -> Iterator[FileRow]:
        path = tmp_path_factory.mktemp("any") / f"x.{form}"
        path.write_bytes(b"\n".join(lines))
        yield from open_rows(path).rows()

    with suppress(FileError):
        for row in read():
            assert row.values or row.error or form == "jsonl"
