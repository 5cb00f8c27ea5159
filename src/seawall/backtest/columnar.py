"""The rules of a program as Polars expressions over columns, with the results of the function that decides items.

Both are made from the same checked trees. A feature is a typed column in which null means unknown; that an optional
one is absent stands in a column of its own, and what the answered parts of a growing one reach in a third. Polars'
``&`` and ``|`` over nulls are Kleene's strong logic. What columns cannot express exactly (arithmetic of whole numbers,
``%``, ``lower``) is computed by the row engine's own code and read as a column; so are rows with values that no
column can hold, such as whole numbers beyond 2⁵³.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import isfinite
from typing import Any, Final

import polars as pl

from seawall.model import UNKNOWN, FeatureRow, FeatureValue
from seawall.policy import Feature, Program
from seawall.policy.compile import compile_value
from seawall.policy.tree import Operator, TypedTerm, ValueType, features_of

EXACT: Final = 1 << 53  # whole numbers up to here are exact as floating-point numbers
_WORD: Final = 63  # rules in one mask column
_TYPES: Final[Mapping[ValueType, Any]] = {
    ValueType.NUMBER: pl.Float64,
    ValueType.INTEGER: pl.Float64,
    ValueType.DURATION: pl.Float64,
    ValueType.TIMESTAMP: pl.Float64,
    ValueType.BOOLEAN: pl.Boolean,
    ValueType.TEXT: pl.String,
}
_COMPARE: Final[Mapping[str, Callable[[Any, Any], pl.Expr]]] = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
# symbol: (the comparison's result, how the lower bound decides it)
_BY_BOUND: Final = {
    ">=": (True, ">="),
    ">": (True, ">"),
    "<": (False, ">="),
    "<=": (False, ">"),
    "==": (False, ">"),
    "!=": (True, ">"),
}
_ARITHMETIC: Final[Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
BY_ROWS: Final = "row engine"
"""A column: this row holds a value that columns cannot hold exactly."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A term as expressions. ``value`` is null where the term is unknown or None; ``absent``: where it is None."""

    value: pl.Expr
    absent: pl.Expr | None = None

    @property
    def known(self) -> pl.Expr:
        return self.value.is_not_null() if self.absent is None else self.value.is_not_null() | self.absent


def absent_column(name: str) -> str:
    """Name of the column that says where an optional feature is None."""
    return f"absent({name})"


