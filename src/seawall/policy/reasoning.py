"""Proofs about conditions: that one is never true, always true, or implied by another.

A condition becomes a disjunction of clauses; a clause says for each value it reads in which interval or set that value
lies. A condition without a clause that can hold is never true. What is proven holds for every row of features, also
where some are unknown: unknown values follow Kleene's logic, in which a condition that is true stays true whatever
the unknown values turn out to be. What is too large to be decided, or not understood, is not claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, floor, inf, isfinite, isnan
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import Any, Final, TypeAlias

from seawall.policy.tree import (
    NUMERIC,
    Feature,
    FeatureOrigin,
    Operator,
    Scalar,
    TooLarge,
    TypedTerm,
    ValueType,
    compound,
    features_of,
)

_MOST_CLAUSES: Final = 256
_WORK: Final = 100_000  # pairs of clauses that are compared for one policy in one content type: a second
_SMALL: Final = 16  # whole numbers that are tried one by one
_TEST: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}
_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_STRICT: Final = frozenset({Operator.ARITHMETIC, Operator.NEGATIVE, Operator.CALL})  # unknown when an operand is
_MEASURED: Final = NUMERIC | {ValueType.DURATION, ValueType.TIMESTAMP}


class _Undecided(Exception):
    """More clauses than are worth trying."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values that something may have: an interval, or some of a set, without some; ``whole``: integers."""

    low: float = -inf
    high: float = inf
    above: bool = False  # without ``low`` itself
    below: bool = False  # without ``high`` itself
    only: frozenset[Scalar] | None = None
    without: frozenset[Scalar] = frozenset()
    whole: bool = False

    def meet(self, other: ValueRange) -> ValueRange:
        """The values in both."""
        low, above = max((self.low, self.above), (other.low, other.above))
        high, below = min((self.high, not self.below), (other.high, not other.below))
        only = other.only if self.only is None else self.only if other.only is None else self.only & other.only
        return ValueRange(
            low, high, above, not below, only, self.without | other.without, self.whole or other.whole
        )._rounded()

    def _rounded(self) -> ValueRange:
        """Of whole numbers: closed at the first and the last one."""
        if not self.whole:
            return self
        low = floor(self.low) + 1 if self.above and isfinite(self.low) else self.low
        high = ceil(self.high) - 1 if self.below and isfinite(self.high) else self.high
        low = ceil(low) if isfinite(low) else low
        high = floor(high) if isfinite(high) else high
        return replace(self, low=low, high=high, above=False, below=False)

    @property
    def is_empty(self) -> bool:
        """Whether no value is left."""
        if self.only is not None:
            return not any(self._has(value) for value in self.only)
        if self.low > self.high or (self.low == self.high and (self.above or self.below or self.low in self.without)):
            return True
        if self.whole and self.without and self.high - self.low < _SMALL:
            return all(number in self.without for number in range(int(self.low), int(self.high) + 1))
        return False

    def _has(self, value: Scalar) -> bool:
        if value in self.without:
            return False
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        if self.whole and value != floor(value):
            return False
        under = value < self.low or (self.above and value == self.low)
        return not (under or value > self.high or (self.below and value == self.high))


ANYTHING: Final = ValueRange()
FROM_ZERO: Final = ValueRange(low=0)
UNIT: Final = ValueRange(low=0, high=1)
NOTHING_FOUND: Final = ValueRange(low=0, high=0)
_TRUTHS: Final = ValueRange(only=frozenset({True, False}))

Clause: TypeAlias = dict[str, ValueRange]
"""In which range each value lies, by the key of its term."""


