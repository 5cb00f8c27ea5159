"""Compiler: turns checked rules into one generated Python function.

Two bodies are generated from the same trees. The *plain* body is ordinary two-valued Python with shared conditions
hoisted; it runs when no feature of the row is unknown, the usual case. The *careful* body follows Kleene's strong
three-valued logic, with one local variable per term and equal terms computed once. Rules with arithmetic use the
careful form in both, because division by zero and overflow turn known values into unknown ones.

Flow typing has shown that no operation reads None where it must not. The careful body evaluates operands eagerly, so
a None that a guard would have kept away becomes unknown there, and the guard's False or True decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import inf, isfinite
from typing import Any, Final, TypeAlias

from seawall.model import UNKNOWN, FeatureRow, FeatureValue
from seawall.policy.tree import Feature, Operator, TypedTerm, features_of

Run: TypeAlias = Callable[[FeatureRow], tuple[int, int]]
"""Maps a row to two bit masks: rules that fired and rules that are undetermined."""


def compile_rules(conditions: Sequence[TypedTerm], where: str) -> tuple[Run, str]:
    """The function for these conditions (bit *i* is condition *i*), and its source. ``where`` is for tracebacks."""
    source = _source(conditions)
    return _execute(source, "run", f"<rules of {where}>"), source


def compile_value(term: TypedTerm, where: str) -> Callable[[FeatureRow], FeatureValue]:
    """A function from a row to one term's value, or UNKNOWN."""
    columns = _Columns(features_of(term).values())
    careful = _Careful(columns)
    result = careful.emit(term)
    lines = ["def value(row):", *columns.loads(bounds=True), *careful.lines, f"    return {result}"]
    found: Callable[[FeatureRow], FeatureValue] = _execute("\n".join(lines), "value", f"<{where}>")
    return found


def _execute(source: str, name: str, where: str) -> Any:
    namespace: dict[str, Any] = {"U": UNKNOWN, "LEAST": -inf, "arithmetic": _ARITHMETIC, "choose": _choose}
    exec(compile(source, where, "exec"), namespace)  # noqa: S102  (generated from checked trees; texts are quoted)
    return namespace[name]


def _source(conditions: Sequence[TypedTerm]) -> str:
    features: dict[str, Feature] = {}
    for condition in conditions:
        features_of(condition, features)
    columns = _Columns(features.values())
    delicate = {index for index, condition in enumerate(conditions) if _has_arithmetic(condition)}
    plain = _Plain(columns, [condition for index, condition in enumerate(conditions) if index not in delicate])
    in_plain = _Careful(columns)
    in_careful = _Careful(columns)
    plain_rules: list[str] = []
    careful_rules: list[str] = []
    for index, condition in enumerate(conditions):
        if index in delicate:
            plain_rules += in_plain.rule(condition, index)
        else:
            plain_rules += [f"    if {plain.text(condition)}:", f"        fired |= {1 << index}"]
        careful_rules += in_careful.rule(condition, index)
    lines = [
        "def careful(row):",
        *columns.loads(bounds=True),
        "    fired = undetermined = 0",
        *careful_rules,
        "    return fired, undetermined",
        "",
        "def run(row):",
        *columns.loads(bounds=False),
        *columns.escape(),
        *plain.hoisted(),
        "    fired = undetermined = 0",
        *plain_rules,
        "    return fired, undetermined",
    ]
    return "\n".join(lines) + "\n"


def _has_arithmetic(term: TypedTerm) -> bool:
    return term.op in (Operator.ARITHMETIC, Operator.NEGATIVE) or any(_has_arithmetic(arg) for arg in term.args)


class _Columns:
    """Local variables of the generated function, one per feature."""

    def __init__(self, features: Iterable[Feature]) -> None:
        self._features = tuple(features)
        self._names = {feature.name: f"f{index}" for index, feature in enumerate(self._features)}

    def local(self, feature: Feature) -> str:
        return self._names[feature.name]

    def bound(self, feature: Feature) -> str:
        return self._names[feature.name].replace("f", "b")

    def loads(self, bounds: bool) -> list[str]:
        lines = [f"    {self.local(feature)} = row[{feature.name!r}]" for feature in self._features]
        if bounds:
            lines += [
                f"    {self.bound(feature)} = row.get({feature.bound!r}, LEAST)"
                for feature in self._features
                if feature.growing
            ]
        return lines

    def escape(self) -> list[str]:
        """Lines that switch to the careful body as soon as any feature is unknown."""
        if not self._features:
            return []
        test = " or ".join(f"{self.local(feature)} is U" for feature in self._features)
        return [f"    if {test}:", "        return careful(row)"]


