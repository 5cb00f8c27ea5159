"""Rows of a file as they were written: CSV, TSV, JSON lines, a JSON array, Parquet; gzip and zstd are unpacked.

No column has a type that its first rows decide: real exports hold nulls for a hundred rows and then a text, ids that
no float can hold, quotes inside a cell. A row that cannot be read is one row's error, with its line and the remedy.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from seawall.batch.cells import WrittenFloat, from_parquet

if TYPE_CHECKING:
    import polars as pl

_HEAD: Final = 65_536  # bytes from which encoding and line ends are found
_MOST_LINE: Final = 128 * 1024 * 1024  # characters: a row with a film in base64
_MOST_QUOTED: Final = 10_000  # lines of one quoted cell; beyond, its quote is taken for a stray one
_MOST_ARRAY: Final = 512 * 1024 * 1024  # characters of a JSON array, which is read as a whole
_MOST_NAMES: Final = 10_000  # columns of JSON
_FORMATS: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)")


class FileError(Exception):
    """An invalid file or mapping; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row. ``line``: where it begins (None in Parquet). ``error``: why it cannot be read; it has no values then."""

    line: int | None
    values: Mapping[str, Any]
    error: str | None = None


_Line: TypeAlias = tuple[int, str]  # number from 1, text without its end


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file that can be read several times. ``text_cells``: cells are texts, whatever they mean (CSV)."""

    path: Path
    form: str  # one of _FORMATS
    packed: str | None  # gzip, zstd

    @property
    def text_cells(self) -> bool:
        """Whether every cell is a text."""
        return self.form in (".csv", ".tsv")

    def rows(self) -> Iterator[FileRow]:
        """Every row, in order. Raises FileError when the file as a whole cannot be read."""
        reader = {".csv": _csv_rows, ".tsv": _csv_rows, ".parquet": _parquet_rows}.get(self.form, _json_rows)
        try:
            yield from reader(self)
        except (EOFError, gzip.BadGzipFile) as error:
            raise FileError(f"{self.path} cannot be unpacked: {error}") from error
        except UnicodeError as error:
            raise FileError(f"{self.path} is not text: {error}; save it as UTF-8") from error
        except OSError as error:
            raise FileError(f"{self.path} cannot be read: {error.strerror or error}") from error

    def columns(self, wanted: Collection[str] = ()) -> list[str]:
        """Names of the columns, one as often as it occurs. JSON is read until every one of ``wanted`` was seen."""
        if self.form == ".parquet":
            with _polars_explained(self):
                return _scan(self).collect_schema().names()
        if self.text_cells:
            return _header(self, _Pushback(_lines(self)))[0]
        names: dict[str, None] = {}
        for row in self.rows():
            names |= dict.fromkeys(row.values)
            if names.keys() >= set(wanted) or len(names) > _MOST_NAMES:
                break
        return list(names)

    def check_readable(self) -> None:
        """Raises FileError when the file has rows, and none of them can be read."""
        first = None
        for row in self.rows():
            if row.error is None:
                return
            first = first or row
        if first is not None:
            where = "" if first.line is None else f"line {first.line}: "
            raise FileError(f"{self.path}: no row can be read; {where}{first.error}")


def open_rows(path: Path) -> RowFile:
    """The file, by its name's ending and its first bytes. Raises FileError."""
    if not path.is_file():
        raise FileError(f"there is no file {path}")
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    packed = "gzip" if head[:2] == b"\x1f\x8b" else "zstd" if head == b"\x28\xb5\x2f\xfd" else None
    endings = [ending.lower() for ending in path.suffixes]
    form = next((ending for ending in reversed(endings) if ending not in (".gz", ".zst", ".zstd")), "")
    if form not in _FORMATS or (form == ".parquet" and packed):
        raise FileError(
            f"{path}: supported files are .csv, .tsv, .jsonl, .json and .parquet; all but the last also as .gz or .zst"
        )
    if not head:
        raise FileError(f"{path} is empty")
    return RowFile(path, form, packed)


# -- lines -------------------------------------------------------------------------------------------------------------


