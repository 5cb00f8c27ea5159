"""The compiled rules against a small interpreter that was written from the language's definition alone."""

from __future__ import annotations

import ast
import operator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.model import UNKNOWN
from seawall.policy import Program
from support.examples import examples
from support.policies import build, policy, rule

# -- the reference -------------------------------------------------------------------------------------------------

COMPARE = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
FUNCTIONS = {"min": min, "max": max, "abs": abs}


def interpret(node: ast.expr, row: dict[str, Any]) -> Any:
    """The value of an expression: Kleene's strong logic, evaluated from left to right, guards first."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name() | ast.Attribute():
            return row[ast.unparse(node)]
        case ast.BoolOp():
            decisive = isinstance(node.op, ast.Or)
            unknown = False
            for operand in node.values:
                value = interpret(operand, row)
                if value is decisive:
                    return decisive
                unknown = unknown or value is UNKNOWN
            return UNKNOWN if unknown else not decisive
        case ast.UnaryOp():
            value = interpret(node.operand, row)
            if value is UNKNOWN:
                return UNKNOWN
            return not value if isinstance(node.op, ast.Not) else -value
        case ast.Compare():
            left = node.left
            results = []
            for op, right in zip(node.ops, node.comparators, strict=True):
                results.append(compare(left, op, right, row))
                left = right
            return (
                False if False in [r for r in results if r is not UNKNOWN] else UNKNOWN if UNKNOWN in results else True
            )
        case ast.BinOp():
            a, b = interpret(node.left, row), interpret(node.right, row)
            if a is UNKNOWN or b is UNKNOWN or (b == 0 and isinstance(node.op, ast.Div | ast.Mod)):
                return UNKNOWN
            return ARITHMETIC[type(node.op)](a, b)
        case ast.IfExp():
            test = interpret(node.test, row)
            if test is not UNKNOWN:
                return interpret(node.body if test else node.orelse, row)
            a, b = interpret(node.body, row), interpret(node.orelse, row)
            return a if a is not UNKNOWN and b is not UNKNOWN and a == b else UNKNOWN
        case ast.Call(func=ast.Name(id="known")):
            return interpret(node.args[0], row) is not UNKNOWN
        case ast.Call(func=ast.Name(id=name)):
            values = [interpret(argument, row) for argument in node.args]
            return UNKNOWN if any(value is UNKNOWN for value in values) else FUNCTIONS[name](*values)
    raise AssertionError(ast.dump(node))


def compare(left: ast.expr, op: ast.cmpop, right: ast.expr, row: dict[str, Any]) -> Any:
    a = interpret(left, row)
    if isinstance(op, ast.Is | ast.IsNot):
        return UNKNOWN if a is UNKNOWN else (a is None) is isinstance(op, ast.Is)
    if isinstance(op, ast.In | ast.NotIn):
        inside = a is not UNKNOWN and a in ast.literal_eval(right)
        return UNKNOWN if a is UNKNOWN else inside is isinstance(op, ast.In)
    b = interpret(right, row)
    bound = row.get(f"at_least({ast.unparse(left)})")
    if a is UNKNOWN and bound is not None and is_constant(right):
        return settle(type(op), bound, b)
    bound = row.get(f"at_least({ast.unparse(right)})")
    if b is UNKNOWN and bound is not None and is_constant(left):
        return settle(MIRRORED[type(op)], bound, a)
    return UNKNOWN if a is UNKNOWN or b is UNKNOWN else COMPARE[type(op)](a, b)


MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}


def is_constant(node: ast.expr) -> bool:
    """A literal, a negative number among them."""
    inner = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    return isinstance(inner, ast.Constant)


def settle(op: type[ast.cmpop], bound: float, threshold: float) -> Any:
    """What is certain of a value of which only a lower bound is known: true (or false) of every such value."""
    if op in (ast.GtE, ast.Lt) and bound >= threshold:
        return op is ast.GtE
    if op in (ast.Gt, ast.LtE, ast.Eq, ast.NotEq) and bound > threshold:
        return op in (ast.Gt, ast.NotEq)
    return UNKNOWN


# -- expressions ---------------------------------------------------------------------------------------------------

ORDER = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
CONSTANTS = st.sampled_from(["0", "1", "2", "0.25", "0.5", "0.75", "1.5"])
NUMBERS = st.sampled_from(["hate", "spam", "item.likes"])


def numbers(depth: int) -> st.SearchStrategy[str]:
    if depth == 0:
        return st.one_of(NUMBERS, CONSTANTS)
    below = numbers(depth - 1)
    return st.one_of(
        NUMBERS,
        CONSTANTS,
        st.builds("({} {} {})".format, below, st.sampled_from("+-*/%"), below),
        st.builds("(-{})".format, below),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), below, below),
        st.builds("abs({})".format, below),
        st.builds("({} if {} else {})".format, below, booleans(depth - 1), below),
        st.builds("(item.score if item.score is not None else {})".format, below),
    )


def booleans(depth: int, asking: bool = True) -> st.SearchStrategy[str]:
    below = numbers(max(depth - 1, 0))
    plain = [
        st.builds("{} {} {}".format, NUMBERS, ORDER, CONSTANTS),
        st.builds("({} {} {})".format, below, ORDER, below),
        st.builds("({} <= {} < {})".format, CONSTANTS, NUMBERS, CONSTANTS),
        st.sampled_from(["actor.verified", "(not actor.verified)", "item.likes in [0, 2]", "item.likes not in [1]"]),
        st.builds("(item.score is not None and item.score {} {})".format, ORDER, CONSTANTS),
        st.builds("(item.score is None or item.score {} {})".format, ORDER, CONSTANTS),
        st.builds("(item.pinned is not None and item.pinned)".format),
        st.builds("(item.pinned is None or not item.pinned)".format),
        st.sampled_from(["item.score is None", "item.pinned is not None"]),
    ]
    if depth == 0:
        return st.one_of(*plain)
    inner = booleans(depth - 1, asking)
    deeper = [
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("({} and {} and {})".format, inner, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
    ]
    if asking:
        deeper.append(st.builds("known({})".format, inner))
    return st.one_of(*plain, *deeper)


VALUES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
ROW = {
    "hate": st.one_of(VALUES, st.just(UNKNOWN)),
    "spam": st.one_of(VALUES, st.just(UNKNOWN)),
    "item.likes": st.one_of(st.integers(0, 3), st.just(UNKNOWN)),
    "item.score": st.one_of(VALUES, st.none(), st.just(UNKNOWN)),
    "item.pinned": st.one_of(st.booleans(), st.none(), st.just(UNKNOWN)),
    "actor.verified": st.one_of(st.booleans(), st.just(UNKNOWN)),
}
BOUNDS = {f"at_least({name})": st.one_of(st.none(), VALUES) for name in ("hate", "spam")}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row; an unknown signal may come with what its answered parts reach."""
    row = {name: draw(values) for name, values in ROW.items()}
    for name, values in BOUNDS.items():
        bound = draw(values)
        if bound is not None and row[name[9:-1]] is UNKNOWN:
            row[name] = bound
    return row


