"""What a backtest counts while it runs. Counts of parts of the rows add up to the counts of all, in any order."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

from seawall.backtest.past_rows import PastRow
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
from seawall.model import Verdict
from seawall.policy import Bundle

EXAMPLES: Final = 50
_KEPT: Final = 50  # of each stratum, before they are mixed
_ENCODER: Final = msgspec.json.Encoder()
_Key = TypeVar("_Key", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class Side:
    """What one bundle makes of a row."""

    state: str  # a verdict, or unknown: rules that are undetermined could change it
    kinds: tuple[str, ...]  # of the actions
    fired: tuple[str, ...]
    acting: frozenset[str]

    def differs_from(self, other: Side) -> bool:
        """Whether it is another decision: another verdict, or other actions."""
        return (self.state, self.kinds) != (other.state, other.kinds)


@dataclass(slots=True)
class BacktestCounts:
    """Counts of some rows. ``add_counts`` is associative and commutative: how rows are parted makes no difference.

    ``checked`` alone depends on it: each part has one row of every combination of rules decided by the row engine.
    """

    rows: int = 0
    changed: int = 0
    checked: int = 0
    whole: bool = True
    by: defaultdict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    directions: Counter[str] = field(default_factory=Counter)
    people: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    rules: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    overlap: Counter[tuple[str, str]] = field(default_factory=Counter)
    labels: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    samples: defaultdict[tuple[str, str], _Sample] = field(default_factory=lambda: defaultdict(_Sample))

    def add(self, past: PastRow, surface: str, before: Side, after: Side, draft_rules: frozenset[str]) -> None:
        """One row under both bundles."""
        self.missing.update(past.missing.items())
        self.add_alike(1, past.label, before, after, draft_rules)
        if before.differs_from(after):
            self.add_changed(past, surface, before, after)

    def add_alike(self, rows: int, label: bool | None, before: Side, after: Side, draft_rules: frozenset[str]) -> None:
        """Rows with the same results and the same label, but for what is counted of changed ones alone."""
        self.rows += rows
        for name, side in (("in force", before), ("draft", after)):
            self.unknown[name] += rows * (side.state == "unknown")
            self._label(self.labels[name], label, side.state, rows)
        self._rules(before, after, draft_rules, rows)

    def add_changed(self, past: PastRow, surface: str, before: Side, after: Side) -> None:
        """What is counted beside of a row that is decided otherwise."""
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
        self.samples[past.content_type, direction].add(_example(past, direction, before, after))

    def add_counts(self, other: BacktestCounts) -> None:
        """The counts of other rows."""
        self.rows += other.rows
        self.changed += other.changed
        self.checked += other.checked
        self.whole = self.whole and other.whole
        self.directions.update(other.directions)
        self.overlap.update(other.overlap)
        self.missing.update(other.missing)
        self.unknown.update(other.unknown)
        for name, groups in other.by.items():
            self.by[name].update(groups)
        for name, who in other.people.items():
            self.people[name] |= who
        for rule, figures in other.rules.items():
            self.rules[rule].update(figures)
        for name, labelled in other.labels.items():
            self.labels[name].update(labelled)
        for stratum, sample in other.samples.items():
            self.samples[stratum].add_sample(sample)

    @staticmethod
    def _label(counts: Counter[str], label: bool | None, state: str, rows: int) -> None:
        if label is None:
            return
        stopped = state in (Verdict.HOLD.value, Verdict.BLOCK.value)
        counts["unknown" if state == "unknown" else f"{'stopped' if stopped else 'let through'} {label}"] += rows

    def _rules(self, before: Side, after: Side, draft_rules: frozenset[str], rows: int) -> None:
        for rule in after.fired:
            if rule in draft_rules:
                self.rules[rule]["fired"] += rows
                self.rules[rule]["alone"] += rows * (not (before.acting - {rule}))
                self.overlap.update({(rule, other): rows for other in before.acting if other != rule})
        for rule in before.fired:
            if rule in draft_rules:
                self.rules[rule]["before"] += rows

    def report(self, in_force: Bundle, draft: Bundle, changed: frozenset[str]) -> BacktestReport:
        """The report on these rows. ``changed``: the rules of policies that differ."""
        overlaps: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for (rule, other), count in _ranked(self.overlap):
            overlaps[rule].append((other, count))
        return BacktestReport(
            in_force=in_force.hash,
            draft=draft.hash,
            rows=self.rows,
            whole=self.whole,
            changed=self.changed,
            people=len(self.people[""]),
            directions=dict(_ranked(self.directions)),
            people_by_direction={name: len(self.people[name]) for name in sorted(self.people) if name},
            by={
                name: tuple(
                    ChangedGroup(value=value, direction=direction, items=count)
                    for (value, direction), count in _ranked(self.by[name])
                )
                for name in self.by
            },
            labels={name: LabelFigures.of(self.labels[name]) for name in ("in force", "draft")},
            rules=tuple(
                RuleFigures(
                    rule=rule,
                    fired_before=self.rules[rule]["before"],
                    fired=self.rules[rule]["fired"],
                    alone=self.rules[rule]["alone"],
                    overlaps=tuple(overlaps[rule][:5]),
                )
                for rule in sorted(changed)
            ),
            unknown_in_force=self.unknown["in force"],
            unknown_draft=self.unknown["draft"],
            missing=tuple(
                UnknownFeature(feature=name, reason=reason, rows=count)
                for (name, reason), count in _ranked(self.missing)
            ),
            examples=self._examples(),
            checked=self.checked,
        )

    def _examples(self) -> tuple[BacktestExample, ...]:
        """Up to fifty examples, taken from the strata in turn."""
        strata = [self.samples[stratum].examples() for stratum in sorted(self.samples)]
        turns = (stratum[place] for place in range(_KEPT) for stratum in strata if place < len(stratum))
        return tuple(example for example, _ in zip(turns, range(EXAMPLES), strict=False))


@dataclass(slots=True)
class _Sample:
    """An evenly drawn sample: the examples with the lowest digests. The same rows give the same sample."""

    _kept: list[tuple[bytes, bytes]] = field(default_factory=list)  # digest, example as JSON; in their order

    def add(self, example: BacktestExample) -> None:
        """An example, which may be drawn."""
        written = _ENCODER.encode(example)
        self._draw((blake2b(written, digest_size=16).digest(), written))

    def add_sample(self, other: _Sample) -> None:
        """A sample of other rows."""
        for one in other._kept:
            self._draw(one)

    def _draw(self, one: tuple[bytes, bytes]) -> None:
        if len(self._kept) < _KEPT or one < self._kept[-1]:
            insort(self._kept, one)
            del self._kept[_KEPT:]

    def examples(self) -> list[BacktestExample]:
        """Those that were drawn."""
        return [msgspec.json.decode(written, type=BacktestExample) for _, written in self._kept]


def _example(past: PastRow, direction: str, before: Side, after: Side) -> BacktestExample:
    return BacktestExample(
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


def _ranked(counts: Counter[_Key]) -> Iterable[tuple[_Key, int]]:
    """The highest counts first, equal ones by name: in an order that no order of the rows changes."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
