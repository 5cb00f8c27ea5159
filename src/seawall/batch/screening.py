"""Screening a file of rows with the detectors and compiled rules of live traffic, without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from seawall.batch.items import ANY, ColumnMapping, check_mapping, chunks_of, item_of, values_of
from seawall.batch.records import record_file
from seawall.batch.rows import FileError, FileRow, open_rows
from seawall.content import ItemError, parts_of
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
_SCHEMA: Final = {
    "row": int, "line": int, "id": str, "verdict": str, "actions": str, "rules": list, "shadow": list,
    "undetermined": list, "degraded": bool, "signals": str, "like": list, "error": str,
}  # fmt: skip


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
    check_mapping(file, mapping, content_type)
    summary = BatchSummary()
    for truth in mapping.truths:
        summary.predicted[truth.policy], summary.restricted[truth.policy], summary.true[truth.policy] = [], [], []
    with record_file(target, _SCHEMA) as write:
        values = {truth: values_of(file, truth) for truth in mapping.truths}
        summary.unseen = {truth.column: missing for truth in mapping.truths if (missing := truth.unseen(values[truth]))}
        for rows in chunks_of(file, _CHUNK if alike is None else 8 * _CHUNK):
            records = _screen_rows(rows, file.text_cells, mapping, content_type, bundle, runner, summary, alike)
            write(records if target.suffix == ".jsonl" else [_flat(record) for record in records])
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
            item = item_of(row, number, mapping, content_type, text_cells)
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


def _check_truths(mapping: ColumnMapping, bundle: Bundle) -> None:
    policies = [policy.name for policy in bundle.policies]
    for truth in mapping.truths:
        if truth.policy != ANY and truth.policy not in policies:
            raise FileError(f"there is no policy {truth.policy!r}; use {ANY} or one of: {', '.join(policies)}")


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """The record with values that have no fixed columns as JSON texts."""
    nested = {name: msgspec.json.encode(record[name]).decode() for name in ("actions", "signals") if name in record}
    return record | nested
