"""What a backtest found, as values, in plain words, and as JSON."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any, Final

import msgspec

from seawall.measure import wilson

NOT_KNOWN: Final = "not known"
OTHER_ACTIONS: Final = "other actions"
"""The direction of an item whose verdict stays, with other actions."""

_DAY: Final = 86_400.0
_LIMITS: Final = (_DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY)
COHORTS: Final = ("under a day", "under a week", "under a month", "under a year", "a year and more")
"""Accounts by their age at the decision."""


def cohort_of(age_s: float | None) -> str:
    """How old an account was, in words."""
    return NOT_KNOWN if age_s is None else COHORTS[bisect_right(_LIMITS, age_s)]


class LabelShare(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its 95 % interval (Wilson); ``value`` None: there is nothing to take a share of."""

    value: float | None
    lower: float
    upper: float
    count: int
    of: int


class LabelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Held or blocked items against what people answered about them. ``unknown``: labelled, and not determined."""

    precision: LabelShare
    recall: LabelShare
    unknown: int

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> LabelFigures:
        """From the counts of labelled rows."""
        right, wrong = counts.get("stopped True", 0), counts.get("stopped False", 0)
        lost = counts.get("let through True", 0)
        return cls(
            precision=_share(right, right + wrong), recall=_share(right, right + lost), unknown=counts.get("unknown", 0)
        )


def _share(count: int, of: int) -> LabelShare:
    found = wilson(count, of)
    value = None if isnan(found.value) else found.value
    return LabelShare(value=value, lower=found.lower, upper=found.upper, count=count, of=of)


class ChangedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """How many items of one kind would be decided otherwise, in one direction."""

    value: str
    direction: str
    items: int


class RuleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of a policy that differs. ``alone``: no other rule in force acted on the item."""

    rule: str
    fired_before: int
    fired: int
    alone: int
    overlaps: tuple[tuple[str, int], ...]  # rules in force that acted on the same items, most often first


class UnknownFeature(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is not stored and could not be computed again, in so many rows."""

    feature: str
    reason: str
    rows: int


class BacktestExample(msgspec.Struct, frozen=True, kw_only=True):
    """An item that would be decided otherwise; its content is read where its reader may see it."""

    content_type: str
    direction: str
    item: str
    revision: int
    decision: str
    language: str | None
    label: bool | None
    actions_before: tuple[str, ...]
    actions_after: tuple[str, ...]
    rules_before: tuple[str, ...]
    rules_after: tuple[str, ...]


class BacktestReport(msgspec.Struct, frozen=True, kw_only=True):
    """What would change. ``whole``: all of the history asked for was read; otherwise its newest ``rows`` alone.

    ``checked``: rows that the row engine decided as well, with the same result.
    """

    in_force: str
    draft: str
    rows: int
    whole: bool
    changed: int
    people: int
    directions: Mapping[str, int]
    people_by_direction: Mapping[str, int]
    by: Mapping[str, tuple[ChangedGroup, ...]]
    labels: Mapping[str, LabelFigures]
    rules: tuple[RuleFigures, ...]
    unknown_in_force: int
    unknown_draft: int
    missing: tuple[UnknownFeature, ...]
    examples: tuple[BacktestExample, ...]
    checked: int

    def to_json(self) -> Any:
        """Plain dicts, lists and scalars."""
        return msgspec.to_builtins(self)

    def render(self) -> str:
        """The report as text."""
        return "\n".join(_lines(self))


def _lines(report: BacktestReport) -> Iterator[str]:
    read = "all that were asked for" if report.whole else "the newest part of history; the time was up"
    yield f"{report.rows:,} items read: {read}. Nothing was recorded."
    yield f"{report.changed:,} would be decided otherwise, of {report.people:,} accounts."
    for direction, count in report.directions.items():
        yield f"  {direction}: items {count:,}, accounts {report.people_by_direction.get(direction, 0):,}"
    for name, groups in report.by.items():
        yield f"By {name}"
        for group in groups:
            yield f"  {group.value}: {group.direction}: {group.items:,}"
    yield "Rules that differ"
    for rule in report.rules:
        others = ", ".join(f"{name} {count:,}" for name, count in rule.overlaps)
        yield f"  {rule.rule}: fires {rule.fired:,} (in force {rule.fired_before:,}), alone {rule.alone:,}" + (
            f"; with {others}" if others else ""
        )
    yield "Against what people answered (held or blocked; these are cases that rules, reports and appeals chose)"
    for name, figures in report.labels.items():
        yield f"  {name}: precision {_shown(figures.precision)}; recall {_shown(figures.recall)}" + (
            f"; {figures.unknown:,} labelled items unknown" if figures.unknown else ""
        )
    yield f"Unknown: {report.unknown_draft:,} items with the draft, {report.unknown_in_force:,} in force"
    for each in report.missing:
        yield f"  {each.feature} in {each.rows:,} items: {each.reason}"
    if report.examples:
        yield "Examples"
    for one in report.examples:
        rules = ", ".join(one.rules_after) or "no rule"
        yield f"  {one.content_type} {one.decision or one.item}: {one.direction}; {rules}"
    yield f"{report.checked:,} decisions were made by the row engine as well, with the same result."


def _shown(share: LabelShare) -> str:
    if share.value is None:
        return "no labels"
    return f"{share.value:.3f} ({share.lower:.3f} to {share.upper:.3f}; {share.count:,} of {share.of:,})"
