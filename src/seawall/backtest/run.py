"""A backtest: the bundle in force and another one decide the same past rows, and what differs is counted."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from seawall.backtest.columnar import ColumnarProgram
from seawall.backtest.counts import BacktestCounts, Side
from seawall.backtest.past_rows import Batches, PastRow
from seawall.backtest.report import BacktestReport
from seawall.model import UNKNOWN, FeatureRow
from seawall.policy import Bundle, Outcome

_REMEMBERED: Final = 100_000  # combinations of rules
_EVERY: Final = 50  # one row in so many is decided by the row engine as well, beside one of each combination


class EnginesDisagree(RuntimeError):
    """The columns and the row engine gave different results for one row: a defect of Seawall. Nothing is reported.

    ``row``: the decision, or the number of the row in a file. ``bundle``: under whose rules.
    """

    def __init__(self, message: str, row: str, bundle: str) -> None:
        super().__init__(message, row, bundle)  # all of them: it is raised in other processes, too
        self.row = row
        self.bundle = bundle

    def __str__(self) -> str:
        return str(self.args[0])


class Engine:
    """One bundle's rules over columns, checked against the row engine as it goes."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._programs: dict[tuple[str, frozenset[str]], ColumnarProgram] = {}
        self._known: dict[tuple[Any, ...], Side] = {}
        self.checked = 0

    def decide(self, content_type: str, overlays: tuple[str, ...], rows: Sequence[PastRow]) -> list[Side]:
        """``overlays``: the creators' overlays that were on for these rows. Raises EnginesDisagree."""
        on = self.bundle.overlays_on(content_type, overlays)
        columnar = self.columnar(content_type, on)
        values = [as_read(each, columnar) for each in rows]
        masks = columnar.masks(columnar.columns(values), values) if columnar.program.rules else pl.DataFrame()
        found = []
        keys = masks.rows() or [()] * len(rows)
        for number, (past, row, key) in enumerate(zip(rows, values, keys, strict=True)):
            side = self.known(content_type, on, past.snoozed, key)
            if side is None or number % _EVERY == 0:
                side = self.decide_one(past, row, on, key)
            found.append(side)
        return found

    def columnar(self, content_type: str, on: frozenset[str] = frozenset()) -> ColumnarProgram:
        """The rules of a content type, with those of the creators' overlays ``on``."""
        found = self._programs.get((content_type, on))
        if found is None:
            found = self._programs[content_type, on] = ColumnarProgram(self.bundle.program(content_type, on))
        return found

    def known(
        self, content_type: str, on: frozenset[str], snoozed: tuple[str, ...], key: tuple[int, ...]
    ) -> Side | None:
        """What a combination of rules gives, if a row of it was decided before."""
        return self._known.get((content_type, on, snoozed, *key))

    def decide_one(self, past: PastRow, row: FeatureRow, on: frozenset[str], key: tuple[int, ...]) -> Side:
        """Decide a row by the row engine, which must find the rules of ``key``. Raises EnginesDisagree."""
        columnar = self.columnar(past.content_type, on)
        self._check(columnar, past, row, key)
        whole = (past.content_type, on, past.snoozed, *key)
        if (side := self._known.get(whole)) is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            side = self._known[whole] = _side(columnar, row, past.snoozed)
        return side

    def _check(self, columnar: ColumnarProgram, past: PastRow, row: FeatureRow, key: tuple[int, ...]) -> None:
        self.checked += 1
        expected = tuple(columnar.masks_of_row(row).values()) if columnar.program.rules else ()
        if expected != key:
            name, bundle = past.decision or f"row {past.item}", self.bundle.hash
            raise EnginesDisagree(
                f"The two engines disagree about {name} ({past.content_type}) under the bundle {bundle[:12]}: "
                f"rows {expected}, columns {key}. No figures are given. Please report it with the bundle and the "
                "decision's explanation.",
                name,
                bundle,
            )


def as_read(past: PastRow, columnar: ColumnarProgram) -> FeatureRow:
    """The row with what was measured too roughly for these rules as unknown."""
    if not past.rough:
        return past.row
    thresholds = columnar.program.thresholds
    arguments = {each.name: str(each.argument) for each in columnar.program.features if each.name in past.rough}
    coarse = [name for name, signal in arguments.items() if thresholds.get(signal, past.rough[name]) < past.rough[name]]
    return {**past.row, **dict.fromkeys(coarse, UNKNOWN)} if coarse else past.row


def _side(columnar: ColumnarProgram, row: FeatureRow, snoozed: tuple[str, ...]) -> Side:
    outcome: Outcome = columnar.program.decide(row, snoozed)
    fired, _ = columnar.program.fired(row)
    names = tuple(rule.id for rule in fired if rule.id not in snoozed)
    return Side(
        state="unknown" if outcome.degraded else outcome.verdict.value,
        kinds=tuple(sorted({action.kind for action in outcome.actions})),
        fired=names,
        acting=frozenset(rule.id for rule in fired if rule.rule.acts and rule.id in names),
    )


def run_backtest(in_force: Bundle, draft: Bundle, batches: Batches, *, seconds: float | None = None) -> BacktestReport:
    """Decide every row under both bundles and report what differs. Raises EnginesDisagree, and what reading raises.

    ``seconds``: the wall time after which no further page is read; the report says that history was not read whole.
    """
    counts = count_rows(in_force, draft, batches, seconds=seconds)
    return counts.report(in_force, draft, changed_rules(in_force, draft))


def count_rows(in_force: Bundle, draft: Bundle, batches: Batches, *, seconds: float | None = None) -> BacktestCounts:
    """Decide every row under both bundles and count what differs. Raises and stops as ``run_backtest`` does."""
    counts, engines = BacktestCounts(), (Engine(in_force), Engine(draft))
    add_rows(counts, engines, batches, seconds=seconds)
    counts.checked = sum(engine.checked for engine in engines)
    return counts


def add_rows(
    counts: BacktestCounts, engines: tuple[Engine, Engine], batches: Batches, *, seconds: float | None = None
) -> None:
    """Count rows with engines that remember what they decided before; they count their own checks."""
    in_force, draft = (engine.bundle for engine in engines)
    changed = changed_rules(in_force, draft)
    surfaces = {name: each.surface for name, each in draft.content_types.items()}
    end = None if seconds is None else time.monotonic() + seconds
    for batch in batches:
        groups: dict[tuple[str, tuple[str, ...]], list[PastRow]] = defaultdict(list)
        for past in batch:
            groups[past.content_type, past.overlays].append(past)
        for (name, overlays), rows in groups.items():
            sides = zip(rows, *(engine.decide(name, overlays, rows) for engine in engines), strict=True)
            for past, before, after in sides:
                counts.add(past, str(surfaces.get(name, "")), before, after, changed)
        if end is not None and time.monotonic() > end:
            counts.whole = False
            break


def changed_rules(in_force: Bundle, draft: Bundle) -> frozenset[str]:
    """The rules of policies that differ between the bundles, "policy/rule"."""
    texts = {policy.name: policy.source.text for policy in in_force.policies}
    theirs = {policy.name: policy.source.text for policy in draft.policies}
    differing = {name for name in texts.keys() | theirs.keys() if texts.get(name) != theirs.get(name)}
    return frozenset(
        f"{policy.name}/{rule.id}"
        for bundle in (in_force, draft)
        for policy in bundle.policies
        if policy.name in differing
        for rule in policy.rules
    )
