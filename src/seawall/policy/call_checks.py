"""Type checking of function calls: checks each call's arguments and returns its result as a term.

Calls over texts, signals, banks and time become features: computed once per row and stored with it. ``min``, ``max``,
``abs``, ``lower`` and ``known`` are evaluated in place.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final

from seawall.policy.checking import CallChecker
from seawall.policy.counter_calls import (
    check_cluster_size,
    check_count,
    check_first_seen,
    check_last,
    check_strikes,
    check_values,
)
from seawall.policy.figures import AskedFigure
from seawall.policy.functions import (
    SIGNATURES,
    BadPattern,
    UselessPattern,
    canonical_text,
    check_pattern,
    compile_pattern,
)
from seawall.policy.syntax import InvalidExpression, field_parts
from seawall.policy.tree import (
    NUMERIC,
    Feature,
    FeatureOrigin,
    Operator,
    TextSubject,
    TypedTerm,
    ValueType,
    article,
    call_key,
    common_kind,
    compound,
    const,
    literal,
    read,
)
from seawall.yamlfile.source import nearest

_Known = frozenset[str]


def check_call(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """The term of a call. Raises Refused."""
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    check = _CALLS.get(name)
    if check is not None:
        return check(checker, node, known)
    near = nearest(name, SIGNATURES)
    raise checker.refused(
        node.func, f"unknown function '{name}'", expected="one of " + ", ".join(SIGNATURES), near=near
    )


def arguments(checker: CallChecker, node: ast.Call, least: int, most: int | None = None) -> list[ast.expr]:
    """The positional arguments, counted; named ones are refused."""
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    if node.keywords:
        raise checker.refused(node.keywords[0], f"{name} takes no named arguments", expected=SIGNATURES[name])
    if not least <= len(node.args) <= (least if most is None else most):
        count = len(node.args)
        noun = "argument" if count == 1 else "arguments"
        raise checker.refused(node, f"{name} has {count} {noun}", expected=SIGNATURES[name])
    return node.args


def _constant_text(checker: CallChecker, node: ast.expr, name: str) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value.strip():
        raise checker.refused(node, f"this argument of {name} must be a constant string", expected=SIGNATURES[name])
    return node.value


def _numeric(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    nodes = arguments(checker, node, 1) if name == "abs" else arguments(checker, node, 2, 16)
    terms = [checker.definite(each, checker.check(each, known).term) for each in nodes]
    model = next((term for term in terms if term.kind is ValueType.DURATION), terms[0])
    terms = [checker.coerce(each, term, model) for each, term in zip(nodes, terms, strict=True)]
    kind = terms[0].kind
    for each, term in zip(nodes, terms, strict=True):
        shared = common_kind(kind, term.kind)
        if shared is None or not (shared in NUMERIC or shared is ValueType.DURATION):
            raise checker.refused(each, f"this is {article(term.kind)}", expected="a number")
        kind = shared
    return compound(Operator.CALL, kind, *terms, symbol=name)


def _lower(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    (argument,) = arguments(checker, node, 1)
    term = checker.definite(argument, checker.check(argument, known).term)
    if term.kind is not ValueType.TEXT:
        raise checker.refused(argument, f"this is {article(term.kind)}", expected="a text")
    return compound(Operator.CALL, ValueType.TEXT, term, symbol="lower")


def _known(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    (argument,) = arguments(checker, node, 1)
    term = checker.check(argument, known).term
    return (
        const(True, ValueType.BOOLEAN)
        if term.op is Operator.CONST
        else compound(Operator.KNOWN, ValueType.BOOLEAN, term)
    )


def _why_silent(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    """``unanswerable(signal)`` and ``not_permitted(signal)``: the two reasons that asking again does not change."""
    assert isinstance(node.func, ast.Name)
    function = node.func.id
    (what,) = arguments(checker, node, 1)
    signal = _signal(checker, what, f"the argument of {function} must be a signal", function)
    name = call_key(function, signal.name)
    return read(Feature(name, ValueType.BOOLEAN, FeatureOrigin(function), argument=signal.argument))


def _signal(checker: CallChecker, node: ast.expr, otherwise: str, function: str) -> Feature:
    """The signal that an argument names, or a kind of its evidence. Raises Refused with ``otherwise``."""
    environment = checker.environment
    match node:
        case ast.Name(id=name) if name in environment.signals:
            return checker.ask(node, environment.signal, name)
        case ast.Attribute(value=ast.Name(id=name)) if field_parts(node) is None:
            return checker.kind_of_signal(node, name, node.attr)
    near = nearest(node.id, environment.signals) if isinstance(node, ast.Name) else ()
    raise checker.refused(node, otherwise, expected=SIGNATURES[function], near=near)


def _in_part(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    where, what = arguments(checker, node, 2)
    part = checker.ask(where, checker.environment.screened, _constant_text(checker, where, "in_part"))
    signal = _signal(checker, what, "the second argument of in_part must be a signal", "in_part")
    name = call_key("in_part", literal(part), signal.name)
    return read(Feature(name, ValueType.NUMBER, FeatureOrigin.IN_PART, argument=signal.argument, part=part))


def _bank(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    within = _within(checker, node)
    (argument,) = arguments(checker, ast.copy_location(ast.Call(node.func, node.args, []), node), 1)
    name = _constant_text(checker, argument, "bank")
    signal = checker.ask(argument, checker.environment.bank, name)
    written = (literal(name),) if within is None else (literal(name), f"within={within}")
    return read(
        Feature(call_key("bank", *written), ValueType.INTEGER, FeatureOrigin.BANK, argument=signal, within=within)
    )


def _within(checker: CallChecker, node: ast.Call) -> int | None:
    """The largest distance of a match that counts, if the call names one: ``bank("x", within=20)``."""
    for keyword in node.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg != "within" or type(value) is not int or not 0 <= value <= _FARTHEST:
            raise checker.refused(
                keyword, f"within= must be a whole number from 0 to {_FARTHEST}", expected=SIGNATURES["bank"]
            )
        return value
    return None


def _age(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    (argument,) = arguments(checker, node, 1)
    if isinstance(argument, ast.Name) and argument.id == "actor":
        moment, name = checker.ask(argument, checker.environment.field, "actor", "created_at"), "age(actor)"
    elif (parts := field_parts(argument)) is not None:
        moment = checker.ask(argument, checker.environment.field, *parts)
        name = call_key("age", moment.name)
    else:
        raise checker.refused(argument, "age takes the actor or a timestamp field", expected=SIGNATURES["age"])
    if moment.kind is not ValueType.TIMESTAMP:
        raise checker.refused(argument, f"{moment.name} is {article(moment.kind)}", expected="a timestamp")
    own = "created_at" if moment.origin is FeatureOrigin.ITEM_CREATED_AT else None
    subject = moment.subject or TextSubject("item", "created_at")
    feature = Feature(name, ValueType.DURATION, FeatureOrigin.AGE, subject, own, optional=moment.optional)
    return read(feature, name in known or moment.name in known)


# -- figures -----------------------------------------------------------------------------------------------------


def _figure(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    raise checker.refused(node, f"{name}(…) stands beside a signal in a comparison", expected=SIGNATURES[name])


def asked_figure(checker: CallChecker, node: ast.Call) -> AskedFigure:
    """What an ``at_fpr``, ``at_precision`` or ``at_recall`` asks for. Raises Refused."""
    assert isinstance(node.func, ast.Name)
    name = node.func.id
    expected = SIGNATURES[name].rpartition(" >= ")[2]
    named = node.keywords if name == "at_precision" else []
    rest = [keyword for keyword in node.keywords if keyword not in named]
    (argument,) = arguments(checker, ast.copy_location(ast.Call(node.func, node.args, rest), node), 1)
    figure = _share(argument)
    if figure is None:
        noun = AskedFigure(name, 0.5).noun
        raise checker.refused(argument, f"a {noun} must be between 0 and 1", expected=expected)
    prevalence = None
    for keyword in named:
        prevalence = _share(keyword.value) if keyword.arg == "prevalence" and prevalence is None else None
        if prevalence is None:
            message = "at_precision takes one more argument: prevalence=, a share between 0 and 1"
            raise checker.refused(keyword, message, expected=expected)
    return AskedFigure(name, figure, prevalence)


def _share(node: ast.expr) -> float | None:
    """A constant between 0 and 1, both excluded."""
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        return None
    return float(value)


# -- texts -------------------------------------------------------------------------------------------------------


def _length(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    (argument,) = arguments(checker, node, 1)
    subject = _subject(checker, argument, "length", known)
    return read(Feature(call_key("length", subject.key), ValueType.INTEGER, FeatureOrigin.LENGTH, subject))


def _contains(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    where, what = arguments(checker, node, 2)
    subject = _subject(checker, where, "contains", known)
    words = _constant_text(checker, what, "contains")
    if not canonical_text(words):
        raise checker.refused(what, "nothing of this text remains after normalisation", expected="words")
    name = call_key("contains", subject.key, literal(words))
    return read(Feature(name, ValueType.BOOLEAN, FeatureOrigin.CONTAINS, subject, words))


def _pattern(checker: CallChecker, node: ast.Call, known: _Known) -> TypedTerm:
    assert isinstance(node.func, ast.Name)
    function = node.func.id
    where, what = arguments(checker, node, 2)
    subject = _subject(checker, where, function, known)
    pattern = _constant_text(checker, what, function)
    refuse_pattern(checker.refused, what, pattern, strict=not checker.environment.is_published)
    kind, origin = (
        (ValueType.BOOLEAN, FeatureOrigin.MATCHES)
        if function == "matches"
        else (ValueType.INTEGER, FeatureOrigin.COUNT_MATCHES)
    )
    return read(Feature(call_key(function, subject.key, literal(pattern)), kind, origin, subject, pattern))


def refuse_pattern(
    refused: Callable[..., InvalidExpression], node: ast.expr, pattern: str, *, strict: bool = True
) -> None:
    """Raises Refused for a pattern that cannot be used. ``strict``: also for one that does not do what it means."""
    try:
        if strict:
            check_pattern(pattern)
        compile_pattern(pattern)
    except UselessPattern as error:
        raise refused(node, f"the pattern cannot be used: {error}") from None
    except BadPattern as error:
        remedy = "RE2 has no look-around and no back-references: https://github.com/google/re2/wiki/Syntax"
        raise refused(node, f"RE2 rejects the pattern: {error}", remedy=remedy) from None


def _subject(checker: CallChecker, node: ast.expr, function: str, known: _Known) -> TextSubject:
    """What a text function looks at: ``text``, a field, or ``lower`` of one."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lower":
        (argument,) = arguments(checker, node, 1)
        inner = _subject(checker, argument, function, known)
        return TextSubject(inner.owner, inner.name, lower=True)
    if isinstance(node, ast.Name) and node.id == "text":
        return TextSubject("text")
    if (parts := field_parts(node)) is not None:
        feature = checker.ask(node, checker.environment.field, *parts)
        if feature.kind in (ValueType.TEXT, ValueType.LIST) and feature.subject is not None:
            checker.definite(node, read(feature, feature.name in known))
            return feature.subject
    raise checker.refused(node, f"the first argument of {function} must be a text", expected=SIGNATURES[function])


_FARTHEST: Final = 256  # bits of an image hash; other distances are percentages

_CALLS: Final[Mapping[str, Callable[[CallChecker, ast.Call, _Known], TypedTerm]]] = {
    "abs": _numeric,
    "age": _age,
    "among_last": check_last,
    "at_fpr": _figure,
    "at_precision": _figure,
    "at_recall": _figure,
    "bank": _bank,
    "cluster_size": check_cluster_size,
    "contains": _contains,
    "count": check_count,
    "count_matches": _pattern,
    "distinct": check_values,
    "first_seen": check_first_seen,
    "in_part": _in_part,
    "known": _known,
    "length": _length,
    "lower": _lower,
    "matches": _pattern,
    "max": _numeric,
    "max_of": check_values,
    "min": _numeric,
    "not_permitted": _why_silent,
    "rate": check_count,
    "ratio": check_count,
    "since_last": check_last,
    "strikes": check_strikes,
    "sum_of": check_values,
    "unanswerable": _why_silent,
}