SETTINGS = settings(deadline=None, max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow])
KNOWN = {"hate": 0.0, "spam": 0.5, "item.likes": 1, "item.score": None, "item.pinned": True, "actor.verified": False}
FORCED = "threat_terms > 0.5"  # reads a feature of its own: unknown, it sends every rule through the careful body


def compiled(*conditions: str) -> Program:
    rules = [rule(when, rule_id=f"r{index}") for index, when in enumerate(conditions)]
    return build(policy(*rules)).program("comment")


def truths(program: Program, row: dict[str, Any]) -> dict[str, Any]:
    """Rule → True, False or UNKNOWN."""
    fired, undetermined = program.fired(row)
    result: dict[str, Any] = {checked.rule.id: False for checked in program.rules}
    result |= {checked.rule.id: True for checked in fired}
    return result | {checked.rule.id: UNKNOWN for checked in undetermined}


@SETTINGS
@given(st.lists(booleans(3), min_size=1, max_size=4), st.lists(rows(), min_size=1, max_size=8))
def test_compiled_rules_mean_what_the_language_says(conditions: list[str], samples: list[dict[str, Any]]) -> None:
    program = compiled(*conditions)
    for row in samples:
        came = truths(program, row)
        for index, condition in enumerate(conditions):
            assert came[f"r{index}"] is interpret(ast.parse(condition, mode="eval").body, row), (condition, row)


@SETTINGS
@given(st.lists(booleans(3), min_size=1, max_size=4), st.lists(rows(), min_size=1, max_size=8))
def test_the_two_bodies_agree_on_what_is_known(conditions: list[str], samples: list[dict[str, Any]]) -> None:
    program = compiled(*conditions, FORCED)
    for row in samples:
        known = {name: KNOWN[name] if row[name] is UNKNOWN else row[name] for name in KNOWN}
        plain = truths(program, {**known, "threat_terms": 0.0})
        careful = truths(program, {**known, "threat_terms": UNKNOWN})
        assert careful.pop(f"r{len(conditions)}") is UNKNOWN
        plain.pop(f"r{len(conditions)}")
        assert plain == careful


@SETTINGS
@given(booleans(3, asking=False), rows(), st.data())
def test_learning_an_unknown_never_contradicts_what_was_determined(
    condition: str, row: dict[str, Any], data: st.DataObject
) -> None:
    program = compiled(condition)
    before = truths(program, row)["r0"]
    learnt = {name: value for name, value in row.items() if not name.startswith("at_least")}
    for name, value in row.items():
        if value is UNKNOWN and data.draw(st.booleans()):
            least = row.get(f"at_least({name})", 0.0)
            possible = ROW[name].filter(lambda v: v is not UNKNOWN)
            learnt[name] = data.draw(possible.filter(lambda v: name not in ("hate", "spam") or v >= least))  # noqa: B023
        elif value is UNKNOWN and f"at_least({name})" in row:
            learnt[f"at_least({name})"] = row[f"at_least({name})"]
    after = truths(program, learnt)["r0"]
    assert before is UNKNOWN or after is before
