"""Files of feature rows: a column for each feature and ``content_type`` beside them, as JSON lines or Parquet.

Also read where they are there: ``actor``, ``language``, ``label`` (whether a person found a violation), ``snoozed``
(rules), ``item``, ``revision`` and ``decision`` (surrogates), ``unknown`` (names of unknown features) and
``unknown_because`` (a reason for each of these, in their order), ``at_least(…)`` (what the answered parts of an unknown
signal reach) and ``below(…)`` (a signal was measured roughly: it is known to be below this).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

from seawall.backtest.past_rows import NOT_MEASURED, Batches, PastRow, features_read, not_measured
from seawall.batch.records import record_file
from seawall.model import UNKNOWN, FeatureValue
from seawall.policy import Bundle, Feature
from seawall.policy.tree import FeatureOrigin, ValueType

NOT_IN_FILE: Final = "the file does not have it"
NOT_EXPORTED: Final = "it is a text, which files of rows do not hold"
NO_NUMBER: Final = "its value fits into no column"

_PAGE: Final = 1_000
_READ: Final = 10 * _PAGE  # rows of Parquet that are read together
_LARGEST: Final = 1 << 63
_AGE: Final = "age(actor)"
_BESIDE: Final[Mapping[str, type]] = {
    "content_type": str, "item": str, "revision": int, "decision": str, "actor": str, "language": str, "label": bool,
    "snoozed": list, "unknown": list, "unknown_because": list, _AGE: float,
}  # fmt: skip
_TYPES: Final[Mapping[ValueType, type]] = {
    ValueType.NUMBER: float,
    ValueType.INTEGER: int,
    ValueType.DURATION: float,
    ValueType.TIMESTAMP: float,
    ValueType.BOOLEAN: bool,
    ValueType.TEXT: str,
}


class RowsFileError(Exception):
    """A file of feature rows that cannot be read; the message names the place and the remedy."""


class FileRows:
    """Feature rows of a file. What a row lacks is unknown; null is absence where a feature may be absent, else unknown.

    ``part``: of Parquet, the rows from the first number (from 0) up to the second.
    """

    def __init__(self, path: Path, bundles: Sequence[Bundle], part: tuple[int, int] | None = None) -> None:
        self._path = path
        self._bundles = bundles
        self._part = part

    def batches(self) -> Batches:
        """Every row, in pages. Raises RowsFileError."""
        page: list[PastRow] = []
        for number, values in self._values():
            page.append(self.row(number, values))
            if len(page) >= _PAGE:
                yield page
                page = []
        if page:
            yield page

    def _values(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row with its number from 1."""
        if self._path.suffix == ".parquet":
            start, stop = self._part or (0, parquet_length(self._path))
            return enumerate(_parquet(self._path, start, stop), start + 1)
        if self._path.suffix not in (".jsonl", ".ndjson"):
            raise RowsFileError(f"{self._path}: feature rows are .jsonl or .parquet; --save-rows makes them of items")
        return enumerate(self._lines(), 1)

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    values = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise RowsFileError(f"{self._path}:{number}: not JSON: {error}; write one object a line") from None
                if not isinstance(values, dict):
                    raise RowsFileError(f"{self._path}:{number}: not an object; write one object a line")
                yield values

    def row(self, number: int, values: Mapping[str, Any]) -> PastRow:
        """One row, by its number from 1. Raises RowsFileError."""
        name = values.get("content_type")
        if not isinstance(name, str) or any(name not in bundle.content_types for bundle in self._bundles):
            known = ", ".join(sorted(self._bundles[-1].content_types))
            raise RowsFileError(
                f"{self._path}: row {number}: content_type {name!r} is not in force; it must be one of {known}"
            )
        why = self._unknown(number, values)
        features = features_read(self._bundles, name)
        row: dict[str, FeatureValue] = {}
        missing: dict[str, str] = {}
        rough: dict[str, float] = {}
        for feature in features.values():
            value = values.get(feature.name, UNKNOWN)
            if feature.name not in values and feature.name not in why:
                missing[feature.name] = NOT_IN_FILE
            if feature.name in why or (value is None and not feature.optional):
                value = UNKNOWN
            if why.get(feature.name):
                missing[feature.name] = why[feature.name]
            row[feature.name] = self._checked(number, feature, value)
            if not feature.growing:
                continue
            if value is UNKNOWN:
                if (bound := self._number(number, values, feature.bound)) is not None:
                    row[feature.bound] = bound
            elif (below := self._number(number, values, f"below({feature.name})")) is not None:
                rough[feature.name] = below
        for name_of_none, of in absences(features):
            if row[of] is not UNKNOWN and row[name_of_none] not in (UNKNOWN, row[of] is None):
                raise RowsFileError(f"{self._path}: row {number}: {name_of_none!r} does not fit {of!r}, {row[of]!r}")
        actor, label = values.get("actor"), values.get("label")
        if label is not None and not isinstance(label, bool):
            raise RowsFileError(f"{self._path}: row {number}: 'label' must be true, false or null, not {label!r}")
        return PastRow(
            content_type=name,
            row=row,
            missing=missing | not_measured(self._bundles[-1].program(name), features, rough),
            rough=rough,
            language=self._text(number, values, "language") or self._text(number, values, "item.language"),
            actor=None if actor is None else str(actor),
            age_s=self._number(number, values, _AGE),
            snoozed=self._texts(number, values, "snoozed"),
            label=label,
            item=self._text(number, values, "item") or str(number),
            revision=int(self._number(number, values, "revision") or 0),
            decision=self._text(number, values, "decision") or "",
        )

    def _unknown(self, number: int, values: Mapping[str, Any]) -> dict[str, str]:
        """The names of unknown features, with the reason or an empty text."""
        names = self._texts(number, values, "unknown")
        reasons = self._texts(number, values, "unknown_because") or ("",) * len(names)
        if len(reasons) != len(names):
            raise RowsFileError(
                f"{self._path}: row {number}: 'unknown' has {len(names)} names and 'unknown_because' {len(reasons)} "
                "reasons; write one for each name, an empty one where there is none"
            )
        return dict(zip(names, reasons, strict=True))

    def _texts(self, number: int, values: Mapping[str, Any], name: str) -> tuple[str, ...]:
        given = values.get(name)
        if given is None:
            return ()
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise RowsFileError(f"{self._path}: row {number}: {name!r} must be a list of texts, not {given!r}")
        return tuple(given)

    def _text(self, number: int, values: Mapping[str, Any], name: str) -> str | None:
        given = values.get(name)
        if given is not None and not (isinstance(given, str) and given.isprintable()):
            raise RowsFileError(f"{self._path}: row {number}: {name!r} must be a printable text, not {given!r}")
        return given

    def _number(self, number: int, values: Mapping[str, Any], name: str) -> float | None:
        given = values.get(name)
        if given is None:
            return None
        if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
            raise RowsFileError(f"{self._path}: row {number}: {name!r} must be a number, not {given!r}")
        return given

    def _checked(self, number: int, feature: Feature, value: Any) -> FeatureValue:
        """The value, of the type that rules expect; NaN is unknown."""
        if value is UNKNOWN or value is None:
            return UNKNOWN if value is UNKNOWN else None
        if isinstance(value, float) and value != value:
            return UNKNOWN
        wanted: Any = {ValueType.TEXT: str, ValueType.BOOLEAN: bool}.get(feature.kind, int | float)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise RowsFileError(f"{self._path}: row {number}: {feature.name!r} must be a {feature.kind}, not {value!r}")
        return value  # type: ignore[no-any-return]


