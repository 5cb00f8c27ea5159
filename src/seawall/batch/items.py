"""Items of a file's rows: which column is which field, and which column says what is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from seawall.batch.cells import as_field, as_id, as_text, as_timestamp
from seawall.batch.rows import FileError, FileRow, RowFile
from seawall.content import ItemError, validate_item
from seawall.model import ContentType, Item

ANY: Final = "any"  # label for "violates any policy"
_MOST_VALUES: Final = 10_000  # distinct values of a truth's column that are counted
_SHOWN: Final = 20  # values of a truth's column that an error names


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthColumn:
    """A column of labels: a row violates ``policy`` (or any) when ``column`` has one of ``values``."""

    policy: str
    column: str
    values: frozenset[str]

    def holds(self, value: Any) -> bool:
        """Whether a cell is one of the values, as the file writes it or as Python does (``True``; 1 for 1.0)."""
        return not self.values.isdisjoint(_spellings(value))

    def unseen(self, found: Counter[str]) -> list[str]:
        """The values that no row has, of a column with these. Raises FileError when no row has any of them."""
        missing = sorted(value for value in self.values if value not in found)
        if found and len(missing) == len(self.values):
            shown = ", ".join(repr(value[:80]) for value, _ in found.most_common(_SHOWN))
            more = "" if len(found) <= _SHOWN else f" and {len(found) - _SHOWN:,} others"
            raise FileError(
                f"no row has {' or '.join(map(repr, missing))} in the column {self.column!r} (truth {self.policy}), so "
                f"precision and recall would mean nothing; its values are: {shown}{more}"
            )
        return missing


def _spellings(value: Any) -> set[str]:
    spelled = {as_text(value)}
    if isinstance(value, bool):
        spelled.add(str(value))
    elif isinstance(value, float) and value.is_integer():
        spelled.add(str(int(value)))
    return spelled


def values_of(source: RowFile, truth: TruthColumn) -> Counter[str]:
    """How often each value occurs in a truth's column, in the truth's own spelling if it names the value."""
    found: Counter[str] = Counter()
    for row in source.rows():
        if row.error is None:
            value = row.values.get(truth.column)
            spelled = next(iter(truth.values & _spellings(value)), as_text(value))
            if spelled in found or spelled in truth.values or len(found) < _MOST_VALUES:
                found[spelled] += 1
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Mapping of columns to an item. ``fields``: field → column. ``id`` and ``actor`` default to the row's number."""

    content_type: str
    fields: Mapping[str, str]
    id: str | None = None
    actor: str | None = None
    language: str | None = None
    created_at: str | None = None
    truths: tuple[TruthColumn, ...] = ()


def item_of(row: FileRow, number: int, mapping: ColumnMapping, content_type: ContentType, text_cells: bool) -> Item:
    """The item of a row. Raises ItemError when the row cannot be read or does not fit the content type."""
    if row.error is not None:
        raise ItemError("row", row.error, "the other rows are screened")
    return validate_item(content_type, _raw(row.values, number, mapping, content_type, text_cells))


def _raw(
    row: Mapping[str, Any], number: int, mapping: ColumnMapping, content_type: ContentType, text_cells: bool
) -> dict[str, Any]:
    fields = {}
    for name, column in mapping.fields.items():
        spec = content_type.field(name)
        if spec is not None and (value := row.get(column)) is not None:
            fields[name] = as_field(value, spec, text_cells)
    raw: dict[str, Any] = {"fields": fields, "id": as_id(row.get(mapping.id)) if mapping.id else f"row-{number}"}
    raw["actor"] = {"id": as_id(row.get(mapping.actor)) if mapping.actor else f"actor-{number}"}
    if mapping.language:
        raw["language"] = row.get(mapping.language)
    if mapping.created_at:
        raw["created_at"] = as_timestamp(row.get(mapping.created_at))
    return raw


def check_mapping(source: RowFile, mapping: ColumnMapping, content_type: ContentType) -> None:
    """Raises FileError when the file lacks a column, or the content type a field."""
    named = {f"field {name}": column for name, column in mapping.fields.items()}
    named |= {name: column for name in ("id", "actor", "language", "created_at") if (column := getattr(mapping, name))}
    named |= {f"truth {truth.policy}": truth.column for truth in mapping.truths}
    source.check_readable()
    columns = source.columns(named.values())
    for what, column in named.items():
        if columns.count(column) > 1:
            raise FileError(f"{source.path} has {columns.count(column)} columns {column!r} (for {what}); rename them")
        if column not in columns:
            known = ", ".join(columns)
            raise FileError(f"{source.path} has no column {column!r} (for {what}); its columns are: {known}")
    for name in mapping.fields:
        if content_type.field(name) is None:
            known = ", ".join(spec.name for spec in content_type.fields)
            raise FileError(f"the content type {content_type.name} has no field {name!r}; its fields are: {known}")


def chunks_of(source: RowFile, size: int) -> Iterator[list[FileRow]]:
    """The rows, so many at a time."""
    rows = source.rows()
    while chunk := list(islice(rows, size)):
        yield chunk
