"""Screening a file of rows with the detectors and compiled rules of live traffic, without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from seawall.batch.cells import as_field, as_id, as_text, as_timestamp
from seawall.batch.rows import FileError, FileRow, RowFile, open_rows
from seawall.content import ItemError, parts_of, validate_item
from seawall.content.links import add_link_parts
from seawall.detect import Findings, Runner
from seawall.detect.cascade import with_dependent
from seawall.measure import Accuracy, accuracy
from seawall.model import ContentType, DetectorSpec, Item, Part, Unknown, UnknownReason, Verdict, now_ms
from seawall.model.not_permitted import RULE_TEXTS
from seawall.policy import Bundle, Context
from seawall.policy.prohibitions import concerned, holding

if TYPE_CHECKING:
    from seawall.detect.batch import NearDuplicates

_ReadRow: TypeAlias = tuple[FileRow, dict[str, Any], Item, Sequence[Part]]
_CHUNK = 512  # rows screened together
_MOST_VALUES = 10_000  # distinct values of a truth's column that are counted
_SHOWN = 20  # values of a truth's column that an error names
ANY = "any"  # label for "violates any policy"


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


def _values(source: RowFile, truth: TruthColumn) -> Counter[str]:
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


@dataclass(slots=True)
class BatchSummary:
    """Results of a run. ``predicted`` and ``true`` have one entry per screened row for each truth."""

    rows: int = 0
    refused: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    refusals: list[tuple[int, str]] = field(default_factory=list)  # the first few: row number, reason
    predicted: dict[str, list[bool]] = field(default_factory=dict)
    restricted: dict[str, list[bool]] = field(default_factory=dict)
    true: dict[str, list[bool]] = field(default_factory=dict)
    unseen: dict[str, list[str]] = field(default_factory=dict)  # by column, values of truths that no row has
    skipped: Counter[str] = field(default_factory=Counter)  # by detector, parts outside its score range
    asked: Counter[str] = field(default_factory=Counter)  # by slow detector, parts it evaluated
    copied: Counter[str] = field(default_factory=Counter)  # by slow detector, parts given the result of a similar text

    def refuse(self, record: dict[str, Any], why: str) -> None:
        """Count a row that was not screened, and say why in its record."""
        self.refused += 1
        record["error"] = why
        if len(self.refusals) < 5:
            where = f" (line {record['line']})" if "line" in record else ""
            self.refusals.append((record["row"], f"{why}{where}"))

    def accuracies(self) -> dict[str, tuple[Accuracy, Accuracy]]:
        """For each truth: accuracy of the policy's rules, and of the verdict (not ``allow``)."""
        return {
            name: (accuracy(true, self.predicted[name]), accuracy(true, self.restricted[name]))
            for name, true in self.true.items()
            if true
        }


def count_rows(path: Path) -> int:
    """Rows of the file; reads it once. Raises FileError."""
    return sum(1 for _ in open_rows(path).rows())


def screen_file(
    source: Path,
    target: Path,
    mapping: ColumnMapping,
    bundle: Bundle,
    runner: Runner,
    *,
    alike: NearDuplicates | None = None,
    progress: Callable[[int], None] = lambda _rows: None,
) -> BatchSummary:
    """Screen every row of ``source`` (see ``seawall.batch.rows``) and write one decision a row to ``target``.

    ``target`` ends in .jsonl or .parquet and appears only when it is complete. A row that cannot be read or does not
    fit its content type is written with its error and counted; the others continue. With ``alike``, slow detectors
    judge one of several nearly equal texts within some thousand rows. Raises FileError.
    """
    content_type = bundle.content_types.get(mapping.content_type)
    if content_type is None:
        raise FileError(
            f"there is no content type {mapping.content_type!r}; there are: {', '.join(bundle.content_types)}"
        )
    _check_truths(mapping, bundle)
    file = open_rows(source)
    _check_mapping(file, mapping, content_type)
    summary = BatchSummary()
    for truth in mapping.truths:
        summary.predicted[truth.policy], summary.restricted[truth.policy], summary.true[truth.policy] = [], [], []
    with _writer(target) as write:
        values = {truth: _values(file, truth) for truth in mapping.truths}
        summary.unseen = {truth.column: missing for truth in mapping.truths if (missing := truth.unseen(values[truth]))}
        for rows in _chunks(file, _CHUNK if alike is None else 8 * _CHUNK):
            write(_screen_rows(rows, file.text_cells, mapping, content_type, bundle, runner, summary, alike))
            progress(len(rows))
    if alike is not None:
        summary.asked, summary.copied = alike.asked, alike.copied
    return summary


