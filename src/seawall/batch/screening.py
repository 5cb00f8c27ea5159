"""Screening a file of rows with the detectors and compiled rules of live traffic, without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.content import ItemError, parts_of, validate_item
from seawall.content.links import add_link_parts
from seawall.detect import Runner
from seawall.measure import Accuracy, accuracy
from seawall.model import ContentType, Verdict, now_ms
from seawall.policy import Bundle, Context

if TYPE_CHECKING:
    import polars as pl

    from seawall.detect.batch import NearDuplicates

_CHUNK = 512  # rows screened together
ANY = "any"  # label for "violates any policy"


class FileError(Exception):
    """An invalid file or mapping; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthColumn:
    """A column of labels: a row violates ``policy`` (or any) when ``column`` has one of ``values``."""

    policy: str
    column: str
    values: frozenset[str]


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
    skipped: Counter[str] = field(default_factory=Counter)  # by detector, parts outside its score range
    asked: Counter[str] = field(default_factory=Counter)  # by slow detector, parts it evaluated
    copied: Counter[str] = field(default_factory=Counter)  # by slow detector, parts given the result of a similar text

    def accuracies(self) -> dict[str, tuple[Accuracy, Accuracy]]:
        """For each truth: accuracy of the policy's rules, and of the verdict (not ``allow``)."""
        return {
            name: (accuracy(true, self.predicted[name]), accuracy(true, self.restricted[name]))
            for name, true in self.true.items()
            if true
        }


def count_rows(path: Path) -> int:
    """Rows of the file; reads it once. Raises FileError."""
    import polars as pl

    with _explained(path):
        return int(_scan(path).select(pl.len()).collect().item())


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
    """Screen every row of ``source`` (.csv, .jsonl, .parquet) and write one decision a row to ``target``.

    ``target`` ends in .jsonl or .parquet and appears only when it is complete. A row that does not fit its content
    type is written with its error and counted; the others continue. With ``alike``, slow detectors judge one of several
    nearly equal texts within some thousand rows. Raises FileError.
    """
    content_type = bundle.content_types.get(mapping.content_type)
    if content_type is None:
        raise FileError(
            f"there is no content type {mapping.content_type!r}; there are: {', '.join(bundle.content_types)}"
        )
    _check_mapping(source, mapping, content_type)
    _check_truths(mapping, bundle)
    summary = BatchSummary()
    for truth in mapping.truths:
        summary.predicted[truth.policy], summary.restricted[truth.policy], summary.true[truth.policy] = [], [], []
    with _writer(target) as write, _explained(source):
        for rows in _chunks(source, _CHUNK if alike is None else 8 * _CHUNK):
            write(_screen_rows(rows, mapping, content_type, bundle, runner, summary, alike))
            progress(len(rows))
    if alike is not None:
        summary.asked, summary.copied = alike.asked, alike.copied
    return summary


def _screen_rows(
    rows: Sequence[dict[str, Any]],
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
        record: dict[str, Any] = {"row": number}
        records.append(record)
        try:
            item = validate_item(content_type, _raw(row, number, mapping))
        except ItemError as error:
            summary.refused += 1
            record["error"] = str(error)
            if len(summary.refusals) < 5:
                summary.refusals.append((number, str(error)))
            continue
        good.append((row, record, item, add_link_parts(parts_of(item, content_type))))
    now = now_ms()
    findings = runner.run_batch(
        [parts for _, _, _, parts in good],
        program.detectors,
        near_duplicates=alike,
        names=[item.id for _, _, item, _ in good],
    )
    for (row, record, item, parts), found in zip(good, findings, strict=True):
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
            summary.true[truth.policy].append(str(row.get(truth.column)) in truth.values)
            summary.predicted[truth.policy].append(bool(fired) if truth.policy == ANY else truth.policy in fired)
            summary.restricted[truth.policy].append(outcome.verdict is not Verdict.ALLOW)
    return records


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


def _raw(row: Mapping[str, Any], number: int, mapping: ColumnMapping) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "id": _code(row[mapping.id]) if mapping.id else f"row-{number}",
        "fields": {name: row[column] for name, column in mapping.fields.items() if row[column] is not None},
    }
    raw["actor"] = {"id": _code(row[mapping.actor]) if mapping.actor else f"actor-{number}"}
    for name in ("language", "created_at"):
        column = getattr(mapping, name)
        if column:
            raw[name] = row[column]
    return raw


def _code(value: Any) -> str | None:
    """A cell as an id; None for an empty one, whose row is refused."""
    return None if value is None else str(value)


def _check_mapping(source: Path, mapping: ColumnMapping, content_type: ContentType) -> None:
    with _explained(source):
        columns = _scan(source).collect_schema().names()
    named = {**{f"field {name}": column for name, column in mapping.fields.items()}}
    named.update(
        {name: column for name in ("id", "actor", "language", "created_at") if (column := getattr(mapping, name))}
    )
    named.update({f"truth {truth.policy}": truth.column for truth in mapping.truths})
    for what, column in named.items():
        if column not in columns:
            raise FileError(f"{source} has no column {column!r} (for {what}); its columns are: {', '.join(columns)}")
    for name in mapping.fields:
        if content_type.field(name) is None:
            known = ", ".join(spec.name for spec in content_type.fields)
            raise FileError(f"the content type {content_type.name} has no field {name!r}; its fields are: {known}")


def _check_truths(mapping: ColumnMapping, bundle: Bundle) -> None:
    policies = [policy.name for policy in bundle.policies]
    for truth in mapping.truths:
        if truth.policy != ANY and truth.policy not in policies:
            raise FileError(f"there is no policy {truth.policy!r}; use {ANY} or one of: {', '.join(policies)}")


def _chunks(path: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    for batch in _scan(path).collect_batches(chunk_size=8 * _CHUNK):
        for first in range(0, batch.height, size):
            yield batch.slice(first, size).to_dicts()


def _scan(path: Path) -> pl.LazyFrame:
    import polars as pl

    match path.suffix.lower():
        case ".csv":
            return pl.scan_csv(path, infer_schema=False)
        case ".tsv":
            return pl.scan_csv(path, separator="\t", infer_schema=False)
        case ".jsonl" | ".ndjson":
            return pl.scan_ndjson(path)
        case ".parquet":
            return pl.scan_parquet(path)
    raise FileError(f"{path}: supported files are .csv, .tsv, .jsonl and .parquet")


class _explained:
    """Turn errors of polars and the system about a file into a FileError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        if not self._path.is_file():
            raise FileError(f"there is no file {self._path}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and kind is not None and kind.__module__.startswith("polars"):
            raise FileError(f"{self._path} cannot be read: {str(error).splitlines()[0]}") from error


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
        "row": count, "id": text, "verdict": text, "actions": text, "rules": texts, "shadow": texts,
        "undetermined": texts, "degraded": pl.Boolean(), "signals": text, "like": texts, "error": text,
    }  # fmt: skip
    half = target.with_name(target.name + ".half")
    pl.scan_ndjson(source, schema=schema).sink_parquet(half)
    half.replace(target)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """The record with values that have no fixed columns as JSON texts."""
    nested = {name: msgspec.json.encode(record[name]).decode() for name in ("actions", "signals") if name in record}
    return record | nested
