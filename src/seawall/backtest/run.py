"""A backtest: the bundle in force and another one decide the same past rows, and what differs is counted."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import polars as pl

from seawall.backtest.columnar import ColumnarProgram
from seawall.backtest.past_rows import Batches, PastRow
from seawall.backtest.report import (
    NOT_KNOWN,
    OTHER_ACTIONS,
    BacktestExample,
    BacktestReport,
    ChangedGroup,
    LabelFigures,
    RuleFigures,
    UnknownFeature,
    cohort_of,
)
from seawall.model import UNKNOWN, FeatureRow, Verdict
from seawall.policy import Bundle, Outcome

EXAMPLES: Final = 50
_KEPT: Final = 50  # of each stratum, before they are mixed
_REMEMBERED: Final = 100_000  # combinations of rules
_EVERY: Final = 50  # one row in so many is decided by the row engine as well, beside one of each combination


class EnginesDisagree(RuntimeError):
    """The columns and the row engine gave different results for one row: a defect of Seawall. Nothing is reported."""


@dataclass(frozen=True, slots=True)
class _Side:
    """What one bundle makes of a row."""

    state: str  # a verdict, or unknown: rules that are undetermined could change it
    kinds: tuple[str, ...]  # of the actions
    fired: tuple[str, ...]
    acting: frozenset[str]


class _Engine:
    """One bundle's rules over columns, checked against the row engine as it goes."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._programs: dict[tuple[str, frozenset[str]], ColumnarProgram] = {}
        self._known: dict[tuple[Any, ...], _Side] = {}
        self.checked = 0

    def decide(self, content_type: str, overlays: tuple[str, ...], rows: Sequence[PastRow]) -> list[_Side]:
        """``overlays``: the creators' overlays that were on for these rows. Raises EnginesDisagree."""
        on = self._bundle.overlays_on(content_type, overlays)
        columnar = self._programs.get((content_type, on))
        if columnar is None:
            columnar = ColumnarProgram(self._bundle.program(content_type, on))
            self._programs[content_type, on] = columnar
        values = [_as_read(each, columnar) for each in rows]
        masks = columnar.masks(columnar.columns(values), values) if columnar.program.rules else pl.DataFrame()
        found = []
        keys = masks.rows() or [()] * len(rows)
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        for number, (past, row, key) in enumerate(zip(rows, values, keys, strict=True)):
            whole = (content_type, on, past.snoozed, *key)
            side = self._known.get(whole)
            if side is None or number % _EVERY == 0:
                self._check(columnar, past, row, key)
                side = self._known[whole] = side or _side(columnar, row, past.snoozed)
            found.append(side)
        return found

    def _check(self, columnar: ColumnarProgram, past: PastRow, row: FeatureRow, key: tuple[int, ...]) -> None:
        self.checked += 1
        expected = tuple(columnar.masks_of_row(row).values()) if columnar.program.rules else ()
        if expected != key:
            raise EnginesDisagree(
                f"The two engines disagree about {past.decision or f'row {past.item}'} ({past.content_type}) under the "
                f"bundle {self._bundle.hash[:12]}: rows {expected}, columns {key}. No figures are given. Please report "
                "it with the bundle and the decision's explanation."
            )


def _as_read(past: PastRow, columnar: ColumnarProgram) -> FeatureRow:
    """The row with what was measured too roughly for these rules as unknown."""
    if not past.rough:
        return past.row
    thresholds = columnar.program.thresholds
    arguments = {each.name: str(each.argument) for each in columnar.program.features if each.name in past.rough}
    coarse = [name for name, signal in arguments.items() if thresholds.get(signal, past.rough[name]) < past.rough[name]]
    return {**past.row, **dict.fromkeys(coarse, UNKNOWN)} if coarse else past.row


def _side(columnar: ColumnarProgram, row: FeatureRow, snoozed: tuple[str, ...]) -> _Side:
    outcome: Outcome = columnar.program.decide(row, snoozed)
    fired, _ = columnar.program.fired(row)
    names = tuple(rule.id for rule in fired if rule.id not in snoozed)
    return _Side(
        state="unknown" if outcome.degraded else outcome.verdict.value,
        kinds=tuple(sorted({action.kind for action in outcome.actions})),
        fired=names,
        acting=frozenset(rule.id for rule in fired if rule.rule.acts and rule.id in names),
    )


