"""Import of entries from JSON lines or CSV files of any size; errors name the line."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from seawall.match import NO_HASHERS, Hashers
from seawall.publish.banks.entries import NewEntry, add_in, canonical, check_new_meanings
from seawall.publish.banks.errors import BankError
from seawall.publish.banks.settings import check_name
from seawall.storage import Ledger, Transaction

if TYPE_CHECKING:
    from seawall.detectors.text.meanings import MeaningDetector

_MOST_FAULTS: Final = 20  # reported before an import stops
_COLUMNS: Final = tuple(one.name for one in fields(NewEntry))


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One entry, and which line of the file it came from."""

    number: int
    entry: NewEntry
    value: str  # canonical


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Counts of one import."""

    read: int
    added: int
    held: int  # were in the bank already


def parse_entries(data: bytes, source: str | None = None) -> list[NewEntry]:
    """Entries from JSON lines. Raises BankError that names the line."""
    return [line.entry for line in _collect(_json_lines(io.BytesIO(data), source), NO_HASHERS)]


def read_file(path: Path, source: str | None = None, hashers: Hashers = NO_HASHERS) -> list[ImportLine]:
    """Every entry of a ``.jsonl`` or ``.csv`` file, checked. ``source`` is that of entries that name none.

    Raises BankError that names up to 20 invalid lines and their errors; OSError.
    """
    with path.open("rb") as file:
        rows = _csv_lines(file, source) if path.suffix.lower() == ".csv" else _json_lines(file, source)
        return _collect(rows, hashers)


def import_entries(
    ledger: Ledger,
    bank: str,
    lines: Sequence[ImportLine],
    by: str,
    progress: Callable[[int], None] = lambda done: None,
    meanings: MeaningDetector | None = None,
) -> ImportResult:
    """Add entries in small chunks, each durable as a whole. An interrupted import can be run again.

    ``meanings`` compares entries of kind ``meaning`` with harmless sentences first; without it none are taken. Raises
    BankError.
    """
    check_name(bank)
    check_new_meanings(ledger, bank, ((line.entry, line.value) for line in lines), meanings)

    def unit(tx: Transaction, chunk: Sequence[ImportLine]) -> int:
        return add_in(tx, bank, [line.entry for line in chunk], [line.value for line in chunk], by).fresh

    added = 0
    for done, fresh in ledger.commit_chunks(lines, unit):
        added += fresh
        progress(done)
    return ImportResult(read=len(lines), added=added, held=len(lines) - added)


Row = tuple[int, NewEntry | str]  # line number, and its entry or its error


def _collect(rows: Iterator[Row], hashers: Hashers) -> list[ImportLine]:
    lines: list[ImportLine] = []
    faults: list[str] = []
    for number, row in rows:
        if isinstance(row, str):
            faults.append(f"line {number}: {row}")
        else:
            try:
                lines.append(ImportLine(number, row, canonical(row, f"line {number}", hashers)))
            except BankError as error:
                faults.append(str(error))
        if len(faults) >= _MOST_FAULTS:
            faults.append("… and possibly more; nothing was added")
            break
    if faults:
        raise BankError("\n".join(faults))
    return lines


def _json_lines(file: io.BufferedIOBase | io.BufferedReader | io.BytesIO, source: str | None) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)  # as some exports begin
        if line.strip():
            try:
                value = msgspec.json.decode(line)
                twice = _repeated_member(line, value)
                yield number, f"has the member {twice!r} twice; keep one" if twice else _json_entry(value, source)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield number, str(error)


def _repeated_member(line: bytes, value: Any) -> str | None:
    """The name of a member that the line's object has twice: of two values, one would be ignored."""
    if line.count(b":") == msgspec.json.encode(value).count(b":") and b"\\u003" not in line:
        return None  # certain, and cheap: decoders keep one of two members
    pairs = json.loads(line, object_pairs_hook=lambda found: found)
    names = [name for name, _ in pairs] if isinstance(value, dict) else []
    return next((name for name in names if names.count(name) > 1), None)


def _json_entry(value: Any, source: str | None) -> NewEntry | str:
    """An entry. A member that is not known is refused: an expiry that is misspelt would never expire."""
    if isinstance(value, dict):
        if strange := [name for name in value if name not in _COLUMNS]:
            return f"unknown member {strange[0]!r}; members are {', '.join(_COLUMNS)}"
        if source is not None:
            value.setdefault("source", source)
    return msgspec.convert(value, NewEntry)


def _csv_lines(file: io.BufferedReader, source: str | None) -> Iterator[Row]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.DictReader(text, strict=True)
    try:
        names = reader.fieldnames or ()
        if strange := [name for name in names if name not in _COLUMNS]:
            yield 1, f"unknown column {strange[0]!r}; columns are {', '.join(_COLUMNS)}"
            return
        if twice := [name for name in _COLUMNS if names.count(name) > 1]:
            yield 1, f"there are two columns {twice[0]!r}; keep one"
            return
        if missing := [name for name in ("kind", "value") if name not in names]:
            yield 1, f"the first line must name the columns; {missing[0]} is missing"
            return
        for row in reader:
            yield reader.line_num, _csv_entry(row, source)
    except (csv.Error, UnicodeDecodeError) as error:
        yield reader.line_num + 1, str(error)
    finally:
        text.detach()


def _csv_entry(row: dict[str | Any, Any], source: str | None) -> NewEntry | str:
    if None in row or None in row.values():
        return f"{'more' if None in row else 'fewer'} columns than the first line names"
    given = {name: value for name, value in row.items() if value != ""}
    if source is not None:
        given.setdefault("source", source)
    try:
        return msgspec.convert(given, NewEntry, strict=False)
    except msgspec.ValidationError as error:
        return str(error)
