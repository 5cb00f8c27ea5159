"""The checked tree: an expression after names, types and thresholds are resolved.

Every term carries its canonical text (``key``). Terms with equal keys are the same computation, which is how shared
subexpressions are found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from seawall.model.counters import CounterSpec

Scalar: TypeAlias = str | int | float | bool | None
MAX_TERMS: Final = 2_000  # terms of one expression, lets expanded
MAX_TERM_DEPTH: Final = 60


class ValueType(StrEnum):
    """The types of the language. A duration is seconds; a timestamp is milliseconds since 1970."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    DURATION = "duration"
    TIMESTAMP = "timestamp"
    LIST = "list"
    MEDIA = "media file"
    NONE = "None"


NUMERIC: Final = frozenset({ValueType.NUMBER, ValueType.INTEGER})
ORDERED: Final = frozenset({ValueType.NUMBER, ValueType.INTEGER, ValueType.DURATION, ValueType.TIMESTAMP})


def common_kind(a: ValueType, b: ValueType) -> ValueType | None:
    """The type that can hold values of both, or None."""
    if a is b:
        return a
    if a in NUMERIC and b in NUMERIC:
        return ValueType.NUMBER
    if ValueType.NONE in (a, b):
        return b if a is ValueType.NONE else a
    return None


def article(kind: ValueType) -> str:
    """The type's name with its article."""
    if kind is ValueType.NONE:
        return "None"
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


class FeatureOrigin(StrEnum):
    """The source of a feature's value."""

    FIELD = "field"
    ATTRIBUTE = "attribute"
    ITEM_LANGUAGE = "item_language"
    ITEM_CREATED_AT = "item_created_at"
    SIGNAL = "signal"
    IN_PART = "in_part"
    BANK = "bank"
    UNANSWERABLE = "unanswerable"
    NOT_PERMITTED = "not_permitted"
    AGE = "age"
    NOW = "now"
    CANARY = "canary"
    TEXT = "text"
    IS_NONE = "is_none"
    IN_LIST = "in_list"
    LENGTH = "length"
    MATCHES = "matches"
    COUNT_MATCHES = "count_matches"
    CONTAINS = "contains"
    COUNTER = "counter"
    CREATOR_WORDS = "creator_words"


GROWING: Final = frozenset({FeatureOrigin.SIGNAL, FeatureOrigin.IN_PART, FeatureOrigin.BANK})


@dataclass(frozen=True, slots=True)
class TextSubject:
    """A text that functions read: a field, an attribute, or all screened text (owner ``text``)."""

    owner: str
    name: str = ""
    lower: bool = False

    @property
    def key(self) -> str:
        """The subject as written in the language."""
        bare = f"{self.owner}.{self.name}" if self.name else self.owner
        return f"lower({bare})" if self.lower else bare


@dataclass(frozen=True, slots=True)
class Feature:
    """A typed column of the feature row, named by its canonical call.

    ``personal``: its value is a person's free text, so it is stored in the vault only.
    """

    name: str
    kind: ValueType
    origin: FeatureOrigin
    subject: TextSubject | None = None
    argument: Scalar = None  # signal, bank, pattern, words or list entry
    part: str | None = None  # of in_part
    within: int | None = None  # of bank: matches further away do not count
    optional: bool = False
    personal: bool = False
    counter: CounterSpec | None = None

    @property
    def growing(self) -> bool:
        """Whether its known parts give a lower bound while other parts are unknown."""
        return self.origin in GROWING

    @property
    def of_all_texts(self) -> bool:
        """Whether it is computed from every text of the item, those that extractors make of files among them."""
        return self.origin is FeatureOrigin.TEXT or (self.subject is not None and self.subject.owner == "text")

    @property
    def bound(self) -> str:
        """Name of the column that holds the lower bound while the feature is unknown."""
        return f"at_least({self.name})"