def _screen_rows(
    rows: Sequence[FileRow],
    text_cells: bool,
    mapping: ColumnMapping,
    content_type: ContentType,
    bundle: Bundle,
    runner: Runner,
    summary: BatchSummary,
    alike: NearDuplicates | None = None,
) -> list[dict[str, Any]]:
    program = bundle.program(content_type.name)
    records: list[dict[str, Any]] = []
    good = []
    for row in rows:
        number = summary.rows
        summary.rows += 1
        record: dict[str, Any] = {"row": number} if row.line is None else {"row": number, "line": row.line}
        records.append(record)
        try:
            if row.error is not None:
                raise ItemError("row", row.error, "the other rows are screened")
            item = validate_item(content_type, _raw(row.values, number, mapping, content_type, text_cells))
        except ItemError as error:
            summary.refuse(record, row.error or str(error))
            continue
        good.append((row, record, item, add_link_parts(parts_of(item, content_type))))
    now = now_ms()
    for (row, record, item, parts), found in _looked_at(good, content_type, bundle, runner, alike, now):
        context = Context(item=item, parts=parts, signals=found.signals, unknown=found.unknown, now_ms=now)
        outcome = program.decide(program.row(context))
        summary.verdicts[outcome.verdict.value] += 1
        summary.degraded += outcome.degraded
        summary.skipped.update(detector for detector, _ in found.skipped)
        fired = {reason.policy for reason in outcome.reasons}
        summary.policies.update(fired)
        record.update(
            id=item.id,
            verdict=outcome.verdict.value,
            actions=[{"kind": action.kind, **action.parameters} for action in outcome.actions],
            rules=[f"{reason.policy}/{reason.rule}" for reason in outcome.reasons],
            shadow=[f"{reason.policy}/{reason.rule}" for reason in outcome.shadow],
            undetermined=list(outcome.undetermined),
            degraded=outcome.degraded,
            signals=_strongest(found.signals),
        )
        likes = sorted({like for signal in found.signals if (like := _like(signal.evidence))})
        if likes:
            record["like"] = likes
        for truth in mapping.truths:
            summary.true[truth.policy].append(truth.holds(row.values.get(truth.column)))
            summary.predicted[truth.policy].append(bool(fired) if truth.policy == ANY else truth.policy in fired)
            summary.restricted[truth.policy].append(outcome.verdict is not Verdict.ALLOW)
    return records


def _looked_at(
    rows: Sequence[_ReadRow],
    content_type: ContentType,
    bundle: Bundle,
    runner: Runner,
    alike: NearDuplicates | None,
    now: int,
) -> Iterator[tuple[_ReadRow, Findings]]:
    """Each row with what the detectors that are permitted for it found, in the order of the rows.

    What the others would have said is unknown, so their rules are undetermined.
    """
    program, specs = bundle.program(content_type.name), runner.specs
    groups: dict[frozenset[str], list[int]] = {}
    for number, (_, _, item, _) in enumerate(rows):
        held = [concerned(each, specs) for each in holding(bundle.not_permitted, item, content_type, now)]
        groups.setdefault(frozenset[str]().union(*held), []).append(number)
    found: dict[int, Findings] = {}
    for names, numbers in groups.items():
        withheld = with_dependent(names, specs, runner.score_ranges).keys() if names else frozenset[str]()
        asked = runner.run_batch(
            [rows[number][3] for number in numbers],
            program.detectors - withheld,
            near_duplicates=alike,
            names=[rows[number][2].id for number in numbers],
        )
        for number, one in zip(numbers, asked, strict=True):
            silent = _silent(withheld, specs, rows[number][3])
            found[number] = msgspec.structs.replace(one, unknown=one.unknown + silent) if silent else one
    return ((row, found[number]) for number, row in enumerate(rows))


