"""Feature rows of the items in a file, as the detectors of today see them. Nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

from seawall.backtest.past_rows import NOT_COUNTED, Batches, PastRow, features_read
from seawall.batch.items import ColumnMapping, TruthColumn, check_mapping, chunks_of, item_of, values_of
from seawall.batch.rows import FileError, FileRow, RowFile, open_rows
from seawall.content import ItemError, parts_of
from seawall.content.freshness import stale_attributes
from seawall.content.links import add_link_parts
from seawall.detect import Findings, Runner
from seawall.model import UNKNOWN, ContentType, Item, Part, Unknown, now_ms
from seawall.policy import Bundle, Context, Feature
from seawall.policy.features import providers, row_builder
from seawall.screen.plans import POST_PUBLISH, StagePlan, stage_plan
from seawall.screen.prohibitions import not_permitted, plan_here

NOT_ANSWERED: Final = "no detector answered"
_TOGETHER: Final = 512  # rows that are screened together
_TOLD: Final = 5  # refused rows that are named


@dataclass(slots=True)
class RefusedRows:
    """Rows that are no items: they are in no figure."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, number: int, row: FileRow, why: str) -> None:
        """Count one, and name the first few."""
        self.count += 1
        if len(self.first) < _TOLD:
            self.first.append(f"row {number}: {why}" + ("" if row.line is None else f" (line {row.line})"))


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """An item of the file with its plan under each bundle."""

    number: int  # of its row, from 1
    row: FileRow
    item: Item
    parts: Sequence[Part]
    plans: tuple[StagePlan, ...]

    @property
    def asked(self) -> tuple[frozenset[str], tuple[tuple[str, tuple[str, ...]], ...]]:
        """The detectors, and the extractors by field, that some bundle wants to ask and may."""
        extract: dict[str, dict[str, None]] = {}
        for plan in self.plans:
            for place, names in plan.extract_ever.items():
                extract.setdefault(place, {}).update(dict.fromkeys(names))
        wanted = frozenset[str]().union(*(plan.wanted for plan in self.plans))
        return wanted, tuple((place, tuple(names)) for place, names in sorted(extract.items()))


class ItemRows:
    """Screens the rows of a file (see ``seawall.batch.rows``) for what the rules of two bundles read.

    The mapping's first truth says whether an item violates a policy; an empty cell says nothing. Counters are not
    counted: they are unknown. Raises FileError, also when a column is missing.
    """

    def __init__(
        self,
        path: Path,
        mapping: ColumnMapping,
        bundles: Sequence[Bundle],
        runner: Runner,
    ) -> None:
        content_types = [bundle.content_types.get(mapping.content_type) for bundle in bundles]
        if content_types[-1] is None or None in content_types:
            known = ", ".join(sorted(bundles[-1].content_types))
            raise FileError(f"there is no content type {mapping.content_type!r}; there are: {known}")
        self.refused = RefusedRows()
        self._key = token_bytes(16)
        self._file: RowFile = open_rows(path)
        self._mapping = mapping
        self._label: TruthColumn | None = next(iter(mapping.truths), None)
        self._content_type: ContentType = content_types[-1]
        self._runner = runner
        self._features = features_read(bundles, mapping.content_type)
        self._providers = {
            name: providers([str(feature.argument)], runner.specs)
            for name, feature in self._features.items()
            if feature.growing
        }
        specs = {spec.name: spec for spec in runner.specs}
        self._plans = tuple(
            stage_plan(bundle, self._content_type, POST_PUBLISH, specs, runner.extractors) for bundle in bundles
        )
        limited = frozenset(f"actor.{spec.name}" for plan in self._plans for spec in plan.program.limited)
        self._build: Callable[[Context], Mapping[str, Any]] = row_builder(
            self._features.values(), bundles[-1].detectors, limited
        )
        check_mapping(self._file, mapping, self._content_type)
        if self._label is not None:
            self._label.unseen(values_of(self._file, self._label))

    def batches(self, progress: Callable[[int], None] = lambda rows: None) -> Batches:
        """Every item, in pages. Raises FileError."""
        number = 0
        for rows in chunks_of(self._file, _TOGETHER):
            yield list(self._page(rows, number))
            number += len(rows)
            progress(len(rows))

    def _page(self, rows: Sequence[FileRow], before: int) -> Iterator[PastRow]:
        now = now_ms()
        groups: dict[Any, list[_LookedAt]] = {}
        for number, row in enumerate(rows, before + 1):
            try:
                item = item_of(row, number, self._mapping, self._content_type, self._file.text_cells)
            except ItemError as error:
                self.refused.add(number, row, row.error or str(error))
                continue
            plans = tuple(plan_here(plan, item, now, self._runner) for plan in self._plans)
            one = _LookedAt(number, row, item, add_link_parts(parts_of(item, self._content_type)), plans)
            groups.setdefault(one.asked, []).append(one)
        found: list[tuple[_LookedAt, Findings]] = []
        for (wanted, extract), group in groups.items():
            answers = self._runner.run_batch(
                [one.parts for one in group],
                wanted,
                extract=dict(extract),
                unchecked=self._plans[0].unchecked,
                names=[one.item.id for one in group],
            )
            found += zip(group, answers, strict=True)
        for one, findings in sorted(found, key=lambda each: each[0].number):
            yield self._row(one, findings, now)

    def _row(self, one: _LookedAt, found: Findings, now: int) -> PastRow:
        parts = found.parts or one.parts
        silent = [each for plan in one.plans for each in not_permitted(plan, parts, self._runner)]
        stale = [each for plan in one.plans for each in stale_attributes(one.item, plan.program.limited, now)]
        unknown = (*found.unknown, *dict.fromkeys((*silent, *stale)))
        row = dict(self._build(Context(one.item, parts, found.signals, unknown, now)))
        missing = {
            name: self._why(feature, unknown) for name, feature in self._features.items() if row[name] is UNKNOWN
        }
        created = one.item.actor_attributes.get("created_at")
        return PastRow(
            content_type=self._content_type.name,
            row=row,
            missing=missing,
            language=one.item.language,
            actor=None if self._mapping.actor is None or one.item.actor is None else self._surrogate(one.item.actor),
            age_s=max(now - created, 0) / 1000 if isinstance(created, int) else None,
            label=self._labelled(one.row),
            item=str(one.number),
        )

    def _surrogate(self, account: str) -> str:
        """A name of the account that is kept in place of its id; another one in every run."""
        return blake2b(account.encode("utf-8", "surrogatepass"), key=self._key, digest_size=8).hexdigest()

    def _labelled(self, row: FileRow) -> bool | None:
        cell = None if self._label is None else row.values.get(self._label.column)
        return None if cell is None or self._label is None else self._label.holds(cell)

    def _why(self, feature: Feature, unknown: Sequence[Unknown]) -> str:
        if feature.counter is not None:
            return NOT_COUNTED
        asked = self._providers.get(feature.name)
        reasons = sorted({each.reason.value for each in unknown if asked is None or each.detector in asked})
        return f"{NOT_ANSWERED}: {', '.join(reasons)}" if reasons else NOT_ANSWERED