@dataclass(slots=True)
class Reasoner:
    """Proves for one content type. ``range_of`` says which values a feature may have.

    ``silent``: signals taken as unknown, as in a language that their detectors do not read. A comparison with one is
    never true. In a part that an item need not have, it is unknown or 0.
    """

    range_of: Callable[[Feature], ValueRange]
    silent: frozenset[str] = frozenset()
    _features: dict[str, Feature] = field(default_factory=dict)
    undecided: bool = False  # whether something was too large to be decided; whoever asks sets it back
    _work_left: int = _WORK

    def never(self, *conditions: TypedTerm) -> bool:
        """Whether these conditions are never all true. False: not proven."""
        return self._none((condition, True) for condition in conditions)

    def always(self, condition: TypedTerm) -> bool:
        """Whether a condition is never false. False: not proven."""
        return self._none([(condition, False)])

    def implies(self, conditions: Iterable[TypedTerm], other: TypedTerm) -> bool:
        """Whether ``other`` is never false where all the conditions are true. False: not proven."""
        return self._none([*((condition, True) for condition in conditions), (other, False)])

    def cases(self, condition: TypedTerm, positive: bool) -> list[Clause] | None:
        """The clauses of which one holds where a condition is true (or, not ``positive``, false); None: too many."""
        features_of(condition, self._features)
        try:
            return self._clauses(condition, positive)
        except _Undecided:
            self.undecided = True
            return None

    def apart(self, some: list[Clause], others: list[Clause]) -> bool:
        """Whether no clause of the one can hold together with one of the other. False: not proven."""
        try:
            return not self._both(some, others)
        except _Undecided:
            self.undecided = True
            return False

    def _none(self, conditions: Iterable[tuple[TypedTerm, bool]]) -> bool:
        clauses: list[Clause] = [{}]
        try:
            for condition, positive in conditions:
                features_of(condition, self._features)
                clauses = self._both(clauses, self._clauses(condition, positive))
        except _Undecided:
            self.undecided = True
            return False
        return not clauses

    # -- clauses -------------------------------------------------------------------------------------------------

    def _both(self, some: list[Clause], others: list[Clause]) -> list[Clause]:
        work = len(some) * len(others)
        if work > min(_MOST_CLAUSES * _SMALL, self._work_left):
            raise _Undecided
        self._work_left -= work
        found = []
        for one in some:
            for other in others:
                clause = dict(one)
                for key, values in other.items():
                    clause[key] = clause[key].meet(values) if key in clause else values
                if not self._contradicts_itself(clause):
                    found.append(clause)
        if len(found) > _MOST_CLAUSES:
            raise _Undecided
        return found

    def _contradicts_itself(self, clause: Clause) -> bool:
        for key, values in clause.items():
            if values.is_empty:
                return True
            absent = clause.get(f"({key} is None)", clause.get(f"{key} is None"))
            if absent is not None and absent.only == frozenset({True}):
                return True  # a comparison with what is None is not true
            feature = self._features.get(key)
            if feature is None or not feature.growing:
                continue
            for wider in clause:
                if wider != key and _within(feature, self._features.get(wider)):
                    least = replace(ANYTHING, low=values.low, above=values.above)
                    if clause[wider].meet(least).is_empty:
                        return True
        return False

    def _any(self, *alternatives: list[Clause]) -> list[Clause]:
        found = [clause for clauses in alternatives for clause in clauses]
        if len(found) > _MOST_CLAUSES:
            raise _Undecided
        return found

    def _clauses(self, term: TypedTerm, positive: bool) -> list[Clause]:
        match term.op:
            case Operator.CONST:
                return [{}] if bool(term.value) is positive else []
            case Operator.NOT:
                return self._clauses(term.args[0], not positive)
            case Operator.AND | Operator.OR:
                if (term.op is Operator.OR) is positive:
                    return self._any(*(self._clauses(arg, positive) for arg in term.args))
                clauses: list[Clause] = [{}]
                for arg in term.args:
                    clauses = self._both(clauses, self._clauses(arg, positive))
                return clauses
            case Operator.IF:
                test, *branches = term.args
                return self._choice(test, [self._clauses(branch, positive) for branch in branches])
            case Operator.COMPARE:
                symbol = term.symbol if positive else _OPPOSITE[term.symbol]
                return self._compared(term.args[0], symbol, term.args[1])
            case Operator.IN:
                assert isinstance(term.value, tuple)
                entries = frozenset(term.value)
                listed = ValueRange(only=entries) if positive else ValueRange(without=entries)
                return self._literal(term.args[0], listed)
            case Operator.KNOWN if term.args[0].op is Operator.FEATURE and self._is_silent(term.args[0]):
                return [] if positive else [{}]
        return self._literal(term, ValueRange(only=frozenset({positive})))

    def _choice(self, test: TypedTerm, branches: list[list[Clause]]) -> list[Clause]:
        """Of ``a if test else b``; it also holds where the test is unknown and both hold."""
        then, other = branches
        chosen = self._both(self._clauses(test, True), then)
        otherwise = self._both(self._clauses(test, False), other)
        return self._any(chosen, otherwise, self._both(then, other))

    def _compared(self, a: TypedTerm, symbol: str, b: TypedTerm) -> list[Clause]:
        if a.op is Operator.CONST and b.op is not Operator.CONST:
            a, symbol, b = b, _MIRRORED[symbol], a
        for one, other, sign in ((a, b, symbol), (b, a, _MIRRORED[symbol])):
            if one.op is Operator.IF:
                return self._choice(one.args[0], [self._compared(arg, sign, other) for arg in one.args[1:]])
        if b.op is Operator.CONST:
            return self._against(a, symbol, b.value)
        if a.kind in _MEASURED:
            if b.key < a.key:
                a, symbol, b = b, _MIRRORED[symbol], a
            if self._is_silent(a) or self._is_silent(b):
                return []
            return self._kept(f"{a.key} ? {b.key}", ANYTHING, _side(symbol, 0))
        equal = ValueRange(only=frozenset({symbol == "=="}))
        return self._kept(f"{min(a.key, b.key)} = {max(a.key, b.key)}", _TRUTHS, equal)

    def _against(self, a: TypedTerm, symbol: str, value: Any) -> list[Clause]:
        """A comparison with a constant; of ``min``, ``max``, ``abs`` and ``-`` by what they are made of."""
        if a.op is Operator.CONST:
            return [{}] if _TEST[symbol](a.value, value) else []
        if a.op is Operator.NEGATIVE:
            return self._against(a.args[0], _MIRRORED[symbol], -value)
        if a.op is Operator.CALL and symbol not in ("==", "!="):
            upwards = symbol in (">", ">=")
            if a.symbol == "abs":
                both = [self._against(a.args[0], symbol, value), self._against(a.args[0], _MIRRORED[symbol], -value)]
                return self._any(*both) if upwards else self._both(*both)
            if a.symbol in ("min", "max"):
                each = [self._against(arg, symbol, value) for arg in a.args]
                if (a.symbol == "max") is upwards:
                    return self._any(*each)
                clauses: list[Clause] = [{}]
                for one in each:
                    clauses = self._both(clauses, one)
                return clauses
        if a.kind not in _MEASURED:
            return self._literal(a, _side(symbol, value))
        if self._is_silent(a):  # nothing is known but that it is not below 0
            growing = a.feature is not None and a.feature.growing
            reached = {">=": value <= 0, ">": value < 0, "!=": value < 0}.get(symbol, False)
            return [{}] if growing and reached else []
        return self._kept(a.key, self.range(a), _side(symbol, value))

    def _literal(self, term: TypedTerm, values: ValueRange) -> list[Clause]:
        return [] if self._is_silent(term) else self._kept(term.key, self.range(term), values)

    def _kept(self, key: str, possible: ValueRange, values: ValueRange) -> list[Clause]:
        met = possible.meet(values)
        return [] if met.is_empty else [{key: met}]

    def _is_silent(self, term: TypedTerm) -> bool:
        """Whether a term is unknown because it is computed from a silent signal."""
        if term.feature is not None:
            return term.feature.origin is not FeatureOrigin.IN_PART and self._is_mute(term.feature)
        return term.op in _STRICT and any(self._is_silent(arg) for arg in term.args)

    def _is_mute(self, feature: Feature) -> bool:
        return feature.growing and feature.argument in self.silent

    # -- ranges --------------------------------------------------------------------------------------------------

    def range(self, term: TypedTerm) -> ValueRange:
        """Every value that a term may have."""
        match term.op:
            case Operator.FEATURE:
                assert term.feature is not None
                if term.feature.origin is FeatureOrigin.IN_PART and self._is_mute(term.feature):
                    return NOTHING_FOUND
                return self.range_of(term.feature)
            case Operator.CONST if isinstance(term.value, int | float):
                return ValueRange(low=term.value, high=term.value)
            case Operator.IF if term.kind in _MEASURED:
                return _hull([self.range(arg) for arg in term.args[1:]])
            case Operator.NEGATIVE:
                inner = self.range(term.args[0])
                return ValueRange(-inner.high, -inner.low, whole=inner.whole)
            case Operator.CALL if term.symbol in ("min", "max", "abs"):
                return _of_call(term.symbol, [self.range(arg) for arg in term.args])
            case Operator.ARITHMETIC:
                return replace(self._of_arithmetic(term), whole=term.kind is ValueType.INTEGER)
        return _TRUTHS if term.kind is ValueType.BOOLEAN else ANYTHING

    def _of_arithmetic(self, term: TypedTerm) -> ValueRange:
        """Rounding never reverses an order, so the same operation on the ends gives the ends."""
        operation = {"+": add, "-": sub, "*": mul}.get(term.symbol)
        if operation is None:
            return ANYTHING
        a, b = (self.range(arg) for arg in term.args)
        try:
            ends = [operation(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
        except OverflowError:
            return ANYTHING
        return ANYTHING if any(isnan(end) for end in ends) else ValueRange(min(ends), max(ends))


def _side(symbol: str, value: Any) -> ValueRange:
    """The values that stand so to a constant."""
    match symbol:
        case "==":
            return ValueRange(only=frozenset({value}))
        case "!=":
            return ValueRange(without=frozenset({value}))
        case "<" | "<=":
            return ValueRange(high=value, below=symbol == "<")
    return ValueRange(low=value, above=symbol == ">")


def _hull(ranges: list[ValueRange]) -> ValueRange:
    return ValueRange(min(each.low for each in ranges), max(each.high for each in ranges))


def _of_call(name: str, ranges: list[ValueRange]) -> ValueRange:
    whole = all(each.whole for each in ranges)
    if name == "abs":
        (one,) = ranges
        least = 0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
        return ValueRange(least, max(abs(one.low), abs(one.high)), whole=whole)
    choose = min if name == "min" else max
    return ValueRange(choose(each.low for each in ranges), choose(each.high for each in ranges), whole=whole)


def _within(part: Feature, whole: Feature | None) -> bool:
    """Whether a feature counts some of what another counts, so that it is never larger."""
    if whole is None or whole.argument != part.argument:
        return False
    if part.origin is FeatureOrigin.IN_PART:
        return whole.origin is FeatureOrigin.SIGNAL
    if part.origin is FeatureOrigin.BANK and part.within is not None and whole.origin is FeatureOrigin.BANK:
        return whole.within is None or whole.within > part.within
    return False


def all_of(conditions: Iterable[TypedTerm]) -> TypedTerm | None:
    """The conjunction of conditions; None when it would be too large."""
    try:
        return compound(Operator.AND, ValueType.BOOLEAN, *conditions)
    except TooLarge:
        return None


def any_of(conditions: Iterable[TypedTerm]) -> TypedTerm | None:
    """The disjunction of conditions; None when it would be too large."""
    try:
        return compound(Operator.OR, ValueType.BOOLEAN, *conditions)
    except TooLarge:
        return None
