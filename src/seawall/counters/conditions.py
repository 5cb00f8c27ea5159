"""Conditions over the attributes of an activity, as functions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from seawall.model.counters import Condition

Attributes: TypeAlias = Mapping[str, Any]
"""Attributes of an activity by name. Numbers and booleans as they are; texts as digests (``Digest``)."""
Digest: TypeAlias = Callable[[str], str]
"""The keyed digest that stands for a text: sixteen hexadecimal digits."""

_OPERATORS: Final = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def compile_condition(condition: Condition, digest: Digest) -> Callable[[Attributes], bool]:
    """The condition as a function of an activity's attributes. A test of one that is missing is false."""
    match condition:
        case ("and", left, right):
            first, second = compile_condition(left, digest), compile_condition(right, digest)
            return lambda attributes: first(attributes) and second(attributes)
        case ("or", left, right):
            first, second = compile_condition(left, digest), compile_condition(right, digest)
            return lambda attributes: first(attributes) or second(attributes)
        case ("not", inner):
            test = compile_condition(inner, digest)
            return lambda attributes: not test(attributes)
        case ("is", name):
            return lambda attributes: attributes.get(name) is True
        case ("in", name, constants):
            wanted = frozenset(_value(constant, digest) for constant in constants)
            return lambda attributes: name in attributes and attributes[name] in wanted
        case ("compare", name, symbol, constant):
            return _comparison(name, _OPERATORS[symbol], _value(constant, digest))
    raise ValueError(f"no condition: {condition!r}")


def _comparison(name: str, compare: Callable[[Any, Any], Any], constant: Any) -> Callable[[Attributes], bool]:
    is_text = isinstance(constant, str)

    def test(attributes: Attributes) -> bool:
        value = attributes.get(name)
        if value is None or isinstance(value, str) is not is_text or isinstance(value, tuple):
            return False
        return bool(compare(value, constant))

    return test


def _value(constant: Any, digest: Digest) -> Any:
    return digest(constant) if isinstance(constant, str) else constant
