"""Meaning: names, types, None and thresholds of one expression, checked against one content type.

Whatever is wrong is refused with its place; what remains is a tree of typed terms that cannot fail when run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, NoReturn

from seawall.model import ContentType, DetectorSpec, FieldSpec, FieldType, Role, SignalKind, SignalSpec
from seawall.policy.content_types import SCREENED_ROLES
from seawall.policy.durations import FORM, parse_duration
from seawall.policy.functions import SIGNATURES, BadPattern, canonical_text, check_pattern
from seawall.policy.source import nearest
from seawall.policy.syntax import Expression, Refused
from seawall.policy.tree import (
    NUMERIC,
    ORDERED,
    Feature,
    Kind,
    Op,
    Origin,
    Subject,
    Term,
    TooLarge,
    call_key,
    compound,
    const,
    literal,
    read,
)

_KINDS: Final = {
    FieldType.TEXT: Kind.TEXT,
    FieldType.TEXTS: Kind.LIST,
    FieldType.LINK: Kind.TEXT,
    FieldType.LINKS: Kind.LIST,
    FieldType.IMAGE: Kind.IMAGE,
    FieldType.ID: Kind.TEXT,
    FieldType.IDS: Kind.LIST,
    FieldType.INTEGER: Kind.INTEGER,
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.TIMESTAMP: Kind.TIMESTAMP,
    FieldType.LANGUAGE: Kind.TEXT,
}
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
_LARGEST: Final = 2**63


@dataclass(frozen=True, slots=True)
class Offer:
    """A signal as one detector offers it."""

    detector: DetectorSpec
    signal: SignalSpec


@dataclass(frozen=True, slots=True)
class Environment:
    """What expressions may name: one content type, the detectors' signals, the banks."""

    content_type: ContentType
    signals: Mapping[str, tuple[Offer, ...]]
    banks: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A threshold as a rule asked for it, and the number it resolved to for the current detector."""

    signal: str
    asked: str  # "at_fpr(0.001)"
    value: float
    detector: str
    version: str
    fpr_upper: float
    recall: float


@dataclass(frozen=True, slots=True)
class Checked:
    """A term, and what is known not to be None where it is true, and where it is false."""

    term: Term
    if_true: frozenset[str] = _NOTHING
    if_false: frozenset[str] = _NOTHING


@dataclass(slots=True)
class Checker:
    """Checks one expression. ``thresholds`` collects what was resolved on the way."""

    environment: Environment
    lets: Mapping[str, Checked]
    expression: Expression
    later_lets: frozenset[str] = _NOTHING
    thresholds: dict[str, Threshold] = field(default_factory=dict)

    def condition(self) -> Checked:
        """The whole expression as a condition. Raises Refused."""
        checked = self.value()
        if checked.term.kind is not Kind.BOOLEAN:
            remedy = "compare it, as in 'hate >= 0.8'" if checked.term.kind in ORDERED else None
            self._refuse(
                self.expression.tree,
                f"a condition must be true or false, and this is {_article(checked.term.kind)}",
                expected="a boolean",
                remedy=remedy,
            )
        self._definite(self.expression.tree, checked.term)
        return checked

    def number(self, node: ast.expr) -> Term:
        """One node of the expression as a number that is never None. Raises Refused."""
        term = self._guarded(lambda: self._check(node, _NOTHING)).term
        if term.kind not in NUMERIC:
            self._refuse(node, f"this is {_article(term.kind)}", expected="a number")
        return self._definite(node, term)

    def value(self) -> Checked:
        """The whole expression. Raises Refused."""
        return self._guarded(lambda: self._check(self.expression.tree, _NOTHING))

    def _guarded(self, check: Callable[[], Checked]) -> Checked:
        try:
            return check()
        except TooLarge:
            self._refuse(self.expression.tree, "the expression is too large once its lets are written out")

    def _refuse(self, node: ast.AST, message: str, **more: object) -> NoReturn:
        raise Refused(self.expression.problem(node, message, **more))

    # -- nodes ---------------------------------------------------------------------------------------------------

    def _check(self, node: ast.expr, known: frozenset[str]) -> Checked:
        match node:
            case ast.Constant():
                return Checked(self._constant(node))
            case ast.Name():
                return self._name(node)
            case ast.Attribute(value=ast.Name(id=owner)):
                return Checked(self._field(node, owner, node.attr, known))
            case ast.BoolOp():
                return self._bool(node, known)
            case ast.UnaryOp(op=ast.Not()):
                inner = self._check(node.operand, known)
                self._boolean(node.operand, inner.term)
                return Checked(compound(Op.NOT, Kind.BOOLEAN, inner.term), inner.if_false, inner.if_true)
            case ast.UnaryOp():
                return Checked(self._negative(node, known))
            case ast.Compare():
                return self._compare(node, known)
            case ast.BinOp():
                return Checked(self._arithmetic(node, known))
            case ast.IfExp():
                return Checked(self._conditional(node, known))
            case ast.Call(func=ast.Name(id=name)):
                return Checked(self._call(node, name, known))
        self._refuse(node, "a list stands only to the right of 'in'", expected='item.country in ["US", "GB"]')

    def _constant(self, node: ast.Constant) -> Term:
        value = node.value
        if value is None:
            return const(None, Kind.NONE)
        if isinstance(value, bool):
            return const(value, Kind.BOOLEAN)
        if isinstance(value, str):
            return const(value, Kind.TEXT)
        assert isinstance(value, int | float)
        if not isfinite(value) or abs(value) >= _LARGEST:
            self._refuse(node, "the number is too large", expected="a number below 9.2e18")
        return const(value, Kind.INTEGER if isinstance(value, int) else Kind.NUMBER)

    def _name(self, node: ast.Name) -> Checked:
        name = node.id
        if name in self.lets:
            return self.lets[name]
        if name == "text":
            return Checked(read(Feature("text", Kind.TEXT, Origin.TEXT, personal=True)))
        if name in self.environment.signals:
            return Checked(read(self._signal(node, name)))
        if name in self.later_lets:
            self._refuse(node, f"let '{name}' is defined further down", remedy="move it above its first use")
        if name in ("item", "actor"):
            self._refuse(node, f"'{name}' is no value", expected=f"{name}.<name>")
        if name == "unknown":
            self._refuse(node, "'unknown' is no value that can be compared", expected="known(x), not known(x)")
        if name in SIGNATURES:
            self._refuse(node, f"'{name}' is a function", expected=SIGNATURES[name])
        names = [*self.lets, *self.environment.signals, "text", "True", "False", "None"]
        self._refuse(node, f"unknown name '{name}'", expected="a signal or a let", near=nearest(name, names))

    def _signal(self, node: ast.AST, name: str) -> Feature:
        offers = self.environment.signals[name]
        if any(offer.signal.kind is SignalKind.DISTANCE for offer in offers):
            remedy = "ask for matches with bank(…), which knows the allowed distance"
            self._refuse(node, f"signal '{name}' is a distance: smaller is nearer, and absence is not 0", remedy=remedy)
        return Feature(name, Kind.NUMBER, Origin.SIGNAL, argument=name)

    # -- fields --------------------------------------------------------------------------------------------------

    def _field(self, node: ast.expr, owner: str, name: str, known: frozenset[str]) -> Term:
        feature = self._field_feature(node, owner, name)
        if feature.kind is Kind.IMAGE:
            self._refuse(node, f"{feature.name} is an image: only 'is None' can be asked of it")
        return read(feature, feature.name in known)

    def _field_feature(self, node: ast.AST, owner: str, name: str) -> Feature:
        """The column of ``item.name`` or ``actor.name``."""
        content_type = self.environment.content_type
        key = f"{owner}.{name}"
        if owner == "actor":
            attributes = {spec.name: spec for spec in content_type.actor.attributes} if content_type.actor else {}
            if name not in attributes and name == "created_at":
                return Feature(key, Kind.TIMESTAMP, Origin.ATTRIBUTE, Subject(owner, name), optional=True)
            if name not in attributes:
                names = ["created_at", *attributes]
                message = f"actors of content type {content_type.name} have no attribute '{name}'"
                self._refuse(node, message, expected="one of " + ", ".join(names), near=nearest(name, names))
            return _column(key, attributes[name], Origin.ATTRIBUTE)
        spec = content_type.field(name)
        role = spec.role if spec else None
        if role is Role.LANGUAGE or (spec is None and name == "language"):
            return Feature(key, Kind.TEXT, Origin.ITEM_LANGUAGE, optional=not (spec and spec.required))
        if role is Role.CREATED_AT or (spec is None and name == "created_at"):
            return Feature(key, Kind.TIMESTAMP, Origin.ITEM_CREATED_AT, optional=not (spec and spec.required))
        if spec is None:
            names = [each.name for each in content_type.fields]
            self._refuse(
                node,
                f"content type {content_type.name} has no field '{name}'",
                expected="one of " + ", ".join(names),
                near=nearest(name, names),
                remedy="narrow the rule with 'applies_to' if only some content types have it",
            )
        return _column(key, spec, Origin.FIELD)

    def _definite(self, node: ast.AST, term: Term) -> Term:
        """Refuse what may be None."""
        if term.kind is Kind.NONE:
            self._refuse(node, "None can only be compared with 'is'", expected="x is None, x is not None")
        if term.optional:
            where = self.environment.content_type.name
            self._refuse(
                node,
                f"{term.key} may be None in content type {where}",
                expected="a value that is always there",
                remedy=f"guard it: {term.key} is not None and …; or make it required in the content type",
            )
        return term

    def _boolean(self, node: ast.AST, term: Term) -> Term:
        self._definite(node, term)
        if term.kind is not Kind.BOOLEAN:
            self._refuse(node, f"this is {_article(term.kind)}", expected="a condition: true or false")
        return term

    # -- and, or, conditionals -----------------------------------------------------------------------------------

    def _bool(self, node: ast.BoolOp, known: frozenset[str]) -> Checked:
        is_and = isinstance(node.op, ast.And)
        parts: list[Checked] = []
        for operand in node.values:
            part = self._check(operand, known)
            self._boolean(operand, part.term)
            known |= part.if_true if is_and else part.if_false
            parts.append(part)
        every = frozenset[str]().union(*(part.if_true if is_and else part.if_false for part in parts))
        some = frozenset.intersection(*(part.if_false if is_and else part.if_true for part in parts))
        term = compound(Op.AND if is_and else Op.OR, Kind.BOOLEAN, *(part.term for part in parts))
        return Checked(term, every, some) if is_and else Checked(term, some, every)

    def _conditional(self, node: ast.IfExp, known: frozenset[str]) -> Term:
        test = self._check(node.test, known)
        self._boolean(node.test, test.term)
        then = self._check(node.body, known | test.if_true).term
        other = self._check(node.orelse, known | test.if_false).term
        kind = _common(then.kind, other.kind)
        if kind is None:
            message = f"one branch is {_article(then.kind)}, the other {_article(other.kind)}"
            self._refuse(node, message, expected="the same type in both branches")
        return compound(Op.IF, kind, test.term, then, other, optional=then.optional or other.optional)

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
        term = compound(Op.AND, Kind.BOOLEAN, *(link.term for link in links))
        return Checked(term, frozenset[str]().union(*(link.if_true for link in links)))

    def _link(self, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr, known: frozenset[str]) -> Checked:
        if isinstance(op, ast.Is | ast.IsNot):
            return self._is_none(node, left, right, isinstance(op, ast.IsNot))
        if isinstance(op, ast.In | ast.NotIn):
            term = self._in(node, left, right, known)
            return Checked(compound(Op.NOT, Kind.BOOLEAN, term) if isinstance(op, ast.NotIn) else term)
        symbol = _SYMBOLS[type(op)]
        if _calls(right, "at_fpr"):
            return Checked(self._against_rate(node, left, symbol, right, known))
        if _calls(left, "at_fpr"):
            return Checked(self._against_rate(node, right, _MIRRORED[symbol], left, known))
        a = self._definite(left, self._check(left, known).term)
        b = self._definite(right, self._check(right, known).term)
        a, b = self._coerce(left, a, b), self._coerce(right, b, a)
        if a.kind is not b.kind and not (a.kind in NUMERIC and b.kind in NUMERIC):
            message = f"'{symbol}' cannot compare {_article(a.kind)} with {_article(b.kind)}"
            self._refuse(node, message, expected="two values of one type")
        if a.kind in (Kind.LIST, Kind.IMAGE):
            self._refuse(node, "lists cannot be compared", expected='"entry" in item.list, or length(item.list)')
        if symbol not in ("==", "!=") and a.kind not in ORDERED:
            self._refuse(node, f"'{symbol}' has no meaning for {a.kind}", expected="== or !=")
        return Checked(_comparison(a, symbol, b))

    def _is_none(self, node: ast.Compare, left: ast.expr, right: ast.expr, negated: bool) -> Checked:
        if not (isinstance(right, ast.Constant) and right.value is None):
            self._refuse(node, "'is' asks for None only", expected="x is None, x is not None; otherwise ==")
        key, term = self._absence(left)
        facts = frozenset({key})
        if negated:
            return Checked(compound(Op.NOT, Kind.BOOLEAN, term), if_true=facts)
        return Checked(term, if_false=facts)

    def _absence(self, left: ast.expr) -> tuple[str, Term]:
        """The term that says whether ``left`` is None. For texts, lists and images it is a feature of its own, so
        that nobody's text is stored only to know whether it was there."""
        if isinstance(left, ast.Attribute) and isinstance(left.value, ast.Name):
            feature = self._field_feature(left, left.value.id, left.attr)
            if feature.kind in (Kind.LIST, Kind.IMAGE) or feature.personal:
                name = f"{feature.name} is None"
                column = Feature(name, Kind.BOOLEAN, Origin.IS_NONE, subject=feature.subject)
                return feature.name, read(column)
            return feature.name, compound(Op.IS_NONE, Kind.BOOLEAN, read(feature))
        inner = self._check(left, _NOTHING).term
        return inner.key, compound(Op.IS_NONE, Kind.BOOLEAN, inner)

    def _in(self, node: ast.Compare, left: ast.expr, right: ast.expr, known: frozenset[str]) -> Term:
        if isinstance(right, ast.List):
            term = self._definite(left, self._check(left, known).term)
            entries = [self._coerce(entry, self._entry(entry), term) for entry in right.elts]
            for entry, found in zip(right.elts, entries, strict=True):
                if _common(found.kind, term.kind) is None or found.kind is Kind.NONE:
                    message = f"{_article(term.kind)} is sought among {found.kind} entries"
                    self._refuse(entry, message, expected=f"entries of type {term.kind}")
            return compound(Op.IN, Kind.BOOLEAN, term, value=tuple(_constant_value(entry) for entry in entries))
        if isinstance(right, ast.Attribute) and isinstance(right.value, ast.Name):
            feature = self._field_feature(right, right.value.id, right.attr)
            if feature.kind is Kind.LIST:
                self._definite(right, read(feature, feature.name in known))
                if not (isinstance(left, ast.Constant) and isinstance(left.value, str)):
                    self._refuse(left, "only a constant text can be sought in a list field", expected='"entry" in item.list')
                name = f"{literal(left.value)} in {feature.name}"
                return read(
                    Feature(name, Kind.BOOLEAN, Origin.IN_LIST, subject=feature.subject, argument=left.value)
                )
        self._refuse(right, "'in' needs a list", expected='["a", "b"] or a list field; for words in a text: contains(…)')

    def _entry(self, entry: ast.expr) -> Term:
        negative = isinstance(entry, ast.UnaryOp) and isinstance(entry.op, ast.USub)
        inner = entry.operand if isinstance(entry, ast.UnaryOp) and negative else entry
        if not isinstance(inner, ast.Constant):
            self._refuse(entry, "a list holds constants only", expected="texts or numbers")
        term = self._constant(inner)
        if negative:
            if term.kind not in NUMERIC:
                self._refuse(entry, "'-' needs a number", expected="a number")
            value = _constant_value(term)
            assert isinstance(value, int | float)
            return const(-value, term.kind)
        return term

    def _coerce(self, node: ast.AST, term: Term, other: Term) -> Term:
        """A constant text beside a duration is a duration."""
        if other.kind is not Kind.DURATION or term.op is not Op.CONST or not isinstance(term.value, str):
            return term
        seconds = parse_duration(term.value)
        if seconds is None:
            self._refuse(node, f"{literal(term.value)} is no duration", expected=FORM)
        return const(seconds, Kind.DURATION)

    # -- thresholds ----------------------------------------------------------------------------------------------

    def _against_rate(
        self, node: ast.Compare, left: ast.expr, symbol: str, right: ast.expr, known: frozenset[str]
    ) -> Term:
        assert isinstance(right, ast.Call)
        term = self._check(left, known).term
        feature = term.feature
        if feature is None or feature.origin not in (Origin.SIGNAL, Origin.IN_PART):
            self._refuse(left, "at_fpr(…) stands beside a signal", expected="hate >= at_fpr(0.001)")
        if symbol not in (">=", "<"):
            self._refuse(node, f"at_fpr(…) cannot be used with '{symbol}'", expected=">= (reaches it) or < (does not)")
        (argument,) = self._arguments(right, "at_fpr", 1)
        rate = argument.value if isinstance(argument, ast.Constant) else None
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1:
            self._refuse(argument, "a false-positive rate is a number between 0 and 1", expected="at_fpr(0.001)")
        threshold = self._resolve(right, str(feature.argument), float(rate))
        self.thresholds[f"{feature.argument} {threshold.asked}"] = threshold
        return _comparison(term, symbol, const(threshold.value, Kind.NUMBER))

    def _resolve(self, node: ast.AST, signal: str, rate: float) -> Threshold:
        """The smallest threshold whose upper bound of the false-positive rate is at most ``rate``."""
        offers = self.environment.signals[signal]
        if len(offers) > 1:
            names = ", ".join(offer.detector.name for offer in offers)
            message = f"signal '{signal}' comes from several detectors ({names}), so no one table applies"
            self._refuse(node, message, remedy="write a threshold as a number")
        detector, spec = offers[0].detector, offers[0].signal
        if spec.kind is not SignalKind.PROBABILITY or not spec.operating_points:
            message = f"{detector.name} {detector.version} has no calibrated operating points for '{signal}'"
            self._refuse(node, message, remedy="write a threshold as a number, such as 0.8")
        reached = [point for point in spec.operating_points if point.fpr_upper <= rate]
        if not reached:
            best = min(spec.operating_points, key=lambda point: point.fpr_upper)
            self._refuse(
                node,
                f"{detector.name} {detector.version} cannot show a false-positive rate of at most {rate:g} for '{signal}'",
                expected=f"at_fpr({_round_up(best.fpr_upper)}) or more: its best upper bound is {best.fpr_upper:.2g}",
                remedy="ask for a higher rate, or calibrate the detector on more data",
            )
        point = min(reached, key=lambda each: each.threshold)
        return Threshold(
            signal=signal,
            asked=f"at_fpr({rate:g})",
            value=point.threshold,
            detector=detector.name,
            version=detector.version,
            fpr_upper=point.fpr_upper,
            recall=point.recall,
        )

    # -- arithmetic ----------------------------------------------------------------------------------------------

    def _negative(self, node: ast.UnaryOp, known: frozenset[str]) -> Term:
        term = self._definite(node.operand, self._check(node.operand, known).term)
        if term.kind not in NUMERIC and term.kind is not Kind.DURATION:
            self._refuse(node, f"'-' has no meaning for {term.kind}", expected="a number")
        if term.op is Op.CONST and isinstance(term.value, int | float):
            return const(-term.value, term.kind)
        return compound(Op.NEGATIVE, term.kind, term)

    def _arithmetic(self, node: ast.BinOp, known: frozenset[str]) -> Term:
        a = self._definite(node.left, self._check(node.left, known).term)
        b = self._definite(node.right, self._check(node.right, known).term)
        a, b = self._coerce(node.left, a, b), self._coerce(node.right, b, a)
        symbol = _SYMBOLS[type(node.op)]
        kind = _result(a.kind, symbol, b.kind)
        if kind is None:
            message = f"'{symbol}' cannot combine {_article(a.kind)} with {_article(b.kind)}"
            self._refuse(node, message, expected="numbers or durations")
        return compound(Op.ARITHMETIC, kind, a, b, symbol=symbol)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, name: str, known: frozenset[str]) -> Term:
        match name:
            case "min" | "max" | "abs":
                return self._numeric_call(node, name, known)
            case "lower":
                (argument,) = self._arguments(node, name, 1)
                term = self._text(argument, self._check(argument, known).term)
                return compound(Op.CALL, Kind.TEXT, term, symbol="lower")
            case "known":
                (argument,) = self._arguments(node, name, 1)
                return compound(Op.KNOWN, Kind.BOOLEAN, self._check(argument, known).term)
            case "in_part":
                return self._in_part(node)
            case "bank":
                return self._bank(node)
            case "age":
                return self._age(node, known)
            case "matches" | "count_matches" | "contains" | "length":
                return self._text_call(node, name, known)
            case "at_fpr":
                self._refuse(node, "at_fpr(…) stands beside a signal in a comparison", expected=SIGNATURES[name])
        near = nearest(name, SIGNATURES)
        expected = "one of " + ", ".join(SIGNATURES)
        self._refuse(node.func, f"unknown function '{name}'", expected=expected, near=near)

    def _arguments(self, node: ast.Call, name: str, least: int, most: int | None = None) -> list[ast.expr]:
        if node.keywords:
            self._refuse(node.keywords[0], f"{name} takes no named arguments", expected=SIGNATURES[name])
        if not least <= len(node.args) <= (least if most is None else most):
            self._refuse(node, f"{name} is given {len(node.args)} argument(s)", expected=SIGNATURES[name])
        return node.args

    def _literal_text(self, node: ast.expr, name: str) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value.strip():
            self._refuse(node, f"this argument of {name} is a constant text", expected=SIGNATURES[name])
        return node.value

    def _text(self, node: ast.expr, term: Term) -> Term:
        self._definite(node, term)
        if term.kind is not Kind.TEXT:
            self._refuse(node, f"this is {_article(term.kind)}", expected="a text")
        return term

    def _numeric_call(self, node: ast.Call, name: str, known: frozenset[str]) -> Term:
        arguments = self._arguments(node, name, 1, 1) if name == "abs" else self._arguments(node, name, 2, 16)
        terms = [self._definite(each, self._check(each, known).term) for each in arguments]
        first = next((term for term in terms if term.kind is Kind.DURATION), terms[0])
        terms = [self._coerce(each, term, first) for each, term in zip(arguments, terms, strict=True)]
        kind: Kind | None = terms[0].kind
        for each, term in zip(arguments, terms, strict=True):
            kind = _common(kind, term.kind) if kind else None
            if kind is None or (kind not in NUMERIC and kind is not Kind.DURATION):
                self._refuse(each, f"this is {_article(term.kind)}", expected="a number")
        assert kind is not None
        return compound(Op.CALL, kind, *terms, symbol=name)

    def _in_part(self, node: ast.Call) -> Term:
        where, what = self._arguments(node, "in_part", 2)
        part = self._literal_text(where, "in_part")
        screened = [spec.name for spec in self.environment.content_type.fields if spec.role in SCREENED_ROLES]
        if part not in screened:
            message = f"content type {self.environment.content_type.name} has no screened field '{part}'"
            expected = "one of " + ", ".join(screened)
            self._refuse(where, message, expected=expected, near=nearest(part, screened))
        if not isinstance(what, ast.Name) or what.id not in self.environment.signals:
            name = what.id if isinstance(what, ast.Name) else ""
            near = nearest(name, self.environment.signals)
            self._refuse(what, "the second argument of in_part is a signal", expected=SIGNATURES["in_part"], near=near)
        signal = self._signal(what, what.id)
        name = call_key("in_part", literal(part), what.id)
        return read(Feature(name, Kind.NUMBER, Origin.IN_PART, argument=signal.argument, part=part))

    def _bank(self, node: ast.Call) -> Term:
        (argument,) = self._arguments(node, "bank", 1)
        name = self._literal_text(argument, "bank")
        banks = sorted(self.environment.banks)
        if name not in banks:
            expected = "one of " + ", ".join(banks) if banks else "a bank, and there is none yet"
            self._refuse(argument, f"unknown bank '{name}'", expected=expected, near=nearest(name, banks))
        if f"bank:{name}" not in self.environment.signals:
            remedy = "add a detector that matches against it"
            self._refuse(argument, f"no detector looks into bank '{name}'", remedy=remedy)
        return read(Feature(call_key("bank", literal(name)), Kind.INTEGER, Origin.BANK, argument=f"bank:{name}"))

    def _age(self, node: ast.Call, known: frozenset[str]) -> Term:
        (argument,) = self._arguments(node, "age", 1)
        if isinstance(argument, ast.Name) and argument.id == "actor":
            source = self._field_feature(argument, "actor", "created_at")
            name = "age(actor)"
        elif isinstance(argument, ast.Attribute) and isinstance(argument.value, ast.Name):
            source = self._field_feature(argument, argument.value.id, argument.attr)
            name = call_key("age", source.name)
            if source.kind is not Kind.TIMESTAMP:
                self._refuse(argument, f"{source.name} is {_article(source.kind)}", expected="a timestamp")
        else:
            self._refuse(argument, "age is asked of the actor or a timestamp", expected=SIGNATURES["age"])
        subject = source.subject or Subject("item", "created_at")
        feature = Feature(name, Kind.DURATION, Origin.AGE, subject=subject, optional=source.optional)
        return read(feature, name in known or source.name in known)

    def _text_call(self, node: ast.Call, name: str, known: frozenset[str]) -> Term:
        count = 1 if name == "length" else 2
        arguments = self._arguments(node, name, count)
        subject = self._subject(arguments[0], name, known)
        if name == "length":
            return read(Feature(call_key(name, subject.key), Kind.INTEGER, Origin.LENGTH, subject=subject))
        wanted = self._literal_text(arguments[1], name)
        feature_name = call_key(name, subject.key, literal(wanted))
        if name == "contains":
            if not canonical_text(wanted):
                self._refuse(arguments[1], "these words vanish in the canonical form", expected="some words")
            return read(Feature(feature_name, Kind.BOOLEAN, Origin.CONTAINS, subject=subject, argument=wanted))
        try:
            check_pattern(wanted)
        except BadPattern as error:
            remedy = "RE2 has no look-around and no back-references: https://github.com/google/re2/wiki/Syntax"
            self._refuse(arguments[1], f"RE2 refuses the pattern: {error}", remedy=remedy)
        if name == "matches":
            return read(Feature(feature_name, Kind.BOOLEAN, Origin.MATCHES, subject=subject, argument=wanted))
        return read(Feature(feature_name, Kind.INTEGER, Origin.COUNT_MATCHES, subject=subject, argument=wanted))

    def _subject(self, node: ast.expr, name: str, known: frozenset[str]) -> Subject:
        """What a text function looks at: ``text``, a field, or ``lower`` of one."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lower":
            (argument,) = self._arguments(node, "lower", 1)
            inner = self._subject(argument, name, known)
            return Subject(inner.owner, inner.name, lower=True)
        if isinstance(node, ast.Name) and node.id == "text":
            return Subject("text")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            feature = self._field_feature(node, node.value.id, node.attr)
            if feature.kind in (Kind.TEXT, Kind.LIST):
                self._definite(node, read(feature, feature.name in known))
                return feature.subject or Subject(node.value.id, node.attr)
        self._refuse(node, f"{name} looks at a text", expected=SIGNATURES[name])


def _column(key: str, spec: FieldSpec, origin: Origin) -> Feature:
    owner, _, name = key.partition(".")
    kind = _KINDS[spec.type]
    personal = kind in (Kind.TEXT, Kind.LIST, Kind.IMAGE) and spec.type is not FieldType.LANGUAGE
    return Feature(key, kind, origin, Subject(owner, name), optional=not spec.required, personal=personal)


def _comparison(a: Term, symbol: str, b: Term) -> Term:
    """Constants to the right, so that equal comparisons get equal keys."""
    if a.op is Op.CONST and b.op is not Op.CONST:
        a, symbol, b = b, _MIRRORED[symbol], a
    return compound(Op.COMPARE, Kind.BOOLEAN, a, b, symbol=symbol)


def _constant_value(term: Term) -> str | int | float | bool | None:
    assert not isinstance(term.value, tuple)
    return term.value


def _common(a: Kind, b: Kind) -> Kind | None:
    """The type that holds values of both, if there is one."""
    if a is b:
        return a
    if a in NUMERIC and b in NUMERIC:
        return Kind.NUMBER
    if Kind.NONE in (a, b):
        return b if a is Kind.NONE else a
    return None


def _result(a: Kind, symbol: str, b: Kind) -> Kind | None:
    """The type of an arithmetic operation, or None where it has none."""
    if a in NUMERIC and b in NUMERIC:
        return Kind.INTEGER if a is b is Kind.INTEGER and symbol != "/" else Kind.NUMBER
    durations = (a is Kind.DURATION, b is Kind.DURATION)
    if durations == (True, True):
        return {"+": Kind.DURATION, "-": Kind.DURATION, "/": Kind.NUMBER}.get(symbol)
    if durations == (True, False) and b in NUMERIC and symbol in "*/":
        return Kind.DURATION
    if durations == (False, True) and a in NUMERIC and symbol == "*":
        return Kind.DURATION
    return None


def _calls(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _article(kind: Kind) -> str:
    if kind is Kind.NONE:
        return "None"
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _round_up(rate: float) -> str:
    """Two significant digits, never below the rate."""
    text = f"{rate:.2g}"
    return text if float(text) >= rate else f"{rate * 1.01:.2g}"