class ColumnarProgram:
    """The compiled rules of a content type over columns. Bit *i* of the masks is rule *i* of the program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        conditions = [rule.when for rule in program.rules]
        found: dict[str, Feature] = {}
        for condition in conditions:
            features_of(condition, found)
        self.features: tuple[Feature, ...] = tuple(found.values())
        """The features that conditions read."""
        self._computed: dict[str, tuple[TypedTerm, Callable[[FeatureRow], FeatureValue]]] = {}
        rules = [self._term(condition).value for condition in conditions]
        self._masks = [*_words("fired", rules, _fired), *_words("undetermined", rules, _undetermined)]
        self.words: tuple[str, ...] = tuple(expression.meta.output_name() for expression in self._masks)
        """The mask columns: those of the fired rules, then those of the undetermined ones."""

    @property
    def computes(self) -> bool:
        """Whether the row engine's code computes some column: of terms that columns cannot express exactly."""
        return bool(self._computed)

    @property
    def schema(self) -> dict[str, Any]:
        """The columns that the rules read, with their types."""
        schema: dict[str, Any] = {}
        for feature in self.features:
            if feature.kind not in _TYPES:
                continue
            schema[feature.name] = _TYPES[feature.kind]
            if feature.optional:
                schema[absent_column(feature.name)] = pl.Boolean
            if feature.growing:
                schema[feature.bound] = pl.Float64
        schema |= {key: _TYPES[term.kind] for key, (term, _) in self._computed.items()}
        return schema | {BY_ROWS: pl.Boolean}

    def columns(self, rows: Sequence[FeatureRow]) -> pl.DataFrame:
        """The rows as columns. Raises KeyError when a row lacks a feature."""
        data: dict[str, list[Any]] = {name: [] for name in self.schema}
        for row in rows:
            by_rows = not self._fill(data, row)
            data[BY_ROWS].append(by_rows)
        return pl.DataFrame(data, schema=self.schema)

    def _fill(self, data: Mapping[str, list[Any]], row: FeatureRow) -> bool:
        """Append one row; False: some value of it does not fit."""
        fits = True
        for feature in self.features:
            value = row[feature.name]
            if feature.kind not in _TYPES:
                continue
            held, exact = _held(value, feature.kind)
            fits = fits and exact and (value is not None or feature.optional)
            data[feature.name].append(held)
            if feature.optional:
                data[absent_column(feature.name)].append(value is None)
            if feature.growing:
                least = row.get(feature.bound)
                data[feature.bound].append(_held(least, ValueType.NUMBER)[0])
        for key, (term, compute) in self._computed.items():
            try:
                held, exact = _held(compute(row), term.kind)
            except (TypeError, AttributeError):  # None behind a guard that is unknown here
                held, exact = None, False
            fits = fits and exact
            data[key].append(held)
        return fits

    def masks(self, columns: pl.DataFrame, rows: Sequence[FeatureRow] | None = None) -> pl.DataFrame:
        """One row of mask columns for each row. ``rows``: the same as a row engine reads them, for what does not fit.

        Raises ValueError when some row does not fit into columns and ``rows`` is not given.
        """
        found = columns.lazy().with_columns(self._masks).select(self.words).collect()
        odd = columns[BY_ROWS].arg_true().to_list() if BY_ROWS in columns.columns else []
        if not odd:
            return found
        if rows is None:
            raise ValueError(f"{len(odd)} rows hold values that columns cannot hold exactly; pass them as rows, too")
        replaced = {name: found[name].to_list() for name in self.words}
        for index in odd:
            for name, value in self.masks_of_row(rows[index]).items():
                replaced[name][index] = value
        return pl.DataFrame(replaced, schema=found.schema)

    def masks_of_row(self, row: FeatureRow) -> dict[str, int]:
        """The mask columns of one row, by the row engine."""
        sides = dict(zip(("fired", "undetermined"), map(self._mask, self.program.fired(row)), strict=True))
        found = {}
        for name in self.words:
            side, _, number = name.partition(" ")
            found[name] = (sides[side] >> (_WORD * int(number))) & ((1 << _WORD) - 1)
        return found

    def _mask(self, rules: Iterable[Any]) -> int:
        places = {id(rule): index for index, rule in enumerate(self.program.rules)}
        return sum(1 << places[id(rule)] for rule in rules)

    # -- terms -------------------------------------------------------------------------------------------------------

    def _term(self, term: TypedTerm) -> _Column:
        if _only_by_rows(term):
            self._computed.setdefault(term.key, (term, compile_value(term, term.key)))
            return _Column(pl.col(term.key))
        match term.op:
            case Operator.CONST:
                return _constant(term)
            case Operator.FEATURE:
                return _feature(term)
            case Operator.AND:
                return _Column(reduce(lambda a, b: a & b, [self._term(arg).value for arg in term.args]))
            case Operator.OR:
                return _Column(reduce(lambda a, b: a | b, [self._term(arg).value for arg in term.args]))
        args = [self._term(arg) for arg in term.args]
        match term.op:
            case Operator.NOT:
                return _Column(~args[0].value)
            case Operator.COMPARE:
                return _compare(term, args)
            case Operator.IN:
                return _Column(_strict(term, args, _inside(term, args[0])))
            case Operator.IS_NONE:
                return _is_none(args[0])
            case Operator.ARITHMETIC:
                found = _ARITHMETIC[term.symbol](args[0].value, args[1].value)
                return _Column(pl.when(found.is_finite()).then(found))
            case Operator.NEGATIVE:
                return _Column(-args[0].value)
            case Operator.IF:
                return _choice(args)
            case Operator.KNOWN:
                return _Column(args[0].known)
            case Operator.CALL:
                return _Column(_call(term.symbol, args))
        raise AssertionError(f"no columnar form for {term.op}")


def _only_by_rows(term: TypedTerm) -> bool:
    """Whether columns would not give exactly what the row engine gives."""
    if term.op is Operator.CONST:
        return isinstance(term.value, int | float) and not abs(term.value) <= EXACT
    if term.op is Operator.ARITHMETIC:
        whole = all(arg.kind is ValueType.INTEGER for arg in term.args)
        return term.symbol == "%" or (whole and term.symbol != "/") or _nested_whole(term)
    if term.op is Operator.CALL and term.symbol == "lower":
        return True
    # A constant in a comparison is read by the comparison, which is then computed whole.
    return any(arg.op is Operator.CONST and _only_by_rows(arg) for arg in term.args) or _odd_entries(term)


def _nested_whole(term: TypedTerm) -> bool:
    """Whether an operand is arithmetic itself, whose whole numbers may be beyond what floating point holds."""
    return any(arg.kind is ValueType.INTEGER and arg.op not in (Operator.FEATURE, Operator.CONST) for arg in term.args)


def _odd_entries(term: TypedTerm) -> bool:
    if term.op is not Operator.IN or not isinstance(term.value, tuple):
        return False
    numbers = [each for each in term.value if isinstance(each, int | float) and not isinstance(each, bool)]
    return any(not abs(each) <= EXACT for each in numbers)


def _held(value: FeatureValue | None, kind: ValueType) -> tuple[Any, bool]:
    """A value as its column holds it, and whether that is exact."""
    if value is None or value is UNKNOWN:
        return None, True
    if kind is ValueType.TEXT:
        return (value, True) if isinstance(value, str) and _encodable(value) else (None, False)
    if kind is ValueType.BOOLEAN:
        return (value, True) if isinstance(value, bool) else (None, False)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, False
    if isinstance(value, int):
        return (float(value), True) if abs(value) <= EXACT else (None, False)
    return (value, True) if isfinite(value) else (None, False)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _constant(term: TypedTerm) -> _Column:
    if term.value is None:
        return _Column(pl.lit(None), pl.lit(value=True))
    value = term.value
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return _Column(pl.lit(value))