class _Tally:
    """Counts of one run."""

    def __init__(self) -> None:
        self.rows = 0
        self.changed = 0
        self.by: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.directions: Counter[str] = Counter()
        self.people: dict[str, set[bytes]] = defaultdict(set)
        self.rules: dict[str, Counter[str]] = defaultdict(Counter)
        self.overlap: Counter[tuple[str, str]] = Counter()
        self.labels: dict[str, Counter[str]] = {"in force": Counter(), "draft": Counter()}
        self.missing: Counter[tuple[str, str]] = Counter()
        self.unknown = Counter[str]()
        self.examples: dict[tuple[str, str], list[BacktestExample]] = defaultdict(list)
        self._chance = random.Random(0)  # noqa: S311  (a sample)
        self._seen: Counter[tuple[str, str]] = Counter()

    def add(self, past: PastRow, surface: str, before: _Side, after: _Side, draft_rules: frozenset[str]) -> None:
        """One row under both bundles."""
        self.rows += 1
        self.missing.update(past.missing.items())
        for name, side in (("in force", before), ("draft", after)):
            self.unknown[name] += side.state == "unknown"
            self._label(self.labels[name], past.label, side.state)
        self._rules(before, after, draft_rules)
        if (before.state, before.kinds) == (after.state, after.kinds):
            return
        direction = f"{before.state} → {after.state}" if before.state != after.state else OTHER_ACTIONS
        self.changed += 1
        self.directions[direction] += 1
        for name, value in (
            ("content type", past.content_type),
            ("language", past.language or NOT_KNOWN),
            ("surface", surface),
            ("age of the account", cohort_of(past.age_s)),
        ):
            self.by[name][value, direction] += 1
        if past.actor is not None:
            who = blake2b(past.actor.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            self.people[""].add(who)
            self.people[direction].add(who)
        self._example(past, direction, before, after)

    @staticmethod
    def _label(counts: Counter[str], label: bool | None, state: str) -> None:
        if label is None:
            return
        stopped = state in (Verdict.HOLD.value, Verdict.BLOCK.value)
        counts["unknown" if state == "unknown" else f"{'stopped' if stopped else 'let through'} {label}"] += 1

    def _rules(self, before: _Side, after: _Side, draft_rules: frozenset[str]) -> None:
        for rule in after.fired:
            if rule in draft_rules:
                self.rules[rule]["fired"] += 1
                self.rules[rule]["alone"] += not (before.acting - {rule})
                self.overlap.update((rule, other) for other in before.acting if other != rule)
        for rule in before.fired:
            if rule in draft_rules:
                self.rules[rule]["before"] += 1

    def _example(self, past: PastRow, direction: str, before: _Side, after: _Side) -> None:
        """Keep an evenly drawn sample of each stratum."""
        stratum = past.content_type, direction
        self._seen[stratum] += 1
        held = self.examples[stratum]
        place = len(held) if len(held) < _KEPT else self._chance.randrange(self._seen[stratum])
        if place >= _KEPT:
            return
        made = BacktestExample(
            content_type=past.content_type,
            direction=direction,
            item=past.item,
            revision=past.revision,
            decision=past.decision,
            language=past.language,
            label=past.label,
            actions_before=before.kinds,
            actions_after=after.kinds,
            rules_before=tuple(sorted(before.acting)),
            rules_after=tuple(sorted(after.acting)),
        )
        held[place : place + 1] = [made]


def run_backtest(in_force: Bundle, draft: Bundle, batches: Batches, *, seconds: float | None = None) -> BacktestReport:
    """Decide every row under both bundles and report what differs. Raises EnginesDisagree, and what reading raises.

    ``seconds``: the wall time after which no further page is read; the report says that history was not read whole.
    """
    tally, engines = _Tally(), (_Engine(in_force), _Engine(draft))
    changed = changed_rules(in_force, draft)
    surfaces = {name: each.surface for name, each in draft.content_types.items()}
    end = None if seconds is None else time.monotonic() + seconds
    whole = True
    for batch in batches:
        groups: dict[tuple[str, tuple[str, ...]], list[PastRow]] = defaultdict(list)
        for past in batch:
            groups[past.content_type, past.overlays].append(past)
        for (name, overlays), rows in groups.items():
            sides = zip(rows, *(engine.decide(name, overlays, rows) for engine in engines), strict=True)
            for past, before, after in sides:
                tally.add(past, str(surfaces.get(name, "")), before, after, changed)
        if end is not None and time.monotonic() > end:
            whole = False
            break
    return _report(tally, in_force, draft, changed, sum(engine.checked for engine in engines), whole)


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


def _report(
    tally: _Tally, in_force: Bundle, draft: Bundle, changed: frozenset[str], checked: int, whole: bool
) -> BacktestReport:
    overlaps: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (rule, other), count in tally.overlap.most_common():
        overlaps[rule].append((other, count))
    return BacktestReport(
        in_force=in_force.hash,
        draft=draft.hash,
        rows=tally.rows,
        whole=whole,
        changed=tally.changed,
        people=len(tally.people[""]),
        directions=dict(tally.directions.most_common()),
        people_by_direction={name: len(who) for name, who in tally.people.items() if name},
        by={
            name: tuple(
                ChangedGroup(value=value, direction=direction, items=count)
                for (value, direction), count in counts.most_common()
            )
            for name, counts in tally.by.items()
        },
        labels={name: LabelFigures.of(counts) for name, counts in tally.labels.items()},
        rules=tuple(
            RuleFigures(
                rule=rule,
                fired_before=tally.rules[rule]["before"],
                fired=tally.rules[rule]["fired"],
                alone=tally.rules[rule]["alone"],
                overlaps=tuple(overlaps[rule][:5]),
            )
            for rule in sorted(changed)
        ),
        unknown_in_force=tally.unknown["in force"],
        unknown_draft=tally.unknown["draft"],
        missing=tuple(
            UnknownFeature(feature=name, reason=reason, rows=count)
            for (name, reason), count in tally.missing.most_common()
        ),
        examples=_mixed(tally.examples),
        checked=checked,
    )


def _mixed(strata: dict[tuple[str, str], list[BacktestExample]]) -> tuple[BacktestExample, ...]:
    """Up to fifty examples, taken from the strata in turn."""
    found: list[BacktestExample] = []
    for place in range(_KEPT):
        for stratum in sorted(strata):
            if place < len(strata[stratum]) and len(found) < EXAMPLES:
                found.append(strata[stratum][place])
    return tuple(found)