class Operator(StrEnum):
    """The operation of a term."""

    CONST = "const"
    FEATURE = "feature"
    NOT = "not"
    AND = "and"
    OR = "or"
    COMPARE = "compare"
    IN = "in"
    IS_NONE = "is_none"
    ARITHMETIC = "arithmetic"
    NEGATIVE = "negative"
    IF = "if"
    CALL = "call"
    KNOWN = "known"


class TooLarge(Exception):
    """An expression that exceeds the limits after its lets are expanded."""


@dataclass(frozen=True, slots=True, eq=False)
class TypedTerm:
    """A node. ``symbol`` is the operator or function; ``value`` a constant's value or the entries of an ``in``.

    ``narrowed``: a feature that may be None, read where a guard excludes that.
    """

    op: Operator
    kind: ValueType
    key: str
    args: tuple[TypedTerm, ...] = ()
    symbol: str = ""
    value: Scalar | tuple[Scalar, ...] = None
    feature: Feature | None = None
    optional: bool = False
    narrowed: bool = False
    size: int = 1
    depth: int = 1


def literal(value: Scalar) -> str:
    """A constant as written in the language."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def call_key(function: str, *arguments: str) -> str:
    """The canonical spelling of a call."""
    return f"{function}({', '.join(arguments)})"


def const(value: Scalar, kind: ValueType) -> TypedTerm:
    """A constant."""
    return TypedTerm(Operator.CONST, kind, literal(value), value=value, optional=value is None)


def read(feature: Feature, narrowed: bool = False) -> TypedTerm:
    """A feature's value."""
    optional = feature.optional and not narrowed
    return TypedTerm(
        Operator.FEATURE,
        feature.kind,
        feature.name,
        feature=feature,
        optional=optional,
        narrowed=feature.optional and narrowed,
    )


def compound(
    op: Operator,
    kind: ValueType,
    *args: TypedTerm,
    symbol: str = "",
    value: tuple[Scalar, ...] | None = None,
    optional: bool = False,
) -> TypedTerm:
    """A term composed of others. Raises TooLarge."""
    size = 1 + sum(arg.size for arg in args)
    depth = 1 + max((arg.depth for arg in args), default=0)
    if size > MAX_TERMS or depth > MAX_TERM_DEPTH:
        raise TooLarge
    return TypedTerm(op, kind, _key(op, args, symbol, value), args, symbol, value, None, optional, False, size, depth)


def _key(op: Operator, args: tuple[TypedTerm, ...], symbol: str, value: tuple[Scalar, ...] | None) -> str:
    keys = [arg.key for arg in args]
    match op:
        case Operator.NOT:
            return f"(not {keys[0]})"
        case Operator.NEGATIVE:
            return f"(-{keys[0]})"
        case Operator.AND | Operator.OR:
            return "(" + f" {op} ".join(keys) + ")"
        case Operator.COMPARE | Operator.ARITHMETIC:
            return f"({keys[0]} {symbol} {keys[1]})"
        case Operator.IN:
            return f"({keys[0]} in [{', '.join(map(literal, value or ()))}])"
        case Operator.IS_NONE:
            return f"({keys[0]} is None)"
        case Operator.IF:
            return f"({keys[1]} if {keys[0]} else {keys[2]})"
        case _:
            return call_key(symbol or op, *keys)


def features_of(term: TypedTerm, found: dict[str, Feature] | None = None) -> dict[str, Feature]:
    """Every feature a term reads, by name, in order of first reading."""
    found = {} if found is None else found
    if term.feature is not None:
        found.setdefault(term.feature.name, term.feature)
    for arg in term.args:
        features_of(arg, found)
    return found


def features_of_known(term: TypedTerm) -> frozenset[str]:
    """The names of the features that a term asks ``known(…)`` about."""
    inside = frozenset[str]().union(*(features_of_known(arg) for arg in term.args))
    return inside | features_of(term).keys() if term.op is Operator.KNOWN else inside