def _feature(term: TypedTerm) -> _Column:
    feature = term.feature
    assert feature is not None
    return _Column(pl.col(feature.name), pl.col(absent_column(feature.name)) if feature.optional else None)


def _strict(term: TypedTerm, args: Sequence[_Column], found: pl.Expr) -> pl.Expr:
    """Null where an operand is unknown, or None where a guard excluded that."""
    unknown = [
        column.value.is_null() if arg.narrowed or column.absent is None else ~column.known
        for arg, column in zip(term.args, args, strict=True)
        if arg.op is not Operator.CONST and column.absent is not None
    ]
    if not unknown:
        return found  # the operands' nulls are the result's
    return pl.when(~reduce(lambda a, b: a | b, unknown)).then(found)


def _compare(term: TypedTerm, args: Sequence[_Column]) -> _Column:
    left, right = term.args
    a, b = args
    found = _COMPARE[term.symbol](a.value, b.value)
    if a.absent is not None or b.absent is not None:
        if term.symbol in ("==", "!="):
            found = _equal(a, b) if term.symbol == "==" else ~_equal(a, b)
        found = _strict(term, args, found)
    if left.feature is None or not left.feature.growing or right.op is not Operator.CONST:
        return _Column(found)
    settled, reached = _BY_BOUND[term.symbol]
    # A null value: the comparison is null, and what the known parts reach may settle it.
    by_bound = _COMPARE[reached](pl.col(left.feature.bound), b.value) & a.value.is_null()
    return _Column(pl.when(by_bound).then(pl.lit(settled)).otherwise(found))


def _equal(a: _Column, b: _Column) -> pl.Expr:
    """Python's ==, in which None equals None alone. Only read where both are known."""
    nothing = pl.lit(value=False)
    a_absent = nothing if a.absent is None else a.absent
    b_absent = nothing if b.absent is None else b.absent
    return pl.when(a_absent | b_absent).then(a_absent & b_absent).otherwise(a.value == b.value)


def _inside(term: TypedTerm, column: _Column) -> pl.Expr:
    entries = term.value if isinstance(term.value, tuple) else ()
    wanted = [each for each in entries if each is not None]
    tests = [column.value == (float(each) if _is_whole(each) else each) for each in wanted]
    found = reduce(lambda a, b: a | b, tests) if tests else column.value.is_null() & pl.lit(value=False)
    if column.absent is None:
        return found if tests else pl.when(column.value.is_not_null()).then(pl.lit(value=False))
    return pl.when(column.absent).then(pl.lit(None in entries)).otherwise(found)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_none(column: _Column) -> _Column:
    absent = pl.lit(value=False) if column.absent is None else column.absent
    return _Column(pl.when(column.known).then(absent))


def _choice(args: Sequence[_Column]) -> _Column:
    """A conditional. With an unknown test it is unknown, unless both branches agree."""
    test, then, other = args
    agree = then.known & other.known & _equal(then, other)
    pick = test.value | (test.value.is_null() & agree)  # null: unknown
    value = pl.when(pick).then(then.value).when(test.value.is_not_null()).then(other.value)
    if then.absent is None and other.absent is None:
        return _Column(value)
    nothing = pl.lit(value=False)
    then_absent = nothing if then.absent is None else then.absent
    other_absent = nothing if other.absent is None else other.absent
    absent = pl.when(pick).then(then_absent).when(test.value.is_not_null()).then(other_absent).otherwise(nothing)
    return _Column(value, absent)


def _call(name: str, args: Sequence[_Column]) -> pl.Expr:
    values = [column.value for column in args]
    if name == "abs":
        return values[0].abs()
    known = reduce(lambda a, b: a & b, [value.is_not_null() for value in values])
    return pl.when(known).then({"min": pl.min_horizontal, "max": pl.max_horizontal}[name](values))


# -- masks -----------------------------------------------------------------------------------------------------------


def _words(side: str, rules: Sequence[pl.Expr], bit: Callable[[pl.Expr], pl.Expr]) -> list[pl.Expr]:
    words = []
    for number in range((len(rules) + _WORD - 1) // _WORD or 1):
        bits = [
            bit(rule).cast(pl.UInt64) * pl.lit(1 << index, pl.UInt64)
            for index, rule in enumerate(rules[number * _WORD : (number + 1) * _WORD])
        ]
        word = reduce(lambda a, b: a | b, bits) if bits else pl.lit(0, pl.UInt64)
        words.append(word.alias(f"{side} {number}"))
    return words


def _fired(rule: pl.Expr) -> pl.Expr:
    return rule.fill_null(value=False)


def _undetermined(rule: pl.Expr) -> pl.Expr:
    return rule.is_null()