def absences(features: Mapping[str, Feature]) -> Iterator[tuple[str, str]]:
    """Features that say whether another one is None, each with that one."""
    for name, feature in features.items():
        if feature.origin is FeatureOrigin.IS_NONE and feature.subject is not None:
            of = f"{feature.subject.owner}.{feature.subject.name}"
            if of in features:
                yield name, of


def parquet_length(path: Path) -> int:
    """Rows of a Parquet file. Raises RowsFileError."""
    import polars as pl

    try:
        return int(pl.scan_parquet(path).select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as error:
        raise RowsFileError(f"{path} is not a Parquet file that can be read: {error}") from None


def _parquet(path: Path, start: int, stop: int) -> Iterator[dict[str, Any]]:
    import polars as pl

    try:
        for first in range(start, stop, _READ):
            count = min(_READ, stop - first)
            yield from pl.scan_parquet(path).slice(first, count).collect().iter_rows(named=True)
    except pl.exceptions.PolarsError as error:
        raise RowsFileError(f"{path} is not a Parquet file that can be read: {error}") from None


# -- writing -----------------------------------------------------------------------------------------------------------


def write_rows(target: Path, bundles: Sequence[Bundle], batches: Batches) -> Counter[str]:
    """Write rows as ``FileRows`` reads them, without texts; how many of each content type. Raises FileError.

    ``bundles``: whose features the rows have. In memory is one page. ``target`` appears when it is complete.
    """
    columns = _columns(bundles)
    schema = dict(_BESIDE)
    for name, feature in columns.items():
        schema[name] = _TYPES[feature.kind]
        if feature.growing:
            schema |= {feature.bound: float, f"below({name})": float}
    # In Parquet, every row has every column: null must not be taken for absence there.
    listed = columns if target.suffix == ".parquet" else {}
    written: Counter[str] = Counter()
    with record_file(target, schema) as write:
        for page in batches:
            write([_record(past, columns, listed) for past in page])
            written.update(past.content_type for past in page)
    return written


def _columns(bundles: Sequence[Bundle]) -> dict[str, Feature]:
    """The features that have a column. One that is a text for some content type and a number for another has none."""
    columns: dict[str, Feature] = {}
    refused: set[str] = set()
    for name in sorted(frozenset[str]().union(*(bundle.content_types for bundle in bundles))):
        for feature in features_read([bundle for bundle in bundles if name in bundle.content_types], name).values():
            other = columns.setdefault(feature.name, feature)
            kinds = {_TYPES.get(other.kind), _TYPES.get(feature.kind)}
            if kinds == {int, float}:
                columns[feature.name] = feature if _TYPES[feature.kind] is float else other
            elif len(kinds) > 1 or None in kinds:
                refused.add(feature.name)
    return {name: feature for name, feature in columns.items() if name not in refused}


def _record(past: PastRow, columns: Mapping[str, Feature], listed: Mapping[str, Feature]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "content_type": past.content_type,
        "item": past.item,
        "revision": past.revision,
        "decision": past.decision,
        "actor": past.actor,
        "language": past.language,
        "label": past.label,
        "snoozed": past.snoozed,
        _AGE: past.age_s,
    }
    why: dict[str, str] = {}
    for name, value in past.row.items():
        feature = columns.get(name)
        if value is UNKNOWN:
            why[name] = past.missing.get(name, "")
        elif feature is not None:
            record[name] = cell = None if feature.personal else _cell(feature, value)
            if cell is None and value is not None:
                why[name] = NOT_EXPORTED if feature.personal else NO_NUMBER
            elif name in past.rough and isfinite(past.rough[name]):
                record[f"below({name})"] = past.rough[name]
            elif name in past.rough:  # nobody knows below what
                why[name] = NOT_MEASURED
        elif name.startswith("at_least("):
            record[name] = value
        else:
            why[name] = NOT_EXPORTED
    why |= dict.fromkeys((name for name in listed if name not in past.row and record.get(name) is None), NOT_IN_FILE)
    return record | {"unknown": list(why), "unknown_because": list(why.values())}


def _cell(feature: Feature, value: Any) -> Any:
    """The value as its column holds it; None for one that does not fit."""
    kind = _TYPES[feature.kind]
    if isinstance(value, bool) or kind in (bool, str):
        return value if isinstance(value, kind) else None
    if not isinstance(value, int | float) or not isfinite(value) or not abs(value) < _LARGEST:
        return None
    return kind(value) if kind(value) == value else None
