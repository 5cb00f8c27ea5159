"""The lowest values of signals that rules tell apart: below them, a detector need not measure exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from seawall.policy.rules import CheckedRule
from seawall.policy.tree import FeatureOrigin, Operator, TypedTerm

_MEASURED: Final = frozenset({FeatureOrigin.SIGNAL, FeatureOrigin.IN_PART, FeatureOrigin.BANK})


def lowest_thresholds(rules: Iterable[CheckedRule]) -> dict[str, float]:
    """By signal, the lowest threshold that a rule, live or shadow, compares it with.

    Two values below it have the same outcome. 0 where any value may matter: in arithmetic, in a comparison of two
    signals, as a priority that no comparison of the same rule guards.
    """
    found: dict[str, float] = {}
    for rule in rules:
        _compared(rule.when, found)
        guarded = {name for term in _conjuncts(rule.when) for name in _reached(term)}
        least = _least(rule.when)
        for action in rule.actions:
            for term in action.expressions.values():
                _computed(term, guarded, least, found)
    return found


def compared_values(term: TypedTerm) -> dict[str, float]:
    """By signal, the lowest value that one condition tells apart."""
    found: dict[str, float] = {}
    _compared(term, found)
    return found


def _computed(term: TypedTerm, guarded: set[str], least: Mapping[str, float], found: dict[str, float]) -> None:
    """What a parameter of an action needs: a signal that the rule has compared is exact where the rule fires.

    ``least``: what features reach wherever it fires; in a ``max``, nothing below the highest of them matters.
    """
    if term.feature is not None:
        if term.feature.origin in _MEASURED and term.feature.name not in guarded:
            found[str(term.feature.argument)] = 0.0
        return
    reached: list[object] = []
    if term.symbol == "max":
        reached += [side.value for side in term.args if side.op is Operator.CONST]
        reached += [least[side.feature.name] for side in term.args if side.feature and side.feature.name in least]
    for argument in term.args:
        if reached and argument.feature is not None and argument.feature.name not in guarded:
            _lower(argument, max(float(value) for value in reached if isinstance(value, int | float)), found)
        else:
            _computed(argument, guarded, least, found)


def _compared(term: TypedTerm, found: dict[str, float]) -> None:
    if term.op is Operator.KNOWN:  # the value does not matter
        return
    if term.op is Operator.COMPARE:
        threshold = next((side.value for side in term.args if side.op is Operator.CONST), None)
        sides = [side for side in term.args if side.op is not Operator.CONST]
        if isinstance(threshold, int | float) and len(sides) == 1:
            _lower(sides[0], float(threshold), found)
            return
    if term.feature is not None and term.feature.origin in _MEASURED:
        found[str(term.feature.argument)] = 0.0
    for argument in term.args:
        _compared(argument, found)


def _lower(side: TypedTerm, threshold: float, found: dict[str, float]) -> None:
    """The threshold of a signal, or of each in ``max`` and ``min``."""
    if side.feature is not None and side.feature.origin in _MEASURED:
        name = str(side.feature.argument)
        found[name] = min(threshold, found.get(name, threshold))
    elif side.op is Operator.CALL and side.symbol in ("max", "min"):
        for argument in side.args:
            _lower(argument, threshold, found)
    else:
        _compared(side, found)


def _least(term: TypedTerm) -> dict[str, float]:
    """By feature, the value that it has at least wherever a condition is true."""
    if term.op is Operator.COMPARE and isinstance(value := term.args[1].value, int | float):
        return dict.fromkeys(_reached(term), float(value))
    sides = [_least(argument) for argument in term.args] if term.op in (Operator.AND, Operator.OR) else []
    if term.op is Operator.AND:
        return {name: max(side[name] for side in sides if name in side) for side in sides for name in side}
    everywhere = set(sides[0]).intersection(*sides) if sides else set()
    return {name: min(side[name] for side in sides) for name in everywhere}


def _conjuncts(term: TypedTerm) -> Iterator[TypedTerm]:
    if term.op is Operator.AND:
        for argument in term.args:
            yield from _conjuncts(argument)
    else:
        yield term


def _reached(term: TypedTerm) -> Iterator[str]:
    """The features that a comparison puts above a constant: in one part is in the item, too."""
    if term.op is Operator.COMPARE and term.symbol in (">=", ">"):
        left, right = term.args
        if left.feature is not None and right.op is Operator.CONST:
            yield left.feature.name
            if left.feature.origin is FeatureOrigin.IN_PART:
                yield str(left.feature.argument)
    elif term.op is Operator.IF:  # a threshold by language: whichever it is
        then, other = (set(_reached(branch)) for branch in term.args[1:])
        yield from then & other