class _Plain:
    """Two-valued Python expressions for terms without arithmetic, for rows without unknown features."""

    def __init__(self, columns: _Columns, conditions: Sequence[TypedTerm]) -> None:
        self._columns = columns
        self._temporaries: dict[str, str] = {}
        self._hoisted: list[str] = []
        counts: Counter[str] = Counter()
        terms: dict[str, TypedTerm] = {}
        for condition in conditions:
            _count(condition, counts, terms)
        shared = sorted(
            (terms[key] for key, count in counts.items() if count > 1), key=lambda term: (term.size, term.key)
        )
        for term in shared:
            guards = [self._columns.local(feature) + " is not None" for feature in _narrowed(term)]
            name = f"h{len(self._temporaries)}"
            self._hoisted.append(f"    {name} = {' and '.join([*guards, self.text(term)])}")
            self._temporaries[term.key] = name

    def hoisted(self) -> list[str]:
        """Assignments of the shared conditions."""
        return self._hoisted

    def text(self, term: TypedTerm) -> str:
        """The term as a Python expression."""
        temporary = self._temporaries.get(term.key)
        if temporary is not None:
            return temporary
        args = [self.text(arg) for arg in term.args]
        match term.op:
            case Operator.CONST:
                return repr(term.value)
            case Operator.FEATURE:
                assert term.feature is not None
                return self._columns.local(term.feature)
            case Operator.NOT:
                return f"(not {args[0]})"
            case Operator.AND | Operator.OR:
                return "(" + f" {term.op} ".join(args) + ")"
            case Operator.COMPARE:
                return f"({args[0]} {term.symbol} {args[1]})"
            case Operator.IN:
                return f"({args[0]} in {term.value!r})"
            case Operator.IS_NONE:
                return f"({args[0]} is None)"
            case Operator.IF:
                return f"({args[1]} if {args[0]} else {args[2]})"
            case Operator.KNOWN:
                return "True"
            case Operator.CALL if term.symbol == "lower":
                return f"{args[0]}.lower()"
            case Operator.CALL:
                return f"{term.symbol}({', '.join(args)})"
        raise AssertionError(f"no plain form for {term.op}")


_SHARED: Final = frozenset({Operator.COMPARE, Operator.IN, Operator.AND, Operator.OR, Operator.IF, Operator.CALL})
_CONNECTIVES: Final = frozenset(
    {Operator.AND, Operator.OR, Operator.NOT, Operator.IF, Operator.KNOWN, Operator.IS_NONE}
)


def _count(term: TypedTerm, counts: Counter[str], terms: dict[str, TypedTerm]) -> None:
    """Count terms that are worth computing once. A term that relies on an outer guard is hoisted together with that
    guard, which is only correct when no connective inside could invert the guard's False."""
    if term.op in _SHARED and not (_connects(term) and _narrowed(term)):
        counts[term.key] += 1
        terms.setdefault(term.key, term)
    for arg in term.args:
        _count(arg, counts, terms)


def _connects(term: TypedTerm) -> bool:
    return term.op in _CONNECTIVES or any(_connects(arg) for arg in term.args)


def _narrowed(term: TypedTerm) -> list[Feature]:
    """Features that the term reads under a guard against None."""
    found = {term.feature.name: term.feature} if term.feature is not None and term.narrowed else {}
    for arg in term.args:
        found.update((feature.name, feature) for feature in _narrowed(arg))
    return list(found.values())


