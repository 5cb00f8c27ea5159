"""Semantic checker: resolves names, types, None and thresholds of one expression for one content type.

Every error is reported with its position. A checked expression is a tree of typed terms that cannot fail when run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

from seawall.model.durations import FORM, parse_duration
from seawall.policy.call_checks import asked_figure, check_call
from seawall.policy.checking import Checked
from seawall.policy.environment import Environment
from seawall.policy.features import CREATOR_WORDS
from seawall.policy.figures import FIGURES, Threshold, UnusableName
from seawall.policy.functions import SIGNATURES
from seawall.policy.syntax import Expression, InvalidExpression, field_parts
from seawall.policy.tree import (
    NUMERIC,
    ORDERED,
    Feature,
    FeatureOrigin,
    Operator,
    TooLarge,
    TypedTerm,
    ValueType,
    article,
    common_kind,
    compound,
    const,
    literal,
    read,
)
from seawall.yamlfile.source import nearest

_SYMBOLS: Final[Mapping[type[ast.AST], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_NOTHING: Final[frozenset[str]] = frozenset()
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Checker:
    """Checks one expression; ``thresholds`` collects the thresholds it resolves."""

    environment: Environment
    lets: Mapping[str, Checked]
    expression: Expression
    later_lets: Set[str] = _NOTHING
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    terms: dict[ast.expr, TypedTerm] | None = None  # filled with the term of each node, for those who ask
    is_name: bool = False  # the expression names a feature for an example: what a rule must guard is not computed

    def condition(self) -> Checked:
        """The whole expression as a condition. Raises Refused."""
        checked = self.value()
        if checked.term.kind is not ValueType.BOOLEAN:
            remedy = "compare it, as in 'hate >= 0.8'" if checked.term.kind in ORDERED else None
            raise self.refused(
                self.expression.tree,
                f"a condition must be true or false; this is {article(checked.term.kind)}",
                expected="a boolean",
                remedy=remedy,
            )
        self.definite(self.expression.tree, checked.term)
        return checked

    def number(self, node: ast.expr) -> TypedTerm:
        """One node of the expression as a number that is never None. Raises Refused."""
        term = self._guarded(lambda: self.check(node, _NOTHING)).term
        if term.kind not in NUMERIC:
            raise self.refused(node, f"this is {article(term.kind)}", expected="a number")
        return self.definite(node, term)

    def value(self) -> Checked:
        """The whole expression. Raises Refused."""
        return self._guarded(lambda: self.check(self.expression.tree, _NOTHING))

    def _guarded(self, check: Callable[[], Checked]) -> Checked:
        try:
            return check()
        except TooLarge:
            message = "the expression is too large after its lets are expanded"
            raise self.refused(self.expression.tree, message, remedy="make several rules of it") from None

    def refused(self, node: ast.AST, message: str, **more: object) -> InvalidExpression:
        """The exception to raise for a problem at this node."""
        return InvalidExpression(self.expression.problem(node, message, **more))

    def ask(self, node: ast.AST, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the environment; turn its Unfit into Refused at this node."""
        try:
            return question(*args, **kwargs)
        except UnusableName as unfit:
            raise self.refused(node, unfit.message, **unfit.details) from None

    # -- nodes ---------------------------------------------------------------------------------------------------

    def check(self, node: ast.expr, known: frozenset[str]) -> Checked:
        """One node, where the keys in ``known`` are known not to be None. Raises Refused, TooLarge."""
        checked = self._check(node, known)
        if self.terms is not None:
            self.terms[node] = checked.term
        return checked

    def _check(self, node: ast.expr, known: frozenset[str]) -> Checked:
        match node:
            case ast.Constant():
                return Checked(self._constant(node))
            case ast.Name():
                return self._name(node, known)
            case ast.Attribute(value=ast.Name(id="item" | "actor" | "activity" as owner)):
                return Checked(self._field(node, owner, node.attr, known))
            case ast.Attribute(value=ast.Name(id=signal)):
                return Checked(read(self.kind_of_signal(node, signal, node.attr)))
            case ast.Attribute():
                return Checked(read(self.ask(node, self.environment.field, "activity", node.attr)))  # refuses
            case ast.BoolOp():
                return self._bool(node, known)
            case ast.UnaryOp(op=ast.Not()):
                inner = self.check(node.operand, known)
                self._boolean(node.operand, inner.term)
                return Checked(compound(Operator.NOT, ValueType.BOOLEAN, inner.term), inner.if_false, inner.if_true)
            case ast.UnaryOp():
                return Checked(self._negative(node, known))
            case ast.Compare():
                return self._compare(node, known)
            case ast.BinOp():
                return Checked(self._arithmetic(node, known))
            case ast.IfExp():
                return Checked(self._conditional(node, known))
            case ast.Call():
                return Checked(check_call(self, node, known))
        raise self.refused(node, "a list is only allowed to the right of 'in'", expected='item.country in ["US", "GB"]')

    def _constant(self, node: ast.Constant) -> TypedTerm:
        value = node.value
        if value is None:
            return const(None, ValueType.NONE)
        if isinstance(value, bool):
            return const(value, ValueType.BOOLEAN)
        if isinstance(value, str):
            return const(value, ValueType.TEXT)
        assert isinstance(value, int | float)
        return const(value, ValueType.INTEGER if isinstance(value, int) else ValueType.NUMBER)

    def _name(self, node: ast.Name, known: frozenset[str]) -> Checked:
        name = node.id
        if name in self.lets:
            let = self.lets[name]
            feature = let.term.feature
            return Checked(read(feature, True)) if feature is not None and feature.name in known else let
        if name == "text":
            return Checked(read(Feature("text", ValueType.TEXT, FeatureOrigin.TEXT, personal=True)))
        if name in self.environment.signals:
            return Checked(read(self.ask(node, self.environment.signal, name)))
        if name == CREATOR_WORDS.name:
            if self.environment.is_creators:
                return Checked(read(CREATOR_WORDS))
            remedy = "write the rule in a policy with 'overlay: {creator: <name>}', which creators switch on"
            raise self.refused(node, "creator_words is read only in creators' overlays", remedy=remedy)
        if name in self.later_lets:
            raise self.refused(node, f"let '{name}' is defined below this use", remedy="move it above its first use")
        if name in ("item", "actor"):
            raise self.refused(node, f"'{name}' is not a value", expected=f"{name}.<name>")
        if name == "unknown":
            raise self.refused(node, "'unknown' cannot be compared", expected="known(x), not known(x)")
        if name in SIGNATURES:
            raise self.refused(node, f"'{name}' is a function", expected=SIGNATURES[name])
        names = [*self.lets, *self.environment.signals, "text", "True", "False", "None"]
        raise self.refused(node, f"unknown name '{name}'", expected="a signal or a let", near=nearest(name, names))

    def kind_of_signal(self, node: ast.Attribute, signal: str, kind: str) -> Feature:
        """The column of ``signal.kind``, the value of one kind of evidence of a signal. Raises Refused."""
        signals = self.environment.signals
        if f"{signal}.{kind}" in signals:
            return self.ask(node, self.environment.signal, f"{signal}.{kind}")
        kinds = [name.partition(".")[2] for name in signals if name.startswith(f"{signal}.")]
        if kinds:
            expected = "one of " + ", ".join(f"{signal}.{each}" for each in kinds)
            near = tuple(f"{signal}.{each}" for each in nearest(kind, kinds))
            raise self.refused(node, f"signal '{signal}' has no kind '{kind}'", expected=expected, near=near)
        if signal in self.lets or signal in signals:
            what = "let" if signal in self.lets else "signal"
            raise self.refused(
                node, f"{what} '{signal}' has no kinds", expected=f"'{signal}' alone", remedy="remove the dot"
            )
        owners = ["item", "actor", *(name.partition(".")[0] for name in signals if "." in name)]
        raise self.refused(
            node,
            f"'{signal}' has nothing behind a dot",
            expected="item.field, actor.attribute or signal.kind",
            near=nearest(signal, dict.fromkeys(owners)),
        )

    # -- fields --------------------------------------------------------------------------------------------------

    def _field(self, node: ast.expr, owner: str, name: str, known: frozenset[str]) -> TypedTerm:
        feature = self.ask(node, self.environment.field, owner, name)
        if feature.kind is ValueType.MEDIA:
            expected = f"{feature.name} is None, {feature.name} is not None"
            raise self.refused(
                node, f"{feature.name} is {article(feature.kind)}: only 'is None' applies", expected=expected
            )
        return read(feature, feature.name in known)

    def definite(self, node: ast.AST, term: TypedTerm) -> TypedTerm:
        """The term, unless it may be None. Raises Refused."""
        if term.kind is ValueType.NONE:
            raise self.refused(node, "None can only be compared with 'is'", expected="x is None, x is not None")
        if term.optional and not self.is_name:
            where, guard = self.environment.content_type.name, f"guard it: {term.key} is not None and …; or "
            if term.feature is not None and term.feature.counter is not None:
                message, other = f"{term.key} is None when there was none", f"{term.key} is None or …"
            else:
                message, other = (
                    f"{term.key} may be None in content type {where}",
                    "make it required in the content type",
                )
            raise self.refused(node, message, expected="a value that is never None", remedy=guard + other)
        return term

    def _boolean(self, node: ast.AST, term: TypedTerm) -> TypedTerm:
        self.definite(node, term)
        if term.kind is not ValueType.BOOLEAN:
            raise self.refused(node, f"this is {article(term.kind)}", expected="a condition: true or false")
        return term

    # -- and, or, conditionals -----------------------------------------------------------------------------------

    def _bool(self, node: ast.BoolOp, known: frozenset[str]) -> Checked:
        is_and = isinstance(node.op, ast.And)
        parts: list[Checked] = []
        for operand in node.values:
            part = self.check(operand, known)
            self._boolean(operand, part.term)
            known |= part.if_true if is_and else part.if_false
            parts.append(part)
        every = frozenset[str]().union(*(part.if_true if is_and else part.if_false for part in parts))
        some = frozenset.intersection(*(part.if_false if is_and else part.if_true for part in parts))
        term = compound(Operator.AND if is_and else Operator.OR, ValueType.BOOLEAN, *(part.term for part in parts))
        return Checked(term, every, some) if is_and else Checked(term, some, every)

    def _conditional(self, node: ast.IfExp, known: frozenset[str]) -> TypedTerm:
        test = self.check(node.test, known)
        self._boolean(node.test, test.term)
        then = self.check(node.body, known | test.if_true).term
        other = self.check(node.orelse, known | test.if_false).term
        kind = common_kind(then.kind, other.kind)
        if kind is None:
            message = f"one branch is {article(then.kind)}, the other {article(other.kind)}"
            raise self.refused(node, message, expected="the same type in both branches")
        return compound(Operator.IF, kind, test.term, then, other, optional=then.optional or other.optional)

    # -- comparisons ---------------------------------------------------------------------------------------------

    def _compare(self, node: ast.Compare, known: frozenset[str]) -> Checked:
        if len(node.ops) == 1:
            return self._link(node, node.left, node.ops[0], node.comparators[0], known)
        operands = [node.left, *node.comparators]
        links = []
        for index, operator in enumerate(node.ops):
            link = self._link(node, operands[index], operator, operands[index + 1], known)
            known |= link.if_true
            links.append(link)
        term = compound(Operator.AND, ValueType.BOOLEAN, *(link.term for link in links))
        return Checked(term, frozenset[str]().union(*(link.if_true for link in links)))

    def _link(
        self, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr, known: frozenset[str]
    ) -> Checked:
        if isinstance(op, ast.Is | ast.IsNot):
            return self._is_none(node, left, right, isinstance(op, ast.IsNot))
        if isinstance(op, ast.In | ast.NotIn):
            term = self._in(node, left, right, known)
            return Checked(compound(Operator.NOT, ValueType.BOOLEAN, term) if isinstance(op, ast.NotIn) else term)
        symbol = _SYMBOLS[type(op)]
        if _asks(right):
            return Checked(self._against_figure(node, left, symbol, right, known))
        if _asks(left):
            return Checked(self._against_figure(node, right, _MIRRORED[symbol], left, known))
        a = self.definite(left, self.check(left, known).term)
        b = self.definite(right, self.check(right, known).term)
        a, b = self.coerce(left, a, b), self.coerce(right, b, a)
        if a.kind is not b.kind and not (a.kind in NUMERIC and b.kind in NUMERIC):
            message = f"'{symbol}' cannot compare {article(a.kind)} with {article(b.kind)}"
            raise self.refused(node, message, expected="two values of one type")
        if a.kind in (ValueType.LIST, ValueType.MEDIA):
            raise self.refused(node, "lists cannot be compared", expected='"entry" in item.list, or length(item.list)')
        if symbol not in ("==", "!=") and a.kind not in ORDERED:
            raise self.refused(node, f"'{symbol}' is not defined for {a.kind}", expected="== or !=")
        return Checked(_comparison(a, symbol, b))

    def _is_none(self, node: ast.Compare, left: ast.expr, right: ast.expr, negated: bool) -> Checked:
        if not (isinstance(right, ast.Constant) and right.value is None):
            raise self.refused(node, "'is' only compares with None", expected="x is None, x is not None; otherwise ==")
        key, term = self._absence(left)
        facts = frozenset({key})
        if negated:
            return Checked(compound(Operator.NOT, ValueType.BOOLEAN, term), if_true=facts)
        return Checked(term, if_false=facts)

    def _absence(self, left: ast.expr) -> tuple[str, TypedTerm]:
        """The term that says whether ``left`` is None. For texts, lists and media it is a feature of its own, so that a
        person's text is not stored only to record that it was present."""
        if (parts := field_parts(left)) is not None:
            feature = self.ask(left, self.environment.field, *parts)
            if feature.kind in (ValueType.LIST, ValueType.MEDIA) or feature.personal:
                name = f"{feature.name} is None"
                column = Feature(name, ValueType.BOOLEAN, FeatureOrigin.IS_NONE, subject=feature.subject)
                return feature.name, read(column)
            return feature.name, compound(Operator.IS_NONE, ValueType.BOOLEAN, read(feature))
        inner = self.check(left, _NOTHING).term
        if inner.op is Operator.CONST:
            return inner.key, const(inner.value is None, ValueType.BOOLEAN)
        return inner.key, compound(Operator.IS_NONE, ValueType.BOOLEAN, inner)

    def _in(self, node: ast.Compare, left: ast.expr, right: ast.expr, known: frozenset[str]) -> TypedTerm:
        if isinstance(right, ast.List):
            term = self.definite(left, self.check(left, known).term)
            entries = [self.coerce(entry, self._entry(entry), term) for entry in right.elts]
            for entry, found in zip(right.elts, entries, strict=True):
                if common_kind(found.kind, term.kind) is None or found.kind is ValueType.NONE:
                    message = f"{article(term.kind)} is compared with {found.kind} entries"
                    raise self.refused(entry, message, expected=f"entries of type {term.kind}")
            return compound(
                Operator.IN, ValueType.BOOLEAN, term, value=tuple(_constant_value(entry) for entry in entries)
            )
        if (parts := field_parts(right)) is not None:
            feature = self.ask(right, self.environment.field, *parts)
            if feature.kind is ValueType.LIST:
                self.definite(right, read(feature, feature.name in known))
                if not (isinstance(left, ast.Constant) and isinstance(left.value, str)):
                    raise self.refused(
                        left, "only a constant string can be looked up in a list field", expected='"entry" in item.list'
                    )
                name = f"{literal(left.value)} in {feature.name}"
                return read(
                    Feature(
                        name, ValueType.BOOLEAN, FeatureOrigin.IN_LIST, subject=feature.subject, argument=left.value
                    )
                )
        raise self.refused(
            right, "'in' needs a list", expected='["a", "b"] or a list field; for words in a text: contains(…)'
        )

    def _entry(self, entry: ast.expr) -> TypedTerm:
        negative = isinstance(entry, ast.UnaryOp) and isinstance(entry.op, ast.USub)
        inner = entry.operand if isinstance(entry, ast.UnaryOp) and negative else entry
        if not isinstance(inner, ast.Constant):
            raise self.refused(entry, "a list may contain constants only", expected="strings or numbers")
        term = self._constant(inner)
        if negative:
            if term.kind not in NUMERIC:
                raise self.refused(entry, "'-' needs a number", expected="a number")
            value = _constant_value(term)
            assert isinstance(value, int | float)
            return const(-value, term.kind)
        return term

    def coerce(self, node: ast.AST, term: TypedTerm, other: TypedTerm) -> TypedTerm:
        """Turn a constant string next to a duration into a duration."""
        if other.kind is not ValueType.DURATION or term.op is not Operator.CONST or not isinstance(term.value, str):
            return term
        seconds = parse_duration(term.value)
        if seconds is None:
            raise self.refused(node, f"{literal(term.value)} is not a duration", expected=FORM)
        return const(seconds, ValueType.DURATION)

    # -- thresholds ----------------------------------------------------------------------------------------------

    def _against_figure(
        self, node: ast.Compare, left: ast.expr, symbol: str, right: ast.expr, known: frozenset[str]
    ) -> TypedTerm:
        """A signal against the number that shows a figure, by the item's language where that has its own."""
        assert isinstance(right, ast.Call)
        assert isinstance(right.func, ast.Name)
        call = f"{right.func.id}(…)"
        term = self.check(left, known).term
        feature = term.feature
        if feature is None or feature.origin not in (FeatureOrigin.SIGNAL, FeatureOrigin.IN_PART):
            expected = SIGNATURES[right.func.id].rpartition(": ")[2]
            raise self.refused(left, f"{call} can only be compared with a signal", expected=expected)
        if symbol not in (">=", "<"):
            raise self.refused(node, f"{call} cannot be used with '{symbol}'", expected=">= or <")
        asked = asked_figure(self, right)
        overall, *languages = self.ask(right, self.environment.thresholds, str(feature.argument), asked)
        chosen = _comparison(term, symbol, const(overall.value, ValueType.NUMBER))
        alike: dict[float, list[str]] = {}
        for threshold in languages:
            if threshold.value != overall.value:
                alike.setdefault(threshold.value, []).append(threshold.language)
        for value, those in alike.items():
            own = _comparison(term, symbol, const(value, ValueType.NUMBER))
            chosen = compound(Operator.IF, ValueType.BOOLEAN, self._is_in(tuple(those)), own, chosen)
        for threshold in (overall, *languages):
            self.thresholds[f"{feature.argument} {threshold.asked} {threshold.language}"] = threshold
        return chosen

    def _is_in(self, languages: tuple[str, ...]) -> TypedTerm:
        """Whether the item is in one of these languages: as it says, or by default of its content type."""
        feature = self.environment.language
        assert feature is not None
        named = compound(Operator.IN, ValueType.BOOLEAN, read(feature, narrowed=True), value=languages)
        if not feature.optional:
            return named
        absent = compound(Operator.IS_NONE, ValueType.BOOLEAN, read(feature))
        if self.environment.content_type.default_language in languages:
            return compound(Operator.OR, ValueType.BOOLEAN, absent, named)
        return compound(Operator.AND, ValueType.BOOLEAN, compound(Operator.NOT, ValueType.BOOLEAN, absent), named)

    # -- arithmetic ----------------------------------------------------------------------------------------------

    def _negative(self, node: ast.UnaryOp, known: frozenset[str]) -> TypedTerm:
        term = self.definite(node.operand, self.check(node.operand, known).term)
        if term.kind not in NUMERIC and term.kind is not ValueType.DURATION:
            raise self.refused(node, f"'-' is not defined for {term.kind}", expected="a number")
        if term.op is Operator.CONST and isinstance(term.value, int | float):
            return const(-term.value, term.kind)
        return compound(Operator.NEGATIVE, term.kind, term)

    def _arithmetic(self, node: ast.BinOp, known: frozenset[str]) -> TypedTerm:
        a = self.definite(node.left, self.check(node.left, known).term)
        b = self.definite(node.right, self.check(node.right, known).term)
        a, b = self.coerce(node.left, a, b), self.coerce(node.right, b, a)
        symbol = _SYMBOLS[type(node.op)]
        kind = _result(a.kind, symbol, b.kind)
        if kind is None:
            message = f"'{symbol}' cannot combine {article(a.kind)} with {article(b.kind)}"
            raise self.refused(node, message, expected="numbers or durations")
        return compound(Operator.ARITHMETIC, kind, a, b, symbol=symbol)


