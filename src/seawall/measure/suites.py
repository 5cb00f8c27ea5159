"""Functional suites: many small tests of one ability each (Röttger et al. 2021; Ribeiro et al. 2020)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seawall.measure.intervals import Interval, wilson


def accuracy_per_function(
    functions: Sequence[str], expected: Sequence[bool], answered: Sequence[bool], confidence: float = 0.95
) -> dict[str, Interval]:
    """The share of correct answers per function, with Wilson's interval, in order of first appearance."""
    if not len(functions) == len(expected) == len(answered):
        raise ValueError(f"{len(functions)} functions, {len(expected)} expectations, {len(answered)} answers")
    cases: Counter[str] = Counter(functions)
    right: Counter[str] = Counter(
        function for function, want, got in zip(functions, expected, answered, strict=True) if bool(want) == bool(got)
    )
    return {function: wilson(right[function], cases[function], confidence) for function in cases}