def _lines(source: RowFile) -> Iterator[_Line]:
    """Lines with their numbers. A byte that is no UTF-8 becomes half a surrogate pair, which the row's check finds."""
    if source.packed == "zstd":
        yield from _zstd_lines(source)
        return
    with source.path.open("rb") as raw, gzip.GzipFile(fileobj=raw) if source.packed == "gzip" else raw as file:
        head = file.read(_HEAD)
        encoding = _encoding(head)
        errors = "surrogateescape" if encoding.startswith("utf-8") else "surrogatepass"
        file.seek(0)
        newline = "\r" if "\r" in (text := head.decode(encoding, "replace")) and "\n" not in text else "\n"
        with io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=newline) as text_file:
            yield from _numbered(text_file, source.path)


def _numbered(file: IO[str], path: Path) -> Iterator[_Line]:
    number = 0
    while line := file.readline(_MOST_LINE):
        number += 1
        if len(line) == _MOST_LINE and line[-1] not in "\r\n":
            raise FileError(f"{path}: line {number} has more than {_MOST_LINE:,} characters")
        yield number, line.rstrip("\r\n")


def _encoding(head: bytes) -> str:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if head[1:2] == b"\0" and head[:1] != b"\0":
        return "utf-16-le"
    return "utf-16-be" if head[:1] == b"\0" and head[1:2] != b"\0" else "utf-8"


def _zstd_lines(source: RowFile) -> Iterator[_Line]:
    import polars as pl

    number = 0
    with _polars_explained(source):
        for batch in pl.scan_lines(source.path).collect_batches(chunk_size=4_096):
            for line in batch.to_series():
                number += 1
                yield number, (line.removeprefix("\ufeff") if number == 1 else line).rstrip("\r")


def _unreadable_text(text: str) -> str | None:
    """Why a line is not text, or None."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "is not UTF-8 text; save the file as UTF-8"
    return None


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _csv_rows(source: RowFile) -> Iterator[FileRow]:
    csv.field_size_limit(_MOST_LINE)
    waiting = _Pushback(_lines(source))
    names, separator = _header(source, waiting)
    for line in waiting:
        if line[1].strip():
            yield _csv_row(line[0], _cells(line, waiting, separator, len(names)), names)


def _csv_row(line: int, cells: Sequence[str] | str, names: Sequence[str]) -> FileRow:
    if isinstance(cells, str):
        return FileRow(line, {}, cells)
    if not _fits(cells, len(names)):
        return FileRow(
            line,
            {},
            f"has {len(cells)} cells, the first line names {len(names)} columns; "
            'put a cell with a separator, a quote or a line break in quotes, with each " inside doubled',
        )
    if not all(cell.isascii() for cell in cells) and (why := _unreadable_text("".join(cells))):
        return FileRow(line, {}, why)
    return FileRow(line, {name: cell or None for name, cell in zip(names, cells, strict=False)})


def _fits(cells: Sequence[str], width: int | None) -> bool:
    """Whether a row has a cell for each column. Cells beyond must be empty: some programs end rows with a separator."""
    return width is None or (len(cells) >= width and not any(cells[width:]))


def _header(source: RowFile, lines: _Pushback) -> tuple[list[str], str]:
    """The columns' names and the separator; the lines after the header are left."""
    given = None
    for number, text in lines:
        if not text.strip():
            continue
        if given is None and (found := _SEPARATOR_LINE.fullmatch(text)) is not None:  # Excel's own first line
            given = found[1]
            continue
        separator = given or ("\t" if source.form == ".tsv" else _separator(text))
        cells = _cells((number, text), lines, separator, None)
        if isinstance(cells, str) or _unreadable_text("".join(cells)):
            raise FileError(f"{source.path}: the first line must name the columns, as UTF-8 text")
        while len(cells) > 1 and not cells[-1]:
            cells = cells[:-1]  # a trailing separator
        return [cell.strip() for cell in cells], separator
    raise FileError(f"{source.path} is empty")