class _Careful:
    """Kleene's strong three-valued logic: one assignment per term, equal terms computed once."""

    def __init__(self, columns: _Columns) -> None:
        self._columns = columns
        self._names: dict[str, str] = {}
        self.lines: list[str] = []

    def rule(self, condition: TypedTerm, index: int) -> list[str]:
        """Statements that set a rule's bits, preceded by the assignments they need."""
        self.lines = []
        conjuncts = condition.args if condition.op is Operator.AND else (condition,)
        names = [self.emit(conjunct) for conjunct in conjuncts]
        return [
            *self.lines,
            f"    if {_any(names, 'False')}:",
            "        pass",
            f"    elif {_any(names, 'U')}:",
            f"        undetermined |= {1 << index}",
            "    else:",
            f"        fired |= {1 << index}",
        ]

    def emit(self, term: TypedTerm) -> str:
        """The name (or literal) that holds the term's value after ``lines`` have run."""
        if term.op is Operator.CONST:
            return repr(term.value)
        if term.op is Operator.FEATURE:
            assert term.feature is not None
            return self._columns.local(term.feature)
        name = self._names.get(term.key)
        if name is None:
            args = [self.emit(arg) for arg in term.args]
            name = f"t{len(self._names)}"
            self._names[term.key] = name
            self.lines.append(f"    {name} = {self._text(term, args)}")
        return name

    def _text(self, term: TypedTerm, args: list[str]) -> str:
        match term.op:
            case Operator.NOT:
                return f"U if {args[0]} is U else not {args[0]}"
            case Operator.AND:
                return _kleene(args, decisive="False", otherwise="True")
            case Operator.OR:
                return _kleene(args, decisive="True", otherwise="False")
            case Operator.COMPARE:
                return self._compare(term, args)
            case Operator.IN:
                return _strict(term, args, f"{args[0]} in {term.value!r}")
            case Operator.IS_NONE:
                return f"U if {args[0]} is U else {args[0]} is None"
            case Operator.ARITHMETIC:
                return _strict(term, args, f"arithmetic[{term.symbol!r}]({args[0]}, {args[1]})")
            case Operator.NEGATIVE:
                return _strict(term, args, f"-{args[0]}")
            case Operator.IF:
                return f"choose({', '.join(args)})"
            case Operator.KNOWN:
                return f"{args[0]} is not U"
            case Operator.CALL if term.symbol == "lower":
                return _strict(term, args, f"{args[0]}.lower()")
            case Operator.CALL:
                return _strict(term, args, f"{term.symbol}({', '.join(args)})")
        raise AssertionError(f"no careful form for {term.op}")

    def _compare(self, term: TypedTerm, args: list[str]) -> str:
        left, right = term.args
        a, b = args
        test = f"{a} {term.symbol} {b}"
        if left.feature is None or not left.feature.growing or right.op is not Operator.CONST:
            return _strict(term, args, test)
        # The known parts give a lower bound: reaching the threshold decides the comparison.
        settled, reached = _BY_BOUND[term.symbol]
        return f"{test} if {a} is not U else {settled} if {self._columns.bound(left.feature)} {reached} {b} else U"


# symbol: (the comparison's result, how the lower bound decides it)
_BY_BOUND: Final = {
    ">=": ("True", ">="),
    ">": ("True", ">"),
    "<": ("False", ">="),
    "<=": ("False", ">"),
    "==": ("False", ">"),
    "!=": ("True", ">"),
}


def _kleene(args: list[str], decisive: str, otherwise: str) -> str:
    return f"{decisive} if {_any(args, decisive)} else U if {_any(args, 'U')} else {otherwise}"


def _any(names: list[str], value: str) -> str:
    return " or ".join(f"{name} is {value}" for name in names)


def _strict(term: TypedTerm, args: list[str], text: str) -> str:
    """Unknown when any operand is; also when an operand is None, which only the guard's other branch can read."""
    tests = []
    for arg, name in zip(term.args, args, strict=True):
        if arg.op is not Operator.CONST:
            tests.append(f"{name} is U")
        if arg.narrowed:
            tests.append(f"{name} is None")
    return f"U if {' or '.join(tests)} else {text}" if tests else text


def _total(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Wrap an operation so that a result that is not finite is unknown."""

    def compute(a: Any, b: Any) -> Any:
        try:
            result = operation(a, b)
            return result if isfinite(result) else UNKNOWN
        except ArithmeticError:
            return UNKNOWN

    return compute


_ARITHMETIC: Final = {
    "+": _total(lambda a, b: a + b),
    "-": _total(lambda a, b: a - b),
    "*": _total(lambda a, b: a * b),
    "/": _total(lambda a, b: a / b),
    "%": _total(lambda a, b: a % b),
}


def _choose(test: Any, then: Any, other: Any) -> Any:
    """A conditional. With an unknown test it is unknown, unless both branches agree."""
    if test is UNKNOWN:
        agree = then is not UNKNOWN and other is not UNKNOWN and then == other
        return then if agree else UNKNOWN
    return then if test else other