def _comparison(a: TypedTerm, symbol: str, b: TypedTerm) -> TypedTerm:
    """A comparison with constants moved to the right, so that equal comparisons get equal keys."""
    if a.op is Operator.CONST and b.op is not Operator.CONST:
        a, symbol, b = b, _MIRRORED[symbol], a
    return compound(Operator.COMPARE, ValueType.BOOLEAN, a, b, symbol=symbol)


def _constant_value(term: TypedTerm) -> str | int | float | bool | None:
    assert not isinstance(term.value, tuple)
    return term.value


def _result(a: ValueType, symbol: str, b: ValueType) -> ValueType | None:
    """The type of an arithmetic operation's result, or None when the operands do not allow it."""
    if a in NUMERIC and b in NUMERIC:
        return ValueType.INTEGER if a is b is ValueType.INTEGER and symbol != "/" else ValueType.NUMBER
    durations = (a is ValueType.DURATION, b is ValueType.DURATION)
    if durations == (True, True):
        return {"+": ValueType.DURATION, "-": ValueType.DURATION, "/": ValueType.NUMBER}.get(symbol)
    if durations == (True, False) and b in NUMERIC and symbol in "*/":
        return ValueType.DURATION
    if durations == (False, True) and a in NUMERIC and symbol == "*":
        return ValueType.DURATION
    return None


def _asks(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FIGURES