def _separator(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    return max((",", ";", "\t"), key=bare.count)


class _Pushback:
    """Lines, of which some can be put back."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._waiting: deque[_Line] = deque()

    def __iter__(self) -> Iterator[_Line]:
        return self

    def __next__(self) -> _Line:
        return self._waiting.popleft() if self._waiting else next(self._lines)

    def put_back(self, lines: Sequence[_Line]) -> None:
        """The lines, which come next again."""
        self._waiting.extendleft(reversed(lines))


def _cells(first: _Line, more: _Pushback, separator: str, width: int | None) -> list[str] | str:
    """The cells of the row that begins with a line, or why there are none.

    Quotes count as RFC 4180 has them, over several lines if need be. If they do not come out even, they are text, as
    in ``"Hi" she said``: then the row is this line alone. A cell of CSV that opens a quote and never closes it may be
    cut off, and is an error; many writers of TSV know no quotes.
    """
    if '"' not in first[1]:
        return first[1].split(separator)
    taken: list[_Line] = []

    def following() -> Iterator[str]:
        yield first[1] + "\n"
        while len(taken) < _MOST_QUOTED and (line := next(more, None)) is not None:
            taken.append(line)
            yield line[1] + "\n"

    try:
        cells = next(csv.reader(following(), delimiter=separator, strict=True))
        if not taken or _fits(cells, width):
            return cells
    except csv.Error:
        pass
    more.put_back(taken)
    written = first[1].split(separator)
    if separator != "\t" and _unclosed(first[1], separator):
        return "opens a quote that is not closed; double each quote that is text, and put the cell in quotes"
    if _fits(written, width):
        return written
    lenient = next(csv.reader([first[1].replace("\r", " ")], delimiter=separator))
    return lenient if _fits(lenient, width) else "has a quote that is not closed; double each quote inside a cell"


def _unclosed(line: str, separator: str) -> bool:
    """Whether the line ends within a quoted cell."""
    try:
        next(csv.reader([line.replace("\r", " ")], delimiter=separator, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


# -- JSON --------------------------------------------------------------------------------------------------------------


class _Twice(ValueError):
    """An object with one member twice."""


def _json_rows(source: RowFile) -> Iterator[FileRow]:
    waiting = _Pushback(_lines(source))
    first = next((line for line in waiting if line[1].strip()), None)
    if first is None:
        raise FileError(f"{source.path} is empty")
    waiting.put_back([first])
    if first[1].lstrip().startswith("[") and (rows := _array(source)) is not None:
        yield from rows
        return
    for number, text in waiting:
        if text.strip():
            yield _json_row(number, text)


def _json_row(number: int, text: str) -> FileRow:
    why = None if text.isascii() else _unreadable_text(text)
    if why is None:
        try:
            return _object(number, _decode(text.strip().removesuffix(",")))
        except _Twice as twice:
            why = f"{twice}; keep one of them"
        except RecursionError:
            why = "is nested too deeply"
        except ValueError as error:
            why = f"is not JSON: {error}; write one object a line"
    return FileRow(number, {}, why)


def _array(source: RowFile) -> list[FileRow] | None:
    """The rows of a file that is one JSON array; None when it is not: each line may be an array."""
    parts, size = [], 0
    for _, text in _lines(source):
        parts.append(text)
        size += len(text) + 1
        if size > _MOST_ARRAY:
            raise FileError(f"{source.path}: a JSON array is read as a whole; write one object a line (.jsonl)")
    try:
        rows = _decode("\n".join(parts))
    except (ValueError, RecursionError):
        return None
    return [_object(None, row) for row in rows]


def _decode(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_members, parse_float=WrittenFloat)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"has the member {twice[:80]!r} twice")
    return members


def _object(line: int | None, row: Any) -> FileRow:
    if isinstance(row, dict):
        return FileRow(line, row)
    return FileRow(line, {}, 'is not an object; write rows such as {"id": "1", "body": "…"}')


# -- Parquet -----------------------------------------------------------------------------------------------------------


def _parquet_rows(source: RowFile) -> Iterator[FileRow]:
    with _polars_explained(source):
        for batch in _scan(source).collect_batches(chunk_size=4_096):
            for row in batch.to_dicts():
                yield FileRow(None, {name: from_parquet(value) for name, value in row.items()})


def _scan(source: RowFile) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet(source.path)


class _polars_explained:
    """Turns errors of polars about a file into a FileError."""

    def __init__(self, source: RowFile) -> None:
        self._path = source.path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and kind is not None and kind.__module__.startswith("polars"):
            raise FileError(f"{self._path} cannot be read: {str(error).splitlines()[0]}") from error
