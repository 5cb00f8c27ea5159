"""Counterfactuals: single-feature changes of a row that explanations try out by deciding again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import inf, nextafter
from typing import Final

from seawall.model import UNKNOWN, FeatureRow, FeatureValue
from seawall.model.durations import format_duration
from seawall.policy.program import Program
from seawall.policy.tree import Feature, FeatureOrigin, Operator, TypedTerm, ValueType, literal

_FIXED: Final = frozenset({FeatureOrigin.NOW, FeatureOrigin.CANARY, FeatureOrigin.IS_NONE})  # not tried

NEAR: Final = 0.25
"""A rule is a near miss when a change of at most this distance would have made it fire."""


@dataclass(frozen=True, slots=True)
class CounterfactualChange:
    """A row with one feature changed: the row, the distance of the change, and its description."""

    feature: Feature
    row: FeatureRow
    distance: float
    after: str


def candidates(program: Program, row: FeatureRow, modes: Collection[str] = ()) -> Iterator[CounterfactualChange]:
    """Every single-feature change worth trying for the rules in these modes.

    Numbers just across a threshold, inverted booleans, and codes replaced by one that a rule names. Free text is never
    made up.
    """
    tried: set[tuple[str, object]] = set()
    for rule in program.rules:
        if rule.rule.acts or rule.rule.mode in modes:
            for feature, value, after in _moves(rule.when, row):
                if (feature.name, value) not in tried and _possible(row, feature, value):
                    tried.add((feature.name, value))
                    distance = _distance(row, feature, value)
                    yield CounterfactualChange(feature, _changed(program, row, feature, value), distance, after)


def _possible(row: FeatureRow, feature: Feature, value: FeatureValue) -> bool:
    """Whether the value differs and is not below what the answered parts already reach."""
    bound = row.get(feature.bound)
    if isinstance(bound, int | float) and isinstance(value, int | float) and value < bound:
        return False
    return value != row[feature.name]


def _moves(term: TypedTerm, row: FeatureRow) -> Iterator[tuple[Feature, FeatureValue, str]]:
    for arg in term.args:
        yield from _moves(arg, row)
    feature = term.feature if term.op is Operator.FEATURE else term.args[0].feature if term.args else None
    if feature is None or feature.personal or feature.origin in _FIXED:
        return
    if term.op is Operator.FEATURE and feature.kind is ValueType.BOOLEAN:
        before = row[feature.name]
        for value in (True, False):
            if before is not value:
                yield feature, value, f"= {value}"
    elif term.op is Operator.IN:
        for entry in term.value if isinstance(term.value, tuple) else ():
            yield feature, entry, f"= {show_value(feature.kind, entry)}"
    elif term.op is Operator.COMPARE and term.args[1].op is Operator.CONST:
        threshold = term.args[1].value
        if isinstance(threshold, int | float) and not isinstance(threshold, bool):
            yield from _around(feature, threshold)
        elif isinstance(threshold, str):
            yield feature, threshold, f"= {show_value(feature.kind, threshold)}"


def _around(feature: Feature, threshold: float) -> Iterator[tuple[Feature, FeatureValue, str]]:
    shown = show_value(feature.kind, threshold)
    yield feature, threshold, f"= {shown}"
    if feature.kind in (ValueType.INTEGER, ValueType.TIMESTAMP):
        for value in (int(threshold) - 1, int(threshold) + 1):
            yield feature, value, f"= {show_value(feature.kind, value)}"
    else:
        yield feature, nextafter(threshold, -inf), f"just below {shown}"
        yield feature, nextafter(threshold, inf), f"just above {shown}"


def _distance(row: FeatureRow, feature: Feature, value: FeatureValue) -> float:
    """Distance relative to the larger of the two values, and to 1 for probabilities; 0.25 for what is not a number."""
    before = row[feature.name]
    if before is UNKNOWN:
        before = row.get(feature.bound, 0.0)
    if not isinstance(before, int | float) or not isinstance(value, int | float) or isinstance(value, bool):
        return NEAR
    return abs(value - before) / max(abs(value), abs(before), 1.0)


def _changed(program: Program, row: FeatureRow, feature: Feature, value: FeatureValue) -> FeatureRow:
    """The row with one feature changed. A signal is the maximum over its parts, so its columns change together."""
    changed = dict(row)
    changed[feature.name] = value
    changed.pop(feature.bound, None)
    for other in program.features:
        if other.argument != feature.argument or other.name == feature.name or not other.growing:
            continue
        held = changed[other.name]
        if isinstance(held, int | float) and isinstance(value, int | float):
            lifted = feature.origin is FeatureOrigin.IN_PART and other.origin is FeatureOrigin.SIGNAL
            lowered = feature.origin is FeatureOrigin.SIGNAL and other.origin is FeatureOrigin.IN_PART
            if lifted:
                changed[other.name] = max(held, value)
            elif lowered:
                changed[other.name] = min(held, value)
    return changed


def show_value(kind: ValueType, value: object) -> str:
    """A value as written in a rule."""
    if value is None:
        return "None"
    if kind is ValueType.DURATION and isinstance(value, int | float):
        return format_duration(value)
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return literal(value) if isinstance(value, str) else str(value)