def _silent(withheld: Collection[str], specs: Sequence[DetectorSpec], parts: Sequence[Part]) -> tuple[Unknown, ...]:
    why = UnknownReason.NOT_PERMITTED
    texts = (Unknown(detector=RULE_TEXTS, part="", reason=why),) if RULE_TEXTS in withheld else ()
    return texts + tuple(
        Unknown(detector=spec.name, part=part.path, reason=why)
        for spec in specs
        if spec.name in withheld
        for part in parts
        if part.modality in spec.modalities
    )


def _strongest(signals: Sequence[Any]) -> dict[str, float]:
    values: dict[str, float] = {}
    for signal in signals:
        if signal.value > values.get(signal.name, -1.0):
            values[signal.name] = round(signal.value, 6)
    return values


def _like(evidence: str | None) -> str | None:
    """The item with a similar text that was judged instead of this one, if any."""
    _, marked, item = (evidence or "").rpartition("like:")
    return item if marked else None


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


def _check_mapping(source: RowFile, mapping: ColumnMapping, content_type: ContentType) -> None:
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


def _check_truths(mapping: ColumnMapping, bundle: Bundle) -> None:
    policies = [policy.name for policy in bundle.policies]
    for truth in mapping.truths:
        if truth.policy != ANY and truth.policy not in policies:
            raise FileError(f"there is no policy {truth.policy!r}; use {ANY} or one of: {', '.join(policies)}")


def _chunks(source: RowFile, size: int) -> Iterator[list[FileRow]]:
    rows = source.rows()
    while chunk := list(islice(rows, size)):
        yield chunk


class _writer:
    """Writes records to a temporary file and renames it at the end, so that the target is always complete."""

    def __init__(self, target: Path) -> None:
        if target.suffix not in (".jsonl", ".parquet"):
            raise FileError(f"{target}: decisions are written as .jsonl or .parquet")
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Callable[[list[dict[str, Any]]], None]:
        try:
            self._file = self._part.open("wb")
        except OSError as error:
            raise FileError(f"cannot write {self._part}: {error.strerror}") from error
        return self._write

    def _write(self, records: list[dict[str, Any]]) -> None:
        if self._target.suffix == ".parquet":
            records = [_flat(record) for record in records]
        self._file.write(self._encoder.encode_lines(records))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._file.close()
        if error is not None:
            self._part.unlink(missing_ok=True)
            return
        if self._target.suffix == ".parquet":
            _to_parquet(self._part, self._target)
            self._part.unlink()
        else:
            self._part.replace(self._target)


def _to_parquet(source: Path, target: Path) -> None:
    """Convert JSON lines to Parquet, streaming: the file need not fit into memory."""
    import polars as pl

    text, texts, count = pl.String(), pl.List(pl.String), pl.Int64()
    schema: dict[str, Any] = {
        "row": count, "line": count, "id": text, "verdict": text, "actions": text, "rules": texts, "shadow": texts,
        "undetermined": texts, "degraded": pl.Boolean(), "signals": text, "like": texts, "error": text,
    }  # fmt: skip
    half = target.with_name(target.name + ".half")
    pl.scan_ndjson(source, schema=schema).sink_parquet(half)
    half.replace(target)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """The record with values that have no fixed columns as JSON texts."""
    nested = {name: msgspec.json.encode(record[name]).decode() for name in ("actions", "signals") if name in record}
    return record | nested
